//! Images that need no account: no login is handed out to pull them, whether it is valid or not.

use serde_json::{Value, json};
use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox};

#[cfg(unix)]
use crate::callers::{called_by, who};
#[cfg(unix)]
use crate::support::write;

#[cfg(unix)]
const BROKEN: &str = "#!/bin/sh\ncat >/dev/null\n[ \"$1\" = store ] && exit 0\necho the keychain is locked\nexit 1\n";

#[cfg(unix)]
#[test]
fn a_dead_login_does_not_break_the_pull_of_a_public_image() {
    let sandbox = Sandbox::new().with_program("docker-credential-broken", BROKEN);
    let account = json!({"username": "alice", "store": "helper:broken"});
    let entry = json!({"active": "alice", "accounts": {"alice": account}});
    let config = json!({"version": 3, "registries": {"docker.io": entry}});
    write(&sandbox.config_path(), config.to_string().as_bytes());
    sandbox.ok(&["public", "add", "docker.io/library/**", "acme/base"], "");
    let mut transcript = String::new();
    for (words, is_public) in [
        (vec!["docker", "pull", "alpine"], true),
        (vec!["docker", "pull", "acme/base:1"], true),
        (vec!["docker", "pull", "acme/app"], false),
        (vec!["docker", "pull", "docker.io/library/alpine:3.20"], true),
        (vec!["podman", "pull", "docker.io/library/alpine"], true),
        (vec!["skopeo", "inspect", "docker://alpine"], true),
        (vec!["docker", "push", "acme/base"], false),
        (vec!["docker", "build", "--push", "-t", "acme/base", "."], false),
    ] {
        let run = called_by(&sandbox, &words, "get", "https://index.docker.io/v1/");
        if is_public {
            assert_eq!(run, Run::not_found(), "{words:?}");
        } else {
            transcript += &run.transcript();
        }
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stdout
the secret of alice on docker.io could not be read by `docker-credential-broken`: run `docker-credential-broken list` to see what is wrong
exit 1
--- stdout
the secret of alice on docker.io could not be read by `docker-credential-broken`: run `docker-credential-broken list` to see what is wrong
exit 1
--- stdout
the secret of alice on docker.io could not be read by `docker-credential-broken`: run `docker-credential-broken list` to see what is wrong

"#]],
    );
}

#[cfg(unix)]
#[test]
fn a_public_image_is_asked_for_by_nobody_but_is_pushed_by_its_account() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "alice", "pw");
    sandbox.ok(&["public", "add", "ghcr.io/alice/open/**"], "");
    for (words, expected) in [
        (vec!["docker", "pull", "ghcr.io/alice/open/x"], Run::not_found().stdout),
        (vec!["docker", "pull", "ghcr.io/alice/app"], "alice".to_owned()),
        (vec!["docker", "push", "ghcr.io/alice/open/x"], "alice".to_owned()),
        (vec!["mytool", "x"], "alice".to_owned()),
    ] {
        assert_eq!(who(&called_by(&sandbox, &words, "get", "ghcr.io")), expected, "{words:?}");
    }
    assert_eq!(sandbox.run(&["get"], "ghcr.io/alice/open/x"), Run::not_found());
}

