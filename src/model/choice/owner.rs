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

/// The one account that all `images` with an owner belong to. Images nobody owns (public ones) say nothing.
pub(super) fn owner_of<'a>(accounts: &'a [Account], images: &[ImageReference]) -> Finding<'a> {
    let mut owners: Vec<(&ImageReference, &'a Account, ImagePattern)> = Vec::new();
    for image in images {
        let claims: Vec<_> =
            accounts.iter().filter_map(|account| Some((image, account, account.claim(image)?))).collect();
        let closest = claims.iter().map(|(_, _, pattern)| pattern.specificity()).max();
        owners.extend(claims.into_iter().filter(|(_, _, pattern)| Some(pattern.specificity()) == closest));
    }
    match owners.first() {
        None => Finding::Nothing,
        Some((image, account, pattern)) if owners.iter().all(|(_, other, _)| other.name == account.name) => {
            Finding::Account(account, Why::Image((*image).clone(), pattern.clone()))
        }
        Some(_) => {
            Finding::Torn(owners.iter().map(|(image, account, _)| ((*image).clone(), account.name.clone())).collect())
        }
    }
}
