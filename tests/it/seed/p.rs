//! Rows P: a signing client's way to find credentials, fetch a token, and request an image.

use serde_json::json;
use snapbox::str;

use super::server::{Answer, BEARER, PING, Server, asks, says};
use super::{json, login};
use crate::support::{Run, Sandbox, write};

fn docker_config(sandbox: &Sandbox, text: &str) {
    write(&sandbox.docker_config_path(), text.as_bytes());
}

/// A registry whose token server answers `token`. The registry answers a request for an image with the status `image`,
/// if the request has a token.
fn giving(token: &'static str, image: u16) -> Server {
    Server::start(move |request| match request {
        PING => asks(BEARER),
        request if request.contains(" /auth?") => says(200, token),
        request if request.starts_with("GET /v2/ Bearer ") => says(200, "{}"),
        _ => says(image, ""),
    })
}

#[test]
fn a_user_and_a_password_that_are_given_need_no_file() {
    let server = Server::start(|request| if request == PING { asks("Basic") } else { says(200, "") });
    let sandbox = Sandbox::new();
    docker_config(&sandbox, &json!({"auths": {&server.host: {"auth": "b3RoZXI6bG9naW4="}}}).to_string());
    assert_eq!(login(&sandbox, &server.host, "username", "password", &[]).code, Some(0));
    assert_eq!(server.seen(), [PING, "GET /v2/ Basic username:password"]);
}

#[test]
fn the_registry_of_a_reference_is_its_host_with_the_port() {
    let sandbox = Sandbox::new();
    for registry in ["registry.example.com", "h:5000"] {
        sandbox.store(registry, "alice", "pw");
    }
    for (words, registry) in [
        (&["registry.example.com/foo/bar:latest"][..], "registry.example.com"),
        (&["h:5000/x"], "h:5000"),
        (&["h:5000/x@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"], "h:5000"),
        (&["h:5000", "--as", "skopeo inspect docker://h:5000/x"], "h:5000"),
    ] {
        let which = json(&sandbox.ok(&[&["which"], words, &["--json"]].concat(), ""));
        assert_eq!(which["registry"], registry);
        assert!(which["images"][0].as_str().unwrap().starts_with(registry), "{which}");
    }
}

