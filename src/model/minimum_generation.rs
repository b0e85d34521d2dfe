//! `MinimumGeneration`: the oldest version of a registry's sealed file that Ensign accepts.

use super::Registry;

/// The lowest accepted generation of a registry's sealed file. A sealed file with a lower generation was restored from
/// an old copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MinimumGeneration {
    pub(crate) registry: Registry,
    /// The id of the data key. Machines may share a config, but each machine has its own data key.
    pub(crate) key: String,
    pub(crate) generation: u64,
}
