//! Which account answers: the rules that `get`, `which` and every other front ask in one order; the first hit wins.

mod context;
mod decision;
mod owner;
mod precedence;
mod project;

pub(crate) use context::{
    Active, Candidates, Command, Evidence, FileImages, ImageRole, Mention, Named, Reach, Route, Unknown, Wish,
};
pub(crate) use decision::{
    Decision, Detail, MatchReason, NoMatch, OwnedImage, Rule, RuleOutcome, Step, UnknownFile, Verdict,
};
pub(crate) use owner::{owner_of, used_in};
pub(crate) use precedence::Precedence;
pub(crate) use project::{Project, Trusted};

#[cfg(test)]
mod tests;
