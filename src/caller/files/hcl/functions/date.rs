//! Evaluates `formatdate` for times that the file contains. The result of `timestamp` is unknown.

use super::FunctionArguments;
use crate::caller::files::hcl::value::{EvalError, EvalResult, HclValue};

const MONTHS: &str = "January February March April May June July August September October November December";

pub(super) fn format_date(arguments: &FunctionArguments<'_>) -> EvalResult {
    let (pattern, moment) = (arguments.text(0)?, arguments.text(1)?);
    if !is_utc(&moment) {
        return Err(EvalError::NotKnown);
    }
    let (mut formatted, mut rest) = (String::new(), &*pattern);
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            let (literal, behind) = rest[1..].split_once('\'').ok_or(EvalError::Refused)?;
            formatted.push_str(literal);
            formatted.push_str(if behind.starts_with('\'') { "'" } else { "" }); // `''` is one quote
            rest = behind;
            continue;
        }
        let length = rest.len() - rest.trim_start_matches(first).len();
        let (word, behind) = rest.split_at(length);
        if first.is_ascii_alphabetic() {
            formatted.push_str(&part(&moment, word).ok_or(EvalError::NotKnown)?);
        } else {
            formatted.push_str(word);
        }
        rest = behind;
    }
    Ok(HclValue::text(formatted))
}

/// Tells whether a text is a moment in UTC, such as `2024-05-06T07:08:09Z`. Moments in other time zones are unknown.
fn is_utc(moment: &str) -> bool {
    let shape: String = moment.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let is_moment = shape.starts_with("0000-00-00T00:00:00");
    let is_within = |at: usize, least: &str, most: &str| (least..=most).contains(&&moment[at..at + 2]);
    is_moment
        && matches!(moment.get(19..), Some("Z" | "+00:00" | "-00:00"))
        && is_within(5, "01", "12")
        && is_within(8, "01", "31")
        && is_within(11, "00", "23")
        && is_within(14, "00", "59")
        && is_within(17, "00", "59")
}

/// Formats a part of a moment, such as the year for `YYYY`. Returns `None` for days of the week and for invalid words.
fn part(moment: &str, word: &str) -> Option<String> {
    let [year, month, day, hour, minute, second] =
        [0..4, 5..7, 8..10, 11..13, 14..16, 17..19].map(|range| &moment[range]);
    let short = |text: &str| text.strip_prefix('0').unwrap_or(text).to_owned();
    let month_name = || MONTHS.split(' ').nth(month.parse::<usize>().ok()? - 1);
    let hour_of_day: u32 = hour.parse().ok()?;
    let twelve = if hour_of_day.is_multiple_of(12) { 12 } else { hour_of_day % 12 };
    Some(match word {
        "YYYY" => year.to_owned(),
        "YY" => year[2..].to_owned(),
        "MMMM" => month_name()?.to_owned(),
        "MMM" => month_name()?[..3].to_owned(),
        "MM" => month.to_owned(),
        "M" => short(month),
        "DD" => day.to_owned(),
        "D" => short(day),
        "hh" => hour.to_owned(),
        "h" => short(hour),
        "HH" => format!("{twelve:02}"),
        "H" => twelve.to_string(),
        "AA" => if hour_of_day < 12 { "AM" } else { "PM" }.to_owned(),
        "aa" => if hour_of_day < 12 { "am" } else { "pm" }.to_owned(),
        "mm" => minute.to_owned(),
        "m" => short(minute),
        "ss" => second.to_owned(),
        "s" => short(second),
        "Z" => "Z".to_owned(),
        "ZZZ" => "UTC".to_owned(),
        "ZZZZ" => "+0000".to_owned(),
        "ZZZZZ" => "+00:00".to_owned(),
        _ => return None,
    })
}
