//! Parses version 3 of `config.json`, for one registry or for all registries.
//!
//! The parser reads the bytes once. The parser skips registries that were not requested, because `get` must be fast.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::rc::Rc;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::account::RawAccount;
use super::host_alias::HostAliases;
use super::loaded_config::LoadedConfig;
use crate::model::choice::{DefaultAccount, RegistryAccounts, TrustedFile};
use crate::model::{HostAlias, MinimumGeneration, Registry, StoreKind, key_covers};
use crate::system::json::{JsonString, without_mark};

/// The version of the format that this program writes. Versions 0, 1 and 2 are ATCR's formats. The module `atcr` reads
/// these formats.
pub(super) const VERSION: u64 = 3;

/// Parses the entries that match the host `wanted`. If `wanted` is `None`, parses all entries.
///
/// `expand` returns the absolute path of a folder from a notation such as `~/work`.
pub(super) fn read(
    bytes: &[u8],
    wanted: Option<&Registry>,
    expand: impl Fn(&str) -> PathBuf,
) -> serde_json::Result<LoadedConfig> {
    let mut json = serde_json::Deserializer::from_slice(without_mark(bytes));
    let mut raw = json.deserialize_map(ConfigVisitor { wanted })?;
    json.end()?;
    let version = raw.version.ok_or_else(|| serde_json::Error::custom("there is no `version`"))?;
    if version < VERSION {
        return Err(serde_json::Error::custom(format_args!("version {version} is not a version of Ensign's config")));
    }
    let digest = |(file, digest): (String, Value)| {
        Some(TrustedFile { file: file.into(), digest: digest.as_str()?.to_owned() }) // an unknown form is ignored
    };
    let trusted = raw.trusted.into_iter().filter_map(digest).collect();
    let mut floors = vec![];
    for (registry, raw) in &mut raw.registries {
        let minimum = |(key, generation)| MinimumGeneration { registry: registry.clone(), key, generation };
        floors.extend(std::mem::take(&mut raw.sealed).into_iter().map(minimum));
    }
    let store = raw.store.as_deref().map(StoreKind::parse);
    let registries =
        raw.registries.into_iter().map(|(registry, raw)| candidates(registry, raw, &expand)).collect::<Result<_, _>>();
    let fallback = raw.fallback.and_then(|name| name.parse().ok());
    let registries = registries.map_err(serde_json::Error::custom)?;
    let (journal, also) = (raw.journal, raw.also);
    Ok(LoadedConfig { version, registries, fallback, journal, trusted, also, store, floors, adopted: None })
}

/// The settings that other modules parse.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawSettings {
    /// The user's own identity providers.
    pub(super) providers: Option<Value>,
    /// The server where `update` looks for releases.
    pub(super) releases: Option<Value>,
    /// For each config of a client, the helper that the client used before Ensign.
    pub(super) replaced_stores: Option<Value>,
}

pub(super) fn settings(bytes: &[u8]) -> serde_json::Result<RawSettings> {
    serde_json::from_slice(without_mark(bytes))
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `active` and `accounts`")]
struct RawRegistry<'a> {
    #[serde(default)]
    active: RawDefaultAccount,
    previous: Option<String>,
    #[serde(default)]
    public: Vec<String>,
    helper: Option<String>,
    #[serde(default)]
    spellings: Vec<String>,
    /// The lowest accepted generations, by the id of the data key.
    #[serde(default)]
    sealed: BTreeMap<String, u64>,
    #[serde(borrow, default, deserialize_with = "in_order")]
    accounts: Vec<(JsonString<'a>, RawAccount<'a>)>,
}

/// The default account as in the file. An absent field means that nothing is set, and `null` means signed out.
#[derive(Default, Deserialize)]
#[serde(from = "Option<String>")]
enum RawDefaultAccount {
    #[default]
    Absent,
    Null,
    Name(String),
}

impl From<Option<String>> for RawDefaultAccount {
    fn from(value: Option<String>) -> Self {
        value.map_or(Self::Null, Self::Name)
    }
}

struct RawConfig<'a> {
    version: Option<u64>,
    fallback: Option<String>,
    registries: Vec<(Registry, RawRegistry<'a>)>,
    journal: bool,
    /// Digests by file.
    trusted: Map<String, Value>,
    also: Vec<HostAlias>,
    store: Option<String>,
}

