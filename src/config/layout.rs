//! Formats `config.json` as a readable but short text, because a long text makes `get` slower.

use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;
use serde_json::{Map, Value};

/// The maximum length of a line. An entry that fits is written on one line, but two accounts never share a line.
const WIDTH: usize = 120;

/// The number of levels that may have several lines. The four levels are the document, the registries, a registry and
/// the registry's accounts.
const DEPTH: usize = 4;

/// Returns the text of the file.
pub(super) fn text(document: &Map<String, Value>) -> String {
    let mut text = opened(document, 1);
    text.push('\n');
    text
}

/// Writes an object with one line for each entry, indented by `depth` levels.
fn opened(object: &Map<String, Value>, depth: usize) -> String {
    let margin = "  ".repeat(depth);
    let entries: Vec<_> = object
        .iter()
        .map(|(key, value)| {
            let start = format!("{margin}{}: ", one_line(&key.as_str().into()));
            let line = start.clone() + &one_line(value);
            match value {
                Value::Object(inner)
                    if depth < DEPTH && !inner.is_empty() && (depth == 1 || line.len() > WIDTH || branches(inner)) =>
                {
                    start + &opened(inner, depth + 1)
                }
                _ => line,
            }
        })
        .collect();
    format!("{{\n{}\n{}}}", entries.join(",\n"), &margin[2..])
}

/// Tells whether `object`, or an object at any level within it, contains more than one object.
fn branches(object: &Map<String, Value>) -> bool {
    let within: Vec<_> = object.values().filter_map(Value::as_object).collect();
    within.len() > 1 || within.into_iter().any(branches)
}

fn one_line(value: &Value) -> String {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, OneLineFormatter);
    value.serialize(&mut serializer).expect("JSON values always serialize into memory");
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

/// Writes JSON on one line, with a space after each comma and colon.
struct OneLineFormatter;

impl Formatter for OneLineFormatter {
    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        separate(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        separate(writer, first)
    }
}

fn separate<W: ?Sized + io::Write>(writer: &mut W, first: bool) -> io::Result<()> {
    writer.write_all(if first { b"" } else { b", " })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_stands_on_one_line_and_two_accounts_never_do() {
        let expected = r#"{
  "version": 3,
  "registries": {
    "quay.io": {"active": "carol", "accounts": {"carol": {"username": "carol", "store": "file", "images": ["xxxx/**"]}}},
    "ghcr.io": {
      "active": "me",
      "accounts": {
        "me": {"username": "me-user", "store": "file", "images": ["ghcr.io/acme/**"], "did": "did:plc:x", "folders": ["~/w"]}
      },
      "public": ["ghcr.io/acme/open/**"]
    },
    "b": {
      "accounts": {
        "me": {},
        "work": {}
      }
    },
    "a": {}
  },
  "later": [{"a": {"b": 1}}, 1.5],
  "trusted": {
    "/w/.ensign.toml": "sha256:00"
  },
  "none": {}
}
"#;
        assert_eq!(text(&serde_json::from_str(expected).unwrap()), expected);
    }
}
