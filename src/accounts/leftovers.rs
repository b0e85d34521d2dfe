//! Finds and removes the left-overs of killed changes. Left-overs are unfinished files and secrets without an account.
//! The command `status` lists the left-overs. The next change removes them, except secrets that `accounts.json` lists.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Result;

use super::Accounts;
use crate::model::choice::RegistryAccounts;
use crate::model::{Account, Registry, StoreKind};
use crate::system::files;
use crate::vault::StoredName;

#[derive(Debug, Default)]
pub(crate) struct Leftovers {
    /// The secrets in Ensign's own files that have no account.
    pub(crate) secrets: Vec<StoredName>,
    /// The unfinished and damaged files with secrets.
    pub(crate) files: Vec<PathBuf>,
}

impl Accounts<'_> {
    /// Returns all left-overs, including those that `sweep` does not remove: secrets without an account that a finished
    /// change has saved.
    pub(crate) fn leftovers(&self) -> Result<Leftovers> {
        let _lock = self.config.pause();
        let registries = self.config.load(None)?.registries;
        let mut secrets = self.unnamed(&registries, |_| true);
        secrets.extend(self.unused_tokens(&registries));
        Ok(Leftovers { secrets, files: self.vault.left_files() })
    }

    /// Tells whether the next change removes the secret. A secret that a finished change has saved stays, because
    /// another config may use the secret. Docker Hub's tokens stay, because `docker login` saves them before the account.
    pub(crate) fn is_swept(&self, stored: &StoredName) -> bool {
        let (store, registry, name) = stored;
        !self.vault.hub_token_users().contains(stored)
            && self.vault.record().is_ok_and(|record| !record.knows(store, registry, name))
    }

    /// If no account has this name, removes the secrets with this name. Returns whether any secret was found.
    pub(crate) fn remove_leftover(&self, registry: &Registry, name: &str) -> Result<bool> {
        let is_it = |(_, host, other): &StoredName| host == registry && other == name;
        let registries = self.config.load(None)?.registries;
        if self.unnamed(&registries, is_it).is_empty() && !self.unused_tokens(&registries).iter().any(is_it) {
            return Ok(false);
        }
        self.change(|change| {
            change.remove_tokens(self.unused_tokens(&change.registries).into_iter().filter(is_it));
            let unnamed = self.unnamed(&change.registries, is_it);
            unnamed.iter().try_for_each(|(kind, ..)| change.secrets.remove_from_file(kind, registry, name))
        })?;
        Ok(true) // at its start, the change also removes the secrets of killed changes
    }

    /// Removes the left-overs of killed changes. Failures are ignored, so that the caller's change can continue. The
    /// caller must hold the config's lock. Returns the accounts whose secrets could not be removed from another
    /// helper's store.
    pub(super) fn sweep(&self, registries: &[RegistryAccounts]) -> Vec<Account> {
        for path in self.vault.left_files().iter().filter(|path| path.extension().is_some_and(|ending| ending == "new"))
        {
            let _ = files::remove(path);
        }
        self.vault.sweep_record();
        let Ok(record) = self.vault.record() else { return vec![] };
        let mut secrets = self.vault.writer();
        let is_known = |(kind, registry, name): &StoredName| record.knows(kind, registry, name);
        // A file that cannot be opened now stays, because its key may come back.
        let can_open = |(kind, registry, _): &StoredName| self.vault.all_in_file(kind, registry).is_ok();
        for (kind, registry, name) in self.unnamed(registries, |stored| !is_known(stored) && can_open(stored)) {
            let _ = secrets.remove_from_file(&kind, &registry, &name);
        }
        let named: BTreeSet<_> = registries.iter().flat_map(|entry| &entry.accounts).map(place).collect();
        let mut left = record.pending();
        left.retain(|account| !named.contains(&place(account)) && secrets.remove(account).is_err());
        left
    }

    /// Records a finished change: the secrets that it has saved, and the accounts in `left`, whose secrets could not be
    /// removed.
    pub(super) fn settle<'a>(
        &self,
        before: &[RegistryAccounts],
        after: &[RegistryAccounts],
        left: impl Iterator<Item = &'a Account>,
    ) {
        let account_list = || after.iter().flat_map(|entry| &entry.accounts);
        self.vault.remove_unused_locks(before, after);
        let kept: BTreeSet<_> = account_list().map(place).collect();
        let dropped = before.iter().flat_map(|entry| &entry.accounts).filter(|account| !kept.contains(&place(account)));
        if dropped.clone().next().is_some() {
            self.config.renew_copy();
        }
        self.vault.update(|record| {
            record.settle(dropped, account_list());
            record.keep_pending(left);
        });
    }

    /// Returns the users of Docker Hub's tokens that have no account. A stopped `docker login` leaves such tokens.
    pub(super) fn unused_tokens(&self, registries: &[RegistryAccounts]) -> Vec<StoredName> {
        let of_hub = registries.iter().filter(|entry| entry.registry.is_docker_hub());
        let accounts: Vec<_> = of_hub.flat_map(|entry| &entry.accounts).collect();
        let mut users = self.vault.hub_token_users();
        users.retain(|(_, _, user)| {
            !accounts.iter().any(|account| [account.username.as_str(), account.name.as_str()].contains(&user.as_str()))
        });
        users
    }

    /// Returns the secrets in Ensign's own files that have no account. Leaves out secrets for which `is_asked` is
    /// false.
    fn unnamed(&self, registries: &[RegistryAccounts], is_asked: impl Fn(&StoredName) -> bool) -> Vec<StoredName> {
        let named: BTreeSet<_> = registries.iter().flat_map(|entry| &entry.accounts).map(place).collect();
        let patterns: Vec<_> = registries.iter().map(|entry| &entry.registry).filter(|key| key.is_pattern()).collect();
        let is_named = |(kind, host, name): &StoredName| {
            let mut covering = patterns.iter().copied().filter(|key| key.covers(host)).chain([host]);
            covering.any(|key| named.contains(&(kind, key, name.as_str())))
        };
        self.vault.names_in_files().into_iter().filter(|stored| is_asked(stored) && !is_named(stored)).collect()
    }
}

/// Returns the place of the account's secret.
fn place(account: &Account) -> (&StoreKind, &Registry, &str) {
    (&account.store, &account.registry, account.name.as_str())
}
