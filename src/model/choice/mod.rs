//! Which account answers: the ladder that `get`, `which` and every other front climb, rung by rung, first hit wins.

mod grounds;
mod ladder;
mod owner;
mod project;
mod question;

use std::fmt;
use std::path::PathBuf;

use super::{Account, AccountName, ImagePattern, ImageReference, Operation};
pub(crate) use grounds::{Grounds, Owned, UnknownPart};
pub(crate) use ladder::Ladder;
pub(crate) use owner::{owner_of, used_in};
pub(crate) use project::{Project, Trusted};
pub(crate) use question::{
    Active, Candidates, Command, Evidence, FileImages, ImageRole, Mention, Named, Reach, Route, Unknown, Wish,
};

/// The steps of the ladder, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rung {
    Environment,
    PinnedName,
    AddressUser,
    AddressImage,
    CommandLine,
    Files,
    Project,
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
    /// The image needs no account.
    Public(ImageReference, ImagePattern),
    /// The evidence points to several accounts: nothing is guessed.
    Torn(Vec<(ImageReference, AccountName)>),
    /// Parts of the evidence are not known: what is known beside them decides nothing.
    Unknown(Vec<Unknown>),
}

/// What made a rung decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    Named,
    Image(ImageReference, ImagePattern),
    Mention(Mention, ImagePattern),
    /// The file that names it.
    Project(PathBuf),
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

/// What the rungs that were passed could not decide by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Undecided {
    /// Images that belong to different accounts.
    pub(crate) torn: Vec<(ImageReference, AccountName)>,
    pub(crate) unknown: Vec<Unknown>,
}

/// Why no account answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoChoice {
    /// Nothing is known for the registry, or it is signed out.
    NotFound,
    /// The image needs no account.
    Public(Box<(ImageReference, ImagePattern)>),
    /// There are accounts, but each is for the other thing.
    NoneFor(Operation),
    NoSuchAccount {
        rung: Rung,
        name: String,
    },
    /// There are several accounts and nothing tells them apart.
    Several,
}

impl Rung {
    pub(crate) const ALL: [Self; 10] = [
        Self::Environment,
        Self::PinnedName,
        Self::AddressUser,
        Self::AddressImage,
        Self::CommandLine,
        Self::Files,
        Self::Project,
        Self::Folder,
        Self::Active,
        Self::Only,
    ];
}

/// Chooses the account that answers.
pub(crate) fn choose<'a>(
    candidates: &'a Candidates,
    wish: &Wish,
    evidence: &impl Evidence,
) -> Result<Choice<'a>, NoChoice> {
    choose_past(candidates, wish, evidence, &mut Undecided::default())
}

/// The same; `undecided` gets what the rungs on the way could not decide by.
pub(crate) fn choose_past<'a>(
    candidates: &'a Candidates,
    wish: &Wish,
    evidence: &impl Evidence,
    undecided: &mut Undecided,
) -> Result<Choice<'a>, NoChoice> {
    if candidates.accounts.is_empty() {
        return Err(NoChoice::NotFound); // for a registry we know nothing of nobody is looked at
    }
    let ladder = Ladder::new(candidates, wish, evidence);
    for rung in Rung::ALL {
        match ladder.finding(rung) {
            Finding::Account(account, why) => return Ok(Choice { account, rung, why }),
            Finding::NoSuchAccount(name) => return Err(NoChoice::NoSuchAccount { rung, name }),
            Finding::Public(image, pattern) => return Err(NoChoice::Public(Box::new((image, pattern)))),
            Finding::Torn(owners) => undecided.torn.extend(owners),
            Finding::Unknown(unknown) => undecided.unknown.extend(unknown),
            Finding::Nothing => {}
        }
    }
    Err(match ladder.serving() {
        _ if candidates.active == Active::SignedOut => NoChoice::NotFound,
        [] => NoChoice::NoneFor(ladder.operation().unwrap_or(Operation::Pull)),
        [_] => NoChoice::NotFound,
        _ => NoChoice::Several,
    })
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
            Self::Project => Project::FILE,
            Self::Folder => "folder",
            Self::Active => "default account",
            Self::Only => "only account",
        })
    }
}

#[cfg(test)]
mod tests;
