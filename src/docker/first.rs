//! Who goes first: where a client of either family finds a login for a registry, before anybody else is asked.
//!
//! docker/cli `cli/config/configfile/file.go`; containers/image `pkg/docker/config/config.go`, `getCredentialsWithHomeDir`.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::containers::{self, AUTH_FILES, RegistriesConf};
use super::leftovers;
use super::state::{self, Asked, AuthConfig};
use super::{ConfigJson, HELPER, Reader};
use crate::model::{ImageReference, Registry};
use crate::system::env::Env;

/// Whose login is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum First {
    Ensign,
    /// Another helper, named in this file.
    Helper {
        helper: String,
        file: PathBuf,
    },
    /// A login that lies in this file in clear.
    Login {
        user: String,
        file: PathBuf,
    },
    /// `DOCKER_AUTH_CONFIG`.
    Variable,
    Nobody,
}

/// The files of one family in the order in which they are looked at, and the helpers that are asked for every registry.
pub(crate) struct Lookup {
    reader: Reader,
    /// In `registries.conf`; the files have a name among them.
    helpers: Vec<String>,
    conf: PathBuf,
    files: Vec<ConfigJson>,
    variable: Option<String>,
}

impl Lookup {
    /// Reads the files of a family. One that is broken says nothing here; its own command names it.
    pub(crate) fn of(reader: Reader, env: &Env) -> Result<Self> {
        let (paths, conf) = match reader {
            Reader::Docker => (env.docker_config_file().into_iter().collect(), None),
            Reader::Containers => (containers::lookup_files(env), containers::registries_conf(env)),
        };
        let files = paths.iter().filter_map(|path: &PathBuf| ConfigJson::load(path).ok()).collect();
        let loaded = conf.as_deref().map(RegistriesConf::load).transpose()?;
        let helpers = loaded.as_ref().and_then(RegistriesConf::helpers).unwrap_or_default();
        let helpers = helpers.into_iter().map(str::to_owned).collect();
        let variable = state::auth_config_variable().filter(|_| reader == Reader::Docker);
        Ok(Self { reader, helpers, conf: conf.unwrap_or_default(), files, variable })
    }

    /// Who goes first for a registry under this name, and for this image of it.
    pub(crate) fn first(&self, registry: &Registry, name: &str, image: Option<&ImageReference>) -> First {
        let is_own_name = name == registry.as_str();
        let key = if is_own_name && self.reader == Reader::Docker { registry.docker_key() } else { name };
        if state::auth_config(self.variable.as_deref(), key) == AuthConfig::Wins {
            return First::Variable;
        }
        if self.helpers.is_empty() {
            return self.in_files(registry, key, image);
        }
        let asked = self.helpers.iter().map(|helper| match helper.as_str() {
            AUTH_FILES => self.in_files(registry, key, image),
            helper => asked_first(helper, &self.conf),
        });
        asked.into_iter().find(|first| *first != First::Nobody).unwrap_or(First::Nobody)
    }

    fn in_files(&self, registry: &Registry, key: &str, image: Option<&ImageReference>) -> First {
        for file in &self.files {
            match state::asked_as(file, self.reader, key) {
                Asked::Us | Asked::Pinned(_) => return First::Ensign,
                Asked::Helper(helper) => {
                    return First::Helper { helper: helper.to_owned(), file: file.path().to_owned() };
                }
                Asked::PlainFile => {}
            }
            if let Some(user) = plain(file, self.reader, registry, key, image) {
                return First::Login { user, file: file.path().to_owned() };
            }
        }
        First::Nobody
    }
}

fn asked_first(helper: &str, file: &Path) -> First {
    let is_ours = helper == HELPER || helper.strip_prefix(HELPER).is_some_and(|rest| rest.starts_with('-'));
    if is_ours { First::Ensign } else { First::Helper { helper: helper.to_owned(), file: file.to_owned() } }
}

/// The user of a login in clear. Only the containers tools know keys for a part of a registry.
fn plain(
    file: &ConfigJson,
    reader: Reader,
    registry: &Registry,
    key: &str,
    image: Option<&ImageReference>,
) -> Option<String> {
    let (logins, _) = leftovers::find(file);
    let covers = |login: &str| match (reader, login.split_once('/')) {
        _ if login == key => true,
        (_, _) if login.contains("://") => Registry::spelled(login).is_some_and(|(named, _)| named == *registry),
        (Reader::Containers, Some((host, path))) => image.is_some_and(|image| {
            let repository = image.repository().as_str();
            let rest = repository.strip_prefix(path);
            host == key && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }),
        _ => false,
    };
    let closest = logins.iter().filter(|login| covers(&login.key) && login.hub_token().is_none());
    closest.max_by_key(|login| login.key.len()).map(|login| login.user().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(reader: Reader, helpers: &[&str], files: &[(&str, &str)]) -> Lookup {
        let file =
            |(path, text): &(&str, &str)| ConfigJson::parse(Path::new(path), Some(text.as_bytes().to_vec())).unwrap();
        let helpers = helpers.iter().map(|helper| (*helper).to_owned()).collect();
        Lookup { reader, helpers, conf: "conf".into(), files: files.iter().map(file).collect(), variable: None }
    }

    const A: &str = r#"{"auths": {"ghcr.io": {"auth": "YTpi"}}}"#;
    const PART: &str = r#"{"auths": {"ghcr.io/acme": {"auth": "YTpi"}}}"#;
    const US: &str = r#"{"credHelpers": {"ghcr.io": "ensign"}, "auths": {"ghcr.io": {"auth": "YTpi"}}}"#;

    #[test]
    fn the_first_file_that_has_anything_decides() {
        let login = |file: &str| First::Login { user: "a".into(), file: file.into() };
        let helper = |helper: &str, file: &str| First::Helper { helper: helper.into(), file: file.into() };
        let containers = Reader::Containers;
        for (reader, helpers, files, name, expected) in [
            (containers, &[][..], &[("run", A), ("home", US)][..], "ghcr.io", login("run")),
            (containers, &[], &[("home", US), ("run", A)], "ghcr.io", First::Ensign),
            (containers, &[], &[("run", PART), ("home", US)], "ghcr.io", login("run")),
            (containers, &["containers-auth.json", "ensign"], &[("run", A)], "ghcr.io", login("run")),
            (containers, &["ensign", "containers-auth.json"], &[("run", A)], "ghcr.io", First::Ensign),
            (containers, &["pass"], &[("home", US)], "ghcr.io", helper("pass", "conf")),
            (containers, &[], &[("home", US)], "ghcr.io:443", First::Nobody),
            (containers, &[], &[("docker", r#"{"credsStore": "ensign"}"#)], "ghcr.io", First::Nobody),
            (Reader::Docker, &[], &[("docker", r#"{"credsStore": "ensign"}"#)], "ghcr.io", First::Ensign),
            (Reader::Docker, &[], &[("docker", r#"{"credsStore": "x"}"#)], "ghcr.io", helper("x", "docker")),
            (Reader::Docker, &[], &[("docker", A)], "ghcr.io", login("docker")),
            (Reader::Docker, &[], &[("docker", PART)], "ghcr.io", First::Nobody),
        ] {
            let image = "ghcr.io/acme/app".parse().unwrap();
            let first = lookup(reader, helpers, files).first(&Registry::from_key("ghcr.io"), name, Some(&image));
            assert_eq!(first, expected, "{helpers:?} {files:?} {name}");
        }
    }
}
