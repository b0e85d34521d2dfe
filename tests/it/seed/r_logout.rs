//! Rows R: `logout`, as in the login commands of a registry tool.

use serde_json::json;
use snapbox::str;

use super::{json, login, with_helper};
use crate::support::{Sandbox, write};

#[test]
fn there_is_a_command_to_log_out() {
    let help = Sandbox::new().ok(&["logout", "--help"], "");
    assert!(help.contains("logout [OPTIONS] <HOST> [ACCOUNT]") && help.contains("--all"), "{help}");
}

#[test]
fn the_helper_that_kept_the_secret_is_told_to_erase_it() {
    let sandbox = with_helper();
    login(&sandbox, "ghcr.io", "alice", "pw", &["--no-verify", "--store", "helper:kept"]);
    sandbox.ok(&["logout", "ghcr.io"], "");
    assert_eq!(sandbox.calls().last().unwrap(), "erase https://ghcr.io/ensign/alice");
}

#[test]
fn a_logout_says_whom_it_removed() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "alice", "pw");
    let run = sandbox.run(&["logout", "ghcr.io"], "");
    run.shows(str![[r#"
exit 0
--- stderr
✓ Removed alice from ghcr.io
! a token stays valid until you delete it at https://github.com/settings/tokens

"#]]);
}

#[test]
fn a_logout_from_nothing_is_said_and_no_failure() {
    let run = Sandbox::new().run(&["logout", "registry.example.com"], "");
    run.shows(str![[r#"
exit 0
--- stderr
Not logged in to registry.example.com.

"#]]);
}

#[test]
fn json_of_a_logout_has_status_and_registry() {
    for (stored, removed) in [(true, json!(["alice"])), (false, json!([]))] {
        let sandbox = Sandbox::new();
        if stored {
            sandbox.store("ghcr.io", "alice", "pw");
        }
        let json = json(&sandbox.ok(&["logout", "ghcr.io", "--json"], ""));
        let expected = (&json!("success"), &json!("ghcr.io"), &removed);
        assert_eq!((&json["status"], &json["registry"], &json["removed"]), expected);
    }
}

#[test]
fn a_logout_that_fails_ends_with_1() {
    let sandbox = with_helper();
    login(&sandbox, "ghcr.io", "alice", "pw", &["--no-verify", "--store", "helper:kept"]);
    write(&sandbox.home().join("broken-erase"), b"");
    let run = sandbox.run(&["logout", "ghcr.io"], "");
    assert_eq!(run.code, Some(1));
    run.shows(str![[r#"
exit 1
--- stderr
error: the secret of alice on ghcr.io could not be removed by `docker-credential-kept`
hint: run `docker-credential-ensign logout ghcr.io -u alice --force` to remove the account anyway

"#]]);
    assert_eq!(sandbox.who("ghcr.io"), "alice");
}
