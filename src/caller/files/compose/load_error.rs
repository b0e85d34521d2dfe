//! `LoadError`: why the services of a project are unknown.

use super::super::template::TemplateError;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LoadError {
    /// A file was not read. A missing file makes the client fail too. Any other error is already recorded.
    Unread,
    /// Compose refuses the project, as far as Ensign knows.
    Refused(String),
}

impl LoadError {
    pub(super) fn refused(why: impl Into<String>) -> Self {
        Self::Refused(why.into())
    }
}

impl From<TemplateError> for LoadError {
    fn from(error: TemplateError) -> Self {
        Self::refused(match error {
            TemplateError::Malformed => "a `$` does not begin a valid variable",
            TemplateError::Missing => "a required variable is not set",
            TemplateError::TooLong => "a value is too long",
        })
    }
}
