//! Imports that are refused or cannot be written: no change is half done.
#![cfg(unix)]

use serde_json::json;
use snapbox::str;

use crate::import::full;
use crate::import::{auth, containers, docker};
use crate::support::snapshots::shows;
use crate::support::{Sandbox, write};

#[test]
fn an_account_that_gets_its_secrets_by_itself_is_left_alone() {
    let sandbox = Sandbox::new().with("PATH", "/nowhere");
    let config = json!({"version": 3, "registries": {"quay.io": {"active": "carol", "accounts": {"carol": {
        "username": "carol", "store": "file", "source": {"borrow": "gh", "host": "github.com"}}}}}});
    write(&sandbox.config_path(), config.to_string().as_bytes());
    docker(&sandbox, &json!({"auths": {"quay.io": auth("carol", "s3cret")}}));
    let run = sandbox.run(&["import"], "");
    run.shows(str![[r#"
exit 0
--- stdout
  quay.io  carol  ~/.docker/config.json  skipped: carol gets its secrets from another program

"#]]);
    assert_eq!(sandbox.config(), config);
}

#[test]
fn wrong_words_are_told_before_anything_is_read() {
    let sandbox = full();
    let mut transcript = String::new();
    for arguments in [vec!["import", "nothing.json"], vec!["import", "helper:ensign"], vec!["import", "--host", "a/b"]]
    {
        let run = sandbox.run(&arguments, "");
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        transcript += &run.transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 2
--- stderr
error: there is no file `nothing.json`
hint: name a file, or one of env, docker, containers, finch, helm, atcr, keyring or helper:NAME
exit 2
--- stderr
error: `ensign` is not a valid name of another helper
hint: name the helper as in `helper:pass`, for docker-credential-pass
exit 2
--- stderr
error: `a/b` is not a registry: a registry is only a host, without a repository
hint: name the registry as in `ghcr.io`

"#]],
    );
    sandbox.run(&["import", "env"], "").shows(str![[r#"
exit 0
--- stderr
No logins found. To add an account:  docker-credential-ensign login HOST

"#]]);
}

/// A second write of the config would have left a backup copy.
#[test]
fn many_logins_are_kept_in_one_write() {
    let sandbox = Sandbox::new().with("PATH", "/nowhere");
    let mut auths = serde_json::Map::new();
    for number in 0..50 {
        let user = format!("user{number}");
        auths.insert(format!("r{}.example/team{number}", number % 10), auth(&user, &format!("s3cret{number}")));
    }
    auths.insert("docker.io".into(), auth("moby", "whale"));
    write(&sandbox.home().join("auth.json"), json!({"auths": auths}).to_string().as_bytes());
    sandbox.ok(&["import", "auth.json"], "");
    assert!(!sandbox.config_path().with_extension("json.bak").exists());
    for number in 0..50 {
        let answer = sandbox.run(&["get"], &format!("r{}.example/team{number}/app", number % 10)).stdout;
        assert!(answer.contains(&format!("s3cret{number}\"")), "{number}: {answer}");
    }
    let config = sandbox.config();
    let registries = config["registries"].as_object().unwrap();
    assert_eq!(registries.values().map(|one| one["accounts"].as_object().unwrap().len()).sum::<usize>(), 51);
    let before = std::fs::read(sandbox.config_path()).unwrap();
    sandbox.ok(&["import", "auth.json"], "");
    assert_eq!(std::fs::read(sandbox.config_path()).unwrap(), before);
}

#[test]
fn a_registry_whose_secrets_cannot_be_written_keeps_no_other_back() {
    let sandbox = Sandbox::new().with("PATH", "/nowhere");
    let broken = sandbox.secrets_path("b.example");
    write(&broken, b"{");
    let auths = json!({"a.example": auth("alice", "pw"), "b.example": auth("bob", "pw"), "b.example/team": auth("ben", "pw"),
        "c.example": auth("carol", "pw")});
    write(&sandbox.home().join("auth.json"), json!({"auths": auths}).to_string().as_bytes());
    let run = sandbox.run(&["import", "auth.json", "--json"], "");
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.code, report["status"].as_str()), (Some(1), Some("error")), "{run:?}");
    assert_eq!(run.stdout.matches("the secrets of b.example").count(), 2, "{run:?}");
    let config = sandbox.config();
    let registries: Vec<_> = config["registries"].as_object().unwrap().keys().collect();
    assert_eq!(registries, ["a.example", "c.example"]);
    assert_eq!(std::fs::read(&broken).unwrap(), b"{");
    assert_eq!(sandbox.who("c.example"), "carol");
}

/// `import` stores each login in the helper separately, so one refused login does not affect the others.
#[test]
fn a_login_that_another_store_refuses_affects_no_other() {
    let script = "#!/bin/sh\ninput=$(cat)\ncase $1$input in store*ben*) exit 1 ;; store*) echo \"$input\" >~/kept ;; get*) cat ~/kept ;; esac\n";
    let sandbox = Sandbox::new().with_program("docker-credential-picky", script);
    write(&sandbox.config_path(), br#"{"version": 3, "store": "helper:picky"}"#);
    let auths = json!({"b.example": auth("bob", "pw"), "b.example/team": auth("ben", "pw")});
    write(&sandbox.home().join("auth.json"), json!({"auths": auths}).to_string().as_bytes());
    let run = sandbox.run(&["import", "auth.json"], "");
    assert_eq!((run.code, run.stderr.contains("not imported: ben")), (Some(1), true), "{run:?}");
    let accounts = sandbox.config()["registries"]["b.example"]["accounts"].clone();
    assert_eq!(accounts.as_object().unwrap().keys().collect::<Vec<_>>(), ["bob"]);
}

/// `import` writes secrets before the config. If the config cannot be written, `import` removes the secrets again.
#[cfg(unix)]
#[test]
fn an_import_whose_config_cannot_be_written_leaves_no_secrets() {
    let sandbox = Sandbox::new().with("PATH", "/nowhere");
    std::fs::create_dir_all(sandbox.config_path().with_extension("json.bak")).unwrap(); // blocks the backup copy
    sandbox.store("a.example", "alice", "old");
    let auths = json!({"a.example": auth("alice", "new"), "b.example": auth("bob", "pw")});
    write(&sandbox.home().join("auth.json"), json!({"auths": auths}).to_string().as_bytes());
    let run = sandbox.run(&["import", "auth.json", "--replace"], "");
    assert_eq!(run.code, Some(1), "{run:?}");
    run.shows(str![[r#"
exit 1
--- stdout
  a.example  alice  auth.json  replaces the other secret
  b.example  bob    auth.json  new
--- stderr
! not imported: alice on a.example: could not be saved: could not keep a copy of `[HOME]/config/config.json`: Is a directory (os error 21): move it away: `mv [HOME]/config/config.json.bak.new [HOME]/config/config.json.bak.new.aside`
! not imported: bob on b.example: could not be saved: could not keep a copy of `[HOME]/config/config.json`: Is a directory (os error 21): move it away: `mv [HOME]/config/config.json.bak.new [HOME]/config/config.json.bak.new.aside`

"#]]);
    assert!(!sandbox.secrets_path("b.example").exists());
    assert_eq!(sandbox.config()["registries"].as_object().unwrap().len(), 1);
}

#[test]
fn a_damaged_file_keeps_all_logins_and_is_reported_once() {
    let sandbox = Sandbox::new().with("PATH", "/nowhere");
    docker(&sandbox, &json!({"auths": {"quay.io": auth("carol", "s3cret")}}));
    let config = sandbox.home().join(".docker/config.json");
    let before = std::fs::read_to_string(&config).unwrap();
    write(&sandbox.home().join(".config/containers/auth.json"), b"{");
    let run = sandbox.run(&["import", "docker", "--remove"], "");
    assert_eq!((run.code, run.stderr.matches("! not removed: ").count()), (Some(1), 1), "{run:?}");
    assert_eq!(std::fs::read_to_string(&config).unwrap(), before);
}

#[test]
fn files_that_cannot_be_written_are_named_in_the_order_of_the_search() {
    let sandbox = Sandbox::new().with("PATH", "/nowhere");
    let first = docker(&sandbox, &json!({"auths": {"quay.io": auth("carol", "s3cret")}, "credsStore": "ensign"}));
    let helpers = json!({"a.example": "ensign", "b.example": "ensign"});
    let auths = json!({"a.example": auth("alice", "s3cret"), "b.example": auth("bob", "s3cret")});
    let second = containers(&sandbox, &json!({"auths": auths, "credHelpers": helpers}));
    for path in [&first, &second] {
        std::fs::create_dir(path.with_extension("json.new")).unwrap();
    }
    let run = sandbox.run(&["import", "--remove"], "");
    let failures: Vec<_> = run.stderr.lines().filter(|line| line.contains("! not removed: ")).collect();
    assert_eq!(failures.len(), 2, "{run:?}");
    assert!(failures[0].contains("/.docker/") && failures[1].contains("/containers/"), "{run:?}");
}
