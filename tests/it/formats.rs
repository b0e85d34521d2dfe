//! Every format that the config ever had: adopted, migrated, and kept.

use std::path::PathBuf;

use serde_json::{Value, json};
use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, read_json, write};

fn fixtures(version: &str) -> Vec<Value> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config").join(version);
    let files = std::fs::read_dir(folder).unwrap().map(|entry| read_json(&entry.unwrap().path()));
    let files: Vec<_> = files.collect();
    assert!(!files.is_empty());
    files
}

fn atcr_file(sandbox: &Sandbox) -> PathBuf {
    sandbox.home().join(".atcr/device.json")
}

/// Asserts that the config and the secrets are those of the fixture, and that ATCR's file is unchanged.
fn assert_adopted(sandbox: &Sandbox, fixture: &Value) {
    assert_eq!(sandbox.config()["registries"], fixture["registries"]);
    assert_eq!(sandbox.config()["version"], json!(3));
    for (registry, secrets) in fixture["secrets"].as_object().unwrap() {
        assert_eq!(read_json(&sandbox.secrets_path(registry))["secrets"], *secrets);
    }
    assert_eq!(read_json(&atcr_file(sandbox)), fixture["file"]);
}

#[test]
fn atcrs_formats_are_adopted_by_any_command_on_first_load() {
    for fixture in ["v0", "v1", "v2"].iter().flat_map(|version| fixtures(version)) {
        for command in [
            vec!["get"],
            vec!["list"],
            vec!["status"],
            vec!["store"],
            vec!["login", "x.example", "-u", "u", "--password-stdin", "--no-verify"],
        ] {
            let sandbox = Sandbox::new();
            write(&atcr_file(&sandbox), fixture["file"].to_string().as_bytes());
            let stdin = match command[0] {
                "store" => r#"{"ServerURL":"x.example","Username":"u","Secret":"s"}"#,
                _ => "atcr.io",
            };
            let run = sandbox.run(&command, stdin);
            assert_eq!(run.code, Some(0), "{command:?} {run:?}");
            if command[0] == "get" {
                let answer =
                    "{\"ServerURL\":\"atcr.io\",\"Username\":\"alice.example.com\",\"Secret\":\"atcr_device_a\"}\n";
                assert_eq!(run, Run::success(answer));
            }
            if matches!(command[0], "store" | "login") {
                sandbox.ok(&["logout", "x.example"], "");
            }
            assert_adopted(&sandbox, &fixture);
        }
    }
}

