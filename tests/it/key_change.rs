//! `store key --rotate`: it seals all secrets with a new key, and every secret stays readable meanwhile.
#![cfg(unix)]

use std::fs;
use std::path::PathBuf;

use serde_json::json;
use snapbox::str;

use crate::support::{Run, Sandbox, read_json, write};
#[cfg(target_os = "linux")]
use crate::support::{can_trace, finish};

/// A home with accounts on two registries, sealed with the key in the file `key`.
pub fn sealed() -> Sandbox {
    let sandbox = Sandbox::new();
    let holder = format!("file:{}", sandbox.home().join("key").display());
    sandbox.ok(&["store", "key", "--holder", &holder], "");
    sandbox.store("ghcr.io", "me", "s3cret-1");
    sandbox.store("quay.io", "me", "s3cret-2");
    sandbox
}

pub fn path(sandbox: &Sandbox, registry: &str) -> PathBuf {
    sandbox.home().join(format!("data/sealed/{registry}.json"))
}

pub fn key_json(sandbox: &Sandbox) -> serde_json::Value {
    read_json(&sandbox.home().join("data/key.json"))
}

pub fn both_answer(sandbox: &Sandbox) {
    for (host, secret) in [("ghcr.io", "s3cret-1"), ("quay.io", "s3cret-2")] {
        assert_eq!(sandbox.run(&["get"], host), Run::answer(host, "me", secret));
    }
}

