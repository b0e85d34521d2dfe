//! `ComposeSettings`: the files, variables and name of a Compose project.
//!
//! Sources: compose-go `cli/options.go`, `loader/loader.go` (`projectName`).

use std::path::{Path, PathBuf};

use super::super::build::local_path;
use super::super::project_reader::ProjectReader;
use super::super::template::substitute;
use super::super::{FileCommand, ProjectVariables};
use super::LoadError;
use crate::caller::clients::VerbInvocation;
use crate::caller::command_words::{FlagKind, parse_bool};

const NAMES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

const OVERRIDES: [&str; 4] =
    ["compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml"];

/// By default, podman-compose reads every Compose file with one of these names.
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
const PROJECT_NAME: &str = "COMPOSE_PROJECT_NAME";

pub(super) struct ComposeSettings {
    pub(super) files: Vec<PathBuf>,
    /// The Compose files that are artifacts in registries.
    pub(super) artifacts: Vec<String>,
    /// The base folder of the project's relative paths.
    pub(super) folder: PathBuf,
    pub(super) variables: ProjectVariables,
    pub(super) profiles: Vec<String>,
}

pub(super) fn settings(command: &FileCommand<'_>, reader: &mut ProjectReader) -> Result<ComposeSettings, LoadError> {
    let FileCommand { task, folder: current, variables } = command;
    let mut variables = variables.clone();
    let root =
        task.flags.value(FlagKind::Folder).filter(|folder| !folder.is_empty()).map(|folder| current.join(folder));
    let mut names: Vec<String> = task.flags.values(FlagKind::File).map(str::to_owned).collect();
    let mut env_files: Vec<String> = task.flags.values(FlagKind::EnvFile).map(str::to_owned).collect();
    if env_files.is_empty() {
        env_files = variables.list("COMPOSE_ENV_FILES", ",");
    }
    let has_default = env_files.is_empty() && !is_default_disabled(&variables)?;
    let first_folder = working_folder(current, root.as_deref(), &names);
    if has_default {
        add_default_env_file(&first_folder, &mut variables, reader)?;
        if is_default_disabled(&variables)? {
            variables.retain_in_files(|name| name.starts_with("COMPOSE_")); // Compose has already read these variables
        }
    }
    let paths: Vec<PathBuf> = env_files.iter().map(|name| current.join(name)).collect();
    add_env_files(&paths, &mut variables, reader)?;
    if names.is_empty() {
        names = file_variable(&variables);
    }
    if names.is_empty() {
        names = default_files(task, root.as_deref().unwrap_or(current), reader);
    }
    if names.is_empty() {
        return Err(LoadError::Unread); // without a file, the client fails
    }
    // A project in another folder may have its own `.env`. Variables that are already set override the variables in the
    // project's `.env`.
    let folder = working_folder(current, root.as_deref(), &names);
    if has_default && folder != first_folder && !is_default_disabled(&variables)? {
        add_default_env_file(&folder, &mut variables, reader)?;
    }
    let mut profiles: Vec<String> = task.flags.values(FlagKind::Profile).map(str::to_owned).collect();
    if profiles.is_empty() {
        profiles = variables.list("COMPOSE_PROFILES", ",");
    }
    let (mut files, mut artifacts) = (Vec::new(), Vec::new());
    for name in &names {
        match (name.strip_prefix("oci://"), local_path(current, name)) {
            (Some(artifact), _) => artifacts.push(artifact.to_owned()),
            (None, Some(file)) => files.push(file),
            (None, None) => return Err(LoadError::Refused("a part of the project is not a file on this machine")),
        }
    }
    let name = project_name(task, &files, &folder, &variables, reader)?;
    variables.set(PROJECT_NAME, &name);
    Ok(ComposeSettings { files, artifacts, folder, variables, profiles })
}

/// Adds the variables of `.env` files. Each file must exist. If several files set a variable, the last file wins.
pub(super) fn add_env_files(
    paths: &[PathBuf],
    variables: &mut ProjectVariables,
    reader: &mut ProjectReader,
) -> Result<(), LoadError> {
    let texts = paths.iter().map(|path| match path.to_str() {
        Some("/dev/null") => Ok(String::new()),
        _ => reader.text(path).ok_or(LoadError::Unread),
    });
    let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
    if variables.add_files(&texts) { Ok(()) } else { Err(LoadError::Refused("an `.env` file cannot be read")) }
}

