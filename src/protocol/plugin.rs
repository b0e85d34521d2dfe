//! What Docker's CLI asks of its plugin beside the user's commands: who it is, and a word about a command that failed.

use serde::Deserialize;
use serde_json::json;

/// docker/cli `cli-plugins/metadata/metadata.go`.
pub(crate) const PLUGIN_METADATA: &str = concat!(
    r#"{"SchemaVersion":"0.1.0","Vendor":"Ensign","Version":""#,
    env!("CARGO_PKG_VERSION"),
    r#"","ShortDescription":"Many accounts per registry"}"#
);

/// The commands of Docker about which it is to ask us, as its config lists them.
pub(crate) const HOOKS: &str = "login,pull,push,image pull,image push";

/// Answers with the next steps after a push, a pull or a login that a registry did not allow; all else is passed over
/// in silence, what we do not understand too (docker/cli `cli-plugins/manager/hooks.go`).
pub(crate) fn hook_answer(asked: &str) -> Option<String> {
    let Asked { command, error } = serde_json::from_str(asked).ok()?;
    let template = match command.rsplit(' ').next()? {
        "push" => PUSH,
        "pull" => PULL,
        "login" => LOGIN,
        _ => return None,
    };
    is_about_accounts(&error).then(|| json!({"Type": 0, "Template": template}).to_string())
}

/// Docker puts its own words in (`cli-plugins/hooks/template.go`). `arg .` is known to all versions that have hooks;
/// 28 does not know the newer `argValue`.
const PUSH: &str = "See which account pushed, and why → docker ensign which --push {{arg . 0}}\n\
                    Ask the registry what it may do   → docker ensign check --push {{arg . 0}}";
const PULL: &str = "See which account pulled, and why → docker ensign which {{arg . 0}}\n\
                    Ask the registry what it may do   → docker ensign check {{arg . 0}}";
const LOGIN: &str = "Log in with Ensign, which knows more ways → docker ensign login \
                     {{if arg . 0}}{{arg . 0}}{{else}}docker.io{{end}}";

#[derive(Deserialize)]
struct Asked {
    #[serde(rename = "RootCmd")]
    command: String,
    #[serde(rename = "CommandError", default)]
    error: String,
}

/// Tells whether another account might have been allowed to do it. Registries also call an image unknown that one may
/// not see.
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
    // The daemon's socket is nobody's registry.
    !error.contains("docker daemon socket") && SIGNS.iter().any(|sign| error.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(command: &str, error: &str) -> Option<String> {
        hook_answer(&json!({"RootCmd": command, "Flags": {"quiet": "true"}, "CommandError": error}).to_string())
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
            let template = answer(command, error).map(|answer| {
                let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
                assert_eq!(answer["Type"], 0);
                answer["Template"].as_str().unwrap().to_owned()
            });
            assert_eq!(template.as_deref(), expected, "{command}: {error}");
        }
        for odd in ["", "nonsense", "{}", "[]", "{\"RootCmd\": 1}", "{\"RootCmd\": \"push\"}"] {
            assert_eq!(hook_answer(odd), None, "{odd}");
        }
    }
}
