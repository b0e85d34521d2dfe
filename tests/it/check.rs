//! `check` and `token`: what an account may do, according to a registry.

use std::collections::BTreeSet;
use std::io::Write;

use serde_json::{Value, json};
use snapbox::str;

use crate::support::registry::FakeRegistry;
use crate::support::server::Server;
use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox};

/// A home with `alice` and `bob` on the registry, of which `alice` is the default.
fn two_accounts(registry: &FakeRegistry) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.store(&registry.host, "bob", "bob-pw");
    sandbox.store(&registry.host, "alice", "alice-pw");
    sandbox
}

fn told(code: i32, stdout: &str) -> Run {
    Run { code: Some(code), stdout: stdout.to_owned(), stderr: String::new() }
}

#[test]
fn check_says_what_the_account_of_an_image_may_do() {
    let mut transcripts = BTreeSet::new();
    for registry in [FakeRegistry::with_tokens(), FakeRegistry::with_opaque_tokens()] {
        let host = &registry.host;
        let sandbox = two_accounts(&registry);
        let mut transcript = sandbox.run(&["check", host], "").transcript();
        for (name, option, code) in [
            ("alice/app:1", "--pull", 0),
            ("bob/app:1", "--pull", 0),
            ("bob/app:1", "--push", 0),
            ("public/app:1", "--pull", 0),
            ("public/app:1", "--push", 4),
            ("carol/app:1", "--pull", 4),
        ] {
            let run = sandbox.run(&["check", &format!("{host}/{name}"), option], "");
            assert_eq!((run.code, run.stderr.as_str()), (Some(code), ""), "{run:?}");
            transcript += &run.stdout;
        }
        transcripts.insert(transcript.replace(host, "HOST"));
    }
    assert_eq!(transcripts.len(), 1, "both say the same: {transcripts:?}");
    shows(
        transcripts.first().unwrap(),
        str![[r#"
exit 0
--- stdout
✓ HOST accepts the account alice
✓ HOST accepts the account alice, which may pull HOST/alice/app
✓ HOST accepts the account bob, which may pull HOST/bob/app
✓ HOST accepts the account bob, which may push to HOST/bob/app
✓ HOST accepts the account alice, which may pull HOST/public/app
✗ HOST accepts the account alice, which may not push to HOST/public/app (according to HOST)
✗ HOST accepts the account alice, which may not pull HOST/carol/app (according to HOST)

"#]],
    );
}

#[test]
fn check_pull_begins_no_upload_and_check_push_gives_it_up() {
    let registry = FakeRegistry::with_opaque_tokens();
    let image = format!("{}/alice/app:1", registry.host);
    let sandbox = two_accounts(&registry);
    sandbox.ok(&["check", &image], "");
    assert_eq!(registry.seen().last().unwrap(), "HEAD /v2/alice/app/manifests/1");
    assert!(registry.seen().iter().all(|request| request.starts_with("GET ") || request.starts_with("HEAD ")));
    sandbox.ok(&["check", &image, "--push"], "");
    let seen = registry.seen();
    let expected = ["POST /v2/alice/app/blobs/uploads/", "DELETE /v2/alice/app/blobs/uploads/0001"];
    assert_eq!(seen[seen.len() - 2..], expected);
    let registry = FakeRegistry::with_tokens();
    let image = format!("{}/alice/app", registry.host);
    two_accounts(&registry).ok(&["check", &image, "--push"], "");
    assert!(registry.seen().iter().all(|request| request.starts_with("GET ")), "the token's claims are enough");
}

#[test]
fn a_registry_that_takes_the_password_itself_is_asked_too() {
    let registry = FakeRegistry::start();
    let host = &registry.host;
    let sandbox = two_accounts(&registry);
    let mut transcript = String::new();
    for (name, option) in
        [("alice/app:1", "--pull"), ("carol/app:1", "--pull"), ("alice/app:1", "--push"), ("alice/app:2", "--pull")]
    {
        let run = sandbox.run(&["check", &format!("{host}/{name}"), option], "");
        transcript += &run.transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 0
--- stdout
✓ [HOST] accepts the account alice, which may pull [HOST]/alice/app
exit 4
--- stdout
✗ [HOST] accepts the account alice, which may not pull [HOST]/carol/app (according to [HOST])
exit 0
--- stdout
✓ [HOST] accepts the account alice, which may push to [HOST]/alice/app
exit 0
--- stdout
✓ [HOST] accepts the account alice, which can probably pull [HOST]/alice/app, but the image is missing or hidden

"#]],
    );
    let run = sandbox.run(&["token", &format!("{host}/alice/app")], "");
    run.shows(str![[r#"
exit 1
--- stderr
error: [HOST] accepts the account alice, but issues no tokens: the registry accepts the user name and password directly (Basic)
hint: run `docker-credential-ensign api [HOST] PATH`, which sends the user name and password

"#]]);
}

#[test]
fn a_bad_password_a_careless_registry_and_an_absent_one_are_told_apart() {
    for (registry, password, code, verdict) in [
        (FakeRegistry::with_tokens(), "expired", 3, "rejected"),
        (FakeRegistry::start(), "expired", 3, "rejected"),
        (FakeRegistry::open(), "anything", 5, "anonymous"),
        (FakeRegistry::careless(), "anything", 5, "anonymous"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.store(&registry.host, "alice", password);
        let image = format!("{}/public/app:1", registry.host);
        for command in ["check", "token"] {
            let run = sandbox.run(&[command, &image, "--json"], "");
            let json: Value = serde_json::from_str(&run.stdout).unwrap();
            assert_eq!((run.code, &json["verdict"]), (Some(code), &json!(verdict)), "{run:?}");
            let run = sandbox.run(&[command, &image], "");
            let hint = format!("hint: run `docker-credential-ensign login {} --alias alice`\n", registry.host);
            assert_eq!(run.stderr.ends_with(&hint), code == 3, "{run:?}");
            let host = sandbox.run(&["check", &registry.host], "");
            assert_eq!(host.code, Some(code), "{host:?}");
            assert_eq!((run.code, run.stdout.is_empty()), (Some(code), command == "token"), "{run:?}");
        }
    }
    let garbage = Server::without_tls(|mut stream| drop(stream.write_all(b"hello\r\n\r\n")));
    let sandbox = Sandbox::new();
    sandbox.store(&garbage.host, "alice", "alice-pw");
    let run = sandbox.run(&["check", &garbage.host], "");
    let again = format!("hint: run `docker-credential-ensign check {} --verbose` to see", garbage.host);
    assert!(run.code == Some(1) && run.stderr.starts_with(&again), "http was tried: {run:?}");
    sandbox.store("localhost:1", "alice", "alice-pw");
    let run = sandbox.run(&["check", "localhost:1/a/b"], "");
    assert_eq!(run.code, Some(1));
    run.shows(str![[r#"
exit 1
--- stdout
✗ alice was not checked: could not reach `localhost:1`: Connection refused (os error 111)
--- stderr
hint: run `docker-credential-ensign check localhost:1/a/b --verbose` to see what answers

"#]]);
}

#[test]
fn the_account_is_the_one_that_which_names() {
    let registry = FakeRegistry::with_tokens();
    let image = format!("{}/alice/app:1", registry.host);
    let sandbox = two_accounts(&registry).with("ENSIGN_ACCOUNT", "bob");
    let run = sandbox.run(&["check", &image, "--json"], "");
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let message = &report["message"];
    assert!(message.as_str().unwrap().contains(" bob, "), "{report}");
    let expected = json!({
        "schema": 1, "status": "failure", "verdict": "denied",
        "message": message,
        "registry": registry.host, "image": image, "action": "pull", "account": "bob", "username": "bob",
    });
    assert_eq!((run.code, &report), (Some(4), &expected));
    let nobody = Sandbox::new().run(&["check", "quay.io/a/b"], "");
    assert_eq!((nobody.code, nobody.stdout.as_str()), (Some(3), ""));
    nobody.shows(str![[r#"
exit 3
--- stderr
error: quay.io has no account
hint: run `docker-credential-ensign login quay.io`

"#]]);
    let typo = two_accounts(&registry).with("ENSIGN_ACCOUNT", &format!("{}=bbo", registry.host));
    let run = typo.run(&["token", &image], "");
    assert_eq!((run.code, run.stderr.contains("`bbo`")), (Some(3), true), "{run:?}");
}

#[test]
fn token_prints_a_token_and_nothing_else() {
    let registry = FakeRegistry::with_opaque_tokens();
    let sandbox = two_accounts(&registry);
    let image = format!("{}/bob/app", registry.host);
    assert_eq!(sandbox.run(&["token", &image, "--push"], ""), told(0, "opaque.bob\n"));
    let expected = json!({"schema": 1, "status": "success", "image": image, "token": "opaque.bob", "expires_in": 300});
    let json = sandbox.ok(&["token", &image, "--json"], "");
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), expected);
    let registry = FakeRegistry::with_tokens();
    let sandbox = two_accounts(&registry);
    assert!(sandbox.ok(&["token", &format!("{}/public/app", registry.host)], "").starts_with("e30."));
    let run = sandbox.run(&["token", &format!("{}/public/app", registry.host), "--push"], "");
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (Some(4), ""),
        "a token with fewer rights than requested is not printed"
    );
    for command in ["token", "check"] {
        let run = sandbox.run(&[command, &registry.host, "--push"], "");
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{run:?}");
    }
}
