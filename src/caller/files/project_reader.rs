//! `ProjectReader`: reads the files of a project within limits. If a file exists but cannot be read, its images are
//! unknown. A missing file has no images.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::budget::Budget;
use super::yaml::{self, YamlFile, YamlNode};
use crate::model::choice::{RegistryRange, UnknownImages};
use crate::system::files;

/// The size limit of a file, in bytes. Real Compose files and Dockerfiles are far smaller.
const FILE_LIMIT: u64 = 1 << 19;
const TOTAL_LIMIT: usize = 8 << 20;
const FILES_AT_MOST: usize = 512;
/// The largest number of files to look up, including missing files.
const NAMES_AT_MOST: usize = 8000;

/// The remaining limits, and the files read so far.
pub(super) struct ProjectReader {
    budget: Budget,
    names_left: usize,
    files_left: usize,
    bytes_left: usize,
    /// The texts of the files read so far, with `None` for each refused file.
    texts: BTreeMap<PathBuf, Option<String>>,
    yaml: BTreeMap<PathBuf, YamlFile>,
    unknown: Vec<UnknownImages>,
}

impl ProjectReader {
    pub(super) fn new() -> Self {
        Self {
            budget: Budget::new(),
            names_left: NAMES_AT_MOST,
            files_left: FILES_AT_MOST,
            bytes_left: TOTAL_LIMIT,
            texts: BTreeMap::new(),
            yaml: BTreeMap::new(),
            unknown: Vec::new(),
        }
    }

    /// Returns the text of a regular file, or `None` if the file is missing or refused. Records a refused file as
    /// unknown.
    pub(super) fn text(&mut self, path: &Path) -> Option<String> {
        self.may_go_on().then_some(())?;
        if let Some(known) = self.texts.get(path).cloned() {
            if known.is_none() {
                self.add_unknown(path, "could not be read");
            }
            return known;
        }
        if self.files_left == 0 {
            self.add_unknown(path, &format!("not read: Ensign reads at most {FILES_AT_MOST} files of a project"));
            return None;
        }
        let text = match self.read(path) {
            Ok(text) => Some(text?),
            Err(message) => {
                self.add_unknown(path, &message);
                None
            }
        };
        self.texts.insert(path.to_owned(), text.clone());
        text
    }

    fn read(&mut self, path: &Path) -> Result<Option<String>, String> {
        let contents = files::read_any(path, FILE_LIMIT.min(self.bytes_left as u64)).map_err(|error| {
            let text = format!("{error:#}");
            let why = text.split_once("`: ").map_or("the reason is unknown", |(_, why)| why);
            format!("could not be read: {why}")
        })?;
        let Some(contents) = contents else { return Ok(None) };
        self.files_left -= 1;
        self.bytes_left = self.bytes_left.saturating_sub(contents.len());
        let text = decode(contents).ok_or("could not be read: the file is not in UTF-8")?;
        Ok(Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)))
    }

    /// Returns the documents of a YAML file, and counts the steps for one reading of them. Returns no documents if the
    /// file is missing or refused, or if the budget is used up. Records a refused file as unknown.
    pub(super) fn documents(&mut self, path: &Path) -> Vec<Rc<YamlNode>> {
        let documents = self.yaml(path).map(|yaml| yaml.documents).unwrap_or_default();
        if documents.iter().all(|document| document.spend(&self.budget)) { documents } else { Vec::new() }
    }

    /// Returns a parsed YAML file, or `None` if the file is missing or refused. Records a refused file as unknown.
    pub(super) fn yaml(&mut self, path: &Path) -> Option<YamlFile> {
        let text = self.text(path)?;
        if let Some(known) = self.yaml.get(path) {
            return Some(known.clone());
        }
        let Some(yaml) = yaml::read(&text, &self.budget) else {
            self.add_unknown(path, "could not be read as YAML");
            return None;
        };
        self.yaml.insert(path.to_owned(), yaml.clone());
        Some(yaml)
    }

    /// Records that a part of `file` is unknown.
    pub(super) fn add_unknown(&mut self, file: &Path, message: &str) {
        let (file, message) = (file.to_owned(), message.to_owned());
        self.unknown.push(UnknownImages { file, reach: RegistryRange::Any, message });
    }

    /// Removes and returns the unknown parts recorded so far. The caller stores these parts with the images that they
    /// concern.
    pub(super) fn take_unknown(&mut self) -> Vec<UnknownImages> {
        std::mem::take(&mut self.unknown)
    }

    /// Returns the first document of a YAML file.
    pub(super) fn document(&mut self, path: &Path) -> Option<Rc<YamlNode>> {
        self.documents(path).into_iter().next()
    }

    /// Returns the first of `names` that is a file in `folder`.
    pub(super) fn first_of(&mut self, folder: &Path, names: &[&str]) -> Option<PathBuf> {
        names.iter().map(|name| folder.join(name)).find(|path| self.is_file(path))
    }

    /// Returns the files in `folder` that have one of these extensions. Returns no files if `folder` is not a folder.
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

    /// Counts one lookup of a file. Returns false once a limit is reached.
    fn may_go_on(&mut self) -> bool {
        self.names_left = self.names_left.saturating_sub(1);
        self.names_left > 0 && self.budget.spend_on_file()
    }

    /// Returns why the reader stopped before the end of the project, or `None` if it did not stop. The images of a
    /// partly read project prove nothing, because unread files may contain other images.
    pub(super) fn gave_up(&self) -> Option<&'static str> {
        if self.names_left == 0 {
            Some("the project is too large to read")
        } else {
            (!self.budget.is_left()).then_some("the project takes too long to read")
        }
    }

    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }
}

