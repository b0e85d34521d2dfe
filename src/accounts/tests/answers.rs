//! Tests the answers to calls, and the stored facts about secrets, registries and helpers.

use std::time::Duration;

use super::*;
use crate::model::choice::{CommandImages, DefaultAccount};
use crate::model::{CallerFacts, CallerRule, StoreKind};
use crate::system::threads;

#[test]
fn a_verdict_is_kept_with_its_secret_until_the_next_one() {
    let (_folder, env) = home("", vec![]);
    let accounts = Accounts::new(&env);
    let me = accounts.save(&login("ghcr.io", "me", "s1")).unwrap();
    let now = SystemTime::now();
    let page = || "https://ghcr.io/login".to_owned();
    let hour = Duration::from_hours(1);
    for (shown, verdict, end, trouble, expires) in [
        ("s1", SecretVerdict::Refused, None, "the registry refused the login", None),
        ("other", SecretVerdict::Accepted, None, "the registry refused the login", None),
        ("s1", SecretVerdict::SessionOver { page: page() }, None, "the session of me", None),
        ("s1", SecretVerdict::Accepted, Some(now - hour), "", None),
        ("s1", SecretVerdict::Accepted, Some(now + hour), "", Some(now + hour)),
        ("s1", SecretVerdict::Accepted, None, "", Some(now + hour)),
    ] {
        accounts.record_verdict(&me, &secret(shown), &verdict, end);
        let stored = accounts.stored(&me).unwrap().unwrap();
        let found = accounts.trouble(&me, &stored).map(|problem| problem.message).unwrap_or_default();
        assert!(if trouble.is_empty() { found.is_empty() } else { found.contains(trouble) }, "{verdict:?}: {found}");
        let seconds = |moment: Option<SystemTime>| moment.map(crate::model::timestamp::seconds);
        assert_eq!(seconds(stored.expires_at), seconds(expires), "{verdict:?}");
        for (audience, is_asked) in
            [(Audience::Client, trouble.is_empty()), (Audience::Person, !found.contains("refused"))]
        {
            let resolved = accounts.resolve(&me, Some(stored.copy()), audience).unwrap();
            assert_eq!(matches!(resolved, ResolvedSecret::Valid(_)), is_asked, "{verdict:?}");
        }
    }
    accounts.note_ended_session(&me, "https://ghcr.io/sso");
    assert!(accounts.stored(&me).unwrap().unwrap().session_over.is_some_and(|over| over.page == "https://ghcr.io/sso"));
    accounts.renew(&me, &secret("other"), &secret("s2")).unwrap();
    assert_eq!(stored(&accounts, "ghcr.io", "me").as_deref(), Some("s1"));
    accounts.renew(&me, &secret("s1"), &secret("s2")).unwrap();
    let stored = accounts.stored(&me).unwrap().unwrap();
    assert!(stored.session_over.is_none() && stored.expires_at.is_none() && stored.secret == secret("s2"));
}

#[test]
fn accounts_that_end_soon_are_listed_in_the_order_of_their_end() {
    let (_folder, env) = home("", vec![]);
    let accounts = Accounts::new(&env);
    let days = |days: u64| Some(SystemTime::now() + Duration::from_hours(24 * days));
    for (user, expires_at) in [("late", days(30)), ("soon", days(5)), ("none", None), ("first", days(1))] {
        let stored = StoredSecret { expires_at, ..secret("s").into() };
        accounts.save(&NewLogin { stored, ..login("ghcr.io", user, "s") }).unwrap();
    }
    let ending: Vec<_> =
        accounts.ending_soon().unwrap().into_iter().map(|(account, _)| account.name.to_string()).collect();
    assert_eq!(ending, ["first", "soon"]);
}

