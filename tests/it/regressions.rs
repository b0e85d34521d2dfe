//! Tests for faults that were fixed.

use serde_json::{Value, json};
use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{NOT_FOUND, Run, Sandbox, read_json, write};

const HUB: &str = "https://index.docker.io/v1/";
const HUB_REFRESH: &str = "https://index.docker.io/v1/refresh-token";

fn secret(sandbox: &Sandbox, server: &str) -> String {
    let run = sandbox.run(&["get"], server);
    let answer: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"));
    answer["Secret"].as_str().unwrap().to_owned()
}

fn secrets(sandbox: &Sandbox, registry: &str) -> Value {
    read_json(&sandbox.secrets_path(registry))
}

/// Prevents writes of the config, by a folder in place of its temporary file.
fn block_config(sandbox: &Sandbox) {
    write(&sandbox.home().join("config/config.json.new/in-the-way"), b"");
}

#[cfg(unix)]
mod helper_store {
    use super::*;

    /// A helper with one file per address in `$HOME/kept`. `get` and `store` fail while `$HOME/locked` exists.
    const HELPER: &str = r#"#!/bin/sh
read -r input
place() { mkdir -p "$HOME/kept"; printf %s "$HOME/kept/$(printf %s "$1" | tr '/:' '__')"; }
[ -e "$HOME/locked" ] && [ "$1" != erase ] && { echo "it is locked"; exit 1; }
case $1 in
get) cat "$(place "$input")" 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
store) printf %s "$input" >"$(place "$(printf %s "$input" | sed 's/.*"ServerURL":"\([^"]*\)".*/\1/')")" ;;
erase) rm -f "$(place "$input")" ;;
esac
"#;

    fn login(sandbox: &Sandbox, store: &str, secret: &str) {
        let words = ["login", "ghcr.io", "-u", "alice", "--password-stdin", "--no-verify", "--store", store];
        sandbox.ok(&words, secret);
    }

    fn kept(sandbox: &Sandbox) -> usize {
        std::fs::read_dir(sandbox.home().join("kept")).map_or(0, Iterator::count)
    }

    #[test]
    fn a_login_to_another_store_leaves_nothing_in_the_old_one() {
        let sandbox = Sandbox::new().with_program("docker-credential-fake", HELPER);
        sandbox.store("ghcr.io", "alice", "one");
        login(&sandbox, "helper:fake", "two");
        assert!(!sandbox.secrets_path("ghcr.io").exists());
        assert_eq!((secret(&sandbox, "ghcr.io").as_str(), kept(&sandbox)), ("two", 1));
        login(&sandbox, "file", "three");
        assert_eq!((secret(&sandbox, "ghcr.io").as_str(), kept(&sandbox)), ("three", 0));
    }

    #[test]
    fn a_login_that_a_locked_store_refuses_takes_nothing_away() {
        let sandbox = Sandbox::new().with_program("docker-credential-fake", HELPER);
        login(&sandbox, "helper:fake", "one");
        write(&sandbox.home().join("locked"), b"");
        let entry = json!({"ServerURL": "ghcr.io", "Username": "alice", "Secret": "two"});
        assert_eq!(sandbox.run(&["store"], &entry.to_string()).code, Some(1));
        std::fs::remove_file(sandbox.home().join("locked")).unwrap();
        assert_eq!(secret(&sandbox, "ghcr.io"), "one");
    }
}

#[test]
fn an_account_that_cannot_be_renamed_leaves_no_secret_under_the_new_name() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "alice", "pw");
    block_config(&sandbox);
    assert_eq!(sandbox.run(&["account", "edit", "ghcr.io", "alice", "--alias", "work"], "").code, Some(1));
    assert_eq!(secrets(&sandbox, "ghcr.io")["secrets"], json!({"alice": "pw"}));
    assert_eq!(secret(&sandbox, "ghcr.io"), "pw");
}

