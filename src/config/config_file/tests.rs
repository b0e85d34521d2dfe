//! Loads `config.json` for a host, changes it, copies it and repairs it.

use super::*;
use crate::model::choice::HelperRoute;
use crate::model::env_account;

#[test]
fn of_a_host_all_entries_are_read_that_cover_it() {
    let text = r#"{"version": 3, "fallback": "desktop", "registries": {
            "*.azurecr.io": {"accounts": {"me": {}}}, "shop.azurecr.io": {"public": ["shop.azurecr.io/open/**"]},
            "s*.azurecr.io": {"helper": "acr-env"}, "*.example": {"helper": "ensign-x"}}}"#;
    for (host, keys) in [
        ("shop.azurecr.io", vec!["*.azurecr.io", "shop.azurecr.io", "s*.azurecr.io"]),
        ("a.azurecr.io", vec!["*.azurecr.io"]),
        ("*.azurecr.io", vec!["*.azurecr.io"]),
        ("ghcr.io", vec![]),
    ] {
        let reading =
            reader::read(text.as_bytes(), Some(&Registry::from_key(host)), |text| PathBuf::from(text)).unwrap();
        assert_eq!(reading.fallback, "desktop".parse().ok());
        assert_eq!(reading.registries.iter().map(|entry| entry.registry.as_str()).collect::<Vec<_>>(), keys, "{host}");
    }
    let shop = Registry::from_key("shop.azurecr.io");
    let shop = RegistryAccounts::for_host(
        reader::read(text.as_bytes(), Some(&shop), |text| PathBuf::from(text)).unwrap().registries,
        &shop,
    );
    assert_eq!((shop.registry.as_str(), shop.helper), ("s*.azurecr.io", "acr-env".parse().ok()));
    assert_eq!(shop.public.len(), 1);
    assert_eq!(reader::read(text.as_bytes(), None, |text| PathBuf::from(text)).unwrap().registries[3].helper, None);
}

/// Returns a home, its environment and the path of its `config.json`.
fn home(text: Option<&str>, mounted: Vec<EnvAccount>) -> (tempfile::TempDir, Env, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let env = Env::in_folder(folder.path(), mounted);
    let path = folder.path().join("config/config.json");
    if let Some(text) = text {
        files::replace(&path, text.as_bytes(), Access::Private).unwrap();
    }
    (folder, env, path)
}

const HOSTS: &str = r#"{"version": 3, "fallback": "desktop", "providers": {"p": 1}, "releases": "r", "registries": {
    "docker.io": {"accounts": {"hub": {}}},
    "a.example": {"helper": "acr", "accounts": {"me": {}, "you": {}}},
    "*.wide.example": {"accounts": {"all": {}}},
    "helped.example": {"helper": "acr"},
    "busy.example": {"accounts": {"busy": {}}}},
  "trusted": {"/w/.ensign.toml": "sha256:00"}, "replacedStores": {"/docker.json": "pass", "/g.json": 1},
  "also": {
    "m.example": {"registry": "a.example", "accounts": ["you", "nobody"]},
    "b.wide.example": {"registry": "a.example", "accounts": ["me"]},
    "busy.example": {"registry": "a.example", "accounts": ["me"]},
    "helped.example": {"registry": "a.example", "accounts": ["me"]},
    "h.example": {"registry": "helped.example", "accounts": ["me"]},
    "none.example": {"registry": "a.example", "accounts": ["nobody"]},
    "w.example": {"registry": "x.wide.example", "accounts": ["all"]}}}"#;

