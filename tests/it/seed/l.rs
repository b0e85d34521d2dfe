//! Rows L: a registry client that stores its own logins.

use snapbox::str;

use super::server::{BEARER, PING, Server, asks, says};
use super::{json, login, root};
use crate::import::{answer, auth, containers, docker};
use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox};

/// Returns the host's ports to which Ensign connects through a proxy: by CONNECT for https, and by an absolute URL for
/// plain http.
fn ports(host: &str, more: &[&str]) -> Vec<String> {
    let server = Server::start(|_| says(200, ""));
    let proxy = format!("http://{}", server.host);
    let sandbox = Sandbox::new().with("HTTP_PROXY", &proxy).with("HTTPS_PROXY", &proxy);
    login(&sandbox, host, "alice", "pw", more);
    let seen = server.seen();
    let plain = format!("GET http://{host}/v2/ -");
    let ports = seen.iter().filter_map(|line| match line.strip_prefix(&format!("CONNECT {host}:")) {
        Some(port) => port.strip_suffix(" -"),
        None => (*line == plain).then_some("80"),
    });
    ports.map(str::to_owned).collect()
}

#[test]
fn a_store_that_cannot_be_opened_costs_only_its_own_entries() {
    let locked = "#!/bin/sh\nread -r key\ncase $1 in\n\
        list) echo '{\"s.example\": \"u\"}' ;;\n\
        *) echo \"it is locked: s3cret of $key\"; exit 1 ;;\nesac\n";
    let empty = "#!/bin/sh\ncat >/dev/null\necho 'credentials not found in native keychain'\nexit 1\n";
    let sandbox =
        Sandbox::new().with_program("docker-credential-locked", locked).with_program("docker-credential-empty", empty);
    let config = serde_json::json!({
        "credHelpers": {"h.example": "locked", "e.example": "empty"}, "credsStore": "locked",
    });
    docker(&sandbox, &config);
    containers(&sandbox, &serde_json::json!({"auths": {"i.example": auth("u", "p")}}));
    let run = sandbox.run(&["import", "--json"], "");
    let logins = json(&run.stdout)["logins"].clone();
    let told = |server: &str| {
        let of_it: Vec<_> = logins.as_array().unwrap().iter().filter(|login| login["server"] == server).collect();
        of_it
            .iter()
            .map(|login| format!("{}: {}", login["effect"], login["reason"]).replace('"', ""))
            .collect::<Vec<_>>()
    };
    for server in ["h.example", "s.example"] {
        assert_eq!(told(server), ["failed: `docker-credential-locked`: `get` failed"], "{run:?}");
    }
    assert_eq!(told("e.example"), [""; 0], "a store without an entry is no failure: {run:?}");
    assert_eq!((run.code, told("i.example")), (Some(1), vec!["new: null".to_owned()]), "{run:?}");
    assert!(!format!("{run:?}").contains("s3cret"), "{run:?}");
    assert_eq!(answer(&sandbox, "i.example"), ("u".to_owned(), "p".to_owned()));
    assert_eq!(sandbox.run(&["get"], "h.example"), Run::not_found());
}

#[test]
fn plain_http_is_for_this_machine_by_its_exact_names() {
    for host in ["localhost", "127.0.0.1"] {
        let server = Server::start(|_| says(200, ""));
        let here = server.host.replace("localhost", host);
        assert_eq!(login(&Sandbox::new(), &here, "alice", "pw", &[]).code, Some(0), "{here}");
        assert_eq!(server.seen(), [PING]);
    }
    assert_eq!(ports("public.ecr.aws", &[]), ["443"]);
    assert_eq!(ports("public.ecr.aws", &["--plain-http"]), ["443", "80"]);
}

#[test]
fn a_name_that_only_begins_like_this_machine_is_another() {
    for host in ["localhost.evil.example", "127.0.0.1.evil.example"] {
        assert_eq!(ports(host, &[]), ["443"]);
    }
}

