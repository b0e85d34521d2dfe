//! `NewLogin`: a login to save. Saving the login adds or renews an account.

use std::time::SystemTime;

use crate::model::choice::RegistryAccounts;
use crate::model::{
    Account, AccountName, CallerEdit, Expiry, ImagePattern, Operation, Problem, Registry, Source, StoreKind,
    StoredSecret, Username, jwt,
};
use crate::system::text;

pub(crate) struct NewLogin {
    pub(crate) registry: Registry,
    /// The registry's name as the user typed it, if Ensign spells the name differently.
    pub(crate) spellings: Vec<String>,
    pub(crate) username: Username,
    /// The alias. With `None`, an existing account keeps its alias, and a new account gets the user name as its alias.
    pub(crate) name: Option<AccountName>,
    /// The store for the secret. With `None`, the store of an existing account is used, and a new account uses the
    /// store of new secrets.
    pub(crate) store: Option<StoreKind>,
    /// The user of an identity token, if known. If `token_of` is set, `username` is `<token>`.
    pub(crate) token_of: Option<Username>,
    /// The patterns of images that the account gets.
    pub(crate) images: Vec<ImagePattern>,
    pub(crate) images_before: PreviousImages,
    /// The repository or namespace in the server address, if there is one. If `bound` is set, the login is only for
    /// this repository or namespace.
    pub(crate) bound: Option<ImagePattern>,
    /// The operation to which the login is limited. With `None`, an existing account keeps its operation.
    pub(crate) purpose: Option<Operation>,
    /// The user's decentralized identifier, if the provider reports it.
    pub(crate) did: Option<String>,
    /// The change of the account's rule for callers.
    pub(crate) callers: CallerEdit,
    pub(crate) stored: StoredSecret,
    /// The source of the current secret and of later secrets.
    pub(crate) source: Source,
    pub(crate) activate: Activation,
}

/// Whether a login becomes the default account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activation {
    Yes,
    /// The login becomes the default only if the registry has no default account.
    IfNone,
}

/// The effect of new patterns on an account's earlier patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PreviousImages {
    Kept,
    /// The earlier patterns are kept. An account without patterns also gets the pattern of the account's namespace.
    KeptWithNamespace,
    Replaced,
}

impl NewLogin {
    /// Returns a login with a static secret and no options.
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

    /// Returns the secret to store, with its expiry if known. The expiry of a token is read from the token itself. An
    /// expiry in the past is ignored: the registry has just accepted the token, so the clock must be wrong. Returns
    /// `None` for an external secret without an expiry.
    pub(super) fn stored_from(&self, now: SystemTime) -> Option<StoredSecret> {
        if let Source::External(_) = self.source {
            return Some(self.stored.copy()).filter(|stored| stored.expires_at.is_some());
        }
        let exp = jwt::end_of(&self.stored.secret);
        Some(StoredSecret { expires_at: self.stored.expires_at.or(exp.filter(|exp| *exp > now)), ..self.stored.copy() })
    }

    /// Returns the time when the user must log in again, if it is known.
    pub(crate) fn expiry(&self, now: SystemTime) -> Expiry {
        self.stored_from(now).map_or(Expiry::Unknown, |stored| Expiry::new(&self.source, &stored))
    }

    /// Returns the account among `candidates` that this login renews, or a new account that this login adds. A new
    /// account is stored in `store`.
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
                format!("`{}` is already the alias of {} on {}", account.name, account.username, self.registry),
                format_args!("login {} {} --alias NAME", self.registry, text::option("-u", self.username.as_str())),
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

    /// Returns the account that this login renews.
    pub(super) fn known<'c>(&self, candidates: &'c RegistryAccounts) -> Option<&'c Account> {
        if let Some(name) = &self.name {
            return candidates.called(name.as_str());
        }
        // Docker saves a renewed identity token without the user name, so the default account is the first candidate.
        let answered =
            candidates.active_account().filter(|active| active.username == self.username && self.token_of.is_none());
        // An identity token hides the account's user name, so the alias must be the user name.
        let keeps_user =
            |account: &&Account| !self.username.is_identity_token() || account.name.as_str() == self.user().as_str();
        let same_user = candidates.accounts.iter().filter(|account| account.is_of(self.user())).filter(keeps_user);
        let patterns: Vec<_> = self.images.iter().chain(&self.bound).collect();
        let is_bound = |account: &&Account| {
            let same =
                account.images.len() == patterns.len() && account.images.iter().all(|own| patterns.contains(&own));
            self.bound.is_none() || same
        };
        // A login for one operation does not replace a login for both operations.
        let is_for = |account: &&Account| self.purpose.is_none() || account.purpose == self.purpose;
        let known = answered.into_iter().chain(same_user).filter(is_bound).filter(is_for);
        known.min_by_key(|account| account.purpose.is_some())
    }

    pub(super) fn user(&self) -> &Username {
        self.token_of.as_ref().unwrap_or(&self.username)
    }
}

