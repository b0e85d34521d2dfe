//! Reads and writes times, as RFC 3339 text or as seconds since 1970.

use std::time::{Duration, SystemTime};

use serde_json::Value;

/// Reads an RFC 3339 text such as `2026-11-21T12:00:00.5+01:00`; `None` for a time before 1970 or another format. A
/// fraction of a second is dropped.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let [year, month, day] = numbers(date, '-')?;
    let (clock, zone) = time.split_at(time.find(['Z', 'z', '+', '-'])?);
    let [hour, minute, second] = numbers(clock.split('.').next()?, ':')?;
    let is_real = civil_date(days(year, month, day)) == (year, month, day) && hour < 24 && minute < 60 && second <= 60;
    let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second - offset(zone)?;
    is_real.then(|| u64::try_from(seconds).ok())?.and_then(since_1970)
}

/// Reads a time in GitHub's format, such as `2023-05-01 12:34:56 UTC` or `2023-05-01 12:34:56 -0700`.
pub(crate) fn parse_github(text: &str) -> Option<SystemTime> {
    let [date, time, zone] = text.split_ascii_whitespace().collect::<Vec<_>>().try_into().ok()?;
    let zone = match zone {
        "UTC" | "GMT" | "Z" => "Z".to_owned(),
        zone if zone.len() == 5 && zone.is_ascii() => format!("{}:{}", &zone[..3], &zone[3..]),
        zone => zone.to_owned(),
    };
    parse(&format!("{date}T{time}{zone}"))
}

/// Writes a time as RFC 3339 text, in UTC and whole seconds.
pub(crate) fn rfc3339(moment: SystemTime) -> String {
    let seconds = seconds(moment);
    let (day, clock) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil_date(i64::try_from(day).unwrap_or_default());
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", clock / 3600, clock / 60 % 60, clock % 60)
}

/// Converts seconds since 1970 to a time; `None` if this machine cannot represent the time.
pub(crate) fn since_1970(seconds: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// Returns the seconds since 1970; 0 for a time before 1970.
pub(crate) fn seconds(moment: SystemTime) -> u64 {
    moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Reads a JSON number of seconds since 1970. A fraction is dropped.
pub(crate) fn from_number(number: &Value) -> Option<SystemTime> {
    let fraction = || Duration::try_from_secs_f64(number.as_f64()?).ok();
    since_1970(number.as_u64().or_else(|| fraction().map(|seconds| seconds.as_secs()))?)
}

/// Returns how many seconds a time zone is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let [hours, minutes] = numbers(zone.get(1..)?, ':')?;
    let seconds = (hours * 60 + minutes) * 60;
    (hours < 24 && minutes < 60).then_some(if zone.starts_with('-') { -seconds } else { seconds })
}

/// Returns the days since 1970. The calculation begins each year in March, so the leap day is the last day of a year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let in_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + in_year - 719_468
}

/// Converts a number of days since 1970 to year, month and day. The function is the inverse of [`days`].
fn civil_date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468; // days since 1 March of the year 0
    let (era, in_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let of_era = (in_era - in_era / 1460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * of_era + of_era / 4 - of_era / 100);
    let month = (5 * in_year + 2) / 153; // months since March
    let day = in_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + of_era + i64::from(month >= 10);
    (year, if month < 10 { month + 3 } else { month - 9 }, day)
}

/// Splits `text` into exactly `N` numbers of at most four digits.
fn numbers<const N: usize>(text: &str, separator: char) -> Option<[i64; N]> {
    let number = |part: &str| {
        let plain = (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        if plain { part.parse().ok() } else { None }
    };
    text.split(separator).map(number).collect::<Option<Vec<i64>>>()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn moments_are_read_in_any_zone() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01T01:00:00+01:00", Some(0)),
            ("2000-02-29T23:59:59Z", Some(951_868_799)),
            ("2000-03-01T00:00:00z", Some(951_868_800)),
            ("2026-11-21T12:00:00Z", Some(1_795_262_400)),
            ("2026-11-21T12:00:00.123456789Z", Some(1_795_262_400)),
            ("2026-11-21t07:30:00-04:30", Some(1_795_262_400)),
            ("2100-03-01T00:00:00Z", Some(4_107_542_400)),
            ("9999-12-31T23:59:60Z", Some(253_402_300_800)),
            ("0001-01-01T00:00:00Z", None), // Go's zero time
            ("1970-01-01T00:00:00+01:00", None),
            ("1969-12-31T23:59:59Z", None),
            ("1969-12-31T23:59:59-00:01", Some(59)),
            ("0000-01-01T00:00:00Z", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-00-01T00:00:00Z", None),
            ("2026-02-31T00:00:00Z", None),
            ("2025-02-29T00:00:00Z", None),
            ("2026-04-31T00:00:00Z", None),
            ("2026-04-00T00:00:00Z", None),
            ("2026-11-21T24:00:00Z", None),
            ("2026-11-21T12:60:00Z", None),
            ("2026-11-21T12:00:61Z", None),
            ("2026-11-21T12:00:00+24:00", None),
            ("2026-11-21T12:00:00+01:60", None),
            ("2026-+1-21T12:00:00Z", None),
            ("2026-00011-21T12:00:00Z", None),
            ("2026-11-21", None),
            ("2026-11-21T12:00:00", None),
            ("2026-11-21T12:00Z", None),
            ("2026-11-21T12:00:00+0100", None),
            ("+026-11-21T12:00:00Z", None),
            ("", None),
        ] {
            let moment = seconds.map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!(parse(text), moment, "{text}");
        }
    }

    #[test]
    fn githubs_moments_are_read_in_any_zone() {
        for (text, expected) in [
            ("2023-05-01 12:34:56 UTC", Some("2023-05-01T12:34:56Z")),
            ("2023-05-01 12:34:56 -0700", Some("2023-05-01T19:34:56Z")),
            ("2023-05-01 12:34:56 +0530", Some("2023-05-01T07:04:56Z")),
            ("2023-12-31 20:00:00 -0700", Some("2024-01-01T03:00:00Z")),
            (" 2024-02-29  00:00:00 +00:00 ", Some("2024-02-29T00:00:00Z")),
            ("2023-02-29 00:00:00 UTC", None),
            ("2023-05-01 12:34:56 PDT", None),
            ("2023-05-01 12:34:56 -07\u{e4}", None),
            ("2023-05-01 12:34:56", None),
            ("2023-05-01", None),
            ("never", None),
            ("", None),
        ] {
            assert_eq!(parse_github(text).map(rfc3339).as_deref(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_moment_is_too_odd(text in "[0-9]{1,5}-[0-9]{1,3}-[0-9]{1,3}T[0-9]{1,3}:[0-9]{1,3}:[0-9]{1,3}(Z|\\PC{0,8})") {
            let _ = parse(&text);
            let _ = parse_github(&text.replace('T', " "));
        }

        #[test]
        fn what_is_written_reads_back(seconds in 0u64..253_402_300_800) {
            let moment = since_1970(seconds).unwrap();
            prop_assert_eq!(parse(&rfc3339(moment)), Some(moment));
        }
    }
}
