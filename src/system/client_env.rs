//! Finds the environment with which the calling client was started.
//!
//! A client may read a project's file into its environment before it starts Ensign, as Docker Compose 2.20 to 2.37 did
//! with `.env`. The values from a project's file may come from a stranger and are ignored.

use std::ffi::{OsStr, OsString};
use std::sync::OnceLock;

/// A variable whose value differs from its value at the client's start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChangedVariable {
    pub(crate) name: OsString,
    /// The value at the client's start; `None` if the variable was not set.
    pub(crate) at_start: Option<OsString>,
}

/// The function that finds the variables that the client changed. `protocol` sets this function, because `system`
/// contains no code about clients.
static FINDER: OnceLock<fn() -> Vec<ChangedVariable>> = OnceLock::new();
/// The variables that the client changed. The search examines the calling processes, so Ensign searches only when it
/// first reads a variable that is set. Most calls of `get` read no such variable.
static CHANGES: OnceLock<Vec<ChangedVariable>> = OnceLock::new();

/// Makes Ensign read every variable with the value that the variable had at the client's start.
pub(crate) fn follow_client(finder: fn() -> Vec<ChangedVariable>) {
    let _ = FINDER.set(finder);
}

/// Returns the variables that the client changed. The result is empty if a person calls Ensign.
pub(crate) fn changes() -> &'static [ChangedVariable] {
    FINDER.get().map_or(&[], |finder| CHANGES.get_or_init(finder))
}

/// Returns a variable's value at the client's start. `value` is the variable's present value.
pub(super) fn value(name: &OsStr, value: OsString) -> Option<OsString> {
    match changes().iter().find(|change| change.name == name) {
        Some(change) => change.at_start.clone(),
        None => Some(value),
    }
}

/// Returns the names of Ensign's variables whose present values were ignored. The result is empty if no variable was
/// read.
pub(crate) fn ignored() -> impl Iterator<Item = &'static str> {
    let changes = CHANGES.get().into_iter().flatten();
    changes.filter_map(|change| change.name.to_str()).filter(|name| name.starts_with("ENSIGN_"))
}
