//! `Trouble`: the reason why an account does not work, found without a request to the registry.

use super::{CommandContext, expiry};
use crate::external_source;
use crate::model::{Account, Problem, Source, StoredSecret};

#[derive(Debug)]
pub(super) enum Trouble {
    /// The account's secret is not in its store.
    Gone,
    /// The account's store cannot be read.
    Unreadable(anyhow::Error),
    /// The account's secret is known to be invalid.
    Dead(Problem),
    /// The program of the account's external source is missing.
    SourceMissing(Problem),
}

impl Trouble {
    /// Returns the trouble of an account, or `None` if there is none. `stored` is the result of reading the account's
    /// store.
    pub(super) fn find(
        context: &CommandContext<'_>,
        account: &Account,
        stored: anyhow::Result<Option<StoredSecret>>,
    ) -> Option<Self> {
        match stored {
            Ok(_) if let Source::External(external) = &account.source => {
                external_source::program(external, &account.registry).err().map(Self::SourceMissing)
            }
            Ok(Some(stored)) => context.accounts.trouble(account, &stored).map(Self::Dead),
            Ok(None) => Some(Self::Gone),
            Err(error) => Some(Self::Unreadable(error)),
        }
    }

    /// Returns a sentence about the trouble, with a command that helps.
    pub(super) fn sentence(&self, context: &CommandContext<'_>, account: &Account) -> String {
        match self {
            Self::Gone => format!("the secret is gone; to log in again:  {}", expiry::login(context.program, account)),
            Self::Unreadable(error) => context.ui.as_typed(&format!("{error:#}")),
            Self::Dead(problem) | Self::SourceMissing(problem) => context.ui.as_typed(&problem.to_string()),
        }
    }
}
