//! Tests `RegistryAccounts`: which entry of the config answers for a host, and which account a name means.

use super::*;

fn entry(key: &str, accounts: &[&str], helper: Option<&str>, public: &[&str]) -> RegistryAccounts {
    let registry = Registry::from_key(key);
    RegistryAccounts {
        accounts: accounts.iter().map(|name| Account::new(registry.clone(), name.parse().unwrap())).collect(),
        helper: helper.map(|name| name.parse().unwrap()),
        public: public.iter().map(|text| text.parse().unwrap()).collect(),
        ..RegistryAccounts::none(&registry)
    }
}

#[test]
fn the_closest_entry_that_answers_is_for_the_host() {
    let host = Registry::from_key("shop.azurecr.io");
    let all = entry("*.azurecr.io", &["team"], None, &["*.azurecr.io/base/**"]);
    let own = entry("shop.azurecr.io", &["me"], None, &["shop.azurecr.io/base/**"]);
    let silent = entry("shop.azurecr.io", &[], None, &["shop.azurecr.io/base/**"]);
    let routed = entry("shop.azurecr.io", &[], Some("acr-env"), &[]);
    for (entries, registry, accounts, public) in [
        (vec![], "shop.azurecr.io", 0, 0),
        (vec![all.clone()], "*.azurecr.io", 1, 1),
        (vec![all.clone(), own.clone()], "shop.azurecr.io", 1, 2),
        (vec![own, all.clone()], "shop.azurecr.io", 1, 2),
        (vec![all.clone(), silent], "*.azurecr.io", 1, 2),
        (vec![all, routed], "shop.azurecr.io", 0, 1),
    ] {
        let found = RegistryAccounts::for_host(entries, &host);
        assert_eq!(found.host, host);
        assert_eq!((found.registry.as_str(), found.accounts.len(), found.public.len()), (registry, accounts, public));
    }
}

#[test]
fn images_of_another_host_are_looked_for_at_home() {
    let alias = RegistryAccounts { host: Registry::from_key("dhi.io"), ..entry("docker.io", &["me"], None, &[]) };
    let pattern =
        RegistryAccounts { host: Registry::from_key("shop.azurecr.io"), ..entry("*.azurecr.io", &["team"], None, &[]) };
    for (entry, image, is_alias, moved) in [
        (&alias, "dhi.io/me/app:1", true, "docker.io/me/app"),
        (&alias, "quay.io/me/app:1", true, "quay.io/me/app:1"),
        (&pattern, "shop.azurecr.io/me/app:1", false, "shop.azurecr.io/me/app:1"),
    ] {
        assert_eq!(entry.is_alias(), is_alias);
        let mut image: ImageReference = image.parse().unwrap();
        entry.move_home(&mut image);
        assert_eq!(image.to_string(), moved);
    }
}

#[test]
fn a_name_is_an_alias_or_the_user_of_one_account() {
    let mut named = entry("ghcr.io", &["work", "home", "ci"], None, &[]);
    for (account, username) in named.accounts.iter_mut().zip(["me", "me", "bot"]) {
        account.username = username.parse().unwrap();
    }
    let alias = |account: Option<&Account>| account.map(|account| account.name.to_string());
    for (text, person, address) in [
        ("work", Some("work"), Some("work")),
        ("bot", Some("ci"), Some("ci")),
        ("me", None, Some("home")),
        ("other", None, None),
    ] {
        named.active = DefaultAccount::SignedOut;
        assert_eq!(named.account_of("me"), None, "neither is meant more than the other");
        named.active = DefaultAccount::Account("home".parse().unwrap());
        assert_eq!(alias(named.account(text)).as_deref(), person, "{text}");
        assert_eq!(alias(named.account_of(text)).as_deref(), address, "{text}");
    }
}

#[test]
fn the_default_account_is_the_chosen_one_or_the_only_one() {
    let alias = |account: Option<&Account>| account.map_or("none", |account| account.name.as_str()).to_owned();
    let (pull, push) = (Some(Operation::Pull), Some(Operation::Push));
    let readers = [("reader", pull), ("me", None)];
    for (accounts, active, default, for_pull, for_push) in [
        (&[][..], "", "none", "none", "none"),
        (&readers[1..], "", "me", "me", "me"),
        (&readers[1..], "null", "none", "none", "none"),
        (&readers[..1], "", "reader", "reader", "none"),
        (&readers[..], "", "none", "reader", "me"),
        (&readers[..], "null", "none", "none", "none"),
        (&readers[..], "me", "me", "me", "me"),
        (&readers[..], "reader", "reader", "reader", "me"),
    ] {
        let mut entry = entry("ghcr.io", &[], None, &[]);
        entry.active = candidates(active).active;
        entry.previous = Some("reader".parse().unwrap());
        for (name, purpose) in accounts {
            entry.accounts.push(Account { purpose: *purpose, ..account(name, &[], &[]) });
        }
        let seen = (alias(entry.default_account()), alias(entry.default_for(pull)), alias(entry.default_for(push)));
        assert_eq!(seen, (default.into(), for_pull.into(), for_push.into()), "{accounts:?} {active}");
        let has_reader = accounts.first().is_some_and(|(name, _)| *name == "reader");
        assert_eq!(entry.sole_answer(), accounts.len() == 1 && !has_reader && active != "null");
        assert_eq!(alias(entry.previous_account()), if has_reader { "reader" } else { "none" });
    }
}

#[test]
fn two_accounts_of_one_user_are_told_apart_by_alias_or_by_who_is_active() {
    let mut twins = candidates("my-work");
    twins.accounts[1].name = "acme".parse().unwrap();
    twins.accounts.push(account("my-work", &[], &[]));
    let environment = |name: &str| AccountRequest {
        environment: ExplicitAccount::ThisRegistry(name.into()),
        ..AccountRequest::default()
    };
    let address = AccountRequest { user: Some("work".into()), ..AccountRequest::default() };
    for (active, request, expected) in [
        ("me", environment("acme"), "acme by ENSIGN_ACCOUNT"),
        ("me", environment("my-work"), "my-work by ENSIGN_ACCOUNT"),
        ("me", environment("work"), "no work by ENSIGN_ACCOUNT"),
        ("me", address.clone(), "no user by user in the address"),
        ("my-work", address, "my-work by user in the address"),
    ] {
        twins.active = DefaultAccount::Account(active.parse().unwrap());
        assert_eq!(answer(&twins, &request, &[], "/"), expected, "{active} {request:?}");
    }
    // Two accounts have the user name, but only one of the two may answer a pull.
    let address = AccountRequest { user: Some("work".into()), ..AccountRequest::default() };
    twins.active = DefaultAccount::Account("me".parse().unwrap());
    twins.accounts[1].purpose = Some(Operation::Push);
    assert_eq!(answer(&twins, &address, &[], "/"), "my-work by user in the address");
    twins.active = DefaultAccount::Account("acme".parse().unwrap());
    assert_eq!(answer(&twins, &address, &[], "/"), "acme by user in the address", "the default comes first");
}
