//! Requests to a registry through a proxy that the environment names.
#![cfg(unix)]

use std::io::Write;
use std::sync::{Arc, Mutex};

use snapbox::str;

use crate::seed::server::{Server, says};
use crate::support::Sandbox;
use crate::support::server::{ok, respond};

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
    run.shows(str![[r#"
exit 1
--- stdout
✗ alice was not checked: could not reach `reg.example`: CONNECT proxy failed: proxy server did not respond, through the proxy `[HOST]`
--- stderr
> GET https://reg.example/v2/: CONNECT proxy failed: proxy server did not respond, through the proxy `[HOST]`, after [MS]

"#]]);
    assert!(!format!("{run:?}").contains("s3cret"), "{run:?}");
    let run = sandbox.run(&["check", "reg.example", "--plain-http", "--verbose"], "");
    assert_eq!((run.code, http.seen()), (Some(5), vec!["GET http://reg.example/v2/ -".to_owned()]));
    assert!(!format!("{run:?}").contains("s3cret"), "{run:?}");
    let run = sandbox.run(&["api", "reg.example", "a/tags/list", "--plain-http"], "");
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "{}"), "{run:?}");
    assert!(http.seen().contains(&"GET http://reg.example/v2/a/tags/list -".to_owned()), "{:?}", http.seen());
}

/// Plain http uses no CONNECT, as in Go, because many proxies allow CONNECT to port 443 only.
#[test]
fn plain_http_goes_through_a_proxy_in_absolute_form_with_every_kind_of_request() {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heads);
    let proxy = crate::support::server::Server::plain(move |head, stream| {
        log.lock().unwrap().push(head.to_owned());
        let line = head.lines().next().unwrap();
        let answer = match line.split(' ').nth(1).unwrap() {
            _ if !head.contains("\r\nproxy-authorization: Basic bWU6czNjcmV0\r\n") => respond(407, "", ""),
            target
                if target
                    .starts_with("http://auth.example:5002/token?x=%2F&client_id=ensign&service=s&account=alice") =>
            {
                ok(r#"{"token": "t"}"#)
            }
            target if target.starts_with("http://reg.example:5000/v2/") && head.contains("authorization: Bearer t") => {
                ok("{}")
            }
            "http://reg.example:5000/v2/" => respond(
                401,
                "WWW-Authenticate: Bearer realm=\"http://auth.example:5002/token?x=%2F\",service=\"s\"\r\n",
                "",
            ),
            _ => respond(404, "", ""),
        };
        let _ = stream.write_all(&answer);
    });
    let of = |login: &str| {
        let sandbox = Sandbox::new()
            .with("HTTP_PROXY", &format!("http://{login}{}", proxy.host))
            .with("HTTPS_PROXY", "http://localhost:1");
        sandbox.store("reg.example:5000", "alice", "pw");
        sandbox
    };
    let sandbox = of("me:s3cret@");
    let image = "reg.example:5000/alice/app";
    for words in [&["check", "reg.example:5000"][..], &["check", image], &["token", image]] {
        let run = sandbox.run(&[words, &["--plain-http"]].concat(), "");
        assert_eq!(run.code, Some(0), "{words:?}: {run:?}");
    }
    crate::support::write(&sandbox.home().join("blob"), b"body");
    for words in [&["alice/app/tags/list"][..], &["alice/app/referrers/", "-X", "POST", "--input", "blob"]] {
        let run = sandbox.run(&[&["api", "reg.example:5000", "--plain-http"], words].concat(), "");
        assert_eq!(run.code, Some(0), "{words:?}: {run:?}");
    }
    let heads: Vec<String> = heads.lock().unwrap().drain(..).collect();
    assert!(
        heads.iter().any(|head| head.starts_with("POST http://reg.example:5000/v2/alice/app/referrers/ HTTP/1.1\r\n"))
    );
    for head in &heads {
        let host = if head.contains(" http://auth.") { "auth.example:5002" } else { "reg.example:5000" };
        assert_eq!(head.matches(&format!("\r\nhost: {host}\r\n")).count(), 1, "{head}");
        assert!(!head.starts_with("CONNECT "), "{head}");
    }
    let run = of("").run(&["check", "reg.example:5000", "--plain-http"], "");
    run.shows(str![[r#"
exit 1
--- stdout
✗ alice was not checked: could not reach `reg.example:5000`: by https: Connection refused (os error 111), through the proxy `localhost:1`; by http: login required (407), through the proxy `[HOST]`
--- stderr
hint: run `docker-credential-ensign check reg.example:5000 --plain-http --verbose` to see what answers

"#]]);
}

#[test]
fn a_proxy_that_cannot_be_used_is_named_by_its_variable() {
    let sandbox = Sandbox::new().with("HTTPS_PROXY", "socks5://me:s3cret@localhost:1");
    sandbox.store("reg.example", "alice", "pw");
    let run = sandbox.run(&["check", "reg.example"], "");
    run.shows(str![[r#"
exit 1
--- stdout
✗ alice was not checked: could not reach `reg.example`: `HTTPS_PROXY` names a SOCKS proxy, which is not supported
--- stderr
hint: run `unset HTTPS_PROXY https_proxy`

"#]]);
}
