//! Finds, saves, removes and activates accounts. The module is the core of Ensign, and all commands and protocols use
//! it.

mod delegation;
mod explanation;
mod guard;
mod leftovers;
mod login_hint;
mod login_save;
mod new_login;
mod oauth_renewal;
mod preview;
mod relocation;
mod removed_account;
mod resolved_secret;
mod secret_verdict;
mod settings;
mod store_choice;
mod stored_secrets;
#[cfg(test)]
mod tests;
mod transaction;
mod upkeep;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::SystemTime;

use anyhow::{Error, Result, anyhow};

pub(crate) use crate::config::{AdoptedAccounts, RestoreOutcome};
use crate::config::{ConfigFile, LoadedConfig};
use crate::model::choice::{
    AccountRequest, CallerContext, Decision, Detail, ExplicitAccount, HelperRoute, Precedence, RegistryAccounts,
    TrustedFile, Verdict,
};
use crate::model::{Account, Audience, Credential, Expiry, HostAlias, Problem, Registry, Source, StoredSecret};
use crate::system::env::Env;
use crate::vault::Vault;
pub(crate) use crate::vault::helper_logins as helpers;
pub(crate) use crate::vault::{
    HelperHealth, HelperRefusal, Holder, KeyState, STORES, health_of, is_known_store, probe_kernel_keyring,
    probe_keyring, store_words,
};
pub(crate) use explanation::{ANY_COMMAND, Explanation, RemedyOptions, helper_answers_for, shown};
pub(crate) use guard::WithheldAccount;
pub(crate) use leftovers::Leftovers;
pub(crate) use login_hint::{login_command, login_hint};
pub(crate) use new_login::{Activation, NewLogin, PreviousImages};
pub(crate) use oauth_renewal::due;
pub(crate) use preview::SaveOutcome;
pub(crate) use removed_account::{RemovedAccount, RevokeResult};
pub(crate) use resolved_secret::ResolvedSecret;
pub(crate) use secret_verdict::{SecretVerdict, log_in_at, session_over};
pub(crate) use store_choice::StoreChoice;
pub(crate) use transaction::{Transaction, UnreachableStore};

/// All accounts of this user, with the config and the secrets.
pub(crate) struct Accounts<'e> {
    config: ConfigFile<'e>,
    vault: Vault<'e>,
    env: &'e Env,
}

/// The result of [`Accounts::find`].
#[derive(Debug)]
pub(crate) enum FindOutcome {
    Credential(Credential),
    /// Neither an account nor another helper answers, for the reason in the decision.
    NoAccount,
    /// The secret of the account is known to have expired, or the other helper for the registry failed.
    Expired(Problem),
    /// The secret of the account has expired and could not be renewed now.
    Unrenewed(Problem),
    /// The account's rule does not allow this caller.
    Withheld(WithheldAccount),
}

/// The decision, as the journal records it.
#[derive(Debug, Default)]
pub(crate) struct DecisionRecord {
    pub(crate) decision: Decision,
    /// Whether the journal is turned off in the config.
    pub(crate) is_private: bool,
    /// The chosen account, if it has a rule for callers. The journal must then contain the answer before Ensign returns
    /// the secret.
    pub(crate) guarded: Option<Account>,
    /// Why the new tokens of the returned secret could not be saved.
    pub(crate) unsaved: Option<Problem>,
}

impl<'e> Accounts<'e> {
    pub(crate) fn new(env: &'e Env) -> Self {
        Self { config: ConfigFile::new(env), vault: Vault::new(env), env }
    }

    /// Finds the account that answers, with its secret. If the registry is routed to another helper, sends the client's
    /// address `server` to this helper. Changes files only in order to adopt accounts, to renew a secret, or to cache an
    /// external secret.
    pub(crate) fn find(
        &self,
        registry: &Registry,
        server: &str,
        request: &AccountRequest,
        context: &impl CallerContext,
    ) -> (Result<FindOutcome>, DecisionRecord) {
        let decision = Decision::without_steps(registry, Verdict::NoAccount);
        let mut record = DecisionRecord { decision, ..DecisionRecord::default() };
        (self.find_for(registry, server, request, context, &mut record), record)
    }

