//! Finds an account's secret, which may be stored, renewed or external. If there is no valid secret, returns the
//! reason.

use std::time::{Duration, Instant, SystemTime};

use anyhow::{Error, Result};

use super::login_hint::login_hint;
use super::secret_verdict::ended_session;
use super::{Accounts, NewLogin, Transaction};
use crate::external_source::{self, ExternalError};
use crate::model::{
    Account, Audience, Credential, ExternalSource, Problem, Secret, Source, StoredSecret, Username, jwt,
};
use crate::system::files::Lock;

#[derive(Debug)]
pub(crate) enum ResolvedSecret {
    Valid(Credential),
    /// The secret is valid, but its new tokens could not be saved.
    Unsaved(Credential, Problem),
    /// The store or the external source has no secret for the account.
    Missing,
    /// The store has a secret, but Ensign knows that the secret is no longer valid.
    Expired(Problem),
    /// The secret could not be renewed now, but may be renewed later.
    Unrenewed(Problem),
}

/// The freshness of a stored secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    Good,
    /// The secret is valid, but the next secret should be fetched.
    Due,
    Expired,
}

/// A token with less than this time left is treated as expired, because the token must still be valid when the registry
/// receives it.
pub(super) const LEAST_LEFT: Duration = Duration::from_secs(1);

/// The longest time for which an external secret is cached. If a cached secret has more than this time left, the clock
/// must have been set back.
const LONGEST_CACHED: Duration = Duration::from_hours(12);

/// The pause after which a provider that could not be reached is asked again. Without a pause, a build with twenty
/// images would wait for the provider twenty times.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(10);

