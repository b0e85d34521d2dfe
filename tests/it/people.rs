//! The commands for people: login, logout, status, switch, account, which, and the help.

use serde_json::{Value, json};

use crate::support::registry::FakeRegistry;
use crate::support::{Run, Sandbox};

/// Two accounts on one registry, `alice` active.
fn two_accounts() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "bob", "bob-s3cret");
    sandbox.store("ghcr.io", "alice", "alice-s3cret");
    sandbox
}

fn failure(code: i32, stderr: &str) -> Run {
    Run { code: Some(code), stdout: String::new(), stderr: stderr.to_owned() }
}

#[test]
fn login_is_verified_kept_and_said() {
    let registry = FakeRegistry::start();
    let host = &registry.host;
    let sandbox = Sandbox::new();
    let run = sandbox.run(&["login", host, "-u", "alice", "--password-stdin"], "alice-pw\n");
    let expected = format!(
        "✓ Logged in to {host} as alice\n  Used for  {host}/alice/**, and by default\n  Kept in   ~/data/secrets in clear \
         text, readable by you only\n  To seal   docker-credential-ensign store move --to sealed\n! Docker \
         does not ask Ensign for {host} yet:  docker-credential-ensign configure-docker\n"
    );
    assert_eq!((run, sandbox.who(host)), (Run { stderr: expected, ..Run::success("") }, "alice".to_owned()));
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
    let expected = format!(
        "error: login failed for {host}: authentication rejected by {host}\n\
         hint: look whether the token has expired or lacks a right, and log in again; nothing was stored\n"
    );
    assert_eq!(run, failure(3, &expected));
    assert!(!sandbox.config_path().exists() && !sandbox.secrets_path(host).exists());
}

#[test]
fn an_unreachable_registry_is_named_and_no_verify_keeps_the_login() {
    let sandbox = Sandbox::new();
    let arguments = ["login", "localhost:1", "-u", "alice", "--password-stdin"];
    let run = sandbox.run(&arguments, "s3cret");
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    assert!(run.stderr.starts_with("error: login failed for localhost:1: "), "{run:?}");
    assert!(run.stderr.ends_with("hint: nothing was stored; `--no-verify` keeps a login unseen\n"), "{run:?}");
    let run = sandbox.run(&[&arguments[..], &["--no-verify"]].concat(), "s3cret");
    assert!(run.stderr.starts_with("✓ Kept a login, unverified, for localhost:1 as alice\n"), "{run:?}");
    assert_eq!(sandbox.who("localhost:1"), "alice");
}

#[test]
fn an_open_registry_is_told_apart() {
    let registry = FakeRegistry::open();
    let run = Sandbox::new().run(&["login", &registry.host, "-u", "alice", "--password-stdin"], "anything");
    assert_eq!(run.code, Some(0));
    assert!(
        run.stderr.contains(&format!("! {} lets anyone in: the password was not checked\n", registry.host)),
        "{run:?}"
    );
}

#[test]
fn login_without_a_terminal_says_what_to_pipe() {
    for (arguments, stdin, what, cure) in [
        (vec!["login"], "", "no registry was given", "name it, as in `docker-credential-ensign login ghcr.io`"),
        (
            vec!["login", "ghcr.io"],
            "",
            "ghcr.io needs a user name and there is no terminal to ask on",
            "pipe it: `docker-credential-ensign login ghcr.io -u NAME --password-stdin < FILE`",
        ),
        (
            vec!["login", "ghcr.io", "-u", "me"],
            "",
            "ghcr.io needs a secret and there is no terminal to ask on",
            "pipe it: `docker-credential-ensign login ghcr.io -u me --password-stdin < FILE`",
        ),
        (
            vec!["login", "ghcr.io", "-u", "me", "--password-stdin"],
            "\n",
            "the password is empty",
            "pipe it: `docker-credential-ensign login ghcr.io -u me --password-stdin < FILE`",
        ),
        (
            vec!["login", "ghcr.io", "-u", "me", "--store", "keyring"],
            "",
            "`keyring` is no store",
            "use sealed, file (in clear text), or helper:NAME for docker-credential-NAME",
        ),
    ] {
        assert_eq!(Sandbox::new().run(&arguments, stdin), failure(2, &format!("error: {what}\nhint: {cure}\n")));
    }
}

