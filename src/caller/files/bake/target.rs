//! `BakeTarget`: a bake target, read from one definition or merged from several definitions.
//!
//! Sources: docker/buildx `bake/bake.go` (`BakeTarget`, `Merge`, `toBuildOpt`), `bake/compose.go`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::bake_sources::is_remote;
use super::output::{BakeOutput, kind};
use crate::caller::command_words::FlagKind;
use crate::caller::files::ImageSide;
use crate::caller::files::build::{Build, local_folder};
use crate::caller::files::compose::ComposeService;
use crate::caller::files::hcl::{EvalContext, HclValue, Locals, TargetBlock};
use crate::caller::files::image_side::UNKNOWN;
use crate::model::choice::{RegistryRange, UnknownImages};

/// A bake target. In a target's texts, [`UNKNOWN`] replaces each unknown part.
#[derive(Clone, Debug)]
pub(super) struct BakeTarget {
    /// The last file that defines the target.
    pub(super) file: Rc<Path>,
    pub(super) inherits: Vec<String>,
    pub(super) context: Option<(Option<PathBuf>, Rc<Path>)>,
    pub(super) dockerfile: Option<String>,
    pub(super) inline: Option<(String, Rc<Path>)>,
    pub(super) stage: Option<String>,
    /// Build arguments by name. An argument without a value gets the value of the variable with the same name.
    pub(super) arguments: BTreeMap<String, Option<String>>,
    pub(super) contexts: BTreeMap<String, String>,
    pub(super) tags: Option<ImageSide>,
    pub(super) cache_from: ImageSide,
    pub(super) cache_to: Option<ImageSide>,
    pub(super) outputs: Option<Vec<BakeOutput>>,
    pub(super) platforms: Option<Vec<String>>,
    /// Whether the target is built only because another target needs it.
    pub(super) is_linked: bool,
    /// The unknown parts of the target's sources.
    pub(super) open: Vec<UnknownImages>,
    pub(super) open_names: Vec<UnknownImages>,
}

/// Returns the folder of a context, or `None` if the folder is unknown. The folder may be missing.
pub(super) fn context_folder(text: &str) -> Option<PathBuf> {
    let text = text.strip_prefix("cwd://").unwrap_or(text);
    (!text.contains(UNKNOWN)).then(|| PathBuf::from(if text.is_empty() { "." } else { text }))
}

impl BakeTarget {
    pub(super) fn new(file: &Rc<Path>) -> Self {
        Self {
            file: file.clone(),
            inherits: Vec::new(),
            context: None,
            dockerfile: None,
            inline: None,
            stage: None,
            arguments: BTreeMap::new(),
            contexts: BTreeMap::new(),
            tags: None,
            cache_from: ImageSide::default(),
            cache_to: None,
            outputs: None,
            platforms: None,
            is_linked: false,
            open: Vec::new(),
            open_names: Vec::new(),
        }
    }

    /// Reads a target from a block, with one combination of values of the block's matrix.
    pub(super) fn of_block(member: &TargetBlock, file: &Rc<Path>, world: &EvalContext) -> Self {
        let mut target = Self::new(file);
        let attribute = |name: &str| {
            let value = world.value(member.block.get(name)?, &Locals::new(&member.locals));
            Some(value.unwrap_or(HclValue::Unknown)).filter(|value| *value != HclValue::Null)
        };
        let text = |name: &str| {
            attribute(name).map(|value| value.as_text().map_or(UNKNOWN.to_string(), |text| text.to_string()))
        };
        let list = |name: &str| attribute(name).map(|value| texts(&value));
        target.inherits = list("inherits").unwrap_or_default();
        target.context = text("context").map(|context| (context_folder(&context), file.clone()));
        target.dockerfile = text("dockerfile");
        target.inline = text("dockerfile-inline").map(|inline| (inline, file.clone()));
        target.stage = text("target");
        for (name, what) in [("args", "build arguments"), ("contexts", "named contexts")] {
            let Some(value) = attribute(name) else { continue };
            let Ok(entries) = value.as_map() else {
                target.leave_open(&format!("the {what} of a target are unknown"));
                continue;
            };
            let entries = entries.iter().filter(|(_, value)| **value != HclValue::Null);
            let entries = entries.map(|(name, value)| {
                (name.to_string(), value.as_text().map_or(UNKNOWN.to_string(), |text| text.to_string()))
            });
            if name == "args" {
                target.arguments = entries.map(|(name, value)| (name, Some(value))).collect();
            } else {
                target.contexts = entries.collect();
            }
        }
        target.tags = list("tags").map(|texts| side_of(FlagKind::Image, &texts, file));
        target.cache_from = list("cache-from").map(|texts| side_of(FlagKind::Cache, &texts, file)).unwrap_or_default();
        target.cache_to = list("cache-to").map(|texts| side_of(FlagKind::CacheTo, &texts, file));
        target.outputs = list("output").map(|texts| outputs_of(&texts, file));
        target.platforms = list("platforms");
        target
    }

