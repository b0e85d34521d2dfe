//! Which account answers: the ladder that `get`, `which` and every other front climb, rung by rung, first hit wins.

use std::cell::OnceCell;
use std::fmt;
use std::path::PathBuf;

use super::{Account, AccountName, ImagePattern, ImageReference, Registry};

/// What the config knows about one registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidates {
    pub(crate) registry: Registry,
    pub(crate) active: Active,
    /// Who was active before the last switch.
    pub(crate) previous: Option<AccountName>,
    pub(crate) accounts: Vec<Account>,
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
    /// `alias`: meant for whichever registry has it.
    Anywhere(String),
    /// `host=alias`: meant for this one, and nothing else will do.
    Here(String),
}

/// What can be found out about the caller. Costly, so each is asked for only when its rung is reached.
pub(crate) struct Evidence<I, F> {
    /// The images of the asked registry on the caller's command line.
    pub(crate) images: I,
    /// The caller's working directory.
    pub(crate) folder: F,
}

/// The steps of `decisions`, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rung {
    Environment,
    PinnedName,
    AddressUser,
    AddressImage,
    CommandLine,
    Folder,
    Active,
    Only,
}

/// What one rung says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finding<'a> {
    Nothing,
    Account(&'a Account, Why),
    /// An account was named and is not there; another one must not step in.
    NoSuchAccount(String),
    /// The evidence points to several accounts: nothing is guessed.
    Torn(Vec<(ImageReference, AccountName)>),
}

/// What made a rung decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    Named,
    Image(ImageReference, ImagePattern),
    Folder(PathBuf),
    Default,
}

/// The account that answers, and the rung that said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice<'a> {
    pub(crate) account: &'a Account,
    pub(crate) rung: Rung,
    pub(crate) why: Why,
}

/// Why no account answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoChoice {
    /// Nothing is known for the registry, or it is signed out.
    NotFound,
    NoSuchAccount {
        rung: Rung,
        name: String,
    },
    /// There are several accounts and nothing tells them apart.
    Several,
}

impl Rung {
    pub(crate) const ALL: [Self; 8] = [
        Self::Environment,
        Self::PinnedName,
        Self::AddressUser,
        Self::AddressImage,
        Self::CommandLine,
        Self::Folder,
        Self::Active,
        Self::Only,
    ];
}

/// Chooses the account that answers.
pub(crate) fn choose<'a, I, F>(
    candidates: &'a Candidates,
    wish: &Wish,
    evidence: Evidence<I, F>,
) -> Result<Choice<'a>, NoChoice>
where
    I: FnOnce() -> Vec<ImageReference>,
    F: FnOnce() -> Option<PathBuf>,
{
    if candidates.accounts.is_empty() {
        return Err(NoChoice::NotFound); // for a registry we know nothing of nobody is looked at
    }
    for (rung, finding) in ladder(candidates, wish, evidence) {
        match finding {
            Finding::Account(account, why) => return Ok(Choice { account, rung, why }),
            Finding::NoSuchAccount(name) => return Err(NoChoice::NoSuchAccount { rung, name }),
            Finding::Nothing | Finding::Torn(_) => {}
        }
    }
    let undecided = candidates.accounts.len() > 1 && candidates.active != Active::SignedOut;
    Err(if undecided { NoChoice::Several } else { NoChoice::NotFound })
}