#[test]
fn login_with_nothing_given_looks_at_the_account_that_is_there() {
    let registry = FakeRegistry::start();
    let host = &registry.host;
    let sandbox = Sandbox::new();
    sandbox.store(host, "alice", "alice-pw");
    assert_eq!(
        sandbox.run(&["login", host], ""),
        Run { stderr: format!("✓ {host} still accepts alice\n"), ..Run::success("") }
    );
    sandbox.store(host, "alice", "expired");
    assert_eq!(sandbox.run(&["login", host], "").code, Some(3));
}

#[test]
fn logout_forgets_one_account_and_promotes_none() {
    let sandbox = two_accounts();
    let several = "error: ghcr.io has several accounts: bob, alice\nhint: name one with `-u`, or use `--all`\n";
    assert_eq!(sandbox.run(&["logout", "ghcr.io"], ""), failure(2, several));
    let run = sandbox.run(&["logout", "ghcr.io", "-u", "alice"], "");
    assert_eq!(
        run.stderr,
        "✓ Removed alice from ghcr.io\n! a token stays valid until you delete it at https://github.com/settings/tokens\n\
         ! ghcr.io has no default account now. It has bob:  docker-credential-ensign switch ghcr.io bob\n"
    );
    assert_eq!(sandbox.run(&["get"], "ghcr.io"), Run::not_found());
    assert_eq!(
        sandbox.ok(&["logout", "ghcr.io", "--all", "--json"], ""),
        "{\"schema\":1,\"status\":\"success\",\"registry\":\"ghcr.io\",\"removed\":[\"bob\"],\"endings\":{\"bob\":\"by-hand\"}}\n"
    );
    assert_eq!(
        sandbox.run(&["logout", "ghcr.io"], ""),
        Run { stderr: "Not logged in to ghcr.io.\n".into(), ..Run::success("") }
    );
    assert!(!sandbox.secrets_path("ghcr.io").exists());
}

#[test]
fn status_shows_accounts_and_their_troubles() {
    let sandbox = two_accounts();
    let expected = "ghcr.io\n  ○ bob              bob/**     in clear text\n  ● alice  default   alice/**   in clear text\n\n\
        Docker does not ask Ensign for ghcr.io:  docker-credential-ensign configure-docker\n";
    assert_eq!(sandbox.run(&["status"], ""), Run::success(expected));
    std::fs::remove_file(sandbox.secrets_path("ghcr.io")).unwrap();
    let run = sandbox.run(&["status", "--json"], "");
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        (run.code, &json["accounts"][1]["ok"], &json["accounts"][1]["active"]),
        (Some(3), &json!(false), &json!(true))
    );
    let nothing = sandbox.run(&["status", "quay.io"], "");
    assert_eq!(
        nothing,
        failure(3, "error: quay.io has no account\nhint: run `docker-credential-ensign login quay.io`\n")
    );
}

#[cfg(unix)]
#[test]
fn status_closes_a_secrets_file_that_others_could_read() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = two_accounts();
    let path = sandbox.secrets_path("ghcr.io");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    let run = sandbox.run(&["status"], "");
    assert_eq!(run.stderr, "! `~/data/secrets/ghcr.io.json` could be read by others (mode 644); now only by you\n");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn switch_toggles_two_names_of_three_and_goes_back() {
    let sandbox = two_accounts();
    let run = sandbox.run(&["switch"], "");
    assert_eq!(run.stderr, "✓ ghcr.io default: alice → bob   (undo: docker-credential-ensign switch ghcr.io -)\n");
    assert_eq!(sandbox.who("ghcr.io"), "bob");
    sandbox.ok(&["switch", "ghcr.io", "-"], "");
    assert_eq!(sandbox.who("ghcr.io"), "alice");
    sandbox.ok(&["switch", "-"], "");
    assert_eq!(sandbox.who("ghcr.io"), "bob", "`-` needs no host either");
    sandbox.store("ghcr.io", "carol", "x");
    let several = "error: ghcr.io has several accounts: bob, alice, carol\nhint: name one: `docker-credential-ensign switch ghcr.io NAME`\n";
    assert_eq!(sandbox.run(&["switch", "ghcr.io"], ""), failure(2, several));
    assert_eq!(
        sandbox.ok(&["switch", "ghcr.io", "bob", "--json"], ""),
        "{\"schema\":1,\"status\":\"success\",\"registry\":\"ghcr.io\",\"active\":\"bob\",\"before\":\"carol\"}\n"
    );
    let nobody = sandbox.run(&["switch", "ghcr.io", "dave"], "");
    assert_eq!(nobody, failure(2, "error: ghcr.io has no account `dave`\nhint: it has: bob, alice, carol\n"));
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
    let said = "✓ Changed work on ghcr.io\n  Used for  ghcr.io/acme/**, ghcr.io/tools/*\n  Used in   ~/w\n\
                ! there is no folder ~/w yet\n";
    assert_eq!(run, Run { stderr: said.into(), ..Run::success("") });
    let nothing = "error: nothing to change was given\nhint: see `docker-credential-ensign account edit --help`\n";
    assert_eq!(sandbox.run(&["account", "edit", "ghcr.io", "work"], ""), failure(2, nothing));
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
    let keeps = "this folder   docker-credential-ensign account edit ghcr.io bob --folder '~/w' --folder .\n";
    assert!(torn.stderr.contains(keeps), "{torn:?}");
}

