//! Accounts from a file or from variables, on a machine without a home and without a writable folder.

use std::process::Command;

use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, finish, write};

const FILE: &str = r#"{"accounts": [
  {"registry": "ghcr.io", "username": "acme-bot", "alias": "work", "secret_file": "ghcr-token", "images": ["ghcr.io/acme/**"]},
  {"registry": "ghcr.io", "username": "me", "secret": "mine", "active": true},
  {"registry": "docker.io", "username": "hubber", "secret": "pat"}]}"#;

/// Writes the accounts file and a secret's file, as a cluster mounts them.
fn mounted(file: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.home().join("mounted")).unwrap();
    write(&sandbox.home().join("mounted/accounts.json"), file.as_bytes());
    write(&sandbox.home().join("mounted/ghcr-token"), b"s3cret\n");
    let path = sandbox.home().join("mounted/accounts.json").to_str().unwrap().to_owned();
    sandbox.with("ENSIGN_ACCOUNTS_FILE", &path)
}

fn homeless(sandbox: &Sandbox, words: &[&str], stdin: &str) -> Run {
    let mut command: Command = sandbox.command(words);
    for name in ["HOME", "USERPROFILE", "ENSIGN_CONFIG_DIR", "ENSIGN_DATA_DIR"] {
        command.env_remove(name);
    }
    finish(command.spawn().unwrap(), stdin.as_bytes())
}

#[test]
fn a_file_of_accounts_answers_without_a_home() {
    let sandbox = mounted(FILE);
    assert_eq!(homeless(&sandbox, &["get"], "ghcr.io"), Run::answer("ghcr.io", "me", "mine"));
    assert_eq!(homeless(&sandbox, &["get"], "ghcr.io/acme/app"), Run::answer("ghcr.io/acme/app", "acme-bot", "s3cret"));
    assert_eq!(
        homeless(&sandbox, &["get"], "https://index.docker.io/v1/"),
        Run::answer("https://index.docker.io/v1/", "hubber", "pat")
    );
    assert_eq!(homeless(&sandbox, &["get"], "quay.io"), Run::not_found());
    assert_eq!(
        homeless(&sandbox, &["list"], ""),
        Run::success("{\"ghcr.io\":\"me\",\"https://index.docker.io/v1/\":\"hubber\"}\n")
    );
    let request = r#"{"kind":"CredentialProviderRequest","apiVersion":"credentialprovider.kubelet.k8s.io/v1","image":"ghcr.io/acme/app"}"#;
    assert!(homeless(&sandbox, &["kubelet"], request).stdout.contains("s3cret"));
    assert!(!sandbox.home().join("config").exists() && !sandbox.home().join("data").exists(), "nothing was written");
}

