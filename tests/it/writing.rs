//! Writes while the system refuses a call or kills the process in one. `tests/crash` does this at every call of every
//! command.
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::path::Path;

use serde_json::json;
use snapbox::str;

use crate::support::{Run, Sandbox, can_trace, finish, write};

/// Runs the program under strace, which injects these faults into its system calls. Returns `None` if strace cannot be
/// used.
fn run_under(sandbox: &Sandbox, injections: &[&str], arguments: &[&str], stdin: &str) -> Option<Run> {
    let options: Vec<_> = injections.iter().flat_map(|injection| ["-e", injection]).collect();
    run_with(sandbox, &options, arguments, stdin)
}

fn run_with(sandbox: &Sandbox, options: &[&str], arguments: &[&str], stdin: &str) -> Option<Run> {
    if !can_trace() {
        return None;
    }
    let mut words = vec!["-f", "-o/dev/null"];
    words.extend(options);
    words.push(Sandbox::program());
    words.extend(arguments);
    Some(finish(sandbox.command_of(Path::new("strace"), &words).spawn().unwrap(), stdin.as_bytes()))
}

/// Runs the program under strace, which injects a fault into calls that name `path`.
fn run_at(sandbox: &Sandbox, path: &str, injection: &str, arguments: &[&str], stdin: &str) -> Option<Run> {
    let mut options = vec!["-P", path, "-e"];
    options.push(injection);
    run_with(sandbox, &options, arguments, stdin)
}

fn entry(username: &str) -> String {
    json!({"ServerURL": "ghcr.io", "Username": username, "Secret": format!("s3cret-of-{username}")}).to_string()
}

/// Returns the names of the files below `folder` that contain `text`.
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
        // Each write flushes first the file and then its folder, so every second call flushes a folder.
        let injection = format!("inject=fsync:error={error}:when=2+2");
        let Some(run) = run_under(&sandbox, &[&injection], &["store"], &entry("me")) else { return };
        assert_eq!(run, Run::success(""), "{error}");
        assert_eq!(sandbox.who("ghcr.io"), "me");
        let Some(run) = run_under(&sandbox, &[&injection], &["store"], &entry("work")) else { return };
        assert_eq!((run, sandbox.who("ghcr.io")), (Run::success(""), "work".to_owned()));
    }
    // A failed flush of the file itself is an error, unless the file system does not support flushing.
    for (error, code) in [("EIO", Some(1)), ("EINVAL", Some(0)), ("EOPNOTSUPP", Some(0))] {
        let sandbox = Sandbox::new();
        let (file, injection) = (sandbox.secrets_path("ghcr.io"), format!("inject=fsync:error={error}"));
        let file = format!("{}.new", file.display());
        let Some(run) = run_at(&sandbox, &file, &injection, &["store"], &entry("me")) else { return };
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
    run.shows(str![[r#"
exit 1
--- stdout
could not wait for the lock `[HOME]/config/config.lock`: Resource temporarily unavailable (os error 11)

"#]]);
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
                // The searched text is `me:s3cret-of-me` in Base64.
                let left: Vec<_> = files_with(sandbox.home(), "bWU6czNjcmV0LW9mLW1l");
                assert!(left.is_empty() || left == ["export.json"], "{left:?} after {call} {when}");
            }
        }
    }
}

