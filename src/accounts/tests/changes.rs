//! Logins are saved, previewed, activated, renamed, moved and removed, and swept after a crash.

use super::*;
use crate::model::{HubToken, ImagePattern, Username};

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
    accounts.activate(&host, &name("you")).unwrap(); // changes nothing, the one before included
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
    let logins = [&wrong, &spelled, &login("ghcr.io", "me", "s4"), &login("ghcr.io", "bot", "s5")];
    let results = accounts.save_all(&logins).unwrap();
    assert_eq!(results.iter().map(Result::is_ok).collect::<Vec<_>>(), [false, true, true, true]);
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
        login("ghcr.io", "you", "s1"),
        login("quay.io", "me", "s1"),
        login("gitlab.example", "g", "s1"),
    ];
    let found = accounts.preview_all(&logins).unwrap().into_iter().map(|one| one.unwrap().1).collect::<Vec<_>>();
    let renews = SaveOutcome::Renews;
    assert_eq!(
        found,
        [SaveOutcome::Same, renews, renews, renews, SaveOutcome::New, SaveOutcome::New, SaveOutcome::Supplied]
    );
}

#[test]
fn accounts_of_the_environment_are_not_changed() {
    let (_folder, env) = home("", vec![given("CI", "ghcr.io bot s1")]);
    let accounts = Accounts::new(&env);
    accounts.save(&login("ghcr.io", "me", "s2")).unwrap();
    assert_eq!(names(&accounts, "ghcr.io"), "me ci*");
    for (target, is_given) in [("ci", true), ("me", false)] {
        assert_eq!(accounts.refuse_given(&registry("ghcr.io"), &name(target)).is_err(), is_given);
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
        assert_eq!(accounts.relocate(&which, &to).unwrap().len(), moved);
        assert_eq!(account(&accounts, "docker.io", "me").store, to);
        assert_eq!(stored(&accounts, "docker.io", "me").as_deref(), Some("s1"));
        assert!(accounts.hub_token(&user, HubToken::Access).unwrap().is_some_and(|token| token.is_same(&secret("t"))));
        assert!(accounts.hub_token(&user, HubToken::Refresh).unwrap().is_none());
        let elsewhere = if to == StoreKind::File { StoreKind::Sealed } else { StoreKind::File };
        assert!(accounts.vault.hub_token_in(&elsewhere, &user, HubToken::Access).unwrap().is_none());
    }
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
    assert!(!accounts.is_swept(&left[0]), "it was saved for good");
    let file = folder.path().join("data/secrets/ghcr.io.json");
    let text = std::fs::read_to_string(&file).unwrap();
    write(&file, &text.replace("\"other\"", "\"killed\""));
    write(&files::sibling(&file, ".new"), "{");
    let left = accounts.leftovers().unwrap();
    assert!(accounts.is_swept(&left.secrets[0]) && left.files.len() == 1);
    accounts.set_journal(true).unwrap(); // any change
    let left = accounts.leftovers().unwrap();
    assert!(left.secrets.is_empty() && left.files.is_empty());
    write(&file, &text);
    for (target, is_there) in [("me", false), ("nobody", false), ("other", true), ("other", false)] {
        assert_eq!(accounts.remove_leftover(&registry("ghcr.io"), target).unwrap(), is_there, "{target}");
    }
    assert_eq!(stored(&accounts, "ghcr.io", "me").as_deref(), Some("s1"));
}
