//! `Store`: what every place of secrets can do. Another one is a file with this trait, and a row in `STORES`.

use anyhow::Result;

use crate::model::{Account, MinimumGeneration, Problem, Registry, StoredSecret};
use crate::system::text;

/// A place that keeps secrets.
pub(super) trait Store {
    /// What is kept for the account; `None` if there is nothing.
    fn get(&self, account: &Account) -> Result<Option<StoredSecret>>;

    /// Tells whether a secret of any length could be kept now. Who cannot tell says yes.
    fn check_free_space(&self, _: &Account) -> Result<()> {
        Ok(())
    }

    /// Keeps secrets of accounts of one registry, in place of those they had.
    fn put(
        &self,
        registry: &Registry,
        secrets: &[(&Account, &StoredSecret)],
        changes: &mut SecretChanges,
    ) -> Result<()>;

    /// Forgets the account's secret; none there is fine.
    fn remove(&self, account: &Account, changes: &mut SecretChanges) -> Result<()>;
}

/// What a change of secrets leaves behind: the way back, and how far sealed files have come.
#[derive(Default)]
pub(super) struct SecretChanges {
    steps: Vec<Box<dyn Fn() -> Result<()>>>,
    /// The files that were sealed anew.
    pub(super) sealed: Vec<MinimumGeneration>,
}

impl SecretChanges {
    /// Adds how the change that was just made is taken back.
    pub(super) fn add(&mut self, step: impl Fn() -> Result<()> + 'static) {
        self.steps.push(Box::new(step));
    }

    /// Takes back the last change first; `false` if one could not be.
    pub(super) fn take_back(self) -> bool {
        self.steps.iter().rev().filter(|step| step().is_err()).count() == 0
    }
}

/// The store of a newer Ensign, or one that somebody has spelled wrongly.
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
            "the secret of {} on {} lies in the store `{store}`, which this Ensign does not have",
            account.name, account.registry
        ),
        format_args!("login {} --alias {} --store file", account.registry, text::quote(account.name.as_str())),
    )
}
