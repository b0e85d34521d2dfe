//! `Writer`: puts and removes secrets in all stores, and can put back what was there before.

use anyhow::Result;

use super::Vault;
use super::file::{self, Contents};
use super::store::Undo;
use crate::model::{Account, HubToken, Kept, Registry, Secret, Source, Username};
use crate::system::files;

/// Changes secrets. Whoever has one holds the config's lock.
pub(crate) struct Writer<'e> {
    vault: Vault<'e>,
    undo: Undo,
}

impl<'e> Vault<'e> {
    pub(crate) fn writer(&self) -> Writer<'e> {
        Writer { vault: Vault::new(self.env), undo: Undo::default() }
    }
}

impl Writer<'_> {
    /// Keeps the account's secret, in place of the one it had.
    pub(crate) fn put(&mut self, account: &Account, kept: &Kept) -> Result<()> {
        self.put_together(&[(account, kept)])
    }

    /// Keeps secrets of accounts of one registry and one store, with one write where that store is ours.
    pub(crate) fn put_together(&mut self, secrets: &[(&Account, &Kept)]) -> Result<()> {
        let Some((first, _)) = secrets.first() else { return Ok(()) };
        self.vault.store(&first.store).put(&first.registry, secrets, &mut self.undo)
    }

    /// Forgets the account's secret; none there is fine.
    pub(crate) fn remove(&mut self, account: &Account) -> Result<()> {
        if account.source != Source::Given {
            files::remove(&self.vault.renewal_lock(account)?)?;
        }
        if account.registry.is_pattern() && account.store.keeps_its_own_files() {
            let hosts = file::registries(self.vault.env).into_iter().filter(|host| account.registry.covers(host));
            let each = hosts.map(|host| account.at(&host).into_owned());
            for at in each.filter(|at| at.registry != account.registry) {
                // The host may have an account of its own of that name, whose secret is nobody's answer.
                if self.vault.get(&at)?.is_none_or(|kept| kept.asked.is_some()) {
                    self.remove(&at)?;
                }
            }
        }
        self.vault.store(&account.store).remove(account, &mut self.undo)
    }

    /// Forgets secrets of the file store, whoever they were of.
    pub(crate) fn remove_from_file(&mut self, registry: &Registry, names: &[&str]) -> Result<()> {
        self.edit(registry, |contents| names.iter().filter(|name| contents.remove(name)).count() > 0)
    }

    /// Keeps one of Docker Hub's tokens, in place of the one before.
    pub(crate) fn put_hub_token(&mut self, user: &Username, token: HubToken, secret: &Secret) -> Result<()> {
        self.edit(&Registry::docker_hub(), |contents| contents.put_token(user, token, secret))
    }

    /// Forgets such a token; none there is fine.
    pub(crate) fn remove_hub_token(&mut self, user: &Username, token: HubToken) -> Result<()> {
        self.edit(&Registry::docker_hub(), |contents| contents.remove_token(user, token))
    }

    /// Makes all stores what they were, as far as they let us; `false` if one did not.
    pub(crate) fn put_back(self) -> bool {
        self.undo.run()
    }

    fn edit(&mut self, registry: &Registry, change: impl FnOnce(&mut Contents) -> bool) -> Result<()> {
        file::edit(self.vault.file(registry)?, &mut self.undo, change)
    }
}