#[test]
fn surveys_tell_accounts_helpers_aliases_and_trust() {
    let settings = r#", "journal": false, "fallback": "desktop", "trusted": {"/f": "d"}, "registries": {
        "a.example": {"spellings": ["A.example"], "helper": "acr", "accounts": {"me": {}}}, "b.example": {"helper": "acr"},
        "*.example": {"accounts": {"all": {}}}, "c.example": {"public": ["c.example/x"]}},
        "also": {"m.example": {"registry": "a.example", "accounts": ["me"]}}"#;
    let (_folder, env) = home(settings, vec![]);
    let accounts = Accounts::new(&env);
    let keys =
        |entries: Vec<RegistryAccounts>| entries.iter().map(|entry| entry.registry.to_string()).collect::<Vec<_>>();
    assert_eq!(keys(accounts.all().unwrap()), ["a.example", "*.example", "c.example"]);
    let (with_accounts, routes) = accounts.survey().unwrap();
    assert_eq!(keys(with_accounts), ["a.example", "*.example"]);
    let shown = |route: &HelperRoute| format!("{}:{}", route.helper, route.by.as_ref().map_or("", Registry::as_str));
    assert_eq!(routes.iter().map(shown).collect::<Vec<_>>(), ["acr:b.example", "desktop:"]);
    assert_eq!(accounts.routes().unwrap(), routes);
    assert_eq!((accounts.aliases().unwrap().len(), accounts.trusted().unwrap().len()), (1, 1));
    assert_eq!(accounts.other_names().unwrap()[&registry("a.example")], ["A.example", "m.example"]);
    assert!(!accounts.wants_journal() && accounts.about_to_adopt().is_none());
    accounts.set_journal(true).unwrap();
    assert!(accounts.wants_journal());
    for (host, own, answering) in [("a.example", "me", "me"), ("x.example", "", "all"), ("*.example", "all", "all")] {
        assert_eq!(names(&accounts, host), own);
        assert_eq!(accounts.registry_accounts(&registry(host)).unwrap().accounts[0].name.as_str(), answering);
    }
    let entry = accounts.registry_accounts(&registry("a.example")).unwrap();
    for (named, unknown) in [
        (ExplicitAccount::Unset, None),
        (ExplicitAccount::OtherRegistry, None),
        (ExplicitAccount::AnyRegistry("me".into()), None),
        (ExplicitAccount::AnyRegistry("all".into()), None),
        (ExplicitAccount::AnyRegistry("nobody".into()), Some("nobody")),
        (ExplicitAccount::ThisRegistry("all".into()), Some("all")),
        (ExplicitAccount::ThisRegistry("me".into()), None),
    ] {
        assert_eq!(accounts.unknown_name(&named, &entry).unwrap().as_deref(), unknown, "{named:?}");
    }
    for (pinned, listed) in [("me", vec![("a.example".to_owned(), "me".to_owned())]), ("all", vec![])] {
        assert_eq!(accounts.listed(Some(&name(pinned))).unwrap(), listed, "{pinned}");
    }
}

/// A caller without any facts.
pub(super) struct Stranger;

impl CallerContext for Stranger {
    fn command(&self) -> CommandImages {
        CommandImages::default()
    }

    fn facts(&self, _: &CallerRule) -> CallerFacts {
        CallerFacts::default()
    }
}

#[test]
fn a_call_finds_a_secret_or_the_reason_why_there_is_none() {
    let settings = r#", "registries": {"gone.example": {"accounts": {"me": {}}},
        "guarded.example": {"accounts": {"me": {"callers": {"grant": "required"}}}},
        "new.example": {"accounts": {"me": {"source": {"later": 1}}}},
        "open.example": {"public": ["open.example/x"], "helper": "not-installed"},
        "b.example": {"helper": "not-installed"}}"#;
    let (_folder, env) = home(settings, vec![]);
    let accounts = Accounts::new(&env);
    let past = Some(SystemTime::now() - Duration::from_mins(1));
    accounts.save(&login("ghcr.io", "me", "s1")).unwrap();
    let stored = StoredSecret { expires_at: past, ..secret("s").into() };
    accounts.save(&NewLogin { stored, ..login("old.example", "me", "s") }).unwrap();
    let image = |text: &str| AccountRequest { image: Some(text.parse().unwrap()), ..AccountRequest::default() };
    let plain = AccountRequest::default;
    let pinned = || AccountRequest { pinned: Some(name("me")), ..plain() };
    let nobody = AccountRequest { environment: ExplicitAccount::AnyRegistry("nobody".into()), ..plain() };
    let named = || AccountRequest { environment: ExplicitAccount::ThisRegistry("me".into()), ..plain() };
    for (host, request, expected) in [
        ("ghcr.io", plain(), "me"),
        ("ghcr.io", nobody, "no account"), // no other account may answer instead
        ("none.example", plain(), "no account"),
        ("old.example", plain(), "the credentials of me on old.example are no longer valid: they have expired"),
        ("gone.example", plain(), "error: the secret of me on gone.example is gone"),
        ("new.example", plain(), "error: the secret of me on new.example comes from a source"),
        ("guarded.example", plain(), "withheld"),
        ("b.example", plain(), "`docker-credential-not-installed` is not installed"),
        ("b.example", pinned(), "no account"),
        ("b.example", named(), "no account"),
        ("open.example", image("open.example/x"), "no account"),
        ("open.example", image("open.example/y"), "`docker-credential-not-installed` is not installed"),
    ] {
        let (found, record) = accounts.find(&registry(host), host, &request, &Stranger);
        let found = match found {
            Ok(FindOutcome::Credential(credential)) => credential.username.to_string(),
            Ok(FindOutcome::NoAccount) => "no account".to_owned(),
            Ok(FindOutcome::Expired(problem) | FindOutcome::Unrenewed(problem)) => problem.message,
            Ok(FindOutcome::Withheld(_)) => "withheld".to_owned(),
            Err(error) => format!("error: {error}"),
        };
        assert!(found.starts_with(expected), "{host}: {found}");
        assert!(!record.is_private && record.guarded.is_none());
        assert_eq!(
            (record.decision.route.as_deref() == Some(host), record.decision.helper.is_some()),
            (expected.contains("not-installed"), expected.contains("not-installed"))
        );
    }
    accounts
        .change(|edit| {
            edit.document.set_active(&registry("ghcr.io"), &DefaultAccount::SignedOut);
            edit.document.set_journal(false);
            Ok(())
        })
        .unwrap();
    let (found, record) = accounts.find(&registry("ghcr.io"), "ghcr.io", &plain(), &Stranger);
    assert!(matches!(found, Ok(FindOutcome::NoAccount)) && record.is_private);
}