/// Climbs the whole ladder, lazily: `choose` stops at the first hit, `which` shows every rung.
pub(crate) fn ladder<'a, I, F>(
    candidates: &'a Candidates,
    wish: &Wish,
    evidence: Evidence<I, F>,
) -> impl Iterator<Item = (Rung, Finding<'a>)>
where
    I: FnOnce() -> Vec<ImageReference>,
    F: FnOnce() -> Option<PathBuf>,
{
    let (mut images, mut folder) = (Some(evidence.images), Some(evidence.folder));
    let patterns = OnceCell::new();
    Rung::ALL.into_iter().map(move |rung| {
        let patterns = || patterns.get_or_init(|| Patterns::of(&candidates.accounts));
        let finding = match rung {
            Rung::Environment => named_in_environment(candidates, &wish.environment),
            Rung::PinnedName => wish.pinned.as_ref().map_or(Finding::Nothing, |name| named(candidates, name.as_str())),
            Rung::AddressUser => wish.user.as_ref().map_or(Finding::Nothing, |user| named(candidates, user)),
            Rung::AddressImage => {
                wish.image.as_ref().map_or(Finding::Nothing, |image| patterns().owner_of(std::slice::from_ref(image)))
            }
            // One account that would answer anyway: who is calling cannot change that, so nobody looks.
            Rung::CommandLine | Rung::Folder if candidates.sole_answer() => Finding::Nothing,
            Rung::CommandLine => images.take().map_or(Finding::Nothing, |images| patterns().owner_of(&images())),
            Rung::Folder if candidates.accounts.iter().all(|account| account.folders.is_empty()) => Finding::Nothing,
            Rung::Folder => folder
                .take()
                .and_then(|folder| folder())
                .map_or(Finding::Nothing, |folder| used_in(candidates, &folder)),
            Rung::Active => candidates.active_account().map_or(Finding::Nothing, by_default),
            Rung::Only if candidates.sole_answer() => by_default(&candidates.accounts[0]),
            Rung::Only => Finding::Nothing,
        };
        (rung, finding)
    })
}

impl Candidates {
    /// What is known about a registry without accounts.
    pub(crate) fn none(registry: &Registry) -> Self {
        Self { registry: registry.clone(), active: Active::Unset, previous: None, accounts: vec![] }
    }

    /// The account a person means by `name`: an alias first, else a user name that only one account has.
    pub(crate) fn account(&self, name: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.name.as_str() == name).or_else(|| {
            let mut same_user = self.accounts.iter().filter(|account| account.username.as_str() == name);
            same_user.next().filter(|_| same_user.next().is_none())
        })
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
        self.active_account().or_else(|| if self.sole_answer() { self.accounts.first() } else { None })
    }

    fn sole_answer(&self) -> bool {
        self.accounts.len() == 1 && self.active != Active::SignedOut
    }
}

impl Named {
    /// Reads `ENSIGN_ACCOUNT`: `alias`, or `host=alias,host=alias`.
    pub(crate) fn parse(value: &str, registry: &Registry) -> Self {
        if !value.contains('=') {
            return Self::Anywhere(value.trim().to_owned());
        }
        let mut pairs = value.split(',').filter_map(|pair| pair.split_once('='));
        let here = pairs.find(|(host, _)| registry.is_key(host.trim()));
        here.map_or(Self::Nobody, |(_, name)| Self::Here(name.trim().to_owned()))
    }
}

fn named_in_environment<'a>(candidates: &'a Candidates, wanted: &Named) -> Finding<'a> {
    match wanted {
        Named::Nobody => Finding::Nothing,
        Named::Here(name) => named(candidates, name),
        Named::Anywhere(name) => match named(candidates, name) {
            Finding::NoSuchAccount(_) => Finding::Nothing,
            finding => finding,
        },
    }
}

fn named<'a>(candidates: &'a Candidates, name: &str) -> Finding<'a> {
    candidates
        .account(name)
        .map_or_else(|| Finding::NoSuchAccount(name.to_owned()), |account| Finding::Account(account, Why::Named))
}

fn by_default(account: &Account) -> Finding<'_> {
    Finding::Account(account, Why::Default)
}

/// The account whose folder encloses `current` most closely.
fn used_in<'a>(candidates: &'a Candidates, current: &std::path::Path) -> Finding<'a> {
    let enclosing =
        candidates.accounts.iter().flat_map(|account| account.folders.iter().map(move |folder| (account, folder)));
    let depth = |folder: &PathBuf| folder.components().count();
    let mut found: Vec<_> = enclosing.filter(|(_, folder)| current.starts_with(folder)).collect();
    found.sort_by_key(|(_, folder)| std::cmp::Reverse(depth(folder)));
    match found.as_slice() {
        [] => Finding::Nothing,
        [(first, folder), (second, other), ..] if first.name != second.name && depth(folder) == depth(other) => {
            Finding::Nothing
        }
        [(account, folder), ..] => Finding::Account(account, Why::Folder((*folder).clone())),
    }
}

