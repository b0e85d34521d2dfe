//! Whose an image or a folder is: the evidence about the caller, weighed against the accounts.

use std::path::{Path, PathBuf};

use super::question::FileImages;
use super::{Finding, Why};
use crate::model::{Account, ImagePattern, ImageReference};

/// The account whose folder encloses the current one, which goes by several names, most closely, if it is one alone.
pub(crate) fn used_in<'a>(accounts: impl Iterator<Item = &'a Account>, current: &[PathBuf]) -> Finding<'a> {
    let folders = accounts.flat_map(|account| account.folders.iter().map(move |folder| (account, folder)));
    let distance = |folder: &Path| current.iter().filter_map(|name| steps(folder, name, cfg!(windows))).min();
    let enclosing: Vec<_> = folders
        .filter_map(|(account, folder)| Some(((distance(folder)?, account.purpose.is_none()), account, folder)))
        .collect();
    let least = enclosing.iter().map(|(rank, ..)| *rank).min();
    let mut closest = enclosing.into_iter().filter(|(rank, ..)| Some(*rank) == least);
    match closest.next() {
        Some((_, account, folder)) if closest.all(|(_, other, _)| other.name == account.name) => {
            Finding::Account(account, Why::Folder(folder.clone()))
        }
        _ => Finding::Nothing,
    }
}

/// How deep `current` lies in `folder`, if it does. `ignoring_case` is Windows' way: a shell there is in `c:\src` after
/// `cd c:\src`, though the folder is `C:\Src`.
fn steps(folder: &Path, current: &Path, ignoring_case: bool) -> Option<usize> {
    let within =
        |folder: &Path, current: &Path| current.strip_prefix(folder).ok().map(|rest| rest.components().count());
    let lower = |path: &Path| PathBuf::from(path.to_string_lossy().to_lowercase());
    if ignoring_case { within(&lower(folder), &lower(current)) } else { within(folder, current) }
}

/// The one account that all `images` with an owner belong to. Images nobody owns say nothing; if all are public, nobody
/// is needed. An image's owner is whose pattern is the closest, and of two with the same the one that is for this alone;
/// it is public if that pattern is.
pub(crate) fn owner_of<'a>(
    accounts: &[&'a Account],
    public: &[ImagePattern],
    images: &[ImageReference],
) -> Finding<'a> {
    let mut owners: Vec<(&ImageReference, &'a Account, ImagePattern)> = Vec::new();
    let mut needs_nobody: Vec<(&ImageReference, &ImagePattern)> = Vec::new();
    for image in images {
        let claims: Vec<_> =
            accounts.iter().filter_map(|account| Some((image, *account, account.claim(image)?))).collect();
        let rank = |account: &Account, pattern: &ImagePattern| (pattern.specificity(), account.purpose.is_some());
        let closest = claims.iter().map(|(_, account, pattern)| rank(account, pattern)).max();
        let open = public.iter().rev().filter(|pattern| pattern.matches(image)); // of two that are as close, the first
        let open = open.max_by_key(|pattern| pattern.specificity());
        match open {
            Some(pattern) if closest.is_none_or(|(closest, _)| pattern.specificity() >= closest) => {
                needs_nobody.push((image, pattern));
            }
            _ => owners
                .extend(claims.into_iter().filter(|(_, account, pattern)| Some(rank(account, pattern)) == closest)),
        }
    }
    match (owners.first(), needs_nobody.first()) {
        (None, Some((image, pattern))) if needs_nobody.len() == images.len() => {
            Finding::Public((*image).clone(), (*pattern).clone())
        }
        (None, _) => Finding::Nothing,
        (Some((image, account, pattern)), _) if owners.iter().all(|(_, other, _)| other.name == account.name) => {
            Finding::Account(account, Why::Image((*image).clone(), pattern.clone()))
        }
        (Some(_), _) => {
            Finding::Torn(owners.iter().map(|(image, account, _)| ((*image).clone(), account.name.clone())).collect())
        }
    }
}

/// The same for images that stand in files: as long as any of these may name another image, nothing is decided.
pub(super) fn owner_of_mentioned<'a>(
    accounts: &[&'a Account],
    public: &[ImagePattern],
    FileImages { images: mentions, unknown }: FileImages,
) -> Finding<'a> {
    if !unknown.is_empty() {
        return Finding::Unknown(unknown);
    }
    let images: Vec<ImageReference> = mentions.iter().map(|mention| mention.image.clone()).collect();
    match owner_of(accounts, public, &images) {
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
