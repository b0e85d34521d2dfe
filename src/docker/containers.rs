//! Reads and changes the files of Podman, Buildah and Skopeo.
//!
//! As in Docker's file, Ensign adds one entry for each registry to `credHelpers` of `auth.json`. If a registry has an
//! entry, the command `login` of the container tools stores the password in Ensign. The container tools read Docker's
//! `config.json` too. However, an entry only in Docker's file is not enough, because `login` would then write the
//! password to `auth.json` (containers/image `pkg/docker/config/config.go`).
//!
//! The list `credential-helpers` in the user's `registries.conf` applies to every registry. A list in the user's file
//! disables the list in the machine's file. Therefore Ensign edits `credential-helpers` only if the list is already in
//! the user's file. The tools ask the helpers in this list in order. The tools read `auth.json` only if the list
//! contains `containers-auth.json`.

use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::Result;
use toml_edit::{Array, Document, RawString, Value};

use super::configured_helper::ConfiguredHelper;
use super::file_plan::BackupRule;
use super::logins::shown;
use super::{ConfigJson, ConfigSyntaxError, FilePlan, HELPER, LIMIT, PlannedChange};
use crate::model::Problem;
use crate::system::env::{self, Env};
use crate::system::{files, find_program};

/// Tells whether Podman, Buildah or Skopeo is on `PATH`, or whether an `auth.json` exists.
pub(crate) fn are_found(env: &Env) -> bool {
    ["podman", "buildah", "skopeo"].iter().any(|name| find_program(name).is_some())
        || auth_file(env).is_some_and(|path| path.exists())
}

/// A key of `credHelpers` that begins with a scheme. If a file has such a key, `podman --remote` sends no login at all
/// (containers/image `pkg/docker/config/config.go`, `GetAllCredentials`). On macOS and Windows, Podman is always remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RefusedKey {
    pub(crate) key: String,
    /// Whether the key's helper is Ensign. Ensign does not change the key of another program.
    pub(crate) is_ours: bool,
}

/// Returns the keys that make `podman --remote` fail. Ensign's own keys are first.
pub(crate) fn keys_that_podman_refuses(file: &ConfigJson) -> Vec<RefusedKey> {
    let refused = file.helpers().filter(|(key, _)| has_scheme(key));
    let mut keys: Vec<_> =
        refused.map(|(key, helper)| RefusedKey { key: shown(key), is_ours: helper == HELPER }).collect();
    keys.sort_by_key(|key| !key.is_ours);
    keys
}

/// Tells whether a key of `credHelpers` is a URL, and not the name of a registry.
pub(super) fn has_scheme(key: &str) -> bool {
    key.starts_with("https://") || key.starts_with("http://")
}

/// Returns the path of the `auth.json` to which Ensign adds entries. Ensign does not use the `auth.json` under
/// `XDG_RUNTIME_DIR`, because that file is lost at a restart.
pub(crate) fn auth_file(env: &Env) -> Option<PathBuf> {
    Some(env.xdg_config_dir()?.join("containers").join("auth.json"))
}

/// Returns the path in `CONTAINERS_REGISTRIES_CONF`, or the path of the user's `registries.conf`. If the variable is
/// set, the tools read no other `registries.conf`. Otherwise, if the user has a `registries.conf`, the tools ignore the
/// machine's file.
pub(crate) fn registries_conf(env: &Env) -> Option<PathBuf> {
    let of_user = || Some(env.xdg_config_dir()?.join("containers").join("registries.conf"));
    env::path("CONTAINERS_REGISTRIES_CONF").or_else(of_user)
}

/// Returns the path in `REGISTRY_AUTH_FILE`. If `REGISTRY_AUTH_FILE` is set, the tools read no other `auth.json`.
fn only_auth_file() -> Option<PathBuf> {
    env::path("REGISTRY_AUTH_FILE")
}

/// Returns the `auth.json` files in which the container tools look for plain-text logins, in the order in which the
/// tools read them. Docker's file is left out.
pub(crate) fn login_files(env: &Env) -> Vec<PathBuf> {
    if let Some(only) = only_auth_file() {
        return vec![only];
    }
    let keeps_sessions = !cfg!(any(windows, target_os = "macos"));
    let session = session_folder(keeps_sessions, env::path("XDG_RUNTIME_DIR"), files::user_number(), env.home());
    let mut found: Vec<PathBuf> = session.map(|folder| folder.join("auth.json")).into_iter().collect();
    found.extend(auth_file(env).filter(|path| !found.contains(path)));
    found
}

/// Returns the folder with the `auth.json` to which `login` writes (containers/image `pkg/docker/config/config.go`,
/// `getPathToAuth`).
fn session_folder(
    keeps_sessions: bool,
    runtime: Option<PathBuf>,
    user: Option<u32>,
    home: Option<&Path>,
) -> Option<PathBuf> {
    if !keeps_sessions {
        return home.map(|home| home.join(".config").join("containers"));
    }
    match runtime {
        Some(folder) => Some(folder.join("containers")),
        None => user.map(|user| PathBuf::from(format!("/run/containers/{user}"))),
    }
}

