//! `ProjectFile`: the accounts in a folder's `.ensign.toml`.
//!
//! Anyone may have written a project file. The file is ignored until a person trusts this path with this content. The
//! file is read only once, so that the parsed bytes are the trusted bytes.

mod toml;

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::model::choice::{ProjectAccounts, TrustedFile};
use crate::system::{digest, files};

/// The size limit of the file in bytes. The limit leaves room for a line for each registry.
const LIMIT: u64 = 64 << 10;
const FOLDERS_AT_MOST: usize = 128;

/// Returns the accounts of the project file nearest to `folder`, if this file is trusted. The search begins only if
/// `trusted` lists a file in `folder` or above.
pub(crate) fn trusted_in(folder: &Path, trusted: &[TrustedFile]) -> Option<ProjectAccounts> {
    let folder = folder.canonicalize().ok()?;
    let encloses = |entry: &TrustedFile| entry.file.parent().is_some_and(|parent| folder.starts_with(parent));
    trusted.iter().any(encloses).then_some(())?;
    let path = nearest(&folder)?;
    trusted.iter().any(|entry| entry.file == path).then_some(())?;
    let file = ProjectFile::read(&path).ok()??;
    if file.is_trusted(trusted) { file.understand().ok() } else { None }
}

/// Returns the nearest project file in `folder` or above, even if the file is unusable. Links in the path of `folder`
/// are resolved.
pub(crate) fn find(folder: &Path) -> Option<PathBuf> {
    nearest(&folder.canonicalize().ok()?)
}

fn nearest(folder: &Path) -> Option<PathBuf> {
    let paths = folder.ancestors().take(FOLDERS_AT_MOST).map(|folder| folder.join(ProjectAccounts::FILE));
    paths.into_iter().find(|path| path.symlink_metadata().is_ok())
}

/// The bytes of a `.ensign.toml`.
pub(crate) struct ProjectFile {
    pub(crate) path: PathBuf,
    pub(crate) digest: String,
    contents: Vec<u8>,
}

/// The reason why a file is unusable. The reason quotes nothing from the file, because the file may contain a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProjectFileError {
    pub(crate) line: usize,
    pub(crate) why: String,
}

impl ProjectFile {
    /// Reads a project file, or returns `None` if there is no file.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>> {
        let contents = files::read_any(path, LIMIT)?;
        Ok(contents.map(|contents| Self { path: path.to_owned(), digest: digest::sha256(&contents), contents }))
    }

    /// Tells whether this path is trusted with this content.
    pub(crate) fn is_trusted(&self, trusted: &[TrustedFile]) -> bool {
        trusted.iter().any(|file| file.file == self.path && file.digest == self.digest)
    }

    /// Parses the file. An error includes the line number.
    pub(crate) fn understand(&self) -> Result<ProjectAccounts, ProjectFileError> {
        let text = std::str::from_utf8(&self.contents)
            .map_err(|error| ProjectFileError::at(&self.contents, error.valid_up_to(), "the file is not in UTF-8"))?;
        toml::parse(&self.path, text)
    }
}

impl ProjectFileError {
    fn at(text: &[u8], place: usize, why: impl Into<String>) -> Self {
        let before = text.get(..place).unwrap_or_default();
        Self { line: before.split(|byte| *byte == b'\n').count(), why: why.into() }
    }
}

/// Checks properties that hold for every `.ensign.toml`, for fuzzing.
#[cfg(any(test, fuzzing))]
pub(super) fn hold(text: &str) {
    let lines = text.matches('\n').count() + 1;
    match toml::parse(Path::new(ProjectAccounts::FILE), text) {
        Err(ProjectFileError { line, .. }) => assert!((1..=lines).contains(&line)),
        Ok(ProjectAccounts { accounts, .. }) => {
            let is_named = |at: usize| accounts[..at].iter().any(|(registry, _)| *registry == accounts[at].0);
            assert!(!(0..accounts.len()).any(is_named), "each registry once");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::files::Access;
    use proptest::prelude::*;

    #[test]
    fn the_nearest_file_counts_and_only_with_the_content_that_is_trusted() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let outer = root.join(ProjectAccounts::FILE);
        let text = b"[accounts]\n'ghcr.io' = 'work'";
        files::replace(&outer, text, Access::Private).unwrap();
        files::replace(&root.join("a/b/x"), b"", Access::Private).unwrap();
        let trusted = [TrustedFile { file: outer.clone(), digest: digest::sha256(text) }];
        let says = |folder: &str| trusted_in(&root.join(folder), &trusted).map(|project| project.file);
        assert_eq!(find(&root.join("a/b")), Some(outer.clone()));
        assert_eq!((says("a/b"), says("gone")), (Some(outer.clone()), None));
        files::replace(&root.join("a").join(ProjectAccounts::FILE), text, Access::Private).unwrap();
        assert_eq!((says("a/b"), says("a"), says("")), (None, None, Some(outer.clone())));
        files::replace(&outer, b"[accounts]\n'ghcr.io' = 'me'", Access::Private).unwrap();
        assert_eq!(says(""), None);
        assert_eq!(trusted_in(&root, &[]), None);
    }

    proptest! {
        #[test]
        fn no_text_of_a_folder_is_too_much(
            text in "(\\[accounts\\]\n)?(['\"]?(ghcr.io|docker.io|index.docker.io|a:5|\\PC{0,4})['\"]? ?[=.] ?['\"{]?\\PC{0,6}['\"}]?\r?\n){0,4}",
        ) {
            hold(&text);
        }
    }
}
