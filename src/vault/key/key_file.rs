//! `KeyFile`: the file `key.json`, which says where the data key is. With a passphrase, the file contains the wrapped
//! key.

use std::time::Duration;

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::holder::Holder;
use crate::model::{Problem, Secret};
use crate::system::passphrase::{self, Effort};
use crate::system::seal::{self, SealKey, SealedText};
use crate::vault::refuse_newer;

#[derive(Debug, Deserialize, Serialize)]
pub(super) struct KeyFile {
    version: u64,
    pub(super) key: String,
    holder: String,
    /// The time in seconds for which the kernel's keyring keeps the opened key.
    cached_for: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    wrapped: Option<WrappedKey>,
    /// The previous key, which is kept as long as a file may still be sealed with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<PreviousKey>,
}

/// The previous key, sealed with the new key. Older files can thus be opened with the new key.
#[derive(Debug, Deserialize, Serialize)]
struct PreviousKey {
    key: String,
    salt: String,
    sealed: String,
}

/// The data key, sealed with a key that Argon2id derives from a passphrase.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct WrappedKey {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    passphrase_salt: String,
    salt: String,
    sealed: String,
}

const VERSION: u64 = 1;

impl KeyFile {
    pub(super) fn new(key: &str, holder: &Holder, time: Duration, wrapped: Option<WrappedKey>) -> Self {
        let (key, holder) = (key.to_owned(), holder.to_string());
        Self { version: VERSION, key, holder, cached_for: time.as_secs(), wrapped, previous: None }
    }

    /// Adds the previous key `before`, and seals this previous key with the new `key`.
    pub(super) fn with_previous(self, before: &SealKey, key: &SealKey) -> Result<Self> {
        let about = about_previous(&self.key, &before.id());
        let SealedText { salt, text } = key.seal(about.as_bytes(), before.bytes())?;
        let (salt, sealed) = (STANDARD.encode(salt), STANDARD.encode(text));
        Ok(Self { previous: Some(PreviousKey { key: before.id(), salt, sealed }), ..self })
    }

    pub(super) fn without_previous(self) -> Self {
        Self { previous: None, ..self }
    }

    /// Returns the id of the previous key.
    pub(super) fn previous(&self) -> Option<&str> {
        self.previous.as_ref().map(|previous| previous.key.as_str())
    }

    /// Decrypts the previous key with the current key.
    pub(super) fn open_previous(&self, key: &SealKey) -> Result<SealKey> {
        let broken = || Problem::new("the previous key in `key.json` is broken", "put the file back from a backup");
        let previous = self.previous.as_ref().ok_or_else(broken)?;
        let bytes = |text: &str| STANDARD.decode(text).map_err(|_| broken());
        let salt = bytes(&previous.salt)?.try_into().map_err(|_| broken())?;
        let about = about_previous(&self.key, &previous.key);
        let opened = key.open(about.as_bytes(), SealedText { salt, text: bytes(&previous.sealed)? });
        let before = opened.and_then(|bytes| SealKey::from_bytes(&bytes)).filter(|before| before.id() == previous.key);
        before.ok_or_else(|| broken().into())
    }

    pub(super) fn read(bytes: &[u8], shown: &str) -> Result<Self> {
        refuse_newer(bytes, VERSION, shown)?;
        serde_json::from_slice(bytes).map_err(|error| {
            let message = format!("`{shown}`, which describes the key of the sealed secrets, is broken: {error}");
            let hint = "put the file back from a backup; or remove it, then name the holder that has this key: run `docker-credential-ensign store key --holder HOLDER`";
            Problem::new(message, hint).into()
        })
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    pub(super) fn holder(&self) -> Result<Holder> {
        self.holder.parse().map_err(|()| {
            let message = format!("the key is held by `{}`, which this version of Ensign does not know", self.holder);
            Problem::new(message, "install a newer version of Ensign").into()
        })
    }

    pub(super) fn cached_for(&self) -> Duration {
        Duration::from_secs(self.cached_for)
    }

    /// Decrypts the data key with the passphrase.
    pub(super) fn unwrap(&self, passphrase: &Secret) -> Result<SealKey> {
        let broken = || Problem::new("the wrapped key in `key.json` is broken", "put the file back from a backup");
        let wrapped = self.wrapped.as_ref().ok_or_else(broken)?;
        let bytes = |text: &str| STANDARD.decode(text).map_err(|_| broken());
        let effort = Effort { memory_kib: wrapped.memory_kib, passes: wrapped.passes, lanes: wrapped.lanes };
        let by_passphrase = passphrase::key(passphrase, &bytes(&wrapped.passphrase_salt)?, effort)?;
        let salt = bytes(&wrapped.salt)?.try_into().map_err(|_| broken())?;
        let opened =
            by_passphrase.open(about(&self.key, effort).as_bytes(), SealedText { salt, text: bytes(&wrapped.sealed)? });
        let key = opened.and_then(|bytes| SealKey::from_bytes(&bytes)).filter(|key| key.id() == self.key);
        key.ok_or_else(|| Problem::new("wrong passphrase", "try again").into())
    }
}

impl WrappedKey {
    pub(super) fn wrap(key: &SealKey, passphrase: &Secret) -> Result<Self> {
        let (mut passphrase_salt, effort) = ([0; 16], Effort::USUAL);
        seal::fill_random(&mut passphrase_salt)?;
        let by_passphrase = passphrase::key(passphrase, &passphrase_salt, effort)?;
        let SealedText { salt, text } = by_passphrase.seal(about(&key.id(), effort).as_bytes(), key.bytes())?;
        Ok(Self {
            memory_kib: effort.memory_kib,
            passes: effort.passes,
            lanes: effort.lanes,
            passphrase_salt: STANDARD.encode(passphrase_salt),
            salt: STANDARD.encode(salt),
            sealed: STANDARD.encode(text),
        })
    }
}

fn about_previous(key: &str, before: &str) -> String {
    format!("ensign previous key v{VERSION}\n{key}\n{before}\n")
}

/// Returns the fields that are authenticated together with the wrapped key.
fn about(key: &str, Effort { memory_kib, passes, lanes }: Effort) -> String {
    format!("ensign key v{VERSION}\n{key}\nargon2id {memory_kib} {passes} {lanes}\n")
}
