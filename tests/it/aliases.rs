//! An alias where a command expects a registry: the command finds the alias's account, or a hint names the right
//! command.

use serde_json::Value;
use snapbox::str;

use crate::support::Sandbox;
use crate::support::snapshots::shows;

/// A home with `work` and `me` on GHCR, of which `me` is the default, and another `work` on Quay.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    for (host, user) in [("ghcr.io", "work"), ("ghcr.io", "me"), ("quay.io", "work")] {
        sandbox.store(host, user, "pw");
    }
    sandbox
}

#[test]
fn the_hint_for_an_alias_on_two_registries_does_what_was_asked_for() {
    let sandbox = sandbox();
    let run = sandbox.run(&["account", "set", "work", "--folder", "~/a b", "--for", "push"], "");
    run.shows(str![[r#"
exit 2
--- stderr
error: ghcr.io and quay.io have an account `work`
hint: name the account, as in `docker-credential-ensign account edit ghcr.io work --folder '~/a b' --for push`

"#]]);
    assert_eq!(sandbox.run(&["account", "set", "work", "--folder", ""], "").code, Some(2));
}

#[test]
fn accounts_are_shown_by_registry_by_alias_or_all() {
    let sandbox = sandbox();
    assert_eq!(Sandbox::new().run(&["account", "show"], "").code, Some(3));
    let told = |words: &[&str]| -> Vec<String> {
        let run = sandbox.ok(&[&["account", "show", "--json"], words].concat(), "");
        let json: Value = serde_json::from_str(&run).unwrap();
        let all = json["accounts"].as_array().unwrap().iter();
        all.map(|one| format!("{} {}", one["registry"].as_str().unwrap(), one["account"].as_str().unwrap())).collect()
    };
    assert_eq!(told(&[]), ["ghcr.io work", "ghcr.io me", "quay.io work"]);
    assert_eq!(told(&["work"]), ["ghcr.io work", "quay.io work"]);
    assert_eq!(told(&["ghcr.io"]), ["ghcr.io work", "ghcr.io me"]);
    assert_eq!(told(&["ghcr.io", "me"]), ["ghcr.io me"]);
    assert_eq!(sandbox.run(&["account", "show", "nobody.io"], "").code, Some(3));
}

#[test]
fn an_account_that_one_registry_has_is_switched_to_without_naming_it() {
    let sandbox = Sandbox::new();
    for (host, user) in [("ghcr.io", "work"), ("ghcr.io", "me"), ("quay.io", "me"), ("quay.io", "bot")] {
        sandbox.store(host, user, "pw");
    }
    sandbox.run(&["switch", "work"], "").shows(str![[r#"
exit 0
--- stderr
✓ Default of ghcr.io: me → work   (undo: docker-credential-ensign switch ghcr.io -)

"#]]);
    sandbox.run(&["switch", "ghcr.io"], "").shows(str![[r#"
exit 0
--- stderr
✓ Default of ghcr.io: work → me   (undo: docker-credential-ensign switch ghcr.io -)

"#]]);
    let mut transcript = String::new();
    for command in ["switch", "status", "logout"] {
        let run = sandbox.run(&[command, "me"], "");
        transcript += &run.transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 2
--- stderr
error: `me` is not a registry but an account of ghcr.io, quay.io
hint: name the registry too: `ghcr.io me`
exit 2
--- stderr
error: `me` is not a registry but an account of ghcr.io, quay.io
hint: name the registry: `ghcr.io`
exit 2
--- stderr
error: `me` is not a registry but an account of ghcr.io, quay.io
hint: name the registry too: `ghcr.io me`

"#]],
    );
    assert_eq!(sandbox.run(&["switch", "nobody"], "").code, Some(3));
}

#[test]
fn a_registry_is_edited_though_an_account_elsewhere_is_called_like_it() {
    let sandbox = sandbox();
    sandbox.ok(&["account", "edit", "quay.io", "work", "--alias", "ghcr.io"], "");
    let run = sandbox.run(&["account", "edit", "ghcr.io", "--for", "push"], "");
    assert_eq!(run.code, Some(2), "{run:?}");
    run.shows(str![[r#"
exit 2
--- stderr
error: ghcr.io has several accounts
hint: name the account, as in `docker-credential-ensign account edit ghcr.io work --for push`

"#]]);
    sandbox.ok(&["account", "edit", "quay.io", "--for", "push"], "");
    let quay = &sandbox.config()["registries"]["quay.io"]["accounts"]["ghcr.io"]["for"];
    assert_eq!(*quay, "push");
}

#[test]
fn the_hint_for_an_alias_names_it_as_it_is_written_and_can_be_pasted() {
    let sandbox = Sandbox::new();
    for (host, alias) in [("ghcr.io", "Big"), ("*.azurecr.io", "az")] {
        let words = ["login", host, "-u", "someone", "--alias", alias, "--no-verify", "--password-stdin"];
        sandbox.ok(&words, "pw");
    }
    let mut transcript = String::new();
    for typed in ["Big", "big", "az"] {
        for command in ["logout", "status"] {
            let run = sandbox.run(&[command, typed], "");
            transcript += &run.transcript();
        }
    }
    shows(
        &transcript,
        str![[r#"
exit 2
--- stderr
error: `big` is not a registry but an account of ghcr.io
hint: name the registry too: `ghcr.io Big`
exit 2
--- stderr
error: `big` is not a registry but an account of ghcr.io
hint: name the registry: `ghcr.io`
exit 2
--- stderr
error: `big` is not a registry but an account of ghcr.io
hint: name the registry too: `ghcr.io Big`
exit 2
--- stderr
error: `big` is not a registry but an account of ghcr.io
hint: name the registry: `ghcr.io`
exit 2
--- stderr
error: `az` is not a registry but an account of *.azurecr.io
hint: name the registry too: `'*.azurecr.io' az`
exit 2
--- stderr
error: `az` is not a registry but an account of *.azurecr.io
hint: name the registry: `'*.azurecr.io'`

"#]],
    );
}
