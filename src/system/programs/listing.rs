//! Lists the programs on `PATH` for completion in a shell, without running a program.

use std::fs;

use super::{imp, is_program};
use crate::system::env;

/// Returns the names of the programs on `PATH` that start with `begin`, sorted and without duplicates.
pub(crate) fn named(begin: &str) -> Vec<String> {
    let path = env::variable("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
    let files = folders.filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let found = files.filter(|file| file.file_name().to_string_lossy().starts_with(begin) && is_program(&file.path()));
    let mut names: Vec<_> = found.map(|file| without_suffix(&file.file_name().to_string_lossy()).to_owned()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn without_suffix(name: &str) -> &str {
    imp::SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}