/// Decodes UTF-8, or UTF-16 after a byte order mark, as Go's YAML reader does.
fn decode(contents: Vec<u8>) -> Option<String> {
    let unit: fn([u8; 2]) -> u16 = match contents.get(..2) {
        Some([0xff, 0xfe]) => u16::from_le_bytes,
        Some([0xfe, 0xff]) => u16::from_be_bytes,
        _ => return String::from_utf8(contents).ok(),
    };
    let (pairs, []) = contents.as_chunks::<2>() else { return None };
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).collect::<Result<_, _>>().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_known_by_its_byte_order_mark() {
        let in_units = |text: &str, unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
        for (contents, text) in [
            (b"a: \xc3\xa9".to_vec(), Some("a: é")),
            (in_units("\u{feff}a: é𝄞", u16::to_le_bytes), Some("\u{feff}a: é𝄞")),
            (in_units("\u{feff}a: é𝄞", u16::to_be_bytes), Some("\u{feff}a: é𝄞")),
            (b"\xff\xfea".to_vec(), None),
            (b"\xff\xfe\x00\xd8".to_vec(), None),
            (b"a\xff".to_vec(), None),
            (Vec::new(), Some("")),
        ] {
            assert_eq!(decode(contents.clone()).as_deref(), text, "{contents:?}");
        }
    }

    #[test]
    fn what_is_too_much_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let large = vec![b'#'; 1 << 21];
        let written =
            [("plain", &b"\xef\xbb\xbfa: b"[..], true), ("no text", b"\xff\xff", false), ("large", &large, false)];
        for (name, contents, _) in written {
            files::replace(&path(name), contents, files::Access::Private).unwrap();
        }
        let mut reader = ProjectReader::new(); // starts the reader's time limit
        for (name, _, is_read) in written {
            assert_eq!(reader.text(&path(name)).is_some(), is_read, "{name}");
            assert_eq!(reader.take_unknown().is_empty(), is_read, "{name}");
        }
        assert_eq!(reader.text(&path("plain")).as_deref(), Some("a: b"));
        assert!(reader.text(folder.path()).is_none());
        assert_eq!(reader.take_unknown().len(), 1, "a folder is not read");
        assert!(reader.text(&path("missing")).is_none());
        assert!(reader.take_unknown().is_empty(), "a missing file is not unknown");
        assert!((0..100).all(|_| reader.text(&path("plain")).is_some()), "it is read once");
        let many: Vec<PathBuf> = (0..FILES_AT_MOST + 10).map(|number| path(&number.to_string())).collect();
        for file in &many {
            files::replace(file, b"a: b", files::Access::Private).unwrap();
        }
        let mut reader = ProjectReader::new();
        let read = many.iter().filter(|file| reader.text(file).is_some()).count();
        assert_eq!(read, FILES_AT_MOST);
        assert!(reader.documents(&many[FILES_AT_MOST]).is_empty());
        assert_eq!(reader.take_unknown().len(), 11, "each file beyond the limit is unknown");
    }
}
