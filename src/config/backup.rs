//! The last good copy of `config.json`: kept by each change, put back by `restore`.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::config_document::ConfigDocument;
use super::config_file::{ConfigFile, LIMIT, no_home};
use super::reader::{self, ParsedConfig};
use crate::model::Problem;
use crate::system::files::{self, Access};

/// What was wrong with the config, and what stands in its place now.
pub(crate) enum RestoreOutcome {
    /// It was gone; the last good copy is back.
    Gone,
    /// It was damaged and lies at `aside` now; the last good copy is back, or, without one, a config without accounts.
    Damaged { aside: PathBuf, damage: String, had_copy: bool },
}

impl ConfigFile<'_> {
    /// Puts the copy back if the config is broken or gone. The caller holds the lock. The config has its name at every
    /// moment: without one ATCR's accounts would be adopted a second time, those that were logged out among them.
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

    /// Tells whether there is something to restore.
    pub(crate) fn can_restore(&self) -> bool {
        match self.path().map(|path| files::read(&path, u64::MAX)) {
            Some(Ok(Some(bytes))) => self.damage(&bytes).is_ok_and(|damage| damage.is_some()),
            Some(Ok(None)) => self.good_copy().is_ok_and(|copy| copy.is_some()),
            Some(Err(_)) | None => false,
        }
    }

    /// Where the file before the last change is kept.
    pub(super) fn last_good_copy(&self) -> Option<PathBuf> {
        self.path().map(|path| files::sibling(&path, ".bak"))
    }

    /// What is wrong with `bytes` as a config. A newer Ensign's is an error: that it is beyond us is no damage.
    fn damage(&self, bytes: &[u8]) -> Result<Option<String>> {
        match self.understand(bytes, None) {
            Err(error) if reader::version(bytes).is_none_or(|version| version <= reader::VERSION) => {
                Ok(Some(format!("{error:#}")))
            }
            // A field that is not ours is passed over to be read, but must be understood to be written.
            Ok(ParsedConfig { version: reader::VERSION, .. }) => {
                Ok(ConfigDocument::parse(bytes).err().map(|error| self.broken(&error).to_string()))
            }
            result => result.map(|_| None),
        }
    }

    /// The last good copy, if it is one.
    fn good_copy(&self) -> Result<Option<Vec<u8>>> {
        let Some(copy) = self.last_good_copy() else { return Ok(None) };
        if !files::is_file(&copy)? {
            return Ok(None);
        }
        Ok(files::read(&copy, LIMIT)?.filter(|good| self.damage(good).is_ok_and(|damage| damage.is_none())))
    }

    /// No config beside a good copy of one is damage: we never take it away.
    pub(super) fn refuse_lost(&self, path: &Path) -> Result<()> {
        if self.good_copy()?.is_none() || files::length(path)?.is_some() {
            return Ok(()); // or somebody put it back just now
        }
        Err(Problem::run(format!("`{}` is gone, and a good copy of it is there", self.shown_path()), "restore").into())
    }
}
