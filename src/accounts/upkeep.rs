//! Maintains the files of accounts. The functions return paths, take the lock, repair damage and provide the data key.

use std::path::PathBuf;

use anyhow::{Error, Result};
use serde_json::Value;

use super::Accounts;
use crate::config::RestoreOutcome;
use crate::model::{HubToken, Problem, Registry, Secret, Username};
use crate::system::files::Lock;
use crate::vault::{DataKey, PermissionRepair};

impl<'e> Accounts<'e> {
    /// Returns the config's path, or `None` if there is neither a home folder nor `ENSIGN_CONFIG_DIR`.
    pub(crate) fn config_file(&self) -> Option<PathBuf> {
        self.config.path()
    }

    /// Returns all files with secrets, including the files of registries without accounts.
    pub(crate) fn secret_files(&self) -> Vec<PathBuf> {
        self.vault.secret_files()
    }

    /// Returns the folders of Ensign's own stores. The folders may not exist.
    pub(crate) fn secret_folders(&self) -> Vec<PathBuf> {
        self.vault.secret_folders()
    }

    /// Takes the lock that protects the config, Ensign's secrets, and Ensign's entries in the files of other programs.
    pub(crate) fn lock(&self) -> Result<Lock> {
        self.config.lock()
    }

    /// Returns the key of the sealed secrets.
    pub(crate) fn key(&self) -> &DataKey<'e> {
        self.vault.key()
    }

    /// Returns why the lock's file cannot be opened, if the file exists.
    pub(crate) fn lock_problem(&self) -> Option<Problem> {
        self.config.lock_problem()?.downcast().ok()
    }

    /// Tells whether a change of the data key was interrupted.
    pub(crate) fn is_key_changing(&self) -> bool {
        let _lock = self.config.pause();
        self.key().state().ok().flatten().is_some_and(|key| key.is_changing)
    }

    /// Returns the user's own identity providers as unparsed JSON.
    pub(crate) fn providers(&self) -> Result<Option<Value>> {
        self.config.providers()
    }

    /// Returns the config's field `releases` as unparsed JSON. The field describes the server where `update` looks for
    /// releases.
    pub(crate) fn releases(&self) -> Result<Option<Value>> {
        self.config.releases()
    }

    /// Returns the old value of `credsStore` in the client's config `file`, from before Ensign changed the file.
    pub(crate) fn replaced_store(&self, file: &str) -> Result<Option<String>> {
        self.config.replaced_store(file)
    }

    /// Returns one of the two Docker Hub tokens that `docker login` stores for this user.
    pub(crate) fn hub_token(&self, user: &Username, token: HubToken) -> Result<Option<Secret>> {
        self.vault.hub_token(user, token)
    }

    /// If other users could read a file with the registry's secrets, makes the file private.
    pub(crate) fn restrict_permissions(&self, registry: &Registry) -> Vec<PermissionRepair> {
        self.vault.fix_permissions(registry)
    }

    /// If the file with a registry's secrets in clear text is unreadable, returns the file's path, the reason, and
    /// whether the file is broken, so that `restore` can move it aside. Otherwise returns `None`.
    pub(crate) fn file_damage(&self, registry: &Registry) -> Option<(PathBuf, Error, bool)> {
        self.vault.file_damage(registry)
    }

    /// Returns a problem if a newer Ensign wrote the config, so that this Ensign cannot change it.
    pub(crate) fn newer_config(&self) -> Option<Problem> {
        self.config.load(None).ok().and_then(|loaded| self.config.refuse_newer(&loaded).err())
    }

    /// Tells whether [`Self::restore_config`] would change anything.
    pub(crate) fn can_restore(&self) -> bool {
        self.config.can_restore()
    }

    /// Restores the last good copy of the config if the config is broken or missing.
    pub(crate) fn restore_config(&self) -> Result<Option<RestoreOutcome>> {
        let _lock = self.lock()?;
        self.config.restore()
    }

    /// Moves broken secrets files aside. Returns the new paths of the files.
    pub(crate) fn set_damaged_secrets_aside(&self, registry: &Registry) -> Result<Vec<PathBuf>> {
        let _lock = self.lock()?;
        self.vault.set_aside_if_broken(registry)
    }
}
