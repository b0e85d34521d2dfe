//! `update` where another one runs, where there is no room, through a proxy, and from a server that fails.
#![cfg(target_os = "linux")]

use std::fs;

use serde_json::json;

use crate::support::release::{BEHIND_PROXY, PROGRAM, TARGET, program_of};
use crate::support::{Run, write};
use crate::update::{Installed, REPORT, saying};

#[test]
fn one_update_at_a_time() {
    let installed = Installed::new();
    installed.releases.publish("0.9.0", &saying(&installed.sandbox, "0.9.0"));
    let lock = fs::File::create(installed.at("lib/ensign/update.lock")).unwrap();
    lock.lock().unwrap();
    installed.refuses(&[], "another update of this program is running", "wait until it is done");
}

/// Needs the right to mount; without it nothing is tried.
#[test]
fn where_there_is_no_room_nothing_is_begun() {
    let installed = Installed::new();
    installed.releases.publish("0.9.0", &program_of("0.9.0"));
    let small = installed.at("bin");
    let script = "mount -t tmpfs -o size=32m tmpfs \"$1\" 2>/dev/null || exit 77; install -m 755 \"$2\" \"$1/docker-credential-ensign\" && \
        \"$1/docker-credential-ensign\" update; echo \"left: $(ls -A \"$1\")\"";
    let mut command = installed.sandbox.command_of("unshare".as_ref(), &["--mount", "sh", "-c", script, "sh"]);
    let output = command
        .arg(&small)
        .arg(program_of(env!("CARGO_PKG_VERSION")))
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output()
        .unwrap();
    let run = Run::from(output);
    if run.code == Some(0) {
        assert!(run.stderr.starts_with("error: `") && run.stderr.contains("has no room: "), "{run:?}");
        assert!(run.stderr.ends_with("hint: make room and try again\n"), "{run:?}");
        assert_eq!(run.stdout, format!("left: {PROGRAM}\n"));
    }
}

#[test]
fn a_server_that_fails_is_named() {
    let mut installed = Installed::new();
    installed.releases.publish("0.9.0", &saying(&installed.sandbox, "0.9.0"));
    let name = format!("ensign-0.9.0-{TARGET}.tar.gz");
    let https = "report it to those who run that server";
    for (rules, error, hint) in [
        (
            json!({"SUMS": {"status": 503}}),
            "`SERVER` answered with 503 when asked for SHA256SUMS".to_owned(),
            "try again later",
        ),
        (
            json!({"SUMS": {"status": 404}}),
            "there is no release at `https://SERVER`".to_owned(),
            "check `releases` in `config.json`, if it is set there",
        ),
        (
            json!({"gz": {"redirect": "http://localhost:1/x"}}),
            format!("`SERVER` redirects {name} to an address without https"),
            https,
        ),
        (
            json!({"gz": {"redirect": "/download/x.tar.gz"}}),
            format!("`SERVER` redirects {name} to an address without https"),
            https,
        ),
        (
            json!({"gz": {"endless": true}}),
            format!("{name} is too large to be of a release; nothing was changed"),
            REPORT,
        ),
        (
            json!({"gz": {"cut": 30}}),
            format!("the download of {name} broke off again and again, last after 150 bytes"),
            "try again later",
        ),
        (
            json!({"gz": {"cut": 30, "no_range": true}}),
            format!("the download of {name} broke off again and again, last after 30 bytes"),
            "try again later",
        ),
    ] {
        installed.releases.behave(&rules);
        let host = installed.releases.address().replace("https://", "");
        installed.refuses(&[], &error.replace("SERVER", &host), hint);
    }
    installed.releases.behave(&json!({}));
    let missing = "there is no release 0.8.0 at `ADDRESS`";
    installed.refuses(&["--version", "0.8.0"], missing, "run `ensign update --check`");
    installed.refuses(
        &["--rollback"],
        "no earlier program is kept here",
        "name a release: `ensign update --version VERSION`",
    );
    installed.releases.stop();
    let gone = "could not reach `SERVER`: Connection refused (os error 111)";
    let host = installed.releases.address().replace("https://", "");
    installed.refuses(&[], &gone.replace("SERVER", &host), "check the network, and the proxy if there is one");
}

#[test]
fn a_proxy_leads_to_the_server_and_its_password_is_not_shown() {
    let installed = Installed::new();
    installed.releases.publish("0.9.0", &saying(&installed.sandbox, "0.9.0"));
    let behind = format!("https://{BEHIND_PROXY}");
    let config = installed.releases.config().replace(&installed.releases.address(), &behind);
    write(&installed.sandbox.config_path(), config.as_bytes());
    let proxy = installed.releases.proxy();
    let through = |variable: &str, address: &str, words: &[&str]| -> Run {
        let mut command = installed.sandbox.command_of(&installed.at("bin/ensign"), words);
        command.env(variable, address).output().unwrap().into()
    };
    let run = through("HTTPS_PROXY", "http://me:s3cret@localhost:1", &["update", "--check", "--verbose"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains(&format!("error: could not reach `{BEHIND_PROXY}`: ")), "{run:?}");
    assert!(run.stderr.ends_with("hint: check the network, and the proxy if there is one\n"), "{run:?}");
    assert!(!run.stderr.contains("s3cret"), "{run:?}");
    let run = through("HTTPS_PROXY", &proxy.address, &["update", "--check"]);
    assert_eq!((run.code, proxy.asked()), (Some(7), vec![format!("CONNECT {BEHIND_PROXY}:443 HTTP/1.1")]), "{run:?}");
    let run = through("https_proxy", &proxy.address, &["update"]);
    assert_eq!((run.code, proxy.asked().len()), (Some(0), 1), "{run:?}");
    assert!(installed.version().ends_with("0.9.0"));
}