#[test]
fn an_identity_token_of_an_unknown_user_does_not_replace_a_known_users() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "<token>", "alices");
    sandbox.ok(&["account", "edit", "ghcr.io", "<token>", "--alias", "alice"], "");
    sandbox.store("ghcr.io", "<token>", "alices next");
    sandbox.store("ghcr.io", "bob", "bobs");
    sandbox.store("ghcr.io", "<token>", "somebody's");
    sandbox.store("ghcr.io", "bob", "bobs");
    sandbox.store("ghcr.io", "<token>", "somebody's next");
    let kept = &secrets(&sandbox, "ghcr.io")["secrets"];
    assert_eq!(kept, &json!({"alice": "alices next", "bob": "bobs", "<token>": "somebody's next"}));
}

/// `docker login -u carol` with an identity token, while `carol` is the alias of another user's account.
#[cfg(target_os = "linux")]
#[test]
fn an_identity_tokens_user_is_not_taken_for_another_accounts_label() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "alice", "alices");
    sandbox.ok(&["account", "edit", "ghcr.io", "alice", "--alias", "carol"], "");
    let docker = sandbox.home().join("docker");
    let made = std::process::Command::new("install").arg("/bin/sh").arg(&docker).status().unwrap();
    assert!(made.success());
    let script = format!("{} store; true", Sandbox::program());
    let child = sandbox.command_of(&docker, &["-c", &script, "login", "-u", "carol", "ghcr.io"]).spawn().unwrap();
    let entry = json!({"ServerURL": "ghcr.io", "Username": "<token>", "Secret": "carols"});
    assert_eq!(crate::support::finish(child, entry.to_string().as_bytes()), Run::success(""));
    let kept = &secrets(&sandbox, "ghcr.io")["secrets"];
    assert_eq!(kept["carol"], json!("alices"));
    assert!(kept.as_object().unwrap().values().any(|secret| secret == "carols"), "{kept}");
}

#[test]
fn a_login_below_a_registry_is_apart_from_the_same_users_login_to_all_of_it() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "alice", "all");
    sandbox.store("ghcr.io", "bob", "bobs");
    sandbox.store("ghcr.io/acme", "alice", "acme's");
    assert_eq!(secret(&sandbox, "ghcr.io/alice/app"), "all");
    assert_eq!(secret(&sandbox, "ghcr.io/acme/app"), "acme's");
    sandbox.store("ghcr.io/acme", "alice", "acme's next");
    assert_eq!(secret(&sandbox, "ghcr.io/acme/app"), "acme's next");
    assert_eq!(sandbox.run(&["erase"], "ghcr.io/acme"), Run::success(""));
    assert_eq!(secret(&sandbox, "ghcr.io/alice/app"), "all");
    assert_eq!(secret(&sandbox, "ghcr.io/acme/app"), "bobs");
}

