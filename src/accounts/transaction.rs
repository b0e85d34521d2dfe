//! `Transaction`: a change of secrets and config, such as the removal, activation or new alias of an account.

use anyhow::{Context as _, Error, Result};

use super::resolved_secret::patience;
use super::{Accounts, RemovedAccount};
use crate::config::{ConfigDocument, ConfigEdit, LoadedConfig};
use crate::model::choice::{DefaultAccount, RegistryAccounts};
use crate::model::{Account, AccountName, Audience, HubToken, Problem, Registry, Secret, Source, StoreKind, Username};
use crate::system::files::Lock;
use crate::system::text::{option, quote};
use crate::vault::{self, StoredName, Writer};

/// A change in progress, under the lock. Until the config is written, everything can be undone.
pub(crate) struct Transaction<'e> {
    pub(super) document: ConfigDocument,
    /// The accounts before the change.
    pub(super) registries: Vec<RegistryAccounts>,
    /// The store of new secrets.
    pub(super) store: StoreKind,
    pub(super) secrets: Writer<'e>,
    /// Whether the change only stores a renewed secret, and does not change the config.
    pub(super) is_renewal: bool,
    /// The accounts whose secrets are removed after the config is written.
    pub(super) gone: Vec<Account>,
    /// The removed accounts whose secrets another helper did not remove. The next change tries again.
    pub(super) abandoned: Vec<Account>,
    /// The users whose Docker Hub tokens are removed after the config is written, with the stores of the tokens.
    pub(super) tokens_gone: Vec<(StoreKind, Username)>,
}

/// What happens if an account is removed but the account's store does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnreachableStore {
    Refuse,
    /// The account is removed, and the secret remains in the store.
    Abandon,
}

