//! The hint to log in again must renew exactly the account that failed, and must keep the account's source.
#![cfg(unix)]

use serde_json::json;

use crate::support::registry::FakeRegistry;
use crate::support::{Sandbox, read_json, write};

/// A home with the accounts `one` and `two` of one user, whose passwords the registry refuses. The second account has
/// this source.
fn refused(registry: &FakeRegistry, source: &serde_json::Value) -> Sandbox {
    let sandbox = Sandbox::new();
    for alias in ["one", "two"] {
        let login = ["login", &registry.host, "-u", "me", "--alias", alias, "--password-stdin", "--no-verify"];
        sandbox.ok(&login, "outdated");
    }
    let mut config = read_json(&sandbox.config_path());
    config["registries"][&registry.host]["accounts"]["two"]["source"] = source.clone();
    write(&sandbox.config_path(), config.to_string().as_bytes());
    sandbox
}

#[test]
fn a_refused_account_is_logged_in_again_as_itself() {
    let oauth = json!({"provider": "test", "client_id": "c", "token_url": "https://test.example/token"});
    let command = json!({"borrow": "command", "command": ["/bin/echo", "outdated"]});
    let plain = "run `docker-credential-ensign login HOST --alias two`";
    let device = "run `docker-credential-ensign login HOST --alias two --device`";
    for (source, hint) in [(json!(null), plain), (oauth, device), (command, "log in with `/bin/echo`, then try again")]
    {
        let registry = FakeRegistry::with_tokens();
        let sandbox = refused(&registry, &source);
        assert_hints(&sandbox, &registry, hint);
    }
}

#[test]
fn the_hint_of_a_pattern_or_a_variable_names_it() {
    let registry = FakeRegistry::with_tokens();
    let pattern = registry.host.replace("localhost", "*.0.0.1");
    let sandbox = Sandbox::new();
    sandbox.ok(&["login", &pattern, "-u", "me", "--alias", "two", "--password-stdin"], "outdated");
    let host = registry.host.replace("localhost", "127.0.0.1");
    let run = sandbox.run(&["check", &format!("{host}/two/app")], "");
    let hint = format!("hint: run `docker-credential-ensign login '{pattern}' --alias two`\n");
    assert_eq!((run.code, run.stderr), (Some(3), hint));

    let sandbox = Sandbox::new().with("ENSIGN_LOGIN_TWO", &format!("{} me outdated", registry.host));
    assert_hints(
        &sandbox,
        &registry,
        "change ENSIGN_ACCOUNTS_FILE or the ENSIGN_LOGIN_ variable that defines the account",
    );
}

/// A client may store any user name. The user's commands must not read such a name as an option.
#[test]
fn a_name_that_looks_like_an_option_can_be_used_in_the_commands_of_hints() {
    let registry = FakeRegistry::with_tokens();
    let host = &registry.host;
    let sandbox = Sandbox::new();
    sandbox.store(host, "-x", "outdated");
    let run = sandbox.run(&["check", host], "");
    assert_eq!(run.stderr, format!("hint: run `docker-credential-ensign login {host} -u=-x`\n"));
    sandbox.ok(&["login", host, "-u=-x", "--password-stdin"], "-x-pw");
    sandbox.ok(&["check", host], "");
    let run = sandbox.run(&["grant", "--", host, "-x"], "");
    let edit = format!("account edit --grant required -- {host} -x");
    assert!(run.stderr.contains(&format!("`docker-credential-ensign {edit}`")), "{run:?}");
    sandbox.ok(&edit.split(' ').collect::<Vec<_>>(), "");
    sandbox.ok(&["logout", host, "-u=-x"], "");
}

/// Checks the hints of all commands that send the secret of the account `two`.
fn assert_hints(sandbox: &Sandbox, registry: &FakeRegistry, hint: &str) {
    let host = &registry.host;
    let expected = format!("hint: {}\n", hint.replace("HOST", host));
    for words in [
        &["check", &format!("{host}/two/app")][..],
        &["token", &format!("{host}/two/app")],
        &["api", host, "two/app/tags/list"],
        &["api", host, "-X", "DELETE", "two/app/manifests/1"],
    ] {
        let run = sandbox.run(words, "");
        assert!(run.code == Some(3) && run.stderr.ends_with(&expected), "{words:?}: {expected}: {run:?}");
    }
    drop(sandbox.run(&["logout", host, "-u", "one"], "")); // if there is one
    let run = sandbox.run(&["check"], "");
    assert_eq!((run.code, run.stderr), (Some(3), expected), "{}", run.stdout);
}
