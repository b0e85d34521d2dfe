//! The words of `login` and `logout`.

use clap::Args;

use super::{Borrow, Callers, DeviceLogin};
use crate::model::Operation;

#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that people type")]
pub(in crate::cli) struct Login {
    /// The registry [asked for if left out]
    #[arg(value_name = "HOST")]
    pub(in crate::cli) host: Option<String>,
    /// The user name at the registry
    #[arg(short, long, value_name = "NAME")]
    pub(in crate::cli) username: Option<String>,
    /// Read the password or token from stdin
    #[arg(long)]
    pub(in crate::cli) password_stdin: bool,
    /// Your own label for the account [default: the user name]
    #[arg(long, value_name = "ALIAS", value_parser = super::alias)]
    pub(in crate::cli) alias: Option<String>,
    /// Images the account is for, in place of what it had; '+PATTERN' adds; may be repeated [default: its own namespace]
    #[arg(long, value_name = "PATTERN", alias = "image")]
    pub(in crate::cli) images: Vec<String>,
    /// Use it for this alone, pull or push; another login can be for the other
    #[arg(long = "for", value_name = "OPERATION")]
    pub(in crate::cli) purpose: Option<Operation>,
    /// Make it the account that answers by default
    #[arg(long)]
    pub(in crate::cli) activate: bool,
    /// Keep the login without asking the registry
    #[arg(long)]
    pub(in crate::cli) no_verify: bool,
    /// Allow any certificate and plain http, as insecure-registries does in Docker
    #[arg(long)]
    pub(in crate::cli) plain_http: bool,
    /// Where to keep the secret: sealed, file (in clear text), or helper:NAME for docker-credential-NAME
    #[arg(long, value_name = "STORE")]
    pub(in crate::cli) store: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) callers: Callers,
    #[command(flatten)]
    pub(in crate::cli) browser: DeviceLogin,
    #[command(flatten)]
    pub(in crate::cli) borrow: Borrow,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct Logout {
    /// The registry
    #[arg(value_name = "HOST")]
    pub(in crate::cli) host: String,
    /// The account, by alias or user name
    #[arg(value_name = "ACCOUNT")]
    pub(in crate::cli) account: Option<String>,
    /// The same
    #[arg(short, long, value_name = "NAME", visible_alias = "alias", conflicts_with = "account")]
    pub(in crate::cli) username: Option<String>,
    /// Remove all accounts of the registry
    #[arg(long, conflicts_with_all = ["account", "username"])]
    pub(in crate::cli) all: bool,
    /// Remove the account also if its store does not give the secret up
    #[arg(long)]
    pub(in crate::cli) force: bool,
}
