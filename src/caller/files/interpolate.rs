//! `$NAME`, `${NAME:-default}` and their kin, as Compose's files, `.env` and Dockerfiles write them.

/// Stands for a part of a text that cannot be known: no image holds it.
pub(super) const UNKNOWN: char = '\u{fffd}';

/// Longer than any image can be.
const LENGTH_AT_MOST: usize = 4096;
const DEPTH_AT_MOST: usize = 8;

/// Puts in what `look_up` knows; nothing for what it does not, as Compose and Docker do. `None` if a variable is required
/// and missing, or the text is not well formed.
pub(super) fn interpolate(text: &str, look_up: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    expand(text, look_up, 0)
}

fn expand(text: &str, look_up: &dyn Fn(&str) -> Option<String>, depth: usize) -> Option<String> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            expanded.push('$');
            rest = after;
        } else if let Some(after) = after.strip_prefix('{') {
            let end = closing_brace(after)?;
            expanded.push_str(&braced(&after[..end], look_up, depth)?);
            rest = &after[end + 1..];
        } else {
            let name = name(after);
            (!name.is_empty()).then_some(())?;
            expanded.push_str(&look_up(name).unwrap_or_default());
            rest = &after[name.len()..];
        }
        (expanded.len() <= LENGTH_AT_MOST).then_some(())?;
    }
    expanded.push_str(rest);
    (expanded.len() <= LENGTH_AT_MOST).then_some(expanded)
}

/// What stands in `${…}`.
fn braced(inner: &str, look_up: &dyn Fn(&str) -> Option<String>, depth: usize) -> Option<String> {
    let name = name(inner);
    (!name.is_empty() && depth < DEPTH_AT_MOST).then_some(())?;
    let (operator, word) = inner[name.len()..].split_at(operator_length(&inner[name.len()..]));
    let value = look_up(name);
    let filled = value.clone().filter(|value| !value.is_empty());
    let word = || expand(word, look_up, depth + 1);
    match operator {
        "" if inner.len() == name.len() => Some(value.unwrap_or_default()),
        ":-" => filled.or_else(word),
        "-" => value.or_else(word),
        ":?" => filled,
        "?" => value,
        ":+" => filled.map_or(Some(String::new()), |_| word()),
        "+" => value.map_or(Some(String::new()), |_| word()),
        _ => Some(UNKNOWN.to_string()), // Dockerfiles may cut and replace patterns
    }
}

fn operator_length(text: &str) -> usize {
    let rest = text.strip_prefix(':').unwrap_or(text);
    if rest.starts_with(['-', '?', '+']) { text.len() - rest.len() + 1 } else { 0 }
}

/// Where the brace that is open ends, over others within it.
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

fn name(text: &str) -> &str {
    let ends = |(_, c): &(usize, char)| !(c.is_ascii_alphanumeric() || *c == '_');
    let end = text.char_indices().find(ends).map_or(text.len(), |(at, _)| at);
    if text.starts_with(|c: char| c.is_ascii_digit()) { "" } else { &text[..end] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn look_up(name: &str) -> Option<String> {
        match name {
            "A" => Some("a".into()),
            "EMPTY" => Some(String::new()),
            "LONG" => Some("x".repeat(1000)),
            _ => None,
        }
    }

    #[test]
    fn every_form_has_its_value() {
        for (text, expected) in [
            ("plain", Some("plain")),
            ("$A/${A}b$$A", Some("a/ab$A")),
            ("${B}", Some("")),
            ("$B.", Some(".")),
            ("${A:-x}${B:-x}${EMPTY:-x}", Some("axx")),
            ("${A-x}${B-x}${EMPTY-x}", Some("ax")),
            ("${B:-${C:-${A}}}", Some("a")),
            ("${B:-ghcr.io/acme/app:1}", Some("ghcr.io/acme/app:1")),
            ("${A:?no}${A?no}${EMPTY?no}", Some("aa")),
            ("${B:?no}", None),
            ("${EMPTY:?no}", None),
            ("${A:+x}${B:+x}${EMPTY:+x}${EMPTY+x}", Some("xx")),
            ("${A#pattern}", Some("\u{fffd}")),
            ("${A", None),
            ("${}", None),
            ("$", None),
            ("$1", None),
            ("${LONG}${LONG}${LONG}${LONG}${LONG}", None),
        ] {
            assert_eq!(interpolate(text, &look_up).as_deref(), expected, "{text}");
        }
        assert_eq!(interpolate(&"${B:-".repeat(100_000), &look_up), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\\$|\\{|\\}|A|B|:-|[?+-]|\\PC){0,40}") {
            interpolate(&text, &look_up);
        }
    }
}
