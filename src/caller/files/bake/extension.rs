//! `BakeExtension`: the settings for bake under `x-bake` in a Compose file.
//!
//! Source: docker/buildx `bake/compose.go` (`composeExtTarget`).

use std::collections::BTreeMap;

use crate::caller::files::yaml::YamlNode;

/// The settings under `x-bake`. Lists from several files are joined, as Compose does with all lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::caller::files) struct BakeExtension {
    pub(super) tags: Vec<String>,
    pub(super) cache_from: Vec<String>,
    pub(super) cache_to: Vec<String>,
    pub(super) output: Vec<String>,
    pub(super) platforms: Vec<String>,
    pub(super) contexts: BTreeMap<String, String>,
}

impl BakeExtension {
    /// Adds the settings of one file. `text` substitutes variables.
    pub(in crate::caller::files) fn apply(&mut self, node: &YamlNode, text: impl Fn(&YamlNode) -> Option<String>) {
        for (key, list) in [
            ("tags", &mut self.tags),
            ("cache-from", &mut self.cache_from),
            ("cache-to", &mut self.cache_to),
            ("output", &mut self.output),
            ("platforms", &mut self.platforms),
        ] {
            let Some(node) = node.get(key) else { continue };
            match text(node) {
                Some(words) => list.extend(words.split_whitespace().map(str::to_owned)),
                None => list.extend(node.list().iter().filter_map(|item| text(item))),
            }
        }
        for (name, source) in node.get("contexts").map(|contexts| contexts.map()).unwrap_or_default() {
            self.contexts.extend(text(source).map(|source| (name.clone(), source)));
        }
    }
}
