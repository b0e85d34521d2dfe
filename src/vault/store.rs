//! `Store`: the trait with the operations of every store. To add a store, implement this trait in a file and add a row
//! to `STORES`.

use anyhow::Result;

use crate::model::{Account, MinimumGeneration, Problem, Registry, StoredSecret};
use crate::system::text;

pub(super) trait Store {
    /// Returns the account's secret, or `None` if the store has no secret for the account.
    fn get(&self, account: &Account) -> Result<Option<StoredSecret>>;

    /// Checks whether the store could save the account's next secret. The account keeps its secret.
    fn check_writable(&self, _: &Account) -> Result<()> {
        Ok(())
    }

    /// Checks, without changing anything, whether the account's secret could be removed. A store that cannot check in
    /// advance returns `Ok`.
    fn check_removal(&self, _: &Account) -> Result<()> {
        Ok(())
    }

    /// Saves the secrets of several accounts of one registry, and replaces the accounts' old secrets.
    fn put(
        &self,
        registry: &Registry,
        secrets: &[(&Account, &StoredSecret)],
        changes: &mut SecretChanges,
    ) -> Result<()>;

    /// Removes the account's secret, if there is one.
    fn remove(&self, account: &Account, changes: &mut SecretChanges) -> Result<()>;
}

/// The steps that undo a change of secrets, and the new generations of sealed files.
#[derive(Default)]
pub(super) struct SecretChanges {
    steps: Vec<Box<dyn Fn() -> Result<()>>>,
    /// The new generations of the files that were sealed again.
    pub(super) sealed: Vec<MinimumGeneration>,
}

impl SecretChanges {
    /// Adds the step that undoes the most recent change.
    pub(super) fn add(&mut self, step: impl Fn() -> Result<()> + 'static) {
        self.steps.push(Box::new(step));
    }

    /// Undoes the changes, beginning with the last change. Returns `false` if a change could not be undone.
    pub(super) fn take_back(self) -> bool {
        self.steps.iter().rev().filter(|step| step().is_err()).count() == 0
    }
}

/// A store that this Ensign does not support. The store's name is misspelled, or only a newer Ensign supports the
/// store.
pub(super) struct UnknownStore;

impl Store for UnknownStore {
    fn get(&self, account: &Account) -> Result<Option<StoredSecret>> {
        Err(unknown(account).into())
    }

    fn put(&self, _: &Registry, secrets: &[(&Account, &StoredSecret)], _: &mut SecretChanges) -> Result<()> {
        secrets.first().map_or(Ok(()), |(account, _)| Err(unknown(account).into()))
    }

    fn remove(&self, account: &Account, _: &mut SecretChanges) -> Result<()> {
        Err(unknown(account).into())
    }
}

fn unknown(account: &Account) -> Problem {
    let store = text::one_line(&account.store.to_string(), 40);
    Problem::run(
        format!(
            "the secret of {} on {} is in the store `{store}`, which this version of Ensign does not have",
            account.name, account.registry
        ),
        format_args!("login {} --alias {} --store file", account.registry, text::quote(account.name.as_str())),
    )
}
