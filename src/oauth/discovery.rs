//! Finds an issuer's endpoints by `OpenID` Connect Discovery 1.0 or RFC 8414.

use serde::Deserialize;

use super::{endpoint, request_for_json};
use crate::system::http::{Authorization, HttpClient, HttpResponse, Method, Url};
use crate::system::text::one_line;

/// The endpoints for a device login.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub(super) struct Metadata {
    issuer: String,
    #[serde(rename = "device_authorization_endpoint")]
    pub(super) device: Option<String>,
    #[serde(rename = "token_endpoint")]
    pub(super) token: Option<String>,
    #[serde(rename = "revocation_endpoint")]
    pub(super) revoke: Option<String>,
    #[serde(rename = "userinfo_endpoint")]
    pub(super) userinfo: Option<String>,
}

/// Fetches the issuer's document with its endpoints. An error is a whole sentence that contains the issuer's address.
pub(super) fn find(client: &HttpClient, issuer: &str) -> Result<Metadata, String> {
    let shown = one_line(issuer, 100);
    let url = endpoint::parse(issuer)?;
    let mut why = "there is no discovery document".to_owned();
    for place in well_known(&url).ok_or_else(|| format!("`{shown}` is not an issuer"))? {
        let request = request_for_json(Method::Get, place, Authorization::None);
        let response = client.send(&request).map_err(|failure| format!("could not reach `{shown}`: {}", failure.0))?;
        match read(&response, issuer) {
            Ok(metadata) => return Ok(metadata),
            Err(Some(reason)) => why = reason,
            Err(None) => {}
        }
    }
    Err(format!("`{shown}` cannot be used: {why}"))
}

/// RFC 8414 inserts `/.well-known/…` between host and path. `OpenID` Connect appends `/.well-known/…` to the path.
fn well_known(issuer: &Url) -> Option<[Url; 2]> {
    let path = issuer.path().trim_end_matches('/');
    Some([
        issuer.at(&format!("{path}/.well-known/openid-configuration"))?,
        issuer.at(&format!("/.well-known/oauth-authorization-server{path}"))?,
    ])
}

/// Returns `Err(None)` if there is no document at this address.
#[expect(clippy::disallowed_methods, reason = "the document is public")]
fn read(response: &HttpResponse, issuer: &str) -> Result<Metadata, Option<String>> {
    if response.status != 200 {
        return Err(None);
    }
    let body = response.body.as_ref().ok_or_else(|| Some("the discovery document is too long".to_owned()))?;
    let metadata: Metadata =
        serde_json::from_str(body.expose()).map_err(|_| Some("the discovery document is not valid".to_owned()))?;
    // The document must contain the same issuer as the request (RFC 8414 section 3.3). Without the comparison, one
    // issuer could pose as another issuer.
    if metadata.issuer.trim_end_matches('/') != issuer.trim_end_matches('/') {
        return Err(Some(format!(
            "the discovery document names another issuer, `{}`",
            one_line(&metadata.issuer, 100)
        )));
    }
    if metadata.device.is_none() || metadata.token.is_none() {
        return Err(Some("the provider offers no device login".to_owned()));
    }
    Ok(metadata)
}

#[cfg(test)]
mod tests {
    use super::super::response::tests::response;
    use super::*;

    #[test]
    fn the_two_places_differ_for_an_issuer_with_a_path() {
        for (issuer, oidc, rfc8414) in [
            (
                "https://id.example",
                "https://id.example/.well-known/openid-configuration",
                "https://id.example/.well-known/oauth-authorization-server",
            ),
            (
                "https://id.example/realms/acme/",
                "https://id.example/realms/acme/.well-known/openid-configuration",
                "https://id.example/.well-known/oauth-authorization-server/realms/acme",
            ),
        ] {
            let places = [Url::parse(oidc).unwrap(), Url::parse(rfc8414).unwrap()];
            assert_eq!(well_known(&Url::parse(issuer).unwrap()), Some(places));
        }
    }

    #[test]
    fn a_document_is_the_issuers_own_and_has_what_is_needed() {
        let good = r#"{"issuer": "https://id.example", "device_authorization_endpoint": "https://id.example/d", "token_endpoint": "https://id.example/t"}"#;
        let metadata = read(&response(200, good), "https://id.example/").unwrap();
        assert_eq!((metadata.device.as_deref(), metadata.revoke), (Some("https://id.example/d"), None));
        for (status, body, why) in [
            (404, good, None),
            (302, good, None),
            (200, "<html>", Some("the discovery document is not valid")),
            (200, r#"{"issuer": 1}"#, Some("the discovery document is not valid")),
            (200, "{}", Some("the discovery document names another issuer, ``")),
            (
                200,
                r#"{"issuer": "https://evil.example"}"#,
                Some("the discovery document names another issuer, `https://evil.example`"),
            ),
            (200, r#"{"issuer": "https://id.example"}"#, Some("the provider offers no device login")),
        ] {
            assert_eq!(read(&response(status, body), "https://id.example"), Err(why.map(str::to_owned)), "{body}");
        }
    }
}
