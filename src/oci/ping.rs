//! Asks a registry, without a login, whether it answers at all and which token server it has.

use super::challenge;
use super::token::TokenServer;
use super::{TransportSecurity, client, endpoints};
use crate::model::Registry;
use crate::system::http::{Authorization, HttpError, HttpRequest, HttpResponse, Method, Url};

/// Sends `GET /v2/` anonymously. Any response means that the registry is reachable. The error is a part of a sentence.
pub(crate) fn reach(registry: &Registry, security: TransportSecurity) -> Result<(), String> {
    let client = client(registry, security);
    let mut failure = format!("`{registry}` is not a valid host");
    for url in endpoints(registry, security) {
        match client.send(&HttpRequest::new(Method::Get, url, Authorization::None)) {
            Ok(_) => return Ok(()),
            Err(HttpError(why)) => failure = why,
        }
    }
    Err(failure)
}

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
    endpoints(registry, security).iter().find_map(|url| {
        let response = client.send(&HttpRequest::new(Method::Get, url.clone(), Authorization::None)).ok()?;
        read(&response, url, security)
    })
}

fn read(response: &HttpResponse, registry: &Url, security: TransportSecurity) -> Option<Realm> {
    let challenges = challenge::parse(&response.challenges);
    let bearer = challenges.iter().find(|challenge| challenge.is("Bearer")).filter(|_| response.status == 401)?;
    let TokenServer { url, service, .. } = TokenServer::from_challenge(bearer, registry, security).ok()?;
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
