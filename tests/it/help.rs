//! What a new user sees: help, hints and questions.

use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, finish, read_json};

fn ensign(sandbox: &Sandbox, words: &[&str]) -> Run {
    finish(sandbox.command_of(&sandbox.link("ensign"), words).spawn().unwrap(), b"")
}

#[cfg(target_os = "linux")]
pub fn two_accounts() -> Sandbox {
    let sandbox = Sandbox::new().with("PATH", "/usr/bin:/bin");
    sandbox.store("ghcr.io", "alice", "s");
    sandbox.store("ghcr.io", "bob", "s");
    sandbox
}

#[test]
fn without_words_the_short_help_is_shown_and_nothing_failed() {
    let sandbox = Sandbox::new();
    let run = ensign(&sandbox, &[]);
    run.shows(str![[r#"
exit 0
--- stdout
Usage: ensign [OPTIONS] <COMMAND>

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

First step:  ensign login ghcr.io
More:        ensign help

"#]]);

    assert_eq!(ensign(&sandbox, &["-h"]), run);
    assert_eq!(sandbox.run(&[], "").code, Some(1), "a helper without a verb is wrong usage");
    assert_eq!(sandbox.run(&["-h"], "").code, Some(0));
}

#[test]
fn help_has_every_command_whole_and_the_topics() {
    let sandbox = Sandbox::new();
    for topic in ["patterns", "environment", "json", "exit-codes"] {
        let run = ensign(&sandbox, &["help", topic]);
        assert!(run.code == Some(0) && run.stdout.lines().count() > 8, "{topic}: {run:?}");
    }
    assert_eq!(ensign(&sandbox, &["-h"]), ensign(&sandbox, &["--help"]));
    let whole = ensign(&sandbox, &["help", "login"]).stdout;
    let short = ensign(&sandbox, &["login", "--help"]).stdout;
    shows(
        &whole,
        str![[r#"
Add an account, or renew its password or token

Usage: ensign login [OPTIONS] [HOST] [-- <COMMAND>...]

Arguments:
  [HOST]  The registry, optionally with a namespace [default: ask]

Options:
  -u, --username <NAME>   The user name at the registry
      --password-stdin    Read the password or token from stdin
      --alias <ALIAS>     Set your own label for the account [default: NAME]
      --images <PATTERN>  Set the account's images [default: NAME/**, ALIAS/**]
                          
                          '+PATTERN' adds a pattern to the others. May be repeated.
      --for <OPERATION>   Use the account for one operation only: pull or push
      --activate          Make this the default account
      --configure-docker  Let Docker and Podman ask Ensign, without confirmation
      --no-verify         Save the login without checking it
      --plain-http        Allow any certificate and plain http, as insecure-registries does in
                          Docker
      --store <STORE>     Where to keep the secret: sealed, file (in clear text), or helper:NAME
      --device            Log in with a code in a browser, on any machine
      --borrow <PROGRAM>  Get the secret from a program such as aws, gh or pass
                          
                          Ensign asks this program each time. Known: aws, gcloud, az, gh, glab, op,
                          pass, vault, command, and helper:NAME for docker-credential-NAME
      --json              Print JSON on stdout
      --verbose           Log registry requests to stderr, without secrets
  -h, --help              Print help

Who may ask:
      --program <PROGRAM>  Allow only this program: a client such as docker, or an absolute path;
                           '+PROGRAM' adds; may be repeated
      --no-programs        Allow every program
      --terminal <NEED>    Require a caller with a terminal [possible values: required, optional]
      --agents <MAY>       Allow or refuse coding agents [possible values: allowed, refused]
      --grant <NEED>       Require a grant (see `grant`) [possible values: required, optional]

Login by browser:
      --provider <NAME>  The identity provider, by name [default: the registry's]
      --issuer <URL>     The issuer URL of the identity provider
      --client-id <ID>   The client id that is registered at the provider
      --scope <SCOPE>    The OAuth scope to ask for
      --tenant <TENANT>  The organisation's tenant at Microsoft Entra
      --no-browser       Show the link without opening it
      --qr               Show the link as a QR code too

Credentials from another program:
      --profile <NAME>    aws: the profile; gcloud: the configuration; az: the subscription; op: the
                          account
      --item <ITEM>       op, pass, vault: where the secret is
      --field <FIELD>     vault: the field of the item
      --env <NAME=VALUE>  Set a variable for the program, such as the folder of its config; may be
                          repeated
      --cache <TIME>      Cache secrets for at most this long, such as 10m; 12h is the limit
                          [default: only secrets with an expiry]
  [COMMAND]...            The command that prints the secret, for `--borrow command`

Examples:
  ensign login ghcr.io                                ask for name and token
  ensign login ghcr.io/acme -u me-acme                log in for acme's images
  ensign login ghcr.io -u me --password-stdin < FILE  read the token from a file

"#]],
    );
    assert!(!short.contains("--client-id"), "{short}");
    shows(
        &short,
        str![[r#"
Add an account, or renew its password or token

Usage: ensign login [OPTIONS] [HOST] [-- <COMMAND>...]

Arguments:
  [HOST]  The registry, optionally with a namespace [default: ask]

Options:
  -u, --username <NAME>   The user name at the registry
      --password-stdin    Read the password or token from stdin
      --alias <ALIAS>     Set your own label for the account [default: NAME]
      --images <PATTERN>  Set the account's images [default: NAME/**, ALIAS/**]
      --configure-docker  Let Docker and Podman ask Ensign, without confirmation
      --device            Log in with a code in a browser, on any machine
      --borrow <PROGRAM>  Get the secret from a program such as aws, gh or pass
      --json              Print JSON on stdout

Examples:
  ensign login ghcr.io                                ask for name and token
  ensign login ghcr.io/acme -u me-acme                log in for acme's images
  ensign login ghcr.io -u me --password-stdin < FILE  read the token from a file

All options:  ensign help login

"#]],
    );
    ensign(&sandbox, &["help", "account", "edit"]).shows(str![[r#"
exit 0
--- stdout
Change an account's alias, images, folders, hosts, operation or callers

Usage: ensign account edit [OPTIONS] <HOST> [ACCOUNT]

Arguments:
  <HOST>     The registry, or an alias that only one registry has
  [ACCOUNT]  The account, by alias or user name

Options:
      --alias <ALIAS>     Set a new alias
      --images <PATTERN>  Use the account for these images; '+PATTERN' adds some
      --no-images         Use the account for the images of its own namespace
      --folder <FOLDER>   Use the account in this folder; '+FOLDER' adds one
      --no-folders        Remove all folders of the account
      --also <HOST>       Use the account for this other host; '+HOST' adds one
      --no-also           Remove all other hosts of the account
      --for <OPERATION>   Set what the account is used for [possible values: pull, push, any]
      --json              Print JSON on stdout
      --verbose           Log registry requests to stderr, without secrets
  -h, --help              Print help

Who may ask:
      --program <PROGRAM>  Allow only this program: a client such as docker, or an absolute path;
                           '+PROGRAM' adds; may be repeated
      --no-programs        Allow every program
      --terminal <NEED>    Require a caller with a terminal [possible values: required, optional]
      --agents <MAY>       Allow or refuse coding agents [possible values: allowed, refused]
      --grant <NEED>       Require a grant (see `grant`) [possible values: required, optional]

"#]]);
    let unknown = ensign(&sandbox, &["help", "logni"]);
    unknown.shows(str![[r#"
exit 2
--- stderr
error: there is no command or topic `logni`
hint: run `ensign help` to see the commands and topics

"#]]);
}

/// Checks a terminal of 80x24, whose last line shows the next prompt.
#[cfg(target_os = "linux")]
#[test]
fn what_people_use_most_fits_a_screen() {
    let help = ["", "login", "status", "switch", "which", "configure-docker", "logout", "check", "import", "doctor"];
    let help = help.map(|command| format!("{command} --help"));
    let words = ["status", "switch", "configure-docker", "import", "logout ghcr.io alice", "check"].map(str::to_owned);
    for sandbox in [Sandbox::new(), two_accounts()] {
        for words in help.iter().chain(&words) {
            let name = sandbox.link("ensign");
            let line = format!("stty cols 80 rows 24; HTTPS_PROXY=http://127.0.0.1:9 {} {words}", name.display());
            let Some(shown) = crate::seed::line_on_a_terminal(&sandbox, &line, &[]) else { return };
            let shown = shown.replace("\u{1b}[1m", "").replace("\u{1b}[0m", "");
            let name = name.display().to_string();
            let shown = shown.replace(&name, "ensign");
            assert!(shown.lines().count() <= 23, "{words}: {shown}");
            for line in shown.lines().filter(|line| !line.starts_with(['✗', '!'])) {
                assert!(line.chars().count() <= 80, "{words}: {line}");
            }
        }
    }
}

/// `mandoc` reports the faults of a manual page, and prints nothing if there are none.
#[cfg(unix)]
#[test]
fn the_manual_is_clean() {
    let sandbox = Sandbox::new();
    let names = sandbox.ok(&["man"], "");
    assert!(names.lines().count() > 30, "{names}");
    assert_eq!(sandbox.run(&["man", "ensign-nothing.1"], "").code, Some(2));
    for name in names.lines() {
        crate::support::write(&sandbox.home().join("man").join(name), sandbox.ok(&["man", name], "").as_bytes());
    }
    let lint = std::process::Command::new("mandoc")
        .args(["-T", "lint"])
        .args(names.lines())
        .current_dir(sandbox.home().join("man"))
        .output();
    let Ok(lint) = lint else {
        eprintln!("skipped: no mandoc here");
        return;
    };
    assert_eq!(String::from_utf8_lossy(&lint.stdout) + String::from_utf8_lossy(&lint.stderr), "");
}

#[test]
fn hints_name_the_program_as_it_was_typed() {
    let sandbox = Sandbox::new();
    crate::support::write(&sandbox.config_path(), b"{ broken");
    let run = ensign(&sandbox, &["status"]);
    run.shows(str![[r#"
exit 1
--- stderr
error: `~/config/config.json` is broken: key must be a string at line 1 column 3
hint: run `ensign restore`

"#]]);
    sandbox.run(&["status"], "").shows(str![[r#"
exit 1
--- stderr
error: `~/config/config.json` is broken: key must be a string at line 1 column 3
hint: run `docker-credential-ensign restore`

"#]]);
}

#[test]
fn a_password_among_the_words_is_answered_with_the_way_to_give_it() {
    let sandbox = Sandbox::new();
    let mut transcript = String::new();
    for words in [
        &["login", "ghcr.io", "-u", "me", "-p", "hunter2"][..],
        &["login", "ghcr.io", "-u", "me", "-phunter2"],
        &["login", "-u", "me", "--password=hunter2", "ghcr.io"],
        &["login", "ghcr.io", "-u", "me", "-p"],
        &["account", "add", "ghcr.io", "-u", "me", "-p", "hunter2"],
    ] {
        let run = ensign(&sandbox, words);
        assert!(run.code == Some(2) && !run.stderr.contains("hunter2"), "{words:?}: {run:?}");
        transcript += &run.transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 2
--- stderr
error: `--password` would show the password to programs and the shell's history
hint: run `ensign login ghcr.io -u me --password-stdin < FILE`
exit 2
--- stderr
error: `--password` would show the password to programs and the shell's history
hint: run `ensign login ghcr.io -u me --password-stdin < FILE`
exit 2
--- stderr
error: `--password` would show the password to programs and the shell's history
hint: run `ensign login ghcr.io -u me --password-stdin < FILE`
exit 2
--- stderr
error: `--password` would show the password to programs and the shell's history
hint: run `ensign login ghcr.io -u me --password-stdin < FILE`
exit 2
--- stderr
error: `--password` would show the password to programs and the shell's history
hint: run `ensign login ghcr.io -u me --password-stdin < FILE`

"#]],
    );
    assert!(!ensign(&sandbox, &["help", "login"]).stdout.contains("--password "));
}

#[test]
fn a_namespace_behind_the_registry_is_the_accounts_images() {
    let mut transcript = String::new();
    for host in ["ghcr.io/acme", "quay.io/acme/team"] {
        let sandbox = Sandbox::new();
        let words = ["login", host, "-u", "me", "--password-stdin", "--no-verify"];
        let run = sandbox.run(&words, "pw");
        transcript += &run.transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 0
--- stderr
✓ Saved login for ghcr.io as me (not verified)
  Used for  ghcr.io/acme/**, and by default
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! Docker does not ask Ensign for ghcr.io yet; to change that:  docker-credential-ensign configure-docker
exit 0
--- stderr
✓ Saved login for quay.io as me (not verified)
  Used for  quay.io/acme/team/**, and by default
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! Docker does not ask Ensign for quay.io yet; to change that:  docker-credential-ensign configure-docker

"#]],
    );
}

#[test]
fn a_login_lets_docker_ask_with_a_flag() {
    let words = ["login", "ghcr.io", "-u", "me", "--password-stdin", "--no-verify", "--configure-docker"];
    let sandbox = Sandbox::new().with("PATH", "/nowhere");
    assert_eq!(sandbox.run(&words, "pw").code, Some(0));
    let file = sandbox.docker_config_path();
    assert_eq!(read_json(&file)["credHelpers"]["ghcr.io"], "ensign");

    let sandbox = Sandbox::new().with("PATH", "/nowhere");
    let run = sandbox.run(&[&words[..], &["--json"]].concat(), "pw");
    let one_line = run.stdout.lines().count() == 1 && run.stderr.is_empty();
    assert!(run.code == Some(0) && one_line && sandbox.docker_config_path().exists(), "{run:?}");

    let sandbox = Sandbox::new();
    let pattern = ["login", "*.azurecr.io", "-u", "me", "--password-stdin", "--configure-docker"];
    assert_eq!(sandbox.run(&pattern, "pw").code, Some(2), "Docker cannot be told so");
    assert!(!sandbox.config_path().exists());
}
