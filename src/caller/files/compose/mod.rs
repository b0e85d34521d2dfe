//! Compose projects: which files they are made of, which services a command works on, and the images of those.
//!
//! compose-go `cli/options.go`, `loader/`; docker/compose `pkg/compose/`; podman-compose `podman_compose.py`.

mod project;
mod service;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::reader::Reader;
use super::{Named, Side, Variables};
use crate::caller::clients::{Project, Task};
use crate::caller::words::Meaning;
use project::load;
pub(super) use project::load as services;
pub(super) use service::Service;

const NAMES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

const OVERRIDES: [&str; 4] =
    ["compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml"];

/// podman-compose takes all that are there.
const PODMAN_NAMES: [&str; 14] = [
    "compose.yaml",
    "compose.yml",
    "compose.override.yaml",
    "compose.override.yml",
    "podman-compose.yaml",
    "podman-compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
    "container-compose.yml",
    "container-compose.yaml",
    "container-compose.override.yml",
    "container-compose.override.yaml",
];

const FOLDERS_UP_AT_MOST: usize = 32;

/// Returns the images of the services that a Compose command works on.
pub(super) fn images(
    task: &Task<'_>,
    project: Project,
    current: &Path,
    mut variables: Variables,
    reader: &mut Reader,
) -> Named {
    let env_files = env_files(task, &variables);
    for file in env_files.iter().rev() {
        add_env_file(&current.join(file), &mut variables, reader);
    }
    let has_default = env_files.is_empty() && variables.get("COMPOSE_DISABLE_ENV_FILE").is_none();
    let root = task.value(Meaning::Folder).map(|folder| current.join(folder));
    // compose-go `cli/options.go` `GetWorkingDir`
    let first = task.values(Meaning::File).find(|file| *file != "-" && !file.contains("://"));
    let named = root.clone().or_else(|| Some(current.join(first?).parent()?.to_owned()));
    if has_default {
        add_env_file(&named.as_deref().unwrap_or(current).join(".env"), &mut variables, reader);
    }
    let files = files(task, current, root.as_deref(), &variables, reader);
    let Some(folder) = root.or_else(|| Some(files.first()?.parent()?.to_owned())) else { return Named::default() };
    if has_default && named.is_none() && folder != current {
        add_env_file(&folder.join(".env"), &mut variables, reader);
    }
    let services = load(&files, &folder, &variables, reader);
    let chosen = chosen(task, project, &services, &variables);
    let (mut pulled, mut pushed) = (Side::default(), Side::default());
    for Service { image, build, pull_policy, .. } in chosen.into_iter().filter_map(|name| services.get(name)) {
        let policy = pull_policy.as_deref();
        let is_pulled = match project {
            Project::Pull => !matches!(policy, Some("never" | "build")),
            Project::Push | Project::Build => false,
            Project::Up | Project::Run => policy.map_or(build.is_none(), |policy| !matches!(policy, "never" | "build")),
        };
        if is_pulled {
            pulled.extend(image.clone());
        }
        if let Some(build) = build {
            if !matches!(project, Project::Pull | Project::Push) {
                let mut build = build.clone();
                build.arguments.extend(task.variables().map(|(name, value)| (name.into(), value.map(str::to_owned))));
                pulled.extend(build.pulled(&variables, reader));
            }
            pushed.extend(image.clone());
            pushed.extend(build.pushed());
        }
    }
    match project {
        Project::Pull => Named::pulled(pulled),
        Project::Push => Named { pushed, goes_out: true, ..Named::default() },
        Project::Build => Named { pulled, pushed, goes_out: task.has("--push") },
        Project::Up | Project::Run => Named { pulled, pushed, goes_out: false },
    }
}

/// `docker stack deploy -c FILE`: all services; variables are the environment's alone.
pub(super) fn stack_images(task: &Task<'_>, current: &Path, variables: &Variables, reader: &mut Reader) -> Named {
    let files: Vec<PathBuf> =
        task.values(Meaning::File).flat_map(|names| names.split(',')).filter_map(|name| local(current, name)).collect();
    let services = load(&files, current, variables, reader);
    let mut pulled = Side::default();
    for service in services.into_values() {
        pulled.extend(service.image);
    }
    Named::pulled(pulled)
}

/// The names of the services that the command works on.
fn chosen<'s>(
    task: &Task<'_>,
    project: Project,
    services: &'s BTreeMap<String, Service>,
    variables: &Variables,
) -> BTreeSet<&'s str> {
    let named: BTreeSet<&str> =
        task.positionals.iter().copied().take(if project == Project::Run { 1 } else { usize::MAX }).collect();
    let mut profiles: Vec<String> = task.values(Meaning::Profile).map(str::to_owned).collect();
    if profiles.is_empty() {
        profiles = variables.list("COMPOSE_PROFILES", ',');
    }
    let is_active = |service: &Service| {
        service.profiles.is_empty() || profiles.iter().any(|name| name == "*" || service.profiles.contains(name))
    };
    let mut waiting: Vec<&str> = services
        .iter()
        .filter(|(name, service)| if named.is_empty() { is_active(service) } else { named.contains(name.as_str()) })
        .map(|(name, _)| name.as_str())
        .collect();
    let with_dependencies = match project {
        Project::Up | Project::Run => !task.has("--no-deps"),
        Project::Pull | Project::Push => task.has("--include-deps"),
        Project::Build => task.has("--with-dependencies"),
    };
    let mut chosen = BTreeSet::new();
    while let Some(name) = waiting.pop() {
        let Some((name, service)) = services.get_key_value(name) else { continue };
        if chosen.insert(name.as_str()) && with_dependencies {
            waiting.extend(service.depends_on.iter().map(String::as_str));
        }
    }
    chosen
}

/// The project's files: those named, those of `COMPOSE_FILE`, or the nearest under a default name.
fn files(
    task: &Task<'_>,
    current: &Path,
    root: Option<&Path>,
    variables: &Variables,
    reader: &mut Reader,
) -> Vec<PathBuf> {
    let mut named: Vec<String> = task.values(Meaning::File).map(str::to_owned).collect();
    if named.is_empty() {
        let default = if cfg!(windows) { ';' } else { ':' };
        let separator = variables.get("COMPOSE_PATH_SEPARATOR").and_then(|text| text.chars().next());
        named = variables.list("COMPOSE_FILE", separator.unwrap_or(default));
    }
    if !named.is_empty() {
        return named.iter().filter_map(|name| local(current, name)).collect();
    }
    let start = root.unwrap_or(current);
    if task.client == "podman-compose" {
        return PODMAN_NAMES.iter().map(|name| start.join(name)).filter(|path| reader.is_file(path)).collect();
    }
    for folder in start.ancestors().take(FOLDERS_UP_AT_MOST) {
        if let Some(file) = reader.first_of(folder, &NAMES) {
            return std::iter::once(file).chain(reader.first_of(folder, &OVERRIDES)).collect();
        }
    }
    Vec::new()
}

/// A file of this machine, not stdin, a registry's or a repository's.
fn local(current: &Path, name: &str) -> Option<PathBuf> {
    (name != "-" && !name.contains("://") && !name.contains('\0')).then(|| current.join(name))
}

fn env_files(task: &Task<'_>, variables: &Variables) -> Vec<String> {
    let named: Vec<String> = task.values(Meaning::EnvFile).map(str::to_owned).collect();
    if named.is_empty() { variables.list("COMPOSE_ENV_FILES", ',') } else { named }
}

fn add_env_file(path: &Path, variables: &mut Variables, reader: &mut Reader) {
    if let Some(text) = reader.text(path) {
        variables.add_file(&text);
    }
}
