//! `ComposeService`: the images of one service.
//!
//! Sources: compose-spec `05-services.md`, `build.md`; compose-go `loader/normalize.go`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::super::bake::BakeExtension;
use super::super::build::{Build, local_path};
use super::super::dockerfile::BuildParameters;
use super::super::yaml::YamlNode;
use super::super::{ImageSide, ProjectVariables};
use super::merge::ServiceParts;
use crate::caller::command_words::FlagKind;
use crate::caller::images::image_beside_files;

/// One service, merged from all files.
#[derive(Clone, Debug, Default)]
pub(in crate::caller::files) struct ComposeService {
    pub(in crate::caller::files) image: ImageSide,
    pub(in crate::caller::files) build: Option<Build>,
    /// The images that are mounted as volumes.
    pub(super) volumes: ImageSide,
    /// The images of containers that run before or after the service.
    pub(super) hooks: ImageSide,
    /// Whether another program provides the service (`provider`).
    pub(super) is_provided: bool,
    /// The services that this service depends on, and whether each of them is required.
    pub(super) depends_on: BTreeMap<String, bool>,
    pub(super) profiles: BTreeSet<String>,
    pub(super) pull_policy: Option<String>,
}

impl ComposeService {
    pub(super) fn new(parts: &ServiceParts, folder: &Path, current: &Path, variables: &ProjectVariables) -> Self {
        let (image, file) = parts.get("image");
        Self {
            image: ImageSide::from_texts(FlagKind::Image, image.text(), file),
            build: build(parts, folder, current, variables),
            volumes: volumes(parts),
            hooks: hooks(parts),
            is_provided: *parts.value("provider") != YamlNode::Nothing,
            depends_on: dependencies(parts),
            profiles: parts.value("profiles").texts().into_iter().map(str::to_owned).collect(),
            pull_policy: parts.value("pull_policy").text().map(str::to_owned),
        }
    }

    /// Tells whether the service's image may be pulled.
    pub(super) fn is_pulled(&self, policy: Option<&str>) -> bool {
        !matches!(policy.or(self.pull_policy.as_deref()), Some("never" | "build"))
    }

    pub(super) fn is_active(&self, profiles: &[String]) -> bool {
        self.profiles.is_empty() || profiles.iter().any(|name| name == "*" || self.profiles.contains(name))
    }

    /// Returns the names under which the built image is pushed. A service without `image` pushes nothing.
    pub(super) fn names_of(&self, build: &Build) -> ImageSide {
        let mut names = self.image.clone();
        if !names.is_empty() {
            names.extend(build.tags.clone());
        }
        names
    }

    /// Returns the services that the build uses as named contexts.
    pub(super) fn build_services(&self) -> impl Iterator<Item = &str> {
        let sources = self.build.iter().flat_map(|build| build.parameters.contexts.values());
        sources.filter_map(|source| source.strip_prefix("service:"))
    }
}

/// Returns the services in `depends_on`, and other services that must run with this service.
fn dependencies(parts: &ServiceParts) -> BTreeMap<String, bool> {
    let texts = |key| parts.value(key).texts().into_iter();
    let shared = ["network_mode", "ipc", "pid", "uts", "cgroup"].into_iter();
    let shared = shared.filter_map(|key| parts.value(key).text()?.strip_prefix("service:"));
    let volumes = texts("volumes_from").filter(|name| !name.starts_with("container:"));
    let first = |entry: &'_ str| entry.split(':').next().unwrap_or_default().to_owned();
    let mut found: BTreeMap<String, bool> = shared.map(|name| (name.to_owned(), true)).collect();
    found.extend(texts("links").chain(volumes).map(|entry| (first(entry), true)));
    found.extend(texts("depends_on").map(|name| (name.to_owned(), true)));
    let entries = parts.value("depends_on").map().iter();
    found.extend(entries.filter(|(_, dependency)| **dependency != YamlNode::Reset).map(|(name, dependency)| {
        let is_false = |text| matches!(text, "false" | "False" | "FALSE"); // Compose refuses other texts
        (name.clone(), !dependency.get("required").text().is_some_and(is_false))
    }));
    found
}

