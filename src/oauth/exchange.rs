//! Exchanges a provider's token for a token that a registry accepts, at Azure or Docker Hub.

use std::time::SystemTime;

use serde_json::Value;

use super::response::ProviderResponse;
use super::{TokenExchange, endpoint, request_for_json};
use crate::model::{Registry, Secret, jwt};
use crate::system::http::{Authorization, FormField, HttpClient, HttpRequest, HttpResponse, Method, Url};

/// The path is from Azure/acr `docs/AAD-OAuth.md`.
const ACR_PATH: &str = "/oauth2/exchange";

impl TokenExchange {
    /// Returns the exchange's name as the account stores it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Acr => "acr",
            Self::DockerHubPat => "docker-hub-pat",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        serde_json::from_value(name.into()).ok()
    }

    /// Tells whether the registry's token has no expiry, and thus is never renewed.
    pub(super) fn is_lasting(self) -> bool {
        self == Self::DockerHubPat
    }

    /// Fetches the registry's token, and its expiry if the token states one. An error is a whole sentence.
    pub(super) fn run(
        self,
        client: &HttpClient,
        registry: &Registry,
        at: Option<&Url>,
        tenant: Option<&str>,
        token: &Secret,
    ) -> Result<(Secret, Option<SystemTime>), String> {
        let url = match (at, self) {
            (Some(url), _) => url.clone(),
            (None, Self::Acr) => endpoint::resolve(ACR_PATH, registry, None, None)?,
            (None, Self::DockerHubPat) => return Err("no `exchange_url` is known".to_owned()),
        };
        let host = url.authority().to_owned();
        let request = match self {
            Self::Acr => acr(url, registry, tenant, token),
            Self::DockerHubPat => HttpRequest {
                json: Some(Secret::new(String::new())), // as in docker/cli `internal/oauth/api/api.go`
                ..request_for_json(Method::Post, url, Authorization::Bearer(token.copy()))
            },
        };
        let response = client.send(&request).map_err(|failure| format!("could not reach `{host}`: {}", failure.0))?;
        let secret = match self {
            Self::Acr => ProviderResponse::read(&response).secret("refresh_token"),
            Self::DockerHubPat => nested(&response, &["data", "token"]),
        };
        let secret = secret.filter(|_| (200..=299).contains(&response.status));
        let secret = secret.ok_or_else(|| refusal(&host, &response))?;
        let until = jwt::claims(&secret).and_then(|claims| jwt::expiry(&claims));
        Ok((secret, until))
    }
}

fn acr<'t>(url: Url, registry: &Registry, tenant: Option<&str>, token: &'t Secret) -> HttpRequest<'t> {
    // `organizations`, `common` and `consumers` do not name a single tenant, so the tenant in the token is used.
    let is_one = |tenant: &&str| !matches!(*tenant, "organizations" | "common" | "consumers");
    let claims = jwt::claims(token);
    let of_token = claims.as_ref().and_then(|claims| claims.get("tid")?.as_str());
    let mut form = vec![
        ("grant_type", FormField::Plain("access_token".to_owned())),
        ("service", FormField::Plain(registry.as_str().to_owned())),
        ("access_token", FormField::Secret(token)),
    ];
    form.extend(tenant.filter(is_one).or(of_token).map(|tenant| ("tenant", FormField::Plain(tenant.to_owned()))));
    HttpRequest { form, ..request_for_json(Method::Post, url, Authorization::None) }
}

#[expect(clippy::disallowed_methods, reason = "takes the token out of the body")]
fn nested(response: &HttpResponse, path: &[&str]) -> Option<Secret> {
    let body: Value = serde_json::from_str(response.body.as_ref()?.expose()).ok()?;
    let value = path.iter().try_fold(&body, |value, key| value.get(key))?.as_str()?;
    (!value.is_empty()).then(|| Secret::new(value.to_owned()))
}

fn refusal(host: &str, response: &HttpResponse) -> String {
    let answer = ProviderResponse::read(response);
    match (response.status, answer.text("error")) {
        (_, Some(code)) => format!("`{host}` refused to exchange the token: {}", answer.reason(code)),
        (status @ (401 | 403), None) => format!("`{host}` refused to exchange the token (status {status})"),
        (status, None) => format!("`{host}` did not exchange the token (status {status})"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::response::tests::response;
    use super::*;

    #[test]
    fn an_account_remembers_the_exchange_by_its_name_in_the_table() {
        for (exchange, name) in [(TokenExchange::Acr, "acr"), (TokenExchange::DockerHubPat, "docker-hub-pat")] {
            assert_eq!((exchange.name(), TokenExchange::parse(name)), (name, Some(exchange)));
        }
        assert_eq!(TokenExchange::parse("x"), None);
    }

    #[test]
    fn azure_is_told_the_tenant_of_the_token_unless_one_is_named() {
        let registry = Registry::from_key("shop.azurecr.io");
        let token = Secret::new("e30.eyJ0aWQiOiJhY21lIn0.x".to_owned()); // this is {"tid":"acme"}
        for (tenant, sent) in [(None, "acme"), (Some("organizations"), "acme"), (Some("other"), "other")] {
            let request =
                acr(Url::parse("https://shop.azurecr.io/oauth2/exchange").unwrap(), &registry, tenant, &token);
            let shown = format!("{:?}", request.form);
            assert!(shown.ends_with(&format!(r#"("tenant", Plain("{sent}"))]"#)), "{shown}");
            assert!(shown.contains(r#"("service", Plain("shop.azurecr.io"))"#), "{shown}");
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "compared in a test")]
    fn docker_hubs_token_lies_deeper() {
        let token =
            |body: &str| nested(&response(201, body), &["data", "token"]).map(|token| token.expose().to_owned());
        assert_eq!(token(r#"{"data": {"token": "dckr_pat_x"}}"#).as_deref(), Some("dckr_pat_x"));
        for body in [r#"{"data": {"token": ""}}"#, r#"{"data": []}"#, "{}", "<html>"] {
            assert_eq!(token(body), None, "{body}");
        }
    }

    #[test]
    fn a_refusal_is_told_in_the_servers_words() {
        for (status, body, sentence) in [
            (401, "", "`r` refused to exchange the token (status 401)"),
            (400, r#"{"error": "x", "error_description": "no"}"#, "`r` refused to exchange the token: no (x)"),
            (500, "<html>", "`r` did not exchange the token (status 500)"),
        ] {
            assert_eq!(refusal("r", &response(status, body)), sentence);
        }
    }
}
