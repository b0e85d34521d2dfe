//! `Store`: what every place of secrets can do. Another one is a file with this trait, and a line in `Vault::store`.

use anyhow::Result;

use crate::model::{Account, Kept, Problem, Registry};
use crate::system::text;

/// A place that keeps secrets.
pub(super) trait Store {
    /// What is kept for the account; `None` if there is nothing.
    fn get(&self, account: &Account) -> Result<Option<Kept>>;

    /// Tells whether a secret of any length could be kept now. Who cannot tell says yes.
    fn try_room(&self, _: &Account) -> Result<()> {
        Ok(())
    }

    /// Keeps secrets of accounts of one registry, in place of those they had.
    fn put(&self, registry: &Registry, secrets: &[(&Account, &Kept)], undo: &mut Undo) -> Result<()>;

    /// Forgets the account's secret; none there is fine.
    fn remove(&self, account: &Account, undo: &mut Undo) -> Result<()>;
}

/// How changes are taken back, the first one first.
#[derive(Default)]
pub(super) struct Undo(Vec<Box<dyn Fn() -> Result<()>>>);

impl Undo {
    pub(super) fn add(&mut self, step: impl Fn() -> Result<()> + 'static) {
        self.0.push(Box::new(step));
    }

    /// Takes back the last change first; `false` if one could not be.
    pub(super) fn run(self) -> bool {
        self.0.iter().rev().filter(|step| step().is_err()).count() == 0
    }
}

/// The store of a newer Ensign, or one that somebody has spelled wrongly.
pub(super) struct UnknownStore;

impl Store for UnknownStore {
    fn get(&self, account: &Account) -> Result<Option<Kept>> {
        Err(unknown(account).into())
    }

    fn put(&self, _: &Registry, secrets: &[(&Account, &Kept)], _: &mut Undo) -> Result<()> {
        secrets.first().map_or(Ok(()), |(account, _)| Err(unknown(account).into()))
    }

    fn remove(&self, account: &Account, _: &mut Undo) -> Result<()> {
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
        format_args!("login {} --alias {} --store file", account.registry, text::word(account.name.as_str())),
    )
}
