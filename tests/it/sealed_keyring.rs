//! The key of sealed secrets in a real keyring (gnome-keyring on its own D-Bus), and in keyrings that are locked,
//! missing or hanging.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use snapbox::str;

use crate::support::{Run, Sandbox, finish, read_json};

const LOGIN: &str = "printf s3cret-of-me | $ENSIGN login ghcr.io -u me --password-stdin --no-verify";

/// Returns a home with a runtime folder, or `None` if gnome-keyring is not installed.
fn with_keyring() -> Option<Sandbox> {
    let is_there =
        |program: &str| Command::new(program).arg("--version").output().is_ok_and(|run| run.status.success());
    if !is_there("dbus-run-session") || !is_there("gnome-keyring-daemon") {
        eprintln!("skipped: dbus-run-session or gnome-keyring-daemon is not installed");
        return None;
    }
    let sandbox = Sandbox::new();
    let runtime = sandbox.home().join("run");
    fs::DirBuilder::new().mode(0o700).create(&runtime).unwrap();
    Some(
        sandbox
            .with("XDG_RUNTIME_DIR", runtime.to_str().unwrap())
            .with("ENSIGN", Sandbox::program())
            .with("PATH", "/usr/bin:/bin"),
    )
}

/// Runs a script in a session whose keyring is open or locked.
fn in_session(sandbox: &Sandbox, is_open: bool, script: &str) -> Run {
    let start = if is_open { "printf pw | gnome-keyring-daemon --unlock" } else { "gnome-keyring-daemon --start" };
    let script = format!("{start} --components=secrets >/dev/null 2>&1\n{script}");
    let words = ["--", "sh", "-c", &script];
    finish(sandbox.command_of(Path::new("dbus-run-session"), &words).spawn().unwrap(), b"")
}

fn answer() -> &'static str {
    "{\"ServerURL\":\"ghcr.io\",\"Username\":\"me\",\"Secret\":\"s3cret-of-me\"}\n"
}

fn holds(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            holds(&path, text)
        } else {
            fs::read(&path).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(text))
        }
    })
}

