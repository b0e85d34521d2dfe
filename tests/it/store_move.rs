//! `store move`: it moves secrets to another store, and each secret is always in at least one store.
#![cfg(unix)]

use std::fs;

use serde_json::{Value, json};
use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, finish, write};

/// A helper that stores logins as files in the home folder, unless a file `refuse` exists.
const HELPER: &str = r#"#!/bin/sh
input=$(cat)
key() { printf '%s' "$1" | cksum | cut -d' ' -f1; }
[ -e "$HOME/refuse" ] && [ "$1" = store ] && exit 1
case $1 in
store) url=${input#*'"ServerURL":"'}; printf '%s' "$input" > "$HOME/kept-$(key "${url%%'"'*}")" ;;
get) cat "$HOME/kept-$(key "$input")" 2>/dev/null || { echo credentials not found in native keychain; exit 1; } ;;
erase) rm "$HOME/kept-$(key "$input")" 2>/dev/null || { echo credentials not found in native keychain; exit 1; } ;;
esac
"#;

fn with_accounts() -> Sandbox {
    let sandbox = Sandbox::new().with_program("docker-credential-kept", HELPER);
    let holder = format!("file:{}", sandbox.home().join("key").display());
    sandbox.ok(&["store", "key", "--holder", &holder], "");
    sandbox.ok(&["store", "file"], "");
    for (host, user) in [("ghcr.io", "me"), ("ghcr.io", "work"), ("quay.io", "me")] {
        sandbox.store(host, user, &format!("s3cret-of-{user}-at-{host}"));
    }
    sandbox
}

fn all_answer(sandbox: &Sandbox) -> bool {
    let answers = |host: &str, user: &str| {
        let run = sandbox.run(&["get"], &format!("{user}@{host}"));
        run.stdout.contains(&format!("\"s3cret-of-{user}-at-{host}\""))
    };
    answers("ghcr.io", "me") && answers("ghcr.io", "work") && answers("quay.io", "me")
}

fn store_of(sandbox: &Sandbox, host: &str, user: &str) -> Value {
    sandbox.config()["registries"][host]["accounts"][user]["store"].clone()
}

fn kept_by_helper(sandbox: &Sandbox) -> usize {
    let names = fs::read_dir(sandbox.home()).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().starts_with("kept-")).count()
}

