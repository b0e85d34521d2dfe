//! What a newcomer meets: help, hints, questions and the ways out of them.

#[cfg(target_os = "linux")]
use crate::seed::on_a_terminal;
use crate::support::{Run, Sandbox, finish, read_json};

/// Runs the program as `ensign`.
fn ensign(sandbox: &Sandbox, words: &[&str]) -> Run {
    finish(sandbox.command_of(&sandbox.link("ensign"), words).spawn().unwrap(), b"")
}

#[cfg(target_os = "linux")]
fn two_accounts() -> Sandbox {
    let sandbox = Sandbox::new().with("PATH", "/usr/bin:/bin");
    sandbox.store("ghcr.io", "alice", "s");
    sandbox.store("ghcr.io", "bob", "s");
    sandbox
}

#[test]
fn without_words_the_short_help_is_shown_and_nothing_failed() {
    let sandbox = Sandbox::new();
    let run = ensign(&sandbox, &[]);
    assert!(run.code == Some(0) && run.stdout.starts_with("Usage: ensign "), "{run:?}");
    assert!(run.stdout.contains("First step:  ensign login ghcr.io\n"), "{run:?}");
    assert_eq!(ensign(&sandbox, &["-h"]), run);
    assert_eq!(sandbox.run(&[], "").code, Some(1), "a helper without a verb was called wrongly");
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
    assert!(whole.contains("--client-id") && !whole.contains("All options:"), "{whole}");
    assert!(!short.contains("--client-id") && short.ends_with("All options:  ensign help login\n"), "{short}");
    assert!(ensign(&sandbox, &["help", "account", "edit"]).stdout.contains("Usage: ensign account edit "));
    let unknown = ensign(&sandbox, &["help", "logni"]);
    assert_eq!(
        (unknown.code, unknown.stderr.as_str()),
        (Some(2), "error: there is no command or topic `logni`\nhint: run `ensign help` to see them\n")
    );
}

/// On a terminal of 80x24, with the next prompt on its last line.
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

/// `mandoc` says what is wrong with a page, and nothing where all is well.
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
    assert!(run.stderr.ends_with("hint: run `ensign restore`\n"), "{run:?}");
    assert!(sandbox.run(&["status"], "").stderr.ends_with("hint: run `docker-credential-ensign restore`\n"));
}

#[test]
fn a_password_among_the_words_is_answered_with_the_way_to_give_it() {
    let sandbox = Sandbox::new();
    for words in [
        &["login", "ghcr.io", "-u", "me", "-p", "hunter2"][..],
        &["login", "ghcr.io", "-u", "me", "-phunter2"],
        &["login", "-u", "me", "--password=hunter2", "ghcr.io"],
        &["login", "ghcr.io", "-u", "me", "-p"],
        &["account", "add", "ghcr.io", "-u", "me", "-p", "hunter2"],
    ] {
        let run = ensign(&sandbox, words);
        assert!(run.code == Some(2) && !run.stderr.contains("hunter2"), "{words:?}: {run:?}");
        let hint = "hint: run `ensign login ghcr.io -u me --password-stdin < FILE`\n";
        assert!(run.stderr.ends_with(hint), "{words:?}: {run:?}");
    }
    assert!(!ensign(&sandbox, &["help", "login"]).stdout.contains("--password "));
}

#[test]
fn a_namespace_behind_the_registry_is_the_accounts_images() {
    for (host, images) in [("ghcr.io/acme", "ghcr.io/acme/**"), ("quay.io/acme/team", "quay.io/acme/team/**")] {
        let sandbox = Sandbox::new();
        let words = ["login", host, "-u", "me", "--password-stdin", "--no-verify"];
        let run = sandbox.run(&words, "pw");
        assert!(run.code == Some(0) && run.stderr.contains(&format!("Used for  {images}")), "{run:?}");
    }
}

