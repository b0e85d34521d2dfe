//! `configure-docker`: it previews, changes and restores the files of Docker and of the container tools.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{Sandbox, read_json, write};

/// A home with accounts on two registries, and without container tools.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new().with("PATH", "/nowhere");
    sandbox.store("ghcr.io", "me", "s3cret");
    sandbox.store("docker.io", "alice", "s3cret");
    sandbox
}

#[test]
fn a_dry_run_shows_and_changes_nothing() {
    let sandbox = sandbox();
    let run = sandbox.run(&["configure-docker", "--dry-run"], "");
    run.shows(str![[r#"
exit 0
--- stdout
~/.docker/config.json
  credHelpers
+   "ghcr.io": "ensign"
+   "docker.io": "ensign"
  credsStore
+   "ensign"
--- stderr
Nothing written.

"#]]);
    assert!(!sandbox.docker_config_path().exists());
}

#[test]
fn a_new_file_is_private_and_undone_again() {
    let sandbox = sandbox();
    let run = sandbox.run(&["configure-docker"], "");
    run.shows(str![[r#"
exit 0
--- stdout
~/.docker/config.json
  credHelpers
+   "ghcr.io": "ensign"
+   "docker.io": "ensign"
  credsStore
+   "ensign"
--- stderr
✓ Wrote ~/.docker/config.json
  To undo   docker-credential-ensign configure-docker --undo
  Registries without an account here get no login; `docker login` adds one.
! `docker-credential-ensign` is not on PATH, so Docker will not find it

"#]]);
    assert_eq!(std::fs::metadata(sandbox.docker_config_path()).unwrap().permissions().mode() & 0o777, 0o600);
    let expected = json!({"credHelpers": {"ghcr.io": "ensign", "docker.io": "ensign"}, "credsStore": "ensign"});
    assert_eq!(read_json(&sandbox.docker_config_path()), expected);
    sandbox.run(&["configure-docker"], "").shows(str![[r#"
exit 0
--- stdout
~/.docker/config.json
  credHelpers
    "ghcr.io": "ensign"           already
    "docker.io": "ensign"         already
  credsStore
    "ensign"                      already
--- stderr
Nothing to change.
  Registries without an account here get no login; `docker login` adds one.
! `docker-credential-ensign` is not on PATH, so Docker will not find it

"#]]);
    sandbox.ok(&["configure-docker", "--undo"], "");
    assert_eq!(read_json(&sandbox.docker_config_path()), json!({}));
}

#[test]
fn everything_else_in_the_file_stays_as_it_is() {
    let sandbox = sandbox();
    let dotfile = sandbox.home().join("dotfiles/docker.json");
    let text = "{\n  \"psFormat\": \"x\\u003cy\",\n  \"credHelpers\": { \"gcr.io\": \"gcloud\", \"ghcr.io\": \"pass\" },\n  \"auths\": {\n    \"a.example\": {}\n  }\n}";
    write(&dotfile, text.as_bytes());
    std::fs::set_permissions(&dotfile, PermissionsExt::from_mode(0o640)).unwrap();
    std::fs::create_dir_all(sandbox.home().join(".docker")).unwrap();
    std::os::unix::fs::symlink("../dotfiles/docker.json", sandbox.docker_config_path()).unwrap();
    let run = sandbox.run(&["configure-docker"], "");
    run.shows(str![[r#"
exit 0
--- stdout
~/.docker/config.json   (link to ../dotfiles/docker.json)
  credHelpers
    "gcr.io": "gcloud"            kept
!   "ghcr.io": "pass"             kept; --force replaces it
+   "docker.io": "ensign"
  credsStore
+   "ensign"
--- stderr
✓ Wrote ~/.docker/config.json
  To undo   docker-credential-ensign configure-docker --undo
! another helper answers for some of these registries; to take them over:  docker-credential-ensign configure-docker --force ghcr.io
  Registries without an account here get no login; `docker login` adds one.
! `docker-credential-ensign` is not on PATH, so Docker will not find it

"#]]);

    let after = std::fs::read_to_string(&dotfile).unwrap();
    let expected = r#"{"psFormat":"x<y","credHelpers":{"gcr.io":"gcloud","ghcr.io":"pass","docker.io":"ensign"},"auths":{"a.example":{}},"credsStore":"ensign"}"#;
    assert_eq!(serde_json::from_str::<Value>(&after).unwrap().to_string(), expected);
    assert!(after.contains("\"x\\u003cy\""), "bytes of other settings stay as they are");
    assert!(sandbox.docker_config_path().is_symlink());
    assert_eq!(std::fs::metadata(&dotfile).unwrap().permissions().mode() & 0o777, 0o640);
    sandbox.ok(&["configure-docker", "--undo"], "");
    assert_eq!(std::fs::read_to_string(&dotfile).unwrap(), text);
}

/// The folder of dotfiles may not be there yet.
#[test]
fn a_link_to_a_missing_file_is_followed() {
    let sandbox = Sandbox::new().with("PATH", "/nowhere");
    let target = sandbox.home().join("dotfiles/ensign.json");
    std::fs::create_dir_all(sandbox.config_path().parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("../dotfiles/ensign.json", sandbox.config_path()).unwrap();
    sandbox.store("ghcr.io", "me", "s3cret");
    assert!(sandbox.config_path().is_symlink() && target.is_file());
    assert_eq!(sandbox.who("ghcr.io"), "me");
}

#[test]
fn a_broken_file_is_named_and_left_alone() {
    let sandbox = sandbox();
    write(&sandbox.docker_config_path(), b"{\n  \"auths\": {,\n}");
    let run = sandbox.run(&["configure-docker"], "");
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    run.shows(str![[r#"
exit 1
--- stderr
error: could not read `[HOME]/.docker/config.json`, line 2: key must be a string in column 13
hint: correct the file: `"${EDITOR:-vi}" [HOME]/.docker/config.json`

"#]]);
    assert_eq!(std::fs::read(sandbox.docker_config_path()).unwrap(), b"{\n  \"auths\": {,\n}");
}

#[test]
fn plain_text_logins_are_shown_and_moved_only_when_asked() {
    let sandbox = sandbox();
    // The login of quay.io is `carol:hunter2`.
    let text = r#"{"auths": {"quay.io": {"auth": "Y2Fyb2w6aHVudGVyMg=="}, "bad.example": {"auth": "%"}}}"#;
    write(&sandbox.docker_config_path(), text.as_bytes());
    let run = sandbox.run(&["configure-docker", "quay.io"], "");
    assert_eq!(run.code, Some(0));
    assert!(!format!("{run:?}").contains("hunter2") && !format!("{run:?}").contains("Y2Fyb2w6"), "{run:?}");
    run.shows(str![[r#"
exit 0
--- stdout
~/.docker/config.json
  credHelpers
+   "quay.io": "ensign"
~/.docker/config.json
  !   "quay.io"                     plain-text login
--- stderr
! ~/.docker/config.json: "bad.example": `auth` is not base64
✓ Wrote ~/.docker/config.json
  To undo   docker-credential-ensign configure-docker --undo
! plain-text logins are left, and some tools use them first; to import them:  docker-credential-ensign configure-docker --import
! `docker-credential-ensign` is not on PATH, so Docker will not find it

"#]]);
    assert_eq!(sandbox.who("quay.io"), "credentials not found in native keychain");
    let backup = std::fs::read_to_string(sandbox.home().join(".docker/config.json.before-ensign")).unwrap();
    assert_eq!(backup, r#"{"auths": {"quay.io": {}, "bad.example": {"auth": "%"}}}"#);
    let run = sandbox.run(&["configure-docker", "quay.io", "--import"], "");
    run.shows(str![[r#"
exit 0
--- stdout
~/.docker/config.json
  credHelpers
    "quay.io": "ensign"           already
~/.docker/config.json
  !   "quay.io"                     plain-text login
--- stderr
! ~/.docker/config.json: "bad.example": `auth` is not base64
✓ Imported carol on quay.io
Nothing to change.
! `docker-credential-ensign` is not on PATH, so Docker will not find it

"#]]);
    assert_eq!(sandbox.who("quay.io"), "carol");
    assert_eq!(read_json(&sandbox.docker_config_path())["auths"], json!({"quay.io": {}, "bad.example": {"auth": "%"}}));
    for entry in std::fs::read_dir(sandbox.home().join(".docker")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("Y2Fyb2w6aHVudGVyMg"), "the login is left in {}", path.display());
    }
}

#[test]
fn the_containers_tools_are_configured_where_they_are_found() {
    let sandbox = sandbox();
    let auth = sandbox.home().join(".config/containers/auth.json");
    write(&auth, b"{}");
    let conf = sandbox.home().join(".config/containers/registries.conf");
    write(
        &conf,
        b"# mine\ncredential-helpers = [\"containers-auth.json\"]\nunqualified-search-registries = [\"docker.io\"]\n",
    );
    sandbox.ok(&["configure-docker"], "");
    let helpers = json!({
        "ghcr.io": "ensign", "docker.io": "ensign", "dhi.io": "ensign", "registry.scout.docker.com": "ensign",
    });
    assert_eq!(read_json(&auth)["credHelpers"], helpers);
    let text = std::fs::read_to_string(&conf).unwrap();
    assert!(text.starts_with("# mine\ncredential-helpers = [\"ensign\", \"containers-auth.json\"]\n"), "{text}");
    sandbox.ok(&["configure-docker", "--undo"], "");
    assert_eq!(read_json(&auth), json!({}));
    assert!(!std::fs::read_to_string(&conf).unwrap().contains("ensign"));
    // The variable names the only main file that the tools read.
    let named = sandbox.home().join("named.conf");
    write(&named, b"credential-helpers = [\"secretservice\"]\n");
    let sandbox = sandbox.with("CONTAINERS_REGISTRIES_CONF", named.to_str().unwrap());
    sandbox.ok(&["configure-docker"], "");
    assert_eq!(std::fs::read_to_string(&named).unwrap(), "credential-helpers = [\"ensign\", \"secretservice\"]\n");
    assert!(!std::fs::read_to_string(&conf).unwrap().contains("ensign"));
}

#[test]
fn status_knows_whom_docker_asks() {
    let sandbox = sandbox();
    write(&sandbox.docker_config_path(), br#"{"credsStore": "desktop", "credHelpers": {"ghcr.io": "ensign"}}"#);
    let json: Value = serde_json::from_str(&sandbox.ok(&["status", "--json"], "")).unwrap();
    assert_eq!(
        json["docker"],
        json!([{"registry": "ghcr.io", "asks": "ensign"}, {"registry": "docker.io", "asks": "desktop"}])
    );
    let text = sandbox.ok(&["status"], "");
    shows(
        &text,
        str![[r#"
ghcr.io
  ● me  default   me/**   in clear text

docker.io
  ● alice  default   alice/**   in clear text

Docker does not ask Ensign for docker.io (asks desktop); to change that:
  docker-credential-ensign configure-docker
✗ Docker will not find `docker-credential-ensign`, because its folder is not on
  PATH

"#]],
    );
    write(&sandbox.docker_config_path(), br#"{"credsStore": "ensigns"}"#);
    let text = sandbox.ok(&["status"], "");
    assert!(text.contains("ghcr.io (asks ensigns), docker.io (asks ensigns);"), "{text}");
}

/// Each run plans its change from the file that it reads, and another run may change the file before the first run
/// writes.
#[test]
fn many_at_once_in_one_home_all_succeed() {
    let sandbox = Sandbox::new();
    sandbox.link("docker-credential-ensign");
    let path = format!("{}:/usr/bin:/bin", sandbox.home().display());
    let sandbox = sandbox.with("PATH", &path);
    let hosts: Vec<_> = (0..6).map(|number| format!("r{number}.example")).collect();
    for (host, user) in hosts.iter().flat_map(|host| [(host, "me"), (host, "work")]) {
        sandbox.store(host, user, "pw");
    }
    let (file, folders) = (sandbox.docker_config_path(), sandbox.home().join(".docker/buildx/config"));
    write(&file, b"{}");
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Another client, which does not use Ensign's lock.
        scope.spawn(|| {
            for number in 0.. {
                if stop.load(std::sync::atomic::Ordering::Relaxed) {
                    break;
                }
                let mut json = read_json(&file);
                json["number"] = number.into();
                write(&file.with_extension("tmp"), json.to_string().as_bytes());
                let _ = std::fs::rename(file.with_extension("tmp"), &file);
                std::thread::sleep(std::time::Duration::from_millis(40));
            }
        });
        let runs: Vec<_> = hosts
            .iter()
            .map(|host| {
                let sandbox = &sandbox;
                scope.spawn(move || {
                    let image = format!("{host}/me/app");
                    (sandbox.run(&["configure-docker", host], ""), sandbox.run(&["buildx", "sync", &image], ""))
                })
            })
            .collect();
        let runs: Vec<_> = runs.into_iter().map(|run| run.join().unwrap()).collect();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        for (configured, synced) in runs {
            assert_eq!((configured.code, synced.code), (Some(0), Some(0)), "{configured:?} {synced:?}");
        }
    });
    for host in &hosts {
        assert!(folders.join(host).join("me/app/config.json").exists(), "{host}");
    }
    // `--undo` also removes buildx's folders, which name Ensign's programs.
    let shown = sandbox.ok(&["configure-docker", "--undo", "--dry-run"], "");
    assert!(shown.contains("-   r0.example/me/app ") && folders.exists(), "{shown}");
    sandbox.ok(&["configure-docker", "--undo"], "");
    assert!(!folders.exists());
}

#[test]
fn a_docker_that_is_a_snap_is_told() {
    let folder = Sandbox::new();
    let snap = folder.home().join("usr/bin/snap");
    write(&snap, b"#!/bin/sh\n");
    std::fs::set_permissions(&snap, std::fs::Permissions::from_mode(0o755)).unwrap();
    let bin = folder.home().join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(&snap, bin.join("docker")).unwrap();
    let sandbox = sandbox().with("PATH", bin.to_str().unwrap());
    let mut transcript = String::new();
    for words in [&["status"][..], &["configure-docker"]] {
        let run = sandbox.run(words, "");
        transcript += &run.transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 0
--- stdout
ghcr.io
  ● me  default   me/**   in clear text

docker.io
  ● alice  default   alice/**   in clear text

Docker does not ask Ensign for ghcr.io, docker.io; to change that:
  docker-credential-ensign configure-docker
--- stderr
! `docker` is a snap and can start no credential helper; install Docker's own packages, or write Docker's file with  docker-credential-ensign export --all --format auth.json -o ~/snap/docker/current/.docker/config.json
exit 0
--- stdout
~/.docker/config.json
  credHelpers
+   "ghcr.io": "ensign"
+   "docker.io": "ensign"
  credsStore
+   "ensign"
--- stderr
✓ Wrote ~/.docker/config.json
  To undo   docker-credential-ensign configure-docker --undo
  Registries without an account here get no login; `docker login` adds one.
! `docker` is a snap and can start no credential helper; install Docker's own packages, or write Docker's file with  docker-credential-ensign export --all --format auth.json -o ~/snap/docker/current/.docker/config.json
! `docker-credential-ensign` is not on PATH, so Docker will not find it

"#]],
    );
    let file = sandbox.home().join("snap/docker/current/.docker/config.json");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    sandbox.ok(&["export", "--all", "--format", "auth.json", "-o", file.to_str().unwrap()], "");
    assert!(read_json(&file)["auths"]["ghcr.io"].is_object());
}
