//! The files behind the accounts, for commands that look after them: where they are, their lock, their damage, their key.

use std::path::PathBuf;

use anyhow::{Error, Result};
use serde_json::Value;

use super::Accounts;
use crate::config::RestoreOutcome;
use crate::model::{HubToken, Registry, Secret, Username};
use crate::system::files::Lock;
use crate::vault::{DataKey, PermissionRepair};

impl<'e> Accounts<'e> {
    /// `None` when there is no home folder and no `ENSIGN_CONFIG_DIR`.
    pub(crate) fn config_file(&self) -> Option<PathBuf> {
        self.config.path()
    }

    /// The files of secrets, whoever's.
    pub(crate) fn secret_files(&self) -> Vec<PathBuf> {
        self.vault.secret_files()
    }

    /// The lock of whoever writes the config, our secrets, or what other programs' files say of us.
    pub(crate) fn lock(&self) -> Result<Lock> {
        self.config.lock()
    }

    /// The key of the sealed secrets.
    pub(crate) fn key(&self) -> &DataKey<'e> {
        self.vault.key()
    }

    /// What the user says of identity providers; they are understood by who asks them.
    pub(crate) fn providers(&self) -> Result<Option<Value>> {
        self.config.providers()
    }

    /// Where releases of this program are looked for, if that is said.
    pub(crate) fn releases(&self) -> Result<Option<Value>> {
        self.config.releases()
    }

    /// What stood in `credsStore` of that file before us.
    pub(crate) fn replaced_store(&self, file: &str) -> Result<Option<String>> {
        self.config.replaced_store(file)
    }

    /// One of Docker Hub's tokens that `docker login` keeps beside the account of this user.
    pub(crate) fn hub_token(&self, user: &Username, token: HubToken) -> Result<Option<Secret>> {
        self.vault.hub_token(user, token)
    }

    /// Closes a registry's secrets files to others if they were open to them.
    pub(crate) fn restrict_permissions(&self, registry: &Registry) -> Vec<PermissionRepair> {
        self.vault.fix_permissions(registry)
    }

    /// Why a registry's file of secrets in clear cannot be read, and its path.
    pub(crate) fn file_damage(&self, registry: &Registry) -> Option<(PathBuf, Error)> {
        self.vault.file_damage(registry)
    }

    /// Tells whether [`Self::restore_config`] would do something.
    pub(crate) fn can_restore(&self) -> bool {
        self.config.can_restore()
    }

    /// Puts the last good copy of the config back if the config is broken or gone.
    pub(crate) fn restore_config(&self) -> Result<Option<RestoreOutcome>> {
        let _lock = self.lock()?;
        self.config.restore()
    }

    /// Moves secrets files aside that cannot be read. Returns their new places.
    pub(crate) fn set_damaged_secrets_aside(&self, registry: &Registry) -> Result<Vec<PathBuf>> {
        let _lock = self.lock()?;
        self.vault.set_aside_if_broken(registry)
    }
}
