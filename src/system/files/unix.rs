//! What files are made of on Unix: modes, and folders that are flushed after a rename.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;

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
