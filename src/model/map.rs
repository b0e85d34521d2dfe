//! A map from its entries.

use std::collections::BTreeMap;

/// Puts one entry in after the other, the last of a key wins. `collect` would sort them first, with 4 KB of program for
/// each kind of map.
pub(crate) fn map<K: Ord, V>(entries: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    for (key, value) in entries {
        map.insert(key, value);
    }
    map
}
