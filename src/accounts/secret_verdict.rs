//! Records whether registries and providers accept a secret. The command `get` reads the recorded verdict instead of
//! asking the registry.

use std::time::{Duration, SystemTime};

use anyhow::Result;

use super::Accounts;
use crate::model::{Account, AccountName, EndedSession, Problem, Registry, Secret, Source, StoredSecret};

/// The verdict of a registry or provider on a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecretVerdict {
    Accepted,
    Refused,
    /// The secret is valid, but a person must first log in at `page`.
    SessionOver {
        page: String,
    },
}

/// The time for which Ensign treats a session as ended, after a registry has reported the end. The time is short,
/// because Ensign does not learn of a new login in a browser.
const BELIEVED: Duration = Duration::from_mins(10);

impl Accounts<'_> {
    /// Records the verdict on `secret` and the secret's expiry. Records nothing if the account has another secret by
    /// now. A failure is ignored, because the next check returns the same verdict.
    pub(crate) fn record_verdict(
        &self,
        account: &Account,
        secret: &Secret,
        judgement: &SecretVerdict,
        expiry: Option<SystemTime>,
    ) {
        let is_ahead = |expiry: &SystemTime| *expiry > SystemTime::now(); // a past expiry means a wrong clock
        let expiry = expiry.filter(is_ahead).filter(|_| account.source == Source::Static);
        let _ = self.update(account, |stored| {
            let expires_at = expiry.or(stored.expires_at);
            (stored.secret == *secret).then(|| StoredSecret { expires_at, ..judged(stored, judgement) })
        });
    }

    /// Records that the session of a stored secret has ended. A new login for the same account has reported the end.
    pub(crate) fn note_ended_session(&self, account: &Account, page: &str) {
        if let Ok(Some(stored)) = self.vault.get(account) {
            let over = SecretVerdict::SessionOver { page: page.to_owned() };
            self.record_verdict(account, &stored.secret, &over, None);
        }
    }

    /// Records the provider's verdict on the refresh token of `used`. Records nothing if the account has another
    /// refresh token by now.
    pub(super) fn save_verdict(&self, account: &Account, used: &StoredSecret, judgement: &SecretVerdict) -> Result<()> {
        self.update(account, |stored| (stored.refresh == used.refresh).then(|| judged(stored, judgement)))
    }
}

fn judged(stored: &StoredSecret, judgement: &SecretVerdict) -> StoredSecret {
    let refused = *judgement == SecretVerdict::Refused;
    let session_over = match judgement {
        SecretVerdict::SessionOver { page } => {
            Some(EndedSession { page: page.clone(), until: SystemTime::now() + BELIEVED })
        }
        SecretVerdict::Accepted | SecretVerdict::Refused => None,
    };
    StoredSecret { refused, session_over, ..stored.copy() }
}

/// Returns a problem if the account's session is recorded as ended at the time `now`. A record with more than
/// [`BELIEVED`] left is ignored, because the clock must have been set back.
pub(super) fn ended_session(account: &Account, stored: &StoredSecret, now: SystemTime) -> Option<Problem> {
    let EndedSession { page, until } = stored.session_over.as_ref()?;
    let is_believed = now < *until && *until <= now + BELIEVED;
    is_believed.then(|| Problem::new(session_over(&account.registry, &account.name), log_in_at(page)))
}

pub(crate) fn session_over(registry: &Registry, name: &AccountName) -> String {
    format!("the session of {name} at {registry} has expired")
}

pub(crate) fn log_in_at(page: &str) -> String {
    format!("log in at {page} with a browser, then try again; the saved secret stays valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ended_session_is_believed_in_for_ten_minutes() {
        let account = Account {
            name: "work".parse().unwrap(),
            ..Account::new("ghcr.io".parse().unwrap(), "me".parse().unwrap())
        };
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let over = EndedSession { page: "https://ghcr.io/login".to_owned(), until: start + BELIEVED };
        let stored = StoredSecret { session_over: Some(over), ..Secret::new("s".into()).into() };
        for (now, is_believed) in [
            (start, true),
            (start + BELIEVED - Duration::from_secs(1), true),
            (start + BELIEVED, false),
            (start - Duration::from_secs(1), false),
        ] {
            assert_eq!(ended_session(&account, &stored, now).is_some(), is_believed, "{now:?}");
        }
        let problem = ended_session(&account, &stored, start).unwrap().to_string();
        assert!(
            problem.starts_with("the session of work at ghcr.io has expired")
                && problem.contains("https://ghcr.io/login")
        );
        assert!(ended_session(&account, &Secret::new("s".into()).into(), start).is_none());
    }
}
