//! Bake: which targets a command builds, and their images, from HCL, JSON and Compose files.
//!
//! docker/buildx `bake/bake.go`, `commands/bake.go`, `docs/bake-reference.md`.

mod choose;
mod definition;
mod extension;
mod glob;
mod output;
mod overrides;
mod sources;
mod target;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use super::build::Build;
use super::reader::Reader;
use super::{Named, Side, Variables};
use crate::caller::clients::Task;
use crate::caller::words::Meaning;
use crate::model::choice::{Reach, Unknown};
use definition::Definition;
pub(super) use extension::Extension;
use output::Goes;
use overrides::Overrides;
use sources::Sources;
use target::Target;

/// Returns the images of the targets that `docker buildx bake` builds.
pub(super) fn images(task: &Task<'_>, current: &Path, variables: &Variables, reader: &mut Reader) -> Named {
    let overrides = Overrides::of(task, variables);
    let Some(sources) = Sources::of(task, current, variables, reader) else { return overrides.elsewhere(current) };
    if sources.files.is_empty() {
        return Named::default();
    }
    let definition = Definition::read(&sources, current, reader);
    let (mut pulled, mut pushed, mut kept) = (Side::default(), Side::default(), Side::default());
    let mut read: Vec<Build> = Vec::new();
    for (name, mut target) in definition.chosen(&sources.targets, &overrides, reader) {
        if !reader.in_time() {
            break;
        }
        let base = sources.base(&target, current);
        let build = target.build(&base);
        // Most members of a matrix are built from the same.
        if !read.iter().any(|other| other.is_from_the_same(&build)) {
            pulled.extend(build.pulled(&sources.compose_variables, reader));
            read.push(build);
        }
        pulled.unknown.extend(target.open.iter().cloned());
        let (tags, outputs) = (target.tags(), target.outputs());
        let goes = if target.is_linked { Goes::Nowhere } else { output::goes(&outputs) };
        let side = if goes == Goes::Nowhere { &mut kept } else { &mut pushed };
        side.unknown.extend(target.open_names);
        side.extend(target.cache_to.unwrap_or_default());
        if goes == Goes::PerhapsSomewhere {
            let message = format!("where the target `{name}` goes is not known");
            let unknown = Unknown { file: target.file.to_path_buf(), reach: Reach::Any, message };
            side.unknown.push(unknown.clone());
            pulled.unknown.push(unknown);
        } else if goes == Goes::AsTagged && tags.is_empty() {
            side.extend(output::names(&outputs));
        } else {
            side.extend(tags);
        }
    }
    if pushed.is_empty() {
        return Named { pulled, pushed: kept, goes_out: false };
    }
    pushed.found.extend(kept.found.into_iter().filter(|found| found.meaning == Meaning::CacheTo));
    Named { pulled, pushed, goes_out: true }
}

/// By name.
type Targets = BTreeMap<String, Target>;
