//! Reads the words and variables of a Dockerfile as `BuildKit`'s lexer does.
//!
//! Source: moby/buildkit `frontend/dockerfile/shell/lex.go`, `parser/line_parsers.go`.

use super::super::budget::Budget;
use super::{DockerfileError, refused};

/// The largest number of bytes that variables may add to a text. No image name needs so many bytes.
const LENGTH_AT_MOST: usize = 4096;

/// The rules for reading a text.
pub(super) struct ShellSyntax<'a> {
    /// The escape character.
    pub(super) escape: char,
    pub(super) look_up: &'a dyn Fn(&str) -> Option<String>,
    pub(super) budget: &'a Budget,
    /// Whether quotes and escapes stay unchanged.
    keeps_quotes: bool,
    /// Whether variables that are not set stay unchanged.
    pub(super) keeps_unset: bool,
}

impl<'a> ShellSyntax<'a> {
    pub(super) fn new(escape: char, look_up: &'a dyn Fn(&str) -> Option<String>, budget: &'a Budget) -> Self {
        Self { escape, look_up, budget, keeps_quotes: false, keeps_unset: false }
    }

    /// Substitutes variables and removes quotes.
    pub(super) fn expand(&self, text: &str) -> Result<String, DockerfileError> {
        Ok(self.read(text)?.0)
    }

    fn read(&self, text: &str) -> Result<(String, Vec<String>), DockerfileError> {
        let chars: Vec<char> = text.chars().collect();
        if !self.budget.spend(chars.len() as u64) {
            return refused("the file takes too long to read");
        }
        let length_at_most = text.len() + LENGTH_AT_MOST;
        let mut reading = ShellCursor { shell: self, chars: &chars, at: 0, depth: 0, length_at_most };
        reading.until(None, self.keeps_quotes)
    }
}

/// Returns the words of a line in which here-documents may begin. Returns no words if the line is malformed.
pub(super) fn raw_words(line: &str, budget: &Budget) -> Vec<String> {
    let syntax = ShellSyntax::new('\\', &|_| None, budget);
    let shell = ShellSyntax { keeps_quotes: true, keeps_unset: true, ..syntax };
    shell.read(line).map(|(_, words)| words).unwrap_or_default()
}

/// Returns the words after `<<`, without their quotes.
pub(super) fn words(text: &str, budget: &Budget) -> Result<Vec<String>, DockerfileError> {
    let shell = ShellSyntax { keeps_unset: true, ..ShellSyntax::new('\\', &|_| None, budget) };
    shell.read(text).map(|(_, words)| words)
}

/// Returns the words of an `ARG`, with their quotes.
pub(super) fn quoted_words(text: &str, escape: char) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if quote.is_none() && c.is_whitespace() {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
        } else if c == escape && quote != Some('\'') {
            let Some(escaped) = chars.next() else { break };
            word.extend([c, escaped]);
        } else {
            match quote {
                None if matches!(c, '"' | '\'') => quote = Some(c),
                Some(open) if open == c => quote = None,
                _ => {}
            }
            word.push(c);
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// A position in a text.
pub(super) struct ShellCursor<'a> {
    pub(super) shell: &'a ShellSyntax<'a>,
    pub(super) chars: &'a [char],
    pub(super) at: usize,
    pub(super) depth: usize,
    length_at_most: usize,
}

/// The text that was read, and the words of this text.
#[derive(Default)]
struct ShellWords {
    text: String,
    words: Vec<String>,
    word: String,
}

impl ShellWords {
    fn add(&mut self, c: char) {
        self.text.push(c);
        if !c.is_whitespace() {
            self.word.push(c);
        } else if !self.word.is_empty() {
            self.words.push(std::mem::take(&mut self.word));
        }
    }

    /// Adds text whose blanks do not separate words.
    fn add_whole(&mut self, text: &str) {
        self.text.push_str(text);
        self.word.push_str(text);
    }

    fn finish(mut self) -> (String, Vec<String>) {
        if !self.word.is_empty() {
            self.words.push(self.word);
        }
        (self.text, self.words)
    }
}

