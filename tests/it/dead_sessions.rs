//! After a session has ended, `get` answers `credentials not found` for ten minutes without sending a request.
#![cfg(unix)]

use serde_json::{Value, json};
use snapbox::str;

use crate::seed::server::{Answer, BEARER, Server, asks, says};
use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, read_json, seconds_from_now, write};

/// A registry that accepts only `alice` with the password `fresh`. For any other password, it answers that the session
/// has ended.
fn registry() -> Server {
    Server::start(|request| match request {
        _ if request.contains(" Basic alice:fresh") => says(200, r#"{"token": "t"}"#),
        _ if request.contains(" Basic ") => over(),
        _ if request.ends_with(" Bearer t") => says(200, "{}"),
        _ => asks(BEARER),
    })
}

fn over() -> Answer {
    says(401, r#"{"error": "oauth_session_expired", "login_url": "http://localhost/login"}"#)
}

fn kept(sandbox: &Sandbox, host: &str) -> Value {
    read_json(&sandbox.secrets_path(host))["secrets"]["alice"].clone()
}

#[test]
fn every_command_that_learns_of_it_tells_get_which_asks_nobody() {
    let server = registry();
    let host = &server.host;
    let image = format!("{host}/alice/app");
    let mut transcript = String::new();
    for words in [
        &["check", host][..],
        &["check", &image, "--push"],
        &["token", &image],
        &["api", host, "alice/app/tags/list"],
        &["login", host],
        &["login", host, "-u", "alice", "--password-stdin"],
    ] {
        let sandbox = Sandbox::new();
        sandbox.store(host, "alice", "pw");
        assert_eq!(sandbox.who(host), "alice");
        assert_eq!(sandbox.run(words, "another").code, Some(3), "{words:?}");
        let asked = server.seen().len();
        assert_eq!(sandbox.run(&["get"], host), Run::not_found(), "{words:?}");
        assert_eq!(sandbox.run(&["get"], &image), Run::not_found(), "{words:?}");
        assert_eq!(server.seen().len(), asked, "{words:?}");
        let kept = kept(&sandbox, host);
        assert_eq!((&kept["secret"], &kept["session_over"]["page"]), (&json!("pw"), &json!("http://localhost/login")));
        let until = kept["session_over"]["until"].as_i64().unwrap();
        assert!((seconds_from_now(590)..=seconds_from_now(600)).contains(&until), "{kept}");
        let status = sandbox.run(&["status"], "");
        transcript += &status.transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 3
--- stdout
[HOST]
  ● alice  default   alice/**   in clear text
    ✗ the session of alice at [HOST] has expired: log in at http://localhost/login with a browser, then try again; the saved secret stays valid

Docker does not ask Ensign for [HOST]; to change that:
  docker-credential-ensign configure-docker
1 account needs attention.
exit 3
--- stdout
[HOST]
  ● alice  default   alice/**   in clear text
    ✗ the session of alice at [HOST] has expired: log in at http://localhost/login with a browser, then try again; the saved secret stays valid

Docker does not ask Ensign for [HOST]; to change that:
  docker-credential-ensign configure-docker
1 account needs attention.
exit 3
--- stdout
[HOST]
  ● alice  default   alice/**   in clear text
    ✗ the session of alice at [HOST] has expired: log in at http://localhost/login with a browser, then try again; the saved secret stays valid

Docker does not ask Ensign for [HOST]; to change that:
  docker-credential-ensign configure-docker
1 account needs attention.
exit 3
--- stdout
[HOST]
  ● alice  default   alice/**   in clear text
    ✗ the session of alice at [HOST] has expired: log in at http://localhost/login with a browser, then try again; the saved secret stays valid

Docker does not ask Ensign for [HOST]; to change that:
  docker-credential-ensign configure-docker
1 account needs attention.
exit 3
--- stdout
[HOST]
  ● alice  default   alice/**   in clear text
    ✗ the session of alice at [HOST] has expired: log in at http://localhost/login with a browser, then try again; the saved secret stays valid

Docker does not ask Ensign for [HOST]; to change that:
  docker-credential-ensign configure-docker
1 account needs attention.
exit 3
--- stdout
[HOST]
  ● alice  default   alice/**   in clear text
    ✗ the session of alice at [HOST] has expired: log in at http://localhost/login with a browser, then try again; the saved secret stays valid

Docker does not ask Ensign for [HOST]; to change that:
  docker-credential-ensign configure-docker
1 account needs attention.

"#]],
    );
}

#[test]
fn it_is_forgotten_after_ten_minutes_with_another_secret_and_once_the_registry_lets_the_account_in() {
    let server = registry();
    let host = &server.host;
    let sandbox = Sandbox::new();
    let end = || {
        sandbox.store(host, "alice", "pw");
        assert_eq!(sandbox.run(&["check", host], "").code, Some(3));
        assert_eq!(sandbox.run(&["get"], host), Run::not_found());
    };
    end();
    for (until, answer) in [(-1, "alice"), (60, ""), (3600, "alice")] {
        let mut kept = kept(&sandbox, host);
        kept["session_over"]["until"] = json!(seconds_from_now(until));
        sandbox.put_secret(host, "alice", &kept);
        let run = sandbox.run(&["get"], host);
        assert_eq!(run.stdout.contains("\"alice\""), answer == "alice", "{until}: {run:?}");
    }
    end();
    sandbox.store(host, "alice", "another");
    assert_eq!(sandbox.who(host), "alice");
    end();
    let mut ended = kept(&sandbox, host);
    ended["secret"] = json!("fresh");
    sandbox.put_secret(host, "alice", &ended);
    assert_eq!(sandbox.run(&["get"], host), Run::not_found());
    sandbox.ok(&["check", host], "");
    assert_eq!((sandbox.who(host).as_str(), kept(&sandbox, host)), ("alice", json!("fresh")));
}

#[test]
fn another_users_login_says_nothing_of_an_account() {
    let server = registry();
    let sandbox = Sandbox::new();
    sandbox.store(&server.host, "alice", "pw");
    for words in [&["-u", "bob"][..], &["-u", "bob", "--alias", "alice"]] {
        let run = sandbox.run(&[&["login", &server.host, "--password-stdin"], words].concat(), "pw");
        assert_eq!(run.code, Some(3), "{run:?}");
        assert_eq!(sandbox.who(&server.host), "alice");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_person_at_a_terminal_is_shown_the_page() {
    let server = registry();
    let sandbox = Sandbox::new();
    sandbox.store(&server.host, "alice", "pw");
    assert_eq!(sandbox.run(&["check", &server.host], "").code, Some(3));
    let line = format!("echo {} | {} get >out", server.host, Sandbox::program());
    let script = sandbox.command_of("script".as_ref(), &["-qec", &line, "/dev/null"]).spawn();
    let Ok(script) = script else { return eprintln!("skipped: no `script` here") };
    let shown = crate::support::finish(script, b"").stdout;
    shows(
        &shown,
        str![[r#"
ensign: the session of alice at [HOST] has expired: log in at http://localhost/login with a browser, then try again; the saved secret stays valid

"#]],
    );
    assert_eq!(std::fs::read_to_string(sandbox.home().join("out")).unwrap(), crate::support::NOT_FOUND);
}

/// The provider's token server says, during a renewal, that the session has ended.
#[test]
fn a_renewal_that_learns_of_it_is_the_last_for_ten_minutes() {
    let provider = Server::start(|_| over());
    let page = "http://localhost/login";
    for (due, until, first) in [(-60, -10, false), (-1, 600, true)] {
        let sandbox = Sandbox::new();
        sandbox.store("ghcr.io", "alice", "x");
        let mut config = sandbox.config();
        config["registries"]["ghcr.io"]["accounts"]["alice"]["source"] =
            json!({"provider": "atcr", "client_id": "ensign", "token_url": format!("http://{}/token", provider.host)});
        write(&sandbox.config_path(), config.to_string().as_bytes());
        let (due, until) = (seconds_from_now(due), seconds_from_now(until));
        sandbox.put_secret("ghcr.io", "alice", &json!({"secret": "t1", "refresh": "r1", "due": due, "until": until}));
        let before = provider.seen().len();
        let run = sandbox.run(&["get"], "ghcr.io");
        assert_eq!(run.code, Some(i32::from(!first)), "what is still good is handed out once more: {run:?}");
        for _ in 0..3 {
            assert_eq!(sandbox.run(&["get"], "ghcr.io"), Run::not_found());
        }
        assert_eq!(provider.seen().len() - before, 1);
        let mut kept = kept(&sandbox, "ghcr.io");
        assert_eq!((&kept["refresh"], &kept["session_over"]["page"]), (&json!("r1"), &json!(page)));
        assert!(sandbox.run(&["status"], "").stdout.contains(page));
        kept["session_over"]["until"] = json!(seconds_from_now(-1));
        sandbox.put_secret("ghcr.io", "alice", &kept);
        sandbox.run(&["get"], "ghcr.io");
        assert_eq!(provider.seen().len() - before, 2, "after ten minutes the provider is asked again");
    }
}

/// The provider says that the session has ended, or the provider issues a secret and the registry says so for this
/// secret.
#[test]
fn a_login_by_browser_that_learns_of_it_tells_the_account_that_it_was_to_renew() {
    let mut transcript = String::new();
    for by_provider in [true, false] {
        let server = Server::start(move |request| match request.split([' ', '?']).nth(1).unwrap() {
            "/auth/device/code" => says(200, &crate::device::code("")),
            "/auth/device/token" if by_provider => over(),
            "/auth/device/token" => says(200, r#"{"device_secret": "atcr_device_x", "handle": "alice"}"#),
            "/auth" => over(),
            _ => asks(BEARER),
        });
        let host = &server.host;
        let sandbox = Sandbox::new();
        sandbox.store(host, "alice", "pw");
        let run = sandbox.run(&["login", host, "--device", "--provider", "atcr", "--alias", "alice"], "");
        transcript += &run.transcript();
        let asked = server.seen().len();
        assert_eq!(sandbox.run(&["get"], host), Run::not_found());
        assert_eq!((server.seen().len(), kept(&sandbox, host)["secret"].as_str()), (asked, Some("pw")));
    }
    shows(
        &transcript,
        str![[r#"
exit 3
--- stderr
Log in at ATCR with a browser, here or on another machine:

    Link  http://localhost/device
    Code  ABCD-1234

Waiting for ATCR, 10:00 at most …
error: login failed for [HOST]: the session has expired
hint: log in at http://localhost/login with a browser, then try again
exit 3
--- stderr
Log in at ATCR with a browser, here or on another machine:

    Link  http://localhost/device
    Code  ABCD-1234

Waiting for ATCR, 10:00 at most …
error: login failed for [HOST-2]: the session has expired
hint: log in at http://localhost/login with a browser, then try again

"#]],
    );
}
