//! Revokes a login at its provider (RFC 7009).

use std::time::Duration;

use super::response::ProviderResponse;
use super::{TokenExchange, client, endpoint};
use crate::model::{OAuthGrant, Secret, StoredSecret};
use crate::system::http::{Authorization, FormField, HttpClient, HttpRequest, Method, Url};

/// Values of `token_type_hint` (RFC 7009 section 2.1).
const ACCESS: &str = "access_token";
const REFRESH: &str = "refresh_token";

const PATIENCE: Duration = Duration::from_secs(15);

const LEFT: &str = "the access token that this login created stays valid";

/// Revokes the refresh token, and the secret itself if the provider issued the secret. The text of an error contains
/// the host or the provider's name. If the page for revoking by hand is known, the error also contains this page.
/// `Ok(Some)` contains a text about a token that stays valid although the login is revoked.
pub(crate) fn revoke(grant: &OAuthGrant, stored: &StoredSecret) -> Result<Option<String>, String> {
    let by_hand = |why: String| match &grant.page {
        Some(page) => format!("{why}; revoke it at {page}"),
        None => why,
    };
    let leaves_token = grant.exchange.as_deref().and_then(TokenExchange::parse).is_some_and(TokenExchange::is_lasting);
    let failed = |why: String| by_hand(if leaves_token { format!("{why}; {LEFT}") } else { why });
    let Some(url) = &grant.revoke_url else {
        return Err(failed(format!("{} has no revocation endpoint", grant.provider)));
    };
    let url = endpoint::parse(url).map_err(&failed)?;
    let client = client(PATIENCE);
    // Not every provider ends the access tokens together with the refresh token (RFC 7009 section 2.1), so both are
    // revoked.
    let refresh = stored.refresh.as_ref().map(|token| (REFRESH, token));
    let secret = grant.exchange.is_none().then_some((ACCESS, &stored.secret)); // if the provider issued the secret
    for (hint, token) in [refresh, secret].into_iter().flatten() {
        let is_extra = hint == ACCESS && stored.refresh.is_some();
        send(&client, &url, grant, hint, token, is_extra).map_err(&failed)?;
    }
    Ok(leaves_token.then(|| by_hand(LEFT.to_owned())))
}

fn send(
    client: &HttpClient,
    url: &Url,
    grant: &OAuthGrant,
    hint: &'static str,
    token: &Secret,
    is_extra: bool,
) -> Result<(), String> {
    let host = url.authority();
    let mut form = vec![("token", FormField::Secret(token)), ("token_type_hint", FormField::Plain(hint.to_owned()))];
    if !grant.client_id.is_empty() {
        form.push(("client_id", FormField::Plain(grant.client_id.clone())));
    }
    let request = HttpRequest { form, ..HttpRequest::new(Method::Post, url.clone(), Authorization::None) };
    let response = client.send(&request).map_err(|failure| format!("could not reach `{host}`: {}", failure.0))?;
    verdict(host, response.status, &ProviderResponse::read(&response), is_extra)
}

/// Reads the response to a revocation. Status 200 can also mean that the token is unknown (RFC 7009 section 2.2).
fn verdict(host: &str, status: u16, answer: &ProviderResponse, is_extra: bool) -> Result<(), String> {
    match (status, answer.text("error")) {
        (200..=299, None) => Ok(()),
        // The provider does not revoke access tokens (RFC 7009 section 2.2.1), but the refresh token is already
        // revoked.
        (_, Some("unsupported_token_type")) if is_extra => Ok(()),
        (503, _) => Err(format!("`{host}` cannot revoke the token now (status 503)")),
        (_, Some(code)) => Err(format!("`{host}` did not revoke the token: {}", answer.reason(code))),
        (status, None) => Err(format!("`{host}` did not revoke the token (status {status})")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::response::tests::response;
    use super::*;

    #[test]
    fn only_a_good_status_means_that_it_is_revoked() {
        for (status, body, is_extra, message) in [
            (200, "", false, None),
            (200, "{}", false, None),
            (204, "", false, None),
            (200, r#"{"error": "odd"}"#, false, Some("`p` did not revoke the token: `odd`")),
            (503, "", false, Some("`p` cannot revoke the token now (status 503)")),
            (302, "", false, Some("`p` did not revoke the token (status 302)")),
            (400, r#"{"error": "unsupported_token_type"}"#, true, None),
            (
                400,
                r#"{"error": "unsupported_token_type"}"#,
                false,
                Some("`p` did not revoke the token: `unsupported_token_type`"),
            ),
            (401, r#"{"error": "invalid_client"}"#, false, Some("`p` did not revoke the token: `invalid_client`")),
        ] {
            let result = verdict("p", status, &ProviderResponse::read(&response(status, body)), is_extra);
            assert_eq!(result.err().as_deref(), message, "{status} {body}");
        }
    }

    #[test]
    fn a_provider_that_cannot_is_named_with_the_page() {
        let grant = OAuthGrant {
            provider: "github".into(),
            page: Some("https://github.com/settings".into()),
            ..OAuthGrant::default()
        };
        let why = revoke(&grant, &Secret::new("s".into()).into()).unwrap_err();
        assert_eq!(why, "github has no revocation endpoint; revoke it at https://github.com/settings");
        let hub = OAuthGrant { exchange: Some("docker-hub-pat".into()), ..grant };
        let why = revoke(&hub, &Secret::new("s".into()).into()).unwrap_err();
        assert!(why.ends_with(
            "; the access token that this login created stays valid; revoke it at https://github.com/settings"
        ));
        let plain = OAuthGrant { revoke_url: Some("http://p.example/revoke".into()), ..OAuthGrant::default() };
        let why = revoke(&plain, &Secret::new("s".into()).into()).unwrap_err();
        assert_eq!(why, "`http://p.example/revoke` would carry the login unencrypted");
    }
}
