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
