//! `ProjectAccounts`: the accounts in a trusted `.ensign.toml`.

use std::path::PathBuf;

use crate::model::{AccountName, Registry};

/// The content of a `.ensign.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProjectAccounts {
    pub(crate) file: PathBuf,
    pub(crate) accounts: Vec<(Registry, AccountName)>,
    /// The keys that are unknown to this version of Ensign.
    pub(crate) unknown: Vec<String>,
}

/// A project file that the user trusts, as long as its content has this digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TrustedFile {
    pub(crate) file: PathBuf,
    pub(crate) digest: String,
}

impl ProjectAccounts {
    pub(crate) const FILE: &str = ".ensign.toml";

    /// Returns the account for `registry` in the file.
    pub(crate) fn account(&self, registry: &Registry) -> Option<&AccountName> {
        self.accounts.iter().find(|(other, _)| other == registry).map(|(_, name)| name)
    }
}
