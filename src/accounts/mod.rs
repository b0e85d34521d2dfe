//! The core: find, remember, forget, activate. Whatever front asks, these answer.

mod foresee;
mod forgotten;
mod login;
mod obtain;
mod remember;
mod routed;

use std::rc::Rc;
use std::time::SystemTime;

use anyhow::Result;

pub(crate) use crate::config::Adopted;
use crate::config::{ConfigFile, Edit, Loaded, Origin};
use crate::model::choice::{
    Active, Candidates, Choice, Evidence, Ladder, Named, NoChoice, Project, Route, Rung, Switch, Trusted, Why, Wish,
    choose_past,
};
use crate::model::{
    Account, AccountName, Credential, HelperName, HubToken, ImageReference, Kept, Problem, Registry, Secret, Source,
    StoreKind, Username,
};
use crate::system::env::Env;
use crate::system::text;
use crate::vault::{self, Vault};
pub(crate) use crate::vault::{Refusal, Waiter};
pub(crate) use foresee::Effect;
pub(crate) use forgotten::{Ending, Forgotten};
pub(crate) use login::{Activate, Login};
pub(crate) use obtain::{Obtained, Waiting, due};

/// All accounts of this user: the config and the secrets behind it.
pub(crate) struct Accounts<'e> {
    pub(crate) config: ConfigFile<'e>,
    pub(crate) vault: Vault<'e>,
}

/// What [`Accounts::find`] came to.
#[derive(Debug)]
pub(crate) enum Found {
    Credential(Credential),
    NoChoice(NoChoice),
    /// There is no account; another helper answers for the registry.
    Elsewhere(Route),
    /// The account that answers has a secret that is known to be good no longer.
    Dead(Problem),
}

/// What led to it, for the journal.
#[derive(Debug, Default)]
pub(crate) struct Reason {
    /// The config wants no journal.
    pub(crate) is_private: bool,
    pub(crate) is_known_registry: bool,
    /// The helper that is asked in place of an account.
    pub(crate) helper: Option<HelperName>,
    pub(crate) chosen: Option<(AccountName, Rung, Why)>,
    /// The images that decided nothing, since they belong to different accounts.
    pub(crate) torn: Vec<(ImageReference, AccountName)>,
}

/// Who toggles more often within one build is on his own.
const SWITCHES_AT_MOST: usize = 8;

/// What to do about an account whose store does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutOfReach {
    Refuse,
    /// Forget the account; its secret stays where it is.
    Abandon,
}

impl<'e> Accounts<'e> {
    pub(crate) fn new(env: &'e Env) -> Self {
        Self { config: ConfigFile::new(env), vault: Vault::new(env) }
    }

    /// Finds the account that answers, with its secret. It writes nothing, unless accounts are adopted or a secret is
    /// renewed or borrowed.
    pub(crate) fn find(&self, registry: &Registry, wish: &Wish, evidence: &impl Evidence) -> (Result<Found>, Reason) {
        let mut reason = Reason::default();
        (self.find_for(registry, wish, evidence, &mut reason), reason)
    }

    fn find_for(
        &self,
        registry: &Registry,
        wish: &Wish,
        evidence: &impl Evidence,
        reason: &mut Reason,
    ) -> Result<Found> {
        if registry.is_pattern() {
            return Ok(Found::NoChoice(NoChoice::NotFound)); // its secrets are for hosts
        }
        let mut seen = None;
        loop {
            let loaded = self.load(registry)?;
            *reason = Reason { is_private: !loaded.journal, ..Reason::default() };
            let (candidates, route, origin) = loaded.into_only(registry);
            if let Some(route) = route {
                let found = elsewhere(&candidates, route, wish, evidence);
                reason.helper = match &found {
                    Found::Elsewhere(route) => Some(route.helper.clone()),
                    _ => None,
                };
                return Ok(found);
            }
            reason.is_known_registry = !candidates.accounts.is_empty();
            let account = &*match choose_past(&candidates, wish, evidence, &mut reason.torn) {
                Ok(Choice { account, rung, why }) => {
                    reason.chosen = Some((account.name.clone(), rung, why));
                    account.at(registry)
                }
                Err(no_choice) => return Ok(Found::NoChoice(no_choice)),
            };
            let kept = match origin {
                Origin::Ours => self.vault.get(account)?,
                Origin::Adopted(adopted) => secret_of(adopted, account).map(Kept::from),
            };
            match self.obtain(account, kept, Waiting::Client)? {
                Obtained::Good(credential) => return Ok(Found::Credential(credential)),
                Obtained::Dead(why) => return Ok(Found::Dead(why)),
                // Its lender said so, and has no reason to say something else when asked again.
                Obtained::Lost if matches!(account.source, Source::Borrowed(_)) => {
                    return Ok(Found::NoChoice(NoChoice::NotFound));
                }
                Obtained::Lost => {}
            }
            // A logout may have come between our two reads; only if the config still says the same is the secret lost.
            if seen.as_ref() == Some(&candidates) {
                return Err(lost(account).into());
            }
            seen = Some(candidates);
        }
    }

