//! Expands `$NAME` and `${NAME…}` in a Dockerfile.
//!
//! Source: moby/buildkit `frontend/dockerfile/shell/lex.go`.

use super::super::image_side::UNKNOWN;
use super::pattern::{self, PatternPosition};
use super::shell::ShellCursor;
use super::{DockerfileError, refused};

const DEPTH_AT_MOST: usize = 20;

impl ShellCursor<'_> {
    /// Returns the value of the variable that begins with the `$` at the cursor.
    pub(super) fn dollar(&mut self) -> Result<String, DockerfileError> {
        self.at += 1;
        if self.peek() != Some('{') {
            let name = self.name();
            if name.is_empty() {
                return Ok("$".to_owned());
            }
            let unset = if self.shell.keeps_unset { format!("${name}") } else { String::new() };
            return Ok((self.shell.look_up)(&name).unwrap_or(unset));
        }
        self.at += 1;
        self.depth += 1;
        if self.depth > DEPTH_AT_MOST {
            return refused("variables are nested too deeply");
        }
        let start = self.at;
        let text = self.braced()?;
        self.depth -= 1;
        Ok(text.unwrap_or_else(|| {
            let inner: String = self.chars[start..self.at].iter().collect();
            format!("${{{inner}") // the unchanged text with its brace
        }))
    }

    /// Returns the value of `${…}`, or `None` if the text stays unchanged.
    fn braced(&mut self) -> Result<Option<String>, DockerfileError> {
        if matches!(self.peek(), None | Some('{' | '}' | ':')) {
            return refused("a `${` is not well formed");
        }
        let name = self.name();
        let value = (self.shell.look_up)(&name);
        let is_left = self.shell.keeps_unset && value.is_none();
        let kept = |text: String| Ok(Some(text).filter(|_| !is_left));
        let mut operator = self.next();
        if operator == Some('}') {
            return kept(value.unwrap_or_default());
        }
        let counts_empty = operator == Some(':');
        if counts_empty {
            operator = self.next();
        }
        match operator {
            Some('-' | '+' | '?') => {
                let (word, _) = self.until(Some('}'), false)?;
                // An unknown value may be empty, so it is unknown whether the default is used.
                let may_be_empty =
                    value.as_ref().is_some_and(|value| value.chars().all(|c| c == UNKNOWN) && !value.is_empty());
                if counts_empty && may_be_empty {
                    return Ok(Some(UNKNOWN.to_string()));
                }
                let filled = value.filter(|value| !(counts_empty && value.is_empty()));
                match operator {
                    Some('-') => kept(filled.unwrap_or(word)),
                    Some('+') => kept(filled.map(|_| word).unwrap_or_default()),
                    _ if is_left => Ok(None),
                    _ => filled.map_or_else(|| refused("a required variable has no value"), |value| Ok(Some(value))),
                }
            }
            Some(end @ ('#' | '%')) => {
                let (pattern, _) = self.until(Some('}'), true)?;
                let (pattern, is_longest) =
                    pattern.strip_prefix(end).map_or((&*pattern, false), |pattern| (pattern, true));
                let which = if end == '#' { PatternPosition::Start } else { PatternPosition::End };
                kept(self.replaced(value, pattern, "", which, is_longest)?)
            }
            Some('/') if !counts_empty => {
                let which = if self.peek() == Some('/') { PatternPosition::All } else { PatternPosition::First };
                self.at += usize::from(which == PatternPosition::All);
                let (pattern, _) = self.until(Some('/'), true)?;
                let (new, _) = self.until(Some('}'), true)?;
                kept(self.replaced(value, &pattern, &new, which, true)?)
            }
            _ => refused("a `${` is not well formed"),
        }
    }

    fn replaced(
        &self,
        value: Option<String>,
        pattern: &str,
        new: &str,
        which: PatternPosition,
        is_longest: bool,
    ) -> Result<String, DockerfileError> {
        let value = value.unwrap_or_default();
        if [&value, pattern, new].iter().any(|text| text.contains(UNKNOWN)) {
            return Ok(UNKNOWN.to_string());
        }
        pattern::replace(&value, pattern, new, which, is_longest, self.shell.budget)
    }

    /// Returns a variable's name. Variables whose names are numbers or special characters, such as `$1` and `$@`, are
    /// never set.
    fn name(&mut self) -> String {
        let start = self.at;
        let is_digit = |c: &char| c.is_numeric();
        match self.peek() {
            Some(c) if is_digit(&c) => self.at += self.chars[start..].iter().take_while(|c| is_digit(c)).count(),
            Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => self.at += 1,
            _ => {
                let is_part = |c: &&char| c.is_alphanumeric() || **c == '_';
                self.at += self.chars[start..].iter().take_while(is_part).count();
            }
        }
        self.chars[start..self.at].iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{filling, shown};

    #[test]
    fn every_expansion_has_its_value() {
        for (from, expected) in [
            ("$A", "abab"),
            ("'$A'", "(an image's name is not valid)"),
            ("\"x\"$A", "xabab"),
            ("x\\yz", "xyz"),
            ("x$NONE", "x"),
            ("x$$y", "xy"),
            ("x$1y", "xy"),
            (&("${NONE}".repeat(25) + "x"), "x"),
            ("${NONE:-x}", "x"),
            ("${EMPTY:-x}${EMPTY-y}z", "xz"),
            ("${A:+x}${EMPTY:+y}${EMPTY+z}", "xz"),
            ("${NONE:-${A:-y}}", "abab"),
            ("${A:?no}", "abab"),
            ("${NONE:?no}", "(a required variable has no value)"),
            ("${A#a}", "bab"),
            ("${A#*b}", "ab"),
            ("x${A##*b}", "x"),
            ("${A%b}", "aba"),
            ("${A%a*}", "ab"),
            ("x${A%%a*}", "x"),
            ("${A#b}", "abab"),
            ("${A/b/x}", "axab"),
            ("${A//b/x}", "axax"),
            ("${A/?b/x}", "xab"),
            ("${A//*/x}", "x"),
            ("${A///x}", "xaxbxaxbx"),
            ("${A:/b/x}", "(a `${` is not well formed)"),
            ("${A/a\\/b/x}", "abab"),
            ("${URL#docker://}", "ghcr.io/acme/x"),
            ("${URL#*//*/}", "acme/x"),
            ("${URL##*/}y", "xy"),
            ("${OPEN:-x}", "\u{fffd}"),
            ("${OPEN:+x}", "\u{fffd}"),
            ("${OPEN#x}y", "\u{fffd}y"),
            ("${OPEN:-${NONE:?no}}", "(a required variable has no value)"),
            ("${A", "(a `${` is not well formed)"),
            ("${A:", "(a `${` is not well formed)"),
            ("${A:-", "(a `${` is not closed)"),
            ("${}", "(a `${` is not well formed)"),
            ("${A/x}", "(a `${` is not closed)"),
            ("${A:x}", "(a `${` is not well formed)"),
            ("${A#\\x}", "(a pattern is not well formed)"),
            ("\"x", "(a quote is not closed)"),
            ("$NONE", "(a `FROM` has no image or an invalid platform)"),
        ] {
            let text = format!("ARG A=abab EMPTY= URL=docker://ghcr.io/acme/x\nARG OPEN\nARG A\nFROM {from}");
            assert_eq!(shown(&text, &filling("", &[("OPEN", "\u{fffd}")])), expected, "{from}");
        }
    }
}
