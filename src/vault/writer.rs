//! `Writer`: puts and removes secrets in all stores, and can put back what was there before.

use anyhow::Result;

use super::file::{self, Contents, PriorSecrets, SecretFile};
use super::{Vault, helper, mounted, unknown};
use crate::model::{Account, AccountName, HubToken, Kept, Registry, Secret, Source, StoreKind, Username};
use crate::system::files;

/// Changes secrets. Whoever has one holds the config's lock.
pub(crate) struct Writer<'e> {
    vault: Vault<'e>,
    /// What was there, the first change first.
    before: Vec<PriorSecret>,
}

enum PriorSecret {
    File(SecretFile, PriorSecrets),
    /// What another helper had for the account; if that could not be read it cannot be put back.
    InHelper(Box<Account>, Option<Kept>),
}

impl<'e> Vault<'e> {
    pub(crate) fn writer(&self) -> Writer<'e> {
        Writer { vault: Vault::new(self.env), before: vec![] }
    }
}

impl Writer<'_> {
    /// Keeps the account's secret, in place of the one it had.
    pub(crate) fn put(&mut self, account: &Account, kept: &Kept) -> Result<()> {
        match &account.store {
            StoreKind::File => self.edit(&account.registry, |contents| contents.put(&account.name, kept)),
            StoreKind::Helper(name) => {
                let before = self.vault.get(account);
                if !matches!(before, Ok(Some(_))) {
                    self.vault.note(|record| record.announce(account));
                }
                let stored = helper::store(name, account, kept);
                self.before.extend(before.ok().map(|before| PriorSecret::InHelper(Box::new(account.clone()), before)));
                stored
            }
            StoreKind::Environment => Err(mounted::is_given(account).into()),
            StoreKind::Unknown(_) => Err(unknown(account).into()),
        }
    }

    /// Keeps secrets of the file store for a registry's accounts with one write.
    pub(crate) fn put_in_file(&mut self, registry: &Registry, secrets: &[(&AccountName, &Kept)]) -> Result<()> {
        let put = |contents: &mut Contents| {
            secrets.iter().fold(false, |changed, (name, kept)| contents.put(name, kept) || changed)
        };
        if secrets.is_empty() { Ok(()) } else { self.edit(registry, put) }
    }

    /// Forgets the account's secret; none there is fine.
    pub(crate) fn remove(&mut self, account: &Account) -> Result<()> {
        if account.source != Source::Given {
            files::remove(&self.vault.renewal_lock(account)?)?;
        }
        if account.registry.is_pattern() && account.store == StoreKind::File {
            let hosts = file::registries(self.vault.env).into_iter().filter(|host| account.registry.covers(host));
            let each = hosts.map(|host| account.at(&host).into_owned());
            for at in each.filter(|at| at.registry != account.registry) {
                // The host may have an account of its own of that name, whose secret is nobody's answer.
                if self.vault.get(&at)?.is_none_or(|kept| kept.asked.is_some()) {
                    self.remove(&at)?;
                }
            }
        }
        match &account.store {
            StoreKind::File => self.remove_from_file(&account.registry, &[account.name.as_str()]),
            StoreKind::Helper(name) => {
                let before = self.vault.get(account);
                helper::erase(name, account)?;
                self.before.extend(before.ok().map(|before| PriorSecret::InHelper(Box::new(account.clone()), before)));
                Ok(())
            }
            StoreKind::Environment => Err(mounted::is_given(account).into()),
            StoreKind::Unknown(_) => Err(unknown(account).into()),
        }
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
        let put_back = |replaced: &PriorSecret| match replaced {
            PriorSecret::File(file, before) => file.put_back(before),
            PriorSecret::InHelper(account, before) => match (&account.store, before) {
                (StoreKind::Helper(name), Some(kept)) => helper::store(name, account, kept),
                (StoreKind::Helper(name), None) => helper::erase(name, account),
                _ => Ok(()),
            },
        };
        self.before.iter().rev().filter(|replaced| put_back(replaced).is_err()).count() == 0
    }

    fn edit(&mut self, registry: &Registry, change: impl FnOnce(&mut Contents) -> bool) -> Result<()> {
        let file = self.vault.file(registry)?;
        let before = file.edit(change)?;
        self.before.extend(before.map(|before| PriorSecret::File(file, before)));
        Ok(())
    }
}
