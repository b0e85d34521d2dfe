//! Checks the owners of Ensign's and Docker's files before these files are read or written.
//!
//! A file is refused if another user owns the file or may write it, because that user controls the file's contents.
//! Root must not use another user's files either. `sudo -E docker` would use another user's files, because `sudo -E`
//! keeps the variable `HOME` of the calling user.

use std::fs::{self, File, Metadata};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use rustix::process::geteuid;

use super::{NO_MODES, OwnershipFault, Privacy, unix};
use crate::model::Problem;
use crate::system::env;
use crate::system::text::quote;

#[derive(Clone, Copy, Debug)]
struct FileOwnership {
    owner: u32,
    group: u32,
    mode: u32,
    linked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AccessFault {
    ForeignOwner,
    WritableByOthers,
}

/// Refuses an open file that belongs to another user, or that others may write.
pub(super) fn check(path: &Path, metadata: &Metadata) -> Result<(), Problem> {
    let user = geteuid().as_raw();
    // Whether the path is a link is checked only if the file would be refused otherwise.
    match FileOwnership::new(metadata, false).fault(user) {
        Some(fault) if FileOwnership::new(metadata, path.is_symlink()).fault(user).is_some() => {
            Err(problem(path, metadata, fault, user))
        }
        _ => Ok(()),
    }
}

/// Refuses to replace a file that [`check`] refuses. If the file is missing, [`check_new`] checks its folder.
pub(super) fn check_target(path: &Path, folder: &Path) -> Result<(), Problem> {
    match fs::metadata(path) {
        Ok(metadata) => check(path, &metadata),
        Err(_) => check_new(folder),
    }
}

/// Refuses to create a file under `sudo -E` in a folder of the user who runs `sudo`. The user who runs `sudo` is
/// identified by `SUDO_UID`, because root's home in a container may belong to another user.
pub(super) fn check_new(folder: &Path) -> Result<(), Problem> {
    let caller = if geteuid().is_root() { env::present("SUDO_UID") } else { None };
    let Some(caller) = caller.and_then(|id| id.to_str()?.parse::<u32>().ok()) else { return Ok(()) };
    let existing = folder.ancestors().find_map(|folder| Some((folder, fs::metadata(folder).ok()?)));
    match existing {
        Some((folder, metadata)) if metadata.uid() == caller && caller != 0 => {
            Err(problem(folder, &metadata, AccessFault::ForeignOwner, 0))
        }
        _ => Ok(()),
    }
}

/// Explains that another user owns a file that could not be opened; `None` if Ensign's user owns the file.
pub(super) fn explain(path: &Path) -> Option<Problem> {
    let metadata = fs::metadata(path).ok()?;
    let user = geteuid().as_raw();
    (metadata.uid() != user).then(|| problem(path, &metadata, AccessFault::ForeignOwner, user))
}

/// Returns what is wrong with the owner or mode of a file or folder; `None` if nothing is wrong or the path does not
/// exist. In addition to the checks of [`check`], a secret must not be readable by other users.
pub(crate) fn ownership_fault(path: &Path, privacy: Privacy) -> Option<OwnershipFault> {
    let metadata = fs::metadata(path).ok()?;
    let facts = FileOwnership::new(&metadata, path.is_symlink());
    let user = geteuid().as_raw();
    match facts.fault(user) {
        Some(AccessFault::ForeignOwner) => {
            Some(OwnershipFault::Owner(problem(path, &metadata, AccessFault::ForeignOwner, user)))
        }
        Some(AccessFault::WritableByOthers) => Some(OwnershipFault::Mode(facts.mode & 0o777)),
        None => {
            let is_open = privacy == Privacy::Secret && facts.mode & 0o077 != 0;
            is_open.then_some(OwnershipFault::Mode(facts.mode & 0o777))
        }
    }
}

/// Sets a new file's group to the group of the replaced file, if the system allows it. The owner is always Ensign's
/// user.
pub(super) fn keep_group(new: &File, old: &Metadata) {
    if new.metadata().is_ok_and(|new| new.gid() != old.gid()) {
        let _ = std::os::unix::fs::fchown(new, None, Some(old.gid()));
    }
}

impl FileOwnership {
    fn new(metadata: &Metadata, linked: bool) -> Self {
        Self { owner: metadata.uid(), group: metadata.gid(), mode: metadata.mode(), linked }
    }

