//! `Env`: the environment of this process, which is read once and passed on as a value. Only this file uses
//! `directories`.
//!
//! | Variable | Meaning |
//! | --- | --- |
//! | `ENSIGN_CONFIG_DIR` | the absolute path of the folder of `config.json`, instead of the platform's folder |
//! | `ENSIGN_DATA_DIR` | the absolute path of the folder of `secrets/`, instead of the platform's folder |
//! | `ENSIGN_ACCOUNT` | the account to use, as `alias` or `host=alias,host=alias` |
//! | `ENSIGN_ACCOUNTS_FILE` | a file that contains accounts with their secrets, such as on a CI machine |
//! | `ENSIGN_LOGIN_…` | an account: a registry or pattern, a user name and a secret, separated by blanks |
//! | `ENSIGN_STORE` | the store for the secrets of new accounts, instead of the store in the config |
//! | `ENSIGN_JOURNAL` | `off` turns off the journal that `ensign why` shows |
//! | `DOCKER_CONFIG` | the folder of Docker's `config.json` |
//! | `REGISTRY_AUTH_FILE`, `XDG_CONFIG_HOME`, `XDG_RUNTIME_DIR` | where the container tools look for their files; the journal is in `XDG_RUNTIME_DIR` |
//! | `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY` | the proxies for requests, which `system/http/proxy.rs` reads |
//! | `SSL_CERT_FILE`, `SSL_CERT_DIR` | on Linux, the authorities that replace the system's authorities |
//! | `CREDENTIALS_DIRECTORY` | the folder with a systemd service's credentials, if Ensign runs in a service |
//! | `NO_COLOR` | turns colours off |
//!
//! If a client calls Ensign, each variable is read with its value at the client's start (`client_env`).

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::Result;
use zeroize::Zeroizing;

use super::text::one_line;
use super::{client_env, files, text};
use crate::model::Problem;
use crate::model::env_account::{self, EnvAccount};

/// The environment of this process. Tests build an `Env` instead of mocking the environment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Env {
    /// The folder of Ensign's `config.json`; `None` if the user has no home folder.
    pub(crate) config_dir: Option<PathBuf>,
    /// The folder that contains Ensign's `secrets/`.
    pub(crate) data_dir: Option<PathBuf>,
    /// The home folder, which is looked up on demand because `get` seldom needs it.
    home: OnceCell<Option<PathBuf>>,
    pub(crate) account: Option<String>,
    /// The folder of Docker's `config.json`, if `docker --config` was given.
    docker_config: Option<PathBuf>,
    /// The accounts from the environment, which are read once on demand.
    mounted: OnceCell<Rc<[EnvAccount]>>,
}

const ACCOUNTS_FILE: &str = "ENSIGN_ACCOUNTS_FILE";
const LOGIN: &str = "ENSIGN_LOGIN_";
const ACCOUNTS_LIMIT: u64 = 4 << 20;

impl Env {
    /// Reads the values that every command needs. All other values are read on demand.
    pub(crate) fn take() -> Result<Self, Problem> {
        Ok(Self {
            config_dir: absolute("ENSIGN_CONFIG_DIR")?.or_else(config_dir),
            data_dir: absolute("ENSIGN_DATA_DIR")?.or_else(data_dir),
            account: variable("ENSIGN_ACCOUNT").map(|value| value.to_string_lossy().into_owned()),
            ..Self::default()
        })
    }

    /// Sets the folder from `docker --config`, which overrides `DOCKER_CONFIG`.
    pub(crate) fn with_docker_config(self, folder: Option<PathBuf>) -> Self {
        Self { docker_config: folder, ..self }
    }

    /// Returns the folder from `docker --config`.
    pub(crate) fn docker_config_option(&self) -> Option<&Path> {
        self.docker_config.as_deref()
    }

    /// Returns the user's home folder. On Windows the home folder is the value of `USERPROFILE`, as for Docker.
    pub(crate) fn home(&self) -> Option<&Path> {
        self.home.get_or_init(home_dir).as_deref()
    }

