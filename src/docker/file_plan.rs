//! `FilePlan`: the planned changes of one file. Ensign first shows the plan and then applies it.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::hooks::PLUGINS;
use super::logins::shown;
use super::{ConfigJson, HELPER, LIMIT, json_edit, plaintext_auths};
use crate::system::files::{self, Access};

/// The planned changes of one file. `Debug` omits the file's text, which may contain plain-text logins.
pub(crate) struct FilePlan {
    path: PathBuf,
    changes: Vec<PlannedChange>,
    before: Option<String>,
    after: Option<String>,
    backup: BackupRule,
}

/// Whether the old file is first copied to `….before-ensign`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum BackupRule {
    No,
    /// Makes a copy only if there is no copy yet. An older copy is more useful, because the current file already has
    /// entries of Ensign.
    IfNone,
    Fresh,
}

/// The error for a file that has changed since Ensign read it. The file must then be read again, and the changes must
/// be planned again.
#[derive(Debug)]
pub(crate) struct FileChangedError(pub(crate) PathBuf);

/// The limit for attempts to change a file that other programs change at the same time. Ten attempts are enough,
/// because Docker changes its file only once in a login.
const TRIES: usize = 10;

/// Repeats `act` if another program has changed the file between reading and writing.
pub(crate) fn until_unchanged<T>(mut act: impl FnMut() -> Result<T>) -> Result<T> {
    for _ in 1..TRIES {
        match act() {
            Err(error) if error.is::<FileChangedError>() => {}
            result => return result,
        }
    }
    act()
}

/// One line of a plan, as the preview shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PlannedChange {
    /// Adds an entry for the registry.
    Add { key: String },
    /// Replaces another helper with Ensign in the registry's entry.
    Replace { key: String, helper: String },
    /// Removes the entry of Ensign or of a pinned helper.
    Remove { key: String, helper: String },
    /// Removes a registry's entry that names another helper, so that Docker asks the helper in `credsStore`.
    Discard { key: String, helper: String },
    /// Keeps another helper in the entry of a requested registry, because the user did not type `--force`.
    Conflict { key: String, helper: String },
    /// Keeps another helper in the entry of a registry that the user did not request.
    Kept { key: String, helper: String },
    /// Keeps the registry's entry, whose helper is already Ensign.
    Ours { key: String },
    /// Sets `credsStore` to Ensign, which then answers for all registries without an entry.
    Store { before: Option<String> },
    /// Keeps `credsStore`, which is already set to Ensign.
    StoreOurs,
    /// Restores the old value of `credsStore`.
    StoreBack { from: String, to: Option<String> },
    /// Removes a plain-text login from `auths`, and leaves an empty entry as a marker.
    TakeOut { key: String },
    /// Puts Ensign first in `credential-helpers` of `registries.conf`.
    Prepend,
    /// Removes Ensign or a pinned helper from `credential-helpers` of `registries.conf`.
    Unlist { helper: String },
    /// Sets a value that is not a registry's entry.
    Set { section: &'static str, key: &'static str, value: String },
    /// Removes a value that is not a registry's entry.
    Unset { section: &'static str, key: &'static str, value: String },
}

impl FilePlan {
    /// Plans changes of the file.
    pub(super) fn new(file: &ConfigJson, changes: Vec<PlannedChange>) -> Result<Self> {
        let before = file.text().map(str::to_owned);
        let after = before.clone().unwrap_or_default();
        Self::from_texts(file.path(), vec![], before, after).and(file, changes)
    }

    /// Adds changes to the plan of `file`.
    pub(super) fn and(mut self, file: &ConfigJson, changes: Vec<PlannedChange>) -> Result<Self> {
        let mut after = self.after.take().or_else(|| self.before.clone()).unwrap_or_default();
        // Removals come last, because a file that is empty in between would lose its layout.
        let is_removal = |change: &&PlannedChange| {
            matches!(change, PlannedChange::Remove { .. } | PlannedChange::Discard { .. } | PlannedChange::Unset { .. })
        };
        let (removals, others): (Vec<_>, Vec<_>) =
            changes.iter().filter(|change| change.writes()).partition(is_removal);
        for change in others.into_iter().chain(removals) {
            after = change
                .edit(file, &after)
                .with_context(|| format!("could not find where to edit `{}`", self.path.display()))?;
        }
        self.changes.extend(changes);
        Ok(Self { backup: self.backup, ..Self::from_texts(&self.path, self.changes, self.before, after) })
    }

