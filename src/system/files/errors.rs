//! Converts errors of the system to messages with a hint. A hint contains the command that mends the error.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;

use super::{LinkPolicy, atomic_file, imp, length, sibling};
use crate::model::Problem;
use crate::system::text::quote_path;

/// Converts an error of the system to a message with a hint for a person.
pub(super) fn failed(deed: &str, path: &Path, error: &io::Error) -> anyhow::Error {
    explained(format!("could not {deed} `{}`: {error}", path.display()), path, error)
}

/// Converts an error of a call that creates, renames or removes the file `changed`, which belongs to the file `shown`.
/// The permissions of the folder decide whether such a call is allowed.
pub(super) fn not_changed(deed: &str, shown: &Path, changed: &Path, error: &io::Error) -> anyhow::Error {
    let what = format!("could not {deed} `{}`: {error}", shown.display());
    match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::IsADirectory => Problem::new(what, move_away(changed)).into(),
        _ => explained(what, atomic_file::folder_of(changed), error),
    }
}

/// Converts an error of a call that creates `path` in a folder that must exist.
pub(super) fn not_created(deed: &str, path: &Path, error: &io::Error) -> anyhow::Error {
    match (error.kind(), path.parent()) {
        (io::ErrorKind::NotFound, Some(folder)) => {
            let what = format!("could not {deed} `{}`: {error}", path.display());
            Problem::new(what, format!("first make its folder: `mkdir -p {}`", quote_path(folder))).into()
        }
        _ => not_changed(deed, path, path, error),
    }
}

/// Adds the hint for an error whose reason is `place`, or a folder above it.
pub(super) fn explained(what: String, place: &Path, error: &io::Error) -> anyhow::Error {
    let existing = nearest_existing(place);
    let cure = match error.kind() {
        io::ErrorKind::PermissionDenied => match imp::lacking_mode(existing) {
            Some(mode) => format!("change its permissions: `chmod {mode} {}`", quote_path(existing)),
            None => format!("check its permissions: `ls -ld {}`", quote_path(existing)),
        },
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room and try again".to_owned(),
        io::ErrorKind::FileTooLarge => "remove the limit on the size of files: `ulimit -f unlimited`".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => format!(
            "`{}` is on a read-only file system; if it is Ensign's own, set ENSIGN_CONFIG_DIR and ENSIGN_DATA_DIR to other folders",
            existing.display()
        ),
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => move_away(existing),
        kind => match imp::hint(error, existing) {
            Some(hint) => hint,
            None => return io::Error::new(kind, what).into(), // the caller may try again
        },
    };
    Problem::new(what, cure).into()
}

/// Returns the hint for a file or folder in the place of another. No other file of Ensign has this ending.
pub(super) fn move_away(path: &Path) -> String {
    format!("move it away: `mv {} {}`", quote_path(path), quote_path(&sibling(path, ".aside")))
}

/// Returns `path`, or the nearest path above it that exists.
pub(crate) fn nearest_existing(path: &Path) -> &Path {
    let mut places = path.ancestors().map(|place| if place.as_os_str().is_empty() { Path::new(".") } else { place });
    places.find(|place| fs::symlink_metadata(place).is_ok()).unwrap_or(path)
}

/// Explains why one of the user's files could not be opened.
pub(super) fn not_opened(deed: &str, path: &Path, links: LinkPolicy, error: &io::Error) -> anyhow::Error {
    let metadata = fs::symlink_metadata(path).ok();
    let is = |test: fn(&Metadata) -> bool| metadata.as_ref().is_some_and(test);
    if links == LinkPolicy::Refused && is(Metadata::is_symlink) {
        let what = format!("could not {deed} `{}`: it is a link", path.display());
        return Problem::new(what, instead_of_link(path)).into();
    }
    if is(|metadata| !metadata.is_file() && !metadata.is_symlink()) {
        return not_a_file(deed, path);
    }
    match imp::explain_owner(path) {
        Some(problem) if error.kind() == io::ErrorKind::PermissionDenied => problem.into(),
        _ => failed(deed, path, error),
    }
}

/// Returns the hint for a file that must not be a link. The link's target may contain the only copy of the secrets, so
/// the target replaces the link. A target in the same folder is the file of another registry, and stays. A lock file is
/// empty.
fn instead_of_link(path: &Path) -> String {
    let shown = quote_path(path);
    let folder = path.parent().and_then(|folder| fs::canonicalize(folder).ok());
    match fs::canonicalize(path) {
        Ok(target) if target.parent() != folder.as_deref() && length(&target).is_ok_and(|length| length > Some(0)) => {
            format!("to replace the link by its file, run `mv {} {shown}`", quote_path(&target))
        }
        _ => format!("run `rm {shown}`"),
    }
}

pub(super) fn not_a_file(deed: &str, path: &Path) -> anyhow::Error {
    Problem::new(format!("could not {deed} `{}`: it is not a file", path.display()), move_away(path)).into()
}
