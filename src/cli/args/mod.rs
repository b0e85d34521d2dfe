//! The command line as types for clap, without the commands' actions. The home of `clap`.

mod browser;
mod callers;
mod complete;
mod docker;
mod doctor;
mod external_source;
mod guide;
mod help;
mod login;
mod man;
mod public;
mod query;
mod shell;
mod store;
mod update;
mod usage;

use clap::builder::NonEmptyStringValueParser;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::model::Operation;

pub(super) use browser::DeviceLoginArguments;
pub(super) use callers::{AgentRule, CallerArguments, GrantArguments, Requirement};
pub(super) use complete::Completion;
pub(super) use docker::{
    BuildxCommand, BuildxSync, ConfigureDockerArguments, ExportArguments, ExportFormat, ImportArguments, PinArguments,
    RouteArguments,
};
pub(super) use doctor::DoctorArguments;
pub(super) use external_source::ExternalSourceArguments;
pub(super) use login::{LoginArguments, LogoutArguments};
pub(super) use public::{PublicArguments, PublicCommand};
pub(super) use query::{ApiArguments, CheckArguments, TokenArguments, WhichArguments, WhyArguments};
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

const STATUS_HELP: &str = "Exit codes: 0 no problems; 3 an account is missing, or needs attention
With --expiring: 0 no secret expires; 1 some could not be read; 6 some expire, or have expired";

#[derive(Args, Debug)]
#[command(after_help = STATUS_HELP)]
pub(super) struct StatusArguments {
    /// Show only this registry
    #[arg(value_name = "HOST")]
    pub(super) host: Option<String>,
    /// List only the accounts that expire within TIME, such as 12h or 7d
    #[arg(long, value_name = "TIME")]
    pub(super) expiring: Option<String>,
}

#[derive(Args, Debug)]
#[command(
    after_help = "A switch takes effect at once, even for running commands. Set ENSIGN_ACCOUNT for a command that must keep its account."
)]
pub(super) struct SwitchArguments {
    /// The registry [default: the one with several accounts]
    #[arg(value_name = "HOST")]
    pub(super) host: Option<String>,
    /// The account, by alias or user name; `-` for the previous one
    #[arg(value_name = "ACCOUNT", allow_hyphen_values = true)]
    pub(super) account: Option<String>,
}

/// The value of `account edit --for`. `any` allows both operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PurposeArgument {
    Pull,
    Push,
    Any,
}

impl PurposeArgument {
    pub(super) fn name(self) -> &'static str {
        self.operation().map_or("any", Operation::as_str)
    }

    pub(super) fn operation(self) -> Option<Operation> {
        match self {
            Self::Pull => Some(Operation::Pull),
            Self::Push => Some(Operation::Push),
            Self::Any => None,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum AccountCommand {
    /// Add an account: the same as `login`
    Add(Box<LoginArguments>),
    /// Show accounts in full
    Show {
        /// The registry, or an alias on any registry [default: all]
        #[arg(value_name = "HOST")]
        host: Option<String>,
        /// The account, by alias or user name
        #[arg(value_name = "ACCOUNT")]
        account: Option<String>,
    },
    /// Change an account's alias, images, folders, hosts, operation or callers
    #[command(visible_alias = "set")]
    Edit(AccountEdit),
}

#[derive(Args, Debug)]
pub(super) struct AccountEdit {
    /// The registry, or an alias that only one registry has
    #[arg(value_name = "HOST")]
    pub(super) host: String,
    /// The account, by alias or user name
    #[arg(value_name = "ACCOUNT")]
    pub(super) account: Option<String>,
    /// Set a new alias
    #[arg(long, value_name = "ALIAS", value_parser = alias)]
    pub(super) alias: Option<String>,
    /// Use the account for these images; '+PATTERN' adds some
    #[arg(long, value_name = "PATTERN", alias = "image")]
    pub(super) images: Vec<String>,
    /// Use the account for the images of its own namespace
    #[arg(long, conflicts_with = "images")]
    pub(super) no_images: bool,
    /// Use the account in this folder; '+FOLDER' adds one
    #[arg(long, value_name = "FOLDER", alias = "folders", value_parser = NonEmptyStringValueParser::new())]
    pub(super) folder: Vec<String>,
    /// Remove all folders of the account
    #[arg(long, conflicts_with = "folder")]
    pub(super) no_folders: bool,
    /// Use the account for this other host; '+HOST' adds one
    #[arg(long, value_name = "HOST")]
    pub(super) also: Vec<String>,
    /// Remove all other hosts of the account
    #[arg(long, conflicts_with = "also")]
    pub(super) no_also: bool,
    /// Set what the account is used for
    #[arg(long = "for", value_name = "OPERATION")]
    pub(super) purpose: Option<PurposeArgument>,
    #[command(flatten)]
    pub(super) callers: CallerArguments,
}

impl CommandLine {
    /// Parses `words`, which do not include the program's name. Help and errors call the program `program`.
    pub(super) fn parse_from_words(program: &str, words: &[std::ffi::OsString]) -> Result<Self, UsageError> {
        let mut command = Self::tree(program);
        let all = std::iter::once(program.into()).chain(words.iter().cloned());
        let parsed = command.try_get_matches_from_mut(all).and_then(|matches| {
            <Self as clap::FromArgMatches>::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
        });
        parsed.map_err(|error| UsageError::new(error, program, words))
    }
}

/// Parses an alias. It cannot begin with `-`: `logout -x` would read it as an option, and `switch -` selects the
/// previous account.
fn alias(text: &str) -> Result<String, &'static str> {
    if text.starts_with('-') { Err("an alias cannot begin with `-`") } else { Ok(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_fit_together() {
        CommandLine::tree("ensign").debug_assert();
    }
}
