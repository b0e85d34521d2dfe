//! The files that the asking process works on, and the images they name. They may be anybody's and are only evidence:
//! what is broken, too large, too deep or too slow names nothing.
//!
//! Reading is bounded in `reader`; what a file means is decided by pure functions.

mod bake;
mod build;
mod compose;
mod dockerfile;
#[cfg(test)]
mod fixtures;
mod hcl;
mod interpolate;
mod lists;
mod matrix;
mod reader;
mod variables;
mod yaml;

use std::path::{Path, PathBuf};

use super::clients::{Project, Task, Work};
use super::images::{Form, Images};
use super::words::Meaning;
use crate::model::choice::Mention;
use crate::model::{Operation, Registry};
use interpolate::UNKNOWN;
use reader::Reader;
pub(super) use variables::Variables;

/// What a file says about an image.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    meaning: Meaning,
    text: String,
    file: PathBuf,
}

/// The images of a project.
#[derive(Debug, Default)]
struct Named {
    pulled: Vec<Found>,
    /// What would be pushed.
    pushed: Vec<Found>,
    /// Whether it is.
    goes_out: bool,
}

/// Returns the images of `registry` in the files that `task`, run in `current`, works on. A push is about what is
/// pushed, a pull about what is pulled; the others count if none of those is of the registry.
pub(super) fn images(task: &Task<'_>, current: &Path, variables: &Variables, registry: &Registry) -> Vec<Mention> {
    let Some(Named { pulled, pushed, goes_out }) = named(task, current, variables) else { return Vec::new() };
    let (first, then) = if goes_out { (pushed, pulled) } else { (pulled, pushed) };
    let mentions = of_registry(&first, registry);
    if mentions.is_empty() { of_registry(&then, registry) } else { mentions }
}

/// Returns what a build whose command line leaves it open does at `registry`.
pub(super) fn operation(
    task: &Task<'_>,
    current: &Path,
    variables: &Variables,
    registry: &Registry,
) -> Option<Operation> {
    if !matches!(task.work, Work::Bake | Work::Compose(Project::Build)) {
        return None;
    }
    let seen = named(task, current, variables).filter(|named| !(named.pulled.is_empty() && named.pushed.is_empty()));
    let Some(Named { mut pushed, goes_out, .. }) = seen else { return task.has("--push").then_some(Operation::Push) };
    pushed.retain(|found| goes_out || found.meaning == Meaning::CacheTo);
    Some(if of_registry(&pushed, registry).is_empty() { Operation::Pull } else { Operation::Push })
}

/// Returns them all, be they pulled or pushed; `None` if there was too much to read.
pub(super) fn all_images(
    task: &Task<'_>,
    current: &Path,
    variables: &Variables,
    registry: &Registry,
) -> Option<Vec<Mention>> {
    let Named { mut pulled, pushed, .. } = named(task, current, variables)?;
    pulled.extend(pushed);
    Some(of_registry(&pulled, registry))
}

/// Returns the registry of each; `among` tells which a text may name.
pub(super) fn registries(
    task: &Task<'_>,
    current: &Path,
    variables: &Variables,
    among: impl Fn(&str) -> Vec<Registry>,
) -> impl Iterator<Item = Registry> {
    let Named { pulled, pushed, .. } = named(task, current, variables).unwrap_or_default();
    pulled.into_iter().chain(pushed).flat_map(move |found| {
        let mut registries = among(&found.text);
        registries.retain(|registry| !of_registry(std::slice::from_ref(&found), registry).is_empty());
        registries
    })
}

/// `None` if the project was not seen whole.
fn named(task: &Task<'_>, current: &Path, variables: &Variables) -> Option<Named> {
    let reader = &mut Reader::new();
    let named = match task.work {
        Work::None => Named::default(),
        Work::Compose(project) => compose::images(task, project, current, variables.clone(), reader),
        Work::Stack => compose::stack_images(task, current, variables, reader),
        Work::Build => build::images(task, current, variables, reader),
        Work::Buildctl => build::buildctl_images(task, current, variables, reader),
        Work::Bake => bake::images(task, current, variables, reader),
        Work::Manifests => lists::manifest_images(task, current, reader),
        Work::SyncList => lists::sync_images(task, current, reader),
        Work::Chart => lists::chart_images(task, current, reader),
    };
    reader.saw_all().then_some(named)
}

fn of_registry(found: &[Found], registry: &Registry) -> Vec<Mention> {
    let mut images = Images::of(registry);
    let mut mentions: Vec<Mention> = Vec::new();
    for Found { meaning, text, file } in found {
        images.add_value(*meaning, text, Form::Short);
        let new = images.found()[mentions.len()..].iter().cloned();
        mentions.extend(new.map(|image| Mention { image, file: file.clone() }));
    }
    mentions
}

impl Named {
    fn pulled(pulled: Vec<Found>) -> Self {
        Self { pulled, ..Self::default() }
    }
}

impl Found {
    /// An image. A tag that nobody knows yet (`:$TAG`, `:${timestamp()}`) does not matter.
    fn image(text: &str, file: &Path) -> Option<Self> {
        let text = text.trim();
        let known = text.split(UNKNOWN).next().unwrap_or_default();
        let name = known.rfind('/').map_or(0, |slash| slash + 1);
        let tag = known[name..].find([':', '@']).map(|at| name + at);
        let text = match tag {
            Some(tag) if known.len() < text.len() || tag + 1 == text.len() => {
                (!text[known.len()..].contains('/')).then_some(&text[..tag])?
            }
            _ if known.len() < text.len() => return None,
            _ => text,
        };
        (!text.is_empty()).then(|| Self { meaning: Meaning::Image, text: text.to_owned(), file: file.to_owned() })
    }

    /// A cache of a build: `type=registry,ref=IMAGE` or an image.
    fn cache(meaning: Meaning, text: &str, file: &Path) -> Option<Self> {
        let known = !text.is_empty() && !text.contains(UNKNOWN);
        known.then(|| Self { meaning, text: text.to_owned(), file: file.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_that_is_not_known_does_not_matter() {
        for (text, expected) in [
            ("ghcr.io/acme/app:1", Some("ghcr.io/acme/app:1")),
            ("ghcr.io/acme/app:", Some("ghcr.io/acme/app")),
            ("ghcr.io/acme/app:v\u{fffd}-x", Some("ghcr.io/acme/app")),
            ("ghcr.io/acme/app@\u{fffd}", Some("ghcr.io/acme/app")),
            ("ghcr.io/acme/\u{fffd}:1", None),
            ("ghcr.io:\u{fffd}/acme/app", None),
            ("localhost:5000/app", Some("localhost:5000/app")),
            ("localhost:5000/app\u{fffd}", None),
            (" ", None),
        ] {
            let found = Found::image(text, Path::new("f")).map(|found| found.text);
            assert_eq!(found.as_deref(), expected, "{text:?}");
        }
    }
}
