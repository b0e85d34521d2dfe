//! Prepares the journal entry of an answer, which `ensign why` shows.

use anyhow::Result;

use crate::accounts::{DecisionRecord, FindOutcome, WithheldAccount};
use crate::journal::{CallOutcome, Journal, JournalEntry};
use crate::model::{Account, CallerRefusal};
use crate::system::client_env;
use crate::system::env::Env;

/// Returns the journal and the entry to write after the answer; `None` if nothing is to be written. The entry contains
/// Ensign's own reasons, but no error of the answer, because another program may have written a part of that error.
pub(super) fn prepare(
    env: &Env,
    client: impl FnOnce() -> Option<String>,
    found: &Result<FindOutcome>,
    record: &DecisionRecord,
) -> Option<(Journal, JournalEntry)> {
    let journal = Journal::open(env).filter(|_| !record.is_private && !env.forbids_journal())?;
    let mut entry = JournalEntry::new(record.decision.clone(), outcome(found, record));
    entry.client = client();
    entry.ignored = client_env::ignored().map(str::to_owned).collect();
    if let Ok(FindOutcome::Withheld(withheld)) = found {
        entry.refusal = Some(withheld.reason());
    }
    Some((journal, entry))
}

/// Writes the entry before the answer, if the account has a caller rule. If the entry cannot be written, the account is
/// withheld.
pub(super) fn write_first(
    found: Result<FindOutcome>,
    guarded: Option<&Account>,
    record: &mut Option<(Journal, JournalEntry)>,
) -> Result<FindOutcome> {
    let (Ok(FindOutcome::Credential(_)), Some(account)) = (&found, guarded) else { return found };
    match record.take() {
        Some((journal, entry)) if journal.try_add(&entry).is_ok() => found,
        _ => Ok(FindOutcome::Withheld(WithheldAccount::new(account, CallerRefusal::NoJournal))),
    }
}

fn outcome(found: &Result<FindOutcome>, record: &DecisionRecord) -> CallOutcome {
    match found {
        Ok(FindOutcome::Credential(_)) => CallOutcome::Answered,
        Ok(FindOutcome::NoAccount) if record.decision.account.is_some() => CallOutcome::Failed, // no external secret
        Ok(FindOutcome::NoAccount) => CallOutcome::NotFound,
        Ok(FindOutcome::Expired(_)) => CallOutcome::Expired,
        Ok(FindOutcome::Withheld(_)) => CallOutcome::Withheld,
        Ok(FindOutcome::Unrenewed(_)) | Err(_) => CallOutcome::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Credential, Problem, Secret};

    fn account() -> Account {
        Account::new("ghcr.io".parse().unwrap(), "me".parse().unwrap())
    }

    fn credential() -> FindOutcome {
        FindOutcome::Credential(Credential { username: "me".parse().unwrap(), secret: Secret::new("s".into()) })
    }

    fn withheld() -> FindOutcome {
        FindOutcome::Withheld(WithheldAccount::new(&account(), CallerRefusal::NoGrant))
    }

    #[test]
    fn the_entry_says_what_the_call_got() {
        let mut chosen = DecisionRecord::default();
        chosen.decision.account = Some("me".into());
        for (found, record, expected) in [
            (Ok(credential()), &chosen, CallOutcome::Answered),
            (Ok(FindOutcome::NoAccount), &DecisionRecord::default(), CallOutcome::NotFound),
            (Ok(FindOutcome::NoAccount), &chosen, CallOutcome::Failed),
            (Ok(FindOutcome::Expired(Problem::run("it ended", "login"))), &chosen, CallOutcome::Expired),
            (Ok(FindOutcome::Unrenewed(Problem::run("it is down", "check"))), &chosen, CallOutcome::Failed),
            (Ok(withheld()), &chosen, CallOutcome::Withheld),
            (Err(anyhow::anyhow!("broken")), &chosen, CallOutcome::Failed),
        ] {
            assert_eq!(outcome(&found, record), expected, "{found:?}");
        }
    }

    #[test]
    fn without_a_journal_a_guarded_account_is_withheld() {
        assert!(matches!(write_first(Ok(credential()), None, &mut None), Ok(FindOutcome::Credential(_))));
        assert!(matches!(write_first(Ok(withheld()), Some(&account()), &mut None), Ok(FindOutcome::Withheld(_))));
        let Ok(FindOutcome::Withheld(withheld)) = write_first(Ok(credential()), Some(&account()), &mut None) else {
            panic!("it was handed out")
        };
        assert_eq!(withheld.reason(), CallerRefusal::NoJournal.to_string());
    }
}
