//! `format`, and `formatlist`, which formats each item of its lists.

use std::fmt::Write as _;

use super::{Arguments, Function};
use crate::caller::files::hcl::json;
use crate::caller::files::hcl::value::{Outcome, Stop, Value};
use crate::caller::files::side::UNKNOWN;

/// A wider field is not known.
const WIDTH_AT_MOST: usize = 200;

pub(super) fn find(name: &str) -> Option<Function> {
    Some(match name {
        "format" => |a| format(a.get(0)?, &a.values[1..]).map(Value::text),
        "formatlist" => format_list,
        _ => return None,
    })
}

fn format_list(arguments: &Arguments<'_>) -> Outcome {
    let lengths = arguments.values.iter().filter_map(|value| value.as_list().ok()).map(<[Value]>::len);
    let length = lengths.clone().max().unwrap_or(1);
    if lengths.clone().any(|other| other != length) {
        return Err(Stop::Refused);
    }
    let row = |at: usize| {
        let of_row = |value: &Value| value.as_list().map_or(value, |items| &items[at]).clone();
        let values: Vec<Value> = arguments.values.iter().map(of_row).collect();
        let (pattern, rest) = values.split_first().ok_or(Stop::Refused)?;
        let weight = values.iter().map(Value::weight).sum();
        arguments.budget.spend(weight).then_some(()).ok_or(Stop::NotKnown)?;
        format(pattern, rest).map(Value::text)
    };
    (0..length).map(row).collect::<Outcome<_>>().map(Value::list)
}

/// `%s`, `%v`, `%d`, `%q` and `%t`, with a width; others are not known.
fn format(pattern: &Value, values: &[Value]) -> Outcome<String> {
    let pattern = pattern.as_known_text()?;
    let (mut formatted, mut values, mut rest) = (String::new(), values.iter(), &*pattern);
    while let Some((before, behind)) = rest.split_once('%') {
        formatted.push_str(before);
        if let Some(behind) = behind.strip_prefix('%') {
            formatted.push('%');
            rest = behind;
            continue;
        }
        let flags = behind.len() - behind.trim_start_matches(['0', '-']).len();
        let (flags, behind) = behind.split_at(flags);
        let digits = behind.len() - behind.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (width, behind) = behind.split_at(digits);
        let width: usize = if width.is_empty() { 0 } else { width.parse().unwrap_or(usize::MAX) };
        let verb = behind.chars().next().ok_or(Stop::Refused)?;
        let text = one(verb, values.next().ok_or(Stop::Refused)?)?;
        if width > WIDTH_AT_MOST || (width > 0 && (text.contains(UNKNOWN) || text.starts_with('-') || verb == 'v')) {
            return Err(Stop::NotKnown);
        }
        let _ = match flags {
            "" => write!(formatted, "{text:>width$}"),
            "-" => write!(formatted, "{text:<width$}"),
            "0" => write!(formatted, "{text:0>width$}"),
            _ => return Err(Stop::NotKnown),
        };
        rest = &behind[verb.len_utf8()..];
    }
    formatted.push_str(rest);
    if values.next().is_some() { Err(Stop::Refused) } else { Ok(formatted) }
}

fn one(verb: char, value: &Value) -> Outcome<String> {
    match (verb, value) {
        ('s' | 'v', Value::Unknown) => Ok(UNKNOWN.to_string()),
        ('v', Value::Null) => Ok("null".to_owned()),
        ('v', Value::List(_) | Value::Map(_)) => json::encode(value),
        ('s' | 'v', value) => Ok(value.as_text()?.to_string()),
        ('d', value) => {
            let number = value.as_number()?;
            if number.fract() == 0.0 { Ok(number.to_string()) } else { Err(Stop::NotKnown) }
        }
        ('t', value) => Ok(value.as_bool()?.to_string()),
        ('q', value) => {
            let text = value.as_known_text()?;
            let is_plain = text.chars().all(|c| (' '..='~').contains(&c) && c != '"' && c != '\\');
            if is_plain { Ok(format!("\"{text}\"")) } else { Err(Stop::NotKnown) }
        }
        _ => Err(Stop::NotKnown),
    }
}
