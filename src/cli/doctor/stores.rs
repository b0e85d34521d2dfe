//! Counts the secrets in each store, and checks whether the data key is available.

use super::diagnosis::{Check, Diagnosis};
use super::remedy::Remedy;
use super::{Section, Survey, count};
use crate::accounts::{Holder, probe_kernel_keyring};
use crate::cli::CommandContext;
use crate::cli::failure::Failure;
use crate::model::{Account, Problem, StoreKind};

#[derive(Debug, Default)]
struct StoreFacts {
    /// A description of each store, and the number of secrets in the store.
    stores: Vec<(String, usize)>,
    /// The number of sealed secrets.
    sealed: usize,
    /// The reason why the data key is not available.
    closed: Option<Problem>,
    /// The holder of the data key, and the reason why the kernel's keyring cannot cache the key. The value is `None` if
    /// the kernel's keyring can cache the key, or if no cache is configured.
    uncached: Option<(Holder, String)>,
}

pub(super) fn examine(context: &CommandContext<'_>, survey: &Survey) -> Section {
    let facts = StoreFacts::gather(context, survey);
    let stores: Vec<_> =
        facts.stores.iter().map(|(words, number)| format!("{} {words}", count(*number, "secret"))).collect();
    let summary = if stores.is_empty() { "no stored secret".to_owned() } else { stores.join(", ") };
    Section::new("stores", summary, judge(&facts, context.program))
}

fn judge(facts: &StoreFacts, program: &str) -> Vec<Diagnosis> {
    let mut found = Vec::new();
    let is_passphrase = matches!(facts.uncached, Some((Holder::Passphrase, _)));
    if let Some(Problem { message: what, hint: cure }) = facts.closed.as_ref().filter(|_| !is_passphrase) {
        let breaks = format!("{} whose secrets are sealed", count(facts.sealed, "account"));
        found.push(Diagnosis::broken(Check::SealedKey, what, breaks, Remedy::in_hint(cure)));
    }
    match &facts.uncached {
        None => {}
        Some((Holder::Passphrase, why)) => found.push(Diagnosis::broken(
            Check::KernelKeyring,
            format!("a key behind a passphrase cannot be kept open: {why}"),
            format!(
                "{} whose secrets are sealed: `unlock` cannot keep the key open here",
                count(facts.sealed, "account")
            ),
            // A key file protects secrets only from people who cannot read the file. A key file on another disk or
            // volume is safer.
            Remedy::Command(format!("{program} store key --holder \"file:$HOME/ensign.key\"")),
        )),
        Some((holder, why)) => found.push(Diagnosis::note(
            Check::KernelKeyring,
            format!("the opened key cannot be cached: {why}"),
            format!("nothing; {} is asked for each pull and push, which takes longer", holder.subject()),
            Remedy::DoNotCache(holder.clone()),
        )),
    }
    found
}

impl StoreFacts {
    fn gather(context: &CommandContext<'_>, survey: &Survey) -> Self {
        let mut facts = Self::default();
        let is_there = |account: &&Account| {
            let is_asked = matches!(account.store, StoreKind::File | StoreKind::Sealed);
            context.accounts.has_stored_secret(account)
                && !(is_asked && matches!(context.accounts.stored(account), Ok(None)))
        };
        for account in survey.accounts().filter(is_there) {
            let words = match &account.store {
                StoreKind::File => "in files, in clear text".to_owned(),
                StoreKind::Sealed => "sealed".to_owned(),
                StoreKind::Helper(helper) => format!("with {}", helper.program()),
                other => format!("in {other}"),
            };
            facts.sealed += usize::from(account.store == StoreKind::Sealed);
            match facts.stores.iter_mut().find(|(other, _)| *other == words) {
                Some((_, number)) => *number += 1,
                None => facts.stores.push((words, 1)),
            }
        }
        facts.closed = survey.closed_key.as_ref().map(|error| {
            let (what, cure) = Failure::parts_of(error);
            Problem::new(what, cure.unwrap_or_else(|| format!("{} unlock", context.program)))
        });
        let key = context.accounts.key().state().ok().flatten();
        let key = key.filter(|key| facts.sealed > 0 && key.is_to_be_cached());
        facts.uncached = key.and_then(|key| Some((key.holder, probe_kernel_keyring().err()?)));
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_cannot_be_had_is_told_once() {
        let closed = || Some(Problem::new("the key is locked", "run `e unlock`"));
        let uncached = |holder| Some((holder, "no".to_owned()));
        let (unlock, move_key) = ("e unlock", "e store key --holder \"file:$HOME/ensign.key\"");
        for (facts, expected) in [
            (StoreFacts::default(), None),
            (StoreFacts { closed: closed(), ..Default::default() }, Some(("sealed-key", "broken", unlock))),
            (
                StoreFacts { uncached: uncached(Holder::Keyring), ..Default::default() },
                Some(("kernel-keyring", "note", "e store key --holder keyring --cache 0s")),
            ),
            (
                StoreFacts { closed: closed(), uncached: uncached(Holder::Passphrase), ..Default::default() },
                Some(("kernel-keyring", "broken", move_key)),
            ),
        ] {
            let found = judge(&facts, "e");
            let found: Vec<_> = found
                .iter()
                .map(|diagnosis| (diagnosis.check.name(), diagnosis.severity.name(), diagnosis.command("e")))
                .collect();
            let expected: Vec<_> =
                expected.into_iter().map(|(check, severity, command)| (check, severity, command.to_owned())).collect();
            assert_eq!(found, expected, "{facts:?}");
        }
    }
}