/// Returns all files in which the container tools look for logins, in the order in which the tools read them. The file
/// of the login session comes before the file with Ensign's entries.
pub(crate) fn lookup_files(env: &Env) -> Vec<PathBuf> {
    let docker = env.docker_config_file().filter(|_| only_auth_file().is_none());
    login_files(env).into_iter().chain(docker).collect()
}

/// The name that represents the `auth.json` files in a list of helpers.
pub(crate) const AUTH_FILES: &str = "containers-auth.json";

/// A `registries.conf`, which may be missing.
#[derive(Debug)]
pub(crate) struct RegistriesConf {
    path: PathBuf,
    text: Option<String>,
    /// The list of helpers and the list's position in the text. An edit rewrites only this part of the text.
    list: Option<(Range<usize>, Array)>,
}

impl RegistriesConf {
    /// Reads a file. A missing file has no settings.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        Ok(Self::parse(path, files::read_any(path, LIMIT)?).map_err(Problem::from)?)
    }

    /// Parses TOML. Returns an error if `credential-helpers` is not a list of strings.
    pub(crate) fn parse(path: &Path, contents: Option<Vec<u8>>) -> Result<Self, ConfigSyntaxError> {
        let broken =
            |line, problem: &str| ConfigSyntaxError { path: path.to_owned(), line, problem: problem.to_owned() };
        let text = contents.map(String::from_utf8).transpose().map_err(|_| broken(1, "the text is not in UTF-8"))?;
        let content = text.as_deref().unwrap_or_default();
        let line = |span: Option<Range<usize>>| {
            let before = span.and_then(|span| content.get(..span.start)).unwrap_or_default();
            before.matches('\n').count() + 1
        };
        let document = Document::parse(content).map_err(|error| broken(line(error.span()), error.message()))?;
        let list = match document.get(SETTING) {
            None => None,
            Some(setting) => match (setting.span(), setting.as_array()) {
                (Some(span), Some(list)) if list.iter().all(Value::is_str) => Some(span),
                (span, _) => return Err(broken(line(span), "`credential-helpers` is not a list of strings")),
            },
        };
        let document = document.into_mut(); // an editable document has no positions any more
        let list = list.zip(document.get(SETTING).and_then(|setting| setting.as_array()).cloned());
        Ok(Self { path: path.to_owned(), list, text })
    }

    /// Returns the helpers that the file lists for all registries, in their order. The tools treat an empty list like
    /// no list (`pkg/sysregistriesv2/system_registries_v2.go`).
    pub(crate) fn helpers(&self) -> Vec<&str> {
        self.list.iter().flat_map(|(_, list)| list).filter_map(Value::as_str).collect()
    }

    /// Tells whether the file has a list of helpers without Ensign.
    pub(crate) fn lacks_us(&self) -> bool {
        let helpers = self.helpers();
        !helpers.is_empty() && !helpers.contains(&HELPER)
    }

    /// Plans to put Ensign first in the list of helpers, if there is a list.
    pub(crate) fn plan(&self) -> FilePlan {
        self.edit(self.lacks_us().then_some(PlannedChange::Prepend).into_iter().collect(), prepend)
            .with_backup(BackupRule::Fresh)
    }

    /// Plans to remove Ensign and its pinned helpers from the list.
    pub(crate) fn undo(&self) -> FilePlan {
        let ours = self.helpers().into_iter().filter(|helper| is_ours(helper));
        self.edit(ours.map(|helper| PlannedChange::Unlist { helper: helper.into() }).collect(), take_off)
    }

    /// Plans to rewrite the list of helpers, and leaves the rest of the file unchanged.
    fn edit(&self, changes: Vec<PlannedChange>, edit: impl Fn(&mut Array)) -> FilePlan {
        let before = self.text.clone();
        let mut after = before.clone().unwrap_or_default();
        if let (false, Some((span, list))) = (changes.is_empty(), &self.list) {
            let mut list = list.clone();
            edit(&mut list);
            list.decor_mut().clear(); // the span has no blanks around it
            let line_end = if after[span.clone()].contains("\r\n") { "\r\n" } else { "\n" };
            after.replace_range(span.clone(), &list.to_string().replace('\n', line_end)); // toml_edit writes `\n`
        }
        FilePlan::from_texts(&self.path, changes, before, after)
    }
}

const SETTING: &str = "credential-helpers";

/// Inserts Ensign as the first entry of the list. Comments above the old first entry stay above Ensign.
fn prepend(list: &mut Array) {
    let mut ours = Value::from(HELPER);
    if let Some(first) = list.get_mut(0) {
        let place = prefix(first);
        ours.decor_mut().set_prefix(place.as_str());
        first.decor_mut().set_prefix(place.rfind('\n').map_or(" ", |line_end| &place[line_end..]));
    }
    list.insert_formatted(0, ours);
}

