//! `Envelope`: the format of a sealed file with secrets. The page docs/sealed.md describes the format of sealed files.
//! The folder tests/fixtures/sealed/ has examples.

use std::fmt::Write;

use anyhow::{Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::model::{Problem, Registry};
use crate::system::seal::{SealKey, SealedText};
use crate::system::text::one_line;
use crate::vault::refuse_newer;

/// All fields except `sealed` are readable without the key. All fields are authenticated, so Ensign notices a change of
/// any field.
#[derive(Debug, Deserialize, Serialize)]
pub(in crate::vault) struct Envelope {
    version: u64,
    registry: String,
    /// The id of the key that the file is sealed with.
    pub(in crate::vault) key: String,
    /// A number that grows each time the file is written.
    pub(super) generation: u64,
    /// The names of the accounts whose secrets are in the file.
    pub(in crate::vault) accounts: Vec<String>,
    salt: String,
    sealed: String,
}

/// The version of the format that this program writes.
pub(super) const VERSION: u64 = 1;

/// The text is padded to a multiple of this length in bytes. Because of the padding, the file's size does not reveal a
/// password's length.
const BLOCK: usize = 256;

impl Envelope {
    /// Parses a sealed file. Messages contain `shown` as the file's name.
    pub(in crate::vault) fn read(bytes: &[u8], shown: &str) -> Result<Self> {
        match serde_json::from_slice::<Self>(bytes) {
            Ok(envelope) if envelope.version == VERSION => Ok(envelope),
            read => {
                refuse_newer(bytes, VERSION, shown)?;
                let place = read.err().map(|error| format!(" at line {}", error.line())).unwrap_or_default();
                bail!(Problem::run(format!("the sealed secrets in `{shown}` are broken{place}"), "restore"))
            }
        }
    }

    pub(in crate::vault) fn registry(&self) -> Registry {
        Registry::from_key(&self.registry)
    }

    /// Tells whether the file contains this registry's secrets.
    pub(super) fn is_of(&self, registry: &Registry) -> bool {
        self.registry == registry.as_str()
    }

    /// Seals `text`, the JSON with the accounts' secrets.
    pub(super) fn seal(
        registry: &Registry,
        accounts: Vec<String>,
        generation: u64,
        key: &SealKey,
        text: &[u8],
    ) -> Result<Self> {
        let (salt, sealed) = (String::new(), String::new());
        let mut envelope = Self {
            version: VERSION,
            registry: registry.to_string(),
            key: key.id(),
            generation,
            accounts,
            salt,
            sealed,
        };
        let mut filled = Zeroizing::new(Vec::with_capacity(text.len().next_multiple_of(BLOCK)));
        filled.extend_from_slice(text);
        filled.resize(text.len().next_multiple_of(BLOCK), b' ');
        let SealedText { salt, text } = key.seal(envelope.about().as_bytes(), &filled)?;
        envelope.salt = STANDARD.encode(salt);
        envelope.sealed = STANDARD.encode(text);
        Ok(envelope)
    }

    /// Decrypts the text of the file.
    pub(super) fn open(self, registry: &Registry, key: &SealKey, shown: &str) -> Result<Zeroizing<Vec<u8>>> {
        if !self.is_of(registry) {
            let message =
                format!("`{shown}` contains the secrets of {}, not those of {registry}", one_line(&self.registry, 100));
            bail!(Problem::new(message, "put the right file back from a backup, or remove this file and log in again"));
        }
        let salt = STANDARD.decode(&self.salt).ok().and_then(|salt| salt.try_into().ok());
        let sealed = salt.zip(STANDARD.decode(&self.sealed).ok()).map(|(salt, text)| SealedText { salt, text });
        let opened = sealed.and_then(|sealed| key.open(self.about().as_bytes(), sealed));
        opened.ok_or_else(|| {
            Problem::run(
                format!("`{shown}` was changed or damaged after Ensign wrote it, so it cannot be opened"),
                "restore",
            )
            .into()
        })
    }

    /// Returns the fields that are authenticated together with the sealed text.
    fn about(&self) -> String {
        let Self { version, registry, key, generation, accounts, .. } = self;
        let mut about = format!("ensign sealed v{version}\n{registry}\n{key}\n{generation}\n");
        for account in accounts {
            let _ = writeln!(about, "{account}"); // names have no line breaks
        }
        about
    }
}
