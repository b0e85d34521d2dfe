//! `ConfigDocument`: edits `config.json`. An edit leaves all other fields unchanged.
//!
//! Edits change the JSON directly, so that unknown fields and the order of fields are kept.

#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use super::reader::VERSION;
use super::{account, layout};
use crate::model::choice::DefaultAccount;
use crate::model::{Account, AccountName, HelperName, ImagePattern, MinimumGeneration, Registry, StoreKind};
use crate::system::json::without_mark;

/// The whole file as JSON. The top level is an object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ConfigDocument(Map<String, Value>);

impl ConfigDocument {
    pub(super) fn empty() -> Self {
        Self(Map::from_iter([("version".to_owned(), json!(VERSION)), ("registries".to_owned(), json!({}))]))
    }

    pub(super) fn parse(bytes: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(without_mark(bytes)).map(Self)
    }

    /// Adds an account, or updates the account's entry. The `folders` of an existing entry remain as they are.
    pub(crate) fn put(&mut self, account: &Account) {
        let fields = member(self.accounts(&account.registry), account.name.as_str());
        for (name, value) in account::fields(account) {
            set_or_remove(fields, name, value);
        }
    }

    /// Writes an account's folders as the user typed them, such as `~/work`.
    pub(crate) fn set_folders(&mut self, registry: &Registry, name: &AccountName, folders: &[String]) {
        set_or_remove(member(self.accounts(registry), name.as_str()), "folders", json!(folders));
    }

    /// Removes an account. If the registry then has no accounts, no helper and no public images, removes the registry
    /// too.
    pub(crate) fn remove(&mut self, registry: &Registry, name: &AccountName) {
        self.edit_aliases(registry, |_, accounts| accounts.retain(|account| account != name.as_str()));
        self.accounts(registry).shift_remove(name.as_str());
        if self.accounts(registry).is_empty() {
            for pointer in ["active", "previous"] {
                self.registry(registry).shift_remove(pointer);
            }
        }
        self.drop_if_empty(registry);
    }

    fn drop_if_empty(&mut self, registry: &Registry) {
        if self.accounts(registry).is_empty() && !self.has_rules(registry) {
            self.registries().retain(|key, _| !registry.is_key(key));
        }
    }

    fn has_rules(&mut self, registry: &Registry) -> bool {
        let entry = self.registry(registry);
        let has_public = entry.get("public").and_then(Value::as_array).is_some_and(|patterns| !patterns.is_empty());
        has_public || entry.get("helper").and_then(Value::as_str).is_some_and(|name| name.parse::<HelperName>().is_ok())
    }

    /// Sets or removes the helper of a registry or of a pattern of hosts.
    pub(crate) fn set_helper(&mut self, registry: &Registry, helper: Option<&HelperName>) {
        set_or_remove(self.registry(registry), "helper", json!(helper.map(ToString::to_string)));
        if helper.is_none() {
            self.drop_if_empty(registry);
        }
    }

    /// Sets or removes the fallback.
    pub(crate) fn set_fallback(&mut self, helper: Option<&HelperName>) {
        set_at(&mut self.0, 1, "fallback", helper.map(|helper| json!(helper.to_string())));
    }

    /// Sets the store for new secrets, or removes the setting.
    pub(crate) fn set_store(&mut self, store: Option<&StoreKind>) {
        set_at(&mut self.0, 1, "store", store.map(|store| json!(store.to_string())));
    }

    /// If the registry has an entry, sets the lowest accepted generation of the registry's sealed file.
    pub(crate) fn set_floor(&mut self, MinimumGeneration { registry, key, generation }: &MinimumGeneration) {
        let Some(name) = self.registries().keys().find(|name| registry.is_key(name)).cloned() else { return };
        member(member(self.registries(), &name), "sealed").insert(key.clone(), json!(generation));
    }

    /// Records the helper that the client's config `file` used before Ensign, or removes the record.
    pub(crate) fn set_replaced_store(&mut self, file: &str, store: Option<&str>) {
        self.set_entry("replacedStores", file, store);
    }

    /// Records another spelling of a registry's name.
    pub(crate) fn add_spelling(&mut self, registry: &Registry, spelling: &str) {
        let entry = self.registry(registry).entry("spellings").or_insert_with(|| json!([]));
        if let Some(spellings) = entry.as_array_mut()
            && !spellings.iter().any(|known| known == spelling)
        {
            spellings.push(json!(spelling));
        }
    }

    /// Sets the hosts for which an account answers in addition to the account's registry.
    pub(crate) fn set_also(&mut self, registry: &Registry, name: &AccountName, hosts: &[Registry]) {
        self.edit_aliases(registry, |host, accounts| {
            accounts.retain(|account| account != name.as_str());
            if hosts.contains(host) {
                accounts.push(json!(name.as_str()));
            }
        });
        let aliases = member(&mut self.0, "also");
        for host in hosts.iter().filter(|host| !aliases.keys().any(|key| host.is_key(key))).collect::<Vec<_>>() {
            let alias = json!({"registry": registry.as_str(), "accounts": [name.as_str()]});
            aliases.insert(host.as_str().to_owned(), alias);
        }
        self.drop_empty_aliases();
    }

