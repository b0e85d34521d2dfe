//! Tests that save, preview, activate, rename, move and remove logins, and sweep left-overs of a crash.

use super::answers::Stranger;
use super::*;
use crate::model::choice::DefaultAccount;
use crate::model::{HelperName, HubToken, ImagePattern, StoreKind, Username};

#[test]
fn logins_are_saved_activated_renamed_and_removed() {
    let (_folder, env) = home("", vec![]);
    let accounts = Accounts::new(&env);
    let host = registry("ghcr.io");
    accounts.save(&login("ghcr.io", "me", "s1")).unwrap();
    assert_eq!(names(&accounts, "ghcr.io"), "me*");
    accounts.save(&login("ghcr.io", "you", "s2")).unwrap();
    assert_eq!(names(&accounts, "ghcr.io"), "me* you");
    accounts.save(&NewLogin { activate: Activation::Yes, ..login("ghcr.io", "bot", "s3") }).unwrap();
    assert_eq!(names(&accounts, "ghcr.io"), "me you bot*");
    assert_eq!(accounts.registry_accounts(&host).unwrap().previous, Some(name("me")));
    accounts.activate(&host, &name("you")).unwrap();
    accounts.activate(&host, &name("you")).unwrap(); // changes nothing, not even the previous account
    assert_eq!(accounts.registry_accounts(&host).unwrap().previous, Some(name("bot")));
    let you = account(&accounts, "ghcr.io", "you");
    accounts.change(|edit| accounts.rename(edit, &you, &name("work"))).unwrap();
    assert_eq!(
        (names(&accounts, "ghcr.io").as_str(), stored(&accounts, "ghcr.io", "work").as_deref()),
        ("me work* bot", Some("s2"))
    );
    assert_eq!(exposed(accounts.stored(&you).unwrap()), None);
    for (picked, left) in [("me", "work* bot"), ("nobody", "work* bot"), ("work", "bot"), ("bot", "")] {
        let removed = accounts.remove(&host, |_| picked.parse().ok(), UnreachableStore::Refuse).unwrap();
        assert_eq!((removed.is_some(), names(&accounts, "ghcr.io").as_str()), (picked != "nobody", left));
        assert!(removed.is_none_or(|removed| removed.end() == RevokeResult::ByHand));
        assert_eq!(accounts.is_swept(&(StoreKind::File, host.clone(), picked.to_owned())), picked != "you");
    }
    assert_eq!((accounts.all().unwrap().len(), accounts.secret_files().len()), (0, 0));
}

#[test]
fn many_logins_are_saved_together_and_one_fault_stops_no_other() {
    let (_folder, env) = home("", vec![]);
    let accounts = Accounts::new(&env);
    accounts.save(&login("ghcr.io", "me", "s1")).unwrap();
    let wrong = NewLogin { name: Some(name("me")), ..login("ghcr.io", "you", "s2") };
    let spelled = NewLogin { spellings: vec!["QUAY.io".into()], ..login("quay.io", "q", "s3") };
    let logins = [&login("ghcr.io", "bot", "s5"), &wrong, &spelled, &login("ghcr.io", "me", "s4")];
    let results = accounts.save_all(&logins).unwrap();
    assert_eq!(results.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true, true]);
    assert_eq!((names(&accounts, "ghcr.io").as_str(), names(&accounts, "quay.io").as_str()), ("me* bot", "q*"));
    assert_eq!(stored(&accounts, "ghcr.io", "me").as_deref(), Some("s4"));
    assert_eq!(accounts.other_names().unwrap()[&registry("quay.io")], ["QUAY.io"]);
    assert!(accounts.save_all(&[&wrong]).unwrap()[0].is_err() && accounts.save_all(&[]).unwrap().is_empty());
    let unknown = NewLogin { store: Some(StoreKind::Other("pigeon".into())), ..login("ghcr.io", "me", "s6") };
    assert!(accounts.save(&unknown).is_err());
    assert_eq!(stored(&accounts, "ghcr.io", "me").as_deref(), Some("s4"), "put back");
}

