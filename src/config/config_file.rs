//! `ConfigFile`: loads `config.json`, and changes it under a lock.

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Error, Result};

use super::atcr::AdoptedAccounts;
use super::config_document::ConfigDocument;
use super::loaded_config::{LoadedConfig, entry_of};
use super::reader;
use crate::model::choice::{DefaultAccount, RegistryAccounts};
use crate::model::env_account::EnvAccount;
use crate::model::{Problem, Registry};
use crate::system::env::Env;
use crate::system::files::{self, Access, Lock};
use crate::system::json;

/// The location of the file `config.json`. Each call of a method reads the file again.
pub(crate) struct ConfigFile<'e> {
    env: &'e Env,
}

/// The config at the start of a change.
pub(crate) struct ConfigEdit {
    pub(crate) document: ConfigDocument,
    pub(crate) config: LoadedConfig,
    pub(crate) before: PriorConfig,
}

/// The bytes of the file before a change, together with the lock. The lock is released when this value is dropped.
#[derive(Default)]
pub(crate) struct PriorConfig {
    /// The bytes, or `None` if there was no file.
    bytes: Option<Vec<u8>>,
    _lock: Option<Lock>,
}

/// The largest config that is read, in bytes. A config with ten thousand accounts needs one MiB.
pub(super) const LIMIT: u64 = 64 << 20;

impl<'e> ConfigFile<'e> {
    pub(crate) fn new(env: &'e Env) -> Self {
        Self { env }
    }

