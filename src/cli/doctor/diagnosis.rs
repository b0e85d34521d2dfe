//! `Diagnosis`: one fault, and the `Check` that found it.

use super::remedy::Remedy;

/// Defines the type `Check` from a table of variants. Each variant has a name that `--fix` accepts.
macro_rules! checks {
    ($($(#[$doc:meta])* $check:ident = $name:literal,)*) => {
        /// The checks of `doctor`. One check can find several faults, such as two missing helpers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(in crate::cli) enum Check { $($(#[$doc])* $check,)* }

        impl Check {
            pub(in crate::cli) const ALL: &[Self] = &[$(Self::$check),*];

            pub(in crate::cli) const fn name(self) -> &'static str {
                match self { $(Self::$check => $name,)* }
            }
        }
    };
}

checks! {
    /// The program is not on PATH.
    ProgramPath = "program-path",
    /// The program on PATH is another copy of Ensign, and not the running program.
    ProgramCopy = "program-copy",
    /// Another file with one of the program's names is a broken link, or does not have the version of the program on
    /// PATH.
    OtherVersion = "other-version",
    /// A newer release is known.
    NewerRelease = "newer-release",
    /// The program is not on the PATH of the desktop's session.
    SessionPath = "session-path",
    /// The program is not on the PATH of `sudo`.
    SudoPath = "sudo-path",
    /// Under `sudo`, Ensign uses root's accounts.
    SudoHome = "sudo-home",
    /// Docker was installed as a snap, and a snap cannot start credential helpers.
    DockerSnap = "docker-snap",
    HelperMissing = "helper-missing",
    HelperSilent = "helper-silent",
    HelperFailing = "helper-failing",
    DockerNotAsking = "docker-not-asking",
    PodmanNotAsking = "podman-not-asking",
    /// Another helper answers for a registry that has accounts in Ensign.
    OtherHelper = "other-helper",
    DesktopHelper = "desktop-helper",
    DevContainerHelper = "dev-container-helper",
    /// The configured helper is a Windows program, as is common in WSL.
    WindowsHelper = "windows-helper",
    /// Another program replaced Ensign in `credsStore`.
    StoreReplaced = "store-replaced",
    /// A client uses a login in clear text and does not ask Ensign.
    PlainLogin = "plain-login",
    /// A file contains plaintext logins, but clients ask Ensign first.
    PlainText = "plain-text",
    AuthConfigVariable = "auth-config-variable",
    /// A registry in Docker's `credHelpers` is written as a URL, and therefore `podman --remote` fails.
    PodmanKey = "podman-key",
    ConfigDamaged = "config-damaged",
    SecretsDamaged = "secrets-damaged",
    /// Docker's or Podman's file cannot be read.
    ClientFile = "client-file",
    FileOwner = "file-owner",
    FileMode = "file-mode",
    ReadOnly = "read-only",
    LeftOvers = "left-overs",
    BuildxFolder = "buildx-folder",
    StalePin = "stale-pin",
    /// The key of sealed secrets is not available.
    SealedKey = "sealed-key",
    /// The kernel's keyring cannot cache the opened key.
    KernelKeyring = "kernel-keyring",
    Clock = "clock",
    Proxy = "proxy",
    Certificate = "certificate",
    RegistryUnreachable = "registry-unreachable",
    NoAccount = "no-account",
    SecretMissing = "secret-missing",
    SecretUnreadable = "secret-unreadable",
    AccountRefused = "account-refused",
    AccountExpiring = "account-expiring",
    SourceMissing = "source-missing",
    AccountVariable = "account-variable",
    WrongAnswer = "wrong-answer",
    /// No answer can be recorded, and therefore no caller gets an account with a caller rule.
    NoJournal = "no-journal",
}

/// The severity. Only the severity `Broken` changes the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    Note,
    Broken,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Diagnosis {
    pub(super) check: Check,
    pub(super) severity: Severity,
    pub(super) found: String,
    /// The effect of the fault, such as which program fails and how.
    pub(super) breaks: String,
    pub(super) remedy: Remedy,
}

impl Diagnosis {
    pub(super) fn broken(check: Check, found: impl Into<String>, breaks: impl Into<String>, remedy: Remedy) -> Self {
        Self { check, severity: Severity::Broken, found: found.into(), breaks: breaks.into(), remedy }
    }

    pub(super) fn note(check: Check, found: impl Into<String>, breaks: impl Into<String>, remedy: Remedy) -> Self {
        Self { severity: Severity::Note, ..Self::broken(check, found, breaks, remedy) }
    }

    /// Returns the command that repairs the fault.
    pub(super) fn command(&self, program: &str) -> String {
        self.remedy.command(program).unwrap_or_else(|| self.fix_command(program))
    }

    pub(super) fn fix_command(&self, program: &str) -> String {
        format!("{program} doctor --fix {}", self.check.name())
    }
}

impl Severity {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Broken => "broken",
        }
    }

    pub(super) fn mark(self) -> &'static str {
        match self {
            Self::Note => "!",
            Self::Broken => "✗",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_check_has_a_name_of_its_own() {
        let names: BTreeSet<_> = Check::ALL.iter().map(|check| check.name()).collect();
        assert_eq!(names.len(), Check::ALL.len());
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')), "{names:?}");
    }
}
