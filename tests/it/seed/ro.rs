//! Rows RO: oddities of the registry tool that rows R describe. Ensign must not copy them.

use snapbox::str;

use super::server::{BEARER, PING, Server, asks, says};
use super::{json, login, with_helper};
use crate::support::registry::FakeRegistry;
use crate::support::{Run, Sandbox, write};

#[test]
fn a_missing_cause_is_never_printed_as_none() {
    let server = Server::start(|_| asks("Bearer service=x"));
    let run = login(&Sandbox::new(), &server.host, "alice", "pw", &[]);
    assert!(!run.stderr.contains("None"), "{run:?}");
    run.shows(str![[r#"
exit 1
--- stderr
error: login failed for [HOST]: `[HOST]` asks for a token, but names no token server
hint: login not saved; use `--no-verify` to save it without checking

"#]]);
}

#[test]
fn a_user_name_alone_never_checks_or_stores_another_user() {
    let server = Server::start(|_| says(200, ""));
    let sandbox = Sandbox::new();
    sandbox.store(&server.host, "eve", "stored");
    let before = sandbox.config();
    let run = sandbox.run(&["login", &server.host, "-u", "alice"], "");
    assert_eq!((run.code, server.seen().len(), sandbox.config()), (Some(2), 0, before), "{run:?}");
}

#[test]
fn what_a_helper_prints_on_stderr_is_not_its_answer() {
    let sandbox = with_helper(); // prints a warning at each call
    login(&sandbox, "ghcr.io", "alice", "pw", &["--no-verify", "--store", "helper:kept"]);
    let answer = "{\"ServerURL\":\"ghcr.io\",\"Username\":\"alice\",\"Secret\":\"pw\"}\n";
    assert_eq!(sandbox.run(&["get"], "ghcr.io"), Run::success(answer));
}

#[test]
fn a_docker_config_that_cannot_be_read_is_not_overwritten() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "alice", "pw");
    let path = sandbox.docker_config_path();
    write(&path, b"{\"auths\": {\n,}}");
    let run = sandbox.run(&["configure-docker"], "");
    assert!(run.code == Some(1) && run.stderr.contains("line 2"), "{run:?}");
    assert_eq!(std::fs::read(path).unwrap(), b"{\"auths\": {\n,}}");
}

#[test]
fn a_docker_config_that_is_named_is_the_only_one() {
    let sandbox = Sandbox::new().with("DOCKER_CONFIG", "elsewhere");
    sandbox.store("ghcr.io", "alice", "pw");
    write(&sandbox.docker_config_path(), br#"{"credHelpers": {"ghcr.io": "ensign"}}"#);
    assert_eq!(json(&sandbox.ok(&["status", "--json"], ""))["docker"][0]["asks"], "nobody");
}

#[test]
fn one_line_end_is_cut_from_a_password_and_nothing_else() {
    let server = Server::start(|request| if request == PING { asks("Basic") } else { says(200, "") });
    login(&Sandbox::new(), &server.host, "alice", " p w\n", &[]);
    // The end of each line in the server's log is trimmed, so only the next login checks a blank at the end.
    assert_eq!(server.seen().last().unwrap(), "GET /v2/ Basic alice: p w");
    let sandbox = Sandbox::new();
    login(&sandbox, "ghcr.io", "alice", " p w \r\n", &["--no-verify"]);
    sandbox.run(&["get"], "ghcr.io").shows(str![[r#"
exit 0
--- stdout
{"ServerURL":"ghcr.io","Username":"alice","Secret":" p w "}

"#]]);
}

/// Logs in at a registry whose token server answers `token`. Returns the exit code and the requests.
fn login_by_token(challenge: &'static str, user: &str, token: &'static str) -> (Option<i32>, Vec<String>) {
    let server = Server::start(move |request| match request {
        PING => asks(challenge),
        "GET /v2/ Bearer t1" => says(200, "{}"),
        _ if token.is_empty() => says(401, ""),
        _ => says(200, token),
    });
    (login(&Sandbox::new(), &server.host, user, "pw", &[]).code, server.seen())
}

#[test]
fn a_challenge_needs_no_service() {
    let (code, seen) = login_by_token(r#"Bearer realm="/auth""#, "alice", r#"{"token": "t1"}"#);
    assert_eq!((code, seen[1].as_str()), (Some(0), "GET /auth?client_id=ensign&account=alice Basic alice:pw"));
}

#[test]
fn a_password_is_never_sent_as_a_refresh_token() {
    let (code, seen) = login_by_token(BEARER, "alice", "");
    let asked = ["GET /v2/", "GET /auth", "GET /.well-known/registry-login"]; // the last: where to create a token
    assert_eq!((code, seen.len()), (Some(3), asked.len()));
    assert!(seen.iter().zip(asked).all(|(request, start)| request.starts_with(start)), "{seen:?}");
    assert!(!seen.iter().any(|request| request.starts_with("POST") || request.contains("refresh_token")), "{seen:?}");
}

#[test]
fn an_identity_token_is_not_sent_as_a_password() {
    let (code, seen) = login_by_token(BEARER, "<token>", r#"{"access_token": "t1"}"#);
    let post = "POST /auth - client_id=ensign&service=example.com&grant_type=refresh_token&refresh_token=pw";
    assert_eq!((code, seen[1].as_str()), (Some(0), post));
    assert!(!seen.iter().any(|request| request.contains("Basic")), "{seen:?}");
}

#[test]
fn the_names_of_docker_hub_are_one_registry() {
    let names = ["https://index.docker.io/v1/", "docker.io", "index.docker.io", "registry-1.docker.io"];
    for name in names {
        let sandbox = Sandbox::new();
        sandbox.store(name, "alice", "pw");
        for asked in names {
            assert_eq!(sandbox.who(asked), "alice", "{name} {asked}");
        }
    }
}

#[test]
fn a_registry_that_takes_anything_is_told_to_have_checked_nothing() {
    let registry = FakeRegistry::open();
    let run = login(&Sandbox::new(), &registry.host, "alice", "anything", &[]);
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
fn a_realm_inside_this_network_gets_no_password() {
    let realm = "https://169.254.169.254/token";
    let server = Server::start(move |_| asks(&format!("Bearer realm=\"{realm}\"")));
    let proxy = format!("http://{}", server.host);
    let sandbox = Sandbox::new().with("HTTP_PROXY", &proxy).with("HTTPS_PROXY", &proxy);
    let run = login(&sandbox, "r.example", "alice", "pw", &["--plain-http"]);
    run.shows(str![[r#"
exit 1
--- stderr
error: login failed for r.example: the credentials were not sent to the token server of `r.example`: `https://169.254.169.254/token` is an address inside this network
hint: login not saved; use `--no-verify` to save it without checking

"#]]);
    assert!(!server.seen().iter().any(|request| request.contains("169.254")), "{:?}", server.seen());
}

#[test]
fn every_challenge_of_a_header_is_read() {
    let both = r#"Basic realm="x",Bearer realm="/auth",service="example.com""#;
    let (code, seen) = login_by_token(both, "alice", r#"{"token": "t1"}"#);
    let ask = "GET /auth?client_id=ensign&service=example.com&account=alice Basic alice:pw";
    assert_eq!((code, seen), (Some(0), vec![PING.to_owned(), ask.to_owned(), "GET /v2/ Bearer t1".to_owned()]));
}
