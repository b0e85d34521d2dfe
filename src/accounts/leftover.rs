//! Left-overs: secrets that no account names, and unfinished files, of changes that were killed. They are told by
//! `status`, and the next change sweeps them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Result;

use super::Accounts;
use crate::model::choice::Candidates;
use crate::model::{Account, Registry, map};
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
        let stores = map(there().map(|account| ((&account.registry, &account.name), &account.store)));
        let is_there = |account: &Account| stores.get(&(&account.registry, &account.name)) == Some(&&account.store);
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
        let mut named: BTreeSet<(&Registry, &str)> = BTreeSet::new();
        for account in registries.iter().flat_map(|one| &one.accounts) {
            if account.store.keeps_its_own_files() {
                named.insert((&account.registry, account.name.as_str()));
            }
        }
        let patterns: Vec<_> = registries.iter().map(|one| &one.registry).filter(|one| one.is_pattern()).collect();
        let mut unnamed = vec![];
        for (host, names) in self.vault.names_in_files() {
            let covering: Vec<_> = patterns.iter().copied().filter(|one| one.covers(&host)).chain([&host]).collect();
            let is_named = |name: &str| covering.iter().any(|one| named.contains(&(*one, name)));
            let left = names.into_iter().filter(|name| is_asked(&host, name) && !is_named(name));
            unnamed.extend(left.map(|name| (host.clone(), name)));
        }
        unnamed
    }
}
