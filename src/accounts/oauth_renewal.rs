//! Renews the tokens of a login with a browser.
//!
//! Only one caller at a time renews a secret. Other callers use the current secret, or wait for the new secret if the
//! current secret has expired. New tokens are saved before Ensign returns them, because the old refresh token may
//! already be invalid. If they cannot be saved, Ensign still returns the new secret, together with a warning.

use std::time::{Duration, Instant, SystemTime};

use anyhow::{Result, anyhow};

use super::Accounts;
use super::login_hint::login_hint;
use super::resolved_secret::{
    Freshness, LEAST_LEFT, RETRY_AFTER, ResolvedSecret, credential, ended, expired, freshness, patience, refused,
    unrenewed, valid,
};
use super::secret_verdict::{SecretVerdict, log_in_at, session_over};
use crate::model::{Account, Audience, OAuthGrant, Problem, Secret, Source, StoredSecret};
use crate::oauth::{self, RenewDelay, RenewError, TokenSet};
use crate::system::files::Lock;
use crate::system::signals;

/// How often Ensign tries to save new tokens. Each attempt waits ten seconds for the config's lock.
const SAVE_ATTEMPTS: usize = 3;

/// Ensign waits at least this long for the config's lock, because every process releases this lock soon.
const LEAST_PATIENCE: Duration = Duration::from_secs(1);

