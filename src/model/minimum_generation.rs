//! `MinimumGeneration`: the oldest acceptable state of a registry's sealed file.

use super::Registry;

/// The lowest accepted generation of a registry's sealed file. A file with a lower generation is an old one that was
/// put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MinimumGeneration {
    pub(crate) registry: Registry,
    /// The id of the sealing key. Machines may share a config, but each has its own key.
    pub(crate) key: String,
    pub(crate) generation: u64,
}
