//! `--report` and `--json`: the texts for an issue and for programs.

use super::*;

/// A home that has a secret in every place that can contain one.
fn full_of_secrets() -> Sandbox {
    let sandbox = healthy();
    sandbox.store("quay.io", "carol", "carol-s3cret");
    let config = json!({
        "auths": {"a.io": {"auth": "ZGF2ZTpteS1zM2NyZXQ="}, "https://eve:eve-s3cret@b.io": {"auth": "ZGF2ZTpteS1zM2NyZXQ="}},
        "credHelpers": {"ghcr.io": "ensign", "https://eve:eve-s3cret@b.io": "gone"},
        "HttpHeaders": {"X-Token": "header-s3cret"},
    });
    write_docker_config(&sandbox, &config);
    let mut ours = sandbox.config();
    let command = json!({"borrow": "command", "command": ["tool", "--password", "command-s3cret"]});
    let item = json!({"borrow": "pass", "item": "item-s3cret", "env": {"TOOL": "variable-s3cret"}});
    ours["registries"]["c.io"] = json!({"accounts": {
        "frank": {"username": "frank", "source": command, "store": "file"},
        "heidi": {"username": "heidi", "source": item, "store": "file"},
    }});
    write(&sandbox.config_path(), ours.to_string().as_bytes());
    let proxy = "http://proxyuser:proxy-s3cret@proxy.lan:1";
    let variable = json!({"auths": {"ghcr.io": {"auth": "ZGF2ZTpteS1zM2NyZXQ="}}}).to_string();
    sandbox
        .with("HTTPS_PROXY", proxy)
        .with("DOCKER_AUTH_CONFIG", &variable)
        .with("ENSIGN_LOGIN_X", "d.io grace env-s3cret")
}

#[test]
fn no_text_holds_a_secret() {
    let sandbox = full_of_secrets();
    for words in [&["--report"][..], &["--json"], &[], &["--report", "--json"], &["--report", "--anonymous"]] {
        let run = run(&sandbox, words);
        assert_eq!(run.code, Some(1), "{run:?}");
        let text = format!("{}{}", run.stdout, run.stderr);
        assert!(!text.contains("s3cret") && !text.contains("ZGF2ZT"), "{words:?}: {text}");
    }
}

#[test]
fn a_report_names_versions_checks_and_config() {
    let sandbox = full_of_secrets();
    let report = run(&sandbox, &["--report"]).stdout;
    for part in [
        concat!("docker-credential-ensign ", env!("CARGO_PKG_VERSION"), " on "),
        std::env::consts::ARCH,
        "✗ helper-missing: ",
        "\nAccounts\n",
        "  ghcr.io bob: user bob, in file, from a login",
        "  c.io frank: user frank, in file, from command, 0 patterns",
        "  c.io heidi: user heidi, in file, from pass, TOOL, 0 patterns",
        "\nDocker's config\n",
        "  ghcr.io: ensign\n  b.io: gone\n",
        "\nVariables that are set\n",
        "  DOCKER_AUTH_CONFIG\n",
        "  HTTPS_PROXY\n",
    ] {
        assert!(report.contains(part), "{part:?} is not in\n{report}");
    }
    let home = sandbox.home().to_str().unwrap();
    assert!(!report.contains(home), "{report}");
}

#[test]
fn an_anonymous_report_names_nobody() {
    let sandbox = full_of_secrets();
    sandbox.store("e.io", &"trent".repeat(20), "trents-s3cret"); // the report shortens this name
    let report = run(&sandbox, &["--report", "--anonymous"]).stdout;
    for name in ["bob", "alice", "carol", "frank", "grace", "heidi", "trent"] {
        assert!(!report.contains(name), "{name} is in\n{report}");
    }
    assert!(report.contains("user1"), "{report}");
}

/// Lines with these names are cut or broken in the output for people.
#[test]
fn an_anonymous_report_names_nobody_in_long_lines() {
    let sandbox = installed();
    for name in ["trent".repeat(20), "mallo".repeat(20), format!("victor {}", "walter".repeat(9))] {
        sandbox.store(HOST, &name, "s3cret");
    }
    sandbox.ok(&["configure-docker"], "");
    let report = run(&sandbox, &["--report", "--anonymous"]).stdout;
    for name in ["trent", "mallo", "victor", "walter"] {
        assert!(!report.contains(name), "{name} is in\n{report}");
    }
}

#[test]
fn an_anonymous_report_names_no_user_without_an_account() {
    let sandbox = healthy();
    sandbox.ok(&["pin", "bob"], "");
    let mut config = sandbox.config();
    config["registries"][HOST]["accounts"].as_object_mut().unwrap().remove("bob");
    config["registries"][HOST]["active"] = json!("alice");
    write(&sandbox.config_path(), config.to_string().as_bytes());
    write_docker_config(&sandbox, &json!({"auths": {"ghcr.io": {"auth": "ZGF2ZTpteS1zM2NyZXQ="}}}));
    let sandbox = sandbox.with("ENSIGN_ACCOUNT", "trudy");
    let report = run(&sandbox, &["--report"]).stdout;
    let anonymous = run(&sandbox, &["--report", "--anonymous"]).stdout;
    for name in ["bob", "dave", "trudy"] {
        assert!(report.contains(name), "{name} is not in\n{report}");
        assert!(!anonymous.contains(name), "{name} is in\n{anonymous}");
    }
}

#[test]
fn json_has_the_documented_shape() {
    let sandbox = healthy();
    let json: Value = serde_json::from_str(&run(&sandbox, &["--json"]).stdout).unwrap();
    assert_eq!(
        (&json["schema"], &json["healthy"], &json["broken"], &json["notes"]),
        (&json!(1), &json!(true), &json!(0), &json!(0))
    );
    let groups: Vec<_> =
        json["groups"].as_array().unwrap().iter().map(|group| group["group"].as_str().unwrap()).collect();
    assert_eq!(groups, GROUPS);
    write_docker_config(&sandbox, &json!({}));
    let json: Value = serde_json::from_str(&run(&sandbox, &["--json"]).stdout).unwrap();
    let order = &json["groups"][2];
    assert_eq!((&json["healthy"], &order["state"]), (&json!(false), &json!("broken")));
    let expected = json!({
        "check": "docker-not-asking",
        "severity": "broken",
        "found": "Docker does not ask Ensign for ghcr.io",
        "breaks": "pulls and pushes at this registry go out without a login",
        "command": "docker-credential-ensign configure-docker --force ghcr.io",
        "fixable": true,
    });
    assert_eq!(order["findings"], json!([expected]));
    // Each step of `--fix` prints its own line of JSON; the last line is from `doctor`.
    let fixed = run(&sandbox, &["--fix", "docker-not-asking", "--json"]).stdout;
    let last: Value = serde_json::from_str(fixed.lines().last().unwrap()).unwrap();
    assert_eq!((&last["check"], &last["fixed"]), (&json!("docker-not-asking"), &json!(true)));
}
