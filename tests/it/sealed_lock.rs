//! The key of sealed secrets behind a passphrase: open for some time in the kernel's keyring, or locked.
#![cfg(target_os = "linux")]

use std::fs;
use std::ops::Deref;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, can_trace, finish, read_json, write};

/// A home with a passphrase. When dropped, it removes its key from the kernel's keyring.
struct Locked(Sandbox);

const PASSPHRASE: &str = "correct horse battery staple";

impl Deref for Locked {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        &self.0
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.0.run(&["lock"], "");
    }
}

/// Returns `None` if this machine allows no kernel keyring.
fn with_passphrase() -> Option<Locked> {
    let sandbox = Locked(Sandbox::new());
    let made = sandbox.run(&["store", "key", "--holder", "passphrase", "--passphrase-stdin", "--json"], PASSPHRASE);
    if made.code != Some(0) {
        eprintln!("skipped: the kernel's keyring may not be used here: {made:?}");
        return None;
    }
    let made: Value = serde_json::from_str(&made.stdout).unwrap();
    assert_eq!(made["key"]["cached"], true);
    sandbox.ok(&["store", "sealed"], "");
    sandbox.store("ghcr.io", "me", "s3cret-of-me");
    Some(sandbox)
}

fn answer() -> Run {
    Run::answer("ghcr.io", "me", "s3cret-of-me")
}

