//! Changing what is there: accounts are forgotten, activated and renamed under the config's lock.

use std::time::SystemTime;

use anyhow::Result;

use super::{Accounts, Forgotten};
use crate::config::Edit;
use crate::model::choice::{Active, Candidates, Switch};
use crate::model::{Account, AccountName, HubToken, Registry, Secret, Source, StoreKind, Username};
use crate::vault;

/// What to do about an account whose store does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutOfReach {
    Refuse,
    /// Forget the account; its secret stays where it is.
    Abandon,
}

/// Who toggles more often within one build is on his own.
const SWITCHES_AT_MOST: usize = 8;

impl Accounts<'_> {
    /// Changes the config under its lock; what is adopted is written with the change.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Edit) -> Result<T>) -> Result<T> {
        self.config.edit(
            |edit| {
                for (account, secret) in edit.adopted.take().map(|adopted| adopted.secrets).unwrap_or_default() {
                    self.vault.put(&account, &secret.into())?;
                }
                change(edit)
            },
            |gone| self.vault.remove(gone),
        )
    }

    /// Forgets an account and its secret. If it was active, nobody is after that: no other account steps in unasked.
    pub(crate) fn forget(
        &self,
        registry: &Registry,
        pick: impl FnOnce(&Candidates) -> Option<AccountName>,
        out_of_reach: OutOfReach,
    ) -> Result<Option<Forgotten>> {
        self.change(|edit| {
            let candidates = edit.of(registry);
            let picked = pick(&candidates);
            let Some(account) = candidates.accounts.iter().find(|account| Some(&account.name) == picked.as_ref())
            else {
                return Ok(None);
            };
            let kept = match account.source {
                Source::Granted(_) => self.vault.get(account).ok().flatten(),
                _ => None,
            };
            match self.vault.remove(account) {
                Err(error) if out_of_reach == OutOfReach::Refuse => return Err(error),
                _ => {}
            }
            let same_user = candidates.accounts.iter().filter(|other| other.username == account.username).count() > 1;
            if registry.is_docker_hub() && !same_user {
                for token in HubToken::ALL {
                    self.vault.remove_hub_token(&account.username, token)?; // `docker logout URL` leaves them behind
                }
            }
            if candidates.active_account() == Some(account) {
                edit.document.set_active(registry, &Active::SignedOut);
            }
            edit.document.remove(registry, &account.name);
            Ok(Some(Forgotten { account: account.clone(), kept }))
        })
    }

    /// Makes an account the one that answers when nothing else decides.
    pub(crate) fn activate(&self, registry: &Registry, name: &AccountName) -> Result<()> {
        // Who is active there is given too.
        let default = self.of(registry)?.default_account().map(|account| account.name.clone());
        self.refuse_given(registry, default.as_ref().unwrap_or(name))?;
        self.change(|edit| {
            edit.activate(registry, name);
            Ok(())
        })
    }

    /// Gives an account another label, its secret included.
    pub(crate) fn rename(&self, edit: &mut Edit, account: &Account, to: &AccountName) -> Result<()> {
        if let Some(secret) = self.vault.get(account)? {
            let renamed = Account { name: to.clone(), ..account.clone() };
            self.vault.put(&renamed, &secret)?;
            edit.otherwise.push(renamed);
        }
        edit.document.rename(&account.registry, &account.name, to);
        // Last: until the config is written, the old label is the one that is read.
        edit.afterwards.push(account.clone());
        Ok(())
    }

    /// Keeps or forgets one of the tokens that `docker login` keeps beside a Docker Hub account.
    pub(crate) fn set_hub_token(&self, user: &Username, token: HubToken, secret: Option<&Secret>) -> Result<()> {
        self.change(|_| match secret {
            Some(secret) => self.vault.put_hub_token(user, token, secret),
            None => self.vault.remove_hub_token(user, token),
        })
    }

    /// Lets answers be written down in the journal, or not.
    pub(crate) fn set_journal(&self, wanted: bool) -> Result<()> {
        self.change(|edit| {
            edit.document.set_journal(wanted);
            Ok(())
        })
    }

    /// What the environment gives is not ours to change.
    pub(crate) fn refuse_given(&self, registry: &Registry, name: &AccountName) -> Result<()> {
        let of = self.of(registry)?;
        let given = of.accounts.iter().find(|account| account.name == *name && account.store == StoreKind::Environment);
        given.map_or(Ok(()), |account| Err(vault::is_given(account).into()))
    }

    /// Writes down what was adopted. Best effort: a read-only home is answered from memory every time, and who holds the
    /// lock is writing it already.
    pub(super) fn keep_adopted(&self) {
        if !self.config.is_locked() {
            let _ = self.change(|_| Ok(()));
        }
    }
}

impl Edit {
    /// The accounts of one registry before the change.
    pub(crate) fn of(&self, registry: &Registry) -> Candidates {
        let found = self.registries.iter().find(|one| one.registry == *registry).cloned();
        found.unwrap_or_else(|| Candidates::none(registry))
    }

    /// Tells whether the account is still what it was, be it as that of one host.
    pub(super) fn knows(&self, account: &Account) -> bool {
        let covering = self.registries.iter().filter(|one| one.registry.covers(&account.registry));
        covering.flat_map(|one| &one.accounts).any(|own| *own.at(&account.registry) == *account)
    }

    pub(super) fn activate(&mut self, registry: &Registry, name: &AccountName) {
        let of = self.of(registry);
        let before = of.active_account().map(|account| account.name.clone());
        if before.as_ref() != Some(name) {
            self.document.set_previous(registry, before.as_ref());
            let now = before.map(|from| Switch { at: SystemTime::now(), from });
            let mut switches = of.switches;
            switches.extend(now);
            self.document.set_switches(registry, &switches[switches.len().saturating_sub(SWITCHES_AT_MOST)..]);
        }
        self.document.set_active(registry, &Active::Account(name.clone()));
    }
}
