//! Maintains the files of accounts: returns their paths, locks them, repairs damage and handles the key.

use std::path::PathBuf;

use anyhow::{Error, Result};
use serde_json::Value;

use super::Accounts;
use crate::config::RestoreOutcome;
use crate::model::{HubToken, Registry, Secret, Username};
use crate::system::files::Lock;
use crate::vault::{DataKey, PermissionRepair};

impl<'e> Accounts<'e> {
    /// `None` if there is neither a home folder nor `ENSIGN_CONFIG_DIR`.
    pub(crate) fn config_file(&self) -> Option<PathBuf> {
        self.config.path()
    }

    /// The secrets files, including those of registries without accounts.
    pub(crate) fn secret_files(&self) -> Vec<PathBuf> {
        self.vault.secret_files()
    }

    /// The lock for changes of the config, of our secrets, and of our entries in other programs' files.
    pub(crate) fn lock(&self) -> Result<Lock> {
        self.config.lock()
    }

    /// The key of the sealed secrets.
    pub(crate) fn key(&self) -> &DataKey<'e> {
        self.vault.key()
    }

    /// The user's own identity providers, not parsed yet.
    pub(crate) fn providers(&self) -> Result<Option<Value>> {
        self.config.providers()
    }

    /// Where `update` looks for releases, if set.
    pub(crate) fn releases(&self) -> Result<Option<Value>> {
        self.config.releases()
    }

    /// The value that `credsStore` had in that file before Ensign changed it.
    pub(crate) fn replaced_store(&self, file: &str) -> Result<Option<String>> {
        self.config.replaced_store(file)
    }

    /// One of the two Docker Hub tokens that `docker login` stores for this user.
    pub(crate) fn hub_token(&self, user: &Username, token: HubToken) -> Result<Option<Secret>> {
        self.vault.hub_token(user, token)
    }

    /// Makes a registry's secrets files private if others could read them.
    pub(crate) fn restrict_permissions(&self, registry: &Registry) -> Vec<PermissionRepair> {
        self.vault.fix_permissions(registry)
    }

    /// The path of a registry's clear-text secrets file, and the reason why it cannot be read.
    pub(crate) fn file_damage(&self, registry: &Registry) -> Option<(PathBuf, Error)> {
        self.vault.file_damage(registry)
    }

    /// Tells whether [`Self::restore_config`] would change anything.
    pub(crate) fn can_restore(&self) -> bool {
        self.config.can_restore()
    }

    /// Puts the last good copy of the config back if the config is broken or gone.
    pub(crate) fn restore_config(&self) -> Result<Option<RestoreOutcome>> {
        let _lock = self.lock()?;
        self.config.restore()
    }

    /// Moves unreadable secrets files aside. Returns their new paths.
    pub(crate) fn set_damaged_secrets_aside(&self, registry: &Registry) -> Result<Vec<PathBuf>> {
        let _lock = self.lock()?;
        self.vault.set_aside_if_broken(registry)
    }
}