pub(super) fn add_default_env_file(
    folder: &Path,
    variables: &mut ProjectVariables,
    reader: &mut ProjectReader,
) -> Result<(), LoadError> {
    let path = folder.join(".env");
    if reader.is_file(&path) { add_env_files(&[path], variables, reader) } else { Ok(()) }
}

fn is_default_disabled(variables: &ProjectVariables) -> Result<bool, LoadError> {
    let Some(value) = variables.get("COMPOSE_DISABLE_ENV_FILE") else { return Ok(false) };
    parse_bool(&value).ok_or(LoadError::Refused("COMPOSE_DISABLE_ENV_FILE is neither true nor false"))
}

fn working_folder(current: &Path, root: Option<&Path>, names: &[String]) -> PathBuf {
    let beside = || Some(local_path(current, names.first()?)?.parent()?.to_owned());
    root.map(Path::to_owned).or_else(beside).unwrap_or_else(|| current.to_owned())
}

fn file_variable(variables: &ProjectVariables) -> Vec<String> {
    let Some(names) = variables.get("COMPOSE_FILE") else { return Vec::new() };
    let default = if cfg!(windows) { ";" } else { ":" };
    let separator = variables.get("COMPOSE_PATH_SEPARATOR").filter(|separator| !separator.is_empty());
    names.split(separator.as_deref().unwrap_or(default)).map(str::to_owned).collect()
}

/// Returns the nearest file with a default name, and the override file in the same folder. For podman-compose, returns
/// all files in `start` that have a default name.
fn default_files(task: &VerbInvocation<'_>, start: &Path, reader: &mut ProjectReader) -> Vec<String> {
    let text = |path: &PathBuf| path.to_string_lossy().into_owned();
    if task.client == "podman-compose" {
        let paths = PODMAN_NAMES.iter().map(|name| start.join(name)).filter(|path| reader.is_file(path));
        return paths.map(|path| text(&path)).collect();
    }
    for folder in start.ancestors().take(FOLDERS_UP_AT_MOST) {
        if let Some(file) = reader.first_of(folder, &NAMES) {
            return std::iter::once(file).chain(reader.first_of(folder, &OVERRIDES)).map(|path| text(&path)).collect();
        }
    }
    Vec::new()
}

/// Returns the project's name. The sources in order are a flag, a variable, the last file that sets a name, and the
/// folder.
fn project_name(
    task: &VerbInvocation<'_>,
    files: &[PathBuf],
    folder: &Path,
    variables: &ProjectVariables,
    reader: &mut ProjectReader,
) -> Result<String, LoadError> {
    let name = task.flags.value(FlagKind::ProjectName).filter(|name| !name.is_empty()).map(str::to_owned);
    if let Some(name) = name.or_else(|| variables.get(PROJECT_NAME).filter(|name| !name.is_empty())) {
        let is_whole = normalised(&name) == name;
        return if is_whole { Ok(name) } else { Err(LoadError::Refused("the project's name is not valid")) };
    }
    let documents: Vec<_> = files.iter().filter_map(|file| reader.yaml(file)).flat_map(|yaml| yaml.documents).collect();
    let text = documents.iter().rev().find_map(|document| document.get("name").text());
    let name = if let Some(text) = text {
        normalised(&substitute(text, &|name| variables.get(name))?)
    } else {
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        normalised(&folder.file_name().unwrap_or_default().to_string_lossy())
    };
    if name.is_empty() { Err(LoadError::Refused("the project has no name")) } else { Ok(name) }
}

fn normalised(name: &str) -> String {
    let name = name.to_lowercase();
    let allowed = name.chars().filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'));
    allowed.collect::<String>().trim_start_matches(['_', '-']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_of_letters_digits_and_signs_between() {
        for (name, normal) in [("My App.v2", "myappv2"), ("_-a-b_", "a-b_"), ("É", ""), ("acme", "acme")] {
            assert_eq!(normalised(name), normal);
        }
    }
}
