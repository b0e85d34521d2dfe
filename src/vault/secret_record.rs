//! `SecretRecord`: the list of secrets that finished changes have saved. The list is in `accounts.json`, beside the
//! secrets. All other secrets are left-overs of killed changes.
//!
//! A secret without an account may be in use by another config (`ENSIGN_CONFIG_DIR`) or by an older copy of the config
//! in dotfiles. Therefore a secret in the record is never removed as a left-over.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::{StoredName, Vault};
use crate::model::{Account, Registry, StoreKind};
use crate::system::files::{self, Access};

/// The content of `accounts.json`, which contains no secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct SecretRecord {
    version: u64,
    /// The accounts of the file store, by registry.
    #[serde(default)]
    accounts: NamesByRegistry,
    /// The accounts of the sealed store, by registry. `None` means that an Ensign without a sealed store wrote the
    /// record.
    #[serde(default)]
    sealed: Option<NamesByRegistry>,
    /// The accounts whose secrets an unfinished change adds to another helper's store or removes there.
    #[serde(default)]
    pending: Vec<UnsettledSecret>,
}

/// The names of accounts, by registry.
type NamesByRegistry = BTreeMap<String, BTreeSet<String>>;

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct UnsettledSecret {
    registry: String,
    name: String,
    username: String,
    store: String,
}

const VERSION: u64 = 1;
const LIMIT: u64 = 64 << 20;

impl SecretRecord {
    /// Returns a new record that lists every stored secret as saved by a finished change.
    fn from_stored(stored: Vec<StoredName>) -> Self {
        let mut record = Self { version: VERSION, sealed: Some(NamesByRegistry::new()), ..Self::default() };
        for (kind, registry, name) in stored {
            record.names(&kind).entry(registry.to_string()).or_default().insert(name);
        }
        record
    }

    fn names(&mut self, kind: &StoreKind) -> &mut NamesByRegistry {
        if *kind == StoreKind::Sealed { self.sealed.get_or_insert_default() } else { &mut self.accounts }
    }

    /// Tells whether a finished change has saved a secret in Ensign's own files.
    pub(crate) fn knows(&self, kind: &StoreKind, registry: &Registry, name: &str) -> bool {
        let known = if *kind == StoreKind::Sealed { self.sealed.as_ref() } else { Some(&self.accounts) };
        known.is_none_or(|known| known.get(registry.as_str()).is_some_and(|names| names.contains(name)))
    }

    /// Records a finished change. The change has removed the accounts in `dropped` and kept or added the accounts in
    /// `present`.
    pub(crate) fn settle<'a>(
        &mut self,
        dropped: impl Iterator<Item = &'a Account>,
        present: impl Iterator<Item = &'a Account>,
    ) {
        for account in dropped.filter(|account| account.store.keeps_its_own_files()) {
            let known = self.names(&account.store).iter_mut();
            for (_, names) in known.filter(|(host, _)| account.registry.covers(&Registry::from_key(host))) {
                names.remove(account.name.as_str());
            }
        }
        for account in present.filter(|account| account.store.keeps_its_own_files()) {
            self.names(&account.store)
                .entry(account.registry.to_string())
                .or_default()
                .insert(account.name.to_string());
        }
        for kind in &StoreKind::OF_FILES {
            self.names(kind).retain(|_, names| !names.is_empty());
        }
    }

    /// Lists an account as part of an unfinished change, before another helper's store changes the account's secret. If
    /// the change is killed, the secret may remain in that store without an account.
    pub(crate) fn announce(&mut self, account: &Account) {
        let (registry, name) = (account.registry.to_string(), account.name.to_string());
        let pending = UnsettledSecret {
            registry,
            name,
            username: account.username.to_string(),
            store: account.store.to_string(),
        };
        if !self.pending.contains(&pending) {
            self.pending.push(pending);
        }
    }

    /// Returns the accounts of unfinished changes. Only the fields that the stores need are set.
    pub(crate) fn pending(&self) -> Vec<Account> {
        let account = |pending: &UnsettledSecret| {
            Some(Account {
                name: pending.name.parse().ok()?,
                store: StoreKind::parse(&pending.store),
                ..Account::new(Registry::from_key(&pending.registry), pending.username.parse().ok()?)
            })
        };
        self.pending.iter().filter_map(account).collect()
    }

    /// Replaces the accounts of unfinished changes with the accounts in `left`.
    pub(crate) fn keep_pending<'a>(&mut self, left: impl Iterator<Item = &'a Account>) {
        self.pending.clear();
        left.for_each(|account| self.announce(account));
    }
}

impl Vault<'_> {
    /// Reads the record. If there is no readable record, writes a new record of all stored secrets.
    pub(crate) fn record(&self) -> Result<SecretRecord> {
        let bytes = self.record_path().map_or(Ok(None), |path| files::read(&path, LIMIT))?;
        if let Some(record) = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            return Ok(record);
        }
        let record = SecretRecord::from_stored(self.names_in_files());
        self.write_record(&record)?;
        Ok(record)
    }

    /// Changes the record. A failure is ignored, because no secret is lost. At worst, a left-over stays in place.
    pub(crate) fn update(&self, edit: impl FnOnce(&mut SecretRecord)) {
        let Ok(before) = self.record() else { return };
        let mut record = before.clone();
        edit(&mut record);
        if record != before {
            let _ = self.write_record(&record);
        }
    }

    /// Removes the unfinished file that a killed writer of the record has left.
    pub(crate) fn sweep_record(&self) {
        if let Some(path) = self.record_path() {
            let _ = files::remove_unfinished(&path);
        }
    }

    fn write_record(&self, record: &SecretRecord) -> Result<()> {
        let Some(path) = self.record_path() else { return Ok(()) };
        files::replace(&path, serde_json::to_string_pretty(record)?.as_bytes(), Access::Private)
    }

    fn record_path(&self) -> Option<PathBuf> {
        self.env.data_dir.as_ref().map(|folder| folder.join("accounts.json"))
    }
}
