//! Lists, reads, saves and removes the logins of another credential helper.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::helper::is_not_found;
use crate::model::{Credential, HelperMessage, HelperName, Problem, Secret, Username};
use crate::system::programs::{self, ProgramOutput};
use crate::system::text::one_line;
use crate::system::threads;

/// The time limit for a helper if a person may have to unlock a keychain first.
pub(crate) const PERSON_TIMEOUT: Duration = Duration::from_mins(1);
/// The time limit for a helper if a client waits for Ensign's answer. Most clients have no limit, but
/// testcontainers-java waits 30 s.
pub(crate) const CLIENT_TIMEOUT: Duration = Duration::from_secs(10);
/// The time limit for each helper in [`list_all`].
const LIST_TIMEOUT: Duration = Duration::from_secs(3);

/// The reason why another helper returned no login.
#[derive(Debug)]
pub(crate) enum HelperRefusal {
    /// The program does not exist.
    NotInstalled(Problem),
    /// The helper has no such login.
    NotFound,
    Failed(Problem),
}

/// Returns a helper's server addresses with their user names, in alphabetical order.
pub(crate) fn list(helper: &HelperName, patience: Duration) -> Result<Vec<(String, String)>, HelperRefusal> {
    let stdout = ask(helper, "list", b"unused", patience)?; // docker/cli also sends a word, because some helpers wait for input
    let list = parse_list(&stdout).ok_or_else(|| failed(helper, "`list` gave no list of logins"))?;
    let user = |name: Value| name.as_str().unwrap_or_default().to_owned();
    let mut servers: Vec<_> = list.into_iter().map(|(server, name)| (server, user(name))).collect();
    servers.sort_unstable();
    Ok(servers)
}

/// Returns the login that a helper has for a server address.
pub(crate) fn login(helper: &HelperName, server: &str, patience: Duration) -> Result<Credential, HelperRefusal> {
    let stdout = ask(helper, "get", server.as_bytes(), patience)?;
    let HelperMessage { username, secret, .. } =
        HelperMessage::read_answer(&stdout).ok_or_else(|| failed(helper, "the answer is not a login"))?;
    let Some(secret) = secret.filter(|secret| !secret.is_empty()) else {
        return Err(HelperRefusal::NotFound); // docker/cli also reads an empty secret as no login
    };
    let username = username.parse().map_err(|error| failed(helper, &format!("the user name is not valid: {error}")))?;
    Ok(Credential { username, secret })
}

/// Saves a login in a helper.
#[expect(clippy::disallowed_methods, reason = "gives the secret to the helper that keeps it, through a pipe")]
pub(crate) fn store(helper: &HelperName, server: &str, username: &Username, secret: &Secret) -> Result<(), Problem> {
    let entry = HelperMessage::json_line(server, username, secret);
    match ask(helper, "store", entry.expose().as_bytes(), PERSON_TIMEOUT) {
        Ok(_) => Ok(()),
        Err(HelperRefusal::NotFound) => Err(problem(helper, "`store` failed")),
        Err(HelperRefusal::NotInstalled(problem) | HelperRefusal::Failed(problem)) => Err(problem),
    }
}

/// Removes a login from a helper. Succeeds even if the helper does not have the login.
pub(crate) fn erase(helper: &HelperName, server: &str) -> Result<(), Problem> {
    match ask(helper, "erase", server.as_bytes(), PERSON_TIMEOUT) {
        Ok(_) | Err(HelperRefusal::NotFound) => Ok(()),
        Err(HelperRefusal::NotInstalled(problem) | HelperRefusal::Failed(problem)) => Err(problem),
    }
}

/// Lists the logins of several helpers at the same time. If a helper fails or exceeds the time limit, its list is
/// empty.
pub(crate) fn list_all(helpers: &[HelperName]) -> Vec<Vec<(String, String)>> {
    let listed = ask_all(helpers, |helper| list(helper, LIST_TIMEOUT).ok());
    listed.into_iter().map(|listed| listed.flatten().unwrap_or_default()).collect()
}

/// Asks several helpers at the same time. The answer is `None` if no thread could be started.
pub(super) fn ask_all<T: Send>(helpers: &[HelperName], ask: impl Fn(&HelperName) -> T + Sync) -> Vec<Option<T>> {
    let ask = &ask;
    std::thread::scope(|scope| {
        let asked: Vec<_> = helpers.iter().map(|helper| threads::start_in(scope, move || ask(helper))).collect();
        asked.into_iter().map(|asked| asked.ok()?.join().ok()).collect()
    })
}

/// Tells whether a call of this helper would call Ensign again. The helper may be Ensign under another name, or a
/// program that Ensign started may have called this Ensign.
pub(crate) fn would_recurse(helper: &HelperName) -> bool {
    programs::would_recurse() || is_ensign(helper)
}

/// Returns a problem if the helper's program does not exist.
pub(crate) fn missing(helper: &HelperName) -> Option<Problem> {
    locate(helper).err()
}

/// Tells whether a helper is Ensign itself under another name.
pub(crate) fn is_ensign(helper: &HelperName) -> bool {
    programs::find(&helper.program()).is_some_and(|program| programs::is_this_program(&program))
}

/// Tells whether an answer is a list of logins.
pub(super) fn is_list(stdout: &[u8]) -> bool {
    parse_list(stdout).is_some()
}

fn parse_list(stdout: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(stdout).ok()
}

/// The output of a failed helper is not shown, because it may contain a secret.
fn ask(helper: &HelperName, verb: &str, input: &[u8], patience: Duration) -> Result<Zeroizing<Vec<u8>>, HelperRefusal> {
    let path = locate(helper).map_err(HelperRefusal::NotInstalled)?;
    let ProgramOutput { success, stdout, .. } =
        programs::run(&path, verb, input, patience).map_err(|error| failed(helper, &format!("{error:#}")))?;
    match success {
        true => Ok(stdout),
        false if is_not_found(&stdout) => Err(HelperRefusal::NotFound),
        false => Err(failed(helper, &format!("`{verb}` failed"))),
    }
}

pub(super) fn locate(helper: &HelperName) -> Result<PathBuf, Problem> {
    let program = helper.program();
    programs::find_file(&program).ok_or_else(|| {
        let cure = format!("install `{program}`, or remove its name from the config");
        Problem::new(format!("`{program}` is not installed"), cure)
    })
}

fn failed(helper: &HelperName, why: &str) -> HelperRefusal {
    HelperRefusal::Failed(problem(helper, why))
}

fn problem(helper: &HelperName, why: &str) -> Problem {
    let program = helper.program();
    let what = if why.contains(&program) { one_line(why, 200) } else { format!("`{program}`: {}", one_line(why, 200)) };
    Problem::new(what, format!("run `{program} list` to see what is wrong"))
}
