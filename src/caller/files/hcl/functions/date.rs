//! Evaluates `formatdate` for times that the file contains. The result of `timestamp` is unknown.

use super::{Function, FunctionArguments};
use crate::caller::files::hcl::value::{EvalError, EvalResult, HclValue};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) fn find(name: &str) -> Option<Function> {
    (name == "formatdate").then_some(format_date)
}

fn format_date(arguments: &FunctionArguments<'_>) -> EvalResult {
    let (pattern, moment) = (arguments.text(0)?, arguments.text(1)?);
    let moment = Moment::parse(&moment).ok_or(EvalError::NotKnown)?;
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
            formatted.push_str(&moment.part(word).ok_or(EvalError::NotKnown)?);
        } else {
            formatted.push_str(word);
        }
        rest = behind;
    }
    Ok(HclValue::text(formatted))
}

/// The parts of a moment in UTC. Moments in other time zones are unknown.
struct Moment<'t> {
    year: &'t str,
    month: &'t str,
    day: &'t str,
    hour: &'t str,
    minute: &'t str,
    second: &'t str,
}

impl<'t> Moment<'t> {
    /// Parses a moment such as `2024-05-06T07:08:09Z`.
    fn parse(text: &'t str) -> Option<Self> {
        let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        let is_utc = shape.starts_with("0000-00-00T00:00:00") && matches!(text.get(19..)?, "Z" | "+00:00" | "-00:00");
        is_utc.then_some(())?;
        let part = |from: usize, to: usize| text.get(from..to);
        let is_within = |at, least, most| part(at, at + 2).is_some_and(|part| (least..=most).contains(&part));
        let is_moment = is_within(5, "01", "12") && is_within(8, "01", "31") && is_within(11, "00", "23");
        (is_moment && is_within(14, "00", "59") && is_within(17, "00", "59")).then_some(())?;
        Some(Self {
            year: part(0, 4)?,
            month: part(5, 7)?,
            day: part(8, 10)?,
            hour: part(11, 13)?,
            minute: part(14, 16)?,
            second: part(17, 19)?,
        })
    }

    /// Formats a part of the moment, such as the year for `YYYY`. Returns `None` for days of the week and for invalid
    /// words.
    fn part(&self, word: &str) -> Option<String> {
        let short = |text: &str| text.strip_prefix('0').unwrap_or(text).to_owned();
        let hour: u32 = self.hour.parse().ok()?;
        let twelve = if hour.is_multiple_of(12) { 12 } else { hour % 12 };
        let month = || MONTHS.get(self.month.parse::<usize>().ok()?.checked_sub(1)?).copied();
        Some(match word {
            "YYYY" => self.year.to_owned(),
            "YY" => self.year[2..].to_owned(),
            "MMMM" => month()?.to_owned(),
            "MMM" => month()?[..3].to_owned(),
            "MM" => self.month.to_owned(),
            "M" => short(self.month),
            "DD" => self.day.to_owned(),
            "D" => short(self.day),
            "hh" => self.hour.to_owned(),
            "h" => short(self.hour),
            "HH" => format!("{twelve:02}"),
            "H" => twelve.to_string(),
            "AA" => if hour < 12 { "AM" } else { "PM" }.to_owned(),
            "aa" => if hour < 12 { "am" } else { "pm" }.to_owned(),
            "mm" => self.minute.to_owned(),
            "m" => short(self.minute),
            "ss" => self.second.to_owned(),
            "s" => short(self.second),
            "Z" => "Z".to_owned(),
            "ZZZ" => "UTC".to_owned(),
            "ZZZZ" => "+0000".to_owned(),
            "ZZZZZ" => "+00:00".to_owned(),
            _ => return None,
        })
    }
}
