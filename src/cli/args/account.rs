//! The arguments of `status`, `switch`, `account`, `grant` and `public`.

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand, ValueEnum};

use super::{LoginArguments, alias};
use crate::model::{AccountName, Operation};

const STATUS_HELP: &str = "Exit codes: 0 no problems; 3 an account is missing, or needs attention
With --expiring: 0 no secret expires; 1 some could not be read; 6 some expire, or have expired";

#[derive(Args, Debug)]
#[command(after_help = STATUS_HELP)]
pub(in crate::cli) struct StatusArguments {
    /// Show only this registry
    #[arg(value_name = "HOST")]
    pub(in crate::cli) host: Option<String>,
    /// List only the accounts that expire within TIME, such as 12h or 7d
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) expiring: Option<String>,
}

#[derive(Args, Debug)]
#[command(
    after_help = "A switch takes effect at once, even for running commands. Set ENSIGN_ACCOUNT for a command that must keep its account."
)]
pub(in crate::cli) struct SwitchArguments {
    /// The registry [default: the one with several accounts]
    #[arg(value_name = "HOST")]
    pub(in crate::cli) host: Option<String>,
    /// The account, by alias or user name; `-` for the previous one
    #[arg(value_name = "ACCOUNT", allow_hyphen_values = true)]
    pub(in crate::cli) account: Option<String>,
}

/// The value of `account edit --for`. `any` allows both operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum PurposeArgument {
    Pull,
    Push,
    Any,
}

impl PurposeArgument {
    pub(in crate::cli) fn operation(self) -> Option<Operation> {
        match self {
            Self::Pull => Some(Operation::Pull),
            Self::Push => Some(Operation::Push),
            Self::Any => None,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AccountCommand {
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
pub(in crate::cli) struct AccountEdit {
    /// The registry, or an alias that only one registry has
    #[arg(value_name = "HOST")]
    pub(in crate::cli) host: String,
    /// The account, by alias or user name
    #[arg(value_name = "ACCOUNT")]
    pub(in crate::cli) account: Option<String>,
    /// Set a new alias
    #[arg(long, value_name = "ALIAS", value_parser = alias)]
    pub(in crate::cli) alias: Option<AccountName>,
    /// Use the account for these images; '+PATTERN' adds some
    #[arg(long, value_name = "PATTERN", alias = "image")]
    pub(in crate::cli) images: Vec<String>,
    /// Use the account for the images of its own namespace
    #[arg(long, conflicts_with = "images")]
    pub(in crate::cli) no_images: bool,
    /// Use the account in this folder; '+FOLDER' adds one
    #[arg(long, value_name = "FOLDER", alias = "folders", value_parser = NonEmptyStringValueParser::new())]
    pub(in crate::cli) folder: Vec<String>,
    /// Remove all folders of the account
    #[arg(long, conflicts_with = "folder")]
    pub(in crate::cli) no_folders: bool,
    /// Use the account for this other host; '+HOST' adds one
    #[arg(long, value_name = "HOST")]
    pub(in crate::cli) also: Vec<String>,
    /// Remove all other hosts of the account
    #[arg(long, conflicts_with = "also")]
    pub(in crate::cli) no_also: bool,
    /// Set what the account is used for
    #[arg(long = "for", value_name = "OPERATION")]
    pub(in crate::cli) purpose: Option<PurposeArgument>,
    #[command(flatten)]
    pub(in crate::cli) callers: CallerArguments,
}

#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Who may ask")]
pub(in crate::cli) struct CallerArguments {
    /// Allow only this program: a client such as docker, or an absolute path; '+PROGRAM' adds; may be repeated
    #[arg(long, value_name = "PROGRAM", hide_short_help = true, alias = "programs")]
    pub(in crate::cli) program: Vec<String>,
    /// Allow every program
    #[arg(long, conflicts_with = "program", hide_short_help = true)]
    pub(in crate::cli) no_programs: bool,
    /// Require a caller with a terminal
    #[arg(long, value_name = "NEED", hide_short_help = true)]
    pub(in crate::cli) terminal: Option<Requirement>,
    /// Allow or refuse coding agents
    #[arg(long, value_name = "MAY", hide_short_help = true)]
    pub(in crate::cli) agents: Option<AgentRule>,
    /// Require a grant (see `grant`)
    #[arg(long, value_name = "NEED", hide_short_help = true)]
    pub(in crate::cli) grant: Option<Requirement>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Requirement {
    Required,
    Optional,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum AgentRule {
    Allowed,
    Refused,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct GrantArguments {
    /// The registry, or an alias that only one registry has
    #[arg(value_name = "HOST")]
    pub(in crate::cli) host: String,
    /// The account, by alias or user name [default: the registry's only one]
    #[arg(value_name = "ACCOUNT")]
    pub(in crate::cli) account: Option<String>,
    /// How long, such as 90s, 15m or 2h; 12h at most
    #[arg(long = "for", value_name = "TIME", default_value = "15m")]
    pub(in crate::cli) span: String,
    /// End the grant
    #[arg(long, conflicts_with = "span")]
    pub(in crate::cli) end: bool,
}

const PUBLIC_HELP: &str = "Images named here are pulled without an account, so an expired login cannot break them.
An account with a more specific pattern still answers. Pushes still use an account. Without arguments, `public` lists the public images.";

#[derive(Args, Debug)]
#[command(after_help = PUBLIC_HELP)]
pub(in crate::cli) struct PublicArguments {
    #[command(subcommand)]
    pub(in crate::cli) command: Option<PublicCommand>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum PublicCommand {
    /// List the public images
    List,
    /// Add public images
    Add {
        /// Images or patterns, such as alpine or 'ghcr.io/acme/public/**'
        #[arg(value_name = "IMAGE", required = true)]
        images: Vec<String>,
    },
    /// Remove public images
    Remove {
        /// Images or patterns, as `list` shows them
        #[arg(value_name = "IMAGE", required = true)]
        images: Vec<String>,
    },
}
