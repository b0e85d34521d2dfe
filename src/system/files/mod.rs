//! Reads files up to a size limit, replaces files atomically, and locks files. All code that writes files is in this
//! folder.

mod atomic_file;
mod errors;
mod installed;
mod lines;
mod lock;
#[cfg(unix)]
mod ownership;
#[cfg(unix)]
mod unix;
#[cfg(not(unix))]
mod windows;

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::model::Problem;

pub(crate) use atomic_file::AtomicFile;
pub(crate) use errors::nearest_existing;
use errors::{explained, failed, move_away, not_a_file, not_changed, not_created, not_opened};
pub(crate) use imp::{
    HAS_MODES, folder_fault, is_link_to, may_write, ownership_fault, restrict_permissions, user_number,
};
pub(crate) use installed::{InstalledFile, check_free_space, create_installed_folder, exchange_program, put_installed};
pub(crate) use lines::{append_line, read_lines, remove_lines};
pub(crate) use lock::Lock;
#[cfg(unix)]
use unix as imp;
#[cfg(not(unix))]
use windows as imp;

/// Who may access a file after it is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Only the owner may access the file, whatever its mode was before.
    Private,
    /// The same users as before may access the file. Only the owner may access a new file.
    Kept,
}

/// How private a file must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Privacy {
    /// Every user may read the file.
    Open,
    /// Only the owner may read the file.
    Secret,
}

/// A fault of a file's owner or mode.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(all(windows, not(test)), expect(dead_code, reason = "Windows has no modes; the profile folder is private"))]
pub(crate) enum OwnershipFault {
    /// The file belongs to another user.
    Owner(Problem),
    /// Other users may write the file, or may read a file that must be secret. The value is the file's mode.
    Mode(u32),
}

/// Why files in a folder cannot be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FolderFault {
    /// The owner's own permissions are missing.
    #[cfg_attr(windows, expect(dead_code, reason = "Windows has no modes"))]
    Mode,
    /// Another user owns the folder, or its file system is read-only.
    Other,
}

/// Whether a file may be a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LinkPolicy {
    Followed,
    Refused,
}

/// Reads a file of at most `limit` bytes that the user owns, such as Ensign's or Docker's config; `None` if the file
/// does not exist. A link is followed, for example into a repository of dotfiles.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
    read_own(path, limit, LinkPolicy::Followed)
}

/// Reads a file of secrets as [`read`] does, but refuses a link.
pub(crate) fn read_secret(path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
    read_own(path, limit, LinkPolicy::Refused)
}

fn read_own(path: &Path, limit: u64, links: LinkPolicy) -> Result<Option<Vec<u8>>> {
    // The file is opened before the checks, so that the checked file is the file that is read.
    let opened = existing(imp::open(path, links));
    let Some(file) = opened.map_err(|error| not_opened("read", path, links, &error))? else { return Ok(None) };
    let metadata = file.metadata().map_err(|error| failed("read", path, &error))?;
    if !metadata.is_file() {
        return Err(not_a_file("read", path));
    }
    refuse_irregular(path, &metadata, limit)?;
    imp::check_owner(path, &metadata)?;
    contents(path, file, &metadata, limit).map(Some)
}

fn contents(path: &Path, file: File, metadata: &Metadata, limit: u64) -> Result<Vec<u8>> {
    let mut contents = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default() + 1);
    file.take(limit).read_to_end(&mut contents).map_err(|error| failed("read", path, &error))?;
    Ok(contents)
}

fn refuse_irregular(path: &Path, metadata: &Metadata, limit: u64) -> Result<()> {
    if !metadata.is_file() {
        bail!("could not read `{}`: it is not a file", path.display());
    }
    if metadata.len() > limit {
        let most = if limit < 1 << 20 { format!("{} KiB", limit >> 10) } else { format!("{} MiB", limit >> 20) };
        bail!("could not read `{}`: it is larger than {most}", path.display());
    }
    Ok(())
}

