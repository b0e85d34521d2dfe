//! Answers the requests that Docker itself sends to the plugin. Docker requests the plugin's metadata, or a hint after
//! a command.

use std::time::SystemTime;

use serde::Deserialize;
use serde_json::json;

use crate::accounts::{Accounts, login_command};
use crate::model::{Account, Expiry};
use crate::system::env::Env;
use crate::system::text;

/// The plugin's metadata (docker/cli `cli-plugins/metadata/metadata.go`).
pub(crate) const PLUGIN_METADATA: &str = concat!(
    r#"{"SchemaVersion":"0.1.0","Vendor":"Ensign","Version":""#,
    env!("CARGO_PKG_VERSION"),
    r#"","ShortDescription":"Many accounts per registry"}"#
);

/// The commands after which Docker calls the hook, in the format of Docker's config.
pub(crate) const HOOKS: &str = "login,pull,push,image pull,image push";

/// Suggests the next steps after a refused push, pull or login, and warns of accounts that expire soon (docker/cli
/// `cli-plugins/manager/hooks.go`). Other commands and malformed requests get no answer.
pub(crate) fn hook_answer(asked: &str) -> Option<String> {
    answer(asked, |was_refused| {
        let env = Env::take().ok()?;
        Some(warnings(Accounts::new(&env).ending_soon().ok()?, was_refused, SystemTime::now()))
    })
}

/// Returns the answer to a hook request. `warn` returns the warnings, and the argument of `warn` tells whether the
/// command was refused.
fn answer(asked: &str, warn: impl FnOnce(bool) -> Option<Vec<String>>) -> Option<String> {
    let HookRequest { command, error } = serde_json::from_str(asked).ok()?;
    let advice = match command.rsplit(' ').next()? {
        "push" => PUSH,
        "pull" => PULL,
        "login" => LOGIN,
        _ => return None,
    };
    let was_refused = is_about_accounts(&error);
    let mut lines = if error.is_empty() || was_refused { warn(was_refused).unwrap_or_default() } else { vec![] };
    lines.extend(was_refused.then(|| advice.to_owned()));
    (!lines.is_empty()).then(|| json!({"Type": 0, "Template": lines.join("\n")}).to_string())
}

const WARNINGS_AT_MOST: usize = 3;

/// Warns of accounts that expire soon. An expired account is mentioned only after a refusal, so that the warning does
/// not appear after every command.
fn warnings(ending: Vec<(Account, Expiry)>, was_refused: bool, now: SystemTime) -> Vec<String> {
    let worth_telling = ending.into_iter().filter(|(_, expiry)| was_refused || !expiry.has_ended(now));
    worth_telling
        .take(WARNINGS_AT_MOST)
        .filter_map(|(account, expiry)| {
            let [host, name] = [account.registry.as_str(), account.name.as_str()];
            let words = expiry.words(now)?;
            let login = login_command(&account);
            Some(plain(&format!("The account {name} on {host} {words} → docker ensign {login}")))
        })
        .collect()
}

/// Removes braces, because Docker evaluates the text in braces.
fn plain(line: &str) -> String {
    text::one_line(line, 300).replace(['{', '}'], "")
}

/// The advice after a push. Docker replaces `{{arg . 0}}` with the first argument of the user's command (docker/cli
/// `cli-plugins/hooks/template.go`). All versions with hooks support `arg .`, but Docker 28 does not support the newer
/// `argValue`.
const PUSH: &str = "See which account pushed, and why → docker ensign which --push {{arg . 0}}\n\
                    Ask the registry what the account may do   → docker ensign check --push {{arg . 0}}";
const PULL: &str = "See which account pulled, and why → docker ensign which {{arg . 0}}\n\
                    Ask the registry what the account may do   → docker ensign check {{arg . 0}}";
const LOGIN: &str = "Log in with Ensign, which offers more ways → docker ensign login \
                     {{if arg . 0}}{{arg . 0}}{{else}}docker.io{{end}}";

#[derive(Deserialize)]
struct HookRequest {
    #[serde(rename = "RootCmd")]
    command: String,
    #[serde(rename = "CommandError", default)]
    error: String,
}