impl Account {
    /// Tells whether the account has this user. An identity token hides the user name, so the alias is compared.
    pub(super) fn is_of(&self, user: &Username) -> bool {
        let own = if self.username.is_identity_token() { self.name.as_str() } else { self.username.as_str() };
        own == user.as_str()
    }
}

impl RegistryAccounts {
    /// Returns the user name as an alias. If another account has the same alias, adds the operation or a number. A long
    /// user name is shortened for this, because an alias has at most 255 bytes.
    fn free_name(&self, username: &Username, purpose: Option<Operation>) -> AccountName {
        let taken = |name: &AccountName| self.accounts.iter().any(|account| account.name == *name);
        let user = username.as_str();
        let start = &user[..user.floor_char_boundary(240)];
        let with_purpose = purpose.and_then(|purpose| format!("{start}-{purpose}").parse().ok());
        let numbered = (2..).filter_map(|number| format!("{start}-{number}").parse().ok());
        std::iter::once(AccountName::from(username))
            .chain(with_purpose)
            .chain(numbered)
            .find(|name| !taken(name))
            .expect("one of the numbers is free")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::choice::DefaultAccount;
    use crate::model::{ExternalProgram, ExternalSource, Secret};
    use std::time::Duration;

    fn registry() -> Registry {
        "ghcr.io".parse().unwrap()
    }

    /// Parses `alias=user`, an operation after `!`, and images after `:`.
    fn account(text: &str) -> Account {
        let (text, purpose) = text.split_once('!').map_or((text, None), |(text, purpose)| (text, purpose.parse().ok()));
        let (text, images) = text.split_once(':').unwrap_or((text, ""));
        let (name, user) = text.split_once('=').unwrap();
        let images = images.split_terminator(',').map(|image| format!("ghcr.io/{image}").parse().unwrap()).collect();
        Account { name: name.parse().unwrap(), images, purpose, ..Account::new(registry(), user.parse().unwrap()) }
    }

    fn text(account: &Account) -> String {
        let images: Vec<_> = account.images.iter().map(|image| image.to_string().replace("ghcr.io/", "")).collect();
        let images = if images.is_empty() { String::new() } else { format!(":{}", images.join(",")) };
        let purpose = account.purpose.map(|purpose| format!("!{purpose}")).unwrap_or_default();
        format!("{}={}{images}{purpose}", account.name, account.username)
    }

    fn login(user: &str, options: impl FnOnce(&mut NewLogin)) -> NewLogin {
        let mut login = NewLogin::new(registry(), user.parse().unwrap(), Secret::new("s".into()).into());
        options(&mut login);
        login
    }

    fn patterns(texts: &[&str]) -> Vec<ImagePattern> {
        texts.iter().map(|text| format!("ghcr.io/{text}").parse().unwrap()).collect()
    }

    #[test]
    fn a_login_renews_its_account_or_adds_one_under_a_free_alias() {
        type Options = fn(&mut NewLogin);
        let plain: Options = |_| {};
        let cases: &[(&[&str], &str, Options, &str)] = &[
            (&[], "me", plain, "me=me"),
            (&["me=me"], "me", plain, "me=me"),
            (&["work=me"], "me", plain, "work=me"),
            (&["me=me"], "you", plain, "you=you"),
            (&["me=you"], "me", plain, "me-2=me"),
            (&["me=a", "me-2=b"], "me", plain, "me-3=me"),
            (&["me=you"], "me", |login| login.purpose = Some(Operation::Push), "me-push=me!push"),
            (&["me=a", "me-push=b"], "me", |login| login.purpose = Some(Operation::Push), "me-2=me!push"),
            (&["me=me"], "me", |login| login.name = "work".parse().ok(), "work=me"),
            (&["me=me"], "you", |login| login.name = "me".parse().ok(), "`me` is already the alias of me on ghcr.io"),
            // A login for one operation and one for both are two accounts.
            (&["me=me"], "me", |login| login.purpose = Some(Operation::Pull), "me-pull=me!pull"),
            (&["me=me", "p=me!pull"], "me", |login| login.purpose = Some(Operation::Pull), "p=me!pull"),
            (&["p=me!pull", "me=me"], "me", plain, "me=me"),
            (&["p=me!pull"], "me", plain, "p=me!pull"),
            // After a login with an identity token, only the alias shows the user name.
            (&["me=<token>"], "me", plain, "me=me"),
            (&["me=me"], "<token>", |login| login.token_of = "me".parse().ok(), "me=<token>"),
            (&["work=me"], "<token>", |login| login.token_of = "me".parse().ok(), "me=<token>"),
            (&["a=<token>"], "<token>", plain, "a=<token>"), // renews the default account
            (&["b=b", "a=<token>"], "<token>", plain, "<token>=<token>"),
            (&["a=<token>"], "<token>", |login| login.token_of = "me".parse().ok(), "me=<token>"),
            (&["me=me"], "<token>", |login| login.name = "me".parse().ok(), "me=<token>"),
            // Patterns of images.
            (&["me=me:a/**"], "me", |login| login.images = patterns(&["b/**", "a/**"]), "me=me:a/**,b/**"),
            (
                &["me=me"],
                "me",
                |login| (login.images, login.images_before) = (patterns(&["b/**"]), PreviousImages::KeptWithNamespace),
                "me=me:me/**,b/**",
            ),
            (
                &["me=me:a/**"],
                "me",
                |login| (login.images, login.images_before) = (patterns(&["b/**"]), PreviousImages::Replaced),
                "me=me:b/**",
            ),
            (&["me=me:a/**"], "me", |login| login.images_before = PreviousImages::Replaced, "me=me:a/**"),
            (&["me=me"], "me", |login| login.bound = patterns(&["a/b"]).pop(), "me-2=me:a/b"),
            (&["me=me", "x=me:a/b"], "me", |login| login.bound = patterns(&["a/b"]).pop(), "x=me:a/b"),
            (&["me=me:a/b,c/d"], "me", |login| login.bound = patterns(&["a/b"]).pop(), "me-2=me:a/b"),
            (&["me=me:c/d"], "me", |login| login.bound = patterns(&["a/b"]).pop(), "me-2=me:a/b"),
        ];
        for (known, user, options, expected) in cases {
            let accounts: Vec<_> = known.iter().map(|text| account(text)).collect();
            let active =
                accounts.first().map_or(DefaultAccount::Unset, |first| DefaultAccount::Account(first.name.clone()));
            let candidates = RegistryAccounts { active, accounts, ..RegistryAccounts::none(&registry()) };
            let login = login(user, *options);
            let found = match login.account(&candidates, &StoreKind::File) {
                Ok(account) => text(&account),
                Err(problem) => problem.message,
            };
            assert_eq!(found, *expected, "{user} beside {known:?}");
        }
    }

    #[test]
    fn a_long_user_name_leaves_room_for_a_number() {
        let user = "ü".repeat(127);
        let taken = Account { username: "other".parse().unwrap(), ..account(&format!("{user}=x")) };
        let candidates = RegistryAccounts { accounts: vec![taken], ..RegistryAccounts::none(&registry()) };
        for (purpose, end) in [(None, "ü-2"), (Some(Operation::Push), "ü-push")] {
            let login = login(&user, |login| login.purpose = purpose);
            let found = login.account(&candidates, &StoreKind::File).unwrap();
            assert!(found.name.as_str().ends_with(end) && found.username.as_str() == user, "{}", found.name);
        }
    }

    #[test]
    fn a_login_changes_the_fields_that_it_has() {
        let old = Account { did: Some("did:plc:old".into()), store: StoreKind::Sealed, ..account("me=me") };
        let candidates = RegistryAccounts { accounts: vec![old], ..RegistryAccounts::none(&registry()) };
        let changed_fields = |login: NewLogin| {
            let account = login.account(&candidates, &StoreKind::Other("new".into())).unwrap();
            (account.store.to_string(), account.did.unwrap_or_default(), account.callers.needs_grant)
        };
        assert_eq!(changed_fields(login("me", |_| {})), ("sealed".into(), "did:plc:old".into(), false));
        let guarded = CallerEdit { needs_grant: Some(true), ..CallerEdit::default() };
        let changed = login("me", |login| {
            (login.store, login.did, login.callers) = (Some(StoreKind::File), Some("did:plc:new".into()), guarded);
        });
        assert_eq!(changed_fields(changed), ("file".into(), "did:plc:new".into(), true));
        assert_eq!(changed_fields(login("you", |_| {})), ("new".into(), String::new(), false));
    }

    #[test]
    fn the_end_of_a_secret_is_what_its_issuer_or_the_token_says() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        // The bodies of these tokens are {"exp":2000}, {"exp":1000} and {"exp":999}.
        let [ahead, at_once, over] = ["eyJleHAiOjIwMDB9", "eyJleHAiOjEwMDB9", "eyJleHAiOjk5OX0"]
            .map(|body| format!("eyJhbGciOiJub25lIn0.{body}.c2ln"));
        let at = |seconds: u64| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        for (secret, expires_at_login, end) in [
            ("s".to_owned(), None, None),
            ("s".to_owned(), at(5), at(5)),
            (ahead.clone(), None, at(2000)),
            (ahead, at(3000), at(3000)),
            (at_once, None, None), // the registry accepted it just now, so the clock is wrong
            (over, None, None),
        ] {
            let stored = StoredSecret { expires_at: expires_at_login, ..Secret::new(secret.clone()).into() };
            let login = NewLogin::new(registry(), "me".parse().unwrap(), stored);
            assert_eq!(login.stored_from(now).unwrap().expires_at, end, "{secret}");
            assert_eq!(login.expiry(now), end.map_or(Expiry::Unknown, Expiry::Ends), "{secret}");
        }
        let program = ExternalProgram::Glab;
        let source = Source::External(ExternalSource { program, env: [].into(), cache: None });
        for expires_at_login in [None, at(5)] {
            let login =
                login("me", |login| (login.source, login.stored.expires_at) = (source.clone(), expires_at_login));
            assert_eq!(login.stored_from(now).map(|stored| stored.expires_at), expires_at_login.map(Some));
        }
    }
}