#[test]
fn a_preview_says_what_saving_would_do() {
    let glab = r#", "registries": {"gitlab.example": {"accounts": {"g": {"source": {"borrow": "glab"}}}}}"#;
    let (_folder, env) = home(glab, vec![]);
    let accounts = Accounts::new(&env);
    accounts.save(&login("ghcr.io", "me", "s1")).unwrap();
    let images = |pattern: &str| vec![pattern.parse::<ImagePattern>().unwrap()];
    let logins = [
        login("ghcr.io", "me", "s1"),
        login("ghcr.io", "me", "s2"),
        NewLogin { images: images("ghcr.io/x/**"), ..login("ghcr.io", "me", "s1") },
        NewLogin { spellings: vec!["GHCR.io".into()], ..login("ghcr.io", "me", "s1") },
        NewLogin { token_of: "me".parse().ok(), ..login("ghcr.io", "<token>", "s1") },
        login("ghcr.io", "you", "s1"),
        login("quay.io", "me", "s1"),
        login("gitlab.example", "g", "s1"),
    ];
    let found =
        accounts.preview_all(&logins).unwrap().into_iter().map(|preview| preview.unwrap().1).collect::<Vec<_>>();
    let (renews, new) = (SaveOutcome::Renews, SaveOutcome::New);
    assert_eq!(
        found,
        [SaveOutcome::Same, SaveOutcome::Replaces, renews, renews, renews, new, new, SaveOutcome::Supplied]
    );
    let refused = StoredSecret { refused: true, ..secret("s1").into() };
    accounts.change(|edit| edit.secrets.put(&account(&accounts, "ghcr.io", "me"), &refused)).unwrap();
    assert_eq!(accounts.preview_all(&logins[1..2]).unwrap()[0].as_ref().unwrap().1, renews);
}

#[test]
fn accounts_of_the_environment_are_not_changed() {
    let (_folder, env) = home("", vec![account_from_env("CI", "ghcr.io bot s1")]);
    let accounts = Accounts::new(&env);
    accounts.save(&login("ghcr.io", "me", "s2")).unwrap();
    assert_eq!(names(&accounts, "ghcr.io"), "me ci*");
    for (target, is_refused) in [("ci", true), ("me", false)] {
        assert_eq!(accounts.refuse_env_account(&registry("ghcr.io"), &name(target)).is_err(), is_refused);
    }
    assert!(accounts.activate(&registry("ghcr.io"), &name("me")).is_err(), "the environment's default stays");
    assert_eq!(stored(&accounts, "ghcr.io", "ci").as_deref(), Some("s1"));
}

#[test]
fn secrets_move_between_stores_and_their_key_can_change() {
    let (folder, env) = home("", vec![]);
    let accounts = Accounts::new(&env);
    let user: Username = "me".parse().unwrap();
    accounts.save(&login("docker.io", "me", "s1")).unwrap();
    accounts.save(&login("docker.io", "you", "s2")).unwrap();
    accounts.set_hub_token(&user, HubToken::Access, Some(&secret("t"))).unwrap();
    let key = folder.path().join("key");
    accounts.hold_key(&Holder::File(key), None, None).unwrap();
    let which = ["me", "nobody"].map(|own| (registry("docker.io"), name(own)));
    for (to, moved) in [(StoreKind::Sealed, 1), (StoreKind::Sealed, 0), (StoreKind::File, 1), (StoreKind::Sealed, 1)] {
        let now = accounts.relocate(&which, &to).unwrap();
        assert!(now.len() == moved && now.iter().all(|account| account.store == to));
        assert_eq!(account(&accounts, "docker.io", "me").store, to);
        assert_eq!(stored(&accounts, "docker.io", "me").as_deref(), Some("s1"));
        assert!(accounts.hub_token(&user, HubToken::Access).unwrap() == Some(secret("t")));
        assert!(accounts.hub_token(&user, HubToken::Refresh).unwrap().is_none());
        let elsewhere = if to == StoreKind::File { StoreKind::Sealed } else { StoreKind::File };
        assert!(accounts.vault.hub_token_in(&elsewhere, &user, HubToken::Access).unwrap().is_none());
    }
    accounts.set_hub_token(&user, HubToken::Refresh, Some(&secret("r"))).unwrap();
    assert!(accounts.vault.hub_token_in(&StoreKind::Sealed, &user, HubToken::Refresh).unwrap().is_some());
    assert_eq!(accounts.rotate_key(None).unwrap().1, 1);
    assert_eq!(stored(&Accounts::new(&env), "docker.io", "me").as_deref(), Some("s1"));
    let stored = accounts.stored_by_registry(&accounts.all().unwrap()).remove(0);
    let stored: Vec<_> = stored.into_iter().map(|stored| exposed(stored.unwrap()).unwrap()).collect();
    assert_eq!(stored, ["s1", "s2"]);
    accounts.remove(&registry("docker.io"), |_| Some(name("me")), UnreachableStore::Refuse).unwrap();
    assert!(accounts.hub_token(&user, HubToken::Access).unwrap().is_none());
    for store in [Some(StoreKind::Sealed), None] {
        accounts.set_store(store.as_ref()).unwrap();
        assert_eq!(accounts.store_setting().unwrap(), store);
    }
}

