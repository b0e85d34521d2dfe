//! The logins that another credential helper has of its own: listed, read, and removed once they are ours.

use std::io;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::Vault;
use super::helper::is_not_found;
use crate::model::{Credential, HelperName, Problem, Secret};
use crate::system::programs::{self, Output};
use crate::system::text::one_line;

/// A person may have to unlock a keychain first.
const DEADLINE: Duration = Duration::from_mins(1);

/// Why another helper gave nothing.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The program is not there.
    NotInstalled(Problem),
    /// It has no such login.
    NotFound,
    Failed(Problem),
}

impl Vault<'_> {
    /// The server addresses that a helper has logins for, in alphabetical order.
    pub(crate) fn listed_by(&self, helper: &HelperName) -> Result<Vec<String>, Refusal> {
        let stdout = ask(helper, "list", "")?;
        let list = serde_json::from_slice::<Map<String, Value>>(&stdout);
        let list = list.map_err(|_| failed(helper, "`list` gave no list of logins"))?;
        let mut servers: Vec<_> = list.into_iter().map(|(server, _)| server).collect();
        servers.sort();
        Ok(servers)
    }

    /// The login that a helper has for a server address.
    pub(crate) fn login_of(&self, helper: &HelperName, server: &str) -> Result<Credential, Refusal> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(rename = "Username", default)]
            username: String,
            #[serde(rename = "Secret", default)]
            secret: Zeroizing<String>,
        }
        let stdout = ask(helper, "get", server)?;
        // docker-credential-acr-env writes a line of its own before the answer.
        let start = stdout.iter().position(|byte| *byte == b'{').unwrap_or_default();
        let answer: Answer =
            serde_json::from_slice(&stdout[start..]).map_err(|_| failed(helper, "its answer is no login"))?;
        if answer.secret.is_empty() {
            return Err(Refusal::NotFound); // as docker/cli takes it
        }
        let username = answer.username.parse().map_err(|error| failed(helper, &format!("its user name: {error}")))?;
        Ok(Credential { username, secret: Secret::new(answer.secret.to_string()) })
    }

    /// Removes a helper's login; none there is fine.
    pub(crate) fn erase_at(&self, helper: &HelperName, server: &str) -> Result<(), Problem> {
        match ask(helper, "erase", server) {
            Ok(_) | Err(Refusal::NotFound) => Ok(()),
            Err(Refusal::NotInstalled(problem) | Refusal::Failed(problem)) => Err(problem),
        }
    }
}

/// What the helper printed is not shown when it fails: it may hold a secret.
fn ask(helper: &HelperName, verb: &str, server: &str) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let program = helper.program();
    // docker/cli sends this word to `list`, and some helpers wait for one.
    let input = if verb == "list" { "unused" } else { server };
    let Output { success, stdout, .. } =
        programs::run(&program, verb, input.as_bytes(), DEADLINE).map_err(|error| {
            let is_missing = |link: &(dyn std::error::Error + 'static)| {
                link.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
            };
            if error.chain().any(is_missing) {
                let cure = format!("install `{program}`, or take it out of that file");
                return Refusal::NotInstalled(Problem::new(format!("`{program}` is not installed"), cure));
            }
            failed(helper, &format!("{error:#}"))
        })?;
    match success {
        true => Ok(stdout),
        false if is_not_found(&stdout) => Err(Refusal::NotFound),
        false => Err(failed(helper, &format!("`{verb}` failed"))),
    }
}

fn failed(helper: &HelperName, why: &str) -> Refusal {
    let program = helper.program();
    let what = if why.contains(&program) { one_line(why, 200) } else { format!("`{program}`: {}", one_line(why, 200)) };
    Refusal::Failed(Problem::new(what, format!("run `{program} list` to see what is wrong with it")))
}
