//! Finds an account's secret, which may be stored, renewed or external. If there is no valid secret, returns the
//! reason.
//!
//! Only one caller at a time renews a secret. Other callers use the current secret, or wait for the new secret if the
//! current secret has expired. New tokens are saved before Ensign returns them, because the old refresh token may
//! already be invalid.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Result, anyhow};

use super::secret_verdict::{SecretVerdict, ended_session, log_in_at, session_over};
use super::{Accounts, NewLogin, Transaction};
use crate::external_source::{self, ExternalError};
use crate::model::{
    Account, Audience, Credential, ExternalSource, OAuthGrant, Problem, Secret, Source, StoredSecret, Username, jwt,
};
use crate::oauth::{self, RenewDelay, RenewError, TokenSet};
use crate::system::files::Lock;
use crate::system::text;

#[derive(Debug)]
pub(crate) enum ResolvedSecret {
    Valid(Credential),
    /// The store has no secret for the account.
    Missing,
    /// The store has a secret, but Ensign knows that the secret is no longer valid.
    Expired(Problem),
}

/// The freshness of a stored secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Freshness {
    Good,
    /// The secret is valid, but the next secret should be fetched.
    Due,
    Expired,
}

/// A token with less time left is treated as expired, because the token must still be valid when the registry receives
/// it.
const LEAST_LEFT: Duration = Duration::from_secs(1);

/// The longest time for which an external secret is cached. If a cached secret has more time left, the clock must have
/// been set back.
const LONGEST_CACHED: Duration = Duration::from_hours(12);

/// The shortest time to wait for the config's lock. Every process releases the config's lock soon.
const LEAST_PATIENCE: Duration = Duration::from_secs(1);

