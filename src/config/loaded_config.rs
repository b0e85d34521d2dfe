//! `LoadedConfig`: the accounts and settings of a config.

use std::rc::Rc;

use super::atcr::AdoptedAccounts;
use crate::model::choice::{HelperRoute, RegistryAccounts, TrustedFile};
use crate::model::{HelperName, HostAlias, MinimumGeneration, Registry, StoreKind};

#[derive(Debug, Default)]
pub(crate) struct LoadedConfig {
    pub(super) version: u64,
    pub(crate) registries: Vec<RegistryAccounts>,
    /// Whether the journal is on. Only `"journal": false` in the file turns the journal off.
    pub(crate) journal: bool,
    pub(crate) trusted: Rc<[TrustedFile]>,
    pub(crate) fallback: Option<HelperName>,
    /// The additional hosts for which a registry's accounts answer.
    pub(crate) also: Vec<HostAlias>,
    /// The store of new secrets, if the config sets a store.
    pub(crate) store: Option<StoreKind>,
    /// The lowest accepted generations of the sealed files.
    pub(crate) floors: Vec<MinimumGeneration>,
    /// The accounts of ATCR's helper and their secrets. Ensign reads ATCR's file only if there is no `config.json`.
    pub(crate) adopted: Option<AdoptedAccounts>,
}

impl LoadedConfig {
    /// Returns the config of a machine without a `config.json`.
    pub(super) fn without_file(adopted: Option<AdoptedAccounts>) -> Self {
        let registries = adopted.as_ref().map(|adopted| adopted.registries.clone()).unwrap_or_default();
        Self { registries, journal: true, adopted, ..Self::default() }
    }

    /// Returns the entry of `registry`. If the entry has no account, also returns the helper that answers.
    pub(crate) fn into_only(
        self,
        registry: &Registry,
    ) -> (RegistryAccounts, Option<HelperRoute>, Option<AdoptedAccounts>) {
        let entry = RegistryAccounts { trusted: self.trusted, ..RegistryAccounts::for_host(self.registries, registry) };
        let route = match (&entry.helper, self.fallback) {
            _ if !entry.accounts.is_empty() => None,
            (Some(helper), _) => Some(HelperRoute { helper: helper.clone(), by: Some(entry.registry.clone()) }),
            (None, fallback) => fallback.map(|helper| HelperRoute { helper, by: None }),
        };
        (entry, route, self.adopted)
    }
}

/// Returns the entry of a registry, and adds an empty entry if there is none.
pub(super) fn entry_of<'r>(entries: &'r mut Vec<RegistryAccounts>, registry: &Registry) -> &'r mut RegistryAccounts {
    let place = entries.iter().position(|entry| entry.registry == *registry).unwrap_or_else(|| {
        entries.push(RegistryAccounts::none(registry));
        entries.len() - 1
    });
    &mut entries[place]
}
