//! Whose an image or a folder is: the evidence about the caller, weighed against the accounts.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use super::question::{Candidates, Mention};
use super::{Finding, Why};
use crate::model::{Account, ImagePattern, ImageReference};

/// The account whose folder encloses `current` most closely.
pub(crate) fn used_in<'a>(candidates: &'a Candidates, current: &Path) -> Finding<'a> {
    let enclosing =
        candidates.accounts.iter().flat_map(|account| account.folders.iter().map(move |folder| (account, folder)));
    let depth = |folder: &PathBuf| folder.components().count();
    let mut found: Vec<_> = enclosing.filter(|(_, folder)| encloses(folder, current, cfg!(windows))).collect();
    found.sort_by_key(|(_, folder)| Reverse(depth(folder)));
    match found.as_slice() {
        [] => Finding::Nothing,
        [(first, folder), (second, other), ..] if first.name != second.name && depth(folder) == depth(other) => {
            Finding::Nothing
        }
        [(account, folder), ..] => Finding::Account(account, Why::Folder((*folder).clone())),
    }
}

/// `ignoring_case` is Windows' way: a shell there is in `c:\src` after `cd c:\src`, though the folder is `C:\Src`.
fn encloses(folder: &Path, current: &Path, ignoring_case: bool) -> bool {
    let lower = |path: &Path| PathBuf::from(path.to_string_lossy().to_lowercase());
    if ignoring_case { lower(current).starts_with(lower(folder)) } else { current.starts_with(folder) }
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

/// The same for images that stand in files.
pub(super) fn owner_of_mentioned<'a>(accounts: &'a [Account], mentions: &[Mention]) -> Finding<'a> {
    let images: Vec<ImageReference> = mentions.iter().map(|mention| mention.image.clone()).collect();
    match owner_of(accounts, &images) {
        Finding::Account(account, Why::Image(image, pattern)) => {
            let mention = mentions.iter().find(|mention| mention.image == image).cloned();
            Finding::Account(account, mention.map_or(Why::Default, |mention| Why::Mention(mention, pattern)))
        }
        finding => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_encloses_what_lies_in_it() {
        for (folder, current, exactly, ignoring_case) in [
            ("/src/acme", "/src/acme", true, true),
            ("/src/acme", "/src/acme/a/b", true, true),
            ("/src/acme", "/src/acme2", false, false),
            ("/Src/Äcme", "/src/äcme/a", false, true),
        ] {
            let (folder, current) = (Path::new(folder), Path::new(current));
            assert_eq!(encloses(folder, current, false), exactly);
            assert_eq!(encloses(folder, current, true), ignoring_case);
        }
    }
}
