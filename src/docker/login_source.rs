//! `LoginSource`: a place where tools keep logins, such as a file or the keyring.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::containers;
use crate::model::HelperName;
use crate::system::env::{self, Env};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LoginSource {
    /// `DOCKER_AUTH_CONFIG`
    Environment,
    Docker,
    Containers,
    Finch,
    Helm,
    Atcr,
    /// The operating system's keyring, where Docker's own helpers keep logins.
    Keyring,
    Helper(HelperName),
    File(PathBuf),
}

impl LoginSource {
    /// All sources, in the order in which an import reads them.
    pub(crate) const ALL: [Self; 7] =
        [Self::Environment, Self::Docker, Self::Containers, Self::Finch, Self::Helm, Self::Atcr, Self::Keyring];

    /// Returns the files of the source, in the order in which the source's tool reads these files. Some of the files
    /// may not exist.
    pub(crate) fn files(&self, env: &Env) -> Vec<PathBuf> {
        match self {
            Self::Environment | Self::Keyring | Self::Helper(_) => vec![],
            Self::Docker => env.docker_config_file().into_iter().collect(),
            Self::Containers => containers::lookup_files(env),
            Self::Finch => env.home().map(|home| home.join(".finch").join("config.json")).into_iter().collect(),
            Self::Helm => helm_files(env),
            Self::Atcr => env.home().map(|home| home.join(".atcr").join("device.json")).into_iter().collect(),
            Self::File(path) => vec![path.clone()],
        }
    }
}

/// Returns the possible places of Helm's login file. If `HELM_REGISTRY_CONFIG` is set, the path in this variable is the
/// only place (helm `pkg/helmpath`).
fn helm_files(env: &Env) -> Vec<PathBuf> {
    if let Some(file) = env::path("HELM_REGISTRY_CONFIG") {
        return vec![file];
    }
    let file = |folder: &Path| folder.join("registry").join("config.json");
    if let Some(folder) = env::path("HELM_CONFIG_HOME") {
        return vec![file(&folder)];
    }
    let preferences = env.home().map(|home| home.join("Library").join("Preferences"));
    let folders = [env.xdg_config_dir(), preferences, env::path("APPDATA")];
    folders.into_iter().flatten().map(|folder| file(&folder.join("helm"))).collect()
}

/// Tells whether this helper keeps its logins in the system's keyring. Docker Desktop's helper does so, except on
/// Linux.
pub(crate) fn reads_keyring(helper: &HelperName) -> bool {
    let helpers: &[&str] = match () {
        () if cfg!(windows) => &["wincred", "desktop"],
        () if cfg!(target_vendor = "apple") => &["osxkeychain", "desktop"],
        () => &["secretservice"],
    };
    helpers.contains(&helper.to_string().as_str())
}

/// Parses a source as a person types it. Any word that is not the name of a source is read as the path of a file.
impl FromStr for LoginSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "env" => Self::Environment,
            "docker" => Self::Docker,
            "containers" | "podman" => Self::Containers,
            "finch" => Self::Finch,
            "helm" => Self::Helm,
            "atcr" => Self::Atcr,
            "keyring" => Self::Keyring,
            _ => match text.strip_prefix("helper:") {
                Some(name) => {
                    Self::Helper(name.parse().map_err(|()| format!("`{name}` is not a valid name of another helper"))?)
                }
                None => Self::File(text.into()),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_named_by_a_word_or_a_path() {
        for (text, place) in [
            ("docker", LoginSource::Docker),
            ("env", LoginSource::Environment),
            ("keyring", LoginSource::Keyring),
            ("helper:pass", LoginSource::Helper("pass".parse().unwrap())),
            ("./docker", LoginSource::File("./docker".into())),
            ("auth.json", LoginSource::File("auth.json".into())),
        ] {
            assert_eq!(text.parse(), Ok(place), "{text}");
        }
        for text in ["helper:ensign", "helper:atcr", "helper:../x", "helper:"] {
            assert!(text.parse::<LoginSource>().is_err(), "{text}");
        }
    }
}
