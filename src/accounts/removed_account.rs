//! `RemovedAccount`: an account that is no longer ours, and what is left to end elsewhere.

use crate::model::{Account, Source, StoredSecret};
use crate::oauth;

/// An account after a logout. Its tokens are in no store any more: this is the last chance to end them.
pub(crate) struct RemovedAccount {
    pub(crate) account: Account,
    /// The tokens of a login at a provider.
    pub(super) kept: Option<StoredSecret>,
}

/// What became of the secret outside.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RevokeResult {
    /// The provider has ended the login.
    Revoked,
    /// The provider has ended the login, but something that was made with it stays valid.
    Left(String),
    /// The provider should have, but has not; the reason names its host.
    Failed(String),
    /// There is nobody who ends what a person made by hand.
    ByHand,
    /// It is another program's.
    Elsewhere,
}

impl RemovedAccount {
    /// Ends the login at its provider (RFC 7009). Done after our own copies are gone, as `docker logout` does it
    /// (docker/cli `internal/oauth/manager/manager.go`): a provider that does not answer must not keep an account alive here.
    pub(crate) fn end(&self) -> RevokeResult {
        match (&self.account.source, &self.kept) {
            (Source::OAuth(grant), Some(kept)) => {
                let left = |left: Option<String>| left.map_or(RevokeResult::Revoked, RevokeResult::Left);
                oauth::revoke(grant, kept).map_or_else(RevokeResult::Failed, left)
            }
            (Source::OAuth(grant), None) => {
                RevokeResult::Failed(format!("{} was not asked: its tokens are lost", grant.provider))
            }
            (Source::External(_), _) => RevokeResult::Elsewhere,
            (Source::Static | Source::Unknown(_), _) => RevokeResult::ByHand,
        }
    }
}