#[test]
fn which_shows_the_ladder() {
    let sandbox = two_accounts();
    let expected = "bob\n  1 ENSIGN_ACCOUNT         not set\n  2 name of the program    the program is not pinned\n  \
        3 user in the address    none\n  4 image in the address   none\n  \
        5 command line           → bob   (ghcr.io/bob/app:1 is in ghcr.io/bob/**)   ← chosen\n  \
        6 files                  not read: the command line names an image\n  7 .ensign.toml           none\n  \
        8 folder                 no account's folder\n  9 default account        → alice\n 10 only account           there are several\n";
    assert_eq!(sandbox.run(&["which", "ghcr.io/bob/app:1"], ""), Run::success(expected));
    let torn = sandbox
        .run(&["which", "ghcr.io", "--as", "docker buildx build --push -t ghcr.io/bob/x -t ghcr.io/alice/y ."], "");
    assert!(torn.stdout.starts_with("alice\n"), "{torn:?}");
    assert!(torn.stdout.contains("undecided: ghcr.io/bob/x is bob's, ghcr.io/alice/y is alice's"), "{torn:?}");
    assert!(torn.stderr.starts_with("! These images need different accounts,"), "{torn:?}");
    let missing = two_accounts().with("ENSIGN_ACCOUNT", "ghcr.io=bbo").run(&["which", "ghcr.io"], "");
    assert_eq!(missing.code, Some(3));
    assert!(
        missing.stdout.starts_with(
            "no account\n  1 ENSIGN_ACCOUNT         names `bbo`, which ghcr.io does not have   ← ends here\n"
        ),
        "{missing:?}"
    );
    assert_eq!(sandbox.run(&["which", "Not An Image"], "").code, Some(2));
    assert_eq!(sandbox.run(&["which", "quay.io/x/y"], "").code, Some(3));
}

#[test]
fn the_environment_and_the_name_of_the_program_choose_first() {
    let sandbox = two_accounts().with("ENSIGN_ACCOUNT", "quay.io=x,ghcr.io=bob");
    assert_eq!(sandbox.who("ghcr.io"), "bob");
    let typo = two_accounts().with("ENSIGN_ACCOUNT", "ghcr.io=bbo");
    let said =
        "ENSIGN_ACCOUNT names `bbo`, which ghcr.io does not have: run `docker-credential-ensign status ghcr.io`\n";
    assert_eq!(typo.run(&["get"], "ghcr.io"), Run { code: Some(1), stdout: said.into(), stderr: String::new() });
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
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (Some(1), "several accounts for ghcr.io: run docker-credential-ensign switch ghcr.io\n")
    );
    assert!(
        run.stderr
            .starts_with("ensign: ghcr.io has several accounts and no default: bob, alice. Options:\n  every command "),
        "{run:?}"
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
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(said("ensign", &["version"]), Run::success(&format!("ensign {version}\n")));
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
    for arguments in [
        &["account", "edit", "ghcr.io", "me", "--alias=-x"][..],
        &["account", "edit", "ghcr.io", "me", "--alias=-"],
        &["login", "ghcr.io", "-u", "me", "--alias=--all", "--password-stdin", "--no-verify"],
    ] {
        let run = sandbox.run(arguments, "pw");
        assert_eq!(run.code, Some(2), "{arguments:?}: {run:?}");
        assert!(run.stderr.contains("an alias cannot begin with `-`"), "{arguments:?}: {run:?}");
    }
    assert!(sandbox.ok(&["status"], "").contains("me"));
}
