//! Where there are no process groups a program alone is ended.

use std::fs::Metadata;
use std::process::{Child, Command};

/// What a program's file ends in: some command lines of the clouds are scripts.
pub(super) const SUFFIXES: [&str; 2] = [".exe", ".cmd"];

pub(super) fn is_executable(_: &Metadata) -> bool {
    true
}

/// Only the paths are compared.
pub(super) fn is_same_file(_: &Metadata, _: &Metadata) -> bool {
    false
}

pub(super) fn is_root() -> bool {
    false
}

pub(super) fn lead_a_group(_: &mut Command) {}

pub(super) fn kill_group(_: &Child) {}