    fn find_for(
        &self,
        registry: &Registry,
        server: &str,
        request: &AccountRequest,
        context: &impl CallerContext,
        record: &mut DecisionRecord,
    ) -> Result<FindOutcome> {
        if registry.is_pattern() {
            return Ok(FindOutcome::NoAccount); // the secrets of a pattern are returned only for hosts that match it
        }
        let mut seen = None;
        loop {
            let loaded = self.load(Some(registry))?;
            record.is_private = !loaded.journal;
            let (candidates, route, adopted) = loaded.into_only(registry);
            record.decision = self.decide(&candidates, route.as_ref(), request, context, Detail::Needed)?;
            if record.decision.verdict == Verdict::Helper {
                return Ok(match route.ok_or(None).and_then(|route| self.ask_routed(&route, server)) {
                    Ok(credential) => FindOutcome::Credential(credential),
                    Err(Some(problem)) => FindOutcome::Expired(problem),
                    Err(None) => FindOutcome::NoAccount,
                });
            }
            let Some(chosen) = candidates.chosen(&record.decision) else { return Ok(FindOutcome::NoAccount) };
            if let Err(withheld) = self.may_ask(chosen, |rule| context.facts(rule)) {
                return Ok(FindOutcome::Withheld(withheld));
            }
            record.guarded = Some(chosen).filter(|account| !account.callers.is_empty()).cloned();
            let account = &*chosen.at(registry);
            let stored = match adopted {
                None => self.vault.get(account)?,
                Some(adopted) => adopted.secret(account),
            };
            match self.resolve(account, stored, Audience::Client)? {
                ResolvedSecret::Valid(credential) => return Ok(FindOutcome::Credential(credential)),
                ResolvedSecret::Unsaved(credential, problem) => {
                    record.unsaved = Some(problem);
                    return Ok(FindOutcome::Credential(credential));
                }
                ResolvedSecret::Expired(why) => return Ok(FindOutcome::Expired(why)),
                ResolvedSecret::Unrenewed(why) => return Ok(FindOutcome::Unrenewed(why)),
                // The external program was asked a moment ago, so a second request would return the same answer.
                ResolvedSecret::Missing if matches!(account.source, Source::External(_)) => {
                    return Ok(FindOutcome::NoAccount);
                }
                ResolvedSecret::Missing => {}
            }
            // A logout may have removed the account after the config was read, so the config is read again. If the
            // accounts have not changed since then, the store has no secret for this account.
            if seen.as_ref() == Some(&candidates) {
                return Err(missing_secret(account).into());
            }
            seen = Some(candidates);
        }
    }

    /// Decides which account answers, or whether the helper of `route` answers instead.
    pub(crate) fn decide(
        &self,
        candidates: &RegistryAccounts,
        route: Option<&HelperRoute>,
        request: &AccountRequest,
        context: &impl CallerContext,
        detail: Detail,
    ) -> Result<Decision> {
        if let Some(name) = self.unknown_name(&request.environment, candidates)? {
            let request =
                AccountRequest { environment: ExplicitAccount::ThisRegistry(name), ..AccountRequest::default() }; // no other account may answer
            return Ok(Precedence::new(candidates, &request, context).decide(detail));
        }
        Ok(match route {
            Some(route) => delegate(candidates, route, request, context),
            None => Precedence::new(candidates, request, context).decide(detail),
        })
    }

    /// Returns the name in `ENSIGN_ACCOUNT`, if no account has that name.
    pub(crate) fn unknown_name(
        &self,
        named: &ExplicitAccount,
        candidates: &RegistryAccounts,
    ) -> Result<Option<String>> {
        let (name, is_known) = match named {
            ExplicitAccount::Unset | ExplicitAccount::OtherRegistry => return Ok(None),
            ExplicitAccount::ThisRegistry(name) => (name, candidates.account(name).is_some()),
            ExplicitAccount::AnyRegistry(name) => {
                let has_it = |entry: &RegistryAccounts| entry.account(name).is_some();
                (name, has_it(candidates) || self.load(None)?.registries.iter().any(has_it))
            }
        };
        Ok((!is_known).then(|| name.clone()))
    }

    /// Returns the number of accounts that the next change adopts, and the reasons why other logins are not adopted.
    pub(crate) fn about_to_adopt(&self) -> Option<(usize, Vec<String>)> {
        let adopted = self.config.load(None).ok()?.adopted?;
        Some((adopted.secrets.len(), adopted.skipped))
    }

    /// Returns the accounts that answer for one registry. The result includes the accounts of a pattern that matches
    /// the registry's host.
    pub(crate) fn registry_accounts(&self, registry: &Registry) -> Result<RegistryAccounts> {
        Ok(self.load(Some(registry))?.into_only(registry).0)
    }

    /// Returns the accounts of exactly this registry or pattern. If `registry` is a host, leaves out the accounts of a
    /// matching pattern.
    pub(crate) fn only_of(&self, registry: &Registry) -> Result<RegistryAccounts> {
        let entry = self.registry_accounts(registry)?;
        Ok(if entry.registry == *registry { entry } else { RegistryAccounts::none(registry) })
    }