impl Accounts<'_> {
    /// Returns the account's secret, and renews the secret first if needed. `stored` is the secret in the account's
    /// store.
    pub(crate) fn resolve(
        &self,
        account: &Account,
        stored: Option<StoredSecret>,
        audience: Audience,
    ) -> Result<ResolvedSecret> {
        if audience == Audience::Client
            && let Some(stored) = &stored
            && let Some(over) = ended_session(account, stored, SystemTime::now())
        {
            return Ok(ResolvedSecret::Expired(over));
        }
        match &account.source {
            Source::Static => Ok(match stored {
                None => ResolvedSecret::Missing,
                Some(stored) if stored.refused => ResolvedSecret::Expired(refused(account)),
                Some(stored) if freshness(&stored, SystemTime::now()) == Freshness::Expired => {
                    ResolvedSecret::Expired(expired(account))
                }
                Some(stored) => valid(account, stored),
            }),
            Source::OAuth(grant) => self.resolve_oauth(account, grant, stored, audience),
            Source::External(external) => match self.resolve_external(account, external, stored, audience) {
                Err(_) if audience == Audience::Client && external_source::is_public(&account.registry) => {
                    Ok(ResolvedSecret::Missing)
                }
                result => result,
            },
            Source::Unknown(_) => {
                let what = format!(
                    "the secret of {} on {} comes from a source that this version of Ensign does not know",
                    account.name, account.registry
                );
                Err(Problem::new(what, "install a newer version of Ensign").into())
            }
        }
    }

    /// Returns the account whose own secret is in `login`. `docker login` asks Ensign to store the same secret that
    /// `get` has returned (docker/cli `cli/command/registry/login.go`). Storing the returned secret must not make the
    /// account's secret static.
    pub(super) fn returned(&self, login: &NewLogin) -> Result<Option<Account>> {
        let candidates = self.registry_accounts(&login.registry)?;
        let Some(account) = login.known(&candidates).filter(|_| login.source == Source::Static) else {
            return Ok(None);
        };
        let account = &*account.at(&login.registry);
        let is_ours = match &account.source {
            Source::Static | Source::Unknown(_) => false,
            Source::OAuth(_) => self.vault.get(account)?.is_some_and(|stored| stored.secret == login.stored.secret),
            Source::External(external) => {
                let stored = self.vault.get(account)?;
                match self.resolve_external(account, external, stored, Audience::Client) {
                    Ok(ResolvedSecret::Valid(credential)) => credential.secret == login.stored.secret,
                    _ => false,
                }
            }
        };
        Ok(Some(account.clone()).filter(|_| is_ours))
    }

    fn resolve_external(
        &self,
        account: &Account,
        external: &ExternalSource,
        stored: Option<StoredSecret>,
        audience: Audience,
    ) -> Result<ResolvedSecret> {
        let question = external_source::cache_key(external, &account.registry);
        let usable = |stored: &StoredSecret| {
            let now = SystemTime::now();
            let sane = stored.expires_at.is_some_and(|until| until <= now + LONGEST_CACHED);
            sane && !stored.refused
                && stored.cache_key.as_ref() == Some(&question)
                && freshness(stored, now) == Freshness::Good
        };
        if let Some(stored) = stored.filter(&usable) {
            return Ok(valid(account, stored));
        }
        let (for_lock, for_answer) = patience(audience);
        let started = Instant::now();
        let path = self.vault.renewal_lock(account)?;
        let lock = Lock::take_within(&path, for_lock).ok().flatten(); // the program is asked even without the lock
        if let Some(stored) = self.vault.get(account)?.filter(&usable) {
            return Ok(valid(account, stored));
        }
        if let Some(lock) = &lock
            && audience == Audience::Client
            && lock.failed_recently(RETRY_AFTER)
        {
            return Err(Problem::run(
                format!("the external source of `{}` failed a moment ago", account.name),
                format_args!("check {}", account.registry),
            )
            .into());
        }
        match external_source::ask(external, &account.registry, for_answer, audience) {
            Ok(credential) => {
                let username = credential.username.filter(|username| *username != account.username);
                let stored = StoredSecret {
                    expires_at: credential.expires_at,
                    username,
                    cache_key: Some(question),
                    ..credential.secret.into()
                };
                if stored.expires_at.is_some() {
                    let put = |edit: &mut Transaction<'_>| {
                        edit.is_renewal = true;
                        if edit.knows(account) { edit.secrets.put(account, &stored) } else { Ok(()) }
                    };
                    let _ = self.change(put); // a failure is ignored, because the program can be asked again
                }
                Ok(valid(account, stored))
            }
            Err(ExternalError::Nothing) => Ok(ResolvedSecret::Missing),
            Err(ExternalError::Failed(problem)) => {
                if let Some(lock) = &lock
                    && started.elapsed() >= for_answer
                {
                    lock.record_failure();
                }
                Err(problem.into())
            }
        }
    }

    /// Replaces the saved identity token `shown` with the new identity token that a registry has returned.
    pub(crate) fn renew(&self, account: &Account, shown: &Secret, fresh: &Secret) -> Result<()> {
        let renewed = |stored: &StoredSecret| StoredSecret {
            secret: fresh.copy(),
            expires_at: match account.source {
                Source::Static => jwt::end_of(fresh),
                _ => stored.expires_at, // Ensign renews the secret from the provider before then
            },
            refused: false,
            session_over: None,
            ..stored.copy()
        };
        self.update(account, |stored| (stored.secret == *shown).then(|| renewed(stored)))
    }

    /// Returns a problem if the account's secret is not valid. A person can then solve the problem before a client asks
    /// for the secret.
    pub(crate) fn trouble(&self, account: &Account, stored: &StoredSecret) -> Option<Problem> {
        match account.source {
            Source::External(_) => None, // the program returns a new secret
            _ if stored.refused => Some(refused(account)),
            _ if let Some(over) = ended_session(account, stored, SystemTime::now()) => Some(over),
            _ if stored.refresh.is_none() && freshness(stored, SystemTime::now()) == Freshness::Expired => {
                Some(expired(account))
            }
            _ => None,
        }
    }

    /// Changes the saved secret under the lock. `change` receives the secret that the store has by now, and returns
    /// `None` if this is not the secret that the caller has used. Finds the account even if another process has changed
    /// the account's alias or images meanwhile.
    pub(super) fn update(
        &self,
        account: &Account,
        change: impl Fn(&StoredSecret) -> Option<StoredSecret>,
    ) -> Result<()> {
        self.change(|edit| {
            edit.is_renewal = true;
            let now = edit.registry_accounts(&account.registry).accounts;
            let (own, others): (Vec<_>, _) = now.iter().partition(|other| other.name == account.name);
            for other in own.into_iter().chain(others).filter(|other| other.source == account.source) {
                let Some(now) = self.vault.get(other)? else { continue };
                if let Some(after) = change(&now) {
                    return match after.refresh == now.refresh {
                        true if after == now => Ok(()),
                        true => edit.secrets.put(other, &after),
                        false => edit.secrets.put_for_good(other, &after),
                    };
                }
            }
            Ok(())
        })
    }
}

