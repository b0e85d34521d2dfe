//! What of an answer is written down for `why`.

use anyhow::Result;

use crate::accounts::{Found, Record, Withheld};
use crate::journal::{Entry, Journal, Outcome};
use crate::model::{Account, CallerRefusal};
use crate::system::env::Env;
use crate::system::inherited;

/// An answer, ready to be written down once it is given; `None` where nobody wants that. It holds no error's text: who lent
/// a secret may have had a part in it.
pub(super) fn prepared(
    env: &Env,
    client: impl FnOnce() -> Option<String>,
    found: &Result<Found>,
    record: &Record,
) -> Option<(Journal, Entry)> {
    let journal = Journal::of(env).filter(|_| !record.is_private && !env.forbids_journal())?;
    let mut entry = Entry::new(record.decision.clone(), outcome(found, record));
    entry.client = client();
    entry.ignored = inherited::ignored().map(str::to_owned).collect();
    if let Ok(Found::Withheld(withheld)) = found {
        entry.refusal = Some(withheld.reason());
    }
    Some((journal, entry))
}

/// Writes the answer down before it is given, if its account has a rule for callers: where that fails, there is no answer.
pub(super) fn write_first(
    found: Result<Found>,
    guarded: Option<&Account>,
    record: &mut Option<(Journal, Entry)>,
) -> Result<Found> {
    let (Ok(Found::Credential(_)), Some(account)) = (&found, guarded) else { return found };
    match record.take() {
        Some((journal, entry)) if journal.try_add(&entry).is_ok() => found,
        _ => Ok(Found::Withheld(Withheld::new(account, CallerRefusal::NoJournal))),
    }
}

fn outcome(found: &Result<Found>, record: &Record) -> Outcome {
    match found {
        Ok(Found::Credential(_)) => Outcome::Answered,
        Ok(Found::NoAccount) if record.decision.account.is_some() => Outcome::Failed, // its lender has nothing
        Ok(Found::NoAccount | Found::Elsewhere(_)) => Outcome::NotFound,
        Ok(Found::Dead(_)) => Outcome::Expired,
        Ok(Found::Withheld(_)) => Outcome::Withheld,
        Err(_) => Outcome::Failed,
    }
}
