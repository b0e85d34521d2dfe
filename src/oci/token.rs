//! Requests tokens from a token server (distribution `docs/content/spec/auth/token.md` and `oauth.md`).

use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::Value;

use super::challenge::Challenge;
use super::requester::Requester;
use super::scope::Scopes;
use super::{LoginVerdict, TransportSecurity, realm, status_verdict, unverified_verdict};
use crate::model::{Secret, timestamp};
use crate::system::http::{Authorization, FormField, HttpRequest, HttpResponse, Method, Url};

/// The server that issues tokens for a registry.
#[derive(Clone, Debug)]
pub(super) struct TokenServer {
    pub(super) url: Url,
    /// The registry that sent the challenge with the address of this server.
    registry: Url,
    /// The service in the challenge. Some token servers, such as Gitea's, have no service.
    pub(super) service: Option<String>,
}

/// A bearer token.
#[derive(Debug)]
pub(crate) struct BearerToken {
    pub(crate) secret: Secret,
    lifetime: Duration,
    issued: Option<SystemTime>,
}

/// The value of `error` with which ATCR's token server asks a person to log in again with a browser.
const SESSION_OVER: &str = "oauth_session_expired";

/// The shortest lifetime. The distribution specification sets this lifetime as the default and, for older clients, as
/// the minimum.
const LEAST_LIFETIME: Duration = Duration::from_mins(1);

impl TokenServer {
    /// Reads a Bearer challenge of the registry at `registry`. An error says why no credentials are sent to the realm.
    pub(super) fn from_challenge(
        bearer: &Challenge,
        registry: &Url,
        security: TransportSecurity,
    ) -> Result<Self, String> {
        let host = registry.authority();
        let realm =
            bearer.parameter("realm").ok_or_else(|| format!("`{host}` asks for a token, but names no token server"))?;
        let url = realm::check(realm, registry, security)
            .map_err(|why| format!("the credentials were not sent to the token server of `{host}`: {why}"))?;
        Ok(Self { url, registry: registry.clone(), service: bearer.parameter("service").map(str::to_owned) })
    }

    pub(super) fn name(&self) -> &str {
        self.url.authority()
    }

    /// Builds the request for a token. The request has no `offline_token`, because the typed password remains the saved
    /// secret. A request without a scope has no side effects at the server. An identity token is sent in an `OAuth2`
    /// form, because servers accept no other form of request for it. If the server does not support `OAuth2` forms,
    /// there is no second request, because Ensign has no password to send.
    pub(super) fn ask<'a>(&self, requester: &Requester<'a>, scopes: &Scopes) -> HttpRequest<'a> {
        let mut words = vec![("client_id", "ensign".to_owned())];
        words.extend(self.service.clone().map(|service| ("service", service)));
        if let Some(token) = requester.identity_token() {
            words.push(("grant_type", "refresh_token".to_owned()));
            words.extend((!scopes.is_empty()).then(|| ("scope", scopes.to_string())));
            let plain = words.into_iter().map(|(key, text)| (key, FormField::Plain(text)));
            let form = plain.chain([("refresh_token", token)]).collect();
            return HttpRequest { form, ..HttpRequest::new(Method::Post, self.url.clone(), Authorization::None) };
        }
        words.extend(requester.username().map(|username| ("account", username.to_string())));
        words.extend(scopes.to_string().split_whitespace().map(|scope| ("scope", scope.to_owned())));
        HttpRequest { query: words, ..HttpRequest::new(Method::Get, self.url.clone(), requester.password()) }
    }

    /// Reads the token in a response, or returns a verdict as an error. Stores a new identity token in the requester.
    pub(super) fn read(
        &self,
        response: &HttpResponse,
        requester: &mut Requester<'_>,
    ) -> Result<BearerToken, LoginVerdict> {
        let server = self.name();
        let answer = response.body.as_ref().and_then(parse).unwrap_or_default();
        match (response.status, answer.error.as_deref()) {
            (200, _) => {
                let (token, refresh) = answer.into_tokens().ok_or_else(|| {
                    unverified_verdict(format!("the token server `{server}` answered without a token"))
                })?;
                requester.renew(refresh);
                Ok(token)
            }
            (401 | 403, Some(SESSION_OVER)) => {
                Err(LoginVerdict::SessionOver { page: self.registry.own_page(answer.login_url.as_str()) })
            }
            // RFC 6749 section 5.2 defines `invalid_grant`.
            (401 | 403, _) | (400, Some("invalid_grant")) => Err(LoginVerdict::Rejected { by: server.to_owned() }),
            (404 | 405, _) => {
                Err(unverified_verdict(format!("the token server `{server}` does not accept requests of this kind")))
            }
            (status, _) => Err(status_verdict(server, status)),
        }
    }
}

