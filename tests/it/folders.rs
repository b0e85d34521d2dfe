//! Folders of accounts behind links. The system reports a process's folder without links, but a person types a path
//! with links.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::{Value, json};
use snapbox::str;

use crate::support::{Sandbox, finish, write};

/// A home with the accounts `work` and `me`, of which `me` is the default. The link `~/link` leads to its folder
/// `real/acme`.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "work", "pw");
    sandbox.store("ghcr.io", "me", "pw");
    fs::create_dir_all(sandbox.home().join("real/acme/sub")).unwrap();
    symlink(sandbox.home().join("real/acme"), sandbox.home().join("link")).unwrap();
    sandbox
}

fn who_in(sandbox: &Sandbox, home: &Path, folder: &str) -> String {
    let mut command = sandbox.command(&["get"]);
    let run = finish(command.current_dir(folder).env("HOME", home).spawn().unwrap(), b"ghcr.io");
    let answer: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"));
    answer["Username"].as_str().unwrap().to_owned()
}

#[test]
fn an_account_is_used_in_the_folder_that_a_link_leads_to() {
    for typed in ["~/link", "link", "link/sub/..", "link/../../real/acme", "real/acme"] {
        let sandbox = sandbox();
        sandbox.ok(&["account", "edit", "ghcr.io", "work", "--folder", typed], "");
        let folders = &sandbox.config()["registries"]["ghcr.io"]["accounts"]["work"]["folders"];
        assert_eq!(*folders, json!(["~/real/acme"]), "{typed}");
        for (folder, who) in [("link", "work"), ("real/acme/sub", "work"), ("link/sub", "work"), ("real", "me")] {
            let folder = sandbox.home().join(folder);
            assert_eq!(who_in(&sandbox, sandbox.home(), folder.to_str().unwrap()), who, "{typed}: {folder:?}");
        }
    }
}

#[test]
fn the_home_folder_may_lie_behind_a_link() {
    let sandbox = sandbox();
    let elsewhere = tempfile::tempdir().unwrap();
    let home = elsewhere.path().join("me");
    symlink(sandbox.home(), &home).unwrap();
    let run = |words: &[&str], folder: &Path| {
        let run = finish(sandbox.command(words).current_dir(folder).env("HOME", &home).spawn().unwrap(), b"");
        assert_eq!(run.code, Some(0), "{run:?}");
        run.stdout
    };
    for (typed, from) in [("~/real/acme", Path::new("/")), (".", &home.join("link")), ("link", &home)] {
        run(&["account", "edit", "ghcr.io", "work", "--folder", typed], from);
        let folders = &sandbox.config()["registries"]["ghcr.io"]["accounts"]["work"]["folders"];
        assert_eq!(*folders, json!(["~/real/acme"]), "{typed}");
        let inside = home.join("real/acme/sub");
        assert_eq!(who_in(&sandbox, &home, inside.to_str().unwrap()), "work");
        assert_eq!(run(&["prompt"], &inside), "ghcr.io=work\n");
        assert!(run(&["which", "ghcr.io"], &inside).starts_with("work"));
        assert_eq!(who_in(&sandbox, &home, home.to_str().unwrap()), "me");
    }
}

#[test]
fn a_folder_that_is_not_there_yet_is_kept_as_it_was_typed() {
    let sandbox = sandbox();
    sandbox.ok(&["account", "edit", "ghcr.io", "work", "--folder", "~/new/./a/../b", "--folder", "link/new"], "");
    let folders = &sandbox.config()["registries"]["ghcr.io"]["accounts"]["work"]["folders"];
    assert_eq!(*folders, json!(["~/new/b", "~/real/acme/new"]));
    let run = sandbox.run(&["account", "edit", "ghcr.io", "work", "--folder", "~/new", "--folder", "link"], "");
    assert_eq!(run.code, Some(0));
    run.shows(str![[r#"
exit 0
--- stderr
✓ Changed work on ghcr.io
  Used for  ghcr.io/work/**
  Used in   ~/new, ~/real/acme
! the folder ~/new does not exist yet

"#]]);
}

#[test]
fn a_config_may_name_a_folder_by_way_of_home_or_without_links() {
    let sandbox = sandbox();
    let elsewhere = tempfile::tempdir().unwrap();
    let home = elsewhere.path().join("me");
    symlink(sandbox.home(), &home).unwrap();
    let real = sandbox.home().canonicalize().unwrap();
    let mut config = sandbox.config();
    for (work, me, who) in [
        (real.join("real/acme"), home.join("real"), "work"),
        (home.join("real/acme"), real.join("real"), "work"),
        (real.clone(), home.join("real/acme"), "me"),
        (real.join("real/acme"), home.join("real/acme"), "me"), // a tie, so the default answers
    ] {
        for (account, folder) in [("work", work), ("me", me)] {
            config["registries"]["ghcr.io"]["accounts"][account]["folders"] = json!([folder]);
        }
        write(&sandbox.config_path(), config.to_string().as_bytes());
        let inside = home.join("real/acme/sub");
        assert_eq!(who_in(&sandbox, &home, inside.to_str().unwrap()), who, "{config}");
    }
}
