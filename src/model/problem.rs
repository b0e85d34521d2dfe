//! `Problem`: what failed, and how a person can fix the failure. `InvalidName`: why a text is not a name.

use std::fmt;

/// An error that a person can fix. Each front end shows the message and the hint in its own way. The helper protocol
/// writes the message and the hint on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// What failed, such as «`config.json` is broken at line 3».
    pub(crate) message: String,
    /// How to fix the problem, with a command to copy, such as «run `docker-credential-ensign restore`».
    pub(crate) hint: String,
}

impl Problem {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }

    /// Creates a problem whose hint is to run Ensign's `command`.
    pub(crate) fn run(message: impl Into<String>, command: impl fmt::Display) -> Self {
        let command = command.to_string();
        let quoted =
            |word: &str| if word.contains('*') && !word.contains('\'') { format!("'{word}'") } else { word.to_owned() };
        let words: Vec<_> = command.split(' ').map(quoted).collect(); // a shell would expand an unquoted `*`
        Self::new(message, format!("run `docker-credential-ensign {}`", words.join(" ")))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.message, self.hint)
    }
}

impl std::error::Error for Problem {}

/// Why a text does not name a registry, an image, a pattern or an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidName(pub(super) &'static str);

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidName {}