    /// Returns the config's path, or `None` if there is neither a home folder nor `ENSIGN_CONFIG_DIR`.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        self.env.config_dir.as_ref().map(|folder| folder.join("config.json"))
    }

    /// Reads the registry `wanted`, or all registries. Readers need no lock, because a writer replaces the whole file
    /// at once.
    pub(crate) fn load(&self, wanted: Option<&Registry>) -> Result<LoadedConfig> {
        let mut loaded = self.load_with_mounted(wanted)?;
        if let Some(host) = wanted {
            self.load_alias(host, &mut loaded)?;
        }
        if !loaded.trusted.is_empty() {
            loaded.registries.iter_mut().for_each(|entry| entry.trusted = Rc::clone(&loaded.trusted));
        }
        Ok(loaded)
    }

    fn load_with_mounted(&self, wanted: Option<&Registry>) -> Result<LoadedConfig> {
        let mut loaded = self.load_written(wanted)?;
        for mounted in
            self.env.mounted()?.iter().filter(|account| wanted.is_none_or(|wanted| account.account.registry == *wanted))
        {
            mount(&mut loaded.registries, mounted);
        }
        Ok(loaded)
    }

    /// Loads the accounts that answer for `host` if `host` has no entry of its own. An alias in `also` has
    /// priority over a pattern of hosts. The built-in relations ([`Registry::served_by`]) have the lowest priority.
    fn load_alias(&self, host: &Registry, loaded: &mut LoadedConfig) -> Result<()> {
        let answers =
            |registry_entry: &RegistryAccounts| !registry_entry.accounts.is_empty() || registry_entry.helper.is_some();
        if loaded.registries.iter().any(|entry| entry.registry == *host && answers(entry)) {
            return Ok(());
        }
        let named = loaded.also.iter().find(|alias| alias.host == *host).cloned();
        let target = match &named {
            Some(alias) => Some(alias.registry.clone()),
            None => host.served_by().filter(|_| !loaded.registries.iter().any(answers)),
        };
        let Some(target) = target.filter(|target| target != host) else { return Ok(()) };
        let mut entries = self.load_with_mounted(Some(&target))?.registries;
        entries.retain(|entry| entry.registry == target);
        for entry in &mut entries {
            entry.helper = None;
            if let Some(alias) = &named {
                entry.accounts.retain(|account| alias.accounts.contains(&account.name));
            }
        }
        entries.retain(answers);
        if !entries.is_empty() {
            loaded.registries = entries;
        }
        Ok(())
    }

    fn load_written(&self, wanted: Option<&Registry>) -> Result<LoadedConfig> {
        let Some(path) = self.path() else { return Ok(LoadedConfig::without_file(None)) };
        if let Some(bytes) = files::read(&path, LIMIT)? {
            return self.understand(&bytes, wanted);
        }
        self.env.config_dir.as_deref().map_or(Ok(()), files::refuse_file_as_folder)?;
        self.refuse_lost(&path)?;
        let mut loaded = LoadedConfig::without_file(AdoptedAccounts::find(self.env)?);
        loaded.registries.retain(|entry| wanted.is_none_or(|wanted| entry.registry == *wanted));
        Ok(loaded)
    }

    /// Returns the user's own identity providers as unparsed JSON.
    pub(crate) fn providers(&self) -> Result<Option<serde_json::Value>> {
        Ok(self.settings()?.and_then(|settings| settings.providers))
    }

    /// Returns the unparsed JSON of `releases`, which is the server where `update` looks for releases.
    pub(crate) fn releases(&self) -> Result<Option<serde_json::Value>> {
        Ok(self.settings()?.and_then(|settings| settings.releases))
    }

    /// Returns the helper that the client's config `file` used before Ensign.
    pub(crate) fn replaced_store(&self, file: &str) -> Result<Option<String>> {
        let stores = self.settings()?.and_then(|settings| settings.replaced_stores);
        Ok(stores.and_then(|stores| Some(stores.get(file)?.as_str()?.to_owned())))
    }

    fn settings(&self) -> Result<Option<reader::RawSettings>> {
        let bytes = self.path().map(|path| files::read(&path, LIMIT)).transpose()?.flatten();
        let settings = bytes.map(|bytes| reader::settings(&bytes).map_err(|error| self.broken(&error)));
        Ok(settings.transpose()?)
    }

    /// Begins a change by taking the lock and reading the file. Returns an error if the file is unreadable.
    pub(crate) fn begin(&self) -> Result<ConfigEdit> {
        let path = self.path().ok_or_else(no_home)?;
        let lock = self.lock()?;
        files::remove_unfinished(&path)?;
        let before = PriorConfig { bytes: files::read(&path, LIMIT)?, _lock: Some(lock) };
        let Some(bytes) = &before.bytes else {
            self.refuse_lost(&path)?;
            return Ok(ConfigEdit { before, ..Self::first_edit(AdoptedAccounts::find(self.env)?) });
        };
        let config = self.understand(bytes, None)?;
        self.refuse_newer(&config)?;
        let document = ConfigDocument::parse(bytes).map_err(|error| self.broken(&error))?;
        Ok(ConfigEdit { document, config, before })
    }

    /// If anything has changed, writes the config and keeps the old file as `config.json.bak`. After an error the file
    /// is unchanged. An editor takes no lock, so what an editor has saved since the start of the change is an error.
    /// Returns the accounts of the new config.
    pub(crate) fn write(&self, before: &PriorConfig, document: &ConfigDocument) -> Result<Vec<RegistryAccounts>> {
        let path = self.path().ok_or_else(no_home)?;
        let text = document.to_text();
        if before.bytes.as_ref().is_none_or(|bytes| ConfigDocument::parse(bytes).is_ok_and(|old| old != *document)) {
            if files::read(&path, LIMIT)? != before.bytes {
                let what = format!("another program changed `{}` during this change", self.shown_path());
                return Err(Problem::new(what, "run the command again").into());
            }
            if before.bytes.is_some() {
                files::keep_copy(&path, &self.last_good_copy().ok_or_else(no_home)?)?;
            }
            files::replace(&path, text.as_bytes(), Access::Kept)?;
        }
        Ok(self.understand(text.as_bytes(), None)?.registries)
    }

    /// Replaces `config.json.bak` by the present config, because an account in the old copy has lost its secret. The
    /// copy is a file of its own, so that damage to the config does not reach it. A failure is ignored.
    pub(crate) fn renew_copy(&self) {
        let renew = || -> Option<()> {
            let bytes = files::read(&self.path()?, LIMIT).ok()??;
            files::replace(&self.last_good_copy()?, &bytes, Access::Private).ok()
        };
        let _ = renew();
    }

    /// Takes the lock. Every writer of the config or of Ensign's secrets must hold the lock.
    pub(crate) fn lock(&self) -> Result<Lock> {
        Lock::take(&self.lock_path().ok_or_else(no_home)?)
    }

    /// Takes the same lock as [`Self::lock`]. Returns `None` if the lock is not free within `patience`.
    pub(crate) fn lock_within(&self, patience: Duration) -> Result<Option<Lock>> {
        Lock::take_within(&self.lock_path().ok_or_else(no_home)?, patience)
    }

    /// Waits a moment for the end of another process's change, and lets no change begin. A change in progress looks like
    /// an interrupted change. Returns `None` if there never was a change, or if the change lasts longer.
    pub(crate) fn pause(&self) -> Option<Lock> {
        let path = self.lock_path().filter(|path| path.is_file())?;
        Lock::take_within(&path, Duration::from_secs(2)).ok()?
    }

    /// Returns why the lock's file cannot be opened, if the file exists.
    pub(crate) fn lock_problem(&self) -> Option<Error> {
        let path = self.lock_path().filter(|path| path.is_file())?;
        Lock::take_within(&path, Duration::ZERO).err()
    }

    /// Tells whether another process is changing the config.
    pub(crate) fn is_locked(&self) -> bool {
        self.lock_path().is_some_and(|path| Lock::is_held(&path))
    }

    fn lock_path(&self) -> Option<PathBuf> {
        self.env.config_dir.as_ref().map(|folder| folder.join("config.lock"))
    }

    pub(super) fn first_edit(adopted: Option<AdoptedAccounts>) -> ConfigEdit {
        let (mut document, config) = (ConfigDocument::empty(), LoadedConfig::without_file(adopted));
        for entry in &config.registries {
            entry.accounts.iter().for_each(|account| document.put(account));
            document.set_active(&entry.registry, &entry.active);
        }
        ConfigEdit { document, config, before: PriorConfig::default() }
    }

    pub(super) fn understand(&self, bytes: &[u8], wanted: Option<&Registry>) -> Result<LoadedConfig> {
        reader::read(bytes, wanted, |folder| self.env.expand_home(folder)).map_err(|error| match json::version(bytes) {
            Some(version) if version > reader::VERSION => self.too_new(version).into(),
            _ => self.broken(&error).into(),
        })
    }

    pub(super) fn broken(&self, error: &serde_json::Error) -> Problem {
        Problem::run(format!("`{}` is broken: {error}", self.shown_path()), "restore")
    }

    /// Returns an error if a newer Ensign wrote the config.
    pub(crate) fn refuse_newer(&self, config: &LoadedConfig) -> Result<(), Problem> {
        if config.version > reader::VERSION { Err(self.too_new(config.version)) } else { Ok(()) }
    }

    fn too_new(&self, version: u64) -> Problem {
        Problem::new(
            format!("`{}` has version {version} and was written by a newer Ensign", self.shown_path()),
            "install that version here too",
        )
    }

    pub(super) fn shown_path(&self) -> String {
        self.path().map(|path| self.env.shorten_home(&path)).unwrap_or_default()
    }
}

/// Adds an environment account. An environment account replaces the account in the config that has the same alias. The
/// first environment account for a registry becomes the registry's default account. A later environment account becomes
/// the default only if it is marked as active.
fn mount(registries: &mut Vec<RegistryAccounts>, mounted: &EnvAccount) {
    let account = &mounted.account;
    let candidates = entry_of(registries, &account.registry);
    let is_first = candidates.accounts.iter().all(|other| !other.store.is_from_environment());
    candidates.accounts.retain(|other| other.name != account.name);
    candidates.accounts.push(account.clone());
    if is_first || mounted.active {
        candidates.active = DefaultAccount::Account(account.name.clone());
    }
}

/// Returns the error for a machine without a folder for the config.
pub(super) fn no_home() -> Problem {
    Problem::new(
        "there is no home folder, so accounts cannot be saved",
        "set HOME, or ENSIGN_CONFIG_DIR and ENSIGN_DATA_DIR",
    )
}
