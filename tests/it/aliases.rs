//! An alias where a registry could stand: accounts are found by it, and a hint says what was meant.

use serde_json::Value;

use crate::support::Sandbox;

/// `work` and `me`, whose is the default, on GHCR, and another `work` on Quay.
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
    let edit = "account edit ghcr.io work --folder '~/a b' --for push";
    assert!(run.stderr.ends_with(&format!("hint: name one: `docker-credential-ensign {edit}`\n")), "{run:?}");
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
    assert!(sandbox.run(&["switch", "work"], "").stderr.starts_with("✓ ghcr.io default: me → work"));
    assert!(sandbox.run(&["switch", "ghcr.io"], "").stderr.starts_with("✓ ghcr.io default: work → me"));
    let both =
        "error: `me` is no registry but an account of ghcr.io and quay.io\nhint: name the registry too: `ghcr.io me`\n";
    for command in ["switch", "status", "logout"] {
        let run = sandbox.run(&[command, "me"], "");
        assert_eq!((run.code, run.stderr.as_str()), (Some(2), both), "{command}");
    }
    assert_eq!(sandbox.run(&["switch", "nobody"], "").code, Some(3));
}