    /// Reads a target from a Compose service. Returns `None` if the service has no build.
    pub(super) fn of_service(service: ComposeService, file: &Rc<Path>) -> Option<Self> {
        let build = service.build?;
        let (mut target, extension) = (Self::new(file), build.for_bake);
        let folder = build.folder;
        target.dockerfile = build.files.first().map(|path| {
            let within = folder.as_ref().and_then(|folder| path.strip_prefix(folder).ok());
            within.unwrap_or(path).to_string_lossy().into_owned()
        });
        target.context = Some((folder, file.clone()));
        target.inline = build.inline.map(|(text, path)| (text, Rc::from(path)));
        target.stage = build.target;
        target.arguments = build.arguments;
        // The service's own contexts override the contexts under `x-bake`.
        target.contexts = build.contexts.into_iter().chain(extension.contexts).rev().collect();
        for source in target.contexts.values_mut() {
            let name = source.strip_prefix("service:").or_else(|| source.strip_prefix("target:"));
            if let Some(name) = name {
                *source = format!("target:{}", name.replace('.', "_"));
            }
        }
        let mut tags = build.tags;
        tags.extend(side_of(FlagKind::Image, &extension.tags, file));
        target.tags = Some(if tags.is_empty() { service.image } else { tags }).filter(|tags| !tags.is_empty());
        target.cache_from = build.cache_from;
        target.cache_from.extend(side_of(FlagKind::Cache, &extension.cache_from, file));
        let mut cache_to = build.cache_to;
        cache_to.extend(side_of(FlagKind::CacheTo, &extension.cache_to, file));
        target.cache_to = Some(cache_to).filter(|caches| !caches.is_empty());
        target.outputs = Some(outputs_of(&extension.output, file)).filter(|outputs| !outputs.is_empty());
        let platforms: Vec<String> = build.platforms.into_iter().chain(extension.platforms).collect();
        target.platforms = Some(platforms).filter(|platforms| !platforms.is_empty());
        Some(target)
    }

    /// Merges a later definition. Maps and cache sources are joined, and other settings are replaced.
    pub(super) fn merge(&mut self, later: Self) {
        fn replace<T>(old: &mut Option<T>, new: Option<T>) {
            if new.is_some() {
                *old = new;
            }
        }
        self.file = later.file;
        self.inherits.extend(later.inherits);
        replace(&mut self.context, later.context);
        replace(&mut self.dockerfile, later.dockerfile);
        replace(&mut self.inline, later.inline);
        replace(&mut self.stage, later.stage);
        self.arguments.extend(later.arguments);
        self.contexts.extend(later.contexts);
        replace(&mut self.tags, later.tags);
        self.cache_from.extend(later.cache_from);
        replace(&mut self.cache_to, later.cache_to);
        replace(&mut self.outputs, later.outputs);
        replace(&mut self.platforms, later.platforms);
        self.open.extend(later.open);
        self.open_names.extend(later.open_names);
    }

    /// Returns the cost of copying the target, in steps.
    pub(super) fn weight(&self) -> u64 {
        let lists = self.tags().found.len() + self.cache_from.found.len() + self.outputs().len() + self.inherits.len();
        (64 + lists + self.arguments.len() + self.contexts.len()) as u64
    }

    /// Records that a part of the target's sources is unknown.
    pub(super) fn leave_open(&mut self, message: &str) {
        self.open.push(UnknownImages {
            file: self.file.to_path_buf(),
            reach: RegistryRange::Any,
            message: message.to_owned(),
        });
    }

