//! Files of another user, files that others may write, and links or pipes in place of Ensign's files.
#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, finish, write};

const HOST: &str = "ghcr.io";
/// A user id that no user has.
const STRANGER: u32 = 54321;

fn with_account() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.store(HOST, "me", "s3cret");
    sandbox.store(HOST, "other", "s3cret");
    sandbox
}

/// Gives a file to another user. Returns false if the test does not run as root.
fn give_away(path: &Path) -> bool {
    let is_changed = chown(path, Some(STRANGER), None).is_ok();
    if !is_changed {
        eprintln!("skipped: only root can give a file away");
    }
    is_changed
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn lock(sandbox: &Sandbox) -> PathBuf {
    sandbox.home().join("config/config.lock")
}

fn user() -> String {
    let name = std::process::Command::new("id").arg("-un").output().unwrap().stdout;
    String::from_utf8(name).unwrap().trim().to_owned()
}

#[test]
fn a_file_of_another_user_is_refused_even_by_root() {
    let sandbox = with_account();
    let mut transcript = String::new();
    for (path, reads) in [(sandbox.config_path(), true), (sandbox.secrets_path(HOST), true), (lock(&sandbox), false)] {
        if !give_away(&path) {
            return;
        }
        if reads {
            transcript += &sandbox.run(&["get"], HOST).transcript();
        }
        if !path.ends_with("ghcr.io.json") {
            let run = sandbox.run(&["switch", HOST, "me"], "");
            transcript += &run.transcript();
        }
        let run = finish(sandbox.command(&["get"]).env("SUDO_UID", "1000").spawn().unwrap(), HOST.as_bytes());
        if reads {
            transcript += &run.transcript();
        }
        chown(&path, Some(0), None).unwrap();
        assert_eq!(sandbox.who(HOST), "other");
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stdout
`[HOME]/config/config.json` belongs to user 54321, but Ensign runs as user root: run the command as that user, or `chown root [HOME]/config/config.json`
exit 1
--- stderr
error: `[HOME]/config/config.json` belongs to user 54321, but Ensign runs as user root
hint: run the command as that user, or `chown root [HOME]/config/config.json`
exit 1
--- stdout
`[HOME]/config/config.json` belongs to user 54321, but Ensign runs as user root: run the command without `sudo`, or without its `-E`
exit 1
--- stdout
`[HOME]/data/secrets/ghcr.io.json` belongs to user 54321, but Ensign runs as user root: run the command as that user, or `chown root [HOME]/data/secrets/ghcr.io.json`
exit 1
--- stdout
`[HOME]/data/secrets/ghcr.io.json` belongs to user 54321, but Ensign runs as user root: run the command without `sudo`, or without its `-E`
exit 1
--- stderr
error: `[HOME]/config/config.lock` belongs to user 54321, but Ensign runs as user root
hint: run the command as that user, or `chown root [HOME]/config/config.lock`

"#]],
    );
    assert_eq!(sandbox.config()["registries"][HOST]["accounts"].as_object().unwrap().len(), 2);
}

#[test]
fn a_file_that_others_may_write_is_refused() {
    let sandbox = with_account();
    let mut transcript = String::new();
    for path in [sandbox.config_path(), sandbox.secrets_path(HOST), lock(&sandbox)] {
        mode(&path, 0o606);
        let is_secret = path.ends_with("ghcr.io.json");
        if !path.ends_with("config.lock") {
            transcript += &sandbox.run(&["get"], HOST).transcript();
        }
        if !is_secret {
            let run = sandbox.run(&["switch", HOST, "me"], "");
            transcript += &run.transcript();
        }
        mode(&path, 0o600);
        assert_eq!(sandbox.who(HOST), "other");
    }
    shows(
        &transcript.replace(&format!("user {},", user()), "user [USER],"),
        str![[r#"
exit 1
--- stdout
`[HOME]/config/config.json`, which belongs to user [USER], may be written by others (mode 606): run `chmod go-w [HOME]/config/config.json`
exit 1
--- stderr
error: `[HOME]/config/config.json`, which belongs to user [USER], may be written by others (mode 606)
hint: run `chmod go-w [HOME]/config/config.json`
exit 1
--- stdout
`[HOME]/data/secrets/ghcr.io.json`, which belongs to user [USER], may be written by others (mode 606): run `chmod go-w [HOME]/data/secrets/ghcr.io.json`
exit 1
--- stderr
error: `[HOME]/config/config.lock`, which belongs to user [USER], may be written by others (mode 606)
hint: run `chmod go-w [HOME]/config/config.lock`

"#]],
    );
}

#[test]
fn what_root_left_in_a_home_is_named_with_the_way_out() {
    let sandbox = with_account();
    for path in ["config", "data", "data/secrets", "config/config.json"] {
        mode(&sandbox.home().join(path), 0o755);
    }
    mode(sandbox.home(), 0o755);
    let mut command = sandbox.command(&["get"]);
    command.uid(STRANGER);
    let Ok(child) = command.spawn() else { return eprintln!("skipped: only root can be another user") };
    finish(child, HOST.as_bytes()).shows(str![[r#"
exit 1
--- stdout
`[HOME]/config/config.json` belongs to user root, but Ensign runs as user 54321: run `sudo chown 54321 [HOME]/config/config.json`

"#]]);
}

#[test]
fn sudo_that_kept_the_home_makes_no_file_of_roots_in_it() {
    let sandbox = Sandbox::new();
    if !give_away(sandbox.home()) {
        return;
    }
    let entry = r#"{"ServerURL":"ghcr.io","Username":"me","Secret":"x"}"#;
    let as_sudo = |id: &str| {
        let mut command = sandbox.command(&["store"]);
        finish(command.env("SUDO_UID", id).spawn().unwrap(), entry.as_bytes())
    };
    let run = as_sudo(&STRANGER.to_string());
    run.shows(str![[r#"
exit 1
--- stdout
`[HOME]` belongs to user 54321, but Ensign runs as user root: run the command without `sudo`, or without its `-E`

"#]]);
    assert_eq!(fs::read_dir(sandbox.home()).unwrap().count(), 0);
    // Without `sudo`, another owner is allowed, because root's home in a container may belong to another user.
    assert_eq!(sandbox.run(&["store"], entry), Run::success(""));
}

#[test]
fn a_link_of_the_users_own_is_followed() {
    let sandbox = with_account();
    let dotfile = sandbox.home().join("dotfiles/ensign.json");
    fs::create_dir(dotfile.parent().unwrap()).unwrap();
    fs::rename(sandbox.config_path(), &dotfile).unwrap();
    symlink(&dotfile, sandbox.config_path()).unwrap();
    assert_eq!(sandbox.who(HOST), "other");
    sandbox.ok(&["switch", HOST, "me"], "");
    assert!(sandbox.config_path().is_symlink() && !dotfile.is_symlink());
    assert_eq!(sandbox.who(HOST), "me");
    if give_away(&dotfile) {
        sandbox.run(&["get"], HOST).shows(str![[r#"
exit 1
--- stdout
`[HOME]/config/config.json` belongs to user 54321, but Ensign runs as user root: run the command as that user, or `chown root [HOME]/config/config.json`

"#]]);
    }
}

#[test]
fn secrets_and_locks_are_neither_links_nor_pipes() {
    let sandbox = with_account();
    let victim = sandbox.home().join("victim");
    let mut transcript = String::new();
    for path in [sandbox.secrets_path(HOST), lock(&sandbox)] {
        let whole = fs::read(&path).unwrap();
        let is_lock = path.ends_with("config.lock");
        let arguments: &[&str] = if is_lock { &["switch", HOST, "me"] } else { &["get"] };
        write(&victim, &whole);
        mode(&victim, 0o600);
        fs::remove_file(&path).unwrap();
        symlink(&victim, &path).unwrap();
        let run = sandbox.run(arguments, HOST);
        let output = format!("{}{}", run.stdout, run.stderr);
        assert!(run.code == Some(1), "{run:?}");
        transcript += &output;
        mode(&victim, 0o644);
        sandbox.run(&["status"], "");
        assert_eq!(fs::metadata(&victim).unwrap().mode() & 0o777, 0o644, "nothing is changed behind a link");
        fs::remove_file(&path).unwrap();
        if !is_lock {
            let other_registry = path.with_file_name("quay.io.json");
            write(&other_registry, &whole);
            symlink(&other_registry, &path).unwrap();
            transcript += &sandbox.run(arguments, HOST).stdout;
            fs::remove_file(&path).unwrap();
        }
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let run = sandbox.run(arguments, HOST);
        let output = format!("{}{}", run.stdout, run.stderr);
        assert!(run.code == Some(1), "{run:?}");
        transcript += &output;
        fs::remove_file(&path).unwrap();
        write(&path, &whole);
        mode(&path, 0o600);
    }
    shows(
        &transcript,
        str![[r#"
could not read `[HOME]/data/secrets/ghcr.io.json`: it is a link: to replace the link by its file, run `mv [HOME]/victim [HOME]/data/secrets/ghcr.io.json`
could not read `[HOME]/data/secrets/ghcr.io.json`: it is a link: run `rm [HOME]/data/secrets/ghcr.io.json`
could not read `[HOME]/data/secrets/ghcr.io.json`: it is not a file: move it away: `mv [HOME]/data/secrets/ghcr.io.json [HOME]/data/secrets/ghcr.io.json.aside`
error: could not open `[HOME]/config/config.lock`: it is a link
hint: run `rm [HOME]/config/config.lock`
error: could not open `[HOME]/config/config.lock`: it is not a file
hint: move it away: `mv [HOME]/config/config.lock [HOME]/config/config.lock.aside`

"#]],
    );
    assert_eq!(sandbox.who(HOST), "other");
}

#[test]
fn dockers_file_is_neither_read_nor_written_as_another_user() {
    let sandbox = with_account().with("PATH", "/usr/bin:/bin");
    let file = sandbox.docker_config_path();
    write(&file, b"{}");
    mode(&file, 0o666);
    let run = sandbox.run(&["configure-docker", HOST], "");
    run.shows(str![[r#"
exit 1
--- stderr
error: `[HOME]/.docker/config.json`, which belongs to user root, may be written by others (mode 666)
hint: run `chmod go-w [HOME]/.docker/config.json`

"#]]);
    mode(&file, 0o600);
    if give_away(&file) {
        let run = sandbox.run(&["configure-docker", HOST], "");
        run.shows(str![[r#"
exit 1
--- stderr
error: `[HOME]/.docker/config.json` belongs to user 54321, but Ensign runs as user root
hint: run the command as that user, or `chown root [HOME]/.docker/config.json`

"#]]);
        assert_eq!(fs::read_to_string(&file).unwrap(), "{}");
    }
}

#[test]
fn a_file_keeps_its_owner_and_its_group() {
    let sandbox = with_account();
    let path = sandbox.config_path();
    if chown(&path, None, Some(STRANGER)).is_err() {
        return eprintln!("skipped: only root can give a file to any group");
    }
    let before = fs::metadata(&path).unwrap();
    sandbox.ok(&["switch", HOST, "me"], "");
    let after = fs::metadata(&path).unwrap();
    assert_ne!(before.ino(), after.ino());
    assert_eq!((before.uid(), before.gid(), before.mode()), (after.uid(), after.gid(), after.mode()));
}
