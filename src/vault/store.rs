//! `Store`: what every store can do. A new store is a file with this trait, and a row in `STORES`.

use anyhow::Result;

use crate::model::{Account, MinimumGeneration, Problem, Registry, StoredSecret};
use crate::system::text;

pub(super) trait Store {
    /// The account's secret; `None` if there is none.
    fn get(&self, account: &Account) -> Result<Option<StoredSecret>>;

    /// Tells whether a secret of any length could be saved now. A store that cannot tell says yes.
    fn check_free_space(&self, _: &Account) -> Result<()> {
        Ok(())
    }

    /// Saves secrets of accounts of one registry, and replaces their old ones.
    fn put(
        &self,
        registry: &Registry,
        secrets: &[(&Account, &StoredSecret)],
        changes: &mut SecretChanges,
    ) -> Result<()>;

    /// Removes the account's secret, if there is one.
    fn remove(&self, account: &Account, changes: &mut SecretChanges) -> Result<()>;
}

/// What a change of secrets has done: the steps to undo it, and the new generations of sealed files.
#[derive(Default)]
pub(super) struct SecretChanges {
    steps: Vec<Box<dyn Fn() -> Result<()>>>,
    /// The files that were sealed again.
    pub(super) sealed: Vec<MinimumGeneration>,
}

impl SecretChanges {
    /// Adds the step that undoes the last change.
    pub(super) fn add(&mut self, step: impl Fn() -> Result<()> + 'static) {
        self.steps.push(Box::new(step));
    }

    /// Undoes the changes, the last one first; `false` if one could not be undone.
    pub(super) fn take_back(self) -> bool {
        self.steps.iter().rev().filter(|step| step().is_err()).count() == 0
    }
}

/// A store of a newer Ensign, or a misspelled one.
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
            "the secret of {} on {} is in the store `{store}`, which this Ensign does not have",
            account.name, account.registry
        ),
        format_args!("login {} --alias {} --store file", account.registry, text::quote(account.name.as_str())),
    )
}