    /// The accounts that the next change takes over, and what it cannot, each with the reason.
    pub(crate) fn about_to_adopt(&self) -> Option<(usize, Vec<String>)> {
        match self.config.load(None).ok()?.origin {
            Origin::Adopted(adopted) => Some((adopted.secrets.len(), adopted.skipped)),
            Origin::Ours => None,
        }
    }

    pub(crate) fn empty_config(&self) -> String {
        ConfigFile::without_accounts()
    }

    /// The accounts that answer for one registry, be they of a pattern of hosts, and who is active there.
    pub(crate) fn of(&self, registry: &Registry) -> Result<Candidates> {
        Ok(self.load(registry)?.into_only(registry).0)
    }

    /// The accounts of exactly this registry, or pattern of hosts: what is given to one host is not given to its pattern.
    pub(crate) fn only_of(&self, registry: &Registry) -> Result<Candidates> {
        let of = self.of(registry)?;
        Ok(if of.registry == *registry { of } else { Candidates::none(registry) })
    }

    /// Adopted accounts are written down whatever is asked; the answer comes from memory.
    fn load(&self, registry: &Registry) -> Result<Loaded> {
        let loaded = self.config.load(Some(registry))?;
        if let Origin::Adopted(_) = loaded.origin {
            self.keep_adopted();
        }
        Ok(loaded)
    }

    /// What is kept for the account, in its store or in the file that is about to be adopted.
    pub(crate) fn kept(&self, account: &Account) -> Result<Option<Kept>> {
        let kept = self.vault.get(account)?;
        if kept.is_some() {
            return Ok(kept);
        }
        Ok(match self.config.load(Some(&account.registry))?.origin {
            Origin::Adopted(adopted) => secret_of(adopted, account).map(Kept::from),
            Origin::Ours => None,
        })
    }

    /// All registries with their accounts, in the order of the config. Adopted ones are written down first.
    pub(crate) fn all(&self) -> Result<Vec<Candidates>> {
        let mut all = self.load_all()?.registries;
        all.retain(|one| one.helper.is_none() || !one.accounts.is_empty());
        Ok(all)
    }

    fn load_all(&self) -> Result<Loaded> {
        let loaded = self.config.load(None)?;
        if let Origin::Adopted(_) = loaded.origin {
            self.keep_adopted();
        }
        Ok(loaded)
    }

    /// The files that may name accounts.
    pub(crate) fn trusted(&self) -> Result<Rc<[Trusted]>> {
        Ok(self.config.load(None)?.trusted)
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

    /// Tells whether answers may be written down; a config that cannot be read forbids nothing.
    pub(crate) fn wants_journal(&self) -> bool {
        self.config.load(None).map_or(true, |loaded| loaded.journal)
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

    /// Writes down what was adopted. Best effort: a read-only home is answered from memory every time, and who holds the
    /// lock is writing it already.
    fn keep_adopted(&self) {
        if !self.config.is_locked() {
            let _ = self.change(|_| Ok(()));
        }
    }

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
}

impl Edit {
    /// The accounts of one registry before the change.
    pub(crate) fn of(&self, registry: &Registry) -> Candidates {
        let found = self.registries.iter().find(|one| one.registry == *registry).cloned();
        found.unwrap_or_else(|| Candidates::none(registry))
    }

    /// Tells whether the account is still what it was, be it as that of one host.
    fn knows(&self, account: &Account) -> bool {
        let covering = self.registries.iter().filter(|one| one.registry.covers(&account.registry));
        covering.flat_map(|one| &one.accounts).any(|own| *own.at(&account.registry) == *account)
    }

    fn activate(&mut self, registry: &Registry, name: &AccountName) {
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

/// Another helper answers, unless the call asks for an account of ours, or for an image that needs none.
fn elsewhere(candidates: &Candidates, route: Route, wish: &Wish, evidence: &impl Evidence) -> Found {
    if wish.pinned.is_some() || matches!(wish.environment, Named::Here(_)) {
        return Found::NoChoice(NoChoice::NotFound);
    }
    match Ladder::new(candidates, wish, evidence).public_image() {
        Some(public) => Found::NoChoice(NoChoice::Public(Box::new(public))),
        None => Found::Elsewhere(route),
    }
}

fn secret_of(adopted: Adopted, account: &Account) -> Option<Secret> {
    adopted.secrets.into_iter().find(|(other, _)| other == account).map(|(_, secret)| secret)
}

fn lost(account: &Account) -> Problem {
    Problem::run(
        format!("the secret of {} on {} is gone", account.name, account.registry),
        format_args!("login {} --alias {}", account.registry, text::word(account.name.as_str())),
    )
}

/// Says that the account that a trusted file names is not there.
pub(crate) fn names_nobody(registry: &Registry, name: &str) -> Problem {
    Problem::run(
        format!("{} names `{name}`, which {registry} does not have", Project::FILE),
        format_args!("login {registry} --alias {}", text::word(name)),
    )
}
