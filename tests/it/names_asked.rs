//! Names that clients ask for: hosts that share a login, signatures, scanners, development containers.

use serde_json::Value;
use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, read_json, write};

#[test]
fn hosts_that_take_the_same_login_are_answered_with_it() {
    let sandbox = Sandbox::new();
    sandbox.store("docker.io", "work", "pw");
    sandbox.store("docker.io", "hub", "pw");
    for host in ["dhi.io", "registry.scout.docker.com", "https://dhi.io/v2/"] {
        assert_eq!(sandbox.who(host), "hub", "{host}");
    }
    assert_eq!(sandbox.who("dhi.io/work/python"), "work", "the account's patterns also match on dhi.io");
    let which = sandbox.run(&["which", "dhi.io/python:3"], "");
    which.shows(str![[r#"
exit 0
--- stdout
hub
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           no image belongs to an account
   6 files                  not read: the command line names an image
   7 .ensign.toml           none
   8 folder                 no account is for this folder
●  9 default account        → hub
  10 only account           there are several
  dhi.io uses the accounts of docker.io

"#]]);
    // Commands that name only dhi.io do not change the accounts of docker.io.
    sandbox.run(&["erase"], "dhi.io");
    assert_eq!(sandbox.who("docker.io"), "hub");
    assert_eq!(sandbox.run(&["logout", "dhi.io"], "").code, Some(3));
    sandbox.store("dhi.io", "own", "pw");
    assert_eq!((sandbox.who("dhi.io"), sandbox.who("docker.io")), ("own".into(), "hub".into()));

    sandbox.store("ghcr.io", "a", "pw");
    sandbox.store("ghcr.io", "b", "pw");
    assert_eq!(sandbox.run(&["get"], "mirror.example"), Run::not_found());
    sandbox.ok(&["account", "edit", "ghcr.io", "a", "--also", "mirror.example", "--also", "Other.example:443"], "");
    assert_eq!((sandbox.who("mirror.example"), sandbox.who("ghcr.io")), ("a".into(), "b".into()));
    sandbox.ok(&["account", "edit", "ghcr.io", "b", "--also", "+mirror.example"], "");
    assert_eq!(sandbox.who("mirror.example"), "b", "the default of both");
    assert_eq!((sandbox.who("mirror.example/a/app"), sandbox.who("other.example")), ("a".into(), "a".into()));
    sandbox.ok(&["configure-docker", "ghcr.io"], "");
    assert_eq!(read_json(&sandbox.docker_config_path())["credHelpers"]["mirror.example"], "ensign");
    let show = sandbox.ok(&["account", "show", "ghcr.io", "a"], "");
    shows(
        &show,
        str![[r#"
a
  registry   ghcr.io
  username   a
  default    no
  images     ghcr.io/a/**  (its own namespace)
  also for   mirror.example, other.example
  store      file

"#]],
    );
    sandbox.ok(&["account", "edit", "ghcr.io", "a", "--alias", "renamed"], "");
    assert_eq!(sandbox.who("other.example"), "a");
    sandbox.ok(&["account", "edit", "ghcr.io", "renamed", "--no-also"], "");
    assert_eq!(sandbox.run(&["get"], "other.example"), Run::not_found());
    sandbox.ok(&["logout", "ghcr.io", "b"], "");
    assert_eq!(sandbox.run(&["get"], "mirror.example"), Run::not_found());
    let run = sandbox.run(&["account", "edit", "ghcr.io", "renamed", "--also", "ghcr.io:443"], "");
    assert_eq!(run.code, Some(2));
}

#[test]
fn cosign_asks_where_its_signatures_lie_and_what_its_files_name() {
    let sandbox = Sandbox::new();
    for host in ["ghcr.io", "quay.io"] {
        sandbox.store(host, "work", "pw");
        sandbox.store(host, "me", "pw");
    }
    sandbox.ok(&["account", "edit", "ghcr.io", "work", "--for", "push"], "");
    let dockerfile = "FROM quay.io/work/build AS build\nFROM ghcr.io/work/base\nCOPY --from=build /x /x\n";
    write(&sandbox.home().join("Dockerfile"), dockerfile.as_bytes());
    let pod = b"kind: Pod\nspec:\n  containers:\n  - image: quay.io/work/app:2\n";
    write(&sandbox.home().join("pod.yaml"), pod);
    for (command, registry, account) in [
        ("COSIGN_REPOSITORY=quay.io/work/signatures cosign sign ghcr.io/me/app", "quay.io", "work"),
        ("COSIGN_REPOSITORY=quay.io/work/signatures cosign verify --key k ghcr.io/me/app", "quay.io", "work"),
        ("COSIGN_REPOSITORY=quay.io/work/signatures cosign attest --predicate p ghcr.io/me/app", "quay.io", "work"),
        ("COSIGN_REPOSITORY=quay.io/work/s cosign attach signature ghcr.io/me/app", "quay.io", "work"),
        ("COSIGN_REPOSITORY=quay.io/work/s cosign download signature ghcr.io/me/app", "quay.io", "work"),
        ("COSIGN_REPOSITORY= cosign sign quay.io/work/app", "quay.io", "work"),
        ("COSIGN_REPOSITORY=quay.io/work/s cosign copy ghcr.io/me/app quay.io/me/app", "quay.io", "me"),
        // `work` may only push. With `COSIGN_REPOSITORY`, the image itself is only read, so `me` answers.
        ("cosign sign ghcr.io/work/app", "ghcr.io", "work"),
        ("COSIGN_REPOSITORY=quay.io/work/s cosign sign ghcr.io/work/app", "ghcr.io", "me"),
        ("COSIGN_REPOSITORY=ghcr.io/work/s cosign sign quay.io/me/app", "ghcr.io", "work"),
        ("cosign dockerfile verify --key k Dockerfile", "quay.io", "work"),
        ("cosign dockerfile verify --base-image-only Dockerfile", "ghcr.io", "me"),
        ("cosign manifest verify --key k pod.yaml", "quay.io", "work"),
    ] {
        let text = sandbox.ok(&["which", registry, "--as", command], "");
        assert_eq!(text.lines().next(), Some(account), "{command} at {registry}: {text}");
    }
    let command = "COSIGN_REPOSITORY=quay.io/work/signatures cosign sign ghcr.io/me/app";
    let all: Value = serde_json::from_str(&sandbox.ok(&["which", "--as", command, "--json"], "")).unwrap();
    assert_eq!(all["registries"].as_array().map(Vec::len), Some(2), "{all}");
}

#[test]
fn images_of_scanners_and_of_development_containers_are_seen() {
    let sandbox = Sandbox::new();
    for host in ["ghcr.io", "docker.io", "quay.io"] {
        sandbox.store(host, "work", "pw");
        sandbox.store(host, "me", "pw");
    }
    let config = "// as VS Code writes it\n{\n\t\"image\": \"ghcr.io/work/base:${localEnv:TAG:1}\", /* x */\n\t\"features\": {\n\
                  \t\t\"quay.io/work/features/node:1\": {\"version\": \"lts\"},\n\t\t\"./local\": {},\n\t},\n}\n";
    write(&sandbox.home().join("a/.devcontainer/devcontainer.json"), config.as_bytes());
    let built = r#"{"build": {"dockerfile": "Dockerfile", "context": "..", "args": {"BASE": "work/app"}}}"#;
    write(&sandbox.home().join("b/.devcontainer.json"), built.as_bytes());
    write(&sandbox.home().join("b/Dockerfile"), b"ARG BASE=me/app\nFROM $BASE\n");
    for (command, registry, account) in [
        ("syft registry:ghcr.io/work/app:1", "ghcr.io", "work"),
        ("syft scan registry:work/app -o json", "docker.io", "work"),
        ("syft -o table ghcr.io/work/app", "ghcr.io", "work"),
        ("syft scan docker:ghcr.io/work/app", "ghcr.io", "work"),
        ("syft scan oci-archive:ghcr.io/work/app", "ghcr.io", "me"),
        ("syft dir:work", "docker.io", "me"),
        ("grype registry:quay.io/work/app --fail-on high", "quay.io", "work"),
        ("grype sbom:./work/app.json", "docker.io", "me"),
        ("devcontainer up --workspace-folder a", "ghcr.io", "work"),
        ("devcontainer build --workspace-folder a", "quay.io", "work"),
        ("devcontainer build --workspace-folder b --image-name me/app", "docker.io", "work"),
        ("devcontainer up --workspace-folder b", "ghcr.io", "me"),
    ] {
        let text = sandbox.ok(&["which", registry, "--as", command], "");
        assert_eq!(text.lines().next(), Some(account), "{command}: {text}");
    }
}