impl<'e> Accounts<'e> {
    /// Changes secrets and config under the config's lock. Adopted accounts are saved too. New secrets are written
    /// before the config, and unused secrets are removed last. If the config cannot be written, the secrets are
    /// restored. After the config is written, nothing is undone.
    pub(crate) fn change<T>(&self, act: impl FnOnce(&mut Transaction<'e>) -> Result<T>) -> Result<T> {
        let ConfigEdit { document, config, before } = self.config.begin()?;
        let LoadedConfig { registries, adopted, store, floors, .. } = config;
        self.vault.heed(&floors);
        let left = self.sweep(&registries);
        let secrets = self.vault.writer();
        let unchanged = document.clone();
        let store = self.named_store().or(store).unwrap_or_default();
        let (gone, abandoned, tokens_gone) = (vec![], vec![], vec![]);
        let is_renewal = false;
        let mut change = Transaction { document, registries, store, secrets, is_renewal, gone, abandoned, tokens_gone };
        let adopted = adopted.map(|adopted| adopted.secrets).unwrap_or_default();
        let changed =
            adopted.into_iter().try_for_each(|(account, secret)| change.secrets.put(&account, &secret.into()));
        let changed = changed.and_then(|()| act(&mut change)).and_then(|result| {
            let in_helpers = change.gone.iter().filter(|account| !account.store.keeps_its_own_files());
            in_helpers.for_each(|account| self.vault.update(|record| record.announce(account)));
            // After the config is written, nothing is undone. So a removal that would fail must fail now.
            change.gone.iter().try_for_each(|account| change.secrets.check_removal(account))?;
            if change.document != unchanged || !change.is_renewal {
                change.secrets.sealed().iter().for_each(|floor| change.document.set_floor(floor));
            }
            Ok((result, self.config.write(&before, &change.document)?))
        });
        match changed {
            Ok((result, after)) => {
                let removed = change.remove_gone();
                let unremoved = removed.as_ref().map_or(&change.gone, |unreachable| unreachable);
                self.settle(&change.registries, &after, left.iter().chain(unremoved).chain(&change.abandoned));
                removed.context("the change was saved, but an old secret could not be removed")?;
                self.end_stale_grants(&after).context("the change was saved, but an old grant could not be ended")?;
                Ok(result)
            }
            Err(error) => {
                if change.secrets.put_back() {
                    self.vault.update(|record| record.keep_pending(left.iter()));
                }
                Err(error)
            }
        }
    }

    /// Removes an account and its secret. If the account was the default account, no other account becomes the default.
    pub(crate) fn remove(
        &self,
        registry: &Registry,
        pick: impl Fn(&RegistryAccounts) -> Option<AccountName>,
        out_of_reach: UnreachableStore,
    ) -> Result<Option<RemovedAccount>> {
        let before = self.only_of(registry)?;
        let picked = pick(&before).and_then(|name| before.called(name.as_str()));
        // A renewal in progress saves its new tokens first, so that they can be revoked.
        let lock = picked.filter(|account| matches!(account.source, Source::OAuth(_)));
        let lock = lock.and_then(|account| self.vault.renewal_lock(account).ok());
        let _lock = lock.and_then(|path| Lock::take_within(&path, patience(Audience::Person).0).ok()?);
        self.change(|edit| {
            let candidates = edit.registry_accounts(registry);
            let picked = pick(&candidates).and_then(|name| candidates.called(name.as_str()));
            let Some(account) = picked else { return Ok(None) };
            let stored = match account.source {
                Source::OAuth(_) => self.vault.get(account).ok().flatten(),
                _ => None,
            };
            let is_forced = out_of_reach == UnreachableStore::Abandon;
            // A secret in Ensign's own files is removed after the config is written. A secret in another helper's store
            // is removed now, because the helper may refuse the removal.
            let removed = if account.store.keeps_its_own_files() {
                let checked = self.vault.get(account).and_then(|_| match out_of_reach {
                    UnreachableStore::Refuse => Ok(()), // `change` checks the removal
                    UnreachableStore::Abandon => edit.secrets.check_removal(account),
                });
                let checked = match checked {
                    Err(_) if is_forced && edit.secrets.needs_no_key_without(account) => Ok(()),
                    Err(error) if account.store == StoreKind::Sealed => Err(unremoved(account, &error).into()),
                    checked => checked,
                };
                checked.map(|()| edit.gone.push(account.clone()))
            } else {
                edit.secrets.remove(account).map_err(|error| unremoved(account, &error).into())
            };
            let is_abandoned = match removed {
                Err(error) if !is_forced => return Err(error),
                removed => removed.is_err(),
            };
            let same_user = candidates.accounts.iter().filter(|other| other.username == account.username).count() > 1;
            let is_unwritable = is_abandoned && account.store.keeps_its_own_files();
            if registry.is_docker_hub() && !same_user && !is_unwritable {
                // The command `docker logout URL` does not erase Docker Hub's tokens, so Ensign removes the tokens
                // here.
                for kind in StoreKind::OF_FILES {
                    let read = |token| self.vault.hub_token_in(&kind, &account.username, token);
                    match HubToken::ALL.into_iter().try_for_each(|token| read(token).map(drop)) {
                        Ok(()) => edit.tokens_gone.push((kind, account.username.clone())),
                        Err(error) if !is_forced => return Err(unremoved(account, &error).into()),
                        Err(_) => {} // without their key, the tokens stay
                    }
                }
            }
            if is_abandoned && !account.store.keeps_its_own_files() {
                edit.abandoned.push(account.clone());
            }
            if candidates.active_account() == Some(account) {
                edit.document.set_active(registry, &DefaultAccount::SignedOut);
            }
            edit.document.remove(registry, &account.name);
            Ok(Some(RemovedAccount { account: account.clone(), stored, is_abandoned }))
        })
    }

    /// Makes an account the default account.
    pub(crate) fn activate(&self, registry: &Registry, name: &AccountName) -> Result<()> {
        // A default account that comes from the environment cannot be replaced by another account.
        let default = self.registry_accounts(registry)?.default_account().map(|account| account.name.clone());
        self.refuse_env_account(registry, default.as_ref().unwrap_or(name))?;
        self.change(|edit| {
            edit.activate(registry, name);
            Ok(())
        })
    }

    /// Changes an account's alias, and stores the secret under the new alias.
    pub(crate) fn rename(&self, edit: &mut Transaction<'_>, account: &Account, to: &AccountName) -> Result<()> {
        if let Some(secret) = self.vault.get(account)? {
            let renamed = Account { name: to.clone(), ..account.clone() };
            edit.secrets.put(&renamed, &secret)?;
        }
        edit.document.rename(&account.registry, &account.name, to);
        // The old copy is removed last, because other processes read the old copy until the config is written.
        edit.gone.push(account.clone());
        Ok(())
    }

    /// Saves or removes one of the two tokens that `docker login` stores for a Docker Hub account.
    pub(crate) fn set_hub_token(&self, user: &Username, token: HubToken, secret: Option<&Secret>) -> Result<()> {
        self.change(|edit| {
            let hub = edit.registry_accounts(&Registry::docker_hub());
            let own = hub.accounts.iter().find(|account| account.username == *user).map(|account| &account.store);
            let kind = self.hub_token_store(own.unwrap_or(&edit.store));
            if let Some(secret) = secret {
                edit.secrets.put_hub_token(&kind, user, token, secret)?;
            }
            let mut others = StoreKind::OF_FILES.iter().filter(|other| secret.is_none() || **other != kind);
            others.try_for_each(|other| edit.secrets.remove_hub_token(other, user, token))
        })
    }

    /// Returns an error if the account comes from the environment, because such an account cannot be changed.
    pub(crate) fn refuse_env_account(&self, registry: &Registry, name: &AccountName) -> Result<()> {
        let entry = self.registry_accounts(registry)?;
        let account = entry.called(name.as_str()).filter(|account| account.store.is_from_environment());
        account.map_or(Ok(()), |account| Err(vault::env_account_problem(account).into()))
    }

    /// Tries to save adopted accounts. If the home folder is read-only, every call adopts the accounts again in memory.
    /// Does nothing if another process has the lock, because that process is already saving the adopted accounts.
    pub(super) fn keep_adopted(&self) {
        if !self.config.is_locked() {
            let _ = self.change(|_| Ok(()));
        }
    }
}

impl Transaction<'_> {
    /// Removes unused secrets. Returns the accounts with a store that is no longer available.
    fn remove_gone(&mut self) -> Result<Vec<Account>> {
        let (reachable, unreachable): (Vec<_>, Vec<_>) =
            self.gone.iter().cloned().partition(|account| self.secrets.can_reach(account));
        for account in &reachable {
            self.secrets.remove(account)?;
        }
        let mut tokens =
            self.tokens_gone.iter().flat_map(|(kind, user)| HubToken::ALL.map(|token| (kind, user, token)));
        tokens.try_for_each(|(kind, user, token)| self.secrets.remove_hub_token(kind, user, token))?;
        Ok(unreachable)
    }

