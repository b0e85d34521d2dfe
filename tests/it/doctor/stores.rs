//! Checks of stores, and of the key for sealed secrets.

use std::fs;

use snapbox::str;

use super::*;

/// A home whose two secrets are sealed, with the key in a file.
fn sealed() -> (Sandbox, PathBuf) {
    let sandbox = healthy();
    let key = sandbox.home().join("key");
    sandbox.ok(&["store", "key", "--holder", &format!("file:{}", key.display())], "");
    sandbox.ok(&["store", "move", "--to", "sealed"], "");
    (sandbox, key)
}

#[test]
fn the_stores_are_told() {
    let sandbox = healthy();
    assert!(run(&sandbox, &[]).stdout.contains("✓ stores    2 "));
    // Nothing is stored for an account whose program is asked each time.
    let mut config = sandbox.config();
    config["registries"][HOST]["accounts"]["asked"] =
        json!({"username": "x", "store": "file", "source": {"borrow": "command", "command": ["/bin/echo", "x"]}});
    write(&sandbox.config_path(), config.to_string().as_bytes());
    assert!(run(&sandbox, &[]).stdout.contains("✓ stores    2 "));
}

#[test]
fn a_key_that_cannot_be_had_is_told_once() {
    let (sandbox, key) = sealed();
    let away = key.with_extension("away");
    let run = run(&sandbox, &[]);
    run.shows(str![[r#"
exit 0
--- stdout
✓ path      Ensign [VERSION] in ~/bin
✓ helpers   no other helper is configured
✓ order     Docker and Podman ask Ensign for ghcr.io
✓ files     5 files, readable by you only, nothing left over
✓ stores    2 secrets sealed
✓ network   clock plausible, no proxy, registries not asked (--online)
✓ accounts  2 accounts with their secrets
✓ answers   ghcr.io/bob/app → bob, ghcr.io/alice/app → alice

No problems found. For a report without secrets:
  docker-credential-ensign doctor --report
To look for a newer release:  docker-credential-ensign update --check

"#]]);
    fs::rename(&key, &away).unwrap();
    // Removes the key from the kernel's keyring, which may still cache the key.
    let _ = sandbox.run(&["lock"], "");
    let found = findings(&sandbox, &[]);
    assert_eq!(names(&found).first(), Some(&("sealed-key", "broken")), "{found:?}");
    assert!(!names(&found).iter().any(|(name, _)| *name == "secret-unreadable"), "{found:?}");
    assert_by_hand(&sandbox, "sealed-key", "");
    fs::rename(&away, &key).unwrap();
    let found = findings(&sandbox, &[]);
    assert!(!names(&found).iter().any(|(_, severity)| *severity == "broken"), "{found:?}");
}

/// A Python script that forbids the system calls of the kernel's keyring, as containers do, and then runs its
/// arguments.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
const REFUSE: &str = r"
import ctypes, os, struct, sys
filter = b''.join(struct.pack('HBBI', *one) for one in [
    (0x20, 0, 0, 0), (0x15, 2, 0, 248), (0x15, 1, 0, 250), (0x06, 0, 0, 0x7fff0000), (0x06, 0, 0, 0x00050001)])
text = ctypes.create_string_buffer(filter)
program = ctypes.create_string_buffer(struct.pack('HP', 5, ctypes.addressof(text)))
libc = ctypes.CDLL(None)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program, 0, 0): sys.exit(99)
os.execv(sys.argv[1], sys.argv[1:])
";

/// Runs a command without the kernel's keyring. Returns `None` if python3 or seccomp is missing.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn refused(sandbox: &Sandbox, words: &[&str]) -> Option<Run> {
    let words = [&["-c", REFUSE], words].concat();
    let run = sandbox.command_of(Path::new("/usr/bin/python3"), &words).spawn().ok().map(|child| finish(child, b""));
    let run = run.filter(|run| run.code != Some(99));
    if run.is_none() {
        eprintln!("skipped: no python3, or no seccomp");
    }
    run
}

/// `--fix` turns the cache off, so that Ensign asks the holder each time.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn a_key_that_the_kernel_does_not_keep_is_not_given_to_it_any_more() {
    use crate::support::keyring::{self, Mood};
    let sandbox = healthy();
    let bus = keyring::start(sandbox.home(), &keyring::Items::default(), Mood::Open);
    let sandbox = sandbox.with("DBUS_SESSION_BUS_ADDRESS", &bus);
    sandbox.ok(&["store", "key", "--holder", "keyring"], "");
    sandbox.ok(&["store", "move", "--to", "sealed"], "");
    sandbox.run(&["lock"], "");
    let Some(run) = refused(&sandbox, &[Sandbox::program(), "doctor"]) else { return };
    run.shows(str![[r#"
exit 0
--- stdout
✓ path      Ensign [VERSION] in ~/bin
✓ helpers   no other helper is configured
✓ order     Docker and Podman ask Ensign for ghcr.io
✓ files     4 files, readable by you only, nothing left over
! stores    1 note
  ! kernel-keyring: the opened key cannot be cached: the kernel's keyring may
    not be used here, as in most containers
      breaks: nothing; the system's keyring is asked for each pull and push,
        which takes longer
      fix:    docker-credential-ensign doctor --fix kernel-keyring
      does:   docker-credential-ensign store key --holder keyring --cache 0s
✓ network   clock plausible, no proxy, registries not asked (--online)
✓ accounts  2 accounts with their secrets
✓ answers   ghcr.io/bob/app → bob, ghcr.io/alice/app → alice

Found: 1 note. For a report without secrets:
  docker-credential-ensign doctor --report
To look for a newer release:  docker-credential-ensign update --check

"#]]);

    let fix = refused(&sandbox, &[Sandbox::program(), "doctor", "--fix", "kernel-keyring"]).unwrap();
    fix.shows(str![[r#"
exit 0
--- stderr
  The kernel's keyring no longer caches the key
✓ kernel-keyring: fixed

"#]]);
    assert_eq!(crate::support::read_json(&sandbox.home().join("data/key.json"))["cached_for"], 0);
    let run = refused(&sandbox, &[Sandbox::program(), "doctor"]).unwrap();
    run.shows(str![[r#"
exit 0
--- stdout
✓ path      Ensign [VERSION] in ~/bin
✓ helpers   no other helper is configured
✓ order     Docker and Podman ask Ensign for ghcr.io
✓ files     4 files, readable by you only, nothing left over
✓ stores    2 secrets sealed
✓ network   clock plausible, no proxy, registries not asked (--online)
✓ accounts  2 accounts with their secrets
✓ answers   ghcr.io/bob/app → bob, ghcr.io/alice/app → alice

No problems found. For a report without secrets:
  docker-credential-ensign doctor --report
To look for a newer release:  docker-credential-ensign update --check

"#]]);
    let get = refused(&sandbox, &["/bin/sh", "-c", "printf ghcr.io | docker-credential-ensign get"]).unwrap();
    assert!(get.stdout.contains("alice-s3cret"), "{get:?}");
}

/// Without the kernel's keyring, no command can open a key behind a passphrase. The key needs another holder, and
/// changing the holder needs the passphrase once more.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn a_passphrase_without_a_kernel_keyring_gives_way_to_another_holder() {
    let sandbox = healthy();
    let made = sandbox.run(&["store", "key", "--holder", "passphrase", "--passphrase-stdin"], "pass phrase");
    if made.code != Some(0) {
        return eprintln!("skipped: no kernel keyring here: {made:?}");
    }
    sandbox.ok(&["store", "move", "--to", "sealed"], "");
    let Some(run) = refused(&sandbox, &[Sandbox::program(), "doctor"]) else { return };
    sandbox.ok(&["lock"], "");
    assert_eq!(run.code, Some(1), "{run:?}");
    run.shows(str![[r#"
exit 1
--- stdout
✓ path      Ensign [VERSION] in ~/bin
✓ helpers   no other helper is configured
✓ order     Docker and Podman ask Ensign for ghcr.io
✓ files     4 files, readable by you only, nothing left over
✗ stores    1 broken
  ✗ kernel-keyring: a key behind a passphrase cannot be kept open: the kernel's
    keyring may not be used here, as in most containers
      breaks: 2 accounts whose secrets are sealed: `unlock` cannot keep the key
        open here
      fix:    docker-credential-ensign store key --holder "file:$HOME/ensign.key"
✓ network   clock plausible, no proxy, registries not asked (--online)
✓ accounts  2 accounts, 2 secrets not read
✓ answers   no account to try

Found: 1 broken. For a report without secrets:
  docker-credential-ensign doctor --report
To look for a newer release:  docker-credential-ensign update --check

"#]]);
    assert!(!run.stdout.contains("sealed-key"), "{run:?}");
    let command = "docker-credential-ensign store key --holder \"file:$HOME/ensign.key\"";
    let fix = refused(&sandbox, &[Sandbox::program(), "doctor", "--fix", "kernel-keyring"]).unwrap();
    assert!(fix.stdout.contains(&format!("fix:    {command}\n")), "{fix:?}");
    fix.shows(str![[r#"
exit 1
--- stdout
  ✗ kernel-keyring: a key behind a passphrase cannot be kept open: the kernel's
    keyring may not be used here, as in most containers
      breaks: 2 accounts whose secrets are sealed: `unlock` cannot keep the key
        open here
      fix:    docker-credential-ensign store key --holder "file:$HOME/ensign.key"
--- stderr
! kernel-keyring needs you to fix it

"#]]);
    let typed = |passphrase: &str| format!("printf '{passphrase}' | {command} --passphrase-stdin");
    let wrong = refused(&sandbox, &["/bin/sh", "-c", &typed("wrong")]).unwrap();
    wrong.shows(str![[r#"
exit 1
--- stderr
error: wrong passphrase
hint: try again

"#]]);
    assert!(!sandbox.home().join("ensign.key").exists());
    let right = refused(&sandbox, &["/bin/sh", "-c", &typed("pass phrase")]).unwrap();
    assert_eq!(right.code, Some(0), "{right:?}");
    let run = refused(&sandbox, &[Sandbox::program(), "doctor"]).unwrap();
    run.shows(str![[r#"
exit 0
--- stdout
✓ path      Ensign [VERSION] in ~/bin
✓ helpers   no other helper is configured
✓ order     Docker and Podman ask Ensign for ghcr.io
✓ files     5 files, readable by you only, nothing left over
✓ stores    2 secrets sealed
✓ network   clock plausible, no proxy, registries not asked (--online)
✓ accounts  2 accounts with their secrets
✓ answers   ghcr.io/bob/app → bob, ghcr.io/alice/app → alice

No problems found. For a report without secrets:
  docker-credential-ensign doctor --report
To look for a newer release:  docker-credential-ensign update --check

"#]]);
}

/// The kernel's keyring never caches a key that is in a file.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn a_kernel_that_keeps_no_key_is_nothing_to_a_key_file() {
    let (sandbox, _) = sealed();
    let Some(run) = refused(&sandbox, &[Sandbox::program(), "doctor"]) else { return };
    run.shows(str![[r#"
exit 0
--- stdout
✓ path      Ensign [VERSION] in ~/bin
✓ helpers   no other helper is configured
✓ order     Docker and Podman ask Ensign for ghcr.io
✓ files     5 files, readable by you only, nothing left over
✓ stores    2 secrets sealed
✓ network   clock plausible, no proxy, registries not asked (--online)
✓ accounts  2 accounts with their secrets
✓ answers   ghcr.io/bob/app → bob, ghcr.io/alice/app → alice

No problems found. For a report without secrets:
  docker-credential-ensign doctor --report
To look for a newer release:  docker-credential-ensign update --check

"#]]);
}

#[test]
fn a_key_that_is_locked_is_unlocked_by_the_command() {
    let sandbox = healthy();
    let made = sandbox.run(&["store", "key", "--holder", "passphrase", "--passphrase-stdin"], "pass phrase");
    if made.code != Some(0) {
        return eprintln!("skipped: no kernel keyring here: {made:?}");
    }
    sandbox.ok(&["store", "move", "--to", "sealed"], "");
    sandbox.ok(&["lock"], "");
    assert_found(&sandbox, &[("sealed-key", "broken")]);
    assert_by_hand(&sandbox, "sealed-key", "docker-credential-ensign unlock");
    let typed = |command: &str| format!("printf 'pass phrase' | {command} --passphrase-stdin");
    assert_mended_by_hand(&sandbox, "sealed-key", &[], typed);
    sandbox.ok(&["lock"], "");
}
