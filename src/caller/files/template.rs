//! Substitutes variables such as `$NAME` and `${NAME:-default}` in Compose files and `.env` files.
//!
//! As in compose-go's `template/template.go`, a `$` without a name stays unchanged. Every default is evaluated, even if
//! it is not needed.

/// The largest number of bytes that substitution may add to a template.
const GROWTH_AT_MOST: usize = 1 << 16;
const DEPTH_AT_MOST: usize = 16;

/// The reason why a template cannot be substituted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TemplateError {
    /// A `${` without a valid variable after it.
    Malformed,
    /// A required variable without a value, as in `${NAME:?…}`.
    Missing,
    TooLong,
}

/// Replaces each variable by the value that `look_up` returns. A variable without a value becomes empty.
pub(super) fn substitute(template: &str, look_up: &dyn Fn(&str) -> Option<String>) -> Result<String, TemplateError> {
    let mut text = String::new();
    write(template, look_up, &mut text, template.len() + GROWTH_AT_MOST, 0)?;
    Ok(text)
}

fn write(
    template: &str,
    look_up: &dyn Fn(&str) -> Option<String>,
    text: &mut String,
    length_at_most: usize,
    depth: usize,
) -> Result<(), TemplateError> {
    if depth > DEPTH_AT_MOST {
        return Err(TemplateError::TooLong);
    }
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        text.push_str(before);
        let name_at = name_length(after);
        if let Some(after) = after.strip_prefix('$') {
            text.push('$');
            rest = after;
        } else if let Some(after) = after.strip_prefix('{') {
            let (inner, after) = braced(after).ok_or(TemplateError::Malformed)?;
            let (name, operation) = inner.split_at(name_length(inner));
            let value = look_up(name);
            let word = operation.trim_start_matches(':').get(1..).unwrap_or_default();
            let mut other = String::new();
            write(word, look_up, &mut other, length_at_most, depth + 1)?;
            text.push_str(&operate(operation, value, other)?);
            rest = after;
        } else {
            match name_at {
                0 => text.push('$'),
                _ => text.push_str(&look_up(&after[..name_at]).unwrap_or_default()),
            }
            rest = &after[name_at..];
        }
        if text.len() > length_at_most {
            return Err(TemplateError::TooLong);
        }
    }
    text.push_str(rest);
    if text.len() > length_at_most { Err(TemplateError::TooLong) } else { Ok(()) }
}

fn operate(operation: &str, value: Option<String>, other: String) -> Result<String, TemplateError> {
    let (value, operation) = match operation.strip_prefix(':') {
        Some(rest) => (value.filter(|value| !value.is_empty()), rest),
        None => (value, operation),
    };
    match operation.get(..1) {
        Some("-") => Ok(value.unwrap_or(other)),
        Some("+") => Ok(value.map(|_| other).unwrap_or_default()),
        Some("?") => value.ok_or(TemplateError::Missing),
        _ => Ok(value.unwrap_or_default()),
    }
}

/// Splits the text after `${` into the content of the braces and the text after the closing brace. The content is a
/// name, sometimes followed by an operator and a word on the same line.
fn braced(text: &str) -> Option<(&str, &str)> {
    let name_end = name_length(text);
    let operation = &text[name_end..];
    if name_end == 0 {
        return None;
    }
    if let Some(after) = operation.strip_prefix('}') {
        return Some((&text[..name_end], after));
    }
    operation.strip_prefix(':').unwrap_or(operation).starts_with(['-', '+', '?']).then_some(())?;
    let line = &text[..text.find('\n').unwrap_or(text.len())];
    let last = line.rfind('}')?;
    let end = closing_brace(&line[..=last]).unwrap_or(last);
    Some((&text[..end], &text[end + 1..]))
}

/// Returns the position of the `}` that closes the `${` before `text`.
fn closing_brace(text: &str) -> Option<usize> {
    let mut open = 1;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '{' if before == '$' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(at);
        }
        before = c;
    }
    None
}

fn name_length(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn look_up(name: &str) -> Option<String> {
        match name {
            "A" => Some("a".into()),
            "EMPTY" => Some(String::new()),
            "LONG" => Some("x".repeat(10_000)),
            _ => None,
        }
    }

    /// Docker Compose 2.40.3 gave each of these answers.
    #[test]
    fn every_form_has_its_value() {
        use TemplateError::{Malformed, Missing};
        for (template, expected) in [
            ("plain", Ok("plain")),
            ("$A/${A}b$$A", Ok("a/ab$A")),
            ("${B}$B.", Ok(".")),
            ("${A:-x}${B:-x}${EMPTY:-x}", Ok("axx")),
            ("${A-x}${B-x}${EMPTY-x}", Ok("ax")),
            ("${A:+x}${B:+x}${EMPTY:+x}${EMPTY+x}", Ok("xx")),
            ("${A:?no}${A?no}${EMPTY?no}", Ok("aa")),
            ("${B:?no}", Err(Missing)),
            ("${EMPTY:?no}", Err(Missing)),
            ("${B?no}", Err(Missing)),
            ("${B:-${C:-${A}}}", Ok("a")),
            ("x${B:-${C:-c}d}y${D:-e}", Ok("xcdye")),
            ("x${B:-{b}}", Ok("x{b}")),
            ("x${A:+${A}y}z${B:-c}}", Ok("xayzc}")),
            ("x$(d)$1$", Ok("x$(d)$1$")),
            ("${1}", Err(Malformed)),
            ("${}", Err(Malformed)),
            ("${A", Err(Malformed)),
            ("${A#b}", Err(Malformed)),
            ("${B:-one\ntwo}", Err(Malformed)),
            ("${A:-${}}", Err(Malformed)),
            ("${B:+${}}", Err(Malformed)),
            ("${A:?${}}", Err(Malformed)),
            ("${A:-${B}y", Err(Malformed)),
            ("${A:-${B:?no}}", Err(Missing)),
        ] {
            assert_eq!(substitute(template, &look_up), expected.map(str::to_owned), "{template}");
        }
    }

    #[test]
    fn a_text_stays_within_bounds() {
        let long = format!("FROM x\n{}", "RUN echo one more line\n".repeat(10_000));
        assert_eq!(substitute(&long, &look_up), Ok(long.clone()));
        for template in ["$LONG".repeat(10), "${B:-".repeat(40) + &"}".repeat(40)] {
            assert_eq!(substitute(&template, &look_up), Err(TemplateError::TooLong));
        }
        assert_eq!(substitute(&"${B:-".repeat(100_000), &look_up), Err(TemplateError::Malformed));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\\$|\\{|\\}|A|B|:-|[?+-]|\n|\\PC){0,40}") {
            let _ = substitute(&text, &look_up);
        }
    }
}
