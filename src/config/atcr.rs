//! Adopts the accounts of ATCR's credential helper from `~/.atcr/device.json`. Ensign treats the three formats of this
//! file as versions 0 to 2 of its own config.
//!
//! Ensign adopts the accounts once, when there is no config of Ensign, and leaves ATCR's file unchanged. ATCR's
//! documents and the plan `CREDENTIAL_HELPER_V2.md` define the formats.

use anyhow::{Error, Result};
use serde_json::{Map, Value};

use super::loaded_config::entry_of;
use crate::model::choice::{DefaultAccount, RegistryAccounts};
use crate::model::{Account, Problem, Registry, Secret, StoredSecret};
use crate::system::env::Env;
use crate::system::files;
use crate::system::text::quote_path;

/// The accounts of ATCR's file, with their secrets in memory.
#[derive(Debug)]
pub(crate) struct AdoptedAccounts {
    pub(crate) registries: Vec<RegistryAccounts>,
    pub(crate) secrets: Vec<(Account, Secret)>,
    /// The reasons why entries could not be adopted, one reason for each entry.
    pub(crate) skipped: Vec<String>,
}

/// An entry of ATCR's file, in any of the three formats.
struct AtcrEntry<'v> {
    registry: &'v str,
    name: Option<&'v str>,
    fields: &'v Map<String, Value>,
    active: bool,
}

const LIMIT: u64 = 4 << 20;

impl AdoptedAccounts {
    /// Reads `~/.atcr/device.json`. Returns `None` if the file is missing, is empty, has another format, or contains no
    /// account. An unreadable file is an error, because as soon as there is a `config.json`, Ensign no longer reads
    /// ATCR's file.
    pub(crate) fn find(env: &Env) -> Result<Option<Self>> {
        let Some(path) = env.home().map(|home| home.join(".atcr").join("device.json")) else { return Ok(None) };
        let unreadable = |why: String| {
            let [from, to] = ["", ".old"].map(|ending| files::sibling(&path, ending));
            let [from, to] = [&from, &to].map(|path| quote_path(path));
            let message = format!("could not adopt the accounts of ATCR's helper: {why}");
            Problem::new(message, format!("fix that file, or ignore it: `mv {from} {to}`"))
        };
        let message = |error: Error| match error.downcast::<Problem>() {
            Ok(problem) => problem.message,
            Err(error) => format!("{error:#}"),
        };
        let bytes = files::read(&path, LIMIT).map_err(|error| unreadable(message(error)))?;
        let Some(bytes) = bytes.filter(|bytes| !bytes.trim_ascii().is_empty()) else { return Ok(None) };
        let document = serde_json::from_slice(&bytes).map_err(|error| {
            let (path, line) = (env.shorten_home(&path), error.line()); // the content may be secret
            unreadable(format!("`{path}` is broken at line {line}"))
        })?;
        Ok(Self::from_json(&document).filter(|adopted| !adopted.registries.is_empty()))
    }

    /// Reads the accounts of ATCR's file from its JSON; `None` for a document in another format.
    pub(crate) fn from_json(document: &Value) -> Option<Self> {
        let mut adopted = Self { registries: vec![], secrets: vec![], skipped: vec![] };
        for entry in entries(document)? {
            if let Err(reason) = adopted.take(&entry) {
                adopted.skipped.push(format!(
                    "{} on {}: {reason}",
                    entry.handle().unwrap_or("an account"),
                    entry.registry
                ));
            }
        }
        Some(adopted)
    }

    /// Returns the account's secret in ATCR's file.
    pub(crate) fn secret(&self, account: &Account) -> Option<StoredSecret> {
        let (_, secret) = self.secrets.iter().find(|(other, _)| other == account)?;
        Some(secret.copy().into())
    }

    fn take(&mut self, entry: &AtcrEntry<'_>) -> Result<(), String> {
        let registry: Registry = entry.registry.parse().map_err(|error| format!("{error}"))?;
        let handle = entry.handle().ok_or("the entry has no handle")?;
        let secret =
            entry.text("device_secret").filter(|secret| !secret.is_empty()).ok_or("the entry has no secret")?;
        let account = Account {
            did: entry.text("did").map(str::to_owned),
            ..Account::new(registry.clone(), handle.parse().map_err(|error| format!("{error}"))?)
        };
        let candidates = entry_of(&mut self.registries, &registry);
        if candidates.accounts.iter().any(|other| other.name == account.name) {
            return Err("the account appears twice".into());
        }
        if entry.active {
            candidates.active = DefaultAccount::Account(account.name.clone());
        }
        candidates.accounts.push(account.clone());
        self.secrets.push((account, Secret::new(secret.to_owned())));
        Ok(())
    }
}

