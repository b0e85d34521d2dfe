//! The way to a registry through a proxy, which the environment names.
#![cfg(unix)]

use crate::seed::server::{Server, says};
use crate::support::Sandbox;

#[test]
fn each_scheme_goes_through_its_own_proxy_and_no_password_is_shown() {
    let (https, http) = (Server::start(|_| says(200, "{}")), Server::start(|_| says(200, "{}")));
    let sandbox = Sandbox::new()
        .with("HTTPS_PROXY", &format!("me:s3cret@{}", https.host))
        .with("http_proxy", &format!("http://me:s3cret@{}", http.host))
        .with("ALL_PROXY", "socks5://me:s3cret@localhost:1")
        .with("NO_PROXY", "other.example, .sub.example");
    sandbox.store("reg.example", "alice", "pw");
    let run = sandbox.run(&["check", "reg.example", "--verbose"], "");
    assert_eq!((run.code, https.seen(), http.seen()), (Some(1), vec!["CONNECT reg.example:443 -".to_owned()], vec![]));
    assert!(run.stdout.contains(&format!(", by way of the proxy `{}`\n", https.host)), "{run:?}");
    assert!(!format!("{run:?}").contains("s3cret"), "{run:?}");
    let run = sandbox.run(&["check", "reg.example", "--plain-http", "--verbose"], "");
    assert_eq!(
        (run.code, http.seen()),
        (Some(5), vec!["CONNECT reg.example:80 -".to_owned(), "GET /v2/ -".to_owned()])
    );
    assert!(!format!("{run:?}").contains("s3cret"), "{run:?}");
    let run = sandbox.run(&["api", "reg.example", "a/tags/list", "--plain-http"], "");
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "{}"), "{run:?}");
    assert!(http.seen().contains(&"GET /v2/a/tags/list -".to_owned()), "{:?}", http.seen());
}

#[test]
fn a_proxy_that_cannot_be_used_is_named_by_its_variable() {
    let sandbox = Sandbox::new().with("HTTPS_PROXY", "socks5://me:s3cret@localhost:1");
    sandbox.store("reg.example", "alice", "pw");
    let run = sandbox.run(&["check", "reg.example"], "");
    let said = "✗ the password of alice was not checked: could not reach `reg.example`: \
        `HTTPS_PROXY` names a SOCKS proxy, which is not supported\n";
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), said), "{run:?}");
}
