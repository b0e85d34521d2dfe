//! The identity provider on the wire: a login by device code (RFC 8628), its renewal, and its end.

use std::time::{Duration, SystemTime};

use crate::model::{Grant, Registry, Secret, Username};

/// What a provider gave.
#[derive(Debug)]
pub(crate) struct Fresh {
    /// What the registry takes.
    pub(crate) secret: Secret,
    /// What brings the next one; `None`: the one before stays good.
    pub(crate) refresh: Option<Secret>,
    /// When the secret ends; `None`: not known to end.
    pub(crate) until: Option<SystemTime>,
    pub(crate) username: Option<Username>,
}

/// Why there is no new secret; a part of a sentence that names the host.
#[derive(Debug)]
pub(crate) enum Unrenewed {
    /// The provider has ended the login: only a person can begin another.
    Over(String),
    /// The provider could not be asked.
    Later(String),
}

/// Fetches the next secret, in `patience` at most.
pub(crate) fn renew(
    grant: &Grant,
    _registry: &Registry,
    _refresh: &Secret,
    _patience: Duration,
) -> Result<Fresh, Unrenewed> {
    Err(Unrenewed::Later(format!("`{}` cannot be asked by this Ensign", grant.token_url)))
}