fn entries(document: &Value) -> Option<Vec<AtcrEntry<'_>>> {
    let top = document.as_object()?;
    let mut entries = Vec::new();
    if let Some(registries) = top.get("registries").and_then(Value::as_object) {
        for (registry, value) in registries {
            let active = value.get("active").and_then(Value::as_str);
            for (name, account) in value.get("accounts").and_then(Value::as_object).into_iter().flatten() {
                let Some(fields) = account.as_object() else { continue };
                entries.push(AtcrEntry { registry, name: Some(name), fields, active: active == Some(name) });
            }
        }
    } else if let Some(credentials) = top.get("credentials").and_then(Value::as_object) {
        for (registry, account) in credentials {
            let Some(fields) = account.as_object() else { continue };
            entries.push(AtcrEntry { registry, name: None, fields, active: true });
        }
    } else {
        let registry = top.get("appview_url").and_then(Value::as_str)?;
        entries.push(AtcrEntry { registry, name: None, fields: top, active: true });
    }
    Some(entries)
}

impl<'v> AtcrEntry<'v> {
    fn text(&self, field: &str) -> Option<&'v str> {
        self.fields.get(field).and_then(Value::as_str)
    }

    fn handle(&self) -> Option<&'v str> {
        self.text("handle").or(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::files::Access;
    use serde_json::json;

    /// Returns each adopted registry with its active account and its accounts, and the texts about skipped entries.
    fn summary(document: &Value) -> Option<(Vec<String>, Vec<String>)> {
        let adopted = AdoptedAccounts::from_json(document)?;
        let registries = adopted.registries.iter().map(|entry| {
            let accounts: Vec<_> = entry.accounts.iter().map(|account| account.username.as_str()).collect();
            let active = entry.active_account().map_or("nobody", |account| account.name.as_str());
            format!("{} {active}: {}", entry.registry, accounts.join(", "))
        });
        Some((registries.collect(), adopted.skipped))
    }

    #[test]
    fn the_three_formats_become_accounts() {
        let secret = |handle: &str| json!({"handle": handle, "did": "did:plc:a", "device_secret": "atcr_device_x", "unknown": 1});
        for (document, registries) in [
            (
                json!({"handle": "a.example", "device_secret": "s", "appview_url": "https://atcr.io"}),
                vec!["atcr.io a.example: a.example"],
            ),
            (
                json!({"credentials": {"https://atcr.io/": secret("a.example"), "buoy.cr": secret("b.example")}}),
                vec!["atcr.io a.example: a.example", "buoy.cr b.example: b.example"],
            ),
            (
                json!({"version": 2, "registries": {"https://atcr.io": {"active": "b.example",
                    "accounts": {"a.example": secret("a.example"), "b.example": {"device_secret": "s"}}}}}),
                vec!["atcr.io b.example: a.example, b.example"],
            ),
        ] {
            assert_eq!(
                summary(&document).unwrap(),
                (registries.into_iter().map(str::to_owned).collect(), vec![]),
                "{document}"
            );
        }
        let adopted = AdoptedAccounts::from_json(&json!({"credentials": {"atcr.io": secret("a.example")}})).unwrap();
        assert_eq!(adopted.secrets[0].0.did.as_deref(), Some("did:plc:a"));
    }

    #[test]
    fn a_file_without_accounts_gives_nothing_and_a_broken_one_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let env = Env::in_folder(folder.path(), vec![]);
        assert!(AdoptedAccounts::find(&env).unwrap().is_none());
        for (text, count) in [
            ("", Some(0)),
            (" \n", Some(0)),
            ("{}", Some(0)),
            (r#"{"credentials": {"x": 1}}"#, Some(0)),
            (r#"{"handle": "a.example", "device_secret": "s", "appview_url": "https://atcr.io"}"#, Some(1)),
            ("{\n\"device_secret\": hunter2", None),
        ] {
            files::replace(&folder.path().join(".atcr/device.json"), text.as_bytes(), Access::Private).unwrap();
            match AdoptedAccounts::find(&env) {
                Ok(adopted) => assert_eq!(adopted.map_or(0, |adopted| adopted.secrets.len()), count.unwrap(), "{text}"),
                Err(error) => {
                    let error = error.to_string();
                    assert!(count.is_none() && error.contains("device.json` is broken at line 2"), "{error}");
                    assert!(!error.contains("hunter2"), "{error}");
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_taken_over_is_named() {
        let document = json!({"credentials": {"https://atcr.io": {"handle": "a"}, "ftp://x": {"handle": "b", "device_secret": "s"}, "y": 1}});
        let skipped = summary(&document).unwrap().1;
        assert_eq!(skipped[0], "a on https://atcr.io: the entry has no secret");
        assert!(skipped[1].starts_with("b on ftp://x: a registry is"));
        for nothing in [json!([]), json!({}), json!("x"), json!({"handle": "a"})] {
            assert_eq!(summary(&nothing), None);
        }
    }
}
