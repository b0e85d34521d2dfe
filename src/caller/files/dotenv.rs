//! Reads a `.env` file as Compose does.
//!
//! Source: compose-go `dotenv/parser.go`.

use std::collections::BTreeMap;

use super::template::substitute;

/// The largest number of variables in a file. Real files have far fewer variables.
const VALUES_AT_MOST: usize = 10_000;
const LENGTH_AT_MOST: usize = 4 << 20;

/// Adds the variables in `text` to the variables of earlier files in `found`. Returns `None` if Compose refuses `text`,
/// or if `text` exceeds a limit. Values may use variables from `known`, `found` and the lines above.
pub(super) fn parse(
    text: &str,
    mut found: BTreeMap<String, String>,
    known: &dyn Fn(&str) -> Option<String>,
) -> Option<BTreeMap<String, String>> {
    let mut length_left = LENGTH_AT_MOST;
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    for _ in 0..VALUES_AT_MOST {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Some(found);
        }
        if rest.starts_with('#') {
            rest = rest.split_once('\n').map_or("", |(_, below)| below);
            continue;
        }
        let (name, end, after) = name(rest)?;
        if end == '\n' {
            let value = known(name);
            found.extend(value.map(|value| (name.to_owned(), value)));
            rest = after;
            continue;
        }
        let look_up = |name: &str| known(name).or_else(|| found.get(name).cloned());
        let (value, after) = value(after, &look_up)?;
        length_left = length_left.checked_sub(value.len())?;
        found.insert(name.to_owned(), value);
        rest = after;
    }
    None
}

/// Returns a name, the character after the name, and the rest of the text. For a `NAME` without a value, the character
/// is a line feed.
fn name(text: &str) -> Option<(&str, char, &str)> {
    let text = match text.strip_prefix("export") {
        Some(rest) if rest.starts_with(char::is_whitespace) => rest.trim_start(),
        _ => text,
    };
    let belongs = |c: char| is_blank(c) || c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '[' | ']');
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    let name = text[..end].trim_end();
    (!name.contains(' ')).then_some(())?;
    match text[end..].chars().next() {
        // compose-go hangs if a text ends with a name.
        None => Some((name, '\n', "")),
        Some(c @ ('=' | ':' | '\n')) => Some((name, c, text[end + 1..].trim_start_matches(is_blank))),
        Some(_) => None,
    }
}

/// Returns a value and the rest of the text. A quoted value may have several lines.
fn value<'t>(text: &'t str, look_up: &dyn Fn(&str) -> Option<String>) -> Option<(String, &'t str)> {
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '\'' | '"')) else {
        let (line, below) = text.split_once('\n').unwrap_or((text, ""));
        let value = line.split(" #").next().unwrap_or_default().trim_end();
        return Some((substitute(value, look_up).ok()?, below));
    };
    let mut literal = String::new();
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match (c, is_escaped) {
            (c, false) if c == quote => {
                let value = if quote == '"' { substitute(&escapes(&literal), look_up).ok()? } else { literal };
                return Some((value, &text[at + 1..]));
            }
            ('\\', false) => is_escaped = true,
            (c, _) => {
                if is_escaped && c != quote {
                    literal.push('\\');
                }
                is_escaped = false;
                literal.push(c);
            }
        }
    }
    None // the closing quote is missing
}

