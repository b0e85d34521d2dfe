//! Runs programs in process groups on Unix, so that a program can be killed with its children.

use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use rustix::process::{Pid, Signal, kill_process_group};

/// The suffixes of program files.
pub(super) const SUFFIXES: [&str; 1] = [""];

pub(super) fn is_executable(metadata: &Metadata) -> bool {
    metadata.permissions().mode() & 0o111 != 0
}

/// Tells whether both metadata describe the same file, as with two hard links.
pub(super) fn is_same_file(first: &Metadata, other: &Metadata) -> bool {
    (first.dev(), first.ino()) == (other.dev(), other.ino())
}

/// Tells whether Ensign, and so every program that it starts, runs as root.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Starts the program in a process group of its own.
pub(super) fn lead_a_group(command: &mut Command) {
    command.process_group(0);
}

pub(super) fn kill_group(child: &Child) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::KILL); // an error means that the process has already ended
    }
}