#[test]
fn public_images_are_listed_added_and_removed() {
    let sandbox = Sandbox::new();
    shows(
        &sandbox.ok(&["public"], ""),
        str![[r#"
No image is listed as public. To add one:  docker-credential-ensign public add IMAGE

"#]],
    );
    let added = sandbox.run(&["public", "add", "alpine", "ghcr.io/acme/**", "ghcr.io/acme/**"], "");
    added.shows(str![[r#"
exit 0
--- stderr
✓ Pulled without an account: docker.io/library/alpine, ghcr.io/acme/**

"#]]);
    assert_eq!(sandbox.ok(&["public", "list"], ""), "docker.io/library/alpine\nghcr.io/acme/**\n");
    let json: Value = serde_json::from_str(&sandbox.ok(&["public", "--json"], "")).unwrap();
    assert_eq!(json, json!({"schema": 1, "public": ["docker.io/library/alpine", "ghcr.io/acme/**"]}));
    let removed = sandbox.run(&["public", "remove", "alpine:3"], "");
    removed.shows(str![[r#"
exit 0
--- stderr
✓ No longer public: docker.io/library/alpine

"#]]);
    assert_eq!(sandbox.config()["registries"], json!({"ghcr.io": {"accounts": {}, "public": ["ghcr.io/acme/**"]}}));
    let unknown = sandbox.run(&["public", "remove", "alpine"], "");
    unknown.shows(str![[r#"
exit 2
--- stderr
error: docker.io/library/alpine is not in the list of public images
hint: run `docker-credential-ensign public list` to see the list

"#]]);
}

#[test]
fn a_registry_without_accounts_may_have_public_images() {
    let sandbox = Sandbox::new();
    sandbox.ok(&["public", "add", "ghcr.io/acme/**"], "");
    assert_eq!(sandbox.run(&["get"], "ghcr.io"), Run::not_found());
    assert_eq!(sandbox.run(&["list"], ""), Run::success("{}\n"));
    assert_eq!(sandbox.run(&["prompt"], ""), Run::success(""));
    let status = sandbox.run(&["status"], "");
    status.shows(str![[r#"
exit 3
--- stdout
ghcr.io   (no account)
  public: acme/**


"#]]);
    let which = sandbox.run(&["which", "ghcr.io/acme/app"], "");
    assert_eq!((which.code, which.stderr.as_str()), (Some(0), ""));
    which.shows(str![[r#"
exit 0
--- stdout
no account needed
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
●  5 command line           ghcr.io/acme/app needs no account: ghcr.io/acme/** is public
   6 files                  not read: the command line names an image
   7 .ensign.toml           none
   8 folder                 no account is for this folder
   9 default account        none
  10 only account           none

"#]]);

    for (words, code) in [
        (vec!["switch"], 3),
        (vec!["switch", "ghcr.io"], 3),
        (vec!["logout", "ghcr.io"], 0),
        (vec!["export", "--all", "--format", "env"], 3),
        (vec!["configure-docker", "--dry-run"], 3),
        (vec!["account", "show", "ghcr.io"], 3),
        (vec!["import", "--dry-run"], 0),
    ] {
        assert_eq!(sandbox.run(&words, "").code, Some(code), "{words:?}");
    }
    assert_eq!(sandbox.run(&["erase"], "ghcr.io"), Run::success(""));
}

#[test]
fn the_last_logout_leaves_the_public_images_and_the_next_login_is_the_default() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "alice", "pw");
    sandbox.store("ghcr.io", "bob", "pw");
    sandbox.ok(&["public", "add", "ghcr.io/acme/**"], "");
    sandbox.ok(&["logout", "ghcr.io", "--all"], "");
    assert_eq!(sandbox.config()["registries"], json!({"ghcr.io": {"accounts": {}, "public": ["ghcr.io/acme/**"]}}));
    sandbox.ok(&["login", "ghcr.io", "-u", "carol", "--password-stdin", "--no-verify"], "pw");
    assert_eq!(sandbox.who("ghcr.io"), "carol");
    sandbox.run(&["status"], "").shows(str![[r#"
exit 0
--- stdout
ghcr.io
  ● carol  default   carol/**   in clear text
  public: acme/**

Docker does not ask Ensign for ghcr.io; to change that:
  docker-credential-ensign configure-docker

"#]]);
    let check = sandbox.run(&["check", "ghcr.io/acme/app"], "");
    assert_eq!(check.code, Some(3));
    check.shows(str![[r#"
exit 3
--- stderr
error: ghcr.io/acme/app needs no account: ghcr.io/acme/** is public
hint: set ENSIGN_ACCOUNT=ghcr.io=NAME to use an account anyway

"#]]);
}
