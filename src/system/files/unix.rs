//! The file operations on Unix, where files have modes and a folder is flushed after a rename.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
#[cfg(target_os = "linux")]
use std::path::PathBuf;

use anyhow::Result;
#[cfg(target_os = "linux")]
use rustix::fs::{AtFlags, CWD, linkat, statfs};
use rustix::fs::{OFlags, access, fsync, statvfs};
use rustix::io::Errno;
use rustix::process::{Resource, geteuid, getrlimit, getuid};

use super::lines::OpenMode;
use super::{FolderFault, InstalledFile, LinkPolicy, Privacy, keep_copy, retry_interrupted};

use crate::system::text::quote_path;

pub(crate) use super::ownership::ownership_fault;
pub(super) use super::ownership::{
    check as check_owner, check_new, check_target, explain as explain_owner, keep_group,
};

/// Whether files have modes, which keep a private file private in every folder. On Windows, the folder decides who may
/// read its files.
pub(crate) const HAS_MODES: bool = true;

pub(super) fn private_options() -> OpenOptions {
    let mut options = File::options();
    options.mode(0o600);
    options
}

/// Opens a file for reading, without waiting for the other end of a pipe.
pub(super) fn open(path: &Path, links: LinkPolicy) -> io::Result<File> {
    File::options().read(true).custom_flags(flags(links)).open(path)
}

/// Returns options that open a lock's file, and create the file if it is missing.
pub(super) fn lock() -> OpenOptions {
    let mut options = private_options();
    options.write(true).create(true).truncate(false).custom_flags(flags(LinkPolicy::Refused));
    options
}

fn flags(links: LinkPolicy) -> i32 {
    let flags = if links == LinkPolicy::Refused { OFlags::NONBLOCK | OFlags::NOFOLLOW } else { OFlags::NONBLOCK };
    flags.bits().cast_signed()
}

/// Creates a folder that only its owner may enter, or that every user may enter to run the program in the folder.
pub(super) fn create_folder(folder: &Path, privacy: Privacy) -> io::Result<()> {
    let mode = if privacy == Privacy::Secret { 0o700 } else { 0o755 };
    DirBuilder::new().recursive(true).mode(mode).create(folder)
}

/// Sets the file's mode without regard to the umask, because an installation by root is for every user.
pub(super) fn open_to_all(file: &File, kind: InstalledFile) -> io::Result<()> {
    let mode = if kind == InstalledFile::Program { 0o755 } else { 0o644 };
    retry_interrupted(|| file.set_permissions(Permissions::from_mode(mode)))
}

/// Copies the old program before it is replaced, so that `current` is a complete program at every moment.
pub(super) fn exchange_program(current: &Path, next: &Path, previous: &Path) -> Result<()> {
    keep_copy(current, previous)?;
    super::rename(next, current)
}

pub(super) fn free_space(folder: &Path) -> Option<u64> {
    let space = statvfs(folder).ok()?;
    Some(space.f_bavail.saturating_mul(space.f_frsize))
}

pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    retry_interrupted(|| fs::rename(from, to))
}

/// Flushes a file to the disk. The error of a network share that cannot flush files is ignored. On macOS, `sync_all` asks
/// for more than many shares can do, so `fsync` is tried too.
pub(super) fn sync_file(file: &File) -> io::Result<()> {
    let synced = file.sync_all();
    let synced = if cfg!(target_vendor = "apple") { synced.or_else(|_| Ok(fsync(file)?)) } else { synced };
    match synced {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        synced => synced,
    }
}

