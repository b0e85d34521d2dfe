//! The commands for people: login, logout, status, switch, account, which, and the help.

use serde_json::{Value, json};
use snapbox::str;

use crate::support::registry::FakeRegistry;
use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox};

/// Two accounts on one registry, `alice` active.
fn two_accounts() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "bob", "bob-s3cret");
    sandbox.store("ghcr.io", "alice", "alice-s3cret");
    sandbox
}

#[test]
fn login_is_verified_kept_and_said() {
    let registry = FakeRegistry::start();
    let host = &registry.host;
    let sandbox = Sandbox::new();
    let run = sandbox.run(&["login", host, "-u", "alice", "--password-stdin"], "alice-pw\n");
    run.shows(str![[r#"
exit 0
--- stderr
✓ Logged in to [HOST] as alice
  Used for  [HOST]/alice/**, and by default
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! Docker does not ask Ensign for [HOST] yet:  docker-credential-ensign configure-docker

"#]]);
    assert_eq!(sandbox.who(host), "alice");
    let json = sandbox.ok(
        &["login", host, "-u", "bob", "--password-stdin", "--alias", "work", "--images", "acme/**", "--json"],
        "bob-pw",
    );
    let expected = json!({"schema": 1, "status": "success", "registry": host, "account": "work", "username": "bob", "verified": true,
        "active": false, "store": "file", "source": "given", "expires_at": null, "login_expires_at": null, "renews": false, "expiry": null});
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), expected);
    assert_eq!(sandbox.who(&format!("{host}/acme/app")), "bob");
    assert_eq!(sandbox.who(host), "alice", "the first account stays the default");
}

#[test]
fn a_refused_login_stores_nothing() {
    let registry = FakeRegistry::start();
    let host = &registry.host;
    let sandbox = Sandbox::new();
    let run = sandbox.run(&["login", host, "-u", "alice", "--password-stdin"], "wrong-s3cret\n");
    run.shows(str![[r#"
exit 3
--- stderr
error: login failed for [HOST]: authentication rejected by [HOST]
hint: check that the token has not expired and has every needed right, and log in again; login not saved

"#]]);
    assert!(!sandbox.config_path().exists() && !sandbox.secrets_path(host).exists());
}

#[test]
fn an_unreachable_registry_is_named_and_no_verify_keeps_the_login() {
    let sandbox = Sandbox::new();
    let arguments = ["login", "localhost:1", "-u", "alice", "--password-stdin"];
    let run = sandbox.run(&arguments, "s3cret");
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    run.shows(str![[r#"
exit 1
--- stderr
error: login failed for localhost:1: could not reach `localhost:1`: Connection refused (os error 111)
hint: login not saved; use `--no-verify` to save it without checking

"#]]);

    let run = sandbox.run(&[&arguments[..], &["--no-verify"]].concat(), "s3cret");
    run.shows(str![[r#"
exit 0
--- stderr
✓ Saved login for localhost:1 as alice (not verified)
  Used for  localhost:1/alice/**, and by default
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! Docker does not ask Ensign for localhost:1 yet:  docker-credential-ensign configure-docker

"#]]);
    assert_eq!(sandbox.who("localhost:1"), "alice");
}

#[test]
fn an_open_registry_is_told_apart() {
    let registry = FakeRegistry::open();
    let run = Sandbox::new().run(&["login", &registry.host, "-u", "alice", "--password-stdin"], "anything");
    assert_eq!(run.code, Some(0));
    run.shows(str![[r#"
exit 0
--- stderr
✓ Saved login for [HOST] as alice (not verified)
  Used for  [HOST]/alice/**, and by default
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! [HOST] lets anyone in: the password was not checked
! Docker does not ask Ensign for [HOST] yet:  docker-credential-ensign configure-docker

"#]]);
}

#[test]
fn login_without_a_terminal_says_what_to_pipe() {
    let mut transcript = String::new();
    for (arguments, stdin) in [
        (vec!["login"], ""),
        (vec!["login", "ghcr.io"], ""),
        (vec!["login", "ghcr.io", "-u", "me"], ""),
        (vec!["login", "ghcr.io", "-u", "me", "--password-stdin"], "\n"),
        (vec!["login", "ghcr.io", "-u", "me", "--store", "keyring"], ""),
    ] {
        transcript += &Sandbox::new().run(&arguments, stdin).transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 2
--- stderr
error: no registry was given
hint: name one, as in `docker-credential-ensign login ghcr.io`
exit 2
--- stderr
error: ghcr.io needs a user name and there is no terminal to ask on
hint: pipe it: `docker-credential-ensign login ghcr.io -u NAME --password-stdin < FILE`
exit 2
--- stderr
error: ghcr.io needs a secret and there is no terminal to ask on
hint: pipe it: `docker-credential-ensign login ghcr.io -u me --password-stdin < FILE`
exit 2
--- stderr
error: the password is empty
hint: pipe it: `docker-credential-ensign login ghcr.io -u me --password-stdin < FILE`
exit 2
--- stderr
error: `keyring` is not a store
hint: use sealed, file (in clear text), or helper:NAME for docker-credential-NAME

"#]],
    );
}

#[test]
fn login_with_nothing_given_looks_at_the_account_that_is_there() {
    let registry = FakeRegistry::start();
    let host = &registry.host;
    let sandbox = Sandbox::new();
    sandbox.store(host, "alice", "alice-pw");
    sandbox.run(&["login", host], "").shows(str![[r#"
exit 0
--- stderr
✓ [HOST] still accepts alice

"#]]);
    sandbox.store(host, "alice", "expired");
    assert_eq!(sandbox.run(&["login", host], "").code, Some(3));
}

#[test]
fn logout_forgets_one_account_and_promotes_none() {
    let sandbox = two_accounts();
    sandbox.run(&["logout", "ghcr.io"], "").shows(str![[r#"
exit 2
--- stderr
error: ghcr.io has several accounts: bob, alice
hint: name one with `-u`, or use `--all`

"#]]);
    let run = sandbox.run(&["logout", "ghcr.io", "-u", "alice"], "");
    run.shows(str![[r#"
exit 0
--- stderr
✓ Removed alice from ghcr.io
! a token stays valid until you delete it at https://github.com/settings/tokens
! ghcr.io has no default account now:  docker-credential-ensign switch ghcr.io bob

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

Docker does not ask Ensign for ghcr.io:
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

Docker does not ask Ensign for ghcr.io:
  docker-credential-ensign configure-docker
--- stderr
! others could read `~/data/secrets/ghcr.io.json` (mode 644); now only you can

"#]]);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn switch_toggles_two_names_of_three_and_goes_back() {
    let sandbox = two_accounts();
    let run = sandbox.run(&["switch"], "");
    run.shows(str![[r#"
exit 0
--- stderr
✓ ghcr.io default: alice → bob   (undo: docker-credential-ensign switch ghcr.io -)

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
hint: name one: `docker-credential-ensign switch ghcr.io NAME`

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
fn a_folder_decides_where_no_image_does() {
    let sandbox = two_accounts();
    let folder = sandbox.home().join("w/deep");
    std::fs::create_dir_all(&folder).unwrap();
    sandbox.ok(&["account", "edit", "ghcr.io", "bob", "--folder", "~/w", "--folder", "~/w/deep/.."], "");
    assert_eq!(sandbox.config()["registries"]["ghcr.io"]["accounts"]["bob"]["folders"], json!(["~/w"]));
    let mut command = sandbox.command(&["get"]);
    command.current_dir(&folder);
    let run = crate::support::finish(command.spawn().unwrap(), b"ghcr.io");
    assert!(run.stdout.contains("\"Username\":\"bob\""), "{run:?}");
    assert_eq!(sandbox.who("ghcr.io"), "alice");
    let torn = sandbox.run(&["which", "ghcr.io", "--as", "docker build -t ghcr.io/bob/x -t ghcr.io/alice/y ."], "");
    torn.shows(str![[r#"
exit 0
--- stdout
alice
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           undecided: ghcr.io/bob/x is bob's, ghcr.io/alice/y is alice's
   6 files                  no image of this registry
   7 .ensign.toml           none
   8 folder                 no account's folder
●  9 default account        → alice
  10 only account           there are several
--- stderr
! These images need different accounts, but Docker asks for only one. Options:
  this command  ENSIGN_ACCOUNT=ghcr.io=bob docker build -t ghcr.io/bob/x -t ghcr.io/alice/y .
  every build   docker-credential-ensign buildx sync ghcr.io/bob/x ghcr.io/alice/y
  one tool      docker-credential-ensign pin bob   (and name the helper `ensign-bob` in the tool's config)
  this folder   docker-credential-ensign account edit ghcr.io bob --folder '~/w' --folder .

"#]]);
}

#[test]
fn which_shows_the_ladder() {
    let sandbox = two_accounts();
    sandbox.run(&["which", "ghcr.io/bob/app:1"], "").shows(str![[r#"
exit 0
--- stdout
bob
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
●  5 command line           → bob   (ghcr.io/bob/app:1 is in ghcr.io/bob/**)
   6 files                  not read: the command line names an image
   7 .ensign.toml           none
   8 folder                 no account's folder
   9 default account        → alice
  10 only account           there are several

"#]]);
    let torn = sandbox
        .run(&["which", "ghcr.io", "--as", "docker buildx build --push -t ghcr.io/bob/x -t ghcr.io/alice/y ."], "");
    assert!(torn.stdout.starts_with("alice\n"), "{torn:?}");
    torn.shows(str![[r#"
exit 0
--- stdout
alice
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           undecided: ghcr.io/bob/x is bob's, ghcr.io/alice/y is alice's
   6 files                  not read: the command line names an image
   7 .ensign.toml           none
   8 folder                 no account's folder
●  9 default account        → alice
  10 only account           there are several
--- stderr
! These images need different accounts, but Docker asks for only one. Options:
  this command  ENSIGN_ACCOUNT=ghcr.io=bob docker buildx build --push -t ghcr.io/bob/x -t ghcr.io/alice/y .
  every build   docker-credential-ensign buildx sync ghcr.io/bob/x ghcr.io/alice/y
  one tool      docker-credential-ensign pin bob   (and name the helper `ensign-bob` in the tool's config)
  this folder   docker-credential-ensign account edit ghcr.io bob --folder .

"#]]);

    let missing = two_accounts().with("ENSIGN_ACCOUNT", "ghcr.io=bbo").run(&["which", "ghcr.io"], "");
    assert_eq!(missing.code, Some(3));
    missing.shows(str![[r#"
exit 3
--- stdout
no account
●  1 ENSIGN_ACCOUNT         names `bbo`, which ghcr.io does not have
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           no image of this registry
   6 files                  no image of this registry
   7 .ensign.toml           none
   8 folder                 no account's folder
   9 default account        → alice
  10 only account           there are several
--- stderr
! ENSIGN_ACCOUNT names `bbo`, which ghcr.io does not have: run `docker-credential-ensign status ghcr.io`

"#]]);
    assert_eq!(sandbox.run(&["which", "Not An Image"], "").code, Some(2));
    assert_eq!(sandbox.run(&["which", "quay.io/x/y"], "").code, Some(3));
}

#[test]
fn the_environment_and_the_name_of_the_program_choose_first() {
    let sandbox = two_accounts().with("ENSIGN_ACCOUNT", "quay.io=x,ghcr.io=bob");
    assert_eq!(sandbox.who("ghcr.io"), "bob");
    let typo = two_accounts().with("ENSIGN_ACCOUNT", "ghcr.io=bbo");
    typo.run(&["get"], "ghcr.io").shows(str![[r#"
exit 1
--- stdout
ENSIGN_ACCOUNT names `bbo`, which ghcr.io does not have: run `docker-credential-ensign status ghcr.io`

"#]]);
    let sandbox = two_accounts();
    for (name, expected) in [("bob", "\"Username\":\"bob\""), ("nobody", "credentials not found in native keychain")] {
        let pinned = sandbox.link(&format!("docker-credential-ensign-{name}"));
        let run = crate::support::finish(sandbox.command_of(&pinned, &["get"]).spawn().unwrap(), b"ghcr.io");
        assert!(run.stdout.contains(expected) && run.stderr.is_empty(), "{run:?}");
    }
}

#[test]
fn a_pinned_program_keeps_and_forgets_its_own_account() {
    let sandbox = two_accounts();
    let work = sandbox.link("docker-credential-ensign-work");
    let pinned = |verb: &str, stdin: &str| {
        crate::support::finish(sandbox.command_of(&work, &[verb]).spawn().unwrap(), stdin.as_bytes())
    };
    let login = json!({"ServerURL": "ghcr.io", "Username": "carol", "Secret": "carol-s3cret"}).to_string();
    assert_eq!(pinned("store", &login), Run::success(""));
    assert_eq!(sandbox.config()["registries"]["ghcr.io"]["accounts"]["work"]["username"], json!("carol"));
    sandbox.ok(&["switch", "ghcr.io", "alice"], "");
    assert_eq!(pinned("erase", "ghcr.io"), Run::success(""));
    let left: Vec<_> =
        sandbox.config()["registries"]["ghcr.io"]["accounts"].as_object().unwrap().keys().cloned().collect();
    assert_eq!((left, sandbox.who("ghcr.io")), (vec!["bob".to_owned(), "alice".to_owned()], "alice".to_owned()));
    assert_eq!(pinned("erase", "ghcr.io"), Run::success(""), "nobody else is forgotten in its place");
    assert_eq!(sandbox.who("ghcr.io"), "alice");
}

#[test]
fn several_accounts_and_no_way_to_choose_is_said_on_both_streams() {
    let sandbox = two_accounts();
    let config = sandbox.config().to_string().replace(r#""active":"alice","#, "");
    crate::support::write(&sandbox.config_path(), config.as_bytes());
    let run = sandbox.run(&["get"], "ghcr.io");
    run.shows(str![[r#"
exit 1
--- stdout
several accounts for ghcr.io: run docker-credential-ensign switch ghcr.io
--- stderr
ensign: ghcr.io has several accounts and no default: bob, alice. Options:
  every command docker-credential-ensign switch ghcr.io
  this command  ENSIGN_ACCOUNT=ghcr.io=NAME docker …

"#]]);
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

/// ``| `use`, `exec`, `prompt` `` names three.
fn names_command(cell: &str, command: &str) -> bool {
    let mut code = cell.strip_prefix("| ").unwrap_or_default().split('`').skip(1).step_by(2);
    code.any(|code| code.split(' ').next() == Some(command))
}

#[test]
fn the_program_is_called_as_it_was_called() {
    let sandbox = Sandbox::new();
    let said = |name: &str, words: &[&str]| {
        crate::support::finish(sandbox.command_of(&sandbox.link(name), words).spawn().unwrap(), b"")
    };
    said("ensign", &["version"]).shows(str![[r#"
exit 0
--- stdout
ensign [VERSION]

"#]]);
    assert!(said("docker-ensign", &["ensign", "--help"]).stdout.starts_with("Usage: docker ensign "));
    // Docker completes its plugin itself; the script is for the other names.
    let script = said("ensign", &["completions", "bash"]);
    assert_eq!(script.code, Some(0));
    assert_eq!(said("docker-ensign", &["ensign", "completions", "bash"]), script);
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
