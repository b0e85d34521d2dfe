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
    for (answer, asks) in [("y", true), ("n", false), ("\r", false), ("\u{4}", false)] {
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
Add the line to ~/.docker/config.json and ~/.config/containers/auth.json? [y/N] yes
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
Add the line to ~/.docker/config.json and ~/.config/containers/auth.json? [y/N] no
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
Add the line to ~/.docker/config.json and ~/.config/containers/auth.json? [y/N] no
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
Add the line to ~/.docker/config.json and ~/.config/containers/auth.json? [y/N] no
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
        ("logout ghcr.io --all", &[("Remove all 2 accounts of ghcr.io: alice, bob? [y/N]", "n")][..], 2, "exit 130"),
        ("logout ghcr.io --all", &[("Remove all 2 accounts of ghcr.io: alice, bob? [y/N]", "y")], 0, "exit 0"),
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
    assert!(shown.contains(&format!("{question} \r\nerror: stopped by Ctrl-C\r\nexit 130")), "{shown}");
    sandbox.ok(&["logout", "ghcr.io", "--all"], "");
    assert_eq!(accounts(&sandbox), 0, "without a terminal nobody is asked");
}