    /// Returns the accounts from the environment variables and from this machine's accounts file.
    pub(crate) fn mounted(&self) -> Result<&[EnvAccount]> {
        if let Some(mounted) = self.mounted.get() {
            return Ok(mounted);
        }
        let read = Rc::from(read_mounted()?);
        Ok(self.mounted.get_or_init(|| read))
    }

    #[cfg(test)]
    pub(crate) fn at_home(home: &str) -> Self {
        Self { home: OnceCell::from(Some(home.into())), ..Self::default() }
    }

    /// Creates an environment with all folders in `folder` and with the accounts `mounted`.
    #[cfg(test)]
    pub(crate) fn in_folder(folder: &Path, mounted: Vec<EnvAccount>) -> Self {
        let [config_dir, data_dir] = ["config", "data"].map(|name| Some(folder.join(name)));
        let (home, mounted) = (OnceCell::from(Some(folder.to_owned())), OnceCell::from(Rc::from(mounted)));
        Self { config_dir, data_dir, home, mounted, ..Self::default() }
    }

    /// Returns the folder of Docker's `config.json`.
    pub(crate) fn docker_config_dir(&self) -> Option<PathBuf> {
        let named = self.docker_config.clone().or_else(|| path("DOCKER_CONFIG"));
        named.or_else(|| self.home().map(|home| home.join(".docker")))
    }

    /// Returns the path of Docker's `config.json`.
    pub(crate) fn docker_config_file(&self) -> Option<PathBuf> {
        self.docker_config_dir().map(|folder| folder.join("config.json"))
    }

    /// Returns the user's runtime folder (XDG Base Directory Specification). The folder is in memory, and the system
    /// removes it at the end of the user's session.
    pub(crate) fn runtime_dir(&self) -> Option<PathBuf> {
        // The present value of `XDG_RUNTIME_DIR` is enough, because Ensign checks the owner of its files in the folder.
        // With `variable`, Ensign would examine its caller each time a client calls, because every session sets
        // `XDG_RUNTIME_DIR`.
        present("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_absolute())
    }

    /// Returns the folder of the journal: the runtime folder, or the user's own folder for temporary files on a system
    /// without runtime folders.
    pub(crate) fn journal_dir(&self) -> Option<PathBuf> {
        let temporary = || cfg!(any(windows, target_os = "macos")).then(std::env::temp_dir);
        self.runtime_dir().or_else(temporary)
    }

    /// Tells whether `ENSIGN_JOURNAL` turns the journal off.
    pub(crate) fn forbids_journal(&self) -> bool {
        variable("ENSIGN_JOURNAL").is_some_and(|value| value == "off" || value == "0")
    }

    /// Returns the folder in which the container tools (Podman, Buildah, Skopeo) look for `containers/`.
    pub(crate) fn xdg_config_dir(&self) -> Option<PathBuf> {
        path("XDG_CONFIG_HOME").or_else(|| self.home().map(|home| home.join(".config")))
    }

    /// Returns the user's folder `certs.d`, which the rootless Docker daemon or Docker Desktop reads.
    pub(crate) fn certificates_dir(&self) -> Option<PathBuf> {
        if cfg!(target_os = "linux") {
            return self.xdg_config_dir().map(|folder| folder.join("docker/certs.d"));
        }
        self.home().map(|home| home.join(".docker/certs.d"))
    }

    /// Replaces `~` at the beginning of a path by the home folder.
    pub(crate) fn expand_home(&self, folder: &str) -> PathBuf {
        let rest = folder.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with(['/', '\\']));
        match rest.and_then(|rest| Some((self.home()?, rest.trim_start_matches(['/', '\\'])))) {
            Some((home, "")) => home.to_owned(),
            Some((home, rest)) => home.join(rest).components().collect(), // converts the separators
            None => PathBuf::from(folder),
        }
    }

    /// Returns a path as a person reads it, with `~` for the home folder. The separator after `~` is `/` on every
    /// platform, as in shells and portable configs.
    pub(crate) fn shorten_home(&self, path: &Path) -> String {
        let Some(inside) = self.home().and_then(|home| path.strip_prefix(home).ok()) else {
            return path.display().to_string();
        };
        let parts = inside.components().map(|part| part.as_os_str().to_string_lossy());
        std::iter::once("~".into()).chain(parts).collect::<Vec<_>>().join("/")
    }

