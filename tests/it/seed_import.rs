//! Rows of `tests/SEED_ROWS.md` about reading logins of other tools.
#![cfg(unix)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use snapbox::str;

use crate::import::{answer, auth, containers, docker, with_helper};
use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, write};

pub fn sandbox() -> Sandbox {
    Sandbox::new().with("PATH", "/nowhere")
}

pub fn import(sandbox: &Sandbox) -> Run {
    sandbox.run(&["import"], "")
}

#[track_caller]
pub fn assert_has(sandbox: &Sandbox, server: &str, user: &str, secret: &str) {
    assert_eq!(answer(sandbox, server), (user.to_owned(), secret.to_owned()), "{server}");
}

#[track_caller]
pub fn assert_lacks(sandbox: &Sandbox, server: &str) {
    assert_has(sandbox, server, "", "credentials not found in native keychain");
}

#[test]
fn an_entry_of_cred_helpers_beats_the_store() {
    let sandbox = with_helper(Sandbox::new(), "one", &[("h.example", "bob", "tok")]);
    let sandbox = with_helper(sandbox, "two", &[("h.example", "eve", "no"), ("i.example", "sue", "yes")]);
    docker(
        &sandbox,
        &json!({"credHelpers": {"h.example": "one", "j.example": ""}, "credsStore": "two",
        "auths": {"j.example": auth("joe", "plain")}}),
    );
    assert_eq!(import(&sandbox).code, Some(0));
    assert_has(&sandbox, "h.example", "bob", "tok"); // also tests rows R38 and O30
    assert_has(&sandbox, "i.example", "sue", "yes");
    assert_has(&sandbox, "j.example", "joe", "plain");
    assert_lacks(&sandbox, "eve@h.example");
}

#[test]
fn the_rest_of_the_file_stays_when_a_login_is_removed() {
    let sandbox = sandbox();
    let path = sandbox.docker_config_path();
    let text =
        format!("{{\n  \"HttpHeaders\": {{\"a\": \"b\"}},\n  \"auths\": {{\"q.example\": {}}}\n}}", auth("u", "p"));
    write(&path, text.as_bytes());
    sandbox.ok(&["import", "--remove"], "");
    let after = "{\n  \"HttpHeaders\": {\"a\": \"b\"},\n  \"auths\": {\"q.example\": {}},\n  \"credHelpers\": {\n    \"q.example\": \"ensign\"\n  }\n}";
    assert_eq!(std::fs::read_to_string(path).unwrap(), after);
}

#[test]
fn entries_are_read_as_docker_reads_them() {
    let sandbox = sandbox();
    let both = json!({"auth": STANDARD.encode("testuser:password"), "username": "other", "password": "no"});
    docker(
        &sandbox,
        &json!({"auths": {
            "r40.example": auth("dave", "pw:123"), "r41.example": {"Username": "u2", "Secret": "p2"}, "o17.example": both,
            "o20.example": auth("nul", "\0\0pw\0"), "p7.example": {"auth": "dXNlcm5hbWU6cGFzc3dvcmQ="},
            "nopad.example": {"auth": "ZGF2ZTpwdw"}, "url.example": {"auth": "ZGF2ZTo_Pz8-"},
        }}),
    );
    assert_eq!(import(&sandbox).code, Some(0));
    for (server, user, secret) in [
        ("r40.example", "dave", "pw:123"),
        ("r41.example", "u2", "p2"),
        ("o17.example", "testuser", "password"),
        ("o20.example", "nul", "pw"),
        ("p7.example", "username", "password"),
        ("nopad.example", "dave", "pw"),
        ("url.example", "dave", "???>"),
    ] {
        assert_has(&sandbox, server, user, secret);
    }
}

