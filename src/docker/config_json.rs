//! `ConfigJson`: the text and settings of Docker's `config.json`, or of an `auth.json` of the container tools.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::{Map, Value};

use super::LIMIT;
use super::json_edit::ObjectSpan;
use super::logins::shown;
use crate::model::Problem;
use crate::system::files;
use crate::system::text::quote_path;

/// A `config.json` or `auth.json`, which may be missing. `Debug` shows only the path, because the file may
/// contain plain-text logins.
pub(crate) struct ConfigJson {
    path: PathBuf,
    /// The file's text, or `None` if there is no file.
    text: Option<String>,
    root: Map<String, Value>,
}

/// A syntax error in the file. Ensign never changes a file with a syntax error.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ConfigSyntaxError {
    pub(crate) path: PathBuf,
    pub(crate) line: usize,
    pub(crate) problem: String,
}

impl ConfigJson {
    /// Reads a file. A missing file has no settings. Returns an error if the file is unreadable, or if [`Self::parse`]
    /// fails.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let contents = files::read(path, LIMIT)?;
        Ok(Self::parse(path, contents).map_err(Problem::from)?)
    }

    /// Parses a file. Like Docker, reads an empty file as a file without settings (`cli/config/configfile/file.go`).
    /// Returns an error if the text is not a JSON object, or if Ensign cannot edit the text safely.
    pub(crate) fn parse(path: &Path, contents: Option<Vec<u8>>) -> Result<Self, ConfigSyntaxError> {
        let broken = |line, problem: String| ConfigSyntaxError { path: path.to_owned(), line, problem };
        let none = || Self { path: path.to_owned(), text: None, root: Map::new() };
        let Some(contents) = contents else { return Ok(none()) };
        let text = String::from_utf8(contents).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            broken(line_of(error.as_bytes(), valid), "the text is not in UTF-8".into())
        })?;
        if text.starts_with('\u{feff}') {
            return Err(broken(1, "the text starts with a byte order mark, which Docker does not read".into()));
        }
        if text.trim().is_empty() {
            return Ok(Self { text: Some(text), ..none() });
        }
        // serde_json's messages about syntax do not quote the text, so these messages contain no secrets.
        let root = match serde_json::from_str::<Value>(&text) {
            Ok(Value::Object(root)) => root,
            Ok(Value::Null) => Map::new(), // Go reads `null` as an empty object
            Ok(_) => return Err(broken(1, "the text is not a JSON object".into())),
            Err(error) => {
                let problem = error.to_string();
                let (problem, _) = problem.split_once(" at line ").unwrap_or((&problem, ""));
                return Err(broken(error.line(), format!("{problem} in column {}", error.column())));
            }
        };
        if let Some((at, problem)) = problem(&text) {
            return Err(broken(line_of(text.as_bytes(), at), problem));
        }
        Ok(Self { text: Some(text), root, ..none() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Returns the entries of `credHelpers`, each with its registry and helper. If an entry's helper is empty, Docker
    /// reads the login from `auths`.
    pub(crate) fn helpers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.section("credHelpers").map(|(key, helper)| (key, helper.as_str().unwrap_or_default()))
    }

    /// Returns the helper in `credHelpers` under exactly the key `key`. Docker compares keys exactly too.
    pub(crate) fn helper(&self, key: &str) -> Option<&str> {
        Some(field(&self.root, "credHelpers")?.1.get(key)?.as_str().unwrap_or_default())
    }

    /// Returns the helper in `credsStore`. Docker asks the helper in `credsStore` for all registries without an entry
    /// in `credHelpers`.
    pub(crate) fn store(&self) -> Option<&str> {
        field(&self.root, "credsStore")?.1.as_str().filter(|store| !store.is_empty())
    }

    /// Returns the value of `credsStore`, even if the value is empty.
    pub(crate) fn written_store(&self) -> Option<&str> {
        field(&self.root, "credsStore")?.1.as_str()
    }

    /// Returns the entries of `auths`. An entry is a plain-text login, or an empty marker for a login in a helper.
    pub(super) fn logins(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.section("auths")
    }

    /// Returns the servers with an empty entry in `auths`. An empty entry means that the login is in a helper.
    pub(crate) fn servers_of_helpers(&self) -> Vec<String> {
        let is_empty = |entry: &Value| entry.as_object().is_some_and(Map::is_empty);
        self.logins().filter(|(_, entry)| is_empty(entry)).map(|(server, _)| server.to_owned()).collect()
    }

    /// Returns the absolute folders in `cliPluginsExtraDirs`, where Docker first looks for plugins.
    pub(super) fn plugin_folders(&self) -> Vec<PathBuf> {
        let folders = field(&self.root, "cliPluginsExtraDirs").and_then(|(_, folders)| folders.as_array());
        let folders = folders.into_iter().flatten().filter_map(Value::as_str).map(PathBuf::from);
        folders.filter(|folder| folder.is_absolute()).collect()
    }

    /// Returns a section's name in the spelling of this file.
    pub(super) fn spelling<'a>(&'a self, name: &'a str) -> &'a str {
        field(&self.root, name).map_or(name, |(spelling, _)| spelling)
    }

    /// Returns the members of a section. A section that is not an object has no members.
    pub(super) fn section(&self, name: &str) -> impl Iterator<Item = (&str, &Value)> {
        let entries = field(&self.root, name).and_then(|(_, section)| section.as_object());
        entries.into_iter().flatten().map(|(key, value)| (key.as_str(), value))
    }
}

