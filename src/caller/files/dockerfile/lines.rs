//! Splits a Dockerfile into instructions: joins continued lines, drops comments and skips here-documents.
//!
//! Source: moby/buildkit `frontend/dockerfile/parser/parser.go`, `directives.go`, `split_command.go`.

use std::collections::BTreeMap;

use super::super::budget::Budget;
use super::shell;
use super::{DockerfileError, refused};

/// An instruction of the form `VERB --FLAG=VALUE… REST`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Instruction {
    /// The verb in lower case.
    pub(super) verb: String,
    /// The flags without quotes.
    pub(super) flags: Vec<String>,
    pub(super) rest: String,
}

/// The largest number of instructions to read. Real Dockerfiles have far fewer instructions.
const INSTRUCTIONS_AT_MOST: usize = 5000;

/// Returns the escape character, which the directive `# escape=` may set.
pub(super) fn escape(text: &str) -> Result<char, DockerfileError> {
    let mut found = BTreeMap::new();
    for (name, value) in directives(text.split('\n').map(str::trim_start), "#") {
        if found.insert(name, value).is_some() {
            return refused("a parser directive appears twice");
        }
    }
    match found.get("escape").copied() {
        None | Some("\\") => Ok('\\'),
        Some("`") => Ok('`'),
        Some(_) => refused("the value of the `escape` directive is not valid"),
    }
}

/// Returns the parser directives `NAME=VALUE` in the comments at the top of a file. `mark` begins a comment.
fn directives<'t>(lines: impl Iterator<Item = &'t str>, mark: &str) -> impl Iterator<Item = (String, &'t str)> {
    lines.map_while(move |line| {
        let (name, value) = line.strip_prefix(mark)?.split_once('=')?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        (!value.is_empty() && matches!(&*name, "syntax" | "escape" | "check")).then_some((name, value))
    })
}

/// Returns the frontend's image from a line `# syntax=IMAGE`. A file in a language other than Dockerfile may set the
/// image after `//` or in JSON.
pub(super) fn syntax(text: &str) -> Option<String> {
    let text = if text.starts_with("#!") { text.split_once('\n').map_or("", |(_, rest)| rest) } else { text };
    let directive = |mark| {
        let found = directives(text.split('\n'), mark).find(|(name, _)| name == "syntax");
        found.map(|(_, value)| value.to_owned())
    };
    let in_json = || {
        let object: serde_json::Value =
            text.trim_start().starts_with('{').then(|| serde_json::from_str(text).ok())??;
        object.get("syntax")?.as_str().map(str::to_owned)
    };
    let found = directive("#").or_else(|| directive("//")).or_else(in_json)?;
    found.split(' ').next().filter(|image| !image.is_empty()).map(str::to_owned)
}

pub(super) fn instructions(text: &str, escape: char, budget: &Budget) -> Result<Vec<Instruction>, DockerfileError> {
    let mut found = Vec::new();
    let mut lines = text.split('\n').map(|line| line.trim_end_matches('\r'));
    while let Some(line) = lines.next() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (begun, mut is_open) = continued(line, escape);
        let mut joined = begun.to_owned();
        while is_open && let Some(line) = lines.next() {
            let start = line.trim_start();
            if !start.is_empty() && !start.starts_with('#') {
                let more;
                (more, is_open) = continued(line, escape);
                joined.push_str(more);
            }
        }
        let instruction = Instruction::read(&joined);
        if found.len() == INSTRUCTIONS_AT_MOST || !budget.spend(joined.len() as u64) {
            return refused("the file is too long to read");
        }
        if joined.contains("<<") && instruction.may_have_documents()? {
            for HereDocument { end, is_indented } in here_documents(&joined, budget)? {
                let is_end = |line: &str| if is_indented { line.trim_start_matches('\t') == end } else { line == end };
                if !lines.by_ref().any(is_end) {
                    return refused("a here-document has no end");
                }
            }
        }
        found.push(instruction);
    }
    Ok(found)
}

