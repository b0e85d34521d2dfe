//! `ConfiguredHelper`: finds the helper from which Docker gets a registry's login, and tells whether Docker finds
//! Ensign.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::plaintext_auths::decode;
use super::{ClientFamily, ConfigJson, HELPER};
use crate::model::Registry;
use crate::system::env::{self, Env};
use crate::system::{files, find_program};

/// The program that Docker runs for the helper `ensign`.
pub(crate) const PROGRAM: &str = "docker-credential-ensign";

/// Returns the helper that a client asks for a registry. `credHelpers` takes precedence over `credsStore`. The
/// container tools ignore `credsStore`. If the helper's name is empty, the login is in `auths` (docker/cli
/// `cli/config/configfile/file.go`, `getConfiguredCredentialStore`).
pub(crate) fn asked<'a>(file: &'a ConfigJson, reader: ClientFamily, registry: &Registry) -> ConfiguredHelper<'a> {
    asked_as(file, reader, if reader == ClientFamily::Docker { registry.docker_key() } else { registry.as_str() })
}

/// Returns the helper that a client asks for exactly this key.
pub(crate) fn asked_as<'a>(file: &'a ConfigJson, reader: ClientFamily, key: &str) -> ConfiguredHelper<'a> {
    let store = || file.store().filter(|_| reader == ClientFamily::Docker);
    ConfiguredHelper::named(file.helper(key).or_else(store).unwrap_or_default())
}

/// Returns the helper in the entry for exactly this key, if the helper is not Ensign.
pub(crate) fn other<'a>(file: &'a ConfigJson, key: &str) -> Option<&'a str> {
    file.helper(key).filter(|helper| matches!(ConfiguredHelper::named(helper), ConfiguredHelper::Helper(_)))
}

/// Tells whether Docker asks Ensign for this registry.
pub(crate) fn asks_us(file: &ConfigJson, registry: &Registry) -> bool {
    asked(file, ClientFamily::Docker, registry).is_ensign()
}

/// The source from which a client gets a registry's login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConfiguredHelper<'a> {
    Ensign,
    /// A pinned helper of Ensign.
    Pinned(&'a str),
    /// Another `docker-credential-…` program.
    Helper(&'a str),
    /// The client asks no helper, and reads the login from `auths`.
    PlainFile,
}

impl<'a> ConfiguredHelper<'a> {
    /// Reads the name of a helper. An empty name means that the client asks no helper.
    pub(crate) fn named(helper: &'a str) -> Self {
        match helper.strip_prefix(HELPER) {
            _ if helper.is_empty() => Self::PlainFile,
            Some("") => Self::Ensign,
            Some(rest) if let Some(alias) = rest.strip_prefix('-') => Self::Pinned(alias),
            _ => Self::Helper(helper),
        }
    }

    pub(crate) fn is_ensign(self) -> bool {
        matches!(self, Self::Ensign | Self::Pinned(_))
    }
}

/// The effect of `DOCKER_AUTH_CONFIG` on a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AuthConfig {
    /// The variable is not set, or has no login for the registry.
    Silent,
    /// The login in the variable is used instead of the helper's login.
    Wins,
    /// Docker cannot parse the variable, and prints a warning in each command. Some other programs can parse the
    /// variable.
    Unreadable,
}

/// Reads `DOCKER_AUTH_CONFIG` as Docker does since version 28.3 (docker/cli `cli/config/configfile/file.go`,
/// `parseEnvConfig`). Only the field `auth` is allowed, and keys must match exactly.
pub(crate) fn auth_config(value: Option<&str>, key: &str) -> AuthConfig {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct AuthConfigVariable {
        auths: Option<BTreeMap<String, AuthConfigEntry>>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct AuthConfigEntry {
        auth: String,
    }
    let Some(value) = value.filter(|value| !value.trim().is_empty()) else { return AuthConfig::Silent };
    let Ok(AuthConfigVariable { auths }) = serde_json::from_str(value) else { return AuthConfig::Unreadable };
    let auths = auths.unwrap_or_default();
    if auths.values().any(|AuthConfigEntry { auth }| decode(auth).is_err()) {
        AuthConfig::Unreadable
    } else if auths.contains_key(key) {
        AuthConfig::Wins
    } else {
        AuthConfig::Silent
    }
}

/// Returns the value of `DOCKER_AUTH_CONFIG`, which contains secrets.
pub(crate) fn auth_config_variable() -> Option<String> {
    env::variable("DOCKER_AUTH_CONFIG").map(|value| value.to_string_lossy().into_owned())
}

/// Tells whether Docker would find Ensign's program.
pub(crate) fn docker_finds_us() -> bool {
    find_program(PROGRAM).is_some()
}

/// Tells whether the program `docker` is a snap. A snap has its own config. A snap cannot start a program outside the
/// snap's folders, and thus cannot ask a helper (canonical/docker-snap, issues 10 and 19).
pub(crate) fn docker_is_a_snap() -> bool {
    let program = find_program("docker").and_then(|path| path.canonicalize().ok());
    program.is_some_and(|path| path.ends_with("usr/bin/snap") || path.starts_with("/snap"))
}

/// Tells whether the snap's config has a login under each key. The command of [`snap_command`] writes logins under
/// these keys.
pub(crate) fn snap_has_logins<'k>(env: &Env, mut keys: impl Iterator<Item = &'k str>) -> bool {
    let path = env.home().map(|home| home.join(SNAP_CONFIG)).filter(|path| path.is_file());
    let file = path.and_then(|path| ConfigJson::load(&path).ok());
    file.is_some_and(|file| keys.all(|key| file.logins().any(|(name, _)| name == key)))
}