#[test]
fn bad_entries_are_named_and_the_others_imported() {
    let sandbox = sandbox();
    docker(
        &sandbox,
        &json!({"auths": {
            "bad.example": {"auth": "!!!"}, "colon.example": {"auth": STANDARD.encode("nocolon")}, "utf8.example": {"auth": "//86/w=="},
            "name.example": auth("", "pw"), "empty.example": {}, "odd.example": 1, "good.example": auth("u", "p"),
        }}),
    );
    let run = import(&sandbox);
    assert_eq!(run.code, Some(1));
    run.shows(str![[r#"
exit 1
--- stdout
  good.example   u  ~/.docker/config.json  new
! bad.example       ~/.docker/config.json  `auth` is not base64
! colon.example     ~/.docker/config.json  `auth` is not a user name and a secret
! utf8.example      ~/.docker/config.json  `auth` is not a user name and a secret
! name.example      ~/.docker/config.json  the login is incomplete
! odd.example       ~/.docker/config.json  Docker cannot read this entry
--- stderr
✓ Imported u on good.example
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! the imported logins are still in their old places: `docker-credential-ensign import --remove` removes them there
! Docker does not ask Ensign for good.example yet; to change that:  docker-credential-ensign configure-docker

"#]]);
    assert!(!run.stdout.contains("empty.example"), "po8: an empty marker is no error: {run:?}");
    assert_has(&sandbox, "good.example", "u", "p");
}

#[test]
fn podmans_files_in_podmans_order() {
    let runtime = tempfile::tempdir().unwrap();
    let sandbox = sandbox().with("XDG_RUNTIME_DIR", runtime.path().to_str().unwrap());
    let file = |logins: Value| json!({"auths": logins});
    let first = file(json!({"h.example": auth("u", "first")}));
    write(&runtime.path().join("containers/auth.json"), first.to_string().as_bytes());
    containers(&sandbox, &file(json!({"h.example": auth("u", "second"), "i.example": auth("u", "second")})));
    docker(&sandbox, &file(json!({"i.example": auth("u", "third"), "j.example": auth("u", "third")})));
    assert_eq!(sandbox.run(&["import", "containers"], "").code, Some(0));
    for (server, secret) in [("h.example", "first"), ("i.example", "second"), ("j.example", "third")] {
        assert_has(&sandbox, server, "u", secret);
    }
    let only = sandbox.home().join("only.json");
    write(&only, file(json!({"k.example": auth("u", "only")})).to_string().as_bytes());
    let sandbox = sandbox.with("REGISTRY_AUTH_FILE", only.to_str().unwrap());
    let run = sandbox.run(&["import", "containers", "--dry-run"], "");
    assert_eq!(run.stdout.lines().count(), 1, "{run:?}");
}

#[test]
fn a_named_file_is_read_first() {
    let sandbox = sandbox();
    docker(&sandbox, &json!({"auths": {"h.example": auth("u", "docker"), "i.example": auth("u", "docker")}}));
    let mine = sandbox.home().join("mine.json");
    write(&mine, json!({"auths": {"h.example": auth("u", "mine")}}).to_string().as_bytes());
    sandbox.ok(&["import", mine.to_str().unwrap(), "docker"], "");
    assert_has(&sandbox, "h.example", "u", "mine");
    assert_has(&sandbox, "i.example", "u", "docker");
}

#[test]
fn nothing_to_import_is_no_error() {
    let sandbox = sandbox();
    import(&sandbox).shows(str![[r#"
exit 0
--- stderr
No logins found. To add an account:  docker-credential-ensign login HOST

"#]]);
    assert_eq!(sandbox.run(&["get"], "h.example"), Run::not_found());
}

#[test]
fn an_unset_variable_names_no_file() {
    let sandbox = sandbox().with("REGISTRY_AUTH_FILE", "").with("HELM_REGISTRY_CONFIG", "");
    containers(&sandbox, &json!({"auths": {"h.example": auth("u", "p")}}));
    assert_eq!(import(&sandbox).code, Some(0));
    assert_has(&sandbox, "h.example", "u", "p");
}

#[test]
fn keys_with_scheme_and_path_are_understood() {
    let sandbox = sandbox();
    docker(
        &sandbox,
        &json!({"auths": {
            "https://v1.example/v1/": auth("a", "1"), "http://path.example/some/path": auth("b", "2"),
            "UPPER.example:443": auth("c", "3"), "https://index.docker.io/v1/": auth("d", "4"),
        }}),
    );
    containers(&sandbox, &json!({"auths": {"ns.example/team": auth("e", "5"), "ns.example/team/app": auth("f", "6")}}));
    assert_eq!(import(&sandbox).code, Some(0));
    for (server, user, secret) in [
        ("v1.example", "a", "1"),
        ("path.example", "b", "2"),
        ("upper.example", "c", "3"),
        ("docker.io", "d", "4"),
        ("ns.example/team/other", "e", "5"),
        ("ns.example/team/app", "f", "6"),
    ] {
        assert_has(&sandbox, server, user, secret);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_the_others_are_read() {
    let sandbox = sandbox();
    std::fs::create_dir_all(sandbox.docker_config_path()).unwrap();
    let broken = sandbox.home().join(".finch/config.json");
    write(&broken, b"{\n  \"auths\": {,\n}");
    containers(&sandbox, &json!({"auths": {"h.example": auth("u", "p")}}));
    let run = import(&sandbox);
    assert_eq!(run.code, Some(1));
    run.shows(str![[r#"
exit 1
--- stdout
!               ~/.docker/config.json           could not read `[HOME]/.docker/config.json`: it is not a file: move it away: `mv [HOME]/.docker/config.json [HOME]/.docker/config.json.aside`
  h.example  u  ~/.config/containers/auth.json  new
!               ~/.finch/config.json            could not read `[HOME]/.finch/config.json`, line 2: key must be a string in column 13: correct the file: `"${EDITOR:-vi}" [HOME]/.finch/config.json`
--- stderr
✓ Imported u on h.example
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! the imported logins are still in their old places: `docker-credential-ensign import --remove` removes them there

"#]]);
    assert_has(&sandbox, "h.example", "u", "p");
    assert_eq!(std::fs::read(&broken).unwrap(), b"{\n  \"auths\": {,\n}");
}

#[test]
fn tokens_keep_their_meaning() {
    let sandbox = with_helper(Sandbox::new(), "one", &[("h.example", "<token>", "sometoken")]);
    docker(
        &sandbox,
        &json!({"credHelpers": {"h.example": "one"},
        "auths": {"i.example": {"identitytoken": "refresh"}, "j.example": {"registrytoken": "access"}}}),
    );
    let run = import(&sandbox);
    assert_eq!(run.code, Some(0), "a registry token is skipped, not failed: {run:?}");
    run.shows(str![[r#"
exit 0
--- stdout
  h.example  <token>  docker-credential-one  new
  i.example  <token>  ~/.docker/config.json  new
  j.example           ~/.docker/config.json  skipped: the login is a registry token, which no helper can return
--- stderr
! 1 secret from another store would be saved in clear text; to seal them, run this first:  docker-credential-ensign store key --holder passphrase
✓ Imported <token> on h.example
✓ Imported <token> on i.example
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! the imported logins are still in their old places: `docker-credential-ensign import --remove` removes them there
! Docker does not ask Ensign for h.example, i.example yet; to change that:  docker-credential-ensign configure-docker

"#]]);
    assert_has(&sandbox, "h.example", "<token>", "sometoken");
    assert_has(&sandbox, "i.example", "<token>", "refresh");
    assert_lacks(&sandbox, "j.example");
}

#[test]
fn the_variable_comes_before_the_files_and_hosts_are_merged() {
    let variable = json!({"auths": {"h.example": auth("u", "variable")}}).to_string();
    let sandbox = sandbox().with("DOCKER_AUTH_CONFIG", &variable);
    docker(&sandbox, &json!({"auths": {"h.example": auth("u", "docker"), "i.example": auth("u", "docker")}}));
    containers(&sandbox, &json!({"auths": {"i.example": auth("u", "xdg"), "j.example": auth("u", "xdg")}}));
    assert_eq!(import(&sandbox).code, Some(0));
    for (server, secret) in [("h.example", "variable"), ("i.example", "docker"), ("j.example", "xdg")] {
        assert_has(&sandbox, server, "u", secret);
    }
}

#[test]
fn docker_config_hides_the_file_at_home() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = sandbox().with("DOCKER_CONFIG", folder.path().to_str().unwrap());
    docker(&sandbox, &json!({"auths": {"home.example": auth("u", "p")}}));
    write(&folder.path().join("config.json"), json!({"auths": {"set.example": auth("u", "p")}}).to_string().as_bytes());
    assert_eq!(import(&sandbox).code, Some(0));
    assert_has(&sandbox, "set.example", "u", "p");
    assert_lacks(&sandbox, "home.example");
}

#[test]
fn a_hosts_own_key_beats_a_url_that_leads_to_it() {
    let sandbox = sandbox();
    docker(
        &sandbox,
        &json!({"auths": {"https://h.example/v1": auth("foo", "bar"), "h.example": auth("baz", "arble")}}),
    );
    assert_eq!(import(&sandbox).code, Some(0));
    assert_has(&sandbox, "h.example", "baz", "arble");
    assert_has(&sandbox, "foo@h.example", "foo", "bar");
}

#[test]
fn several_users_of_one_host_become_several_accounts() {
    let sandbox = sandbox();
    docker(
        &sandbox,
        &json!({"auths": {"https://h.example/v1": auth("a", "1"), "http://h.example/v1": auth("b", "2"),
        "https://h.example/v2": auth("c", "3")}}),
    );
    assert_eq!(import(&sandbox).code, Some(0));
    for (user, secret) in [("a", "1"), ("b", "2"), ("c", "3")] {
        assert_has(&sandbox, &format!("{user}@h.example"), user, secret);
    }
    assert_has(&sandbox, "h.example", "a", "1");
}

#[test]
fn finch_is_read_too_and_a_hit_stays() {
    let sandbox = sandbox();
    let finch = json!({"auths": {"h.example": auth("u", "finch"), "i.example": {"auth": "dXNlcjpwYXNz"}}});
    write(&sandbox.home().join(".finch/config.json"), finch.to_string().as_bytes());
    docker(&sandbox, &json!({"auths": {"h.example": auth("u", "docker"), "other.io": auth("u", "p")}}));
    assert_eq!(import(&sandbox).code, Some(0));
    assert_has(&sandbox, "h.example", "u", "docker"); // row X1: Docker's order, not Finch's
    assert_has(&sandbox, "i.example", "user", "pass");
    assert_lacks(&sandbox, "absent.io");
}

#[test]
fn helpers_of_clouds_are_to_be_borrowed_from() {
    let sandbox = sandbox();
    docker(&sandbox, &json!({"credHelpers": {"public.ecr.aws": "ecr-login", "europe-docker.pkg.dev": "gcloud"}}));
    let run = import(&sandbox);
    assert_eq!(run.code, Some(0));
    for line in ["login public.ecr.aws --borrow helper:ecr-login", "login europe-docker.pkg.dev --borrow helper:gcloud"]
    {
        assert!(run.stdout.contains(line), "{run:?}");
    }
    assert!(!sandbox.config_path().exists());
}

#[test]
fn atcrs_files_of_every_version_are_imported() {
    let account = |name: &str| json!({"handle": name, "did": format!("did:plc:{name}"), "device_secret": format!("secret-{name}"), "later": 1});
    let mut transcript = String::new();
    for (file, registry, names) in [
        (json!({"handle": "a", "device_secret": "secret-a", "appview_url": "https://atcr.io"}), "atcr.io", vec!["a"]),
        (json!({"credentials": {"https://buoy.cr/": account("b")}}), "buoy.cr", vec!["b"]),
        (
            json!({"version": 2, "registries": {"https://atcr.io": {"active": "d", "accounts": {"c": account("c"), "d": account("d")}}}}),
            "atcr.io",
            vec!["d", "c"],
        ),
    ] {
        let sandbox = sandbox();
        sandbox.store("x.example", "me", "mine"); // with an existing config, Ensign adopts nothing unasked
        let path = sandbox.home().join("device.json");
        write(&path, file.to_string().as_bytes());
        let run = sandbox.run(&["import", path.to_str().unwrap(), "--remove"], "");
        assert_eq!(run.code, Some(0), "{run:?}");
        for name in &names {
            assert_has(&sandbox, &format!("{name}@{registry}"), name, &format!("secret-{name}"));
        }
        assert_has(&sandbox, registry, names[0], &format!("secret-{}", names[0]));
        if registry == "buoy.cr" {
            assert_eq!(sandbox.config()["registries"]["buoy.cr"]["accounts"]["b"]["did"], json!("did:plc:b"));
        }
        assert_eq!(crate::support::read_json(&path), file, "ATCR's file stays as it is");
        let again = sandbox.run(&["import", path.to_str().unwrap()], "");
        transcript += &again.transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 0
--- stdout
  atcr.io  a  ~/device.json  already there
--- stderr
Everything is imported already.
! Docker does not ask Ensign for atcr.io yet; to change that:  docker-credential-ensign configure-docker
exit 0
--- stdout
  buoy.cr  b  ~/device.json  already there
--- stderr
Everything is imported already.
! Docker does not ask Ensign for buoy.cr yet; to change that:  docker-credential-ensign configure-docker
exit 0
--- stdout
  atcr.io  d  ~/device.json  already there
  atcr.io  c  ~/device.json  already there
--- stderr
Everything is imported already.
! Docker does not ask Ensign for atcr.io yet; to change that:  docker-credential-ensign configure-docker

"#]],
    );
}
