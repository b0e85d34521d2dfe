//! `ConfigTree`: reads and changes buildx's config folders. Like buildx, `ConfigTree` does not follow links.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::{ConfigDir, ConfigDirChange, Folders, answer_in, config};
use crate::docker::{FileChangedError, until_unchanged};
use crate::model::{ImageReference, Problem};
use crate::system::env::{self, Env};
use crate::system::files::{self, Access};
use crate::system::text::quote_path;

/// The config folders below the root.
#[derive(Debug, Default)]
pub(crate) struct ConfigTree {
    pub(crate) root: PathBuf,
    /// The folders that contain only a config that Ensign made.
    pub(crate) ours: Folders,
    /// All other folders with a config.
    pub(super) others: BTreeSet<ConfigDir>,
    /// The errors for folders that neither Ensign nor buildx can read.
    pub(crate) problems: Vec<Problem>,
}

pub(super) const NAME: &str = "config.json";
/// The name of the unfinished file that a killed writer leaves.
pub(super) const UNFINISHED: &str = "config.json.new";
/// The size limit of a folder's config, in bytes. A usual config has about a hundred bytes.
const SIZE_LIMIT: u64 = 1 << 14;
/// The limit for the depth of folders. A repository's name has at most 255 characters, and thus at most 128 levels.
const DEPTH_AT_MOST: usize = 130;
const ENTRIES_AT_MOST: usize = 100_000;

impl ConfigTree {
    /// Returns buildx's config folder (docker/buildx `util/confutil/config.go`).
    pub(crate) fn root(env: &Env) -> Result<PathBuf, Problem> {
        if cfg!(windows) {
            let what = "buildx on Windows reads a folder's whole path as the registry's name";
            return Err(Problem::new(what, "choose the account of a build with `ensign exec`"));
        }
        let own = env::path("BUILDX_CONFIG").or_else(|| Some(env.docker_config_dir()?.join("buildx")));
        let cure = "set HOME, DOCKER_CONFIG or BUILDX_CONFIG";
        Ok(own.ok_or_else(|| Problem::new("there is no home folder with buildx's config in it", cure))?.join("config"))
    }

    /// Reads the folders below `root`, which may be missing. Returns an error if buildx cannot read `root` either, or
    /// if `root` contains too much.
    pub(crate) fn read(root: PathBuf) -> Result<Self> {
        let is_folder = match fs::symlink_metadata(&root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(unreadable(&root, &error).into()),
            Ok(metadata) if metadata.is_dir() => true,
            Ok(metadata) => return Err(no_folder(&root, &metadata).into()),
        };
        let mut tree = Self { root, ..Self::default() };
        let mut waiting: Vec<PathBuf> = if is_folder { vec![PathBuf::new()] } else { vec![] };
        let mut left = ENTRIES_AT_MOST;
        while let Some(path) = waiting.pop() {
            let looked = tree.look_into(&path, &mut left);
            if left == 0 || path.components().count() > DEPTH_AT_MOST {
                let what =
                    format!("`{}` contains too many files or folders to be buildx's config", tree.root.display());
                return Err(Problem::new(what, "remove the files from that folder that do not belong to buildx").into());
            }
            match looked {
                Ok(below) => waiting.extend(below),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {} // the folder was removed meanwhile
                Err(error) => tree.problems.push(unreadable(&tree.root.join(&path), &error)),
            }
        }
        Ok(tree)
    }

    /// Returns the images that have a folder of Ensign.
    pub(crate) fn images(&self) -> Vec<ImageReference> {
        self.ours.keys().filter_map(ConfigDir::image).collect()
    }

    /// Makes one change, and returns the change that was made. Returns `None` if no change is needed any more. The
    /// caller must hold Ensign's lock. Other programs do not use Ensign's lock. If another program has changed the file
    /// meanwhile, the change is planned again.
    pub(crate) fn settle(
        &self,
        needed: &Folders,
        place: &ConfigDir,
        change: &ConfigDirChange,
    ) -> Result<Option<ConfigDirChange>> {
        let mut planned = Some(change.clone());
        until_unchanged(|| {
            let Some(change) = planned.clone() else { return Ok(None) };
            if let Err(error) = self.apply(place, &change) {
                if error.is::<FileChangedError>() {
                    planned = super::changes(needed, &Self::read(self.root.clone())?).remove(place);
                }
                return Err(error);
            }
            Ok(Some(change))
        })
    }