/// Every account's patterns, made once per question.
struct Patterns<'a>(Vec<(&'a Account, ImagePattern)>);

impl<'a> Patterns<'a> {
    fn of(accounts: &'a [Account]) -> Self {
        Self(
            accounts
                .iter()
                .flat_map(|account| account.patterns().into_iter().map(move |pattern| (account, pattern)))
                .collect(),
        )
    }

    /// The one account that all `images` with an owner belong to. Images nobody owns (public ones) say nothing.
    fn owner_of(&self, images: &[ImageReference]) -> Finding<'a> {
        let mut owners: Vec<(&ImageReference, &'a Account, &ImagePattern)> = Vec::new();
        for image in images {
            let matching: Vec<_> = self.0.iter().filter(|(_, pattern)| pattern.matches(image)).collect();
            let best = matching.iter().map(|(_, pattern)| pattern.specificity()).max();
            owners.extend(
                matching
                    .into_iter()
                    .filter(|(_, pattern)| Some(pattern.specificity()) == best)
                    .map(|(account, pattern)| (image, *account, pattern)),
            );
        }
        match owners.first() {
            None => Finding::Nothing,
            Some((image, account, pattern)) if owners.iter().all(|(_, other, _)| other.name == account.name) => {
                Finding::Account(account, Why::Image((*image).clone(), (*pattern).clone()))
            }
            Some(_) => Finding::Torn(
                owners.iter().map(|(image, account, _)| ((*image).clone(), account.name.clone())).collect(),
            ),
        }
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => "ENSIGN_ACCOUNT",
            Self::PinnedName => "name of the program",
            Self::AddressUser => "user in the address",
            Self::AddressImage => "image in the address",
            Self::CommandLine => "command line",
            Self::Folder => "folder",
            Self::Active => "active account",
            Self::Only => "only account",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::StoreKind;
    use super::*;

    fn account(name: &str, images: &[&str], folders: &[&str]) -> Account {
        Account {
            registry: Registry::from_key("ghcr.io"),
            name: name.parse().unwrap(),
            username: name.trim_start_matches("my-").parse().unwrap(),
            store: StoreKind::File,
            images: images.iter().map(|text| text.parse().unwrap()).collect(),
            folders: folders.iter().map(PathBuf::from).collect(),
            did: None,
        }
    }

    fn candidates(active: &str) -> Candidates {
        Candidates {
            registry: Registry::from_key("ghcr.io"),
            active: match active {
                "" => Active::Unset,
                "null" => Active::SignedOut,
                name => Active::Account(name.parse().unwrap()),
            },
            previous: None,
            accounts: vec![
                account("me", &[], &["/home/me"]),
                account("work", &["ghcr.io/acme/**"], &["/home/me/work"]),
                account("ci", &["ghcr.io/acme/tools/*"], &[]),
            ],
        }
    }

    fn answer(candidates: &Candidates, wish: &Wish, images: &[&str], folder: &str) -> String {
        let evidence = Evidence {
            images: || images.iter().map(|text| text.parse().unwrap()).collect(),
            folder: || Some(PathBuf::from(folder)),
        };
        match choose(candidates, wish, evidence) {
            Ok(choice) => format!("{} by {}", choice.account.name, choice.rung),
            Err(NoChoice::NotFound) => "not found".into(),
            Err(NoChoice::Several) => "several".into(),
            Err(NoChoice::NoSuchAccount { rung, name }) => format!("no {name} by {rung}"),
        }
    }

    #[test]
    fn the_first_rung_that_knows_wins() {
        let named = |environment| Wish { environment, ..Wish::default() };
        let everything = Wish {
            environment: Named::Here("ci".into()),
            pinned: Some("work".parse().unwrap()),
            user: Some("me".into()),
            image: Some("ghcr.io/me/x".parse().unwrap()),
        };
        let no_wish = Wish::default;
        for (active, wish, images, folder, expected) in [
            ("me", everything.clone(), vec!["ghcr.io/me/app"], "/", "ci by ENSIGN_ACCOUNT"),
            (
                "me",
                Wish { environment: Named::Nobody, ..everything.clone() },
                vec![],
                "/",
                "work by name of the program",
            ),
            ("work", named(Named::Anywhere("ci".into())), vec![], "/", "ci by ENSIGN_ACCOUNT"),
            ("work", named(Named::Anywhere("elsewhere".into())), vec![], "/", "work by active account"),
            ("work", named(Named::Here("typo".into())), vec![], "/", "no typo by ENSIGN_ACCOUNT"),
            ("work", Wish { user: Some("me".into()), ..no_wish() }, vec![], "/", "me by user in the address"),
            ("work", Wish { user: Some("you".into()), ..no_wish() }, vec![], "/", "no you by user in the address"),
            (
                "work",
                Wish { image: Some("ghcr.io/me/x".parse().unwrap()), ..no_wish() },
                vec!["ghcr.io/acme/x"],
                "/",
                "me by image in the address",
            ),
            ("me", no_wish(), vec!["ghcr.io/acme/app"], "/", "work by command line"),
            ("me", no_wish(), vec!["ghcr.io/acme/tools/lint"], "/", "ci by command line"),
            ("me", no_wish(), vec!["ghcr.io/public/base", "ghcr.io/acme/app"], "/", "work by command line"),
            ("me", no_wish(), vec!["ghcr.io/acme/app", "ghcr.io/me/app"], "/home/me/work/x", "work by folder"),
            ("me", no_wish(), vec!["ghcr.io/acme/app", "ghcr.io/me/app"], "/srv", "me by active account"),
            ("work", no_wish(), vec![], "/home/me/play", "me by folder"),
            ("work", no_wish(), vec!["ghcr.io/public/base"], "/srv", "work by active account"),
            ("gone", no_wish(), vec![], "/srv", "several"),
            ("", no_wish(), vec![], "/srv", "several"),
            ("null", no_wish(), vec![], "/srv", "not found"),
            ("null", no_wish(), vec!["ghcr.io/acme/app"], "/srv", "work by command line"),
        ] {
            assert_eq!(
                answer(&candidates(active), &wish, &images, folder),
                expected,
                "{active:?} {wish:?} {images:?} {folder}"
            );
        }
    }

    #[test]
    fn one_account_never_asks_who_is_calling() {
        let one = Candidates { accounts: vec![account("me", &[], &["/home"])], ..candidates("me") };
        let evidence = Evidence { images: || unreachable!(), folder: || unreachable!() };
        assert_eq!(choose(&one, &Wish::default(), evidence).unwrap().rung, Rung::Active);
        let unset = Candidates { active: Active::Unset, ..one };
        assert_eq!(answer(&unset, &Wish::default(), &[], "/"), "me by only account");
        let none = Candidates { accounts: vec![], ..unset };
        let evidence = Evidence { images: || unreachable!(), folder: || unreachable!() };
        assert_eq!(choose(&none, &Wish::default(), evidence), Err(NoChoice::NotFound));
    }

    #[test]
    fn two_accounts_with_one_pattern_are_not_told_apart() {
        let mut twins = candidates("me");
        twins.accounts.push(account("my-work", &["ghcr.io/acme/**"], &[]));
        assert_eq!(answer(&twins, &Wish::default(), &["ghcr.io/acme/app"], "/srv"), "me by active account");
        assert_eq!(
            answer(&twins, &Wish { user: Some("work".into()), ..Wish::default() }, &[], "/"),
            "work by user in the address"
        );
    }

    #[test]
    fn the_environment_names_an_account_for_any_registry_or_for_one() {
        let ghcr = Registry::from_key("ghcr.io");
        for (value, expected) in [
            ("work", Named::Anywhere("work".into())),
            ("ghcr.io=work", Named::Here("work".into())),
            ("quay.io=me, GHCR.io = work", Named::Here("work".into())),
            ("quay.io=me", Named::Nobody),
        ] {
            assert_eq!(Named::parse(value, &ghcr), expected, "{value}");
        }
    }
}