#[test]
fn a_host_gets_its_own_accounts_then_those_of_also_of_its_pattern_and_of_docker_hub() {
    let (_folder, env, _) = home(Some(HOSTS), vec![]);
    for (host, registry, names, helper) in [
        ("docker.io", "docker.io", "hub", ""),
        ("a.example", "a.example", "me you", ""),
        ("m.example", "a.example", "you", ""),
        ("a.wide.example", "*.wide.example", "all", ""),
        ("b.wide.example", "a.example", "me", ""),
        ("busy.example", "busy.example", "busy", ""),
        ("helped.example", "helped.example", "", "acr for helped.example"),
        ("h.example", "h.example", "", "desktop for the rest"),
        ("none.example", "none.example", "", "desktop for the rest"),
        ("w.example", "w.example", "", "desktop for the rest"),
        ("dhi.io", "docker.io", "hub", ""),
        ("ghcr.io", "ghcr.io", "", "desktop for the rest"),
    ] {
        let asked = Registry::from_key(host);
        let (entry, route, _) = ConfigFile::new(&env).load(Some(&asked)).unwrap().into_only(&asked);
        let found: Vec<_> = entry.accounts.iter().map(|account| account.name.as_str()).collect();
        assert_eq!((entry.registry.as_str(), found.join(" ").as_str()), (registry, names), "{host}");
        let place = |by: Option<Registry>| by.map_or("the rest".to_owned(), |by| by.to_string());
        let route = route.map(|HelperRoute { helper, by }| format!("{helper} for {}", place(by)));
        assert_eq!(route.unwrap_or_default(), helper, "{host}");
        assert_eq!(entry.trusted.len(), 1, "{host}");
    }
    let all = ConfigFile::new(&env).load(None).unwrap().registries;
    assert!(all.len() == 5 && all.iter().all(|entry| entry.trusted.len() == 1));
}

#[test]
fn an_own_entry_or_a_pattern_of_a_host_goes_before_docker_hub() {
    for (entry, name) in
        [("dhi.io", "own"), ("d*.io", "own"), ("registry.scout.docker.com", "hub"), ("docker.io", "own")]
    {
        let text = format!(
            r#"{{"version": 3, "registries": {{"docker.io": {{"accounts": {{"hub": {{}}}}}}, "{entry}": {{"accounts": {{"own": {{}}}}}}}}}}"#
        );
        let text = if entry == "docker.io" { text.replacen(r#""docker.io""#, r#""quay.io""#, 1) } else { text };
        let (_folder, env, _) = home(Some(&text), vec![]);
        let asked = Registry::from_key("dhi.io");
        let (entries, ..) = ConfigFile::new(&env).load(Some(&asked)).unwrap().into_only(&asked);
        assert_eq!(entries.accounts[0].name.as_str(), name, "{entry}");
    }
}

#[test]
fn an_account_of_the_environment_goes_before_the_file() {
    let account_from_env = |name, text| env_account::read_variable(name, text).unwrap();
    let text = r#"{"version": 3, "registries": {"quay.io": {"active": "q", "accounts": {"q": {}}},
        "ghcr.io": {"active": "me", "accounts": {"me": {}, "ci": {"username": "old"}}}}}"#;
    let mounted = || {
        vec![
            account_from_env("CI", "ghcr.io bot s"),
            account_from_env("CD", "ghcr.io bot2 s"),
            account_from_env("X", "new.example x s"),
        ]
    };
    let active = || EnvAccount { active: true, ..account_from_env("CD", "ghcr.io bot2 s") };
    for (mounted, host, accounts, default) in [
        (mounted(), "ghcr.io", "me=me ci=bot cd=bot2", "ci"),
        (vec![account_from_env("CI", "ghcr.io bot s"), active()], "ghcr.io", "me=me ci=bot cd=bot2", "cd"),
        (mounted(), "new.example", "x=x", "x"),
        (mounted(), "quay.io", "q=q", "q"),
    ] {
        let (_folder, env, _) = home(Some(text), mounted);
        let loaded = ConfigFile::new(&env).load(Some(&Registry::from_key(host))).unwrap();
        let [entry] = loaded.registries.as_slice() else { panic!("{host}") };
        let found: Vec<_> = entry.accounts.iter().map(|own| format!("{}={}", own.name, own.username)).collect();
        assert_eq!(
            (found.join(" ").as_str(), &entry.active),
            (accounts, &DefaultAccount::Account(default.parse().unwrap()))
        );
    }
}

