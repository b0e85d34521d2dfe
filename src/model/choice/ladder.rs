//! The rungs, one after another: what each says, and what must be found out for it.

use std::cell::OnceCell;

use super::owner::{owner_of, owner_of_mentioned, used_in};
use super::question::{Candidates, Command, Evidence, ImageRole, Named, Wish};
use super::{Active, Finding, Rung, Why};
use crate::model::{Account, ImagePattern, ImageReference, Operation};

/// Climbed lazily: `choose` stops at the first hit, `which` shows every rung. `'a` is for the accounts, `'c` for the call.
pub(crate) struct Ladder<'a, 'c, E> {
    pub(crate) candidates: &'a Candidates,
    wish: &'c Wish,
    evidence: &'c E,
    command: OnceCell<Command>,
    in_files: OnceCell<Finding<'a>>,
    operation: OnceCell<Option<Operation>>,
    serving: OnceCell<Vec<&'a Account>>,
}

impl<'a, 'c, E: Evidence> Ladder<'a, 'c, E> {
    pub(crate) fn new(candidates: &'a Candidates, wish: &'c Wish, evidence: &'c E) -> Self {
        let (command, in_files) = (OnceCell::new(), OnceCell::new());
        let (operation, serving) = (OnceCell::new(), OnceCell::new());
        Self { candidates, wish, evidence, command, in_files, operation, serving }
    }

    /// What one rung says; what it needs is found out now.
    pub(crate) fn finding(&self, rung: Rung) -> Finding<'a> {
        let Self { candidates, wish, evidence, .. } = *self;
        match rung {
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
                wish.image.as_ref().map_or(Finding::Nothing, |image| self.owner_of(std::slice::from_ref(image)))
            }
            // One account that would answer anyway: who is calling cannot change that, so nobody looks.
            Rung::CommandLine | Rung::Files | Rung::Project | Rung::Folder if candidates.sole_answer() => {
                Finding::Nothing
            }
            Rung::CommandLine if self.command().role != ImageRole::Needed && *self.in_files() != Finding::Nothing => {
                Finding::Nothing
            }
            Rung::CommandLine => match self.owner_of(&self.command().images) {
                Finding::Public(..) if self.command().role == ImageRole::Result => Finding::Nothing, // it is built, not pulled
                finding => finding,
            },
            // What the command names, it works on, whoever owns it.
            Rung::Files if !self.command().images.is_empty() && self.command().role == ImageRole::Needed => {
                Finding::Nothing
            }
            Rung::Files => self.in_files().clone(),
            Rung::Project if candidates.trusted.is_empty() => Finding::Nothing,
            Rung::Project => self.project(),
            Rung::Folder if self.serving().iter().all(|account| account.folders.is_empty()) => Finding::Nothing,
            Rung::Folder => used_in(self.serving().iter().copied(), &evidence.folder()),
            Rung::Active => self.active(),
            Rung::Only if candidates.active == Active::SignedOut => Finding::Nothing,
            Rung::Only => only(self.serving()).map_or(Finding::Nothing, |only| Finding::Account(only, Why::Default)),
        }
    }

    fn in_files(&self) -> &Finding<'a> {
        let owner = || {
            let mut found = self.evidence.mentions();
            for mention in &mut found.images {
                self.candidates.move_home(&mut mention.image);
            }
            owner_of_mentioned(self.serving(), self.public(), found)
        };
        self.in_files.get_or_init(owner)
    }

    fn owner_of(&self, images: &[ImageReference]) -> Finding<'a> {
        if !self.candidates.is_alias() {
            return owner_of(self.serving(), self.public(), images);
        }
        let mut images = images.to_vec();
        for image in &mut images {
            self.candidates.move_home(image);
        }
        owner_of(self.serving(), self.public(), &images)
    }

    fn project(&self) -> Finding<'a> {
        let Some(project) = self.evidence.project(&self.candidates.trusted) else { return Finding::Nothing };
        let Some(name) = project
            .account(&self.candidates.host)
            .or_else(|| project.account(&self.candidates.registry).filter(|_| self.candidates.is_alias()))
        else {
            return Finding::Nothing;
        };
        match self.candidates.account(name.as_str()) {
            None => Finding::NoSuchAccount(name.to_string()),
            Some(account) if self.serves(account) => Finding::Account(account, Why::Project(project.file)),
            Some(_) => Finding::Nothing,
        }
    }

    fn active(&self) -> Finding<'a> {
        let active = self.candidates.active_account().filter(|account| self.serves(account));
        active.map_or(Finding::Nothing, |active| Finding::Account(active, Why::Default))
    }

    /// The image for which nobody is needed, where another helper would be asked.
    pub(crate) fn public_image(&self) -> Option<(ImageReference, ImagePattern)> {
        let findings = Rung::ALL.into_iter().filter(|_| !self.candidates.public.is_empty());
        findings.map(|rung| self.finding(rung)).find_map(|finding| match finding {
            Finding::Public(image, pattern) => Some((image, pattern)),
            _ => None,
        })
    }

    fn serves(&self, account: &Account) -> bool {
        self.serving().iter().any(|serving| serving.name == account.name)
    }

    /// The accounts that may answer this call unasked.
    pub(crate) fn serving(&self) -> &[&'a Account] {
        self.serving.get_or_init(|| {
            let accounts = self.candidates.accounts.iter();
            if self.candidates.accounts.iter().all(|account| account.purpose.is_none()) {
                return accounts.collect();
            }
            let operation = self.operation();
            accounts.filter(|account| account.serves(operation)).collect()
        })
    }

    /// The images that nobody needs an account for: to pull.
    fn public(&self) -> &'a [ImagePattern] {
        let public = &self.candidates.public;
        let is_push = || self.operation() == Some(Operation::Push);
        if public.is_empty() || is_push() { &[] } else { public }
    }

    /// What the call does, as far as anything says.
    pub(crate) fn operation(&self) -> Option<Operation> {
        let in_files = || self.evidence.operation_in_files();
        *self.operation.get_or_init(|| self.command().operation.or_else(in_files))
    }

    fn command(&self) -> &Command {
        self.command.get_or_init(|| self.evidence.command())
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