/// Replaces Go's escape sequences. Turns `\$` into `$$`, which `substitute` replaces by a plain dollar sign.
fn escapes(text: &str) -> String {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        whole.push_str(before);
        let Some(c) = after.chars().next() else {
            whole.push('\\');
            return whole;
        };
        rest = &after[c.len_utf8()..];
        match c {
            'a' => whole.push('\u{7}'),
            'b' => whole.push('\u{8}'),
            'f' => whole.push('\u{c}'),
            'n' => whole.push('\n'),
            'r' => whole.push('\r'),
            't' => whole.push('\t'),
            'v' => whole.push('\u{b}'),
            '\\' => whole.push(c),
            '$' => whole.push_str("$$"),
            '0' => {
                let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
                let (digits, after) = rest.split_at(digits.min(3));
                let code = u32::from_str_radix(digits, 8).ok().filter(|code| digits.len() == 3 && *code <= 0xff);
                match code.and_then(char::from_u32) {
                    Some(c) => whole.push(c),
                    None => whole.extend(["\\", "0", digits]),
                }
                rest = after;
            }
            _ => whole.extend(['\\', c]),
        }
    }
    whole + rest
}

/// Tells whether `c` is white space, but not a line feed.
fn is_blank(c: char) -> bool {
    matches!(c, '\t' | '\u{b}' | '\u{c}' | '\r' | ' ' | '\u{85}' | '\u{a0}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn known(name: &str) -> Option<String> {
        (name == "C").then(|| "see".to_owned())
    }

    fn parsed(text: &str) -> Option<BTreeMap<String, String>> {
        parse(text, BTreeMap::new(), &known)
    }

    /// Docker Compose 2.40.3 gave each of these answers (`config --environment`).
    #[test]
    fn values_are_what_compose_takes() {
        for (text, value) in [
            ("A=b", Some("b")),
            ("export A = b c # note", Some("b c")),
            ("export\tA=b", Some("b")),
            ("A='b $C'", Some("b $C")),
            ("A='it\\'s $C'", Some("it's $C")),
            ("A=\"b ${C}\" # note", Some("b see")),
            ("A=\"x\\ty\\$C $C\"", Some("x\ty$C see")),
            ("A=\"\\0101\\q\"", Some("A\\q")),
            ("A=\"\\a\\b\\f\\n\\r\\v\\\"\\\\\"", Some("\x07\x08\x0c\n\r\x0b\"\\")),
            ("A=\"\\07x\\0777\"", Some("\\07x\\0777")),
            ("A=\"\\07\\t\"", Some("\\07\t")),
            ("A=b\nexportA=c", Some("b")),
            ("A=b#c # d", Some("b#c")),
            ("A=$C/${D:-d}", Some("see/d")),
            ("A=`x`", Some("`x`")),
            ("A=", Some("")),
            ("A=\nB=c", Some("")),
            ("A: b", Some("b")),
            ("A=b:c", Some("b:c")),
            ("A=b\r\nE=f\r\n", Some("b")),
            ("\u{feff}A=b", Some("b")),
            ("# A=c\n\n  A=b", Some("b")),
            ("A=b\nK=\"-----\nA=c\n-----\"\n", Some("b")),
            ("A=b\nK='\nexport A=c\nA: d\n'", Some("b")),
            ("A=b\nA=c", Some("c")),
            ("D=b\nA=$D", Some("b")),
            ("A=\"b\"D=c\n", Some("b")),
            ("C\nA=b", Some("b")),
            ("A[0]=x\nA=b", Some("b")),
            ("1J=x\nA=b", Some("b")),
        ] {
            let found = parsed(text).unwrap_or_default();
            assert_eq!(found.get("A").map(String::as_str), value, "{text:?}");
        }
        for text in ["A B=c", "A=${B:?missing}", "A=${", "\"A\"=b", "A='b", "A=\"b\\\"", "A;B=c"] {
            assert_eq!(parsed(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_too_much_is_not_taken() {
        let doubled: Vec<String> = (1..40).map(|n| format!("A{n}=$A{}$A{}", n - 1, n - 1)).collect();
        assert_eq!(parsed(&format!("A0=long\n{}", doubled.join("\n"))), None);
        assert_eq!(parsed(&"A=b\n".repeat(20_000)), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(A|=|:|'|\"|\\\\|\\$|\\{|\\}|#| |\n|export |\\PC){0,40}") {
            let _ = parsed(&text);
        }
    }
}
