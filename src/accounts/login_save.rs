//! Saves one login, or several logins in one change of the config.

use std::collections::BTreeMap;
use std::time::SystemTime;

use anyhow::{Error, Result, anyhow, bail};

use super::{Accounts, Activation, NewLogin, Transaction};
use crate::model::choice::{DefaultAccount, RegistryAccounts};
use crate::model::{Account, Problem, Registry, StoredSecret};
use crate::vault::is_known_store;

impl Accounts<'_> {
    /// Saves a login, which adds an account or renews it. Saving the same login a second time changes nothing.
    pub(crate) fn save(&self, login: &NewLogin) -> Result<Account> {
        if let Some(account) = self.returned(login)? {
            return Ok(account);
        }
        self.save_all(&[login])?.remove(0)
    }

    /// Saves several logins, and writes each file only once. The secrets of each registry are written first, and then
    /// the config. If one login fails, the other logins are still saved. If the config cannot be written, no login is
    /// saved. [`Accounts::preview_all`] finds accounts that renew their own secrets. If an account renews its own
    /// secret, a saved static secret would stop the renewals.
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

/// Finds the account of each login, and saves the login's secret.
fn put_secrets(edit: &mut Transaction<'_>, logins: &[&NewLogin]) -> Vec<Result<Account>> {
    let now = SystemTime::now();
    let mut results: BTreeMap<usize, Result<Account>> = BTreeMap::new();
    for (registry, places) in by_registry(logins) {
        let mut candidates = edit.registry_accounts(registry);
        let mut for_files = vec![];
        for place in places {
            let account = match logins[place].account(&candidates, &edit.store) {
                Ok(account) => account,
                Err(problem) => {
                    results.insert(place, Err(problem.into()));
                    continue;
                }
            };
            step(&mut candidates, logins[place], &account);
            match logins[place].stored_from(now) {
                Some(stored) if account.store.keeps_its_own_files() => for_files.push((place, account, stored)),
                Some(stored) => drop(results.insert(place, edit.secrets.put(&account, &stored).map(|()| account))),
                None => {
                    edit.gone.push(account.clone()); // the account's old secret is removed after the config is written
                    results.insert(place, Ok(account));
                }
            }
        }
        for_files.sort_by_key(|(_, account, _)| account.store.to_string());
        for together in for_files.chunk_by(|(_, candidate, _), (_, other, _)| candidate.store == other.store) {
            results.extend(put_together(edit, together));
        }
    }
    results.into_values().collect()
}

fn put_together(
    edit: &mut Transaction<'_>,
    secrets: &[(usize, Account, StoredSecret)],
) -> Vec<(usize, Result<Account>)> {
    let entries: Vec<_> = secrets.iter().map(|(_, account, stored)| (account, stored)).collect();
    match edit.secrets.put_together(&entries) {
        Ok(()) => secrets.iter().map(|(place, account, _)| (*place, Ok(account.clone()))).collect(),
        Err(error) => {
            let again = secrets.iter().skip(1).map(|(place, ..)| (*place, Err(copy(&error)))).collect::<Vec<_>>();
            secrets.first().map(|(place, ..)| (*place, Err(error))).into_iter().chain(again).collect()
        }
    }
}

/// Writes the accounts of the saved secrets into the config.
fn enter(edit: &mut Transaction<'_>, logins: &[&NewLogin], results: &[Result<Account>]) {
    for (registry, places) in by_registry(logins) {
        let known = edit.registry_accounts(registry);
        let mut candidates = known.clone();
        for (login, account) in
            places.into_iter().filter_map(|place| Some((logins[place], results[place].as_ref().ok()?)))
        {
            edit.document.put(account);
            for spelling in &login.spellings {
                edit.document.add_spelling(registry, spelling);
            }
            let moved = |old: &&Account| old.name == account.name && old.store != account.store;
            edit.gone.extend(known.accounts.iter().find(moved).filter(|old| is_known_store(&old.store)).cloned());
            step(&mut candidates, login, account);
        }
        if let (Some(active), true) = (candidates.active_account(), candidates != known) {
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

/// Returns the logins by registry, in the order in which the registries first appear.
fn by_registry<'l>(logins: &[&'l NewLogin]) -> Vec<(&'l Registry, Vec<usize>)> {
    let mut places: BTreeMap<&Registry, Vec<usize>> = BTreeMap::new();
    for (place, login) in logins.iter().enumerate() {
        places.entry(&login.registry).or_default().push(place);
    }
    let mut sorted: Vec<_> = places.into_iter().collect();
    sorted.sort_unstable_by_key(|(_, places)| places[0]);
    sorted
}

/// Returns a copy of an error, for each login that the error affects.
fn copy(error: &Error) -> Error {
    error.downcast_ref::<Problem>().map_or_else(|| anyhow!("{error:#}"), |problem| problem.clone().into())
}
