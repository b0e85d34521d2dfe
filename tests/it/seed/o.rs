//! Rows O: Docker's files, scopes and the handshake, as in an OCI client's library. O37 to O49 are in
//! `src/oci/scope.rs`, O54 to O56 in `src/oci/access/mod.rs`, O61 in `src/oci/token.rs`.

use snapbox::str;

use super::server::{BEARER, PING, Server, asks, says};
use super::{json, login, with_helper};
use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, write};

const HOST: &str = "someregistry.example.com";

/// Imports these `auths` of Docker's config.
fn imported(auths: &str) -> (Sandbox, Run) {
    let sandbox = Sandbox::new();
    write(&sandbox.docker_config_path(), format!("{{\"auths\": {auths}}}").as_bytes());
    let run = sandbox.run(&["configure-docker", "--import"], "");
    (sandbox, run)
}

/// Returns the user and the secret of the host after the import of these `auths`.
fn taken(auths: &str) -> (String, String) {
    let (sandbox, run) = imported(auths);
    assert_eq!(run.code, Some(0), "{run:?}");
    let answer = json(&sandbox.run(&["get"], HOST).stdout);
    let text = |field: &str| answer[field].as_str().unwrap().to_owned();
    (text("Username"), text("Secret"))
}

fn pair(user: &str, secret: &str) -> (String, String) {
    (user.to_owned(), secret.to_owned())
}

