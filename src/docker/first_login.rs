//! `FirstLogin`: finds the login that Docker or a container tool would use for a registry.
//!
//! The rules are from docker/cli `cli/config/configfile/file.go` and containers/image `pkg/docker/config/config.go`
//! (`getCredentialsWithHomeDir`).

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Serialize, Serializer};

use super::configured_helper::{self, AuthConfig, ConfiguredHelper};
use super::containers::{self, AUTH_FILES, RegistriesConf};
use super::plaintext_auths;
use super::{ClientFamily, ConfigJson};
use crate::model::{ImageReference, Registry};
use crate::system::env::Env;

/// The source of the login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum FirstLogin {
    Ensign,
    /// Another helper, which is configured in `file`.
    Helper {
        helper: String,
        #[serde(serialize_with = "as_text")]
        file: PathBuf,
    },
    /// A plain-text login in `file`.
    Login {
        #[serde(rename = "username")]
        user: String,
        #[serde(serialize_with = "as_text")]
        file: PathBuf,
    },
    /// `DOCKER_AUTH_CONFIG`.
    Variable,
    Nobody,
}

/// Serializes a path, even if its bytes are not valid UTF-8.
fn as_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

/// The places where one family of clients looks for logins: files, in the clients' order, and helpers for all
/// registries.
pub(crate) struct LoginLookup {
    reader: ClientFamily,
    /// The list of helpers in `registries.conf`. In the list of helpers, the name `containers-auth.json` represents the
    /// login files.
    helpers: Vec<String>,
    conf: PathBuf,
    files: Vec<ConfigJson>,
    variable: Option<String>,
}

impl LoginLookup {
    /// Reads the files of a family of clients. A broken login file is skipped, because other commands report this file.
    pub(crate) fn new(reader: ClientFamily, env: &Env) -> Result<Self> {
        let (paths, conf) = match reader {
            ClientFamily::Docker => (env.docker_config_file().into_iter().collect(), None),
            ClientFamily::Containers => (containers::lookup_files(env), containers::registries_conf(env)),
        };
        let files = paths.iter().filter_map(|path: &PathBuf| ConfigJson::load(path).ok()).collect();
        let loaded = conf.as_deref().map(RegistriesConf::load).transpose()?;
        let helpers = loaded.as_ref().map(RegistriesConf::helpers).unwrap_or_default();
        let helpers = helpers.into_iter().map(str::to_owned).collect();
        let variable = configured_helper::auth_config_variable().filter(|_| reader == ClientFamily::Docker);
        Ok(Self { reader, helpers, conf: conf.unwrap_or_default(), files, variable })
    }

    /// Returns the login that a client finds first, if the client looks up the registry by `name` for this image.
    pub(crate) fn first(&self, registry: &Registry, name: &str, image: Option<&ImageReference>) -> FirstLogin {
        let is_own_name = name == registry.as_str();
        let key = if is_own_name && self.reader == ClientFamily::Docker { registry.docker_key() } else { name };
        if configured_helper::auth_config(self.variable.as_deref(), key) == AuthConfig::Wins {
            return FirstLogin::Variable;
        }
        let in_files = || {
            self.files.iter().find_map(|file| {
                let login = || {
                    let user = plain(file, self.reader, registry, key, image)?;
                    Some(FirstLogin::Login { user, file: file.path().to_owned() })
                };
                from_helper(configured_helper::asked_as(file, self.reader, key), file.path()).or_else(login)
            })
        };
        let found = match self.helpers.as_slice() {
            [] => in_files(),
            helpers => helpers.iter().find_map(|helper| match helper.as_str() {
                AUTH_FILES => in_files(),
                helper => from_helper(ConfiguredHelper::named(helper), &self.conf),
            }),
        };
        found.unwrap_or(FirstLogin::Nobody)
    }
}

fn from_helper(helper: ConfiguredHelper<'_>, file: &Path) -> Option<FirstLogin> {
    match helper {
        ConfiguredHelper::Ensign | ConfiguredHelper::Pinned(_) => Some(FirstLogin::Ensign),
        ConfiguredHelper::Helper(helper) => {
            Some(FirstLogin::Helper { helper: helper.to_owned(), file: file.to_owned() })
        }
        ConfiguredHelper::PlainFile => None,
    }
}

