//! `Reader`: opens what a project is made of, within bounds, for it may be anybody's. What cannot be had is not there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::yaml::{self, Node};
use crate::system::files;

/// No Compose file or Dockerfile that people wrote comes near.
const FILE_LIMIT: u64 = 1 << 19;
const TOTAL_LIMIT: usize = 8 << 20;
const FILES_AT_MOST: usize = 64;
/// Names that are asked for, of files that are there and of others, also again.
const NAMES_AT_MOST: usize = 2000;
/// A client waits for us; a project is read in a millisecond, ten times that without optimization. What a step goes on
/// for after that is some milliseconds: 100 ms are promised.
const PATIENCE: Duration = Duration::from_millis(if cfg!(debug_assertions) { 1000 } else { 40 });

/// What may still be read, and what was.
pub(super) struct Reader {
    deadline: Instant,
    names_left: usize,
    files_left: usize,
    bytes_left: usize,
    texts: BTreeMap<PathBuf, String>,
    yaml: BTreeMap<PathBuf, Vec<Rc<Node>>>,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self {
            deadline: Instant::now() + PATIENCE,
            names_left: NAMES_AT_MOST,
            files_left: FILES_AT_MOST,
            bytes_left: TOTAL_LIMIT,
            texts: BTreeMap::new(),
            yaml: BTreeMap::new(),
        }
    }

    /// The text of a regular file.
    pub(super) fn text(&mut self, path: &Path) -> Option<String> {
        self.may_go_on().then_some(())?;
        if let Some(known) = self.texts.get(path) {
            return Some(known.clone());
        }
        (self.files_left > 0).then_some(())?;
        let contents = files::read(path, FILE_LIMIT.min(self.bytes_left as u64)).ok()??;
        self.files_left -= 1;
        self.bytes_left = self.bytes_left.saturating_sub(contents.len());
        let text = String::from_utf8(contents).ok()?;
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        self.texts.insert(path.to_owned(), text.clone());
        Some(text)
    }

    /// The documents of a YAML file; none if it is broken.
    pub(super) fn documents(&mut self, path: &Path) -> Vec<Rc<Node>> {
        if let Some(known) = self.yaml.get(path).cloned() {
            return if self.may_go_on() { known } else { Vec::new() };
        }
        let documents = self.text(path).and_then(|text| yaml::documents(&text, self.deadline)).unwrap_or_default();
        self.yaml.insert(path.to_owned(), documents.clone());
        documents
    }

    /// The first document of a YAML file.
    pub(super) fn document(&mut self, path: &Path) -> Option<Rc<Node>> {
        self.documents(path).into_iter().next()
    }

    /// The first of `names` that is a file in `folder`.
    pub(super) fn first_of(&mut self, folder: &Path, names: &[&str]) -> Option<PathBuf> {
        names.iter().map(|name| folder.join(name)).find(|path| self.is_file(path))
    }

    /// The files in `folder` whose names end so, in their order; none if it is no folder.
    pub(super) fn files_in(&mut self, folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
        if !self.may_go_on() {
            return Vec::new();
        }
        let entries = files::entries(folder, self.names_left);
        self.names_left = self.names_left.saturating_sub(entries.len());
        let ends = |path: &PathBuf| path.extension().is_some_and(|ending| endings.iter().any(|known| ending == *known));
        entries.into_iter().filter(ends).collect()
    }

    pub(super) fn is_file(&mut self, path: &Path) -> bool {
        self.may_go_on() && path.is_file()
    }

    /// Counts one more step; false if there were too many, or they took too long.
    fn may_go_on(&mut self) -> bool {
        self.names_left = self.names_left.saturating_sub(1);
        self.names_left > 0 && self.in_time()
    }

    /// Tells whether everything that was asked for was looked at. A part of a project proves nothing.
    pub(super) fn saw_all(&self) -> bool {
        self.names_left > 0 && self.files_left > 0 && self.in_time()
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(super) fn in_time(&self) -> bool {
        Instant::now() < self.deadline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let large = vec![b'#'; 1 << 21];
        let written =
            [("plain", &b"\xef\xbb\xbfa: b"[..], true), ("no text", b"\xff\xfe", false), ("large", &large, false)];
        for (name, contents, _) in written {
            files::replace(&path(name), contents, files::Access::Private).unwrap();
        }
        let mut reader = Reader::new(); // whose time begins now
        for (name, _, is_read) in written {
            assert_eq!(reader.text(&path(name)).is_some(), is_read, "{name}");
        }
        assert_eq!(reader.text(&path("plain")).as_deref(), Some("a: b"));
        assert!(reader.text(folder.path()).is_none());
        assert!(reader.text(&path("missing")).is_none());
        assert!((0..100).all(|_| reader.text(&path("plain")).is_some()), "it is read once");
        let many: Vec<PathBuf> = (0..100).map(|number| path(&number.to_string())).collect();
        for file in &many {
            files::replace(file, b"a: b", files::Access::Private).unwrap();
        }
        let mut reader = Reader::new();
        let read = many.iter().filter(|file| reader.text(file).is_some()).count();
        assert_eq!(read, FILES_AT_MOST);
        assert!(reader.documents(&many[99]).is_empty() && !reader.saw_all());
    }
}