#[test]
fn what_a_killed_login_leaves_is_counted_and_swept() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "me", "s3cret-of-me");
    // The first rename is of the secrets, the second of the config.
    for (when, secrets) in [(1, 0), (2, 1)] {
        let injection = format!("inject=rename:signal=KILL:when={when}");
        let Some(run) = run_under(&sandbox, &[&injection], &["store"], &entry("ghost")) else { return };
        assert_eq!(run.code, None, "killed");
        let status = sandbox.run(&["status"], "");
        assert_eq!(status.stderr.contains("1 left-over secret"), secrets == 1, "{status:?}");
        let json: serde_json::Value = serde_json::from_str(&sandbox.run(&["status", "--json"], "").stdout).unwrap();
        assert_eq!(json["left_over"]["secrets"], secrets, "{json}");
        assert_eq!(files_with(sandbox.home(), "s3cret-of-ghost").len(), 1);
        assert_eq!(sandbox.run(&["get"], "ghost@ghcr.io").code, Some(1));
        sandbox.ok(&["public", "add", "ghcr.io/open/app"], "");
        assert!(files_with(sandbox.home(), "s3cret-of-ghost").is_empty());
        assert_eq!(sandbox.who("ghcr.io"), "me");
    }
    // A sweep keeps secrets of completed logins, because they may belong to another config or to an older copy of this
    // one.
    let others = sandbox.home().join("others");
    let mut command = sandbox.command(&["store"]);
    command.env("ENSIGN_CONFIG_DIR", &others);
    assert_eq!(finish(command.spawn().unwrap(), entry("work").as_bytes()), Run::success(""));
    sandbox.ok(&["public", "add", "ghcr.io/open/more"], "");
    assert_eq!(files_with(sandbox.home(), "s3cret-of-work").len(), 1);
    sandbox.run(&["status"], "").shows(str![[r#"
exit 0
--- stdout
ghcr.io
  ● me  default   me/**   in clear text
  public: open/app, open/more

Docker does not ask Ensign for ghcr.io; to change that:
  docker-credential-ensign configure-docker
--- stderr
! 1 left-over secret without an account; to remove it:  docker-credential-ensign logout ghcr.io --left-over work

"#]]);
    // The left-over is removed even if an account has its name as its user name.
    sandbox.ok(&["account", "edit", "ghcr.io", "me", "--alias", "other"], "");
    let mut config = sandbox.config();
    config["registries"]["ghcr.io"]["accounts"]["other"]["username"] = "work".into();
    write(&sandbox.config_path(), config.to_string().as_bytes());
    sandbox.ok(&["logout", "ghcr.io", "--left-over", "work"], "");
    assert!(sandbox.config()["registries"]["ghcr.io"]["accounts"]["other"].is_object());
    assert!(files_with(sandbox.home(), "s3cret-of-work").is_empty());
}

#[test]
fn what_a_killed_login_leaves_with_another_helper_is_taken_back() {
    let helper = r#"#!/bin/sh
mkdir -p "$HOME/theirs"
case $1 in
store) cat >"$HOME/theirs/$(date +%N)" ;;
get) url=$(cat); grep -hF "\"$url\"" "$HOME"/theirs/* 2>/dev/null | grep . || { echo credentials not found in native keychain; exit 1; } ;;
erase) url=$(cat); rm -f $(grep -lF "\"$url\"" "$HOME"/theirs/*) ;;
esac
"#;
    let sandbox = Sandbox::new().with_program("docker-credential-theirs", helper);
    sandbox.store("ghcr.io", "me", "s3cret-of-me");
    let config = sandbox.config_path();
    let words = ["login", "ghcr.io", "-u", "ghost", "--store", "helper:theirs", "--no-verify", "--password-stdin"];
    // Kills the process at the first rename of the config's new text.
    let path = format!("{}.new", config.display());
    let Some(run) = run_at(&sandbox, &path, "inject=rename:signal=KILL:when=1", &words, "s3cret-of-ghost") else {
        return;
    };
    assert_eq!(run.code, None, "{run:?}");
    assert_eq!(files_with(sandbox.home(), "s3cret-of-ghost").len(), 1, "{run:?}");
    sandbox.ok(&["public", "add", "ghcr.io/open/app"], "");
    assert!(files_with(sandbox.home(), "s3cret-of-ghost").is_empty());
    sandbox.ok(&words, "s3cret-of-ghost");
    assert_eq!(sandbox.who("ghost@ghcr.io"), "ghost");
}

#[test]
fn a_change_that_cannot_be_written_takes_everything_back() {
    for error in ["ENOSPC", "EIO", "EROFS"] {
        let sandbox = Sandbox::new();
        sandbox.store("ghcr.io", "me", "first");
        let path = format!("{}.new", sandbox.config_path().display());
        let injection = format!("inject=openat:error={error}:when=1");
        for (words, stdin) in [
            (&["store"][..], entry("work")),
            (&["logout", "ghcr.io", "-u", "me"], String::new()),
            (&["account", "edit", "ghcr.io", "me", "--alias", "other"], String::new()),
            (
                &["login", "ghcr.io", "-u", "me", "--images", "ghcr.io/a/**", "--no-verify", "--password-stdin"],
                "second".to_owned(),
            ),
        ] {
            let before = (sandbox.config(), fs::read(sandbox.secrets_path("ghcr.io")).unwrap());
            let Some(run) = run_at(&sandbox, &path, &injection, words, &stdin) else { return };
            assert_eq!(run.code, Some(1), "{words:?} {run:?}");
            let after = (sandbox.config(), fs::read(sandbox.secrets_path("ghcr.io")).unwrap());
            assert_eq!(after, before, "{words:?} {error}");
        }
        // Before the config is renamed, Ensign checks that it can remove the secret.
        let secrets = format!("{}.new", sandbox.secrets_path("ghcr.io").display());
        sandbox.store("ghcr.io", "work", "second");
        let logout = |injection: &str| run_at(&sandbox, &secrets, injection, &["logout", "ghcr.io", "-u", "work"], "");
        let Some(run) = logout(&injection) else { return };
        assert_eq!((run.code, sandbox.who("ghcr.io")), (Some(1), "work".into()), "{run:?}");
        // Once the config is renamed, nothing is undone. The next change deletes the remaining secret.
        let Some(run) = logout(&injection.replace("when=1", "when=2")) else { return };
        assert_eq!(run.code, Some(1), "{run:?}");
        let saved = "error: the change was saved, but an old secret could not be removed: could not write `";
        assert!(run.stderr.starts_with(saved), "{run:?}");
        assert!(sandbox.config()["registries"]["ghcr.io"]["accounts"].get("work").is_none());
        sandbox.ok(&["switch", "ghcr.io", "me"], "");
        assert!(files_with(sandbox.home(), "second").is_empty());
    }
}
