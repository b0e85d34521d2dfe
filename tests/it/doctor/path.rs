//! Who does not find the program.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::*;

#[test]
fn a_program_that_is_not_on_path_is_linked_into_a_folder_that_is() {
    let sandbox = healthy();
    fs::remove_file(sandbox.home().join("bin/docker-credential-ensign")).unwrap();
    let found = assert_found(&sandbox, &[("program-path", "broken")]);
    assert_eq!(found[0]["fixable"], json!(true));
    assert_fixed(&sandbox, "program-path");
}

#[test]
fn without_such_a_folder_the_command_is_shown() {
    let sandbox = healthy().with("PATH", "/usr/bin:/bin");
    assert_found(&sandbox, &[("program-path", "broken")]);
    let folder = fs::canonicalize(Sandbox::program()).unwrap();
    let command = format!("export PATH=\"$PATH:{}\"", folder.parent().unwrap().display());
    assert_by_hand(&sandbox, "program-path", &command);
}

#[test]
fn another_copy_on_path_is_named() {
    let sandbox = healthy();
    program(&sandbox, "docker-credential-ensign", &format!("exec {} \"$@\"", Sandbox::program()));
    let found = assert_found(&sandbox, &[("program-copy", "note")]);
    let command = found[0]["command"].as_str().unwrap().to_owned();
    assert_by_hand(&sandbox, "program-copy", &command);
    assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
    assert_healthy(&sandbox);
}

/// systemd reads `environment.d` when the session begins, as this stands for it.
#[test]
fn a_session_with_another_path_is_given_the_folder() {
    let sandbox = healthy();
    let script = "case $* in '--user show-environment') ;; *) exit 1 ;; esac\nPATH=/usr/bin\n\
                  conf=$HOME/.config/environment.d/60-ensign.conf\n[ ! -e \"$conf\" ] || . \"$conf\"\necho \"PATH=$PATH\"";
    program(&sandbox, "systemctl", script);
    assert_found(&sandbox, &[("session-path", "note")]);
    assert_fixed(&sandbox, "session-path");
    // One that does not answer says nothing.
    program(&sandbox, "systemctl", "sleep 60");
    assert_healthy(&sandbox);
}

#[test]
fn who_must_type_sudo_is_told_what_that_changes() {
    let sandbox = healthy();
    let socket = sandbox.home().join("docker.sock");
    write(&socket, b"");
    let sandbox = sandbox.with("DOCKER_HOST", &format!("unix://{}", socket.display()));
    assert_healthy(&sandbox);
    fs::set_permissions(&socket, std::os::unix::fs::PermissionsExt::from_mode(0o400)).unwrap();
    let Some(run) = as_stranger(&sandbox, &[]) else { return };
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("! sudo-home: Docker's socket is for root alone here"), "{run:?}");
    assert!(run.stdout.contains("sudo docker-credential-ensign login HOST"), "{run:?}");
    if std::path::Path::new("/etc/sudoers").exists() {
        assert!(run.stdout.contains("! sudo-path: "), "{run:?}");
        assert!(run.stdout.contains("fix:    sudo ln -s "), "{run:?}");
    }
    let fix = as_stranger(&sandbox, &["--fix", "sudo-path"]).unwrap();
    assert_eq!(fix.code, Some(0), "{fix:?}");
    fs::set_permissions(&socket, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let run = as_stranger(&sandbox, &[]).unwrap();
    assert!(run.code == Some(0) && run.stdout.contains("Nothing is wrong."), "{run:?}");
}

#[test]
fn sudo_is_noticed() {
    let sandbox = healthy().with("SUDO_UID", "1000");
    assert_found(&sandbox, &[("sudo-home", "note")]);
    assert_by_hand(&sandbox, "sudo-home", "docker-credential-ensign doctor");
}

#[test]
fn docker_as_a_snap_is_named() {
    let sandbox = healthy();
    write(&sandbox.home().join("usr/bin/snap"), b"");
    program(&sandbox, "snap", "exit 0");
    fs::rename(sandbox.home().join("bin/snap"), sandbox.home().join("usr/bin/snap")).unwrap();
    let docker = sandbox.home().join("bin/docker");
    symlink(sandbox.home().join("usr/bin/snap"), &docker).unwrap();
    assert_found(&sandbox, &[("docker-snap", "broken")]);
    assert_by_hand(&sandbox, "docker-snap", "docker-credential-ensign export --all --format auth.json");
    fs::remove_file(docker).unwrap();
    assert_healthy(&sandbox);
}
