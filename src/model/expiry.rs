//! `Expiry`: when an account's secret expires, and how the expiry is shown.

use std::time::{Duration, SystemTime};

use super::{LoginLife, Source, StoredSecret, count};

/// When an account's secret expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    Unknown,
    /// The time when the secret expires and a person must log in again.
    Ends(SystemTime),
    /// The time when the secret expires and Ensign renews it.
    Renews(SystemTime),
    /// Ensign renews the secret when the secret expires at `next`. If the login is not used during its `life`, the
    /// login expires as well.
    RenewsWithin {
        next: Option<SystemTime>,
        life: LoginLife,
    },
}

impl Expiry {
    /// Ensign begins to warn a person this long before an expiry.
    pub(crate) const WARNING: Duration = Duration::from_hours(7 * 24);

    pub(crate) fn new(source: &Source, stored: &StoredSecret) -> Self {
        let is_renewed = matches!(source, Source::OAuth(_)) && stored.refresh.is_some();
        if let Some(life) = stored.login_life.filter(|_| is_renewed) {
            return Self::RenewsWithin { next: stored.expires_at, life };
        }
        let Some(until) = stored.expires_at else { return Self::Unknown };
        match source {
            Source::Static => Self::Ends(until),
            Source::OAuth(_) if !is_renewed => Self::Ends(until),
            Source::OAuth(_) | Source::External(_) => Self::Renews(until),
            Source::Unknown(_) => Self::Unknown,
        }
    }

    /// Tells whether a person must log in again now or within `span`, because the secret or its login expires.
    ///
    /// A login that lives no longer than `span` is reported only in the last quarter of its life.
    pub(crate) fn ends_within(self, span: Duration, now: SystemTime) -> bool {
        let (end, span) = match self {
            Self::Unknown | Self::Renews(_) => return false,
            Self::Ends(end) => (end, span),
            Self::RenewsWithin { life, .. } => {
                let whole = life.expires_at.duration_since(life.since).unwrap_or_default();
                (self.login_end().unwrap_or(life.expires_at), if span < whole { span } else { whole / 4 })
            }
        };
        end <= now.checked_add(span).unwrap_or(end)
    }

    /// Returns the time when an unused login ends. After that time the secret is invalid and cannot be renewed.
    pub(crate) fn login_end(self) -> Option<SystemTime> {
        match self {
            Self::RenewsWithin { next, life } => Some(next.unwrap_or(life.expires_at).max(life.expires_at)),
            Self::Unknown | Self::Ends(_) | Self::Renews(_) => None,
        }
    }

    pub(crate) fn has_ended(self, now: SystemTime) -> bool {
        self.ends_within(Duration::ZERO, now)
    }

    pub(crate) fn moment(self) -> Option<SystemTime> {
        match self {
            Self::Unknown => None,
            Self::Ends(moment) | Self::Renews(moment) => Some(moment),
            Self::RenewsWithin { next, .. } => next,
        }
    }

    /// Returns a text such as `expires in 6 days`; `None` if the expiry is unknown.
    pub(crate) fn words(self, now: SystemTime) -> Option<String> {
        let (end, condition) = match self {
            Self::Unknown => return None,
            Self::Ends(end) => (end, ""),
            Self::RenewsWithin { .. } => (self.login_end()?, ", unless used before"),
            Self::Renews(end) => {
                return Some(match end.duration_since(now) {
                    Ok(left) => format!("renewed automatically, within {}", time_span(left)),
                    Err(_) => "renewed automatically at the next use".to_owned(),
                });
            }
        };
        Some(match end.duration_since(now) {
            Ok(left) if !left.is_zero() => format!("expires in {}{condition}", time_span(left)),
            Ok(_) => "expires now".to_owned(),
            Err(over) => format!("expired {} ago", time_span(over.duration())),
        })
    }
}

