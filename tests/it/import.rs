//! `import`: it finds logins of other tools, shows them, stores them, and removes the old ones only on request.
#![cfg(unix)]

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use snapbox::str;

use crate::support::{Sandbox, read_json, write};

/// A helper that stores each login in a file of `~/NAME/`: the address on the first line, the answer on the second.
const HELPER: &str = r#"#!/bin/sh
input=$(cat)
folder=$HOME/$(basename "$0")
key() { printf '%s' "$1" | cksum | cut -d' ' -f1; }
missing() { echo credentials not found in native keychain; exit 1; }
case $1 in
list) printf '{'; comma=; for file in "$folder"/*; do printf '%s"%s":"x"' "$comma" "$(head -n 1 "$file")"; comma=,; done; echo '}' ;;
get) tail -n 1 "$folder/$(key "$input")" 2>/dev/null || missing ;;
erase) rm "$folder/$(key "$input")" 2>/dev/null || missing ;;
esac
"#;

/// Adds the helper `docker-credential-NAME` with these logins to a home.
pub fn with_helper(sandbox: Sandbox, name: &str, logins: &[(&str, &str, &str)]) -> Sandbox {
    let program = format!("docker-credential-{name}");
    for (server, user, secret) in logins {
        let cksum = std::process::Command::new("sh")
            .args(["-c", "printf '%s' \"$1\" | cksum | cut -d' ' -f1", "sh", server])
            .output()
            .unwrap();
        let file = String::from_utf8(cksum.stdout).unwrap();
        let answer = json!({"ServerURL": server, "Username": user, "Secret": secret});
        write(&sandbox.home().join(&program).join(file.trim()), format!("{server}\n{answer}\n").as_bytes());
    }
    sandbox.with_program(&program, HELPER)
}

pub fn auth(user: &str, secret: &str) -> Value {
    json!({"auth": STANDARD.encode(format!("{user}:{secret}"))})
}

pub fn docker(sandbox: &Sandbox, config: &Value) -> PathBuf {
    let path = sandbox.docker_config_path();
    write(&path, serde_json::to_string_pretty(config).unwrap().as_bytes());
    path
}

pub fn containers(sandbox: &Sandbox, config: &Value) -> PathBuf {
    let path = sandbox.home().join(".config/containers/auth.json");
    write(&path, config.to_string().as_bytes());
    path
}

/// Returns the user and the secret of a `get`, or an empty user and the error.
pub fn answer(sandbox: &Sandbox, server: &str) -> (String, String) {
    let run = sandbox.run(&["get"], server);
    match serde_json::from_str::<Value>(&run.stdout) {
        Ok(answer) => (answer["Username"].as_str().unwrap().to_owned(), answer["Secret"].as_str().unwrap().to_owned()),
        Err(_) => (String::new(), run.stdout.trim().to_owned()),
    }
}

pub fn pair(user: &str, secret: &str) -> (String, String) {
    (user.to_owned(), secret.to_owned())
}

/// A home with logins in every place that `import` reads.
pub fn full() -> Sandbox {
    let sandbox = with_helper(
        Sandbox::new(),
        "fake",
        &[
            ("https://index.docker.io/v1/", "alice", "s3cret-hub"),
            ("https://index.docker.io/v1/refresh-token", "alice", "s3cret-refresh"),
            ("https://ghcr.io/ensign/me", "me", "s3cret-own"),
        ],
    );
    docker(
        &sandbox,
        &json!({
            "auths": {
                "https://index.docker.io/v1/": {},
                "quay.io": auth("carol", "s3cret-quay"),
                "bad.example": {"auth": "s3cret%%%"},
                "tok.example": {"auth": STANDARD.encode("dave:"), "identitytoken": "s3cret-id"},
                "https://u:s3cret-key@odd.example/v1": auth("eve", "s3cret-eve"),
            },
            "credsStore": "fake",
            "credHelpers": {"1.dkr.ecr.eu-west-1.amazonaws.com": "ecr-login", "mine.example": "ensign"},
            "psFormat": "x",
        }),
    );
    containers(
        &sandbox,
        &json!({"auths": {"quay.io/acme": auth("bot", "s3cret-bot"), "quay.io/acme/app": auth("bot", "s3cret-bot")}}),
    );
    let helm = json!({"auths": {"helm.example": auth("h", "s3cret-h")}});
    write(&sandbox.home().join(".config/helm/registry/config.json"), helm.to_string().as_bytes());
    sandbox
}

#[test]
fn a_dry_run_shows_every_entry_and_changes_nothing() {
    let sandbox = full();
    let run = sandbox.run(&["import", "--dry-run"], "");
    run.shows(str![[r#"
exit 1
--- stdout
  1.dkr.ecr.eu-west-1.amazonaws.com         docker-credential-ecr-login          skipped: the secrets of this helper expire within hours; to borrow them instead:  docker-credential-ensign login 1.dkr.ecr.eu-west-1.amazonaws.com --borrow helper:ecr-login
  docker.io                          alice  docker-credential-fake               new
  docker.io (refresh-token)          alice  docker-credential-fake               new
  quay.io                            carol  ~/.docker/config.json                new
  tok.example                        dave   ~/.docker/config.json                new
  odd.example                        eve    ~/.docker/config.json                new
! bad.example                               ~/.docker/config.json                `auth` is not base64
  helm.example                       h      ~/.config/helm/registry/config.json  new
  quay.io/acme/**                    bot    ~/.config/containers/auth.json       new
  quay.io/acme/app/**                bot    ~/.config/containers/auth.json       the same login as above
--- stderr
! 1 secret from another store would be saved in clear text; to seal them, run this first:  docker-credential-ensign store key --holder passphrase
Nothing imported: this was a dry run.

"#]]);
    assert!(!sandbox.config_path().exists());
}

#[test]
fn logins_become_accounts_and_a_second_import_finds_them_there() {
    let sandbox = full();
    let run = sandbox.run(&["import"], "");
    run.shows(str![[r#"
exit 1
--- stdout
  1.dkr.ecr.eu-west-1.amazonaws.com         docker-credential-ecr-login          skipped: the secrets of this helper expire within hours; to borrow them instead:  docker-credential-ensign login 1.dkr.ecr.eu-west-1.amazonaws.com --borrow helper:ecr-login
  docker.io                          alice  docker-credential-fake               new
  docker.io (refresh-token)          alice  docker-credential-fake               new
  quay.io                            carol  ~/.docker/config.json                new
  tok.example                        dave   ~/.docker/config.json                new
  odd.example                        eve    ~/.docker/config.json                new
! bad.example                               ~/.docker/config.json                `auth` is not base64
  helm.example                       h      ~/.config/helm/registry/config.json  new
  quay.io/acme/**                    bot    ~/.config/containers/auth.json       new
  quay.io/acme/app/**                bot    ~/.config/containers/auth.json       the same login as above
--- stderr
! 1 secret from another store would be saved in clear text; to seal them, run this first:  docker-credential-ensign store key --holder passphrase
✓ Imported alice on docker.io
✓ Imported carol on quay.io
✓ Imported dave on tok.example
✓ Imported eve on odd.example
✓ Imported h on helm.example
✓ Imported bot on quay.io
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! the imported logins are still in their old places: `docker-credential-ensign import --remove` removes them there
! Docker does not ask Ensign for docker.io, helm.example, odd.example, quay.io, tok.example yet; to change that:  docker-credential-ensign configure-docker

"#]]);
    for (server, user, secret) in [
        ("https://index.docker.io/v1/", "alice", "s3cret-hub"),
        ("https://index.docker.io/v1/refresh-token", "alice", "s3cret-refresh"),
        ("quay.io", "carol", "s3cret-quay"),
        ("quay.io/acme/app", "bot", "s3cret-bot"),
        ("tok.example", "<token>", "s3cret-id"),
        ("odd.example", "eve", "s3cret-eve"),
        ("helm.example", "h", "s3cret-h"),
    ] {
        assert_eq!(answer(&sandbox, server), pair(user, secret), "{server}");
    }
    assert_eq!(
        sandbox.config()["registries"]["quay.io"]["accounts"]["bot"]["images"],
        json!(["quay.io/acme/**", "quay.io/acme/app/**"])
    );
    let (config, secrets) = (sandbox.config(), read_json(&sandbox.secrets_path("quay.io")));
    let again = sandbox.run(&["import"], "");
    again.shows(str![[r#"
exit 1
--- stdout
  1.dkr.ecr.eu-west-1.amazonaws.com         docker-credential-ecr-login          skipped: the secrets of this helper expire within hours; to borrow them instead:  docker-credential-ensign login 1.dkr.ecr.eu-west-1.amazonaws.com --borrow helper:ecr-login
  docker.io                          alice  docker-credential-fake               already there
  docker.io (refresh-token)          alice  docker-credential-fake               already there
  quay.io                            carol  ~/.docker/config.json                already there
  tok.example                        dave   ~/.docker/config.json                already there
  odd.example                        eve    ~/.docker/config.json                already there
! bad.example                               ~/.docker/config.json                `auth` is not base64
  helm.example                       h      ~/.config/helm/registry/config.json  already there
  quay.io/acme/**                    bot    ~/.config/containers/auth.json       already there
  quay.io/acme/app/**                bot    ~/.config/containers/auth.json       the same login as above
--- stderr
Everything is imported already.
! the imported logins are still in their old places: `docker-credential-ensign import --remove` removes them there
! Docker does not ask Ensign for docker.io, helm.example, odd.example, quay.io, tok.example yet; to change that:  docker-credential-ensign configure-docker

"#]]);
    assert!(!again.stdout.contains("new\n") && !again.stdout.contains("renews"), "{again:?}");
    assert_eq!((sandbox.config(), read_json(&sandbox.secrets_path("quay.io"))), (config, secrets));
}

#[test]
fn what_was_imported_is_removed_only_when_asked_and_leaves_its_marker() {
    let sandbox = full();
    let path = sandbox.docker_config_path();
    let before = std::fs::read(&path).unwrap();
    sandbox.run(&["import"], "");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let run = sandbox.run(&["import", "--remove"], "");
    run.shows(str![[r#"
exit 1
--- stdout
  1.dkr.ecr.eu-west-1.amazonaws.com         docker-credential-ecr-login          skipped: the secrets of this helper expire within hours; to borrow them instead:  docker-credential-ensign login 1.dkr.ecr.eu-west-1.amazonaws.com --borrow helper:ecr-login
  docker.io                          alice  docker-credential-fake               already there
  docker.io (refresh-token)          alice  docker-credential-fake               already there
  quay.io                            carol  ~/.docker/config.json                already there
  tok.example                        dave   ~/.docker/config.json                already there
  odd.example                        eve    ~/.docker/config.json                already there
! bad.example                               ~/.docker/config.json                `auth` is not base64
  helm.example                       h      ~/.config/helm/registry/config.json  already there
  quay.io/acme/**                    bot    ~/.config/containers/auth.json       already there
  quay.io/acme/app/**                bot    ~/.config/containers/auth.json       the same login as above
--- stderr
Everything is imported already.
✓ Removed 8 logins from their old places
  Programs that read ~/.docker/config.json now ask Ensign for them
  Programs that read ~/.config/containers/auth.json now ask Ensign for them
  Programs that read ~/.config/helm/registry/config.json now ask Ensign for them

"#]]);
    let auths = json!({
        "https://index.docker.io/v1/": {}, "quay.io": {}, "bad.example": {"auth": "s3cret%%%"}, "tok.example": {},
        "https://u:s3cret-key@odd.example/v1": {},
    });
    let after = read_json(&path);
    assert_eq!((&after["auths"], &after["psFormat"], &after["credsStore"]), (&auths, &json!("x"), &json!("ensign")));
    assert_eq!(sandbox.config()["fallback"], "fake", "the previous store still answers for other registries");
    let markers = json!({
        "auths": {"quay.io/acme": {}, "quay.io/acme/app": {}}, "credHelpers": {"quay.io": "ensign"},
    });
    assert_eq!(read_json(&sandbox.home().join(".config/containers/auth.json")), markers);
    let left: Vec<_> = std::fs::read_dir(sandbox.home().join("docker-credential-fake")).unwrap().collect();
    assert_eq!(left.len(), 1, "Ensign's own entry stays in the helper");
    assert_eq!(answer(&sandbox, "quay.io"), pair("carol", "s3cret-quay"));
}

#[test]
fn what_could_not_be_kept_or_stands_behind_another_is_not_removed() {
    let sandbox = with_helper(Sandbox::new(), "fake", &[("quay.io", "carol", "s3cret-new")]);
    let path = docker(&sandbox, &json!({"credsStore": "fake", "auths": {"quay.io": auth("carol", "s3cret-old")}}));
    let mut after = read_json(&path);
    let run = sandbox.run(&["import", "--remove"], "");
    assert_eq!(answer(&sandbox, "quay.io"), pair("carol", "s3cret-new"));
    after["credHelpers"] = json!({"quay.io": "ensign"}); // because `import` removed the helper's login
    assert_eq!(read_json(&path), after);
    run.shows(str![[r#"
exit 0
--- stdout
  quay.io  carol  docker-credential-fake  new
  quay.io  carol  ~/.docker/config.json   skipped: docker-credential-fake comes first, and has another secret for this user
--- stderr
! 1 secret from another store would be saved in clear text; to seal them, run this first:  docker-credential-ensign store key --holder passphrase
✓ Imported carol on quay.io
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
✓ Removed 1 login from its old place
  Programs that read ~/.docker/config.json now ask Ensign for them
! carol on quay.io stays in ~/.docker/config.json, because its secret differs from the imported one; to save it instead:  docker-credential-ensign import [HOME]/.docker/config.json --host quay.io --replace

"#]]);

    let sandbox = Sandbox::new();
    let path = docker(&sandbox, &json!({"auths": {"quay.io": auth("carol", "s3cret")}}));
    write(&sandbox.config_path(), b"{ broken");
    let run = sandbox.run(&["import", "--remove"], "");
    assert_eq!(run.code, Some(1));
    assert_eq!(read_json(&path)["auths"]["quay.io"], auth("carol", "s3cret"));
}

#[test]
fn a_program_reads_a_report() {
    let sandbox = Sandbox::new().with("PATH", "/nowhere");
    let path = docker(
        &sandbox,
        &json!({"auths": {"quay.io/acme": auth("bot", "s3cret"), "x.example": {"registrytoken": "s3cret"}, "y.example": {"auth": "!"}}}),
    );
    let run = sandbox.run(&["import", "docker", "--remove", "--json"], "");
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let reason = |server: &str| {
        let logins = report["logins"].as_array().unwrap();
        let reason = logins.iter().find(|login| login["server"] == server).unwrap()["reason"].clone();
        assert!(!reason.as_str().unwrap().is_empty(), "{server}: {report}");
        reason
    };
    let from = json!({"kind": "file", "place": path});
    let none = json!({"registry": null, "images": null, "username": null, "account": null, "imported": false, "removed": false, "from": from});
    let mut skipped = none.clone();
    skipped["server"] = json!("x.example");
    skipped["effect"] = json!("skipped");
    skipped["reason"] = reason("x.example");
    let mut failed = none;
    failed["server"] = json!("y.example");
    failed["effect"] = json!("failed");
    failed["reason"] = reason("y.example");
    let kept = json!({
        "registry": "quay.io", "images": "quay.io/acme/**", "username": "bot", "server": "quay.io/acme", "from": from,
        "effect": "new", "reason": null, "account": "bot", "imported": true, "removed": true,
    });
    let logins = json!({
        "schema": 1, "status": "error", "dry_run": false, "logins": [skipped, failed, kept], "not_removed": [], "store": "file",
    });
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""));
    assert_eq!(serde_json::from_str::<Value>(&run.stdout).unwrap(), logins);
}

#[test]
fn no_secret_is_shown_whatever_happens() {
    for arguments in [
        vec!["import", "--dry-run"],
        vec!["import", "--dry-run", "--json"],
        vec!["import"],
        vec!["import", "--remove", "--json"],
        vec!["import", "--remove"],
        vec!["configure-docker", "--import", "--json"],
    ] {
        let sandbox = full().with("DOCKER_AUTH_CONFIG", r#"{"auths": {"e.example": {"auth": "s3cret"}}, }"#);
        let broken = sandbox.home().join(".finch/config.json");
        write(&broken, br#"{"auths": {"x": {"auth": "s3cret" "s3cret"}}}"#);
        let run = format!("{:?}", sandbox.run(&arguments, ""));
        for secret in ["s3cret", &STANDARD.encode("carol:s3cret-quay"), "czNjcmV0"] {
            assert!(!run.contains(secret), "{arguments:?} {run}");
        }
    }
}

#[test]
fn only_the_named_registries_are_imported_and_only_their_helpers_asked() {
    let sandbox = full();
    let run = sandbox.run(&["import", "--host", "quay.io", "--host", "docker.io"], "");
    assert_eq!(run.code, Some(0), "the bad entry was not asked for: {run:?}");
    let registries: Vec<_> = sandbox.config()["registries"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(registries, ["docker.io", "quay.io"]);
}