impl BearerToken {
    /// Returns the time until the token expires. If the server's clock is ahead of ours, the token is treated as new.
    pub(crate) fn time_left(&self, now: SystemTime) -> Duration {
        let age = self.issued.and_then(|issued| now.duration_since(issued).ok()).unwrap_or_default();
        self.lifetime.saturating_sub(age)
    }
}

/// A token server's response. `token` and `access_token` have the same meaning.
#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenResponse {
    token: Option<String>,
    access_token: Option<String>,
    /// An unreadable value of `expires_in` or `issued_at` is ignored.
    expires_in: Value,
    refresh_token: Option<String>,
    issued_at: Value,
    error: Option<String>,
    /// The page where a person can log in, if the session has ended.
    login_url: Value,
}

impl TokenResponse {
    fn into_tokens(self) -> Option<(BearerToken, Option<Secret>)> {
        let fits = |token: &String| !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic()); // RFC 6750 section 2.1
        let token = [self.token, self.access_token].into_iter().flatten().find(&fits)?;
        let lifetime = Duration::from_secs(self.expires_in.as_u64().unwrap_or_default()).max(LEAST_LIFETIME);
        let issued = self.issued_at.as_str().and_then(timestamp::parse);
        let refresh = self.refresh_token.filter(fits).map(Secret::new);
        Some((BearerToken { secret: Secret::new(token), lifetime, issued }, refresh))
    }
}

