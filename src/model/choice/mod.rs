//! Which account answers: the ladder that `get`, `which` and every other front climb, rung by rung, first hit wins.

mod owner;
mod question;

use std::fmt;
use std::path::PathBuf;

use super::{Account, AccountName, ImagePattern, ImageReference};
pub(crate) use owner::used_in;
use owner::{owner_of, owner_of_mentioned};
pub(crate) use question::{Active, Candidates, Evidence, Mention, Named, Wish};

/// The steps of the ladder, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rung {
    Environment,
    PinnedName,
    AddressUser,
    AddressImage,
    CommandLine,
    Files,
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
    Mention(Mention, ImagePattern),
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
    pub(crate) const ALL: [Self; 9] = [
        Self::Environment,
        Self::PinnedName,
        Self::AddressUser,
        Self::AddressImage,
        Self::CommandLine,
        Self::Files,
        Self::Folder,
        Self::Active,
        Self::Only,
    ];
}

/// Chooses the account that answers.
pub(crate) fn choose<'a, I, M, F>(
    candidates: &'a Candidates,
    wish: &Wish,
    evidence: Evidence<I, M, F>,
) -> Result<Choice<'a>, NoChoice>
where
    I: FnOnce() -> Vec<ImageReference>,
    M: FnOnce() -> Vec<Mention>,
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
pub(crate) fn ladder<'a, I, M, F>(
    candidates: &'a Candidates,
    wish: &Wish,
    evidence: Evidence<I, M, F>,
) -> impl Iterator<Item = (Rung, Finding<'a>)>
where
    I: FnOnce() -> Vec<ImageReference>,
    M: FnOnce() -> Vec<Mention>,
    F: FnOnce() -> Option<PathBuf>,
{
    let (mut images, mut mentions, mut folder) =
        (Some(evidence.images), Some(evidence.mentions), Some(evidence.folder));
    Rung::ALL.into_iter().map(move |rung| {
        let finding = match rung {
            Rung::Environment => named_in_environment(candidates, &wish.environment),
            Rung::PinnedName => wish.pinned.as_ref().map_or(Finding::Nothing, |name| named(candidates, name.as_str())),
            Rung::AddressUser => wish.user.as_ref().map_or(Finding::Nothing, |user| {
                let account = candidates.account_of(user);
                account.map_or_else(
                    || Finding::NoSuchAccount(user.clone()),
                    |account| Finding::Account(account, Why::Named),
                )
            }),
            Rung::AddressImage => {
                let image = wish.image.as_ref();
                image.map_or(Finding::Nothing, |image| owner_of(&candidates.accounts, std::slice::from_ref(image)))
            }
            // One account that would answer anyway: who is calling cannot change that, so nobody looks.
            Rung::CommandLine | Rung::Files | Rung::Folder if candidates.sole_answer() => Finding::Nothing,
            Rung::CommandLine => {
                let images = images.take().map(|images| images()).unwrap_or_default();
                if !images.is_empty() {
                    mentions = None; // what the command names, it works on, whoever owns it
                }
                owner_of(&candidates.accounts, &images)
            }
            Rung::Files => mentions
                .take()
                .map_or(Finding::Nothing, |mentions| owner_of_mentioned(&candidates.accounts, &mentions())),
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

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => "ENSIGN_ACCOUNT",
            Self::PinnedName => "name of the program",
            Self::AddressUser => "user in the address",
            Self::AddressImage => "image in the address",
            Self::CommandLine => "command line",
            Self::Files => "files",
            Self::Folder => "folder",
            Self::Active => "default account",
            Self::Only => "only account",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Registry, Source, StoreKind};
    use super::*;

    fn account(name: &str, images: &[&str], folders: &[&str]) -> Account {
        Account {
            registry: Registry::from_key("ghcr.io"),
            name: name.parse().unwrap(),
            username: name.trim_start_matches("my-").parse().unwrap(),
            store: StoreKind::File,
            source: Source::Given,
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
        answer_with(candidates, wish, images, &[], folder)
    }

    fn answer_with(candidates: &Candidates, wish: &Wish, images: &[&str], mentioned: &[&str], folder: &str) -> String {
        let mention = |text: &&str| Mention { image: text.parse().unwrap(), file: "compose.yaml".into() };
        let evidence = Evidence {
            images: || images.iter().map(|text| text.parse().unwrap()).collect(),
            mentions: || mentioned.iter().map(mention).collect(),
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
            ("work", named(Named::Anywhere("elsewhere".into())), vec![], "/", "work by default account"),
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
            ("me", no_wish(), vec!["ghcr.io/acme/app", "ghcr.io/me/app"], "/srv", "me by default account"),
            ("work", no_wish(), vec![], "/home/me/play", "me by folder"),
            ("work", no_wish(), vec!["ghcr.io/public/base"], "/srv", "work by default account"),
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
        let evidence = Evidence { images: || unreachable!(), mentions: || unreachable!(), folder: || unreachable!() };
        assert_eq!(choose(&one, &Wish::default(), evidence).unwrap().rung, Rung::Active);
        let unset = Candidates { active: Active::Unset, ..one };
        assert_eq!(answer(&unset, &Wish::default(), &[], "/"), "me by only account");
        let none = Candidates { accounts: vec![], ..unset };
        let evidence = Evidence { images: || unreachable!(), mentions: || unreachable!(), folder: || unreachable!() };
        assert_eq!(choose(&none, &Wish::default(), evidence), Err(NoChoice::NotFound));
    }

    #[test]
    fn without_folders_nobody_asks_where_the_caller_is() {
        let mut homeless = candidates("me");
        homeless.accounts.iter_mut().for_each(|account| account.folders.clear());
        let evidence = Evidence { images: Vec::new, mentions: Vec::new, folder: || unreachable!() };
        assert_eq!(choose(&homeless, &Wish::default(), evidence).unwrap().rung, Rung::Active);
    }

    #[test]
    fn files_count_where_the_command_line_names_no_image() {
        for (images, mentioned, folder, expected) in [
            (vec![], vec!["ghcr.io/acme/app"], "/home/me", "work by files"),
            (vec![], vec!["ghcr.io/public/base", "ghcr.io/acme/app"], "/", "work by files"),
            (vec![], vec!["ghcr.io/public/base"], "/", "me by default account"),
            (vec![], vec!["ghcr.io/acme/app", "ghcr.io/me/app"], "/home/me/work", "work by folder"),
            (vec!["ghcr.io/me/app"], vec!["ghcr.io/acme/app"], "/", "me by command line"),
            (vec!["ghcr.io/public/base"], vec!["ghcr.io/acme/app"], "/", "me by default account"),
            (vec!["ghcr.io/me/x", "ghcr.io/acme/x"], vec!["ghcr.io/acme/app"], "/", "me by default account"),
        ] {
            let found = answer_with(&candidates("me"), &Wish::default(), &images, &mentioned, folder);
            assert_eq!(found, expected, "{images:?} {mentioned:?} {folder}");
        }
    }

    #[test]
    fn files_are_not_opened_if_the_command_line_names_an_image() {
        for image in ["ghcr.io/acme/app", "ghcr.io/public/base"] {
            let images = || vec![image.parse().unwrap()];
            let evidence = Evidence { images, mentions: || unreachable!(), folder: || None };
            assert!(choose(&candidates("me"), &Wish::default(), evidence).is_ok());
        }
    }

    #[test]
    fn two_accounts_with_one_folder_are_not_told_apart() {
        let mut twins = candidates("me");
        twins.accounts.push(account("my-work", &[], &["/home/me/work"]));
        assert_eq!(answer(&twins, &Wish::default(), &[], "/home/me/work/x"), "me by default account");
        twins.accounts[3] = account("my-work", &[], &["/home/me/work/x", "/home/me/work/x"]);
        assert_eq!(answer(&twins, &Wish::default(), &[], "/home/me/work/x"), "my-work by folder");
    }

    #[test]
    fn two_accounts_of_one_user_are_told_apart_by_alias_or_by_who_is_active() {
        let mut twins = candidates("my-work");
        twins.accounts[1].name = "acme".parse().unwrap();
        twins.accounts.push(account("my-work", &[], &[]));
        let environment = |name: &str| Wish { environment: Named::Here(name.into()), ..Wish::default() };
        let address = Wish { user: Some("work".into()), ..Wish::default() };
        for (active, wish, expected) in [
            ("me", environment("acme"), "acme by ENSIGN_ACCOUNT"),
            ("me", environment("my-work"), "my-work by ENSIGN_ACCOUNT"),
            ("me", environment("work"), "no work by ENSIGN_ACCOUNT"),
            ("me", address.clone(), "acme by user in the address"),
            ("my-work", address, "my-work by user in the address"),
        ] {
            twins.active = Active::Account(active.parse().unwrap());
            assert_eq!(answer(&twins, &wish, &[], "/"), expected, "{active} {wish:?}");
        }
    }

    #[test]
    fn two_accounts_with_one_pattern_are_not_told_apart() {
        let mut twins = candidates("me");
        twins.accounts.push(account("my-work", &["ghcr.io/acme/**"], &[]));
        assert_eq!(answer(&twins, &Wish::default(), &["ghcr.io/acme/app"], "/srv"), "me by default account");
        assert_eq!(
            answer(&twins, &Wish { user: Some("work".into()), ..Wish::default() }, &[], "/"),
            "work by user in the address"
        );
    }
}
