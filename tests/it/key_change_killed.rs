//! A change of the key that is killed, and how the next command completes it.
#![cfg(target_os = "linux")]

use std::fs;

use snapbox::str;

use crate::key_change::{both_answer, key_json, path, sealed};
use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, can_trace, finish, read_json};

/// Kills the change at its Nth rename. The 1st rename replaces the holder's key file, the 2nd `key.json`, the 3rd and
/// 4th the two sealed files, and the 5th the config.
fn killed_at(sandbox: &Sandbox, rename: usize) -> Option<Run> {
    if !can_trace() {
        return None;
    }
    let inject = format!("inject=rename:signal=KILL:when={rename}");
    let words =
        ["-f", "-o/dev/null", "-e", "trace=rename", "-e", &inject, Sandbox::program(), "store", "key", "--rotate"];
    Some(finish(sandbox.command_of(std::path::Path::new("strace"), &words).spawn().unwrap(), b""))
}

#[test]
fn a_change_that_was_killed_loses_nothing_and_is_finished() {
    let mut transcript = String::new();
    for rename in 1..=7 {
        let sandbox = sealed();
        let Some(run) = killed_at(&sandbox, rename) else { return };
        both_answer(&sandbox);
        if run.code == Some(0) {
            continue;
        }
        sandbox.store("docker.io", "other", "s3cret-3");
        if key_json(&sandbox).get("previous").is_some() {
            let key = sandbox.run(&["store", "key", "--holder", &format!("file:{}/k2", sandbox.home().display())], "");
            transcript += &key.transcript();
            let doctor = sandbox.run(&["doctor"], "");
            transcript += &doctor.transcript();
            let fix = sandbox.run(&["doctor", "--fix", "left-overs"], "");
            transcript += &fix.transcript();
        } else {
            sandbox.ok(&["store", "key", "--rotate"], "");
        }
        let now = key_json(&sandbox);
        assert!(now.get("previous").is_none(), "{now}");
        assert_eq!(fs::read_to_string(sandbox.home().join("key")).unwrap().lines().count(), 1, "{rename}");
        for registry in ["ghcr.io", "quay.io"] {
            assert_eq!(read_json(&path(&sandbox, registry))["key"], now["key"], "{rename}");
        }
        both_answer(&sandbox);
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stderr
error: a change of the key was not finished
hint: run `docker-credential-ensign store key --rotate`
exit 1
--- stdout
✗ path      1 broken
  ✗ program-path: `docker-credential-ensign` is not in any absolute folder of
    PATH
      breaks: Docker and Podman cannot start Ensign, so every pull and push goes
        out without a login
      fix:    export PATH="$PATH:[BIN]"
✓ helpers   no other helper is configured
! order     1 note
  ! docker-not-asking: Docker does not ask Ensign for ghcr.io, quay.io,
    docker.io
      breaks: pulls and pushes at these registries go out without a login
      fix:    docker-credential-ensign doctor --fix docker-not-asking
      does:   docker-credential-ensign configure-docker --force ghcr.io quay.io docker.io
! files     1 note
  ! left-overs: a change of the data key was interrupted
      breaks: nothing; the old key still opens some files
      fix:    docker-credential-ensign doctor --fix left-overs
      does:   docker-credential-ensign store key --rotate
✓ stores    3 secrets sealed
✓ network   clock plausible, no proxy, registries not asked (--online)
✓ accounts  3 accounts with their secrets
✓ answers   not tried: the program is not on PATH

Found: 1 broken, 2 notes. For a report without secrets:
  docker-credential-ensign doctor --report
To look for a newer release:  docker-credential-ensign update --check
exit 0
--- stderr
✓ The new key: [KEY], in `[HOME]/key`
  3 files are sealed with it
! anyone with the old key can read old copies of these files; if the old key leaked, renew the secrets at their registries
✓ left-overs: fixed
exit 1
--- stderr
error: a change of the key was not finished
hint: run `docker-credential-ensign store key --rotate`
exit 1
--- stdout
✗ path      1 broken
  ✗ program-path: `docker-credential-ensign` is not in any absolute folder of
    PATH
      breaks: Docker and Podman cannot start Ensign, so every pull and push goes
        out without a login
      fix:    export PATH="$PATH:[BIN]"
✓ helpers   no other helper is configured
! order     1 note
  ! docker-not-asking: Docker does not ask Ensign for ghcr.io, quay.io,
    docker.io
      breaks: pulls and pushes at these registries go out without a login
      fix:    docker-credential-ensign doctor --fix docker-not-asking
      does:   docker-credential-ensign configure-docker --force ghcr.io quay.io docker.io
! files     1 note
  ! left-overs: a change of the data key was interrupted
      breaks: nothing; the old key still opens some files
      fix:    docker-credential-ensign doctor --fix left-overs
      does:   docker-credential-ensign store key --rotate
✓ stores    3 secrets sealed
✓ network   clock plausible, no proxy, registries not asked (--online)
✓ accounts  3 accounts with their secrets
✓ answers   not tried: the program is not on PATH

Found: 1 broken, 2 notes. For a report without secrets:
  docker-credential-ensign doctor --report
To look for a newer release:  docker-credential-ensign update --check
exit 0
--- stderr
✓ The new key: [KEY-2], in `[HOME-2]/key`
  3 files are sealed with it
! anyone with the old key can read old copies of these files; if the old key leaked, renew the secrets at their registries
✓ left-overs: fixed
exit 1
--- stderr
error: a change of the key was not finished
hint: run `docker-credential-ensign store key --rotate`
exit 1
--- stdout
✗ path      1 broken
  ✗ program-path: `docker-credential-ensign` is not in any absolute folder of
    PATH
      breaks: Docker and Podman cannot start Ensign, so every pull and push goes
        out without a login
      fix:    export PATH="$PATH:[BIN]"
✓ helpers   no other helper is configured
! order     1 note
  ! docker-not-asking: Docker does not ask Ensign for ghcr.io, quay.io,
    docker.io
      breaks: pulls and pushes at these registries go out without a login
      fix:    docker-credential-ensign doctor --fix docker-not-asking
      does:   docker-credential-ensign configure-docker --force ghcr.io quay.io docker.io
! files     1 note
  ! left-overs: a change of the data key was interrupted
      breaks: nothing; the old key still opens some files
      fix:    docker-credential-ensign doctor --fix left-overs
      does:   docker-credential-ensign store key --rotate
✓ stores    3 secrets sealed
✓ network   clock plausible, no proxy, registries not asked (--online)
✓ accounts  3 accounts with their secrets
✓ answers   not tried: the program is not on PATH

Found: 1 broken, 2 notes. For a report without secrets:
  docker-credential-ensign doctor --report
To look for a newer release:  docker-credential-ensign update --check
exit 0
--- stderr
✓ The new key: [KEY-3], in `[HOME-3]/key`
  3 files are sealed with it
! anyone with the old key can read old copies of these files; if the old key leaked, renew the secrets at their registries
✓ left-overs: fixed
exit 1
--- stderr
error: a change of the key was not finished
hint: run `docker-credential-ensign store key --rotate`
exit 1
--- stdout
✗ path      1 broken
  ✗ program-path: `docker-credential-ensign` is not in any absolute folder of
    PATH
      breaks: Docker and Podman cannot start Ensign, so every pull and push goes
        out without a login
      fix:    export PATH="$PATH:[BIN]"
✓ helpers   no other helper is configured
! order     1 note
  ! docker-not-asking: Docker does not ask Ensign for ghcr.io, quay.io,
    docker.io
      breaks: pulls and pushes at these registries go out without a login
      fix:    docker-credential-ensign doctor --fix docker-not-asking
      does:   docker-credential-ensign configure-docker --force ghcr.io quay.io docker.io
! files     1 note
  ! left-overs: a change of the data key was interrupted
      breaks: nothing; the old key still opens some files
      fix:    docker-credential-ensign doctor --fix left-overs
      does:   docker-credential-ensign store key --rotate
✓ stores    3 secrets sealed
✓ network   clock plausible, no proxy, registries not asked (--online)
✓ accounts  3 accounts with their secrets
✓ answers   not tried: the program is not on PATH

Found: 1 broken, 2 notes. For a report without secrets:
  docker-credential-ensign doctor --report
To look for a newer release:  docker-credential-ensign update --check
exit 0
--- stderr
✓ The new key: [KEY-4], in `[HOME-4]/key`
  3 files are sealed with it
! anyone with the old key can read old copies of these files; if the old key leaked, renew the secrets at their registries
✓ left-overs: fixed
exit 1
--- stderr
error: a change of the key was not finished
hint: run `docker-credential-ensign store key --rotate`
exit 1
--- stdout
✗ path      1 broken
  ✗ program-path: `docker-credential-ensign` is not in any absolute folder of
    PATH
      breaks: Docker and Podman cannot start Ensign, so every pull and push goes
        out without a login
      fix:    export PATH="$PATH:[BIN]"
✓ helpers   no other helper is configured
! order     1 note
  ! docker-not-asking: Docker does not ask Ensign for ghcr.io, quay.io,
    docker.io
      breaks: pulls and pushes at these registries go out without a login
      fix:    docker-credential-ensign doctor --fix docker-not-asking
      does:   docker-credential-ensign configure-docker --force ghcr.io quay.io docker.io
! files     1 note
  ! left-overs: a change of the data key was interrupted
      breaks: nothing; the old key still opens some files
      fix:    docker-credential-ensign doctor --fix left-overs
      does:   docker-credential-ensign store key --rotate
✓ stores    3 secrets sealed
✓ network   clock plausible, no proxy, registries not asked (--online)
✓ accounts  3 accounts with their secrets
✓ answers   not tried: the program is not on PATH

Found: 1 broken, 2 notes. For a report without secrets:
  docker-credential-ensign doctor --report
To look for a newer release:  docker-credential-ensign update --check
exit 0
--- stderr
✓ The new key: [KEY-5], in `[HOME-5]/key`
  3 files are sealed with it
! anyone with the old key can read old copies of these files; if the old key leaked, renew the secrets at their registries
✓ left-overs: fixed

"#]],
    );
}
