//! Forwards the calls for routed registries to another credential helper.

use super::ProtocolCall;
use super::message::ProtocolError;
use crate::accounts::FindOutcome;
use crate::model::choice::HelperRoute;
use crate::model::{Credential, Registry, ServerUrl};

impl ProtocolCall<'_> {
    /// Returns the helper that answers instead of Ensign. The result for a pinned helper is `None`, because a pinned
    /// helper answers only as its own account.
    pub(super) fn route(&self, registry: &Registry) -> Result<Option<HelperRoute>, ProtocolError> {
        if self.pinned.is_some() {
            return Ok(None);
        }
        Ok(self.accounts.route(registry)?)
    }

    /// Asks the other credential helper, if the registry is routed to a helper.
    pub(super) fn delegate(&self, found: FindOutcome, server_url: &ServerUrl) -> FindOutcome {
        match found {
            FindOutcome::Delegated(route) => self.accounts.ask_routed(&route, server_url.as_str()),
            found => found,
        }
    }

    /// Returns the credentials of the other credential helper. The client sees no messages of the other helper.
    pub(super) fn get_delegated(
        &self,
        route: &HelperRoute,
        server_url: &ServerUrl,
    ) -> Result<Credential, ProtocolError> {
        match self.accounts.ask_routed(route, server_url.as_str()) {
            FindOutcome::Credential(credential) => Ok(credential),
            FindOutcome::Expired(why) => Err(ProtocolError::NotFound(Some(why))),
            FindOutcome::NoAccount | FindOutcome::Delegated(_) | FindOutcome::Withheld(_) => {
                Err(ProtocolError::NotFound(None))
            }
        }
    }
}
