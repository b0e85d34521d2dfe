//! Parts that meet: patterns of hosts, other helpers, trusted files, public images, the journal, buildx's folders.
#![cfg(unix)]

use crate::support::{Run, Sandbox};

/// The accounts `me`, the default, and `work` for all hosts of `*.corp.example`.
fn pattern() -> Sandbox {
    let sandbox = Sandbox::new();
    for name in ["me", "work"] {
        sandbox.ok(&["login", "*.corp.example", "-u", name, "--password-stdin"], name);
    }
    sandbox
}

#[test]
fn what_is_no_host_is_no_host_of_a_pattern() {
    let sandbox = pattern();
    sandbox.ok(&["login", "*.*.corp.example", "-u", "deep", "--password-stdin"], "deep");
    for address in [
        "_evil/x.corp.example",
        "_evil.example/x.corp.example",
        "me@_evil/x.corp.example",
        "-x.corp.example",
        "evil host/x.corp.example",
        "evil?x.corp.example",
        "evil.example#.corp.example",
        "evil.example\\x.corp.example",
    ] {
        assert_eq!(sandbox.run(&["get"], address), Run::not_found(), "{address}");
    }
    assert_eq!(sandbox.who("HTTPS://X.corp.example/v2/"), "me");
    assert_eq!(sandbox.who("x.y.corp.example"), "deep");
}

#[test]
fn a_client_logs_out_of_a_host_and_never_of_a_pattern() {
    let sandbox = pattern();
    for _ in 0..2 {
        let run = sandbox.run(&["erase"], "*.corp.example");
        assert_eq!((run.code, run.stdout.contains("logout '*.corp.example'")), (Some(1), true), "{run:?}");
    }
    assert_eq!(sandbox.who("a.corp.example"), "me");
}
