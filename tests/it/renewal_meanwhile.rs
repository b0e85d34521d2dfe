//! What happens to a login during its renewal: edits, moves, logouts and signals.
#![cfg(unix)]

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::renewal::{Mood, Provider, answers, kept, logged_in};
use crate::support::{Sandbox, read_json};

/// Starts a `get`, and waits until the provider has received a request.
fn renewing(provider: &Provider, sandbox: &Sandbox) -> Child {
    let mut get = sandbox.command(&["get"]).spawn().unwrap();
    get.stdin.take().unwrap().write_all(b"ghcr.io").unwrap();
    while provider.renewals() == 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    get
}

#[test]
fn an_account_that_is_edited_while_it_is_renewed_keeps_the_next_refresh_token() {
    for (edit, name) in [(["--images", "acme/**"], "me"), (["--alias", "work"], "work"), ([""; 2], "me")] {
        let provider = Provider::start(Mood::Slow);
        let sandbox = logged_in(&provider, -60, -10);
        let get = renewing(&provider, &sandbox);
        if edit[0].is_empty() {
            // A `check` has recorded a verdict about the old token.
            let mut judged = kept(&sandbox);
            judged["refused"] = json!(true);
            sandbox.put_secret("ghcr.io", "me", &judged);
        } else {
            sandbox.ok(&["account", "edit", "ghcr.io", "me", edit[0], edit[1]], "");
        }
        assert!(get.wait_with_output().unwrap().status.success());
        let secrets = read_json(&sandbox.secrets_path("ghcr.io"))["secrets"].clone();
        assert_eq!((secrets[name]["secret"].as_str(), secrets[name]["refresh"].as_str()), (Some("t2"), Some("r2")));
        assert!(secrets[name]["refused"].is_null(), "the verdict is about the old token");
        assert_eq!(secrets.as_object().map(serde_json::Map::len), Some(1));
    }
}

#[test]
fn a_signal_during_a_renewal_ends_the_process_after_the_new_tokens_are_saved() {
    for signal in [1, 2, 15] {
        let provider = Provider::start(Mood::Slow);
        let sandbox = logged_in(&provider, -60, -10);
        // A shell ignores SIGINT in background processes, and children inherit an ignored signal but no handler.
        signal_hook::flag::register_conditional_default(signal, Arc::new(true.into())).unwrap();
        let mut get = renewing(&provider, &sandbox);
        let kill = ["-s", &signal.to_string(), &get.id().to_string()];
        assert!(Command::new("kill").args(kill).status().unwrap().success());
        assert_eq!(get.wait().unwrap().signal(), Some(signal));
        assert_eq!((kept(&sandbox)["secret"].as_str(), kept(&sandbox)["refresh"].as_str()), (Some("t2"), Some("r2")));
    }
}

#[test]
fn a_logout_during_a_renewal_revokes_the_new_tokens() {
    for logout in [&["logout", "ghcr.io"][..], &["erase"]] {
        let provider = Provider::start(Mood::Slow);
        let sandbox = logged_in(&provider, -60, -10);
        let get = renewing(&provider, &sandbox);
        assert_eq!(sandbox.run(logout, "ghcr.io").code, Some(0));
        assert!(get.wait_with_output().unwrap().status.success());
        let seen = provider.seen.lock().unwrap();
        assert!(seen.iter().any(|request| request.starts_with("/revoke ") && request.contains("token=r2")), "{seen:?}");
        assert!(!sandbox.secrets_path("ghcr.io").exists());
    }
}

#[test]
fn a_change_during_a_renewal_does_not_start_a_second_renewal() {
    for change in [
        &["account", "edit", "ghcr.io", "me", "--alias", "work"][..],
        &["store", "move", "--to", "sealed"],
        &["store", "key", "--rotate"],
    ] {
        let provider = Provider::start(Mood::Slow);
        let sandbox = logged_in(&provider, -60, -10);
        sandbox.ok(&["store", "key", "--holder", &format!("file:{}", sandbox.home().join("key").display())], "");
        let first = renewing(&provider, &sandbox);
        sandbox.ok(change, "");
        for get in [renewing(&provider, &sandbox), first] {
            let output = get.wait_with_output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), answers("t2").stdout, "{change:?}");
        }
        assert_eq!(provider.renewals(), 1, "a refresh token is used only once: {change:?}");
        assert!(sandbox.run(&["get"], "ghcr.io").stdout.contains("t2"));
        sandbox.ok(&["logout", "ghcr.io"], "");
        let data = std::fs::read_dir(sandbox.home().join("data/secrets")).unwrap();
        assert_eq!(data.count(), 0, "no lock stays");
    }
}
