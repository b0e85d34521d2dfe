//! Imports of logins whose accounts exist already, and what can be repeated or undone afterwards.
#![cfg(unix)]

use serde_json::json;
use snapbox::str;

use crate::import::{answer, auth, docker, pair, with_helper};
use crate::sealed::with_key_file;
use crate::support::snapshots::shows;
use crate::support::{Sandbox, read_json, write};

/// A login in a client's file may be older than the account's secret, so only `--replace` saves it.
#[test]
fn another_secret_of_an_account_is_replaced_only_when_asked() {
    let sandbox = Sandbox::new().with("PATH", "/nowhere");
    let path = docker(&sandbox, &json!({"auths": {"quay.io": auth("carol", "old")}}));
    sandbox.store("quay.io", "carol", "new");
    let mut transcript = String::new();
    for arguments in [
        &["import", "--yes", "--remove"][..],
        &["configure-docker", "--import"],
        &["doctor", "--fix", "plain-text"],
        &["import", "--replace", "--dry-run"],
    ] {
        transcript += &sandbox.run(arguments, "").transcript();
        assert_eq!(answer(&sandbox, "quay.io"), pair("carol", "new"), "{arguments:?}");
        assert_eq!(read_json(&path)["auths"]["quay.io"], auth("carol", "old"), "{arguments:?}");
    }
    let path = path.display().to_string();
    transcript += &sandbox.run(&["import", &path, "--host", "quay.io", "--replace", "--remove"], "").transcript();
    assert_eq!(answer(&sandbox, "quay.io"), pair("carol", "old"));
    shows(
        &transcript,
        str![[r#"
exit 0
--- stdout
  quay.io  carol  ~/.docker/config.json  skipped: Ensign has another secret for this user; to save this one instead:  docker-credential-ensign import [HOME]/.docker/config.json --host quay.io --replace
exit 0
--- stdout
~/.docker/config.json
  credHelpers
+   "quay.io": "ensign"
~/.docker/config.json
  !   "quay.io"                     plain-text login
--- stderr
! quay.io stays: Ensign has another secret for this user; to save this one instead:  docker-credential-ensign import [HOME]/.docker/config.json --host quay.io --replace
✓ Wrote ~/.docker/config.json
  To undo   docker-credential-ensign configure-docker --undo
! `docker-credential-ensign` is not on PATH, so Docker will not find it
exit 0
--- stdout
  quay.io  carol  ~/.docker/config.json  skipped: Ensign has another secret for this user; to save this one instead:  docker-credential-ensign import [HOME]/.docker/config.json --host quay.io --replace
  ! plain-text: 1 login in clear text in ~/.docker/config.json
      breaks: nothing; anyone who reads the file has the password
      fix:    docker-credential-ensign doctor --fix plain-text
      does:   docker-credential-ensign import [HOME]/.docker/config.json --remove
--- stderr
! plain-text is still there
exit 0
--- stdout
  quay.io  carol  ~/.docker/config.json  replaces the other secret
--- stderr
Nothing imported: this was a dry run.
exit 0
--- stdout
  quay.io  carol  ~/.docker/config.json  replaces the other secret
--- stderr
✓ Imported carol on quay.io
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
✓ Removed 1 login from its old place

"#]],
    );
}

#[test]
fn docker_hubs_tokens_are_replaced_only_when_asked() {
    let token = "https://index.docker.io/v1/refresh-token";
    let logins = [("https://index.docker.io/v1/", "alice", "s3cret"), (token, "alice", "old")];
    let sandbox = with_helper(Sandbox::new(), "fake", &logins);
    sandbox.store("https://index.docker.io/v1/", "alice", "s3cret");
    sandbox.store(token, "alice", "new");
    for (arguments, kept) in [(&["import", "helper:fake"][..], "new"), (&["import", "helper:fake", "--replace"], "old")]
    {
        sandbox.ok(arguments, "");
        assert_eq!(answer(&sandbox, token), pair("alice", kept));
    }
}

#[test]
fn the_store_of_each_account_is_named_and_the_same_sources_are_repeated() {
    let sandbox = with_key_file().with("PATH", "/nowhere");
    sandbox.store("a.example", "u", "one");
    sandbox.ok(&["store", "file"], "");
    let auths =
        json!({"auths": {"a.example": auth("u", "two"), "b.example": auth("u", "two"), "c.example": auth("u", "x")}});
    write(&sandbox.home().join("my logins.json"), auths.to_string().as_bytes());
    let mut transcript = String::new();
    for arguments in [
        &["import", "my logins.json", "--host", "a.example", "--replace"][..],
        &["import", "my logins.json", "--host", "a.example", "--host", "b.example"],
    ] {
        transcript += &sandbox.run(arguments, "").transcript();
    }
    let sandbox = sandbox.with("DOCKER_AUTH_CONFIG", &json!({"auths": {"d.example": auth("u", "x")}}).to_string());
    transcript += &sandbox.run(&["import", "env"], "").transcript();
    shows(
        &transcript,
        str![[r#"
exit 0
--- stdout
  a.example  u  my logins.json  replaces the other secret
--- stderr
✓ Imported u on a.example
  Saved in  ~/data/sealed; the key is in `[HOME]/mounted/key`
! the imported logins are still in their old places: `docker-credential-ensign import 'my logins.json' --host a.example --remove` removes them there
! Docker does not ask Ensign for a.example yet; to change that:  docker-credential-ensign configure-docker
exit 0
--- stdout
  a.example  u  my logins.json  already there
  b.example  u  my logins.json  new
--- stderr
✓ Imported u on b.example
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! the imported logins are still in their old places: `docker-credential-ensign import 'my logins.json' --host a.example --host b.example --remove` removes them there
! Docker does not ask Ensign for a.example, b.example yet; to change that:  docker-credential-ensign configure-docker
exit 0
--- stdout
  d.example  u  DOCKER_AUTH_CONFIG  new
--- stderr
✓ Imported u on d.example
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! Docker does not ask Ensign for d.example yet; to change that:  docker-credential-ensign configure-docker

"#]],
    );
}

/// The clients ask Ensign by then, so a search in all places does not find the login again.
#[test]
fn a_login_that_a_helper_did_not_remove_can_be_removed_later() {
    let script = r#"#!/bin/sh
input=$(cat)
case $1 in
list) echo '{"quay.io": "carol"}' ;;
get) echo '{"ServerURL": "quay.io", "Username": "carol", "Secret": "s3cret"}' ;;
erase) [ -e "$HOME/open" ] && touch "$HOME/erased" || { echo it is closed; exit 1; } ;;
esac
"#;
    let sandbox = Sandbox::new().with_program("docker-credential-fake", script);
    docker(&sandbox, &json!({"credsStore": "fake"}));
    let mut transcript = sandbox.run(&["import", "--remove"], "").transcript();
    write(&sandbox.home().join("open"), b"");
    transcript += &sandbox.run(&["import", "helper:fake", "--host", "quay.io", "--remove"], "").transcript();
    assert!(sandbox.home().join("erased").exists());
    shows(
        &transcript,
        str![[r#"
exit 1
--- stdout
  quay.io  carol  docker-credential-fake  new
--- stderr
! 1 secret from another store would be saved in clear text; to seal them, run this first:  docker-credential-ensign store key --holder passphrase
✓ Imported carol on quay.io
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
  Programs that read ~/.docker/config.json now ask Ensign for them
! not removed: quay.io: `docker-credential-fake`: `erase` failed: run `docker-credential-fake list` to see what is wrong; to try again:  docker-credential-ensign import helper:fake --host quay.io --remove
exit 0
--- stdout
  quay.io  carol  docker-credential-fake  already there
--- stderr
Everything is imported already.
✓ Removed 1 login from its old place

"#]],
    );
}

#[test]
fn logins_in_another_helper_are_for_import_only() {
    let sandbox = with_helper(Sandbox::new(), "fake", &[("quay.io", "carol", "s3cret")]);
    docker(&sandbox, &json!({"credsStore": "fake", "auths": {"quay.io": {}}}));
    sandbox.run(&["configure-docker", "--import"], "").shows(str![[r#"
exit 3
--- stderr
error: there are no accounts, so there is no registry to configure
hint: run `docker-credential-ensign import` first, or name a registry

"#]]);
}

/// `import --remove` also writes files that `configure-docker` does not write.
#[test]
fn undo_finds_every_file_that_an_import_wrote() {
    let sandbox = Sandbox::new().with("PATH", "/nowhere");
    let paths = [".config/helm/registry/config.json", ".finch/config.json"].map(|path| sandbox.home().join(path));
    for path in &paths {
        write(path, json!({"auths": {"quay.io": auth("carol", "s3cret")}}).to_string().as_bytes());
    }
    sandbox.ok(&["import", "--remove"], "");
    assert!(paths.iter().all(|path| read_json(path)["credHelpers"]["quay.io"] == "ensign"));
    sandbox.ok(&["configure-docker", "--undo"], "");
    assert!(paths.iter().all(|path| read_json(path)["credHelpers"].is_null()));
}
