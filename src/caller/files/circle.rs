//! Tells whether services, or the stages of a Dockerfile, need each other in a circle.

use std::collections::BTreeMap;

/// Repeatedly removes the keys without needs. If some keys are left, a circle exists. Every need must be a key.
pub(super) fn has_circle<K: Copy + Ord>(needs: &BTreeMap<K, Vec<K>>) -> bool {
    let mut waiting: BTreeMap<K, usize> = needs.iter().map(|(key, needs)| (*key, needs.len())).collect();
    let mut needed_by: BTreeMap<K, Vec<K>> = BTreeMap::new();
    for (key, needs) in needs {
        for need in needs {
            needed_by.entry(*need).or_default().push(*key);
        }
    }
    let mut free: Vec<K> = waiting.iter().filter(|(_, count)| **count == 0).map(|(key, _)| *key).collect();
    while let Some(key) = free.pop() {
        waiting.remove(&key);
        for other in needed_by.remove(&key).unwrap_or_default() {
            let Some(count) = waiting.get_mut(&other) else { continue };
            *count -= 1;
            free.extend((*count == 0).then_some(other));
        }
    }
    !waiting.is_empty()
}
