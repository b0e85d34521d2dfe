//! `RegistryAccounts`: the accounts of a registry, or of the hosts of a pattern.

use std::rc::Rc;

use super::decision::Decision;
use super::project_accounts::TrustedFile;
use crate::model::{Account, AccountName, HelperName, ImagePattern, ImageReference, Operation, Registry};

/// What the config knows about one registry, or about the hosts of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RegistryAccounts {
    pub(crate) registry: Registry,
    /// Which is asked about: the registry itself, or one of the pattern's hosts.
    pub(crate) host: Registry,
    /// How other programs spell the registry's name, besides ours.
    pub(crate) spellings: Vec<String>,
    pub(crate) active: DefaultAccount,
    /// Who was active before the last switch.
    pub(crate) previous: Option<AccountName>,
    /// The images that need no account.
    pub(crate) public: Vec<ImagePattern>,
    /// The other helper that answers there, if there is no account.
    pub(crate) helper: Option<HelperName>,
    pub(crate) accounts: Vec<Account>,
    /// The files that may name accounts, of any registry.
    pub(crate) trusted: Rc<[TrustedFile]>,
}

/// Another helper that answers for a registry without accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HelperRoute {
    pub(crate) helper: HelperName,
    /// The registry or pattern for which a person chose it; `None`: it is the one for all others.
    pub(crate) by: Option<Registry>,
}

/// The account that answers when nothing else decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum DefaultAccount {
    Account(AccountName),
    /// After `docker logout`: the accounts are kept, but none is handed out unasked.
    SignedOut,
    #[default]
    Unset,
}

impl RegistryAccounts {
    /// What is known about a registry without accounts.
    pub(crate) fn none(registry: &Registry) -> Self {
        Self {
            registry: registry.clone(),
            host: registry.clone(),
            spellings: vec![],
            active: DefaultAccount::Unset,
            previous: None,
            public: vec![],
            helper: None,
            accounts: vec![],
            trusted: Rc::default(),
        }
    }

    /// What answers for a host, of all the entries that cover it: the closest that has accounts or another helper. What
    /// any of them says of public images holds all the same.
    pub(crate) fn for_host(mut entries: Vec<Self>, host: &Registry) -> Self {
        let public = entries.iter_mut().flat_map(|entry| std::mem::take(&mut entry.public)).collect();
        let answers = |entry: &Self| !entry.accounts.is_empty() || entry.helper.is_some();
        let answering = entries.into_iter().rev().filter(answers); // of two that are as close, the first
        let closest = answering.max_by_key(|entry| entry.registry.specificity(host));
        Self { public, host: host.clone(), ..closest.unwrap_or_else(|| Self::none(host)) }
    }

    /// Tells whether the accounts are those of another registry, which answer for the host too.
    pub(crate) fn is_alias(&self) -> bool {
        !self.registry.covers(&self.host)
    }

    /// An image of a host that these accounts answer for too is looked for in their patterns as one of their registry.
    pub(super) fn move_home(&self, image: &mut ImageReference) {
        if self.is_alias() && *image.registry() == self.host {
            *image = ImageReference::new(self.registry.clone(), image.repository().clone());
        }
    }

    /// The account a person means by `name`: an alias first, else a user name that only one account has.
    pub(crate) fn account(&self, name: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.name.as_str() == name).or_else(|| {
            let mut same_user = self.accounts.iter().filter(|account| account.username.as_str() == name);
            same_user.next().filter(|_| same_user.next().is_none())
        })
    }

    /// The account that `user@host` means: a user name first, for that is what Docker knows.
    pub(crate) fn account_of(&self, user: &str) -> Option<&Account> {
        let is_of = |account: &&Account| account.username.as_str() == user;
        let of_user = self.active_account().filter(is_of).or_else(|| self.accounts.iter().find(is_of));
        of_user.or_else(|| self.account(user))
    }

    /// The account that a decision names.
    pub(crate) fn chosen(&self, decision: &Decision) -> Option<&Account> {
        self.called(decision.account.as_deref()?)
    }

    /// The account with exactly this alias.
    pub(crate) fn called(&self, alias: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.name.as_str() == alias)
    }

    pub(crate) fn active_account(&self) -> Option<&Account> {
        match &self.active {
            DefaultAccount::Account(name) => self.accounts.iter().find(|account| account.name == *name),
            DefaultAccount::SignedOut | DefaultAccount::Unset => None,
        }
    }

    pub(crate) fn previous_account(&self) -> Option<&Account> {
        self.previous.as_ref().and_then(|name| self.accounts.iter().find(|account| account.name == *name))
    }

    /// The account that answers when a call says nothing about itself.
    pub(crate) fn default_account(&self) -> Option<&Account> {
        let alone =
            self.accounts.first().filter(|_| self.accounts.len() == 1 && self.active != DefaultAccount::SignedOut);
        self.active_account().or(alone)
    }

    /// The account that answers a call that says no more than what it does.
    pub(crate) fn default_for(&self, operation: Option<Operation>) -> Option<&Account> {
        let serving: Vec<_> = self.accounts.iter().filter(|account| account.serves(operation)).collect();
        let alone = || only(&serving).filter(|_| self.active != DefaultAccount::SignedOut);
        self.active_account().filter(|active| active.serves(operation)).or_else(alone)
    }

    /// Whether there is one account that answers whoever calls.
    pub(crate) fn sole_answer(&self) -> bool {
        let [account] = self.accounts.as_slice() else { return false };
        self.active != DefaultAccount::SignedOut && account.purpose.is_none() && self.public.is_empty()
    }
}

/// The only account that can be meant, one that is for this alone before one that is for everything.
pub(super) fn only<'a>(serving: &[&'a Account]) -> Option<&'a Account> {
    let mut special = serving.iter().filter(|account| account.purpose.is_some());
    match (serving, special.next(), special.next()) {
        ([account], ..) | (_, Some(account), None) => Some(account),
        _ => None,
    }
}