#[expect(clippy::disallowed_methods, reason = "the answer is kept as a secret until the token is taken out of it")]
fn parse(body: &Secret) -> Option<TokenResponse> {
    serde_json::from_str(body.expose()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Credential;

    fn server() -> TokenServer {
        let registry = Url::parse("https://r.example/v2/").unwrap();
        TokenServer { url: Url::parse("https://auth.example/token").unwrap(), registry, service: Some("s".to_owned()) }
    }

    #[test]
    fn every_scope_is_a_word_of_its_own_in_a_query_and_all_are_one_in_a_form() {
        let scopes = Scopes::parse("repository:a:push,pull other");
        for (username, expected) in [
            ("alice", "client_id=ensign service=s account=alice scope=repository:a:push,pull scope=other"),
            (
                "<token>",
                "client_id=ensign service=s grant_type=refresh_token scope=repository:a:push,pull other refresh_token=…",
            ),
        ] {
            let credential = Credential { username: username.parse().unwrap(), secret: Secret::new("s3cret".into()) };
            let request = server().ask(&Requester::new(&credential), &scopes);
            let query = request.query.into_iter().map(|(key, value)| format!("{key}={value}"));
            let form = request.form.into_iter().map(|(key, field)| match field {
                FormField::Plain(value) => format!("{key}={value}"),
                FormField::Secret(_) | FormField::Own(_) => format!("{key}=…"),
            });
            assert_eq!(query.chain(form).collect::<Vec<_>>().join(" "), expected);
            let bare = server().ask(&Requester::new(&credential), &Scopes::none());
            assert!(!format!("{bare:?}").contains("scope"), "an empty scope is left out");
        }
    }

    #[test]
    fn a_token_lasts_a_minute_at_least_counted_from_its_issue() {
        let now = timestamp::parse("2026-11-21T12:00:00Z").unwrap();
        for (answer, seconds) in [
            (r#"{"token": "t"}"#, 60),
            (r#"{"token": "t", "expires_in": 0}"#, 60),
            (r#"{"token": "t", "expires_in": 5}"#, 60),
            (r#"{"token": "t", "expires_in": 300}"#, 300),
            (r#"{"token": "t", "expires_in": 300, "issued_at": "2026-11-21T11:59:00.5Z"}"#, 240),
            (r#"{"token": "t", "expires_in": 300, "issued_at": "2026-11-21T13:00:00+01:00"}"#, 300),
            (r#"{"token": "t", "expires_in": 300, "issued_at": "2026-11-21T12:00:30Z"}"#, 300),
            (r#"{"token": "t", "expires_in": 300, "issued_at": "2026-11-21T00:00:00Z"}"#, 0),
            (r#"{"token": "t", "expires_in": 300, "issued_at": "now"}"#, 300),
            (r#"{"token": "t", "expires_in": 300, "issued_at": "10000-01-01T00:00:00Z"}"#, 300),
            (r#"{"token": "t", "expires_in": 18446744073709551615}"#, u64::MAX),
            (r#"{"token": "t", "expires_in": -1, "issued_at": 0}"#, 60),
            (r#"{"token": "t", "expires_in": "soon"}"#, 60),
        ] {
            let (token, _) = parse(&Secret::new(answer.to_owned())).and_then(TokenResponse::into_tokens).unwrap();
            assert_eq!(token.time_left(now).as_secs(), seconds, "{answer}");
        }
    }

    #[test]
    fn a_token_server_gives_refuses_or_fails() {
        for (status, body, outcome) in [
            (200, r#"{"token": "t"}"#, "token"),
            (200, r#"{"access_token": "t", "token": ""}"#, "token"),
            (200, r#"{"token": null, "access_token": "t", "expires_in": 60, "refresh_token": "r"}"#, "token"),
            (200, r#"{"token": "t", "expires_in": null, "issued_at": "yesterday"}"#, "token"),
            (200, r#"{"token": ""}"#, "answered without a token"),
            (200, r#"{"token": "a\nb"}"#, "answered without a token"),
            (200, r#"{"token": "a b"}"#, "answered without a token"),
            (200, r#"{"token": 1}"#, "answered without a token"),
            (200, "{}", "answered without a token"),
            (200, "<html>", "answered without a token"),
            (401, r#"{"details": "incorrect username or password"}"#, "rejected"),
            (403, "", "rejected"),
            (401, r#"{"error": "oauth_session_expired"}"#, "session over: https://r.example/"),
            (
                401,
                r#"{"error": "oauth_session_expired", "login_url": "https://r.example/a?b=c"}"#,
                "https://r.example/a?b=c",
            ),
            (401, r#"{"error": "unauthorized", "login_url": "https://r.example/"}"#, "rejected"),
            (400, r#"{"error": "invalid_grant"}"#, "rejected"),
            (400, r#"{"error": "invalid_request"}"#, "answered 400"),
            (404, "", "does not accept"),
            (302, "", "does not follow"),
            (503, "", "has a server error (503)"),
        ] {
            let body = Some(Secret::new(body.to_owned()));
            let response = HttpResponse { status, body, ..HttpResponse::default() };
            let found = match server().read(&response, &mut Requester::anonymous()) {
                Ok(_) => "token".to_owned(),
                Err(LoginVerdict::Rejected { by }) => format!("rejected by {by}"),
                Err(LoginVerdict::SessionOver { page }) => format!("session over: {page}"),
                Err(verdict) => format!("{verdict:?}"),
            };
            assert!(found.contains(outcome), "{status}: {found}");
        }
    }
}
