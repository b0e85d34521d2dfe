//! Finds the services that a command works on in a Compose project, and the images of these services.
//!
//! Sources: docker/compose `cmd/compose/`, `pkg/compose/pull.go`, `build.go`; podman-compose `podman_compose.py`.

mod merge;
mod project;
mod selection;
mod service;
mod settings;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::build::{beside_files, builder, is_check, local_path};
use super::project_reader::ProjectReader;
use super::template::TemplateError;
use super::{FileCommand, ImageSide, ProjectImages, ProjectVariables};
use crate::caller::clients::{ComposeAction, VerbInvocation};
use crate::caller::command_words::FlagKind;
use project::ComposeProject;
use selection::{ServiceSelection, select};
pub(super) use service::ComposeService;
use settings::{ComposeSettings, settings};

/// Why the services of a project are unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LoadError {
    /// A file was not read. A missing file makes the client fail too. Any other error is already recorded.
    Unread,
    /// Compose probably refuses the project.
    Refused(&'static str),
}

/// Returns the images of the services that a Compose command works on.
pub(super) fn images(command: &FileCommand<'_>, action: ComposeAction, reader: &mut ProjectReader) -> ProjectImages {
    let FileCommand { task, folder: current, .. } = command;
    let settings = match settings(command, reader) {
        Ok(settings) => settings,
        Err(error) => return error.record(current, reader),
    };
    let ComposeSettings { files, artifacts, folder, variables, profiles } = &settings;
    let last = files.last().unwrap_or(current);
    let loaded = match project::load(files, folder, current, variables, usize::MAX, reader) {
        Ok(loaded) => loaded,
        Err(_) if !artifacts.is_empty() => ComposeProject::default(), // the client requests artifacts first
        Err(error) => return error.record(last, reader),
    };
    let mut pulled = beside_files(task, current);
    for artifact in artifacts {
        pulled.add_artifact(artifact, Path::new(artifact));
    }
    for (artifact, file) in &loaded.artifacts {
        pulled.add_artifact(artifact, file);
    }
    let selection = select(task, action, &loaded.services, profiles);
    let selection = selection.unwrap_or_else(|error| error.record(last, reader));
    let unknown = pulled.unknown.clone();
    let mut named = named(task, action, &selection, variables, pulled, reader);
    named.pushed.unknown.extend(unknown); // the images of an artifact's services may also be pushed
    named
}

/// Returns the images of all services, for `docker stack deploy -c FILE`. Variables come only from the environment, and
/// only the first document of each file counts (docker/cli `cli/compose/loader/loader.go`).
pub(super) fn stack_images(command: &FileCommand<'_>, reader: &mut ProjectReader) -> ProjectImages {
    let FileCommand { task, folder: current, variables } = command;
    let names = task.flags.values(FlagKind::File).flat_map(|names| names.split(','));
    let files: Vec<PathBuf> = names.filter_map(|name| local_path(current, name)).collect();
    let mut pulled = ImageSide::default();
    for service in services(&files, current, variables, 1, reader).into_values() {
        pulled.extend(service.image);
    }
    ProjectImages::pulled(pulled)
}

/// Returns all services in the Compose files `files`. Paths in the files are relative to `folder`. Records unknown
/// parts.
pub(super) fn services(
    files: &[PathBuf],
    folder: &Path,
    variables: &ProjectVariables,
    documents_at_most: usize,
    reader: &mut ProjectReader,
) -> BTreeMap<String, ComposeService> {
    let loaded = project::load(files, folder, folder, variables, documents_at_most, reader);
    let last = files.last().map_or(folder, PathBuf::as_path);
    loaded.unwrap_or_else(|error| error.record(last, reader)).services
}

fn named(
    task: &VerbInvocation<'_>,
    action: ComposeAction,
    selection: &ServiceSelection<'_>,
    variables: &ProjectVariables,
    mut pulled: ImageSide,
    reader: &mut ProjectReader,
) -> ProjectImages {
    let mut pushed = ImageSide::default();
    let policy = task.flags.value(FlagKind::PullPolicy);
    let starts = matches!(action, ComposeAction::Up | ComposeAction::Run);
    for service in &selection.services {
        let policy =
            if starts && task.flags.is_on("--build") && service.build.is_some() { Some("build") } else { policy };
        let is_pulled = match action {
            ComposeAction::Pull => {
                service.is_pulled(policy) && !(task.flags.is_on("--ignore-buildable") && service.build.is_some())
            }
            ComposeAction::Resolve => true,
            ComposeAction::Up | ComposeAction::Run => service.is_pulled(policy) && !service.is_provided,
            ComposeAction::Push | ComposeAction::Build => false,
        };
        if is_pulled {
            pulled.extend(service.image.clone());
        }
        if starts {
            pulled.extend(service.volumes.clone());
        }
        if (starts || action == ComposeAction::Pull) && policy.or(service.pull_policy.as_deref()) != Some("never") {
            pulled.extend(service.hooks.clone());
        }
        if let (ComposeAction::Push, Some(build)) = (action, &service.build) {
            pushed.extend(service.names_of(build));
        }
    }
    for service in &selection.built {
        let Some(build) = service.build.as_ref().filter(|_| !task.flags.is_on("--no-build")) else { continue };
        let mut build = build.clone();
        build.parameters.builder = builder(task, variables);
        build.parameters.is_check = is_check(task);
        for (name, value) in task.flags.variables() {
            variables.set_argument(&mut build.parameters.arguments, name, value);
        }
        pulled.extend(build.pulled(reader));
        pushed.extend(service.names_of(&build));
        pushed.extend(build.cache_to.clone());
    }
    let goes_out = action == ComposeAction::Push || action == ComposeAction::Build && task.flags.is_on("--push");
    ProjectImages { pulled, pushed, goes_out }
}

impl LoadError {
    /// Records that the images of a project are unknown. Compose probably refuses the project, but Ensign may be wrong.
    /// Returns an empty result.
    fn record<T: Default>(self, file: &Path, reader: &mut ProjectReader) -> T {
        if let Self::Refused(why) = self {
            reader.add_unknown(file, &format!("could not be read as a Compose project: {why}"));
        }
        T::default()
    }
}

impl From<TemplateError> for LoadError {
    fn from(error: TemplateError) -> Self {
        Self::Refused(match error {
            TemplateError::Malformed => "a `$` does not begin a valid variable",
            TemplateError::Missing => "a required variable is not set",
            TemplateError::TooLong => "a value is too long",
        })
    }
}