/// The pause after which a provider that could not be reached is asked again. Without a pause, a build with twenty
/// images would wait for the provider twenty times.
const RETRY_AFTER: Duration = Duration::from_secs(10);

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

    fn resolve_oauth(
        &self,
        account: &Account,
        grant: &OAuthGrant,
        stored: Option<StoredSecret>,
        audience: Audience,
    ) -> Result<ResolvedSecret> {
        let Some(stored) = stored else { return Ok(ResolvedSecret::Missing) };
        if stored.refused {
            return Ok(ResolvedSecret::Expired(ended(account, "the login has ended")));
        }
        let before = freshness(&stored, SystemTime::now());
        if before == Freshness::Good || (before == Freshness::Due && stored.refresh.is_none()) {
            return Ok(valid(account, stored));
        }
        let for_lock = if before == Freshness::Due { Duration::ZERO } else { patience(audience).0 };
        let started = Instant::now();
        let path = self.vault.renewal_lock(account)?;
        let lock = match Lock::take_within(&path, for_lock) {
            // The current secret is still valid, so Ensign does not renew it now. A renewal without the lock could lose
            // the next refresh token.
            Ok(None) | Err(_) if before == Freshness::Due => return Ok(valid(account, stored)),
            Err(error) => {
                return Ok(ResolvedSecret::Expired(ended(account, &format!("no renewal is possible here: {error:#}"))));
            }
            Ok(None) => return Ok(ResolvedSecret::Expired(ended(account, "another process is renewing the login"))),
            Ok(Some(lock)) => lock,
        };
        self.renew_locked(account, grant, &lock, audience, for_lock.saturating_sub(started.elapsed()))
    }

    /// Renews the secret, unless another caller has renewed the secret during the wait for `lock`. `for_config` is the
    /// time limit for the config's lock.
    fn renew_locked(
        &self,
        account: &Account,
        grant: &OAuthGrant,
        lock: &Lock,
        audience: Audience,
        for_config: Duration,
    ) -> Result<ResolvedSecret> {
        let Some(stored) = self.vault.get(account)? else { return Ok(ResolvedSecret::Missing) };
        let now = freshness(&stored, SystemTime::now());
        let was_down = audience == Audience::Client && lock.failed_recently(RETRY_AFTER);
        if now == Freshness::Good || (now == Freshness::Due && was_down) {
            return Ok(valid(account, stored));
        }
        if was_down {
            return Ok(ResolvedSecret::Expired(ended(account, "the provider could not be reached a moment ago")));
        }
        let Some(refresh) = &stored.refresh else { return Ok(ResolvedSecret::Expired(expired(account))) };
        let problem = match self.can_keep(account, for_config) {
            Err(error) => ended(account, &format!("no renewal is possible here: {error:#}")),
            Ok(()) => match oauth::renew(grant, &account.registry, refresh, patience(audience).1) {
                Ok(fresh) => return Ok(valid(account, self.save_renewed(account, &stored, fresh)?)),
                Err(RenewError::Over(why)) => {
                    self.save_verdict(account, &stored, &SecretVerdict::Refused)?;
                    ended(account, &why)
                }
                Err(RenewError::SessionOver { page }) => {
                    self.save_verdict(account, &stored, &SecretVerdict::SessionOver { page: page.clone() })?;
                    Problem::new(session_over(&account.registry, &account.name), log_in_at(&page))
                }
                Err(RenewError::Later(RenewDelay { why, refresh, login_life })) => {
                    if refresh.is_some() {
                        self.replace(account, &stored, &StoredSecret { refresh, login_life, ..stored.copy() })?;
                    }
                    lock.record_failure();
                    ended(account, &why)
                }
            },
        };
        // A secret that is only due for renewal is still valid.
        Ok(if now == Freshness::Due { valid(account, stored) } else { ResolvedSecret::Expired(problem) })
    }

    /// Checks that the next refresh token can be saved, before the current token is used. To save the token, Ensign
    /// needs free space and the config's lock. The lock may be on another disk.
    fn can_keep(&self, account: &Account, patience: Duration) -> Result<()> {
        let lock = self.config.lock_within(patience.max(LEAST_PATIENCE))?;
        let _lock = lock.ok_or_else(|| anyhow!("another process is changing the accounts"))?;
        self.vault.check_free_space(account)
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
        let same = |secret: &Secret| secret.is_same(&login.stored.secret);
        let is_ours = match &account.source {
            Source::Static | Source::Unknown(_) => false,
            Source::OAuth(_) => self.vault.get(account)?.is_some_and(|stored| same(&stored.secret)),
            Source::External(external) => {
                let stored = self.vault.get(account)?;
                match self.resolve_external(account, external, stored, Audience::Client) {
                    Ok(ResolvedSecret::Valid(credential)) => same(&credential.secret),
                    _ => false,
                }
            }
        };
        Ok(Some(account.clone()).filter(|_| is_ours))
    }

    /// Saves the new tokens, unless the account has been renewed or removed meanwhile.
    fn save_renewed(&self, account: &Account, before: &StoredSecret, fresh: TokenSet) -> Result<StoredSecret> {
        let TokenSet { secret, refresh, login_life, expires_at: until, username } = fresh;
        // If the provider sends no new refresh token, the lifetime of the refresh token is unchanged.
        let known_life = before.login_life.filter(|_| refresh.is_none());
        let stored = StoredSecret {
            secret,
            refresh_at: until.map(|until| due(until, SystemTime::now())),
            expires_at: until,
            refresh: refresh.or_else(|| before.refresh.as_ref().map(Secret::copy)),
            login_life: login_life.or(known_life),
            refused: false,
            session_over: None,
            username: username.or_else(|| before.username.clone()),
            cache_key: None,
        };
        self.replace(account, before, &stored)?;
        Ok(stored)
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
        let path: PathBuf = self.vault.renewal_lock(account)?;
        let lock = Lock::take_within(&path, for_lock).ok().flatten(); // the program is asked even without the lock
        if let Some(stored) = self.vault.get(account)?.filter(&usable) {
            return Ok(valid(account, stored));
        }
        if let Some(lock) = &lock
            && audience == Audience::Client
            && lock.failed_recently(RETRY_AFTER)
        {
            return Err(Problem::run(
                format!("the program with the secret of `{}` failed a moment ago", account.name),
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
    pub(crate) fn renew(&self, account: &Account, shown: &Secret, fresh: Secret) -> Result<()> {
        let Some(stored) = self.vault.get(account)?.filter(|stored| stored.secret.is_same(shown)) else {
            return Ok(());
        };
        let until = match account.source {
            Source::Static => jwt::end_of(&fresh),
            _ => stored.expires_at, // Ensign renews the secret from the provider before then
        };
        self.replace(
            account,
            &stored,
            &StoredSecret { secret: fresh, expires_at: until, refused: false, session_over: None, ..stored.copy() },
        )
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

    /// Replaces the secret `before` with `after`, unless the store has another secret by now. Finds the account even if
    /// another process has changed the account's alias or images meanwhile.
    pub(super) fn replace(&self, account: &Account, before: &StoredSecret, after: &StoredSecret) -> Result<()> {
        self.change(|edit| {
            edit.is_renewal = true;
            let now = edit.registry_accounts(&account.registry).accounts;
            let (own, others): (Vec<_>, _) = now.iter().partition(|other| other.name == account.name);
            for other in own.into_iter().chain(others).filter(|other| other.source == account.source) {
                if self.vault.get(other)?.is_some_and(|now| now.is_same(before)) {
                    return edit.secrets.put(other, after);
                }
            }
            Ok(())
        })
    }
}

/// Returns two time limits: first the wait for another caller's lock, and then the wait for the provider or program.
fn patience(audience: Audience) -> (Duration, Duration) {
    match audience {
        Audience::Client => (Duration::from_secs(8), Duration::from_secs(10)),
        Audience::Person => (Duration::from_secs(10), Duration::from_mins(2)),
    }
}

fn valid(account: &Account, stored: StoredSecret) -> ResolvedSecret {
    let username: Username = stored.username.unwrap_or_else(|| account.username.clone());
    ResolvedSecret::Valid(Credential { username, secret: stored.secret })
}

fn freshness(stored: &StoredSecret, now: SystemTime) -> Freshness {
    if stored.expires_at.is_some_and(|until| until <= now + LEAST_LEFT) {
        Freshness::Expired
    } else if stored.refresh_at.is_some_and(|due| due <= now) {
        Freshness::Due
    } else {
        Freshness::Good
    }
}

/// Returns the time at which a secret should be renewed. A secret is renewed after three quarters of its lifetime or
/// five minutes before its expiry, whichever is later.
pub(crate) fn due(until: SystemTime, now: SystemTime) -> SystemTime {
    let life = until.duration_since(now).unwrap_or_default();
    until - (life / 4).clamp(2 * LEAST_LEFT, Duration::from_mins(5)).min(life)
}

fn refused(account: &Account) -> Problem {
    ended(account, "the registry refused the login at the last check")
}

fn expired(account: &Account) -> Problem {
    ended(account, "they have expired")
}

fn ended(account: &Account, why: &str) -> Problem {
    Problem::run(
        format!("the credentials of {} on {} are no longer valid: {why}", account.name, account.registry),
        format_args!("login {} --alias {}", account.registry, text::quote(account.name.as_str())),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

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