#[test]
fn a_person_is_told_what_is_taken_over_and_what_is_not() {
    let sandbox = Sandbox::new();
    write(&atcr_file(&sandbox), fixtures("v1").remove(0)["file"].to_string().as_bytes());
    sandbox.run(&["status"], "").shows(str![[r#"
exit 0
--- stdout
atcr.io
  ● alice.example.com  default   alice.example.com/**, did:plc:abc123/**   in clear text

buoy.cr
  ● bob.example.com  default   bob.example.com/**   in clear text

Docker does not ask Ensign for atcr.io, buoy.cr; to change that:
  docker-credential-ensign configure-docker
--- stderr
! 2 accounts of ATCR's helper are taken over; the helper's file is unchanged
! not taken over: carol.example.com on https://no.secret: the entry has no secret

"#]]);
    assert_eq!(sandbox.run(&["status"], "").stderr, "");
}

#[test]
fn an_adopted_file_is_adopted_only_once() {
    let sandbox = Sandbox::new();
    let fixture = fixtures("v2").remove(0);
    write(&atcr_file(&sandbox), fixture["file"].to_string().as_bytes());
    sandbox.ok(&["logout", "atcr.io", "--all"], "");
    assert_eq!(sandbox.run(&["get"], "atcr.io"), Run::not_found());
    assert_eq!(sandbox.who("buoy.cr"), "bob.example.com");
    assert_eq!(read_json(&atcr_file(&sandbox)), fixture["file"]);
}

/// Ensign reads ATCR's file only while there is no config, so Ensign must not write a config while that file is
/// unreadable.
#[test]
fn a_file_of_atcr_that_cannot_be_read_is_not_the_same_as_none() {
    let fixture = fixtures("v2").remove(0)["file"].to_string();
    let mut transcript = String::new();
    for half in [true, false] {
        let sandbox = Sandbox::new();
        if half {
            write(&atcr_file(&sandbox), &fixture.as_bytes()[..fixture.len() / 2]);
        } else {
            std::fs::create_dir_all(atcr_file(&sandbox)).unwrap();
        }
        for words in
            [&["get"][..], &["store"], &["status"], &["login", "x.io", "-u", "me", "--no-verify", "--password-stdin"]]
        {
            let run = sandbox.run(words, r#"{"ServerURL":"x.example","Username":"u","Secret":"s"}"#);
            let told = format!("{}{}", run.stdout, run.stderr);
            assert!(run.code != Some(0), "{run:?}");
            transcript += &run.transcript();
            assert!(told.contains("mv ") && !told.contains("atcr_device"), "{run:?}");
        }
        assert!(!sandbox.config_path().exists());
        let _ = std::fs::remove_dir(atcr_file(&sandbox));
        write(&atcr_file(&sandbox), fixture.as_bytes());
        sandbox.store("x.example", "u", "s");
        assert_eq!(sandbox.who("atcr.io"), "alice.example.com");
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stdout
could not adopt the accounts of ATCR's helper: `~/.atcr/device.json` is broken at line 1: fix that file, or ignore it: `mv [HOME]/.atcr/device.json [HOME]/.atcr/device.json.old`
exit 1
--- stdout
could not adopt the accounts of ATCR's helper: `~/.atcr/device.json` is broken at line 1: fix that file, or ignore it: `mv [HOME]/.atcr/device.json [HOME]/.atcr/device.json.old`
exit 1
--- stderr
error: could not adopt the accounts of ATCR's helper: `~/.atcr/device.json` is broken at line 1
hint: fix that file, or ignore it: `mv [HOME]/.atcr/device.json [HOME]/.atcr/device.json.old`
exit 1
--- stderr
error: could not adopt the accounts of ATCR's helper: `~/.atcr/device.json` is broken at line 1
hint: fix that file, or ignore it: `mv [HOME]/.atcr/device.json [HOME]/.atcr/device.json.old`
exit 1
--- stdout
could not adopt the accounts of ATCR's helper: could not read `[HOME-2]/.atcr/device.json`: it is not a file: fix that file, or ignore it: `mv [HOME-2]/.atcr/device.json [HOME-2]/.atcr/device.json.old`
exit 1
--- stdout
could not adopt the accounts of ATCR's helper: could not read `[HOME-2]/.atcr/device.json`: it is not a file: fix that file, or ignore it: `mv [HOME-2]/.atcr/device.json [HOME-2]/.atcr/device.json.old`
exit 1
--- stderr
error: could not adopt the accounts of ATCR's helper: could not read `[HOME-2]/.atcr/device.json`: it is not a file
hint: fix that file, or ignore it: `mv [HOME-2]/.atcr/device.json [HOME-2]/.atcr/device.json.old`
exit 1
--- stderr
error: could not adopt the accounts of ATCR's helper: could not read `[HOME-2]/.atcr/device.json`: it is not a file
hint: fix that file, or ignore it: `mv [HOME-2]/.atcr/device.json [HOME-2]/.atcr/device.json.old`

"#]],
    );
    let sandbox = Sandbox::new();
    write(&atcr_file(&sandbox), b"");
    sandbox.store("x.example", "u", "s");
}

/// Ensign still answers if it cannot write to the home: each call adopts the accounts in memory.
#[cfg(unix)]
#[test]
fn adoption_needs_no_writable_home() {
    let sandbox = Sandbox::new();
    let below_a_file = sandbox.home().join("file/config").display().to_string();
    let sandbox = sandbox.with("ENSIGN_CONFIG_DIR", &below_a_file);
    write(&atcr_file(&sandbox), fixtures("v2").remove(0)["file"].to_string().as_bytes());
    write(&sandbox.home().join("file"), b"no folder can be made below a file");
    for _ in 0..2 {
        assert_eq!(sandbox.who("atcr.io"), "alice.example.com");
    }
}

#[test]
fn an_edit_keeps_every_field_of_today_and_tomorrow() {
    for fixture in fixtures("v3") {
        let sandbox = Sandbox::new();
        write(&sandbox.config_path(), fixture["file"].to_string().as_bytes());
        sandbox.store("x.example", "u", "s");
        sandbox.ok(&["logout", "x.example"], "");
        assert_eq!(sandbox.config()["registries"], fixture["registries"]);
        assert_eq!(sandbox.config()["future"], fixture["file"]["future"]);
    }
}

#[test]
fn a_newer_version_is_read_where_it_can_be_and_never_written() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "me", "s3cret");
    let newer = sandbox.config().to_string().replace("\"version\":3", "\"version\":4");
    write(&sandbox.config_path(), newer.as_bytes());
    assert_eq!(sandbox.who("ghcr.io"), "me");
    let run = sandbox.run(&["store"], r#"{"ServerURL":"x.example","Username":"u","Secret":"s"}"#);
    run.shows(str![[r#"
exit 1
--- stdout
`~/config/config.json` has version 4 and was written by a newer Ensign: install that version here too

"#]]);
    write(&sandbox.config_path(), br#"{"version": 4, "registries": [{"name": "ghcr.io"}]}"#);
    sandbox.run(&["get"], "ghcr.io").shows(str![[r#"
exit 1
--- stdout
`~/config/config.json` has version 4 and was written by a newer Ensign: install that version here too

"#]]);
    assert_eq!(sandbox.config(), json!({"version": 4, "registries": [{"name": "ghcr.io"}]}));
}
