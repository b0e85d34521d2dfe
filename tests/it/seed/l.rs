//! Rows L: a registry client with logins of its own.

use super::server::{BEARER, PING, Server, asks, says};
use super::{json, login, root};
use crate::support::{Run, Sandbox};

/// The ports of `host` that a login tries.
fn ports(host: &str, more: &[&str]) -> Vec<String> {
    let server = Server::start(|_| says(200, ""));
    let proxy = format!("http://{}", server.host);
    let sandbox = Sandbox::new().with("HTTP_PROXY", &proxy).with("HTTPS_PROXY", &proxy);
    login(&sandbox, host, "alice", "pw", more);
    let seen = server.seen();
    let ports = seen.iter().filter_map(|line| line.strip_prefix(&format!("CONNECT {host}:"))?.strip_suffix(" -"));
    ports.map(str::to_owned).collect()
}

#[test]
fn l17_plain_http_is_for_this_machine_by_its_exact_names() {
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
fn lo14_a_name_that_only_begins_like_this_machine_is_another() {
    for host in ["localhost.evil.example", "127.0.0.1.evil.example"] {
        assert_eq!(ports(host, &[]), ["443"]);
    }
}

#[test]
fn l29_no_cloud_is_built_in() {
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
fn lo5_no_output_shows_a_secret() {
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
fn lo15_an_image_that_is_absent_is_told_from_one_that_is_kept_back() {
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
