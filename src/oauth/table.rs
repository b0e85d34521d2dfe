//! `ProviderTable`: the built-in providers with the user's changes.
//!
//! The entries of `providers` in Ensign's `config.json` override single fields of the built-in `providers.json`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::provider::{ANY_ISSUER, Provider};
use crate::model::Registry;

/// All known providers.
#[derive(Debug)]
pub(crate) struct ProviderTable(Vec<Provider>);

impl ProviderTable {
    /// Reads the built-in table, and overrides it with the user's `providers`. An error contains the provider's name.
    pub(crate) fn read(users: Option<&Value>) -> Result<Self, String> {
        let mut built_in: BTreeMap<String, Map<String, Value>> =
            serde_json::from_str(include_str!("providers.json")).expect("a test parses the table");
        let mut rows = Vec::new();
        if let Some(users) = users {
            for (name, fields) in users.as_object().ok_or("`providers` is not an object")? {
                let fields = fields.as_object().ok_or_else(|| format!("`providers.{name}` is not an object"))?;
                let mut row = built_in.remove(name).unwrap_or_default();
                row.extend(fields.clone());
                row.retain(|_, value| !value.is_null());
                rows.push((name.clone(), row)); // the user's own providers come first
            }
        }
        let provider = |(name, row): (String, Map<String, Value>)| {
            let row = serde_json::from_value(Value::Object(row));
            let provider: Provider = row.map_err(|error| format!("`providers.{name}`: {error}"))?;
            let title = if provider.title.is_empty() { name.clone() } else { provider.title };
            Ok(Provider { name, title, ..provider })
        };
        rows.into_iter().chain(built_in).map(provider).collect::<Result<_, _>>().map(Self)
    }

    /// Returns the title of each provider with each of its host names and patterns.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|row| row.hosts.iter().map(|host| (row.title.as_str(), host.as_str())))
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Provider> {
        self.0.iter().find(|provider| provider.name == name)
    }

    /// Returns the provider that is used for issuers outside the table.
    pub(crate) fn any_issuer(&self) -> Provider {
        self.named(ANY_ISSUER).cloned().unwrap_or_default()
    }

    /// Finds the provider of a registry. A full host name has priority over a pattern.
    pub(crate) fn for_registry(&self, registry: &Registry) -> Option<&Provider> {
        let exact = |provider: &&Provider| provider.hosts.iter().any(|host| registry.is_key(host));
        let wide = |provider: &&Provider| provider.hosts.iter().any(|host| is_under(registry, host));
        self.0.iter().find(exact).or_else(|| self.0.iter().find(wide))
    }

    /// Finds a provider by the realm and the `service` in a registry's challenge. Skips a provider if the realm belongs
    /// to the provider's own `issuer`, because such a provider logs people in only at its `hosts`. Another registry
    /// with this realm may want to steal the login.
    pub(crate) fn by_realm(&self, realm: &str, service: &str) -> Option<Provider> {
        let fits = |provider: &&Provider| {
            let is_another = provider.issuer_of(realm).is_some_and(|issuer| provider.issuer.as_ref() != Some(&issuer));
            is_another && provider.realm_service.as_deref() == Some(service)
        };
        Some(self.0.iter().find(fits)?.clone().at_realm(realm))
    }

    /// Returns the providers' names for a sentence. Leaves out providers without a login, which only have a page for
    /// making tokens.
    pub(crate) fn names(&self) -> String {
        let names: Vec<_> =
            self.0.iter().filter(|provider| provider.has_login()).map(|provider| provider.name.as_str()).collect();
        names.join(", ")
    }
}