/// `docker login` saves the two tokens before the account, and may be stopped between the two.
#[test]
fn tokens_of_a_docker_login_that_was_stopped_are_left_overs() {
    let of_carol = |sandbox: &Sandbox| {
        for token in ["access-token", "refresh-token"] {
            sandbox.store(&format!("https://index.docker.io/v1/{token}"), "carol", "t0ken");
        }
        sandbox.store("https://index.docker.io/v1/", "alice", "pw");
    };
    let sandbox = Sandbox::new();
    of_carol(&sandbox);
    let status = sandbox.run(&["status"], "").stderr;
    sandbox.ok(&["doctor", "--fix", "left-overs"], "");
    sandbox.store("quay.io", "bob", "pw");
    let kept = || std::fs::read_to_string(sandbox.secrets_path("docker.io")).unwrap_or_default();
    assert!(kept().contains("carol"), "a login may be in progress");
    let removed = sandbox.ok(&["logout", "docker.io", "--left-over", "carol"], "");
    assert!(!kept().contains("carol"));
    shows(
        &(status + &removed),
        str![[r#"
! 1 left-over secret without an account; to remove it:  docker-credential-ensign logout docker.io --left-over carol

"#]],
    );
    of_carol(&sandbox);
    sandbox.ok(&["logout", "docker.io", "--all"], "");
    assert!(kept().contains("carol"), "another config may have this account");
}

#[test]
fn secrets_go_from_each_store_to_each_other() {
    let sandbox = with_accounts();
    let mut transcript = String::new();
    for to in ["sealed", "helper:kept", "file", "helper:kept", "sealed", "file"] {
        let run = sandbox.run(&["store", "move", "--to", to], "");
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{run:?}");
        transcript += &run.transcript();
        assert!(all_answer(&sandbox), "{to}");
        assert_eq!(sandbox.home().join("data/secrets/ghcr.io.json").exists(), to == "file");
        assert_eq!(sandbox.home().join("data/sealed/ghcr.io.json").exists(), to == "sealed");
        assert_eq!(kept_by_helper(&sandbox), if to == "helper:kept" { 3 } else { 0 });
        let again = sandbox.run(&["store", "move", "--to", to], "");
        transcript += &again.transcript();
        assert_eq!(run.stderr.contains("clear text"), to == "file");
        assert_eq!(sandbox.run(&["status", "--json"], "").stdout.matches("\"secrets\":0").count(), 1);
    }
    shows(
        &transcript,
        str![[r#"
exit 0
--- stderr
✓ Moved 3 secrets to ~/data/sealed; the key is in `[HOME]/key`
exit 0
--- stdout
All secrets are in `sealed` already.
exit 0
--- stderr
✓ Moved 3 secrets to `docker-credential-kept`
exit 0
--- stdout
All secrets are in `helper:kept` already.
exit 0
--- stderr
✓ Moved 3 secrets to ~/data/secrets
! the secrets are in clear text there: anyone who reads the disk can use them
exit 0
--- stdout
All secrets are in `file` already.
exit 0
--- stderr
✓ Moved 3 secrets to `docker-credential-kept`
exit 0
--- stdout
All secrets are in `helper:kept` already.
exit 0
--- stderr
✓ Moved 3 secrets to ~/data/sealed; the key is in `[HOME]/key`
exit 0
--- stdout
All secrets are in `sealed` already.
exit 0
--- stderr
✓ Moved 3 secrets to ~/data/secrets
! the secrets are in clear text there: anyone who reads the disk can use them
exit 0
--- stdout
All secrets are in `file` already.

"#]],
    );
}

/// The old copy of the config names the old stores and aliases.
#[test]
fn a_restored_config_knows_where_the_secrets_are() {
    let sandbox = with_accounts();
    for words in [
        &["store", "move", "--to", "sealed"][..],
        &["store", "move", "--to", "helper:kept"],
        &["store", "move", "--to", "file"],
        &["account", "edit", "ghcr.io", "me", "--alias", "other"],
    ] {
        sandbox.ok(words, "");
        write(&sandbox.config_path(), b"{");
        sandbox.run(&["restore"], "").shows(str![[r#"
exit 0
--- stderr
✓ Put back the last good copy of `~/config/config.json`; the damaged one is `~/config/config.json.damaged`

"#]]);
        assert!(all_answer(&sandbox), "{words:?}");
    }
}

#[test]
fn accounts_are_named_by_host_alias_or_both() {
    let sandbox = with_accounts();
    for (words, moved) in [
        (&["quay.io"][..], &[("quay.io", "me")][..]),
        (&["work"], &[("ghcr.io", "work")]),
        (&["ghcr.io=me"], &[("ghcr.io", "me")]),
        (&["me"], &[("ghcr.io", "me"), ("quay.io", "me")]),
        (&["ghcr.io"], &[("ghcr.io", "me"), ("ghcr.io", "work")]),
        (&["work", "work"], &[("ghcr.io", "work")]),
        (&["ghcr.io", "me"], &[("ghcr.io", "me"), ("ghcr.io", "work"), ("quay.io", "me")]),
    ] {
        let json = sandbox.ok(&[&["store", "move"], words, &["--to", "sealed", "--json"]].concat(), "");
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["moved"].as_array().unwrap().len(), moved.len(), "{words:?}: {json}");
        for (host, user) in [("ghcr.io", "me"), ("ghcr.io", "work"), ("quay.io", "me")] {
            let expected = if moved.contains(&(host, user)) { "sealed" } else { "file" };
            assert_eq!(store_of(&sandbox, host, user), expected, "{words:?} {host} {user}");
        }
        sandbox.ok(&["store", "move", "--to", "file"], "");
    }
    for words in [&["nobody"][..], &["ghcr.io=nobody"]] {
        let run = sandbox.run(&[&["store", "move"], words, &["--to", "sealed"]].concat(), "");
        assert_eq!(run.code, Some(2), "{run:?}");
    }
}

/// The helpers of gcloud and Amazon ECR accept every secret and save none. Other helpers cut a long secret off.
#[test]
fn a_helper_that_only_claims_to_save_gets_no_secret() {
    let mut transcript = String::new();
    for script in ["#!/bin/sh\ncat >/dev/null\n", "#!/bin/sh\ncat >/dev/null\necho '{\"Secret\":\"s3cret-of\"}'\n"] {
        let sandbox = with_accounts().with_program("docker-credential-forgetful", script);
        transcript += &sandbox.run(&["store", "move", "--to", "helper:forgetful"], "").transcript();
        assert!(all_answer(&sandbox), "{script}");
        let login = ["login", "other.io", "-u", "me", "--password-stdin", "--no-verify", "--store", "helper:forgetful"];
        transcript += &sandbox.run(&login, "s3cret").transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stderr
error: the secret of me on ghcr.io could not be read by `docker-credential-forgetful`
hint: run `docker-credential-forgetful list` to see what is wrong
exit 1
--- stderr
error: could not save the login: the secret of me on other.io could not be read by `docker-credential-forgetful`
hint: run `docker-credential-forgetful list` to see what is wrong
exit 1
--- stderr
error: `docker-credential-forgetful` did not save the secret of me on ghcr.io
hint: run `docker-credential-ensign store --help`
exit 1
--- stderr
error: could not save the login: `docker-credential-forgetful` did not save the secret of me on other.io
hint: run `docker-credential-ensign store --help`

"#]],
    );
}

/// The helper's entry has whole seconds, and the time of an answer has not.
#[test]
fn a_secret_with_an_expiry_is_saved_in_a_helper() {
    let sandbox = with_accounts().with_program("lender", "#!/bin/sh\necho token\n").with("ENSIGN_STORE", "helper:kept");
    let words =
        ["login", "lent.io", "-u", "joe", "--no-verify", "--cache", "10m", "--borrow", "command", "--", "lender"];
    sandbox.ok(&words, "");
    assert_eq!(kept_by_helper(&sandbox), 1);
}

/// The config of another folder may have an account of the same name, whose secret is in the file store.
#[test]
fn a_secret_of_another_config_survives_a_logout_from_a_helper() {
    let sandbox = with_accounts();
    let in_others = |arguments: &[&str], stdin: &str| {
        let mut command = sandbox.command(arguments);
        command.env("ENSIGN_CONFIG_DIR", sandbox.home().join("others"));
        finish(command.spawn().unwrap(), stdin.as_bytes())
    };
    let login = |store| ["login", "r.example", "-u", "me", "--password-stdin", "--no-verify", "--store", store];
    assert_eq!(in_others(&login("file"), "s3cret").code, Some(0));
    sandbox.ok(&login("helper:kept"), "other");
    sandbox.ok(&["logout", "r.example"], "");
    sandbox.ok(&["public", "add", "ghcr.io/open/app"], "");
    assert!(in_others(&["get"], "r.example").stdout.contains("\"s3cret\""));
}

#[test]
fn what_fails_moves_nothing() {
    let sandbox = with_accounts();
    sandbox.ok(&["store", "move", "--to", "sealed"], "");
    write(&sandbox.home().join("refuse"), b"");
    let run = sandbox.run(&["store", "move", "--to", "helper:kept"], "");
    run.shows(str![[r#"
exit 1
--- stderr
error: the secret of me on ghcr.io could not be kept by `docker-credential-kept`
hint: run `echo '{"ServerURL":"https://example.com","Username":"x","Secret":"x"}' | docker-credential-kept store` to see what is wrong

"#]]);
    assert!(all_answer(&sandbox) && kept_by_helper(&sandbox) == 0);
    let key = sandbox.home().join("key");
    let own = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    let mut transcript = String::new();
    for to in ["file", "helper:kept"] {
        let run = sandbox.run(&["store", "move", "--to", to], "");
        transcript += &run.transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stderr
error: `[HOME]/key`, which holds the key of the sealed secrets, is missing
hint: mount the file, or put it back
exit 1
--- stderr
error: `[HOME]/key`, which holds the key of the sealed secrets, is missing
hint: mount the file, or put it back

"#]],
    );
    write(&key, &own);
    assert!(all_answer(&sandbox));
}

#[test]
fn an_account_that_the_environment_gives_stays_there() {
    let sandbox = with_accounts().with("ENSIGN_LOGIN_CI", "harbor.example robot s3cret");
    sandbox.ok(&["store", "move", "--to", "sealed"], "");
    let run = sandbox.run(&["store", "move", "harbor.example", "--to", "sealed"], "");
    run.shows(str![[r#"
exit 1
--- stderr
error: ci on harbor.example comes from the environment and cannot be changed here
hint: change ENSIGN_ACCOUNTS_FILE or the ENSIGN_LOGIN_ variable that defines the account

"#]]);
    assert_eq!(sandbox.who("harbor.example"), "robot");
}

#[test]
fn json_says_what_was_moved() {
    let sandbox = with_accounts();
    let json: Value =
        serde_json::from_str(&sandbox.ok(&["store", "move", "work", "--to", "sealed", "--json"], "")).unwrap();
    let moved = json!([{"registry": "ghcr.io", "account": "work"}]);
    assert_eq!(json, json!({"schema": 1, "status": "success", "store": "sealed", "moved": moved}));
    assert_eq!(sandbox.run(&["get"], "work@ghcr.io").code, Run::success("").code);
}

/// `docker login` saves two tokens beside the account of Docker Hub. No other helper keeps these tokens.
#[test]
fn docker_hubs_tokens_are_sealed_if_their_account_is_in_another_helper() {
    let token = "https://index.docker.io/v1/refresh-token";
    let moved = |sandbox: &Sandbox| {
        sandbox.store("https://index.docker.io/v1/", "hub", "s3cret");
        sandbox.store(token, "hub", "t0ken");
        let run = sandbox.run(&["store", "move", "docker.io", "--to", "helper:kept"], "");
        assert!(sandbox.run(&["get"], token).stdout.contains("t0ken"), "{run:?}");
        assert_eq!(sandbox.home().join("data/sealed/docker.io.json").exists(), sandbox.home().join("key").exists());
        assert_eq!(sandbox.secrets_path("docker.io").exists(), !sandbox.home().join("key").exists());
        run
    };
    let sandbox = with_accounts();
    moved(&sandbox);
    sandbox.store(token, "hub", "t0ken-2");
    assert!(!sandbox.secrets_path("docker.io").exists());
    moved(&Sandbox::new().with_program("docker-credential-kept", HELPER)).shows(str![[r#"
exit 0
--- stderr
✓ Moved the secret of hub on docker.io to `docker-credential-kept`
! the tokens of `docker login` for hub stay in ~/data/secrets, in clear text

"#]]);
}
