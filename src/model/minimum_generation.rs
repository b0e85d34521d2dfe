//! `MinimumGeneration`: the oldest acceptable state of a registry's sealed file.

use super::Registry;

/// The lowest accepted generation of a registry's sealed file. A lower one means that an old file was put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MinimumGeneration {
    pub(crate) registry: Registry,
    /// The id of the sealing key. Each machine has its own key, but may share the config.
    pub(crate) key: String,
    pub(crate) generation: u64,
}
