//! What of an answer is written down for `why`.

use anyhow::Result;

use crate::accounts::{Found, Reason, Withheld};
use crate::journal::{Entry, Journal, Outcome};
use crate::model::choice::{Grounds, NoChoice, Rung};
use crate::model::{Account, CallerRefusal, HelperName, Operation, Registry};
use crate::system::env::Env;
use crate::system::inherited;

/// An answer, ready to be written down once it is given; `None` where nobody wants that.
pub(super) fn prepared(
    env: &Env,
    registry: &Registry,
    client: Option<&str>,
    found: &Result<Found>,
    reason: &Reason,
) -> Option<(Journal, Entry)> {
    let journal = Journal::of(env).filter(|_| !reason.is_private && !env.forbids_journal())?;
    let mut entry = entry(registry, found, reason);
    entry.client = client.map(str::to_owned);
    entry.ignored = inherited::ignored().map(str::to_owned).collect();
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

/// Holds no error's text: who lent a secret may have had a part in it.
fn entry(registry: &Registry, found: &Result<Found>, reason: &Reason) -> Entry {
    let outcome = match found {
        Ok(Found::Credential(_)) => Outcome::Answered,
        Ok(Found::NoChoice(NoChoice::NotFound)) if !reason.is_known_registry => Outcome::NoAccount,
        Ok(Found::Elsewhere(_)) => Outcome::NoAccount,
        Ok(Found::NoChoice(NoChoice::NotFound)) if reason.chosen.is_some() => Outcome::Failed,
        Ok(Found::NoChoice(NoChoice::NotFound)) => Outcome::NoDefault,
        Ok(Found::NoChoice(NoChoice::Public(..))) => Outcome::Public,
        Ok(Found::NoChoice(NoChoice::NoneFor(Operation::Pull))) => Outcome::NoneToPull,
        Ok(Found::NoChoice(NoChoice::NoneFor(Operation::Push))) => Outcome::NoneToPush,
        Ok(Found::NoChoice(NoChoice::Several)) => Outcome::Several,
        Ok(Found::NoChoice(NoChoice::NoSuchAccount { .. })) => Outcome::NoSuchAccount,
        Ok(Found::Dead(_)) => Outcome::Dead,
        Ok(Found::Withheld(_)) => Outcome::Withheld,
        Err(_) => Outcome::Failed,
    };
    let mut entry = Entry::new(registry.as_str(), outcome);
    if let Ok(Found::Withheld(withheld)) = found {
        entry.refusal = Some(withheld.reason());
    }
    entry.helper = reason.helper.as_ref().map(HelperName::program);
    match (&reason.chosen, found) {
        (Some((name, rung, why)), _) => {
            entry.account = Some(name.to_string());
            entry.rung = Some(rung.to_string());
            entry.detail = Grounds::from(why);
        }
        (None, Ok(Found::NoChoice(NoChoice::NoSuchAccount { rung, name }))) => {
            entry.rung = Some(rung.to_string());
            // A user in the address may be a token: `https://TOKEN@host`.
            entry.detail.missing = Some(name.clone()).filter(|_| *rung != Rung::AddressUser);
        }
        (None, Ok(Found::NoChoice(NoChoice::Public(public)))) => {
            entry.detail.image = Some(public.0.to_string());
            entry.detail.public = Some(public.1.to_string());
        }
        (None, _) => {}
    }
    entry.detail = entry.detail.with_undecided(&reason.undecided);
    entry
}
