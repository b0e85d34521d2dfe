//! Commands for people: login, logout, status, switch, account, which, and the help.

use serde_json::{Value, json};
use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox};

/// A home with two accounts on one registry, of which `alice` is the default.
pub fn two_accounts() -> Sandbox {
    Sandbox::new().with_bob_and_alice("ghcr.io")
}

#[test]
fn logout_forgets_one_account_and_promotes_none() {
    let sandbox = two_accounts();
    sandbox.run(&["logout", "ghcr.io"], "").shows(str![[r#"
exit 2
--- stderr
error: ghcr.io has several accounts: bob, alice
hint: name an account with `-u`, or use `--all`

"#]]);
    let run = sandbox.run(&["logout", "ghcr.io", "-u", "alice"], "");
    run.shows(str![[r#"
exit 0
--- stderr
✓ Removed alice from ghcr.io
! a token stays valid until you delete it at https://github.com/settings/tokens
! ghcr.io has no default account now; to set one:  docker-credential-ensign switch ghcr.io bob

"#]]);
    assert_eq!(sandbox.run(&["get"], "ghcr.io"), Run::not_found());
    assert_eq!(
        sandbox.ok(&["logout", "ghcr.io", "--all", "--json"], ""),
        "{\"schema\":1,\"status\":\"success\",\"registry\":\"ghcr.io\",\"removed\":[\"bob\"],\"endings\":{\"bob\":\"by-hand\"}}\n"
    );
    sandbox.run(&["logout", "ghcr.io"], "").shows(str![[r#"
exit 0
--- stderr
Not logged in to ghcr.io.

"#]]);
    assert!(!sandbox.secrets_path("ghcr.io").exists());
}

#[test]
fn status_shows_accounts_and_their_troubles() {
    let sandbox = two_accounts();
    sandbox.run(&["status"], "").shows(str![[r#"
exit 0
--- stdout
ghcr.io
  ○ bob              bob/**     in clear text
  ● alice  default   alice/**   in clear text

Docker does not ask Ensign for ghcr.io; to change that:
  docker-credential-ensign configure-docker

"#]]);
    std::fs::remove_file(sandbox.secrets_path("ghcr.io")).unwrap();
    let run = sandbox.run(&["status", "--json"], "");
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        (run.code, &json["accounts"][1]["ok"], &json["accounts"][1]["active"]),
        (Some(3), &json!(false), &json!(true))
    );
    let nothing = sandbox.run(&["status", "quay.io"], "");
    nothing.shows(str![[r#"
exit 3
--- stderr
error: quay.io has no account
hint: run `docker-credential-ensign login quay.io`

"#]]);
}

#[cfg(unix)]
#[test]
fn status_closes_a_secrets_file_that_others_could_read() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = two_accounts();
    let path = sandbox.secrets_path("ghcr.io");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    let run = sandbox.run(&["status"], "");
    run.shows(str![[r#"
exit 0
--- stdout
ghcr.io
  ○ bob              bob/**     in clear text
  ● alice  default   alice/**   in clear text

Docker does not ask Ensign for ghcr.io; to change that:
  docker-credential-ensign configure-docker
--- stderr
! others could read `~/data/secrets/ghcr.io.json` (mode 644); now only you can

"#]]);
    let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    // Others may have changed this file, so it stays refused.
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o666)).unwrap();
    let run = sandbox.run(&["status"], "");
    assert!(mode() == 0o666 && !run.stderr.contains("now only you can"), "{run:?}");
}

#[test]
fn switch_tells_that_there_was_no_default_account() {
    let sandbox = two_accounts();
    sandbox.ok(&["logout", "ghcr.io", "-u", "alice"], "");
    sandbox.run(&["switch", "ghcr.io", "bob"], "").shows(str![[r#"
exit 0
--- stderr
✓ Default of ghcr.io: none → bob

"#]]);
    sandbox.ok(&["logout", "ghcr.io", "-u", "bob"], "");
    sandbox.store("ghcr.io", "carol", "x");
    sandbox.store("ghcr.io", "dave", "x");
    sandbox.ok(&["logout", "ghcr.io", "-u", "dave"], "");
    let json = sandbox.ok(&["switch", "ghcr.io", "carol", "--json"], "");
    assert!(json.contains("\"before\":null"), "{json}");
}

#[test]
fn switch_toggles_two_names_of_three_and_goes_back() {
    let sandbox = two_accounts();
    let run = sandbox.run(&["switch"], "");
    run.shows(str![[r#"
exit 0
--- stderr
✓ Default of ghcr.io: alice → bob   (undo: docker-credential-ensign switch ghcr.io -)

"#]]);
    assert_eq!(sandbox.who("ghcr.io"), "bob");
    sandbox.ok(&["switch", "ghcr.io", "-"], "");
    assert_eq!(sandbox.who("ghcr.io"), "alice");
    sandbox.ok(&["switch", "-"], "");
    assert_eq!(sandbox.who("ghcr.io"), "bob", "`-` needs no host either");
    sandbox.store("ghcr.io", "carol", "x");
    sandbox.run(&["switch", "ghcr.io"], "").shows(str![[r#"
exit 2
--- stderr
error: ghcr.io has several accounts: bob, alice, carol
hint: name the account: `docker-credential-ensign switch ghcr.io NAME`

"#]]);
    assert_eq!(
        sandbox.ok(&["switch", "ghcr.io", "bob", "--json"], ""),
        "{\"schema\":1,\"status\":\"success\",\"registry\":\"ghcr.io\",\"active\":\"bob\",\"before\":\"carol\"}\n"
    );
    let nobody = sandbox.run(&["switch", "ghcr.io", "dave"], "");
    nobody.shows(str![[r#"
exit 2
--- stderr
error: ghcr.io has no account `dave`
hint: use one of its accounts: bob, alice, carol

"#]]);
}

#[test]
fn account_edit_changes_alias_images_and_folders() {
    let sandbox = two_accounts();
    let run = sandbox.run(
        &[
            "account",
            "edit",
            "ghcr.io",
            "bob",
            "--alias",
            "work",
            "--images",
            "acme/**",
            "--images",
            "ghcr.io/tools/*",
            "--folder",
            "~/w",
        ],
        "",
    );
    run.shows(str![[r#"
exit 0
--- stderr
✓ Changed work on ghcr.io
  Used for  ghcr.io/acme/**, ghcr.io/tools/*
  Used in   ~/w
! the folder ~/w does not exist yet

"#]]);
    sandbox.run(&["account", "edit", "ghcr.io", "work"], "").shows(str![[r#"
exit 2
--- stderr
error: no change was given
hint: run `docker-credential-ensign account edit --help`

"#]]);
    let shown = sandbox.ok(&["account", "show", "ghcr.io", "work"], "");
    assert_eq!(
        shown,
        "work\n  registry   ghcr.io\n  username   bob\n  default    no\n  images     ghcr.io/acme/**, ghcr.io/tools/*\n  folders    ~/w\n  store      file\n"
    );
    assert_eq!(sandbox.config()["registries"]["ghcr.io"]["accounts"]["work"]["folders"], json!(["~/w"]));
    assert_eq!(sandbox.who("ghcr.io/acme/app"), "bob", "the secret moved with the alias");
    assert_eq!(sandbox.run(&["account", "edit", "ghcr.io", "work", "--alias", "alice"], "").code, Some(1));
    assert_eq!(sandbox.run(&["account", "edit", "ghcr.io", "work", "--images", "quay.io/x/**"], "").code, Some(2));
    sandbox.ok(&["account", "edit", "ghcr.io", "work", "--no-images", "--no-folders"], "");
    assert_eq!(
        sandbox.config()["registries"]["ghcr.io"]["accounts"]["work"],
        json!({"username": "bob", "store": "file"})
    );
}

#[test]
fn help_names_every_command_and_no_protocol_verb() {
    let sandbox = Sandbox::new();
    let help = sandbox.ok(&["help"], "");
    let readme = include_str!("../../README.md");
    let groups = help.lines().skip_while(|line| *line != "Every day:").take_while(|line| *line != "Topics:");
    let commands = groups.filter_map(|line| line.strip_prefix("  ")?.split(' ').next().filter(|word| !word.is_empty()));
    for command in commands.filter(|command| *command != "help") {
        let is_row = |line: &str| line.split(" | ").next().is_some_and(|cell| names_command(cell, command));
        assert!(readme.lines().any(is_row), "{command} is missing in the table of README.md");
        let own = sandbox.run(&[command, "--help"], "");
        assert_eq!((own.code, own.stderr.as_str()), (Some(0), ""), "{command}");
    }
    for verb in ["get", "erase", "list"] {
        assert!(!help.contains(&format!("\n  {verb} ")), "{verb} is shown");
        let usage =
            Run { code: Some(1), ..Run::success("Usage: docker-credential-ensign <get|store|erase|list|version>\n") };
        assert_eq!(sandbox.run(&[verb, "extra"], ""), usage);
    }
}

/// Tells whether a cell of the table names the command. A cell may name several: ``| `use`, `exec`, `prompt` ``.
fn names_command(cell: &str, command: &str) -> bool {
    let mut code = cell.strip_prefix("| ").unwrap_or_default().split('`').skip(1).step_by(2);
    code.any(|code| code.split(' ').next() == Some(command))
}

#[test]
fn the_program_is_called_as_it_was_called() {
    let sandbox = Sandbox::new();
    let run_as = |name: &str, words: &[&str]| {
        crate::support::finish(sandbox.command_of(&sandbox.link(name), words).spawn().unwrap(), b"")
    };
    run_as("ensign", &["version"]).shows(str![[r#"
exit 0
--- stdout
ensign [VERSION]

"#]]);
    assert!(run_as("docker-ensign", &["ensign", "--help"]).stdout.starts_with("Usage: docker ensign "));
    // Docker completes its plugins itself, so the script is for the other names.
    let script = run_as("ensign", &["completions", "bash"]);
    assert_eq!(script.code, Some(0));
    assert_eq!(run_as("docker-ensign", &["ensign", "completions", "bash"]), script);
}

#[test]
fn an_alias_is_no_option() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "me", "pw");
    let mut transcript = String::new();
    for arguments in [
        &["account", "edit", "ghcr.io", "me", "--alias=-x"][..],
        &["account", "edit", "ghcr.io", "me", "--alias=-"],
        &["login", "ghcr.io", "-u", "me", "--alias=--all", "--password-stdin", "--no-verify"],
    ] {
        let run = sandbox.run(arguments, "pw");
        assert_eq!(run.code, Some(2), "{arguments:?}: {run:?}");
        transcript += &run.transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 2
--- stderr
error: invalid value `-x` for `--alias <ALIAS>`: an alias cannot begin with `-`
hint: run `docker-credential-ensign help account edit`
exit 2
--- stderr
error: invalid value `-` for `--alias <ALIAS>`: an alias cannot begin with `-`
hint: run `docker-credential-ensign help account edit`
exit 2
--- stderr
error: invalid value `--all` for `--alias <ALIAS>`: an alias cannot begin with `-`
hint: run `docker-credential-ensign help login`

"#]],
    );
    assert!(sandbox.ok(&["status"], "").contains("me"));
}
