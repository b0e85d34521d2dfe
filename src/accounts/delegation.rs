//! Forwards calls for registries without accounts to another credential helper.
//!
//! If the other helper fails, the client gets the answer "not found". After any other error, the client would not pull
//! even public images.

use std::collections::BTreeSet;

use anyhow::Result;

use super::{Accounts, helpers};
use crate::config::LoadedConfig;
use crate::model::choice::{HelperRoute, RegistryAccounts};
use crate::model::{AccountName, Credential, HelperName, Problem, Registry, Secret, ServerUrl, Target, Username};
use crate::vault::HelperRefusal;

impl Accounts<'_> {
    /// Returns the helper that answers for a registry without accounts.
    pub(crate) fn route(&self, registry: &Registry) -> Result<Option<HelperRoute>> {
        Ok(self.load(Some(registry))?.into_only(registry).1)
    }

    /// Returns all other helpers, each with the registries for which the helper answers. The fallback is the last
    /// helper.
    pub(crate) fn routes(&self) -> Result<Vec<HelperRoute>> {
        Ok(routes(self.load(None)?))
    }

    /// Asks the helper for a login. If the helper fails, the error contains the problem. If the helper has no login, or
    /// would call Ensign again, the error is `None`.
    pub(crate) fn ask_routed(&self, route: &HelperRoute, server: &str) -> Result<Credential, Option<Problem>> {
        if helpers::would_recurse(&route.helper) {
            return Err(None);
        }
        helpers::login(&route.helper, server, helpers::CLIENT_TIMEOUT).map_err(|refusal| match refusal {
            HelperRefusal::NotFound => None,
            HelperRefusal::NotInstalled(problem) | HelperRefusal::Failed(problem) => Some(problem),
        })
    }

    /// Asks the helper to save a login. Reports a failure, because the client must not believe that the login is saved.
    pub(crate) fn store_routed(
        &self,
        route: &HelperRoute,
        server: &str,
        user: &Username,
        secret: &Secret,
    ) -> Result<()> {
        self.refuse_loop(route, server)?;
        let stored = helpers::store(&route.helper, server, user, secret);
        Ok(stored.map_err(|Problem { message, hint }| {
            let registry = registry_of(server);
            let hint = format!("{hint}, or save the login in Ensign: `docker-credential-ensign login {registry}`");
            Problem::new(format!("the login of {registry} was not kept: {message}"), hint)
        })?)
    }

    /// Asks the helper to remove a login.
    pub(crate) fn erase_routed(&self, route: &HelperRoute, server: &str) -> Result<()> {
        self.refuse_loop(route, server)?;
        Ok(helpers::erase(&route.helper, server).map_err(|Problem { message, hint }| {
            Problem::new(format!("the login of {} was not removed: {message}", registry_of(server)), hint)
        })?)
    }

    fn refuse_loop(&self, route: &HelperRoute, server: &str) -> Result<(), Problem> {
        if !helpers::would_recurse(&route.helper) {
            return Ok(());
        }
        let what = format!("`{}` answers for {server}, but asks Ensign again", route.helper.program());
        Err(Problem::run(what, "route"))
    }

    /// Returns the entries that `list` prints. Each registry for which `get` can answer has one entry, with a server
    /// address and a user. For a pinned helper, only the registries with the account `pinned` have an entry, and no
    /// other helper is asked.
    pub(crate) fn listed(&self, pinned: Option<&AccountName>) -> Result<Vec<(String, String)>> {
        let loaded = self.load(None)?;
        let mut listed: Vec<(String, String)> =
            loaded.registries.iter().filter_map(|entry| own_entry(entry, pinned)).collect();
        let chosen = loaded.registries.iter().filter_map(|registry_entry| registry_entry.helper.clone());
        let mut helpers: Vec<HelperName> = Vec::new();
        for helper in loaded.fallback.clone().into_iter().chain(chosen).filter(|_| pinned.is_none()) {
            if !helpers.contains(&helper) && !helpers::would_recurse(&helper) {
                helpers.push(helper);
            }
        }
        for (helper, has) in helpers.iter().zip(helpers::list_all(&helpers)) {
            let answers = |registry: &Registry| {
                let entries = loaded.registries.iter().filter(|entry| entry.registry.covers(registry)).cloned();
                let entry = RegistryAccounts::for_host(entries.collect(), registry);
                entry.accounts.is_empty() && entry.helper.as_ref().or(loaded.fallback.as_ref()) == Some(helper)
            };
            let of_helper = one_for_each(has).into_iter().filter(|(registry, ..)| answers(registry));
            listed.extend(of_helper.map(|(_, server, user)| (server, user)));
        }
        Ok(listed)
    }
}

pub(super) fn routes(loaded: LoadedConfig) -> Vec<HelperRoute> {
    let without = loaded.registries.into_iter().filter(|entry| entry.accounts.is_empty());
    let chosen = without.filter_map(|registry_entry| {
        Some(HelperRoute { helper: registry_entry.helper?, by: Some(registry_entry.registry) })
    });
    chosen.chain(loaded.fallback.map(|helper| HelperRoute { helper, by: None })).collect()
}

fn own_entry(entry: &RegistryAccounts, pinned: Option<&AccountName>) -> Option<(String, String)> {
    let account = pinned.map_or_else(|| entry.default_for(None), |name| entry.account(name.as_str()));
    let account = account.filter(|_| !entry.registry.is_pattern())?;
    Some((entry.registry.docker_key().to_owned(), account.username.to_string()))
}

/// Selects one server address for each registry. Prefers the spelling that Docker itself uses, because Docker may look
/// up only this spelling. Leaves out the entries of Docker Hub's tokens. Also leaves out addresses that contain a user
/// or a repository.
fn one_for_each(listed: Vec<(String, String)>) -> Vec<(Registry, String, String)> {
    let mut all: Vec<(Registry, String, String)> = Vec::new();
    for (server, user) in listed {
        let target = ServerUrl::parse(&server).map(|url| url.target().clone());
        let Some(Target::Registry { registry, user: None, repository: None }) = target else { continue };
        if !server.starts_with(Registry::HUB_SERVER_URL) || registry.is_docker_hub() {
            all.push((registry, server, user));
        }
    }
    all.sort_by_key(|(registry, server, _)| server != registry.docker_key());
    let mut seen = BTreeSet::new();
    all.retain(|(registry, ..)| seen.insert(registry.clone()));
    all
}

fn registry_of(server: &str) -> Registry {
    ServerUrl::parse(server).map_or_else(Registry::docker_hub, |url| url.target().registry().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_spellings_of_a_registry_one_is_listed() {
        let hub = Registry::HUB_SERVER_URL;
        let side = format!("{hub}access-token");
        for (listed, expected) in [
            (vec!["ghcr.io", "https://ghcr.io"], vec!["ghcr.io"]),
            (vec!["https://ghcr.io", "https://ghcr.io/v2/"], vec!["https://ghcr.io"]),
            (vec!["https://ghcr.io", "ghcr.io"], vec!["ghcr.io"]),
            (vec!["docker.io", side.as_str(), hub], vec![hub]),
            (vec!["https://index.docker.io/v1/other", "ghcr.io/acme", "me@ghcr.io", ""], vec![]),
        ] {
            let listed = listed.into_iter().map(|server| (server.to_owned(), "me".to_owned())).collect();
            let servers: Vec<_> = one_for_each(listed).into_iter().map(|(_, server, _)| server).collect();
            assert_eq!(servers, expected);
        }
    }
}
