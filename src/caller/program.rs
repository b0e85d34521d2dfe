//! `Program`: a process above Ensign, or a typed command.

use std::path::PathBuf;

use crate::system::{ancestors, env};

/// A program's name and its arguments. `Program` has no `Debug`, because an argument may be a password.
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) args: Vec<String>,
    /// The id of the process, or `None` for a typed command.
    pub(super) process: Option<u32>,
    /// The variables that are set before a typed command.
    pub(super) variables: Vec<(String, String)>,
}

impl Program {
    /// Returns a variable that is set before a typed command. If the variable is set several times, the last value
    /// wins.
    pub(crate) fn typed_variable(&self, name: &str) -> Option<&str> {
        self.variables.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns the working folder of the process, or Ensign's own folder for a typed command.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        self.process.and_then(ancestors::folder).or_else(env::current_dir)
    }

    /// Returns a variable of the program. Ensign inherits the variables of the processes above it.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        self.typed_variable(name).map(str::to_owned).or_else(|| env::text(name))
    }
}

/// Returns the last part of a Unix or Windows path, in lower case. Removes what systems and packages add to a name,
/// such as `.exe`, ` (deleted)` on Linux, `.NAME-wrapped` of Nix, and the `-` before a login shell's name.
pub(super) fn file_name(path: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = name.strip_suffix(" (deleted)").unwrap_or(name).to_ascii_lowercase();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    let wrapped = name.strip_prefix('.').and_then(|rest| rest.strip_suffix("-wrapped"));
    wrapped.unwrap_or(name).trim_start_matches('-').to_owned()
}

/// Tells whether `name` is one of `names`, which are separated by spaces.
pub(super) fn is_one_of(names: &str, name: &str) -> bool {
    names.split_ascii_whitespace().any(|known| known == name)
}
