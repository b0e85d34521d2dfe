//! Rows A26 to A31: Ensign adopts the config of the helper that rows A describe, in all its formats.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::a::answers;
use crate::support::{Run, Sandbox, read_json, write};

/// The newest format of the config of the helper that rows A describe.
fn version_2() -> Value {
    json!({"version": 2, "registries": {
        "https://atcr.io": {"active": "evan.jarrett.net", "accounts": {
            "evan.jarrett.net": {"handle": "evan.jarrett.net", "did": "did:plc:abc123", "device_secret": "atcr_device_e"},
            "michelle.jarrett.net": {"handle": "michelle.jarrett.net", "did": "did:plc:def456", "device_secret": "atcr_device_m"}}},
        "https://buoy.cr": {"active": "evan.jarrett.net", "accounts": {
            "evan.jarrett.net": {"handle": "evan.jarrett.net", "did": "did:plc:abc123", "device_secret": "atcr_device_b"}}}
    }})
}

fn with_device_file(document: &Value) -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::new();
    let path = sandbox.home().join(".atcr/device.json");
    write(&path, document.to_string().as_bytes());
    (sandbox, path)
}

#[test]
fn atcrs_config_of_version_2_is_taken_over_whole() {
    let (sandbox, _) = with_device_file(&version_2());
    assert_eq!(answers(&sandbox, "atcr.io"), "evan.jarrett.net atcr_device_e");
    assert_eq!(answers(&sandbox, "atcr.io/michelle.jarrett.net/x"), "michelle.jarrett.net atcr_device_m");
    assert_eq!(answers(&sandbox, "buoy.cr"), "evan.jarrett.net atcr_device_b");
    assert_eq!(sandbox.config()["registries"]["atcr.io"]["accounts"]["michelle.jarrett.net"]["did"], "did:plc:def456");
}

#[test]
fn registries_that_are_urls_become_hosts() {
    let (sandbox, _) = with_device_file(&version_2());
    sandbox.ok(&["list"], "");
    let config = sandbox.config();
    assert_eq!(config["registries"].as_object().unwrap().keys().collect::<Vec<_>>(), ["atcr.io", "buoy.cr"]);
    assert_eq!(sandbox.who("https://atcr.io"), "evan.jarrett.net");
}

#[test]
fn the_file_of_one_device_becomes_one_active_account() {
    let device =
        json!({"handle": "evan.jarrett.net", "device_secret": "atcr_device_e", "appview_url": "https://atcr.io"});
    let (sandbox, _) = with_device_file(&device);
    assert_eq!(answers(&sandbox, "atcr.io"), "evan.jarrett.net atcr_device_e");
    let account = json!({"username": "evan.jarrett.net", "store": "file"});
    let registry = json!({"active": "evan.jarrett.net", "accounts": {"evan.jarrett.net": account}});
    assert_eq!(sandbox.config(), json!({"version": 3, "registries": {"atcr.io": registry}}));
}

#[test]
fn the_file_of_one_account_per_url_makes_each_active() {
    let entry = |name: &str| json!({"handle": name, "did": "did:plc:abc123", "device_secret": format!("{name}-s")});
    let credentials =
        json!({"credentials": {"https://atcr.io": entry("evan.jarrett.net"), "https://buoy.cr": entry("bob.example")}});
    let (sandbox, _) = with_device_file(&credentials);
    assert_eq!(answers(&sandbox, "atcr.io"), "evan.jarrett.net evan.jarrett.net-s");
    assert_eq!(answers(&sandbox, "buoy.cr"), "bob.example bob.example-s");
}

#[test]
fn any_command_writes_down_what_is_taken_over() {
    for words in
        [&["get"][..], &["list"], &["erase"], &["status"], &["which", "atcr.io/x/y"], &["account", "show", "atcr.io"]]
    {
        let (sandbox, path) = with_device_file(&version_2());
        let stdin = if words == ["erase"] { "other.example" } else { "atcr.io" };
        assert_eq!(sandbox.run(words, stdin).code, Some(0), "{words:?}");
        assert_eq!(sandbox.config()["registries"]["atcr.io"]["active"], "evan.jarrett.net", "{words:?}");
        assert_eq!(
            read_json(&sandbox.secrets_path("buoy.cr"))["secrets"],
            json!({"evan.jarrett.net": "atcr_device_b"})
        );
        assert_eq!(read_json(&path), version_2(), "{words:?}: the old file stays as it was");
    }
}

#[test]
fn a_file_of_no_known_form_is_left_alone() {
    for other in [json!([]), json!({}), json!({"version": 2}), json!({"registries": []}), json!({"handle": "a"})] {
        let (sandbox, path) = with_device_file(&other);
        assert_eq!(sandbox.run(&["get"], "atcr.io"), Run::not_found(), "{other}");
        assert!(!sandbox.config_path().exists());
        assert_eq!(read_json(&path), other);
    }
}

#[test]
fn secrets_are_in_private_files_and_the_config_holds_none() {
    let (sandbox, _) = with_device_file(&version_2());
    sandbox.ok(&["status"], "");
    let config = std::fs::read_to_string(sandbox.config_path()).unwrap();
    assert!(config.contains("evan.jarrett.net") && !config.contains("atcr_device_"), "{config}");
    for (path, mode) in [(sandbox.home().join("data/secrets"), 0o700), (sandbox.secrets_path("atcr.io"), 0o600)] {
        let permissions = std::fs::metadata(&path).unwrap().permissions();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&permissions) & 0o777, mode, "{}", path.display());
    }
}