/// Flushes a folder to the disk. Errors are ignored, because many shares cannot flush folders and the file itself is
/// complete.
pub(super) fn sync_folder(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

/// Creates a file without a name; `None` if the file system does not support unnamed files. The file disappears when it
/// is closed.
#[cfg(target_os = "linux")]
pub(super) fn create_unnamed(options: &OpenOptions, folder: &Path) -> Option<File> {
    let flags = OFlags::TMPFILE.bits().cast_signed();
    let file = options.clone().write(true).custom_flags(flags).open(folder).ok()?;
    descriptor(&file).exists().then_some(file)
}

/// Gives an unnamed file a name. Fails if a file with the same name exists.
#[cfg(target_os = "linux")]
pub(super) fn name(file: &File, path: &Path) -> io::Result<()> {
    Ok(linkat(CWD, descriptor(file), CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

/// Returns a path in `/proc` to an unnamed file. The path is needed to give the file a name, because only root can name
/// a file by its descriptor.
#[cfg(target_os = "linux")]
fn descriptor(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn create_unnamed(_: &OpenOptions, _: &Path) -> Option<File> {
    None
}

#[cfg(not(target_os = "linux"))]
pub(super) fn name(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Returns the user's number; `None` on systems without user numbers.
#[expect(clippy::unnecessary_wraps, reason = "Windows has no user numbers")]
pub(crate) fn user_number() -> Option<u32> {
    Some(getuid().as_raw())
}

/// Removes the permissions of group and others. Returns the old mode if group or others had permissions. A file that
/// others may write is not changed, because it stays refused until the user has looked at it.
pub(crate) fn restrict_permissions(path: &Path) -> Option<u32> {
    let file = open(path, LinkPolicy::Refused).ok()?; // a link could lead to another user's file
    let metadata = file.metadata().ok().filter(|file| file.is_file() && check_owner(path, file).is_ok())?;
    let mode = metadata.permissions().mode() & 0o7777;
    let wider = mode & 0o077 != 0;
    wider.then(|| file.set_permissions(Permissions::from_mode(mode & 0o700)).ok()).flatten().map(|()| mode)
}

/// Tells whether this process may write the file, from the permissions of `path` only.
pub(crate) fn may_write(path: &Path) -> bool {
    access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

/// Returns the permissions of a file or folder of this user that the user lacks, as `chmod` spells them.
pub(super) fn lacking_mode(path: &Path) -> Option<&'static str> {
    let metadata = fs::metadata(path).ok()?;
    let (needed, word) = if metadata.is_dir() { (0o700, "u+rwx") } else { (0o600, "u+rw") };
    (metadata.uid() == geteuid().as_raw() && metadata.mode() & needed != needed).then_some(word)
}

/// Tells why this process may not read, write or enter a folder; `None` if it may.
pub(crate) fn folder_fault(folder: &Path) -> Option<FolderFault> {
    let needed = rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
    let error = access(folder, needed).err()?;
    let is_ours = fs::metadata(folder).is_ok_and(|metadata| metadata.uid() == geteuid().as_raw());
    Some(if is_ours && error == Errno::ACCESS { FolderFault::Mode } else { FolderFault::Other })
}

pub(super) fn close_to_others(path: &Path, privacy: Privacy) -> io::Result<()> {
    let taken = if privacy == Privacy::Secret { 0o077 } else { 0o022 };
    let mode = fs::metadata(path)?.permissions().mode() & 0o7777;
    fs::set_permissions(path, Permissions::from_mode(mode & !taken))
}

/// Tells whether the file system may give every file the same mode, whatever `chmod` sets.
#[cfg(target_os = "linux")]
pub(super) fn may_lack_modes(path: &Path) -> bool {
    // 9P of WSL, FAT, exFAT, FUSE
    statfs(path).is_ok_and(|system| [0x0102_1997, 0x4d44, 0x2011_bab0, 0x6573_5546].contains(&system.f_type))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn may_lack_modes(_: &Path) -> bool {
    false
}

/// Returns the hint for an error of this system only.
pub(super) fn hint(error: &io::Error, path: &Path) -> Option<String> {
    let is_loop = Errno::from_io_error(error) == Some(Errno::LOOP);
    is_loop.then(|| format!("remove the link that leads to itself: `rm {}`", quote_path(path)))
}

pub(super) fn link(target: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

/// Tells whether `path` is a link to `target` in the same folder.
pub(crate) fn is_link_to(path: &Path, target: &Path) -> bool {
    fs::read_link(path).is_ok_and(|linked| linked == target)
}

/// Opens a regular, private file without following links and without waiting, and returns the file and its length.
/// `Append` creates a missing file only in a folder that Ensign's user owns and other users cannot write. If Ensign
/// created the file in another user's folder, that user could not write the file.
pub(super) fn open_own(path: &Path, purpose: OpenMode) -> io::Result<(File, u64)> {
    let append = purpose == OpenMode::Append;
    let mut options = private_options();
    options.append(append).read(!append).custom_flags(flags(LinkPolicy::Refused));
    let file = match options.open(path) {
        Err(error) if append && error.kind() == io::ErrorKind::NotFound => {
            let folder = fs::metadata(path.parent().unwrap_or(Path::new("/")))?;
            if folder.uid() != geteuid().as_raw() || folder.mode() & 0o022 != 0 {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            options.create(true).open(path)?
        }
        opened => opened?,
    };
    let metadata = file.metadata()?;
    let is_ours = metadata.is_file()
        && metadata.nlink() <= 1
        && metadata.mode() & 0o777 == 0o600
        && metadata.uid() == geteuid().as_raw();
    if is_ours { Ok((file, metadata.len())) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

/// Tells whether `path` is still the name of the open file.
pub(super) fn is_at(path: &Path, file: &File) -> bool {
    let same =
        |linked: fs::Metadata, opened: fs::Metadata| (linked.dev(), linked.ino()) == (opened.dev(), opened.ino());
    fs::symlink_metadata(path).is_ok_and(|linked| file.metadata().is_ok_and(|opened| same(linked, opened)))
}

/// Tells whether this process may write a file of `length` bytes (`RLIMIT_FSIZE`).
pub(super) fn may_write_up_to(length: u64) -> bool {
    getrlimit(Resource::Fsize).current.is_none_or(|limit| length <= limit)
}
