//! `LoginPlan`: a provider with complete URLs. It builds the requests of a login.

use std::time::Duration;

use serde_json::{Value, json};

use super::device::DeviceAuthorization;
use super::discovery::{self, Metadata};
use super::endpoint;
use super::login::PendingLogin;
use super::provider::{BodyFormat, Provider};
use super::request_for_json;
use super::response::ProviderResponse;
use crate::model::{OAuthGrant, Registry, Secret};
use crate::system::http::{Authorization, FormField, HttpClient, HttpRequest, Limits, Method, Url};

/// A provider with complete URLs, ready for a login.
#[derive(Debug)]
pub(crate) struct LoginPlan {
    pub(super) provider: Provider,
    pub(super) registry: Registry,
    device_url: Url,
    pub(super) token_url: Url,
    revoke_url: Option<Url>,
    pub(super) userinfo_url: Option<Url>,
    pub(super) exchange_url: Option<Url>,
    /// Whether all pages and endpoints must be in the registry's own domain.
    near: bool,
}

/// The limits of the requests of one login. `total` exceeds the longest lifetime of a code, so that `Poll` ends the
/// login when the code expires.
const LIMITS: Limits =
    Limits { connect: Duration::from_secs(10), overall: Duration::from_secs(30), total: Duration::from_hours(2) };

impl LoginPlan {
    /// Makes complete URLs from a provider's addresses. Some addresses depend on the registry. If the provider has no
    /// `device_url`, asks the issuer for the addresses. An error is a whole sentence.
    pub(crate) fn new(provider: Provider, registry: &Registry) -> Result<Self, String> {
        let near = provider.is_announced || provider.device_url.as_ref().is_some_and(|url| url.starts_with('/'));
        if let Some(issuer) = provider.issuer.as_ref().filter(|_| near) {
            stay_near(&endpoint::parse(issuer)?, registry)?;
        }
        let found = match (&provider.device_url, &provider.issuer) {
            (Some(_), _) => Metadata::default(),
            (None, Some(issuer)) => discovery::find(&client(), issuer)?,
            (None, None) => return Err(format!("no issuer is known for {}: give it with `--issuer`", provider.title)),
        };
        let (issuer, tenant) = (provider.issuer.as_deref(), provider.tenant.as_deref());
        let resolve = |own: &Option<String>, found: Option<String>| -> Result<Option<Url>, String> {
            let Some(text) = own.clone().or(found) else { return Ok(None) };
            let url = endpoint::resolve(&text, registry, issuer, tenant)?;
            if near {
                stay_near(&url, registry)?;
            }
            Ok(Some(url))
        };
        let needed = |url: Option<Url>, field: &str| url.ok_or_else(|| format!("{} has no `{field}`", provider.title));
        if provider.wants_client_id() && provider.client_id.is_none() {
            return Err(format!("no client id is known for {}: give it with `--client-id`", provider.title));
        }
        Ok(Self {
            device_url: needed(resolve(&provider.device_url, found.device)?, "device_url")?,
            token_url: needed(resolve(&provider.token_url, found.token)?, "token_url")?,
            revoke_url: resolve(&provider.revoke_url, found.revoke)?,
            userinfo_url: resolve(&provider.userinfo_url, found.userinfo)?,
            exchange_url: resolve(&provider.exchange_url, None)?,
            registry: registry.clone(),
            near,
            provider,
        })
    }

    /// Asks for a code. An error is a whole sentence that contains the host.
    pub(crate) fn begin(self, device_name: &str) -> Result<PendingLogin, String> {
        let Provider { client_id, scope, own_scope, audience, body, .. } = &self.provider;
        let client = client();
        let mut words = vec![];
        let mut add = |key, value: &Option<String>| words.extend(value.clone().map(|value| (key, value)));
        add("client_id", client_id);
        add("scope", if own_scope.is_some() { own_scope } else { scope });
        add("audience", audience);
        if *body == BodyFormat::Json {
            words.push(("device_name", device_name.to_owned()));
        }
        let host = self.device_url.authority();
        let request = self.request(&self.device_url, words, None);
        let response = client.send(&request).map_err(|failure| format!("could not reach `{host}`: {}", failure.0))?;
        let answer = ProviderResponse::read(&response);
        let authorization = DeviceAuthorization::read(response.status, &answer, self.error(&answer))
            .map_err(|why| format!("`{host}` gave no login code at `{}`: {why}", self.device_url.path()))?;
        if self.near {
            let links = [Some(&authorization.prompt.link), authorization.prompt.complete.as_ref()];
            for link in links.into_iter().flatten() {
                stay_near(&endpoint::parse(link.split('#').next().unwrap_or_default())?, &self.registry)?;
            }
        }
        Ok(PendingLogin::start(self, client, authorization))
    }

    /// Builds a request in the provider's format, with the device code if there is one.
    pub(super) fn request<'r>(
        &self,
        url: &Url,
        words: Vec<(&'static str, String)>,
        device_code: Option<&'r Secret>,
    ) -> HttpRequest<'r> {
        let request = request_for_json(Method::Post, url.clone(), Authorization::None);
        match self.provider.body {
            BodyFormat::Form => {
                let plain = words.into_iter().map(|(key, value)| (key, FormField::Plain(value)));
                let form = plain.chain(device_code.map(|code| ("device_code", FormField::Secret(code)))).collect();
                HttpRequest { form, ..request }
            }
            BodyFormat::Json => HttpRequest { json: Some(json_body(words, device_code)), ..request },
        }
    }

    pub(super) fn error<'a>(&self, answer: &'a ProviderResponse) -> Option<&'a str> {
        answer.text(self.provider.error_field.as_deref().unwrap_or("error"))
    }

    /// Returns how to renew and revoke the login, or `None` if neither is possible.
    pub(super) fn grant(&self, has_refresh: bool) -> Option<OAuthGrant> {
        let Provider { name, issuer, own_scope, client_id, secret_field, exchange, tenant, page, .. } = &self.provider;
        let shown = |url: &Url| url.to_string();
        (has_refresh || self.revoke_url.is_some()).then(|| OAuthGrant {
            provider: name.clone(),
            issuer: issuer.clone(),
            scope: own_scope.clone(),
            client_id: client_id.clone().unwrap_or_default(),
            token_url: shown(&self.token_url),
            secret_field: secret_field.clone(),
            revoke_url: self.revoke_url.as_ref().map(shown),
            exchange: exchange.map(|exchange| exchange.name().to_owned()),
            exchange_url: self.exchange_url.as_ref().map(shown),
            tenant: tenant.clone(),
            page: page.clone(),
        })
    }
}

/// Returns an error if the address is outside the registry's domain. A page in another domain could make the person
/// enter a stranger's code, which would log the stranger in (RFC 8628 section 5.4).
fn stay_near(url: &Url, registry: &Registry) -> Result<(), String> {
    if endpoint::is_near(url, registry) {
        return Ok(());
    }
    Err(format!("{registry} points to `{}`, which is not its own domain, so Ensign does not follow it", url.host()))
}

fn client() -> HttpClient {
    HttpClient::new(LIMITS)
}

#[expect(clippy::disallowed_methods, reason = "sends the device code back to its provider")]
fn json_body(words: Vec<(&'static str, String)>, device_code: Option<&Secret>) -> Secret {
    let mut body: serde_json::Map<_, _> =
        words.into_iter().map(|(key, value)| (key.to_owned(), json!(value))).collect();
    body.extend(device_code.map(|code| ("device_code".to_owned(), json!(code.expose()))));
    Secret::new(Value::Object(body).to_string())
}
