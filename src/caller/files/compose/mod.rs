//! Finds the services that a command works on in a Compose project, and the images of these services.
//!
//! Sources: docker/compose `cmd/compose/`, `pkg/compose/pull.go`, `build.go`; podman-compose `podman_compose.py`.

mod load_error;
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

use super::build::is_check;
use super::project_reader::ProjectReader;
use super::{ImageSide, FileCommand, ProjectImages, ProjectVariables};
use crate::caller::clients::{ComposeAction, VerbInvocation};
use crate::caller::command_words::FlagKind;
use load_error::LoadError;
use selection::{ServiceSelection, select};
pub(super) use service::ComposeService;
use settings::{ComposeSettings, add_env_files, local, settings};

/// Returns the images of the services that a Compose command works on.
pub(super) fn images(command: &FileCommand<'_>, action: ComposeAction, reader: &mut ProjectReader) -> ProjectImages {
    let FileCommand { task, folder: current, .. } = command;
    let settings = match settings(command, reader) {
        Ok(settings) => settings,
        Err(error) => return not_known(&error, current, reader),
    };
    let last = settings.files.last().map_or(current.as_path(), PathBuf::as_path);
    let loaded = match project::load(&settings.files, &settings.folder, current, &settings.variables, reader) {
        Ok(loaded) => loaded,
        Err(_) if !settings.artifacts.is_empty() => project::ComposeProject::default(), // requested first
        Err(error) => return not_known(&error, last, reader),
    };
    let mut pulled = ImageSide::default();
    for (artifact, file) in settings.artifacts.iter().map(|name| (name, Path::new(name))) {
        pulled.add_artifact(artifact, file);
    }
    loaded.artifacts.iter().for_each(|(artifact, file)| pulled.add_artifact(artifact, file));
    let selection = match select(task, action, &loaded.services, &settings.profiles) {
        Ok(selection) => selection,
        Err(error) => {
            let named = not_known(&error, last, reader);
            return ProjectImages { pulled: if pulled.is_empty() { named.pulled } else { pulled }, ..named };
        }
    };
    let unknown = pulled.unknown.clone();
    let mut named = named(task, action, &selection, &settings, pulled, reader);
    named.pushed.unknown.extend(unknown); // the images of an artifact's services may also be pushed
    named
}

/// Returns the images of all services, for `docker stack deploy -c FILE`. Variables come only from the environment.
pub(super) fn stack_images(command: &FileCommand<'_>, reader: &mut ProjectReader) -> ProjectImages {
    let FileCommand { task, folder: current, variables } = command;
    let files: Vec<PathBuf> = task
        .flags
        .values(FlagKind::File)
        .flat_map(|names| names.split(','))
        .filter_map(|name| local(current, name))
        .collect();
    let mut pulled = ImageSide::default();
    match project::load(&files, current, current, variables, reader) {
        Ok(loaded) => loaded.services.into_values().for_each(|service| pulled.extend(service.image)),
        Err(error) => return not_known(&error, files.last().map_or(current.as_path(), PathBuf::as_path), reader),
    }
    ProjectImages::pulled(pulled)
}

/// Returns all services in the Compose files `files`. Paths in the files are relative to `folder`. Records unknown
/// parts.
pub(super) fn services(
    files: &[PathBuf],
    folder: &Path,
    variables: &ProjectVariables,
    reader: &mut ProjectReader,
) -> BTreeMap<String, ComposeService> {
    match project::load(files, folder, folder, variables, reader) {
        Ok(loaded) => loaded.services,
        Err(error) => {
            not_known(&error, files.last().map_or(folder, PathBuf::as_path), reader);
            BTreeMap::new()
        }
    }
}

/// Records that the images of a project are unknown. Compose probably refuses the project, but Ensign may be wrong.
fn not_known(error: &LoadError, file: &Path, reader: &mut ProjectReader) -> ProjectImages {
    if let LoadError::Refused(why) = error {
        reader.add_unknown(file, &format!("could not be read as a Compose project: {why}"));
    }
    ProjectImages::default()
}

fn named(
    task: &VerbInvocation<'_>,
    action: ComposeAction,
    selection: &ServiceSelection<'_>,
    settings: &ComposeSettings,
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
        build.is_check = is_check(task);
        build.arguments.extend(task.flags.variables().map(|(name, value)| (name.into(), value.map(str::to_owned))));
        pulled.extend(build.pulled(&settings.variables, reader));
        pushed.extend(service.names_of(&build));
        pushed.extend(build.cache_to.clone());
    }
    let goes_out = action == ComposeAction::Push || action == ComposeAction::Build && task.flags.is_on("--push");
    ProjectImages { pulled, pushed, goes_out }
}
