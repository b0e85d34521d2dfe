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
    pub(in crate::caller::files) fn new(node: &YamlNode) -> Self {
        let list = |key| match node.get(key).text() {
            Some(words) => words.split_whitespace().map(str::to_owned).collect(),
            None => node.get(key).texts().into_iter().map(str::to_owned).collect(),
        };
        let contexts = node.get("contexts").map().iter();
        Self {
            tags: list("tags"),
            cache_from: list("cache-from"),
            cache_to: list("cache-to"),
            output: list("output"),
            platforms: list("platforms"),
            contexts: contexts.filter_map(|(name, source)| Some((name.clone(), source.text()?.to_owned()))).collect(),
        }
    }
}
