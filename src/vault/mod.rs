//! Where secrets lie: one front for the stores, chosen by what the account says.

mod entry;
mod file;
mod foreign;
mod helper;
mod mounted;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;

use crate::model::{Account, AccountName, HubToken, Kept, Problem, Registry, Secret, Source, StoreKind, Username};
use crate::system::env::Env;
use crate::system::files;
use crate::system::text;
use file::SecretFile;

pub(crate) use file::Widened;
pub(crate) use foreign::{Refusal, Waiter};
pub(crate) use mounted::is_given;

/// Gets, puts and removes secrets. Whoever puts or removes holds the config's lock.
pub(crate) struct Vault<'e> {
    env: &'e Env,
}

impl<'e> Vault<'e> {
    pub(crate) fn new(env: &'e Env) -> Self {
        Self { env }
    }

    /// What is kept for the account; `None` if its store has nothing.
    pub(crate) fn get(&self, account: &Account) -> Result<Option<Kept>> {
        match &account.store {
            StoreKind::File => self.file(&account.registry)?.kept(&account.name),
            StoreKind::Helper(helper) => helper::get(helper, account),
            StoreKind::Environment => mounted::get(self.env, account),
            StoreKind::Unknown(_) => Err(unknown(account).into()),
        }
    }

    /// Keeps the account's secret, in place of the one it had.
    pub(crate) fn put(&self, account: &Account, kept: &Kept) -> Result<()> {
        match &account.store {
            StoreKind::File => self.file(&account.registry)?.edit(|contents| contents.put(&account.name, kept)),
            StoreKind::Helper(helper) => helper::store(helper, account, kept),
            StoreKind::Environment => Err(mounted::is_given(account).into()),
            StoreKind::Unknown(_) => Err(unknown(account).into()),
        }
    }

    /// Tells whether a secret of any length could be kept now. Other helpers cannot be asked that.
    pub(crate) fn try_room(&self, account: &Account) -> Result<()> {
        match &account.store {
            StoreKind::File => self.file(&account.registry)?.try_room(),
            StoreKind::Helper(_) | StoreKind::Environment | StoreKind::Unknown(_) => Ok(()),
        }
    }

    /// Keeps secrets of the file store for a registry's accounts with one write. Returns what was kept for each before.
    pub(crate) fn put_in_file(
        &self,
        registry: &Registry,
        secrets: &[(&AccountName, &Kept)],
    ) -> Result<Vec<Option<Kept>>> {
        let mut before = vec![];
        if !secrets.is_empty() {
            self.file(registry)?.edit(|contents| {
                before.extend(secrets.iter().map(|(name, _)| contents.kept(name)));
                secrets.iter().fold(false, |changed, (name, kept)| contents.put(name, kept) || changed)
            })?;
        }
        Ok(before)
    }

    /// All that the file store keeps for the accounts of a registry.
    pub(crate) fn all_in_file(&self, registry: &Registry) -> Result<BTreeMap<String, Kept>> {
        self.file(registry)?.all()
    }

    /// Forgets the account's secret; none there is fine.
    pub(crate) fn remove(&self, account: &Account) -> Result<()> {
        if account.source != Source::Given {
            files::remove(&self.renewal_lock(account)?)?;
        }
        if account.registry.is_pattern() && account.store == StoreKind::File {
            let hosts = file::registries(self.env).into_iter().filter(|host| account.registry.covers(host));
            let each = hosts.map(|host| account.at(&host).into_owned());
            for at in each.filter(|at| at.registry != account.registry) {
                // The host may have an account of its own of that name, whose secret is nobody's answer.
                if self.get(&at)?.is_none_or(|kept| kept.asked.is_some()) {
                    self.remove(&at)?;
                }
            }
        }
        match &account.store {
            StoreKind::File => self.file(&account.registry)?.edit(|contents| contents.remove(&account.name)),
            StoreKind::Helper(helper) => helper::erase(helper, account),
            StoreKind::Environment => Err(mounted::is_given(account).into()),
            StoreKind::Unknown(_) => Err(unknown(account).into()),
        }
    }

    /// One of Docker Hub's tokens that `docker login` keeps beside the account of this user.
    pub(crate) fn hub_token(&self, user: &Username, token: HubToken) -> Result<Option<Secret>> {
        self.file(&Registry::docker_hub())?.token(user, token)
    }

    /// Keeps such a token, in place of the one before.
    pub(crate) fn put_hub_token(&self, user: &Username, token: HubToken, secret: &Secret) -> Result<()> {
        self.file(&Registry::docker_hub())?.edit(|contents| contents.put_token(user, token, secret))
    }

    /// Forgets such a token; none there is fine.
    pub(crate) fn remove_hub_token(&self, user: &Username, token: HubToken) -> Result<()> {
        self.file(&Registry::docker_hub())?.edit(|contents| contents.remove_token(user, token))
    }

    /// Closes a registry's secrets file to others if it was open to them.
    pub(crate) fn narrow(&self, registry: &Registry) -> Option<Widened> {
        self.file(registry).ok()?.narrow()
    }

    /// Moves a registry's secrets file aside if it cannot be read. Returns the new place.
    pub(crate) fn set_aside_if_broken(&self, registry: &Registry) -> Result<Option<PathBuf>> {
        self.file(registry)?.set_aside_if_broken()
    }

    /// The lock of whoever renews this account's secret.
    pub(crate) fn renewal_lock(&self, account: &Account) -> Result<PathBuf> {
        Ok(self.file(&account.registry)?.renewal_lock(&account.name))
    }

    fn file(&self, registry: &Registry) -> Result<SecretFile> {
        SecretFile::of(self.env, registry)
    }
}

fn unknown(account: &Account) -> Problem {
    let store = text::one_line(&account.store.to_string(), 40);
    Problem::run(
        format!(
            "the secret of {} on {} lies in the store `{store}`, which this Ensign does not have",
            account.name, account.registry
        ),
        format_args!("login {} --alias {} --store file", account.registry, text::word(account.name.as_str())),
    )
}
