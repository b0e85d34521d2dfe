//! Whose an image or a folder is: the evidence about the caller, weighed against the accounts.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use super::question::Candidates;
use super::{Finding, Why};
use crate::model::{Account, ImagePattern, ImageReference};

/// The account whose folder encloses `current` most closely.
pub(super) fn used_in<'a>(candidates: &'a Candidates, current: &Path) -> Finding<'a> {
    let enclosing =
        candidates.accounts.iter().flat_map(|account| account.folders.iter().map(move |folder| (account, folder)));
    let depth = |folder: &PathBuf| folder.components().count();
    let mut found: Vec<_> = enclosing.filter(|(_, folder)| current.starts_with(folder)).collect();
    found.sort_by_key(|(_, folder)| Reverse(depth(folder)));
    match found.as_slice() {
        [] => Finding::Nothing,
        [(first, folder), (second, other), ..] if first.name != second.name && depth(folder) == depth(other) => {
            Finding::Nothing
        }
        [(account, folder), ..] => Finding::Account(account, Why::Folder((*folder).clone())),
    }
}

/// Every account's patterns, made once per question.
pub(super) struct Patterns<'a>(Vec<(&'a Account, ImagePattern)>);

impl<'a> Patterns<'a> {
    pub(super) fn of(accounts: &'a [Account]) -> Self {
        Self(
            accounts
                .iter()
                .flat_map(|account| account.patterns().into_iter().map(move |pattern| (account, pattern)))
                .collect(),
        )
    }

    /// The one account that all `images` with an owner belong to. Images nobody owns (public ones) say nothing.
    pub(super) fn owner_of(&self, images: &[ImageReference]) -> Finding<'a> {
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
