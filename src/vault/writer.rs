//! `Writer`: saves and removes secrets in all stores, and can restore the previous state.

use anyhow::Result;

use super::Vault;
use super::file::{self, SecretsContents};
use super::helper_logins::locate;
use super::store::SecretChanges;
use crate::model::{Account, HubToken, MinimumGeneration, Registry, Secret, Source, StoreKind, StoredSecret, Username};
use crate::system::files;

/// Changes secrets while the caller holds the config's lock.
pub(crate) struct Writer<'e> {
    vault: Vault<'e>,
    changes: SecretChanges,
}

impl<'e> Vault<'e> {
    pub(crate) fn writer(&self) -> Writer<'e> {
        Writer { vault: self.clone(), changes: SecretChanges::default() }
    }
}

impl Writer<'_> {
    /// Saves the account's secret, and replaces the old secret.
    pub(crate) fn put(&mut self, account: &Account, stored: &StoredSecret) -> Result<()> {
        self.put_together(&[(account, stored)])
    }

    /// Saves the account's secret after a renewal. The change is not undone, because the previous refresh token may no
    /// longer be valid.
    pub(crate) fn put_for_good(&mut self, account: &Account, stored: &StoredSecret) -> Result<()> {
        let mut changes = SecretChanges::default();
        let saved = self.vault.store(&account.store).put(&account.registry, &[(account, stored)], &mut changes);
        self.changes.sealed.append(&mut changes.sealed);
        saved
    }

    /// Saves several secrets of one registry in one store. The stores `sealed` and `file` write the registry's file
    /// only once for all secrets.
    pub(crate) fn put_together(&mut self, secrets: &[(&Account, &StoredSecret)]) -> Result<()> {
        let Some((first, _)) = secrets.first() else { return Ok(()) };
        self.vault.store(&first.store).put(&first.registry, secrets, &mut self.changes)
    }

    /// Tells whether the account's store is available. Another helper may have been uninstalled.
    pub(crate) fn can_reach(&self, account: &Account) -> bool {
        !matches!(&account.store, StoreKind::Helper(helper) if locate(helper).is_err())
    }

    /// Checks, without changing anything, whether the account's secret can be removed.
    pub(crate) fn check_removal(&self, account: &Account) -> Result<()> {
        self.vault.store(&account.store).check_removal(account)
    }

    /// Tells whether the account's secret can be removed although its key may be lost.
    pub(crate) fn needs_no_key_without(&self, account: &Account) -> bool {
        let file = self.vault.file(&account.store, &account.registry);
        account.store == StoreKind::Sealed && file.is_ok_and(|file| file.needs_no_key_without(account.name.as_str()))
    }

    /// Removes the account's secret, if there is one.
    pub(crate) fn remove(&mut self, account: &Account) -> Result<()> {
        // The lock of a login with a browser stays, because the login may be in use under another alias.
        if let Source::External(_) = account.source {
            let _ = files::remove(&self.vault.renewal_lock(account)?); // it contains only the note of a failure
        }
        if account.registry.is_pattern() && account.store.keeps_its_own_files() {
            let hosts = file::registries(self.vault.env, &account.store)
                .into_iter()
                .filter(|host| account.registry.covers(host));
            let each = hosts.map(|host| account.at(&host).into_owned());
            for at in each.filter(|at| at.registry != account.registry) {
                // The host may have its own account with the same name. A secret that is not a cached answer belongs to
                // the host's own account and must stay.
                if self.vault.get(&at)?.is_none_or(|stored| stored.cache_key.is_some()) {
                    self.remove(&at)?;
                }
            }
        }
        self.vault.store(&account.store).remove(account, &mut self.changes)
    }

    /// Removes an account's secret from one of Ensign's own files, by the account's name.
    pub(crate) fn remove_from_file(&mut self, kind: &StoreKind, registry: &Registry, name: &str) -> Result<()> {
        self.vault.file(kind, registry)?.remove(name, &mut self.changes)
    }

    /// Saves one of Docker Hub's tokens, and replaces the old token.
    pub(crate) fn put_hub_token(
        &mut self,
        kind: &StoreKind,
        user: &Username,
        token: HubToken,
        secret: &Secret,
    ) -> Result<()> {
        self.edit(kind, &Registry::docker_hub(), |contents| contents.put_token(user, token, secret))
    }

    /// Removes one of Docker Hub's tokens, if there is one.
    pub(crate) fn remove_hub_token(&mut self, kind: &StoreKind, user: &Username, token: HubToken) -> Result<()> {
        self.edit(kind, &Registry::docker_hub(), |contents| contents.remove_token(user, token))
    }

    /// Seals every sealed file with the current key. Returns their number.
    pub(crate) fn reseal(&mut self) -> Result<usize> {
        let files = self.vault.sealed_files()?;
        for file in &files {
            file.reseal(&mut self.changes)?;
        }
        Ok(files.len())
    }

    /// Returns the new generations of the files that were sealed again.
    pub(crate) fn sealed(&self) -> &[MinimumGeneration] {
        &self.changes.sealed
    }

    /// Restores all stores as far as possible. Returns `false` if a store could not be restored.
    pub(crate) fn put_back(self) -> bool {
        self.changes.take_back()
    }

    fn edit(
        &mut self,
        kind: &StoreKind,
        registry: &Registry,
        change: impl FnOnce(&mut SecretsContents) -> bool,
    ) -> Result<()> {
        self.vault.file(kind, registry)?.edit(&mut self.changes, change)
    }
}
