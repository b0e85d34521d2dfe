//! Finds the targets of a bake command and their images, in HCL, JSON and Compose files.
//!
//! Sources: docker/buildx `bake/bake.go`, `commands/bake.go`, `docs/bake-reference.md`.

mod bake_sources;
mod definition;
mod extension;
mod glob;
mod output;
mod overrides;
mod selection;
mod target;
#[cfg(test)]
mod tests;

use super::build::Build;
use super::project_reader::ProjectReader;
use super::{FileCommand, ImageSide, ProjectImages};
use crate::caller::command_words::FlagKind;
use crate::model::choice::{RegistryRange, UnknownImages};
use bake_sources::BakeSources;
use definition::BakeDefinition;
pub(super) use extension::BakeExtension;
use output::OutputDestination;
use overrides::BakeOverrides;

/// Returns the images of the targets that `docker buildx bake` builds.
pub(super) fn images(command: &FileCommand<'_>, reader: &mut ProjectReader) -> ProjectImages {
    let FileCommand { task, folder: current, variables } = command;
    let overrides = BakeOverrides::new(task, variables);
    let Some(sources) = BakeSources::new(command, reader) else { return overrides.elsewhere(current) };
    if sources.files.is_empty() {
        return ProjectImages::default();
    }
    let definition = BakeDefinition::read(&sources, current, reader);
    let (mut pulled, mut pushed, mut kept) = (ImageSide::default(), ImageSide::default(), ImageSide::default());
    let mut read: Vec<Build> = Vec::new();
    for (name, mut target) in definition.chosen(&sources.targets, &overrides, reader) {
        if !reader.budget().is_left() {
            break;
        }
        let base = sources.base(&target, current);
        let build = target.build(&base);
        // Most targets of a matrix have the same sources, so equal sources are read only once.
        if !read.iter().any(|other| other.is_from_the_same(&build)) {
            pulled.extend(build.pulled(reader));
            read.push(build);
        }
        pulled.unknown.extend(target.open.iter().cloned());
        let (tags, outputs) = (target.tags(), target.outputs());
        let destination =
            if target.is_linked { OutputDestination::Nowhere } else { output::destination_of_all(&outputs) };
        let side = if destination == OutputDestination::Nowhere { &mut kept } else { &mut pushed };
        side.unknown.extend(target.open_names);
        side.extend(target.cache_to.unwrap_or_default());
        if destination == OutputDestination::PerhapsSomewhere {
            let message = format!("the destination of the target `{name}` is unknown");
            let unknown = UnknownImages { file: target.file, reach: RegistryRange::Any, message };
            side.unknown.push(unknown.clone());
            pulled.unknown.push(unknown);
        } else if destination == OutputDestination::AsTagged && tags.is_empty() {
            side.extend(output::names(&outputs));
        } else {
            side.extend(tags);
        }
    }
    if pushed.is_empty() {
        return ProjectImages { pulled, pushed: kept, goes_out: false };
    }
    pushed.found.extend(kept.found.into_iter().filter(|found| found.meaning == FlagKind::CacheTo));
    ProjectImages { pulled, pushed, goes_out: true }
}
