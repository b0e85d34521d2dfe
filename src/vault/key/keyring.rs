//! Stores the data key in the operating system's keyring, as one entry with a readable label.

use std::time::{Duration, Instant};

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::Holder;
use crate::model::{Problem, Secret};
use crate::system::keyring::{self, KeyringEntry, KeyringError};
use crate::system::seal::{self, SealKey};

const SERVICE: &str = "ensign";
const LABEL: &str = "Ensign: the key of sealed registry secrets";

/// The time limit for the keyring. A client is waiting for Ensign's answer, and a working keyring answers in
/// milliseconds.
const DEADLINE: Duration = Duration::from_secs(3);

pub(super) fn read(id: &str) -> Result<SealKey> {
    find(id)?.ok_or_else(|| {
        let message = format!("the system's keyring has no entry `{id}` of `{SERVICE}`, the key of the sealed secrets");
        Problem::new(
            message,
            "put the keyring back, or make a new key: run `docker-credential-ensign store key --holder keyring`",
        )
        .into()
    })
}

/// Returns the key, or `None` if the keyring does not have it.
#[expect(clippy::disallowed_methods, reason = "decodes the key from the keyring's text")]
pub(super) fn find(id: &str) -> Result<Option<SealKey>> {
    let found = keyring::read(entry(id), DEADLINE).map_err(|why| out_of_reach(&why))?;
    let bytes = found.and_then(|text| STANDARD.decode(text.expose()).ok()).map(Zeroizing::new);
    Ok(bytes.and_then(|bytes| SealKey::from_bytes(&bytes)))
}

pub(super) fn write(key: &SealKey) -> Result<()> {
    let text = Secret::new(STANDARD.encode(key.bytes()));
    Ok(keyring::write(entry(&key.id()), LABEL, &text, DEADLINE).map_err(|why| out_of_reach(&why))?)
}

/// Removes a key from the keyring, and ignores a failure because the key is no longer needed.
pub(super) fn remove(id: &str) {
    let _ = keyring::delete(entry(id), DEADLINE);
}

/// Tests the keyring: writes, reads and removes an entry within the time limit.
#[expect(clippy::disallowed_methods, reason = "compares a random text")]
pub(crate) fn probe(patience: Duration) -> Result<(), KeyringError> {
    let ends = Instant::now() + patience;
    let left = || ends.saturating_duration_since(Instant::now());
    let mut random = [0; 16];
    seal::fill_random(&mut random).map_err(|error| KeyringError::Failed(error.to_string()))?;
    let text = STANDARD.encode(random);
    let name = format!("probe {}", &text[..8]);
    keyring::write(entry(&name), "Ensign: a probe", &Secret::new(text.clone()), left())?;
    let found = keyring::read(entry(&name), left());
    let removed = keyring::delete(entry(&name), left());
    match found? {
        Some(found) if found.expose() == text => removed,
        _ => Err(KeyringError::Failed("the keyring did not return the stored text".into())),
    }
}

fn entry(account: &str) -> KeyringEntry<'_> {
    KeyringEntry { service: SERVICE, account }
}

fn out_of_reach(why: &KeyringError) -> Problem {
    let hint = match why {
        KeyringError::Locked if cfg!(target_vendor = "apple") => {
            "unlock the keychain; after an update of Ensign, docs/sealed.md shows how to move the key".to_owned()
        }
        KeyringError::Locked => {
            "unlock the keyring, for example by logging in to the desktop, and try again".to_owned()
        }
        KeyringError::Missing(_) => {
            format!("choose another holder, in a session with a keyring: `ensign {}`", Holder::KEY_WITHOUT_KEYRING)
        }
        KeyringError::TimedOut | KeyringError::Failed(_) => "check the keyring, and try again".to_owned(),
    };
    Problem::new(format!("the key of the sealed secrets is out of reach: {why}"), hint)
}