    /// Returns the plan that turns the text `before` into the text `after`.
    pub(super) fn from_texts(path: &Path, changes: Vec<PlannedChange>, before: Option<String>, after: String) -> Self {
        let after = (before.as_deref().unwrap_or_default() != after).then_some(after);
        Self { path: path.to_owned(), changes, before, after, backup: BackupRule::No }
    }

    pub(super) fn with_backup(mut self, backup: BackupRule) -> Self {
        self.backup = backup;
        self
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// If the path is a link, returns the link's target as it is written in the link.
    pub(crate) fn link_target(&self) -> Option<PathBuf> {
        fs::read_link(&self.path).ok()
    }

    pub(crate) fn changes(&self) -> &[PlannedChange] {
        &self.changes
    }

    /// Returns the new text, or `None` if nothing changes.
    #[cfg(any(test, fuzzing))]
    pub(super) fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// Tells whether the plan writes nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.after.is_none()
    }

    /// Returns the path of the backup. The backup is a copy of the file from before Ensign's first entry. It has no
    /// plain-text logins, because nothing would remove them after a logout.
    pub(crate) fn backup_path(path: &Path) -> PathBuf {
        files::sibling(path, ".before-ensign")
    }

    /// Writes the file if anything changes, and makes the backup. Returns an error if the file has changed since it was
    /// read. The caller must hold Ensign's lock, but other programs do not use this lock.
    pub(crate) fn apply(&self) -> Result<()> {
        let Some(after) = &self.after else { return Ok(()) };
        let path = &self.path;
        if files::read(path, LIMIT)?.as_deref() != self.before.as_deref().map(str::as_bytes) {
            bail!(FileChangedError(path.clone()));
        }
        if let Some(before) = self.before.as_deref().filter(|text| !text.trim().is_empty()) {
            let backup = Self::backup_path(path);
            if self.backup == BackupRule::Fresh || (self.backup == BackupRule::IfNone && !backup.exists()) {
                let text = plaintext_auths::without_logins(path, before);
                files::replace(&backup, text.as_deref().unwrap_or(before).as_bytes(), Access::Private)?;
            }
        }
        files::replace(path, after.as_bytes(), Access::Kept)
    }
}

impl fmt::Display for FileChangedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not write `{}`: another program keeps changing it", self.0.display())
    }
}

impl std::error::Error for FileChangedError {}

impl PlannedChange {
    /// Makes the change in `text`, which is the text of `file` or an edited form of it. Returns `None` if the text has
    /// no place for the change. If a removal leaves a section empty, the section is removed too.
    fn edit(&self, file: &ConfigJson, text: &str) -> Option<String> {
        let value = |text: &str| Value::from(text).to_string();
        let entry = |key| [file.spelling("credHelpers"), key];
        let store = [file.spelling("credsStore")];
        match self {
            Self::Add { key } | Self::Replace { key, .. } => json_edit::set(text, &entry(key), &value(HELPER)),
            Self::Remove { key, .. } | Self::Discard { key, .. } => json_edit::remove_and_tidy(text, &entry(key)),
            Self::Store { .. } => json_edit::set(text, &store, &value(HELPER)),
            Self::StoreBack { to: Some(before), .. } => json_edit::set(text, &store, &value(before)),
            Self::StoreBack { to: None, .. } => json_edit::remove(text, &store),
            Self::TakeOut { key } => plaintext_auths::without_secrets(file, text, key),
            Self::Set { section, key, value: new } => {
                json_edit::set(text, &setting_path(file, section, key), &value(new))
            }
            Self::Unset { section, key, .. } => json_edit::remove_and_tidy(text, &setting_path(file, section, key)),
            Self::Prepend | Self::Unlist { .. } => None, // no change of a JSON file
            Self::Conflict { .. } | Self::Kept { .. } | Self::Ours { .. } | Self::StoreOurs => Some(text.to_owned()),
        }
    }

