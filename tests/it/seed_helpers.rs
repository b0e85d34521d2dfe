//! Rows of `tests/SEED_ROWS.md` about logins in another helper.
#![cfg(unix)]

use serde_json::json;
use snapbox::str;

use crate::import::{auth, docker, with_helper};
use crate::seed_import::{assert_has, assert_lacks, import, sandbox};
use crate::support::{Sandbox, write};

/// Adds a helper that fails with this message.
fn failing(sandbox: Sandbox, name: &str, words: &str) -> Sandbox {
    sandbox.with_program(&format!("docker-credential-{name}"), &format!("#!/bin/sh\necho '{words}'\nexit 1\n"))
}

#[test]
fn helper_store_and_file_in_dockers_order() {
    let sandbox = with_helper(Sandbox::new(), "one", &[("h.example", "u", "helper")]);
    let sandbox = with_helper(sandbox, "two", &[("h.example", "u", "store"), ("i.example", "u", "store")]);
    docker(
        &sandbox,
        &json!({"credHelpers": {"h.example": "one"}, "credsStore": "two",
        "auths": {"h.example": auth("u", "file"), "i.example": auth("u", "file"), "j.example": auth("u", "file")}}),
    );
    assert_eq!(import(&sandbox).code, Some(0));
    for (server, secret) in [("h.example", "helper"), ("i.example", "store"), ("j.example", "file")] {
        assert_has(&sandbox, server, "u", secret);
    }
}

#[test]
fn an_explicit_helper_that_is_missing_is_an_error_and_bars_the_file() {
    let sandbox = sandbox();
    docker(
        &sandbox,
        &json!({"credHelpers": {"h.example": "definitely-not-found-executable"},
        "auths": {"h.example": auth("u1", "p"), "i.example": auth("u2", "p")}}),
    );
    let run = import(&sandbox);
    assert_eq!(run.code, Some(1));
    run.shows(str![[r#"
exit 1
--- stdout
! h.example      docker-credential-definitely-not-found-executable  `docker-credential-definitely-not-found-executable` is not installed
  h.example      ~/.docker/config.json                              skipped: `docker-credential-definitely-not-found-executable`, which comes first, failed
  i.example  u2  ~/.docker/config.json                              new
--- stderr
✓ Imported u2 on i.example
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! the imported logins are still in their old places: `docker-credential-ensign import --remove` removes them there
! Docker does not ask Ensign for i.example yet; to change that:  docker-credential-ensign configure-docker

"#]]);
    assert_lacks(&sandbox, "h.example");
    assert_has(&sandbox, "i.example", "u2", "p");
}

#[test]
fn a_default_helper_that_is_missing_is_a_hint_and_the_file_is_used() {
    let sandbox = sandbox();
    docker(&sandbox, &json!({"credsStore": "gone", "auths": {"h.example": auth("u1", "p")}}));
    let run = import(&sandbox);
    assert_eq!(run.code, Some(0), "{run:?}");
    run.shows(str![[r#"
exit 0
--- stdout
                 docker-credential-gone  skipped: `docker-credential-gone` is not installed
  h.example  u1  ~/.docker/config.json   new
--- stderr
✓ Imported u1 on h.example
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! the imported logins are still in their old places: `docker-credential-ensign import --remove` removes them there
! Docker does not ask Ensign for h.example yet; to change that:  docker-credential-ensign configure-docker

"#]]);
    assert_has(&sandbox, "h.example", "u1", "p");
}

#[test]
fn a_default_helper_that_fails_is_an_error_and_the_file_is_not_used() {
    let sandbox = failing(Sandbox::new(), "sick", "some error s3cret");
    docker(&sandbox, &json!({"credsStore": "sick", "auths": {"h.example": auth("u1", "p")}}));
    let run = import(&sandbox);
    assert_eq!(run.code, Some(1));
    run.shows(str![[r#"
exit 1
--- stdout
!              docker-credential-sick  `docker-credential-sick`: `list` failed
  h.example    ~/.docker/config.json   skipped: `docker-credential-sick`, which comes first, failed

"#]]);

    assert!(!run.stdout.contains("s3cret"), "what a failed helper prints is not shown: {run:?}");
    assert_lacks(&sandbox, "h.example");
}

#[test]
fn a_helper_gets_the_host_without_a_line_end() {
    let script = "#!/bin/sh\ncat > \"$HOME/stdin\"\necho '{\"Username\":\"u\",\"Secret\":\"p\"}'\n";
    let sandbox = Sandbox::new().with_program("docker-credential-one", script);
    docker(&sandbox, &json!({"credHelpers": {"h.example": "one"}}));
    assert_eq!(import(&sandbox).code, Some(0));
    assert_eq!(std::fs::read(sandbox.home().join("stdin")).unwrap(), b"h.example");
}

#[test]
fn a_helper_without_the_login_is_no_error() {
    let sandbox = failing(Sandbox::new(), "none", "credentials not found in native keychain");
    docker(&sandbox, &json!({"credHelpers": {"h.example": "none"}, "auths": {"h.example": {}}}));
    import(&sandbox).shows(str![[r#"
exit 0
--- stderr
No logins found. To add an account:  docker-credential-ensign login HOST

"#]]);
}

#[test]
fn a_program_that_cannot_start_is_named() {
    let sandbox = with_helper(Sandbox::new(), "fine", &[]);
    let file = sandbox.home().join("bin/docker-credential-flat");
    write(&file, b"not a program");
    docker(&sandbox, &json!({"credHelpers": {"h.example": "flat"}}));
    let run = import(&sandbox);
    assert_eq!(run.code, Some(1));
    run.shows(str![[r#"
exit 1
--- stdout
! h.example    docker-credential-flat  could not run `[HOME]/bin/docker-credential-flat`: Permission denied (os error 13)

"#]]);
}

#[test]
fn a_helper_has_our_environment_and_more() {
    let script = "#!/bin/sh\ncat > /dev/null\nprintf '{\"Username\":\"u\",\"Secret\":\"%s\"}' \"$TEST_SECRET\"\n";
    let sandbox = Sandbox::new().with_program("docker-credential-one", script).with("TEST_SECRET", "foo");
    docker(&sandbox, &json!({"credHelpers": {"h.example": "one"}}));
    assert_eq!(import(&sandbox).code, Some(0));
    assert_has(&sandbox, "h.example", "u", "foo");
}
