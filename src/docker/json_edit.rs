//! Edits a JSON text. The order, indentation, escapes and line ends of all other members stay as they are.

use std::ops::Range;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Deserializer;

/// Sets the value at `path` to the JSON in `value`, and adds missing parent objects. A blank text or `null` is read as
/// `{}`.
///
/// Returns `None` if the text, or a value on the path, is not an object.
pub(super) fn set(text: &str, path: &[&str], value: &str) -> Option<String> {
    let text = if matches!(text.trim(), "" | "null") { "{}" } else { text };
    let root = ObjectSpan::at(text, 0)?;
    set_in(text, &root, path, value, 1, &JsonStyle::detect(text, &root))
}

/// Removes the member at `path`. A text without a member at `path` is returned unchanged.
pub(super) fn remove(text: &str, path: &[&str]) -> Option<String> {
    let (name, parents) = path.split_last()?;
    let mut object = ObjectSpan::at(text, 0)?;
    for parent in parents {
        let Some(member) = object.find(parent) else { return Some(text.to_owned()) };
        object = ObjectSpan::at(text, member.value.start)?;
    }
    let Some(index) = object.members.iter().position(|member| member.key == *name) else {
        return Some(text.to_owned());
    };
    let span = match (index.checked_sub(1), object.members.get(index + 1)) {
        (None, None) => object.open + 1..object.close,
        (None, Some(next)) => object.members[index].start..next.start,
        (Some(previous), _) => object.members[previous].value.end..object.members[index].value.end,
    };
    Some(splice(text, span, ""))
}

/// Removes the member at `path`, and then all parent objects that have become empty.
pub(super) fn remove_and_tidy(text: &str, path: &[&str]) -> Option<String> {
    let text = remove(text, path)?;
    let (_, parents) = path.split_last()?;
    let root: serde_json::Value = serde_json::from_str(&text).ok()?;
    let parent = parents.iter().try_fold(&root, |value, name| value.get(name))?;
    let is_empty = parent.as_object().is_some_and(serde_json::Map::is_empty) && !parents.is_empty();
    if is_empty { remove_and_tidy(&text, parents) } else { Some(text) }
}

/// The position of an object in the text.
pub(super) struct ObjectSpan {
    open: usize,
    close: usize,
    pub(super) members: Vec<MemberSpan>,
}

/// The key of an object's member, and the member's position in the text.
pub(super) struct MemberSpan {
    pub(super) key: String,
    pub(super) start: usize,
    pub(super) value: Range<usize>,
}

impl ObjectSpan {
    /// Parses the object at `at`. Blanks before the object are skipped.
    pub(super) fn at(text: &str, at: usize) -> Option<Self> {
        let mut cursor = JsonCursor { text, at };
        cursor.skip_blanks();
        let open = cursor.at;
        cursor.take('{')?;
        let mut members = Vec::new();
        loop {
            cursor.skip_blanks();
            if cursor.take('}').is_some() {
                return Some(Self { open, close: cursor.at - 1, members });
            }
            if !members.is_empty() {
                cursor.take(',')?;
                cursor.skip_blanks();
            }
            let start = cursor.at;
            let key = cursor.read::<String>()?;
            cursor.skip_blanks();
            cursor.take(':')?;
            cursor.skip_blanks();
            let from = cursor.at;
            cursor.read::<IgnoredAny>()?;
            members.push(MemberSpan { key, start, value: from..cursor.at });
        }
    }

    fn find(&self, key: &str) -> Option<&MemberSpan> {
        self.members.iter().find(|member| member.key == key)
    }
}

struct JsonCursor<'a> {
    text: &'a str,
    at: usize,
}

impl JsonCursor<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    fn take(&mut self, sign: char) -> Option<()> {
        self.at += self.rest().starts_with(sign).then_some(sign.len_utf8())?;
        Some(())
    }

    fn read<T: DeserializeOwned>(&mut self) -> Option<T> {
        let mut values = Deserializer::from_str(&self.text[self.at..]).into_iter::<T>();
        let value = values.next()?.ok()?;
        self.at += values.byte_offset();
        Some(value)
    }
}

