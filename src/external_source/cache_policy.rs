//! `CachePolicy`: decides how long to cache the secret of an external source. A secret stays cached until shortly
//! before its expiry, but never longer than the limits allow.

use std::time::{Duration, SystemTime};

/// The limits for the answers of a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CachePolicy {
    /// An answer that has less than this time left until its expiry is no longer used.
    pub(super) margin: Duration,
    /// The time for which an answer that states no expiry is surely valid; `None` if unknown.
    pub(super) lives: Option<Duration>,
    /// The longest time for which an answer is cached.
    pub(super) at_most: Option<Duration>,
}

/// The limit for every cached answer. Without this limit a revoked role might remain usable for days.
const LONGEST: Duration = Duration::from_hours(12);

/// Returns the time until which an answer may be cached; `None` if the answer must not be cached. `now` is the time of
/// the answer, `ends` is the answer's expiry, and `cache` is the user's setting.
pub(super) fn until(
    now: SystemTime,
    policy: &CachePolicy,
    ends: Option<SystemTime>,
    cache: Option<Duration>,
) -> Option<SystemTime> {
    let stated = match ends {
        Some(ends) => Some(ends.checked_sub(policy.margin)?),
        None => policy.lives.map(|lives| now + lives),
    };
    let bounds = [cache, policy.at_most, Some(LONGEST)].into_iter().flatten().map(|bound| now + bound.min(LONGEST));
    let wanted = stated.or_else(|| cache.map(|_| now + LONGEST))?;
    bounds.chain([wanted]).min().filter(|until| *until > now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_until_the_nearest_of_all_bounds() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let minutes = Duration::from_mins;
        let policy = |margin, lives: Option<u64>, at_most: Option<u64>| CachePolicy {
            margin: minutes(margin),
            lives: lives.map(minutes),
            at_most: at_most.map(minutes),
        };
        let aws = policy(15, None, Some(360));
        let silent = policy(5, None, None);
        for (policy, ends, cache, expected) in [
            (aws, Some(720), None, Some(360)),
            (aws, Some(60), None, Some(45)),
            (aws, Some(60), Some(10), Some(10)),
            (aws, Some(60), Some(0), None),
            (aws, Some(15), None, None),
            (aws, Some(10), Some(30), None),
            (aws, None, None, None),
            (aws, None, Some(30), Some(30)),
            (silent, None, None, None),
            (silent, None, Some(10), Some(10)),
            (silent, None, Some(5000), Some(720)),
            (silent, Some(60), None, Some(55)),
            (silent, Some(6000), None, Some(720)),
            (policy(5, Some(45), None), None, None, Some(45)),
            (policy(5, Some(45), None), Some(20), None, Some(15)),
            (policy(5, None, Some(30)), None, Some(60), Some(30)),
            (policy(5, None, Some(30)), None, None, None),
        ] {
            let until = until(now, &policy, ends.map(|ends| now + minutes(ends)), cache.map(minutes));
            assert_eq!(until, expected.map(|expected| now + minutes(expected)), "{policy:?} {ends:?} {cache:?}");
        }
    }

    #[test]
    fn odd_ends_keep_nothing() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let policy = CachePolicy { margin: Duration::from_mins(15), ..CachePolicy::default() };
        for ends in [SystemTime::UNIX_EPOCH, now - Duration::from_hours(9000), now] {
            assert_eq!(until(now, &policy, Some(ends), None), None);
        }
        let huge = Some(Duration::from_secs(u64::MAX));
        assert_eq!(until(now, &policy, None, huge), Some(now + LONGEST));
    }
}
