//! Questions on a terminal: of `login`, of a menu, and before `logout` removes all accounts of a registry.
#![cfg(target_os = "linux")]

use snapbox::str;

use crate::help::two_accounts;
#[cfg(target_os = "linux")]
use crate::seed::{line_on_a_terminal, on_a_terminal};
use crate::support::Sandbox;
use crate::support::snapshots::shows;

#[cfg(target_os = "linux")]
#[test]
fn a_login_on_a_terminal_says_where_tokens_are_made_and_offers_to_let_docker_ask() {
    let mut transcript = String::new();
    for (answer, asks) in [("y\r", true), ("n\r", false), ("\r", false), ("\u{4}", false)] {
        let sandbox = Sandbox::new().with_program("podman", "#!/bin/sh\n");
        let answers = [(" of me", "pw\r"), ("~/.docker/config.json", answer)];
        let Some(shown) = on_a_terminal(&sandbox, "login ghcr.io -u me --no-verify", &answers) else { return };
        transcript += &shown;
        assert!(shown.contains("exit 0"), "{shown}");

        assert_eq!(sandbox.home().join(".config/containers/auth.json").exists(), asks, "{answer:?}: {shown}");
        assert_eq!(sandbox.docker_config_path().exists(), asks, "{answer:?}: {shown}");
        assert_eq!(shown.contains("configure-docker\r\n"), !asks, "who said no is told how: {shown}");
    }
    shows(
        &transcript,
        str![[r#"
Make a token at
  https://github.com/settings/tokens/new?scopes=read:packages,write:packages
It needs read:packages, to pull; write:packages, to push too (a classic token)
Password or token of me: [hidden]
✓ Saved login for ghcr.io as me (not verified)
  Used for  ghcr.io/me/**, and by default
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
Docker does not ask Ensign for ghcr.io yet; a line in its config changes that.
Add the line to ~/.docker/config.json and ~/.config/containers/auth.json? [y/N] y
~/.docker/config.json
  credHelpers
+   "ghcr.io": "ensign"
~/.config/containers/auth.json
  credHelpers
+   "ghcr.io": "ensign"
✓ Wrote ~/.docker/config.json, ~/.config/containers/auth.json
  To undo   docker-credential-ensign configure-docker --undo
! `docker-credential-ensign` is not on PATH, so Docker will not find it
exit 0
Make a token at
  https://github.com/settings/tokens/new?scopes=read:packages,write:packages
It needs read:packages, to pull; write:packages, to push too (a classic token)
Password or token of me: [hidden]
✓ Saved login for ghcr.io as me (not verified)
  Used for  ghcr.io/me/**, and by default
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
Docker does not ask Ensign for ghcr.io yet; a line in its config changes that.
Add the line to ~/.docker/config.json and ~/.config/containers/auth.json? [y/N] n
! Docker does not ask Ensign for ghcr.io yet; to change that:  docker-credential-ensign configure-docker
exit 0
Make a token at
  https://github.com/settings/tokens/new?scopes=read:packages,write:packages
It needs read:packages, to pull; write:packages, to push too (a classic token)
Password or token of me: [hidden]
✓ Saved login for ghcr.io as me (not verified)
  Used for  ghcr.io/me/**, and by default
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
Docker does not ask Ensign for ghcr.io yet; a line in its config changes that.
Add the line to ~/.docker/config.json and ~/.config/containers/auth.json? [y/N]
! Docker does not ask Ensign for ghcr.io yet; to change that:  docker-credential-ensign configure-docker
exit 0
Make a token at
  https://github.com/settings/tokens/new?scopes=read:packages,write:packages
It needs read:packages, to pull; write:packages, to push too (a classic token)
Password or token of me: [hidden]
✓ Saved login for ghcr.io as me (not verified)
  Used for  ghcr.io/me/**, and by default
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
Docker does not ask Ensign for ghcr.io yet; a line in its config changes that.
Add the line to ~/.docker/config.json and ~/.config/containers/auth.json? [y/N]
! Docker does not ask Ensign for ghcr.io yet; to change that:  docker-credential-ensign configure-docker
exit 0

"#]],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_menu_is_left_by_the_keys_that_it_names() {
    let mut transcript = String::new();
    for key in ["\u{1b}", "q", "\u{4}", "\u{3}"] {
        let sandbox = two_accounts();
        let answers = [("Esc, q", key)];
        let Some(shown) = on_a_terminal(&sandbox, "logout ghcr.io", &answers) else { return };
        transcript += &shown;
        assert!(shown.contains("exit 130"), "{key:?}: {shown}");
        assert_eq!(sandbox.who("ghcr.io"), "bob", "{key:?}");
    }
    shows(
        &transcript,
        str![[r#"
error: cancelled; nothing was changed
exit 130
error: cancelled; nothing was changed
exit 130
error: cancelled; nothing was changed
exit 130
error: cancelled; nothing was changed
exit 130



"#]],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_dumb_terminal_gets_no_escape_codes() {
    let sandbox = two_accounts();
    for (terminal, is_bold) in [("xterm", true), ("dumb", false)] {
        let line = format!("TERM={terminal} {} status", Sandbox::program());
        let Some(shown) = line_on_a_terminal(&sandbox, &line, &[]) else { return };
        assert_eq!(shown.contains('\u{1b}'), is_bold, "{terminal}: {shown:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_logout_of_all_asks_once_on_a_terminal() {
    let accounts = |sandbox: &Sandbox| sandbox.run(&["status", "--json"], "").stdout.matches("\"username\"").count();
    for (words, answers, left, exit) in [
        ("logout ghcr.io --all", &[("Remove all 2 accounts of ghcr.io: alice, bob? [y/N]", "n\r")][..], 2, "exit 130"),
        ("logout ghcr.io --all", &[("Remove all 2 accounts of ghcr.io: alice, bob? [y/N]", "y\r")], 0, "exit 0"),
        ("logout ghcr.io --all --yes", &[], 0, "exit 0"),
        ("logout ghcr.io bob", &[], 1, "exit 0"),
        ("logout ghcr.io", &[("account of ghcr.io", "\r")], 1, "exit 0"),
    ] {
        let sandbox = two_accounts();
        let Some(shown) = on_a_terminal(&sandbox, words, answers) else { return };
        assert!(shown.contains(exit), "{words}: {shown}");
        assert_eq!(accounts(&sandbox), left, "{words} {answers:?}: {shown}");
    }
    let sandbox = two_accounts();
    let question = "Remove all 2 accounts of ghcr.io: alice, bob? [y/N]";
    let Some(shown) = on_a_terminal(&sandbox, "logout ghcr.io --all", &[(question, "\u{3}")]) else { return };
    assert!(shown.contains(&format!("{question} \r\nerror: cancelled; nothing was changed\r\nexit 130")), "{shown}");
    sandbox.ok(&["logout", "ghcr.io", "--all"], "");
    assert_eq!(accounts(&sandbox), 0, "without a terminal nobody is asked");
}

/// Prints `echo` or `-echo` after a command, as the command left the terminal.
#[cfg(target_os = "linux")]
const ECHO: &str = r"stty -a | grep -oE '.?\becho\b' | tr -d ' '";

#[cfg(target_os = "linux")]
#[test]
fn a_secret_is_never_shown_and_every_way_out_restores_the_terminal() {
    let login = format!("{} login ghcr.io -u me --no-verify", Sandbox::program());
    let ends = |signal: &str| format!("sh -c '(sleep 2; kill -{signal} $$) & exec {login}'");
    let stops = format!("sh -c '(sleep 2; kill -STOP $$; stty echo icanon </dev/tty; kill -CONT $$) & exec {login}'");
    for (line, answers, exit) in [
        (&login, &[(" of me", "top\u{1a}s\u{15}tops\u{7f}\u{17}topsekret\rLATER\r"), ("[y/N]", "\r")][..], 0),
        (&stops, &[(" of me", "to"), ("", "p"), ("", "s"), ("", "e"), ("", "kret\r"), ("[y/N]", "\r")], 0),
        (&login, &[(" of me", "topsekret\u{3}")], 130),
        (&login, &[(" of me", "topsekret\u{4}")], 130),
        (&login, &[(" of me", "topsekret\u{1b}")], 130),
        (&ends("TERM"), &[(" of me", "topsekret")], 130),
        (&ends("INT"), &[(" of me", "topsekret")], 130),
        (&ends("HUP"), &[(" of me", "topsekret")], 130),
    ] {
        let sandbox = Sandbox::new();
        let line = format!("stty cols 200; {line}; echo exit $?; {ECHO}; cat <&1 & sleep 1; kill $!");
        let Some(shown) = line_on_a_terminal(&sandbox, &line, answers) else { return };
        assert!(!shown.contains("kret") && !shown.contains("LATER"), "{line}: {shown}");
        assert!(shown.contains(&format!("exit {exit}\r\necho\r\n")), "{line}: {shown}");
        assert_eq!(shown.contains("error: cancelled; nothing was changed\r\n"), exit == 130, "{line}: {shown}");
        if exit == 0 {
            assert!(sandbox.run(&["get"], "ghcr.io").stdout.contains("\"topsekret\""), "{line}: {shown}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_question_is_answered_by_a_line_that_was_typed_after_it() {
    let question = "Remove all 2 accounts of ghcr.io: alice, bob? [y/N]";
    for (answer, left) in [("y\r", 0), ("yes\r", 0), ("Y\r", 0), ("yn\r", 2), ("n\u{7f}y\r", 0), ("no\r", 2)] {
        let sandbox = two_accounts();
        let line = format!("{} logout ghcr.io --all; cat <&1 & sleep 1; kill $!", Sandbox::program());
        let Some(shown) = line_on_a_terminal(&sandbox, &line, &[(question, answer)]) else { return };
        let accounts = sandbox.run(&["status", "--json"], "").stdout.matches("\"username\"").count();
        assert_eq!(accounts, left, "{answer:?}: {shown}");
    }
    let sandbox = two_accounts();
    let early = format!("echo ready; sleep 1; {} logout ghcr.io --all; echo exit $?", Sandbox::program());
    let Some(shown) = line_on_a_terminal(&sandbox, &early, &[("ready", "y\r"), (question, "n\r")]) else { return };
    assert!(shown.contains("exit 130"), "{shown}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_menu_of_wide_letters_stays_in_its_columns() {
    let sandbox = two_accounts();
    sandbox.ok(&["account", "edit", "ghcr.io", "bob", "--alias", &"漢字".repeat(24)], "");
    let line = format!("stty rows 24 cols 60; {} logout ghcr.io", Sandbox::program());
    let Some(shown) = line_on_a_terminal(&sandbox, &line, &[("Esc, q", "jj\u{1b}")]) else { return };
    let widest = shown.lines().map(|line| line.matches(['漢', '字']).count()).max();
    assert!(widest > Some(20) && widest <= Some(28), "{widest:?}: {shown}");
}

#[cfg(target_os = "linux")]
#[test]
fn sealing_without_a_keyring_asks_for_a_passphrase() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "me", "pw");
    let answers = [("New passphrase", "one\r"), ("Again", "two\r"), ("New passphrase", "one\r"), ("Again", "one\r")];
    let Some(shown) = on_a_terminal(&sandbox, "store move --to sealed", &answers) else { return };
    if shown.contains("kernel's keyring") {
        return eprintln!("skipped: the kernel's keyring may not be used here: {shown}");
    }
    assert!(!sandbox.secrets_path("ghcr.io").exists() && sandbox.who("ghcr.io") == "me", "{shown}");
    sandbox.ok(&["lock"], "");
    shows(
        &shown,
        str![[r#"
A passphrase will open the key of the sealed secrets, because there is no keyring: there is no session bus.
New passphrase: [hidden]
Again: [hidden]
They do not match
New passphrase: [hidden]
Again: [hidden]
✓ Moved the secret of me on ghcr.io to ~/data/sealed; the key is behind a passphrase
exit 0

"#]],
    );
}
