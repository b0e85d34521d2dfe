//! `Problem`: what failed, and the command that mends it.

use std::fmt;

/// An error a person can do something about. Fronts show both parts in their own way: the protocol on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// What failed, naming the thing: «`config.json` is broken at line 3».
    pub(crate) message: String,
    /// What to do about it, with a command that works as it stands: «run `docker-credential-ensign restore`».
    pub(crate) hint: String,
}

impl Problem {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }

    /// The problem if `hint` is to run our own `command`.
    pub(crate) fn run(message: impl Into<String>, command: impl fmt::Display) -> Self {
        let command = command.to_string();
        let quoted =
            |word: &str| if word.contains('*') && !word.contains('\'') { format!("'{word}'") } else { word.to_owned() };
        let words: Vec<_> = command.split(' ').map(quoted).collect(); // a pattern of hosts, typed bare, is the shell's
        Self::new(message, format!("run `docker-credential-ensign {}`", words.join(" ")))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.message, self.hint)
    }
}

impl std::error::Error for Problem {}