    /// Tells whether the change alters the file.
    pub(crate) fn writes(&self) -> bool {
        !matches!(self, Self::Conflict { .. } | Self::Kept { .. } | Self::Ours { .. } | Self::StoreOurs)
    }

    /// Returns the section of the file in which this change is made. The preview shows the section as a heading.
    fn section(&self) -> &'static str {
        match self {
            Self::TakeOut { .. } => "auths",
            Self::Store { .. } | Self::StoreOurs | Self::StoreBack { .. } => "credsStore",
            Self::Prepend | Self::Unlist { .. } => "credential-helpers",
            Self::Set { section: PLUGINS, .. } | Self::Unset { section: PLUGINS, .. } => "plugins.ensign",
            Self::Set { section, .. } | Self::Unset { section, .. } => section,
            _ => "credHelpers",
        }
    }
}

impl fmt::Display for PlannedChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = |key: &str, helper: &str| format!("{}: {}", quoted(key), quoted(helper));
        let (sign, entry, remark) = match self {
            Self::Add { key } => ("+", entry(key, HELPER), String::new()),
            Self::Replace { key, helper } => ("+", entry(key, HELPER), format!("instead of {}", quoted(helper))),
            Self::Remove { key, helper } => ("-", entry(key, helper), String::new()),
            Self::Discard { key, helper } => ("-", entry(key, helper), "credsStore is asked instead".into()),
            Self::Conflict { key, helper } => ("!", entry(key, helper), "kept; --force replaces it".into()),
            Self::Kept { key, helper } => (" ", entry(key, helper), "kept".into()),
            Self::Ours { key } => (" ", entry(key, HELPER), "already".into()),
            Self::Store { before: None } => ("+", quoted(HELPER), String::new()),
            Self::Store { before: Some(before) } => ("+", quoted(HELPER), format!("instead of {}", quoted(before))),
            Self::StoreOurs => (" ", quoted(HELPER), "already".into()),
            Self::StoreBack { from, to: Some(before) } => ("-", quoted(from), format!("back to {}", quoted(before))),
            Self::TakeOut { key } => ("-", quoted(key), "plain-text login".into()),
            Self::Prepend => ("+", quoted(HELPER), "in front".into()),
            Self::Unlist { helper } | Self::StoreBack { from: helper, to: None } => {
                ("-", quoted(helper), String::new())
            }
            Self::Set { key, value, .. } => ("+", entry(key, value), String::new()),
            Self::Unset { key, value, .. } => ("-", entry(key, value), String::new()),
        };
        f.write_str(format!("{sign}   {entry:<29} {remark}").trim_end())
    }
}

/// Prints the lines of the preview, each under the name of a section. Does not print the file's name.
impl fmt::Display for FilePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut section = "";
        for change in &self.changes {
            if change.section() != section {
                section = change.section();
                writeln!(f, "  {section}")?;
            }
            writeln!(f, "{change}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for FilePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilePlan").field("path", &self.path).field("changes", &self.changes).finish_non_exhaustive()
    }
}

/// Returns the path of a value that is not a registry's entry. Ensign's values in the section of the plugins are in the
/// object `ensign`.
fn setting_path<'a>(file: &'a ConfigJson, section: &'a str, key: &'a str) -> Vec<&'a str> {
    let plugin = (section == PLUGINS).then_some(HELPER);
    [file.spelling(section)].into_iter().chain(plugin).chain([key]).collect()
}

