//! The command line as types for clap, without the commands' actions. Only this folder uses the crate `clap`.

mod account;
mod complete;
mod docker;
mod guide;
mod help;
mod login;
mod man;
mod query;
mod shell;
mod store;
mod update;
mod usage;

use clap::{ArgAction, Parser, Subcommand, ValueEnum};

use crate::model::{AccountName, InvalidName};

pub(super) use account::{
    AccountCommand, AccountEdit, AgentRule, CallerArguments, GrantArguments, PublicArguments, PublicCommand,
    PurposeArgument, Requirement, StatusArguments, SwitchArguments,
};
pub(super) use complete::Completion;
pub(super) use docker::{
    BuildxCommand, BuildxSync, ConfigureDockerArguments, ExportArguments, ExportFormat, ImportArguments, PinArguments,
    RouteArguments,
};
pub(super) use login::{DeviceLoginArguments, ExternalSourceArguments, LoginArguments, LogoutArguments};
pub(super) use query::{ApiArguments, CheckArguments, DoctorArguments, TokenArguments, WhichArguments, WhyArguments};
pub(super) use shell::{ExecArguments, TrustArguments, UseArguments, UseShell};
pub(super) use store::{StoreArguments, StoreCommand, StoreKey, StoreMove, UnlockArguments};
pub(super) use update::UpdateArguments;
pub(super) use usage::UsageError;

/// One Docker credential helper for all your registries and all your accounts.
#[derive(Debug, Parser)]
#[command(
    name = "docker-credential-ensign",
    disable_version_flag = true,
    subcommand_required = true,
    disable_help_flag = true,
    disable_help_subcommand = true,
    infer_long_args = false
)]
pub(super) struct CommandLine {
    /// Print JSON on stdout
    #[arg(long, global = true, display_order = 100)]
    pub(super) json: bool,
    /// Log registry requests to stderr, without secrets
    #[arg(long, global = true, display_order = 101, hide_short_help = true)]
    pub(super) verbose: bool,
    /// Print help
    #[arg(short, long, global = true, display_order = 102, hide_short_help = true, action = ArgAction::HelpShort)]
    help: Option<bool>,
    #[command(subcommand)]
    pub(super) command: CliCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum CliCommand {
    /// Add an account, or renew its password or token
    Login(Box<LoginArguments>),
    /// Remove an account and its secret
    Logout(LogoutArguments),
    /// Show the accounts, and whether Docker asks Ensign
    Status(StatusArguments),
    /// Find problems with logins, and how to fix them
    Doctor(DoctorArguments),
    /// Change the account that answers by default
    Switch(SwitchArguments),
    /// Show an account, or change its settings
    #[command(subcommand)]
    Account(AccountCommand),
    /// Allow the use of an account that needs a grant, for a while
    Grant(GrantArguments),
    /// Show which account answers for an image, and why
    Which(WhichArguments),
    /// Show how the last calls were answered, and why
    Why(WhyArguments),
    /// List the images that need no account, or change that list
    Public(PublicArguments),
    /// Check whether a registry accepts an account, and for what
    Check(CheckArguments),
    /// Print a bearer token for an image's repository, for scripts
    Token(TokenArguments),
    /// Send a request to a registry's API with your account
    Api(ApiArguments),
    /// Make Docker, Podman, Buildah and Skopeo ask Ensign
    ConfigureDocker(ConfigureDockerArguments),
    /// Make a helper that answers as one account only
    Pin(PinArguments),
    /// Let one build pull with one account and push with another
    #[command(subcommand)]
    Buildx(BuildxCommand),
    /// Print the line that makes this shell use an account
    Use(UseArguments),
    /// Run one command as an account
    Exec(ExecArguments),
    /// Let a folder's .ensign.toml name the accounts used there
    Trust(TrustArguments),
    /// Print the account of this shell or folder, for the prompt
    Prompt,
    /// Import logins of Docker, Podman and others as accounts
    Import(ImportArguments),
    /// Write logins for Kubernetes, Podman or CI, in clear text
    Export(ExportArguments),
    /// Let another helper answer for a registry, or list the routes
    Route(RouteArguments),
    /// Show or choose where secrets are kept, or move them
    Store(StoreArguments),
    /// Unlock the sealed secrets for a while
    Unlock(UnlockArguments),
    /// Lock the sealed secrets
    Lock,
    /// Put back the last good copy of a damaged config
    Restore,
    /// Update this program to the newest release, or go back
    Update(UpdateArguments),
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: CompletionShell,
    },
    /// Print the version
    Version,
    /// Print a manual page, or the names of all pages
    #[command(hide = true)]
    Man {
        /// The page, such as ensign-login.1
        page: Option<String>,
    },
    /// Write completions and manual pages beside this program
    #[command(hide = true)]
    InstallTexts,
    /// Show the help of a command or a topic
    Help {
        /// The command or the topic [default: all commands]
        #[arg(value_name = "COMMAND")]
        words: Vec<String>,
    },
}

/// A shell for which completions exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CompletionShell {
    Bash,
    Zsh,
    Fish,
    #[value(alias = "pwsh")]
    Powershell,
    #[value(alias = "nu")]
    Nushell,
    Elvish,
}

impl CompletionShell {
    /// The script with which the shell asks Ensign for the possible next words.
    pub(super) fn completions(self) -> &'static str {
        match self {
            Self::Bash => include_str!("scripts/bash"),
            Self::Zsh => include_str!("scripts/zsh"),
            Self::Fish => include_str!("scripts/fish"),
            Self::Powershell => include_str!("scripts/powershell"),
            Self::Nushell => include_str!("scripts/nushell"),
            Self::Elvish => include_str!("scripts/elvish"),
        }
    }
}

impl CommandLine {
    /// Parses `words`, which do not include the program's name. In help and errors, the program's name is `program`.
    pub(super) fn parse_from_words(program: &str, words: &[std::ffi::OsString]) -> Result<Self, UsageError> {
        let mut command = Self::tree(program);
        let all = std::iter::once(program.into()).chain(words.iter().cloned());
        let parsed = command.try_get_matches_from_mut(all).and_then(|matches| {
            <Self as clap::FromArgMatches>::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
        });
        parsed.map_err(|error| UsageError::new(error, program, words))
    }
}

/// Returns the value of an option as it is spelled on the command line.
pub(super) fn spelled(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Parses an alias. An alias cannot begin with `-`, because `logout -x` reads `-x` as an option, and `switch -` selects
/// the previous account.
fn alias(text: &str) -> Result<AccountName, String> {
    if text.starts_with('-') {
        return Err("an alias cannot begin with `-`".to_owned());
    }
    text.parse().map_err(|error: InvalidName| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_fit_together() {
        CommandLine::tree("ensign").debug_assert();
    }
}
