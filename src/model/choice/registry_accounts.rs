//! `RegistryAccounts`: the accounts of a registry, or of the hosts of a pattern.

use std::rc::Rc;

use super::context::TrustedFile;
use super::decision::Decision;
use crate::model::{Account, AccountName, HelperName, ImagePattern, ImageReference, Operation, Registry};

/// The config's entry for one registry, or for the hosts of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RegistryAccounts {
    pub(crate) registry: Registry,
    /// The host in the call is the registry itself, an alias of the registry, or a host that the pattern covers.
    pub(crate) host: Registry,
    /// The spellings of the registry's name that other programs use.
    pub(crate) spellings: Vec<String>,
    pub(crate) active: DefaultAccount,
    /// The default account before the last `ensign switch`.
    pub(crate) previous: Option<AccountName>,
    pub(crate) public: Vec<ImagePattern>,
    /// The credential helper that answers if the entry has no account.
    pub(crate) helper: Option<HelperName>,
    pub(crate) accounts: Vec<Account>,
    /// The trusted project files, which may mention accounts of any registry.
    pub(crate) trusted: Rc<[TrustedFile]>,
}

/// Another credential helper that answers for a registry without accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HelperRoute {
    pub(crate) helper: HelperName,
    /// The registry or pattern that is routed to this helper; `None` if the helper is the fallback.
    pub(crate) by: Option<Registry>,
}

/// The account that answers if no earlier rule decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum DefaultAccount {
    Account(AccountName),
    /// No account answers by default. `docker logout` selects this variant and keeps the accounts.
    SignedOut,
    #[default]
    Unset,
}

impl RegistryAccounts {
    /// Creates an empty entry for a registry.
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

    /// Returns the most specific entry for a host. Entries without accounts and without a helper are skipped, but the
    /// result contains the public images of all entries.
    pub(crate) fn for_host(mut entries: Vec<Self>, host: &Registry) -> Self {
        let public = entries.iter_mut().flat_map(|entry| std::mem::take(&mut entry.public)).collect();
        let answers = |entry: &Self| !entry.accounts.is_empty() || entry.helper.is_some();
        let answering = entries.into_iter().rev().filter(answers); // reversed, so the first equal entry wins
        let closest = answering.max_by_key(|entry| entry.registry.specificity(host));
        Self { public, host: host.clone(), ..closest.unwrap_or_else(|| Self::none(host)) }
    }

    /// Tells whether the host is an alias of the registry to which the accounts belong.
    pub(crate) fn is_alias(&self) -> bool {
        !self.registry.covers(&self.host)
    }

    /// Replaces an alias host in an image's name by the accounts' registry, so that the accounts' patterns match the
    /// image. The config lists alias hosts in the field `also`.
    pub(super) fn move_home(&self, image: &mut ImageReference) {
        if self.is_alias() && *image.registry() == self.host {
            *image = ImageReference::new(self.registry.clone(), image.repository().clone());
        }
    }

    /// Returns the account with the alias `name`. If no account has this alias, the only account with the user name
    /// `name` is returned.
    pub(crate) fn account(&self, name: &str) -> Option<&Account> {
        self.called(name).or_else(|| {
            let mut same_user = self.accounts.iter().filter(|account| account.username.as_str() == name);
            same_user.next().filter(|_| same_user.next().is_none())
        })
    }

    /// Returns the account for the address `user@host`. User names are compared before aliases, because Docker knows
    /// only user names.
    ///
    /// If several accounts have this user name, the default account is returned if it is one of them. Otherwise the
    /// account whose alias equals the user name is returned.
    pub(crate) fn account_of(&self, user: &str) -> Option<&Account> {
        let is_of = |account: &&Account| account.username.as_str() == user;
        let mut of_user = self.accounts.iter().filter(is_of);
        match (of_user.next(), of_user.next()) {
            (Some(only), None) => Some(only),
            (Some(_), Some(_)) => self.active_account().filter(is_of).or_else(|| self.called(user).filter(is_of)),
            (None, _) => self.account(user),
        }
    }

    /// Returns the account that a decision has chosen.
    pub(crate) fn chosen(&self, decision: &Decision) -> Option<&Account> {
        self.called(decision.account.as_deref()?)
    }

    /// Returns the account with exactly this alias.
    pub(crate) fn called(&self, alias: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.name.as_str() == alias)
    }

    pub(crate) fn active_account(&self) -> Option<&Account> {
        match &self.active {
            DefaultAccount::Account(name) => self.called(name.as_str()),
            DefaultAccount::SignedOut | DefaultAccount::Unset => None,
        }
    }

    pub(crate) fn previous_account(&self) -> Option<&Account> {
        self.called(self.previous.as_ref()?.as_str())
    }

    /// Returns the account that answers if nothing is known about the call.
    pub(crate) fn default_account(&self) -> Option<&Account> {
        let alone =
            self.accounts.first().filter(|_| self.accounts.len() == 1 && self.active != DefaultAccount::SignedOut);
        self.active_account().or(alone)
    }

    /// Returns the account that answers if only the call's operation is known.
    pub(crate) fn default_for(&self, operation: Option<Operation>) -> Option<&Account> {
        let serving: Vec<_> = self.accounts.iter().filter(|account| account.serves(operation)).collect();
        let alone = || only(&serving).filter(|_| self.active != DefaultAccount::SignedOut);
        self.active_account().filter(|active| active.serves(operation)).or_else(alone)
    }

    /// Tells whether the entry has one account that answers every call.
    pub(crate) fn sole_answer(&self) -> bool {
        let [account] = self.accounts.as_slice() else { return false };
        self.active != DefaultAccount::SignedOut && account.purpose.is_none() && self.public.is_empty()
    }
}

/// Returns the only account in `serving`. If `serving` has several accounts, the only account that is restricted to one
/// operation is returned.
pub(super) fn only<'a>(serving: &[&'a Account]) -> Option<&'a Account> {
    let mut special = serving.iter().filter(|account| account.purpose.is_some());
    match (serving, special.next(), special.next()) {
        ([account], ..) | (_, Some(account), None) => Some(account),
        _ => None,
    }
}
