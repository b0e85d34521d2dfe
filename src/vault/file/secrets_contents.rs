//! `SecretsContents`: the content of a file with a registry's secrets.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::model::{AccountName, HubToken, Secret, StoredSecret, Username};
use crate::system::json::JsonString;
use crate::vault::written_secret::WrittenSecret;

/// A registry's secrets, with the account's name as the key. For Docker Hub, `tokens` contains the two tokens that
/// `docker login` stores for each user.
#[derive(Default, Deserialize, Serialize)]
pub(in crate::vault) struct SecretsContents {
    pub(super) version: u64,
    #[serde(default)]
    pub(super) secrets: BTreeMap<String, WrittenSecret>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) tokens: BTreeMap<String, BTreeMap<String, WrittenSecret>>,
}

/// The version of the file format.
pub(super) const VERSION: u64 = 1;

/// Reads one account's secret from the text of a file. Parses no other secret in the file.
pub(super) fn find(text: &[u8], name: &AccountName) -> serde_json::Result<Option<StoredSecret>> {
    SecretSearch { place: SearchLevel::Top, account: name.as_str() }
        .deserialize(&mut serde_json::Deserializer::from_slice(text))
}

/// Reads all secrets from the text of a file, even if a newer Ensign wrote the file. A secret that cannot be read is
/// `None`, so that the other accounts keep their secrets.
pub(super) fn all(text: &[u8]) -> serde_json::Result<BTreeMap<String, Option<StoredSecret>>> {
    #[derive(Deserialize)]
    struct RawSecrets<'a> {
        #[serde(borrow, default)]
        secrets: BTreeMap<String, &'a RawValue>,
    }
    let RawSecrets { secrets } = RawSecrets::deserialize(&mut serde_json::Deserializer::from_slice(text))?;
    let read = |raw: &RawValue| Some(serde_json::from_str::<WrittenSecret>(raw.get()).ok()?.0);
    Ok(secrets.into_iter().map(|(name, raw)| (name, read(raw))).collect())
}

impl SecretsContents {
    pub(super) fn is_empty(&self) -> bool {
        self.secrets.is_empty() && self.tokens.is_empty()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.secrets.keys().cloned().collect()
    }

    pub(in crate::vault) fn token_users(self) -> impl Iterator<Item = String> {
        self.tokens.into_keys()
    }

    pub(super) fn take_token(&mut self, user: &Username, token: HubToken) -> Option<Secret> {
        let WrittenSecret(stored) = self.tokens.get_mut(user.as_str())?.remove(token.name())?;
        Some(stored.secret)
    }

    pub(in crate::vault) fn put(&mut self, name: &AccountName, stored: &StoredSecret) -> bool {
        insert(&mut self.secrets, name.as_str(), stored)
    }

    pub(in crate::vault) fn remove(&mut self, name: &str) -> bool {
        self.secrets.remove(name).is_some()
    }

    pub(in crate::vault) fn put_token(&mut self, user: &Username, token: HubToken, secret: &Secret) -> bool {
        insert(self.tokens.entry(user.as_str().to_owned()).or_default(), token.name(), &secret.copy().into())
    }

    pub(in crate::vault) fn remove_token(&mut self, user: &Username, token: HubToken) -> bool {
        let Some(tokens) = self.tokens.get_mut(user.as_str()) else { return false };
        let removed = tokens.remove(token.name()).is_some();
        if tokens.is_empty() {
            self.tokens.remove(user.as_str());
        }
        removed
    }
}

/// Inserts a secret, and returns whether anything changed.
fn insert(entries: &mut BTreeMap<String, WrittenSecret>, name: &str, stored: &StoredSecret) -> bool {
    if entries.get(name).is_some_and(|old| old.0 == *stored) {
        return false;
    }
    entries.insert(name.to_owned(), WrittenSecret(stored.copy()));
    true
}

/// Finds one account's secret in the document, and skips all other values.
#[derive(Clone, Copy)]
struct SecretSearch<'n> {
    place: SearchLevel,
    account: &'n str,
}

#[derive(Clone, Copy)]
enum SearchLevel {
    Top,
    Secrets,
}

impl<'de> DeserializeSeed<'de> for SecretSearch<'_> {
    type Value = Option<StoredSecret>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for SecretSearch<'_> {
    type Value = Option<StoredSecret>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of secrets")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<JsonString<'_>>()? {
            match self.place {
                SearchLevel::Top if *key == *"secrets" => {
                    found = map.next_value_seed(Self { place: SearchLevel::Secrets, ..self })?;
                }
                SearchLevel::Secrets if *key == *self.account => found = Some(map.next_value::<WrittenSecret>()?.0),
                SearchLevel::Top | SearchLevel::Secrets => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(found)
    }
}
