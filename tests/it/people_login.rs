//! `login` as people type it: accepted and refused logins, an unreachable registry, and logins without a terminal.

use serde_json::{Value, json};
use snapbox::str;

use crate::support::Sandbox;
use crate::support::registry::FakeRegistry;
use crate::support::snapshots::shows;

#[test]
fn login_is_verified_kept_and_said() {
    let registry = FakeRegistry::start();
    let host = &registry.host;
    let sandbox = Sandbox::new();
    let run = sandbox.run(&["login", host, "-u", "alice", "--password-stdin"], "alice-pw\n");
    run.shows(str![[r#"
exit 0
--- stderr
✓ Logged in to [HOST] as alice
  Used for  [HOST]/alice/**, and by default
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! Docker does not ask Ensign for [HOST] yet; to change that:  docker-credential-ensign configure-docker

"#]]);
    assert_eq!(sandbox.who(host), "alice");
    let json = sandbox.ok(
        &["login", host, "-u", "bob", "--password-stdin", "--alias", "work", "--images", "acme/**", "--json"],
        "bob-pw",
    );
    let expected = json!({"schema": 1, "status": "success", "registry": host, "account": "work", "username": "bob", "verified": true,
        "active": false, "store": "file", "source": "given", "expires_at": null, "login_expires_at": null, "renews": false, "expiry": null});
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), expected);
    assert_eq!(sandbox.who(&format!("{host}/acme/app")), "bob");
    assert_eq!(sandbox.who(host), "alice", "the first account stays the default");
}

#[test]
fn a_refused_login_stores_nothing() {
    let registry = FakeRegistry::start();
    let host = &registry.host;
    let sandbox = Sandbox::new();
    let run = sandbox.run(&["login", host, "-u", "alice", "--password-stdin"], "wrong-s3cret\n");
    run.shows(str![[r#"
exit 3
--- stderr
error: login failed for [HOST]: authentication rejected by [HOST]
hint: check that the token has not expired and has every needed right, and log in again; login not saved

"#]]);
    assert!(!sandbox.config_path().exists() && !sandbox.secrets_path(host).exists());
}

#[test]
fn an_unreachable_registry_is_named_and_no_verify_keeps_the_login() {
    let sandbox = Sandbox::new();
    let arguments = ["login", "localhost:1", "-u", "alice", "--password-stdin"];
    let run = sandbox.run(&arguments, "s3cret");
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    run.shows(str![[r#"
exit 1
--- stderr
error: login failed for localhost:1: could not reach `localhost:1`: Connection refused (os error 111)
hint: login not saved; use `--no-verify` to save it without checking

"#]]);

    let run = sandbox.run(&[&arguments[..], &["--no-verify"]].concat(), "s3cret");
    run.shows(str![[r#"
exit 0
--- stderr
✓ Saved login for localhost:1 as alice (not verified)
  Used for  localhost:1/alice/**, and by default
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! Docker does not ask Ensign for localhost:1 yet; to change that:  docker-credential-ensign configure-docker

"#]]);
    assert_eq!(sandbox.who("localhost:1"), "alice");
}

#[test]
fn an_open_registry_is_told_apart() {
    let registry = FakeRegistry::open();
    let run = Sandbox::new().run(&["login", &registry.host, "-u", "alice", "--password-stdin"], "anything");
    assert_eq!(run.code, Some(0));
    run.shows(str![[r#"
exit 0
--- stderr
✓ Saved login for [HOST] as alice (not verified)
  Used for  [HOST]/alice/**, and by default
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! [HOST] accepts every login, so the password was not checked
! Docker does not ask Ensign for [HOST] yet; to change that:  docker-credential-ensign configure-docker

"#]]);
}

#[test]
fn login_without_a_terminal_says_what_to_pipe() {
    let mut transcript = String::new();
    for (arguments, stdin) in [
        (vec!["login"], ""),
        (vec!["login", "ghcr.io"], ""),
        (vec!["login", "ghcr.io", "-u", "me"], ""),
        (vec!["login", "ghcr.io", "-u", "me", "--password-stdin"], "\n"),
        (vec!["login", "ghcr.io", "-u", "me", "--store", "keyring"], ""),
    ] {
        transcript += &Sandbox::new().run(&arguments, stdin).transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 2
--- stderr
error: no registry was given
hint: name a registry, as in `docker-credential-ensign login ghcr.io`
exit 2
--- stderr
error: ghcr.io needs a user name and there is no terminal to ask on
hint: pipe the password: `docker-credential-ensign login ghcr.io -u NAME --password-stdin < FILE`
exit 2
--- stderr
error: ghcr.io needs a secret and there is no terminal to ask on
hint: pipe the password: `docker-credential-ensign login ghcr.io -u me --password-stdin < FILE`
exit 2
--- stderr
error: the password is empty
hint: pipe the password: `docker-credential-ensign login ghcr.io -u me --password-stdin < FILE`
exit 2
--- stderr
error: `keyring` is not a store
hint: use sealed, file (in clear text), or helper:NAME for docker-credential-NAME

"#]],
    );
}

#[test]
fn login_with_nothing_given_looks_at_the_account_that_is_there() {
    let registry = FakeRegistry::start();
    let host = &registry.host;
    let sandbox = Sandbox::new();
    sandbox.store(host, "alice", "alice-pw");
    sandbox.run(&["login", host], "").shows(str![[r#"
exit 0
--- stderr
✓ [HOST] still accepts the account alice

"#]]);
    sandbox.store(host, "alice", "expired");
    assert_eq!(sandbox.run(&["login", host], "").code, Some(3));

    let open = FakeRegistry::open();
    sandbox.store(&open.host, "alice", "anything");
    sandbox.run(&["login", &open.host], "").shows(str![[r#"
exit 0
--- stderr
✓ Kept the login for [HOST] as alice (not verified)
! [HOST] accepts every login, so the password was not checked

"#]]);
    sandbox.run(&["login", host, "--no-verify"], "").shows(str![[r#"
exit 0
--- stderr
✓ Kept the login for [HOST] as alice (not verified)

"#]]);
}
