//! `NewLogin`: a login to save, and the account that it adds or renews.

use std::time::SystemTime;

use crate::model::choice::RegistryAccounts;
use crate::model::{
    Account, AccountName, CallerEdit, Expiry, ImagePattern, Operation, Problem, Registry, Source, StoreKind,
    StoredSecret, Username, jwt,
};
use crate::system::text;

pub(crate) struct NewLogin {
    pub(crate) registry: Registry,
    /// The registry's name as it was typed, if it differs from ours.
    pub(crate) spellings: Vec<String>,
    pub(crate) username: Username,
    /// The alias; `None`: that of the account with this user name, else the user name itself.
    pub(crate) name: Option<AccountName>,
    /// The store for the secret; `None`: the account's, else the store of new secrets.
    pub(crate) store: Option<StoreKind>,
    /// The user of an identity token, if known. In that case `username` is `<token>`.
    pub(crate) token_of: Option<Username>,
    /// Patterns for the account.
    pub(crate) images: Vec<ImagePattern>,
    pub(crate) images_before: PreviousImages,
    /// The repository or namespace in the server address. It has its own login.
    pub(crate) bound: Option<ImagePattern>,
    /// The operation that it is for; `None`: the operations of the account.
    pub(crate) purpose: Option<Operation>,
    /// The user's decentralized identifier, if the provider tells it.
    pub(crate) did: Option<String>,
    /// The change of the rule for callers.
    pub(crate) callers: CallerEdit,
    pub(crate) stored: StoredSecret,
    /// Where the secret came from, and where the next one will come from.
    pub(crate) source: Source,
    pub(crate) activate: Activation,
}

/// Whether a login becomes the default account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activation {
    Yes,
    /// Only if the registry has no default account.
    IfNone,
}

/// What happens to an account's patterns when new ones are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PreviousImages {
    Kept,
    /// Kept, and an account without patterns gets those of its own namespace.
    KeptWithNamespace,
    Replaced,
}

impl NewLogin {
    /// A login with a static secret and no options.
    pub(crate) fn new(registry: Registry, username: Username, stored: StoredSecret) -> Self {
        Self {
            registry,
            spellings: vec![],
            username,
            name: None,
            store: None,
            token_of: None,
            images: vec![],
            images_before: PreviousImages::Kept,
            bound: None,
            purpose: None,
            did: None,
            callers: CallerEdit::default(),
            stored,
            source: Source::Static,
            activate: Activation::IfNone,
        }
    }

    /// The secret with what is known of its end. A token tells its own end. If that has passed, our clock is wrong,
    /// because the registry has just accepted the token. An external secret is kept as long as its program allows.
    pub(super) fn stored_from(&self, now: SystemTime) -> Option<StoredSecret> {
        if let Source::External(_) = self.source {
            return Some(self.stored.copy()).filter(|stored| stored.expires_at.is_some());
        }
        let exp = jwt::end_of(&self.stored.secret);
        Some(StoredSecret { expires_at: self.stored.expires_at.or(exp.filter(|exp| *exp > now)), ..self.stored.copy() })
    }

    /// When the user must log in again, if known.
    pub(crate) fn expiry(&self, now: SystemTime) -> Expiry {
        self.stored_from(now).map_or(Expiry::Unknown, |stored| Expiry::new(&self.source, &stored))
    }

    /// The account that this login adds or renews among `candidates`. `store` is for a new one.
    pub(super) fn account(&self, candidates: &RegistryAccounts, store: &StoreKind) -> Result<Account, Problem> {
        let mut account = self.known(candidates).cloned().unwrap_or_else(|| Account {
            name: self.name.clone().unwrap_or_else(|| candidates.free_name(self.user(), self.purpose)),
            store: store.clone(),
            ..Account::new(self.registry.clone(), self.username.clone())
        });
        let same_user = account.username == self.username
            || account.username.is_identity_token()
            || self.username.is_identity_token();
        if !same_user {
            return Err(Problem::run(
                format!("`{}` is the account of {} on {} already", account.name, account.username, self.registry),
                format_args!("login {} -u {} --alias NAME", self.registry, text::quote(self.username.as_str())),
            ));
        }
        account.username = self.username.clone();
        account.source = self.source.clone();
        account.store = self.store.clone().unwrap_or(account.store);
        account.purpose = self.purpose.or(account.purpose);
        account.did = self.did.clone().or(account.did);
        account.callers = self.callers.applied_to(&account.callers);
        match self.images_before {
            _ if self.images.is_empty() => {}
            PreviousImages::Kept => {}
            PreviousImages::KeptWithNamespace => account.images = account.patterns(),
            PreviousImages::Replaced => account.images.clear(),
        }
        for pattern in self.images.iter().chain(&self.bound) {
            if !account.images.contains(pattern) {
                account.images.push(pattern.clone());
            }
        }
        Ok(account)
    }

    /// The account that this login renews.
    pub(super) fn known<'c>(&self, candidates: &'c RegistryAccounts) -> Option<&'c Account> {
        if let Some(name) = &self.name {
            return candidates.accounts.iter().find(|account| account.name == *name);
        }
        // Docker stores a renewed identity token without its user.
        let answered =
            candidates.active_account().filter(|active| active.username == self.username && self.token_of.is_none());
        // An identity token hides the account's user name, so the alias must tell it.
        let keeps_user =
            |account: &&Account| !self.username.is_identity_token() || account.name.as_str() == self.user().as_str();
        let same_user = candidates.accounts.iter().filter(|account| account.is_of(self.user())).filter(keeps_user);
        let patterns: Vec<_> = self.images.iter().chain(&self.bound).collect();
        let is_bound = |account: &&Account| {
            let same =
                account.images.len() == patterns.len() && account.images.iter().all(|own| patterns.contains(&own));
            self.bound.is_none() || same
        };
        // A login for one operation does not replace one for both.
        let is_for = |account: &&Account| self.purpose.is_none() || account.purpose == self.purpose;
        let known = answered.into_iter().chain(same_user).filter(is_bound).filter(is_for);
        known.min_by_key(|account| account.purpose.is_some())
    }

    pub(super) fn user(&self) -> &Username {
        self.token_of.as_ref().unwrap_or(&self.username)
    }
}

impl Account {
    /// After a login with an identity token, only the alias tells the user name.
    pub(super) fn is_of(&self, user: &Username) -> bool {
        let own = if self.username.is_identity_token() { self.name.as_str() } else { self.username.as_str() };
        own == user.as_str()
    }
}

impl RegistryAccounts {
    /// The user name as an alias. If that is taken, the operation or a number is added.
    fn free_name(&self, username: &Username, purpose: Option<Operation>) -> AccountName {
        let taken = |name: &AccountName| self.accounts.iter().any(|account| account.name == *name);
        let with_purpose = purpose.and_then(|purpose| format!("{username}-{purpose}").parse().ok());
        let numbered = (2..).filter_map(|number| format!("{username}-{number}").parse().ok());
        std::iter::once(AccountName::from(username))
            .chain(with_purpose)
            .chain(numbered)
            .find(|name| !taken(name))
            .expect("there are more numbers than accounts")
    }
}