/// Finds a field without regard to upper and lower case, as Go's `encoding/json` does.
pub(super) fn field<'a>(object: &'a Map<String, Value>, name: &str) -> Option<(&'a str, &'a Value)> {
    let exact = object.get_key_value(name);
    exact
        .or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)))
        .map(|(key, value)| (key.as_str(), value))
}

/// Returns the reason why the text cannot be edited, with the position of the fault. Sections that Ensign never edits
/// are not checked.
fn problem(text: &str) -> Option<(usize, String)> {
    let root = ObjectSpan::at(text, 0)?;
    if let Some(twice) = twice(&root, &["credHelpers", "auths", "credsStore"]) {
        return Some(twice);
    }
    for member in &root.members {
        let name = member.key.to_ascii_lowercase();
        let value = &text[member.value.clone()];
        if !matches!(name.as_str(), "credhelpers" | "auths") || value == "null" {
            continue;
        }
        let Some(section) = ObjectSpan::at(text, member.value.start) else {
            return Some((member.start, format!("`{}` is not an object", member.key)));
        };
        if let Some(twice) = twice(&section, &[]) {
            return Some(twice);
        }
        for entry in section.members.iter().filter_map(|entry| ObjectSpan::at(text, entry.value.start)) {
            if let Some(twice) = twice(&entry, &[]) {
                return Some(twice);
            }
        }
        let is_text = |value: &str| value.starts_with('"') || value == "null";
        if name == "credhelpers"
            && let Some(odd) = section.members.iter().find(|entry| !is_text(&text[entry.value.clone()]))
        {
            return Some((odd.start, format!("the helper of `{}` is not a string", shown(&odd.key))));
        }
    }
    None
}

/// Returns the first duplicate key with its position. Programs disagree on which of two equal keys applies, so Ensign
/// edits no such file. The keys in `any_case` are compared without regard to upper and lower case.
fn twice(object: &ObjectSpan, any_case: &[&str]) -> Option<(usize, String)> {
    let mut seen = HashSet::new();
    let name = |key: &str| match any_case.iter().find(|name| name.eq_ignore_ascii_case(key)) {
        Some(name) => (*name).to_owned(),
        None => key.to_owned(),
    };
    let again = object.members.iter().find(|member| !seen.insert(name(&member.key)))?;
    Some((again.start, format!("`{}` appears twice", shown(&again.key))))
}

fn line_of(text: &[u8], at: usize) -> usize {
    text.iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

impl fmt::Display for ConfigSyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, problem } = self;
        write!(f, "could not read `{}`, line {line}: {problem}", path.display())
    }
}