#[test]
fn the_first_login_takes_the_keyring_and_what_follows_is_sealed() {
    let Some(sandbox) = with_keyring() else { return };
    let run = in_session(&sandbox, true, &format!("{LOGIN} && printf ghcr.io | $ENSIGN get"));
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), answer()), "{run:?}");
    run.shows(str![[r#"
exit 0
--- stdout
{"ServerURL":"ghcr.io","Username":"me","Secret":"s3cret-of-me"}
--- stderr
✓ Saved login for ghcr.io as me (not verified)
  Used for  ghcr.io/me/**, and by default
  Saved in  ~/data/sealed; the key is in the system's keyring
! Docker does not ask Ensign for ghcr.io yet; to change that:  docker-credential-ensign configure-docker

"#]]);
    assert_eq!(sandbox.config()["store"], "sealed");
    assert_eq!(read_json(&sandbox.home().join("data/key.json"))["holder"], "keyring");
    assert!(!holds(&sandbox.home().join("data"), "s3cret") && !holds(&sandbox.home().join("config"), "s3cret"));
    // After `lock`, Ensign asks the keyring again, for `get` and for a client's `store`.
    let entry = r#"{"ServerURL":"quay.io","Username":"me","Secret":"0ther"}"#;
    let script =
        format!("$ENSIGN lock 2>/dev/null >&2; printf ghcr.io | $ENSIGN get; printf '%s' '{entry}' | $ENSIGN store");
    let run = in_session(&sandbox, true, &script);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), answer()), "{run:?}");
    assert_eq!(sandbox.config()["registries"]["quay.io"]["accounts"]["me"]["store"], "sealed");
    sandbox.run(&["lock"], "");
    let absent = sandbox.run(&["get"], "ghcr.io");
    absent.shows(str![[r#"
exit 1
--- stdout
the key of the sealed secrets is out of reach: there is no keyring: there is no session bus: choose another holder, in a session with a keyring: `ensign store key --holder passphrase`

"#]]);
    let again = sandbox.run(&["get"], "ghcr.io");
    again.shows(str![[r#"
exit 1
--- stdout
the system's keyring failed to return the key a moment ago: run `docker-credential-ensign unlock`

"#]]);
    // `unlock` asks the keyring at once, although the keyring failed a moment ago.
    let locked = in_session(&sandbox, false, "$ENSIGN unlock");
    locked.shows(str![[r#"
exit 1
--- stderr
error: the key of the sealed secrets is out of reach: the keyring is locked
hint: unlock the keyring, for example by logging in to the desktop, and try again

"#]]);
}

#[test]
fn a_clients_first_login_takes_the_keyring_too() {
    let Some(sandbox) = with_keyring() else { return };
    let entry = r#"{"ServerURL":"ghcr.io","Username":"me","Secret":"s3cret-of-me"}"#;
    let script =
        format!("printf '%s' '{entry}' | $ENSIGN store && printf ghcr.io | $ENSIGN get; $ENSIGN lock 2>/dev/null");
    let run = in_session(&sandbox, true, &script);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), answer()), "{run:?}");
    assert_eq!(sandbox.config()["store"], "sealed");
}

#[test]
fn the_key_goes_from_the_keyring_to_another_holder_and_back() {
    let Some(sandbox) = with_keyring() else { return };
    let file = format!("file:{}", sandbox.home().join("key").display());
    let get = "printf ghcr.io | $ENSIGN get";
    let script = format!(
        "{LOGIN} && $ENSIGN store key --holder {file} && {get} && $ENSIGN store key --holder keyring && rm $HOME/key && \
         {get} && $ENSIGN lock && {get}; $ENSIGN lock"
    );
    let run = in_session(&sandbox, true, &script);
    assert_eq!((run.code, run.stdout), (Some(0), answer().repeat(3)), "{}", run.stderr);
}

#[test]
fn without_a_keyring_the_first_login_lies_in_clear_text_and_says_so() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(&["login", "ghcr.io", "-u", "me", "--password-stdin", "--no-verify"], "s3cret");
    run.shows(str![[r#"
exit 0
--- stderr
✓ Saved login for ghcr.io as me (not verified)
  Used for  ghcr.io/me/**, and by default
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! Docker does not ask Ensign for ghcr.io yet; to change that:  docker-credential-ensign configure-docker

"#]]);
    assert_eq!(sandbox.config().get("store"), None, "the next login looks for a keyring again");
    assert!(!sandbox.home().join("data/key.json").exists());
}

#[test]
fn a_login_waits_two_seconds_for_a_bus_that_does_not_answer_and_a_client_waits_less() {
    let sandbox = Sandbox::new();
    let socket = sandbox.home().join("bus");
    let _listener = UnixListener::bind(&socket).unwrap(); // accepts connections but never answers
    let sandbox = sandbox.with("DBUS_SESSION_BUS_ADDRESS", &format!("unix:path={}", socket.display()));
    let started = Instant::now();
    let run = sandbox.run(&["login", "ghcr.io", "-u", "me", "--password-stdin", "--no-verify"], "s3cret");
    let took = started.elapsed();
    run.shows(str![[r#"
exit 0
--- stderr
✓ Saved login for ghcr.io as me (not verified)
  Used for  ghcr.io/me/**, and by default
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! Docker does not ask Ensign for ghcr.io yet; to change that:  docker-credential-ensign configure-docker

"#]]);
    assert!(took >= Duration::from_millis(1900), "{took:?}");
    let started = Instant::now();
    sandbox.store("quay.io", "me", "s3cret");
    assert!(started.elapsed() < took, "{:?}", started.elapsed());
    assert_eq!(sandbox.config()["registries"]["quay.io"]["accounts"]["me"]["store"], "file");
}

#[test]
fn an_import_from_another_store_says_that_secrets_would_lie_in_clear_text() {
    let helper = "#!/bin/sh\ncase $1 in list) echo '{\"https://ghcr.io\":\"me\"}' ;; get) cat >/dev/null; \
                  echo '{\"ServerURL\":\"https://ghcr.io\",\"Username\":\"me\",\"Secret\":\"s3cret\"}' ;; esac\n";
    let sandbox = Sandbox::new().with_program("docker-credential-kept", helper);
    let run = sandbox.run(&["import", "helper:kept", "--dry-run"], "");
    run.shows(str![[r#"
exit 0
--- stdout
  ghcr.io  me  docker-credential-kept  new
--- stderr
! 1 secret from another store would be saved in clear text; to seal them, run this first:  docker-credential-ensign store key --holder passphrase
Nothing imported: this was a dry run.

"#]]);
    let holder = format!("file:{}", sandbox.home().join("key").display());
    sandbox.ok(&["store", "key", "--holder", &holder], "");
    let run = sandbox.run(&["import", "helper:kept", "--yes"], "");
    run.shows(str![[r#"
exit 0
--- stdout
  ghcr.io  me  docker-credential-kept  new
--- stderr
✓ Imported me on ghcr.io
  Saved in  ~/data/sealed; the key is in `[HOME]/key`
! the imported logins are still in their old places: `docker-credential-ensign import helper:kept --remove` removes them there
! Docker does not ask Ensign for ghcr.io yet; to change that:  docker-credential-ensign configure-docker

"#]]);
    assert!(!holds(&sandbox.home().join("data"), "s3cret"));
}