    /// Removes the Docker Hub tokens of these users after the config is written.
    pub(super) fn remove_tokens(&mut self, users: impl Iterator<Item = StoredName>) {
        self.tokens_gone.extend(users.filter_map(|(kind, _, user)| Some((kind, user.parse().ok()?))));
    }

    /// Returns the accounts of one registry before the change.
    pub(crate) fn registry_accounts(&self, registry: &Registry) -> RegistryAccounts {
        let found = self.registries.iter().find(|entry| entry.registry == *registry).cloned();
        found.unwrap_or_else(|| RegistryAccounts::none(registry))
    }

    /// Adds the account or changes its entry, except for the folders and the additional hosts. `set_folders` and
    /// `set_also` save these.
    pub(crate) fn put(&mut self, account: &Account) {
        self.document.put(account);
    }

    pub(crate) fn set_folders(&mut self, account: &Account, folders: &[String]) {
        self.document.set_folders(&account.registry, &account.name, folders);
    }

    pub(crate) fn set_also(&mut self, account: &Account, hosts: &[Registry]) {
        self.document.set_also(&account.registry, &account.name, hosts);
    }

    /// Tells whether the config already contains exactly this account.
    pub(super) fn knows(&self, account: &Account) -> bool {
        let covering = self.registries.iter().filter(|entry| entry.registry.covers(&account.registry));
        covering.flat_map(|registry_entry| &registry_entry.accounts).any(|own| *own.at(&account.registry) == *account)
    }

    pub(super) fn activate(&mut self, registry: &Registry, name: &AccountName) {
        let entry = self.registry_accounts(registry);
        let before = entry.active_account().map(|account| account.name.clone());
        if before.as_ref() != Some(name) {
            self.document.set_previous(registry, before.as_ref());
        }
        self.document.set_active(registry, &DefaultAccount::Account(name.clone()));
    }
}

/// Returns the error for an account whose secret another helper did not remove, or whose key is not available.
fn unremoved(account: &Account, error: &Error) -> Problem {
    let problem = error.downcast_ref::<Problem>();
    let message = problem.map_or_else(|| format!("{error:#}"), |problem| problem.message.clone());
    let first = problem.filter(|_| account.store == StoreKind::Sealed).map(|problem| format!("{}; or ", problem.hint));
    let (host, user) = (quote(account.registry.as_str()), option("-u", account.name.as_str()));
    let by_force = format!("run `docker-credential-ensign logout {host} {user} --force` to remove the account anyway");
    Problem::new(message, first.unwrap_or_default() + &by_force)
}