/// Tells whether the command might have succeeded with another account. Registries report "unknown" for an image that
/// the account may not see.
fn is_about_accounts(error: &str) -> bool {
    const SIGNS: [&str; 14] = [
        "denied",
        "unauthorized",
        "unauthenticated",
        "authorization",
        "authentication",
        "forbidden",
        "credential",
        "insufficient_scope",
        "incorrect username or password",
        "status code 401",
        "status code 403",
        "manifest unknown",
        "name unknown",
        "not found",
    ];
    let error = error.to_ascii_lowercase();
    // An error about the daemon's socket does not come from a registry.
    !error.contains("docker daemon socket") && SIGNS.iter().any(|sign| error.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn template(command: &str, error: &str, warnings: &[&str]) -> Option<String> {
        let asked = json!({"RootCmd": command, "Flags": {"quiet": "true"}, "CommandError": error}).to_string();
        let warnings = warnings.iter().map(|line| (*line).to_owned()).collect();
        let answer: serde_json::Value = serde_json::from_str(&answer(&asked, |_| Some(warnings))?).unwrap();
        assert_eq!(answer["Type"], 0);
        Some(answer["Template"].as_str().unwrap().to_owned())
    }

    #[test]
    fn a_word_is_said_where_another_account_might_have_helped() {
        let denied = "denied: requested access to the resource is denied";
        for (command, error, expected) in [
            ("push", denied, Some(PUSH)),
            ("image push", denied, Some(PUSH)),
            ("pull", "pull access denied for a/b, repository does not exist", Some(PULL)),
            ("pull", "manifest for localhost:5000/a:1 not found: manifest unknown", Some(PULL)),
            ("pull", "Head \"https://ghcr.io/v2/a/manifests/1\": unauthorized", Some(PULL)),
            ("push", "no basic auth credentials", Some(PUSH)),
            ("login", "Get \"http://localhost/v2/\": unauthorized: bad credentials", Some(LOGIN)),
            ("push", "", None),
            ("push", "An image does not exist locally with the tag: ghcr.io/a/b", None),
            ("pull", "docker: 'docker pull' requires 1 argument", None),
            ("push", "dial tcp: lookup ghcr.io: no such host", None),
            ("push", "permission denied while trying to connect to the Docker daemon socket at unix:///x", None),
            ("run", denied, None),
            ("", denied, None),
        ] {
            assert_eq!(template(command, error, &[]).as_deref(), expected, "{command}: {error}");
        }
        for odd in ["", "nonsense", "{}", "[]", "{\"RootCmd\": 1}", "{\"RootCmd\": \"push\"}"] {
            assert_eq!(answer(odd, |_| None), None, "{odd}");
        }
    }

    #[test]
    fn a_warning_goes_before_the_advice_and_is_not_given_for_other_errors() {
        let with_advice = format!("w\n{PUSH}");
        for (command, error, expected) in [
            ("push", "", Some("w")),
            ("image pull", "", Some("w")),
            ("push", "denied: requested access", Some(with_advice.as_str())),
            ("push", "dial tcp: lookup ghcr.io: no such host", None),
            ("run", "", None),
        ] {
            assert_eq!(template(command, error, &["w"]).as_deref(), expected, "{command}: {error}");
        }
    }

    #[test]
    fn an_account_that_has_expired_is_named_to_those_who_were_refused() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(1_000_000);
        let account = |name: &str| Account::new("ghcr.io".parse().unwrap(), name.parse().unwrap());
        let ending = || {
            vec![
                (account("old"), Expiry::Ends(now - Duration::from_hours(48))),
                (account("{{x}} y"), Expiry::Ends(now + Duration::from_hours(48))),
            ]
        };
        let soon = "The account x y on ghcr.io expires in 2 days → docker ensign login ghcr.io --alias 'x y'";
        let over = "The account old on ghcr.io expired 2 days ago → docker ensign login ghcr.io --alias old";
        assert_eq!(warnings(ending(), false, now), [soon]);
        assert_eq!(warnings(ending(), true, now), [over, soon]);
    }
}
