//! `FileStore`: keeps one private file per registry in the data folder, in `secrets/<registry>.json` or
//! `sealed/<registry>.json`.
//!
//! With one file per registry, `get` reads no secret of another registry. If a file is damaged, only one registry is
//! affected.

mod names;
mod secrets_contents;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use zeroize::Zeroizing;

use super::sealed_store::{Envelope, SealContext};
use super::store::{SecretChanges, Store};
use super::{no_home, refuse_newer};
use crate::model::{Account, AccountName, HubToken, Problem, Registry, Secret, StoreKind, StoredSecret, Username};
use crate::system::env::Env;
use crate::system::files::{self, Access};
use crate::system::json::without_mark;
pub(super) use names::{registries, sealed_files};
pub(super) use secrets_contents::SecretsContents;
use secrets_contents::VERSION;

/// A store with one file of secrets per registry, in clear text or sealed.
pub(super) struct FileStore<'e> {
    pub(super) env: &'e Env,
    pub(super) form: FileForm<'e>,
}

/// The form in which the files are written.
#[derive(Clone)]
pub(super) enum FileForm<'e> {
    Clear,
    Sealed(SealContext<'e>),
}

/// The file with a registry's secrets. The file need not exist.
pub(super) struct SecretFile<'e> {
    env: &'e Env,
    path: PathBuf,
    registry: Registry,
    form: FileForm<'e>,
}

/// The path of a file with secrets that other users could read, and the file's mode before the repair.
pub(crate) struct PermissionRepair {
    pub(crate) path: String,
    pub(crate) mode: u32,
}

/// The size limit of a file. Unit tests have a lower limit, because 64 MiB take seconds in a debug build.
pub(super) const LIMIT: u64 = if cfg!(test) { 4 << 20 } else { 64 << 20 };
/// The size limit of a provider's response.
const MOST_TOKENS: u64 = 64 << 10;

impl Store for FileStore<'_> {
    fn get(&self, account: &Account) -> Result<Option<StoredSecret>> {
        self.file(&account.registry)?.stored(&account.name)
    }

    fn check_writable(&self, account: &Account) -> Result<()> {
        self.file(&account.registry)?.check_free_space()
    }

    fn check_removal(&self, account: &Account) -> Result<()> {
        self.file(&account.registry)?.check_removal(&account.name)
    }

    fn put(
        &self,
        registry: &Registry,
        secrets: &[(&Account, &StoredSecret)],
        changes: &mut SecretChanges,
    ) -> Result<()> {
        self.file(registry)?.edit(changes, |contents| {
            secrets.iter().fold(false, |changed, (account, stored)| contents.put(&account.name, stored) || changed)
        })
    }

    fn remove(&self, account: &Account, changes: &mut SecretChanges) -> Result<()> {
        self.file(&account.registry)?.remove(account.name.as_str(), changes)
    }
}

impl FileStore<'_> {
    fn file(&self, registry: &Registry) -> Result<SecretFile<'_>> {
        SecretFile::new(self.env, self.form.clone(), registry)
    }
}

impl FileForm<'_> {
    fn folder(&self) -> &'static str {
        match self {
            Self::Clear => names::folder(&StoreKind::File),
            Self::Sealed(_) => names::folder(&StoreKind::Sealed),
        }
    }
}

