//! `ConfigFile`: loading `config.json`, and changing it under a lock.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Result;

use super::atcr::AdoptedAccounts;
use super::config_document::ConfigDocument;
use super::reader::{self, ParsedConfig};
use crate::model::choice::{DefaultAccount, HelperRoute, RegistryAccounts, TrustedFile};
use crate::model::env_account::EnvAccount;
use crate::model::{HelperName, HostAlias, MinimumGeneration, Problem, Registry, StoreKind};
use crate::system::env::Env;
use crate::system::files::{self, Access, Lock};

/// Where the config is read from and written to. It holds nothing of the file itself.
pub(crate) struct ConfigFile<'e> {
    env: &'e Env,
}

/// What was loaded, and where it came from.
pub(crate) struct LoadedConfig {
    pub(crate) registries: Vec<RegistryAccounts>,
    /// Whether answers may be written down.
    pub(crate) journal: bool,
    /// The files that may name accounts.
    pub(crate) trusted: Rc<[TrustedFile]>,
    /// The helper that is asked for all other registries.
    pub(crate) fallback: Option<HelperName>,
    /// Hosts that accounts of another registry answer for too.
    pub(crate) also: Vec<HostAlias>,
    /// Where new secrets are kept, if that was said.
    pub(crate) store: Option<StoreKind>,
    /// How old the sealed files may be.
    pub(crate) floors: Vec<MinimumGeneration>,
    pub(crate) origin: ConfigOrigin,
}

/// Where accounts came from.
pub(crate) enum ConfigOrigin {
    /// `config.json`, or nothing at all.
    Ours,
    /// A file of ATCR's helper, because we have none of our own yet.
    Adopted(AdoptedAccounts),
}

/// The config as a change begins.
pub(crate) struct ConfigEdit {
    pub(crate) document: ConfigDocument,
    /// The accounts before the change.
    pub(crate) registries: Vec<RegistryAccounts>,
    /// What was taken over and must be written with this change, secrets included.
    pub(crate) adopted: Option<AdoptedAccounts>,
    /// Where new secrets are kept, if that was said.
    pub(crate) store: Option<StoreKind>,
    pub(crate) floors: Vec<MinimumGeneration>,
    pub(crate) before: PriorConfig,
}

/// The file before a change; nobody else changes it until this is dropped.
#[derive(Default)]
pub(crate) struct PriorConfig {
    /// `None`: there is no file yet.
    bytes: Option<Vec<u8>>,
    _lock: Option<Lock>,
}

/// A config of ten thousand accounts takes one MiB; more is somebody else's file.
pub(super) const LIMIT: u64 = 64 << 20;

impl<'e> ConfigFile<'e> {
    pub(crate) fn new(env: &'e Env) -> Self {
        Self { env }
    }

