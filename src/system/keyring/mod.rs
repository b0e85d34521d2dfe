//! Uses the operating system's keyring, which is the Secret Service on Linux, Keychain on macOS and Credential Manager
//! on Windows.
//!
//! Each platform defines the same functions. `read` returns the secret of an entry, or `None` if the keyring is unlocked
//! and has no such entry. `write` adds the entry or replaces its secret; people see the label in the window of their
//! keyring's program. `docker_logins` returns the logins of Docker's own helpers (docker/docker-credential-helpers
//! `secretservice/`, `osxkeychain/`, `wincred/`), which need not be installed any more. Its `known` addresses are tried in
//! keyrings that return only a part of a login's address, or that cannot list logins. To remove a missing entry or login
//! is not an error.
//!
//! No function prompts a person. A locked keyring is the error [`KeyringError::Locked`]. Every call returns before the
//! caller's deadline.

#[cfg(windows)]
mod credential_manager;
#[cfg(target_vendor = "apple")]
mod keychain;
#[cfg(all(unix, not(target_vendor = "apple")))]
mod secret_service;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::model::Secret;
#[cfg(windows)]
use credential_manager as platform;
#[cfg(target_vendor = "apple")]
use keychain as platform;
#[cfg(all(unix, not(target_vendor = "apple")))]
use secret_service as platform;

pub(crate) use platform::{delete, delete_docker_login, docker_logins, read, write};

/// The name of an entry in the keyring, with the parts that Go's and Python's keyring libraries use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyringEntry<'n> {
    pub(crate) service: &'n str,
    pub(crate) account: &'n str,
}

/// The reason why the keyring could not be used. A missing entry is not an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyringError {
    /// A person has to unlock the keyring, or to allow the access.
    #[cfg_attr(windows, expect(dead_code, reason = "Windows unlocks its keyring with the session"))]
    Locked,
    /// This session has no keyring, for the given reason.
    Missing(String),
    /// The keyring did not answer before the deadline.
    TimedOut,
    /// The keyring answered with an error, or its answer could not be understood.
    Failed(String),
}

/// Waits for the keyring until the deadline. A call to the keyring cannot be cancelled, so its thread keeps running
/// after the deadline.
fn by_deadline<T: Send + 'static>(
    deadline: Duration,
    ask: impl FnOnce() -> Result<T, KeyringError> + Send + 'static,
) -> Result<T, KeyringError> {
    let (sender, receiver) = std::sync::mpsc::channel();
    super::threads::start(move || drop(sender.send(ask()))).map_err(|error| KeyringError::Failed(error.to_string()))?;
    receiver.recv_timeout(deadline).unwrap_or(Err(KeyringError::TimedOut))
}

/// Reads the keyring's bytes as text.
fn text(value: Vec<u8>) -> Result<Secret, KeyringError> {
    String::from_utf8(value).map(Secret::new).map_err(|error| {
        drop(Zeroizing::new(error.into_bytes()));
        KeyringError::Failed("the secret is not text".into())
    })
}

/// The logins of Docker's helpers in the keyring.
pub(crate) struct DockerLogins {
    pub(crate) logins: Vec<DockerLogin>,
    /// Whether some logins could not be read without a person's permission.
    pub(crate) is_partly_locked: bool,
}

pub(crate) struct DockerLogin {
    /// The server's address as Docker stored it.
    pub(crate) server: String,
    pub(crate) username: String,
    pub(crate) secret: Secret,
}

/// The label of every login that Docker's helpers store.
#[cfg(unix)]
const DOCKER_LABEL: &str = "Docker Credentials";

impl fmt::Display for KeyringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked if cfg!(target_vendor = "apple") => {
                f.write_str("the keychain is locked, or does not allow this program to read the entry")
            }
            Self::Locked => f.write_str("the keyring is locked"),
            Self::Missing(reason) => write!(f, "there is no keyring: {reason}"),
            Self::TimedOut => f.write_str("the keyring did not answer in time"),
            Self::Failed(reason) => write!(f, "the keyring failed: {reason}"),
        }
    }
}

impl std::error::Error for KeyringError {}
