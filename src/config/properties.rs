//! Asserts properties that hold for any text in `config.json`. Fuzzing and the replay of the fuzz corpus check these
//! properties.

use std::path::{Path, PathBuf};

use super::atcr::AdoptedAccounts;
use super::config_document::ConfigDocument;
use super::config_file::ConfigFile;
use super::loaded_config::LoadedConfig;
use super::reader;
use crate::model::choice::{DefaultAccount, RegistryAccounts};
use crate::model::{AccountName, HostAlias, ImagePattern, Registry};
use crate::system::json;

/// Asserts that a readable `config.json` or ATCR file can be edited. After each edit, the file contains the intended
/// change.
pub(crate) fn config(bytes: &[u8]) {
    adopted(bytes);
    let Ok(LoadedConfig {
        version,
        registries,
        fallback,
        journal: _,
        trusted: _,
        also,
        store: _,
        floors: _,
        adopted: _,
    }) = reading(bytes, None)
    else {
        return;
    };
    assert_eq!(json::version(bytes).unwrap_or(version), version);
    for entry in &registries {
        let only = reading(bytes, Some(&entry.registry)).expect("less is read");
        assert!(only.registries.contains(entry) && only.fallback == fallback);
        assert!(only.registries.iter().all(|other| other.registry.covers(&entry.registry)));
    }
    if version != reader::VERSION {
        return;
    }
    let Ok(document) = ConfigDocument::parse(bytes) else { return };
    reads_as(&document, &registries);
    assert_eq!(ConfigDocument::parse(document.to_text().as_bytes()).expect("our own text"), document);

    let mut same = document.clone();
    for account in registries.iter().flat_map(|registry_entry| &registry_entry.accounts) {
        same.put(account);
    }
    reads_as(&same, &registries);
    aliases(&document, &registries, &also);
    trusts(&document, &registries);
    for at in 0..registries.len().min(3) {
        edits(&document, &registries, at);
    }
}

fn reading(bytes: &[u8], wanted: Option<&Registry>) -> serde_json::Result<LoadedConfig> {
    reader::read(bytes, wanted, |folder| PathBuf::from(folder))
}

fn reads_as(document: &ConfigDocument, expected: &[RegistryAccounts]) {
    let text = document.to_text();
    let LoadedConfig { version, registries, .. } = reading(text.as_bytes(), None).expect("our own text is readable");
    assert_eq!((version, registries.as_slice()), (reader::VERSION, expected), "{text}");
}

/// Asserts that edits of spellings and of `also` change nothing else.
fn aliases(document: &ConfigDocument, registries: &[RegistryAccounts], before: &[HostAlias]) {
    let Some((at, entry)) =
        registries.iter().enumerate().find(|(_, registry_entry)| !registry_entry.accounts.is_empty())
    else {
        return;
    };
    let mut edited = document.clone();
    edited.add_spelling(&entry.registry, "Fresh.example:443");
    edited.add_spelling(&entry.registry, "Fresh.example:443");
    let mut expected = registries.to_vec();
    if !expected[at].spellings.iter().any(|known| known == "Fresh.example:443") {
        expected[at].spellings.push("Fresh.example:443".into());
    }
    reads_as(&edited, &expected);
    let (name, host) = (&entry.accounts[0].name, Registry::from_key("fresh.mirror.example"));
    if before.is_empty() {
        let mut edited = document.clone();
        edited.set_also(&entry.registry, name, std::slice::from_ref(&host));
        let text = edited.to_text();
        let LoadedConfig { also, .. } = reading(text.as_bytes(), None).expect("our own text is readable");
        assert_eq!(also, [HostAlias { host, registry: entry.registry.clone(), accounts: vec![name.clone()] }]);
        reads_as(&edited, registries);
        edited.set_also(&entry.registry, name, &[]);
        assert!(reading(edited.to_text().as_bytes(), None).expect("our own text is readable").also.is_empty());
    }
}

fn trusts(document: &ConfigDocument, registries: &[RegistryAccounts]) {
    let (file, mut edited) = ("/fresh/.ensign.toml", document.clone());
    let is_trusted = |document: &ConfigDocument| {
        let reading = reading(document.to_text().as_bytes(), None).expect("our own text is readable");
        reading.trusted.iter().any(|entry| entry.file == Path::new(file) && entry.digest == "sha256:00")
    };
    for digest in [Some("sha256:00"), None] {
        edited.set_trusted(file, digest);
        assert_eq!(is_trusted(&edited), digest.is_some());
        reads_as(&edited, registries);
    }
}

