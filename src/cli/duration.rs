//! Reads a length of time as people type it, such as `90s`, `10m`, `12h`, `7d` or `2w`.

use std::time::Duration;

use super::failure::Failure;
use crate::model::count;

/// Reads a length of time. `what` is the purpose of the time in error messages, such as `for a grant`. `longest` is the
/// limit, such as `30d`.
pub(super) fn parse(text: &str, what: &str, longest: &str) -> Result<Duration, Failure> {
    let limit = read(longest).unwrap_or(Duration::MAX);
    read(text).filter(|span| *span <= limit).ok_or_else(|| {
        Failure::usage(
            format!("`{text}` is not a valid time {what}"),
            format!("write a time as in `10m`, {longest} at most"),
        )
    })
}

/// Returns a length of time in words, in the largest unit without a remainder, such as `90 minutes`.
pub(super) fn words(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [(86_400, "day"), (3600, "hour"), (60, "minute")];
    let (unit, noun) = units.into_iter().find(|(unit, _)| seconds.is_multiple_of(*unit)).unwrap_or((1, "second"));
    count(seconds / unit, noun)
}

fn read(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 5] = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 7 * 86_400)];
    UNITS.iter().find_map(|(unit, seconds)| {
        let number = text.strip_suffix(unit).filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))?;
        number.parse::<u64>().ok()?.checked_mul(*seconds).map(Duration::from_secs)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_as_it_was_typed() {
        for (text, expected) in [
            ("90s", "90 seconds"),
            ("1s", "1 second"),
            ("60s", "1 minute"),
            ("90m", "90 minutes"),
            ("5400s", "90 minutes"),
            ("8h", "8 hours"),
            ("36h", "36 hours"),
            ("2w", "14 days"),
        ] {
            assert_eq!(words(read(text).unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn a_time_is_a_number_and_a_unit_and_not_too_long() {
        for (text, longest, seconds) in [
            ("90s", "12h", Some(90)),
            ("10m", "12h", Some(600)),
            ("12h", "12h", Some(43_200)),
            ("13h", "12h", None),
            ("7d", "520w", Some(604_800)),
            ("2w", "520w", Some(1_209_600)),
            ("0m", "12h", Some(0)),
            ("10", "12h", None),
            ("m", "12h", None),
            ("-5m", "12h", None),
            ("+5m", "12h", None),
            ("1.5h", "12h", None),
            ("10 m", "12h", None),
            ("99999999999999999999w", "520w", None),
            ("1000000000000000000w", "520w", None),
            ("", "12h", None),
        ] {
            assert_eq!(parse(text, "", longest).ok().map(|span| span.as_secs()), seconds, "{text}");
        }
    }
}
