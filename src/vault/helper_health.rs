//! Whether other helpers answer: each is asked for its list, all at once, and none may ask a person anything.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::helper_logins::{is_list, locate};
use crate::model::HelperName;
use crate::system::keyring::{self, KeyringEntry, KeyringError};
use crate::system::programs::{self, ProgramCall, ProgramOutput, Stdin};
use crate::system::{env, threads};

/// How a helper took the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HelperHealth {
    Answers,
    /// It is our own program under another name.
    Ensign,
    Missing,
    /// It did not answer in time.
    Silent,
    /// It failed, or could not be started.
    Fails,
    /// It answered with something that is no list of logins.
    Nonsense,
    /// The keyring that it reads is locked: to ask it would be to prompt a person.
    Unasked,
}

/// A helper with a keyring that is open answers in a few milliseconds.
const DEADLINE: Duration = Duration::from_secs(3);

const LIMIT: usize = 16 << 20;

/// Without these a helper finds no place to ask a person.
const SCREENS: [&str; 4] = ["DISPLAY", "WAYLAND_DISPLAY", "GPG_TTY", "SSH_ASKPASS"];

/// Asks each helper, in the order in which they are named.
pub(crate) fn health_of(helpers: &[HelperName]) -> Vec<HelperHealth> {
    std::thread::scope(|scope| {
        let ask = |helper| threads::start_in(scope, move || health(helper));
        let asked: Vec<_> = helpers.iter().map(ask).collect();
        let answer = |asked: std::io::Result<std::thread::ScopedJoinHandle<'_, _>>| asked.ok()?.join().ok();
        asked.into_iter().map(|asked| answer(asked).unwrap_or(HelperHealth::Fails)).collect()
    })
}

fn health(helper: &HelperName) -> HelperHealth {
    let Ok(program) = locate(helper) else { return HelperHealth::Missing };
    if programs::is_this_program(&program) {
        return HelperHealth::Ensign;
    }
    if helper.program().ends_with("-secretservice") && keyring_is_locked() {
        return HelperHealth::Unasked;
    }
    let env_remove: Vec<_> = env::ours().chain(SCREENS.map(str::to_owned)).collect();
    let began = Instant::now();
    let answer = programs::call(&ProgramCall {
        program: &program,
        arguments: &["list".to_owned()],
        env: &BTreeMap::new(),
        env_remove: &env_remove,
        stdin: Stdin::Bytes(b"unused"),
        limit: LIMIT,
        deadline: DEADLINE,
    });
    match answer {
        Ok(ProgramOutput { success: true, stdout, .. }) if is_list(&stdout) => HelperHealth::Answers,
        Ok(ProgramOutput { success: true, .. }) => HelperHealth::Nonsense,
        Err(_) if began.elapsed() >= DEADLINE => HelperHealth::Silent,
        Ok(_) | Err(_) => HelperHealth::Fails,
    }
}

/// Any entry will do: what is locked says so before it looks.
fn keyring_is_locked() -> bool {
    let entry = KeyringEntry { service: "ensign", account: "doctor" };
    matches!(keyring::read(entry, DEADLINE), Err(KeyringError::Locked))
}
