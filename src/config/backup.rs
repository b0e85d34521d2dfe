//! Makes a copy of the last good `config.json` at each change, and restores the config from this copy.

use std::path::{Path, PathBuf};

use anyhow::{Error, Result};

use super::config_document::ConfigDocument;
use super::config_file::{ConfigFile, LIMIT, no_home};
use super::loaded_config::LoadedConfig;
use super::reader;
use crate::model::Problem;
use crate::system::files::{self, Access};
use crate::system::json;

/// The fault that the config had before it was restored.
pub(crate) enum RestoreOutcome {
    /// The config was missing, and the last good copy has replaced it.
    Gone,
    /// The damaged config was moved to `aside`. The last good copy has replaced the config. Without a copy, an empty
    /// config has replaced the config.
    Damaged { aside: PathBuf, damage: String, had_copy: bool },
}

impl ConfigFile<'_> {
    /// Restores the config from the last good copy if the config is broken or missing. The caller must hold the lock. A
    /// broken config stays in place until the new config replaces it. If the config were missing in between, another
    /// process could adopt ATCR's accounts a second time.
    pub(crate) fn restore(&self) -> Result<Option<RestoreOutcome>> {
        let path = self.path().ok_or_else(no_home)?;
        let good = self.good_copy()?;
        let Some(bytes) = files::read(&path, u64::MAX)? else {
            let Some(good) = good else { return Ok(None) };
            files::replace(&path, &good, Access::Private)?;
            return Ok(Some(RestoreOutcome::Gone));
        };
        let Some(damage) = self.damage(&bytes)? else { return Ok(None) };
        let aside = files::sibling(&path, ".damaged");
        files::keep_copy(&path, &aside)?;
        let empty = ConfigDocument::empty().to_text();
        files::replace(&path, good.as_deref().unwrap_or(empty.as_bytes()), Access::Private)?;
        Ok(Some(RestoreOutcome::Damaged { aside, damage, had_copy: good.is_some() }))
    }

    /// Tells whether [`Self::restore`] would change anything.
    pub(crate) fn can_restore(&self) -> bool {
        match self.path().map(|path| files::read(&path, u64::MAX)) {
            Some(Ok(Some(bytes))) => self.damage(&bytes).is_ok_and(|damage| damage.is_some()),
            Some(Ok(None)) => self.good_copy().is_ok_and(|copy| copy.is_some()),
            Some(Err(_)) | None => false,
        }
    }

    /// Returns the path of the copy that was made before the last change.
    pub(super) fn last_good_copy(&self) -> Option<PathBuf> {
        self.path().map(|path| files::sibling(&path, ".bak"))
    }

    /// Describes the damage in the config `bytes`, or returns `None` if there is no damage. Returns an error for a
    /// config of a newer Ensign, because such a config is not damaged.
    fn damage(&self, bytes: &[u8]) -> Result<Option<String>> {
        match self.understand(bytes, None) {
            Err(error) if json::version(bytes).is_none_or(|version| version <= reader::VERSION) => {
                Ok(Some(message_of(&error)))
            }
            // A reader skips unknown fields, but an edit must parse every field.
            Ok(LoadedConfig { version: reader::VERSION, .. }) => {
                Ok(ConfigDocument::parse(bytes).err().map(|error| self.broken(&error).message))
            }
            result => result.map(|_| None),
        }
    }

    /// Returns the last good copy, if it is intact.
    fn good_copy(&self) -> Result<Option<Vec<u8>>> {
        let Some(copy) = self.last_good_copy() else { return Ok(None) };
        if !files::is_file(&copy)? {
            return Ok(None);
        }
        Ok(files::read(&copy, LIMIT)?.filter(|good| self.damage(good).is_ok_and(|damage| damage.is_none())))
    }

    /// Returns an error if the config is missing although there is a good copy. A missing config must have been lost,
    /// because Ensign never removes its config.
    pub(super) fn refuse_lost(&self, path: &Path) -> Result<()> {
        if self.good_copy()?.is_none() || files::length(path)?.is_some() {
            return Ok(()); // there is no good copy, or another process has restored the config
        }
        Err(Problem::run(format!("`{}` is missing, but there is a good copy of it", self.shown_path()), "restore")
            .into())
    }
}