    /// Makes one change, or returns an error if the file has changed since it was read.
    fn apply(&self, place: &ConfigDir, change: &ConfigDirChange) -> Result<()> {
        let (before, after) = match change {
            ConfigDirChange::Write(answer) => (None, Some(answer)),
            ConfigDirChange::Mend(answer, before) => (Some(before), Some(answer)),
            ConfigDirChange::Remove(before) => (Some(before), None),
            ConfigDirChange::Keep(_) | ConfigDirChange::Leave(_) => return Ok(()),
        };
        self.is_reached_without_links(&place.path())?;
        let file = self.root.join(place.path()).join(NAME);
        let text = |answer| config(&place.registry, answer).into_bytes();
        if files::read(&file, SIZE_LIMIT)? != before.map(text) {
            bail!(FileChangedError(file));
        }
        match after {
            Some(answer) => match files::replace(&file, &text(answer), Access::Private) {
                Err(error) if is_missing(&error) => bail!(FileChangedError(file)), // the new folder has been removed
                written => written,
            },
            None => self.remove(&place.path()),
        }
    }

    /// Adds one folder to `ours` or `others`, and returns the subfolders of this folder.
    fn look_into(&mut self, path: &Path, left: &mut usize) -> io::Result<Vec<PathBuf>> {
        let folder = self.root.join(path);
        let (mut below, mut has_config, mut has_more) = (Vec::new(), false, false);
        for entry in fs::read_dir(&folder)?.take(*left) {
            let entry = entry?;
            *left -= 1;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                below.push(path.join(entry.file_name()));
            } else if entry.file_name() == NAME && kind.is_file() {
                has_config = true;
            } else if entry.file_name() != UNFINISHED || !kind.is_file() {
                has_more = true;
            }
        }
        if let Some(place) = ConfigDir::parse(path).filter(|_| has_config || has_more) {
            let text = files::read(&folder.join(NAME), SIZE_LIMIT).ok().flatten().filter(|_| has_config && !has_more);
            match text.and_then(|text| answer_in(&text, &place.registry)) {
                Some(answer) => drop(self.ours.insert(place, answer)),
                None => drop(self.others.insert(place)),
            }
        }
        Ok(below)
    }

    /// Returns an error if a part of the path is a link, because buildx does not follow links.
    fn is_reached_without_links(&self, path: &Path) -> Result<()> {
        let mut folder = self.root.clone();
        for part in std::iter::once(None).chain(path.iter().map(Some)) {
            folder.extend(part);
            match fs::symlink_metadata(&folder) {
                Ok(metadata) if metadata.is_dir() => {}
                Ok(metadata) => return Err(no_folder(&folder, &metadata).into()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(unreadable(&folder, &error).into()),
            }
        }
        Ok(())
    }

    /// Removes Ensign's file, and then all parent folders that have become empty.
    fn remove(&self, path: &Path) -> Result<()> {
        let file = self.root.join(path).join(NAME);
        files::remove_unfinished(&file)?;
        files::remove(&file)?;
        for folder in path.ancestors() {
            if !files::remove_if_empty(&self.root.join(folder)) {
                break;
            }
        }
        Ok(())
    }
}

fn is_missing(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|cause| cause.kind() == io::ErrorKind::NotFound)
}

