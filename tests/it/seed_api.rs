//! `api`, and the remaining rows of `tests/SEED_ROWS.md` about the handshake: P9 to P18, L19 to L26, O51 to O73, R12 to
//! R23 and A39.

use std::fmt::Write as _;
use std::sync::Mutex;

use serde_json::{Value, json};
use snapbox::str;

use crate::support::registry::FakeRegistry;
use crate::support::scripted::{Scripted, respond, scheme};
use crate::support::server::HttpRequest;
use crate::support::snapshots::shows;
use crate::support::{Sandbox, read_json, write};

pub const ABC: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
pub const XYZ: &str = "sha256:3608bca1e44ea6c4d268eb6db02260269892c0b42b86bbf1e77a6fa16c3c9282";

/// A registry that accepts every password. `answer` responds to all other requests.
pub fn basic(answer: impl Fn(&HttpRequest) -> String + Send + Sync + 'static) -> Scripted {
    Scripted::start(move |asked| match (scheme(asked), asked.line.as_str()) {
        ("", _) => respond(401, &["WWW-Authenticate: Basic realm=x"], ""),
        (_, "GET /v2/") => respond(200, &[], "{}"),
        _ => answer(asked),
    })
}

pub fn alice(host: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.store(host, "alice", "alice-pw");
    sandbox
}