impl<'e> SecretFile<'e> {
    pub(super) fn new(env: &'e Env, form: FileForm<'e>, registry: &Registry) -> Result<Self> {
        let Some(folder) = &env.data_dir else { bail!(no_home()) };
        let name = names::file_name(registry);
        if name.len() > 200 {
            bail!("the server address is too long for a registry");
        }
        let path = folder.join(form.folder()).join(name);
        Ok(Self { env, path, registry: registry.clone(), form })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path as messages show it.
    fn shown(&self) -> String {
        self.env.shorten_home(&self.path)
    }

    /// Reads one account's secret, and parses no other secret.
    pub(super) fn stored(&self, name: &AccountName) -> Result<Option<StoredSecret>> {
        let Some(bytes) = self.read()? else { return Ok(None) };
        secrets_contents::find(&self.text(bytes)?, name).map_err(|error| self.broken(&error).into())
    }

    /// Reads all secrets of the registry. A secret that cannot be read is `None`.
    pub(super) fn all(&self) -> Result<BTreeMap<String, Option<StoredSecret>>> {
        let Some(bytes) = self.read()? else { return Ok(BTreeMap::new()) };
        secrets_contents::all(&self.text(bytes)?).map_err(|error| self.broken(&error).into())
    }

    pub(super) fn token(&self, user: &Username, token: HubToken) -> Result<Option<Secret>> {
        Ok(self.load()?.take_token(user, token))
    }

    /// Changes the file. An unchanged file is not written, and a file without secrets is removed.
    pub(super) fn edit(
        &self,
        changes: &mut SecretChanges,
        change: impl FnOnce(&mut SecretsContents) -> bool,
    ) -> Result<()> {
        let before = self.read()?;
        let mut contents = self.parse(before.clone())?;
        if !change(&mut contents) {
            return Ok(());
        }
        contents.version = VERSION;
        let bytes = match (&self.form, contents.is_empty()) {
            (_, true) => None,
            (FileForm::Clear, false) => Some(Zeroizing::new(serde_json::to_vec_pretty(&contents)?)),
            (FileForm::Sealed(seals), false) => {
                let text = Zeroizing::new(serde_json::to_vec(&contents)?);
                let names = contents.names();
                let (bytes, floor) =
                    seals.seal(&self.registry, names, &text, before.as_deref().map(Vec::as_slice), &self.shown())?;
                changes.sealed.push(floor);
                Some(Zeroizing::new(bytes))
            }
        };
        if bytes.as_ref().is_some_and(|bytes| bytes.len() as u64 > LIMIT) {
            bail!(
                "the secrets of {} need more than {} MiB, which is too much for one file",
                self.registry,
                LIMIT >> 20
            );
        }
        write(&self.path, bytes.as_ref())?;
        let path = self.path.clone();
        changes.add(move || write(&path, before.as_ref()));
        Ok(())
    }

    /// Tells whether the file is sealed and has only this account's secret. The file can then be removed without its
    /// key. Docker Hub's file may also contain tokens, which only the key shows.
    pub(super) fn needs_no_key_without(&self, name: &str) -> bool {
        let is_sealed = matches!(self.form, FileForm::Sealed(_)) && !self.registry.is_docker_hub();
        let bytes = self.read().ok().flatten().filter(|_| is_sealed);
        let envelope = bytes.and_then(|bytes| Envelope::read(&bytes, &self.shown()).ok());
        envelope.is_some_and(|envelope| envelope.registry() == self.registry && envelope.accounts == [name])
    }

    /// Removes an account's secret. A sealed file with no other secret is removed without its key, which may be lost.
    pub(super) fn remove(&self, name: &str, changes: &mut SecretChanges) -> Result<()> {
        if !self.needs_no_key_without(name) {
            return self.edit(changes, |contents| contents.remove(name));
        }
        let (path, before) = (self.path.clone(), self.read()?);
        write(&path, None)?;
        changes.add(move || write(&path, before.as_ref()));
        Ok(())
    }

    /// Returns the sealed file at `path`, without decrypting the file. The registry's name is read from the file's
    /// content, because not every file name can be decoded.
    pub(super) fn sealed_at(env: &'e Env, seals: SealContext<'e>, path: &Path) -> Result<Self> {
        let shown = env.shorten_home(path);
        let bytes = files::read_secret(path, LIMIT)?.ok_or_else(|| anyhow!("`{shown}` is gone"))?;
        let registry = Envelope::read(&bytes, &shown)?.registry();
        let file = Self::new(env, FileForm::Sealed(seals), &registry)?;
        if file.path != path {
            let cure = "put the right file back from a backup, or remove this file and log in again";
            bail!(Problem::new(
                format!("`{shown}` contains the secrets of {registry}, whose file has another name"),
                cure
            ));
        }
        Ok(file)
    }

    /// Tells whether the file is sealed with the current key.
    pub(super) fn is_current(&self) -> Result<bool> {
        match (&self.form, self.read()?) {
            (FileForm::Sealed(seals), Some(bytes)) => {
                Ok(Envelope::read(&bytes, &self.shown())?.key == seals.key.current()?.id())
            }
            _ => Ok(true),
        }
    }

    /// Seals the file with the current key, unless the file is already sealed with the current key.
    pub(super) fn reseal(&self, changes: &mut SecretChanges) -> Result<()> {
        if self.is_current()? { Ok(()) } else { self.edit(changes, |_| true) }
    }

    /// Returns the names of the accounts whose secrets are in the file.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        match (&self.form, self.read()?) {
            (_, None) => Ok(vec![]),
            (FileForm::Clear, bytes) => Ok(self.parse(bytes)?.names()),
            (FileForm::Sealed(_), Some(bytes)) => Ok(Envelope::read(&bytes, &self.shown())?.accounts),
        }
    }

    /// Checks that there is space to write the file again with a provider's response added to it. For a sealed file,
    /// first checks that the key is available.
    pub(super) fn check_free_space(&self) -> Result<()> {
        if let FileForm::Sealed(seals) = &self.form {
            seals.key.check()?;
        }
        let length = files::length(&self.path)?.unwrap_or_default().min(LIMIT);
        files::check_room(&self.path, length + 2 * MOST_TOKENS)
    }

    /// Checks that the account's secret can be removed from the file. A file without this secret needs no change. The
    /// last secret needs no space, because the file is removed with it.
    fn check_removal(&self, name: &AccountName) -> Result<()> {
        let names = self.names().unwrap_or_default();
        if !names.iter().any(|own| own == name.as_str()) {
            return Ok(());
        }
        let length = files::length(&self.path)?.filter(|_| names.len() > 1);
        files::check_room(&self.path, length.unwrap_or_default().min(LIMIT))
    }

    pub(super) fn fix_permissions(&self) -> Option<PermissionRepair> {
        files::restrict_permissions(&self.path).map(|mode| PermissionRepair { path: self.shown(), mode })
    }

    /// Moves a broken file aside and returns its new path. Returns `None` if the file does not exist or is not broken.
    /// A sealed file whose key is not available is broken only if the file cannot be parsed.
    pub(super) fn set_aside_if_broken(&self) -> Result<Option<PathBuf>> {
        if !self.is_broken()? {
            return Ok(None);
        }
        let aside = files::sibling(&self.path, ".damaged");
        files::rename(&self.path, &aside)?;
        Ok(Some(aside))
    }

    /// Tells whether the file is broken. Returns an error if a newer Ensign wrote the file.
    pub(super) fn is_broken(&self) -> Result<bool> {
        let Some(bytes) = self.read()? else { return Ok(false) };
        match &self.form {
            FileForm::Clear => {
                refuse_newer(&bytes, VERSION, &self.shown())?;
                Ok(serde_json::from_slice::<SecretsContents>(&bytes).is_err())
            }
            FileForm::Sealed(seals) => seals.is_broken(&self.registry, &bytes, &self.shown()),
        }
    }

    pub(super) fn renewal_lock(&self, login: &str) -> PathBuf {
        let hash = login.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3) // FNV-1a, as the text may be too long for a file name
        });
        files::sibling(&self.path, &format!(".{hash:016x}.lock"))
    }

    pub(super) fn load(&self) -> Result<SecretsContents> {
        self.parse(self.read()?)
    }

    fn parse(&self, bytes: Option<Zeroizing<Vec<u8>>>) -> Result<SecretsContents> {
        let Some(bytes) = bytes else { return Ok(SecretsContents::default()) };
        let text = self.text(bytes)?;
        refuse_newer(&text, VERSION, &self.shown())?;
        Ok(serde_json::from_slice(&text).map_err(|error| self.broken(&error))?)
    }

    /// Returns the text of the file, decrypted if the file is sealed.
    fn text(&self, bytes: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>> {
        match &self.form {
            FileForm::Clear => Ok(bytes),
            FileForm::Sealed(seals) => seals.open(&self.registry, &bytes, &self.shown()).or_else(|error| {
                // The key may have changed after the file was read. If the file has changed since then, the new content
                // is tried once.
                let again = self.read()?.filter(|again| *again != bytes).ok_or(error)?;
                seals.open(&self.registry, &again, &self.shown())
            }),
        }
    }

    fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let mut bytes = files::read_secret(&self.path, LIMIT)?.map(Zeroizing::new);
        if let Some(bytes) = &mut bytes {
            let mark = bytes.len() - without_mark(bytes).len();
            bytes.drain(..mark);
        }
        if bytes.is_none() {
            [self.env.data_dir.as_deref(), self.path.parent()]
                .into_iter()
                .flatten()
                .try_for_each(files::refuse_file_as_folder)?;
        }
        Ok(bytes)
    }

    /// Returns the problem for a broken file. The message contains only the line number, because the text of the file
    /// is secret.
    fn broken(&self, error: &serde_json::Error) -> Problem {
        let what =
            format!("the secrets of {} in `{}` are broken at line {}", self.registry, self.shown(), error.line());
        Problem::run(what, "restore")
    }
}

/// Writes the file, or removes it if there are no bytes.
fn write(path: &Path, bytes: Option<&Zeroizing<Vec<u8>>>) -> Result<()> {
    match bytes {
        Some(bytes) => files::replace(path, bytes, Access::Private),
        None => files::remove_unfinished(path).and_then(|()| files::remove(path)),
    }
}
