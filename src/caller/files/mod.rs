//! The files that the asking process works on, and the images they name. They may be anybody's and are only evidence:
//! what is broken, too large, too deep or too slow is not known, and what is not known decides nothing.
//!
//! Reading is bounded in `reader`; what a file means is decided by pure functions.

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
mod lists;
mod reader;
mod regclient;
mod side;
mod template;
mod variables;
mod yaml;

use std::path::Path;

use super::clients::{Project, Task, Work};
use super::containers;
use super::words::Meaning;
use crate::model::choice::{FileImages, Reach, Unknown};
use crate::model::{Operation, Registry};
use reader::Reader;
use side::Side;
pub(super) use variables::Variables;

/// The images of a project.
#[derive(Debug, Default)]
struct Named {
    pulled: Side,
    /// What would be pushed.
    pushed: Side,
    /// Whether it is.
    goes_out: bool,
}

/// Returns the images of `registry` in the files that `task`, run in `current`, works on. A push is about what is
/// pushed, a pull about what is pulled; the others count if none of those is, or may be, of the registry.
pub(super) fn images(task: &Task<'_>, current: &Path, variables: &Variables, registry: &Registry) -> FileImages {
    let Named { pulled, pushed, goes_out } = named(task, current, variables);
    let (first, then) = if goes_out { (pushed, pulled) } else { (pulled, pushed) };
    let images = first.of_registry(registry);
    if images.is_empty() { then.of_registry(registry) } else { images }
}

/// Returns what a build whose command line leaves it open does at `registry`; `None` if that is not known.
pub(super) fn operation(
    task: &Task<'_>,
    current: &Path,
    variables: &Variables,
    registry: &Registry,
) -> Option<Operation> {
    if !matches!(task.work, Work::Bake | Work::Compose(Project::Build) | Work::RegSync) {
        return None;
    }
    let Named { pulled, mut pushed, goes_out } = named(task, current, variables);
    let is_told = task.has("--push").then_some(Operation::Push);
    if pulled.is_empty() && pushed.is_empty() {
        return is_told;
    }
    pushed.found.retain(|found| goes_out || found.meaning == Meaning::CacheTo);
    pushed.unknown.retain(|part| goes_out || pulled.unknown.contains(part)); // what may be of either side
    let FileImages { images, unknown } = pushed.of_registry(registry);
    if images.is_empty() && !unknown.is_empty() {
        return is_told;
    }
    Some(if images.is_empty() { Operation::Pull } else { Operation::Push })
}

/// Returns them all, be they pulled or pushed.
pub(super) fn all_images(task: &Task<'_>, current: &Path, variables: &Variables, registry: &Registry) -> FileImages {
    let Named { mut pulled, pushed, .. } = named(task, current, variables);
    pulled.extend(pushed);
    pulled.of_registry(registry)
}

/// Returns the registry of each; `among` tells which a text may name.
pub(super) fn registries(
    task: &Task<'_>,
    current: &Path,
    variables: &Variables,
    among: impl Fn(&str) -> Vec<Registry>,
) -> impl Iterator<Item = Registry> {
    let Named { mut pulled, pushed, .. } = named(task, current, variables);
    pulled.extend(pushed);
    let not_whole = pulled.unknown.into_iter().filter_map(|unknown| match unknown.reach {
        Reach::Only(registry) => Some(registry),
        Reach::Any | Reach::AllBut(_) => None,
    });
    let whole = pulled.found.into_iter().flat_map(move |found| {
        let mut registries = among(&found.text);
        let side = Side { found: vec![found], unknown: Vec::new() };
        registries.retain(|registry| !side.of_registry(registry).is_empty());
        registries
    });
    whole.chain(not_whole)
}

/// Returns the first thing that is not known.
pub(super) fn first_unknown(task: &Task<'_>, current: &Path, variables: &Variables) -> Option<Unknown> {
    let Named { pulled, pushed, .. } = named(task, current, variables);
    pulled.unknown.into_iter().chain(pushed.unknown).next()
}

fn named(task: &Task<'_>, current: &Path, variables: &Variables) -> Named {
    let reader = &mut Reader::new();
    let mut named = match task.work {
        Work::None => Named::default(),
        Work::Compose(project) => compose::images(task, project, current, variables.clone(), reader),
        Work::Stack => compose::stack_images(task, current, variables, reader),
        Work::Build => build::images(task, current, variables, reader),
        Work::Dockerfile => build::dockerfile_images(task, current, variables, reader),
        Work::Buildctl => build::buildctl_images(task, current, variables, reader),
        Work::Bake => bake::images(task, current, variables, reader),
        Work::Manifests => lists::manifest_images(task, current, reader),
        Work::SyncList => lists::sync_images(task, current, reader),
        Work::RegSync => regclient::sync_images(task, current, variables, reader),
        Work::RegBot => regclient::script_images(task, current, reader),
        Work::DevContainer => devcontainer::images(task, current, variables, reader),
        Work::Chart => lists::chart_images(task, current, reader),
    };
    if let Some(message) = reader.gave_up() {
        reader.note(current, message);
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

impl Named {
    fn pulled(pulled: Side) -> Self {
        Self { pulled, ..Self::default() }
    }
}
