//! Rows A: the commands, the config and the protocol of a helper for several accounts on one registry. A16 to A25 and
//! A44 are in `a_choice.rs`, A26 to A31 in `a_config.rs`, A21 and A22 in `src/system/ancestors/mod.rs`.

use std::fs;

use serde_json::json;
use snapbox::str;

use super::server::{BEARER, Server, asks, says};
use super::{json, login, root};
use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, read_json};

fn with_accounts(host: &str, names: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    for name in names {
        sandbox.store(host, name, &format!("{name}-s3cret"));
    }
    sandbox
}

fn is_hidden(verb: &str) -> bool {
    !Sandbox::new().ok(&["help"], "").contains(&format!("\n  {verb} "))
}

#[test]
fn get_answers_in_json_and_is_hidden() {
    let sandbox = with_accounts("atcr.io", &["alice"]);
    let answer = "{\"ServerURL\":\"atcr.io\",\"Username\":\"alice\",\"Secret\":\"alice-s3cret\"}\n";
    assert_eq!(sandbox.run(&["get"], "atcr.io\n"), Run::success(answer));
    assert!(is_hidden("get"));
}

#[test]
fn store_takes_json_from_clients() {
    let sandbox = Sandbox::new();
    let entry = r#"{"ServerURL":"https://atcr.io","Username":"alice","Secret":"s"}"#;
    assert_eq!(sandbox.run(&["store"], entry), Run::success(""));
    assert_eq!(sandbox.who("atcr.io"), "alice");
}

#[test]
fn erase_takes_the_host_and_is_hidden() {
    let sandbox = with_accounts("atcr.io", &["alice"]);
    assert_eq!(sandbox.run(&["erase"], "atcr.io\n"), Run::success(""));
    assert_eq!(sandbox.run(&["get"], "atcr.io"), Run::not_found());
    assert!(is_hidden("erase"));
}

#[test]
fn list_maps_registries_to_users_and_is_hidden() {
    let sandbox = with_accounts("atcr.io", &["bob", "alice"]);
    sandbox.store("docker.io", "carol", "s");
    let answer = "{\"atcr.io\":\"alice\",\"https://index.docker.io/v1/\":\"carol\"}\n";
    assert_eq!(sandbox.run(&["list"], ""), Run::success(answer));
    assert!(is_hidden("list"));
}

#[test]
fn logout_removes_one_account_and_does_not_guess_which() {
    let sandbox = with_accounts("atcr.io", &["bob", "alice"]);
    assert_eq!(sandbox.run(&["logout", "atcr.io"], "").code, Some(2));
    assert_eq!(sandbox.config()["registries"]["atcr.io"]["accounts"].as_object().unwrap().len(), 2);
    sandbox.ok(&["logout", "atcr.io", "-u", "bob"], "");
    let secrets = read_json(&sandbox.secrets_path("atcr.io"))["secrets"].clone();
    assert_eq!(secrets, json!({"alice": "alice-s3cret"}));
}