#[test]
fn a_key_is_open_until_it_is_locked() {
    let Some(sandbox) = with_passphrase() else { return };
    assert_eq!(sandbox.run(&["get"], "ghcr.io"), answer());
    sandbox.run(&["lock"], "").shows(str![[r#"
exit 0
--- stderr
✓ Locked

"#]]);
    sandbox.run(&["get"], "ghcr.io").shows(str![[r#"
exit 1
--- stdout
the sealed secrets are locked: run `docker-credential-ensign unlock`

"#]]);
    assert_eq!(
        sandbox.run(&["get"], "unknown.example"),
        Run::not_found(),
        "an unknown registry is not found, even while the secrets are locked"
    );
    sandbox.run(&["lock"], "").shows(str![[r#"
exit 0
--- stdout
It was locked already.

"#]]);
    let before = fs::read(sandbox.home().join("data/sealed/ghcr.io.json")).unwrap();
    let entry = json!({"ServerURL": "ghcr.io", "Username": "other", "Secret": "x"}).to_string();
    sandbox.run(&["store"], &entry).shows(str![[r#"
exit 1
--- stdout
the sealed secrets are locked: run `docker-credential-ensign unlock`

"#]]);
    assert_eq!(fs::read(sandbox.home().join("data/sealed/ghcr.io.json")).unwrap(), before);
    assert_eq!(sandbox.run(&["list"], "").stdout, "{\"ghcr.io\":\"me\"}\n");
    let wrong = sandbox.run(&["unlock", "--passphrase-stdin"], "wrong");
    wrong.shows(str![[r#"
exit 1
--- stderr
error: wrong passphrase
hint: try again

"#]]);
    let run = sandbox.run(&["unlock", "--passphrase-stdin", "--for", "30m"], &format!("{PASSPHRASE}\n"));
    run.shows(str![[r#"
exit 0
--- stderr
✓ Unlocked for 30 minutes, or until `docker-credential-ensign lock`

"#]]);
    assert_eq!(sandbox.run(&["get"], "ghcr.io"), answer());
    let run = sandbox.run(&["unlock"], "");
    run.shows(str![[r#"
exit 2
--- stderr
error: a passphrase is needed and there is no terminal to ask on
hint: pipe the passphrase: `docker-credential-ensign unlock --passphrase-stdin < FILE`

"#]]);
}

#[test]
fn a_key_is_open_for_a_set_time() {
    let Some(sandbox) = with_passphrase() else { return };
    sandbox.ok(&["lock"], "");
    sandbox.ok(&["restore"], ""); // locked secrets are no reason to restore anything
    assert_eq!(sandbox.run(&["store", "key", "--holder", "passphrase", "--cache", "0s"], "").code, Some(2));
    sandbox.run(&["unlock", "--passphrase-stdin", "--for", "0s"], PASSPHRASE).shows(str![[r#"
exit 2
--- stderr
error: the time for which the key stays open cannot be zero
hint: choose a longer time, such as 8h

"#]]);
    sandbox.ok(&["unlock", "--passphrase-stdin", "--for", "1s"], PASSPHRASE);
    std::thread::sleep(std::time::Duration::from_millis(1300));
    sandbox.run(&["get"], "ghcr.io").shows(str![[r#"
exit 1
--- stdout
the sealed secrets are locked: run `docker-credential-ensign unlock`

"#]]);
}

#[test]
fn the_passphrase_and_the_holder_can_be_changed() {
    let Some(sandbox) = with_passphrase() else { return };
    sandbox.ok(&["store", "key", "--holder", "passphrase", "--passphrase-stdin", "--cache", "1h"], "another one");
    assert_eq!(read_json(&sandbox.home().join("data/key.json"))["cached_for"], 3600);
    sandbox.ok(&["lock"], "");
    assert_eq!(sandbox.run(&["unlock", "--passphrase-stdin"], PASSPHRASE).code, Some(1));
    let path = sandbox.home().join("key");
    let holder = format!("file:{}", path.display());
    let run = sandbox.run(&["store", "key", "--holder", &holder], "");
    assert!(!path.exists(), "{run:?}");
    run.shows(str![[r#"
exit 1
--- stderr
error: the sealed secrets are locked
hint: run `docker-credential-ensign unlock`

"#]]);
    sandbox.ok(&["unlock", "--passphrase-stdin"], "another one");
    sandbox.ok(&["store", "key", "--holder", &holder], "");
    assert_eq!(sandbox.run(&["get"], "ghcr.io"), answer());
    assert!(!sandbox.run(&["store", "key", "--json"], "").stdout.contains("wrapped"));
    assert_eq!(read_json(&sandbox.home().join("data/key.json")).get("wrapped"), None);
    fs::remove_file(&path).unwrap();
    sandbox.run(&["get"], "ghcr.io").shows(str![[r#"
exit 1
--- stdout
`[HOME]/key`, which holds the key of the sealed secrets, is missing: mount the file, or put it back

"#]]);
}

#[test]
fn the_documented_passphrase_opens_its_key() {
    let Some(sandbox) = with_passphrase() else { return };
    sandbox.ok(&["lock"], "");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sealed");
    write(&sandbox.home().join("data/key.json"), &fs::read(fixtures.join("key.json")).unwrap());
    write(&sandbox.home().join("data/sealed/ghcr.io.json"), &fs::read(fixtures.join("ghcr.io.json")).unwrap());
    sandbox.ok(&["unlock", "--passphrase-stdin"], "correct horse");
    assert!(sandbox.run(&["get"], "ghcr.io").stdout.contains("pässword"));
}

#[test]
fn a_hostile_description_costs_no_gigabytes() {
    let Some(sandbox) = with_passphrase() else { return };
    sandbox.ok(&["lock"], "");
    let path = sandbox.home().join("data/key.json");
    let own = read_json(&path);
    let mut transcript = String::new();
    for (field, value) in [("memory_kib", 4_194_304_u32), ("passes", 1_000_000), ("lanes", 5000), ("memory_kib", 1)] {
        let mut hostile = own.clone();
        hostile["wrapped"][field] = json!(value);
        write(&path, hostile.to_string().as_bytes());
        let run = sandbox.run(&["unlock", "--passphrase-stdin"], PASSPHRASE);
        transcript += &run.transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stderr
error: the stored cost of the passphrase is out of bounds: 4096 MiB, 3 passes, 4 lanes
exit 1
--- stderr
error: the stored cost of the passphrase is out of bounds: 64 MiB, 1000000 passes, 4 lanes
exit 1
--- stderr
error: the stored cost of the passphrase is out of bounds: 64 MiB, 3 passes, 5000 lanes
exit 1
--- stderr
error: the stored cost of the passphrase is out of bounds: 0 MiB, 3 passes, 4 lanes

"#]],
    );
    // With another number of passes, the same passphrase derives another key, so Ensign calls the passphrase wrong.
    let mut weaker = own.clone();
    weaker["wrapped"]["passes"] = json!(1);
    write(&path, weaker.to_string().as_bytes());
    sandbox.run(&["unlock", "--passphrase-stdin"], PASSPHRASE).shows(str![[r#"
exit 1
--- stderr
error: wrong passphrase
hint: try again

"#]]);
    write(&path, own.to_string().as_bytes());
    sandbox.ok(&["unlock", "--passphrase-stdin"], PASSPHRASE);
}

#[test]
fn another_session_is_answered_and_another_user_is_not() {
    let Some(sandbox) = with_passphrase() else { return };
    // A new session keyring contains neither the user's keyring nor its keys.
    let script = r#"exec keyctl session - "$0" get"#;
    if Command::new("keyctl").arg("--version").output().is_ok() {
        let command = sandbox.command_of(Path::new("sh"), &["-c", script, Sandbox::program()]).spawn().unwrap();
        assert_eq!(finish(command, b"ghcr.io").stdout, answer().stdout);
    }
    let nobody = |words: &[&str], stdin: &str| {
        let words = [&["--reuid=65534", "--regid=65534", "--clear-groups", Sandbox::program()], words].concat();
        finish(sandbox.command_of(Path::new("setpriv"), &words).spawn().unwrap(), stdin.as_bytes())
    };
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    let may_change =
        Command::new("setpriv").args(["--reuid=65534", "--clear-groups", Sandbox::program(), "version"]).output();
    if !is_root || !may_change.is_ok_and(|run| run.status.success()) {
        eprintln!("skipped: only root becomes another user");
        return;
    }
    // Simulates `su` that keeps HOME, with files that belong to the other user.
    let home = sandbox.home().to_str().unwrap();
    assert!(Command::new("chown").args(["-R", "65534:65534", home]).status().unwrap().success());
    nobody(&["get"], "ghcr.io").shows(str![[r#"
exit 1
--- stdout
the sealed secrets are locked: run `docker-credential-ensign unlock`

"#]]);
    assert_eq!(nobody(&["unlock", "--passphrase-stdin"], PASSPHRASE).code, Some(0));
    assert_eq!(nobody(&["get"], "ghcr.io"), answer());
    nobody(&["lock"], "");
    assert!(Command::new("chown").args(["-R", "0:0", home]).status().unwrap().success());
    assert_eq!(sandbox.run(&["get"], "ghcr.io"), answer(), "the other's lock is not ours");
}

#[test]
fn where_the_kernel_gives_no_keyring_the_holder_is_asked_each_time() {
    let Some(sandbox) = with_passphrase() else { return };
    if !can_trace() {
        return;
    }
    let mut transcript = String::new();
    for error in ["EPERM", "ENOSYS", "EACCES"] {
        let injection = format!("inject=keyctl,add_key:error={error}");
        let without = |words: &[&str], stdin: &str| {
            let words = [&["-f", "-o/dev/null", "-e", &injection, Sandbox::program()], words].concat();
            finish(sandbox.command_of(Path::new("strace"), &words).spawn().unwrap(), stdin.as_bytes())
        };
        transcript += &without(&["get"], "ghcr.io").transcript();
        let run = without(&["unlock", "--passphrase-stdin"], PASSPHRASE);
        transcript += &run.transcript();
        sandbox.ok(&["unlock", "--passphrase-stdin"], PASSPHRASE);
        let holder = format!("file:{}", sandbox.home().join(format!("key-{error}")).display());
        sandbox.ok(&["store", "key", "--holder", &holder], "");
        assert_eq!(without(&["get"], "ghcr.io"), answer());
        let run = without(&["store", "key", "--holder", "passphrase", "--passphrase-stdin"], PASSPHRASE);
        transcript += &run.transcript();
        sandbox.ok(&["store", "key", "--holder", "passphrase", "--passphrase-stdin"], PASSPHRASE);
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stdout
the sealed secrets are locked: run `docker-credential-ensign unlock`
exit 1
--- stderr
error: the key cannot be kept open: the kernel's keyring may not be used here, as in most containers
hint: let a file hold the key: run `docker-credential-ensign store key --holder file:PATH`
exit 1
--- stderr
error: a key behind a passphrase could not be kept open: the kernel's keyring may not be used here, as in most containers
hint: let a file or the system's keyring hold the key: run `docker-credential-ensign store key --holder file:PATH`
exit 1
--- stdout
the sealed secrets are locked: run `docker-credential-ensign unlock`
exit 1
--- stderr
error: the key cannot be kept open: the kernel's keyring failed with error 38
hint: let a file hold the key: run `docker-credential-ensign store key --holder file:PATH`
exit 1
--- stderr
error: a key behind a passphrase could not be kept open: the kernel's keyring failed with error 38
hint: let a file or the system's keyring hold the key: run `docker-credential-ensign store key --holder file:PATH`
exit 1
--- stdout
the sealed secrets are locked: run `docker-credential-ensign unlock`
exit 1
--- stderr
error: the key cannot be kept open: the kernel's keyring may not be used here, as in most containers
hint: let a file hold the key: run `docker-credential-ensign store key --holder file:PATH`
exit 1
--- stderr
error: a key behind a passphrase could not be kept open: the kernel's keyring may not be used here, as in most containers
hint: let a file or the system's keyring hold the key: run `docker-credential-ensign store key --holder file:PATH`

"#]],
    );
}
