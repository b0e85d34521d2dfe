//! The key of sealed secrets: its holders, and the messages if there is no key.

use std::fs;

use snapbox::str;

use crate::sealed::{entry, with_key_file};
use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, finish, write};

#[test]
#[cfg(target_os = "linux")] // other systems need no variable to reach a keyring, which would get the key
fn without_a_key_nothing_is_sealed_and_the_command_that_makes_one_is_said() {
    let sandbox = Sandbox::new();
    let mut transcript = String::new();
    for words in [&["store", "sealed"][..], &["login", "ghcr.io", "--store", "sealed"], &["unlock"], &["lock"]] {
        let run = sandbox.run(words, "");
        assert!(run.code != Some(0), "{words:?} {run:?}");
        transcript += &run.transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stderr
error: there is no key to seal secrets with, and there is no keyring: there is no session bus
hint: run `docker-credential-ensign store key --holder passphrase`
exit 1
--- stderr
error: there is no key to seal secrets with, and there is no keyring: there is no session bus
hint: run `docker-credential-ensign store key --holder passphrase`
exit 1
--- stderr
error: there is no key, because nothing is sealed here
hint: run `docker-credential-ensign store key --holder passphrase`
exit 1
--- stderr
error: there is no key, because nothing is sealed here
hint: run `docker-credential-ensign store key --holder passphrase`

"#]],
    );
    sandbox.run(&["store", "sealed"], "").shows(str![[r#"
exit 1
--- stderr
error: there is no key to seal secrets with, and there is no keyring: there is no session bus
hint: run `docker-credential-ensign store key --holder passphrase`

"#]]);
    assert!(!sandbox.config_path().exists());
}

#[test]
fn a_first_key_is_offered_with_a_holder_that_this_system_has() {
    // A key behind a passphrase needs the kernel's keyring, which only Linux has.
    let holder = if cfg!(target_os = "linux") { "passphrase" } else { "keyring" };
    let mut transcript = String::new();
    for words in [&["unlock"][..], &["lock"], &["store", "key", "--rotate"]] {
        let run = Sandbox::new().run(words, "");
        assert!(run.code != Some(0), "{words:?} {run:?}");
        transcript += &run.transcript();
    }
    shows(
        &transcript.replace(&format!("--holder {holder}"), "--holder [HOLDER]"),
        str![[r#"
exit 1
--- stderr
error: there is no key, because nothing is sealed here
hint: run `docker-credential-ensign store key --holder [HOLDER]`
exit 1
--- stderr
error: there is no key, because nothing is sealed here
hint: run `docker-credential-ensign store key --holder [HOLDER]`
exit 1
--- stderr
error: there is no key, because nothing is sealed here
hint: run `docker-credential-ensign store key --holder [HOLDER]`

"#]],
    );
}

/// A new key would make every sealed file unreadable for ever.
#[test]
fn a_lost_description_of_the_key_is_mended_by_the_old_holder_and_by_no_new_key() {
    let sandbox = with_key_file();
    sandbox.store("ghcr.io", "me", "s3cret");
    fs::remove_file(sandbox.home().join("data/key.json")).unwrap();
    let new_holder = format!("file:{}", sandbox.home().join("new-key").display());
    let mut transcript = String::new();
    for words in [
        &["store", "key"][..],
        &["store", "sealed"],
        &["login", "quay.io", "-u", "me", "--password-stdin", "--no-verify"],
        &["unlock"],
        &["lock"],
        &["store", "key", "--rotate"],
        &["store", "key", "--holder", "passphrase", "--passphrase-stdin"],
        &["store", "key", "--holder", &new_holder],
    ] {
        let run = sandbox.run(words, "a b c");
        assert!(run.code == Some(1) && !sandbox.home().join("new-key").exists(), "{words:?} {run:?}");
        transcript += &run.stderr;
    }
    let old_holder = format!("file:{}", sandbox.home().join("mounted/key").display());
    transcript += &sandbox.run(&["store", "key", "--holder", &old_holder], "").stderr;
    shows(
        &transcript,
        str![[r#"
error: `~/data/key.json` is missing, so Ensign cannot find the key `[KEY]`, which the sealed secrets need
hint: put the file back from a backup, or name the holder that has this key: run `docker-credential-ensign store key --holder HOLDER`
error: `~/data/key.json` is missing, so Ensign cannot find the key `[KEY]`, which the sealed secrets need
hint: put the file back from a backup, or name the holder that has this key: run `docker-credential-ensign store key --holder HOLDER`
error: `~/data/key.json` is missing, so Ensign cannot find the key `[KEY]`, which the sealed secrets need
hint: put the file back from a backup, or name the holder that has this key: run `docker-credential-ensign store key --holder HOLDER`
error: `~/data/key.json` is missing, so Ensign cannot find the key `[KEY]`, which the sealed secrets need
hint: put the file back from a backup, or name the holder that has this key: run `docker-credential-ensign store key --holder HOLDER`
error: `~/data/key.json` is missing, so Ensign cannot find the key `[KEY]`, which the sealed secrets need
hint: put the file back from a backup, or name the holder that has this key: run `docker-credential-ensign store key --holder HOLDER`
error: `~/data/key.json` is missing, so Ensign cannot find the key `[KEY]`, which the sealed secrets need
hint: put the file back from a backup, or name the holder that has this key: run `docker-credential-ensign store key --holder HOLDER`
error: `~/data/key.json` is missing, so Ensign cannot find the key `[KEY]`, which the sealed secrets need
hint: put the file back from a backup, or name the holder that has this key: run `docker-credential-ensign store key --holder HOLDER`
error: the key `[KEY]` of the sealed secrets is not in `[HOME]/new-key`
hint: name the holder that has this key; to make a new key and give these secrets up, first run `mv [HOME]/data/sealed [HOME]/data/sealed.old`
✓ The key: [KEY], in `[HOME]/mounted/key`

"#]],
    );
    assert_eq!(sandbox.who("ghcr.io"), "me");
    // A person who gives the secrets up moves the files away.
    fs::remove_file(sandbox.home().join("data/key.json")).unwrap();
    fs::rename(sandbox.home().join("data/sealed"), sandbox.home().join("data/sealed.old")).unwrap();
    sandbox.run(&["store", "key", "--holder", &new_holder], "").shows(str![[r#"
exit 0
--- stderr
✓ Made a key: [KEY], in `[HOME]/new-key`

"#]]);
}

#[test]
fn a_key_file_is_named_by_its_whole_path() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(&["store", "key", "--holder", "file:relative"], "");
    run.shows(str![[r#"
exit 2
--- stderr
error: `file:relative` cannot hold a key
hint: use `keyring`, `passphrase`, `systemd`, or `systemd:` or `file:` with an absolute path

"#]]);
    assert!(!sandbox.config_path().exists());
}

#[test]
fn a_credential_of_systemd_holds_the_key_in_its_service() {
    let sandbox = Sandbox::new().with("ENSIGN_STORE", "");
    let run = sandbox.run(&["store", "key", "--holder", "systemd"], "");
    run.shows(str![[r#"
exit 1
--- stderr
error: this process has no systemd credential `ensign.key`, which is the key of the sealed secrets
hint: run the program in a service with `LoadCredentialEncrypted=ensign.key`; docs/sealed.md shows one

"#]]);
    assert!(!sandbox.home().join("data/key.json").exists());
    let folder = sandbox.home().join("run/credentials/app.service");
    let in_service = |words: &[&str], stdin: &str| {
        let mut command = sandbox.command(words);
        finish(command.env("CREDENTIALS_DIRECTORY", &folder).spawn().unwrap(), stdin.as_bytes())
    };
    write(&folder.join("ensign.key"), &[7; 32]);
    assert_eq!(in_service(&["store", "key", "--holder", "systemd"], "").code, Some(0));
    assert_eq!(in_service(&["store"], &entry("me", "s3cret")), Run::success(""));
    assert!(in_service(&["get"], "ghcr.io").stdout.contains("s3cret"));
    sandbox.run(&["get"], "ghcr.io").shows(str![[r#"
exit 1
--- stdout
this process has no systemd credential `ensign.key`, which is the key of the sealed secrets: run the program in a service with `LoadCredentialEncrypted=ensign.key`; docs/sealed.md shows one

"#]]);
    write(&folder.join("ensign.key"), &[8; 32]);
    in_service(&["get"], "ghcr.io").shows(str![[r#"
exit 1
--- stdout
systemd has another key, not the one that sealed the secrets: put the key `[KEY]` back there

"#]]);
}

#[test]
fn a_file_that_systemd_has_not_sealed_here_holds_no_key() {
    let sandbox = Sandbox::new();
    let file = sandbox.home().join("key.cred");
    write(&file, b"not sealed by anything");
    let run = sandbox.run(&["store", "key", "--holder", &format!("systemd:{}", file.display())], "");
    assert!(run.code == Some(1) && run.stderr.contains("systemd-creds"), "{run:?}");
    assert_eq!(std::fs::read(&file).unwrap(), b"not sealed by anything");
    assert!(!sandbox.home().join("data/key.json").exists());
    let run = sandbox.run(&["store", "key", "--holder", "systemd:key.cred"], "");
    assert_eq!(run.code, Some(2), "a path of some folder or other: {run:?}");
}
