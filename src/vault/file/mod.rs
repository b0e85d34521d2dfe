//! The file store: one private file per registry, `secrets/<registry>.json` in the data folder.
//!
//! One file per registry keeps `get` at two small files however many registries there are, and damage in one place.

mod contents;
mod names;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, bail};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::store::{Store, Undo};
use crate::model::{Account, AccountName, HubToken, Kept, Problem, Registry, Secret, Username};
use crate::system::env::Env;
use crate::system::files::{self, Access};
pub(super) use contents::Contents;
use contents::VERSION;
pub(super) use names::{left_files, registries};

/// The store of secrets files.
pub(super) struct FileStore<'e>(pub(super) &'e Env);

impl Store for FileStore<'_> {
    fn get(&self, account: &Account) -> Result<Option<Kept>> {
        SecretFile::of(self.0, &account.registry)?.kept(&account.name)
    }

    fn try_room(&self, account: &Account) -> Result<()> {
        SecretFile::of(self.0, &account.registry)?.try_room()
    }

    fn put(&self, registry: &Registry, secrets: &[(&Account, &Kept)], undo: &mut Undo) -> Result<()> {
        edit(SecretFile::of(self.0, registry)?, undo, |contents| {
            secrets.iter().fold(false, |changed, (account, kept)| contents.put(&account.name, kept) || changed)
        })
    }

    fn remove(&self, account: &Account, undo: &mut Undo) -> Result<()> {
        edit(SecretFile::of(self.0, &account.registry)?, undo, |contents| contents.remove(account.name.as_str()))
    }
}

/// Changes a file so that the change can be taken back.
pub(super) fn edit(file: SecretFile, undo: &mut Undo, change: impl FnOnce(&mut Contents) -> bool) -> Result<()> {
    if let Some(before) = file.edit(change)? {
        undo.add(move || file.put_back(&before));
    }
    Ok(())
}

/// A registry's secrets file; it need not exist.
pub(super) struct SecretFile {
    path: PathBuf,
    shown: String,
    registry: Registry,
}

/// What a file was, so that it can be that again; `None`: there was none.
pub(super) struct PriorSecrets(Option<Zeroizing<Vec<u8>>>);

/// A secrets file that others could read, until now.
pub(crate) struct Widened {
    pub(crate) path: String,
    pub(crate) mode: u32,
}

const LIMIT: u64 = 64 << 20;
/// No answer of a provider is read beyond that.
const MOST_TOKENS: u64 = 64 << 10;

impl SecretFile {
    pub(super) fn of(env: &Env, registry: &Registry) -> Result<Self> {
        let Some(folder) = &env.data_dir else {
            bail!(Problem::new("there is no home folder to keep secrets in", "set HOME, or ENSIGN_DATA_DIR"));
        };
        let name = names::file_name(registry);
        if name.len() > 200 {
            bail!("the server address is longer than any registry's");
        }
        let path = folder.join("secrets").join(name);
        Ok(Self { shown: env.shorten_home(&path), path, registry: registry.clone() })
    }

    /// Reads one secret and builds no other.
    pub(super) fn kept(&self, name: &AccountName) -> Result<Option<Kept>> {
        let Some(bytes) = self.read()? else { return Ok(None) };
        contents::find(&bytes, name).map_err(|error| self.broken(&error).into())
    }

    pub(super) fn all(&self) -> Result<BTreeMap<String, Kept>> {
        Ok(self.load()?.into_secrets())
    }

    pub(super) fn token(&self, user: &Username, token: HubToken) -> Result<Option<Secret>> {
        Ok(self.load()?.take_token(user, token))
    }

    /// Changes the file; it is not written if nothing changed, and removed when it is empty. Returns what it was before
    /// if it is another now.
    pub(super) fn edit(&self, change: impl FnOnce(&mut Contents) -> bool) -> Result<Option<PriorSecrets>> {
        let before = PriorSecrets(self.read()?);
        let mut contents = self.parse(before.0.as_ref().map(|bytes| bytes.as_slice()))?;
        if !change(&mut contents) {
            return Ok(None);
        }
        contents.version = VERSION;
        let bytes = (!contents.is_empty()).then(|| serde_json::to_vec_pretty(&contents)).transpose()?;
        self.write(bytes.map(Zeroizing::new).as_ref())?;
        Ok(Some(before))
    }

    /// Makes the file what it was.
    pub(super) fn put_back(&self, before: &PriorSecrets) -> Result<()> {
        self.write(before.0.as_ref())
    }

    fn write(&self, bytes: Option<&Zeroizing<Vec<u8>>>) -> Result<()> {
        match bytes {
            Some(bytes) => files::replace(&self.path, bytes, Access::Private),
            None => files::remove_unfinished(&self.path).and_then(|()| files::remove(&self.path)),
        }
    }