/// The layout of a JSON text, as detected from the text's first member.
struct JsonStyle {
    /// The line end, which is empty if the whole text is on one line.
    line_end: String,
    indent: String,
    /// The space after a colon.
    space: String,
}

impl JsonStyle {
    fn detect(text: &str, root: &ObjectSpan) -> Self {
        let Some(first) = root.members.first() else {
            // Docker writes files with this layout (docker/cli `cli/config/configfile/file.go`)
            return Self { line_end: "\n".into(), indent: "\t".into(), space: " ".into() };
        };
        let gap = blanks_before(text, first.start);
        let (line_end, indent) = match gap.rsplit_once('\n') {
            Some((before, indent)) if before.ends_with('\r') => ("\r\n", indent),
            Some((_, indent)) => ("\n", indent),
            None => ("", ""),
        };
        Self { line_end: line_end.into(), indent: indent.into(), space: space_before(text, first).into() }
    }

    /// Returns the white space before a member or a closing brace at `depth`.
    fn gap(&self, depth: usize) -> String {
        if self.line_end.is_empty() { String::new() } else { self.line_end.clone() + &self.indent.repeat(depth) }
    }
}

fn set_in(
    text: &str,
    object: &ObjectSpan,
    path: &[&str],
    value: &str,
    depth: usize,
    style: &JsonStyle,
) -> Option<String> {
    let (name, rest) = path.split_first()?;
    if let Some(member) = object.find(name) {
        return match rest {
            [] => Some(splice(text, member.value.clone(), value)),
            _ if &text[member.value.clone()] == "null" => {
                Some(splice(text, member.value.clone(), &render(rest, value, depth + 1, style)))
            }
            _ => set_in(text, &ObjectSpan::at(text, member.value.start)?, rest, value, depth + 1, style),
        };
    }
    let Some(last) = object.members.last() else {
        let whole = render(path, value, depth, style);
        return Some(splice(text, object.open..object.close + 1, &whole));
    };
    let gap = blanks_before(text, last.start);
    let gap = match gap.rfind('\n') {
        Some(line_end) => &gap[if gap[..line_end].ends_with('\r') { line_end - 1 } else { line_end }..],
        None if object.members.len() == 1 => space_before(text, last),
        None => gap,
    };
    let member = format!(",{gap}{}", member(name, &style.space, &render(rest, value, depth + 1, style)));
    Some(splice(text, last.value.end..last.value.end, &member))
}

/// Renders `value` inside nested new objects. Each name in `path` adds one object. The members of the outermost object
/// are at `depth`.
fn render(path: &[&str], value: &str, depth: usize, style: &JsonStyle) -> String {
    let Some((name, rest)) = path.split_first() else { return value.to_owned() };
    let member = member(name, &style.space, &render(rest, value, depth + 1, style));
    format!("{{{}{member}{}}}", style.gap(depth), style.gap(depth - 1))
}

fn member(name: &str, space: &str, value: &str) -> String {
    format!("{}:{space}{value}", serde_json::Value::from(name))
}

fn blanks_before(text: &str, at: usize) -> &str {
    &text[text[..at].trim_end_matches([' ', '\t', '\r', '\n']).len()..at]
}

fn space_before<'a>(text: &'a str, member: &MemberSpan) -> &'a str {
    let space = blanks_before(text, member.value.start);
    if space.contains('\n') { " " } else { space }
}

