//! Asks the provider when a token expires, because registries do not report expiries.

use std::time::{Duration, SystemTime};

use super::provider::Provider;
use super::{client, endpoint};
use crate::model::{Credential, Registry};
use crate::system::http::{Authorization, HttpRequest, Method};

/// A login is complete without the expiry, so a person waits at most this long for the provider.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends the token to its provider, and returns the expiry from the response. Returns `None` if the provider reports no
/// expiry.
pub(crate) fn token_expiry(provider: &Provider, registry: &Registry, credential: &Credential) -> Option<SystemTime> {
    if credential.username.is_identity_token() {
        return None;
    }
    let Provider { expiry_url, issuer, tenant, .. } = provider;
    let url = endpoint::resolve(expiry_url.as_ref()?, registry, issuer.as_deref(), tenant.as_deref()).ok()?;
    let client = client(PATIENCE);
    let response = client.send(&HttpRequest::new(Method::Head, url, Authorization::Basic(credential))).ok()?;
    client.credentials_expiry().filter(|_| (200..300).contains(&response.status))
}
