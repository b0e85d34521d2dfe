//! Evaluates the functions `format` and `formatlist`. `formatlist` formats each item of its lists.

use std::fmt::Write as _;

use super::{Function, FunctionArguments};
use crate::caller::files::hcl::json;
use crate::caller::files::hcl::value::{EvalError, EvalResult, HclValue};
use crate::caller::files::image_side::UNKNOWN;

/// The largest width of a field. If a field is wider, the result of the function is unknown.
const WIDTH_AT_MOST: usize = 200;

pub(super) fn find(name: &str) -> Option<Function> {
    Some(match name {
        "format" => |a| format(a.get(0)?, &a.values[1..]).map(HclValue::text),
        "formatlist" => format_list,
        _ => return None,
    })
}

fn format_list(arguments: &FunctionArguments<'_>) -> EvalResult {
    let lengths = arguments.values.iter().filter_map(|value| value.as_list().ok()).map(<[HclValue]>::len);
    let length = lengths.clone().max().unwrap_or(1);
    if lengths.clone().any(|other| other != length) {
        return Err(EvalError::Refused);
    }
    let row = |at: usize| {
        let of_row = |value: &HclValue| value.as_list().map_or(value, |items| &items[at]).clone();
        let values: Vec<HclValue> = arguments.values.iter().map(of_row).collect();
        let (pattern, rest) = values.split_first().ok_or(EvalError::Refused)?;
        let weight = values.iter().map(HclValue::weight).sum();
        arguments.spend(weight)?;
        format(pattern, rest).map(HclValue::text)
    };
    (0..length).map(row).collect::<EvalResult<_>>().map(HclValue::list)
}

/// Formats `%s`, `%v`, `%d`, `%q` and `%t`, which may have a width. The results of other verbs are unknown.
fn format(pattern: &HclValue, values: &[HclValue]) -> EvalResult<String> {
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
        let verb = behind.chars().next().ok_or(EvalError::Refused)?;
        let text = format_value(verb, values.next().ok_or(EvalError::Refused)?)?;
        if width > WIDTH_AT_MOST || (width > 0 && (text.contains(UNKNOWN) || text.starts_with('-') || verb == 'v')) {
            return Err(EvalError::NotKnown);
        }
        let _ = match flags {
            "" => write!(formatted, "{text:>width$}"),
            "-" => write!(formatted, "{text:<width$}"),
            "0" => write!(formatted, "{text:0>width$}"),
            _ => return Err(EvalError::NotKnown),
        };
        rest = &behind[verb.len_utf8()..];
    }
    formatted.push_str(rest);
    if values.next().is_some() { Err(EvalError::Refused) } else { Ok(formatted) }
}

fn format_value(verb: char, value: &HclValue) -> EvalResult<String> {
    match (verb, value) {
        ('v', HclValue::Null) => Ok("null".to_owned()),
        ('v', HclValue::List(_) | HclValue::Map(_)) => json::encode(value),
        ('s' | 'v', value) => Ok(value.as_marked_text()?.to_string()),
        ('d', value) => {
            let number = value.as_number()?;
            if number.fract() == 0.0 { Ok(number.to_string()) } else { Err(EvalError::NotKnown) }
        }
        ('t', value) => Ok(value.as_bool()?.to_string()),
        ('q', value) => {
            let text = value.as_known_text()?;
            let is_plain = text.chars().all(|c| (' '..='~').contains(&c) && c != '"' && c != '\\');
            if is_plain { Ok(format!("\"{text}\"")) } else { Err(EvalError::NotKnown) }
        }
        _ => Err(EvalError::NotKnown),
    }
}
