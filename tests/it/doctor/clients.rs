//! Checks of what Docker and Podman ask before Ensign.

use snapbox::str;

use super::*;

const ASKED: &str = "case $1 in list) echo '{}' ;; *) exit 1 ;; esac";
/// `dave:pw`
const PLAIN: &str = "ZGF2ZTpwdw==";

#[test]
fn docker_is_told_to_ask() {
    let sandbox = healthy();
    write_docker_config(&sandbox, &json!({}));
    assert_found(&sandbox, &[("docker-not-asking", "broken")]);
    assert_fixed(&sandbox, "docker-not-asking");
}

#[test]
fn podman_is_told_to_ask() {
    let sandbox = healthy();
    let file = sandbox.home().join(".config/containers/auth.json");
    if !file.exists() {
        return eprintln!("skipped: Podman is not there");
    }
    write(&file, b"{}");
    assert_healthy(&sandbox); // Podman also reads `credHelpers` of Docker's config, but not `credsStore`
    write_docker_config(&sandbox, &json!({"credsStore": "ensign"}));
    assert_found(&sandbox, &[("podman-not-asking", "note")]);
    assert_fixed(&sandbox, "podman-not-asking");
}

#[test]
fn each_that_writes_itself_into_dockers_file_is_known() {
    for (helper, check) in [
        ("pass", "other-helper"),
        ("desktop", "desktop-helper"),
        ("dev-containers-3dd92ab7-3c5c-4fc7-8b52-1f8a4c3a3f1f", "dev-container-helper"),
        ("desktop.exe", "windows-helper"),
        ("wincred.exe", "windows-helper"),
    ] {
        for config in [json!({"credsStore": helper}), json!({"credHelpers": {"ghcr.io": helper}})] {
            let sandbox = healthy();
            program(&sandbox, &format!("docker-credential-{helper}"), ASKED);
            write_docker_config(&sandbox, &config);
            assert_found(&sandbox, &[(check, "broken")]);
            assert_fixed(&sandbox, check);
        }
    }
}

#[test]
fn a_creds_store_that_was_ours_comes_back() {
    let sandbox = healthy();
    program(&sandbox, "docker-credential-desktop", ASKED);
    sandbox.ok(&["configure-docker", "--all"], "");
    assert_healthy(&sandbox);
    for config in [
        json!({"credsStore": "desktop", "credHelpers": {"ghcr.io": "ensign"}}),
        json!({"credHelpers": {"ghcr.io": "ensign"}}),
    ] {
        // `configure-docker` records the old value for `--undo`. Without this record, `doctor` could not know that the
        // store was replaced.
        write_docker_config(&sandbox, &json!({"credsStore": "desktop"}));
        sandbox.ok(&["configure-docker", "--all"], "");
        write_docker_config(&sandbox, &config);
        assert_found(&sandbox, &[("store-replaced", "broken")]);
        assert_fixed(&sandbox, "store-replaced");
    }
}

#[test]
fn a_login_in_clear_that_goes_first_becomes_an_account() {
    let sandbox = healthy();
    write_docker_config(&sandbox, &json!({"auths": {"ghcr.io": {"auth": PLAIN}}}));
    let found = assert_found(&sandbox, &[("plain-login", "broken")]);
    assert!(found[0]["found"].as_str().unwrap().contains(" dave"), "{found:?}");
    assert_fixed(&sandbox, "plain-login");
    assert!(sandbox.config()["registries"][HOST]["accounts"]["dave"].is_object());
}

#[test]
fn a_login_in_clear_elsewhere_is_a_note() {
    let sandbox = healthy();
    let config = json!({"auths": {"a.io": {"auth": PLAIN}}, "credHelpers": {"ghcr.io": "ensign"}});
    write_docker_config(&sandbox, &config);
    assert_found(&sandbox, &[("plain-text", "note")]);
    let run = run(&sandbox, &["--fix", "plain-text"]);
    run.shows(str![[r#"
exit 0
--- stdout
  a.io  dave  ~/.docker/config.json  new
--- stderr
✓ Imported dave on a.io
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
✓ Removed 1 login from its old place
  Programs that read ~/.docker/config.json now ask Ensign for them
✓ plain-text: fixed

"#]]);
    assert!(!std::fs::read_to_string(sandbox.docker_config_path()).unwrap().contains(PLAIN));
    assert!(sandbox.config()["registries"]["a.io"]["accounts"]["dave"].is_object());
}

#[test]
fn docker_auth_config_is_for_the_shell_to_unset() {
    for value in [json!({"auths": {"ghcr.io": {"auth": PLAIN}}}).to_string(), "nonsense".to_owned()] {
        let sandbox = healthy().with("DOCKER_AUTH_CONFIG", &value);
        assert_found(&sandbox, &[("auth-config-variable", "note")]);
        assert_by_hand(&sandbox, "auth-config-variable", "unset DOCKER_AUTH_CONFIG");
        assert_mended_by_hand(&sandbox, "auth-config-variable", &[], as_it_is);
        assert_healthy(&sandbox.with("DOCKER_AUTH_CONFIG", ""));
    }
}

#[test]
fn a_key_that_stops_podman_is_written_anew() {
    let sandbox = installed();
    sandbox.store("https://index.docker.io/v1/", "me", "s3cret");
    sandbox.ok(&["configure-docker"], "");
    if !sandbox.home().join(".config/containers/auth.json").exists() {
        return eprintln!("skipped: Podman is not there");
    }
    write_docker_config(
        &sandbox,
        &json!({"credHelpers": {"https://index.docker.io/v1/": "ensign", "docker.io": "ensign"}}),
    );
    assert_found(&sandbox, &[("podman-key", "broken")]);
    assert_fixed(&sandbox, "podman-key");
    // No client looks up Ensign's entries under another URL. Only a person changes the entry of another program.
    for url in ["https://ghcr.io", "http://127.0.0.1:5601"] {
        write_docker_config(&sandbox, &json!({"credHelpers": {url: "ensign"}, "credsStore": "ensign"}));
        assert_found(&sandbox, &[("podman-key", "broken")]);
        assert_fixed(&sandbox, "podman-key");
    }
    program(&sandbox, "docker-credential-pass", ASKED);
    let sandbox = with_editor(sandbox);
    for (url, advice) in [
        ("https://q.io", "rename the key `https://q.io` to `q.io`"),
        ("http://index.docker.io", "remove the key `http://index.docker.io`"),
    ] {
        write(&sandbox.home().join("good"), br#"{"credsStore": "ensign"}"#);
        write_docker_config(&sandbox, &json!({"credHelpers": {url: "pass"}, "credsStore": "ensign"}));
        assert_found(&sandbox, &[("podman-key", "broken")]);
        assert_by_hand(
            &sandbox,
            "podman-key",
            &format!("\"${{EDITOR:-vi}}\" {} ({advice})", sandbox.docker_config_path().display()),
        );
        assert_mended_by_hand(&sandbox, "podman-key", &[], as_it_is);
        assert_healthy(&sandbox);
    }
}