impl std::error::Error for ConfigSyntaxError {}

impl From<ConfigSyntaxError> for Problem {
    fn from(error: ConfigSyntaxError) -> Self {
        Self::new(error.to_string(), format!("correct the file: `\"${{EDITOR:-vi}}\" {}`", quote_path(&error.path)))
    }
}

impl fmt::Debug for ConfigJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigJson").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ConfigJson, ConfigSyntaxError> {
        ConfigJson::parse(Path::new("config.json"), Some(text.into()))
    }

    #[test]
    fn what_is_broken_is_named_with_its_line() {
        for (text, line, problem) in [
            ("{\n  \"a\": 1,\n}", 3, "trailing comma"),
            ("{\"a\":", 1, "EOF"),
            ("[]", 1, "not a JSON object"),
            ("{} {}", 1, "trailing characters"),
            ("\u{feff}{}", 1, "byte order mark"),
            ("{\n\"auths\": {},\n\"auths\": {}}", 3, "`auths` appears twice"),
            ("{\"auths\": {}, \"Auths\": {}}", 1, "`Auths` appears twice"),
            ("{\"credHelpers\": {\"a\": \"x\",\n\"a\": \"y\"}}", 2, "`a` appears twice"),
            ("{\n\n\"credHelpers\": []}", 3, "`credHelpers` is not an object"),
            ("{\"credHelpers\": {\n\"a\": {}}}", 2, "the helper of `a` is not a string"),
            ("{\"auths\": {\"a\": {\"auth\": \"x\",\n\"auth\": \"y\"}}}", 2, "`auth` appears twice"),
            ("{\"auths\": \"\"}", 1, "`auths` is not an object"),
        ] {
            let broken = parse(text).unwrap_err();
            assert_eq!(broken.line, line, "{text:?}");
            assert!(broken.problem.contains(problem), "{text:?}: {broken}");
        }
        assert_eq!(ConfigJson::parse(Path::new("x"), Some(b"{\n\xff}".to_vec())).unwrap_err().line, 2);
        assert!(ConfigJson::parse(Path::new("x"), Some("[".repeat(100_000).into())).is_err());
    }

    #[test]
    fn a_password_in_a_key_is_not_shown() {
        for text in [
            r#"{"credHelpers": {"https://me:s3cret@a": "x", "https://me:s3cret@a": "y"}}"#,
            r#"{"credHelpers": {"https://me:s3cret@a": 1}}"#,
        ] {
            let broken = parse(text).unwrap_err();
            assert!(broken.problem.contains("`a`"), "{broken}");
        }
    }

    #[test]
    fn settings_are_read_as_docker_reads_them() {
        for (text, helper, store) in [
            ("", None, None),
            (" \n", None, None),
            ("{}", None, None),
            ("null\n", None, None),
            (r#"{"credHelpers": null, "auths": null}"#, None, None),
            (r#"{"credHelpers": {"ghcr.io": "gh"}, "credsStore": "desktop"}"#, Some("gh"), Some("desktop")),
            (r#"{"credhelpers": {"ghcr.io": ""}, "credsStore": ""}"#, Some(""), None),
            (r#"{"credHelpers": {"ghcr.io": null}, "a": 1, "A": 2}"#, Some(""), None),
            (r#"{"credHelpers": {"https://ghcr.io": "gh"}}"#, None, None),
        ] {
            let file = parse(text).unwrap();
            assert_eq!((file.helper("ghcr.io"), file.store()), (helper, store), "{text}");
        }
        assert!(ConfigJson::parse(Path::new("x"), None).unwrap().text().is_none());
    }

    #[test]
    fn a_file_with_logins_does_not_print() {
        let file = parse(r#"{"auths": {"ghcr.io": {"auth": "aHVudGVyMg=="}}}"#).unwrap();
        assert_eq!(format!("{file:?}"), "ConfigJson { path: \"config.json\", .. }");
    }
}