#[test]
fn a_secret_that_was_not_mounted_is_named() {
    let sandbox = mounted(FILE);
    let token = sandbox.home().join("mounted").join("ghcr-token");
    let mut transcript = String::new();
    for (text, what) in [(Some(&b"\n"[..]), "empty"), (None, "not there")] {
        match text {
            Some(text) => write(&token, text),
            None => std::fs::remove_file(&token).unwrap(),
        }
        let run = homeless(&sandbox, &["get"], "ghcr.io/acme/app");
        assert!(!run.stdout.contains("login"), "{run:?}");
        transcript += &run.transcript();
        let status = homeless(&sandbox, &["status"], "");
        assert!(status.stdout.contains(what), "{status:?}");
        transcript += &status.transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stdout
`[HOME]/mounted/ghcr-token`, the secret file of work on ghcr.io, is empty: mount the file, or change `secret_file` in ENSIGN_ACCOUNTS_FILE
exit 3
--- stdout
ghcr.io
  ○ work            acme/**   user acme-bot   in environment
    ✗ `[HOME]/mounted/ghcr-token`, the secret file of work on ghcr.io, is empty: mount the file, or change `secret_file` in ENSIGN_ACCOUNTS_FILE
  ● me    default   me/**                     in environment

docker.io
  ● hubber  default   hubber/**   in environment

Docker does not ask Ensign for ghcr.io, docker.io; to change that:
  docker-credential-ensign configure-docker
1 account needs attention.
exit 1
--- stdout
`[HOME]/mounted/ghcr-token`, the secret file of work on ghcr.io, is not there: mount the file, or change `secret_file` in ENSIGN_ACCOUNTS_FILE
exit 3
--- stdout
ghcr.io
  ○ work            acme/**   user acme-bot   in environment
    ✗ `[HOME]/mounted/ghcr-token`, the secret file of work on ghcr.io, is not there: mount the file, or change `secret_file` in ENSIGN_ACCOUNTS_FILE
  ● me    default   me/**                     in environment

docker.io
  ● hubber  default   hubber/**   in environment

Docker does not ask Ensign for ghcr.io, docker.io; to change that:
  docker-credential-ensign configure-docker
1 account needs attention.

"#]],
    );
}

#[test]
fn a_variable_gives_one_account() {
    let sandbox = Sandbox::new()
        .with("ENSIGN_LOGIN_WORK", "ghcr.io/acme/** acme-bot s3cret")
        .with("ENSIGN_LOGIN_ME", "ghcr.io me mine");
    assert_eq!(homeless(&sandbox, &["get"], "ghcr.io/acme/app"), Run::answer("ghcr.io/acme/app", "acme-bot", "s3cret"));
    assert_eq!(homeless(&sandbox, &["get"], "ghcr.io"), Run::answer("ghcr.io", "me", "mine"));
    let wrong = Sandbox::new().with("ENSIGN_LOGIN_X", "hunter2");
    let run = homeless(&wrong, &["get"], "ghcr.io");
    assert_eq!(run.code, Some(1));
    run.shows(str![[r#"
exit 1
--- stdout
ENSIGN_LOGIN_X is not an account: the variable contains only one word: write the variable as `ghcr.io/acme/** USER SECRET`

"#]]);
}

#[test]
fn what_is_given_goes_before_the_config_and_is_not_changed() {
    let sandbox = mounted(FILE);
    sandbox.store("ghcr.io", "other", "pw");
    assert_eq!(sandbox.who("ghcr.io"), "me");
    assert_eq!(sandbox.who("other@ghcr.io"), "other");
    let mut transcript = String::new();
    for words in [
        &["logout", "ghcr.io", "-u", "me"][..],
        &["switch", "ghcr.io", "work"],
        &["account", "edit", "ghcr.io", "me", "--alias", "x"],
    ] {
        let run = sandbox.run(words, "");
        transcript += &run.transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stderr
error: me on ghcr.io comes from the environment and cannot be changed here
hint: change ENSIGN_ACCOUNTS_FILE or the ENSIGN_LOGIN_ variable that defines the account
exit 1
--- stderr
error: me on ghcr.io comes from the environment and cannot be changed here
hint: change ENSIGN_ACCOUNTS_FILE or the ENSIGN_LOGIN_ variable that defines the account
exit 1
--- stderr
error: me on ghcr.io comes from the environment and cannot be changed here
hint: change ENSIGN_ACCOUNTS_FILE or the ENSIGN_LOGIN_ variable that defines the account

"#]],
    );
    assert_eq!(sandbox.run(&["erase"], "ghcr.io"), Run::success(""));
    assert_eq!((sandbox.who("ghcr.io"), sandbox.who("other@ghcr.io")), ("me".into(), "other".into()));
    let status = sandbox.ok(&["status"], "");
    assert!(!status.contains("mine"), "{status}");
    shows(
        &status,
        str![[r#"
ghcr.io
  ○ other            other/**                  in clear text
  ○ work             acme/**   user acme-bot   in environment
  ● me     default   me/**                     in environment

docker.io
  ● hubber  default   hubber/**   in environment

Docker does not ask Ensign for ghcr.io, docker.io; to change that:
  docker-credential-ensign configure-docker

"#]],
    );
}

#[test]
fn a_wrong_file_is_named_and_not_quoted() {
    let mut transcript = String::new();
    for file in ["{\"accounts\": [hunter2]}", "{\"accounts\": [{\"hunter2\": 1}]}"] {
        let run = homeless(&mounted(file), &["get"], "ghcr.io");
        assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""));
        transcript += &run.transcript();
        assert!(!run.stdout.contains("hunter2"));
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stdout
`[HOME]/mounted/accounts.json`, which ENSIGN_ACCOUNTS_FILE names, is wrong in line 1: not valid JSON: docs/ci.md shows the form of the file
exit 1
--- stdout
`[HOME-2]/mounted/accounts.json`, which ENSIGN_ACCOUNTS_FILE names, is wrong in line 1: an account needs registry, username, and secret or secret_file: docs/ci.md shows the form of the file

"#]],
    );
    let missing = Sandbox::new();
    let file = missing.home().join("no-such-file").to_str().unwrap().to_owned();
    let missing = missing.with("ENSIGN_ACCOUNTS_FILE", &file);
    let run = homeless(&missing, &["get"], "ghcr.io");
    run.shows(str![[r#"
exit 1
--- stdout
`[HOME]/no-such-file`, which ENSIGN_ACCOUNTS_FILE names, is not there: docs/ci.md shows the form of the file

"#]]);
}

#[cfg(unix)]
#[test]
fn docker_is_configured_without_a_home_where_accounts_are_given() {
    let configure = |sandbox: &Sandbox| {
        let mut command = sandbox.command(&["configure-docker", "ghcr.io"]);
        let nowhere = sandbox.home().join("plain-file/x");
        write(&sandbox.home().join("plain-file"), b"");
        command.env("HOME", &nowhere).env("DOCKER_CONFIG", "docker").env_remove("ENSIGN_DATA_DIR");
        command.env("ENSIGN_CONFIG_DIR", nowhere.join("config"));
        finish(command.spawn().unwrap(), b"")
    };
    let sandbox = Sandbox::new().with("ENSIGN_LOGIN_ME", "ghcr.io me mine").with_program("skopeo", "#!/bin/sh\n");
    let run = configure(&sandbox);
    assert_eq!(run.code, Some(0), "{run:?}");
    run.shows(str![[r#"
exit 0
--- stdout
docker/config.json
  credHelpers
+   "ghcr.io": "ensign"
~/.config/containers/auth.json
  credHelpers
+   "ghcr.io": "ensign"
--- stderr
! Podman, Buildah and Skopeo do not ask Ensign: could not make `[HOME]/plain-file/x/.config/containers`: Not a directory (os error 20): move it away: `mv [HOME]/plain-file [HOME]/plain-file.aside`
✓ Wrote docker/config.json
  To undo   docker-credential-ensign configure-docker --undo
! `docker-credential-ensign` is not on PATH, so Docker will not find it

"#]]);

    assert_eq!(
        crate::support::read_json(&sandbox.home().join("docker/config.json"))["credHelpers"]["ghcr.io"],
        "ensign"
    );
    assert_eq!(configure(&Sandbox::new()).code, Some(1));
}

#[test]
fn no_command_is_advised_that_cannot_change_such_an_account() {
    let sandbox =
        Sandbox::new().with("ENSIGN_LOGIN_A", "ghcr.io/acme/** a pw").with("ENSIGN_LOGIN_B", "ghcr.io/b/** b pw");
    let torn = sandbox.run(&["which", "--as", "docker build -t ghcr.io/acme/x -t ghcr.io/b/y ."], "");
    torn.shows(str![[r#"
exit 0
--- stdout
a
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           undecided: ghcr.io/acme/x is a's, ghcr.io/b/y is b's
   6 files                  no image of this registry is named
   7 .ensign.toml           none
   8 folder                 no account is for this folder
●  9 default account        → a
  10 only account           there are several
--- stderr
! These images need different accounts, but Docker asks for only one. Options:
  this command  ENSIGN_ACCOUNT=ghcr.io=b docker build -t ghcr.io/acme/x -t ghcr.io/b/y .
  every build   docker-credential-ensign buildx sync ghcr.io/acme/x ghcr.io/b/y
  one tool      docker-credential-ensign pin b   (and name the helper `ensign-b` in the tool's config)
! these clients do not ask Ensign for ghcr.io; to change that:  docker-credential-ensign configure-docker

"#]]);
}
