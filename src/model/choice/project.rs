//! `Project`: what a folder's own file says about accounts, once its content is trusted.

use std::path::PathBuf;

use crate::model::{AccountName, Problem, Registry};

/// What a `.ensign.toml` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Project {
    pub(crate) file: PathBuf,
    pub(crate) accounts: Vec<(Registry, AccountName)>,
    /// What is meant for a newer Ensign.
    pub(crate) unknown: Vec<String>,
}

/// A file that a person trusts, as long as its content has this digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trusted {
    pub(crate) file: PathBuf,
    pub(crate) digest: String,
}

impl Project {
    pub(crate) const FILE: &str = ".ensign.toml";

    /// The account that it names for `registry`.
    pub(crate) fn account(&self, registry: &Registry) -> Option<&AccountName> {
        self.accounts.iter().find(|(other, _)| other == registry).map(|(_, name)| name)
    }

    /// Says that the account it names is not there.
    pub(crate) fn names_nobody(registry: &Registry, name: &str) -> Problem {
        let login = format!("login {registry} --alias {}", shell_word(name));
        Problem::run(format!("{} names `{name}`, which {registry} does not have", Self::FILE), login)
    }
}

/// A name as a shell reads it again: it comes from a file that others wrote.
pub(crate) fn shell_word(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | '+' | ':' | '/');
    if name.chars().all(is_plain) { name.to_owned() } else { format!("'{}'", name.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cure_is_one_command_whatever_the_file_names() {
        for (name, word) in [("work", "work"), ("a; rm -rf ~", "'a; rm -rf ~'"), ("it's", r"'it'\''s'")] {
            let cure = Project::names_nobody(&Registry::from_key("ghcr.io"), name).cure;
            assert_eq!(cure, format!("run `docker-credential-ensign login ghcr.io --alias {word}`"));
        }
    }
}
