//! Reads the stored secrets of accounts. If accounts are not adopted yet, their secrets are read from ATCR's file.

use anyhow::Result;

use super::{Accounts, copy};
use crate::model::choice::RegistryAccounts;
use crate::model::{Account, Source, StoreKind, StoredSecret};

impl Accounts<'_> {
    /// Returns the stored secret of each account of these registries, in the same order. Each file is read only once,
    /// because a file contains the secrets of all accounts of a registry.
    pub(crate) fn stored_by_registry(&self, registries: &[RegistryAccounts]) -> Vec<Vec<Result<Option<StoredSecret>>>> {
        let of_registry = |entry: &RegistryAccounts| {
            let is_used = |kind: &&StoreKind| entry.accounts.iter().any(|account| account.store == **kind);
            let read = |kind| (kind, self.vault.all_in_file(kind, &entry.registry));
            let mut in_files: Vec<_> = StoreKind::OF_FILES.iter().filter(is_used).map(read).collect();
            let of_account = |account: &Account| match in_files.iter_mut().find(|(kind, _)| **kind == account.store) {
                Some((_, Ok(in_file))) => match in_file.remove(account.name.as_str()).flatten() {
                    None => self.stored(account), // which looks again, and returns the reason
                    stored => Ok(stored),
                },
                Some((_, Err(error))) => Err(copy(error)),
                None => self.stored(account),
            };
            entry.accounts.iter().map(of_account).collect()
        };
        registries.iter().map(of_registry).collect()
    }

    /// Tells whether the account's store has a secret. For an external source, Ensign's files have at most a cached
    /// answer. A helper is not asked, because a helper may prompt.
    pub(crate) fn has_stored_secret(&self, account: &Account) -> bool {
        let may_lack = matches!(account.source, Source::External(_)) && account.store.keeps_its_own_files();
        !may_lack || !matches!(self.stored(account), Ok(None))
    }

    /// Returns the stored secret of one account.
    pub(crate) fn stored(&self, account: &Account) -> Result<Option<StoredSecret>> {
        let stored = self.vault.get(account)?;
        if stored.is_some() {
            return Ok(stored);
        }
        let loaded = self.config.load(Some(&account.registry))?;
        if let Some(adopted) = loaded.adopted {
            return Ok(adopted.secret(account));
        }
        // Another process may have moved the secret to another store after the caller read the config.
        let accounts = loaded.registries.iter().flat_map(|entry| &entry.accounts);
        let moved = accounts.filter(|now| now.name == account.name && now.store != account.store);
        moved.map(|now| self.vault.get(&now.at(&account.registry))).next().unwrap_or(Ok(None))
    }
}