/// The config file of Docker's snap, relative to the home folder.
const SNAP_CONFIG: &str = "snap/docker/current/.docker/config.json";

/// Returns the command that writes logins to the snap's config.
pub(crate) fn snap_command(program: &str) -> String {
    format!("{program} export --all --format auth.json -o ~/{SNAP_CONFIG}")
}

/// Tells whether this user has no access to Docker's daemon. A user without access to the daemon types `sudo docker`.
pub(crate) fn docker_needs_sudo(env: &Env) -> bool {
    let named = env::variable("DOCKER_HOST").map(|address| address.to_string_lossy().into_owned());
    let rootless = || env.runtime_dir().map(|folder| folder.join("docker.sock")).filter(|socket| socket.exists());
    let socket = match &named {
        Some(address) => address.strip_prefix("unix://").map(PathBuf::from),
        None => rootless().or_else(|| Some("/var/run/docker.sock".into())),
    };
    socket.is_some_and(|socket| socket.exists() && !files::may_write(&socket))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn an_entry_goes_before_the_store() {
        for (text, docker, containers) in [
            ("{}", ConfiguredHelper::PlainFile, ConfiguredHelper::PlainFile),
            (r#"{"credsStore": "ensign"}"#, ConfiguredHelper::Ensign, ConfiguredHelper::PlainFile),
            (r#"{"credsStore": "desktop"}"#, ConfiguredHelper::Helper("desktop"), ConfiguredHelper::PlainFile),
            (
                r#"{"credsStore": "desktop", "credHelpers": {"ghcr.io": "ensign"}}"#,
                ConfiguredHelper::Ensign,
                ConfiguredHelper::Ensign,
            ),
            (
                r#"{"credsStore": "ensign", "credHelpers": {"ghcr.io": ""}}"#,
                ConfiguredHelper::PlainFile,
                ConfiguredHelper::PlainFile,
            ),
            (
                r#"{"credsStore": "ensign", "credHelpers": {"ghcr.io": "gh"}}"#,
                ConfiguredHelper::Helper("gh"),
                ConfiguredHelper::Helper("gh"),
            ),
            (
                r#"{"credHelpers": {"ghcr.io": "ensign-work"}}"#,
                ConfiguredHelper::Pinned("work"),
                ConfiguredHelper::Pinned("work"),
            ),
            (
                r#"{"credHelpers": {"ghcr.io": "ensigns"}}"#,
                ConfiguredHelper::Helper("ensigns"),
                ConfiguredHelper::Helper("ensigns"),
            ),
            (r#"{"credHelpers": {"ghcr.io:443": "ensign"}}"#, ConfiguredHelper::PlainFile, ConfiguredHelper::PlainFile),
        ] {
            let file = ConfigJson::parse(Path::new("config.json"), Some(text.into())).unwrap();
            let ghcr = Registry::from_key("ghcr.io");
            assert_eq!(asked(&file, ClientFamily::Docker, &ghcr), docker, "{text}");
            assert_eq!(asked(&file, ClientFamily::Containers, &ghcr), containers, "{text}");
        }
    }

    #[test]
    fn each_family_asks_for_docker_hub_under_its_own_name() {
        for (key, docker, containers) in [
            ("https://index.docker.io/v1/", ConfiguredHelper::Ensign, ConfiguredHelper::PlainFile),
            ("docker.io", ConfiguredHelper::PlainFile, ConfiguredHelper::Ensign),
        ] {
            let text = format!(r#"{{"credHelpers": {{"{key}": "ensign"}}}}"#);
            let file = ConfigJson::parse(Path::new("config.json"), Some(text.into())).unwrap();
            assert_eq!(asked(&file, ClientFamily::Docker, &Registry::docker_hub()), docker);
            assert_eq!(asked(&file, ClientFamily::Containers, &Registry::docker_hub()), containers);
            assert_eq!(asks_us(&file, &Registry::docker_hub()), docker == ConfiguredHelper::Ensign);
        }
    }

    #[test]
    fn the_variable_wins_only_in_dockers_exact_form() {
        for (value, ghcr, hub) in [
            ("", AuthConfig::Silent, AuthConfig::Silent),
            ("{}", AuthConfig::Silent, AuthConfig::Silent),
            (r#"{"auths": {"ghcr.io": {"auth": "YTpi"}}}"#, AuthConfig::Wins, AuthConfig::Silent),
            (r#"{"auths": {"https://index.docker.io/v1/": {"auth": "YTpi"}}}"#, AuthConfig::Silent, AuthConfig::Wins),
            (r#"{"auths": {"docker.io": {"auth": "YTpi"}}}"#, AuthConfig::Silent, AuthConfig::Silent),
            (r#"{"auths": {"ghcr.io": {"auth": "%"}}}"#, AuthConfig::Unreadable, AuthConfig::Unreadable),
            (r#"{"auths": {"ghcr.io": {"auth": ""}}}"#, AuthConfig::Unreadable, AuthConfig::Unreadable),
            (r#"{"auths": {}, "credsStore": "x"}"#, AuthConfig::Unreadable, AuthConfig::Unreadable),
            ("nonsense", AuthConfig::Unreadable, AuthConfig::Unreadable),
        ] {
            assert_eq!(auth_config(Some(value), "ghcr.io"), ghcr, "{value}");
            assert_eq!(auth_config(Some(value), Registry::HUB_SERVER_URL), hub, "{value}");
        }
        assert_eq!(auth_config(None, Registry::HUB_SERVER_URL), AuthConfig::Silent);
    }
}
