//! `FolderProject`: describes a trusted or untrusted `.ensign.toml` for a person.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::CommandContext;
use crate::accounts::shown;
use crate::caller::project::{self, ProjectFile};
use crate::model::choice::{ProjectAccounts, RegistryAccounts, TrustedFile};
use crate::model::{AccountName, Registry};
use crate::system::env;
use crate::system::text::{one_line, quote};

/// A project file, `.ensign.toml`, and whether the file is trusted.
pub(super) struct FolderProject {
    pub(super) path: PathBuf,
    pub(super) standing: TrustState,
    /// The digest of the file's content, or `None` if the file cannot be read.
    pub(super) digest: Option<String>,
    /// The accounts in the file, or why the file cannot be used.
    pub(super) says: Result<ProjectAccounts, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TrustState {
    Trusted,
    /// The project file has changed since a person trusted it.
    Changed,
    Untrusted,
}

impl FolderProject {
    /// Returns the project file that applies in the current folder.
    pub(super) fn current(trusted: &[TrustedFile]) -> Option<Self> {
        project::find(&env::current_dir()?).map(|path| Self::read_at(path, trusted))
    }

    pub(super) fn read_at(path: PathBuf, trusted: &[TrustedFile]) -> Self {
        let file =
            ProjectFile::read(&path).and_then(|file| file.ok_or_else(|| anyhow::anyhow!("there is no such file")));
        let standing = match &file {
            Ok(file) if file.is_trusted(trusted) => TrustState::Trusted,
            _ if trusted.iter().any(|entry| entry.file == path) => TrustState::Changed,
            _ => TrustState::Untrusted,
        };
        let digest = file.as_ref().ok().map(|file| file.digest.clone());
        let says = match &file {
            Ok(file) => file
                .understand()
                .map_err(|broken| format!("is broken at line {}: {}", broken.line, one_line(&broken.why, 200))),
            Err(error) => Err(one_line(&format!("cannot be read: {error}"), 300)),
        };
        Self { path, standing, digest, says }
    }

    pub(super) fn names(&self, registry: &Registry) -> Option<&str> {
        self.says.as_ref().ok()?.account(registry).map(AccountName::as_str)
    }

    pub(super) fn is_trusted(&self) -> bool {
        self.standing == TrustState::Trusted
    }

    /// Returns why the file is ignored, such as `.ensign.toml is not trusted`. Returns `None` if the file is trusted.
    pub(super) fn sentence(&self, context: &CommandContext<'_>) -> Option<String> {
        let shown = shown(context.env, &self.path);
        match self.standing {
            _ if self.digest.is_none() => Some(format!("{shown} cannot be read")),
            TrustState::Changed => Some(format!("{shown} has changed since it was trusted")),
            TrustState::Untrusted => Some(format!("{shown} is not trusted")),
            TrustState::Trusted => None,
        }
    }

    /// Returns a sentence about the file's first problem, or `None` if the file has no problem for this registry.
    pub(super) fn advice(&self, context: &CommandContext<'_>, candidates: &RegistryAccounts) -> Option<String> {
        let (registry, shown) = (&candidates.host, &*shown(context.env, &self.path));
        let project = match &self.says {
            Err(why) => return Some(format!("{shown} {why}")),
            Ok(project) => project,
        };
        let says = |name: &str| format!("{shown} names `{}` for {registry}", one_line(name, 60));
        let program = context.program;
        match (self.names(registry), self.standing) {
            (Some(name), TrustState::Changed) => {
                Some(format!("{}, but has changed since it was trusted: run `{program} trust`", says(name)))
            }
            (Some(name), TrustState::Untrusted) => {
                Some(format!("{}, but is not trusted: run `{program} trust`", says(name)))
            }
            // If the registry has several accounts, the decision itself reports that the file's account is missing.
            (Some(name), TrustState::Trusted)
                if candidates.accounts.len() == 1 && candidates.account(name).is_none() =>
            {
                let login = format!("{program} login {registry} --alias {}", quote(name));
                Some(format!(
                    "{}, but that account is missing: run `{login}`. Until then the registry's only account answers",
                    says(name)
                ))
            }
            _ => unknown(project, shown),
        }
    }

    pub(super) fn json(&self, registry: &Registry) -> Value {
        json!({
            "file": self.path.to_string_lossy(),
            "trusted": self.is_trusted(),
            "account": self.names(registry),
            "unknown": self.says.as_ref().map(|project| project.unknown.clone()).unwrap_or_default(),
            "error": self.says.as_ref().err(),
        })
    }
}

/// Lists the names of the unknown fields. The values of the unknown fields are not shown, because a value may be a
/// misplaced secret.
pub(super) fn unknown(project: &ProjectAccounts, shown: &str) -> Option<String> {
    let words = one_line(&project.unknown.join(", "), 100);
    (!words.is_empty()).then(|| format!("{shown} has unknown fields, which Ensign ignores: {words}"))
}