    fn fault(self, user: u32) -> Option<AccessFault> {
        // A link to a file of root is accepted, because NixOS and other systems link from home folders to root's files.
        // Whoever can write root's files could also change Ensign's program.
        let is_roots = self.owner == 0 && self.linked;
        if self.owner != user && !is_roots {
            return Some(AccessFault::ForeignOwner);
        }
        // A group with the same number as the owner is the owner's private group, which may write the file.
        let is_own_group = self.group == self.owner;
        let others = if is_own_group { 0o002 } else { 0o022 };
        (self.mode & others != 0).then_some(AccessFault::WritableByOthers)
    }
}

fn problem(path: &Path, metadata: &Metadata, fault: AccessFault, user: u32) -> Problem {
    let shown = path.display().to_string();
    let quoted = quote(&shown);
    let owner = name_of(metadata.uid());
    match fault {
        AccessFault::WritableByOthers => {
            let mode = metadata.permissions().mode() & 0o777;
            Problem::new(
                format!("`{shown}`, which belongs to user {owner}, may be written by others (mode {mode:o})"),
                if unix::may_lack_modes(path) {
                    format!("run `chmod go-w {quoted}`; if the mode stays the same, {NO_MODES}")
                } else {
                    format!("run `chmod go-w {quoted}`")
                },
            )
        }
        AccessFault::ForeignOwner => {
            let us = name_of(user);
            let hint = if user != 0 {
                format!("run `sudo chown {} {quoted}`", quote(&us))
            } else if env::present("SUDO_UID").is_some() {
                "run the command without `sudo`, or without its `-E`".to_owned()
            } else {
                format!("run the command as that user, or `chown {} {quoted}`", quote(&us))
            };
            Problem::new(format!("`{shown}` belongs to user {owner}, but Ensign runs as user {us}"), hint)
        }
    }
}

/// Returns the user's name from `/etc/passwd`. If the name is unknown, the user's number is returned.
fn name_of(user: u32) -> String {
    let table = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = table.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(user)).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| user.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_must_be_ours_and_no_one_elses_to_write() {
        use AccessFault::{ForeignOwner, WritableByOthers};
        const ME: u32 = 1000;
        for (user, owner, group, mode, linked, fault) in [
            (ME, ME, ME, 0o600, false, None),
            (ME, ME, 100, 0o644, true, None),
            (ME, ME, ME, 0o666, false, Some(WritableByOthers)),
            (ME, ME, ME, 0o602, true, Some(WritableByOthers)),
            // A user's private group, as most distributions create one, and a shared group.
            (ME, ME, ME, 0o664, false, None),
            (ME, ME, 100, 0o664, false, Some(WritableByOthers)),
            (ME, 1001, ME, 0o600, false, Some(ForeignOwner)),
            (ME, 1001, ME, 0o600, true, Some(ForeignOwner)),
            // `sudo -E docker` in a user's home, and a file that this command created there.
            (0, ME, ME, 0o600, false, Some(ForeignOwner)),
            (ME, 0, 0, 0o644, false, Some(ForeignOwner)),
            (0, 0, 0, 0o600, false, None),
            // A link into the store of NixOS.
            (ME, 0, 0, 0o444, true, None),
            (ME, 0, 100, 0o664, true, Some(WritableByOthers)),
        ] {
            let facts = FileOwnership { owner, group, mode: 0o100_000 | mode, linked };
            assert_eq!(facts.fault(user), fault, "{user} {facts:?}");
        }
    }
}