#[test]
fn a_pinned_program_sees_its_own_accounts_side_tokens() {
    let sandbox = Sandbox::new();
    for user in ["alice", "bob"] {
        sandbox.store(HUB, user, user);
        sandbox.store(HUB_REFRESH, user, user);
    }
    let pinned = sandbox.link("docker-credential-ensign-alice");
    let ask = |verb: &str| {
        let child = sandbox.command_of(&pinned, &[verb]).spawn().unwrap();
        crate::support::finish(child, HUB_REFRESH.as_bytes())
    };
    assert!(ask("get").stdout.contains(r#""Username":"alice","Secret":"alice""#));
    assert_eq!(ask("erase"), Run::success(""));
    assert_eq!(ask("get").stdout, NOT_FOUND);
    assert_eq!(secret(&sandbox, HUB_REFRESH), "bob");
}

#[test]
fn side_tokens_go_with_the_last_account_of_their_user() {
    let sandbox = Sandbox::new();
    sandbox.store(HUB, "alice", "pw");
    sandbox.ok(&["login", "docker.io", "-u", "alice", "--alias", "ci", "--password-stdin", "--no-verify"], "pat");
    sandbox.store(HUB_REFRESH, "alice", "rt");
    sandbox.ok(&["logout", "docker.io", "-u", "ci"], "");
    assert_eq!(secret(&sandbox, HUB_REFRESH), "rt");
    assert_eq!(sandbox.run(&["erase"], HUB), Run::success(""));
    assert!(!sandbox.secrets_path("docker.io").exists());
}

#[test]
fn files_of_a_newer_ensign_are_not_taken_for_damaged_ones() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "alice", "pw");
    let (config, secrets) = (sandbox.config_path(), sandbox.secrets_path("ghcr.io"));
    let mut transcript = String::new();
    for (path, newer) in
        [(secrets, r#"{"version": 2, "secrets": []}"#), (config, r#"{"version": 4, "registries": []}"#)]
    {
        write(&path, newer.as_bytes());
        let run = sandbox.run(&["restore"], "");
        assert_eq!((run.code, std::fs::read_to_string(&path).unwrap().as_str()), (Some(1), newer), "{run:?}");
        transcript += &run.transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stderr
error: `~/data/secrets/ghcr.io.json` was written by a newer Ensign
hint: install that version here too
exit 1
--- stderr
error: `~/config/config.json` has version 4 and was written by a newer Ensign
hint: install that version here too

"#]],
    );
}

#[test]
fn names_in_the_config_do_not_command_the_terminal() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "alice", "pw");
    let account =
        json!({"did": "\u{1b}[31mdid", "folders": ["/\u{1b}]0;title\u{7}"], "store": "\u{9b}2Jstore\u{202e}"});
    let registries =
        json!({"ghcr.io": {"accounts": {"alice": account}}, "\u{1b}[2Jhost": {"accounts": {"bob": account}}});
    write(&sandbox.config_path(), json!({"version": 3, "registries": registries}).to_string().as_bytes());
    for words in [&["status"][..], &["account", "show", "ghcr.io"], &["configure-docker", "--dry-run"]] {
        let run = sandbox.run(words, "");
        let shown = format!("{}{}", run.stdout, run.stderr).replace('\n', "");
        assert!(!shown.contains(|c: char| c.is_control() || c == '\u{202e}'), "{words:?}: {shown:?}");
    }
}

#[test]
fn a_failure_is_the_only_json_on_stdout() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "alice", "pw");
    write(&sandbox.home().join(".docker/config.json.new/in-the-way"), b"");
    let run = sandbox.run(&["configure-docker", "--json"], "");
    let json: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"));
    assert_eq!((run.code, &json["status"]), (Some(1), &json!("error")));
}

#[test]
fn completions_are_json_too() {
    let json: Value = serde_json::from_str(&Sandbox::new().ok(&["completions", "bash", "--json"], "")).unwrap();
    assert!(json["script"].as_str().unwrap().contains("__complete"));
}

