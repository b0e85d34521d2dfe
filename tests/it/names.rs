//! Names, logins and answers in the spellings of other programs.

use serde_json::{Value, json};
use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, read_json, write};

#[test]
fn an_account_that_no_registry_has_is_an_error_everywhere() {
    let mut sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "me", "pw");
    sandbox.store("ghcr.io", "work", "pw");
    sandbox.store("quay.io", "me", "pw");
    let mut transcript = String::new();
    for value in ["typo", "quay.io=me,typo", "ghcr.io=typo"] {
        sandbox = sandbox.with("ENSIGN_ACCOUNT", value);
        let run = sandbox.run(&["get"], "ghcr.io");
        transcript += &run.transcript();
        for command in [&["which", "ghcr.io/me/app"][..], &["token", "ghcr.io/me/app"], &["check", "ghcr.io/me/app"]] {
            let run = sandbox.run(command, "");
            assert_eq!(run.code, Some(3), "{value} {command:?} {run:?}");
            assert!(format!("{}{}", run.stdout, run.stderr).contains("typo"), "{value} {command:?} {run:?}");
        }
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stdout
ENSIGN_ACCOUNT names `typo`, but ghcr.io has no such account: run `unset ENSIGN_ACCOUNT`
exit 1
--- stdout
ENSIGN_ACCOUNT names `typo`, but ghcr.io has no such account: run `unset ENSIGN_ACCOUNT`
exit 1
--- stdout
ENSIGN_ACCOUNT names `typo`, but ghcr.io has no such account: run `unset ENSIGN_ACCOUNT`

"#]],
    );
    sandbox = sandbox.with("ENSIGN_ACCOUNT", "typo");
    // The error also comes for a registry without accounts.
    assert!(sandbox.who("gcr.io").starts_with("ENSIGN_ACCOUNT names `typo`"));
    assert_eq!(sandbox.run(&["which", "gcr.io/a/b"], "").code, Some(3));
    assert_eq!(sandbox.run(&["which", "--as", "docker pull quay.io/a/b"], "").code, Some(3));
    let status = sandbox.run(&["status"], "");
    assert_eq!(status.code, Some(3));
    status.shows(str![[r#"
exit 3
--- stdout
ghcr.io
  ○ me              me/**     in clear text
  ● work  default   work/**   in clear text

quay.io
  ● me  default   me/**   in clear text

Docker does not ask Ensign for ghcr.io, quay.io; to change that:
  docker-credential-ensign configure-docker
--- stderr
! ENSIGN_ACCOUNT names `typo`, which no registry has, so clients get an error in this shell

"#]]);
    let one = sandbox.with("ENSIGN_ACCOUNT", "quay.io=me, ghcr.io=typo");
    let status = one.run(&["status"], "");
    let note =
        "! ENSIGN_ACCOUNT names `typo`, but ghcr.io has no such account, so clients get an error in this shell\n";
    assert_eq!((status.code, status.stderr.as_str()), (Some(3), note));
    let doctor = one.run(&["doctor"], "");
    assert!(doctor.stdout.contains("unset ENSIGN_ACCOUNT") && doctor.code == Some(1), "{doctor:?}");
    let sandbox = one.with("ENSIGN_ACCOUNT", "typo");
    sandbox.ok(&["list"], "");
    let kubelet = json!({"kind": "CredentialProviderRequest", "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        "image": "gcr.io/a/b"});
    assert_eq!(sandbox.run(&["kubelet"], &kubelet.to_string()).code, Some(1));
    // If only another registry has the alias, the variable counts for that registry only.
    let sandbox = sandbox.with("ENSIGN_ACCOUNT", "work");
    assert_eq!((sandbox.who("ghcr.io"), sandbox.who("quay.io")), ("work".into(), "me".into()));
    assert_eq!(sandbox.run(&["get"], "gcr.io"), Run::not_found());
}

#[cfg(unix)]
#[test]
fn what_other_helpers_answer_is_read_as_go_reads_it() {
    const SHOUTS: &str = "#!/bin/sh\n[ \"$1\" = get ] || { echo '{\"https://a.example\":\"bob\"}'; exit 0; }\n\
                          echo 'using profile default'\necho '{\"USERNAME\":\"bob\",\"secret\":\"s\",\"More\":[1]} trailing'\n";
    let sandbox = Sandbox::new().with_program("docker-credential-shouts", SHOUTS);
    sandbox.ok(&["route", "r.example", "shouts"], "");
    assert_eq!(sandbox.who("r.example"), "bob");
    sandbox.ok(&["login", "b.example", "--borrow", "helper:shouts", "--no-verify"], "");
    assert_eq!(sandbox.who("b.example"), "bob");
    sandbox.ok(&["import", "helper:shouts"], "");
    assert_eq!(sandbox.who("a.example"), "bob");
}

#[test]
fn files_of_other_programs_are_read_as_those_read_them() {
    let sandbox = Sandbox::new();
    let wrapped = "ZGF2ZTphLXZlcnktbG9uZy1wYXNzd29yZC10aGF0LWlzLXdyYXBwZWQtYnktYmFzZTY0LWF0LTc2\nLWNvbHVtbnM=\n";
    write(&sandbox.docker_config_path(), json!({"auths": {"a.example": {"auth": wrapped}}}).to_string().as_bytes());
    sandbox.ok(&["import", "docker"], "");
    let answer: Value = serde_json::from_str(&sandbox.ok(&["get"], "a.example")).unwrap();
    assert_eq!(answer["Secret"], "a-very-long-password-that-is-wrapped-by-base64-at-76-columns");
    write(&sandbox.docker_config_path(), b"null\n");
    sandbox.ok(&["configure-docker", "a.example"], "");
    assert_eq!(read_json(&sandbox.docker_config_path()), json!({"credHelpers": {"a.example": "ensign"}}));
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_secret() {
    let sandbox = Sandbox::new();
    let login = ["login", "a.example", "-u", "me", "--password-stdin", "--no-verify"];
    sandbox.ok(&login, "\u{feff}pw\r\n");
    let secret = |sandbox: &Sandbox| -> Value {
        let answer: Value = serde_json::from_str(&sandbox.ok(&["get"], "a.example")).unwrap();
        answer["Secret"].clone()
    };
    assert_eq!(secret(&sandbox), "pw");
    write(&sandbox.home().join("secret"), "\u{feff}mounted\n".as_bytes());
    let accounts =
        json!({"accounts": [{"registry": "a.example", "username": "ci", "secret_file": "secret"}]}).to_string();
    write(&sandbox.home().join("accounts.json"), format!("\u{feff}{accounts}").as_bytes());
    let file = sandbox.home().join("accounts.json");
    let mounted = sandbox.with("ENSIGN_ACCOUNTS_FILE", file.to_str().unwrap());
    assert_eq!(secret(&mounted), "mounted");
}

#[test]
fn images_are_given_as_people_write_them_and_added_by_one_rule() {
    let sandbox = Sandbox::new();
    let login = |sandbox: &Sandbox, user: &str, images: &[&str]| {
        let flags = images.iter().flat_map(|image| ["--images", image]);
        let words = ["login", "ghcr.io", "-u", user, "--password-stdin", "--no-verify"];
        let run = sandbox.run(&words.into_iter().chain(flags).collect::<Vec<_>>(), "pw");
        assert_eq!(run.code, Some(0), "{run:?}");
        run
    };
    let images =
        |sandbox: &Sandbox, name: &str| sandbox.config()["registries"]["ghcr.io"]["accounts"][name]["images"].clone();
    let run = login(&sandbox, "me", &["acme", "ghcr.io/other/app:1.0"]);
    assert_eq!(images(&sandbox, "me"), json!(["ghcr.io/acme/**", "ghcr.io/other/app"]));
    run.shows(str![[r#"
exit 0
--- stderr
! a pattern covers all tags of an image, so `:1.0` is left out of ghcr.io/other/app
✓ Saved login for ghcr.io as me (not verified)
  Used for  ghcr.io/acme/**, ghcr.io/other/app, and by default
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! Docker does not ask Ensign for ghcr.io yet; to change that:  docker-credential-ensign configure-docker

"#]]);
    // `login` and `account edit` replace the images; `+` adds some.
    login(&sandbox, "me", &["new"]);
    assert_eq!(images(&sandbox, "me"), json!(["ghcr.io/new/**"]));
    login(&sandbox, "me", &["+more"]);
    login(&sandbox, "me", &[]);
    sandbox.ok(&["account", "edit", "ghcr.io", "me", "--images", "+third/app"], "");
    assert_eq!(images(&sandbox, "me"), json!(["ghcr.io/new/**", "ghcr.io/more/**", "ghcr.io/third/app"]));
    sandbox.ok(&["account", "edit", "ghcr.io", "me", "--images", "last"], "");
    assert_eq!(images(&sandbox, "me"), json!(["ghcr.io/last/**"]));
    // An added image does not replace the pattern of the account's namespace.
    login(&sandbox, "you", &["+acme"]);
    assert_eq!(images(&sandbox, "you"), json!(["ghcr.io/you/**", "ghcr.io/acme/**"]));
    for folders in [["--folder", "/a", "--folder", "/b"], ["--folder", "+/c", "--folder", "+/a"]] {
        sandbox.ok(&[&["account", "edit", "ghcr.io", "me"][..], &folders].concat(), "");
    }
    let root = sandbox.home().ancestors().last().unwrap(); // `C:\` on Windows
    let folders = ["a", "b", "c"].map(|folder| root.join(folder));
    assert_eq!(sandbox.config()["registries"]["ghcr.io"]["accounts"]["me"]["folders"], json!(folders));
    // `login` and `account edit` report two accounts for the same images.
    let run = login(&sandbox, "bob", &["team-*/app", "acme"]);
    run.shows(str![[r#"
exit 0
--- stderr
✓ Saved login for ghcr.io as bob (not verified)
  Used for  ghcr.io/team-*/app, ghcr.io/acme/**
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
  ghcr.io now has 3 accounts. The default stays me.
! you is for the same images (ghcr.io/acme/**), so an image cannot decide between the two accounts
! Docker does not ask Ensign for ghcr.io yet; to change that:  docker-credential-ensign configure-docker

"#]]);
    let run = sandbox.run(&["account", "edit", "ghcr.io", "me", "--images", "*-team/app"], "");
    run.shows(str![[r#"
exit 0
--- stderr
✓ Changed me on ghcr.io
  Used for  ghcr.io/*-team/app
  Used in   /a, /b, /c
! bob is for the same images (ghcr.io/team-*/app), so an image cannot decide between the two accounts

"#]]);
    let run = sandbox.run(&["account", "edit", "ghcr.io", "me", "--images", "acme/app"], "");
    run.shows(str![[r#"
exit 0
--- stderr
✓ Changed me on ghcr.io
  Used for  ghcr.io/acme/app
  Used in   /a, /b, /c

"#]]);
}

#[cfg(unix)]
#[test]
fn podman_and_its_family_are_told_hosts_only() {
    use crate::callers::called_by;
    let sandbox = Sandbox::new();
    sandbox.store("https://index.docker.io/v1/", "hub", "pw");
    sandbox.store("ghcr.io", "me", "pw");
    for (client, hub) in [("podman", "docker.io"), ("skopeo", "docker.io"), ("docker", "https://index.docker.io/v1/")] {
        let listed = called_by(&sandbox, &[client, "pull", "alpine"], "list", "");
        let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
        assert_eq!(listed, json!({"ghcr.io": "me", hub: "hub"}), "{client}");
    }
}

#[test]
fn docker_asks_for_docker_hub_without_a_key_that_podman_refuses() {
    let sandbox = Sandbox::new();
    sandbox.store("docker.io", "hub", "pw");
    let config = |text: &str| write(&sandbox.docker_config_path(), text.as_bytes());
    config(r#"{"credsStore": "desktop", "credHelpers": {"https://index.docker.io/v1/": "ensign"}}"#);
    sandbox.ok(&["configure-docker"], "");
    let expected = json!({"credHelpers": {"docker.io": "ensign"}, "credsStore": "ensign"});
    assert_eq!(read_json(&sandbox.docker_config_path()), expected);
    assert_eq!(sandbox.config()["fallback"], "desktop", "the previous store still answers for other registries");
    sandbox.ok(&["configure-docker", "--undo"], "");
    assert_eq!(read_json(&sandbox.docker_config_path()), json!({"credsStore": "desktop"}));
    // The login of quay.io has no helper, so `credsStore` would hide it from Docker. Only `--import` may set
    // `credsStore` here.
    config(r#"{"auths": {"quay.io": {"auth": "YTpi"}}}"#);
    sandbox.ok(&["configure-docker"], "");
    let helpers = json!({
        "docker.io": "ensign", "dhi.io": "ensign", "registry.scout.docker.com": "ensign",
        "https://index.docker.io/v1/": "ensign",
    });
    assert_eq!(read_json(&sandbox.docker_config_path())["credHelpers"], helpers);
    sandbox.ok(&["configure-docker", "--import"], "");
    let expected = json!({
        "auths": {"quay.io": {}},
        "credHelpers": {
            "docker.io": "ensign", "dhi.io": "ensign", "registry.scout.docker.com": "ensign", "quay.io": "ensign",
        },
        "credsStore": "ensign",
    });
    assert_eq!(read_json(&sandbox.docker_config_path()), expected);
}

#[test]
fn every_spelling_that_was_used_is_one_that_others_find() {
    let sandbox = Sandbox::new();
    sandbox.store("reg.example:443", "me", "pw");
    sandbox.ok(&["login", "Reg.Example", "-u", "me", "--password-stdin", "--no-verify"], "pw");
    // The config has one key for all spellings.
    assert_eq!(sandbox.config()["registries"].as_object().unwrap().len(), 1);
    for spelling in ["reg.example", "reg.example:443", "REG.example", "https://Reg.Example:443/v2/"] {
        assert_eq!(sandbox.who(spelling), "me", "{spelling}");
    }
    sandbox.ok(&["configure-docker"], "");
    let names = ["reg.example", "reg.example:443", "Reg.Example"];
    let helpers = read_json(&sandbox.docker_config_path())["credHelpers"].clone();
    assert_eq!(
        helpers,
        json!(names.map(|name| (name, "ensign")).into_iter().collect::<std::collections::BTreeMap<_, _>>())
    );
    // `status` reports a spelling for which Docker does not ask Ensign.
    write(&sandbox.docker_config_path(), json!({"credHelpers": {"reg.example": "ensign"}}).to_string().as_bytes());
    let status: Value = serde_json::from_str(&sandbox.ok(&["status", "--json"], "")).unwrap();
    let asks: Vec<_> = status["docker"].as_array().unwrap().iter().map(|one| &one["asks"]).collect();
    assert_eq!(asks, ["ensign", "nobody", "nobody"], "{status}");
    let text = sandbox.ok(&["status"], "");
    shows(
        &text,
        str![[r#"
reg.example
  ● me  default   me/**   in clear text

Docker does not ask Ensign for reg.example:443, Reg.Example; to change that:
  docker-credential-ensign configure-docker
✗ Docker will not find `docker-credential-ensign`, because its folder is not on
  PATH

"#]],
    );
    // `configure-docker` also writes the spellings that Docker's config and the command line use.
    let config = json!({"auths": {"REG.EXAMPLE": {}}}).to_string();
    write(&sandbox.docker_config_path(), config.as_bytes());
    sandbox.ok(&["configure-docker", "rEG.example"], "");
    let helpers = read_json(&sandbox.docker_config_path())["credHelpers"].clone();
    assert_eq!((&helpers["REG.EXAMPLE"], &helpers["rEG.example"]), (&json!("ensign"), &json!("ensign")));
    for format in ["auth.json", "dockerconfigjson"] {
        let text = sandbox.ok(&["export", "reg.example", "--format", format, "--yes"], "");
        let auths: Value = serde_json::from_str(&text).unwrap();
        for name in names {
            assert!(auths["auths"][name]["auth"].is_string(), "{format} {name} {text}");
        }
    }
}

/// Tells whether Docker's CLI finds a login: in the helper of this exact key, else in the store, else in the file.
fn docker_finds(sandbox: &Sandbox, key: &str) -> bool {
    let config = read_json(&sandbox.docker_config_path());
    let helper = config["credHelpers"][key].as_str().or(config["credsStore"].as_str());
    match helper {
        Some("ensign") => sandbox.run(&["get"], key).code == Some(0),
        Some(_) => panic!("another helper"),
        None => config["auths"][key]["auth"].is_string(),
    }
}

#[test]
fn an_import_removes_nothing_that_is_not_found_afterwards() {
    let keys = ["reg.example:443", "Quay.IO", "ghcr.io", "https://index.docker.io/v1/"];
    for is_configured in [false, true] {
        let sandbox = Sandbox::new();
        sandbox.store("quay.io", "old", "pw");
        let auths: serde_json::Map<_, _> =
            keys.iter().map(|key| ((*key).to_owned(), json!({"auth": "bWU6cHc="}))).collect();
        let helpers = if is_configured { json!({"quay.io": "ensign"}) } else { json!({}) };
        let config = json!({"auths": auths, "credHelpers": helpers}).to_string();
        write(&sandbox.docker_config_path(), config.as_bytes());
        sandbox.ok(&["import", "docker", "--remove", "--yes"], "");
        for key in keys {
            assert!(docker_finds(&sandbox, key), "{is_configured} {key} {}", read_json(&sandbox.docker_config_path()));
            assert_eq!(read_json(&sandbox.docker_config_path())["auths"][key], json!({}), "{key}");
        }
    }
}