fn is_under(registry: &Registry, pattern: &str) -> bool {
    let end = pattern.strip_prefix('*').filter(|end| end.starts_with('.'));
    end.is_some_and(|end| registry.as_str().len() > end.len() && registry.as_str().ends_with(&end.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::ProviderOverrides;
    use serde_json::json;

    fn provider_name(table: &ProviderTable, registry: &str) -> Option<String> {
        table.for_registry(&Registry::from_key(registry)).map(|provider| provider.name.clone())
    }

    #[test]
    fn the_built_in_table_reads_and_its_addresses_are_good() {
        let table = ProviderTable::read(None).unwrap();
        for provider in &table.0 {
            let urls = [&provider.device_url, &provider.token_url, &provider.revoke_url, &provider.userinfo_url];
            let (issuer, tenant) = (provider.issuer.as_deref(), provider.tenant.as_deref());
            for url in urls
                .into_iter()
                .chain([&provider.exchange_url, &provider.expiry_url, &provider.page, &provider.token_page])
                .flatten()
            {
                let url = crate::oauth::endpoint::resolve(url, &Registry::from_key("atcr.io"), issuer, tenant);
                assert!(url.unwrap().is_https());
            }
        }
        for (registry, name) in [
            ("atcr.io", Some("atcr")),
            ("docker.io", Some("docker-hub")),
            ("ghcr.io", Some("github")),
            ("shop.azurecr.io", Some("entra")),
            ("azurecr.io", None),
            ("evilazurecr.io", None),
            ("registry.example.com", None),
        ] {
            assert_eq!(provider_name(&table, registry).as_deref(), name, "{registry}");
        }
    }

    #[test]
    fn nobodys_client_is_used_unasked() {
        let table = ProviderTable::read(None).unwrap();
        let ready: Vec<_> =
            table.0.iter().filter(|provider| provider.is_ready()).map(|provider| provider.name.as_str()).collect();
        assert_eq!(ready, ["atcr"]);
        let with_client: Vec<_> = table
            .0
            .iter()
            .filter(|provider| provider.client_id.is_some())
            .map(|provider| provider.name.as_str())
            .collect();
        assert_eq!((with_client, table.named("docker-hub").unwrap().opt_in), (vec!["docker-hub"], true));
    }

    #[test]
    fn a_users_fields_go_over_the_built_in_ones() {
        let users = json!({
            "github": {"client_id": "mine", "userinfo_url": null},
            "acme": {"hosts": ["r.acme.example", "*.acme.example"], "issuer": "https://id.acme.example", "client_id": "c"},
            "atcr": {"hosts": ["atcr.example"], "token_url": "/oauth/poll", "secret_field": "password"},
        });
        let table = ProviderTable::read(Some(&users)).unwrap();
        let github = table.named("github").unwrap();
        assert_eq!((github.client_id.as_deref(), &github.userinfo_url), (Some("mine"), &None));
        assert_eq!(github.token_url.as_deref(), Some("{issuer}/login/oauth/access_token"));
        assert!(github.is_ready() && table.named("acme").unwrap().is_ready());
        assert_eq!(table.named("acme").unwrap().title, "acme");
        for (registry, name) in [
            ("atcr.example", Some("atcr")),
            ("atcr.io", None),
            ("r.acme.example", Some("acme")),
            ("x.acme.example", Some("acme")),
        ] {
            assert_eq!(provider_name(&table, registry).as_deref(), name, "{registry}");
        }
    }

    #[test]
    fn gitlab_is_where_its_registrys_token_server_is() {
        let table = ProviderTable::read(None).unwrap();
        for (realm, service, issuer) in [
            ("https://gitlab.example.com/jwt/auth", "container_registry", Some("https://gitlab.example.com")),
            ("https://example.com:8443/git/jwt/auth", "container_registry", Some("https://example.com:8443/git")),
            ("https://gitlab.com/jwt/auth", "container_registry", None),
            ("https://gitlab.example.com/jwt/auth", "other", None),
            ("https://gitlab.example.com/token", "container_registry", None),
            ("https://gitlab.example.com/jwt/auth?x", "container_registry", None),
            ("http://gitlab.example.com/jwt/auth", "container_registry", None),
        ] {
            let found = table.by_realm(realm, service);
            assert_eq!(found.and_then(|provider| provider.issuer).as_deref(), issuer, "{realm}");
        }
        let gitlab = || table.named("gitlab").unwrap().clone();
        assert!(gitlab().is_found_by_realm());
        let found = gitlab().at_realm("https://gitlab.example.com/jwt/auth");
        assert!(!found.is_found_by_realm());
        assert_eq!(found.title, "GitLab (gitlab.example.com)");
        for realm in ["https://gitlab.com/jwt/auth", "https://auth.example.com/token"] {
            assert_eq!(gitlab().at_realm(realm), gitlab());
        }
    }

    #[test]
    fn a_wrong_row_is_named() {
        for (users, why) in [
            (json!([]), "`providers` is not an object"),
            (json!({"x": 1}), "`providers.x` is not an object"),
            (json!({"x": {"colour": 1}}), "`providers.x`: unknown field `colour`"),
            (json!({"x": {"username": {"guess": 1}}}), "`providers.x`: unknown variant `guess`"),
        ] {
            assert!(ProviderTable::read(Some(&users)).unwrap_err().starts_with(why), "{users}");
        }
    }

    #[test]
    fn another_issuer_has_its_own_addresses() {
        let table = ProviderTable::read(None).unwrap();
        let words = ProviderOverrides { issuer: Some("https://git.example".into()), ..ProviderOverrides::default() };
        let gitlab = table.named("gitlab").unwrap().clone().with(&words);
        assert_eq!(gitlab.device_url.as_deref(), Some("{issuer}/oauth/authorize_device"));
        let github = table.named("github").unwrap().clone().with(&words);
        assert_eq!((github.issuer.as_deref(), &github.userinfo_url), (Some("https://git.example"), &None));
        assert_eq!((gitlab.title.as_str(), table.any_issuer().with(&words).title.as_str()), ("GitLab", "git.example"));
        let hub = table.named("docker-hub").unwrap().clone().with(&words);
        assert_eq!((hub.device_url, hub.token_url), (None, None));
    }
}