/// Returns the user of the plain-text login that the client finds for `key`. The client first looks for a key that
/// matches exactly, and then for a key with the same host. Only the container tools prefer a key for a part of a
/// registry, such as `ghcr.io/acme`.
fn plain(
    file: &ConfigJson,
    reader: ClientFamily,
    registry: &Registry,
    key: &str,
    image: Option<&ImageReference>,
) -> Option<String> {
    let is_exact = |login: &str| {
        let path = login.strip_prefix(key).and_then(|rest| rest.strip_prefix('/'));
        let rest = path.zip(image).and_then(|(path, image)| image.repository().as_str().strip_prefix(path));
        login == key
            || (reader == ClientFamily::Containers && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    };
    let has_host = |login: &str| match reader {
        // docker/cli `cli/config/credentials/file_store.go`, `ConvertToHostname`
        ClientFamily::Docker => {
            login.split_once("://").map_or(login, |(_, address)| address).split('/').next() == Some(key)
        }
        ClientFamily::Containers => {
            login.contains("://") && Registry::spelled(login).is_some_and(|(named, _)| named == *registry)
        }
    };
    let (logins, _) = plaintext_auths::find(file);
    let logins = logins.iter().filter(|login| login.hub_token().is_none());
    let found = logins.filter(|login| is_exact(&login.key) || has_host(&login.key));
    found.max_by_key(|login| (is_exact(&login.key), login.key.len())).map(|login| login.user().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(reader: ClientFamily, helpers: &[&str], files: &[(&str, &str)]) -> LoginLookup {
        let file =
            |(path, text): &(&str, &str)| ConfigJson::parse(Path::new(path), Some(text.as_bytes().to_vec())).unwrap();
        let helpers = helpers.iter().map(|helper| (*helper).to_owned()).collect();
        LoginLookup { reader, helpers, conf: "conf".into(), files: files.iter().map(file).collect(), variable: None }
    }

    const A: &str = r#"{"auths": {"ghcr.io": {"auth": "YTpi"}}}"#;
    const PART: &str = r#"{"auths": {"ghcr.io/acme": {"auth": "YTpi"}}}"#;
    const TWO: &str = r#"{"auths": {"https://ghcr.io/v2/": {"auth": "Yjpi"}, "ghcr.io": {"auth": "YTpi"}}}"#;
    const US: &str = r#"{"credHelpers": {"ghcr.io": "ensign"}, "auths": {"ghcr.io": {"auth": "YTpi"}}}"#;

    #[test]
    fn the_first_file_that_has_anything_decides() {
        let login = |file: &str| FirstLogin::Login { user: "a".into(), file: file.into() };
        let helper = |helper: &str, file: &str| FirstLogin::Helper { helper: helper.into(), file: file.into() };
        let containers = ClientFamily::Containers;
        for (reader, helpers, files, name, expected) in [
            (containers, &[][..], &[("run", A), ("home", US)][..], "ghcr.io", login("run")),
            (containers, &[], &[("home", US), ("run", A)], "ghcr.io", FirstLogin::Ensign),
            (containers, &[], &[("run", PART), ("home", US)], "ghcr.io", login("run")),
            (containers, &["containers-auth.json", "ensign"], &[("run", A)], "ghcr.io", login("run")),
            (containers, &["ensign", "containers-auth.json"], &[("run", A)], "ghcr.io", FirstLogin::Ensign),
            (containers, &["pass"], &[("home", US)], "ghcr.io", helper("pass", "conf")),
            (containers, &[], &[("home", US)], "ghcr.io:443", FirstLogin::Nobody),
            (containers, &[], &[("docker", r#"{"credsStore": "ensign"}"#)], "ghcr.io", FirstLogin::Nobody),
            (ClientFamily::Docker, &[], &[("docker", r#"{"credsStore": "ensign"}"#)], "ghcr.io", FirstLogin::Ensign),
            (ClientFamily::Docker, &[], &[("docker", r#"{"credsStore": "x"}"#)], "ghcr.io", helper("x", "docker")),
            (ClientFamily::Docker, &[], &[("docker", A)], "ghcr.io", login("docker")),
            (ClientFamily::Docker, &[], &[("docker", PART)], "ghcr.io", login("docker")),
            (ClientFamily::Docker, &[], &[("docker", TWO)], "ghcr.io", login("docker")),
            (containers, &[], &[("run", TWO)], "ghcr.io", login("run")),
        ] {
            let image = "ghcr.io/acme/app".parse().unwrap();
            let first = lookup(reader, helpers, files).first(&Registry::from_key("ghcr.io"), name, Some(&image));
            assert_eq!(first, expected, "{helpers:?} {files:?} {name}");
        }
    }
}