/// Returns the error without its hint, because the hint is the command `restore`, which describes the damage.
fn message_of(error: &Error) -> String {
    error.downcast_ref::<Problem>().map_or_else(|| format!("{error:#}"), |problem| problem.message.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::env::Env;

    const GOOD: &str = r#"{"version": 3, "registries": {}}"#;

    #[test]
    fn the_copy_replaces_a_config_that_is_broken_or_gone() {
        let empty = ConfigDocument::empty().to_text();
        let unwritable = r#"{"version": 3, "later": 1e999}"#; // readable, but cannot be written again
        for (config, copy, damage, after) in [
            (None, None, None, None),
            (None, Some("{"), None, None),
            (None, Some(unwritable), None, None),
            (None, Some(GOOD), Some("gone"), Some(GOOD)),
            (Some(GOOD), Some(r#"{"version": 3}"#), None, Some(GOOD)),
            (Some("{"), Some(GOOD), Some("with a copy: EOF while parsing"), Some(GOOD)),
            (Some("{"), Some("{"), Some("without a copy: EOF while parsing"), Some(empty.as_str())),
            (Some(""), None, Some("without a copy: EOF while parsing"), Some(empty.as_str())),
            (Some(unwritable), Some(GOOD), Some("with a copy: number out of range"), Some(GOOD)),
            (
                Some(r#"{"version": 3, "registries": 1}"#),
                None,
                Some("without a copy: invalid type"),
                Some(empty.as_str()),
            ),
            (Some(r#"{"version": 4, "later": 1e999}"#), Some(GOOD), None, Some(r#"{"version": 4, "later": 1e999}"#)),
            (
                Some(r#"{"version": 4, "registries": 1}"#),
                Some(GOOD),
                Some("error: newer"),
                Some(r#"{"version": 4, "registries": 1}"#),
            ),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let env = Env::in_folder(folder.path(), vec![]);
            let path = folder.path().join("config/config.json");
            for (ending, text) in [("", config), (".bak", copy)] {
                if let Some(text) = text {
                    files::replace(&files::sibling(&path, ending), text.as_bytes(), Access::Private).unwrap();
                }
            }
            let file = ConfigFile::new(&env);
            let is_lost = config.is_none() && copy == Some(GOOD);
            assert_eq!(file.refuse_lost(&path).is_err(), is_lost, "{config:?}, {copy:?}");
            let can_restore = file.can_restore();
            let outcome = match file.restore() {
                Ok(None) => None,
                Ok(Some(RestoreOutcome::Gone)) => Some("gone".to_owned()),
                Ok(Some(RestoreOutcome::Damaged { aside, damage, had_copy })) => {
                    assert_eq!(std::fs::read_to_string(aside).ok().as_deref(), config);
                    assert!(!damage.contains("restore"), "{damage}");
                    let damage = damage.split_once("is broken: ").unwrap().1.to_owned();
                    Some(format!("{} a copy: {damage}", if had_copy { "with" } else { "without" }))
                }
                Err(error) => {
                    Some(format!("error: {}", if error.to_string().contains("newer") { "newer" } else { "?" }))
                }
            };
            assert_eq!(can_restore, outcome.as_ref().is_some_and(|outcome| !outcome.starts_with("error")));
            let found = outcome.as_deref().map(|outcome| &outcome[..damage.map_or(0, str::len).min(outcome.len())]);
            assert_eq!(found, damage, "{config:?}, {copy:?}: {outcome:?}");
            assert_eq!(std::fs::read_to_string(&path).ok().as_deref(), after, "{config:?}, {copy:?}");
        }
    }

    #[test]
    fn without_a_home_there_is_nothing_to_restore() {
        let env = Env::default();
        let file = ConfigFile::new(&env);
        assert!(!file.can_restore() && file.restore().is_err() && file.last_good_copy().is_none());
    }
}