fn splice(text: &str, span: Range<usize>, new: &str) -> String {
    [&text[..span.start], new, &text[span.end..]].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_member_is_set_in_the_manner_of_its_text() {
        for (before, after) in [
            ("", "{\n\t\"a\": {\n\t\t\"k\": 1\n\t}\n}"),
            ("null\n", "{\n\t\"a\": {\n\t\t\"k\": 1\n\t}\n}"),
            ("{}", "{\n\t\"a\": {\n\t\t\"k\": 1\n\t}\n}"),
            (r#"{"x":[1, 2]}"#, r#"{"x":[1, 2],"a":{"k":1}}"#),
            (r#"{"x": 1e3, "y": "\u003c"}"#, r#"{"x": 1e3, "y": "\u003c", "a": {"k": 1}}"#),
            ("{ \"x\": 1 }\n", "{ \"x\": 1, \"a\": {\"k\": 1} }\n"),
            ("{\n\t\"x\": 1\n}", "{\n\t\"x\": 1,\n\t\"a\": {\n\t\t\"k\": 1\n\t}\n}"),
            ("{\r\n  \"x\": 1\r\n}\r\n", "{\r\n  \"x\": 1,\r\n  \"a\": {\r\n    \"k\": 1\r\n  }\r\n}\r\n"),
            ("{\n  \"a\": {},\n  \"x\": 1\n}", "{\n  \"a\": {\n    \"k\": 1\n  },\n  \"x\": 1\n}"),
            ("{\n  \"a\": null\n}", "{\n  \"a\": {\n    \"k\": 1\n  }\n}"),
            ("{\n \"a\": {\n  \"j\": 0\n }\n}", "{\n \"a\": {\n  \"j\": 0,\n  \"k\": 1\n }\n}"),
            ("{\n  \"a\": {\"j\": 0}\n}", "{\n  \"a\": {\"j\": 0, \"k\": 1}\n}"),
            ("{\n\n  \"x\": 1\n}", "{\n\n  \"x\": 1,\n  \"a\": {\n    \"k\": 1\n  }\n}"),
            (r#"{"a": {"k" : 0}}"#, r#"{"a": {"k" : 1}}"#),
        ] {
            assert_eq!(set(before, &["a", "k"], "1").as_deref(), Some(after), "{before:?}");
        }
        for text in ["[]", "{", r#"{"a": 1}"#, r#"{"a" "b"}"#, "1"] {
            assert_eq!(set(text, &["a", "k"], "1"), None, "{text:?}");
        }
    }

    #[test]
    fn a_member_is_removed_with_its_comma() {
        for (before, after) in [
            (r#"{"a": {"k": 1}}"#, r#"{"a": {}}"#),
            (r#"{"a": { "k": 1, "l": 2 }}"#, r#"{"a": { "l": 2 }}"#),
            ("{\"a\": {\n \"j\": 0,\n \"k\": 1\n}}", "{\"a\": {\n \"j\": 0\n}}"),
            (r#"{"a": {"j": 0, "k": {}, "l": 2}}"#, r#"{"a": {"j": 0, "l": 2}}"#),
            (r#"{"b": {"k": 1}}"#, r#"{"b": {"k": 1}}"#),
            (r#"{"a": {"l": 1}}"#, r#"{"a": {"l": 1}}"#),
        ] {
            assert_eq!(remove(before, &["a", "k"]).as_deref(), Some(after), "{before:?}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![Just(Value::Null), any::<i64>().prop_map(Value::from), ".*".prop_map(Value::from)];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::vec((".{0,8}", inner), 0..3)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_was_set_can_be_removed_without_a_trace(
            members in prop::collection::vec(("[b-z]{1,4}", any_json()), 1..5), pretty: bool, key in ".{0,12}",
        ) {
            let before = Value::Object(members.into_iter().collect());
            let text = if pretty { serde_json::to_string_pretty(&before).unwrap() } else { before.to_string() };
            let with = set(&text, &["a", &key], "\"v\"").unwrap();
            let mut expected = before;
            expected["a"] = json!({ &key: "v" });
            prop_assert_eq!(serde_json::from_str::<Value>(&with).unwrap(), expected);
            prop_assert_eq!(remove(&with, &["a"]).unwrap(), text);
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = (set(&text, &["a", "k"], "1"), remove(&text, &["a", "k"]));
        }
    }
}
