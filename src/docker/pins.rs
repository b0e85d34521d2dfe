//! Pins: the program under the name `docker-credential-ensign-ALIAS`, which answers as that account alone. They stand
//! beside the program, where Docker finds both.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::state::PROGRAM;
use crate::model::{AccountName, HelperName, Problem};
use crate::system::{files, find_program};

/// The folder of the program as Docker finds it.
pub(crate) struct Pins {
    folder: PathBuf,
}

impl Pins {
    /// In `folder`, else where the program is on PATH.
    pub(crate) fn find(folder: Option<PathBuf>) -> Result<Self, Problem> {
        let on_path = || Some(find_program(PROGRAM)?.parent()?.to_owned());
        folder.or_else(on_path).map(|folder| Self { folder }).ok_or_else(|| {
            Problem::new(
                format!("`{PROGRAM}` is not on PATH"),
                "put its folder on PATH, or name a folder with `--folder`",
            )
        })
    }

    /// The account's own program; made if it is not there. Returns its path, and whether it is new.
    pub(crate) fn add(&self, alias: &AccountName) -> Result<(PathBuf, bool)> {
        let path = self.path(alias)?;
        if files::is_link_to(&path, Path::new(&file_name(PROGRAM))) {
            return Ok((path, false));
        }
        files::link(Path::new(&file_name(PROGRAM)), &path)?;
        Ok((path, true))
    }

    /// Removes the account's own program. Returns whether it was there; what another made is left alone.
    pub(crate) fn remove(&self, alias: &AccountName) -> Result<bool> {
        let path = self.path(alias)?;
        let is_ours = files::is_link_to(&path, Path::new(&file_name(PROGRAM)));
        if is_ours {
            files::remove(&path)?;
        }
        Ok(is_ours)
    }

    /// The aliases that have a program of their own, in alphabetical order.
    pub(crate) fn all(&self) -> Vec<AccountName> {
        let prefix = format!("{PROGRAM}-");
        let alias = |path: &PathBuf| {
            let name = path.file_name()?.to_str()?.strip_prefix(&prefix)?;
            name.strip_suffix(std::env::consts::EXE_SUFFIX)?.parse().ok()
        };
        let links = files::links_to(&self.folder, Path::new(&file_name(PROGRAM)));
        let mut aliases: Vec<AccountName> = links.iter().filter_map(alias).collect();
        aliases.sort_unstable();
        aliases
    }

    fn path(&self, alias: &AccountName) -> Result<PathBuf, Problem> {
        // What may follow `docker-credential-` may follow our own name there.
        if !HelperName::fits(alias.as_str()) {
            let cure = "give the account another alias with `account edit`";
            return Err(Problem::new(format!("`{alias}` cannot be part of a program's name"), cure));
        }
        Ok(self.folder.join(file_name(&format!("{PROGRAM}-{alias}"))))
    }
}

fn file_name(program: &str) -> String {
    format!("{program}{}", std::env::consts::EXE_SUFFIX)
}
