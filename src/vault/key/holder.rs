//! `Holder`: what holds the data key. Ensign never prompts a person when it asks a holder for the key.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::key_file::WrappedKey;
use super::keyring;
use crate::model::{Problem, Secret};
use crate::system::env;
use crate::system::files::{self, Access};
use crate::system::json::without_mark;
use crate::system::seal::SealKey;
use crate::system::systemd_creds;

/// The holder of the data key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// The operating system's keyring.
    Keyring,
    /// A person's passphrase, which opens the wrapped key in `key.json`.
    Passphrase,
    /// The init system systemd, which passes the key to a service as the credential `ensign.key`.
    Systemd,
    /// A file that `systemd-creds` has encrypted. Only the same machine can decrypt the file, with the machine's TPM if
    /// there is one.
    SystemdFile(PathBuf),
    /// A file with the key itself, such as a file that is mounted into a container.
    File(PathBuf),
}

/// The size limit of a key file, in bytes. A file with two keys in hexadecimal digits has 130 bytes. A larger file is
/// read too, so that the error says that it contains no key.
const LIMIT: u64 = 4 << 10;

impl Holder {
    /// The holders as a person types them.
    pub(crate) const WORDS: &str = "`keyring`, `passphrase`, `systemd`, or `systemd:` or `file:` with an absolute path";

    /// The command that makes the first key. A passphrase needs the kernel's keyring, which only Linux has.
    pub(crate) const FIRST_KEY: &str =
        if cfg!(target_os = "linux") { "store key --holder passphrase" } else { "store key --holder keyring" };

    /// The command that makes a key if the system's keyring does not answer.
    pub(crate) const KEY_WITHOUT_KEYRING: &str =
        if cfg!(target_os = "linux") { "store key --holder passphrase" } else { "store key --holder file:PATH" };

    /// Gets the key with this id from the holder.
    pub(super) fn ask(&self, id: &str) -> Result<SealKey> {
        match self {
            Self::Keyring => keyring::read(id),
            Self::Passphrase => bail!(Problem::run("the sealed secrets are locked", "unlock")),
            Self::Systemd => pick(self.stored(&put_back(id))?, id).ok_or_else(|| no_credential().into()),
            Self::SystemdFile(path) | Self::File(path) => {
                pick(self.stored(&put_back(id))?, id).ok_or_else(|| not_there(path).into())
            }
        }
    }

    /// Looks for the key with this id, although no `key.json` says that the holder has the key.
    pub(super) fn find(&self, id: &str) -> Result<Option<SealKey>> {
        match self {
            Self::Keyring => keyring::find(id),
            Self::Passphrase => Ok(None), // only `key.json` contains a wrapped key
            Self::Systemd | Self::SystemdFile(_) | Self::File(_) => {
                Ok(self.stored(&put_back(id))?.into_iter().find(|key| key.id() == id))
            }
        }
    }

    /// Returns the key that the holder already has, if there is one.
    pub(super) fn known_key(&self) -> Result<Option<SealKey>> {
        match (self, self.stored("make one with `head -c 32 /dev/urandom | base64`")?.into_iter().next()) {
            (Self::Systemd, None) => Err(no_credential().into()),
            (_, key) => Ok(key),
        }
    }

    /// Reads the keys in the holder's file. Returns an empty list if there is no such file. `hint` is for a file that
    /// contains no key: a new file may get a new key, but only the old key opens sealed secrets.
    fn stored(&self, hint: &str) -> Result<Vec<SealKey>> {
        match self {
            Self::Keyring | Self::Passphrase => Ok(vec![]),
            Self::Systemd => {
                let folder = env::path("CREDENTIALS_DIRECTORY").filter(|folder| folder.is_absolute());
                folder.map_or(Ok(vec![]), |folder| read_file(&folder.join(CREDENTIAL), hint))
            }
            Self::SystemdFile(path) => {
                let Some(sealed) = files::read_any(path, SEALED_LIMIT)? else { return Ok(vec![]) };
                keys_in(&systemd_creds::decrypt(CREDENTIAL, &sealed, PATIENCE)?, path, hint)
            }
            Self::File(path) => read_file(path, hint),
        }
    }

