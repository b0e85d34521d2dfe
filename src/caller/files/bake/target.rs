//! `BakeTarget`: a bake target, read from one definition or merged from several definitions.
//!
//! Sources: docker/buildx `bake/bake.go` (`BakeTarget`, `Merge`, `toBuildOpt`), `bake/compose.go`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::bake_sources::is_remote;
use super::output::{BakeOutput, csv_record, kind};
use crate::caller::command_words::FlagKind;
use crate::caller::files::ImageSide;
use crate::caller::files::build::{Build, is_check_call, local_path};
use crate::caller::files::compose::ComposeService;
use crate::caller::files::dockerfile::BuildParameters;
use crate::caller::files::hcl::{EvalContext, HclValue, Locals, TargetBlock};
use crate::caller::files::image_side::UNKNOWN;
use crate::caller::images::{csv_fields, field, image_beside_files};
use crate::model::choice::{RegistryRange, UnknownImages};

/// A bake target. In a target's texts, [`UNKNOWN`] replaces each unknown part.
#[derive(Clone, Debug, Default)]
pub(super) struct BakeTarget {
    /// The last file that defines the target.
    pub(super) file: PathBuf,
    pub(super) inherits: Vec<String>,
    pub(super) context: Option<(Option<PathBuf>, PathBuf)>,
    pub(super) dockerfile: Option<String>,
    pub(super) inline: Option<(String, PathBuf)>,
    pub(super) stage: Option<String>,
    pub(super) arguments: BTreeMap<String, String>,
    pub(super) contexts: BTreeMap<String, String>,
    pub(super) tags: Option<ImageSide>,
    pub(super) cache_from: ImageSide,
    pub(super) cache_to: Option<ImageSide>,
    /// The generator of an SBOM.
    pub(super) sbom: Option<ImageSide>,
    /// What to do in place of a build, such as `check`.
    pub(super) call: Option<String>,
    pub(super) outputs: Option<Vec<BakeOutput>>,
    pub(super) platforms: Option<Vec<String>>,
    /// Whether the target is built only because another target needs it.
    pub(super) is_linked: bool,
    /// The unknown parts of the target's sources.
    pub(super) open: Vec<UnknownImages>,
    /// The unknown parts of the target's names.
    pub(super) open_names: Vec<UnknownImages>,
}

/// Returns the folder of a context, or `None` if the folder is unknown. The folder need not exist.
pub(super) fn context_folder(text: &str) -> Option<PathBuf> {
    let text = text.strip_prefix("cwd://").unwrap_or(text);
    (!text.contains(UNKNOWN)).then(|| PathBuf::from(if text.is_empty() { "." } else { text }))
}

impl BakeTarget {
    /// Returns a target of which only the file is known.
    pub(super) fn unknown(file: &Path, message: &str) -> Self {
        let mut target = Self { file: file.to_owned(), ..Self::default() };
        target.leave_all_open(message);
        target
    }

    /// Reads a target from a block, with one combination of values of the block's matrix.
    pub(super) fn of_block(member: &TargetBlock, file: &Path, world: &EvalContext) -> Self {
        let attribute = |name: &str| {
            let value = world.value(member.block.get(name)?, &Locals::new(&member.locals));
            Some(value.unwrap_or(HclValue::Unknown)).filter(|value| *value != HclValue::Null)
        };
        let text = |name: &str| attribute(name).map(|value| text_of(&value));
        let list = |name: &str| attribute(name).map(|value| texts(&value));
        let side = |name: &str, meaning| list(name).map(|texts| side_of(meaning, &texts, file));
        let mut target = Self {
            file: file.to_owned(),
            inherits: list("inherits").unwrap_or_default(),
            context: text("context").map(|context| (context_folder(&context), file.to_owned())),
            dockerfile: text("dockerfile"),
            inline: text("dockerfile-inline").map(|inline| (inline, file.to_owned())),
            stage: text("target"),
            tags: side("tags", FlagKind::Image),
            cache_from: side("cache-from", FlagKind::Cache).unwrap_or_default(),
            cache_to: side("cache-to", FlagKind::CacheTo),
            sbom: list("attest").and_then(|texts| sbom_of(&texts, file)),
            call: text("call"),
            outputs: list("output").map(|texts| outputs_of(&texts, file)),
            platforms: list("platforms"),
            ..Self::default()
        };
        for (name, what) in [("args", "build arguments"), ("contexts", "named contexts")] {
            let Some(value) = attribute(name) else { continue };
            let Ok(entries) = value.as_map() else {
                target.leave_open(&format!("the {what} of a target are unknown"));
                continue;
            };
            let entries = entries.iter().filter(|(_, value)| **value != HclValue::Null);
            let entries = entries.map(|(name, value)| (name.to_string(), text_of(value)));
            if name == "args" {
                target.arguments = entries.collect();
            } else {
                target.contexts = entries.collect();
            }
        }
        target
    }