fn no_folder(path: &Path, metadata: &fs::Metadata) -> Problem {
    let shown = path.display();
    let name = quote_path(path);
    if metadata.is_symlink() {
        let what = format!("`{shown}` is a link, which buildx does not follow");
        return Problem::new(what, format!("put a folder in its place: `rm {name}`, and run the command again"));
    }
    let what = format!("`{shown}` is a file, where buildx expects a folder");
    Problem::new(what, format!("move it away: `mv {name} {name}.old`, and run the command again"))
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    let what = format!("could not read `{}`: {error}; buildx cannot read it either", path.display());
    Problem::new(what, format!("check its permissions: `ls -ld {}`", quote_path(path)))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::super::FolderHelper;
    use super::*;

    fn tree(root: &Path) -> ConfigTree {
        ConfigTree::read(root.to_owned()).unwrap()
    }

    fn place(path: &str) -> ConfigDir {
        ConfigDir::parse(Path::new(path)).unwrap()
    }

    #[test]
    fn what_was_written_is_known_again_and_goes_without_a_trace() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("buildx/config");
        let me = || FolderHelper::Account("me".parse().unwrap());
        for path in ["ghcr.io/a", "ghcr.io/a/b", "ghcr.io/a/b@push", "ghcr.io@push"] {
            tree(&root).apply(&place(path), &ConfigDirChange::Write(me())).unwrap();
        }
        let found = tree(&root);
        assert_eq!((found.ours.len(), found.others.len(), found.problems.len()), (4, 0, 0));
        files::replace(&root.join("ghcr.io/a/b").join(UNFINISHED), b"half", Access::Private).unwrap();
        let other = FolderHelper::Ensign;
        assert!(
            found.apply(&place("ghcr.io/a"), &ConfigDirChange::Remove(other.clone())).is_err(),
            "the folder has changed"
        );
        assert!(found.apply(&place("ghcr.io/a"), &ConfigDirChange::Write(other.clone())).is_err());
        found.apply(&place("ghcr.io/a"), &ConfigDirChange::Mend(other.clone(), me())).unwrap();
        assert_eq!(tree(&root).ours[&place("ghcr.io/a")], other);
        for (place, answer) in tree(&root).ours {
            found.apply(&place, &ConfigDirChange::Remove(answer)).unwrap();
        }
        assert!(!root.exists() && folder.path().join("buildx").exists());
    }

    #[test]
    fn what_another_changed_meanwhile_is_planned_again() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("config");
        let app = place("ghcr.io/a/app");
        let (me, work) = (FolderHelper::Account("me".parse().unwrap()), FolderHelper::Account("work".parse().unwrap()));
        let needed = Folders::from([(app.clone(), me.clone())]);
        let file = root.join("ghcr.io/a/app").join(NAME);
        let text = |answer: &FolderHelper| config(&app.registry, answer);
        let is_as_it_was = tree(&root);
        let write = ConfigDirChange::Write(me.clone());
        for (part, expected, after) in [
            (text(&work), ConfigDirChange::Mend(me.clone(), work.clone()), text(&me)),
            (text(&me), ConfigDirChange::Keep(me.clone()), text(&me)),
            ("{}".to_owned(), ConfigDirChange::Leave(me.clone()), "{}".to_owned()),
        ] {
            files::replace(&file, part.as_bytes(), Access::Private).unwrap();
            assert_eq!(is_as_it_was.settle(&needed, &app, &write).unwrap(), Some(expected), "{part}");
            assert_eq!(fs::read_to_string(&file).unwrap(), after);
        }
        fs::remove_dir_all(&root).unwrap();
        let (mend, remove) = (ConfigDirChange::Mend(me.clone(), work), ConfigDirChange::Remove(me.clone()));
        assert_eq!(is_as_it_was.settle(&needed, &app, &mend).unwrap(), Some(write));
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(is_as_it_was.settle(&Folders::new(), &app, &remove).unwrap(), None);
    }

    #[test]
    fn a_folder_with_anything_else_in_it_is_anothers() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let write = |path: &str, text: &[u8]| files::replace(&root.join(path), text, Access::Private).unwrap();
        let text = config(&"ghcr.io".parse().unwrap(), &FolderHelper::Ensign);
        for (path, more) in [("ghcr.io/more", "ca.pem"), ("ghcr.io/edited", NAME)] {
            write(&format!("{path}/{NAME}"), text.as_bytes());
            write(&format!("{path}/{more}"), b"{}");
        }
        write(&format!("quay.io/x/{NAME}"), text.as_bytes());
        write(&format!("not a host/x/{NAME}"), text.as_bytes());
        std::os::unix::fs::symlink("more", root.join("ghcr.io/link")).unwrap();
        let found = tree(root);
        assert!(found.ours.is_empty());
        let others: Vec<_> = found.others.iter().map(ConfigDir::path).collect();
        assert_eq!(others, ["ghcr.io", "ghcr.io/edited", "ghcr.io/more", "quay.io/x"].map(PathBuf::from));
    }

    #[test]
    fn links_and_files_in_the_way_are_named_and_left() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("config");
        files::replace(&root.join("ghcr.io"), b"mine", Access::Private).unwrap();
        std::os::unix::fs::symlink("/tmp", root.join("quay.io")).unwrap();
        for (path, says) in [("ghcr.io/a", "is a file"), ("quay.io/a/b", "is a link")] {
            let error = tree(&root).apply(&place(path), &ConfigDirChange::Write(FolderHelper::Ensign)).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
        }
        assert_eq!(fs::read(root.join("ghcr.io")).unwrap(), b"mine");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&root, &link).unwrap();
        assert!(ConfigTree::read(link).unwrap_err().to_string().contains("is a link"));
    }
}