pub(super) fn quoted(key: &str) -> String {
    format!("\"{}\"", shown(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::{ClientFamily, setup};

    fn ask(name: &str, force: bool) -> impl Fn(&ConfigJson) -> Result<FilePlan> {
        let registries = [name.parse::<crate::model::Registry>().unwrap().into()];
        move |file| setup::plan(file, ClientFamily::Docker, &registries, force)
    }

    #[test]
    fn the_preview_shows_each_entry() {
        let text = r#"{"credHelpers": {"gcr.io": "gcloud", "quay.io": "desktop", "atcr.io": "ensign"}}"#;
        let file = ConfigJson::parse(Path::new("config.json"), Some(text.into())).unwrap();
        let long = PlannedChange::Ours { key: "https://index.docker.io/v1/".into() };
        assert_eq!(long.to_string(), "    \"https://index.docker.io/v1/\": \"ensign\" already");
        let wanted =
            ["ghcr.io", "atcr.io", "quay.io"].map(|name| name.parse::<crate::model::Registry>().unwrap().into());
        let shown = |force| setup::plan(&file, ClientFamily::Docker, &wanted, force).unwrap().to_string();
        assert_eq!(
            shown(false),
            "  credHelpers\n\
             \x20   \"gcr.io\": \"gcloud\"            kept\n\
             +   \"ghcr.io\": \"ensign\"\n\
             \x20   \"atcr.io\": \"ensign\"           already\n\
             !   \"quay.io\": \"desktop\"          kept; --force replaces it\n"
        );
        assert!(shown(true).contains("+   \"quay.io\": \"ensign\"           instead of \"desktop\"\n"));
        assert_eq!(quoted("https://me:hunter2@ghcr.io\n"), "\"ghcr.io\"");
    }

    fn apply(path: &Path, plan: impl Fn(&ConfigJson) -> Result<FilePlan>) {
        plan(&ConfigJson::load(path).unwrap()).unwrap().apply().unwrap();
    }

    #[test]
    fn the_first_copy_is_kept_until_our_entries_are_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        let text = || fs::read_to_string(&path).unwrap();
        let copy = || fs::read_to_string(FilePlan::backup_path(&path)).unwrap();
        files::replace(&path, b"{\"a\": 1}", Access::Private).unwrap();
        apply(&path, ask("ghcr.io", false));
        apply(&path, ask("atcr.io", false));
        assert_eq!(text(), r#"{"a": 1, "credHelpers": {"ghcr.io": "ensign", "atcr.io": "ensign"}}"#);
        assert_eq!(copy(), "{\"a\": 1}");
        apply(&path, |file| setup::undo(file, None));
        assert_eq!((text(), copy()), ("{\"a\": 1}".into(), "{\"a\": 1}".into()));
        files::replace(&path, b"{\"b\": 2}", Access::Private).unwrap();
        apply(&path, ask("ghcr.io", false));
        assert_eq!(copy(), "{\"b\": 2}");
    }

    #[test]
    fn a_file_that_changed_meanwhile_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        for (before, now) in [(None, "{}"), (Some("{}"), "{ }"), (Some("{\"a\": 1}"), "{\"a\": 2}")] {
            let file = ConfigJson::parse(&path, before.map(Into::into)).unwrap();
            let plan = ask("ghcr.io", false)(&file).unwrap();
            files::replace(&path, now.as_bytes(), Access::Private).unwrap();
            let error = plan.apply().unwrap_err();
            assert!(error.is::<FileChangedError>(), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), now);
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_and_modes_survive_and_a_new_file_is_private() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (link, file) = (folder.path().join("config.json"), folder.path().join("dotfiles/docker.json"));
        fs::create_dir(folder.path().join("dotfiles")).unwrap();
        symlink("dotfiles/docker.json", &link).unwrap();
        let mode = || fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        apply(&link, ask("ghcr.io", false));
        assert!(link.is_symlink() && !FilePlan::backup_path(&link).exists());
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        apply(&link, ask("atcr.io", false));
        assert!(link.is_symlink());
        assert_eq!(mode(), 0o640);
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("dotfiles/docker.json"));
        assert_eq!(fs::read_to_string(&file).unwrap().matches("ensign").count(), 2);
    }
}
