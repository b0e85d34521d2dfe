//! Finds the identity provider for a login by browser.

use crate::cli::failure::Failure;
use crate::cli::login::{external_source, renewed_account};
use crate::cli::{CommandContext, args};
use crate::model::choice::RegistryAccounts;
use crate::model::{Problem, Registry, Source};
use crate::oauth::{self, Provider, ProviderOverrides};
use crate::oci::{self, Realm};

/// Returns the identity provider for `--device`, by the first item of this list that applies:
///
/// - the provider from `--provider` or `--issuer`
/// - for a renewed account, the provider of the account's previous login
/// - the registry's entry in the table of providers
/// - the provider that the registry announces
/// - the provider of the registry's token server
/// - with `--client-id`, the registry as its own issuer
pub(super) fn named_provider(
    context: &CommandContext<'_>,
    arguments: &args::LoginArguments,
    known: &RegistryAccounts,
) -> Result<Provider, Failure> {
    let args::DeviceLoginArguments { issuer, client_id, scope, tenant, .. } = arguments.browser.clone();
    let overrides = ProviderOverrides { issuer, client_id, scope, tenant };
    Ok(first_provider(context, arguments, known)?.with(&overrides))
}

/// Returns the provider for [`named_provider`], without the details that the user typed, such as the client id.
fn first_provider(
    context: &CommandContext<'_>,
    arguments: &args::LoginArguments,
    known: &RegistryAccounts,
) -> Result<Provider, Failure> {
    let registry = &known.registry;
    let table = context.providers()?;
    let args::DeviceLoginArguments { provider: name, issuer, client_id, .. } = &arguments.browser;
    if let Some(name) = name {
        return table.named(name).filter(|provider| provider.has_login()).cloned().ok_or_else(|| {
            Failure::usage(format!("`{name}` is not a provider"), format!("use one of: {}", table.names()))
        });
    }
    if issuer.is_some() {
        return Ok(table.any_issuer());
    }
    if let Some(provider) = previous_provider(&table, arguments, known) {
        return Ok(provider);
    }
    if let Some(provider) = table.for_registry(registry).filter(|provider| provider.has_login()) {
        return Ok(provider.clone());
    }
    let announced = context.announced(registry).map_err(|why| Problem::new(why, "log in with a password or token"))?;
    if let Some(provider) = announced.filter(Provider::has_login) {
        return Ok(provider);
    }
    if let Some(provider) =
        realm(context, arguments, registry).and_then(|realm| table.by_realm(&realm.url, &realm.service?))
    {
        return Ok(provider);
    }
    if let Some(own) = oauth::own_issuer(registry).filter(|_| client_id.is_some()) {
        return Ok(table.any_issuer().at_its_own_issuer(own));
    }
    let mut cure = "name the provider with `--provider NAME`, or with `--issuer URL --client-id ID`".to_owned();
    if let Some(command) = external_source::suggest(context, registry) {
        cure = format!("{cure}; or use another program's login: `{command}`");
    }
    Err(Failure::usage(format!("Ensign knows no device login for {registry}"), cure))
}

/// Returns the identity provider for the menu, if a login at this provider needs no further options.
pub(super) fn ready_provider(
    context: &CommandContext<'_>,
    arguments: &args::LoginArguments,
    known: &RegistryAccounts,
) -> Result<Option<Provider>, Failure> {
    let table = context.providers()?;
    let row = previous_provider(&table, arguments, known).or_else(|| table.for_registry(&known.registry).cloned());
    let provider = row.or_else(|| {
        context.announced(&known.registry).unwrap_or_else(|why| {
            context.ui.note(why);
            None
        })
    });
    Ok(provider.filter(Provider::is_ready))
}

/// Returns the provider. For a provider whose issuer is a part of the token server's address, sets this issuer.
pub(super) fn locate(
    context: &CommandContext<'_>,
    arguments: &args::LoginArguments,
    registry: &Registry,
    provider: Provider,
) -> Provider {
    if !provider.is_found_by_realm() {
        return provider;
    }
    match realm(context, arguments, registry) {
        Some(realm) => provider.at_realm(&realm.url),
        None => provider,
    }
}

fn realm(context: &CommandContext<'_>, arguments: &args::LoginArguments, registry: &Registry) -> Option<Realm> {
    let security = context.security(registry, arguments.plain_http);
    context.ui.while_waiting(&format!("Asking {registry}"), || oci::realm_of(registry, security))
}

/// Returns the identity provider of the previous login, if this login renews an account.
fn previous_provider(
    table: &oauth::ProviderTable,
    arguments: &args::LoginArguments,
    known: &RegistryAccounts,
) -> Option<Provider> {
    let Source::OAuth(grant) = &renewed_account(arguments, known)?.source else { return None };
    let words = ProviderOverrides {
        issuer: grant.issuer.clone(),
        client_id: Some(grant.client_id.clone()).filter(|id| !id.is_empty()),
        tenant: grant.tenant.clone(),
        scope: grant.scope.clone(),
    };
    Some(table.named(&grant.provider)?.clone().with(&words))
}
