//! Functions of texts, and functions that encode or decode a value. Most functions return an unknown result if a part
//! of an argument is unknown.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Function, FunctionArguments};
use crate::caller::files::hcl::json;
use crate::caller::files::hcl::value::{EvalError, EvalResult, HclValue, LENGTH_AT_MOST};
use crate::system::digest;

/// The characters that Go's `url.QueryEscape` escapes.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

pub(super) fn find(name: &str) -> Option<Function> {
    Some(match name {
        // `lower` and `upper` keep the unknown parts of the text.
        "lower" => |a| Ok(HclValue::text(a.get(0)?.as_text()?.to_lowercase())),
        "upper" => |a| Ok(HclValue::text(a.get(0)?.as_text()?.to_uppercase())),
        "trimspace" => |a| edit(a, |text| text.trim().to_owned()),
        "trim" => |a| {
            let cut = a.text(1)?;
            edit(a, |text| text.trim_matches(|c| cut.contains(c)).to_owned())
        },
        "trimprefix" => |a| {
            let start = a.text(1)?;
            edit(a, |text| text.strip_prefix(&*start).unwrap_or(text).to_owned())
        },
        "trimsuffix" => |a| {
            let end = a.text(1)?;
            edit(a, |text| text.strip_suffix(&*end).unwrap_or(text).to_owned())
        },
        "chomp" => |a| edit(a, |text| text.trim_end_matches(['\n', '\r']).to_owned()),
        "replace" => replace,
        "title" => |a| edit(a, title),
        "reverse" => |a| Ok(HclValue::text(a.plain_text(0)?.chars().rev().collect::<String>())),
        "split" => split,
        "join" => join,
        "substr" => substr,
        "strlen" => |a| Ok(HclValue::integer(a.plain_text(0)?.len())),
        "indent" => indent,
        "sanitize" => {
            |a| edit(a, |text| text.replace(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'), "_"))
        }
        "basename" => |a| edit(a, |text| base(text).to_owned()),
        "dirname" => |a| {
            let text = a.text(0)?;
            let is_clean = !text.contains("//") && !text.split('/').any(|part| part == "." || part == "..");
            if !is_clean {
                return Err(EvalError::NotKnown); // Go would first clean the path
            }
            Ok(HclValue::text(match text.rsplit_once('/') {
                Some(("", _)) => "/",
                Some((folder, _)) => folder,
                None => ".",
            }))
        },
        "md5" => |a| edit(a, |text| format!("{:x}", md5::compute(text))),
        "sha1" => |a| edit(a, |text| digest::hex(digest::Algorithm::Sha1, text.as_bytes())),
        "sha256" => |a| edit(a, |text| digest::hex(digest::Algorithm::Sha256, text.as_bytes())),
        "sha512" => |a| edit(a, |text| digest::hex(digest::Algorithm::Sha512, text.as_bytes())),
        "base64encode" => |a| Ok(HclValue::text(BASE64_STANDARD.encode(&*a.text(0)?))),
        "base64decode" => |a| {
            let bytes = BASE64_STANDARD.decode(&*a.text(0)?).map_err(|_| EvalError::NotKnown)?; // Go accepts more texts
            String::from_utf8(bytes).map(HclValue::text).map_err(|_| EvalError::Refused)
        },
        "urlencode" => {
            |a| Ok(HclValue::text(utf8_percent_encode(&a.text(0)?, ESCAPED).to_string().replace("%20", "+")))
        }
        "jsondecode" => |a| json::value(&a.text(0)?).ok_or(EvalError::Refused),
        "jsonencode" => |a| json::encode(a.get(0)?).map(HclValue::text),
        _ => return None,
    })
}

fn edit(arguments: &FunctionArguments<'_>, edit: impl Fn(&str) -> String) -> EvalResult {
    Ok(HclValue::text(edit(&arguments.text(0)?)))
}

fn replace(arguments: &FunctionArguments<'_>) -> EvalResult {
    replaced(arguments, &arguments.text(0)?, &arguments.text(1)?, &arguments.text(2)?)
}

fn indent(arguments: &FunctionArguments<'_>) -> EvalResult {
    let width = usize::try_from(arguments.integer(0)?.min(1000)).map_err(|_| EvalError::Refused)?;
    replaced(arguments, &arguments.text(1)?, "\n", &format!("\n{}", " ".repeat(width)))
}

/// Replaces `from` by `to` in a text. The length of the result is limited, because a short bake file could otherwise
/// produce a huge text.
fn replaced(arguments: &FunctionArguments<'_>, text: &str, from: &str, to: &str) -> EvalResult {
    let found = if from.is_empty() { text.len() + 1 } else { text.matches(from).count() };
    arguments.spend((found * to.len()) as u64)?;
    if text.len() + found * to.len() > LENGTH_AT_MOST {
        return Err(EvalError::NotKnown);
    }
    Ok(HclValue::text(text.replace(from, to)))
}

fn split(arguments: &FunctionArguments<'_>) -> EvalResult {
    let (separator, text) = (arguments.text(0)?, arguments.text(1)?);
    if separator.is_empty() {
        return Ok(HclValue::texts(text.chars().map(String::from)));
    }
    Ok(HclValue::texts(text.split(&*separator)))
}

fn join(arguments: &FunctionArguments<'_>) -> EvalResult {
    let separator = arguments.text(0)?;
    let mut parts = Vec::new();
    for list in arguments.values.get(1..).unwrap_or_default() {
        for part in list.as_list()? {
            parts.push(part.as_marked_text()?);
        }
    }
    arguments.spend((parts.len() * separator.len()) as u64)?;
    if parts.len() * separator.len() > LENGTH_AT_MOST {
        return Err(EvalError::NotKnown);
    }
    Ok(HclValue::text(parts.join(&*separator)))
}

/// Returns a part of a text. A negative start is an offset from the end of the text. A negative length means the rest
/// of the text.
fn substr(arguments: &FunctionArguments<'_>) -> EvalResult {
    let text = arguments.plain_text(0)?;
    let (offset, count) = (arguments.integer(1)?, arguments.integer(2)?);
    let start = match usize::try_from(offset) {
        Ok(start) => start,
        Err(_) => text.len().saturating_sub(usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX)),
    };
    let rest = text.get(start..).unwrap_or_default();
    let count = usize::try_from(count).ok().filter(|count| offset >= 0 || *count > 0).unwrap_or(rest.len());
    Ok(HclValue::text(&rest[..count.min(rest.len())]))
}

/// Puts the first letter of each word in upper case.
fn title(text: &str) -> String {
    let mut before = ' ';
    let capital = |c: char| {
        let is_first = !(before.is_alphanumeric() || before == '_');
        before = c;
        if is_first { c.to_ascii_uppercase() } else { c }
    };
    text.chars().map(capital).collect()
}

fn base(path: &str) -> &str {
    if path.is_empty() {
        return ".";
    }
    let path = path.trim_end_matches('/');
    if path.is_empty() { "/" } else { path.rsplit('/').next().unwrap_or(path) }
}