    /// Whose secrets are in it.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        Ok(self.load()?.secrets.into_keys().collect())
    }

    /// Writes as much as the file would need with one more answer of a provider, and takes it away again.
    pub(super) fn try_room(&self) -> Result<()> {
        let length = files::length(&self.path)?.unwrap_or_default().min(LIMIT);
        files::try_room(&self.path, length + MOST_TOKENS)
    }

    pub(super) fn narrow(&self) -> Option<Widened> {
        files::narrow(&self.path).map(|mode| Widened { path: self.shown.clone(), mode })
    }

    pub(super) fn set_aside_if_broken(&self) -> Result<Option<PathBuf>> {
        let Some(bytes) = self.read()? else { return Ok(None) };
        self.refuse_newer(&bytes)?;
        if serde_json::from_slice::<Contents>(&bytes).is_ok() {
            return Ok(None);
        }
        let aside = files::sibling(&self.path, ".damaged");
        files::rename(&self.path, &aside)?;
        Ok(Some(aside))
    }

    pub(super) fn renewal_lock(&self, name: &AccountName) -> PathBuf {
        let hash = name.as_str().bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3) // FNV-1a: a name may be too long for a file's
        });
        files::sibling(&self.path, &format!(".{hash:016x}.lock"))
    }

    fn load(&self) -> Result<Contents> {
        self.parse(self.read()?.as_ref().map(|bytes| bytes.as_slice()))
    }

    fn parse(&self, bytes: Option<&[u8]>) -> Result<Contents> {
        let Some(bytes) = bytes else { return Ok(Contents::default()) };
        self.refuse_newer(bytes)?;
        Ok(serde_json::from_slice(bytes).map_err(|error| self.broken(&error))?)
    }

    /// Whatever else stands in a newer file, it is not ours to change or to call broken.
    fn refuse_newer(&self, bytes: &[u8]) -> Result<()> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u64,
        }
        if serde_json::from_slice(bytes).is_ok_and(|Versioned { version }| version > VERSION) {
            let what = format!("`{}` was written by a newer Ensign", self.shown);
            bail!(Problem::new(what, "install that version here too"));
        }
        Ok(())
    }

    fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>> {
        Ok(files::read_secret(&self.path, LIMIT)?.map(Zeroizing::new))
    }

    /// Names the line only: the text around it is secret.
    fn broken(&self, error: &serde_json::Error) -> Problem {
        let what = format!("the secrets of {} in `{}` are broken at line {}", self.registry, self.shown, error.line());
        Problem::run(what, "restore")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sandbox() -> (tempfile::TempDir, SecretFile) {
        let folder = tempfile::tempdir().unwrap();
        let mut env = Env::default();
        env.data_dir = Some(folder.path().to_owned());
        let file = SecretFile::of(&env, &Registry::docker_hub()).unwrap();
        (folder, file)
    }

    fn kept(text: String) -> Kept {
        Secret::new(text).into()
    }

    fn exposed_of(kept: Option<Kept>) -> Option<String> {
        exposed(kept.map(|kept| kept.secret))
    }

    #[expect(clippy::disallowed_methods, reason = "compared in a test")]
    fn exposed(secret: Option<Secret>) -> Option<String> {
        secret.map(|secret| secret.expose().to_owned())
    }

    #[test]
    fn secrets_and_tokens_are_kept_apart_and_the_last_one_takes_the_file_along() {
        let (_folder, file) = sandbox();
        let (name, user): (AccountName, Username) = ("me".parse().unwrap(), "alice".parse().unwrap());
        file.edit(|contents| contents.put(&name, &kept("s3cret \u{2028}\n".into()))).unwrap();
        file.edit(|contents| contents.put_token(&user, HubToken::Refresh, &Secret::new("rt".into()))).unwrap();
        assert_eq!(exposed_of(file.kept(&name).unwrap()).as_deref(), Some("s3cret \u{2028}\n"));
        assert_eq!(exposed_of(file.kept(&"rt".parse().unwrap()).unwrap()), None);
        file.edit(|contents| contents.put(&name, &kept("r3newd \u{2028}\n".into()))).unwrap();
        assert_eq!(exposed_of(file.kept(&name).unwrap()).as_deref(), Some("r3newd \u{2028}\n"), "as long as before");
        assert_eq!(exposed(file.token(&user, HubToken::Refresh).unwrap()).as_deref(), Some("rt"));
        assert_eq!(exposed(file.token(&user, HubToken::Access).unwrap()), None);
        file.edit(|contents| contents.remove(name.as_str())).unwrap();
        file.edit(|contents| contents.remove_token(&user, HubToken::Refresh)).unwrap();
        assert!(!file.path.exists());
    }

    #[test]
    fn a_broken_file_is_named_without_its_text_and_left_alone() {
        let (_folder, file) = sandbox();
        files::replace(&file.path, b"{\"version\": 1,\n\"secrets\": {\"me\": hunter2", Access::Private).unwrap();
        let error = file.kept(&"me".parse().unwrap()).unwrap_err().to_string();
        assert!(
            error.contains("broken at line 2") && error.ends_with("run `docker-credential-ensign restore`"),
            "{error}"
        );
        assert!(!error.contains("hunter2"));
        assert!(file.edit(|contents| contents.put(&"me".parse().unwrap(), &kept("x".into()))).is_err());
        assert!(
            file.set_aside_if_broken().unwrap().is_some_and(|place| place.ends_with("secrets/docker.io.json.damaged"))
        );
        assert!(file.set_aside_if_broken().unwrap().is_none());
    }
}