#[test]
fn a_new_key_seals_every_file_and_the_old_one_opens_none() {
    let sandbox = sealed();
    let (old_key, old_id) = (fs::read(sandbox.home().join("key")).unwrap(), key_json(&sandbox)["key"].clone());
    let old_file = fs::read(path(&sandbox, "ghcr.io")).unwrap();
    let run = sandbox.run(&["store", "key", "--rotate"], "");
    run.shows(str![[r#"
exit 0
--- stderr
✓ The new key: [KEY], in `[HOME]/key`
  2 files are sealed with it
! anyone with the old key can read old copies of these files; if the old key leaked, renew the secrets at their registries

"#]]);

    both_answer(&sandbox);
    let now = key_json(&sandbox);
    assert!(now["key"] != old_id && now.get("previous").is_none(), "{now}");
    for registry in ["ghcr.io", "quay.io"] {
        assert_eq!(read_json(&path(&sandbox, registry))["key"], now["key"]);
        // The generation increases, so that Ensign recognises old copies of the file.
        assert_eq!(read_json(&path(&sandbox, registry))["generation"], 2);
    }
    let new_key = fs::read(sandbox.home().join("key")).unwrap();
    assert!(new_key != old_key && new_key.len() == old_key.len());
    write(&path(&sandbox, "ghcr.io"), &old_file);
    let get = sandbox.run(&["get"], "ghcr.io");
    get.shows(str![[r#"
exit 1
--- stdout
`~/data/sealed/ghcr.io.json` was sealed with another key: it needs [KEY], and this machine has [KEY-2]: put that key's `key.json` back, or remove the file and log in again

"#]]);
    // Rotating the key would make this file unreadable for ever, so nothing is changed.
    let run = sandbox.run(&["store", "key", "--rotate"], "");
    run.shows(str![[r#"
exit 1
--- stderr
error: `~/data/sealed/ghcr.io.json` was sealed with another key: it needs [KEY], and this machine has [KEY-2]
hint: put that key's `key.json` back, or remove the file and log in again

"#]]);
    assert_eq!((fs::read(sandbox.home().join("key")).unwrap(), key_json(&sandbox)), (new_key, now));
    write(&sandbox.home().join("key"), &old_key);
    assert_eq!(sandbox.run(&["get"], "quay.io").code, Some(1));
}

/// Files with `%` in their names are sealed again too.
#[test]
fn no_file_is_passed_over() {
    let sandbox = sealed();
    sandbox.store("[::1]:5000", "me", "s3cret-6");
    let login = ["login", "*.azurecr.io", "-u", "me", "--password-stdin", "--no-verify"];
    sandbox.ok(&login, "s3cret-7");
    assert_eq!(sandbox.ok(&["store", "key", "--rotate", "--json"], "").matches("\"files\":4").count(), 1);
    both_answer(&sandbox);
    for (host, secret) in [("[::1]:5000", "s3cret-6"), ("shop.azurecr.io", "s3cret-7")] {
        let get = sandbox.run(&["get"], host);
        assert!(get.stdout.contains(secret), "{host}: {get:?}");
    }
    // A file with another registry's name cannot be sealed again, so nothing is changed.
    fs::copy(path(&sandbox, "ghcr.io"), path(&sandbox, "a.example")).unwrap();
    let before = key_json(&sandbox);
    let run = sandbox.run(&["store", "key", "--rotate"], "");
    run.shows(str![[r#"
exit 1
--- stderr
error: `~/data/sealed/a.example.json` contains the secrets of ghcr.io, whose file has another name
hint: put the right file back from a backup, or remove this file and log in again

"#]]);
    assert_eq!(key_json(&sandbox), before);
}

/// If listing the folder fails from one call on, the change stops, because it could otherwise overlook files. In the
/// last round, all calls succeed.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_looked_into_stops_the_change() {
    if !can_trace() {
        return;
    }
    for call in 1.. {
        let sandbox = sealed();
        let trace = sandbox.home().join("trace");
        let (log, fault) = (format!("-o{}", trace.display()), format!("inject=getdents64:error=EIO:when={call}+"));
        let mut words = vec!["-f", &log, "-e", "trace=getdents64", "-e", &fault];
        words.extend([Sandbox::program(), "store", "key", "--rotate"]);
        let run = finish(sandbox.command_of(std::path::Path::new("strace"), &words).spawn().unwrap(), b"");
        both_answer(&sandbox);
        if !fs::read_to_string(&trace).unwrap().contains("INJECTED") {
            assert!(run.code == Some(0) && call > 1, "{call}: {run:?}");
            return;
        }
        run.shows(str![[r#"
exit 1
--- stderr
error: could not look into `[HOME]/data/sealed`: Input/output error (os error 5)

"#]]);
        sandbox.ok(&["store", "key", "--rotate"], "");
        both_answer(&sandbox);
    }
}

#[test]
fn json_names_both_keys() {
    let sandbox = sealed();
    let before = key_json(&sandbox)["key"].clone();
    let run = sandbox.ok(&["store", "key", "--rotate", "--json"], "");
    let json: serde_json::Value = serde_json::from_str(&run).unwrap();
    assert_eq!((&json["before"], &json["files"], &json["status"]), (&before, &json!(2), &json!("success")));
    assert_eq!(json["key"]["id"], key_json(&sandbox)["key"]);
}

#[cfg(target_os = "linux")]
#[test]
fn the_same_passphrase_wraps_the_new_key() {
    let sandbox = sealed();
    let words = ["store", "key", "--holder", "passphrase", "--passphrase-stdin"];
    if sandbox.run(&words, "pass phrase").code != Some(0) {
        return eprintln!("skipped: no kernel keyring here");
    }
    let before = key_json(&sandbox);
    let run = sandbox.run(&["store", "key", "--rotate"], "");
    run.shows(str![[r#"
exit 2
--- stderr
error: a passphrase is needed and there is no terminal to ask on
hint: pipe the passphrase: `docker-credential-ensign store key --rotate --passphrase-stdin < FILE`

"#]]);
    let run = sandbox.run(&["store", "key", "--rotate", "--passphrase-stdin"], "wrong");
    run.shows(str![[r#"
exit 1
--- stderr
error: wrong passphrase
hint: try again

"#]]);
    assert_eq!(key_json(&sandbox), before);
    sandbox.ok(&["lock"], "");
    sandbox.ok(&["store", "key", "--rotate", "--passphrase-stdin"], "pass phrase");
    both_answer(&sandbox);
    sandbox.ok(&["lock"], "");
    sandbox.run(&["get"], "ghcr.io").shows(str![[r#"
exit 1
--- stdout
the sealed secrets are locked: run `docker-credential-ensign unlock`

"#]]);
    sandbox.ok(&["unlock", "--passphrase-stdin"], "pass phrase");
    both_answer(&sandbox);
    assert_ne!(key_json(&sandbox)["key"], before["key"]);
    sandbox.ok(&["lock"], "");
}

#[test]
fn nothing_to_seal_anew_and_a_key_made_outside_are_said() {
    let run = Sandbox::new().run(&["store", "key", "--rotate"], "");
    run.shows(str![[r#"
exit 1
--- stderr
error: there is no key, because nothing is sealed here
hint: run `docker-credential-ensign store key --holder passphrase`

"#]]);
    let sandbox = sealed();
    fs::create_dir(sandbox.home().join("credentials")).unwrap();
    fs::copy(sandbox.home().join("key"), sandbox.home().join("credentials/ensign.key")).unwrap();
    let folder = sandbox.home().join("credentials").display().to_string();
    let sandbox = sandbox.with("CREDENTIALS_DIRECTORY", &folder);
    sandbox.ok(&["store", "key", "--holder", "systemd"], "");
    let run = sandbox.run(&["store", "key", "--rotate"], "");
    run.shows(str![[r#"
exit 1
--- stderr
error: the key is the systemd credential `ensign.key`, which Ensign cannot change
hint: first move the key to a file: `ensign store key --holder file:PATH`; docs/sealed.md shows the next steps

"#]]);

    both_answer(&sandbox);
}

#[test]
fn whoever_asks_meanwhile_is_answered() {
    let sandbox = sealed();
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            for _ in 0..40 {
                both_answer(&sandbox);
            }
        });
        for _ in 0..6 {
            sandbox.ok(&["store", "key", "--rotate"], "");
        }
        asking.join().unwrap();
    });
}