#[test]
fn auth_is_the_base64_of_user_and_password() {
    let sandbox = Sandbox::new();
    docker_config(&sandbox, r#"{"auths": {"r.example": {"auth": "dXNlcm5hbWU6cGFzc3dvcmQ="}}}"#);
    sandbox.ok(&["configure-docker", "--import"], "");
    let answer = "{\"ServerURL\":\"r.example\",\"Username\":\"username\",\"Secret\":\"password\"}\n";
    assert_eq!(sandbox.run(&["get"], "r.example"), Run::success(answer));
}

#[test]
fn nothing_found_is_told_to_programs_and_to_people() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run(&["get"], "r.example"), Run::not_found());
    let run = sandbox.run(&["check", "r.example/foo/bar"], "");
    assert_eq!(run.code, Some(3));
    run.shows(str![[r#"
exit 3
--- stderr
error: r.example has no account
hint: run `docker-credential-ensign login r.example`

"#]]);
}

#[test]
fn a_token_is_asked_for_with_service_scope_and_the_password() {
    let server = giving(r#"{"token": "some-token"}"#, 200);
    let sandbox = Sandbox::new();
    sandbox.store(&server.host, "username", "password");
    assert_eq!(sandbox.ok(&["token", &format!("{}/foo/bar", server.host)], ""), "some-token\n");
    let ask = "GET /auth?client_id=ensign&service=example.com&account=username&scope=repository%3Afoo%2Fbar%3Apull";
    let ask = format!("{ask} Basic username:password");
    let same = |query: &str| query.replace("%3A", ":").replace("%2F", "/");
    assert_eq!(same(server.seen().last().unwrap()), same(&ask));
}

#[test]
fn a_token_server_that_refuses_is_named() {
    let server = Server::start(|request| if request == PING { asks(BEARER) } else { says(401, "") });
    let sandbox = Sandbox::new();
    sandbox.store(&server.host, "username", "password");
    let run = sandbox.run(&["token", &format!("{}/foo/bar", server.host)], "");
    assert_eq!((run.code, run.stdout.as_str()), (Some(3), ""));
    run.shows(str![[r#"
exit 3
--- stderr
error: [HOST] rejects the login of username
hint: run `docker-credential-ensign login [HOST] --alias username`

"#]]);
}

#[test]
fn a_password_with_colons_stays_whole() {
    let sandbox = Sandbox::new();
    docker_config(&sandbox, r#"{"auths": {"r.example": {"auth": "dTphOmI6Yw=="}}}"#); // this is `u:a:b:c`
    sandbox.ok(&["configure-docker", "--import"], "");
    assert!(sandbox.run(&["get"], "r.example").stdout.contains(r#""Username":"u","Secret":"a:b:c""#));
}

#[test]
fn a_realm_keeps_its_query_and_needs_neither_service_nor_scope() {
    let server = Server::start(|request| match request {
        PING => asks(r#"Bearer realm="/auth?a=b%20c""#),
        "GET /v2/ Bearer t1" => says(200, ""),
        _ => says(200, r#"{"token": "t1"}"#),
    });
    assert_eq!(login(&Sandbox::new(), &server.host, "alice", "pw", &[]).code, Some(0));
    assert_eq!(server.seen()[1], "GET /auth?a=b%20c&client_id=ensign&account=alice Basic alice:pw");
}

#[test]
fn either_name_of_the_token_is_read() {
    for token in [
        r#"{"access_token": "t1"}"#,
        r#"{"token": "", "access_token": "t1"}"#,
        r#"{"token": "t1", "access_token": "t2"}"#,
    ] {
        let server = giving(token, 200);
        login(&Sandbox::new(), &server.host, "alice", "pw", &[]);
        assert_eq!(server.seen()[2], "GET /v2/ Bearer t1", "{token}");
    }
}

#[test]
fn a_file_without_logins_is_no_trouble() {
    for text in [r#"{"auths": {"r.example": {}}}"#, "{}", r#"{"auths": null}"#] {
        let sandbox = Sandbox::new();
        sandbox.store("r.example", "alice", "pw");
        docker_config(&sandbox, text);
        assert_eq!(json(&sandbox.ok(&["status", "--json"], ""))["docker"][0]["asks"], "nobody", "{text}");
        sandbox.ok(&["configure-docker", "--import"], "");
        assert_eq!(json(&sandbox.ok(&["status", "--json"], ""))["docker"][0]["asks"], "ensign", "{text}");
    }
}

#[test]
fn a_401_without_a_challenge_is_explained() {
    let server = Server::start(|_| says(401, ""));
    let run = login(&Sandbox::new(), &server.host, "alice", "pw", &[]);
    run.shows(str![[r#"
exit 1
--- stderr
error: login failed for [HOST]: `[HOST]` asks for a login, but does not say how
hint: login not saved; use `--no-verify` to save it without checking

"#]]);
}

#[test]
fn a_wrong_password_is_told_from_a_missing_right() {
    for (server, code, verdict) in [
        (giving(r#"{"token": "t1"}"#, 401), 4, "denied"),
        (Server::start(|request| if request == PING { asks(BEARER) } else { says(401, "") }), 3, "rejected"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.store(&server.host, "alice", "pw");
        let run = sandbox.run(&["check", &format!("{}/foo/bar", server.host), "--json"], "");
        assert_eq!((run.code, &json(&run.stdout)["verdict"]), (Some(code), &json!(verdict)), "{run:?}");
    }
}

#[test]
fn the_next_request_has_the_token_already() {
    let server = Server::start(|request| match request {
        request if request.contains(" /auth?") => says(200, r#"{"token": "t1", "expires_in": 300}"#),
        "GET /v2/ Bearer t1" => says(200, "{}"),
        "GET /v2/a/tags/list Bearer t1" => page("1", 2),
        "GET /v2/a/tags/list?last=2 Bearer t1" => page("2", 3),
        "GET /v2/a/tags/list?last=3 Bearer t1" => says(200, r#"{"name": "a", "tags": ["3"]}"#),
        "POST /v2/a/blobs/uploads/ Bearer t1" => (202, "Location: /v2/a/blobs/uploads/1\r\n".to_owned(), String::new()),
        request if request.starts_with("PUT /v2/a/blobs/uploads/1?digest=") && request.ends_with(" Bearer t1 abc") => {
            says(201, "")
        }
        _ => asks(BEARER),
    });
    let sandbox = Sandbox::new();
    sandbox.store(&server.host, "alice", "pw");
    let blob = sandbox.home().join("blob");
    write(&blob, b"abc");
    let upload = ["a/blobs/", "-X", "POST", "--input", blob.to_str().unwrap()];
    for (words, requests) in [(&["a/tags/list", "--paginate"][..], 3), (&upload, 2)] {
        let before = server.seen().len();
        sandbox.ok(&[&["api", &server.host], words].concat(), "");
        let seen = server.seen().split_off(before);
        let asked = seen.iter().filter(|request| request.contains(" /auth?")).count();
        // The login needs one token, and all requests after it share another one.
        assert_eq!((seen.len(), asked), (2 + 2 + requests, 2), "{seen:?}");
    }
}

/// Returns a page of tags, with a link to the next page.
fn page(tag: &str, next: u8) -> Answer {
    let link = format!("Link: </v2/a/tags/list?last={next}>; rel=\"next\"\r\n");
    (200, link, json!({"name": "a", "tags": [tag]}).to_string())
}
