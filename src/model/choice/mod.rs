//! Chooses the account that answers a call. `get`, `which` and all other commands try the same rules in the same order.
//! The first rule that matches decides.

mod context;
mod decision;
mod owner;
mod precedence;
mod registry_accounts;

pub(crate) use context::{
    AccountRequest, CallerContext, CommandImages, ExplicitAccount, FileImages, ImageMention, ImageRole,
    ProjectAccounts, RegistryRange, TrustedFile, UnknownImages,
};
pub(crate) use decision::{
    Decision, DecisionStep, Detail, MatchReason, NoMatch, OwnedImage, Rule, RuleOutcome, UnknownFile, Verdict,
};
pub(crate) use owner::{owner_of, used_in};
pub(crate) use precedence::Precedence;
pub(crate) use registry_accounts::{DefaultAccount, HelperRoute, RegistryAccounts};

#[cfg(test)]
mod tests;