#[test]
fn atcrs_accounts_are_saved_by_the_first_call() {
    let folder = tempfile::tempdir().unwrap();
    let env = Env::in_folder(folder.path(), vec![]);
    let device = r#"{"credentials": {"atcr.io": {"handle": "a.example", "device_secret": "s"},
        "b.io": {"handle": "b.example", "device_secret": "t"}, "ftp://x": {"handle": "b", "device_secret": "s"}}}"#;
    write(&folder.path().join(".atcr/device.json"), device);
    let accounts = Accounts::new(&env);
    let (count, skipped) = accounts.about_to_adopt().unwrap();
    assert_eq!((count, skipped.len()), (2, 1));
    let all = accounts.config.load(None).unwrap().registries;
    for (entry, found) in all.iter().zip(accounts.stored_by_registry(&all)) {
        let expected = if entry.registry == registry("b.io") { "t" } else { "s" };
        let found = found.into_iter().map(|stored| exposed(stored.unwrap())).next().unwrap();
        assert_eq!(found.as_deref(), Some(expected), "adopted in memory, before any save");
        assert_eq!(exposed(accounts.stored(&entry.accounts[0]).unwrap()).as_deref(), Some(expected));
    }
    assert!(!accounts.config_file().unwrap().exists());
    let (found, _) = accounts.find(&registry("atcr.io"), "atcr.io", &AccountRequest::default(), &Stranger);
    assert!(matches!(found, Ok(FindOutcome::Credential(_))));
    assert!(accounts.config_file().unwrap().exists() && accounts.about_to_adopt().is_none());
    assert_eq!(stored(&accounts, "atcr.io", "a.example").as_deref(), Some("s"));
}

