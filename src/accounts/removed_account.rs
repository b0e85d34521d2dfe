//! `RemovedAccount`: revokes the tokens of an account that was removed.

use crate::model::{Account, Source, StoredSecret};
use crate::oauth;

/// An account after a logout. No store contains the account's tokens any more, so the tokens can be revoked only now.
pub(crate) struct RemovedAccount {
    pub(crate) account: Account,
    /// The tokens of a login at a provider.
    pub(super) stored: Option<StoredSecret>,
    /// Whether the store kept the secret, because the store did not answer.
    pub(crate) is_abandoned: bool,
}

/// The result of revoking the secret.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RevokeResult {
    /// The provider has ended the login.
    Revoked,
    /// The provider has ended the login, but another token from the login stays valid.
    Left(String),
    /// The provider did not end the login. The text contains the provider's host.
    Failed(String),
    /// The user made the secret by hand, and only the user can revoke it.
    ByHand,
    /// The secret is kept by another program.
    Elsewhere,
}

impl RemovedAccount {
    /// Ends the login at its provider (RFC 7009). Like `docker logout`, Ensign removes its own copies first (docker/cli
    /// `internal/oauth/manager/manager.go`). Therefore a provider that does not answer cannot prevent the logout.
    pub(crate) fn end(&self) -> RevokeResult {
        match (&self.account.source, &self.stored) {
            (Source::OAuth(grant), Some(stored)) => {
                let left = |left: Option<String>| left.map_or(RevokeResult::Revoked, RevokeResult::Left);
                oauth::revoke(grant, stored).map_or_else(RevokeResult::Failed, left)
            }
            (Source::OAuth(_), None) => RevokeResult::Failed("the login's tokens are no longer stored".to_owned()),
            (Source::External(_), _) => RevokeResult::Elsewhere,
            (Source::Static | Source::Unknown(_), _) => RevokeResult::ByHand,
        }
    }
}
