//! Tests of accounts, each in a home folder of its own.

mod answers;
mod changes;
mod renewals;

use std::path::Path;

use super::*;
use crate::model::env_account::{self, EnvAccount};
use crate::model::{AccountName, Secret, StoredSecret};
use crate::system::files::{self, Access};

/// A home with these settings in `config.json`. The config names the store, so that no keyring is asked.
fn home(settings: &str, mounted: Vec<EnvAccount>) -> (tempfile::TempDir, Env) {
    let folder = tempfile::tempdir().unwrap();
    let env = Env::in_folder(folder.path(), mounted);
    write(&folder.path().join("config/config.json"), &format!(r#"{{"version": 3, "store": "file"{settings}}}"#));
    (folder, env)
}

fn write(path: &Path, text: &str) {
    files::replace(path, text.as_bytes(), Access::Private).unwrap();
}

fn account_from_env(name: &str, text: &str) -> EnvAccount {
    env_account::read_variable(name, text).unwrap()
}

fn registry(text: &str) -> Registry {
    Registry::from_key(text)
}

fn name(text: &str) -> AccountName {
    text.parse().unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn login(host: &str, user: &str, text: &str) -> NewLogin {
    NewLogin::new(registry(host), user.parse().unwrap(), secret(text).into())
}

/// Returns the accounts of a registry in their order. A star marks the default account.
fn names(accounts: &Accounts<'_>, host: &str) -> String {
    let entry = accounts.only_of(&registry(host)).unwrap();
    let star = |account: &Account| if entry.active_account() == Some(account) { "*" } else { "" };
    let names = entry.accounts.iter().map(|account| format!("{}{}", account.name, star(account)));
    names.collect::<Vec<_>>().join(" ")
}

fn account(accounts: &Accounts<'_>, host: &str, name: &str) -> Account {
    accounts.only_of(&registry(host)).unwrap().account(name).unwrap().clone()
}

#[expect(clippy::disallowed_methods, reason = "compared in a test")]
fn exposed(stored: Option<StoredSecret>) -> Option<String> {
    stored.map(|stored| stored.secret.expose().to_owned())
}

fn stored(accounts: &Accounts<'_>, host: &str, name: &str) -> Option<String> {
    exposed(accounts.stored(&account(accounts, host, name)).unwrap())
}
