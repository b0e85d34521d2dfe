//! Makes pinned helpers, which are links to Ensign in a folder where Docker finds programs. A link has the name
//! `docker-credential-ensign-ALIAS`. A pinned helper answers only as the account with the alias in the helper's name.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::configured_helper::PROGRAM;
use crate::model::{AccountName, HelperName, Problem};
use crate::system::env::{self, Env};
use crate::system::text::command;
use crate::system::{files, find_program, is_this_program};

/// The folders for pinned helpers. New helpers are made in the first folder.
pub(crate) struct Pins {
    folders: Vec<PathBuf>,
    /// The Ensign program that Docker finds.
    program: Option<PathBuf>,
}

impl Pins {
    /// Uses `folder` if there is one. Without `folder`, uses the folder of Ensign's program, or the user's own folder
    /// on PATH if the program's folder is not writable.
    pub(crate) fn find(folder: Option<PathBuf>, env: &Env) -> Result<Self, Problem> {
        let program = find_program(PROGRAM);
        let beside = program.as_ref().and_then(|program| program.parent());
        let folders = match (folder, beside) {
            (Some(folder), _) => vec![folder],
            (None, Some(beside)) => folders(beside, files::may_write(beside), own_folder(env)),
            (None, None) => {
                let cure = "put the program's folder on PATH, or name a folder with `--folder`";
                return Err(Problem::new(format!("`{PROGRAM}` is not on PATH"), cure));
            }
        };
        Ok(Self { folders, program })
    }

    /// Makes the account's pinned helper, if there is none. Returns the helper's path, and whether the helper is new.
    pub(crate) fn add(&self, alias: &AccountName) -> Result<(PathBuf, bool)> {
        let name = pin_name(alias)?;
        if let Some(path) = self.made(&name).next() {
            return Ok((path, false));
        }
        let folder = &self.folders[0];
        if folder.is_dir() && !files::may_write(folder) {
            let cure = format!(
                "make a folder of your own on PATH, such as ~/.local/bin, and run `{PROGRAM} pin {alias}` again"
            );
            return Err(Problem::new(format!("you may not write to `{}`", folder.display()), cure).into());
        }
        let path = folder.join(name);
        if is_this_program(&path) {
            return Ok((path, false)); // a person linked it in another way
        }
        files::link(&self.targets(folder)[0], &path)?;
        Ok((path, true))
    }

    /// Removes the account's pinned helper. Returns whether there was a pinned helper. Does not remove a program that
    /// has this name but is not a link to Ensign.
    pub(crate) fn remove(&self, alias: &AccountName) -> Result<bool> {
        let made: Vec<_> = self.made(&pin_name(alias)?).collect();
        for path in &made {
            files::remove(path)?;
        }
        Ok(!made.is_empty())
    }

    /// Returns the aliases that have a pinned helper, in alphabetical order. A link with a name that no helper can have
    /// is left out, because `add` does not make such links.
    pub(crate) fn all(&self) -> Vec<AccountName> {
        let prefix = format!("{PROGRAM}-");
        let alias = |path: &PathBuf| {
            let name = path.file_name()?.to_str()?.strip_prefix(&prefix)?;
            name.strip_suffix(std::env::consts::EXE_SUFFIX).filter(|alias| HelperName::fits(alias))?.parse().ok()
        };
        let links = self.folders.iter().flat_map(|folder| {
            self.targets(folder).into_iter().flat_map(move |target| files::links_to(folder, &target))
        });
        let mut aliases: Vec<AccountName> = links.filter_map(|path| alias(&path)).collect();
        aliases.sort_unstable();
        aliases.dedup();
        aliases
    }

    /// Returns the links to Ensign with this name.
    fn made(&self, name: &str) -> impl Iterator<Item = PathBuf> {
        self.folders.iter().filter_map(move |folder| {
            let path = folder.join(name);
            let is_ours = self.targets(folder).iter().any(|target| files::is_link_to(&path, target));
            is_ours.then_some(path)
        })
    }

    /// Returns the possible targets of a link to Ensign in `folder`. A link in the program's folder is relative, so
    /// that program and link can be moved together.
    fn targets(&self, folder: &Path) -> Vec<PathBuf> {
        let name = PathBuf::from(file_name(PROGRAM));
        match &self.program {
            Some(program) if !files::is_file(&folder.join(&name)).unwrap_or(false) => vec![program.clone(), name],
            _ => vec![name],
        }
    }
}

/// Returns the folders for pinned helpers. `may_write` tells whether the user may write to `beside`, the program's
/// folder.
fn folders(beside: &Path, may_write: bool, own: Option<PathBuf>) -> Vec<PathBuf> {
    let beside = beside.to_owned();
    match own {
        Some(own) if own == beside => vec![own],
        Some(own) if may_write => vec![beside, own],
        Some(own) => vec![own, beside],
        None => vec![beside],
    }
}

/// Returns the first folder on PATH that is below the user's home folder and writable.
pub(crate) fn own_folder(env: &Env) -> Option<PathBuf> {
    let home = env.home()?;
    let folders = std::env::split_paths(&env::variable("PATH")?).collect::<Vec<_>>();
    let is_own = |folder: &PathBuf| folder.is_absolute() && folder.starts_with(home) && folder.is_dir();
    folders.into_iter().find(|folder| is_own(folder) && files::may_write(folder))
}

/// Returns the name of an alias's pinned helper, or an error if the alias is not valid in a program's name.
fn pin_name(alias: &AccountName) -> Result<String, Problem> {
    if !HelperName::fits(alias.as_str()) {
        let edit = command("account edit", &["HOST", alias.as_str()], "--alias NAME");
        return Err(Problem::run(format!("`{alias}` cannot be part of a program's name"), edit));
    }
    Ok(file_name(&format!("{PROGRAM}-{alias}")))
}

fn file_name(program: &str) -> String {
    format!("{program}{}", std::env::consts::EXE_SUFFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_goes_where_the_person_may_write() {
        let own = || Some(PathBuf::from("/home/me/.local/bin"));
        for (beside, may_write, own, expected) in [
            ("/home/me/.local/bin", true, own(), &["/home/me/.local/bin"][..]),
            ("/opt/ensign/bin", true, None, &["/opt/ensign/bin"]),
            ("/opt/ensign/bin", true, own(), &["/opt/ensign/bin", "/home/me/.local/bin"]),
            ("/usr/bin", false, own(), &["/home/me/.local/bin", "/usr/bin"]),
            ("/usr/bin", false, None, &["/usr/bin"]),
        ] {
            let found = folders(Path::new(beside), may_write, own);
            assert_eq!(found, expected.iter().map(PathBuf::from).collect::<Vec<_>>(), "{beside} {may_write}");
        }
    }
}
