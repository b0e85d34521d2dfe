//! Docker's plugin: the calls that Docker's CLI makes by itself, and what these calls must not do.
#![cfg(unix)]

use std::fmt::Write as _;

use serde_json::{Value, json};
use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, finish, read_json, write};

/// A home with two accounts, of which bob is the default, and without container tools.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new().with("PATH", "/nowhere");
    sandbox.store("ghcr.io", "alice", "s3cret");
    sandbox.store("ghcr.io", "bob", "s3cret");
    sandbox
}

fn plugin(sandbox: &Sandbox, words: &[&str]) -> Run {
    finish(sandbox.command_of(&sandbox.link("docker-ensign"), words).spawn().unwrap(), b"")
}

#[test]
fn the_help_of_a_command_never_carries_it_out() {
    let sandbox = sandbox();
    let mut transcript = String::new();
    for words in [
        &["help", "ensign", "switch"][..],
        &["help", "ensign", "logout"],
        &["-D", "help", "ensign", "account", "edit"],
        &["--help", "ensign", "switch"],
        &["ensign", "switch", "--help"],
        &["ensign", "help", "switch"],
    ] {
        let run = plugin(&sandbox, words);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{words:?}");
        transcript += &run.transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 0
--- stdout
Change the account that answers by default

Usage: docker ensign switch [OPTIONS] [HOST] [ACCOUNT]

Arguments:
  [HOST]     The registry [default: the one with several accounts]
  [ACCOUNT]  The account, by alias or user name; `-` for the previous one

Options:
      --json     Print JSON on stdout
      --verbose  Log registry requests to stderr, without secrets
  -h, --help     Print help

Examples:
  docker ensign switch               switch to the other account, or show a menu
  docker ensign switch ghcr.io work  switch to the account `work`
  docker ensign switch ghcr.io -     switch back to the previous account

A switch takes effect at once, even for running commands. Set ENSIGN_ACCOUNT for a command that must
keep its account.
exit 0
--- stdout
Remove an account and its secret

Usage: docker ensign logout [OPTIONS] <HOST> [ACCOUNT]

Arguments:
  <HOST>     The registry
  [ACCOUNT]  The account, by alias or user name

Options:
  -u, --username <NAME>   The account, by user name [alias: --alias]
      --all               Remove all accounts of the registry, after a question
      --left-over <NAME>  Remove a secret that has no account, as `status` names it
  -y, --yes               Do not ask
      --force             Remove the account even if its secret cannot be removed
      --json              Print JSON on stdout
      --verbose           Log registry requests to stderr, without secrets
  -h, --help              Print help

Examples:
  docker ensign logout ghcr.io        remove the only account, or show a menu
  docker ensign logout ghcr.io work   remove the account `work`
  docker ensign logout ghcr.io --all  remove all accounts of the registry
exit 0
--- stdout
Change an account's alias, images, folders, hosts, operation or callers

Usage: docker ensign account edit [OPTIONS] <HOST> [ACCOUNT]

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
exit 0
--- stdout
Change the account that answers by default

Usage: docker ensign switch [OPTIONS] [HOST] [ACCOUNT]

Arguments:
  [HOST]     The registry [default: the one with several accounts]
  [ACCOUNT]  The account, by alias or user name; `-` for the previous one

Options:
      --json     Print JSON on stdout
      --verbose  Log registry requests to stderr, without secrets
  -h, --help     Print help

Examples:
  docker ensign switch               switch to the other account, or show a menu
  docker ensign switch ghcr.io work  switch to the account `work`
  docker ensign switch ghcr.io -     switch back to the previous account

A switch takes effect at once, even for running commands. Set ENSIGN_ACCOUNT for a command that must
keep its account.
exit 0
--- stdout
Change the account that answers by default

Usage: docker ensign switch [OPTIONS] [HOST] [ACCOUNT]

Arguments:
  [HOST]     The registry [default: the one with several accounts]
  [ACCOUNT]  The account, by alias or user name; `-` for the previous one

Options:
      --json  Print JSON on stdout

Examples:
  docker ensign switch               switch to the other account, or show a menu
  docker ensign switch ghcr.io work  switch to the account `work`
  docker ensign switch ghcr.io -     switch back to the previous account

A switch takes effect at once, even for running commands. Set ENSIGN_ACCOUNT for a command that must
keep its account.
exit 0
--- stdout
Change the account that answers by default

Usage: docker ensign switch [OPTIONS] [HOST] [ACCOUNT]

Arguments:
  [HOST]     The registry [default: the one with several accounts]
  [ACCOUNT]  The account, by alias or user name; `-` for the previous one

Options:
      --json     Print JSON on stdout
      --verbose  Log registry requests to stderr, without secrets
  -h, --help     Print help

Examples:
  docker ensign switch               switch to the other account, or show a menu
  docker ensign switch ghcr.io work  switch to the account `work`
  docker ensign switch ghcr.io -     switch back to the previous account

A switch takes effect at once, even for running commands. Set ENSIGN_ACCOUNT for a command that must
keep its account.

"#]],
    );
    assert_eq!(plugin(&sandbox, &["help", "ensign", "logout", "ghcr.io"]).code, Some(2));
    assert_eq!(sandbox.who("ghcr.io"), "bob");
}

