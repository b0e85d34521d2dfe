//! Renews a token that is about to expire (RFC 6749 section 6).

use std::time::{Duration, SystemTime};

use super::response::ProviderResponse;
use super::{RenewDelay, RenewError, SESSION_OVER, TokenExchange, TokenSet, client, endpoint, request_for_json};
use crate::model::{OAuthGrant, Registry, Secret, jwt};
use crate::system::http::{Authorization, FormField, HttpRequest, Method};

/// Fetches the next secret within `patience`. Sends only one request to the provider, because a second use of a
/// single-use refresh token would look like theft (RFC 9700 section 4.14).
pub(crate) fn renew(
    grant: &OAuthGrant,
    registry: &Registry,
    refresh: &Secret,
    patience: Duration,
) -> Result<TokenSet, RenewError> {
    let url = endpoint::parse(&grant.token_url).map_err(later)?;
    let exchange = grant.exchange.as_deref().map(parse_exchange).transpose()?;
    let (host, own) = (url.authority().to_owned(), url.clone());
    let client = client(patience);
    let mut form = vec![
        ("grant_type", FormField::Plain("refresh_token".to_owned())),
        ("refresh_token", FormField::Secret(refresh)),
    ];
    if !grant.client_id.is_empty() {
        form.push(("client_id", FormField::Plain(grant.client_id.clone())));
    }
    let now = SystemTime::now();
    let request = HttpRequest { form, ..request_for_json(Method::Post, url, Authorization::None) };
    let response =
        client.send(&request).map_err(|failure| later(format!("could not reach `{host}`: {}", failure.0)))?;
    let answer = ProviderResponse::read(&response);
    if answer.text("error") == Some(SESSION_OVER) {
        return Err(RenewError::SessionOver { page: own.own_page(answer.text("login_url")) });
    }
    let secret = token(response.status, &answer, grant.secret_field.as_deref(), &host)?;
    let (expires_at, login_life) = (end_of_token(&answer, &secret, now), answer.login_life(now));
    let tokens = TokenSet { expires_at, refresh: answer.secret("refresh_token"), login_life, secret, username: None };
    let Some(exchange) = exchange else { return Ok(tokens) };
    match exchange.run(&client, registry, None, grant.tenant.as_deref(), &tokens.secret) {
        Ok((secret, expires_at)) => Ok(TokenSet { secret, expires_at, ..tokens }),
        // The old refresh token may be invalid now, so the caller has to save the new refresh token.
        Err(why) => Err(RenewError::Later(RenewDelay { why, refresh: tokens.refresh, login_life })),
    }
}

/// Returns a token's expiry from the response. If the response has no expiry, reads the claims in the token.
pub(super) fn end_of_token(answer: &ProviderResponse, token: &Secret, now: SystemTime) -> Option<SystemTime> {
    let expiry = answer.life().and_then(|life| now.checked_add(life));
    expiry.or_else(|| jwt::claims(token).and_then(|claims| jwt::expiry(&claims)))
}

fn later(why: String) -> RenewError {
    RenewError::Later(why.into())
}

fn parse_exchange(name: &str) -> Result<TokenExchange, RenewError> {
    TokenExchange::parse(name)
        .ok_or_else(|| later(format!("this version of Ensign does not know the exchange `{name}`")))
}

fn token(status: u16, answer: &ProviderResponse, field: Option<&str>, host: &str) -> Result<Secret, RenewError> {
    match answer.text("error") {
        // RFC 6749 defines `invalid_grant`. The other codes are from GitHub, Entra and `OpenID` Connect.
        Some(
            code @ ("invalid_grant"
            | "bad_refresh_token"
            | "expired_token"
            | "access_denied"
            | "interaction_required"
            | "login_required"
            | "consent_required"),
        ) => Err(RenewError::Over(format!("`{host}` has ended the login: {}", answer.reason(code)))),
        Some(code) => Err(later(format!("`{host}` refused to renew the token: {}", answer.reason(code)))),
        None => answer
            .secret(field.unwrap_or("access_token"))
            .filter(|_| (200..=299).contains(&status))
            .ok_or_else(|| later(format!("`{host}` answered without a token (status {status})"))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::response::tests::response;
    use super::*;

    #[test]
    fn only_the_providers_own_word_ends_a_login() {
        for (status, body, over, why) in [
            (400, r#"{"error": "invalid_grant"}"#, true, "`p` has ended the login: `invalid_grant`"),
            (200, r#"{"error": "bad_refresh_token"}"#, true, "`p` has ended the login: `bad_refresh_token`"),
            (400, "error=invalid_grant", true, "`p` has ended the login: `invalid_grant`"),
            (401, r#"{"error": "invalid_client"}"#, false, "`p` refused to renew the token: `invalid_client`"),
            (400, r#"{"error": "slow_down"}"#, false, "`p` refused to renew the token: `slow_down`"),
            (401, "", false, "`p` answered without a token (status 401)"),
            (503, "<html>invalid_grant", false, "`p` answered without a token (status 503)"),
            (302, r#"{"access_token": "t"}"#, false, "`p` answered without a token (status 302)"),
            (200, r#"{"access_token": ""}"#, false, "`p` answered without a token (status 200)"),
        ] {
            let result = token(status, &ProviderResponse::read(&response(status, body)), None, "p");
            let (is_over, words) = match result.unwrap_err() {
                RenewError::Over(words) => (true, words),
                RenewError::SessionOver { page } => panic!("{page}"),
                RenewError::Later(delay) => (false, delay.why),
            };
            assert_eq!((is_over, words.as_str()), (over, why), "{body}");
        }
        let answer = ProviderResponse::read(&response(200, r#"{"access_token": "t"}"#));
        assert!(token(200, &answer, None, "p").is_ok());
        assert!(token(200, &answer, Some("id_token"), "p").is_err());
    }

    #[test]
    fn the_end_is_told_by_the_answer_or_by_the_token() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let jwt = "e30.eyJleHAiOjUwMDB9.x"; // {"exp":5000}
        for (expires_in, token, end_at) in [("60", jwt, Some(1060)), ("0", jwt, Some(5000)), ("", "opaque", None)] {
            let answer = ProviderResponse::read(&response(200, &format!("expires_in={expires_in}")));
            let expected = end_at.map(|end_of_token| SystemTime::UNIX_EPOCH + Duration::from_secs(end_of_token));
            assert_eq!(end_of_token(&answer, &Secret::new(token.to_owned()), now), expected);
        }
    }
}