#[test]
fn a_helper_that_is_not_there_is_named() {
    let run = login(
        &Sandbox::new().with("PATH", "/nowhere"),
        HOST,
        "alice",
        "pw",
        &["--no-verify", "--store", "helper:absent"],
    );
    run.shows(str![[r#"
exit 1
--- stderr
error: `docker-credential-absent` is not installed
hint: install `docker-credential-absent`, or use another store, such as `file`

"#]]);
}

#[test]
fn a_registry_that_nobody_knows_is_no_failure_for_many_at_once() {
    let sandbox = Sandbox::new();
    sandbox.store("other.example", "alice", "pw");
    std::thread::scope(|scope| {
        let asked: Vec<_> = (0..8).map(|_| scope.spawn(|| sandbox.run(&["get"], HOST))).collect();
        for run in asked {
            assert_eq!(run.join().unwrap(), Run::not_found());
        }
    });
}

#[test]
fn auth_is_base64() {
    let auths = format!(r#"{{"{HOST}": {{"auth": "dGVzdHVzZXI6cGFzc3dvcmQ="}}}}"#);
    assert_eq!(taken(&auths), pair("testuser", "password"));
}

#[test]
fn auth_goes_before_username_and_password() {
    let auths = format!(r#"{{"{HOST}": {{"username": "x", "password": "y", "auth": "dGVzdHVzZXI6cGFzc3dvcmQ="}}}}"#);
    assert_eq!(taken(&auths), pair("testuser", "password"));
}

#[test]
fn an_auth_that_is_not_base64_is_named_and_spares_the_others() {
    let (sandbox, run) = imported(&format!(r#"{{"{HOST}": {{"auth": "!!!"}}, "other.example": {{"auth": "YTpi"}}}}"#));
    assert_eq!(run.code, Some(0));
    run.shows(str![[r#"
exit 0
--- stdout
~/.docker/config.json
  credHelpers
+   "other.example": "ensign"
~/.docker/config.json
  !   "other.example"               plain-text login
--- stderr
! ~/.docker/config.json: "someregistry.example.com": `auth` is not base64
✓ Imported a on other.example
✓ Wrote ~/.docker/config.json
  To undo   docker-credential-ensign configure-docker --undo
! `docker-credential-ensign` is not on PATH, so Docker will not find it

"#]]);
    assert_eq!((sandbox.who("other.example"), sandbox.run(&["get"], HOST)), ("a".to_owned(), Run::not_found()));
}

#[test]
fn an_auth_without_a_user_name_is_no_login() {
    let mut told = String::new();
    for auth in ["bm9jb2xvbg==", "OnB3"] {
        let (sandbox, run) = imported(&format!(r#"{{"{HOST}": {{"auth": "{auth}"}}}}"#)); // `nocolon` and `:pw`
        assert_eq!(sandbox.run(&["get"], HOST), Run::not_found());
        told += &run.transcript();
    }
    shows(
        &told,
        str![[r#"
exit 3
--- stderr
! ~/.docker/config.json: "someregistry.example.com": `auth` is not a user name and a secret
error: there are no accounts, so there is no registry to configure
hint: run `docker-credential-ensign login HOST` first, or name a registry
exit 3
--- stderr
! ~/.docker/config.json: "someregistry.example.com": the login is incomplete
error: there are no accounts, so there is no registry to configure
hint: run `docker-credential-ensign login HOST` first, or name a registry

"#]],
    );
}

#[test]
fn zero_bytes_around_a_password_are_cut() {
    let auths = format!(r#"{{"{HOST}": {{"auth": "dXNlcjoAcGFzcwAA"}}}}"#); // this is `user:\0pass\0\0`
    assert_eq!(taken(&auths), pair("user", "pass"));
}

#[test]
fn a_login_under_a_url_is_found_by_its_host() {
    assert_eq!(
        taken(&format!(r#"{{"https://{HOST}/v1": {{"auth": "dGVzdHVzZXI6cGFzc3dvcmQ="}}}}"#)),
        pair("testuser", "password")
    );
}

#[test]
fn who_has_no_account_is_anonymous() {
    assert_eq!(Sandbox::new().run(&["get"], "registry.example.com"), Run::not_found());
}

#[test]
fn plain_http_is_spoken_where_it_is_allowed() {
    let ping = "GET http://r.example/v2/ -";
    for (more, code, seen) in [
        (&[][..], 1, &["CONNECT r.example:443 -"][..]),
        (&["--plain-http"], 0, &["CONNECT r.example:443 -", ping, "GET http://r.example/v2/ Basic alice:pw"]),
    ] {
        let server = Server::start(move |request| if request == ping { asks("Basic") } else { says(200, "") });
        let proxy = format!("http://{}", server.host);
        let sandbox = Sandbox::new().with("HTTP_PROXY", &proxy).with("HTTPS_PROXY", &proxy);
        let run = login(&sandbox, "r.example", "alice", "pw", more);
        assert_eq!(
            (run.code, server.seen()),
            (Some(code), seen.iter().map(|line| (*line).to_owned()).collect()),
            "{run:?}"
        );
    }
}

#[test]
fn the_first_request_shows_nothing() {
    let server = Server::start(|_| says(200, ""));
    login(&Sandbox::new(), &server.host, "alice", "pw", &[]);
    assert_eq!(server.seen(), [PING]);
}

#[test]
fn a_basic_challenge_is_answered_with_the_password() {
    let server = Server::start(|request| if request == PING { asks("Basic") } else { says(200, "") });
    assert_eq!(login(&Sandbox::new(), &server.host, "testuser", "testpassword", &[]).code, Some(0));
    assert_eq!(server.seen(), [PING, "GET /v2/ Basic testuser:testpassword"]);
}

#[test]
fn a_bearer_challenge_is_answered_with_a_token_of_its_service() {
    let server = Server::start(|request| match request {
        PING => asks(r#"Bearer realm="/auth",service=someService"#),
        "GET /v2/ Bearer t1" => says(200, ""),
        _ => says(200, r#"{"token": "t1"}"#),
    });
    assert_eq!(login(&Sandbox::new(), &server.host, "testuser", "testpassword", &[]).code, Some(0));
    assert_eq!(
        server.seen()[1],
        "GET /auth?client_id=ensign&service=someService&account=testuser Basic testuser:testpassword"
    );
}

/// Runs `check` of an image. `answer` responds to every request after the ping. Returns the exit code, the verdict, and
/// the requests.
fn check(
    user: &str,
    answer: impl Fn(&str) -> super::server::Answer + Send + Sync + 'static,
) -> (i32, String, Vec<String>) {
    let server = Server::start(move |request| if request == PING { asks(BEARER) } else { answer(request) });
    let sandbox = Sandbox::new();
    sandbox.store(&server.host, user, "pw");
    let run = sandbox.run(&["check", &format!("{}/foo/bar:1", server.host), "--json"], "");
    let report = json(&run.stdout);
    let message = report["message"].as_str().or(report["error"].as_str()).unwrap().replace(&server.host, "HOST");
    (run.code.unwrap(), message, server.seen())
}

#[test]
fn an_identity_token_is_sent_in_a_form() {
    let (code, _, seen) = check("<token>", |request| match request {
        request if request.starts_with("POST /auth ") => says(200, r#"{"access_token": "t1"}"#),
        _ => says(200, ""),
    });
    let ask = |scope: &str| {
        format!("POST /auth - client_id=ensign&service=example.com&grant_type=refresh_token{scope}&refresh_token=pw")
    };
    let plain: Vec<_> = seen.iter().map(|request| request.replace("%3A", ":").replace("%2F", "/")).collect();
    let look = "HEAD /v2/foo/bar/manifests/1 Bearer t1";
    let expected = [PING, &ask(""), "GET /v2/ Bearer t1", &ask("&scope=repository:foo/bar:pull"), look];
    assert_eq!((code, plain), (0, expected.map(str::to_owned).to_vec()));
}

#[test]
fn an_answer_without_a_token_is_said() {
    let (code, message, _) = check("alice", |_| says(200, "{}"));
    assert_eq!(code, 1);
    shows(&message, str!["alice was not checked: the token server `HOST` answered without a token"]);
}

#[test]
fn a_challenge_that_cannot_be_met_costs_one_request() {
    let server = Server::start(|_| asks("Negotiate"));
    let run = login(&Sandbox::new(), &server.host, "alice", "pw", &[]);
    assert_eq!((run.code, server.seen()), (Some(1), vec![PING.to_owned()]), "{run:?}");
}

#[test]
fn a_fresh_token_that_is_refused_is_a_missing_right() {
    let (code, message, _) = check("alice", |request| match request {
        "GET /v2/ Bearer t1" => says(200, ""),
        request if request.starts_with("GET /auth?") => says(200, r#"{"token": "t1"}"#),
        _ => asks(BEARER),
    });
    assert_eq!(code, 4);
    shows(&message, str!["HOST accepts the account alice, which may not pull HOST/foo/bar (according to HOST)"]);
}

#[test]
fn a_password_that_is_refused_stays_refused() {
    let server = Server::start(|_| asks("Basic"));
    let sandbox = Sandbox::new();
    sandbox.store(&server.host, "alice", "pw");
    let run = sandbox.run(&["check", &server.host, "--json"], "");
    assert_eq!((run.code, json(&run.stdout)["verdict"].as_str()), (Some(3), Some("rejected")), "{run:?}");
    assert_eq!(server.seen(), [PING, "GET /v2/ Basic alice:pw"]);
}

#[test]
fn a_store_that_fails_stops_the_question_with_its_error() {
    let server = Server::start(|_| says(200, ""));
    let sandbox = with_helper();
    login(&sandbox, &server.host, "alice", "pw", &["--no-verify", "--store", "helper:kept"]);
    write(&sandbox.home().join("broken-get"), b"");
    let run = sandbox.run(&["check", &server.host], "");
    assert_eq!(server.seen().len(), 0);
    run.shows(str![[r#"
exit 1
--- stderr
error: the secret of alice on [HOST] could not be read by `docker-credential-kept`
hint: run `docker-credential-kept list` to see what is wrong

"#]]);
}

#[test]
fn a_token_server_out_of_order_is_not_taken_for_the_registry() {
    let other = Server::start(|_| says(503, ""));
    let realm = format!("Bearer realm=\"http://{}/auth\"", other.host);
    let server = Server::start(move |_| asks(&realm));
    let run = login(&Sandbox::new(), &server.host, "alice", "pw", &[]);
    run.shows(str![[r#"
exit 1
--- stderr
error: login failed for [HOST]: `[HOST-2]` has a server error (503)
hint: login not saved; use `--no-verify` to save it without checking

"#]]);
}

#[test]
fn a_bearer_challenge_without_a_realm_is_said() {
    let server = Server::start(|_| asks("Bearer service=\"s\""));
    let run = login(&Sandbox::new(), &server.host, "alice", "pw", &[]);
    run.shows(str![[r#"
exit 1
--- stderr
error: login failed for [HOST]: `[HOST]` asks for a token, but names no token server
hint: login not saved; use `--no-verify` to save it without checking

"#]]);
    assert_eq!(server.seen(), [PING]);
}

#[test]
fn a_token_that_is_not_json_is_said() {
    let (code, message, seen) = check("alice", |_| says(200, "<html>"));
    assert_eq!((code, seen.len()), (1, 2));
    assert!(message.contains("token server `HOST`"), "{message}");
}

#[test]
fn credentials_are_looked_up_once() {
    let server = Server::start(|request| match request {
        PING => asks(BEARER),
        request if request.starts_with("GET /auth?") => says(200, r#"{"token": "t1"}"#),
        _ => says(200, ""),
    });
    let sandbox = with_helper();
    login(&sandbox, &server.host, "alice", "pw", &["--no-verify", "--store", "helper:kept"]);
    let before = sandbox.calls().len();
    sandbox.ok(&["get"], &server.host);
    assert_eq!(sandbox.calls()[before..], [format!("get https://{}/ensign/alice", server.host)]);
    sandbox.ok(&["check", &format!("{}/foo/bar:1", server.host)], "");
    let asked = sandbox.calls()[before + 1..].to_vec();
    // The requests are one ping, two for tokens, and two for the image.
    assert_eq!((server.seen().len(), asked.len()), (5, 1), "{asked:?}");
}

#[test]
fn schemes_and_keys_have_no_case_and_quotes_may_hold_quotes() {
    let server = Server::start(|request| match request {
        PING => asks(r#"bEaReR rEaLm="/\auth",SERVICE="a\"b, c=d""#),
        "GET /v2/ Bearer t1" => says(200, ""),
        _ => says(200, r#"{"token": "t1"}"#),
    });
    assert_eq!(login(&Sandbox::new(), &server.host, "alice", "pw", &[]).code, Some(0));
    let asked = server.seen()[1].replace("%22", "\"").replace("%20", " ").replace("%2C", ",").replace("%3D", "=");
    assert_eq!(asked, "GET /auth?client_id=ensign&service=a\"b, c=d&account=alice Basic alice:pw");
}