#[test]
fn completion_only_looks() {
    let sandbox = sandbox();
    let config = std::fs::read(sandbox.config_path()).unwrap();
    let complete = |words: &[&str]| plugin(&sandbox, &[&["__complete", "ensign"], words].concat());
    let mut told = String::new();
    for words in [
        &["sw"][..],
        &["switch", ""],
        &["switch", "ghcr.io"],
        &["switch", "ghcr.io", ""],
        &["switch", "ghcr.io", "alice"],
        &["logout", "ghcr.io"],
        &["exec", "--account", "b"],
        &["export", "--format", "a"],
        &["configure-docker", "--u"],
        &["export", "--output", ""],
        &["which", ""],
        &["exec", "--account", "ghcr.io=b"],
        &["login", "--store", "f"],
        &["login", "--store=f"],
        &["login", "quay"],
        &["help", "exit"],
        &["no-such-command", "switch", ""],
    ] {
        let run = complete(words);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{words:?}");
        let _ = write!(told, "{}|\n{}", words.join(" "), run.stdout);
    }
    shows(
        &told.replace('\t', "<TAB>"),
        str![[r#"
sw|
switch<TAB>Change the account that answers by default
:4
switch |
ghcr.io<TAB>2 accounts
:4
switch ghcr.io|
ghcr.io<TAB>2 accounts
:4
switch ghcr.io |
alice<TAB>alice on ghcr.io
bob<TAB>bob on ghcr.io
:4
switch ghcr.io alice|
alice<TAB>alice on ghcr.io
:4
logout ghcr.io|
ghcr.io<TAB>2 accounts
:4
exec --account b|
bob<TAB>bob on ghcr.io
:4
export --format a|
auth.json
:4
configure-docker --u|
--undo<TAB>Remove Ensign from the files of Docker, Podman and buildx
:4
export --output |
:0
which |
ghcr.io<TAB>2 accounts
:4
exec --account ghcr.io=b|
ghcr.io=bob<TAB>bob
:4
login --store f|
file<TAB>in clear text, readable by you only
:4
login --store=f|
--store=file<TAB>in clear text, readable by you only
:4
login quay|
quay.io<TAB>Quay
:4
help exit|
exit-codes<TAB>What exit codes mean, for scripts
:4
no-such-command switch |
:4

"#]],
    );
    assert!(complete(&[]).stdout.starts_with("login\t"));
    assert_eq!(std::fs::read(sandbox.config_path()).unwrap(), config);

    write(&sandbox.config_path(), b"{ broken");
    assert_eq!(complete(&["switch", ""]), Run::success(":4\n"));
}

#[test]
fn a_word_is_said_about_refused_commands_without_a_look_at_any_file() {
    let sandbox = Sandbox::new();
    write(&sandbox.config_path(), b"{ broken");
    let hook = |asked: &Value| plugin(&sandbox, &["ensign", "docker-cli-plugin-hooks", &asked.to_string()]);
    let run = hook(&json!({"RootCmd": "push", "Flags": {}, "CommandError": "denied: requested access"}));
    let answer: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.code, run.stderr.as_str(), &answer["Type"]), (Some(0), "", &json!(0)));
    let template = answer["Template"].as_str().unwrap();
    assert!(template.contains("docker ensign which --push {{arg . 0}}"), "{template}");

    for (command, error) in [("push", ""), ("ps", "denied"), ("push", "no such host")] {
        let asked = json!({"RootCmd": command, "Flags": {}, "CommandError": error});
        assert_eq!(hook(&asked), Run::success(""), "{asked}");
    }
    for odd in [&["ensign", "docker-cli-plugin-hooks"][..], &["ensign", "docker-cli-plugin-hooks", "{", "x"]] {
        assert_eq!(plugin(&sandbox, odd), Run::success(""));
    }
}

