//! Accounts for pushes or for pulls only, and images that need no account.

use serde_json::{Value, json};
use snapbox::str;

#[cfg(unix)]
use crate::callers::{called_by, who};
#[cfg(unix)]
use crate::support::Run;
use crate::support::registry::FakeRegistry;
use crate::support::snapshots::shows;
use crate::support::{Sandbox, write};

/// A home with two logins of one user: `ro` to pull, which is the default, and `rw` to push.
fn reader_and_writer(host: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    login(&sandbox, host, "alice", &["--alias", "ro", "--for", "pull"]);
    login(&sandbox, host, "alice", &["--alias", "rw", "--for", "push"]);
    sandbox
}

fn login(sandbox: &Sandbox, host: &str, user: &str, more: &[&str]) {
    let words = [&["login", host, "-u", user, "--password-stdin", "--no-verify"], more].concat();
    sandbox.ok(&words, &format!("{}-pw", more.get(1).unwrap_or(&user)));
}

#[cfg(unix)]
fn secret(run: &Run) -> &str {
    run.stdout.split("\"Secret\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or(&run.stdout)
}

#[cfg(unix)]
#[test]
fn a_pull_goes_as_the_reader_and_a_push_as_the_writer() {
    let sandbox = reader_and_writer("ghcr.io");
    for (words, expected) in [
        (vec!["docker", "pull", "ghcr.io/alice/app"], "ro-pw"),
        (vec!["docker", "push", "ghcr.io/alice/app"], "rw-pw"),
        (vec!["docker", "push", "ghcr.io/acme/app"], "rw-pw"),
        (vec!["docker", "run", "ghcr.io/acme/app", "push"], "ro-pw"),
        (vec!["docker", "build", "-t", "ghcr.io/alice/app", "."], "ro-pw"),
        (vec!["docker", "build", "--push", "-t", "ghcr.io/alice/app", "."], "rw-pw"),
        (vec!["docker", "build", "--push", "-t", "quay.io/alice/app", "."], "ro-pw"),
        (vec!["skopeo", "copy", "docker://quay.io/a/b", "docker://ghcr.io/alice/app"], "rw-pw"),
        (vec!["skopeo", "copy", "docker://ghcr.io/alice/app", "docker://quay.io/a/b"], "ro-pw"),
        (vec!["mytool", "push", "ghcr.io/alice/app"], "ro-pw"),
    ] {
        let run = called_by(&sandbox, &words, "get", "ghcr.io");
        assert_eq!((secret(&run), run.code, run.stderr.as_str()), (expected, Some(0), ""), "{words:?}");
    }
}

#[cfg(unix)]
#[test]
fn what_a_bake_file_pushes_is_pushed() {
    let sandbox = reader_and_writer("ghcr.io");
    let bake = |output: &str| {
        let file = format!("target \"default\" {{\n  tags = [\"ghcr.io/alice/app\"]\n  output = [\"{output}\"]\n}}\n");
        write(&sandbox.home().join("docker-bake.hcl"), file.as_bytes());
        called_by(&sandbox, &["docker", "buildx", "bake"], "get", "ghcr.io")
    };
    // The fake client runs its first argument as a script.
    write(&sandbox.home().join("buildx"), b"");
    assert_eq!(secret(&bake("type=docker")), "ro-pw");
    assert_eq!(secret(&bake("type=registry")), "rw-pw");
}

#[cfg(unix)]
#[test]
fn without_an_account_for_a_push_there_is_none_and_which_says_why() {
    let sandbox = Sandbox::new();
    login(&sandbox, "ghcr.io", "alice", &["--alias", "ro", "--for", "pull"]);
    let push = ["docker", "push", "ghcr.io/alice/app"];
    assert_eq!(called_by(&sandbox, &push, "get", "ghcr.io"), Run::not_found());
    let which = sandbox.run(&["which", "ghcr.io/alice/app", "--push"], "");
    which.shows(str![[r#"
exit 3
--- stdout
no account
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           no account is for this operation
   6 files                  not read: the command line names an image
   7 .ensign.toml           none
   8 folder                 no account is for this folder
   9 default account        none
  10 only account           none
  It is a push: ro is for pull only
--- stderr
! ghcr.io has no account for a push: ro is for pull only: run `docker-credential-ensign account edit ghcr.io ro --for any`

"#]]);
    which.shows(str![[r#"
exit 3
--- stdout
no account
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           no account is for this operation
   6 files                  not read: the command line names an image
   7 .ensign.toml           none
   8 folder                 no account is for this folder
   9 default account        none
  10 only account           none
  It is a push: ro is for pull only
--- stderr
! ghcr.io has no account for a push: ro is for pull only: run `docker-credential-ensign account edit ghcr.io ro --for any`

"#]]);
    let check = sandbox.run(&["check", "ghcr.io/alice/app", "--push"], "");
    assert_eq!((check.code, check.stdout.as_str()), (Some(3), ""));
    check.shows(str![[r#"
exit 3
--- stderr
error: ghcr.io has no account for a push: ro is for pull only
hint: run `docker-credential-ensign account edit ghcr.io ro --for any`

"#]]);
}

#[test]
fn which_check_token_and_api_choose_as_the_operation_does() {
    let registry = FakeRegistry::with_tokens();
    let host = &registry.host;
    let sandbox = Sandbox::new();
    for (user, purpose) in [("bob", "pull"), ("alice", "push")] {
        let words = ["login", host, "-u", user, "--password-stdin", "--for", purpose, "--images", "alice/**"];
        sandbox.ok(&words, &format!("{user}-pw"));
    }
    let image = format!("{host}/alice/app:1");
    for (words, account, operation) in [
        (vec!["which", &image], "bob", Value::Null),
        (vec!["which", &image, "--pull"], "bob", json!("pull")),
        (vec!["which", &image, "--push"], "alice", json!("push")),
        (vec!["which", &image, "--as", &format!("docker push {image}")], "alice", json!("push")),
        (vec!["which", &image, "--as", &format!("docker run {image}")], "bob", json!("pull")),
        (vec!["which", host, "--push"], "alice", json!("push")),
    ] {
        let told: Value = serde_json::from_str(&sandbox.ok(&[words.clone(), vec!["--json"]].concat(), "")).unwrap();
        assert_eq!((&told["account"], &told["operation"]), (&json!(account), &operation), "{words:?}");
    }
    let pushed = sandbox.run(&["check", &image, "--push"], "");
    pushed.shows(str![[r#"
exit 0
--- stdout
✓ [HOST] accepts the account alice, which may push to [HOST]/alice/app

"#]]);
    let pulled = sandbox.run(&["check", &image], "");
    pulled.shows(str![[r#"
exit 4
--- stdout
✗ [HOST] accepts the account bob, which may not pull [HOST]/alice/app (according to [HOST])

"#]]);
    sandbox.run(&["check", host], "").shows(str![[r#"
exit 0
--- stdout
✓ [HOST] accepts the account bob

"#]]);
    sandbox.ok(&["token", &image, "--push"], "");
    assert_eq!(sandbox.run(&["token", &image], "").code, Some(4));
    let read = sandbox.run(&["api", host, "alice/app/tags/list"], "");
    assert_eq!(read.code, Some(4), "{read:?}");
    let written = sandbox.run(&["api", host, "alice/app/blobs/uploads/", "-X", "POST"], "");
    assert_eq!(written.code, Some(0), "{written:?}");
}

#[test]
fn what_an_account_is_for_is_shown_and_can_be_set_and_taken_back() {
    let sandbox = reader_and_writer("ghcr.io");
    let status = sandbox.run(&["status"], "").stdout;
    shows(
        &status,
        str![[r#"
ghcr.io
  ● ro  default   alice/**, ro/**, to pull only   user alice   in clear text
  ○ rw            alice/**, rw/**, to push only   user alice   in clear text

Docker does not ask Ensign for ghcr.io; to change that:
  docker-credential-ensign configure-docker

"#]],
    );
    let show = sandbox.ok(&["account", "show", "ghcr.io", "rw"], "");
    shows(
        &show,
        str![[r#"
rw
  registry   ghcr.io
  username   alice
  default    no
  images     ghcr.io/alice/**, ghcr.io/rw/**  (its own namespace)
  for        push only
  store      file

"#]],
    );
    assert_eq!(sandbox.config()["registries"]["ghcr.io"]["accounts"]["rw"]["for"], "push");
    let set = sandbox.run(&["account", "set", "rw", "--for", "any"], "");
    set.shows(str![[r#"
exit 0
--- stderr
✓ Changed rw on ghcr.io
  Used for  ghcr.io/alice/**, ghcr.io/rw/**

"#]]);
    assert_eq!(sandbox.config()["registries"]["ghcr.io"]["accounts"]["rw"]["for"], Value::Null);
    let json: Value = serde_json::from_str(&sandbox.ok(&["status", "--json"], "")).unwrap();
    assert_eq!((&json["accounts"][0]["for"], &json["accounts"][1]["for"]), (&json!("pull"), &Value::Null));
    assert_eq!(sandbox.run(&["login", "ghcr.io", "-u", "x", "--for", "any"], "").code, Some(2));
}

#[test]
fn an_account_that_one_registry_has_is_set_without_naming_it() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "me", "1");
    sandbox.store("ghcr.io", "work", "2");
    sandbox.store("quay.io", "me", "3");
    sandbox.ok(&["account", "set", "work", "--folder", "~/work", "--image", "acme/**"], "");
    let work = &sandbox.config()["registries"]["ghcr.io"]["accounts"]["work"];
    assert_eq!((&work["folders"], &work["images"]), (&json!(["~/work"]), &json!(["ghcr.io/acme/**"])));
    let several = sandbox.run(&["account", "set", "me", "--folder", "~/me"], "");
    assert_eq!(several.code, Some(2));
    several.shows(str![[r#"
exit 2
--- stderr
error: ghcr.io and quay.io have an account `me`
hint: name the account, as in `docker-credential-ensign account edit ghcr.io me --folder '~/me'`

"#]]);
    let registry = sandbox.run(&["account", "set", "ghcr.io", "--folder", "~/me"], "");
    registry.shows(str![[r#"
exit 2
--- stderr
error: ghcr.io has several accounts
hint: name the account, as in `docker-credential-ensign account edit ghcr.io me --folder '~/me'`

"#]]);
    sandbox.ok(&["account", "set", "quay.io", "--folder", "~/quay"], "");
    assert_eq!(sandbox.config()["registries"]["quay.io"]["accounts"]["me"]["folders"], json!(["~/quay"]));
    let nobody = sandbox.run(&["account", "edit", "you", "--for", "pull"], "");
    nobody.shows(str![[r#"
exit 2
--- stderr
error: no registry has an account `you`
hint: run `docker-credential-ensign status` to see the accounts

"#]]);
}

#[test]
fn a_login_for_one_thing_stands_beside_the_one_for_everything() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "alice", "everything");
    login(&sandbox, "ghcr.io", "alice", &["--for", "pull"]);
    login(&sandbox, "ghcr.io", "alice", &["--for", "pull"]);
    let accounts = sandbox.config()["registries"]["ghcr.io"]["accounts"].clone();
    let names: Vec<_> = accounts.as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["alice", "alice-pull"]);
    sandbox.store("ghcr.io", "alice", "renewed"); // `docker login` renews the account for both operations
    assert_eq!(
        sandbox.run(&["get"], "ghcr.io").stdout,
        "{\"ServerURL\":\"ghcr.io\",\"Username\":\"alice\",\"Secret\":\"renewed\"}\n"
    );
}

#[test]
fn a_mounted_account_may_be_for_one_thing() {
    let file = json!({"accounts": [
        {"registry": "ghcr.io", "username": "reader", "secret": "r", "for": "pull"},
        {"registry": "ghcr.io", "username": "writer", "secret": "w", "for": "push"},
    ]});
    let sandbox = Sandbox::new();
    let path = sandbox.home().join("accounts.json");
    write(&path, file.to_string().as_bytes());
    let sandbox = sandbox.with("ENSIGN_ACCOUNTS_FILE", path.to_str().unwrap());
    assert_eq!(sandbox.who("ghcr.io"), "reader");
    assert!(sandbox.ok(&["which", "ghcr.io/acme/app", "--push"], "").starts_with("writer\n"));
}

#[test]
fn a_pull_secret_holds_no_account_that_is_for_pushes() {
    let sandbox = reader_and_writer("ghcr.io");
    let run = sandbox.run(&["export", "--all", "--format", "dockerconfigjson"], "");
    let auths: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(auths["auths"]["ghcr.io"]["auth"], "YWxpY2U6cm8tcHc=", "{run:?}");
    assert!(!run.stdout.contains("rw-pw"));
    run.shows(str![[r#"
exit 0
--- stdout
{
  "auths": {
    "ghcr.io": {
      "auth": "YWxpY2U6cm8tcHc="
    }
  }
}
--- stderr
! not exported: rw on ghcr.io: the account is for push only
! 1 secret is in clear text on stdout: anyone who reads the output can use it

"#]]);
}

#[cfg(unix)]
#[test]
fn only_what_can_be_pulled_unasked_is_listed() {
    let sandbox = Sandbox::new();
    login(&sandbox, "ghcr.io", "alice", &["--alias", "rw", "--for", "push"]);
    assert_eq!(sandbox.run(&["list"], ""), Run::success("{}\n"));
    login(&sandbox, "ghcr.io", "bob", &["--alias", "ro", "--for", "pull"]);
    assert_eq!(sandbox.run(&["list"], ""), Run::success("{\"ghcr.io\":\"bob\"}\n"));
    assert_eq!(who(&called_by(&sandbox, &["docker", "pull", "ghcr.io/x/y"], "get", "ghcr.io")), "bob");
}
