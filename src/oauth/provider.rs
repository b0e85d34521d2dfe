//! Describes an identity provider. Providers are data instead of code, so that a user can correct or add a provider.
//!
//! The page docs/providers.md explains each field to users.

use serde::Deserialize;

use super::endpoint;

/// Describes how to log in at a provider. Discovery or the user may supply missing fields.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields, expecting = "an object that describes a provider")]
pub(crate) struct Provider {
    #[serde(skip)]
    pub(crate) name: String,
    /// Whether the registry announced this provider. The addresses of an announced provider must all be in the
    /// registry's own domain.
    #[serde(skip)]
    pub(super) is_announced: bool,
    /// Whether the user or the previous login specified the issuer.
    #[serde(skip)]
    pub(super) is_at_issuer: bool,
    /// The scope that the user wants instead of the provider's usual scope.
    #[serde(skip)]
    pub(super) own_scope: Option<String>,
    /// The provider's name as shown to people.
    pub(crate) title: String,
    /// The registries where the provider logs people in. `*.` at the start of a name matches one or more labels.
    pub(super) hosts: Vec<String>,
    /// Whether the provider is used only after an explicit `--device`.
    pub(super) opt_in: bool,
    pub(super) client_id: Option<String>,
    /// The address for discovery (`OpenID` Connect, RFC 8414), if the endpoints are not configured.
    pub(super) issuer: Option<String>,
    /// The suffix of a token server's address. A token server's address without the suffix is the issuer.
    pub(super) issuer_from_realm: Option<String>,
    /// The `service` in the challenges of the provider's token servers. `realm_service` and `issuer_from_realm`
    /// together identify the provider.
    pub(super) realm_service: Option<String>,
    pub(super) tenant: Option<String>,
    /// The device authorization endpoint, as a URL or as a path at the registry. `device_url` and the three URLs after
    /// it may contain `{issuer}` and `{tenant}`.
    pub(super) device_url: Option<String>,
    pub(super) token_url: Option<String>,
    pub(super) revoke_url: Option<String>,
    pub(super) userinfo_url: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) audience: Option<String>,
    /// The scope that a push needs.
    pub(super) push_scope: Option<String>,
    pub(super) body: BodyFormat,
    /// The field of the response that contains the registry's token.
    pub(super) secret_field: Option<String>,
    pub(super) error_field: Option<String>,
    pub(super) username: UsernameRule,
    pub(super) exchange: Option<TokenExchange>,
    pub(super) exchange_url: Option<String>,
    /// An address whose response contains the token's expiry in GitHub's header.
    pub(super) expiry_url: Option<String>,
    /// The page where a person sees and ends the login.
    pub(super) page: Option<String>,
    /// The page where a person makes a token. `token_rights` lists the rights that the person must choose on this page.
    pub(crate) token_page: Option<String>,
    pub(crate) token_rights: Option<String>,
}

/// The format of a request's body.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum BodyFormat {
    /// RFC 8628
    #[default]
    Form,
    Json,
}

/// The source of the user name at the registry.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum UsernameRule {
    Fixed(String),
    /// The path of a claim in the token, or of a field in the response of `userinfo_url`.
    Claim(Vec<String>),
    /// The field of the token response that contains the user name.
    Field(String),
    #[default]
    Ask,
}

/// A way to exchange the provider's token for the registry's token.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TokenExchange {
    Acr,
    DockerHubPat,
}

/// The name of the provider that is used for issuers outside the table.
pub(super) const ANY_ISSUER: &str = "oidc";

impl Provider {
    /// Tells whether a person can log in with a browser.
    pub(crate) fn has_login(&self) -> bool {
        self.device_url.is_some() || self.issuer.is_some() || self.name == ANY_ISSUER
    }

    /// Tells whether a login can begin without further options. The login menu offers only providers whose login can
    /// begin without further options.
    pub(crate) fn is_ready(&self) -> bool {
        let knows_client = self.client_id.is_some() || !self.wants_client_id();
        self.has_login() && !self.opt_in && knows_client && (self.device_url.is_some() || self.issuer.is_some())
    }

    /// Tells whether the provider needs a client id. A provider with JSON bodies needs no client id.
    pub(crate) fn wants_client_id(&self) -> bool {
        self.body == BodyFormat::Form
    }

    pub(crate) fn asks_for_username(&self) -> bool {
        self.username == UsernameRule::Ask
    }

    /// Tells whether the issuer comes from the registry's realm, because neither the user nor the previous login
    /// specified an issuer.
    pub(crate) fn is_found_by_realm(&self) -> bool {
        self.issuer_from_realm.is_some() && !self.is_at_issuer
    }

    /// Sets the issuer from `realm`, the address of the registry's token server. A `realm` that does not end with
    /// `issuer_from_realm` changes nothing.
    #[must_use]
    pub(crate) fn at_realm(self, realm: &str) -> Self {
        let found = self.issuer_of(realm).filter(|issuer| self.issuer.as_ref() != Some(issuer));
        let Some(issuer) = found else { return self };
        let host = endpoint::parse(&issuer).map_or_else(|_| issuer.clone(), |url| url.authority().to_owned());
        let title = format!("{} ({host})", self.title);
        Self { title, ..self }.with(&ProviderOverrides { issuer: Some(issuer), ..ProviderOverrides::default() })
    }

    /// Returns the issuer, which is `realm` without the suffix `issuer_from_realm`. Returns `None` if `realm` does not
    /// end with the suffix, or if the rest is not an address.
    pub(super) fn issuer_of(&self, realm: &str) -> Option<String> {
        let issuer = realm.strip_suffix(self.issuer_from_realm.as_deref()?)?;
        endpoint::parse(issuer).ok()?;
        Some(issuer.to_owned())
    }

    /// Sets the registry itself as the issuer.
    #[must_use]
    pub(crate) fn at_its_own_issuer(self, issuer: String) -> Self {
        Self { is_announced: true, issuer: Some(issuer), ..self }
    }

    /// Applies the user's overrides for one login. If the user sets an issuer, removes the fixed addresses, because
    /// they lead to the old issuer. Addresses that contain `{issuer}` remain.
    #[must_use]
    pub(crate) fn with(mut self, words: &ProviderOverrides) -> Self {
        let ProviderOverrides { issuer, client_id, scope, tenant } = words;
        if let Some(issuer) = issuer {
            for url in [&mut self.device_url, &mut self.token_url, &mut self.revoke_url, &mut self.userinfo_url] {
                url.take_if(|url| !url.contains("{issuer}"));
            }
            self.page = None;
            if self.name == ANY_ISSUER {
                self.title = endpoint::parse(issuer).map_or_else(|_| issuer.clone(), |url| url.authority().to_owned());
            }
            self.issuer = Some(issuer.clone());
            self.is_at_issuer = true;
        }
        Self {
            client_id: client_id.clone().or(self.client_id),
            own_scope: scope.clone().or(self.own_scope),
            tenant: tenant.clone().or(self.tenant),
            ..self
        }
    }
}

/// The user's overrides from the command line.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProviderOverrides {
    pub(crate) issuer: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) scope: Option<String>,
    pub(crate) tenant: Option<String>,
}