#[cfg(unix)]
#[test]
fn an_account_named_in_bytes_that_are_no_text_is_not_passed_over() {
    use std::os::unix::ffi::OsStrExt;
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "alice", "pw");
    let mut command = sandbox.command(&["get"]);
    command.env("ENSIGN_ACCOUNT", std::ffi::OsStr::from_bytes(b"ghcr.io=\xff"));
    let run = crate::support::finish(command.spawn().unwrap(), b"ghcr.io");
    assert_eq!(run.code, Some(1));
    run.shows(str![[r#"
exit 1
--- stdout
ENSIGN_ACCOUNT names `�`, but ghcr.io has no such account: run `unset ENSIGN_ACCOUNT`

"#]]);
}

#[cfg(target_os = "linux")]
#[test]
fn paths_in_bytes_that_are_no_text_stop_no_command() {
    use std::os::unix::ffi::OsStrExt;
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "alice", "pw");
    let folder = sandbox.home().join(std::ffi::OsStr::from_bytes(b"project\xff"));
    write(&folder.join(".ensign.toml"), b"[accounts]\n\"ghcr.io\" = \"alice\"\n");
    write(&folder.join("config.json"), br#"{"auths": {"ghcr.io": {"auth": "Ym9iOnB3"}}}"#);
    for words in [
        &["account", "edit", "ghcr.io", "alice", "--folder", "~/work"][..],
        &["account", "show", "ghcr.io", "alice", "--json"],
        &["which", "ghcr.io/acme/app"],
        &["which", "--as", "docker pull ghcr.io/acme/app"],
        &["status"],
        &["status", "--json"],
        &["why"],
        &["trust", "--revoke"],
        &["configure-docker", "--dry-run", "--json"],
        &["buildx", "sync", "--dry-run", "--json"],
        &["export", "ghcr.io", "--format", "auth.json", "-o", "~/auth.json", "--json"],
    ] {
        let mut command = sandbox.command(words);
        command.current_dir(&folder).env("HOME", &folder).env("DOCKER_CONFIG", &folder);
        command.env("XDG_RUNTIME_DIR", &folder).env("BUILDX_CONFIG", &folder);
        let run = crate::support::finish(command.spawn().unwrap(), b"");
        assert!(matches!(run.code, Some(0 | 3)), "{words:?}: {run:?}");
    }
}

#[test]
fn the_hint_for_a_store_that_is_not_there_helps() {
    let sandbox = Sandbox::new();
    let registries = json!({"ghcr.io": {"accounts": {"alice": {"store": "keychain"}}}});
    write(&sandbox.config_path(), json!({"version": 3, "registries": registries}).to_string().as_bytes());
    let run = sandbox.run(&["get"], "ghcr.io");
    let hint = run.stdout.split_once("run `docker-credential-ensign ").unwrap().1.trim_end().trim_end_matches('`');
    let words = hint.split(' ').chain(["--password-stdin", "--no-verify"]);
    sandbox.ok(&words.collect::<Vec<_>>(), "pw");
    assert_eq!(secret(&sandbox, "ghcr.io"), "pw");
}

#[test]
fn a_login_by_alias_does_not_ask_for_the_password_of_a_token() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "<token>", "token");
    sandbox.ok(&["account", "edit", "ghcr.io", "<token>", "--alias", "alice"], "");
    let words = ["login", "ghcr.io", "--alias", "alice", "--password-stdin", "--no-verify"];
    sandbox.run(&words, "pw").shows(str![[r#"
exit 2
--- stderr
error: ghcr.io needs a user name and there is no terminal to ask on
hint: pipe the password: `docker-credential-ensign login ghcr.io -u NAME --password-stdin < FILE`

"#]]);
    sandbox.ok(&[&words[..], &["-u", "alice"]].concat(), "pw");
    assert_eq!(sandbox.who("ghcr.io"), "alice");
}

#[test]
fn a_switch_back_also_undoes_what_a_clients_login_switched() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "alice", "pw");
    sandbox.store("ghcr.io", "bob", "pw");
    sandbox.store("ghcr.io", "bob", "pw");
    sandbox.ok(&["switch", "ghcr.io", "-"], "");
    assert_eq!(sandbox.who("ghcr.io"), "alice");
}

#[test]
fn a_config_with_two_lists_of_registries_loses_neither() {
    let sandbox = Sandbox::new();
    let config =
        r#"{"version": 3, "registries": {"a.io": {"accounts": {"a": {}}}}, "registries": {"b.io": {"accounts": {}}}}"#;
    write(&sandbox.config_path(), config.as_bytes());
    let entry = json!({"ServerURL": "ghcr.io", "Username": "alice", "Secret": "pw"});
    let run = sandbox.run(&["store"], &entry.to_string());
    run.shows(str![[r#"
exit 1
--- stdout
`~/config/config.json` is broken: registries appears twice at line 1 column 76: run `docker-credential-ensign restore`

"#]]);
    assert_eq!(std::fs::read_to_string(sandbox.config_path()).unwrap(), config);
}

fn docker_config(sandbox: &Sandbox) -> Value {
    read_json(&sandbox.docker_config_path())
}

#[test]
fn docker_asks_for_every_login_that_was_imported_from_it() {
    let auths = json!({"https://index.docker.io/v1/": {"auth": "YWxpY2U6cHc="}, "quay.io": {"auth": "Ym9iOnB3"}});
    for first in [&[][..], &["ghcr.io"]] {
        let sandbox = Sandbox::new();
        for host in first {
            sandbox.store(host, "carol", "pw");
        }
        write(&sandbox.docker_config_path(), json!({"auths": auths}).to_string().as_bytes());
        sandbox.ok(&["configure-docker", "--import"], "");
        let (config, helpers) = (docker_config(&sandbox), docker_config(&sandbox)["credHelpers"].clone());
        assert_eq!((&config["auths"][HUB], &config["auths"]["quay.io"]), (&json!({}), &json!({})));
        assert_eq!((&config["credsStore"], &helpers["quay.io"]), (&json!("ensign"), &json!("ensign")), "{config}");
        assert_eq!((sandbox.who(HUB), sandbox.who("quay.io")), ("alice".into(), "bob".into()));
    }
}

#[test]
fn logins_of_registries_that_were_not_named_stay_with_docker() {
    let sandbox = Sandbox::new();
    let auths = json!({"ghcr.io": {"auth": "YWxpY2U6cHc="}, "quay.io": {"auth": "Ym9iOnB3"}});
    write(&sandbox.docker_config_path(), json!({"auths": auths}).to_string().as_bytes());
    sandbox.ok(&["configure-docker", "ghcr.io", "--import"], "");
    let config = docker_config(&sandbox);
    assert_eq!((&config["auths"]["ghcr.io"], &config["auths"]["quay.io"]), (&json!({}), &auths["quay.io"]));
    assert_eq!(config["credHelpers"], json!({"ghcr.io": "ensign"}));
}

#[test]
fn a_second_login_does_not_take_the_default_of_an_account_that_was_alone() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "alice", "pw");
    let mut config = sandbox.config();
    config["registries"]["ghcr.io"].as_object_mut().unwrap().remove("active");
    write(&sandbox.config_path(), config.to_string().as_bytes());
    assert_eq!(sandbox.who("ghcr.io"), "alice");
    sandbox.ok(&["login", "ghcr.io", "-u", "bob", "--password-stdin", "--no-verify"], "pw");
    assert_eq!(sandbox.who("ghcr.io"), "alice");
}

#[test]
fn adopted_accounts_answer_while_another_program_holds_the_lock() {
    let sandbox = Sandbox::new();
    let device = json!({"handle": "a.example", "device_secret": "s", "appview_url": "https://atcr.io"});
    write(&sandbox.home().join(".atcr/device.json"), device.to_string().as_bytes());
    let lock = sandbox.home().join("config/config.lock");
    write(&lock, b"");
    let lock = std::fs::File::options().write(true).open(lock).unwrap();
    lock.lock().unwrap();
    assert_eq!(sandbox.who("atcr.io"), "a.example");
    lock.unlock().unwrap(); // not `drop`, because a fork of another test may have the file open
    assert_eq!(sandbox.who("atcr.io"), "a.example");
    assert!(sandbox.config_path().exists());
}

#[test]
fn a_password_in_the_address_of_a_login_does_not_become_a_user_name() {
    let sandbox = Sandbox::new();
    let words = ["login", "https://bob:hunter2@ghcr.io", "--password-stdin", "--no-verify"];
    let run = sandbox.run(&words, "pw");
    assert!(!format!("{run:?}{}", sandbox.config()).contains("hunter2"), "{run:?}");
    assert_eq!((run.code, sandbox.who("ghcr.io")), (Some(0), "bob".into()));
}

#[test]
fn a_logout_forgets_whom_the_address_names_and_writes_nothing_for_nobody() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run(&["erase"], "ghcr.io"), Run::success(""));
    assert!(!sandbox.home().join("config").exists() && !sandbox.home().join("data").exists());
    for (user, alias) in [("alice", "bob"), ("bob", "work")] {
        sandbox.ok(&["login", "ghcr.io", "-u", user, "--alias", alias, "--password-stdin", "--no-verify"], user);
    }
    assert_eq!(sandbox.run(&["erase"], "bob@ghcr.io"), Run::success(""), "a user name goes before an alias");
    assert_eq!(secret(&sandbox, "ghcr.io"), "alice");
}
