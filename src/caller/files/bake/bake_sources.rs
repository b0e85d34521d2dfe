//! `BakeSources`: the files, targets and variables of a bake command.
//!
//! Sources: docker/buildx `commands/bake.go`, `bake/compose.go` (`composeEnv`).

use std::path::{Path, PathBuf};

use super::target::BakeTarget;
use crate::caller::command_words::{FlagKind, is_true};
use crate::caller::files::project_reader::ProjectReader;
use crate::caller::files::{FileCommand, ProjectVariables, build};

/// The default names of bake files. Bake reads every file that has one of these names.
const NAMES: [&str; 8] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
    "docker-bake.json",
    "docker-bake.hcl",
    "docker-bake.override.json",
    "docker-bake.override.hcl",
];

pub(super) struct BakeSources {
    pub(super) files: Vec<PathBuf>,
    /// The names of targets and groups on the command line.
    pub(super) targets: Vec<String>,
    /// The variables for bake's own files, from flags and the environment.
    pub(super) variables: ProjectVariables,
    /// The variables for Compose files, and for build arguments without a value.
    pub(super) compose_variables: ProjectVariables,
    /// Whether paths are relative to the bake file's folder instead of the current folder.
    is_relative_to_file: bool,
}

impl BakeSources {
    /// Reads the sources of a bake command. Returns `None` if the bake definition is remote or on standard input.
    pub(super) fn new(command: &FileCommand<'_>, reader: &mut ProjectReader) -> Option<Self> {
        let FileCommand { task, folder: current, variables } = command;
        if task.positionals.first().is_some_and(|word| is_remote(word)) {
            return None;
        }
        let mut named: Vec<String> = task.flags.values(FlagKind::File).map(str::to_owned).collect();
        if named.is_empty() {
            let default = if cfg!(windows) { ";" } else { ":" };
            let separator = variables.get("BUILDX_BAKE_PATH_SEPARATOR").filter(|text| !text.is_empty());
            named = variables.list("BUILDX_BAKE_FILE", separator.as_deref().unwrap_or(default));
        }
        let files: Vec<PathBuf> = if named.is_empty() {
            NAMES.iter().map(|name| current.join(name)).filter(|path| reader.is_file(path)).collect()
        } else {
            if named.iter().any(|name| name == "-") {
                return None;
            }
            let named = named.iter().map(|name| name.strip_prefix("cwd://").unwrap_or(name));
            named.filter(|name| !name.contains('\0')).map(|name| current.join(name)).collect()
        };
        let is_on = |name: &str| variables.get(name).is_some_and(|value| is_true(value.trim()));
        let is_relative_to_file = is_on("BUILDX_BAKE_FILE_RELATIVE_PATHS");
        let is_cut_off = is_on("BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP");
        let mut own = if is_cut_off { ProjectVariables::default() } else { variables.clone() };
        let mut compose_variables = variables.clone();
        for (name, value) in task.flags.variables() {
            own.set(name, value.unwrap_or_default());
            compose_variables.set(name, value.unwrap_or_default());
        }
        let env_file = current.join(".env");
        if files.iter().any(|file| !is_bake_file(file))
            && let Some(text) = reader.text(&env_file)
            && !compose_variables.add_files(&[text])
        {
            reader.add_unknown(&env_file, "could not be read as variables");
        }
        let mut targets: Vec<String> = task.positionals.iter().map(|word| word.replace('.', "_")).collect();
        if targets.is_empty() {
            targets.push("default".to_owned());
        }
        Some(Self { files, targets, variables: own, compose_variables, is_relative_to_file })
    }

    /// Returns the base folder of a target's relative paths.
    pub(super) fn base(&self, target: &BakeTarget, current: &Path) -> PathBuf {
        let file = target.context.as_ref().map_or(&target.file, |(_, file)| file);
        let folder = file.parent().filter(|_| self.is_relative_to_file);
        folder.unwrap_or(current).to_owned()
    }
}

/// Tells whether a file is HCL or JSON by its extension. A file with another extension may be a Compose file.
fn is_bake_file(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("hcl") || ending.eq_ignore_ascii_case("json"))
}

/// Tells whether `text` is a remote address (docker/buildx `util/urlutil/url.go`).
pub(super) fn is_remote(text: &str) -> bool {
    !text.starts_with("cwd://") && build::is_remote(text)
}
