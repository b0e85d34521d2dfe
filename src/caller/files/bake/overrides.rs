//! `BakeOverrides`: `--set TARGET.KEY=VALUE`, and flags with the same meaning.
//!
//! Source: docker/buildx `bake/bake.go` (`newOverrides`, `AddOverrides`).

use std::path::Path;

use super::glob;
use super::output::{self, OutputDestination};
use super::target::{BakeTarget, context_folder, outputs_of, sbom_of, side_of};
use crate::caller::clients::VerbInvocation;
use crate::caller::command_words::{FlagKind, is_true, name_and_value};
use crate::caller::files::build::is_check;
use crate::caller::files::{ImageSide, ProjectImages, ProjectVariables};
use crate::model::choice::{RegistryRange, UnknownImages};

#[derive(Debug, Default)]
pub(super) struct BakeOverrides(Vec<BakeOverride>);

#[derive(Debug)]
struct BakeOverride {
    pattern: String,
    key: String,
    /// The name of a build argument or a context.
    name: Option<String>,
    /// Whether the override adds to a list by `+=`.
    is_added: bool,
    value: String,
}

impl BakeOverrides {
    pub(super) fn new(task: &VerbInvocation<'_>, variables: &ProjectVariables) -> Self {
        let mut overrides: Vec<BakeOverride> =
            task.flags.values(FlagKind::BakeOverride).filter_map(|text| parse(text, variables)).collect();
        let of_all = |key: &str, value: String| BakeOverride {
            pattern: "*".to_owned(),
            key: key.to_owned(),
            name: None,
            is_added: false,
            value,
        };
        overrides.extend(
            task.flags.values(FlagKind::Attestation).map(|value| of_all("attest", format!("type=sbom,{value}"))),
        );
        let call = if is_check(task) { Some("check") } else { task.flags.value(FlagKind::Call) };
        overrides.extend(call.map(|call| of_all("call", call.to_owned())));
        let switches = [("--push", "push"), ("--load", "load")].into_iter().filter(|(flag, _)| task.flags.is_on(flag));
        overrides.extend(switches.map(|(_, key)| of_all(key, "true".to_owned())));
        Self(overrides)
    }

    /// Returns the images of targets in a remote definition. Pushed images are known only if the command line sets the
    /// tags of all targets.
    pub(super) fn elsewhere(&self, current: &Path) -> ProjectImages {
        let message = "the bake definition is not in this folder".to_owned();
        let unknown = UnknownImages { file: current.to_owned(), reach: RegistryRange::Any, message };
        let mut pushed = ImageSide { unknown: vec![unknown.clone()], ..ImageSide::default() };
        let tags: Vec<&BakeOverride> = self.0.iter().filter(|setting| setting.key == "tags").collect();
        if !tags.is_empty() && tags.iter().all(|setting| setting.pattern == "*" && !setting.is_added) {
            let tags: Vec<String> = tags.iter().map(|setting| setting.value.clone()).collect();
            pushed = side_of(FlagKind::Image, &tags, current);
        }
        let of_all = |setting: &&BakeOverride| setting.pattern == "*";
        let goes_out = self.0.iter().filter(of_all).any(|setting| match &*setting.key {
            "push" => is_true(&setting.value),
            "output" => output::destination(&setting.value) == OutputDestination::AsTagged,
            _ => false,
        });
        let pulled = ImageSide { unknown: vec![unknown], ..ImageSide::default() };
        ProjectImages { pulled, pushed, goes_out }
    }

    /// Applies the overrides of the target `name`. A pattern that is the name of a target matches only that target.
    pub(super) fn apply(&self, name: &str, target: &mut BakeTarget, is_target: impl Fn(&str) -> bool) {
        let fits = |BakeOverride { pattern, .. }: &&BakeOverride| {
            pattern == name || (!is_target(pattern) && glob::fits(pattern, name))
        };
        let fitting: Vec<&BakeOverride> = self.0.iter().filter(fits).collect();
        let (last, first): (Vec<_>, Vec<_>) =
            fitting.into_iter().partition(|setting| matches!(&*setting.key, "push" | "load"));
        for key in ["tags", "cache-from", "cache-to", "output", "attest", "platform"] {
            let values: Vec<&BakeOverride> = first.iter().copied().filter(|setting| setting.key == key).collect();
            if let Some(entry) = values.last() {
                let texts: Vec<String> = values.iter().map(|setting| setting.value.clone()).collect();
                set_list(target, key, &texts, entry.is_added);
            }
        }
        for setting in first {
            set(target, setting);
        }
        for setting in last {
            let is_set = is_true(&setting.value);
            if !is_set && target.outputs.is_none() {
                continue; // an empty list would replace outputs inherited from another target
            }
            let file = target.file.clone();
            let outputs = target.outputs.get_or_insert_default();
            // `load` adds an output for Docker, which pushes nothing.
            if setting.key == "push" {
                output::set_push(outputs, is_set, &file);
            }
        }
    }
}

/// Parses `TARGET.KEY=VALUE`, `TARGET.KEY+=VALUE` or `TARGET.args.NAME=VALUE`. Without a value, `TARGET.args.NAME` gets
/// the value of the variable `NAME`.
fn parse(text: &str, variables: &ProjectVariables) -> Option<BakeOverride> {
    let (path, value) = name_and_value(text);
    let (path, is_added) = path.strip_suffix('+').map_or((path, false), |path| (path, true));
    let mut keys = path.splitn(3, '.');
    let (pattern, key, name) = (keys.next()?, keys.next()?, keys.next().map(str::to_owned));
    let value = match (value, &name) {
        (Some(value), _) => value.to_owned(),
        (None, Some(name)) if key == "args" => variables.get(name)?,
        (None, _) => return None,
    };
    Some(BakeOverride { pattern: pattern.to_owned(), key: key.to_owned(), name, is_added, value })
}

fn set(target: &mut BakeTarget, entry: &BakeOverride) {
    let value = || entry.value.clone();
    match (&*entry.key, &entry.name) {
        ("context", _) => target.context = Some((context_folder(&entry.value), target.file.clone())),
        ("dockerfile", _) => target.dockerfile = Some(value()),
        ("target", _) => target.stage = Some(value()),
        ("call", _) => target.call = Some(value()),
        ("args", Some(name)) => drop(target.arguments.insert(name.clone(), value())),
        ("contexts", Some(name)) => drop(target.contexts.insert(name.clone(), value())),
        _ => {}
    }
}

fn set_list(target: &mut BakeTarget, key: &str, texts: &[String], is_added: bool) {
    let file = target.file.clone();
    let set_or_add = |side: &mut Option<ImageSide>, meaning| {
        let new = side_of(meaning, texts, &file);
        if is_added { side.get_or_insert_default().extend(new) } else { *side = Some(new) }
    };
    match key {
        "tags" => set_or_add(&mut target.tags, FlagKind::Image),
        "cache-to" => set_or_add(&mut target.cache_to, FlagKind::CacheTo),
        "cache-from" => {
            let new = side_of(FlagKind::Cache, texts, &file);
            if is_added { target.cache_from.extend(new) } else { target.cache_from = new }
        }
        "output" if is_added => target.outputs.get_or_insert_default().extend(outputs_of(texts, &file)),
        "output" => target.outputs = Some(outputs_of(texts, &file)),
        "attest" => target.sbom = sbom_of(texts, &file).or(target.sbom.take()),
        _ if is_added => target.platforms.get_or_insert_default().extend_from_slice(texts),
        _ => target.platforms = Some(texts.to_vec()),
    }
}
