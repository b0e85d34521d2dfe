//! Which account answers: the rules that `get`, `which` and every other front ask in one order; the first hit wins.

mod context;
mod decision;
mod owner;
mod precedence;
mod project;
mod registry_accounts;

pub(crate) use context::{
    AccountRequest, CallerContext, Command, ExplicitAccount, FileImages, ImageRole, Mention, Reach, Unknown,
};
pub(crate) use decision::{
    Decision, Detail, MatchReason, NoMatch, OwnedImage, Rule, RuleOutcome, Step, UnknownFile, Verdict,
};
pub(crate) use owner::{owner_of, used_in};
pub(crate) use precedence::Precedence;
pub(crate) use project::{Project, Trusted};
pub(crate) use registry_accounts::{Active, RegistryAccounts, Route};

#[cfg(test)]
mod tests;
