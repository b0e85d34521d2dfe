//! Where secrets lie: one front for the stores, chosen by what the account says.

mod entry;
mod file;
mod foreign;
mod helper;
mod mounted;
mod record;
mod store;
mod writer;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;

use crate::model::{Account, HubToken, Kept, Registry, Secret, StoreKind, Username, map};
use crate::system::env::Env;
use file::{FileStore, SecretFile};
use helper::HelperStore;
use mounted::MountedStore;
use store::{Store, UnknownStore};

pub(crate) use file::Widened;
pub(crate) use foreign::{Refusal, Waiter};
pub(crate) use mounted::is_given;
pub(crate) use writer::Writer;

/// Gets secrets; a [`Writer`] puts and removes them.
pub(crate) struct Vault<'e> {
    env: &'e Env,
}

impl<'e> Vault<'e> {
    pub(crate) fn new(env: &'e Env) -> Self {
        Self { env }
    }

    /// What is kept for the account; `None` if its store has nothing.
    pub(crate) fn get(&self, account: &Account) -> Result<Option<Kept>> {
        self.store(&account.store).get(account)
    }

    /// Tells whether a secret of any length could be kept now. Other helpers cannot be asked that.
    pub(crate) fn try_room(&self, account: &Account) -> Result<()> {
        self.store(&account.store).try_room(account)
    }

    fn store<'s>(&self, kind: &'s StoreKind) -> Box<dyn Store + 's>
    where
        'e: 's,
    {
        match kind {
            StoreKind::File => Box::new(FileStore(self.env)),
            StoreKind::Helper(helper) => Box::new(HelperStore { helper, vault: Vault::new(self.env) }),
            StoreKind::Environment => Box::new(MountedStore(self.env)),
            StoreKind::Unknown(_) => Box::new(UnknownStore),
        }
    }

    /// All that the file store keeps for the accounts of a registry.
    pub(crate) fn all_in_file(&self, registry: &Registry) -> Result<BTreeMap<String, Kept>> {
        self.file(registry)?.all()
    }

    /// One of Docker Hub's tokens that `docker login` keeps beside the account of this user.
    pub(crate) fn hub_token(&self, user: &Username, token: HubToken) -> Result<Option<Secret>> {
        self.file(&Registry::docker_hub())?.token(user, token)
    }

    /// Closes a registry's secrets file to others if it was open to them.
    pub(crate) fn narrow(&self, registry: &Registry) -> Option<Widened> {
        self.file(registry).ok()?.narrow()
    }

    /// Moves a registry's secrets file aside if it cannot be read. Returns the new place.
    pub(crate) fn set_aside_if_broken(&self, registry: &Registry) -> Result<Option<PathBuf>> {
        self.file(registry)?.set_aside_if_broken()
    }

    /// Whose secrets the file store holds, as far as it can be read.
    pub(crate) fn names_in_files(&self) -> BTreeMap<Registry, Vec<String>> {
        let registries = file::registries(self.env).into_iter();
        map(registries.filter_map(|registry| Some((registry.clone(), self.file(&registry).ok()?.names().ok()?))))
    }

    /// What killed writers left beside the secrets files, and `restore` for a person to look at.
    pub(crate) fn left_files(&self) -> Vec<PathBuf> {
        file::left_files(self.env)
    }

    /// The lock of whoever renews this account's secret.
    pub(crate) fn renewal_lock(&self, account: &Account) -> Result<PathBuf> {
        Ok(self.file(&account.registry)?.renewal_lock(&account.name))
    }

    fn file(&self, registry: &Registry) -> Result<SecretFile> {
        SecretFile::of(self.env, registry)
    }
}