fn take_off(list: &mut Array) {
    let is_other = |helper: &Value| !helper.as_str().is_some_and(is_ours);
    let place = list.get(0).filter(|first| !is_other(first)).map(prefix);
    list.retain(is_other);
    if let (Some(place), Some(first)) = (place, list.get_mut(0)) {
        first.decor_mut().set_prefix(place);
    }
}

fn is_ours(helper: &str) -> bool {
    ConfiguredHelper::named(helper).is_ensign()
}

fn prefix(value: &Value) -> String {
    value.decor().prefix().and_then(RawString::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conf(text: &str) -> RegistriesConf {
        RegistriesConf::parse(Path::new("registries.conf"), Some(text.into())).unwrap()
    }

    #[test]
    fn we_come_first_in_a_list_that_stands_already_and_leave_no_trace() {
        for (before, after) in [
            (
                "# mine\ncredential-helpers = [\"containers-auth.json\", 'pass'] # both\nshort-name-mode=\"x\"\n",
                "# mine\ncredential-helpers = [\"ensign\", \"containers-auth.json\", 'pass'] # both\nshort-name-mode=\"x\"\n",
            ),
            ("\u{feff}credential-helpers=[\"pass\"]", "\u{feff}credential-helpers=[\"ensign\", \"pass\"]"),
            ("credential-helpers = [ \"pass\" ]", "credential-helpers = [ \"ensign\", \"pass\" ]"),
            (
                "credential-helpers = [\n  # first\n  \"pass\",\n  \"x\", # last\n]\n[[registry]]\nlocation = \"a\"\n",
                "credential-helpers = [\n  # first\n  \"ensign\",\n  \"pass\",\n  \"x\", # last\n]\n[[registry]]\nlocation = \"a\"\n",
            ),
            (
                "a = 1\r\ncredential-helpers = [\r\n\t\"pass\"\r\n]\r\n",
                "a = 1\r\ncredential-helpers = [\r\n\t\"ensign\",\r\n\t\"pass\"\r\n]\r\n",
            ),
        ] {
            let plan = conf(before).plan();
            assert_eq!(plan.after(), Some(after));
            assert_eq!(conf(after).undo().after(), Some(before));
            assert!(conf(after).plan().is_empty());
        }
        let pinned = conf("credential-helpers = [\"ensign-work\", 'ensign', \"pass\"]").undo();
        assert_eq!(pinned.after(), Some("credential-helpers = [\"pass\"]"));
        assert_eq!(pinned.changes().len(), 2);
    }

    #[test]
    fn a_file_without_a_list_is_not_touched() {
        for text in ["", "# nothing\n", "unqualified-search-registries = []", "credential-helpers = []"] {
            let conf = conf(text);
            assert!(conf.helpers().is_empty() && !conf.lacks_us(), "{text}");
            assert!(conf.plan().is_empty() && conf.undo().is_empty(), "{text}");
        }
        let none = RegistriesConf::parse(Path::new("registries.conf"), None).unwrap();
        assert!(none.plan().is_empty());
        assert!(none.plan().apply().is_ok());
    }

    #[test]
    fn a_broken_file_is_named_with_its_line() {
        for (text, line) in [
            ("a = 1\nb = [", 2),
            ("a = 1\n\nb", 3),
            ("a = 1\ncredential-helpers = 1", 2),
            ("credential-helpers = [1]", 1),
        ] {
            let broken = RegistriesConf::parse(Path::new("registries.conf"), Some(text.into())).unwrap_err();
            assert_eq!(broken.line, line, "{text}: {broken}");
        }
    }

    #[test]
    fn a_login_is_written_for_the_session_where_the_system_keeps_one() {
        let home = Some(Path::new("/home/me"));
        for (keeps_sessions, runtime, user, expected) in [
            (true, Some("/run/user/1000"), Some(1000), "/run/user/1000/containers"),
            (true, None, Some(1000), "/run/containers/1000"),
            (true, None, Some(0), "/run/containers/0"),
            (false, Some("/run/user/501"), Some(501), "/home/me/.config/containers"),
            (false, None, None, "/home/me/.config/containers"),
        ] {
            let folder = session_folder(keeps_sessions, runtime.map(PathBuf::from), user, home);
            assert_eq!(folder.as_deref(), Some(Path::new(expected)), "{keeps_sessions} {runtime:?}");
        }
        assert_eq!(session_folder(true, None, None, home), None);
        assert_eq!(session_folder(false, None, None, None), None);
    }

    #[test]
    fn the_files_lie_in_the_users_config_folder() {
        let env = Env::at_home("/home/me");
        assert!(auth_file(&env).unwrap().ends_with("containers/auth.json"));
        assert!(registries_conf(&env).unwrap().ends_with("containers/registries.conf"));
    }
}