    /// Returns a path as a word of a shell command. A path that needs quotes is not shortened, because a shell does not
    /// replace `~` inside quotes.
    pub(crate) fn quote_path(&self, path: &Path) -> String {
        let shown = self.shorten_home(path);
        let is_plain = matches!(text::quote(shown.trim_start_matches("~/")), Cow::Borrowed(_));
        if is_plain { shown } else { text::quote_path(path) }
    }
}

/// Returns a variable's value at the start of the calling client; `None` if the variable was unset or empty.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    let value = client_env::value(OsStr::new(name), present(name)?)?;
    Some(value).filter(|value| !value.is_empty())
}

/// Returns a variable's present value, which the client may have changed; `None` if the variable is unset or empty.
#[expect(clippy::disallowed_methods, reason = "only this file reads the environment")]
pub(crate) fn present(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Returns all variables with their present values, which the client may have changed.
#[expect(clippy::disallowed_methods, reason = "only this file reads the environment")]
pub(crate) fn all() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os()
}

/// Returns the absolute path in a variable. A relative path is refused, because the current folder may contain a
/// stranger's files.
fn absolute(name: &str) -> Result<Option<PathBuf>, Problem> {
    let Some(path) = path(name) else { return Ok(None) };
    if path.is_absolute() {
        return Ok(Some(path));
    }
    let what = format!("{name} is not an absolute path: `{}`", one_line(&path.to_string_lossy(), 200));
    Err(Problem::new(what, format!("run `unset {name}`, or set it to an absolute path")))
}

#[cfg(all(unix, not(target_vendor = "apple")))]
fn config_dir() -> Option<PathBuf> {
    folder("XDG_CONFIG_HOME", ".config")
}

#[cfg(all(unix, not(target_vendor = "apple")))]
fn data_dir() -> Option<PathBuf> {
    folder("XDG_DATA_HOME", ".local/share")
}

/// Returns the folder `ensign` in the folder that `variable` names, or else in `below_home` of the home folder. As the
/// XDG Base Directory Specification requires, a relative path in a variable is ignored. The crate `directories` is not
/// used here, because it looks up eight more folders.
#[cfg(all(unix, not(target_vendor = "apple")))]
fn folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    let named = path(variable).filter(|folder| folder.is_absolute());
    Some(named.or_else(|| Some(home_dir()?.join(below_home)))?.join("ensign"))
}

#[cfg(any(not(unix), target_vendor = "apple"))]
fn config_dir() -> Option<PathBuf> {
    Some(project_dirs()?.config_dir().to_owned())
}

#[cfg(any(not(unix), target_vendor = "apple"))]
fn data_dir() -> Option<PathBuf> {
    Some(project_dirs()?.data_local_dir().to_owned())
}

#[cfg(any(not(unix), target_vendor = "apple"))]
fn project_dirs() -> Option<directories::ProjectDirs> {
    home_dir()?; // the crate accepts a relative home folder
    directories::ProjectDirs::from("", "", "ensign")
}

