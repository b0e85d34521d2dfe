//! `AtomicFile`: writes a file in pieces. The file gets its name only when the contents are complete.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Access, InstalledFile, Privacy, create_folder, failed, imp, not_changed, not_created, sibling};

/// An unfinished file, which is removed from the disk if it is dropped before [`AtomicFile::keep`].
pub(crate) struct AtomicFile {
    /// The caller's spelling of the path, for error messages.
    shown: PathBuf,
    path: PathBuf,
    file: Option<File>,
    /// The temporary path; `None` if the system can create a file without a name.
    unfinished: Option<PathBuf>,
    overwrites: ReplaceMode,
}

/// How the new file replaces an old file of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReplaceMode {
    /// The old file is replaced in one step. If the process is killed just before this step, both files remain.
    AtOnce,
    /// The old file is removed first. If the process is killed before the new file gets its name, neither file is left.
    Afterwards,
}

/// The ending in the name of an unfinished file whose writers hold a lock. The name is always the same, so a writer can
/// remove the unfinished file of a killed writer.
const UNDER_LOCK: &str = ".new";
/// How many names of left-over files a writer without a lock skips before it fails.
const NAMES_AT_MOST: u32 = 1000;

impl AtomicFile {
    /// Starts a new file in the folder of `path`. An old file at `path` stays until the new file is complete.
    pub(crate) fn begin(path: &Path) -> Result<Self> {
        Self::begin_unnamed(&OpenOptions::new(), path, ReplaceMode::AtOnce)
            .map_err(|error| not_created("write", path, &error))
    }

    /// Starts a new file for a plaintext secret. Only the owner may read the file. If the system can create files
    /// without a name, a killed process leaves no unfinished file. Missing folders are created.
    pub(crate) fn begin_private(path: &Path) -> Result<Self> {
        create_folder(folder_of(path), Privacy::Secret)?;
        Self::begin_unnamed(&imp::private_options(), path, ReplaceMode::Afterwards)
            .map_err(|error| not_changed("write", path, path, &error))
    }

    /// Starts a new file whose writers hold a lock. Links are followed, and missing folders are created.
    pub(super) fn begin_under_lock(path: &Path) -> Result<Self> {
        let target = fs::canonicalize(path).unwrap_or_else(|_| link_target(path));
        imp::check_target(&target, folder_of(&target))?;
        let unfinished = sibling(&target, UNDER_LOCK);
        create_folder(folder_of(&target), Privacy::Secret)?;
        let begun = remove(&unfinished) // from a killed writer
            .and_then(|()| imp::private_options().write(true).create_new(true).open(&unfinished));
        let file = Some(begun.map_err(|error| not_changed("write", path, &unfinished, &error))?);
        let (shown, unfinished) = (path.to_owned(), Some(unfinished));
        Ok(Self { shown, path: target, file, unfinished, overwrites: ReplaceMode::AtOnce })
    }

    fn begin_unnamed(options: &OpenOptions, path: &Path, overwrites: ReplaceMode) -> io::Result<Self> {
        let (file, unfinished) = if let Some(file) = imp::create_unnamed(options, folder_of(path)) {
            (file, None)
        } else {
            let mut options = options.clone();
            let (file, unfinished) = own_name(path, |name| options.write(true).create_new(true).open(name))?;
            (file, Some(unfinished))
        };
        let path = path.to_owned();
        Ok(Self { shown: path.clone(), path, file: Some(file), unfinished, overwrites })
    }

