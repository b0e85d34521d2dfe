//! Secrets in another credential helper.
#![cfg(unix)]

use std::collections::BTreeSet;

use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, write};

/// A helper that stores logins as files in the home folder.
const HELPER: &str = r#"#!/bin/sh
input=$(cat)
key() { printf '%s' "$1" | cksum | cut -d' ' -f1; }
case $1 in
store) url=${input#*'"ServerURL":"'}; printf '%s' "$input" > "$HOME/kept-$(key "${url%%'"'*}")" ;;
get) cat "$HOME/kept-$(key "$input")" 2>/dev/null || { echo credentials not found in native keychain; exit 1; } ;;
erase) rm "$HOME/kept-$(key "$input")" 2>/dev/null || { echo credentials not found in native keychain; exit 1; } ;;
esac
"#;

fn with_helper(name: &str, script: &str) -> Sandbox {
    Sandbox::new().with_program(&format!("docker-credential-{name}"), script)
}

fn login(sandbox: &Sandbox, user: &str, store: &str) -> Run {
    sandbox.run(
        &["login", "ghcr.io", "-u", user, "--password-stdin", "--no-verify", "--store", store],
        &format!("{user}-s3cret"),
    )
}

#[test]
fn the_helper_is_not_given_the_secrets_that_stand_in_our_variables() {
    let script = HELPER.replace("input=", "env > \"$HOME/env-$1\"\ninput=");
    let sandbox = with_helper("kept", &script).with("ENSIGN_LOGIN_WORK", "quay.io work w0rk-s3cret");
    assert_eq!(login(&sandbox, "alice", "helper:kept").code, Some(0));
    assert_eq!(sandbox.who("ghcr.io"), "alice");
    sandbox.run(&["import", "helper:kept", "--yes"], "");
    for verb in ["store", "get", "list"] {
        let seen = std::fs::read_to_string(sandbox.home().join(format!("env-{verb}"))).unwrap();
        assert!(seen.contains("HOME=") && !seen.contains("ENSIGN_LOGIN_") && !seen.contains("w0rk"), "{verb}: {seen}");
    }
}

#[test]
fn two_accounts_of_one_registry_lie_in_another_helper() {
    let sandbox = with_helper("kept", HELPER);
    for user in ["alice", "bob"] {
        assert_eq!(login(&sandbox, user, "helper:kept").code, Some(0));
    }
    for user in ["alice", "bob"] {
        let server = format!("{user}@ghcr.io");
        assert_eq!(sandbox.run(&["get"], &server), Run::answer(&server, user, &format!("{user}-s3cret")));
    }
    assert!(!sandbox.secrets_path("ghcr.io").exists());
    sandbox.ok(&["account", "edit", "ghcr.io", "bob", "--alias", "work"], "");
    assert_eq!(sandbox.who("bob@ghcr.io"), "bob", "the secret moved with the alias");
    sandbox.ok(&["logout", "ghcr.io", "--all"], "");
    let kept = std::fs::read_dir(sandbox.home())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("kept-"));
    assert_eq!(kept.count(), 0);
}