fn read_mounted() -> Result<Vec<EnvAccount>> {
    let mut found = Vec::new();
    if let Some(path) = absolute(ACCOUNTS_FILE)? {
        let shown = path.display();
        let wrong = |why: String| {
            Problem::new(
                format!("`{shown}`, which {ACCOUNTS_FILE} names, {why}"),
                "docs/ci.md shows the form of the file",
            )
        };
        let bytes = files::read_any(&path, ACCOUNTS_LIMIT)?.ok_or_else(|| wrong("is not there".into()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        found = env_account::read_file(&Zeroizing::new(bytes), folder)
            .map_err(|why| wrong(format!("is wrong in {why}")))?;
    }
    let mut variables: Vec<_> = all()
        .filter_map(|(name, value)| {
            let login = without_prefix(name.to_str()?, LOGIN)?.to_owned();
            let value = Some(value).filter(|value| !value.is_empty())?;
            Some((login, client_env::value(&name, value)?))
        })
        .collect();
    variables.sort_unstable();
    for (name, value) in variables {
        let read = env_account::read_variable(&name, &value.to_string_lossy());
        found.push(read.map_err(|why| {
            Problem::new(
                format!("{LOGIN}{name} is not an account: {why}"),
                "write the variable as `ghcr.io/acme/** USER SECRET`",
            )
        })?);
    }
    Ok(found)
}

/// Returns the names of Ensign's own variables. Other programs do not get these variables, because some of the
/// variables contain secrets.
pub(crate) fn ours() -> impl Iterator<Item = String> {
    all().filter_map(|(name, _)| name.into_string().ok()).filter(|name| is_ours(name))
}

fn is_ours(name: &str) -> bool {
    without_prefix(name, "ENSIGN_").is_some()
}

/// Removes a prefix of a variable's name. On Windows, upper and lower case are the same in such a name.
fn without_prefix<'n>(name: &'n str, prefix: &str) -> Option<&'n str> {
    let (start, rest) = name.split_at_checked(prefix.len())?;
    (start == prefix || cfg!(windows) && start.eq_ignore_ascii_case(prefix)).then_some(rest)
}

/// Returns a variable's value even if the value is empty, because some files treat empty and unset variables
/// differently. Ensign's own variables are left out, because they may contain secrets.
#[expect(clippy::disallowed_methods, reason = "only this file reads the environment")]
pub(crate) fn text(name: &str) -> Option<String> {
    std::env::var_os(name).filter(|_| !is_ours(name))?.into_string().ok()
}

/// Returns the path in a variable.
pub(crate) fn path(name: &str) -> Option<PathBuf> {
    variable(name).map(PathBuf::from)
}

/// Returns the home folder. If `HOME` is unset, the folder is read from the system's record of the current user. A
/// relative path is ignored, because the current folder may belong to a stranger.
pub(crate) fn home_dir() -> Option<PathBuf> {
    std::env::home_dir().filter(|home| home.is_absolute())
}

/// Returns the current folder, which this process inherits from its caller.
pub(crate) fn current_dir() -> Option<PathBuf> {
    std::env::current_dir().ok()
}

/// Returns the path of this program's file with symbolic links resolved.
pub(crate) fn program() -> Option<PathBuf> {
    canonical(&std::env::current_exe().ok()?)
}

/// Returns a path with symbolic links resolved, as other programs understand it.
pub(crate) fn canonical(path: &Path) -> Option<PathBuf> {
    let path = path.canonicalize().ok()?;
    Some(without_verbatim(&path.to_string_lossy()).map_or(path, PathBuf::from))
}

/// Returns a Windows path without the prefix `\\?\`, which most programs do not understand.
fn without_verbatim(path: &str) -> Option<String> {
    let path = path.strip_prefix(r"\\?\")?;
    match path.strip_prefix(r"UNC\") {
        Some(share) => Some(format!(r"\\{share}")),
        None => Some(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_windows_path_is_shown_without_its_prefix() {
        for (path, shown) in [
            (r"\\?\C:\Users\me\ensign.exe", Some(r"C:\Users\me\ensign.exe")),
            (r"\\?\UNC\host\share\ensign.exe", Some(r"\\host\share\ensign.exe")),
            ("/usr/bin/ensign", None),
        ] {
            assert_eq!(without_verbatim(path).as_deref(), shown);
        }
    }

    #[test]
    fn the_home_folder_is_written_as_a_tilde() {
        let env = Env::at_home("/home/me");
        for (short, long) in
            [("~", "/home/me"), ("~/src", "/home/me/src"), ("/srv/src", "/srv/src"), ("~other", "~other")]
        {
            assert_eq!(env.expand_home(short), PathBuf::from(long));
        }
        for (long, short) in [("/home/me", "~"), ("/home/me/src/a b", "~/src/a b"), ("/home/you", "/home/you")] {
            assert_eq!(env.shorten_home(Path::new(long)), short);
        }
        for (long, word) in [("/home/me/src", "~/src"), ("/home/me/a b", "'/home/me/a b'"), ("/srv/a b", "'/srv/a b'")]
        {
            assert_eq!(env.quote_path(Path::new(long)), word);
        }
    }
}
