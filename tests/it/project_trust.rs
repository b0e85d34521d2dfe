//! `trust`: what it asks, lists and withdraws, and when two paths are the same file.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};
use snapbox::str;

use crate::project::{WORK, file, project, run_in, trust, who_in};
use crate::support::{Run, finish, write};

#[test]
fn trust_says_what_the_file_would_do_and_asks() {
    let sandbox = project("[accounts]\n'ghcr.io' = 'work'\n'quay.io' = 'ci'\n[new]\nsecret = 'hunter2'\n");
    let run = run_in(&sandbox, "p/sub", &["trust"]);
    let path = file(&sandbox);
    run.shows(str![[r#"
exit 2
--- stderr
~/p/.ensign.toml names these accounts for commands in ~/p and below:
  ghcr.io  work
  quay.io  ci   (missing: docker-credential-ensign login quay.io --alias ci)
! ~/p/.ensign.toml has unknown fields, which Ensign ignores: new
error: there is no terminal to ask about `~/p/.ensign.toml`
hint: run `docker-credential-ensign trust --yes [HOME]/p/.ensign.toml`

"#]]);
    assert_eq!(sandbox.config()["trusted"], Value::Null);
    let run = run_in(&sandbox, "", &["trust", "--yes", "p"]);
    run.shows(str![[r#"
exit 0
--- stderr
~/p/.ensign.toml names these accounts for commands in ~/p and below:
  ghcr.io  work
  quay.io  ci   (missing: docker-credential-ensign login quay.io --alias ci)
! ~/p/.ensign.toml has unknown fields, which Ensign ignores: new
✓ Trusted ~/p/.ensign.toml, as it is now

"#]]);
    let digest = sandbox.config()["trusted"][&path].as_str().unwrap().to_owned();
    assert!(digest.starts_with("sha256:") && digest.len() == 71, "{digest}");
    run_in(&sandbox, "p", &["trust"]).shows(str![[r#"
exit 0
--- stdout
~/p/.ensign.toml is trusted already.

"#]]);
    let json: Value = serde_json::from_str(&run_in(&sandbox, "p", &["--json", "trust", "--yes"]).stdout).unwrap();
    let accounts = json!({"ghcr.io": "work", "quay.io": "ci"});
    assert_eq!((&json["accounts"], &json["file"], &json["unknown"]), (&accounts, &json!(path), &json!(["new"])));
}

#[test]
fn the_hint_of_trust_writes_a_missing_file_and_keeps_another() {
    let sandbox = project(WORK);
    fs::remove_file(sandbox.home().join("p/.ensign.toml")).unwrap();
    let run = run_in(&sandbox, "p", &["trust"]);
    run.shows(str![[r#"
exit 1
--- stderr
error: there is no .ensign.toml here or in a folder above
hint: write the file, for example: `printf '[accounts]\n"ghcr.io" = "work"\n' >>.ensign.toml`

"#]]);
    let command = run.stderr.split('`').nth(1).unwrap();
    let shell = std::process::Command::new("sh").args(["-c", command]).current_dir(sandbox.home().join("p")).status();
    assert!(shell.unwrap().success());
    assert_eq!(run_in(&sandbox, "p", &["trust", "--yes"]).code, Some(0));
    let mut transcript = String::new();
    for text in ["[new]\nnote = 'mine'\n", "[accounts"] {
        write(&sandbox.home().join("p/.ensign.toml"), text.as_bytes());
        transcript += &run_in(&sandbox, "p", &["trust"]).transcript();
    }
    crate::support::snapshots::shows(
        &transcript,
        str![[r#"
exit 1
--- stderr
error: `~/p/.ensign.toml` names no account
hint: write a line such as "ghcr.io" = "work" below [accounts]: `"${EDITOR:-vi}" ~/p/.ensign.toml`
exit 1
--- stderr
error: `~/p/.ensign.toml` is broken at line 1: unclosed table, expected `]`
hint: fix the file: `"${EDITOR:-vi}" ~/p/.ensign.toml`

"#]],
    );
}

#[test]
fn what_is_trusted_is_listed_and_taken_back() {
    let sandbox = project(WORK);
    sandbox.run(&["trust", "--list"], "").shows(str![[r#"
exit 0
--- stdout
No file is trusted.

"#]]);
    trust(&sandbox);
    assert_eq!(sandbox.run(&["trust", "--list"], ""), Run::success("~/p/.ensign.toml\n"));
    write(&sandbox.home().join("p/.ensign.toml"), b"");
    let list: Value = serde_json::from_str(&sandbox.ok(&["trust", "--list", "--json"], "")).unwrap();
    assert_eq!(list["trusted"], json!([{"file": file(&sandbox), "state": "changed"}]));
    let path = file(&sandbox);
    fs::remove_file(&path).unwrap();
    run_in(&sandbox, "p/sub", &["trust", "--revoke"]).shows(str![[r#"
exit 0
--- stderr
✓ ~/p/.ensign.toml is no longer trusted

"#]]);
    run_in(&sandbox, "p/sub", &["trust", "--revoke"]).shows(str![[r#"
exit 1
--- stderr
error: there is no .ensign.toml here or in a folder above
hint: write the file, for example: `printf '[accounts]\n"ghcr.io" = "work"\n' >>.ensign.toml`

"#]]);
    write(&sandbox.home().join("p/.ensign.toml"), WORK.as_bytes());
    trust(&sandbox);
    fs::remove_dir_all(sandbox.home().join("p")).unwrap();
    sandbox.run(&["trust", "--list"], "").shows(str![[r#"
exit 0
--- stdout
~/p/.ensign.toml   (is gone)

"#]]);
    sandbox.run(&["trust", "--revoke", &path], "").shows(str![[r#"
exit 0
--- stderr
✓ ~/p/.ensign.toml is no longer trusted

"#]]);
    sandbox.run(&["trust", "--revoke", &path], "").shows(str![[r#"
exit 0
--- stdout
~/p/.ensign.toml was not trusted.

"#]]);
    assert_eq!(sandbox.config().get("trusted"), None);
}

#[test]
fn a_missing_file_and_another_file_are_told_with_how_one_looks() {
    let sandbox = project(WORK);
    let run = sandbox.run(&["trust", "--yes"], "");
    run.shows(str![[r#"
exit 1
--- stderr
error: there is no .ensign.toml here or in a folder above
hint: write the file, for example: `printf '[accounts]\n"ghcr.io" = "work"\n' >>.ensign.toml`

"#]]);
    assert_eq!(sandbox.run(&["trust", "--yes", "p/sub/file"], "").code, Some(2));
    sandbox.run(&["trust", "--yes", "p/sub"], "").shows(str![[r#"
exit 1
--- stderr
error: there is no file `~/p/sub/.ensign.toml`
hint: write the file, for example: `printf '[accounts]\n"ghcr.io" = "work"\n' >>~/p/sub/.ensign.toml`

"#]]);
    write(&sandbox.home().join("p/.ensign.toml"), b"[later]\nx = 1");
    let run = sandbox.run(&["trust", "--yes", "p"], "");
    run.shows(str![[r#"
exit 1
--- stderr
error: `~/p/.ensign.toml` names no account
hint: write a line such as "ghcr.io" = "work" below [accounts]: `"${EDITOR:-vi}" ~/p/.ensign.toml`

"#]]);
}

#[test]
fn links_to_a_folder_are_the_folder_and_a_link_to_a_file_is_another_file() {
    let sandbox = project(WORK);
    symlink("p", sandbox.home().join("link")).unwrap();
    let run = run_in(&sandbox, "", &["trust", "--yes", "link/.ensign.toml"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(sandbox.config()["trusted"].as_object().unwrap().keys().next(), Some(&file(&sandbox)));
    for folder in ["link/sub", "p/sub"] {
        assert_eq!(who_in(&sandbox, folder, "ghcr.io"), "work", "{folder}");
    }
    fs::create_dir(sandbox.home().join("q")).unwrap();
    symlink("../p/.ensign.toml", sandbox.home().join("q/.ensign.toml")).unwrap();
    assert_eq!(who_in(&sandbox, "q", "ghcr.io"), "me");
}

#[test]
fn files_trusted_at_the_same_time_are_all_trusted() {
    let sandbox = project(WORK);
    let folders: Vec<String> = (0..8).map(|n| format!("many/{n}")).collect();
    for folder in &folders {
        write(&sandbox.home().join(folder).join(".ensign.toml"), WORK.as_bytes());
    }
    let started: Vec<_> =
        folders.iter().map(|folder| sandbox.command(&["trust", "--yes", folder]).spawn().unwrap()).collect();
    for child in started {
        assert_eq!(finish(child, b"").code, Some(0));
    }
    assert_eq!(sandbox.config()["trusted"].as_object().unwrap().len(), 8);
    assert!(folders.iter().all(|folder| who_in(&sandbox, folder, "ghcr.io") == "work"));
}