    /// Reads a target from a Compose service. Returns `None` if the service has no build.
    pub(super) fn of_service(service: ComposeService, file: &Path) -> Option<Self> {
        let mut build = service.build?;
        let (folder, mut parameters, extension) = (build.folder, build.parameters, build.for_bake);
        let dockerfile = build.files.first().map(|path| {
            let within = folder.as_ref().and_then(|folder| path.strip_prefix(folder).ok());
            within.unwrap_or(path).to_string_lossy().into_owned()
        });
        // The service's own contexts override the contexts under `x-bake`.
        let mut contexts: BTreeMap<_, _> = parameters.contexts.into_iter().chain(extension.contexts).rev().collect();
        for source in contexts.values_mut() {
            let name = source.strip_prefix("service:").or_else(|| source.strip_prefix("target:"));
            if let Some(name) = name {
                *source = format!("target:{}", name.replace('.', "_"));
            }
        }
        build.tags.extend(side_of(FlagKind::Image, &extension.tags, file));
        build.beside.extend(side_of(FlagKind::Cache, &extension.cache_from, file));
        build.cache_to.extend(side_of(FlagKind::CacheTo, &extension.cache_to, file));
        parameters.platforms.extend(extension.platforms);
        let tags = if build.tags.is_empty() { service.image } else { build.tags };
        Some(Self {
            file: file.to_owned(),
            context: Some((folder, file.to_owned())),
            dockerfile,
            inline: build.inline,
            stage: parameters.target,
            arguments: parameters.arguments,
            contexts,
            tags: Some(tags).filter(|tags| !tags.is_empty()),
            cache_from: build.beside,
            cache_to: Some(build.cache_to).filter(|caches| !caches.is_empty()),
            outputs: Some(outputs_of(&extension.output, file)).filter(|outputs| !outputs.is_empty()),
            platforms: Some(parameters.platforms).filter(|platforms| !platforms.is_empty()),
            ..Self::default()
        })
    }

    /// Merges a later definition. Maps and cache sources are joined, and other settings are replaced.
    pub(super) fn merged(mut self, later: Self) -> Self {
        self.inherits.extend(later.inherits);
        self.arguments.extend(later.arguments);
        self.contexts.extend(later.contexts);
        self.cache_from.extend(later.cache_from);
        self.open.extend(later.open);
        self.open_names.extend(later.open_names);
        Self {
            file: later.file,
            context: later.context.or(self.context),
            dockerfile: later.dockerfile.or(self.dockerfile),
            inline: later.inline.or(self.inline),
            stage: later.stage.or(self.stage),
            tags: later.tags.or(self.tags),
            cache_to: later.cache_to.or(self.cache_to),
            sbom: later.sbom.or(self.sbom),
            call: later.call.or(self.call),
            outputs: later.outputs.or(self.outputs),
            platforms: later.platforms.or(self.platforms),
            ..self
        }
    }

    /// Returns the cost of copying the target, in steps.
    pub(super) fn weight(&self) -> u64 {
        let lists = self.tags().found.len() + self.cache_from.found.len() + self.outputs().len() + self.inherits.len();
        (64 + lists + self.arguments.len() + self.contexts.len()) as u64
    }

