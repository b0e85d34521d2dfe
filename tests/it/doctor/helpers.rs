//! Checks of other helpers: missing, slow, failing, or with wrong answers.

use std::fs;

use snapbox::str;

use super::*;
use crate::support::snapshots::shows;

const ASKED: &str = "case $1 in list) echo '{}' ;; *) exit 1 ;; esac";

/// A home whose Docker config has Ensign's entries and one more setting.
fn with_setting(name: &str, value: &Value) -> Sandbox {
    let sandbox = healthy();
    let mut config = crate::support::read_json(&sandbox.docker_config_path());
    match value {
        Value::Object(entries) => config[name].as_object_mut().unwrap().extend(entries.clone()),
        _ => config[name] = value.clone(),
    }
    write_docker_config(&sandbox, &config);
    sandbox
}

#[test]
fn a_helper_that_is_not_there_is_named_no_more() {
    for (name, value) in [("credsStore", json!("gone")), ("credHelpers", json!({"a.io": "gone"}))] {
        let sandbox = with_setting(name, &value);
        let found = assert_found(&sandbox, &[("helper-missing", "broken")]);
        assert!(found[0]["found"].as_str().unwrap().contains("~/.docker/config.json"), "{found:?}");
        assert_fixed(&sandbox, "helper-missing");
        let text = std::fs::read_to_string(sandbox.docker_config_path()).unwrap();
        assert!(!text.contains("gone") && text.contains("\"ghcr.io\":"), "{text}");
        // A helper that is installed now is no fault.
        let sandbox = with_setting(name, &value);
        program(&sandbox, "docker-credential-gone", ASKED);
        assert_healthy(&sandbox);
    }
}

#[test]
fn a_pinned_name_without_its_program_is_missing_too() {
    let sandbox = with_setting("credHelpers", &json!({"a.io": "ensign-bob"}));
    assert_found(&sandbox, &[("helper-missing", "broken")]);
    sandbox.ok(&["pin", "bob"], "");
    assert_healthy(&sandbox);
}

#[test]
fn a_route_to_a_helper_that_is_not_there_is_taken_back() {
    let sandbox = healthy();
    sandbox.ok(&["route", "a.io", "gone"], "");
    sandbox.ok(&["route", "--fallback", "gone"], "");
    assert_found(&sandbox, &[("helper-missing", "broken")]);
    assert_fixed(&sandbox, "helper-missing");
    shows(
        &sandbox.ok(&["route"], ""),
        str![[r#"
No other helper is configured. To add one:  docker-credential-ensign route HOST HELPER

"#]],
    );
}

#[test]
fn an_account_whose_store_is_not_there_needs_a_login() {
    let sandbox = healthy();
    let mut config = sandbox.config();
    config["registries"][HOST]["accounts"]["bob"]["store"] = json!("helper:gone");
    write(&sandbox.config_path(), config.to_string().as_bytes());
    let found = findings(&sandbox, &[]);
    let missing = found.iter().find(|(name, ..)| name == "helper-missing").unwrap();
    assert_eq!(missing.2["command"], "docker-credential-ensign login ghcr.io --alias bob --store file");
    assert_mended_by_hand(&sandbox, "helper-missing", &[], with_password);
    assert_healthy(&sandbox);
}

#[test]
fn a_list_in_registries_conf_is_for_a_person_to_change() {
    let sandbox = with_editor(healthy());
    let conf = sandbox.home().join(".config/containers/registries.conf");
    write(&conf, b"credential-helpers = [\"ensign\", \"containers-auth.json\", \"gone\"]\n");
    assert_found(&sandbox, &[("helper-missing", "broken")]);
    assert_by_hand(&sandbox, "helper-missing", &format!("\"${{EDITOR:-vi}}\" {}", conf.display()));
    write(&sandbox.home().join("good"), b"credential-helpers = [\"ensign\", \"containers-auth.json\"]\n");
    assert_mended_by_hand(&sandbox, "helper-missing", &[], as_it_is);
    assert_healthy(&sandbox);
}

#[test]
fn a_slow_a_dead_and_a_lying_helper_are_told_apart() {
    for (script, check) in [
        ("sleep 60", "helper-silent"),
        ("kill -9 $$", "helper-failing"),
        ("echo '{\"a.io\": \"me\"}'; exit 1", "helper-failing"),
        ("echo my-s3cret", "helper-failing"),
        ("echo '[\"my-s3cret\"]'", "helper-failing"),
        ("yes my-s3cret", "helper-failing"),
    ] {
        let sandbox = with_setting("credsStore", &json!("odd"));
        program(&sandbox, "docker-credential-odd", script);
        let found = findings(&sandbox, &[]);
        assert_eq!(names(&found), [(check, "broken")], "{script}: {found:?}");
        assert!(!format!("{found:?}").contains("s3cret"), "{found:?}");
        if script.ends_with("exit 1") {
            let look = "(remove `odd`; `echo | docker-credential-odd list` shows what is wrong with the helper)";
            let file = sandbox.docker_config_path();
            assert_by_hand(&sandbox, check, &format!("\"${{EDITOR:-vi}}\" {}   {look}", file.display()));
        }
        program(&sandbox, "docker-credential-odd", ASKED);
        assert_healthy(&sandbox);
    }
    // A person can also remove the helper from Docker's config.
    for (script, check) in [("sleep 60", "helper-silent"), ("exit 1", "helper-failing")] {
        let sandbox = with_editor(healthy());
        fs::copy(sandbox.docker_config_path(), sandbox.home().join("good")).unwrap();
        let mut config = crate::support::read_json(&sandbox.docker_config_path());
        config["credsStore"] = json!("odd");
        write_docker_config(&sandbox, &config);
        program(&sandbox, "docker-credential-odd", script);
        assert_mended_by_hand(&sandbox, check, &[], as_it_is);
        assert_healthy(&sandbox);
    }
    // A helper for one registry may be unable to list, so its failure is only a note.
    let sandbox = with_setting("credHelpers", &json!({"a.io": "odd"}));
    program(&sandbox, "docker-credential-odd", "exit 1");
    assert_found(&sandbox, &[("helper-failing", "note")]);
    // A failing helper in Ensign's routes, and as Ensign's fallback.
    for (words, command) in [
        (&["route", "b.io", "odd"][..], "docker-credential-ensign route b.io --remove"),
        (&["route", "--fallback", "odd"], "docker-credential-ensign route --no-fallback"),
    ] {
        let sandbox = healthy();
        program(&sandbox, "docker-credential-odd", "exit 1");
        sandbox.ok(words, "");
        assert_by_hand(&sandbox, "helper-failing", command);
        assert_mended_by_hand(&sandbox, "helper-failing", &[], as_it_is);
        assert_healthy(&sandbox);
    }
}

#[test]
fn a_helper_gets_no_screen_and_no_secret_of_ours() {
    let sandbox = with_setting("credsStore", &json!("odd")).with("DISPLAY", ":0").with("GPG_TTY", "/dev/tty");
    let sandbox = sandbox.with("ENSIGN_LOGIN_A", "a.io me s3cret");
    program(&sandbox, "docker-credential-odd", "env >\"$HOME/seen\"; echo '{}'");
    run(&sandbox, &[]);
    let seen = std::fs::read_to_string(sandbox.home().join("seen")).unwrap();
    assert!(seen.contains("PATH=") && !seen.contains("DISPLAY") && !seen.contains("GPG_TTY"), "{seen}");
    assert!(!seen.contains("s3cret"), "{seen}");
}
