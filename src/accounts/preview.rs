//! Previews logins: tells what saving each login would do.

use std::collections::BTreeMap;
use std::time::SystemTime;

use anyhow::Result;

use super::resolved_secret::{Freshness, freshness};
use super::{Accounts, NewLogin};
use crate::model::choice::RegistryAccounts;
use crate::model::{Account, AccountName, Problem, Registry, Source, StoreKind, StoredSecret};

/// The effect of saving a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SaveOutcome {
    New,
    /// The account exists without a valid secret, or for fewer images.
    Renews,
    /// The account exists with another secret, which is not known to have expired. The other secret may be newer.
    Replaces,
    /// The account already exists with this secret.
    Same,
    /// The account exists and renews its own secret. Saving a static secret would end the renewals.
    Supplied,
}

/// The secrets in Ensign's own files. Each file is read once.
type StoredSecrets<'l> = BTreeMap<(StoreKind, &'l Registry), BTreeMap<String, Option<StoredSecret>>>;

impl Accounts<'_> {
    /// Predicts what [`Accounts::save_all`] would do. Returns the account's alias and the effect for each login.
    pub(crate) fn preview_all<'l>(
        &self,
        logins: &'l [NewLogin],
    ) -> Result<Vec<Result<(AccountName, SaveOutcome), Problem>>> {
        let all = self.all()?.into_iter().map(|entry| (entry.registry.clone(), entry)).collect::<BTreeMap<_, _>>();
        let mut secrets = StoredSecrets::new();
        let preview = |login: &'l NewLogin| {
            let none = RegistryAccounts::none(&login.registry);
            self.preview(all.get(&login.registry).unwrap_or(&none), login, &mut secrets)
        };
        Ok(logins.iter().map(preview).collect())
    }

    fn preview<'l>(
        &self,
        candidates: &RegistryAccounts,
        login: &'l NewLogin,
        secrets: &mut StoredSecrets<'l>,
    ) -> Result<(AccountName, SaveOutcome), Problem> {
        if login.spellings.iter().all(|spelling| candidates.spellings.contains(spelling))
            && let Some(same) = candidates.accounts.iter().find(|account| self.holds(account, login, secrets))
        {
            return Ok((same.name.clone(), SaveOutcome::Same));
        }
        let account = login.account(candidates, &StoreKind::File)?; // any store will do, because a preview shows no store
        let effect = match candidates.called(account.name.as_str()) {
            None => SaveOutcome::New,
            Some(old) if old.source != Source::Static => SaveOutcome::Supplied,
            Some(old) if self.has_other_secret(old, login) => SaveOutcome::Replaces,
            Some(_) => SaveOutcome::Renews,
        };
        Ok((account.name, effect))
    }

    fn has_other_secret(&self, account: &Account, login: &NewLogin) -> bool {
        let is_valid =
            |stored: &StoredSecret| !stored.refused && freshness(stored, SystemTime::now()) != Freshness::Expired;
        let stored = self.stored(account).ok().flatten();
        stored.is_some_and(|stored| stored.secret != login.stored.secret && is_valid(&stored))
    }

    fn holds<'l>(&self, account: &Account, login: &'l NewLogin, secrets: &mut StoredSecrets<'l>) -> bool {
        let has_images = || login.images.iter().chain(&login.bound).all(|pattern| account.images.contains(pattern));
        let same_user = account.is_of(login.user()) && account.username == login.username;
        if !same_user || account.source != login.source || !has_images() {
            return false;
        }
        let is_it = |stored: &StoredSecret| stored.secret == login.stored.secret;
        if account.store.keeps_its_own_files() {
            let read = || self.vault.all_in_file(&account.store, &login.registry).unwrap_or_default();
            let place = (account.store.clone(), &login.registry);
            if let Some(Some(stored)) = secrets.entry(place).or_insert_with(read).get(account.name.as_str()) {
                return is_it(stored);
            }
        }
        self.stored(account).ok().flatten().as_ref().is_some_and(is_it)
    }
}