#[test]
fn hooks_are_configured_where_asked_and_taken_back() {
    let sandbox = sandbox();
    let path = sandbox.docker_config_path();
    let before = "{\n\t\"psFormat\": \"x\"\n}";
    write(&path, before.as_bytes());
    let run = plugin(&sandbox, &["ensign", "configure-docker", "--hooks"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("  plugins.ensign\n+   \"hooks\": \"login,pull,push"), "{run:?}");
    run.shows(str![[r#"
exit 0
--- stdout
~/.docker/config.json
  credHelpers
+   "ghcr.io": "ensign"
  plugins.ensign
+   "hooks": "login,pull,push,image pull,image push"
+   "features.hooks": ""
  features
+   "hooks": "true"
--- stderr
✓ Wrote ~/.docker/config.json
  To undo   docker ensign configure-docker --undo
! `docker-credential-ensign` is not on PATH, so Docker will not find it
! Docker does not find the plugin yet; to link it:  mkdir -p ~/.docker/cli-plugins && ln -s "$(command -v docker-credential-ensign)" ~/.docker/cli-plugins/docker-ensign

"#]]);
    let written = read_json(&path);
    // Docker finds the plugin in a folder of `cliPluginsExtraDirs`.
    let elsewhere = sandbox.home().join("plugins");
    write(&elsewhere.join("docker-ensign"), b"");
    let (text, mut with_folder) = (std::fs::read(&path).unwrap(), written.clone());
    with_folder["cliPluginsExtraDirs"] = json!([elsewhere]);
    write(&path, with_folder.to_string().as_bytes());
    let run = plugin(&sandbox, &["ensign", "configure-docker", "--hooks"]);
    assert!(!run.stderr.contains("does not find the plugin"), "{run:?}");
    write(&path, &text);
    assert_eq!(written["features"]["hooks"], "true");
    assert!(written["plugins"]["ensign"]["hooks"].as_str().unwrap().contains("push"));

    // Without `--hooks`, `configure-docker` neither adds nor removes the hooks.
    assert_eq!(plugin(&sandbox, &["ensign", "configure-docker"]).code, Some(0));
    assert_eq!(read_json(&path), written);
    assert_eq!(plugin(&sandbox, &["ensign", "configure-docker", "--undo"]).code, Some(0));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), before);
    assert_eq!(plugin(&sandbox, &["ensign", "configure-docker", "--undo", "--hooks"]).code, Some(2));
}

#[test]
fn the_config_that_docker_was_told_of_is_the_one_that_is_edited() {
    let sandbox = sandbox().with("DOCKER_CONFIG", "elsewhere");
    let told = sandbox.home().join("told");
    let run = plugin(&sandbox, &["--config", "told", "ensign", "configure-docker"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    run.shows(str![[r#"
exit 0
--- stdout
told/config.json
  credHelpers
+   "ghcr.io": "ensign"
--- stderr
✓ Wrote told/config.json
  To undo   docker --config told ensign configure-docker --undo
! `docker-credential-ensign` is not on PATH, so Docker will not find it

"#]]);
    assert_eq!(read_json(&told.join("config.json"))["credHelpers"]["ghcr.io"], "ensign");
    assert!(!sandbox.home().join("elsewhere").exists() && !sandbox.home().join(".docker").exists());

    let status = |words: &[&str]| {
        let run = plugin(&sandbox, words);
        serde_json::from_str::<Value>(&run.stdout).unwrap()["docker"][0]["asks"].clone()
    };
    assert_eq!(status(&["--config=told", "ensign", "status", "--json"]), "ensign");
    assert_ne!(status(&["ensign", "status", "--json"]), "ensign");
}
