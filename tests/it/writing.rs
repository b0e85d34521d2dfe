//! Writing where the system refuses a call or kills us in one; `tests/crash` does it at every call of every command.
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::{Run, Sandbox, finish, write};

/// Runs the program under strace, which does to its calls what `injections` say; `None` where that cannot be had.
fn run_under(sandbox: &Sandbox, injections: &[&str], arguments: &[&str], stdin: &str) -> Option<Run> {
    let probe = Command::new("strace").args(["-f", "-o/dev/null", "true"]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        eprintln!("skipped: strace is not installed, or may trace nothing here");
        return None;
    }
    let mut words = vec!["-f", "-o/dev/null"];
    for injection in injections {
        words.extend(["-e", injection]);
    }
    words.push(Sandbox::program());
    words.extend(arguments);
    let mut command = sandbox.command_of(Path::new("strace"), &words);
    command.env("PATH", std::env::var_os("PATH").unwrap());
    Some(finish(command.spawn().unwrap(), stdin.as_bytes()))
}

fn entry(username: &str) -> String {
    json!({"ServerURL": "ghcr.io", "Username": username, "Secret": format!("s3cret-of-{username}")}).to_string()
}

/// The files below `folder` that hold `text`.
fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let (mut found, mut folders) = (vec![], vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if fs::read(&path).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(text)) {
                found.push(path.file_name().unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort_unstable();
    found
}

#[test]
fn a_share_that_cannot_flush_a_folder_keeps_logins() {
    for error in ["EINVAL", "EOPNOTSUPP", "EIO"] {
        let sandbox = Sandbox::new();
        // The folders' flushes are the second of each pair.
        let injection = format!("inject=fsync:error={error}:when=2+2");
        let Some(run) = run_under(&sandbox, &[&injection], &["store"], &entry("me")) else { return };
        assert_eq!(run, Run::success(""), "{error}");
        assert_eq!(sandbox.who("ghcr.io"), "me");
        let Some(run) = run_under(&sandbox, &[&injection], &["store"], &entry("work")) else { return };
        assert_eq!((run, sandbox.who("ghcr.io")), (Run::success(""), "work".to_owned()));
    }
    // Of a file itself that is bad news, unless the share says that it knows no such thing.
    for (error, code) in [("EIO", Some(1)), ("EINVAL", Some(0)), ("EOPNOTSUPP", Some(0))] {
        let sandbox = Sandbox::new();
        let injection = format!("inject=fsync:error={error}:when=1");
        let Some(run) = run_under(&sandbox, &[&injection], &["store"], &entry("me")) else { return };
        assert_eq!(run.code, code, "{run:?}");
    }
}

#[test]
fn no_more_threads_is_an_error_and_no_panic() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "me", "s3cret");
    let lock = File::options().write(true).open(sandbox.home().join("config/config.lock")).unwrap();
    lock.lock().unwrap();
    let injection = "inject=clone,clone3:error=EAGAIN";
    let Some(run) = run_under(&sandbox, &[injection], &["store"], &entry("work")) else { return };
    assert!(run.stdout.starts_with("could not wait for the lock"), "{run:?}");
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""));
    drop(lock);
    for arguments in
        [&["check", "localhost:9"][..], &["api", "localhost:9", "/v2/"], &["login", "localhost:9", "-u", "me"]]
    {
        sandbox.store("localhost:9", "me", "s3cret");
        let Some(run) = run_under(&sandbox, &[injection], arguments, "") else { return };
        assert!(run.code.is_some_and(|code| code != 0 && code != 101), "{arguments:?} {run:?}");
        assert!(!run.stderr.contains("panicked"), "{run:?}");
    }
}

#[test]
fn an_export_that_is_killed_leaves_nothing_in_clear() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "me", "s3cret-of-me");
    let output = sandbox.home().join("out/export.json");
    for before in [None, Some("an export of last week")] {
        for call in ["linkat", "rename", "unlink", "fsync", "write", "close", "exit_group"] {
            for when in 1..4 {
                let _ = fs::remove_dir_all(output.parent().unwrap());
                if let Some(text) = before {
                    write(&output, text.as_bytes());
                }
                let injection = format!("inject={call}:signal=KILL:when={when}");
                let words = ["export", "ghcr.io", "-o", output.to_str().unwrap(), "--yes"];
                let Some(_) = run_under(&sandbox, &[&injection], &words, "") else { return };
                // Base64 of `me:s3cret-of-me`.
                let left: Vec<_> = files_with(sandbox.home(), "bWU6czNjcmV0LW9mLW1l");
                assert!(left.is_empty() || left == ["export.json"], "{left:?} after {call} {when}");
            }
        }
    }
}
