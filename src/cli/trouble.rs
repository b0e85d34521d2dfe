//! `Trouble`: why an account does not work, found without asking its registry.

use super::{CommandContext, expiry};
use crate::external_source;
use crate::model::{Account, Problem, Source, StoredSecret};

#[derive(Debug)]
pub(super) enum Trouble {
    /// Its secret is not in its store.
    Gone,
    /// The store cannot be read.
    Unreadable(anyhow::Error),
    /// Its secret is known to be void.
    Dead(Problem),
    /// The program with the secret is missing.
    SourceMissing(Problem),
}

impl Trouble {
    /// Finds the trouble in what the account's store returned.
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

    /// A sentence with the command that helps.
    pub(super) fn sentence(&self, context: &CommandContext<'_>, account: &Account) -> String {
        match self {
            Self::Gone => format!("its secret is gone: {}", expiry::login(context.program, account)),
            Self::Unreadable(error) => format!("{error:#}"),
            Self::Dead(problem) | Self::SourceMissing(problem) => problem.to_string(),
        }
    }
}
