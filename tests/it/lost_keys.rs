//! Keys of sealed secrets that are lost, and copies of a key that stay behind.

use std::fs;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use snapbox::str;

use crate::sealed::with_key_file;
use crate::support::snapshots::shows;
use crate::support::{Sandbox, write};

fn key_path(sandbox: &Sandbox) -> PathBuf {
    sandbox.home().join("mounted/key")
}

/// Returns the option for a holder that is a file in the home folder.
fn holder(sandbox: &Sandbox, name: &str) -> String {
    format!("--holder=file:{}", sandbox.home().join(name).display())
}

#[test]
fn an_old_key_file_that_still_has_the_key_is_named() {
    let sandbox = with_key_file();
    sandbox.store("ghcr.io", "me", "s3cret");
    let mut transcript = String::new();
    for name in ["second", "second", "mounted/../second"] {
        transcript += &sandbox.run(&["store", "key", &holder(&sandbox, name)], "").transcript();
    }
    fs::remove_file(sandbox.home().join("second")).unwrap();
    fs::rename(key_path(&sandbox), sandbox.home().join("second")).unwrap();
    assert_eq!(sandbox.who("ghcr.io"), "me");
    shows(
        &transcript,
        str![[r#"
exit 0
--- stderr
✓ The key: [KEY], in `[HOME]/second`
! `[HOME]/mounted/key` still contains the key; to remove it:  rm [HOME]/mounted/key
exit 0
--- stderr
✓ The key: [KEY], in `[HOME]/second`
exit 0
--- stderr
✓ The key: [KEY], in `[HOME]/mounted/../second`

"#]],
    );
}

/// The files of a lost key are moved away as the hint says. `key.json` stays, and gets a new key.
#[test]
fn a_lost_key_is_replaced_when_no_file_needs_it() {
    let sandbox = with_key_file();
    sandbox.store("ghcr.io", "me", "s3cret");
    fs::remove_file(key_path(&sandbox)).unwrap();
    let mut transcript = sandbox.run(&["store", "key", &holder(&sandbox, "new")], "").transcript();
    let folder = sandbox.home().join("data/sealed");
    fs::rename(&folder, folder.with_extension("old")).unwrap();
    transcript += &sandbox.run(&["store", "key", &holder(&sandbox, "new")], "").transcript();
    sandbox.store("ghcr.io", "me", "s3cret");
    assert_eq!(sandbox.who("ghcr.io"), "me");
    shows(
        &transcript,
        str![[r#"
exit 1
--- stderr
error: `[HOME]/mounted/key`, which holds the key of the sealed secrets, is missing
hint: mount the file, or put it back; to make a new key and give these secrets up, first run `mv [HOME]/data/sealed [HOME]/data/sealed.old`
exit 0
--- stderr
✓ Made a key: [KEY], in `[HOME]/new`

"#]],
    );
}

#[test]
#[cfg(target_os = "linux")] // other systems cannot keep a passphrase's key open
fn a_forgotten_passphrase_is_replaced_when_no_file_needs_it() {
    let sandbox = with_key_file();
    let run = sandbox.run(&["store", "key", "--holder", "passphrase", "--passphrase-stdin"], "a b c");
    if run.code != Some(0) {
        return eprintln!("skipped: {run:?}");
    }
    sandbox.ok(&["lock"], "");
    let run = sandbox.run(&["store", "key", "--holder", "passphrase", "--passphrase-stdin"], "d e f");
    assert!(run.code == Some(0) && run.stderr.contains("Made a key"), "{run:?}");
    sandbox.store("ghcr.io", "me", "s3cret");
    assert_eq!(sandbox.who("ghcr.io"), "me");
    sandbox.ok(&["lock"], "");
    let run = sandbox.run(&["store", "key", &holder(&sandbox, "new")], "");
    assert!(run.code == Some(1) && run.stderr.contains("are locked"), "{run:?}");
}

#[test]
fn an_account_without_its_key_leaves_no_secret_behind() {
    let sandbox = with_key_file();
    sandbox.store("ghcr.io", "me", "s3cret");
    sandbox.store("quay.io", "me", "s3cret");
    fs::remove_file(key_path(&sandbox)).unwrap();
    let mut transcript = sandbox.run(&["logout", "ghcr.io"], "").transcript();
    transcript += &sandbox.run(&["logout", "ghcr.io", "--force"], "").transcript();
    transcript += &sandbox.run(&["logout", "quay.io", "--force"], "").transcript();
    transcript += &sandbox.run(&["doctor", "--fix", "left-overs"], "").transcript();
    let left = fs::read_dir(sandbox.home().join("data/sealed")).unwrap().count();
    assert_eq!(left, 0, "{transcript}");
    shows(
        &transcript,
        str![[r#"
exit 1
--- stderr
error: `[HOME]/mounted/key`, which holds the key of the sealed secrets, is missing
hint: mount the file, or put it back; or run `docker-credential-ensign logout ghcr.io -u me --force` to remove the account anyway
exit 0
--- stderr
✓ Removed me from ghcr.io
! a token stays valid until you delete it at https://github.com/settings/tokens
exit 0
--- stderr
✓ Removed me from quay.io
! a token stays valid until you delete it at https://quay.io/user/?tab=settings
exit 0
--- stderr
✓ left-overs: nothing to fix

"#]],
    );
}

#[test]
fn a_key_file_may_have_hexadecimal_digits() {
    let sandbox = with_key_file();
    sandbox.store("ghcr.io", "me", "s3cret");
    let key = STANDARD.decode(fs::read_to_string(key_path(&sandbox)).unwrap().trim()).unwrap();
    let lower = key.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    for digits in [lower.to_uppercase(), lower] {
        write(&key_path(&sandbox), digits.as_bytes());
        assert_eq!(sandbox.who("ghcr.io"), "me", "{}", digits.len());
    }
}