impl ShellCursor<'_> {
    pub(super) fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    /// Reads up to `end`, or to the end of the text if `end` is `None`.
    pub(super) fn until(
        &mut self,
        end: Option<char>,
        keeps_escapes: bool,
    ) -> Result<(String, Vec<String>), DockerfileError> {
        let mut read = ShellWords::default();
        while let Some(c) = self.peek() {
            if end == Some(c) {
                self.at += 1;
                return Ok(read.finish());
            }
            match c {
                '\'' => read.add_whole(&self.single_quoted()?),
                '"' => read.add_whole(&self.double_quoted()?),
                '$' => self.dollar()?.chars().for_each(|c| read.add(c)),
                '<' => read.add_whole(&self.less_than()),
                _ if c == self.shell.escape => {
                    self.at += 1;
                    if keeps_escapes {
                        read.add_whole(c.encode_utf8(&mut [0; 4]));
                    }
                    let Some(escaped) = self.next() else { break };
                    read.add_whole(escaped.encode_utf8(&mut [0; 4]));
                }
                _ => {
                    self.at += 1;
                    read.add(c);
                }
            }
            if read.text.len() > self.length_at_most {
                return refused("a word is too long");
            }
        }
        if end.is_some() { refused("a `${` is not closed") } else { Ok(read.finish()) }
    }

    fn single_quoted(&mut self) -> Result<String, DockerfileError> {
        let start = self.at + 1;
        let Some(length) = self.chars[start..].iter().position(|c| *c == '\'') else {
            return refused("a quote is not closed");
        };
        self.at = start + length + 1;
        let from = if self.shell.keeps_quotes { start - 1..self.at } else { start..start + length };
        Ok(self.chars[from].iter().collect())
    }

    fn double_quoted(&mut self) -> Result<String, DockerfileError> {
        let keeps_quotes = self.shell.keeps_quotes;
        let mut text = String::new();
        self.at += 1;
        text.extend(keeps_quotes.then_some('"'));
        loop {
            match self.peek() {
                None => return refused("a quote is not closed"),
                Some('"') => break,
                Some('$') => text.push_str(&self.dollar()?),
                Some(c) if c == self.shell.escape => {
                    self.at += 1;
                    text.extend(keeps_quotes.then_some(c));
                    match self.peek() {
                        None => continue,
                        Some(next) if next == '"' || next == '$' || next == c => {
                            self.at += 1;
                            text.push(next);
                        }
                        Some(_) => text.push(c),
                    }
                }
                Some(c) => {
                    self.at += 1;
                    text.push(c);
                }
            }
            if text.len() > self.length_at_most {
                return refused("a word is too long");
            }
        }
        self.at += 1;
        text.extend(keeps_quotes.then_some('"'));
        Ok(text)
    }

    /// Returns `<`, or `<<` with the blanks after it.
    fn less_than(&mut self) -> String {
        let start = self.at;
        self.at += 1;
        if self.peek() == Some('<') {
            self.at += 1;
            while self.peek().is_some_and(|c| matches!(c, ' ' | '\t' | '\r' | '\n')) {
                self.at += 1;
            }
        }
        self.chars[start..self.at].iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_escapes_are_read_as_buildkit_reads_them() {
        let look_up = |name: &str| (name == "A").then(|| "see".to_owned());
        let budget = Budget::new();
        for (text, expected) in [
            (r#""a\"b""#, r#"a"b"#),
            (r#""\$A $A""#, "$A see"),
            (r#""a\\b\cd""#, r"a\b\cd"),
            (r"a\b\\", r"ab\"),
            (r"'a\b$A'", r"a\b$A"),
            ("a <<  b", "a <<  b"),
        ] {
            let found = ShellSyntax::new('\\', &look_up, &budget).expand(text);
            assert_eq!(found.ok().as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn words_end_at_blanks_outside_of_quotes() {
        for (text, expected) in [
            ("'a b' c", "'a b'|c"),
            (r"'a\' b", r"'a\'|b"),
            (r#""a b\" c" d"#, r#""a b\" c"|d"#),
            (r"a\ b  c", r"a\ b|c"),
        ] {
            assert_eq!(quoted_words(text, '\\').join("|"), expected, "{text}");
        }
        let budget = Budget::new();
        assert_eq!(words("'' x 'y z'", &budget).ok(), Some(vec!["x".to_owned(), "y z".to_owned()]));
        assert_eq!(raw_words("'a b' ${X:?y}", &budget), ["'a b'", "${X:?y}"]);
    }
}
