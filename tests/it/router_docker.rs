//! `configure-docker --all`: Docker's `credsStore` becomes Ensign's fallback, and `--undo` restores it.
#![cfg(unix)]

use snapbox::str;

use crate::router::{HELPER, has};
use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, write};

#[test]
fn configure_docker_all_takes_the_store_and_gives_it_back() {
    let sandbox = Sandbox::new().with_program("docker-credential-before", HELPER);
    let text = "{\n  \"credsStore\": \"before\",\n  \"psFormat\": \"x\\u003cy\",\n  \"credHelpers\": {\"gcr.io\": \"gcloud\"}\n}\n";
    write(&sandbox.docker_config_path(), text.as_bytes());
    let dry = sandbox.run(&["configure-docker", "--all", "--dry-run"], "");
    dry.shows(str![[r#"
exit 0
--- stdout
~/.docker/config.json
  credHelpers
    "gcr.io": "gcloud"            kept
  credsStore
+   "ensign"                      instead of "before"
--- stderr
Nothing written.

"#]]);
    assert!(!sandbox.config_path().exists(), "a dry run writes nothing");
    has(&sandbox, "quay.io", "carol");
    let run = sandbox.run(&["configure-docker", "--all"], "");
    run.shows(str![[r#"
exit 0
--- stdout
~/.docker/config.json
  credHelpers
    "gcr.io": "gcloud"            kept
  credsStore
+   "ensign"                      instead of "before"
--- stderr
✓ Wrote ~/.docker/config.json
  To undo   docker-credential-ensign configure-docker --undo
  docker-credential-before answers for registries without an account here.
! `docker-credential-ensign` is not on PATH, so Docker will not find it

"#]]);
    run.shows(str![[r#"
exit 0
--- stdout
~/.docker/config.json
  credHelpers
    "gcr.io": "gcloud"            kept
  credsStore
+   "ensign"                      instead of "before"
--- stderr
✓ Wrote ~/.docker/config.json
  To undo   docker-credential-ensign configure-docker --undo
  docker-credential-before answers for registries without an account here.
! `docker-credential-ensign` is not on PATH, so Docker will not find it

"#]]);
    let with_us = text.replace("\"before\"", "\"ensign\"");
    let docker = || std::fs::read_to_string(sandbox.docker_config_path()).unwrap();
    assert_eq!(docker(), with_us);
    assert_eq!(sandbox.who("quay.io"), "carol");
    sandbox.run(&["configure-docker", "--all"], "").shows(str![[r#"
exit 0
--- stdout
~/.docker/config.json
  credHelpers
    "gcr.io": "gcloud"            kept
  credsStore
    "ensign"                      already
--- stderr
Nothing to change.
  docker-credential-before answers for registries without an account here.
! `docker-credential-ensign` is not on PATH, so Docker will not find it

"#]]);
    assert_eq!(sandbox.config()["fallback"], "before");

    write(&sandbox.docker_config_path(), text.as_bytes()); // Docker Desktop restores its entry when it starts
    sandbox.ok(&["configure-docker", "--all"], "");
    assert_eq!(docker(), with_us);
    sandbox.ok(&["configure-docker", "--undo"], "");
    assert_eq!(docker(), text);
    let config = sandbox.config();
    assert!(config.get("fallback").is_none() && config.get("replacedStores").is_none(), "{config}");
}

#[test]
fn configure_docker_all_without_a_store_before_remembers_that() {
    let mut transcript = String::new();
    for (before, with_us) in [
        ("{}", "{\n\t\"credsStore\": \"ensign\"\n}"),
        ("{\"credsStore\": \"\"}", "{\"credsStore\": \"ensign\"}"),
        ("{\"credsStore\": \"atcr\"}", "{\"credsStore\": \"ensign\"}"),
        ("{\"credsStore\": \"ensign-work\"}", "{\"credsStore\": \"ensign\"}"),
    ] {
        let sandbox = Sandbox::new().with("PATH", "/nowhere");
        write(&sandbox.docker_config_path(), before.as_bytes());
        let run = sandbox.run(&["configure-docker", "--all"], "");
        transcript += &run.transcript();
        assert_eq!(std::fs::read_to_string(sandbox.docker_config_path()).unwrap(), with_us);
        assert!(sandbox.config().get("fallback").is_none());
        sandbox.ok(&["configure-docker", "--undo"], "");
        assert_eq!(std::fs::read_to_string(sandbox.docker_config_path()).unwrap(), before);
    }
    shows(
        &transcript,
        str![[r#"
exit 0
--- stdout
~/.docker/config.json
  credsStore
+   "ensign"
--- stderr
✓ Wrote ~/.docker/config.json
  To undo   docker-credential-ensign configure-docker --undo
  Registries without an account here get no login; `docker login` adds one.
! `docker-credential-ensign` is not on PATH, so Docker will not find it
exit 0
--- stdout
~/.docker/config.json
  credsStore
+   "ensign"
--- stderr
✓ Wrote ~/.docker/config.json
  To undo   docker-credential-ensign configure-docker --undo
  Registries without an account here get no login; `docker login` adds one.
! `docker-credential-ensign` is not on PATH, so Docker will not find it
exit 0
--- stdout
~/.docker/config.json
  credsStore
+   "ensign"                      instead of "atcr"
--- stderr
✓ Wrote ~/.docker/config.json
  To undo   docker-credential-ensign configure-docker --undo
  Registries without an account here get no login; `docker login` adds one.
! `docker-credential-ensign` is not on PATH, so Docker will not find it
exit 0
--- stdout
~/.docker/config.json
  credsStore
+   "ensign"                      instead of "ensign-work"
--- stderr
✓ Wrote ~/.docker/config.json
  To undo   docker-credential-ensign configure-docker --undo
  Registries without an account here get no login; `docker login` adds one.
! `docker-credential-ensign` is not on PATH, so Docker will not find it

"#]],
    );
}

#[test]
fn configure_docker_all_says_what_docker_no_longer_sees() {
    let sandbox = Sandbox::new().with("PATH", "/nowhere");
    write(&sandbox.docker_config_path(), br#"{"auths": {"old.example": {"auth": "ZGF2ZTpwdw=="}}}"#);
    let run = sandbox.run(&["configure-docker", "--all"], "");
    run.shows(str![[r#"
exit 0
--- stdout
~/.docker/config.json
  credsStore
+   "ensign"
~/.docker/config.json
  !   "old.example"                 plain-text login
--- stderr
✓ Wrote ~/.docker/config.json
  To undo   docker-credential-ensign configure-docker --undo
  Registries without an account here get no login; `docker login` adds one.
! Docker no longer sees plain-text logins; to keep them:  docker-credential-ensign configure-docker --import
! `docker-credential-ensign` is not on PATH, so Docker will not find it

"#]]);
    sandbox.ok(&["configure-docker", "--all", "--import"], "");
    assert_eq!(sandbox.run(&["get"], "old.example"), Run::answer("old.example", "dave", "pw"));
    let run = sandbox.run(&["configure-docker", "*.azurecr.io"], "");
    assert!(run.code == Some(2) && run.stderr.contains("configure-docker --all"), "{run:?}");
}