    /// Writes the holder's file with these keys.
    fn write(&self, keys: &[&SealKey]) -> Result<()> {
        let text = text_of(keys);
        match self {
            Self::Keyring | Self::Passphrase => bail!("this holder has no file"),
            Self::Systemd => Err(no_credential().into()), // an administrator makes the credential
            Self::SystemdFile(path) => {
                let sealed = systemd_creds::encrypt(CREDENTIAL, text.as_bytes(), PATIENCE)?;
                files::replace(path, &sealed, Access::Private)
            }
            Self::File(path) => files::replace(path, text.as_bytes(), Access::Private),
        }
    }

    /// Stores the key with the holder. For a passphrase, returns the wrapped key for `key.json`.
    pub(super) fn give(&self, key: &SealKey, passphrase: Option<&Secret>) -> Result<Option<WrappedKey>> {
        match (self, passphrase) {
            (Self::Keyring, _) => keyring::write(key).map(|()| None),
            (Self::Passphrase, Some(passphrase)) => WrappedKey::wrap(key, passphrase).map(Some),
            (Self::Passphrase, None) => bail!("a passphrase is needed"),
            (Self::Systemd | Self::SystemdFile(_) | Self::File(_), _) => {
                let stored = self.stored("name another file")?;
                if stored.is_empty() {
                    self.write(&[key])?;
                } else if stored.iter().all(|stored_key| stored_key.id() != key.id()) {
                    bail!(self.has_another_key());
                }
                Ok(None)
            }
        }
    }

    fn has_another_key(&self) -> Problem {
        match self {
            Self::SystemdFile(path) | Self::File(path) => {
                let message = format!("`{}` already contains another key", path.display());
                Problem::new(message, "name another file")
            }
            Self::Keyring | Self::Passphrase | Self::Systemd => Problem::new(
                format!("the credential `{CREDENTIAL}` is not the key of the sealed secrets"),
                "first move the secrets elsewhere: `ensign store move --to file`",
            ),
        }
    }

    /// Stores a new key in addition to the present key. For a passphrase, returns the wrapped key for `key.json`.
    pub(super) fn add(
        &self,
        key: &SealKey,
        before: &SealKey,
        passphrase: Option<&Secret>,
    ) -> Result<Option<WrappedKey>> {
        match self {
            Self::Keyring | Self::Passphrase => self.give(key, passphrase),
            Self::Systemd => bail!(Problem::new(
                format!("the key is the systemd credential `{CREDENTIAL}`, which Ensign cannot change"),
                "first move the key to a file: `ensign store key --holder file:PATH`; docs/sealed.md shows the next steps"
            )),
            Self::SystemdFile(_) | Self::File(_) => self.write(&[before, key]).map(|()| None),
        }
    }

    /// Removes the previous key, so that only `key` remains. `before` is the id of the previous key.
    pub(super) fn keep_only(&self, key: &SealKey, before: &str) -> Result<()> {
        match self {
            Self::Keyring => keyring::remove(before),
            Self::Passphrase | Self::Systemd => {}
            Self::SystemdFile(_) | Self::File(_) => self.write(&[key])?,
        }
        Ok(())
    }

    /// Removes the key with this id from the keyring, and ignores a failure. Never removes a key file, because the
    /// file belongs to the user.
    pub(super) fn remove(&self, id: &str) {
        if *self == Self::Keyring {
            keyring::remove(id);
        }
    }

    /// Tells whether the kernel's keyring may cache the opened key. A plain file or a systemd credential is as fast as
    /// the cache, so a key from there is not cached. In addition, a user may unmount the file to withdraw the key. With
    /// a cached key, this would have no effect.
    pub(crate) fn is_cached(&self) -> bool {
        match self {
            Self::Keyring | Self::Passphrase | Self::SystemdFile(_) => true,
            Self::Systemd | Self::File(_) => false,
        }
    }

    /// Returns the holder as the subject of a message.
    pub(crate) fn subject(&self) -> String {
        match self {
            Self::Keyring => "the system's keyring".to_owned(),
            Self::Passphrase => "the passphrase".to_owned(),
            Self::Systemd => "systemd".to_owned(),
            Self::SystemdFile(path) | Self::File(path) => format!("`{}`", path.display()),
        }
    }

    /// Returns the key's place as words for a message, such as "in the system's keyring".
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Keyring => "in the system's keyring".to_owned(),
            Self::Passphrase => "behind a passphrase".to_owned(),
            Self::Systemd => format!("in the systemd credential `{CREDENTIAL}`"),
            Self::SystemdFile(path) => format!("in `{}`, which systemd opens on this machine only", path.display()),
            Self::File(path) => format!("in `{}`", path.display()),
        }
    }
}