impl Accounts<'_> {
    pub(super) fn resolve_oauth(
        &self,
        account: &Account,
        grant: &OAuthGrant,
        stored: Option<StoredSecret>,
        audience: Audience,
    ) -> Result<ResolvedSecret> {
        let Some(stored) = stored else { return Ok(ResolvedSecret::Missing) };
        if stored.refused {
            return Ok(ResolvedSecret::Expired(refused(account)));
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
                return Ok(ResolvedSecret::Unrenewed(unrenewed(account, &error)));
            }
            Ok(None) => {
                let busy = anyhow!("another process is renewing the login");
                return Ok(ResolvedSecret::Unrenewed(unrenewed(account, &busy)));
            }
            Ok(Some(lock)) => lock,
        };
        let for_config = for_lock.saturating_sub(started.elapsed());
        // Without the new tokens, the login would be lost.
        signals::deferred(|| self.renew_locked(account, grant, &lock, audience, for_config))
    }

    /// Renews a login whose access token `refused` the registry has refused (RFC 6749 section 1.5). Returns `None` if
    /// the login cannot be renewed. Sends no request to the provider if another caller has already renewed the login.
    pub(crate) fn renew_refused(&self, account: &Account, refused: &Secret) -> Result<Option<ResolvedSecret>> {
        let Source::OAuth(_) = account.source else { return Ok(None) };
        // The token is saved as expired. If this renewal fails, the next `get` tries again.
        let expired =
            |now: &StoredSecret| StoredSecret { expires_at: Some(SystemTime::now()), refused: false, ..now.copy() };
        self.update(account, |now| (now.secret == *refused && now.refresh.is_some()).then(|| expired(now)))?;
        let stored = self.vault.get(account)?;
        if stored.as_ref().is_some_and(|now| now.secret == *refused && now.refresh.is_none()) {
            return Ok(None);
        }
        let resolved = self.resolve(account, stored, Audience::Person)?;
        let is_same =
            matches!(&resolved, ResolvedSecret::Valid(new) | ResolvedSecret::Unsaved(new, _) if new.secret == *refused);
        Ok(Some(resolved).filter(|_| !is_same))
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
        if stored.refused && audience == Audience::Client {
            return Ok(ResolvedSecret::Expired(refused(account)));
        }
        let now = freshness(&stored, SystemTime::now());
        let was_down = audience == Audience::Client && lock.failed_recently(RETRY_AFTER);
        if now == Freshness::Good || (now == Freshness::Due && was_down) {
            return Ok(valid(account, stored));
        }
        if was_down {
            let down = anyhow!("the provider could not be reached a moment ago");
            return Ok(ResolvedSecret::Unrenewed(unrenewed(account, &down)));
        }
        let Some(refresh) = &stored.refresh else { return Ok(ResolvedSecret::Expired(expired(account))) };
        let failed = match self.can_keep(account, for_config) {
            Err(error) => ResolvedSecret::Unrenewed(unrenewed(account, &error)),
            Ok(()) => match oauth::renew(grant, &account.registry, refresh, patience(audience).1) {
                Ok(fresh) => return Ok(self.save_renewed(account, &stored, fresh)),
                // If the verdict cannot be saved, the next call asks the provider again.
                Err(RenewError::Over(why)) => {
                    let _ = self.save_verdict(account, &stored, &SecretVerdict::Refused);
                    ResolvedSecret::Expired(ended(account, &why))
                }
                Err(RenewError::SessionOver { page }) => {
                    let _ = self.save_verdict(account, &stored, &SecretVerdict::SessionOver { page: page.clone() });
                    let over = session_over(&account.registry, &account.name);
                    ResolvedSecret::Expired(Problem::new(over, log_in_at(&page)))
                }
                Err(RenewError::Later(RenewDelay { why, refresh, login_life })) => {
                    let next = |now: &StoredSecret| StoredSecret {
                        refresh: refresh.as_ref().map(Secret::copy),
                        login_life,
                        ..now.copy()
                    };
                    let unsaved =
                        refresh.is_some().then(|| self.save_tokens(account, &stored, next)).and_then(Result::err);
                    lock.record_failure();
                    ResolvedSecret::Unrenewed(unsaved.unwrap_or_else(|| unrenewed(account, &anyhow!(why))))
                }
            },
        };
        // A secret that is only due for renewal is still valid, unless the secret has expired during the request.
        Ok(if freshness(&stored, SystemTime::now()) == Freshness::Expired { failed } else { valid(account, stored) })
    }

    /// Checks that the next refresh token can be saved, before the current token is used. To save the token, Ensign
    /// needs a store that can save it, and the config's lock. The lock may be on another disk than the secrets.
    fn can_keep(&self, account: &Account, patience: Duration) -> Result<()> {
        let lock = self.config.lock_within(patience.max(LEAST_PATIENCE))?;
        let _lock = lock.ok_or_else(|| anyhow!("another process is changing the accounts"))?;
        self.vault.check_writable(account)
    }

    /// Saves the new tokens, and returns the new secret even if the tokens could not be saved. A verdict that was
    /// recorded meanwhile is about the old token, so the verdict is dropped.
    fn save_renewed(&self, account: &Account, before: &StoredSecret, fresh: TokenSet) -> ResolvedSecret {
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
        match self.save_tokens(account, before, |_| stored.copy()) {
            Ok(()) => valid(account, stored),
            // The unchanged refresh token stays valid, so the next call renews the secret again.
            Err(_) if stored.refresh == before.refresh => valid(account, stored),
            Err(problem) => ResolvedSecret::Unsaved(credential(account, stored), problem),
        }
    }

    /// Saves the tokens that the provider has returned for the refresh token of `used`, unless the account has another
    /// refresh token by now, or has been removed. Tries several times, because a lost refresh token ends the login.
    fn save_tokens(
        &self,
        account: &Account,
        used: &StoredSecret,
        next: impl Fn(&StoredSecret) -> StoredSecret,
    ) -> Result<(), Problem> {
        let save = || self.update(account, |now| (now.refresh == used.refresh).then(|| next(now)));
        let saved = (1..SAVE_ATTEMPTS).fold(save(), |saved, _| saved.or_else(|_| save()));
        saved.map_err(|error| {
            let why = match error.downcast::<Problem>() {
                Ok(problem) => problem.message,
                Err(error) => format!("{error:#}"),
            };
            let what = format!(
                "could not save the next refresh token of {} on {}, so the login will end: {why}",
                account.name, account.registry
            );
            Problem::new(what, login_hint(account))
        })
    }
}

/// Returns the time at which a secret should be renewed. A secret is renewed after three quarters of its lifetime or
/// five minutes before its expiry, whichever is later.
pub(crate) fn due(until: SystemTime, now: SystemTime) -> SystemTime {
    let life = until.duration_since(now).unwrap_or_default();
    until - (life / 4).clamp(2 * LEAST_LEFT, Duration::from_mins(5)).min(life)
}