/// Returns the images that are mounted as volumes. If several volumes have the same target, the last volume wins.
fn volumes(parts: &ServiceParts) -> ImageSide {
    let (node, file) = parts.get("volumes");
    let mut sources: BTreeMap<String, Option<&str>> = BTreeMap::new();
    for volume in node.list() {
        if let Some(text) = volume.text() {
            sources.insert(target(text), None);
        } else {
            let image = volume.get("source").text().filter(|_| volume.get("type").text() == Some("image"));
            sources.insert(volume.get("target").text().unwrap_or_default().to_owned(), image);
        }
    }
    ImageSide::from_texts(FlagKind::Image, sources.into_values().flatten(), file)
}

/// Returns the target of a volume that is written in short form (compose-go `format/volume.go`).
fn target(volume: &str) -> String {
    let mut chars = volume.chars();
    let is_drive = chars.next().is_some_and(char::is_alphabetic) && chars.next() == Some(':');
    let drive = volume.find(':').filter(|_| is_drive).map_or(0, |colon| colon + 1);
    let target = volume[drive..].split(':').nth(1).unwrap_or(volume);
    let mut parts: Vec<&str> = Vec::new();
    for part in target.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    format!("{}{}", if target.starts_with('/') { "/" } else { "" }, parts.join("/"))
}

fn hooks(parts: &ServiceParts) -> ImageSide {
    let mut side = ImageSide::default();
    for key in ["pre_start", "post_start", "pre_stop", "post_stop"] {
        let (node, file) = parts.get(key);
        let images = node.list().iter().filter_map(|hook| hook.get("image").text());
        side.extend(ImageSide::from_texts(FlagKind::Image, images, file));
    }
    side
}

/// Reads `build: folder`, or a map of settings. An empty context is the folder `current`, and a missing context is the
/// project's folder.
fn build(parts: &ServiceParts, folder: &Path, current: &Path, variables: &ProjectVariables) -> Option<Build> {
    let (node, file) = parts.get("build");
    if *node == YamlNode::Nothing {
        return None;
    }
    let text = |key| node.get(key).text().filter(|text| !text.is_empty());
    let texts = |key| node.get(key).texts();
    let context = node.text().or(node.get("context").text()).unwrap_or(".");
    let folder = if context.is_empty() { current } else { folder };
    let home = context.strip_prefix("~/").and_then(|rest| Some(Path::new(&variables.get("HOME")?).join(rest)));
    let context = home.or_else(|| local_path(folder, context));
    let platforms = [texts("platforms"), parts.value("platform").texts()].into_iter().find(|list| !list.is_empty());
    let platforms = platforms.map(|platforms| platforms.into_iter().map(str::to_owned).collect());
    let (arguments, contexts) = (pairs(node.get("args")), pairs(node.get("additional_contexts")));
    let arguments = arguments.into_iter().filter_map(|(name, value)| {
        let value = variables.argument(&name, value.as_deref())?;
        Some((name, value))
    });
    let mut beside = ImageSide::from_texts(FlagKind::Cache, texts("cache_from"), file);
    let generator = text("sbom").and_then(|sbom| image_beside_files(FlagKind::Attestation, sbom));
    beside.extend(ImageSide::from_texts(FlagKind::Image, generator, file));
    Some(Build {
        // If the context is remote, the Dockerfile is remote too.
        files: text("dockerfile").iter().filter_map(|name| Some(context.as_ref()?.join(name))).collect(),
        folder: context,
        inline: text("dockerfile_inline").map(|inline| (inline.to_owned(), file.to_owned())),
        for_bake: BakeExtension::new(node.get("x-bake")),
        tags: ImageSide::from_texts(FlagKind::Image, texts("tags"), file),
        beside,
        cache_to: ImageSide::from_texts(FlagKind::CacheTo, texts("cache_to"), file),
        parameters: BuildParameters {
            arguments: arguments.collect(),
            target: text("target").map(str::to_owned),
            contexts: contexts.into_iter().map(|(name, source)| (name, source.unwrap_or_default())).collect(),
            platforms: platforms.unwrap_or_else(|| variables.list("DOCKER_DEFAULT_PLATFORM", ",")),
            ..BuildParameters::default()
        },
    })
}

/// Reads `{name: value}`, or a list of `name=value` and `name`.
fn pairs(node: &YamlNode) -> BTreeMap<String, Option<String>> {
    let listed = node.list().iter().filter_map(|pair| pair.text()).map(|pair| match pair.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (pair.to_owned(), None),
    });
    let entries = node.map().iter().filter(|(_, value)| **value != YamlNode::Reset);
    listed.chain(entries.map(|(name, value)| (name.clone(), value.text().map(str::to_owned)))).collect()
}
