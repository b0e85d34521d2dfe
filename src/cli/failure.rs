//! `Failure`: the error message and the exit code of a command that failed.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::json;

use super::ui::Ui;
use crate::model::Problem;
use crate::system::text::one_line;

/// A failed command.
#[derive(Debug)]
pub(super) struct Failure {
    kind: FailureKind,
    error: anyhow::Error,
}

/// The kind of a failure. The number of the kind is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailureKind {
    Failed = 1,
    Usage = 2,
    /// The registry refused the login, or there is no login.
    NotLoggedIn = 3,
    /// The account works, but the requested access is not allowed.
    Denied = 4,
    /// As in shells (POSIX, 2.8.2), 126 means that a command could not be run, and 127 means that the command does not
    /// exist.
    NotRun = 126,
    NoProgram = 127,
    Cancelled = 130,
}

impl Failure {
    pub(super) fn new(kind: FailureKind, problem: Problem) -> Self {
        Self { kind, error: problem.into() }
    }

    pub(super) fn usage(what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self::new(FailureKind::Usage, Problem::new(what, cure))
    }

    pub(super) fn not_logged_in(what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self::new(FailureKind::NotLoggedIn, Problem::new(what, cure))
    }

    /// Returns the error, and drops the kind of the failure.
    pub(super) fn into_error(self) -> anyhow::Error {
        self.error
    }

    /// Returns the failure for a person's command that could not be started.
    pub(super) fn not_run(error: anyhow::Error) -> Self {
        let is_missing = |error: &std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
        let missing = error.downcast_ref::<std::io::Error>().is_some_and(is_missing);
        Self { kind: if missing { FailureKind::NoProgram } else { FailureKind::NotRun }, error }
    }

    /// Prints the failure for a person or as JSON for a program, and returns the exit code.
    pub(super) fn report(&self, ui: &Ui) -> ExitCode {
        let (what, cure) = Self::parts_of(&self.error);
        let cure = cure.map(|cure| ui.as_typed(&cure));
        ui.say(format_args!("error: {what}"));
        if let Some(cure) = &cure {
            ui.say(format_args!("hint: {cure}"));
        }
        if ui.json(json!({"status": "error", "error": what, "hint": cure})).is_err() {
            let _ = writeln!(io::stderr(), "error: {}", one_line(&what, 300)); // nobody can read the JSON
        }
        ExitCode::from(self.code())
    }

    pub(super) fn code(&self) -> u8 {
        self.kind as u8
    }

    /// Returns the message and the hint of this failure, as [`Self::parts_of`] does.
    pub(super) fn parts(&self) -> (String, Option<String>) {
        Self::parts_of(&self.error)
    }

    /// Returns the messages of the error and its causes as one message. Also returns the hint of the innermost cause
    /// that has a hint.
    pub(super) fn parts_of(error: &anyhow::Error) -> (String, Option<String>) {
        let mut cure = None;
        let links: Vec<String> = error
            .chain()
            .map(|link| match link.downcast_ref::<Problem>() {
                Some(problem) => {
                    cure = Some(problem.hint.clone());
                    problem.message.clone()
                }
                None => link.to_string(),
            })
            .collect();
        (links.join(": "), cure)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let interrupted = |link: &(dyn std::error::Error + 'static)| {
            link.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::Interrupted)
        };
        let kind = if error.chain().any(interrupted) { FailureKind::Cancelled } else { FailureKind::Failed };
        Self { kind, error }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::new(FailureKind::Failed, problem)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn the_cure_is_found_below_the_context() {
        let inner: Result<(), anyhow::Error> = Err(Problem::run("`config.json` is broken", "restore").into());
        let failure = Failure::from(inner.context("could not switch").unwrap_err());
        let expected = (
            "could not switch: `config.json` is broken".to_owned(),
            Some("run `docker-credential-ensign restore`".to_owned()),
        );
        assert_eq!((Failure::parts_of(&failure.error), failure.kind), (expected, FailureKind::Failed));
    }
}