    /// `None` when there is no home folder and no `ENSIGN_CONFIG_DIR`.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        self.env.config_dir.as_ref().map(|folder| folder.join("config.json"))
    }

    /// Reads one registry or all of them. Nothing is written and nothing is locked: writers replace the file whole.
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

    /// A host without an entry of its own may be one that another registry's accounts answer for: those that a person
    /// named go before a pattern of hosts, and those of a registry that serves the host anyway come after it.
    fn load_alias(&self, host: &Registry, loaded: &mut LoadedConfig) -> Result<()> {
        let answers =
            |registry_entry: &RegistryAccounts| !registry_entry.accounts.is_empty() || registry_entry.helper.is_some();
        let (mut by_name, mut by_pattern) = (false, false);
        for one in loaded.registries.iter().filter(|one| answers(one)) {
            by_name |= one.registry == *host;
            by_pattern |= one.registry != *host;
        }
        let named = loaded.also.iter().find(|alias| alias.host == *host).filter(|_| !by_name).cloned();
        let target = match &named {
            Some(alias) => Some(alias.registry.clone()),
            None => host.served_by().filter(|_| !by_name && !by_pattern),
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
        let Some(path) = self.path() else { return Ok(LoadedConfig::nothing()) };
        if let Some(bytes) = files::read(&path, LIMIT)? {
            let ParsedConfig { registries, fallback, journal, trusted, also, store, floors, version: _ } =
                self.understand(&bytes, wanted)?;
            return Ok(LoadedConfig {
                registries,
                fallback,
                journal,
                trusted,
                also,
                store,
                floors,
                origin: ConfigOrigin::Ours,
            });
        }
        self.refuse_lost(&path)?;
        Ok(match AdoptedAccounts::find(self.env)? {
            Some(adopted) => {
                let all = adopted.registries.iter();
                let registries =
                    all.filter(|entry| wanted.is_none_or(|wanted| entry.registry == *wanted)).cloned().collect();
                LoadedConfig {
                    registries,
                    fallback: None,
                    journal: true,
                    trusted: Rc::default(),
                    also: vec![],
                    store: None,
                    floors: vec![],
                    origin: ConfigOrigin::Adopted(adopted),
                }
            }
            None => LoadedConfig::nothing(),
        })
    }

    /// What the user says of identity providers; they are understood by who asks them.
    pub(crate) fn providers(&self) -> Result<Option<serde_json::Value>> {
        Ok(self.settings()?.and_then(|settings| settings.providers))
    }

    /// Where releases of this program are looked for, if that is said.
    pub(crate) fn releases(&self) -> Result<Option<serde_json::Value>> {
        Ok(self.settings()?.and_then(|settings| settings.releases))
    }

    fn settings(&self) -> Result<Option<reader::RawSettings>> {
        let bytes = self.path().map(|path| files::read(&path, LIMIT)).transpose()?.flatten();
        let settings = bytes.map(|bytes| reader::settings(&bytes).map_err(|error| self.broken(&error)));
        Ok(settings.transpose()?)
    }

    /// What stood in `credsStore` of that file before us.
    pub(crate) fn replaced_store(&self, file: &str) -> Result<Option<String>> {
        let bytes = self.path().map(|path| files::read(&path, LIMIT)).transpose()?.flatten();
        let Some(bytes) = bytes else { return Ok(None) };
        let document = ConfigDocument::parse(&bytes).map_err(|error| self.broken(&error))?;
        Ok(document.replaced_store(file).map(str::to_owned))
    }

    /// Begins a change: takes the lock and reads. A file that cannot be read is left as it is.
    pub(crate) fn begin(&self) -> Result<ConfigEdit> {
        let path = self.path().ok_or_else(no_home)?;
        let lock = self.lock()?;
        files::remove_unfinished(&path)?;
        let before = PriorConfig { bytes: files::read(&path, LIMIT)?, _lock: Some(lock) };
        let Some(bytes) = &before.bytes else {
            self.refuse_lost(&path)?;
            return Ok(ConfigEdit { before, ..Self::first_edit(AdoptedAccounts::find(self.env)?) });
        };
        let reading = self.understand(bytes, None)?;
        if reading.version > reader::VERSION {
            return Err(self.too_new(reading.version).into());
        }
        let document = ConfigDocument::parse(bytes).map_err(|error| self.broken(&error))?;
        let ParsedConfig { registries, store, floors, .. } = reading;
        Ok(ConfigEdit { document, registries, adopted: None, store, floors, before })
    }

    /// Writes the change, unless it changes nothing, and keeps the file before as `config.json.bak`. An error means that
    /// the file is as it was. Returns the accounts that it names now.
    pub(crate) fn write(&self, before: &PriorConfig, document: &ConfigDocument) -> Result<Vec<RegistryAccounts>> {
        let path = self.path().ok_or_else(no_home)?;
        let text = document.to_text();
        if before.bytes.as_ref().is_none_or(|bytes| ConfigDocument::parse(bytes).is_ok_and(|old| old != *document)) {
            if before.bytes.is_some() {
                files::keep_copy(&path, &self.last_good_copy().ok_or_else(no_home)?)?;
            }
            files::replace(&path, text.as_bytes(), Access::Kept)?;
        }
        Ok(self.understand(text.as_bytes(), None)?.registries)
    }

    /// The lock that every writer of the config and of our secrets holds.
    pub(crate) fn lock(&self) -> Result<Lock> {
        Lock::take(&self.lock_path().ok_or_else(no_home)?)
    }

    /// The same, as far as it can be had so soon.
    pub(crate) fn lock_within(&self, patience: Duration) -> Result<Option<Lock>> {
        Lock::take_within(&self.lock_path().ok_or_else(no_home)?, patience)
    }

    /// Tells whether another process changes the config at this moment.
    pub(crate) fn is_locked(&self) -> bool {
        self.lock_path().is_some_and(|path| Lock::is_held(&path))
    }

    fn lock_path(&self) -> Option<PathBuf> {
        self.env.config_dir.as_ref().map(|folder| folder.join("config.lock"))
    }

    pub(super) fn first_edit(adopted: Option<AdoptedAccounts>) -> ConfigEdit {
        let mut document = ConfigDocument::empty();
        let registries = adopted.as_ref().map(|adopted| adopted.registries.clone()).unwrap_or_default();
        for entry in &registries {
            entry.accounts.iter().for_each(|account| document.put(account));
            document.set_active(&entry.registry, &entry.active);
        }
        ConfigEdit { document, registries, adopted, store: None, floors: vec![], before: PriorConfig::default() }
    }

    pub(super) fn understand(&self, bytes: &[u8], wanted: Option<&Registry>) -> Result<ParsedConfig> {
        reader::read(bytes, wanted, |folder| self.env.expand_home(folder)).map_err(|error| {
            match reader::version(bytes) {
                Some(version) if version > reader::VERSION => self.too_new(version).into(),
                _ => self.broken(&error).into(),
            }
        })
    }

    pub(super) fn broken(&self, error: &serde_json::Error) -> Problem {
        Problem::run(format!("`{}` is broken: {error}", self.shown_path()), "restore")
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

/// Puts an account that the environment gives among those of the file; it goes before one of the same name there, and
/// the first of a registry answers by default.
fn mount(registries: &mut Vec<RegistryAccounts>, mounted: &EnvAccount) {
    let account = &mounted.account;
    let place = registries.iter().position(|entry| entry.registry == account.registry).unwrap_or_else(|| {
        registries.push(RegistryAccounts::none(&account.registry));
        registries.len() - 1
    });
    let candidates = &mut registries[place];
    let is_first = candidates.accounts.iter().all(|other| !other.store.is_from_environment());
    candidates.accounts.retain(|other| other.name != account.name);
    candidates.accounts.push(account.clone());
    if is_first || mounted.active {
        candidates.active = DefaultAccount::Account(account.name.clone());
    }
}

/// Says that there is no place for the config.
pub(super) fn no_home() -> Problem {
    Problem::new("there is no home folder to keep accounts in", "set HOME, or ENSIGN_CONFIG_DIR and ENSIGN_DATA_DIR")
}

impl LoadedConfig {
    fn nothing() -> Self {
        let (registries, also, trusted) = (vec![], vec![], Rc::default());
        let (store, floors) = (None, vec![]);
        Self { registries, fallback: None, journal: true, trusted, also, store, floors, origin: ConfigOrigin::Ours }
    }

    /// The one registry that was asked for, with the helper that answers if it has no account.
    pub(crate) fn into_only(self, registry: &Registry) -> (RegistryAccounts, Option<HelperRoute>, ConfigOrigin) {
        let entry = RegistryAccounts { trusted: self.trusted, ..RegistryAccounts::for_host(self.registries, registry) };
        let route = match (&entry.helper, self.fallback) {
            _ if !entry.accounts.is_empty() => None,
            (Some(helper), _) => Some(HelperRoute { helper: helper.clone(), by: Some(entry.registry.clone()) }),
            (None, fallback) => fallback.map(|helper| HelperRoute { helper, by: None }),
        };
        (entry, route, self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_host_all_entries_are_read_that_cover_it() {
        let text = r#"{"version": 3, "fallback": "desktop", "registries": {
            "*.azurecr.io": {"accounts": {"me": {}}}, "shop.azurecr.io": {"public": ["shop.azurecr.io/open/**"]},
            "s*.azurecr.io": {"helper": "acr-env"}, "*.example": {"helper": "ensign-x"}}}"#;
        for (host, keys) in [
            ("shop.azurecr.io", vec!["*.azurecr.io", "shop.azurecr.io", "s*.azurecr.io"]),
            ("a.azurecr.io", vec!["*.azurecr.io"]),
            ("*.azurecr.io", vec!["*.azurecr.io"]),
            ("ghcr.io", vec![]),
        ] {
            let reading =
                reader::read(text.as_bytes(), Some(&Registry::from_key(host)), |text| PathBuf::from(text)).unwrap();
            assert_eq!(reading.fallback, "desktop".parse().ok());
            assert_eq!(
                reading.registries.iter().map(|entry| entry.registry.as_str()).collect::<Vec<_>>(),
                keys,
                "{host}"
            );
        }
        let shop = Registry::from_key("shop.azurecr.io");
        let shop = RegistryAccounts::for_host(
            reader::read(text.as_bytes(), Some(&shop), |text| PathBuf::from(text)).unwrap().registries,
            &shop,
        );
        assert_eq!((shop.registry.as_str(), shop.helper), ("s*.azurecr.io", "acr-env".parse().ok()));
        assert_eq!(shop.public.len(), 1);
        assert_eq!(reader::read(text.as_bytes(), None, |text| PathBuf::from(text)).unwrap().registries[3].helper, None);
    }
}