#[test]
fn a_login_lets_docker_ask_with_a_flag() {
    let words = ["login", "ghcr.io", "-u", "me", "--password-stdin", "--no-verify", "--configure-docker"];
    let sandbox = Sandbox::new().with("PATH", "/nowhere");
    assert_eq!(sandbox.run(&words, "pw").code, Some(0));
    let file = sandbox.home().join(".docker/config.json");
    assert_eq!(read_json(&file)["credHelpers"]["ghcr.io"], "ensign");

    let sandbox = Sandbox::new().with("PATH", "/nowhere");
    let run = sandbox.run(&[&words[..], &["--json"]].concat(), "pw");
    let one_line = run.stdout.lines().count() == 1 && run.stderr.is_empty();
    assert!(run.code == Some(0) && one_line && sandbox.home().join(".docker/config.json").exists(), "{run:?}");

    let sandbox = Sandbox::new();
    let pattern = ["login", "*.azurecr.io", "-u", "me", "--password-stdin", "--configure-docker"];
    assert_eq!(sandbox.run(&pattern, "pw").code, Some(2), "Docker cannot be told so");
    assert!(!sandbox.config_path().exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_login_on_a_terminal_says_where_tokens_are_made_and_offers_to_let_docker_ask() {
    for (answer, asks) in [("y", true), ("n", false), ("\r", false), ("\u{4}", false)] {
        let sandbox = Sandbox::new().with_program("podman", "#!/bin/sh\n");
        let answers = [("Password or token of me", "pw\r"), ("Add it to ~/.docker/config.json", answer)];
        let Some(shown) = on_a_terminal(&sandbox, "login ghcr.io -u me --no-verify", &answers) else { return };
        assert!(shown.contains("Make a token at\r\n  https://github.com/settings/tokens"), "{shown}");
        assert!(shown.contains("exit 0"), "{shown}");
        assert!(shown.contains(".docker/config.json and ~/.config/containers/auth.json?"), "{shown}");
        assert_eq!(sandbox.home().join(".config/containers/auth.json").exists(), asks, "{answer:?}: {shown}");
        assert_eq!(sandbox.home().join(".docker/config.json").exists(), asks, "{answer:?}: {shown}");
        assert_eq!(shown.contains("configure-docker\r\n"), !asks, "who said no is told how: {shown}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_menu_is_left_by_the_keys_that_it_names() {
    for key in ["\u{1b}", "q", "\u{4}", "\u{3}"] {
        let sandbox = two_accounts();
        let answers = [("Esc, q or Ctrl-D leaves", key)];
        let Some(shown) = on_a_terminal(&sandbox, "logout ghcr.io", &answers) else { return };
        assert!(shown.contains("error: cancelled, nothing was changed"), "{key:?}: {shown}");
        assert!(shown.contains("exit 130"), "{key:?}: {shown}");
        assert_eq!(sandbox.who("ghcr.io"), "bob", "{key:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_logout_of_all_asks_once_on_a_terminal() {
    let accounts = |sandbox: &Sandbox| sandbox.run(&["status", "--json"], "").stdout.matches("\"username\"").count();
    for (words, answers, left, exit) in [
        ("logout ghcr.io --all", &[("Remove all 2 accounts of ghcr.io: alice, bob? [y/N]", "n")][..], 2, "exit 130"),
        ("logout ghcr.io --all", &[("Remove all 2 accounts of ghcr.io: alice, bob? [y/N]", "y")], 0, "exit 0"),
        ("logout ghcr.io --all --yes", &[], 0, "exit 0"),
        ("logout ghcr.io bob", &[], 1, "exit 0"),
        ("logout ghcr.io", &[("Remove an account of ghcr.io", "\r")], 1, "exit 0"),
    ] {
        let sandbox = two_accounts();
        let Some(shown) = on_a_terminal(&sandbox, words, answers) else { return };
        assert!(shown.contains(exit), "{words}: {shown}");
        assert_eq!(accounts(&sandbox), left, "{words} {answers:?}: {shown}");
    }
    let sandbox = two_accounts();
    sandbox.ok(&["logout", "ghcr.io", "--all"], "");
    assert_eq!(accounts(&sandbox), 0, "without a terminal nobody is asked");
}
