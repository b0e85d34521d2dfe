//! `ComposeService`: the images of one service.
//!
//! Sources: compose-spec `05-services.md`, `build.md`; compose-go `loader/normalize.go`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;

use super::super::build::{Build, local_folder};
use super::super::yaml::YamlNode;
use super::super::{ImageSide, ProjectVariables};
use super::merge::ServiceParts;
use crate::caller::command_words::FlagKind;

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
        let texts = |key| parts.get(key).map(|(node, _)| node.texts()).unwrap_or_default();
        let mut image = ImageSide::default();
        if let Some((node, file)) = parts.get("image") {
            image.add_image(node.text().unwrap_or_default(), file);
        }
        Self {
            image,
            build: parts.get("build").map(|(node, file)| {
                let mut build = build(node, file, (folder, current), variables);
                if build.platforms.is_empty() {
                    build.platforms = texts("platform").into_iter().map(str::to_owned).collect();
                }
                if build.platforms.is_empty() {
                    build.platforms = variables.list("DOCKER_DEFAULT_PLATFORM", ",");
                }
                build
            }),
            volumes: volumes(parts),
            hooks: hooks(parts),
            is_provided: parts.get("provider").is_some(),
            depends_on: dependencies(parts),
            profiles: texts("profiles").into_iter().map(str::to_owned).collect(),
            pull_policy: texts("pull_policy").first().map(|policy| (*policy).to_owned()),
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
        let sources = self.build.iter().flat_map(|build| build.contexts.values());
        sources.filter_map(|source| source.strip_prefix("service:"))
    }
}

/// Returns the services in `depends_on`, and other services that must run with this service.
fn dependencies(parts: &ServiceParts) -> BTreeMap<String, bool> {
    let text = |key| parts.get(key).and_then(|(node, _)| node.text());
    let texts = |key| parts.get(key).map(|(node, _)| node.texts()).unwrap_or_default();
    let mut found: BTreeMap<String, bool> = BTreeMap::new();
    let shared = ["network_mode", "ipc", "pid", "uts", "cgroup"]
        .into_iter()
        .filter_map(|key| text(key)?.strip_prefix("service:"));
    let first = |entry: &'_ str| entry.split(':').next().unwrap_or_default().to_owned();
    found.extend(shared.map(|name| (name.to_owned(), true)));
    found.extend(texts("links").into_iter().map(|link| (first(link), true)));
    let volumes = texts("volumes_from").into_iter().filter(|name| !name.starts_with("container:"));
    found.extend(volumes.map(|name| (first(name), true)));
    if let Some((node, _)) = parts.get("depends_on") {
        found.extend(node.texts().into_iter().map(|name| (name.to_owned(), true)));
        for (name, dependency) in node.map().iter().filter(|(_, dependency)| **dependency != YamlNode::Reset) {
            let is_false = |text: &str| matches!(text, "false" | "False" | "FALSE"); // Compose refuses other texts
            let is_required = !dependency.get("required").and_then(|node| node.text()).is_some_and(is_false);
            found.insert(name.clone(), is_required);
        }
    }
    found
}

/// Returns the images that are mounted as volumes. If several volumes have the same target, the last volume wins.
fn volumes(parts: &ServiceParts) -> ImageSide {
    let Some((node, file)) = parts.get("volumes") else { return ImageSide::default() };
    let mut sources: BTreeMap<String, Option<&str>> = BTreeMap::new();
    for volume in node.list() {
        let text_of = |key: &str| volume.get(key).and_then(|node| node.text());
        if let Some(text) = volume.text() {
            sources.insert(target(text), None);
        } else {
            let image = text_of("source").filter(|_| text_of("type") == Some("image"));
            sources.insert(text_of("target").unwrap_or_default().to_owned(), image);
        }
    }
    let mut side = ImageSide::default();
    for image in sources.into_values().flatten() {
        side.add_image(image, file);
    }
    side
}

/// Returns the target of a volume in short form (compose-go `format/volume.go`).
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
        let Some((node, file)) = parts.get(key) else { continue };
        for image in node.list().iter().filter_map(|hook| hook.get("image")?.text()) {
            side.add_image(image, file);
        }
    }
    side
}

/// Reads `build: folder`, or a map of settings. An empty context is the folder `current`, and a missing context is the
/// project's folder.
fn build(node: &Rc<YamlNode>, file: &Path, (folder, current): (&Path, &Path), variables: &ProjectVariables) -> Build {
    let text = |key: &str| node.get(key).and_then(|node| node.text()).filter(|text| !text.is_empty());
    let context = node.text().or_else(|| node.get("context")?.text()).unwrap_or(".");
    let folder = if context.is_empty() { current } else { folder };
    let home = context.strip_prefix("~/").and_then(|rest| Some(Path::new(&variables.get("HOME")?).join(rest)));
    let context = home.or_else(|| local_folder(folder, context));
    let contexts = node.get("additional_contexts").map(|node| pairs(node)).unwrap_or_default();
    let platforms = node.get("platforms").map(|node| node.texts()).unwrap_or_default();
    let mut build = Build {
        // If the context is remote, the Dockerfile is remote too.
        files: text("dockerfile").iter().filter_map(|name| Some(context.as_ref()?.join(name))).collect(),
        folder: context,
        inline: text("dockerfile_inline").map(|inline| (inline.to_owned(), file.to_owned())),
        target: text("target").map(str::to_owned),
        platforms: platforms.into_iter().map(str::to_owned).collect(),
        arguments: node.get("args").map(|node| pairs(node)).unwrap_or_default(),
        contexts: contexts.into_iter().map(|(name, source)| (name, source.unwrap_or_default())).collect(),
        ..Build::default()
    };
    if let Some(extension) = node.get("x-bake") {
        build.for_bake.apply(extension, |node| node.text().map(str::to_owned));
    }
    let texts = |key: &str| node.get(key).map(|node| node.texts()).unwrap_or_default();
    for cache in texts("cache_from") {
        build.cache_from.add(FlagKind::Cache, cache, file);
    }
    for cache in texts("cache_to") {
        build.cache_to.add(FlagKind::CacheTo, cache, file);
    }
    for tag in texts("tags") {
        build.tags.add_image(tag, file);
    }
    build
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
