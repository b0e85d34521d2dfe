//! The words people type: clap's types and nothing else. The home of `clap` and `clap_complete`.

mod ask;
mod borrow;
mod browser;
mod callers;
mod complete;
mod docker;
mod doctor;
mod login;
mod public;
mod shell;
mod store;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

pub(super) use clap::error::ErrorKind;
pub(super) use clap_complete::Shell;

use crate::model::Operation;

pub(super) use ask::{Api, Check, Token, Which, Why};
pub(super) use borrow::Borrow;
pub(super) use browser::DeviceLogin;
pub(super) use callers::{Agents, Callers, Grant, Need};
pub(super) use complete::Next;
pub(super) use docker::{BuildxCommand, BuildxSync, ConfigureDocker, Export, ExportFormat, Import, Pin, Route};
pub(super) use doctor::Doctor;
pub(super) use login::{Login, Logout};
pub(super) use public::{Public, PublicCommand};
pub(super) use shell::{Exec, Trust, Use, UseShell};
pub(super) use store::{Store, StoreCommand, StoreKey, StoreMove, Unlock};

/// One Docker credential helper for all your registries and all your accounts on each of them.
#[derive(Debug, Parser)]
#[command(
    name = "docker-credential-ensign",
    disable_version_flag = true,
    subcommand_required = true,
    infer_long_args = false,
    help_template = "{usage-heading} {usage}\n\n{about}\n\n{all-args}\n\n\
        Docker asks Ensign by itself once `configure-docker` has been run. HOST is a registry such as ghcr.io."
)]
pub(super) struct Arguments {
    /// Print JSON on stdout
    #[arg(long, global = true, display_order = 100)]
    pub(super) json: bool,
    /// Tell on stderr what registries are asked and answer, without secrets
    #[arg(long, global = true, display_order = 101)]
    pub(super) verbose: bool,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Add an account, or renew its password or token
    Login(Box<Login>),
    /// Remove an account and its secret
    Logout(Logout),
    /// Show accounts, what each is used for, and whether Docker asks Ensign
    Status(Status),
    /// Find what is wrong with this machine's logins, what that breaks, and the command that mends it
    Doctor(Doctor),
    /// Change the account that answers by default
    Switch(Switch),
    /// Show an account, or change its alias, images, folders, what it is for and who may ask
    #[command(subcommand)]
    Account(AccountCommand),
    /// Hand an account that needs a grant out to callers for a while
    Grant(Grant),
    /// Show which account answers for an image, and why
    Which(Which),
    /// Show what the last calls were answered, and why
    Why(Why),
    /// List the images that need no account, or change that list
    Public(Public),
    /// Ask the registry whether the account of an image is still good, and what it may do there
    Check(Check),
    /// Print a bearer token for an image's repository, for scripts
    Token(Token),
    /// Make one request to a registry's API as the account that answers there
    Api(Api),
    /// Make Docker, Podman, Buildah and Skopeo ask Ensign
    ConfigureDocker(ConfigureDocker),
    /// Make a program that answers as one account only, for tools that can name a program but no account
    Pin(Pin),
    /// Let one build pull with one account and push with another
    #[command(subcommand)]
    Buildx(BuildxCommand),
    /// Print the line that makes this shell use an account: eval "$(ensign use ghcr.io=work)"
    Use(Use),
    /// Run one command as an account: ensign exec --account work -- docker compose push
    Exec(Exec),
    /// Let the .ensign.toml of a folder name the accounts that are used there
    Trust(Trust),
    /// Print the account of this shell or folder for a shell's prompt, if one is set
    Prompt,
    /// Turn logins of Docker, Podman, Finch, helm, ATCR or another helper into accounts
    Import(Import),
    /// Write logins down for those who cannot ask Ensign: a Kubernetes pull secret, an auth.json, a CI job
    Export(Export),
    /// Let another helper answer for a registry or for the hosts of a pattern, or show who does
    Route(Route),
    /// Show or choose where secrets are kept, move them, and say who holds the key of the sealed ones
    Store(Store),
    /// Open the key of the sealed secrets for a while
    Unlock(Unlock),
    /// Close the key of the sealed secrets
    Lock,
    /// Put back the last good copy of a damaged config, and move damaged secrets aside
    Restore,
    /// Say how this copy of Ensign is updated
    Update,
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the version
    Version,
}

