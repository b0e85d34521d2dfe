//! The stores: where secrets are, and whether the key of the sealed ones can be had now.

use super::diagnosis::{Check, Diagnosis, Group};
use super::remedy::Remedy;
use super::{Section, Survey, count};
use crate::accounts::can_stay_open;
use crate::cli::Context;
use crate::cli::failure::Failure;
use crate::model::{Problem, StoreKind};

#[derive(Debug, Default)]
struct StoreFacts {
    /// How many accounts have their secret in each store, by its words.
    stores: Vec<(String, usize)>,
    /// How many of them are sealed, and why their key cannot be had.
    sealed: usize,
    closed: Option<Problem>,
    /// Why the kernel's keyring does not keep an opened key.
    uncached: Option<Problem>,
}

pub(super) fn examine(context: &Context<'_>, survey: &Survey) -> Section {
    let facts = StoreFacts::gather(context, survey);
    let stores: Vec<_> =
        facts.stores.iter().map(|(words, number)| format!("{} {words}", count(*number, "secret"))).collect();
    let summary = if stores.is_empty() { "no secret yet".to_owned() } else { stores.join(", ") };
    Section::new(Group::Stores, summary, judge(&facts))
}

fn judge(facts: &StoreFacts) -> Vec<Diagnosis> {
    let mut found = Vec::new();
    if let Some(Problem { what, cure }) = &facts.closed {
        let breaks = format!("{} whose secrets are sealed", count(facts.sealed, "account"));
        found.push(Diagnosis::broken(Check::SealedKey, what, breaks, Remedy::in_hint(cure)));
    }
    if let Some(Problem { what, cure }) = &facts.uncached {
        let breaks = "a passphrase cannot open the key, and any other holder is asked for every pull and push";
        found.push(Diagnosis::note(Check::KernelKeyring, what, breaks, Remedy::in_hint(cure)));
    }
    found
}

impl StoreFacts {
    fn gather(context: &Context<'_>, survey: &Survey) -> Self {
        let mut facts = Self::default();
        for account in survey.registries.iter().flat_map(|one| &one.accounts) {
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
        facts.uncached = (facts.sealed > 0).then(|| can_stay_open().err()).flatten();
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_cannot_be_had_is_told_once() {
        let problem = || Some(Problem::new("the key is locked", "run `e unlock`"));
        for (facts, expected) in [
            (StoreFacts::default(), None),
            (StoreFacts { sealed: 2, closed: problem(), ..Default::default() }, Some(("sealed-key", "broken"))),
            (StoreFacts { sealed: 2, uncached: problem(), ..Default::default() }, Some(("kernel-keyring", "note"))),
        ] {
            let found = judge(&facts);
            let found: Vec<_> = found.iter().map(|one| (one.check.name(), one.severity.name())).collect();
            assert_eq!(found, Vec::from_iter(expected), "{facts:?}");
        }
    }
}