#[test]
fn a_secret_that_can_be_read_is_returned_from_an_odd_file() {
    let (folder, env) = home("", vec![]);
    let accounts = Accounts::new(&env);
    accounts.save(&login("ghcr.io", "me", "s1")).unwrap();
    accounts.save(&login("ghcr.io", "you", "s2")).unwrap();
    for (text, expected) in [
        (r#"{"version": 2, "secrets": {"me": "s1", "you": "s2"}, "later": 1}"#, ["s1", "s2"]),
        ("{\"version\": 1, \"secrets\": {\"me\": \"s1\",\n\"you\": 5}}", ["s1", "are broken at line 2"]),
        (r#"{"version": 1, "secrets": {"you": {"secret": "s2"}}}"#, ["none", "s2"]),
        ("{", ["are broken at line 1", "are broken at line 1"]),
    ] {
        write(&folder.path().join("data/secrets/ghcr.io.json"), text);
        let stored = accounts.stored_by_registry(&accounts.all().unwrap()).remove(0);
        for (found, expected) in stored.into_iter().zip(expected) {
            let found = found.map_or_else(|error| error.to_string(), |stored| exposed(stored).unwrap_or("none".into()));
            assert!(found.contains(expected), "{text}: {found}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_programs_secret_is_cached_until_its_end() {
    let (folder, env) = home("", vec![]);
    let accounts = Accounts::new(&env);
    let script = folder.path().join("program");
    // A shell reads the script. Executing the script could fail while a fork of another test has it open for writing.
    let says = |text: &str| write(&script, &format!("echo '{text}'\n"));
    let config = |cache: &str| {
        let source = format!(r#"{{"borrow": "command", "command": ["/bin/sh", "{}"]{cache}}}"#, script.display());
        let text = format!(
            r#"{{"version": 3, "registries": {{"ghcr.io": {{"accounts": {{"me": {{"source": {source}}}}}}}}}}}"#
        );
        write(&folder.path().join("config/config.json"), &text);
    };
    let asked = || {
        let (found, _) = accounts.find(&registry("ghcr.io"), "ghcr.io", &AccountRequest::default(), &Stranger);
        match found.unwrap() {
            FindOutcome::Credential(credential) => exposed(Some(credential.secret.into())).unwrap(),
            other => panic!("{other:?}"),
        }
    };
    for (cache, second) in [("", "s2"), (r#", "cache": 600"#, "s1")] {
        config(cache);
        says("s1");
        assert_eq!(asked(), "s1");
        says("s2");
        assert_eq!(asked(), second);
        let me = account(&accounts, "ghcr.io", "me");
        assert_eq!(exposed(accounts.stored(&me).unwrap()).is_some(), second == "s1");
    }
    // `docker login` may send back the secret of the last answer, which is not a new login.
    assert!(accounts.returned(&login("ghcr.io", "me", "s1")).unwrap().is_some());
    assert!(accounts.returned(&login("ghcr.io", "me", "other")).unwrap().is_none());
    assert!(accounts.returned(&login("ghcr.io", "you", "s1")).unwrap().is_none());
    config(r#", "cache": 601"#); // the cached answer belongs to the old setting
    assert_eq!(asked(), "s2");

    config(r#", "cache": 600"#);
    let me = account(&accounts, "ghcr.io", "me");
    let now = SystemTime::now();
    let minute = Duration::from_mins(1);
    for (expires_at, refused, expected) in [
        (now + minute, false, "kept"),
        (now + minute, true, "s3"),
        (now - minute, false, "s3"),
        (now + 13 * 60 * minute, false, "s3"), // only possible if the clock was set back
    ] {
        says("s2");
        asked();
        let cached = accounts.stored(&me).unwrap().unwrap();
        let changed = StoredSecret { expires_at: Some(expires_at), refused, secret: secret("kept"), ..cached.copy() };
        accounts.update(&me, |_| Some(changed.copy())).unwrap();
        says("s3");
        assert_eq!(asked(), expected, "{expires_at:?} {refused}");
        accounts.update(&me, |_| Some(cached.copy())).unwrap();
    }
    // If an account is removed while its external source is asked, no secret of it is stored.
    accounts.remove(&registry("ghcr.io"), |_| Some(name("me")), UnreachableStore::Refuse).unwrap();
    says(r#"{"Username": "you", "Secret": "s4"}"#);
    match accounts.resolve(&me, None, Audience::Client) {
        Ok(ResolvedSecret::Valid(credential)) => assert_eq!(credential.username.as_str(), "you"),
        other => panic!("{other:?}"),
    }
    assert!(exposed(accounts.stored(&me).unwrap()).is_none());
}

#[test]
fn a_change_of_another_process_is_neither_a_lost_secret_nor_a_left_over() {
    let (folder, env) = home("", vec![]);
    let accounts = Accounts::new(&env);
    accounts.save(&login("ghcr.io", "me", "s1")).unwrap();
    let before = accounts.all().unwrap();
    let key = folder.path().join("key");
    accounts.hold_key(&Holder::File(key), None, None).unwrap();
    accounts.relocate(&[(registry("ghcr.io"), name("me"))], &StoreKind::Sealed).unwrap();
    let stored = accounts.stored_by_registry(&before).remove(0).remove(0);
    assert_eq!(exposed(stored.unwrap()).as_deref(), Some("s1"));
    let lock = accounts.lock().unwrap();
    let new = folder.path().join("data/secrets/ghcr.io.json");
    write(&new, r#"{"version": 1, "secrets": {"new": "s2"}}"#);
    threads::start(move || {
        std::thread::sleep(Duration::from_millis(300));
        std::fs::remove_file(new).unwrap();
        drop(lock);
    })
    .unwrap();
    assert!(accounts.leftovers().unwrap().secrets.is_empty());
}
