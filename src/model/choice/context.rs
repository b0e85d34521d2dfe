//! What is asked: the accounts of a registry, and what the call says about the one it wants.

use std::path::PathBuf;
use std::rc::Rc;

use super::decision::Decision;
use super::project::{Project, Trusted};
use crate::model::{
    Account, AccountName, CallerFacts, CallerRule, HelperName, ImagePattern, ImageReference, Operation, Registry,
};

/// What the config knows about one registry, or about the hosts of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidates {
    pub(crate) registry: Registry,
    /// Which is asked about: the registry itself, or one of the pattern's hosts.
    pub(crate) host: Registry,
    /// How other programs spell the registry's name, besides ours.
    pub(crate) spellings: Vec<String>,
    pub(crate) active: Active,
    /// Who was active before the last switch.
    pub(crate) previous: Option<AccountName>,
    /// The images that need no account.
    pub(crate) public: Vec<ImagePattern>,
    /// The other helper that answers there, if there is no account.
    pub(crate) helper: Option<HelperName>,
    pub(crate) accounts: Vec<Account>,
    /// The files that may name accounts, of any registry.
    pub(crate) trusted: Rc<[Trusted]>,
}

/// Another helper that answers for a registry without accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) helper: HelperName,
    /// The registry or pattern for which a person chose it; `None`: it is the one for all others.
    pub(crate) by: Option<Registry>,
}

/// The account that answers when nothing else decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Active {
    Account(AccountName),
    /// After `docker logout`: the accounts are kept, but none is handed out unasked.
    SignedOut,
    #[default]
    Unset,
}

/// What the call itself says about the account it wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) environment: Named,
    /// From the program's name, `docker-credential-ensign-<alias>`.
    pub(crate) pinned: Option<AccountName>,
    /// From the server address, `user@host`.
    pub(crate) user: Option<String>,
    /// From the server address, `host/repository`.
    pub(crate) image: Option<ImageReference>,
}

/// The meaning of `ENSIGN_ACCOUNT` for one registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Named {
    #[default]
    Nobody,
    /// Only accounts of other registries.
    Elsewhere,
    /// `alias`: meant for whichever registry has it.
    Anywhere(String),
    /// `host=alias`: meant for this one, and nothing else will do.
    Here(String),
}

/// What can be found out about the caller. Costly, so each is asked for only when its rung is reached, and once.
pub(crate) trait Evidence {
    /// What stands on the caller's command line.
    fn command(&self) -> Command;

    /// What a build does whose command line leaves it to the files it works on.
    fn operation_in_files(&self) -> Option<Operation>;

    /// What the files that the caller works on say about the asked registry.
    fn mentions(&self) -> FileImages;

    /// The caller's project, if its file is one of `trusted`.
    fn project(&self, trusted: &[Trusted]) -> Option<Project>;

    /// The caller's working directory, by each of its names.
    fn folder(&self) -> Vec<PathBuf>;

    /// What the account's rule asks about the caller.
    fn facts(&self, rule: &CallerRule) -> CallerFacts;
}

/// What a caller's command line says about the asked registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) images: Vec<ImageReference>,
    pub(crate) role: ImageRole,
    /// Push if anything is pushed there; `None` if that does not tell.
    pub(crate) operation: Option<Operation>,
}

/// What a command does with its images. Those that it can do without leave the decision to its files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ImageRole {
    /// It pulls or pushes them.
    #[default]
    Needed,
    /// It reads them as a cache if it can.
    Cache,
    /// It calls what it builds so and does not push it: nobody asks the registry for them.
    Result,
}

/// The images of the asked registry in the files that a caller works on, and what was not worked out there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FileImages {
    pub(crate) images: Vec<Mention>,
    pub(crate) unknown: Vec<Unknown>,
}

/// Something in a file that may name any image: what is not known decides nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unknown {
    pub(crate) file: PathBuf,
    pub(crate) reach: Reach,
    /// What is not known and why, to stand behind the file's name. Holds no text of a variable.
    pub(crate) message: String,
}

/// The registries whose images something may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    Any,
    Only(Registry),
    /// That one is asked first, for what makes the rest known.
    AllBut(Registry),
}