/// Parses a registry's texts. An error begins with the path of the wrong field in the file.
fn candidates(
    registry: Registry,
    raw: RawRegistry<'_>,
    expand: &impl Fn(&str) -> PathBuf,
) -> Result<RegistryAccounts, String> {
    let mut accounts = Vec::with_capacity(raw.accounts.len());
    for (name, raw) in raw.accounts {
        accounts.push(raw.into_account(&registry, &name, expand)?);
    }
    let mut names: Vec<_> = accounts.iter().map(|account| account.name.as_str()).collect();
    names.sort_unstable();
    if let Some(name) = names.array_windows().find_map(|[name, next]| (name == next).then_some(name)) {
        return Err(format!("registries.{registry}.accounts.{name} appears twice"));
    }
    let active = match raw.active {
        RawDefaultAccount::Absent => DefaultAccount::Unset,
        RawDefaultAccount::Null => DefaultAccount::SignedOut,
        RawDefaultAccount::Name(name) => {
            DefaultAccount::Account(name.parse().map_err(|error| format!("registries.{registry}.active: {error}"))?)
        }
    };
    let previous = raw.previous.and_then(|name| name.parse().ok());
    let public = raw.public.iter().map(|text| text.parse()).collect::<Result<_, _>>();
    let public = public.map_err(|error| format!("registries.{registry}.public: {error}"))?;
    let helper = raw.helper.and_then(|name| name.parse().ok()); // an invalid name is ignored
    let (host, spellings, trusted) = (registry.clone(), raw.spellings, Rc::default());
    Ok(RegistryAccounts { registry, host, spellings, active, previous, public, helper, accounts, trusted })
}

/// Reads a JSON object as a list of members. The list keeps the order of the members, and keeps duplicates.
pub(super) fn in_order<'de, D: Deserializer<'de>, K: Deserialize<'de>, V: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<(K, V)>, D::Error> {
    struct EntriesVisitor<K, V>(PhantomData<(K, V)>);
    impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for EntriesVisitor<K, V> {
        type Value = Vec<(K, V)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = map.next_entry()? {
                entries.push(entry);
            }
            Ok(entries)
        }
    }
    deserializer.deserialize_map(EntriesVisitor(PhantomData))
}

/// Parses the document's top level.
struct ConfigVisitor<'w> {
    wanted: Option<&'w Registry>,
}

impl<'de> Visitor<'de> for ConfigVisitor<'_> {
    type Value = RawConfig<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `version` and `registries`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawConfig<'de>, A::Error> {
        let (mut version, mut registries, mut fallback, mut store, mut journal) = (None, None, None, None, true);
        let (mut trusted, mut also) = (Map::new(), Vec::new());
        while let Some(key) = map.next_key::<JsonString<'_>>()? {
            match &*key {
                "version" => version = Some(map.next_value()?),
                "fallback" => fallback = map.next_value()?,
                "store" => store = map.next_value()?,
                "registries" if registries.is_some() => {
                    return Err(A::Error::custom("registries appears twice"));
                }
                "registries" => registries = Some(map.next_value_seed(RegistriesVisitor { wanted: self.wanted })?),
                "journal" => journal = map.next_value::<Value>()? != Value::Bool(false),
                "trusted" => trusted = map.next_value()?,
                "also" => also = map.next_value::<HostAliases>()?.0,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(RawConfig { version, fallback, registries: registries.unwrap_or_default(), journal, trusted, also, store })
    }
}

/// Parses the object of registries. Registries that do not match `wanted` are skipped.
struct RegistriesVisitor<'w> {
    wanted: Option<&'w Registry>,
}

impl<'de> DeserializeSeed<'de> for RegistriesVisitor<'_> {
    type Value = Vec<(Registry, RawRegistry<'de>)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RegistriesVisitor<'_> {
    type Value = Vec<(Registry, RawRegistry<'de>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of registries")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut found, mut seen): (Self::Value, _) = (Vec::new(), BTreeSet::new());
        while let Some(key) = map.next_key::<JsonString<'_>>()? {
            let Some(registry) = self.registry(&key) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if !seen.insert(registry.clone()) {
                return Err(A::Error::custom(format_args!("registries.{registry} appears twice")));
            }
            found.push((registry, map.next_value()?));
        }
        Ok(found)
    }
}

impl RegistriesVisitor<'_> {
    /// Returns the registry with this key, if it matches `wanted`. Other keys need no allocation.
    fn registry(&self, key: &str) -> Option<Registry> {
        match self.wanted {
            None => Some(Registry::from_key(key)),
            Some(wanted) if key.contains('*') => {
                let covers = key_covers(key, wanted) || (wanted.is_pattern() && wanted.is_key(key));
                covers.then(|| Registry::from_key(key))
            }
            Some(wanted) => wanted.is_key(key).then(|| wanted.clone()),
        }
    }
}
