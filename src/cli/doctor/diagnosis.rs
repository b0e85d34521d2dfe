//! `Diagnosis`: one fault, under the name of the check that found it.

use super::remedy::Remedy;

/// The checks of `doctor`. One check can find several faults, such as two missing helpers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Check {
    /// The program is not on PATH.
    ProgramPath,
    /// PATH leads to another copy than the one that runs.
    ProgramCopy,
    /// Another name of the program leads to another version, or nowhere.
    OtherVersion,
    /// A newer release is known.
    NewerRelease,
    /// The desktop's session has another PATH.
    SessionPath,
    /// So has `sudo`.
    SudoPath,
    /// `sudo` uses root's accounts.
    SudoHome,
    /// Docker is a snap, which starts no helper.
    DockerSnap,
    HelperMissing,
    HelperSilent,
    HelperFailing,
    DockerNotAsking,
    PodmanNotAsking,
    /// Another helper serves a registry that has accounts here.
    OtherHelper,
    DesktopHelper,
    DevContainerHelper,
    /// A Windows program is named, as in WSL.
    WindowsHelper,
    /// `credsStore` was Ensign, and is not any more.
    StoreReplaced,
    /// A plaintext login is used instead of Ensign.
    PlainLogin,
    /// There are plaintext logins, but Ensign is asked first.
    PlainText,
    AuthConfigVariable,
    /// A key in Docker's file stops `podman --remote`.
    PodmanKey,
    ConfigDamaged,
    SecretsDamaged,
    /// Docker's or Podman's file cannot be read.
    ClientFile,
    FileOwner,
    FileMode,
    ReadOnly,
    LeftOvers,
    BuildxFolder,
    StalePin,
    /// The key of sealed secrets is not available.
    SealedKey,
    /// The kernel's keyring keeps no opened key.
    KernelKeyring,
    Clock,
    Proxy,
    Certificate,
    RegistryUnreachable,
    NoAccount,
    SecretMissing,
    SecretUnreadable,
    AccountRefused,
    AccountExpiring,
    SourceMissing,
    AccountVariable,
    WrongAnswer,
}

/// The group in the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CheckGroup {
    Path,
    Helpers,
    Order,
    Files,
    Stores,
    Network,
    Accounts,
    Answers,
}

/// The severity. Only `Broken` changes the exit code.
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
    /// The effect: which program fails, and how.
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
}

impl Check {
    /// In the order of the report.
    pub(in crate::cli) const ALL: [Self; 45] = [
        Self::ProgramPath,
        Self::ProgramCopy,
        Self::OtherVersion,
        Self::NewerRelease,
        Self::SessionPath,
        Self::SudoPath,
        Self::SudoHome,
        Self::DockerSnap,
        Self::HelperMissing,
        Self::HelperSilent,
        Self::HelperFailing,
        Self::DockerNotAsking,
        Self::PodmanNotAsking,
        Self::OtherHelper,
        Self::DesktopHelper,
        Self::DevContainerHelper,
        Self::WindowsHelper,
        Self::StoreReplaced,
        Self::PlainLogin,
        Self::PlainText,
        Self::AuthConfigVariable,
        Self::PodmanKey,
        Self::ConfigDamaged,
        Self::SecretsDamaged,
        Self::ClientFile,
        Self::FileOwner,
        Self::FileMode,
        Self::ReadOnly,
        Self::LeftOvers,
        Self::BuildxFolder,
        Self::StalePin,
        Self::SealedKey,
        Self::KernelKeyring,
        Self::Clock,
        Self::Proxy,
        Self::Certificate,
        Self::RegistryUnreachable,
        Self::NoAccount,
        Self::SecretMissing,
        Self::SecretUnreadable,
        Self::AccountRefused,
        Self::AccountExpiring,
        Self::SourceMissing,
        Self::AccountVariable,
        Self::WrongAnswer,
    ];

    /// The name to type behind `--fix`.
    pub(in crate::cli) const fn name(self) -> &'static str {
        match self {
            Self::ProgramPath => "program-path",
            Self::ProgramCopy => "program-copy",
            Self::OtherVersion => "other-version",
            Self::NewerRelease => "newer-release",
            Self::SessionPath => "session-path",
            Self::SudoPath => "sudo-path",
            Self::SudoHome => "sudo-home",
            Self::DockerSnap => "docker-snap",
            Self::HelperMissing => "helper-missing",
            Self::HelperSilent => "helper-silent",
            Self::HelperFailing => "helper-failing",
            Self::DockerNotAsking => "docker-not-asking",
            Self::PodmanNotAsking => "podman-not-asking",
            Self::OtherHelper => "other-helper",
            Self::DesktopHelper => "desktop-helper",
            Self::DevContainerHelper => "dev-container-helper",
            Self::WindowsHelper => "windows-helper",
            Self::StoreReplaced => "store-replaced",
            Self::PlainLogin => "plain-login",
            Self::PlainText => "plain-text",
            Self::AuthConfigVariable => "auth-config-variable",
            Self::PodmanKey => "podman-key",
            Self::ConfigDamaged => "config-damaged",
            Self::SecretsDamaged => "secrets-damaged",
            Self::ClientFile => "client-file",
            Self::FileOwner => "file-owner",
            Self::FileMode => "file-mode",
            Self::ReadOnly => "read-only",
            Self::LeftOvers => "left-overs",
            Self::BuildxFolder => "buildx-folder",
            Self::StalePin => "stale-pin",
            Self::SealedKey => "sealed-key",
            Self::KernelKeyring => "kernel-keyring",
            Self::Clock => "clock",
            Self::Proxy => "proxy",
            Self::Certificate => "certificate",
            Self::RegistryUnreachable => "registry-unreachable",
            Self::NoAccount => "no-account",
            Self::SecretMissing => "secret-missing",
            Self::SecretUnreadable => "secret-unreadable",
            Self::AccountRefused => "account-refused",
            Self::AccountExpiring => "account-expiring",
            Self::SourceMissing => "source-missing",
            Self::AccountVariable => "account-variable",
            Self::WrongAnswer => "wrong-answer",
        }
    }
}

impl CheckGroup {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Helpers => "helpers",
            Self::Order => "order",
            Self::Files => "files",
            Self::Stores => "stores",
            Self::Network => "network",
            Self::Accounts => "accounts",
            Self::Answers => "answers",
        }
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