/// An image, and the file that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    pub(crate) image: ImageReference,
    pub(crate) file: PathBuf,
}

impl Reach {
    pub(crate) fn includes(&self, registry: &Registry) -> bool {
        match self {
            Self::Any => true,
            Self::Only(known) => known == registry,
            Self::AllBut(known) => known != registry,
        }
    }
}

impl FileImages {
    pub(crate) fn is_empty(&self) -> bool {
        self.images.is_empty() && self.unknown.is_empty()
    }
}

impl Candidates {
    /// What is known about a registry without accounts.
    pub(crate) fn none(registry: &Registry) -> Self {
        Self {
            registry: registry.clone(),
            host: registry.clone(),
            spellings: vec![],
            active: Active::Unset,
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
        let closest = answering.max_by_key(|entry| entry.registry.closeness(host));
        Self { public, host: host.clone(), ..closest.unwrap_or_else(|| Self::none(host)) }
    }

    /// Tells whether the accounts are those of another registry, which answer for the host too.
    pub(crate) fn is_alias(&self) -> bool {
        !self.registry.covers(&self.host)
    }

    /// An image of a host that these accounts answer for too is looked for in their patterns as one of their registry.
    pub(super) fn move_home(&self, image: &mut ImageReference) {
        if self.is_alias() && *image.registry() == self.host {
            *image = ImageReference::of(self.registry.clone(), image.repository().clone());
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
            Active::Account(name) => self.accounts.iter().find(|account| account.name == *name),
            Active::SignedOut | Active::Unset => None,
        }
    }

    pub(crate) fn previous_account(&self) -> Option<&Account> {
        self.previous.as_ref().and_then(|name| self.accounts.iter().find(|account| account.name == *name))
    }

    /// The account that answers when a call says nothing about itself.
    pub(crate) fn default_account(&self) -> Option<&Account> {
        let alone = self.accounts.first().filter(|_| self.accounts.len() == 1 && self.active != Active::SignedOut);
        self.active_account().or(alone)
    }

    /// The account that answers a call that says no more than what it does.
    pub(crate) fn default_for(&self, operation: Option<Operation>) -> Option<&Account> {
        let serving: Vec<_> = self.accounts.iter().filter(|account| account.serves(operation)).collect();
        let alone = || only(&serving).filter(|_| self.active != Active::SignedOut);
        self.active_account().filter(|active| active.serves(operation)).or_else(alone)
    }

    /// Whether there is one account that answers whoever calls.
    pub(crate) fn sole_answer(&self) -> bool {
        let [account] = self.accounts.as_slice() else { return false };
        self.active != Active::SignedOut && account.purpose.is_none() && self.public.is_empty()
    }
}

impl Named {
    /// Reads `ENSIGN_ACCOUNT`: `alias`, or `host=alias,host=alias`. Among pairs, an alias alone is for all other registries.
    pub(crate) fn parse(value: &str, registry: &Registry) -> Self {
        let pairs = value.split(',').filter_map(|pair| pair.split_once('='));
        let named = |registry: &Registry| pairs.clone().find(|(host, _)| registry.is_key(host.trim()));
        let here = named(registry).or_else(|| named(&registry.served_by()?));
        let alone = || value.split(',').map(str::trim).find(|part| !part.is_empty() && !part.contains('='));
        match here {
            Some((_, name)) => Self::Here(name.trim().to_owned()),
            None => alone().map_or(Self::Elsewhere, |name| Self::Anywhere(name.to_owned())),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_an_account_for_any_registry_or_for_one() {
        let ghcr = Registry::from_key("ghcr.io");
        for (value, expected) in [
            ("work", Named::Anywhere("work".into())),
            ("ghcr.io=work", Named::Here("work".into())),
            ("quay.io=me, GHCR.io = work", Named::Here("work".into())),
            ("quay.io=me", Named::Elsewhere),
            ("quay.io=me,work,", Named::Anywhere("work".into())),
            ("work,ghcr.io=me", Named::Here("me".into())),
        ] {
            assert_eq!(Named::parse(value, &ghcr), expected, "{value}");
        }
    }
}
