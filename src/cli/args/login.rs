//! The arguments of `login` and `logout`.

use clap::Args;

use super::{CallerArguments, DeviceLoginArguments, ExternalSourceArguments};
use crate::accounts::store_words;
use crate::model::Operation;

#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each bool is a flag that people type")]
pub(in crate::cli) struct LoginArguments {
    /// The registry, optionally with a namespace [default: ask]
    #[arg(value_name = "HOST")]
    pub(in crate::cli) host: Option<String>,
    /// Refused. The option exists so that the refusal can be explained.
    #[arg(short, long, hide = true, num_args = 0..=1, default_missing_value = "", value_parser = dropped)]
    pub(in crate::cli) password: Option<()>,
    /// The user name at the registry
    #[arg(short, long, value_name = "NAME")]
    pub(in crate::cli) username: Option<String>,
    /// Read the password or token from stdin
    #[arg(long)]
    pub(in crate::cli) password_stdin: bool,
    /// Set your own label for the account [default: NAME]
    #[arg(long, value_name = "ALIAS", value_parser = super::alias)]
    pub(in crate::cli) alias: Option<String>,
    /// Use the account for these images [default: NAME/**]
    ///
    /// '+PATTERN' adds a pattern to the others. May be repeated.
    #[arg(long, value_name = "PATTERN", alias = "image")]
    pub(in crate::cli) images: Vec<String>,
    /// Use the account for one operation only: pull or push
    #[arg(long = "for", value_name = "OPERATION", hide_short_help = true)]
    pub(in crate::cli) purpose: Option<Operation>,
    /// Make this the default account
    #[arg(long, hide_short_help = true)]
    pub(in crate::cli) activate: bool,
    /// Let Docker and Podman ask Ensign, without confirmation
    #[arg(long)]
    pub(in crate::cli) configure_docker: bool,
    /// Save the login without checking it
    #[arg(long, hide_short_help = true)]
    pub(in crate::cli) no_verify: bool,
    /// Allow any certificate and plain http, as insecure-registries does in Docker
    #[arg(long, hide_short_help = true)]
    pub(in crate::cli) plain_http: bool,
    #[arg(
        long, value_name = "STORE", hide_short_help = true,
        help = format!("Where to keep the secret: {}", store_words())
    )]
    pub(in crate::cli) store: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) callers: CallerArguments,
    #[command(flatten)]
    pub(in crate::cli) browser: DeviceLoginArguments,
    #[command(flatten)]
    pub(in crate::cli) external: ExternalSourceArguments,
}

/// Drops a typed password, so that it is not stored in the arguments.
#[expect(clippy::unnecessary_wraps, reason = "clap requires a parser that can fail")]
fn dropped(_: &str) -> Result<(), std::convert::Infallible> {
    Ok(())
}

#[derive(Args, Debug)]
pub(in crate::cli) struct LogoutArguments {
    /// The registry
    #[arg(value_name = "HOST")]
    pub(in crate::cli) host: String,
    /// The account, by alias or user name
    #[arg(value_name = "ACCOUNT")]
    pub(in crate::cli) account: Option<String>,
    /// The account, by user name
    #[arg(short, long, value_name = "NAME", visible_alias = "alias", conflicts_with = "account")]
    pub(in crate::cli) username: Option<String>,
    /// Remove all accounts of the registry, after a question
    #[arg(long, conflicts_with_all = ["account", "username"])]
    pub(in crate::cli) all: bool,
    /// Do not ask
    #[arg(short, long)]
    pub(in crate::cli) yes: bool,
    /// Remove the account even if its secret cannot be removed
    #[arg(long)]
    pub(in crate::cli) force: bool,
}
