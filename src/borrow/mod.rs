//! Secrets that another program has: `aws`, `gcloud`, `gh`, a credential helper, any command.

use std::time::{Duration, SystemTime};

use crate::model::{Borrow, Problem, Registry, Secret, Username};

/// What a program gave.
#[derive(Debug)]
pub(crate) struct Lent {
    pub(crate) username: Option<Username>,
    pub(crate) secret: Secret,
    /// Until when it may be kept; `None`: not at all.
    pub(crate) until: Option<SystemTime>,
}

/// Why a program gave nothing.
#[derive(Debug)]
pub(crate) enum Unlent {
    /// It says that it has no login for this registry.
    Nothing,
    Failed(Problem),
}

/// Asks the program, in `patience` at most.
pub(crate) fn ask(borrow: &Borrow, registry: &Registry, _patience: Duration) -> Result<Lent, Unlent> {
    Err(Unlent::Failed(Problem::new(format!("{:?} cannot be asked by this Ensign", borrow.lender), registry.as_str())))
}

/// What is asked, as a text: an answer is kept for the same question alone.
pub(crate) fn question(borrow: &Borrow, registry: &Registry) -> String {
    format!("{registry} {borrow:?}")
}
