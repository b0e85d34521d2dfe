//! Left-overs: secrets that no account names, and unfinished files, of changes that were killed. They are told by
//! `status`, and the next change sweeps them.

use std::path::PathBuf;

use anyhow::Result;

use super::Accounts;
use crate::model::choice::Candidates;
use crate::model::{Account, Registry};
use crate::system::files;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Leftovers {
    /// Secrets of the file store, by registry and name.
    pub(crate) secrets: Vec<(Registry, String)>,
    /// Unfinished and damaged secrets files.
    pub(crate) files: Vec<PathBuf>,
}

impl Accounts<'_> {
    /// All there is, also what `sweep` leaves alone because it was kept for good once.
    pub(crate) fn leftovers(&self) -> Result<Leftovers> {
        let registries = self.config.load(None)?.registries;
        let secrets = self.unnamed(&registries, |_, _| true);
        Ok(Leftovers { secrets, files: self.vault.left_files() })
    }

    /// Removes the secret of a name that no account has. Returns whether there was one.
    pub(crate) fn remove_leftover(&self, registry: &Registry, name: &str) -> Result<bool> {
        let is_it = |host: &Registry, other: &str| host == registry && other == name;
        if self.unnamed(&self.config.load(None)?.registries, is_it).is_empty() {
            return Ok(false);
        }
        self.change(|change| {
            let is_there = !self.unnamed(&change.registries, is_it).is_empty();
            if is_there {
                change.secrets.remove_from_file(registry, &[name])?;
            }
            Ok(is_there)
        })
    }

    /// Removes what killed changes left behind, as far as it can be told from what was kept for good; nothing here keeps
    /// a change back. The caller holds the lock. Returns what another store has not given up.
    pub(super) fn sweep(&self, registries: &[Candidates]) -> Vec<Account> {
        for path in self.vault.left_files().iter().filter(|path| path.extension().is_some_and(|ending| ending == "new"))
        {
            let _ = files::remove(path);
        }
        self.vault.sweep_record();
        let Ok(record) = self.vault.record() else { return vec![] };
        let mut secrets = self.vault.writer();
        for (registry, name) in self.unnamed(registries, |registry, name| !record.knows(registry, name)) {
            let _ = secrets.remove_from_file(&registry, &[&name]);
        }
        let is_named = |account: &Account| {
            let own = registries.iter().filter(|one| one.registry == account.registry).flat_map(|one| &one.accounts);
            own.into_iter().any(|other| other.name == account.name && other.store == account.store)
        };
        let mut left = record.pending();
        left.retain(|account| !is_named(account) && secrets.remove(account).is_err());
        left
    }

    /// A change is done: notes which secrets are kept for good now.
    pub(super) fn settle<'a>(
        &self,
        before: &[Candidates],
        after: &[Candidates],
        left: impl Iterator<Item = &'a Account>,
    ) {
        let there = || after.iter().flat_map(|one| &one.accounts);
        let is_there = |account: &Account| there().any(|other| other.is_kept_as(account));
        let dropped = before.iter().flat_map(|one| &one.accounts).filter(|account| !is_there(account));
        self.vault.note(|record| {
            record.settle(dropped, there());
            record.keep_pending(left);
        });
    }

    /// Secrets of the file store that are of no account, of those that `is_asked`.
    fn unnamed(
        &self,
        registries: &[Candidates],
        is_asked: impl Fn(&Registry, &str) -> bool,
    ) -> Vec<(Registry, String)> {
        let is_named = |host: &Registry, name: &str| {
            let covering = registries.iter().filter(|one| one.registry.covers(host));
            let mut accounts = covering.flat_map(|one| &one.accounts);
            accounts.any(|account| account.name.as_str() == name && account.store.keeps_its_own_files())
        };
        let all = self.vault.names_in_files().into_iter();
        let all = all.flat_map(|(registry, names)| names.into_iter().map(move |name| (registry.clone(), name)));
        all.filter(|(registry, name)| is_asked(registry, name) && !is_named(registry, name)).collect()
    }
}

impl Account {
    /// Tells whether both have their secret in the same place.
    fn is_kept_as(&self, other: &Self) -> bool {
        self.registry == other.registry && self.name == other.name && self.store == other.store
    }
}
