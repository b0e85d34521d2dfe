//! Saves one login, or several logins in one change of the config.

use std::collections::BTreeMap;
use std::time::SystemTime;

use anyhow::{Error, Result, bail};

use super::{Accounts, Activation, NewLogin, Transaction, copy};
use crate::model::choice::{DefaultAccount, RegistryAccounts};
use crate::model::{Account, Registry};
use crate::vault::is_known_store;

impl Accounts<'_> {
    /// Saves a login, which adds an account or renews an existing account. Saving the same login a second time changes
    /// nothing.
    pub(crate) fn save(&self, login: &NewLogin) -> Result<Account> {
        if let Some(account) = self.returned(login)? {
            return Ok(account);
        }
        self.save_all(&[login])?.remove(0)
    }

    /// Saves several logins, and writes each file only once. The secrets of each registry are written first, and then
    /// the config. If one login fails, the other logins are still saved. If the config cannot be written, no login is
    /// saved. If an account renews its own secret, a saved static secret would stop the renewals.
    /// [`Accounts::preview_all`] finds such accounts.
    pub(crate) fn save_all(&self, logins: &[&NewLogin]) -> Result<Vec<Result<Account>>> {
        if logins.is_empty() {
            return Ok(vec![]);
        }
        let mut results: Vec<Result<Account>> = vec![];
        let changed = self.change(|edit| {
            results = put_secrets(edit, logins);
            if results.iter().all(Result::is_err) {
                bail!("nothing was kept"); // so that nothing is written
            }
            enter(edit, logins, &results);
            Ok(())
        });
        match changed {
            Err(error) if results.is_empty() || results.iter().any(Result::is_ok) => Err(error),
            _ => Ok(results),
        }
    }
}

/// Finds the account of each login, and saves the login's secret. The secrets for one of Ensign's own files are saved
/// together.
fn put_secrets(edit: &mut Transaction<'_>, logins: &[&NewLogin]) -> Vec<Result<Account>> {
    let now = SystemTime::now();
    let mut results = vec![];
    let mut registries: BTreeMap<&Registry, RegistryAccounts> = BTreeMap::new();
    let mut files: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (place, login) in logins.iter().enumerate() {
        let candidates = registries.entry(&login.registry).or_insert_with(|| edit.registry_accounts(&login.registry));
        let result = login.account(candidates, &edit.store).map_err(Error::from).and_then(|account| {
            step(candidates, login, &account);
            match login.stored_from(now) {
                Some(stored) if account.store.keeps_its_own_files() => {
                    let file = files.entry((account.store.clone(), &login.registry)).or_default();
                    file.push((place, account.clone(), stored));
                }
                Some(stored) => edit.secrets.put(&account, &stored)?,
                None => edit.gone.push(account.clone()), // the old secret is removed after the config is written
            }
            Ok(account)
        });
        results.push(result);
    }
    for file in files.values() {
        let secrets: Vec<_> = file.iter().map(|(_, account, stored)| (account, stored)).collect();
        if let Err(error) = edit.secrets.put_together(&secrets) {
            for (place, ..) in file {
                results[*place] = Err(copy(&error));
            }
        }
    }
    results
}

/// Writes the accounts of the saved secrets into the config.
fn enter(edit: &mut Transaction<'_>, logins: &[&NewLogin], results: &[Result<Account>]) {
    let mut registries: BTreeMap<&Registry, (RegistryAccounts, RegistryAccounts)> = BTreeMap::new();
    for (login, result) in logins.iter().zip(results) {
        let Ok(account) = result else { continue };
        let (before, after) = registries.entry(&login.registry).or_insert_with(|| {
            let known = edit.registry_accounts(&login.registry);
            (known.clone(), known)
        });
        edit.document.put(account);
        for spelling in &login.spellings {
            edit.document.add_spelling(&login.registry, spelling);
        }
        let moved = |old: &&Account| old.store != account.store && is_known_store(&old.store);
        edit.gone.extend(before.called(account.name.as_str()).filter(moved).cloned());
        step(after, login, account);
    }
    for (registry, (before, after)) in registries {
        if let (Some(active), true) = (after.active_account(), after != before) {
            edit.activate(registry, &active.name);
        }
    }
}

/// Adds the login's account to the registry, and sets the registry's default account. The login's account becomes the
/// default account if the registry has no default account, or if `login.activate` requires it.
fn step(candidates: &mut RegistryAccounts, login: &NewLogin, account: &Account) {
    let default = candidates.default_account().filter(|_| login.activate == Activation::IfNone);
    let active = default.map_or(&account.name, |default| &default.name).clone();
    candidates.active = DefaultAccount::Account(active);
    match candidates.accounts.iter_mut().find(|old| old.name == account.name) {
        Some(old) => old.clone_from(account),
        None => candidates.accounts.push(account.clone()),
    }
}
