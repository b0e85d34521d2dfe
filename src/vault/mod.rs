//! `Vault`: the common interface of all stores. The field `store` of an account selects the store of the account's
//! secret.

mod env_store;
mod file;
mod helper;
mod helper_health;
pub(crate) mod helper_logins;
mod key;
mod sealed_store;
mod secret_record;
mod store;
mod writer;
mod written_secret;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;

use anyhow::{Result, bail};

use crate::model::choice::RegistryAccounts;
use crate::model::{
    Account, HubToken, MinimumGeneration, Problem, Registry, Secret, Source, StoreKind, StoredSecret, Username,
};
use crate::system::env::Env;
use crate::system::files;
use crate::system::json;
use env_store::EnvStore;
use file::{FileForm, FileStore, SecretFile};
use helper::HelperStore;
use sealed_store::SealContext;
use store::{Store, UnknownStore};

pub(crate) use env_store::env_account_problem;
pub(crate) use file::PermissionRepair;
pub(crate) use helper_health::{HelperHealth, health_of};
pub(crate) use helper_logins::HelperRefusal;
pub(crate) use key::{DataKey, Holder, KeyState, probe_kernel_keyring, probe_keyring};
pub(crate) use writer::Writer;

/// Reads secrets. A [`Writer`] saves and removes secrets.
#[derive(Clone)]
pub(crate) struct Vault<'e> {
    env: &'e Env,
    seals: SealContext<'e>,
}

/// A store without a parameter. To add a store, implement the trait [`Store`] in a file and add a row to [`STORES`].
pub(crate) struct StoreRow {
    pub(crate) word: &'static str,
    /// A remark that messages show after the store's name.
    note: &'static str,
    pub(crate) meaning: &'static str,
    open: for<'e> fn(&Vault<'e>) -> Box<dyn Store + 'e>,
}

pub(crate) const STORES: [StoreRow; 2] = [
    StoreRow {
        word: "sealed",
        note: "",
        meaning: "encrypted; the key is kept elsewhere",
        open: |vault| Box::new(FileStore { env: vault.env, form: vault.form(&StoreKind::Sealed) }),
    },
    StoreRow {
        word: "file",
        note: " (in clear text)",
        meaning: "in clear text, readable by you only",
        open: |vault| Box::new(FileStore { env: vault.env, form: FileForm::Clear }),
    },
];

/// Returns the names of the stores that a person may type.
pub(crate) fn store_words() -> String {
    let words = STORES.iter().map(|row| format!("{}{}", row.word, row.note)).collect::<Vec<_>>().join(", ");
    words + ", or helper:NAME"
}

/// Tells whether this build supports the store.
pub(crate) fn is_known_store(kind: &StoreKind) -> bool {
    matches!(kind, StoreKind::Helper(_) | StoreKind::Environment) || row(kind).is_some()
}

fn row(kind: &StoreKind) -> Option<&'static StoreRow> {
    let word = kind.to_string();
    STORES.iter().find(|row| row.word == word)
}

/// The place of a secret in Ensign's own files, as store, registry and account name.
pub(crate) type StoredName = (StoreKind, Registry, String);

impl<'e> Vault<'e> {
    pub(crate) fn new(env: &'e Env) -> Self {
        Self { env, seals: SealContext { key: DataKey::new(env), floors: Rc::new(RefCell::new(vec![])) } }
    }

    /// Remembers the lowest accepted generations of sealed files. A config that was loaded for one registry lists only
    /// the generations of this registry, so the generations of other registries stay.
    pub(crate) fn heed(&self, floors: &[MinimumGeneration]) {
        let mut known = self.seals.floors.borrow_mut();
        known.retain(|old| floors.iter().all(|new| (&new.registry, &new.key) != (&old.registry, &old.key)));
        known.extend_from_slice(floors);
    }