/// The name of the key's credential (systemd.exec(5), `LoadCredentialEncrypted=`).
const CREDENTIAL: &str = "ensign.key";

/// Returns the key with this id, or another key if no key has this id. The caller compares the ids and reports a wrong
/// key.
fn pick(mut keys: Vec<SealKey>, id: &str) -> Option<SealKey> {
    let place = keys.iter().position(|key| key.id() == id).unwrap_or_default();
    (place < keys.len()).then(|| keys.swap_remove(place))
}

/// Returns the hint for a holder that has lost the key with this id.
pub(super) fn put_back(id: &str) -> String {
    format!("put the key `{id}` back there")
}

fn no_credential() -> Problem {
    Problem::new(
        format!("this process has no systemd credential `{CREDENTIAL}`, which is the key of the sealed secrets"),
        format!("run the program in a service with `LoadCredentialEncrypted={CREDENTIAL}`; docs/sealed.md shows one"),
    )
}

fn not_there(path: &Path) -> Problem {
    let message = format!("`{}`, which holds the key of the sealed secrets, is missing", path.display());
    Problem::new(message, "mount the file, or put it back")
}

/// The time limit for `systemd-creds`. A TPM is slow, but a client is waiting for Ensign's answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The largest sealed credential that is read, in bytes. A usual sealed credential has a few KiB.
const SEALED_LIMIT: u64 = 64 << 10;

/// Reads a key file. The file may be a link or may be owned by root, as is usual for mounted files. Returns an empty
/// list if the file does not exist.
fn read_file(path: &Path, hint: &str) -> Result<Vec<SealKey>> {
    if path.is_dir() {
        bail!(Problem::new(
            format!("`{}` is a folder, and not a file with a key", path.display()),
            "name another file"
        ));
    }
    let bytes = files::read_any(path, LIMIT)?.map(Zeroizing::new);
    bytes.map_or(Ok(vec![]), |bytes| keys_in(&bytes, path, hint))
}

/// Returns the text of a key file. Each key is one line in Base64.
fn text_of(keys: &[&SealKey]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(64 * keys.len()));
    for key in keys {
        text.push_str(&Zeroizing::new(STANDARD.encode(key.bytes())));
        text.push('\n');
    }
    text
}

/// Parses the content of a key file, which is 32 raw bytes, or one line per key in Base64 or hexadecimal digits. During
/// a change of the key, the file contains two keys.
fn keys_in(bytes: &[u8], path: &Path, hint: &str) -> Result<Vec<SealKey>> {
    let of_line = |line: &str| {
        let decoded = [STANDARD.decode(line).ok(), from_digits(line)].into_iter().flatten();
        decoded.map(Zeroizing::new).find_map(|bytes| SealKey::from_bytes(&bytes)) // digits are valid Base64 too
    };
    let of_text = || -> Option<Vec<SealKey>> {
        let text = std::str::from_utf8(without_mark(bytes)).ok()?.trim();
        text.lines().map(|line| of_line(line.trim())).collect()
    };
    let keys = SealKey::from_bytes(bytes).map(|key| vec![key]).or_else(of_text).filter(|keys| !keys.is_empty());
    let wrong = || {
        let message =
            format!("`{}` contains no key: a key is 32 bytes, raw, in Base64 or in hexadecimal digits", path.display());
        Problem::new(message, hint)
    };
    keys.ok_or_else(|| wrong().into())
}

fn from_digits(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

impl FromStr for Holder {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.split_once(':') {
            None if text == "keyring" => Ok(Self::Keyring),
            None if text == "passphrase" => Ok(Self::Passphrase),
            None if text == "systemd" => Ok(Self::Systemd),
            Some(("systemd", path)) if Path::new(path).is_absolute() => Ok(Self::SystemdFile(path.into())),
            Some(("file", path)) if Path::new(path).is_absolute() => Ok(Self::File(path.into())),
            _ => Err(()),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyring => f.write_str("keyring"),
            Self::Passphrase => f.write_str("passphrase"),
            Self::Systemd => f.write_str("systemd"),
            Self::SystemdFile(path) => write!(f, "systemd:{}", path.display()),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}