#[test]
fn status_shows_every_account_and_marks_the_active_one() {
    let sandbox = with_accounts("atcr.io", &["bob", "alice"]);
    sandbox.store("buoy.cr", "carol", "s");
    let shown = sandbox.ok(&["status"], "");
    for line in ["atcr.io\n  ○ bob  ", "\n  ● alice  default ", "\nbuoy.cr\n  ● carol  default "] {
        assert!(shown.contains(line), "{shown}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn switch_toggles_two_accounts_and_shows_a_menu_of_three() {
    let sandbox = with_accounts("atcr.io", &["bob", "alice"]);
    for expected in ["bob", "alice", "bob"] {
        sandbox.ok(&["switch"], "");
        assert_eq!(sandbox.who("atcr.io"), expected);
    }
    sandbox.store("atcr.io", "carol", "s");
    let menu = [("Default account of atcr.io", "\u{1b}[A"), ("alice", "\r")]; // one line up from `carol`
    let Some(shown) = super::on_a_terminal(&sandbox, "switch atcr.io", &menu) else { return };
    shows(
        &shown,
        str![[r#"
? Default account of atcr.io: alice  for atcr.io/alice/**
✓ Default of atcr.io: carol → alice   (undo: docker-credential-ensign switch atcr.io -)
exit 0



"#]],
    );
    assert_eq!(sandbox.who("atcr.io"), "alice");
}

#[test]
fn configure_docker_shows_what_it_changes_and_takes_it_back() {
    let sandbox = with_accounts("atcr.io", &["alice"]);
    let path = sandbox.docker_config_path();
    let preview = sandbox.ok(&["configure-docker", "--dry-run"], "");
    assert!(preview.contains("+   \"atcr.io\": \"ensign\"\n") && !path.exists(), "{preview}");
    sandbox.ok(&["configure-docker"], "");
    assert_eq!(read_json(&path), json!({"credHelpers": {"atcr.io": "ensign"}}));
    sandbox.ok(&["configure-docker", "--undo"], "");
    assert_eq!(read_json(&path), json!({}));
}

/// Returns the answer of `get` as `USER SECRET`.
pub(super) fn answers(sandbox: &Sandbox, server: &str) -> String {
    let answer = json(&sandbox.run(&["get"], server).stdout);
    format!("{} {}", answer["Username"].as_str().unwrap(), answer["Secret"].as_str().unwrap())
}

const COMMANDS: [&str; 7] = ["login", "logout", "status", "switch", "configure-docker", "update", "version"];

#[test]
fn help_shows_all_commands_of_people_and_none_of_the_protocol() {
    let help = Sandbox::new().ok(&["help"], "");
    for command in COMMANDS {
        assert!(help.contains(&format!("\n  {command} ")), "{command}: {help}");
    }
    assert!(["get", "erase", "list"].into_iter().all(is_hidden)); // `store` is also a command for people
}

#[test]
fn without_words_the_short_help_is_shown() {
    let run = Sandbox::new().run(&[], "");
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""), "{run:?}");
    assert!(COMMANDS.iter().all(|command| run.stdout.contains(command)), "{run:?}");
}

#[test]
fn accounts_are_handled_as_gh_auth_handles_them() {
    let help = Sandbox::new().ok(&["help"], "");
    for command in ["login", "logout", "status", "switch", "token"] {
        assert!(help.contains(&format!("\n  {command} ")), "{command}");
    }
}

#[test]
fn get_without_an_account_ends() {
    assert_eq!(Sandbox::new().run(&["get"], "atcr.io"), Run::not_found());
}

#[cfg(target_os = "linux")]
#[test]
fn get_on_a_terminal_shows_help_and_ends_with_1() {
    let Some(shown) = super::on_a_terminal(&Sandbox::new(), "get", &[]) else { return };
    shows(
        &shown,
        str![[r#"
Usage: docker-credential-ensign [OPTIONS] <COMMAND>

One Docker credential helper for all your registries and all your accounts

Every day:
  login     Add an account, or renew its password or token
  status    Show the accounts, and whether Docker asks Ensign
  which     Show which account answers for an image, and why
  doctor    Find problems with logins, and how to fix them
  switch    Change the account that answers by default
  check     Check whether a registry accepts an account, and for what
  why       Show how the last calls were answered, and why
  logout    Remove an account and its secret

Set-up: configure-docker, import, account, store, public, route, update,
  completions
For one shell, folder or build: use, exec, trust, grant, prompt, buildx, pin
For scripts: token, api, export
Special: unlock, lock, restore, version, help

First step:  docker-credential-ensign login ghcr.io
More:        docker-credential-ensign help
exit 1

"#]],
    );
    assert!(shown.trim_end().ends_with("exit 1"), "{shown}");
}

#[test]
fn a_session_that_is_over_is_mended_on_the_registrys_own_page() {
    let mut transcript = String::new();
    for (login_url, page) in [
        ("http://HOST/auth/oauth/login?a=b", "http://HOST/auth/oauth/login?a=b"),
        ("https://evil.example/auth/oauth/login", "http://HOST/"),
    ] {
        let server = Server::start(move |request| {
            // The test sends the server's host as the password, because the host is known only after the start.
            let Some((_, host)) = request.split_once(" Basic alice:") else { return asks(BEARER) };
            let over = json!({"error": "oauth_session_expired", "login_url": login_url.replace("HOST", host)});
            says(401, &over.to_string())
        });
        let host = &server.host;
        let sandbox = Sandbox::new();
        sandbox.store(host, "alice", host);
        let page = page.replace("HOST", host);
        let image = format!("{host}/alice/app");
        for words in [&["check", host][..], &["check", &image, "--push"]] {
            let run = sandbox.run(words, "");
            transcript += &run.transcript();
        }
        for words in [&["login", host][..], &["token", &image], &["api", host, "alice/app/tags/list"]] {
            transcript += &sandbox.run(words, "").transcript();
        }
        let run = sandbox.run(&["check", host, "--json"], "");
        let told = json(&run.stdout);
        assert_eq!((&told["verdict"], &told["login_url"]), (&json!("session-over"), &json!(page)), "{run:?}");
        let run = login(&sandbox, host, "alice", host, &[]);
        transcript += &run.transcript();
        let seen = server.seen().len();
        assert_eq!(
            sandbox.run(&["get"], host),
            Run::not_found(),
            "the session has ended until a person opens the page"
        );
        assert_eq!(server.seen().len(), seen);
    }
    shows(
        &transcript,
        str![[r#"
exit 3
--- stdout
✗ the session of alice at [HOST] has expired
--- stderr
hint: log in at http://[HOST]/auth/oauth/login?a=b with a browser, then try again; the saved secret stays valid
exit 3
--- stdout
✗ the session of alice at [HOST] has expired
--- stderr
hint: log in at http://[HOST]/auth/oauth/login?a=b with a browser, then try again; the saved secret stays valid
exit 3
--- stderr
error: the session of alice at [HOST] has expired
hint: log in at http://[HOST]/auth/oauth/login?a=b with a browser, then try again; the saved secret stays valid
exit 3
--- stderr
error: the session of alice at [HOST] has expired
hint: log in at http://[HOST]/auth/oauth/login?a=b with a browser, then try again; the saved secret stays valid
exit 3
--- stderr
error: the session of alice at [HOST] has expired
hint: log in at http://[HOST]/auth/oauth/login?a=b with a browser, then try again; the saved secret stays valid
exit 3
--- stderr
error: login failed for [HOST]: the session has expired
hint: log in at http://[HOST]/auth/oauth/login?a=b with a browser, then try again
exit 3
--- stdout
✗ the session of alice at [HOST-2] has expired
--- stderr
hint: log in at http://[HOST-2]/ with a browser, then try again; the saved secret stays valid
exit 3
--- stdout
✗ the session of alice at [HOST-2] has expired
--- stderr
hint: log in at http://[HOST-2]/ with a browser, then try again; the saved secret stays valid
exit 3
--- stderr
error: the session of alice at [HOST-2] has expired
hint: log in at http://[HOST-2]/ with a browser, then try again; the saved secret stays valid
exit 3
--- stderr
error: the session of alice at [HOST-2] has expired
hint: log in at http://[HOST-2]/ with a browser, then try again; the saved secret stays valid
exit 3
--- stderr
error: the session of alice at [HOST-2] has expired
hint: log in at http://[HOST-2]/ with a browser, then try again; the saved secret stays valid
exit 3
--- stderr
error: login failed for [HOST-2]: the session has expired
hint: log in at http://[HOST-2]/ with a browser, then try again

"#]],
    );
}

#[test]
fn every_secret_is_stored() {
    for secret in ["atcr_device_x", "an app password", "{\"a\": 1}", "pä:ss"] {
        let sandbox = Sandbox::new();
        sandbox.store("https://atcr.io", "alice", secret);
        assert_eq!(answers(&sandbox, "atcr.io"), format!("alice {secret}"));
    }
}

#[test]
fn erase_removes_the_active_account_and_promotes_none() {
    let sandbox = with_accounts("atcr.io", &["bob", "alice"]);
    for server in ["atcr.io", "http://atcr.io", "https://atcr.io", "atcr.io"] {
        assert_eq!(sandbox.run(&["erase"], server), Run::success("")); // `docker logout` sends up to four of these
    }
    assert_eq!(sandbox.run(&["get"], "atcr.io"), Run::not_found());
    let registry = sandbox.config()["registries"]["atcr.io"].clone();
    assert_eq!(registry["active"], json!(null));
    assert_eq!(registry["accounts"], json!({"bob": {"username": "bob", "store": "file"}}));
    sandbox.ok(&["switch", "atcr.io", "bob"], "");
    assert_eq!(answers(&sandbox, "atcr.io"), "bob bob-s3cret");
}

#[test]
fn the_protocol_needs_neither_prompts_nor_a_parser_of_words() {
    for folder in ["protocol", "accounts", "caller", "config", "vault", "model"] {
        let mut folders = vec![root().join("src").join(folder)];
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = fs::read_to_string(&path).unwrap();
                let named =
                    ["clap", "console::", "indicatif", "crate::cli"].into_iter().find(|name| text.contains(name));
                assert_eq!(named, None, "{}", path.display());
            }
        }
    }
}

#[test]
fn get_by_a_pipe_gives_credentials_or_one_plain_line() {
    let sandbox = with_accounts("atcr.io", &["alice"]);
    let piped = |host: &str| {
        let script = format!("echo {host} | {} get", Sandbox::program());
        Run::from(sandbox.command_of("/bin/sh".as_ref(), &["-c", &script]).output().unwrap())
    };
    assert_eq!(json(&piped("atcr.io").stdout)["Username"], "alice");
    assert_eq!(piped("buoy.cr"), Run::not_found());
}

#[test]
fn status_shows_the_accounts_that_are_there() {
    let sandbox = with_accounts("atcr.io", &["bob", "alice"]);
    let status = json(&sandbox.ok(&["status", "--json"], ""));
    let shown: Vec<_> =
        status["accounts"].as_array().unwrap().iter().map(|one| (&one["account"], &one["active"])).collect();
    assert_eq!(shown, [(&json!("bob"), &json!(false)), (&json!("alice"), &json!(true))]);
}

#[test]
fn reading_changes_no_file() {
    let sandbox = with_accounts("atcr.io", &["bob", "alice"]);
    let tree = || {
        let (mut found, mut folders) = (Vec::new(), vec![sandbox.home().to_owned()]);
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
                let about = fs::symlink_metadata(&path).unwrap();
                found.push((path.clone(), about.modified().unwrap(), about.len()));
                folders.extend(about.is_dir().then_some(path));
            }
        }
        found.sort();
        found
    };
    let before = tree();
    for words in [&["get"][..], &["list"], &["status"], &["which", "atcr.io/bob/x"], &["account", "show", "atcr.io"]] {
        sandbox.ok(words, "atcr.io");
        assert_eq!(tree(), before, "{words:?}");
    }
}

#[test]
fn a_registry_is_one_however_it_is_spelled() {
    let sandbox = with_accounts("https://ATCR.io/", &["alice"]);
    for server in ["atcr.io", "https://atcr.io", "http://atcr.io/", "ATCR.IO:443", "https://atcr.io/v2/", "atcr.io/v1"]
    {
        assert_eq!(sandbox.who(server), "alice", "{server}");
    }
}

#[test]
fn only_a_missing_account_is_called_not_found() {
    let sandbox = with_accounts("atcr.io", &["alice"]);
    fs::remove_file(sandbox.secrets_path("atcr.io")).unwrap();
    let run = sandbox.run(&["get"], "atcr.io");
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""));
    run.shows(str![[r#"
exit 1
--- stdout
the secret of alice on atcr.io is gone: run `docker-credential-ensign login atcr.io --alias alice`

"#]]);
}