    /// Records that a part of the target's sources is unknown.
    pub(super) fn leave_open(&mut self, message: &str) {
        let (file, message) = (self.file.clone(), message.to_owned());
        self.open.push(UnknownImages { file, reach: RegistryRange::Any, message });
    }

    /// Records that the whole target is unknown.
    pub(super) fn leave_all_open(&mut self, message: &str) {
        self.leave_open(message);
        self.open_names.extend(self.open.last().cloned());
    }

    /// Returns the target's build. Relative paths are joined to `base`.
    pub(super) fn build(&mut self, base: &Path) -> Build {
        let inline = self.inline.clone().filter(|(text, _)| !text.is_empty());
        let dockerfile = self.dockerfile.clone().filter(|name| !name.is_empty() && name != "Dockerfile");
        let folder = self.context.as_ref().map_or(Some(Path::new(".")), |(folder, _)| folder.as_deref());
        let is_read = dockerfile.as_ref().is_none_or(|name| !name.contains(UNKNOWN) && !is_remote(name));
        let folder = folder.filter(|_| is_read).and_then(|folder| local_path(base, &folder.to_string_lossy()));
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
        let parameters = BuildParameters {
            arguments: self.arguments.clone(),
            target: self.stage.clone().filter(|stage| !stage.is_empty()),
            contexts: self.contexts.clone().into_iter().filter(|(_, source)| !source.is_empty()).collect(),
            platforms: self.platforms.clone().unwrap_or_default(),
            is_check: self.call.as_deref().is_some_and(is_check_call),
            ..BuildParameters::default()
        };
        let mut beside = self.cache_from.clone();
        beside.extend(self.sbom.clone().unwrap_or_default());
        Build { folder, files, inline, parameters, beside, ..Build::default() }
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
    let text = |item: &HclValue| match item.as_map() {
        Ok(fields) => {
            let fields = fields.iter().filter(|(_, value)| **value != HclValue::Null);
            csv_record(fields.map(|(name, value)| format!("{name}={}", text_of(value))))
        }
        Err(_) => text_of(item),
    };
    let Ok(items) = value.as_list() else { return vec![UNKNOWN.to_string()] };
    items.iter().filter(|item| **item != HclValue::Null).map(text).collect()
}

fn text_of(value: &HclValue) -> String {
    value.as_text().map_or_else(|_| UNKNOWN.to_string(), |text| text.to_string())
}

pub(super) fn outputs_of(texts: &[String], file: &Path) -> Vec<BakeOutput> {
    let texts = texts.iter().filter(|text| !text.is_empty());
    texts.map(|text| BakeOutput { text: text.clone(), file: file.to_owned() }).collect()
}

/// Returns the generator in the last SBOM among `attestations`, or `None` if there is no SBOM.
pub(super) fn sbom_of(attestations: &[String], file: &Path) -> Option<ImageSide> {
    let is_sbom = |text: &&String| field(&csv_fields(text), "type") == Some("sbom") || text.contains(UNKNOWN);
    let sbom = attestations.iter().rfind(is_sbom)?;
    let generator = image_beside_files(FlagKind::Attestation, sbom);
    let generator = generator.or_else(|| sbom.contains(UNKNOWN).then(|| UNKNOWN.to_string()));
    Some(ImageSide::from_texts(FlagKind::Image, generator, file))
}

/// Returns the texts that may name images. Leaves out caches that are not in a registry.
pub(super) fn side_of(meaning: FlagKind, texts: &[String], file: &Path) -> ImageSide {
    let is_elsewhere = |text: &str| text.contains('=') && !matches!(kind(text), Some("registry") | None);
    let may_name = |text: &&String| meaning == FlagKind::Image || !is_elsewhere(text);
    let texts: Vec<String> = texts.iter().filter(may_name).cloned().collect();
    ImageSide::from_texts(meaning, &texts, file)
}