    /// Loads the config for the registry `wanted`, or for all registries. Saves adopted accounts. The result contains
    /// adopted accounts even if they could not be saved.
    fn load(&self, wanted: Option<&Registry>) -> Result<LoadedConfig> {
        let loaded = self.config.load(wanted)?;
        self.vault.heed(&loaded.floors);
        if loaded.adopted.is_some() {
            self.keep_adopted();
        }
        Ok(loaded)
    }

    /// Returns all registries with their accounts, in the order of the config. Adopted accounts are saved first.
    pub(crate) fn all(&self) -> Result<Vec<RegistryAccounts>> {
        let mut all = self.load(None)?.registries;
        all.retain(|entry| entry.helper.is_none() || !entry.accounts.is_empty());
        Ok(all)
    }

    /// Returns the accounts whose secrets have expired or expire soon. Only the stores in Ensign's own files are read.
    pub(crate) fn ending_soon(&self) -> Result<Vec<(Account, Expiry)>> {
        let now = SystemTime::now();
        let mut registries = self.config.load(None)?.registries;
        for entry in &mut registries {
            entry.accounts.retain(|account| account.store.keeps_its_own_files());
        }
        let stored = self.stored_by_registry(&registries).into_iter().flatten();
        let accounts = registries.into_iter().flat_map(|entry| entry.accounts);
        let ends_soon = |(account, stored): (Account, Result<Option<StoredSecret>>)| {
            let expiry = Expiry::new(&account.source, &stored.ok()??);
            expiry.ends_within(Expiry::WARNING, now).then_some((account, expiry))
        };
        let mut ending: Vec<_> = accounts.zip(stored).filter_map(ends_soon).collect();
        ending.sort_by_key(|(_, expiry)| expiry.login_end().or(expiry.moment()));
        Ok(ending)
    }

    /// Returns all registries with accounts, and the helpers for other registries. Nothing is written.
    pub(crate) fn survey(&self) -> Result<(Vec<RegistryAccounts>, Vec<HelperRoute>)> {
        let loaded = self.config.load(None)?;
        self.vault.heed(&loaded.floors);
        let with_accounts = loaded.registries.iter().filter(|entry| !entry.accounts.is_empty()).cloned().collect();
        Ok((with_accounts, delegation::routes(loaded)))
    }

    /// Returns the additional hosts for which a registry's accounts answer.
    pub(crate) fn aliases(&self) -> Result<Vec<HostAlias>> {
        Ok(self.config.load(None)?.also)
    }

    /// Returns the names by which other programs look up each registry, from `spellings` and `also` in the config.
    pub(crate) fn other_names(&self) -> Result<BTreeMap<Registry, Vec<String>>> {
        let loaded = self.config.load(None)?;
        let mut names: BTreeMap<_, _> =
            loaded.registries.into_iter().map(|entry| (entry.registry, entry.spellings)).collect();
        for alias in loaded.also {
            names.entry(alias.registry).or_default().push(alias.host.to_string());
        }
        Ok(names)
    }

    pub(crate) fn trusted(&self) -> Result<Rc<[TrustedFile]>> {
        Ok(self.config.load(None)?.trusted)
    }

    /// Tells whether the journal is on. If the config is unreadable, the journal is on.
    pub(crate) fn wants_journal(&self) -> bool {
        self.config.load(None).map_or(true, |loaded| loaded.journal)
    }
}

/// Decides that another helper answers, unless the call selects an account of Ensign or asks for a public image.
fn delegate(
    candidates: &RegistryAccounts,
    route: &HelperRoute,
    request: &AccountRequest,
    context: &impl CallerContext,
) -> Decision {
    if request.pinned.is_some() || matches!(request.environment, ExplicitAccount::ThisRegistry(_)) {
        return Decision::without_steps(&candidates.host, Verdict::NoAccount);
    }
    Precedence::new(candidates, request, context).public().unwrap_or_else(|| Decision {
        helper: Some(route.helper.to_string()),
        route: route.by.as_ref().map(ToString::to_string),
        ..Decision::without_steps(&candidates.host, Verdict::Helper)
    })
}

fn missing_secret(account: &Account) -> Problem {
    Problem::new(format!("the secret of {} on {} is gone", account.name, account.registry), login_hint(account))
}

/// Returns a copy of an error, because several accounts can fail with one error.
fn copy(error: &Error) -> Error {
    error.downcast_ref::<Problem>().map_or_else(|| anyhow!("{error:#}"), |problem| problem.clone().into())
}
