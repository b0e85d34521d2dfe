//! The files that the asking process works on, and the images they name. They may be anybody's and are only evidence:
//! what is broken, too large, too deep or too slow is not known, and what is not known decides nothing.
//!
//! Reading is bounded in `project_reader`; what a file means is decided by pure functions.

mod bake;
mod budget;
mod build;
mod compose;
mod devcontainer;
mod dockerfile;
mod dotenv;
#[cfg(test)]
mod fixtures;
mod hcl;
mod image_side;
mod manifests;
mod project_reader;
mod regclient;
mod template;
mod variables;
mod yaml;

use std::path::Path;

use super::clients::{ComposeAction, InputFiles, VerbInvocation};
use super::command_words::FlagKind;
use super::containers;
use crate::model::choice::{FileImages, RegistryRange, UnknownImages};
use crate::model::{Operation, Registry};
use image_side::ImageSide;
use project_reader::ProjectReader;
pub(super) use variables::ProjectVariables;

/// The images of a project.
#[derive(Debug, Default)]
struct ProjectImages {
    pulled: ImageSide,
    /// What would be pushed.
    pushed: ImageSide,
    /// Whether it is.
    goes_out: bool,
}

/// Returns the images of `registry` in the files that `task`, run in `current`, works on. A push is about what is
/// pushed, a pull about what is pulled; the others count if none of those is, or may be, of the registry.
pub(super) fn images(
    task: &VerbInvocation<'_>,
    current: &Path,
    variables: &ProjectVariables,
    registry: &Registry,
) -> FileImages {
    let ProjectImages { pulled, pushed, goes_out } = named(task, current, variables);
    let (first, then) = if goes_out { (pushed, pulled) } else { (pulled, pushed) };
    let images = first.of_registry(registry);
    if images.is_empty() { then.of_registry(registry) } else { images }
}

/// Returns what a build whose command line leaves it open does at `registry`; `None` if that is not known.
pub(super) fn operation(
    task: &VerbInvocation<'_>,
    current: &Path,
    variables: &ProjectVariables,
    registry: &Registry,
) -> Option<Operation> {
    if !matches!(task.files, InputFiles::Bake | InputFiles::Compose(ComposeAction::Build) | InputFiles::RegSync) {
        return None;
    }
    let ProjectImages { pulled, mut pushed, goes_out } = named(task, current, variables);
    let is_told = task.has("--push").then_some(Operation::Push);
    if pulled.is_empty() && pushed.is_empty() {
        return is_told;
    }
    pushed.found.retain(|found| goes_out || found.meaning == FlagKind::CacheTo);
    pushed.unknown.retain(|part| goes_out || pulled.unknown.contains(part)); // what may be of either side
    let FileImages { images, unknown } = pushed.of_registry(registry);
    if images.is_empty() && !unknown.is_empty() {
        return is_told;
    }
    Some(if images.is_empty() { Operation::Pull } else { Operation::Push })
}

/// Returns them all, be they pulled or pushed.
pub(super) fn all_images(
    task: &VerbInvocation<'_>,
    current: &Path,
    variables: &ProjectVariables,
    registry: &Registry,
) -> FileImages {
    let ProjectImages { mut pulled, pushed, .. } = named(task, current, variables);
    pulled.extend(pushed);
    pulled.of_registry(registry)
}

/// Returns the registry of each; `among` tells which a text may name.
pub(super) fn registries(
    task: &VerbInvocation<'_>,
    current: &Path,
    variables: &ProjectVariables,
    among: impl Fn(&str) -> Vec<Registry>,
) -> impl Iterator<Item = Registry> {
    let ProjectImages { mut pulled, pushed, .. } = named(task, current, variables);
    pulled.extend(pushed);
    let not_whole = pulled.unknown.into_iter().filter_map(|unknown| match unknown.reach {
        RegistryRange::Only(registry) => Some(registry),
        RegistryRange::Any | RegistryRange::AllBut(_) => None,
    });
    let whole = pulled.found.into_iter().flat_map(move |found| {
        let mut registries = among(&found.text);
        let side = ImageSide { found: vec![found], unknown: Vec::new() };
        registries.retain(|registry| !side.of_registry(registry).is_empty());
        registries
    });
    whole.chain(not_whole)
}

/// Returns the first thing that is not known.
pub(super) fn first_unknown(
    task: &VerbInvocation<'_>,
    current: &Path,
    variables: &ProjectVariables,
) -> Option<UnknownImages> {
    let ProjectImages { pulled, pushed, .. } = named(task, current, variables);
    pulled.unknown.into_iter().chain(pushed.unknown).next()
}

fn named(task: &VerbInvocation<'_>, current: &Path, variables: &ProjectVariables) -> ProjectImages {
    let reader = &mut ProjectReader::new();
    let mut named = match task.files {
        InputFiles::None => ProjectImages::default(),
        InputFiles::Compose(project) => compose::images(task, project, current, variables.clone(), reader),
        InputFiles::Stack => compose::stack_images(task, current, variables, reader),
        InputFiles::Build => build::images(task, current, variables, reader),
        InputFiles::Dockerfile => build::dockerfile_images(task, current, variables, reader),
        InputFiles::Buildctl => build::buildctl_images(task, current, variables, reader),
        InputFiles::Bake => bake::images(task, current, variables, reader),
        InputFiles::Manifests => manifests::manifest_images(task, current, reader),
        InputFiles::SyncList => manifests::sync_images(task, current, reader),
        InputFiles::RegSync => regclient::sync_images(task, current, variables, reader),
        InputFiles::RegBot => regclient::script_images(task, current, reader),
        InputFiles::DevContainer => devcontainer::images(task, current, variables, reader),
        InputFiles::Chart => manifests::chart_images(task, current, reader),
    };
    if let Some(message) = reader.gave_up() {
        reader.add_unknown(current, message);
    }
    // What no reader kept with the side that depends on it may be of either.
    let unknown = reader.take_unknown();
    named.pulled.unknown.extend(unknown.iter().cloned());
    if let Some(settings) = containers::settings_of(task.client).filter(|_| !named.pulled.is_empty()) {
        named.pulled.follow(&settings);
    }
    named.pushed.unknown.extend(unknown);
    named
}

impl ProjectImages {
    fn pulled(pulled: ImageSide) -> Self {
        Self { pulled, ..Self::default() }
    }
}