/// Returns a rounded number in the largest unit that fits, such as `6 days`, `5 hours` or `1 minute`.
pub(crate) fn time_span(span: Duration) -> String {
    let nearest = |unit: u64| (span.as_secs() + unit / 2) / unit;
    let (number, unit) = match (nearest(86_400), nearest(3600), nearest(60)) {
        (days, 24.., _) => (days.max(1), "day"),
        (_, hours, 60..) => (hours.max(1), "hour"),
        (_, _, minutes) => (minutes.max(1), "minute"),
    };
    count(number, unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;

    const NOW: u64 = 1_700_000_000;

    fn at(seconds: i64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(NOW.checked_add_signed(seconds).unwrap())
    }

    #[test]
    fn an_end_is_told_in_words() {
        let (minute, hour, day) = (60, 3600, 86_400);
        for (seconds, words) in [
            (6 * day, "expires in 6 days"),
            (6 * day - 5, "expires in 6 days"),
            (day, "expires in 1 day"),
            (day - 1, "expires in 1 day"),
            (36 * hour, "expires in 2 days"),
            (23 * hour, "expires in 23 hours"),
            (hour - 5, "expires in 1 hour"),
            (12 * minute, "expires in 12 minutes"),
            (5, "expires in 1 minute"),
            (0, "expires now"),
            (-5, "expired 1 minute ago"),
            (-90 * minute, "expired 2 hours ago"),
            (-2 * day - 5, "expired 2 days ago"),
            (-400 * day, "expired 400 days ago"),
        ] {
            assert_eq!(Expiry::Ends(at(seconds)).words(at(0)).as_deref(), Some(words), "{seconds}");
        }
        for (seconds, words) in
            [(11 * hour, "renewed automatically, within 11 hours"), (-5, "renewed automatically at the next use")]
        {
            assert_eq!(Expiry::Renews(at(seconds)).words(at(0)).as_deref(), Some(words), "{seconds}");
        }
        assert_eq!(Expiry::Unknown.words(at(0)), None);
        let login = |next: i64, until: i64| {
            let life = LoginLife { since: at(-day), expires_at: at(until) };
            Expiry::RenewsWithin { next: Some(at(next)), life }.words(at(0)).unwrap()
        };
        assert_eq!(login(60, 20 * day), "expires in 20 days, unless used before");
        assert_eq!(login(2 * hour, hour), "expires in 2 hours, unless used before");
        assert_eq!(login(-2 * day, -day), "expired 1 day ago");
    }

    #[test]
    fn only_what_a_person_must_renew_ends() {
        let stored = |refresh: bool| StoredSecret {
            expires_at: Some(at(60)),
            refresh: refresh.then(|| Secret::new("r".into())),
            ..Secret::new("s".into()).into()
        };
        let granted = Source::OAuth(Box::default());
        for (source, refresh, expected) in [
            (&Source::Static, false, Expiry::Ends(at(60))),
            (&granted, false, Expiry::Ends(at(60))),
            (&granted, true, Expiry::Renews(at(60))),
            (&Source::Unknown(String::new()), false, Expiry::Unknown),
        ] {
            assert_eq!(Expiry::new(source, &stored(refresh)), expected, "{source:?}");
        }
        assert_eq!(Expiry::new(&Source::Static, &Secret::new("s".into()).into()), Expiry::Unknown);
    }

    #[test]
    fn what_ends_within_a_time_has_ended_or_ends_before() {
        for (expiry, within_an_hour) in [
            (Expiry::Ends(at(-60)), true),
            (Expiry::Ends(at(3600)), true),
            (Expiry::Ends(at(3601)), false),
            (Expiry::Renews(at(60)), false),
            (Expiry::Unknown, false),
        ] {
            assert_eq!(expiry.ends_within(Duration::from_hours(1), at(0)), within_an_hour, "{expiry:?}");
        }
        assert!(Expiry::Ends(at(0)).ends_within(Duration::MAX, at(0)));
        // Logins that live for 180 days or for half an hour, with different times left.
        let (minute, day) = (60, 86_400);
        for (whole, left, within_a_week) in [
            (180 * day, 30 * day, false),
            (180 * day, 6 * day, true),
            (180 * day, -day, true),
            (30 * minute, 30 * minute, false),
            (30 * minute, 7 * minute, true),
        ] {
            let life = LoginLife { since: at(left - whole), expires_at: at(left) };
            let expiry = Expiry::RenewsWithin { next: None, life };
            assert_eq!(expiry.ends_within(Expiry::WARNING, at(0)), within_a_week, "{whole} {left}");
            assert_eq!(expiry.has_ended(at(0)), left < 0, "{whole} {left}");
        }
    }
}