const STATUS_HELP: &str = "Examples:
  status                      all accounts
  status --expiring 7d        for scripts: those that a person must renew within a week

Exit codes: 0 all is well; 3 an account is missing, or needs you
With --expiring: 0 none expires; 1 some could not be read; 6 some expire, or have expired";

#[derive(Args, Debug)]
#[command(after_help = STATUS_HELP)]
pub(super) struct Status {
    /// Only this registry
    #[arg(value_name = "HOST")]
    pub(super) host: Option<String>,
    /// List only the accounts that expire within TIME, such as 12h or 7d
    #[arg(long, value_name = "TIME")]
    pub(super) expiring: Option<String>,
}

#[derive(Args, Debug)]
#[command(after_help = "Commands that are running already go on with the account they began with.")]
pub(super) struct Switch {
    /// The registry [may be left out if only one has several accounts, or the account]
    #[arg(value_name = "HOST")]
    pub(super) host: Option<String>,
    /// The account, by alias or user name; `-` for the one before [two accounts toggle, more are a menu]
    #[arg(value_name = "ACCOUNT", allow_hyphen_values = true)]
    pub(super) account: Option<String>,
}

/// `--for`, where it can be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Purpose {
    Pull,
    Push,
    Any,
}

impl Purpose {
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
    Add(Box<Login>),
    /// Show accounts in full
    Show {
        /// The registry, or an alias wherever it is [default: all]
        #[arg(value_name = "HOST")]
        host: Option<String>,
        /// The account, by alias or user name
        #[arg(value_name = "ACCOUNT")]
        account: Option<String>,
    },
    /// Change an account's alias, images, folders, what it is for, or who may ask
    #[command(visible_alias = "set")]
    Edit(AccountEdit),
}

#[derive(Args, Debug)]
pub(super) struct AccountEdit {
    /// The registry; without ACCOUNT, one with a single account, or an account that only one registry has
    #[arg(value_name = "HOST")]
    pub(super) host: String,
    /// The account, by alias or user name
    #[arg(value_name = "ACCOUNT")]
    pub(super) account: Option<String>,
    /// A new label
    #[arg(long, value_name = "ALIAS", value_parser = alias)]
    pub(super) alias: Option<String>,
    /// Images the account is for, in place of what it had; '+PATTERN' adds; may be repeated
    #[arg(long, value_name = "PATTERN", alias = "image")]
    pub(super) images: Vec<String>,
    /// Back to the images of its own namespace
    #[arg(long, conflicts_with = "images")]
    pub(super) no_images: bool,
    /// A folder in which the account is used, in place of what it had; '+FOLDER' adds; may be repeated
    #[arg(long, value_name = "FOLDER", alias = "folders", value_parser = NonEmptyStringValueParser::new())]
    pub(super) folder: Vec<String>,
    /// No folders
    #[arg(long, conflicts_with = "folder")]
    pub(super) no_folders: bool,
    /// Another host that the account answers for, in place of those it had; '+HOST' adds; may be repeated
    #[arg(long, value_name = "HOST")]
    pub(super) also: Vec<String>,
    /// No other hosts
    #[arg(long, conflicts_with = "also")]
    pub(super) no_also: bool,
    /// What the account is used for
    #[arg(long = "for", value_name = "OPERATION")]
    pub(super) purpose: Option<Purpose>,
    #[command(flatten)]
    pub(super) callers: Callers,
}

impl Arguments {
    /// Parses `words`, which do not hold the program's name; `program` is what help and errors call it.
    pub(super) fn parse_from_words(program: &str, words: Vec<std::ffi::OsString>) -> Result<Self, clap::Error> {
        let program = program.to_owned();
        let mut command = Self::command().bin_name(program.clone());
        let matches = command.try_get_matches_from_mut(std::iter::once(program.into()).chain(words))?;
        <Self as clap::FromArgMatches>::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }

    /// The whole help, as plain text.
    pub(super) fn help(program: &str) -> String {
        Self::command().bin_name(program.to_owned()).render_help().to_string()
    }

    pub(super) fn completions(shell: Shell, program: &str) -> Vec<u8> {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Self::command(), program, &mut script);
        script
    }
}

/// `logout -x` would read such an alias as its option, and `switch -` means the account before.
fn alias(text: &str) -> Result<String, &'static str> {
    if text.starts_with('-') { Err("an alias cannot begin with `-`") } else { Ok(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_fit_together() {
        Arguments::command().debug_assert();
    }
}