    pub(crate) fn write(&mut self, piece: &[u8]) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let written = file.stream_position().and_then(|position| match position + piece.len() as u64 {
            // A write beyond the limit would kill the process.
            length if !imp::may_write_up_to(length) => Err(io::ErrorKind::FileTooLarge.into()),
            _ => file.write_all(piece),
        });
        written.map_err(|error| failed("write", &self.shown, &error))
    }

    /// Copies the permissions of the replaced file, if `access` is [`Access::Kept`].
    pub(super) fn grant(&self, access: Access) -> Result<()> {
        match (access, fs::metadata(&self.path), &self.file) {
            (Access::Kept, Ok(metadata), Some(file)) => {
                imp::keep_group(file, &metadata);
                file.set_permissions(metadata.permissions()).map_err(|error| failed("write", &self.shown, &error))
            }
            _ => Ok(()),
        }
    }

    /// Lets every user read the file, and run it if it is a program.
    pub(super) fn open_to_all(&self, kind: InstalledFile) -> Result<()> {
        let opened = self.file.as_ref().map_or(Ok(()), |file| imp::open_to_all(file, kind));
        opened.map_err(|error| failed("write", &self.shown, &error))
    }

    /// Waits until the contents are on the disk.
    pub(super) fn sync(&self) -> Result<()> {
        self.file.as_ref().map_or(Ok(()), imp::sync_file).map_err(|error| failed("write", &self.shown, &error))
    }

    /// Gives the complete file its name. If the file cannot be named, it is removed.
    pub(crate) fn keep(mut self) -> Result<()> {
        self.sync()?;
        self.name().map_err(|error| not_changed("write", &self.shown, &self.path, &error))?;
        imp::sync_folder(folder_of(&self.path));
        Ok(())
    }

    fn name(&mut self) -> io::Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        if self.unfinished.is_none() {
            match imp::name(&file, &self.path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                named => return named,
            }
            if self.overwrites == ReplaceMode::Afterwards {
                remove(&self.path)?;
                return imp::name(&file, &self.path);
            }
            let ((), unfinished) = own_name(&self.path, |name| imp::name(&file, name))?;
            self.unfinished = Some(unfinished);
        }
        drop(file); // Windows cannot rename an open file
        let Some(unfinished) = &self.unfinished else { return Ok(()) };
        let renamed = imp::rename(unfinished, &self.path);
        if renamed.is_err() {
            let _ = fs::remove_file(unfinished);
        }
        renamed
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if let (Some(_), Some(unfinished)) = (self.file.take(), &self.unfinished) {
            let _ = fs::remove_file(unfinished);
        }
    }
}

/// Creates an unfinished file for a writer that holds no lock, and returns the file's path. The number of the process
/// makes the name unique among the running processes of one machine. In containers the numbers repeat, so a killed
/// process may have left a file with this name. Then the next name is tried, because the file of another process is
/// never touched.
fn own_name<T>(path: &Path, mut create: impl FnMut(&Path) -> io::Result<T>) -> io::Result<(T, PathBuf)> {
    let mut number = 0;
    loop {
        let name = sibling(path, &format!(".{}-{number}{UNDER_LOCK}", std::process::id()));
        match create(&name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < NAMES_AT_MOST => number += 1,
            created => return Ok((created?, name)),
        }
    }
}

/// Returns the path of the unfinished file that a killed writer of `path` leaves.
pub(super) fn unfinished(path: &Path) -> PathBuf {
    sibling(&fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()), UNDER_LOCK)
}

pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Returns the target if the path is a link to a file that does not exist yet. Otherwise returns the path itself.
fn link_target(path: &Path) -> PathBuf {
    fs::read_link(path).map_or_else(|_| path.to_owned(), |target| folder_of(path).join(target))
}

/// Removes a file. A missing file is not an error.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_a_killed_process_left_stays_and_stops_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("blob");
        let left = sibling(&path, &format!(".{}-0{UNDER_LOCK}", std::process::id()));
        for old in [&path, &left] {
            let mut file = OpenOptions::new().write(true).create_new(true).open(old).unwrap();
            file.write_all(b"old").unwrap();
        }
        let mut file = AtomicFile::begin(&path).unwrap();
        file.write(b"new").unwrap();
        file.keep().unwrap();
        assert_eq!((fs::read(&path).unwrap(), fs::read(&left).unwrap()), (b"new".to_vec(), b"old".to_vec()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_file_that_does_not_become_whole_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("blob");
        for begin in [AtomicFile::begin, AtomicFile::begin_private, AtomicFile::begin_under_lock] {
            let mut file = begin(&path).unwrap();
            file.write(b"half").unwrap();
            drop(file);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
            for text in ["one", "two"] {
                let mut file = begin(&path).unwrap();
                file.write(text.as_bytes()).unwrap();
                file.keep().unwrap();
                assert_eq!(fs::read_to_string(&path).unwrap(), text);
            }
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
            fs::remove_file(&path).unwrap();
        }
        assert!(AtomicFile::begin(&folder.path().join("no/such/folder")).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_secret_in_clear_has_no_name_until_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = AtomicFile::begin_private(&folder.path().join("export")).unwrap();
        file.write(b"secret").unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "the unfinished file has no name");
        file.keep().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