/// Asserts that an edit of a registry leaves all other registries unchanged.
fn edits(document: &ConfigDocument, before: &[RegistryAccounts], at: usize) {
    let RegistryAccounts { registry, host: _, spellings: _, active, previous, public, helper, accounts, trusted: _ } =
        &before[at];
    let with = |change: &dyn Fn(&mut RegistryAccounts)| {
        let mut expected = before.to_vec();
        change(&mut expected[at]);
        expected
    };
    let fresh: AccountName = "fresh-name".parse().expect("a plain name");
    let signed_out = DefaultAccount::SignedOut;
    for active in [DefaultAccount::Unset, DefaultAccount::Account(fresh.clone()), signed_out] {
        let mut edited = document.clone();
        edited.set_active(registry, &active);
        edited.set_previous(registry, Some(&fresh));
        let change =
            |entry: &mut RegistryAccounts| (entry.active, entry.previous) = (active.clone(), Some(fresh.clone()));
        reads_as(&edited, &with(&change));
        edited.set_previous(registry, None);
        reads_as(
            &edited,
            &with(&|registry_entry| (registry_entry.active, registry_entry.previous) = (active.clone(), None)),
        );
    }
    let pattern: ImagePattern = "docker.io/library/**".parse().expect("a plain pattern");
    let mut edited = document.clone();
    edited.set_public(registry, std::slice::from_ref(&pattern));
    reads_as(&edited, &with(&|entry| entry.public = vec![pattern.clone()]));
    edited.set_public(registry, public);
    let mut expected = before.to_vec();
    if accounts.is_empty() && public.is_empty() && helper.is_none() {
        expected.remove(at);
    }
    reads_as(&edited, &expected);
    let mut edited = document.clone();
    let pass = "pass".parse().ok();
    edited.set_helper(registry, pass.as_ref());
    reads_as(&edited, &with(&|entry| entry.helper.clone_from(&pass)));

    let Some(first) = accounts.first() else { return };

    let mut edited = document.clone();
    edited.set_folders(registry, &first.name, &["/w".to_owned()]);
    reads_as(&edited, &with(&|entry| entry.accounts[0].folders = vec!["/w".into()]));

    let mut edited = document.clone();
    edited.remove(registry, &first.name);
    let mut expected = with(&|entry| drop(entry.accounts.remove(0)));
    if accounts.len() == 1 && public.is_empty() && helper.is_none() {
        expected.remove(at);
    } else if accounts.len() == 1 {
        (expected[at].active, expected[at].previous) = (DefaultAccount::Unset, None);
    }
    reads_as(&edited, &expected);

    if accounts.iter().all(|account| account.name != fresh) {
        let mut edited = document.clone();
        edited.rename(registry, &first.name, &fresh);
        let renamed = |name: &AccountName| if *name == first.name { fresh.clone() } else { name.clone() };
        let expected = with(&|entry| {
            entry.accounts[0].name = fresh.clone();
            entry.previous = previous.as_ref().map(renamed);
            if let DefaultAccount::Account(name) = active {
                entry.active = DefaultAccount::Account(renamed(name));
            }
        });
        reads_as(&edited, &expected);

        let mut edited = document.clone();
        let mut account = first.clone();
        (account.name, account.folders) = (fresh.clone(), vec![]);
        edited.put(&account);
        reads_as(&edited, &with(&|entry| entry.accounts.push(account.clone())));
    }
}

/// Asserts that adopted accounts are written as they were read, each with its secret.
fn adopted(bytes: &[u8]) {
    let Some(adopted) = serde_json::from_slice(bytes).ok().and_then(|json| AdoptedAccounts::from_json(&json)) else {
        return;
    };
    let registries = adopted.registries.clone();
    let accounts = registries.iter().flat_map(|entry| &entry.accounts);
    assert!(adopted.secrets.iter().map(|(account, _)| account).collect::<Vec<_>>().len() == accounts.clone().count());
    assert!(accounts.clone().all(|account| adopted.secrets.iter().any(|(other, _)| other == account)));
    reads_as(&ConfigFile::first_edit(Some(adopted)).document, &registries);
}
