//! `HelperHealth`: whether another helper answers. Ensign requests the lists of all helpers at the same time, and
//! removes the environment variables that a helper needs to prompt a person.

use std::time::{Duration, Instant};

use super::helper_logins::{ask_all, is_list, locate};
use crate::model::HelperName;
use crate::system::env;
use crate::system::keyring::{self, KeyringEntry, KeyringError};
use crate::system::programs::{self, ProgramCall, ProgramOutput, Stdin};

/// The result of a request to a helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HelperHealth {
    Answers,
    /// The helper is Ensign under another name.
    Ensign,
    Missing,
    /// The helper did not answer in time.
    Silent,
    /// The helper failed, or could not be started.
    Fails,
    /// The helper's answer is not a list of logins.
    Nonsense,
    /// The helper was not called, because the keyring is locked and the helper would prompt a person.
    Unasked,
}

/// The time limit for a helper. If the keyring is unlocked, a helper answers in milliseconds.
const DEADLINE: Duration = Duration::from_secs(3);

const LIMIT: usize = 16 << 20;

/// The variables that a helper needs to prompt a person. Ensign removes these variables from the helper's environment.
const SCREENS: [&str; 4] = ["DISPLAY", "WAYLAND_DISPLAY", "GPG_TTY", "SSH_ASKPASS"];

/// Asks each helper, and returns the results in the order of the helpers.
pub(crate) fn health_of(helpers: &[HelperName]) -> Vec<HelperHealth> {
    let answers = ask_all(helpers, health);
    answers.into_iter().map(|health| health.unwrap_or(HelperHealth::Fails)).collect()
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
    let usual = ProgramCall::new(&program, &["list"], DEADLINE);
    let stdin = Stdin::Bytes(b"unused");
    let answer = programs::call(&ProgramCall { env_remove: &env_remove, stdin, limit: LIMIT, ..usual });
    match answer {
        Ok(ProgramOutput { success: true, stdout, .. }) if is_list(&stdout) => HelperHealth::Answers,
        Ok(ProgramOutput { success: true, .. }) => HelperHealth::Nonsense,
        Err(_) if began.elapsed() >= DEADLINE => HelperHealth::Silent,
        Ok(_) | Err(_) => HelperHealth::Fails,
    }
}

/// The entry `doctor` need not exist, because a locked keyring returns an error before it searches.
fn keyring_is_locked() -> bool {
    let entry = KeyringEntry { service: "ensign", account: "doctor" };
    matches!(keyring::read(entry, DEADLINE), Err(KeyringError::Locked))
}
