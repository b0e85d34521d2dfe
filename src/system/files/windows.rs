//! The file operations on Windows. Other users cannot access the user profile folder, so owners are not checked.
//! Folders are not flushed, because a rename is on the disk when the call returns.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::lines::OpenMode;
use super::{FolderFault, InstalledFile, LinkPolicy, OwnershipFault, Privacy, atomic_file, links_to, remove, sibling};
use crate::model::Problem;

pub(crate) const HAS_MODES: bool = false;

/// How long a failed rename is tried again while the file is open. Ensign's own readers close the file within a
/// millisecond, but a virus scanner keeps the file open for longer.
const RENAME_DEADLINE: Duration = Duration::from_secs(2);
/// How long a reader waits while another process replaces the file.
const OPEN_DEADLINE: Duration = Duration::from_millis(100);

pub(super) fn private_options() -> OpenOptions {
    File::options()
}

pub(super) fn create_folder(folder: &Path, _: Privacy) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// Opens a file for reading. The policy for links is ignored, because other users cannot access the user profile folder.
/// While a file is being replaced, it can look missing. A file with a copy from before its last change is not missing.
pub(super) fn open(path: &Path, _: LinkPolicy) -> io::Result<File> {
    let is_replaced = |error: &io::Error| {
        is_in_use(error) || error.kind() == io::ErrorKind::NotFound && sibling(path, ".bak").is_file()
    };
    retry(OPEN_DEADLINE, is_replaced, || File::open(path))
}

pub(super) fn lock() -> OpenOptions {
    let mut options = private_options();
    options.write(true).create(true).truncate(false);
    options
}

pub(super) fn check_owner(_: &Path, _: &fs::Metadata) -> Result<(), Problem> {
    Ok(())
}

pub(super) fn check_target(_: &Path, _: &Path) -> Result<(), Problem> {
    Ok(())
}

pub(super) fn check_new(_: &Path) -> Result<(), Problem> {
    Ok(())
}

pub(super) fn explain_owner(_: &Path) -> Option<Problem> {
    None
}

pub(super) fn keep_group(_: &File, _: &fs::Metadata) {}

/// Renames a file, and tries again while one of the two files is open. Some file systems, and Windows before 10, refuse
/// to rename an open file.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    retry(RENAME_DEADLINE, is_in_use, || fs::rename(from, to))
}

fn retry<T>(
    deadline: Duration,
    is_passing: impl Fn(&io::Error) -> bool,
    act: impl Fn() -> io::Result<T>,
) -> io::Result<T> {
    let started = Instant::now();
    loop {
        match act() {
            Err(error) if is_passing(&error) && started.elapsed() < deadline => {
                std::thread::sleep(Duration::from_millis(2));
            }
            result => return result,
        }
    }
}

/// Does nothing, because the folder decides who may access the file.
pub(super) fn open_to_all(_: &File, _: InstalledFile) -> io::Result<()> {
    Ok(())
}

/// Renames the old program, because a running program can be renamed but not replaced. A program may also be running
/// under the name of a link, so each link is renamed and created again.
pub(super) fn exchange_program(current: &Path, next: &Path, previous: &Path) -> Result<()> {
    // An update that was killed between the two renames has left only the previous program.
    let is_whole = current.is_file();
    let links = links_to(atomic_file::folder_of(current), if is_whole { current } else { previous });
    if is_whole {
        remove(previous)?;
        super::rename(current, previous)?;
    }
    if let Err(error) = super::rename(next, current) {
        let _ = fs::rename(previous, current);
        return Err(error);
    }
    for path in links.iter().filter(|path| path.as_path() != next && path.as_path() != previous) {
        let aside = sibling(path, ".old");
        let _ = fs::remove_file(&aside); // left by the previous update
        let made = || fs::hard_link(current, path).or_else(|_| fs::copy(current, path).map(drop)); // FAT has no links
        let renewed = fs::rename(path, &aside).and_then(|()| made().inspect_err(|_| drop(fs::rename(&aside, path))));
        renewed.with_context(|| format!("could not renew `{}`", path.display()))?;
        let _ = fs::remove_file(&aside); // fails while the program runs
    }
    Ok(())
}

/// Returns `None`, so that a full disk is reported only when the file is written.
pub(super) fn free_space(_: &Path) -> Option<u64> {
    None
}

pub(super) fn sync_file(file: &File) -> io::Result<()> {
    file.sync_all()
}

pub(super) fn sync_folder(_: &Path) {}

/// Returns `None`, because Windows cannot create a file that gets its name later.
pub(super) fn create_unnamed(_: &OpenOptions, _: &Path) -> Option<File> {
    None
}

pub(super) fn name(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(crate) fn user_number() -> Option<u32> {
    None
}

pub(crate) fn restrict_permissions(_: &Path) -> Option<u32> {
    None
}

pub(crate) fn may_write(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_dir() || !metadata.permissions().readonly())
}

/// Always returns `None`, because Windows files have no permission bits.
pub(super) fn lacking_mode(_: &Path) -> Option<&'static str> {
    None
}

/// Always returns `None`, because Windows files have no permission bits, and other users cannot access the user profile
/// folder.
pub(crate) fn ownership_fault(_: &Path, _: Privacy) -> Option<OwnershipFault> {
    None
}

pub(super) fn close_to_others(_: &Path, _: Privacy) -> io::Result<()> {
    Ok(())
}

/// Tells why this process may not write a folder; `None` if it may, or if the path is not a folder.
pub(crate) fn folder_fault(folder: &Path) -> Option<FolderFault> {
    (folder.is_dir() && !may_write(folder)).then_some(FolderFault::Other)
}

/// Returns the hint for an error of this system only.
pub(super) fn hint(error: &io::Error, path: &Path) -> Option<String> {
    let is_open = error.raw_os_error() == Some(SHARING_VIOLATION);
    is_open.then(|| format!("close the program that has `{}` open", path.display()))
}

/// Creates a hard link, because few users have the right to create symbolic links.
pub(super) fn link(target: &Path, path: &Path) -> io::Result<()> {
    fs::hard_link(path.with_file_name(target), path)
}

/// Compares only size and time, so that a copy of the program is also accepted as a link.
pub(crate) fn is_link_to(path: &Path, target: &Path) -> bool {
    let stamp = |path: &Path| fs::metadata(path).ok().map(|file| (file.len(), file.modified().ok()));
    let stamped = stamp(path);
    stamped.is_some() && stamped == stamp(&path.with_file_name(target))
}

/// Tells whether the error means that a file is being replaced or is open.
fn is_in_use(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(ACCESS_DENIED | SHARING_VIOLATION))
}

const ACCESS_DENIED: i32 = 5;
const SHARING_VIOLATION: i32 = 32;

/// Opens a file in the user profile folder, and returns the file and its length. To be locked, the file must be readable.
pub(super) fn open_own(path: &Path, purpose: OpenMode) -> io::Result<(File, u64)> {
    let append = purpose == OpenMode::Append;
    let file = File::options().read(true).append(append).create(append).open(path)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

/// Compares only the lengths, because a file that another process has just started is shorter.
pub(super) fn is_at(path: &Path, file: &File) -> bool {
    fs::metadata(path).is_ok_and(|linked| file.metadata().is_ok_and(|opened| linked.len() == opened.len()))
}

pub(super) fn may_write_up_to(_: u64) -> bool {
    true
}
