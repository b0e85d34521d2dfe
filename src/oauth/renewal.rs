//! Renews a token that is about to expire (RFC 6749 section 6).

use std::time::{Duration, SystemTime};

use super::response::{ProviderResponse, is_json_or_form};
use super::{RenewDelay, RenewError, SESSION_OVER, TokenExchange, TokenSet, client, endpoint, request_for_json};
use crate::model::{OAuthGrant, Registry, Secret, jwt};
use crate::system::http::{Authorization, FormField, HttpRequest, HttpResponse, Method, Url};

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
    let exchange_url = grant.exchange_url.as_deref().map(endpoint::parse).transpose().map_err(later)?;
    if exchange.is_some_and(TokenExchange::is_lasting) && exchange_url.is_none() {
        return Err(RenewError::Over("an earlier Ensign saved this login without the address of its token".to_owned()));
    }
    let own = url.clone();
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
    let unreachable = |why: String| later(format!("could not reach `{}`: {why}", own.authority()));
    let response = client.send(&request).map_err(|failure| unreachable(failure.0))?;
    let answer = ProviderResponse::read(&response);
    let secret = token(&response, &answer, grant.secret_field.as_deref(), &own, now)?;
    let (expires_at, login_life) = (end_of_token(&answer, &secret, now), answer.login_life(now));
    let tokens = TokenSet { expires_at, refresh: answer.secret("refresh_token"), login_life, secret, username: None };
    let Some(exchange) = exchange else { return Ok(tokens) };
    match exchange.run(&client, registry, exchange_url.as_ref(), grant.tenant.as_deref(), &tokens.secret) {
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

/// Reads the token. Only a response in the form of RFC 6749 section 5.2 ends the login, because a gateway before the
/// provider may use the same words. GitHub sends its errors with status 200.
fn token(
    response: &HttpResponse,
    answer: &ProviderResponse,
    field: Option<&str>,
    url: &Url,
    now: SystemTime,
) -> Result<Secret, RenewError> {
    let (host, status) = (url.authority(), response.status);
    // Some providers send 403 with these two codes. Gateways send 403 with other codes, such as `access_denied`.
    let has_status = |code: &str| match status {
        200 | 400 | 401 => true,
        403 => matches!(code, "invalid_grant" | SESSION_OVER),
        _ => false,
    };
    let is_final = |code: &str| is_json_or_form(response) && has_status(code);
    match answer.text("error") {
        Some(SESSION_OVER) if is_final(SESSION_OVER) => {
            Err(RenewError::SessionOver { page: url.own_page(answer.text("login_url")) })
        }
        // RFC 6749 defines `invalid_grant`. The other codes are from GitHub, Entra and `OpenID` Connect.
        Some(
            code @ ("invalid_grant"
            | "bad_refresh_token"
            | "expired_token"
            | "access_denied"
            | "interaction_required"
            | "login_required"
            | "consent_required"),
        ) if is_final(code) => Err(RenewError::Over(format!("`{host}` has ended the login: {}", answer.reason(code)))),
        Some(code) if is_final(code) => {
            Err(later(format!("`{host}` refused to renew the token: {}", answer.reason(code))))
        }
        Some(code) => {
            Err(later(format!("`{host}` did not renew the token: {} (status {status})", answer.reason(code))))
        }
        None => {
            let is_success = (200..=299).contains(&status);
            answer.token(field).filter(|_| is_success).ok_or_else(|| {
                // The old refresh token may be invalid now, so the caller has to save the new refresh token.
                RenewError::Later(RenewDelay {
                    why: format!("`{host}` answered without a token (status {status})"),
                    refresh: answer.secret("refresh_token").filter(|_| is_success),
                    login_life: answer.login_life(now).filter(|_| is_success),
                })
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::response::tests::response;
    use super::*;

    #[test]
    fn only_the_providers_own_word_ends_a_login() {
        let url = Url::parse("https://p/token").unwrap();
        let (json, form, text) = ("application/json; charset=utf-8", "application/x-www-form-urlencoded", "text/plain");
        let refused = "`p` refused to renew the token";
        let ended = "`p` has ended the login";
        for (status, media_type, body, over, why) in [
            (400, json, r#"{"error": "invalid_grant"}"#, true, format!("{ended}: `invalid_grant`")),
            (400, "", r#"{"error": "invalid_grant"}"#, true, format!("{ended}: `invalid_grant`")),
            (200, json, r#"{"error": "bad_refresh_token"}"#, true, format!("{ended}: `bad_refresh_token`")),
            (400, form, "error=invalid_grant", true, format!("{ended}: `invalid_grant`")),
            (403, json, r#"{"error": "invalid_grant"}"#, true, format!("{ended}: `invalid_grant`")),
            (
                403,
                json,
                r#"{"error": "access_denied"}"#,
                false,
                "`p` did not renew the token: `access_denied` (status 403)".to_owned(),
            ),
            (401, json, r#"{"error": "invalid_client"}"#, false, format!("{refused}: `invalid_client`")),
            (400, json, r#"{"error": "slow_down"}"#, false, format!("{refused}: `slow_down`")),
            (
                503,
                json,
                r#"{"error": "invalid_grant"}"#,
                false,
                "`p` did not renew the token: `invalid_grant` (status 503)".to_owned(),
            ),
            (
                403,
                text,
                "reason=blocked&error=access_denied",
                false,
                "`p` did not renew the token: `access_denied` (status 403)".to_owned(),
            ),
            (
                400,
                text,
                "error=invalid_grant",
                false,
                "`p` did not renew the token: `invalid_grant` (status 400)".to_owned(),
            ),
            (401, json, "", false, "`p` answered without a token (status 401)".to_owned()),
            (503, text, "<html>invalid_grant", false, "`p` answered without a token (status 503)".to_owned()),
            (302, json, r#"{"access_token": "t"}"#, false, "`p` answered without a token (status 302)".to_owned()),
            (200, json, r#"{"access_token": ""}"#, false, "`p` answered without a token (status 200)".to_owned()),
        ] {
            let content_type = Some(media_type.to_owned()).filter(|media_type| !media_type.is_empty());
            let response = HttpResponse { content_type, ..response(status, body) };
            let answer = ProviderResponse::read(&response);
            let (is_over, words) = match token(&response, &answer, None, &url, SystemTime::UNIX_EPOCH).unwrap_err() {
                RenewError::Over(words) => (true, words),
                RenewError::SessionOver { page } => panic!("{page}"),
                RenewError::Later(delay) => (false, delay.why),
            };
            assert_eq!((is_over, words), (over, why), "{body}");
        }
    }

    #[test]
    fn the_token_has_the_same_names_as_in_a_login_and_no_refresh_token_is_dropped() {
        let url = Url::parse("https://p/token").unwrap();
        for (status, body, field, has_token, has_refresh) in [
            (200, r#"{"access_token": "t"}"#, None, true, false),
            (200, r#"{"token": "t"}"#, None, true, false),
            (200, r#"{"device_secret": "t"}"#, None, true, false),
            (200, r#"{"access_token": "t", "refresh_token": "r"}"#, Some("id_token"), false, true),
            (200, r#"{"refresh_token": "r"}"#, None, false, true),
            (500, r#"{"refresh_token": "r"}"#, None, false, false),
        ] {
            let response = response(status, body);
            let answer = ProviderResponse::read(&response);
            let found = token(&response, &answer, field, &url, SystemTime::UNIX_EPOCH);
            assert_eq!(found.is_ok(), has_token, "{body}");
            let next = found.err().and_then(|error| match error {
                RenewError::Later(delay) => delay.refresh,
                RenewError::Over(_) | RenewError::SessionOver { .. } => None,
            });
            assert_eq!(next.is_some(), has_refresh, "{body}");
        }
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