#[test]
fn leftovers_of_a_killed_change_are_swept_and_those_of_another_config_are_named() {
    let (folder, env) = home("", vec![]);
    let accounts = Accounts::new(&env);
    accounts.save(&login("ghcr.io", "me", "s1")).unwrap();
    accounts.save(&login("ghcr.io", "other", "s2")).unwrap();
    let config = folder.path().join("config/config.json");
    write(&config, r#"{"version": 3, "store": "file", "registries": {"ghcr.io": {"accounts": {"me": {}}}}}"#);
    let left = accounts.leftovers().unwrap().secrets;
    assert_eq!(left, [(StoreKind::File, registry("ghcr.io"), "other".to_owned())]);
    assert!(!accounts.is_swept(&left[0]), "the login was completed, so its secret is kept");
    let file = folder.path().join("data/secrets/ghcr.io.json");
    let text = std::fs::read_to_string(&file).unwrap();
    write(&file, &text.replace("\"other\"", "\"killed\""));
    let damaged = folder.path().join("data/secrets/quay.io.json.damaged");
    for path in [&damaged, &damaged.with_extension("new")] {
        write(path, "{");
    }
    let left = accounts.leftovers().unwrap();
    assert!(accounts.is_swept(&left.secrets[0]) && left.files.len() == 2);
    accounts.set_journal(true).unwrap(); // any change sweeps left-overs
    let left = accounts.leftovers().unwrap();
    assert_eq!((left.secrets, left.files), (vec![], vec![damaged]));
    // The account `killed` now has its secret in the sealed store, so its secret in the file is a left-over.
    let sealed =
        r#"{"version": 3, "registries": {"ghcr.io": {"accounts": {"me": {}, "killed": {"store": "sealed"}}}}}"#;
    write(&config, sealed);
    write(&file, &text.replace("\"other\"", "\"killed\""));
    assert!(accounts.remove_leftover(&registry("ghcr.io"), "killed").unwrap());
    write(&file, &text);
    for (target, is_there) in [("me", false), ("nobody", false), ("other", true), ("other", false)] {
        assert_eq!(accounts.remove_leftover(&registry("ghcr.io"), target).unwrap(), is_there, "{target}");
    }
    assert_eq!(stored(&accounts, "ghcr.io", "me").as_deref(), Some("s1"));
}

#[test]
fn secrets_that_another_helper_may_have_are_removed_unless_an_account_names_them() {
    let settings = r#", "registries": {"ghcr.io": {"accounts": {"me": {"store": "helper:pigeon"}}}}"#;
    let (_folder, env) = home(settings, vec![]);
    let accounts = Accounts::new(&env);
    let pending = [("ghcr.io", "me", "helper:pigeon"), ("ghcr.io", "you", "helper:pigeon"), ("ghcr.io", "me", "file")];
    let pending = [&pending[..], &[("quay.io", "me", "helper:pigeon")]].concat();
    accounts.vault.update(|record| {
        for (host, user, store) in &pending {
            let account = Account::new(registry(host), user.parse().unwrap());
            record.announce(&Account { store: StoreKind::parse(store), ..account });
        }
    });
    accounts.set_journal(true).unwrap(); // any change sweeps left-overs
    let left = accounts.vault.record().unwrap().pending();
    let left: Vec<_> = left.iter().map(|account| format!("{} {}", account.registry, account.name)).collect();
    assert_eq!(left, ["ghcr.io you", "quay.io me"], "the helper is not there");
}

#[test]
fn only_a_secret_that_a_program_gives_again_may_be_missing_in_a_move() {
    let settings = r#", "registries": {"ghcr.io": {"accounts": {"lost": {}, "g": {"source": {"borrow": "glab"}}}}}"#;
    let (folder, env) = home(settings, vec![]);
    let accounts = Accounts::new(&env);
    accounts.hold_key(&Holder::File(folder.path().join("key")), None, None).unwrap();
    for (alias, is_moved) in [("g", true), ("lost", false)] {
        let moved = accounts.relocate(&[(registry("ghcr.io"), name(alias))], &StoreKind::Sealed);
        assert_eq!(moved.is_ok(), is_moved, "{alias}");
    }
}

#[test]
fn a_store_that_is_gone_keeps_its_account_until_it_is_abandoned() {
    let settings =
        r#", "registries": {"ghcr.io": {"active": "me", "accounts": {"me": {"store": "pigeon"}, "you": {}}}}"#;
    let (_folder, env) = home(settings, vec![]);
    let accounts = Accounts::new(&env);
    let remove = |store| accounts.remove(&registry("ghcr.io"), |_| Some(name("me")), store);
    assert!(remove(UnreachableStore::Refuse).is_err());
    assert_eq!(names(&accounts, "ghcr.io"), "me* you");
    assert!(remove(UnreachableStore::Abandon).unwrap().is_some());
    assert_eq!(names(&accounts, "ghcr.io"), "you");
    assert_eq!(accounts.registry_accounts(&registry("ghcr.io")).unwrap().active, DefaultAccount::SignedOut);
}

#[test]
fn tokens_of_docker_hub_go_with_the_last_account_of_their_user() {
    let (_folder, env) = home("", vec![]);
    let accounts = Accounts::new(&env);
    let user: Username = "me".parse().unwrap();
    let save = |host: &str, alias: &str| {
        accounts.save(&NewLogin { name: Some(name(alias)), ..login(host, "me", alias) }).unwrap();
    };
    save("docker.io", "me");
    save("docker.io", "me-too");
    save("ghcr.io", "me");
    accounts.set_hub_token(&user, HubToken::Refresh, Some(&secret("t"))).unwrap();
    for (host, alias, is_left) in [("ghcr.io", "me", true), ("docker.io", "me-too", true), ("docker.io", "me", false)] {
        accounts.remove(&registry(host), |_| Some(name(alias)), UnreachableStore::Refuse).unwrap();
        assert_eq!(accounts.hub_token(&user, HubToken::Refresh).unwrap().is_some(), is_left, "{host} {alias}");
    }
}

#[test]
fn a_login_in_another_store_leaves_no_secret_behind() {
    let (folder, env) = home("", vec![]);
    let accounts = Accounts::new(&env);
    accounts.hold_key(&Holder::File(folder.path().join("key")), None, None).unwrap();
    let in_file =
        |kind| accounts.vault.all_in_file(kind, &registry("ghcr.io")).unwrap().into_keys().collect::<Vec<_>>();
    for user in ["me", "you"] {
        accounts.save(&login("ghcr.io", user, "s1")).unwrap();
    }
    let sealed = NewLogin { store: Some(StoreKind::Sealed), ..login("ghcr.io", "me", "s2") };
    accounts.save_all(&[&sealed, &login("ghcr.io", "you", "s1")]).unwrap();
    assert_eq!(
        (in_file(&StoreKind::File), in_file(&StoreKind::Sealed)),
        (vec!["you".to_owned()], vec!["me".to_owned()])
    );
    assert_eq!(stored(&accounts, "ghcr.io", "me").as_deref(), Some("s2"));
    let wide = accounts.save(&login("*.wide.example", "all", "s3")).unwrap();
    assert_eq!(exposed(accounts.stored(&wide).unwrap()).as_deref(), Some("s3"));
    let own = folder.path().join("data/secrets");
    let text = std::fs::read_to_string(own.join("ghcr.io.json")).unwrap().replace("\"you\"", "\"all\"");
    for host in ["x.wide.example", "x.other.example"] {
        write(&own.join(format!("{host}.json")), &text);
    }
    let left = accounts.leftovers().unwrap().secrets; // a host's secret may belong to an account for a pattern
    assert_eq!(left, [(StoreKind::File, registry("x.other.example"), "all".to_owned())]);
    accounts.set_hub_token(&"me".parse().unwrap(), HubToken::Access, Some(&secret("t"))).unwrap();
    accounts.relocate(&[(registry("ghcr.io"), name("you"))], &StoreKind::Sealed).unwrap();
    accounts.save(&login("ghcr.io", "me", "s4")).unwrap();
    for store in [StoreKind::File, StoreKind::Sealed] {
        accounts.relocate(&[(registry("ghcr.io"), name("me"))], &store).unwrap();
        let token = accounts.vault.hub_token_in(&StoreKind::File, &"me".parse().unwrap(), HubToken::Access);
        assert!(token.unwrap().is_some(), "the token belongs to an account of Docker Hub");
    }
}

#[test]
fn a_broken_config_stops_every_change() {
    let (folder, env) = home("", vec![]);
    write(&folder.path().join("config/config.json"), "{");
    let accounts = Accounts::new(&env);
    assert!(accounts.save_all(&[&login("ghcr.io", "me", "s")]).is_err() && accounts.set_journal(true).is_err());
    assert!(accounts.wants_journal() && accounts.secret_files().is_empty());
    let (found, record) = accounts.find(&registry("ghcr.io"), "ghcr.io", &AccountRequest::default(), &Stranger);
    assert_eq!((found.is_err(), record.decision.registry.as_str()), (true, "ghcr.io"));
}

#[test]
fn settings_are_changed_one_by_one() {
    let (_folder, env) = home("", vec![]);
    let accounts = Accounts::new(&env);
    let [pass, acr]: [HelperName; 2] = ["pass", "acr"].map(|helper| helper.parse().unwrap());
    let routes =
        || accounts.routes().unwrap().iter().map(|route| route.helper.to_string()).collect::<Vec<_>>().join(" ");
    accounts.set_routes(&[Some(&registry("a.example")), None], Some(&acr)).unwrap();
    assert_eq!(routes(), "acr acr");
    accounts.set_routes(&[None], None).unwrap();
    assert_eq!(routes(), "acr");
    for (noted, fallback, chosen_since, left) in [
        (Some("pass"), Some(&pass), None, "acr"),
        (Some("pass"), Some(&pass), Some(&acr), "acr acr"),
        (None, None, None, "acr acr"),
    ] {
        accounts.note_replaced_store("/docker.json", noted, fallback).unwrap();
        assert_eq!(accounts.replaced_store("/docker.json").unwrap().as_deref(), noted);
        if chosen_since.is_some() {
            accounts.set_routes(&[None], chosen_since).unwrap();
        }
        accounts.drop_replaced_store("/docker.json").unwrap();
        assert_eq!((routes().as_str(), accounts.replaced_store("/docker.json").unwrap()), (left, None));
    }
    let pattern = |text: &str| text.parse::<ImagePattern>().unwrap();
    let [x, y, other] = ["a.example/x", "a.example/y", "b.example/x"].map(pattern);
    let public = |host: &str| accounts.registry_accounts(&registry(host)).unwrap().public;
    accounts.set_public(&[x.clone(), other.clone(), y.clone()], true).unwrap();
    assert_eq!((public("a.example"), public("b.example")), (vec![x.clone(), y.clone()], vec![other]));
    accounts.set_public(&[x], false).unwrap();
    assert_eq!(public("a.example"), [y]);
    for digest in [Some("sha256:00"), None] {
        accounts.set_trusted("/f", digest).unwrap();
        assert_eq!(accounts.trusted().unwrap().len(), usize::from(digest.is_some()));
    }
}