    /// Records that the whole target is unknown.
    pub(super) fn leave_all_open(&mut self, message: &str) {
        self.leave_open(message);
        self.open_names.extend(self.open.last().cloned());
    }

    /// Returns the target's build. Relative paths are joined to `base`.
    pub(super) fn build(&mut self, base: &Path) -> Build {
        let inline = self.inline.clone().filter(|(text, _)| !text.is_empty());
        let inline = inline.map(|(text, file)| (text, file.to_path_buf()));
        let dockerfile = self.dockerfile.clone().filter(|name| !name.is_empty() && name != "Dockerfile");
        let folder = self.context.as_ref().map_or(Some(Path::new(".")), |(folder, _)| folder.as_deref());
        let is_read = dockerfile.as_ref().is_none_or(|name| !name.contains(UNKNOWN) && !is_remote(name));
        let folder = folder.filter(|_| is_read).and_then(|folder| local_folder(base, &folder.to_string_lossy()));
        let mut files = Vec::new();
        match (dockerfile, &folder) {
            _ if inline.is_some() => {}
            (Some(name), Some(folder)) => {
                files.push(match name.strip_prefix("cwd://") {
                    Some(name) => base.join(name),
                    None => folder.join(&name),
                });
            }
            (Some(name), None) if Path::new(&name).is_absolute() => files.push(PathBuf::from(name)),
            (_, None) => self.leave_open("the context or Dockerfile of a target is unknown"),
            (None, Some(_)) => {}
        }
        if self.stage.as_ref().is_some_and(|stage| stage.contains(UNKNOWN)) {
            self.leave_open("the stage of a target is unknown");
        }
        Build {
            folder,
            files,
            inline,
            arguments: self.arguments.clone(),
            target: self.stage.clone().filter(|stage| !stage.is_empty()),
            contexts: self
                .contexts
                .iter()
                .filter(|(_, source)| !source.is_empty())
                .map(|(n, s)| (n.clone(), s.clone()))
                .collect(),
            platforms: self.platforms.clone().unwrap_or_default(),
            cache_from: self.cache_from.clone(),
            ..Build::default()
        }
    }

    pub(super) fn tags(&self) -> ImageSide {
        self.tags.clone().unwrap_or_default()
    }

    pub(super) fn outputs(&self) -> Vec<BakeOutput> {
        self.outputs.clone().unwrap_or_default()
    }
}

/// Returns the texts of a list. An object, such as a cache or an output, becomes one text `KEY=VALUE,…`.
pub(super) fn texts(value: &HclValue) -> Vec<String> {
    let build_pair = |item: &HclValue| match (item, item.as_map()) {
        (HclValue::Null, _) => None,
        (_, Ok(fields)) => {
            let field = |(name, value): (&Rc<str>, &HclValue)| {
                let field = format!("{name}={}", value.as_text().map_or(UNKNOWN.to_string(), |text| text.to_string()));
                if field.contains([',', '"']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
            };
            Some(fields.iter().filter(|(_, value)| **value != HclValue::Null).map(field).collect::<Vec<_>>().join(","))
        }
        _ => Some(item.as_text().map_or(UNKNOWN.to_string(), |text| text.to_string())),
    };
    value.as_list().map_or(vec![UNKNOWN.to_string()], |items| items.iter().filter_map(build_pair).collect())
}

fn outputs_of(texts: &[String], file: &Rc<Path>) -> Vec<BakeOutput> {
    let texts = texts.iter().filter(|text| !text.is_empty());
    texts.map(|text| BakeOutput { text: text.clone(), file: file.clone() }).collect()
}

/// Returns the texts that may name images. Leaves out caches that are not in a registry.
pub(super) fn side_of(meaning: FlagKind, texts: &[String], file: &Path) -> ImageSide {
    let is_elsewhere = |text: &str| text.contains('=') && !matches!(kind(text), Some("registry") | None);
    let may_name = |text: &&String| meaning == FlagKind::Image || !is_elsewhere(text);
    let texts: Vec<String> = texts.iter().filter(may_name).cloned().collect();
    ImageSide::from_texts(meaning, &texts, file)
}