#[test]
fn what_an_editor_saves_during_a_change_stays() {
    for edit in [
        "sed s/bob/robert/ \"$config\" > \"$config.e\"; mv \"$config.e\" \"$config\"",
        "rm \"$config\"",
        "printf '{' > \"$config\"",
    ] {
        let script = HELPER.replace("store) ", &format!("store) config=\"$HOME/config/config.json\"; {edit}; "));
        let sandbox = with_helper("kept", &script);
        sandbox.store("ghcr.io", "bob", "b");
        let copy = std::fs::read(sandbox.config_path().with_extension("json.bak")).ok();
        login(&sandbox, "alice", "helper:kept").shows(str![[r#"
exit 1
--- stderr
error: could not save the login: another program changed `~/config/config.json` during this change
hint: run the command again

"#]]);
        let after = std::fs::read_to_string(sandbox.config_path()).unwrap_or_default();
        assert!(!after.contains("alice"), "{edit}: {after}");
        assert_eq!(std::fs::read(sandbox.config_path().with_extension("json.bak")).ok(), copy);
        let kept = std::fs::read_dir(sandbox.home()).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(!kept.into_iter().any(|name| name.to_string_lossy().starts_with("kept-")), "the secret is taken back");
    }
}

#[test]
fn a_secret_that_the_helper_has_lost_is_gone_and_can_be_logged_out() {
    let mut lost = BTreeSet::new();
    let empty = HELPER.replace("get) cat", "get) echo '{\"Secret\":\"\"}' ;;\nold) cat");
    for script in [HELPER, empty.as_str()] {
        let sandbox = with_helper("kept", HELPER);
        assert_eq!(login(&sandbox, "alice", "helper:kept").code, Some(0));
        let sandbox = sandbox.with_program("docker-credential-kept", script);
        for entry in std::fs::read_dir(sandbox.home()).unwrap().map(Result::unwrap) {
            if entry.file_name().to_string_lossy().starts_with("kept-") {
                std::fs::remove_file(entry.path()).unwrap();
            }
        }
        let run = sandbox.run(&["get"], "ghcr.io");
        assert_eq!(run.code, Some(1), "{run:?}");
        lost.insert(run.transcript());
        sandbox.ok(&["logout", "ghcr.io"], "");
        assert_eq!(sandbox.run(&["get"], "ghcr.io"), Run::not_found());
    }
    shows(
        &Vec::from_iter(lost).concat(),
        str![[r#"
exit 1
--- stdout
the secret of alice on ghcr.io is gone: run `docker-credential-ensign login ghcr.io --alias alice`

"#]],
    );
}

#[test]
fn an_unknown_store_is_refused_before_the_password() {
    let mut transcript = String::new();
    let named = Sandbox::new().with("ENSIGN_STORE", "bogus");
    let configured = Sandbox::new().with("ENSIGN_STORE", "");
    write(&configured.config_path(), br#"{"version":3,"store":"bogus","registries":{}}"#);
    for sandbox in [&named, &configured] {
        // Without a password on stdin, a later check would report the missing password.
        transcript += &sandbox.run(&["login", "ghcr.io", "-u", "me"], "").transcript();
        transcript += &sandbox.run(&["store"], r#"{"ServerURL":"ghcr.io","Username":"me","Secret":"s"}"#).transcript();
    }
    transcript += &named.run(&["store", "--unset"], "").transcript();
    shows(
        &transcript,
        str![[r#"
exit 1
--- stderr
error: ENSIGN_STORE is `bogus`, which is not a store
hint: run `unset ENSIGN_STORE`, or set it to sealed, file (in clear text), or helper:NAME
exit 1
--- stdout
ENSIGN_STORE is `bogus`, which is not a store: run `unset ENSIGN_STORE`, or set it to sealed, file (in clear text), or helper:NAME
exit 1
--- stderr
error: the config names the store `bogus`, which is not a store
hint: run `docker-credential-ensign store --unset`
exit 1
--- stdout
the config names the store `bogus`, which is not a store: run `docker-credential-ensign store --unset`
exit 0
--- stderr
✓ The next login chooses where new secrets are kept

"#]],
    );
}

#[test]
fn a_helper_that_is_missing_or_fails_is_named() {
    let sandbox = with_helper("broken", "#!/bin/sh\necho '{\"Secret\":\"s3cret\"}'; exit 1\n");
    let run = login(&sandbox, "alice", "helper:broken");
    assert_eq!(run.code, Some(1));
    run.shows(str![[r#"
exit 1
--- stderr
error: could not save the login: the secret of alice on ghcr.io could not be kept by `docker-credential-broken`
hint: run `echo '{"ServerURL":"https://example.com","Username":"x","Secret":"x"}' | docker-credential-broken store` to see what is wrong

"#]]);
    let run = login(&sandbox, "alice", "helper:absent");
    run.shows(str![[r#"
exit 1
--- stderr
error: `docker-credential-absent` is not installed
hint: install `docker-credential-absent`, or use another store, such as `file`

"#]]);
    assert!(!sandbox.config_path().exists(), "a login is not saved without its secret");
}

#[test]
fn an_account_whose_store_is_gone_can_be_removed_by_force() {
    let sandbox = Sandbox::new();
    write(
        &sandbox.config_path(),
        br#"{"version":3,"registries":{"ghcr.io":{"active":"a","accounts":{"a":{"username":"a","store":"helper:gone"}}}}}"#,
    );
    let run = sandbox.run(&["logout", "ghcr.io"], "");
    assert_eq!(run.code, Some(1));
    run.shows(str![[r#"
exit 1
--- stderr
error: the secret of a on ghcr.io is out of reach: could not run `docker-credential-gone`: no absolute folder of PATH has it
hint: run `docker-credential-ensign logout ghcr.io -u a --force` to remove the account anyway

"#]]);
    run.shows(str![[r#"
exit 1
--- stderr
error: the secret of a on ghcr.io is out of reach: could not run `docker-credential-gone`: no absolute folder of PATH has it
hint: run `docker-credential-ensign logout ghcr.io -u a --force` to remove the account anyway

"#]]);
    let forced = sandbox.run(&["logout", "ghcr.io", "--force"], "");
    assert_eq!(forced.code, Some(0), "{forced:?}");
    forced.shows(str![[r#"
exit 0
--- stderr
✓ Removed a from ghcr.io
! a token stays valid until you delete it at https://github.com/settings/tokens
! the store still has the secret

"#]]);
    assert_eq!(sandbox.run(&["get"], "ghcr.io"), Run::not_found());
    sandbox.store("ghcr.io", "b", "pw");
    let forced = sandbox.run(&["logout", "ghcr.io", "--force"], "");
    assert!(forced.stderr.contains("Removed b") && !forced.stderr.contains("still has"), "{forced:?}");
}

#[test]
fn a_secret_that_a_helper_did_not_remove_goes_with_the_next_change() {
    let sandbox = with_helper("kept", &HELPER.replace("erase)", "erase) [ -e \"$HOME/closed\" ] && exit 1;"));
    assert_eq!(login(&sandbox, "alice", "helper:kept").code, Some(0));
    let kept = || {
        std::fs::read_dir(sandbox.home())
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("kept-"))
    };
    write(&sandbox.home().join("closed"), b"");
    let forced = sandbox.ok(&["logout", "ghcr.io", "--force"], "");
    assert_eq!(kept().count(), 1, "{forced}");
    std::fs::remove_file(sandbox.home().join("closed")).unwrap();
    sandbox.store("quay.io", "bob", "pw");
    assert_eq!(kept().count(), 0);
}

#[test]
fn a_helper_that_asks_us_again_does_not_go_round_in_circles() {
    let script = format!("#!/bin/sh\nexport ENSIGN_CONFIG_DIR=\"$HOME/config\"\ncat | {} get\n", Sandbox::program());
    let sandbox = with_helper("circle", &script);
    write(
        &sandbox.config_path(),
        br#"{"version":3,"registries":{"ghcr.io":{"active":"a","accounts":{"a":{"username":"a","store":"helper:circle"}}}}}"#,
    );
    let run = sandbox.run(&["get"], "ghcr.io");
    assert_eq!(
        (run.code, run.stdout.contains("docker-credential-circle"), run.stderr.as_str()),
        (Some(1), true, ""),
        "{run:?}"
    );
}

#[test]
fn a_command_that_is_advised_can_be_pasted_into_a_shell() {
    let sandbox = Sandbox::new();
    sandbox.store("harbor.example", "robot$acme+ci", "robot-s3cret");
    std::fs::remove_dir_all(sandbox.home().join("data/secrets")).unwrap();
    sandbox.run(&["get"], "harbor.example").shows(str![[r#"
exit 1
--- stdout
the secret of robot$acme+ci on harbor.example is gone: run `docker-credential-ensign login harbor.example --alias 'robot$acme+ci'`

"#]]);
}
