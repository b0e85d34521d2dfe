//! `Program`: a process above us, or a typed command.

use std::path::PathBuf;

use crate::system::{ancestors, env};

/// A client's name and its arguments. It has no `Debug`, because there may be passwords among them.
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) args: Vec<String>,
    /// `None` for a typed command.
    pub(super) process: Option<u32>,
    /// The variables before a typed command.
    pub(super) variables: Vec<(String, String)>,
}

impl Program {
    /// A variable before a typed command. The last one wins.
    pub(crate) fn typed_variable(&self, name: &str) -> Option<&str> {
        self.variables.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The working folder of the process. For a typed command it is ours.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        self.process.and_then(ancestors::folder).or_else(env::current_dir)
    }

    /// A variable of the program. We inherit the variables of the processes above us.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        self.typed_variable(name).map(str::to_owned).or_else(|| env::text(name))
    }
}
