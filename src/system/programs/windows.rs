//! Runs programs on Windows, which has no process groups, so that only the program itself can be killed.

use std::fs::Metadata;
use std::process::{Child, Command};

/// The suffixes of the files that Windows can run, in the usual order of `PATHEXT`. The command-line tools of some clouds
/// are scripts.
pub(super) const SUFFIXES: [&str; 4] = [".com", ".exe", ".bat", ".cmd"];

pub(super) fn is_executable(_: &Metadata) -> bool {
    true
}

/// Compares size and time, because metadata on Windows do not identify a file. A copy of the program counts as the same
/// file.
pub(super) fn is_same_file(first: &Metadata, other: &Metadata) -> bool {
    let stamp = |file: &Metadata| Some((file.len(), file.modified().ok()?));
    stamp(first).is_some_and(|first| stamp(other) == Some(first))
}

pub(crate) fn is_root() -> bool {
    false
}

pub(super) fn lead_a_group(_: &mut Command) {}

pub(super) fn kill_group(_: &Child) {}