    /// Returns the account's secret, or `None` if the account's store has no secret for it.
    pub(crate) fn get(&self, account: &Account) -> Result<Option<StoredSecret>> {
        self.store(&account.store).get(account)
    }

    /// Checks whether the store could save the account's next secret. The caller must hold the config's lock.
    pub(crate) fn check_writable(&self, account: &Account) -> Result<()> {
        self.store(&account.store).check_writable(account)
    }

    fn store<'s>(&self, kind: &'s StoreKind) -> Box<dyn Store + 's>
    where
        'e: 's,
    {
        match (kind, row(kind)) {
            (StoreKind::Helper(helper), _) => Box::new(HelperStore { helper, vault: self.clone() }),
            (StoreKind::Environment, _) => Box::new(EnvStore(self.env)),
            (_, Some(row)) => (row.open)(self),
            (_, None) => Box::new(UnknownStore),
        }
    }

    /// Returns the form in which a store's files are written.
    fn form(&self, kind: &StoreKind) -> FileForm<'e> {
        if *kind == StoreKind::Sealed { FileForm::Sealed(self.seals.clone()) } else { FileForm::Clear }
    }

    /// Returns all secrets of a registry in the store `sealed` or `file`, with the accounts' names as keys. A secret that
    /// cannot be read is `None`.
    pub(crate) fn all_in_file(
        &self,
        kind: &StoreKind,
        registry: &Registry,
    ) -> Result<BTreeMap<String, Option<StoredSecret>>> {
        self.file(kind, registry)?.all()
    }

    /// Returns one of the two Docker Hub tokens that `docker login` stores for this user. Searches the stores `file`
    /// and `sealed`.
    pub(crate) fn hub_token(&self, user: &Username, token: HubToken) -> Result<Option<Secret>> {
        for kind in &StoreKind::OF_FILES {
            if let Some(secret) = self.hub_token_in(kind, user, token)? {
                return Ok(Some(secret));
            }
        }
        Ok(None)
    }

    pub(crate) fn hub_token_in(&self, kind: &StoreKind, user: &Username, token: HubToken) -> Result<Option<Secret>> {
        self.file(kind, &Registry::docker_hub())?.token(user, token)
    }

    /// Returns the users whose Docker Hub tokens are in Ensign's own files. An unreadable file is skipped.
    pub(crate) fn hub_token_users(&self) -> Vec<StoredName> {
        let hub = Registry::docker_hub();
        let of_store = |kind: &StoreKind| {
            let contents = self.file(kind, &hub).and_then(|file| file.load()).unwrap_or_default();
            contents.token_users().map(|user| (kind.clone(), hub.clone(), user)).collect::<Vec<_>>()
        };
        StoreKind::OF_FILES.iter().flat_map(of_store).collect()
    }

    /// If other users could read a file with the registry's secrets, makes the file private.
    pub(crate) fn fix_permissions(&self, registry: &Registry) -> Vec<PermissionRepair> {
        StoreKind::OF_FILES.iter().filter_map(|kind| self.file(kind, registry).ok()?.fix_permissions()).collect()
    }

    /// Moves broken files with a registry's secrets aside, and returns the new paths.
    pub(crate) fn set_aside_if_broken(&self, registry: &Registry) -> Result<Vec<PathBuf>> {
        let aside = |kind| self.file(kind, registry)?.set_aside_if_broken();
        StoreKind::OF_FILES.iter().filter_map(|kind| aside(kind).transpose()).collect()
    }

    /// Returns the places of all secrets in Ensign's own files. An unreadable file is skipped.
    pub(crate) fn names_in_files(&self) -> Vec<StoredName> {
        let of_file = |kind: &StoreKind, registry: &Registry| {
            let names = self.file(kind, registry).and_then(|file| file.names()).unwrap_or_default();
            names.into_iter().map(|name| (kind.clone(), registry.clone(), name)).collect::<Vec<_>>()
        };
        let of_store = |kind| file::registries(self.env, kind).into_iter().flat_map(move |host| of_file(kind, &host));
        StoreKind::OF_FILES.iter().flat_map(of_store).collect()
    }

    /// Returns the path of the unreadable file with a registry's secrets in clear text, together with the reason and
    /// whether the file is broken. Returns `None` if the file is readable.
    pub(crate) fn file_damage(&self, registry: &Registry) -> Option<(PathBuf, anyhow::Error, bool)> {
        let file = self.file(&StoreKind::File, registry).ok()?;
        let error = file.names().err()?;
        Some((file.path().to_owned(), error, file.is_broken().unwrap_or(false)))
    }

    /// Returns the path of the lock for renewals of the account's secret. The path does not depend on the account's
    /// alias and store, because both may change during a renewal.
    pub(crate) fn renewal_lock(&self, account: &Account) -> Result<PathBuf> {
        let login = format!("{} {:?}", account.username, account.source);
        Ok(self.file(&StoreKind::File, &account.registry)?.renewal_lock(&login))
    }

    /// Removes the locks of the logins that no account has after a change. A failure is ignored, because a lock
    /// contains nothing.
    pub(crate) fn remove_unused_locks(&self, before: &[RegistryAccounts], after: &[RegistryAccounts]) {
        let locks = |registries: &[RegistryAccounts]| -> BTreeSet<PathBuf> {
            let accounts = registries.iter().flat_map(|entry| &entry.accounts);
            let renewed = accounts.filter(|account| account.source != Source::Static);
            renewed.filter_map(|account| self.renewal_lock(account).ok()).collect()
        };
        for lock in locks(before).difference(&locks(after)) {
            let _ = files::remove(lock);
        }
    }

    /// Returns the key of the sealed secrets.
    pub(crate) fn key(&self) -> &DataKey<'e> {
        &self.seals.key
    }

    /// Begins a change to a new key, if every sealed file can be opened. The secrets in an unopened file would be lost
    /// with the old key. The caller must hold the config's lock.
    pub(crate) fn begin_key_change(&self, passphrase: Option<&Secret>) -> Result<()> {
        if let Some(passphrase) = passphrase {
            self.seals.key.open_by_passphrase(passphrase)?;
        }
        for file in self.sealed_files()? {
            file.load()?;
        }
        self.seals.key.begin_change(passphrase)
    }

    /// Removes the old key, if every file is sealed with the new key. The caller must hold the config's lock.
    pub(crate) fn end_key_change(&self) -> Result<KeyState> {
        for file in self.sealed_files()? {
            if !file.is_current()? {
                bail!(Problem::run("a file is still sealed with the previous key", "store key --rotate"));
            }
        }
        self.seals.key.end_change()
    }

    /// Returns all sealed files, or an error if any sealed file cannot be read.
    fn sealed_files(&self) -> Result<Vec<SecretFile<'e>>> {
        let paths = file::sealed_files(self.env)?;
        paths.iter().map(|path| SecretFile::sealed_at(self.env, self.seals.clone(), path)).collect()
    }

    fn file(&self, kind: &StoreKind, registry: &Registry) -> Result<SecretFile<'e>> {
        SecretFile::new(self.env, self.form(kind), registry)
    }
}

fn no_home() -> Problem {
    Problem::new("there is no home folder to keep secrets in", "set HOME, or ENSIGN_DATA_DIR")
}

/// Returns an error if a newer Ensign wrote the file. A file from a newer Ensign is not changed, and is not reported as
/// broken. `version` is the version of the file's format that this Ensign writes.
fn refuse_newer(bytes: &[u8], version: u64, shown: &str) -> Result<(), Problem> {
    match json::version(bytes) {
        Some(found) if found > version => {
            let what = format!("`{shown}` was written by a newer Ensign");
            Err(Problem::new(what, "install that version here too"))
        }
        _ => Ok(()),
    }
}
