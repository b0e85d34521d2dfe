//! Tells whether a registry answers requests without a login, and which faults on this machine prevent an answer.

use super::transport::certificate_names;
use super::{TransportSecurity, client, endpoint};
use crate::model::Registry;
use crate::system::http::{self, Authorization, HttpError, HttpRequest, Method};

pub(crate) use http::{BY_WAY_OF_PROXY, CertificateFault, proxy_faults};

/// Sends `GET /v2/` anonymously. Any response means that the registry is reachable. The error is a part of a sentence.
pub(crate) fn reach(registry: &Registry, security: TransportSecurity) -> Result<(), String> {
    let client = client(registry, security);
    let schemes: &[&str] = if security == TransportSecurity::PlainHttpAllowed || registry.is_loopback() {
        &["https", "http"]
    } else {
        &["https"]
    };
    let mut failure = format!("`{registry}` is not a valid host");
    for url in schemes.iter().filter_map(|scheme| endpoint(scheme, registry)) {
        match client.send(&HttpRequest::new(Method::Get, url, Authorization::None)) {
            Ok(_) => return Ok(()),
            Err(HttpError(why)) => failure = why,
        }
    }
    Err(failure)
}

/// Returns the faults of the certificates that are installed for the registry on this machine.
pub(crate) fn certificate_faults(registry: &Registry) -> Vec<CertificateFault> {
    http::certificate_faults(&certificate_names(registry))
}
