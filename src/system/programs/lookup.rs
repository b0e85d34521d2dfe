//! Finds programs on `PATH`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::imp;
use crate::system::env;

/// Finds a program on `PATH`. Relative folders are skipped, because they would make the result depend on the current
/// folder. Go and Docker also skip relative folders (`os/exec`, `ErrDot`).
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    find_in(std::env::split_paths(&env::variable("PATH")?), name, is_program)
}

/// Finds a program on `path`, which has the format of `PATH`.
pub(crate) fn find_on(path: &OsStr, name: &str) -> Option<PathBuf> {
    find_in(std::env::split_paths(path), name, is_program)
}

/// Finds a program on `PATH`, or else a file that is not executable. When such a file is run, the system's error says
/// what is wrong.
pub(crate) fn find_file(name: &str) -> Option<PathBuf> {
    find(name).or_else(|| find_in(std::env::split_paths(&env::variable("PATH")?), name, Path::is_file))
}

fn find_in(folders: impl Iterator<Item = PathBuf>, name: &str, is_program: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let names = file_names(name, &imp::SUFFIXES);
    let mut files = folders
        .filter(|folder| folder.is_absolute())
        .flat_map(|folder| names.iter().map(|name| folder.join(name)).collect::<Vec<_>>());
    files.find(|file| is_program(file))
}

/// Returns the names of a program's file. A name that has a suffix already is tried first.
fn file_names(name: &str, suffixes: &[&str]) -> Vec<String> {
    let has = |suffix: &&str| !suffix.is_empty() && name.to_ascii_lowercase().ends_with(suffix);
    let typed = suffixes.iter().any(has).then(|| name.to_owned());
    typed.into_iter().chain(suffixes.iter().map(|suffix| format!("{name}{suffix}"))).collect()
}

/// Tells whether the path is an executable file.
pub(crate) fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && imp::is_executable(&metadata))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_suffix_is_tried_as_it_is() {
        for (name, suffixes, expected) in [
            ("az", &[""][..], &["az"][..]),
            ("az.cmd", &[""], &["az.cmd"]),
            ("az", &[".exe", ".cmd"], &["az.exe", "az.cmd"]),
            ("Az.CMD", &[".exe", ".cmd"], &["Az.CMD", "Az.CMD.exe", "Az.CMD.cmd"]),
            ("a.b", &[".exe"], &["a.b.exe"]),
        ] {
            assert_eq!(file_names(name, suffixes), expected, "{name}");
        }
    }

    #[test]
    fn a_program_is_found_in_absolute_folders_only() {
        assert!(find("sh").is_some_and(|path| path.is_absolute() && is_program(&path)));
        assert_eq!((find("no-such-program"), is_program(Path::new("/bin"))), (None, false));
        let [first, two, current] = ["/one", "/two", "."].map(PathBuf::from);
        for (folders, existing, found) in [
            (vec![&first, &two], vec!["/two/sh"], Some("/two/sh")),
            (vec![&first, &two], vec!["/two/sh", "/one/sh"], Some("/one/sh")),
            (vec![&current, &two], vec!["./sh"], None),
            (vec![], vec![], None),
        ] {
            let is_there = |path: &Path| existing.iter().any(|file| Path::new(file) == path);
            assert_eq!(find_in(folders.into_iter().cloned(), "sh", is_there), found.map(PathBuf::from));
        }
    }
}
