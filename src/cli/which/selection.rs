//! Chooses an account for the commands that need one, or explains why no account is chosen.

use super::question::Question;
use crate::cli::CommandContext;
use crate::cli::failure::{Failure, FailureKind};
use crate::model::choice::{Decision, Detail, RegistryAccounts, Verdict};
use crate::model::{Account, ImageReference, Operation};

/// Chooses the account for `image`, or for a registry if no image is given.
pub(in crate::cli) fn account_for<'c>(
    context: &CommandContext<'_>,
    candidates: &'c RegistryAccounts,
    image: Option<&ImageReference>,
    operation: Option<Operation>,
) -> Result<&'c Account, Failure> {
    let decision = decide(context, candidates, image, operation)?;
    let is_open = decision.verdict == Verdict::NoneForOperation && operation.is_none();
    let by_default = candidates.default_account().filter(|_| is_open);
    candidates.chosen(&decision).or(by_default).ok_or_else(|| {
        let problem = context.accounts.explanation(&decision).problem();
        problem.map_or_else(
            || Failure::not_logged_in(format!("{} has no account", candidates.host), "run `status`"),
            |problem| Failure::new(FailureKind::NotLoggedIn, problem),
        )
    })
}

/// Tells whether the image is public and needs no account.
pub(in crate::cli) fn is_public(
    context: &CommandContext<'_>,
    candidates: &RegistryAccounts,
    image: &ImageReference,
) -> bool {
    let decision = decide(context, candidates, Some(image), Some(Operation::Pull));
    decision.is_ok_and(|decision| decision.verdict == Verdict::Public)
}

fn decide(
    context: &CommandContext<'_>,
    candidates: &RegistryAccounts,
    image: Option<&ImageReference>,
    operation: Option<Operation>,
) -> Result<Decision, Failure> {
    let question = Question::for_image(&candidates.host, image.cloned(), operation);
    Ok(context.accounts.decide(candidates, None, &question.request(context), &question, Detail::Needed)?)
}