/// Removes the escape character at the end of a line, and tells whether the next line continues this line. Blanks and
/// tabs may follow the escape character.
fn continued(line: &str, escape: char) -> (&str, bool) {
    match line.trim_end_matches([' ', '\t']).strip_suffix(escape) {
        Some(begun) if !begun.ends_with(escape) => (begun, true),
        _ => (line, false),
    }
}

struct HereDocument {
    /// The text of the here-document's last line.
    end: String,
    /// Whether tabs may precede the here-document's last line.
    is_indented: bool,
}

/// Returns the here-documents that begin in a line. A here-document begins with a word such as `<<END`, `<<-END`,
/// `3<<END` or `<<"END"`.
fn here_documents(line: &str, budget: &Budget) -> Result<Vec<HereDocument>, DockerfileError> {
    let mut found = Vec::new();
    for word in shell::raw_words(line, budget) {
        let Some(rest) = word.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix("<<") else { continue };
        let (rest, is_indented) = rest.strip_prefix('-').map_or((rest, false), |rest| (rest, true));
        let rest = rest.trim_start();
        if rest.is_empty() || rest.contains('<') {
            continue;
        }
        let mut words = shell::words(rest, budget)?.into_iter();
        if let (Some(end), None) = (words.next(), words.next()) {
            found.push(HereDocument { end, is_indented });
        }
    }
    Ok(found)
}

impl Instruction {
    pub(super) fn read(line: &str) -> Self {
        let line = line.trim();
        let is_blank = |c: char| matches!(c, '\t' | '\u{b}' | '\u{c}' | '\r' | ' ');
        let (verb, rest) = line.split_once(is_blank).unwrap_or((line, ""));
        let (flags, rest) = flags(rest);
        Self { verb: verb.to_ascii_lowercase(), flags, rest: rest.trim().to_owned() }
    }

    /// Returns the value of a flag. If the flag is repeated, the last value wins.
    pub(super) fn flag(&self, name: &str) -> Option<&str> {
        self.values(name).last()
    }

    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.flags.iter().filter_map(move |flag| flag.strip_prefix("--")?.strip_prefix(name)?.strip_prefix('='))
    }

    /// Tells whether here-documents may begin in the instruction. For `ONBUILD`, the triggered instruction decides. An
    /// instruction in JSON form has no here-documents.
    fn may_have_documents(&self) -> Result<bool, DockerfileError> {
        if self.verb == "onbuild" {
            let trigger = Self::read(&self.rest);
            return if trigger.verb == "onbuild" { Ok(false) } else { trigger.may_have_documents() };
        }
        if !matches!(self.verb.as_str(), "run" | "copy" | "add") {
            return Ok(false);
        }
        if !self.rest.starts_with('[') {
            return Ok(true);
        }
        match serde_json::from_str::<Vec<serde_json::Value>>(&self.rest) {
            Ok(list) if list.iter().all(serde_json::Value::is_string) => Ok(false),
            Ok(_) => refused("a JSON list contains a value that is not a string"),
            Err(_) => Ok(true),
        }
    }
}

/// Returns the flags at the start of a text, and the rest of the text.
fn flags(text: &str) -> (Vec<String>, &str) {
    let mut flags = Vec::new();
    let mut rest = text.trim_start();
    while rest.starts_with("--") {
        let (mut flag, mut quote) = (String::new(), None);
        let mut chars = rest.char_indices();
        let end = loop {
            let Some((at, c)) = chars.next() else { break rest.len() };
            match (c, quote) {
                (_, None) if c.is_whitespace() => break at,
                ('\\', _) => flag.extend(chars.next().map(|(_, escaped)| escaped)),
                ('"' | '\'', None) => quote = Some(c),
                (_, Some(open)) if c == open => quote = None,
                _ => flag.push(c),
            }
        };
        rest = rest[end..].trim_start();
        if flag == "--" {
            break;
        }
        flags.push(flag);
    }
    (flags, rest)
}