#[test]
fn presence_absence_refusal_and_outage_are_told_apart() {
    let server = basic(|asked| {
        let status = asked.line.rsplit('/').next().unwrap().parse().unwrap();
        respond(status, &[&format!("Docker-Content-Digest: {ABC}")], "")
    });
    let sandbox = alice(&server.host);
    let mut transcript = String::new();
    for (status, code) in [(200, 0), (404, 1), (401, 4), (403, 4), (500, 1), (503, 1), (429, 1)] {
        let run = sandbox.run(&["api", &server.host, &format!("a/b/manifests/{status}"), "-X", "HEAD"], "");
        assert_eq!(run.code, Some(code), "{status}: {run:?}");
        transcript += &run.transcript();
        assert_eq!(run.stderr.contains("not found"), status == 404, "{run:?}");
        let json = sandbox.run(&["api", &server.host, &format!("a/b/manifests/{status}"), "-X", "HEAD", "--json"], "");
        let told: Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!((json.code, &told["code"]), (Some(code), &json!(status)));
        assert_eq!(told["status"], if code == 0 { "success" } else { "error" });
    }
    shows(
        &transcript,
        str![[r#"
exit 0
--- stdout
HTTP 200
content-length: 0
connection: close
docker-content-digest: sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
exit 1
--- stdout
HTTP 404
content-length: 0
connection: close
docker-content-digest: sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
--- stderr
error: not found: a/b:404
exit 4
--- stdout
HTTP 401
content-length: 0
connection: close
docker-content-digest: sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
--- stderr
error: [HOST] accepts the account alice, but does not allow this request (401)
hint: run `docker-credential-ensign status [HOST]` to see the other accounts
exit 4
--- stdout
HTTP 403
content-length: 0
connection: close
docker-content-digest: sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
--- stderr
error: [HOST] accepts the account alice, but does not allow this request (403)
hint: run `docker-credential-ensign status [HOST]` to see the other accounts
exit 1
--- stdout
HTTP 500
content-length: 0
connection: close
docker-content-digest: sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
--- stderr
error: [HOST] has a server error (500)
exit 1
--- stdout
HTTP 503
content-length: 0
connection: close
docker-content-digest: sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
--- stderr
error: [HOST] has a server error (503)
exit 1
--- stdout
HTTP 429
content-length: 0
connection: close
docker-content-digest: sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
--- stderr
error: [HOST] asks to try again later (429)

"#]],
    );
}

#[test]
fn the_errors_of_a_registry_are_shown_whatever_they_look_like() {
    let bodies = [
        ("1", r#"{"errors":[{"code":"DENIED","message":"no","detail":{"a":1}},{"code":"OUR_OWN","message":"x"}]}"#),
        ("2", "<html>Bad Gateway</html>"),
        ("3", r#"{"errors":"all of them"}"#),
    ];
    let server = basic(move |asked| {
        let (_, body) = bodies.iter().find(|(tag, _)| asked.line.ends_with(tag)).unwrap();
        respond(403, &[], body)
    });
    let sandbox = alice(&server.host);
    let mut transcript = String::new();
    for tag in ["1", "2", "3"] {
        let run = sandbox.run(&["api", &server.host, &format!("a/b/manifests/{tag}")], "");
        transcript += &run.transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 4
--- stderr
error: [HOST] accepts the account alice, but does not allow this request (403)
error: DENIED: no ({"a":1})
error: OUR_OWN: x
hint: run `docker-credential-ensign status [HOST]` to see the other accounts
exit 4
--- stderr
error: [HOST] accepts the account alice, but does not allow this request (403)
hint: run `docker-credential-ensign status [HOST]` to see the other accounts
exit 4
--- stderr
error: [HOST] accepts the account alice, but does not allow this request (403)
error: all of them
hint: run `docker-credential-ensign status [HOST]` to see the other accounts

"#]],
    );
}

#[test]
fn a_token_is_fetched_for_what_the_request_needs() {
    let server = Scripted::start(|asked| match (scheme(asked), asked.line.split('?').next().unwrap()) {
        (_, "GET /token") => respond(200, &[], r#"{"token": "t", "expires_in": 300}"#),
        ("bearer", "GET /v2/") => respond(200, &[], "{}"),
        ("bearer", _) if asked.line.ends_with("tags/list") => {
            respond(200, &[r#"Link: </v2/a/b/tags/list?last=1>; rel="next""#], r#"{"name":"a/b","tags":["2"]}"#)
        }
        ("bearer", _) if asked.line.ends_with("last=1") => respond(200, &[], r#"{"name":"a/b","tags":["1"]}"#),
        ("bearer", _) => respond(201, &[], ""),
        _ => respond(401, &["WWW-Authenticate: Bearer realm=\"/token\",service=\"example.com\""], ""),
    });
    let sandbox = alice(&server.host);
    let list = sandbox.ok(&["api", &server.host, "a/b/tags/list", "--paginate"], "");
    assert_eq!(list, "{\"name\":\"a/b\",\"tags\":[\"1\",\"2\"]}\n");
    let seen = server.seen();
    assert_eq!(
        seen,
        [
            "GET /v2/",
            "GET /token?client_id=ensign&service=example.com&account=alice basic",
            "GET /v2/ bearer",
            "GET /token?client_id=ensign&service=example.com&account=alice&scope=repository:a/b:pull basic",
            "GET /v2/a/b/tags/list bearer",
            "GET /v2/a/b/tags/list?last=1 bearer",
        ]
        .map(|line| line.replace("repository:a/b:pull", "repository%3Aa%2Fb%3Apull"))
    );
    sandbox.ok(&["api", &server.host, "a/b/manifests/1", "-X", "DELETE"], "");
    assert!(server.seen().iter().any(|line| line.contains("%3Adelete ")), "{:?}", server.seen());
    let one = sandbox.run(&["api", &server.host, "/v2/a/b/tags/list"], "");
    assert_eq!(one.stdout, r#"{"name":"a/b","tags":["2"]}"#);
    assert!(one.stderr.contains("--paginate"), "{one:?}");
}

#[test]
fn a_next_page_elsewhere_or_without_end_is_not_fetched() {
    let server = basic(|asked| match asked.line.as_str() {
        "GET /v2/_catalog" => {
            respond(200, &["Link: <http://evil.example/v2/_catalog>; rel=next"], r#"{"repositories":[]}"#)
        }
        _ => respond(200, &["Link: </v2/a/tags/list>; rel=next"], r#"{"tags":["1"]}"#),
    });
    let sandbox = alice(&server.host);
    let mut told = String::new();
    for path in ["_catalog", "a/tags/list"] {
        let run = sandbox.run(&["api", &server.host, path, "--paginate"], "");
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
        told += &run.stderr;
    }
    shows(
        &told,
        str![[r#"
error: the next page is outside the registry, at `evil.example`
error: the list did not end after 2 pages

"#]],
    );
}

#[test]
fn without_an_account_a_visitor_asks() {
    let server = Scripted::start(|asked| match (scheme(asked), asked.line.split('?').next().unwrap()) {
        ("", "GET /token") => respond(200, &[], r#"{"token": "t"}"#),
        ("bearer", line) if line.contains("/public/") => respond(200, &[], r#"{"tags":[]}"#),
        _ => respond(401, &["WWW-Authenticate: Bearer realm=\"/token\""], ""),
    });
    let sandbox = Sandbox::new();
    let run = sandbox.run(&["api", &server.host, "public/a/tags/list"], "");
    run.shows(str![[r#"
exit 0
--- stdout
{"tags":[]}[no newline]
--- stderr
! [HOST] has no account, so the request is sent without a login

"#]]);
    let run = sandbox.run(&["api", &server.host, "private/a/tags/list"], "");
    run.shows(str![[r#"
exit 3
--- stderr
! [HOST] has no account, so the request is sent without a login
error: [HOST] needs a login for this request (401)
hint: run `docker-credential-ensign login [HOST]`

"#]]);
    let run = Sandbox::new().with("ENSIGN_ACCOUNT", "bob").run(&["api", &server.host, "public/a/tags/list"], "");
    assert_eq!(run.code, Some(3), "a request without credentials never replaces a named account");
}

#[test]
fn an_identity_token_that_is_good_once_is_renewed_and_kept() {
    let next = Mutex::new(1);
    let server = Scripted::start(move |asked| match (scheme(asked), asked.line.as_str()) {
        (_, "POST /token") => {
            let mut next = next.lock().unwrap();
            if !asked.body.ends_with(&format!("refresh_token=r{next}")) {
                return respond(401, &[], "");
            }
            *next += 1;
            respond(200, &[], &format!(r#"{{"token": "t", "expires_in": 300, "refresh_token": "r{next}"}}"#))
        }
        ("bearer", _) => respond(200, &[], r#"{"tags":[]}"#),
        _ => respond(401, &["WWW-Authenticate: Bearer realm=\"/token\""], ""),
    });
    let host = server.host.as_str();
    let image = format!("{host}/a/b:1");
    let sandbox = Sandbox::new();
    sandbox.store(host, "<token>", "r1");
    for (words, kept) in [
        (vec!["check", host], "r2"),
        (vec!["check", &image], "r4"),
        (vec!["token", &image], "r6"),
        (vec!["login", host], "r7"),
        (vec!["api", host, "a/b/tags/list"], "r9"),
        (vec!["check", host, "--json"], "r10"),
    ] {
        sandbox.ok(&words, "");
        let answer: Value = serde_json::from_str(&sandbox.ok(&["get"], host)).unwrap();
        assert_eq!(answer["Secret"], kept, "{words:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_helper_is_asked_once_in_a_run() {
    let server = basic(|_| respond(200, &[], r#"{"tags":[]}"#));
    let sandbox = Sandbox::new();
    let log = sandbox.home().join("asked");
    let script = format!(
        "#!/bin/sh\ncat >/dev/null\necho \"$1\" >>'{}'\n[ \"$1\" != get ] || echo '{{\"Username\":\"alice\",\"Secret\":\"alice-pw\"}}'\n",
        log.display()
    );
    let sandbox = sandbox.with_program("docker-credential-count", &script);
    let account = json!({"username": "alice", "store": "helper:count"});
    let config =
        json!({"version": 3, "registries": {&server.host: {"active": "alice", "accounts": {"alice": account}}}});
    write(&sandbox.config_path(), config.to_string().as_bytes());
    sandbox.ok(&["api", &server.host, "a/tags/list", "--paginate"], "");
    let asked = std::fs::read_to_string(&log).unwrap();
    assert_eq!(asked, "get\n");
}

#[test]
fn plain_http_is_spoken_where_dockers_daemon_is_allowed_to() {
    let registry = FakeRegistry::start();
    let port = registry.host.rsplit(':').next().unwrap();
    let host = format!("0.0.0.0:{port}"); // an address of this machine that is not loopback
    for (entry, works) in [(host.as_str(), true), ("0.0.0.0/8", true), ("0.0.0.0:1", false), ("", false)] {
        for folder in [".docker", ".config/docker"] {
            let sandbox = alice(&host);
            write(
                &sandbox.home().join(folder).join("daemon.json"),
                json!({"insecure-registries": [entry]}).to_string().as_bytes(),
            );
            let run = sandbox.run(&["check", &host], "");
            assert_eq!(run.code == Some(0), works, "{entry} {folder}: {run:?}");
        }
    }
    let sandbox = alice(&host);
    write(&sandbox.home().join(".docker/daemon.json"), b"{broken");
    assert_eq!(sandbox.run(&["check", &host], "").code, Some(1));
    assert_eq!(sandbox.run(&["check", &host, "--plain-http"], "").code, Some(0));
}

#[test]
fn a_login_is_checked_before_it_is_kept() {
    let registry = FakeRegistry::with_tokens();
    let sandbox = Sandbox::new();
    let login = |host: &str, password: &str| {
        sandbox.run(&["login", host, "-u", "alice", "--password-stdin", "--json"], password)
    };
    let mut errors = String::new();
    for (host, password, code) in [(registry.host.as_str(), "wrong", 3), ("localhost:1", "alice-pw", 1)] {
        let run = login(host, password);
        let told: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(run.code, Some(code), "{run:?}");
        let _ = writeln!(errors, "{}", told["error"].as_str().unwrap());
        assert!(!sandbox.config_path().exists() && !sandbox.secrets_path(host).exists(), "nothing is stored");
    }
    shows(
        &errors,
        str![[r#"
login failed for [HOST]: authentication rejected by [HOST]
login failed for localhost:1: could not reach `localhost:1`: Connection refused (os error 111)

"#]],
    );
    let run = login(&registry.host, "alice-pw");
    let told: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.code, &told["status"], &told["registry"]), (Some(0), &json!("success"), &json!(registry.host)));
    assert_eq!(read_json(&sandbox.secrets_path(&registry.host))["secrets"]["alice"], "alice-pw");
}
