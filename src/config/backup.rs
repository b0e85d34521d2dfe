//! The last good copy of `config.json`: each change makes one, and `restore` puts it back.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::config_document::ConfigDocument;
use super::config_file::{ConfigFile, LIMIT, no_home};
use super::reader::{self, ParsedConfig};
use crate::model::Problem;
use crate::system::files::{self, Access};

/// What was wrong with the config, and what replaced it.
pub(crate) enum RestoreOutcome {
    /// It was missing. The last good copy is back.
    Gone,
    /// It was damaged and is at `aside` now. The last good copy is back, or without a copy an empty config.
    Damaged { aside: PathBuf, damage: String, had_copy: bool },
}

impl ConfigFile<'_> {
    /// Puts the copy back if the config is broken or missing. The caller holds the lock. There is a config at every
    /// moment, because ATCR's accounts would be adopted a second time without one.
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

    /// The path of the copy from before the last change.
    pub(super) fn last_good_copy(&self) -> Option<PathBuf> {
        self.path().map(|path| files::sibling(&path, ".bak"))
    }

    /// The damage in `bytes` as a config. A newer Ensign's config is an error, not damage.
    fn damage(&self, bytes: &[u8]) -> Result<Option<String>> {
        match self.understand(bytes, None) {
            Err(error) if reader::version(bytes).is_none_or(|version| version <= reader::VERSION) => {
                Ok(Some(format!("{error:#}")))
            }
            // An unknown field may be skipped when reading, but not when writing.
            Ok(ParsedConfig { version: reader::VERSION, .. }) => {
                Ok(ConfigDocument::parse(bytes).err().map(|error| self.broken(&error).to_string()))
            }
            result => result.map(|_| None),
        }
    }

    /// The last good copy, if it is intact.
    fn good_copy(&self) -> Result<Option<Vec<u8>>> {
        let Some(copy) = self.last_good_copy() else { return Ok(None) };
        if !files::is_file(&copy)? {
            return Ok(None);
        }
        Ok(files::read(&copy, LIMIT)?.filter(|good| self.damage(good).is_ok_and(|damage| damage.is_none())))
    }

    /// A copy without a config means damage, because Ensign never removes its config.
    pub(super) fn refuse_lost(&self, path: &Path) -> Result<()> {
        if self.good_copy()?.is_none() || files::length(path)?.is_some() {
            return Ok(()); // unless a person has just put it back
        }
        Err(Problem::run(format!("`{}` is gone, and a good copy of it is there", self.shown_path()), "restore").into())
    }
}