#[test]
fn settings_that_others_parse_are_passed_on() {
    let (_folder, env, _) = home(Some(HOSTS), vec![]);
    let config = ConfigFile::new(&env);
    assert_eq!(config.providers().unwrap(), Some(serde_json::json!({"p": 1})));
    assert_eq!(config.releases().unwrap(), Some("r".into()));
    assert_eq!(config.replaced_store("/docker.json").unwrap().as_deref(), Some("pass"));
    for none in ["/other.json", "/g.json"] {
        assert_eq!(config.replaced_store(none).unwrap(), None, "{none}");
    }
    let (_folder, env, _) = home(None, vec![]);
    let config = ConfigFile::new(&env);
    assert!(config.providers().unwrap().is_none() && config.replaced_store("/docker.json").unwrap().is_none());
}

#[test]
fn the_accounts_of_atcr_are_read_as_long_as_there_is_no_config() {
    let (folder, env, path) = home(None, vec![]);
    let device = br#"{"credentials": {"atcr.io": {"handle": "a.example", "device_secret": "s"},
        "buoy.example": {"handle": "b.example", "device_secret": "s"}}}"#;
    files::replace(&folder.path().join(".atcr/device.json"), device, Access::Private).unwrap();
    let config = ConfigFile::new(&env);
    for (wanted, found) in [(Some("atcr.io"), "atcr.io"), (Some("ghcr.io"), ""), (None, "atcr.io buoy.example")] {
        let loaded = config.load(wanted.map(Registry::from_key).as_ref()).unwrap();
        assert!(loaded.adopted.is_some_and(|adopted| adopted.secrets.len() == 2));
        let keys: Vec<_> = loaded.registries.iter().map(|entry| entry.registry.as_str()).collect();
        assert_eq!(keys.join(" "), found, "{wanted:?}");
    }
    let edit = config.begin().unwrap();
    assert_eq!(
        (edit.config.adopted.unwrap().secrets.len(), config.write(&edit.before, &edit.document).unwrap().len()),
        (2, 2)
    );
    assert!(path.exists() && config.load(None).unwrap().adopted.is_none());
}

#[test]
fn a_change_is_made_under_the_lock_and_keeps_the_file_before_it() {
    let (_folder, env, path) = home(None, vec![]);
    let (config, copy) = (ConfigFile::new(&env), files::sibling(&path, ".bak"));
    let text = |path: &PathBuf| std::fs::read_to_string(path).ok();
    let mut before = None;
    for helper in ["pass", "pass", "other"] {
        let mut edit = config.begin().unwrap();
        assert!(config.is_locked() && config.lock_within(Duration::ZERO).unwrap().is_none());
        edit.document.set_fallback(helper.parse().ok().as_ref());
        edit.document.set_public(&Registry::from_key("a"), &["a/b".parse().unwrap()]);
        assert_eq!(config.write(&edit.before, &edit.document).unwrap().len(), 1);
        assert!(text(&path).unwrap().contains(helper));
        assert_eq!(text(&copy), before.clone().filter(|_| helper == "other"));
        before = text(&path);
        drop(edit);
        assert!(!config.is_locked() && config.lock_within(Duration::ZERO).unwrap().is_some());
    }
}

#[test]
fn a_broken_or_newer_file_is_not_changed() {
    for (text, reads, error) in [
        (r#"{"version": 4, "registries": {}}"#, true, "has version 4 and was written by a newer Ensign"),
        (r#"{"version": 4, "registries": []}"#, false, "has version 4 and was written by a newer Ensign"),
        (r#"{"version": 3, "registries": []}"#, false, "config.json` is broken: invalid type: sequence"),
        (r#"{"version": 3, "later": 1e999}"#, true, "is broken: number out of range"),
    ] {
        let (_folder, env, path) = home(Some(text), vec![]);
        let config = ConfigFile::new(&env);
        assert_eq!(config.load(None).is_ok(), reads, "{text}");
        let found = config.begin().err().unwrap().to_string();
        assert!(found.contains(error), "{text}: {found}");
        assert_eq!(std::fs::read_to_string(path).unwrap(), text);
    }
}
