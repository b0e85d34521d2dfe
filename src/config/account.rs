//! Reads and writes the form of an account in `config.json`. Each field needs one line in [`RawAccount`], in
//! `into_account` and in [`fields`].

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{callers, source};
use crate::model::{Account, Operation, Registry, StoreKind};
use crate::system::json::JsonString;

/// An account as it is written in the file. `username` and `store` borrow their text, because a registry may have ten
/// thousand accounts.
#[derive(Deserialize)]
#[serde(expecting = "an account, which is an object")]
pub(super) struct RawAccount<'a> {
    #[serde(borrow)]
    username: Option<JsonString<'a>>,
    #[serde(borrow)]
    store: Option<JsonString<'a>>,
    source: Option<Value>,
    #[serde(default)]
    images: Vec<String>,
    did: Option<String>,
    #[serde(rename = "for")]
    purpose: Option<String>,
    callers: Option<Value>,
    /// The folders in the user's own notation, such as `~/work`. [`Account`] contains the folders' absolute paths.
    #[serde(default)]
    folders: Vec<String>,
}

impl RawAccount<'_> {
    /// Parses the texts of all fields. An error begins with the path of the wrong field in the file (`registries.…`).
    pub(super) fn into_account(
        self,
        registry: &Registry,
        name: &str,
        expand: &impl Fn(&str) -> PathBuf,
    ) -> Result<Account, String> {
        let place =
            |what: &str, error: &dyn fmt::Display| format!("registries.{registry}.accounts.{name}{what}: {error}");
        let images = self.images.iter().map(|text| text.parse()).collect::<Result<_, _>>();
        Ok(Account {
            registry: registry.clone(),
            username: self.username.as_deref().unwrap_or(name).parse().map_err(|error| place(".username", &error))?,
            store: self.store.as_deref().map(StoreKind::parse).unwrap_or_default(),
            source: source::read(self.source),
            images: images.map_err(|error| place(".images", &error))?,
            folders: self.folders.iter().map(|text| expand(text)).collect(),
            purpose: self.purpose.map(|text| text.parse()).transpose().map_err(|error| place(".for", &error))?,
            did: self.did,
            callers: callers::read(self.callers),
            name: name.parse().map_err(|error| place("", &error))?,
        })
    }
}

/// Returns the account's fields as JSON. A field without a value is `null` or empty. The field `folders` is left out, so
/// that an edit does not change the folders in the file.
pub(super) fn fields(account: &Account) -> [(&'static str, Value); 7] {
    let images: Vec<_> = account.images.iter().map(ToString::to_string).collect();
    [
        ("username", json!(account.username.as_str())),
        ("store", json!(account.store.to_string())),
        ("source", source::write(&account.source)),
        ("images", json!(images)),
        ("did", json!(account.did)),
        ("for", json!(account.purpose.map(Operation::as_str))),
        ("callers", callers::write(&account.callers)),
    ]
}
