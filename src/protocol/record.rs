//! What of an answer is written down for `why`.

use anyhow::Result;

use crate::accounts::{Found, Record, Withheld};
use crate::journal::{CallOutcome, Journal, JournalEntry};
use crate::model::{Account, CallerRefusal};
use crate::system::client_env;
use crate::system::env::Env;

/// An answer, ready to be written down once it is given; `None` where nobody wants that. It holds no error's text: who lent
/// a secret may have had a part in it.
pub(super) fn prepare(
    env: &Env,
    client: impl FnOnce() -> Option<String>,
    found: &Result<Found>,
    record: &Record,
) -> Option<(Journal, JournalEntry)> {
    let journal = Journal::open(env).filter(|_| !record.is_private && !env.forbids_journal())?;
    let mut entry = JournalEntry::new(record.decision.clone(), outcome(found, record));
    entry.client = client();
    entry.ignored = client_env::ignored().map(str::to_owned).collect();
    if let Ok(Found::Withheld(withheld)) = found {
        entry.refusal = Some(withheld.reason());
    }
    Some((journal, entry))
}

/// Writes the answer down before it is given, if its account has a rule for callers: where that fails, there is no answer.
pub(super) fn write_first(
    found: Result<Found>,
    guarded: Option<&Account>,
    record: &mut Option<(Journal, JournalEntry)>,
) -> Result<Found> {
    let (Ok(Found::Credential(_)), Some(account)) = (&found, guarded) else { return found };
    match record.take() {
        Some((journal, entry)) if journal.try_add(&entry).is_ok() => found,
        _ => Ok(Found::Withheld(Withheld::new(account, CallerRefusal::NoJournal))),
    }
}

fn outcome(found: &Result<Found>, record: &Record) -> CallOutcome {
    match found {
        Ok(Found::Credential(_)) => CallOutcome::Answered,
        Ok(Found::NoAccount) if record.decision.account.is_some() => CallOutcome::Failed, // its lender has nothing
        Ok(Found::NoAccount | Found::Elsewhere(_)) => CallOutcome::NotFound,
        Ok(Found::Dead(_)) => CallOutcome::Expired,
        Ok(Found::Withheld(_)) => CallOutcome::Withheld,
        Err(_) => CallOutcome::Failed,
    }
}
