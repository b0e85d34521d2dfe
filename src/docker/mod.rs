//! Reads and changes the config files in which Docker and the container tools (Podman, Buildah, Skopeo) list credential
//! helpers.
//!
//! A change is first planned as a [`FilePlan`], and then written by [`FilePlan::apply`].

pub(crate) mod buildx;
mod config_json;
pub(crate) mod configured_helper;
pub(crate) mod containers;
mod daemon_json;
pub(crate) mod export;
mod file_plan;
pub(crate) mod first_login;
pub(crate) mod hooks;
mod json_edit;
pub(crate) mod login_source;
pub(crate) mod logins;
pub(crate) mod pins;
pub(crate) mod plaintext_auths;
#[cfg(any(test, fuzzing))]
pub(crate) mod properties;
pub(crate) mod setup;

pub(crate) use config_json::{ConfigJson, ConfigSyntaxError};
pub(crate) use daemon_json::insecure_registries;
pub(crate) use file_plan::{FileChangedError, FilePlan, PlannedChange, until_unchanged};

/// Ensign's name in `credHelpers`, without the prefix `docker-credential-` of the program's name.
pub(crate) const HELPER: &str = "ensign";

/// The size limit of a file, in bytes. A plain-text login in a file needs a few hundred bytes.
pub(crate) const LIMIT: u64 = 4 << 20;

/// The family of clients that read a file. The two families use different keys for Docker Hub, and only Docker's family
/// reads `credsStore`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientFamily {
    /// Docker, Compose, buildx and other readers of `~/.docker/config.json`.
    Docker,
    /// Podman, Buildah and Skopeo with their `auth.json`.
    Containers,
}
