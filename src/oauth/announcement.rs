//! Reads a registry's announcement of its login from the document `/.well-known/registry-login`. The document describes
//! a provider with the same fields as an entry of `providers.json`. All addresses in the document must be in the
//! registry's own domain.

use std::time::Duration;

use serde_json::Value;

use super::provider::Provider;
use super::{client, endpoint, request_for_json};
use crate::model::Registry;
use crate::system::http::{Authorization, HttpResponse, Method, Url};
use crate::system::text::one_line;

const PLACE: &str = "/.well-known/registry-login";

/// The time limit is short, because a person waits for the response.
const PATIENCE: Duration = Duration::from_secs(3);

/// Returns the provider that a registry announces. Returns `Ok(None)` if there is no announcement. An error is a whole
/// sentence that says what is wrong with the announcement.
pub(crate) fn announced_provider(registry: &Registry) -> Result<Option<Provider>, String> {
    let Some(url) = endpoint::own(registry).ok().and_then(|own| own.at(PLACE)) else { return Ok(None) };
    match client(PATIENCE).send(&request_for_json(Method::Get, url, Authorization::None)) {
        Ok(response) => read(&response, registry),
        Err(_) => Ok(None),
    }
}

/// Returns the registry's own address, which becomes the issuer if no other issuer is known.
pub(crate) fn own_issuer(registry: &Registry) -> Option<String> {
    let own = endpoint::own(registry).ok()?;
    Some(own.to_string().trim_end_matches('/').to_owned())
}

#[expect(clippy::disallowed_methods, reason = "the document is public")]
fn read(response: &HttpResponse, registry: &Registry) -> Result<Option<Provider>, String> {
    let body = response.body.as_ref().filter(|_| response.status == 200);
    // A web site may answer every path with an HTML page, which is not an announcement.
    let Some(Ok(document @ Value::Object(_))) = body.map(|body| serde_json::from_str(body.expose())) else {
        return Ok(None);
    };
    let announced = |why: &str| format!("{registry} announces a login that cannot be used: {}", one_line(why, 200));
    let provider: Provider = serde_json::from_value(document).map_err(|error| announced(&error.to_string()))?;
    let near = |text: &String| Url::parse(text).is_some_and(|url| url.is_https() && endpoint::is_near(&url, registry));
    Ok(Some(Provider {
        name: registry.to_string(),
        is_announced: true,
        title: registry.to_string(), // the announced title could imitate another provider
        hosts: vec![],
        opt_in: false,
        exchange: None,
        exchange_url: None,
        page: provider.page.filter(near),
        token_page: provider.token_page.filter(near),
        token_rights: provider.token_rights.map(|rights| one_line(&rights, 200)),
        ..provider
    }))
}

#[cfg(test)]
mod tests {
    use super::super::response::tests::response;
    use super::*;

    fn announced_provider(status: u16, body: &str) -> Result<Option<Provider>, String> {
        read(&response(status, body), &Registry::from_key("reg.example.com"))
    }

    #[test]
    fn a_registry_speaks_for_itself_alone() {
        let provider = announced_provider(
            200,
            r#"{"title": "GitHub", "hosts": ["ghcr.io"], "client_id": "c", "issuer": "https://example.com", "exchange": "acr",
                "page": "https://evil.example/", "token_page": "https://example.com/tokens"}"#,
        );
        let provider = provider.unwrap().unwrap();
        assert!(provider.is_ready());
        let Provider { title, hosts, exchange, page, token_page, .. } = provider;
        assert_eq!((title.as_str(), hosts, exchange, page), ("reg.example.com", vec![], None, None));
        assert_eq!(token_page.as_deref(), Some("https://example.com/tokens"));
    }

    #[test]
    fn most_registries_announce_nothing() {
        for (status, body) in [(404, "{}"), (200, "<html>"), (200, "[]"), (302, "{}"), (401, "{}")] {
            assert_eq!(announced_provider(status, body), Ok(None), "{status} {body}");
        }
        let why = announced_provider(200, r#"{"client_id": 1}"#).unwrap_err();
        assert!(why.starts_with("reg.example.com announces a login that cannot be used: invalid type"), "{why}");
    }

    #[test]
    fn a_registry_may_be_its_own_issuer() {
        let issuer = |registry| own_issuer(&Registry::from_key(registry));
        assert_eq!(issuer("reg.example.com:5000").as_deref(), Some("https://reg.example.com:5000"));
        assert_eq!(issuer("localhost:5000").as_deref(), Some("http://localhost:5000"));
        assert_eq!(own_issuer(&Registry::opaque("two words")), None);
    }
}
