//! What files are made of on Unix: modes, and folders that are flushed after a rename.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::process::{Resource, geteuid, getrlimit};

pub(super) const HAS_MODES: bool = true;

pub(super) fn private() -> OpenOptions {
    let mut options = File::options();
    options.mode(0o600);
    options
}

/// The kernel's constant; Rust has the bits unsigned and the call takes them signed.
const NONBLOCKING: i32 = OFlags::NONBLOCK.bits().cast_signed();

/// Does not wait for the other end of a pipe.
pub(super) fn reading() -> OpenOptions {
    let mut options = File::options();
    options.read(true).custom_flags(NONBLOCKING);
    options
}

pub(super) fn create_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

pub(super) fn narrow(path: &Path) -> Option<u32> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o7777;
    let wider = mode & 0o077 != 0;
    wider.then(|| fs::set_permissions(path, Permissions::from_mode(mode & 0o700)).ok()).flatten().map(|()| mode)
}

pub(super) fn link(target: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

pub(super) fn is_link_to(path: &Path, target: &Path) -> bool {
    fs::read_link(path).is_ok_and(|there| there == target)
}

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Append,
    Read,
}

/// Opens a regular file that is private to us, with no link and without waiting. To append to, it is made if it is not
/// there and its folder is ours alone: in another's folder its owner could not write it. Returns its length too.
pub(super) fn open_own(path: &Path, purpose: Purpose) -> io::Result<(File, u64)> {
    let append = purpose == Purpose::Append;
    let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW).bits().cast_signed();
    let mut options = private();
    options.append(append).read(!append).custom_flags(flags);
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

/// Tells whether `path` is the name of this very file.
pub(super) fn is_at(path: &Path, file: &File) -> bool {
    let same = |there: fs::Metadata, here: fs::Metadata| (there.dev(), there.ino()) == (here.dev(), here.ino());
    fs::symlink_metadata(path).is_ok_and(|there| file.metadata().is_ok_and(|here| same(there, here)))
}

/// Tells whether this process may make a file so long (`RLIMIT_FSIZE`).
pub(super) fn may_write_up_to(length: u64) -> bool {
    getrlimit(Resource::Fsize).current.is_none_or(|limit| length <= limit)
}
