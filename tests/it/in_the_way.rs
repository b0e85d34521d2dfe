//! A folder in the place of a file, a file in the place of a folder, a link to itself, or permissions that are missing:
//! each error has a command that mends it.
#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use snapbox::str;

use crate::bad_input::{STORE, one_account};
use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, finish, write};

#[test]
fn a_wrong_kind_of_file_is_named_with_a_command() {
    let folder = |path: &Path| fs::create_dir_all(path).unwrap();
    let mut transcript = String::new();
    let sandbox = Sandbox::new();
    write(&sandbox.home().join("config"), b"");
    for (words, stdin) in [
        (&["get"][..], "ghcr.io"),
        (&["status"], ""),
        (&["store"], STORE),
        (&["doctor", "--fix", "config-damaged"], ""),
    ] {
        transcript += &sandbox.run(words, stdin).transcript();
    }
    let sandbox = one_account();
    fs::remove_dir_all(sandbox.home().join("data/secrets")).unwrap();
    write(&sandbox.home().join("data/secrets"), b"");
    transcript += &sandbox.run(&["get"], "ghcr.io").transcript();
    let sandbox = Sandbox::new();
    folder(&sandbox.home().join("config"));
    symlink("config.json", sandbox.config_path()).unwrap();
    transcript += &sandbox.run(&["get"], "ghcr.io").transcript();
    shows(
        &transcript,
        str![[r#"
exit 1
--- stdout
`[HOME]/config` is a file, where Ensign expects a folder: move it away: `mv [HOME]/config [HOME]/config.aside`
exit 1
--- stderr
error: `[HOME]/config` is a file, where Ensign expects a folder
hint: move it away: `mv [HOME]/config [HOME]/config.aside`
exit 1
--- stdout
`[HOME]/config` is a file, where Ensign expects a folder: move it away: `mv [HOME]/config [HOME]/config.aside`
exit 1
--- stdout
  ✗ config-damaged: `[HOME]/config` is a file, where Ensign expects a
    folder
      breaks: no account can be found
      fix:    mv [HOME]/config [HOME]/config.aside
--- stderr
! config-damaged needs you to fix it
exit 1
--- stdout
`[HOME-2]/data/secrets` is a file, where Ensign expects a folder: move it away: `mv [HOME-2]/data/secrets [HOME-2]/data/secrets.aside`
exit 1
--- stdout
could not read `[HOME-3]/config/config.json`: Too many levels of symbolic links (os error 40): remove the link that leads to itself: `rm [HOME-3]/config/config.json`

"#]],
    );
}

#[test]
fn a_path_that_a_person_named_is_explained() {
    let sandbox = one_account();
    let run_folder = sandbox.home().join("run");
    fs::create_dir(&run_folder).unwrap();
    fs::set_permissions(&run_folder, Permissions::from_mode(0o700)).unwrap();
    let sandbox = sandbox.with("XDG_RUNTIME_DIR", run_folder.to_str().unwrap());
    sandbox.link("docker-credential-ensign");
    let path = sandbox.home().display().to_string();
    let sandbox = sandbox.with("PATH", &path);
    fs::create_dir(run_folder.join("ensign-journal.jsonl")).unwrap();
    write(&sandbox.home().join("docker-credential-ensign-me"), b"");
    let mut transcript = String::new();
    for words in [
        &["why", "--clear"][..],
        &["pin", "me"],
        &["pin", "me", "--folder", "nope/bin"],
        &["store", "key", "--holder", &format!("file:{path}/run")],
        &["api", "ghcr.io", "me/app/manifests/x", "-X", "PUT", "--input", "run"],
    ] {
        transcript += &sandbox.run(words, "").transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stderr
error: could not remove `[HOME]/run/ensign-journal.jsonl`: Is a directory (os error 21)
hint: move it away: `mv [HOME]/run/ensign-journal.jsonl [HOME]/run/ensign-journal.jsonl.aside`
exit 1
--- stderr
error: could not make `[HOME]/docker-credential-ensign-me`: File exists (os error 17)
hint: move it away: `mv [HOME]/docker-credential-ensign-me [HOME]/docker-credential-ensign-me.aside`
exit 1
--- stderr
error: could not make `nope/bin/docker-credential-ensign-me`: No such file or directory (os error 2)
hint: first make its folder: `mkdir -p nope/bin`
exit 1
--- stderr
error: `[HOME]/run` is a folder, and not a file with a key
hint: name another file
exit 2
--- stderr
error: `run` is a folder
hint: name a file with `--input`

"#]],
    );
}

/// Runs the program as a user who owns the home, and returns `None` if the test does not run as root.
fn as_stranger(sandbox: &Sandbox, config: &Path, words: &[&str], stdin: &str) -> Option<Run> {
    let chown = Command::new("chown").args(["-R", "54321:54321"]).arg(sandbox.home()).status();
    if !chown.is_ok_and(|status| status.success()) {
        eprintln!("skipped: only root can be another user");
        return None;
    }
    let mut command = sandbox.command(words);
    command.env("ENSIGN_CONFIG_DIR", config).uid(54321).gid(54321);
    Some(finish(command.spawn().unwrap(), stdin.as_bytes()))
}

#[test]
fn permissions_that_the_owner_lacks_are_given_by_the_hint() {
    let sandbox = Sandbox::new();
    let config = sandbox.home().join("own");
    write(&config.join("config.json"), br#"{"version": 3, "registries": {}}"#);
    write(&config.join("config.lock"), b"");
    for (name, mode) in [("", 0o700), ("config.json", 0o600), ("config.lock", 0o400)] {
        let path = config.join(name);
        if std::os::unix::fs::chown(&path, Some(54321), Some(54321)).is_err() {
            return eprintln!("skipped: only root can be another user");
        }
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    }
    let mut transcript = as_stranger(&sandbox, &config, &["store"], STORE).unwrap().transcript();
    let doctor = || {
        let run = as_stranger(&sandbox, &config, &["doctor"], "").unwrap();
        run.stdout.lines().filter(|line| line.contains("own/")).collect::<Vec<_>>().join("\n") + "\n"
    };
    transcript += &doctor();
    fs::set_permissions(config.join("config.json"), Permissions::from_mode(0o200)).unwrap();
    transcript += &as_stranger(&sandbox, &config, &["get"], "ghcr.io").unwrap().transcript();
    transcript += &doctor();
    shows(
        &transcript,
        str![[r#"
exit 1
--- stdout
could not open `[HOME]/own/config.lock`: Permission denied (os error 13): change its permissions: `chmod u+rw [HOME]/own/config.lock`
  ! read-only: could not open `[HOME]/own/config.lock`: Permission
      fix:    chmod u+rw [HOME]/own/config.lock
exit 1
--- stdout
could not read `[HOME]/own/config.json`: Permission denied (os error 13): change its permissions: `chmod u+rw [HOME]/own/config.json`
  ✗ config-damaged: could not read `[HOME]/own/config.json`: Permission
      fix:    chmod u+rw [HOME]/own/config.json
  ! read-only: could not open `[HOME]/own/config.lock`: Permission
      fix:    chmod u+rw [HOME]/own/config.lock

"#]],
    );
}

#[test]
fn missing_permissions_are_shown_by_a_command_that_a_shell_reads_as_one_path() {
    let mut transcript = String::new();
    for (name, mode) in [("d'$(touch PWN)q", 0o000), ("plain", 0o500)] {
        let sandbox = Sandbox::new();
        let config = sandbox.home().join(name);
        write(&config.join("config.json"), br#"{"version": 3, "registries": {}}"#);
        fs::set_permissions(&config, Permissions::from_mode(mode)).unwrap();
        for (words, stdin) in [(&["get"][..], "ghcr.io"), (&["store"], STORE)] {
            let Some(run) = as_stranger(&sandbox, &config, words, stdin) else { return };
            transcript += &run.transcript();
            let Some((_, hint)) = run.stdout.split_once(": `chmod u+rwx") else { continue };
            let line = format!("ls -ld{}", hint.trim_end().trim_end_matches('`'));
            let shell = Command::new("sh").args(["-c", &line]).current_dir(sandbox.home()).output().unwrap();
            assert!(shell.status.success() && !sandbox.home().join("PWN").exists(), "{line}: {shell:?}");
        }
        // The config exists, but its copy cannot be made.
        fs::set_permissions(&config, Permissions::from_mode(0o700)).unwrap();
        write(&config.join("config.lock"), b"");
        fs::set_permissions(&config, Permissions::from_mode(0o500)).unwrap();
        transcript += &as_stranger(&sandbox, &config, &["store"], STORE).unwrap().transcript();
    }
    let sandbox = Sandbox::new();
    transcript += &as_stranger(&sandbox, Path::new("/nope/config"), &["store"], STORE)
        .unwrap_or_else(|| Run::success(""))
        .transcript();
    shows(
        &transcript,
        str![[r#"
exit 1
--- stdout
could not read `[HOME]/d'$(touch PWN)q/config.json`: Permission denied (os error 13): change its permissions: `chmod u+rwx '[HOME]/d'\''$(touch PWN)q'`
exit 1
--- stdout
could not read `[HOME]/d'$(touch PWN)q/config.json`: Permission denied (os error 13): change its permissions: `chmod u+rwx '[HOME]/d'\''$(touch PWN)q'`
exit 1
--- stdout
could not keep a copy of `[HOME]/d'$(touch PWN)q/config.json`: Permission denied (os error 13): change its permissions: `chmod u+rwx '[HOME]/d'\''$(touch PWN)q'`
exit 1
--- stdout
credentials not found in native keychain
exit 1
--- stdout
could not open `[HOME-2]/plain/config.lock`: Permission denied (os error 13): change its permissions: `chmod u+rwx [HOME-2]/plain`
exit 1
--- stdout
could not keep a copy of `[HOME-2]/plain/config.json`: Permission denied (os error 13): change its permissions: `chmod u+rwx [HOME-2]/plain`
exit 1
--- stdout
could not make `/nope/config`: Permission denied (os error 13): check its permissions: `ls -ld /`

"#]],
    );
}
