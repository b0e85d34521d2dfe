//! The environment as the calling client was started with it.
//!
//! A client may read a file of the project into its environment before it starts us. Docker Compose 2.20 to 2.37 did so
//! with `.env`. Such values come from a stranger and are ignored.

use std::ffi::{OsStr, OsString};
use std::sync::OnceLock;

/// A variable whose value differs from its value at the client's start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChangedVariable {
    pub(crate) name: OsString,
    /// `None`: the client was started without it.
    pub(crate) at_start: Option<OsString>,
}

/// The function that finds the changes. `protocol` sets it, because this layer does not know clients.
static FINDER: OnceLock<fn() -> Vec<ChangedVariable>> = OnceLock::new();
/// The changes. The finder runs when a variable that we need is set, which is seldom in a `get`.
static CHANGES: OnceLock<Vec<ChangedVariable>> = OnceLock::new();

/// From now on, each variable is read with its value from the client's start.
pub(crate) fn follow_client(finder: fn() -> Vec<ChangedVariable>) {
    let _ = FINDER.set(finder);
}

/// The variables that the client changed; none if a person calls.
pub(crate) fn changes() -> &'static [ChangedVariable] {
    FINDER.get().map_or(&[], |finder| CHANGES.get_or_init(finder))
}

/// The value of a variable at the client's start. The variable's present value is `value`.
pub(super) fn value(name: &OsStr, value: OsString) -> Option<OsString> {
    match changes().iter().find(|change| change.name == name) {
        Some(change) => change.at_start.clone(),
        None => Some(value),
    }
}

/// The names of our own variables that were ignored; none if the client was not looked at.
pub(crate) fn ignored() -> impl Iterator<Item = &'static str> {
    let changes = CHANGES.get().into_iter().flatten();
    changes.filter_map(|change| change.name.to_str()).filter(|name| name.starts_with("ENSIGN_"))
}