/// Returns two time limits: first the wait for another caller's lock, and then the wait for the provider or program.
pub(super) fn patience(audience: Audience) -> (Duration, Duration) {
    match audience {
        Audience::Client => (Duration::from_secs(8), Duration::from_secs(10)),
        Audience::Person => (Duration::from_secs(10), Duration::from_mins(2)),
    }
}

pub(super) fn valid(account: &Account, stored: StoredSecret) -> ResolvedSecret {
    ResolvedSecret::Valid(credential(account, stored))
}

pub(super) fn credential(account: &Account, stored: StoredSecret) -> Credential {
    let username: Username = stored.username.unwrap_or_else(|| account.username.clone());
    Credential { username, secret: stored.secret }
}

pub(super) fn freshness(stored: &StoredSecret, now: SystemTime) -> Freshness {
    if stored.expires_at.is_some_and(|until| until <= now + LEAST_LEFT) {
        Freshness::Expired
    } else if stored.refresh_at.is_some_and(|due| due <= now) {
        Freshness::Due
    } else {
        Freshness::Good
    }
}

pub(super) fn refused(account: &Account) -> Problem {
    let why = match account.source {
        Source::OAuth(_) => "the login has ended",
        _ => "the registry refused the login at the last check",
    };
    ended(account, why)
}

pub(super) fn expired(account: &Account) -> Problem {
    ended(account, "they have expired")
}

pub(super) fn ended(account: &Account, why: &str) -> Problem {
    Problem::new(
        format!("the credentials of {} on {} are no longer valid: {why}", account.name, account.registry),
        login_hint(account),
    )
}

/// Returns the problem for a secret that has expired and could not be renewed. A later attempt may succeed, so the hint
/// suggests no login.
pub(super) fn unrenewed(account: &Account, why: &Error) -> Problem {
    let (why, hint) = match why.downcast_ref::<Problem>() {
        Some(Problem { message, hint }) => (message.clone(), hint.clone()),
        None => (format!("{why:#}"), "try again in a moment".to_owned()),
    };
    Problem::new(format!("could not renew the credentials of {} on {}: {why}", account.name, account.registry), hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::due;

    #[test]
    fn a_secret_is_good_then_due_then_over() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let (sec, hours) = (Duration::from_secs, Duration::from_hours);
        for (life, good_for, over_from) in [(sec(5), 2, 4), (sec(60), 44, 59), (hours(2), 6899, 7199)] {
            let until = now + life;
            let stored = StoredSecret {
                expires_at: Some(until),
                refresh_at: Some(due(until, now)),
                ..Secret::new("s".into()).into()
            };
            assert_eq!(freshness(&stored, now + sec(good_for)), Freshness::Good, "{life:?}");
            assert_eq!(freshness(&stored, now + sec(good_for + 1)), Freshness::Due, "{life:?}");
            assert_eq!(freshness(&stored, now + sec(over_from - 1)), Freshness::Due, "{life:?}");
            assert_eq!(freshness(&stored, now + sec(over_from)), Freshness::Expired, "{life:?}");
        }
        assert_eq!(freshness(&Secret::new("s".into()).into(), now), Freshness::Good);
    }
}
