//! `Service`: what a Compose file says about one service, as far as it says where its image comes from.
//!
//! compose-spec `05-services.md`, `build.md`, `13-merge.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::super::build::{Build, local_folder};
use super::super::interpolate::interpolate;
use super::super::yaml::Node;
use super::super::{Side, Variables};
use crate::caller::words::Meaning;
use crate::model::map;

/// One service, after all files that say something about it.
#[derive(Clone, Debug, Default)]
pub(in crate::caller::files) struct Service {
    pub(in crate::caller::files) image: Side,
    pub(in crate::caller::files) build: Option<Build>,
    pub(super) depends_on: BTreeSet<String>,
    pub(super) profiles: BTreeSet<String>,
    pub(super) pull_policy: Option<String>,
}

/// Where a service is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) file: &'a Path,
    /// What its paths are relative to.
    pub(super) folder: &'a Path,
    pub(super) variables: &'a Variables,
}

impl Place<'_> {
    /// The text of a node with its variables put in.
    pub(super) fn text(&self, node: &Node) -> Option<String> {
        interpolate(node.text()?, &|name| self.variables.get(name))
    }

    /// A text or a list of them.
    pub(super) fn texts(&self, node: &Node) -> Vec<String> {
        node.texts().into_iter().filter_map(|text| interpolate(text, &|name| self.variables.get(name))).collect()
    }

    /// `{NAME: value}`, or a list of `NAME=value` and `NAME`.
    fn pairs(&self, node: &Node, separators: &[char]) -> BTreeMap<String, Option<String>> {
        let listed = self.texts(node).into_iter().map(|pair| match pair.split_once(separators) {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (pair, None),
        });
        let mapped = node.map().iter().map(|(name, value)| (name.clone(), self.text(value)));
        map(listed.chain(mapped))
    }
}

impl Service {
    /// Puts what a later file, or the service itself, says over what was there.
    pub(super) fn apply(&mut self, node: &Node, place: &Place<'_>) {
        let said = |key: &str| node.get(key).map(|node| &**node);
        if let Some(node) = said("image") {
            self.image = Side::default();
            if let Some(image) = place.text(node) {
                self.image.add_image(&image, place.file);
            }
        }
        match said("build") {
            Some(Node::Reset) => self.build = None,
            Some(build) => {
                if matches!(build, Node::Override(_)) {
                    self.build = None;
                }
                apply_build(self.build.get_or_insert_default(), build, place);
            }
            None => {}
        }
        for (key, names) in [("depends_on", &mut self.depends_on), ("profiles", &mut self.profiles)] {
            let Some(node) = said(key) else { continue };
            if matches!(node, Node::Reset | Node::Override(_)) {
                names.clear();
            }
            names.extend(place.texts(node).into_iter().chain(node.map().iter().map(|(name, _)| name.clone())));
        }
        if let Some(policy) = said("pull_policy") {
            self.pull_policy = place.text(policy);
        }
    }
}

/// `build: FOLDER`, or all that a build can have.
fn apply_build(build: &mut Build, node: &Node, place: &Place<'_>) {
    let text = |key: &str| node.get(key).and_then(|node| place.text(node));
    let context = if node.text().is_some() { place.text(node) } else { text("context") };
    let default = || if build.folder.is_some() { build.folder.clone() } else { Some(place.folder.to_owned()) };
    build.folder = context.map_or_else(default, |context| local_folder(place.folder, &context));
    if let Some(name) = text("dockerfile") {
        build.files = vec![PathBuf::from(name)]; // in the context, which a later file may move
    }
    if let Some(inline) = text("dockerfile_inline") {
        build.inline = Some((inline, place.file.to_owned()));
    }
    if let Some(target) = text("target") {
        build.target = Some(target);
    }
    if let Some(platforms) = node.get("platforms") {
        build.platforms = place.texts(platforms);
    }
    if let Some(arguments) = node.get("args") {
        build.arguments.extend(place.pairs(arguments, &['=']));
    }
    if let Some(contexts) = node.get("additional_contexts") {
        let sources = place.pairs(contexts, &['=']).into_iter();
        build.contexts.extend(sources.map(|(name, source)| (name, source.unwrap_or_default())));
    }
    for (key, meaning, found) in
        [("cache_from", Meaning::Cache, &mut build.cache_from), ("cache_to", Meaning::CacheTo, &mut build.cache_to)]
    {
        let texts = node.get(key).map(|node| place.texts(node)).unwrap_or_default();
        for text in &texts {
            found.add(meaning, text, place.file);
        }
    }
    if let Some(extension) = node.get("x-bake") {
        build.for_bake.apply(extension, |node| place.text(node));
    }
    let tags = node.get("tags").map(|node| place.texts(node)).unwrap_or_default();
    for tag in &tags {
        build.tags.add_image(tag, place.file);
    }
}
