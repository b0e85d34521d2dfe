//! `MinimumGeneration`: how old a registry's sealed file may be.

use super::Registry;

/// The least generation that a registry's sealed file may have: an older one was put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MinimumGeneration {
    pub(crate) registry: Registry,
    /// The id of the key it is sealed with: a config is carried between machines, and each has a key of its own.
    pub(crate) key: String,
    pub(crate) generation: u64,
}