/// Reads a file of at most `limit` bytes whose owner may be any user, such as a project's file; `None` if the file does
/// not exist.
pub(crate) fn read_any(path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
    // Size and kind are read before the file is opened, because opening a device can have effects. The file is then
    // opened without waiting, because it may have been replaced by a pipe after this check.
    let Some(metadata) = metadata(path)? else { return Ok(None) };
    refuse_irregular(path, &metadata, limit)?;
    let opened = existing(imp::open(path, LinkPolicy::Followed));
    match opened.map_err(|error| failed("read", path, &error))? {
        Some(file) => contents(path, file, &metadata, limit).map(Some),
        None => Ok(None), // removed after the check
    }
}

/// Tells whether a file exists. Fails if the system cannot tell whether the file exists.
pub(crate) fn is_file(path: &Path) -> Result<bool> {
    Ok(metadata(path)?.is_some_and(|metadata| metadata.is_file()))
}

/// Returns the length of a file in bytes; `None` if the file does not exist.
pub(crate) fn length(path: &Path) -> Result<Option<u64>> {
    match metadata(path)? {
        Some(metadata) if !metadata.is_file() => bail!("could not read `{}`: it is not a file", path.display()),
        metadata => Ok(metadata.map(|metadata| metadata.len())),
    }
}

fn metadata(path: &Path) -> Result<Option<Metadata>> {
    existing(fs::metadata(path)).map_err(|error| failed("read", path, &error))
}

/// Returns `None` for a file that does not exist, instead of an error.
fn existing<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        result => result.map(Some),
    }
}

/// Returns the time when a file was last written; `None` if the file does not exist.
pub(crate) fn modified_time(path: &Path) -> Option<std::time::SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

/// Replaces a file so that a reader sees the old or the new contents, even after a crash. Links are followed. Missing
/// folders are created, and only their owner may enter. The caller must hold the lock of the file's writers. After an
/// error the file is unchanged.
pub(crate) fn replace(path: &Path, contents: &[u8], access: Access) -> Result<()> {
    let mut file = AtomicFile::begin_under_lock(path)?;
    file.write(contents)?;
    file.grant(access)?;
    file.keep()
}

/// Fails if the disk has no room to replace `path` by a file of `length` bytes. The caller must hold the lock of the
/// file's writers.
pub(crate) fn check_room(path: &Path, length: u64) -> Result<()> {
    let mut file = AtomicFile::begin_under_lock(path)?;
    file.write(&vec![0; usize::try_from(length).unwrap_or_default()])?;
    file.sync()
}

/// Refuses a file that stands in the place of a folder. Without this check, the files in such a folder look missing.
pub(crate) fn refuse_file_as_folder(folder: &Path) -> Result<(), Problem> {
    match fs::metadata(folder) {
        Ok(metadata) if !metadata.is_dir() => Err(Problem::new(
            format!("`{}` is a file, where Ensign expects a folder", folder.display()),
            move_away(folder),
        )),
        _ => Ok(()),
    }
}

/// Returns the path with `ending` appended to the file's name, such as `config.json.bak` for `config.json`.
pub(crate) fn sibling(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}

/// Creates a folder and the folders above it. A folder that exists is not an error.
fn create_folder(folder: &Path, privacy: Privacy) -> Result<()> {
    imp::create_folder(folder, privacy).map_err(|error| failed("make", folder, &error))
}

/// Copies `path` to `copy`, by a hard link if the file system supports hard links. An old copy stays until the new copy
/// is complete.
pub(crate) fn keep_copy(path: &Path, copy: &Path) -> Result<()> {
    let source = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let unfinished = atomic_file::unfinished(copy);
    remove(&unfinished)?;
    fs::hard_link(&source, &unfinished)
        .or_else(|_| fs::copy(&source, &unfinished).map(drop))
        .and_then(|()| imp::rename(&unfinished, copy))
        .map_err(|error| not_changed("keep a copy of", path, &unfinished, &error))?;
    remove(&unfinished) // renaming a hard link to another link of the same file has no effect
}

