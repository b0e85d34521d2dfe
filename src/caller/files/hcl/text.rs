//! HCL's texts with what stands in them, names, blanks and comments.

use super::super::interpolate::UNKNOWN;
use super::{Expression, Reader};

impl Reader<'_> {
    pub(super) fn quoted(&mut self) -> Option<Expression> {
        self.takes("\"").then_some(())?;
        let parts = self.template_until(Some('"'))?;
        Some(simple(parts))
    }

    /// A text with expressions in it; `end` closes it, or else the end of everything.
    pub(super) fn template_until(&mut self, end: Option<char>) -> Option<Vec<Expression>> {
        let (mut parts, mut text) = (Vec::new(), String::new());
        loop {
            let Some(c) = self.rest.chars().next() else {
                parts.push(Expression::Text(text));
                return end.is_none().then_some(parts);
            };
            if let Some(literal) = ["$${", "%%{"].into_iter().find(|literal| self.takes(literal)) {
                text.push_str(&literal[1..]);
            } else if self.takes("${") {
                parts.push(Expression::Text(std::mem::take(&mut text)));
                let _ = self.takes("~");
                parts.push(self.expression(true)?);
                self.skip(true);
                let _ = self.takes("~");
                self.takes("}").then_some(())?;
            } else if self.takes("%{") {
                parts.push(Expression::Text(std::mem::take(&mut text)));
                self.pass_over('}')?;
                parts.push(Expression::Unknown);
            } else {
                self.rest = &self.rest[c.len_utf8()..];
                match c {
                    c if Some(c) == end => {
                        parts.push(Expression::Text(text));
                        return Some(parts);
                    }
                    '\n' if end.is_some() => return None,
                    '\\' if end.is_some() => {
                        let escaped = self.rest.chars().next()?;
                        self.rest = &self.rest[escaped.len_utf8()..];
                        text.push(if matches!(escaped, '"' | '\\') { escaped } else { ' ' });
                    }
                    c => text.push(c),
                }
            }
        }
    }

    /// `<<EOT` or `<<-EOT`, whose lines are a template.
    pub(super) fn here_document(&mut self) -> Option<Expression> {
        self.takes("<<").then_some(())?;
        let _ = self.takes("-");
        let end = self.name()?;
        let start = self.rest.find('\n')? + 1;
        let lines = &self.rest[start..];
        let mut at = 0;
        for line in lines.split_inclusive('\n') {
            if line.trim() == end {
                self.rest = &lines[at + line.trim_end_matches('\n').len()..];
                let (depth, parts_left) = (self.depth, self.parts_left);
                return self.nested(|_| {
                    let mut inner = Reader { rest: &lines[..at], depth: depth + 1, parts_left };
                    inner.template_until(None).map(simple)
                });
            }
            at += line.len();
        }
        None
    }

    pub(super) fn name_or_text(&mut self) -> Option<String> {
        self.count()?;
        if self.rest.starts_with('"') {
            return match self.quoted()? {
                Expression::Text(text) => Some(text),
                _ => Some(UNKNOWN.to_string()),
            };
        }
        self.name()
    }

    pub(super) fn name(&mut self) -> Option<String> {
        let name = self.run(is_name);
        (!name.is_empty()).then_some(name)
    }

    pub(super) fn run(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (run, rest) = self.rest.split_at(end);
        self.rest = rest;
        run.to_owned()
    }

    pub(super) fn takes(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Passes over blanks and comments, and over lines' ends if they mean nothing here.
    pub(super) fn skip(&mut self, lines_too: bool) {
        loop {
            let blank = |c: char| c.is_whitespace() && (lines_too || c != '\n');
            self.rest = self.rest.trim_start_matches(blank);
            let comment = match self.rest.get(..2) {
                Some("/*") => self.rest.find("*/").map(|end| end + 2),
                Some("//") => self.rest.find('\n'),
                _ if self.rest.starts_with('#') => self.rest.find('\n'),
                _ => return,
            };
            self.rest = &self.rest[comment.unwrap_or(self.rest.len())..];
        }
    }
}

pub(super) fn simple(mut parts: Vec<Expression>) -> Expression {
    parts.retain(|part| *part != Expression::Text(String::new()));
    match parts.len() {
        0 => Expression::Text(String::new()),
        1 => parts.remove(0),
        _ => Expression::Template(parts),
    }
}

pub(super) fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-')
}
