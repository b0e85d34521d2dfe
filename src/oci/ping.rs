//! Finds a registry's token server without a login.

use super::challenge;
use super::token::TokenServer;
use super::{TransportSecurity, client, endpoint};
use crate::model::Registry;
use crate::system::http::{Authorization, HttpRequest, HttpResponse, Method, Url};

/// A registry's token server, as the registry's challenge describes it. Credentials may be sent to `url`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Realm {
    pub(crate) url: String,
    pub(crate) service: Option<String>,
}

/// Sends `GET /v2/` without a login, and reads the challenge. Returns `None` if there is no token server, or if
/// credentials may not be sent there.
pub(crate) fn realm_of(registry: &Registry, security: TransportSecurity) -> Option<Realm> {
    let client = client(registry, security);
    let schemes: &[&str] = if security == TransportSecurity::PlainHttpAllowed || registry.is_loopback() {
        &["https", "http"]
    } else {
        &["https"]
    };
    schemes.iter().find_map(|scheme| {
        let url = endpoint(scheme, registry)?;
        let response = client.send(&HttpRequest::new(Method::Get, url.clone(), Authorization::None)).ok()?;
        read(&response, &url, security)
    })
}

fn read(response: &HttpResponse, registry: &Url, security: TransportSecurity) -> Option<Realm> {
    let challenges = challenge::parse(&response.challenges);
    let bearer = challenges.iter().find(|challenge| challenge.is("Bearer")).filter(|_| response.status == 401)?;
    let (url, service) = TokenServer::from_challenge(bearer, registry, security).ok()?.into_parts();
    Some(Realm { url: url.to_string(), service })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_realm_that_may_be_asked_is_told() {
        let gitlab = r#"Bearer realm="https://gitlab.example.com/jwt/auth",service="container_registry""#;
        for (status, challenge, url) in [
            (401, gitlab, Some("https://gitlab.example.com/jwt/auth")),
            (401, r#"Bearer realm="/token""#, Some("https://r.example/token")),
            (200, gitlab, None),
            (401, r#"Basic realm="https://gitlab.example.com/jwt/auth""#, None),
            (401, r#"Bearer realm="http://gitlab.example.com/jwt/auth""#, None),
            (401, r#"Bearer realm="https://10.0.0.1/jwt/auth""#, None),
            (401, "Bearer", None),
        ] {
            let challenges = vec![challenge.to_owned()];
            let response = HttpResponse { status, challenges, ..HttpResponse::default() };
            let realm = read(&response, &Url::parse("https://r.example/v2/").unwrap(), TransportSecurity::Https);
            assert_eq!(realm.map(|realm| realm.url).as_deref(), url, "{challenge}");
        }
    }
}