    fn edit_aliases(&mut self, registry: &Registry, mut edit: impl FnMut(&Registry, &mut Vec<Value>)) {
        for (host, alias) in self.0.get_mut("also").and_then(Value::as_object_mut).into_iter().flatten() {
            let is_ours = alias.get("registry").and_then(Value::as_str).is_some_and(|key| registry.is_key(key));
            if is_ours && let Some(accounts) = alias.get_mut("accounts").and_then(Value::as_array_mut) {
                edit(&Registry::from_key(host), accounts);
            }
        }
        self.drop_empty_aliases();
    }

    fn drop_empty_aliases(&mut self) {
        let Some(aliases) = self.0.get_mut("also").and_then(Value::as_object_mut) else { return };
        aliases.retain(|_, alias| alias.get("accounts").and_then(Value::as_array).is_none_or(|all| !all.is_empty()));
        if aliases.is_empty() {
            self.0.shift_remove("also");
        }
    }

    /// Replaces an account's alias in all places of the config.
    pub(crate) fn rename(&mut self, registry: &Registry, from: &AccountName, to: &AccountName) {
        self.edit_aliases(registry, |_, accounts| {
            let renamed = accounts.iter_mut().filter(|account| *account == from.as_str());
            renamed.for_each(|account| *account = json!(to.as_str()));
        });
        let accounts = self.accounts(registry);
        if let Some(account) = accounts.get_mut(from.as_str()).map(object)
            && account.get("username").is_none_or(Value::is_null)
        {
            account.insert("username".into(), json!(from.as_str())); // without the field `username`, the alias was also the user name
        }
        *accounts = std::mem::take(accounts)
            .into_iter()
            .map(|(name, account)| (if name == from.as_str() { to.to_string() } else { name }, account))
            .collect();
        let entry = self.registry(registry);
        for pointer in ["active", "previous"] {
            if entry.get(pointer).and_then(Value::as_str) == Some(from.as_str()) {
                entry.insert(pointer.into(), json!(to.as_str()));
            }
        }
    }

    /// Sets the default account.
    pub(crate) fn set_active(&mut self, registry: &Registry, active: &DefaultAccount) {
        let value = match active {
            DefaultAccount::Account(name) => Some(json!(name.as_str())),
            DefaultAccount::SignedOut => Some(Value::Null),
            DefaultAccount::Unset => None,
        };
        set_at(self.registry(registry), 0, "active", value);
    }

    /// Records the account that was the default before a switch, or removes the record.
    pub(crate) fn set_previous(&mut self, registry: &Registry, name: Option<&AccountName>) {
        set_at(self.registry(registry), 1, "previous", name.map(|name| json!(name.as_str())));
    }

    /// Sets the patterns of public images.
    pub(crate) fn set_public(&mut self, registry: &Registry, patterns: &[ImagePattern]) {
        let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
        set_or_remove(self.registry(registry), "public", json!(patterns));
        self.drop_if_empty(registry);
    }

    /// Turns the journal on or off.
    pub(crate) fn set_journal(&mut self, wanted: bool) {
        set_or_remove(&mut self.0, "journal", if wanted { Value::Null } else { json!(false) });
    }

    /// Trusts a file as long as the file's content has this digest. If `digest` is `None`, ends the trust.
    pub(crate) fn set_trusted(&mut self, file: &str, digest: Option<&str>) {
        self.set_entry("trusted", file, digest);
    }

    /// Sets or removes an entry of one of the document's objects. An object without entries is removed.
    fn set_entry(&mut self, name: &str, key: &str, text: Option<&str>) {
        let entries = member(&mut self.0, name);
        set_or_remove(entries, key, json!(text));
        if entries.is_empty() {
            self.0.shift_remove(name);
        }
    }

    /// Returns the text of the file.
    pub(super) fn to_text(&self) -> String {
        layout::text(&self.0)
    }

    fn registries(&mut self) -> &mut Map<String, Value> {
        member(&mut self.0, "registries")
    }

    fn registry(&mut self, registry: &Registry) -> &mut Map<String, Value> {
        let key = self.registries().keys().find(|key| registry.is_key(key)).cloned();
        let key = key.unwrap_or_else(|| registry.as_str().to_owned());
        object(self.registries().entry(key).or_insert_with(|| json!({"accounts": {}})))
    }

    fn accounts(&mut self, registry: &Registry) -> &mut Map<String, Value> {
        member(self.registry(registry), "accounts")
    }
}

/// Returns `value` as an object. The config was parsed before, so `value` cannot have another type.
fn object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("the line above made an object")
}

/// Returns an object in `fields`, and adds the object if it is missing.
fn member<'f>(fields: &'f mut Map<String, Value>, name: &str) -> &'f mut Map<String, Value> {
    object(fields.entry(name).or_insert_with(|| json!({})))
}

fn set_or_remove(fields: &mut Map<String, Value>, name: &str, value: Value) {
    if value.is_null() || value.as_array().is_some_and(Vec::is_empty) {
        fields.shift_remove(name);
    } else {
        fields.insert(name.into(), value);
    }
}

/// Sets or removes a field. Inserts a new field at index `place`, where readers of the file expect the field.
fn set_at(fields: &mut Map<String, Value>, place: usize, name: &str, value: Option<Value>) {
    let Some(value) = value else {
        fields.shift_remove(name);
        return;
    };
    let place = fields.keys().position(|key| key == name).unwrap_or(place.min(fields.len()));
    fields.shift_insert(place, name.to_owned(), value);
}
