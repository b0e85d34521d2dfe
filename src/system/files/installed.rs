//! Writes the files of an installation. Every user may read these files, and a program is replaced by renaming.

use std::path::Path;

use anyhow::Result;

use super::atomic_file::{AtomicFile, folder_of};
use super::{Privacy, failed, imp, remove};
use crate::model::Problem;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InstalledFile {
    Text,
    Program,
}

/// The disk space that an update leaves free for other programs.
const RESERVE: u64 = 1 << 20;

/// Writes a file of an installation into an existing folder. An old file at `path` must not be in use. The new file
/// gets its name only when its contents are complete.
pub(crate) fn put_installed(path: &Path, contents: &[u8], kind: InstalledFile) -> Result<()> {
    remove(path)?;
    let mut file = AtomicFile::begin(path)?;
    file.write(contents)?;
    file.open_to_all(kind)?;
    file.keep()
}

/// Creates a folder of an installation, with its missing parent folders.
pub(crate) fn create_installed_folder(folder: &Path) -> Result<()> {
    imp::create_folder(folder, Privacy::Open).map_err(|error| failed("make", folder, &error))
}

/// Renames the program `current` to `previous`, and `next` to `current`. All three paths must be in one folder.
pub(crate) fn exchange_program(current: &Path, next: &Path, previous: &Path) -> Result<()> {
    imp::exchange_program(current, next, previous)?;
    imp::sync_folder(folder_of(current));
    Ok(())
}

/// Fails if the file system of `folder` has no room for `needed` bytes.
pub(crate) fn check_free_space(folder: &Path, needed: u64) -> Result<()> {
    let megabytes = |bytes: u64| bytes.div_ceil(1_000_000);
    match imp::free_space(folder) {
        Some(free) if free < needed + RESERVE => {
            let (shown, needed) = (folder.display(), megabytes(needed + RESERVE));
            let what = format!("`{shown}` has no room: {} MB are free, and {needed} MB are needed", free / 1_000_000);
            Err(Problem::new(what, "make room and try again").into())
        }
        _ => Ok(()),
    }
}