/// Removes the unfinished file that a killed writer of `path` left. The caller must hold the lock for writing `path`.
pub(crate) fn remove_unfinished(path: &Path) -> Result<()> {
    remove(&atomic_file::unfinished(path))
}

/// Renames a file. A file at `to` is replaced.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    imp::rename(from, to).map_err(|error| {
        let what = format!("could not move `{}` to `{}`: {error}", from.display(), to.display());
        explained(what, atomic_file::folder_of(to), &error)
    })
}

/// Creates the link `path` to the program `target` in the same folder. Fails if `path` exists.
pub(crate) fn link(target: &Path, path: &Path) -> Result<()> {
    imp::link(target, path).map_err(|error| not_created("make", path, &error))
}

/// Returns at most `limit` paths in a folder, sorted. The result for a missing folder is empty.
pub(crate) fn entries(folder: &Path, limit: usize) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().take(limit);
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    names.into_iter().map(|name| folder.join(name)).collect()
}

/// Returns every path in a folder, sorted. The result for a missing folder is empty, but a folder that cannot be read
/// is an error.
pub(crate) fn all_entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        entries => entries.and_then(Iterator::collect::<io::Result<Vec<_>>>),
    };
    let entries = entries.map_err(|error| failed("look into", folder, &error))?;
    let mut paths: Vec<_> = entries.iter().map(fs::DirEntry::path).collect();
    paths.sort_unstable();
    Ok(paths)
}

/// Returns all links to `target` in `folder`.
pub(crate) fn links_to(folder: &Path, target: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.file_name() != target.file_name() && is_link_to(path, target)).collect()
}

/// Removes a file. A missing file is not an error.
pub(crate) fn remove(path: &Path) -> Result<()> {
    atomic_file::remove(path).map_err(|error| not_changed("remove", path, path, &error))
}

/// Removes a folder if it is empty, and returns whether the folder was removed.
pub(crate) fn remove_if_empty(folder: &Path) -> bool {
    fs::remove_dir(folder).is_ok()
}

/// Removes other users' permission to write the file. If the file must be secret, their permission to read it is
/// removed too.
pub(crate) fn close_to_others(path: &Path, privacy: Privacy) -> Result<()> {
    imp::close_to_others(path, privacy).map_err(|error| failed("restrict access to", path, &error))?;
    match ownership_fault(path, privacy) {
        Some(OwnershipFault::Mode(mode)) => {
            let what = format!("`{}` still has mode {mode:o}: its file system keeps no modes", path.display());
            Err(Problem::new(what, NO_MODES).into())
        }
        _ => Ok(()),
    }
}

/// The hint for a file system that gives every file the same mode, such as a Windows drive in WSL.
const NO_MODES: &str = "move the file to a Linux file system, or mount this one with `umask=077` (in WSL: \
                        `options = \"metadata,umask=077\"` below `[automount]` in /etc/wsl.conf)";

/// Repeats a call that a signal interrupted, which can happen on network shares. The standard library repeats only
/// interrupted reads and writes.
fn retry_interrupted<T>(mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match act() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_in_a_new_private_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/file");
        assert!(read(&path, 10).unwrap().is_none());
        replace(&path, b"one", Access::Private).unwrap();
        replace(&path, b"two", Access::Private).unwrap();
        assert_eq!(read(&path, 10).unwrap().unwrap(), b"two");
        assert!(read(&path, 2).is_err());
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn modes_and_links_survive() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        replace(&file, b"one", Access::Private).unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        replace(&link, b"two", Access::Kept).unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(restrict_permissions(&file), Some(0o640));
        assert_eq!(restrict_permissions(&file), None);
        replace(&link, b"three", Access::Private).unwrap();
        assert_eq!(
            (fs::read(&file).unwrap(), fs::metadata(&file).unwrap().permissions().mode() & 0o777),
            (b"three".to_vec(), 0o600)
        );
    }
}