#[test]
fn blobs_and_tags_are_deleted_or_it_is_said_which_one_is_not_and_why() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let server = Server::start(|request| match request {
        PING => asks("Basic"),
        "GET /v2/ Basic alice:pw" => says(200, "{}"),
        request if request.starts_with("DELETE /v2/a/") => says(202, ""),
        request if request.starts_with("DELETE /v2/b/") => {
            says(405, r#"{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}"#)
        }
        request if request.starts_with("DELETE /v2/c/") => {
            says(403, r#"{"errors":[{"code":"DENIED","message":"not yours"}]}"#)
        }
        _ => says(404, r#"{"errors":[{"code":"NAME_UNKNOWN","message":"no such repository"}]}"#),
    });
    let host = &server.host;
    let sandbox = Sandbox::new();
    sandbox.store(host, "alice", "pw");
    let mut transcript = String::new();
    for (kind, reference) in [("blobs", digest.as_str()), ("manifests", "1.0")] {
        let delete = |repository: &str| {
            let path = format!("{repository}/{kind}/{reference}");
            sandbox.run(&["api", host, &path, "-X", "DELETE"], "")
        };
        transcript += &delete("a").transcript();
        assert_eq!(server.seen().last().unwrap(), &format!("DELETE /v2/a/{kind}/{reference} Basic alice:pw"));
        for repository in ["b", "c", "d"] {
            transcript += &delete(repository).transcript();
        }
    }
    shows(
        &transcript,
        str![[r#"
exit 0
--- stderr
✓ deleted a@sha256:0000000000000000000000000000000000000000000000000000000000000000 (202)
exit 1
--- stderr
error: could not delete b@sha256:0000000000000000000000000000000000000000000000000000000000000000: [HOST] answered 405
error: UNSUPPORTED: The operation is unsupported.
exit 4
--- stderr
error: could not delete c@sha256:0000000000000000000000000000000000000000000000000000000000000000: [HOST] accepts the account alice, but does not allow this request (403)
error: DENIED: not yours
hint: run `docker-credential-ensign status [HOST]` to see the other accounts
exit 1
--- stderr
error: not found: d@sha256:0000000000000000000000000000000000000000000000000000000000000000
error: NAME_UNKNOWN: no such repository
exit 0
--- stderr
✓ deleted a:1.0 (202)
exit 1
--- stderr
error: could not delete b:1.0: [HOST] answered 405
error: UNSUPPORTED: The operation is unsupported.
exit 4
--- stderr
error: could not delete c:1.0: [HOST] accepts the account alice, but does not allow this request (403)
error: DENIED: not yours
hint: run `docker-credential-ensign status [HOST]` to see the other accounts
exit 1
--- stderr
error: not found: d:1.0
error: NAME_UNKNOWN: no such repository

"#]],
    );
}

#[test]
fn no_cloud_is_built_in() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let packages: Vec<_> = lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).collect();
    assert!(packages.contains(&"docker-credential-ensign"));
    let clouds: Vec<_> = packages
        .iter()
        .filter(|name| ["aws-", "azure", "google-", "gcp"].iter().any(|cloud| name.starts_with(cloud)))
        .collect();
    assert!(clouds.is_empty(), "{clouds:?}");
}

#[test]
fn no_output_shows_a_secret() {
    let server = Server::start(|request| match request {
        PING => asks(BEARER),
        request if request.contains(" /auth?") => says(401, r#"{"token": "t0psecret", "details": "t0psecret"}"#),
        _ => says(500, "t0psecret"),
    });
    let sandbox = Sandbox::new().with("RUST_LOG", "trace").with("RUST_BACKTRACE", "full");
    sandbox.store(&server.host, "alice", "hunter2");
    let image = format!("{}/foo/bar", server.host);
    for words in [&["check", &image][..], &["token", &image], &["status"], &["which", &image], &["login", &server.host]]
    {
        let run: Run = sandbox.run(words, "");
        assert!(
            !format!("{run:?}").contains("t0psecret") && !format!("{run:?}").contains("hunter2"),
            "{words:?}: {run:?}"
        );
    }
}

#[test]
fn an_image_that_is_absent_is_told_from_one_that_is_kept_back() {
    for (status, code, verdict) in
        [(200, 0, "allowed"), (404, 0, "probably"), (401, 4, "denied"), (403, 4, "denied"), (500, 1, "accepted")]
    {
        let server = Server::start(move |request| match request {
            PING => asks("Basic"),
            "GET /v2/ Basic alice:pw" => says(200, ""),
            _ => says(status, ""),
        });
        let sandbox = Sandbox::new();
        sandbox.store(&server.host, "alice", "pw");
        let run = sandbox.run(&["check", &format!("{}/foo/bar:1", server.host), "--json"], "");
        assert_eq!((run.code, json(&run.stdout)["verdict"].as_str()), (Some(code), Some(verdict)), "{status}: {run:?}");
    }
}
