//! `Draft`: a file that is written piece by piece and has its name only once it is whole.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{failed, imp, sibling};

/// A file on its way. If it is dropped before [`Draft::keep`] nothing is left of it.
pub(crate) struct Draft {
    path: PathBuf,
    unfinished: PathBuf,
    file: Option<File>,
}

impl Draft {
    /// Begins a file beside the place where it is to be; what lies there stays until the new one is whole.
    pub(crate) fn begin(path: &Path) -> Result<Self> {
        Self::begin_with(OpenOptions::new(), path)
    }

    /// The same for what only its owner may read; missing folders are made.
    pub(crate) fn begin_private(path: &Path) -> Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder.map_or(Ok(()), imp::create_folder).map_err(|error| failed("write", path, &error))?;
        Self::begin_with(imp::private(), path)
    }

    fn begin_with(mut options: OpenOptions, path: &Path) -> Result<Self> {
        let unfinished = sibling(path, &format!(".{}.new", std::process::id()));
        let file = options.write(true).create_new(true).open(&unfinished);
        let file = file.map_err(|error| failed("write", path, &error))?;
        Ok(Self { path: path.to_owned(), unfinished, file: Some(file) })
    }

    /// Adds a piece.
    pub(crate) fn write(&mut self, piece: &[u8]) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.write_all(piece).map_err(|error| failed("write", &self.path, &error))
    }

    /// Gives the file its name.
    pub(crate) fn keep(mut self) -> Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let kept = file.sync_all().and_then(|()| {
            drop(file); // Windows renames no open file
            imp::rename(&self.unfinished, &self.path)
        });
        if kept.is_err() {
            let _ = fs::remove_file(&self.unfinished);
        }
        kept.map_err(|error| failed("write", &self.path, &error))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            let _ = fs::remove_file(&self.unfinished);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_does_not_become_whole_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("blob");
        let mut draft = Draft::begin(&path).unwrap();
        draft.write(b"half").unwrap();
        drop(draft);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        for text in ["one", "two"] {
            let mut draft = Draft::begin(&path).unwrap();
            draft.write(text.as_bytes()).unwrap();
            draft.keep().unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(Draft::begin(&folder.path().join("no/such/folder")).is_err());
    }
}
