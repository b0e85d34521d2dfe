//! A stranger's folder and a stranger's process get nothing: no program is run from the folder, no address is trusted,
//! and no memory is readable.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;

use serde_json::json;
use snapbox::str;

use crate::seed::tests;
use crate::support::snapshots::shows;
use crate::support::{NOT_FOUND, Sandbox, finish, write};

const STRANGER: u32 = 54321;

fn program(path: &Path, script: &str) {
    write(path, format!("#!/bin/sh\n{script}\n").as_bytes());
    fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_program_is_never_found_in_the_folder_that_we_are_called_in() {
    for path in
        [".:/usr/bin:/bin", ":/usr/bin:/bin", "/usr/bin:/bin:", "bin:/usr/bin:/bin", "/usr/bin:/bin:./bin", "", "."]
    {
        let sandbox = Sandbox::new();
        let clone = sandbox.home().join("clone");
        for name in ["docker-credential-x", "gh", "tool", "xdg-open"] {
            for folder in [clone.clone(), clone.join("bin")] {
                let answer = r#"{"Username":"stranger","Secret":"x"}"#;
                program(&folder.join(name), &format!("touch \"$HOME/ran\"; echo '{answer}'"));
            }
        }
        let account = |store: &str, source| json!({"active": "me", "accounts": {"me": {"username": "me", "store": store, "source": source}}});
        let registries = json!({
            "stored.example": account("helper:x", json!(null)),
            "lent.example": account("file", json!({"borrow": "helper:x"})),
            "gh.example": account("file", json!({"borrow": "gh", "host": "github.com"})),
            "command.example": account("file", json!({"borrow": "command", "command": ["tool"]})),
        });
        let config = json!({"version": 3, "fallback": "x", "registries": registries});
        write(&sandbox.config_path(), config.to_string().as_bytes());
        fs::set_permissions(sandbox.config_path(), Permissions::from_mode(0o600)).unwrap();
        let run = |words: &[&str], stdin: &str| {
            let mut command = sandbox.command(words);
            finish(command.current_dir(&clone).env("PATH", path).spawn().unwrap(), stdin.as_bytes())
        };
        for host in ["stored.example", "lent.example", "gh.example", "command.example", "other.example"] {
            assert_ne!(run(&["get"], host).code, Some(0), "{host} {path:?}");
        }
        let entry = r#"{"ServerURL":"stored.example","Username":"me","Secret":"s3cret"}"#;
        assert_ne!(run(&["store"], entry).code, Some(0), "{path:?}");
        run(&["list"], "");
        run(&["logout", "stored.example"], "");
        let exec = run(&["exec", "-a", "me", "--", "tool"], "");
        assert_eq!(exec.code, Some(127), "{exec:?}");
        assert!(!sandbox.home().join("ran").exists(), "{path:?}");
        // A person may run a program that they name by its path.
        assert_eq!(run(&["exec", "-a", "me", "--", "./tool"], "").code, Some(0), "{path:?}");
    }
}

#[test]
fn an_address_whose_host_is_in_doubt_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "me", "s3cret");
    let mut refused = BTreeSet::new();
    for address in [
        "https://evil.example\\@ghcr.io",
        "https://evil.example?@ghcr.io",
        "https://evil.example#@ghcr.io/",
        "evil.example\\@ghcr.io",
        "ghcr.io\r.evil.example",
        "https://ghcr.io\rhost=evil.example",
    ] {
        let entry = json!({"ServerURL": address, "Username": "x", "Secret": "y"}).to_string();
        for (verb, input) in [("get", address), ("erase", address), ("store", &entry)] {
            let run = sandbox.run(&[verb], input);
            assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""), "{verb} {address:?}: {run:?}");
            refused.insert(run.stdout);
        }
    }
    shows(
        &Vec::from_iter(refused).concat(),
        str![[r#"
the server address is refused: programs disagree about its host

"#]],
    );
    assert_eq!(sandbox.who("https://me@ghcr.io"), "me");
    assert_eq!(sandbox.who("https://ghcr.io\r\n"), "me");
    let run = sandbox.run(&["login", "evil.example\\@ghcr.io"], "");
    run.shows(str![[r#"
exit 2
--- stderr
error: `evil.example\@ghcr.io` is not a registry: programs disagree about its host
hint: name the registry as in `ghcr.io`

"#]]);
}

/// Runs the program as another user, with a home of that user. Returns `None` if the test does not run as root.
fn as_stranger(sandbox: &Sandbox, arguments: &[&str]) -> Option<std::process::Child> {
    let made = std::process::Command::new("chown").args(["-R", &STRANGER.to_string()]).arg(sandbox.home()).status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("skipped: only root can be another user");
        return None;
    }
    let copy = sandbox.home().join("docker-credential-ensign");
    std::process::Command::new("install").args(["-m", "755", Sandbox::program()]).arg(&copy).status().unwrap();
    let mut command = sandbox.command_of(&copy, arguments);
    Some(command.uid(STRANGER).gid(STRANGER).spawn().unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn no_other_process_of_the_user_looks_into_our_memory() {
    use std::io::Write;
    use std::os::unix::fs::MetadataExt;
    for (words, input) in [
        (&["get"][..], "ghcr.io"),
        (&["store"], r#"{"ServerURL":"ghcr.io","Username":"me","Secret":"x"}"#),
        (&["kubelet"], "{}"),
        (&["login", "localhost:1", "-u", "me", "--password-stdin"], "x"),
    ] {
        let sandbox = Sandbox::new();
        let Some(mut child) = as_stranger(&sandbox, words) else { return };
        let memory = format!("/proc/{}/mem", child.id());
        // The program waits for its stdin here, before it reads a secret.
        let is_private = || fs::metadata(&memory).is_ok_and(|memory| memory.uid() == 0);
        let began = std::time::Instant::now();
        while !is_private() && began.elapsed().as_secs() < 20 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert!(is_private(), "{words:?}: the kernel gives what may be dumped to its user, and the rest to root");
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn who_may_not_see_our_file_still_sees_that_we_ask_in_a_circle() {
    let again = "echo call >>\"$HOME/calls\"\n[ $(wc -l <\"$HOME/calls\") -lt 9 ] || exit 1\n\
                 exec env -i HOME=\"$HOME\" PATH=\"$PATH\" ENSIGN_CONFIG_DIR=\"$HOME/config\" \
                 \"$HOME/docker-credential-ensign\" \"$1\"";
    let sandbox = Sandbox::new();
    program(&sandbox.home().join("bin/docker-credential-x"), again);
    let path = format!("{}:/usr/bin:/bin", sandbox.home().join("bin").display());
    let sandbox = sandbox.with("PATH", &path);
    write(&sandbox.config_path(), br#"{"version": 3, "fallback": "x", "registries": {}}"#);
    let Some(child) = as_stranger(&sandbox, &["get"]) else { return };
    assert_eq!(finish(child, b"quay.io").stdout, NOT_FOUND);
    assert_eq!(fs::read_to_string(sandbox.home().join("calls")).unwrap(), "call\n");
}

/// Each section of the part «What is protected» in SECURITY.md names its tests in its last line.
#[test]
fn every_promise_has_its_test() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/SECURITY.md")).unwrap();
    let protected = text.split("\n## What is protected\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let (tests, mut wrong, mut count) = (tests(), Vec::new(), 0);
    for section in protected.split("\n### ").skip(1) {
        let line = section.lines().find_map(|line| line.strip_prefix("Tests: ")).unwrap_or_default();
        let named: Vec<_> = line.split('`').skip(1).step_by(2).collect();
        if named.is_empty() {
            wrong.push(format!("no test is named for `{}`", section.lines().next().unwrap()));
        }
        wrong.extend(named.iter().filter(|name| !tests.contains(**name)).map(|name| format!("no test `{name}`")));
        count += 1;
    }
    assert!(wrong.is_empty() && count > 10, "{count} sections in SECURITY.md: {}", wrong.join(", "));
}
