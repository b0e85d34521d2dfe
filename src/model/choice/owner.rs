//! Finds the account to which an image or a folder belongs.

use std::path::{Path, PathBuf};

use super::context::{FileImages, UnknownImages};
use super::decision::{MatchReason, NoMatch, OwnedImage, RuleOutcome, UnknownFile};
use crate::model::{Account, ImagePattern, ImageReference};

/// Chooses the account whose folder is the current folder or its nearest parent folder. If two accounts tie, an account
/// for one operation is preferred. If they still tie, no account is chosen. `current` contains all paths of the current
/// folder, because links can give a folder several paths.
pub(crate) fn used_in<'a>(accounts: impl Iterator<Item = &'a Account>, current: &[PathBuf]) -> RuleOutcome {
    let folders = accounts.flat_map(|account| account.folders.iter().map(move |folder| (account, folder)));
    let distance = |folder: &Path| current.iter().filter_map(|name| steps(folder, name, cfg!(windows))).min();
    let enclosing: Vec<_> = folders
        .filter_map(|(account, folder)| Some(((distance(folder)?, account.purpose.is_none()), account, folder)))
        .collect();
    let least = enclosing.iter().map(|(rank, ..)| *rank).min();
    let mut closest = enclosing.into_iter().filter(|(rank, ..)| Some(*rank) == least);
    match closest.next() {
        Some((_, account, folder)) if closest.all(|(_, other, _)| other.name == account.name) => {
            RuleOutcome::account(account, MatchReason::Folder(folder.to_string_lossy().into_owned()))
        }
        _ => NoMatch::NoFolder.into(),
    }
}

/// Returns how many levels `current` is below `folder`; `None` if it is outside. On Windows case is ignored, because a
/// shell shows `c:\src` after `cd c:\src` even if the folder is `C:\Src`.
fn steps(folder: &Path, current: &Path, ignoring_case: bool) -> Option<usize> {
    let within =
        |folder: &Path, current: &Path| current.strip_prefix(folder).ok().map(|rest| rest.components().count());
    let lower = |path: &Path| PathBuf::from(path.to_string_lossy().to_lowercase());
    if ignoring_case { within(&lower(folder), &lower(current)) } else { within(folder, current) }
}

/// Chooses the account that owns all `images`. Images without an owner are ignored. If all images are public, no
/// account is needed. For each image, the most specific pattern is used. If the patterns of two accounts tie, an
/// account for one operation is preferred to an account for both operations. If a public pattern and an account's
/// pattern tie, the public pattern is used.
pub(crate) fn owner_of(accounts: &[&Account], public: &[ImagePattern], images: &[ImageReference]) -> RuleOutcome {
    let mut owners: Vec<(&ImageReference, &Account, ImagePattern)> = Vec::new();
    let mut open: Vec<(&ImageReference, &ImagePattern)> = Vec::new();
    for image in images {
        let claims: Vec<_> =
            accounts.iter().filter_map(|account| Some((image, *account, account.claim(image)?))).collect();
        let rank = |account: &Account, pattern: &ImagePattern| (pattern.specificity(), account.purpose.is_some());
        let closest = claims.iter().map(|(_, account, pattern)| rank(account, pattern)).max();
        // The patterns are reversed, because `max_by_key` returns the last of equal patterns.
        let matching = public.iter().rev().filter(|pattern| pattern.matches(image));
        match matching.max_by_key(|pattern| pattern.specificity()) {
            Some(pattern) if closest.is_none_or(|(closest, _)| pattern.specificity() >= closest) => {
                open.push((image, pattern));
            }
            _ => owners
                .extend(claims.into_iter().filter(|(_, account, pattern)| Some(rank(account, pattern)) == closest)),
        }
    }
    match (owners.first(), open.first()) {
        (None, Some((image, pattern))) if open.len() == images.len() => {
            RuleOutcome::Public { image: image.to_string(), pattern: pattern.to_string() }
        }
        (None, _) if images.is_empty() => NoMatch::NoImage.into(),
        (None, _) => NoMatch::ImageOfNoAccount.into(),
        (Some((image, account, pattern)), _) if owners.iter().all(|(_, other, _)| other.name == account.name) => {
            let (image, pattern) = (image.to_string(), pattern.to_string());
            RuleOutcome::account(account, MatchReason::Image { image, pattern, file: None })
        }
        (Some(_), _) => RuleOutcome::Ambiguous {
            images: owners
                .iter()
                .map(|(image, account, _)| OwnedImage { image: image.to_string(), account: account.name.to_string() })
                .collect(),
        },
    }
}

/// Chooses the account as [`owner_of`] does, for images in files. If some images are unknown, no account is chosen.
pub(super) fn owner_in_files(accounts: &[&Account], public: &[ImagePattern], found: FileImages) -> RuleOutcome {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    if !found.unknown.is_empty() {
        let files = found.unknown.into_iter();
        let files =
            files.map(|UnknownImages { file, message, .. }| UnknownFile { file: text(&file), message }).collect();
        return RuleOutcome::Unknown { files };
    }
    let images: Vec<ImageReference> = found.images.iter().map(|mention| mention.image.clone()).collect();
    let mut outcome = owner_of(accounts, public, &images);
    if let RuleOutcome::Account { reason: MatchReason::Image { image, file, .. }, .. } = &mut outcome {
        let mention = found.images.iter().find(|mention| mention.image.to_string() == *image);
        *file = mention.map(|mention| text(&mention.file));
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_encloses_what_lies_in_it() {
        for (folder, current, exactly, ignoring_case) in [
            ("/src/acme", "/src/acme", Some(0), Some(0)),
            ("/src/acme", "/src/acme/a/b", Some(2), Some(2)),
            ("/src/acme", "/src/acme2", None, None),
            ("/Src/Äcme", "/src/äcme/a", None, Some(1)),
        ] {
            let (folder, current) = (Path::new(folder), Path::new(current));
            assert_eq!(steps(folder, current, false), exactly);
            assert_eq!(steps(folder, current, true), ignoring_case);
        }
    }
}
