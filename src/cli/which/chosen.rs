//! The account that answers for an image, for commands that need one, or why none does.

use crate::accounts;
use crate::cli::failure::Failure;
use crate::cli::{Context, names};
use crate::model::choice::{Candidates, NoChoice, Rung, choose};
use crate::model::{Account, ImageReference, Operation, Problem};
use crate::system::text::{one_line, word};

use super::question::Question;

/// The account that answers when a command names `image`, or for a registry alone.
pub(in crate::cli) fn account_for<'c>(
    context: &Context<'_>,
    candidates: &'c Candidates,
    image: Option<&ImageReference>,
    operation: Option<Operation>,
) -> Result<&'c Account, Failure> {
    let (registry, host) = (&candidates.registry, &candidates.host);
    let question = Question::about(host, image.cloned(), operation);
    let wish = question.wish(context);
    context.refuse_unknown_account(&wish, candidates)?;
    let no_choice = match choose(candidates, &wish, &question) {
        Ok(choice) => return Ok(choice.account),
        Err(no_choice) => no_choice,
    };
    let (what, verb) = match no_choice {
        NoChoice::NoSuchAccount { rung: Rung::Project, name } => {
            let Problem { what, cure } = accounts::names_nobody(host, &name);
            return Err(Failure::not_logged_in(what, cure));
        }
        NoChoice::NotFound => (format!("{registry} has no default account"), "switch"),
        NoChoice::Public(public) => {
            let cure = format!("ENSIGN_ACCOUNT={host}=NAME names one all the same");
            return Err(Failure::not_logged_in(
                format!("no account answers for {}: {} is public", public.0, public.1),
                cure,
            ));
        }
        NoChoice::NoneFor(_) if let (None, Some(default)) = (operation, candidates.default_account()) => {
            return Ok(default);
        }
        NoChoice::NoneFor(operation) => {
            return Err(Failure::not_logged_in(
                none_for(candidates, operation),
                format!("run `{}`", for_any(context, candidates)),
            ));
        }
        NoChoice::Several => {
            (format!("{registry} has several accounts and none is the default: {}", names(candidates)), "switch")
        }
        NoChoice::NoSuchAccount { rung, name } => {
            (format!("{rung} names `{}`, which {registry} does not have", one_line(&name, 60)), "status")
        }
    };
    let command = format!("run `{} {verb} {}`", context.program, word(registry.as_str()));
    Err(Failure::not_logged_in(what, command))
}

/// Tells whether nobody is needed to pull `image`.
pub(in crate::cli) fn is_public(context: &Context<'_>, candidates: &Candidates, image: &ImageReference) -> bool {
    let question = Question::about(&candidates.host, Some(image.clone()), Some(Operation::Pull));
    matches!(choose(candidates, &question.wish(context), &question), Err(NoChoice::Public(..)))
}

/// Why the accounts that are there do not answer.
pub(super) fn none_for(candidates: &Candidates, operation: Operation) -> String {
    format!("{} has no account for a {operation}: {}", candidates.registry, purposes(candidates.accounts.iter()))
}

/// The command after which one of them does.
pub(super) fn for_any(context: &Context<'_>, candidates: &Candidates) -> String {
    let Candidates { registry, accounts, .. } = candidates;
    let name = if let [account] = &accounts[..] { word(account.name.as_str()) } else { "NAME".into() };
    format!("{} account edit {} {name} --for any", context.program, word(registry.as_str()))
}

/// `reader is for pull only, writer is for push only`
pub(super) fn purposes<'a>(accounts: impl Iterator<Item = &'a Account>) -> String {
    let told = accounts.filter_map(|account| Some(format!("{} is for {} only", account.name, account.purpose?)));
    one_line(&told.collect::<Vec<_>>().join(", "), 200)
}
