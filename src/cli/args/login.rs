//! The arguments of `login` and `logout`.

use clap::Args;

use super::CallerArguments;
use crate::accounts::store_words;
use crate::model::{AccountName, Operation};

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
    pub(in crate::cli) alias: Option<AccountName>,
    /// Set the account's images [default: NAME/**, ALIAS/**]
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

#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Login by browser")]
pub(in crate::cli) struct DeviceLoginArguments {
    /// Log in with a code in a browser, on any machine
    #[arg(long, help_heading = None::<&str>, conflicts_with = "password_stdin")]
    pub(in crate::cli) device: bool,
    /// The identity provider, by name [default: the registry's]
    #[arg(long, value_name = "NAME", requires = "device", hide_short_help = true)]
    pub(in crate::cli) provider: Option<String>,
    /// The issuer URL of the identity provider
    #[arg(long, value_name = "URL", requires = "device", hide_short_help = true)]
    pub(in crate::cli) issuer: Option<String>,
    /// The client id that is registered at the provider
    #[arg(long, value_name = "ID", requires = "device", hide_short_help = true)]
    pub(in crate::cli) client_id: Option<String>,
    /// The OAuth scope to ask for
    #[arg(long, value_name = "SCOPE", requires = "device", hide_short_help = true)]
    pub(in crate::cli) scope: Option<String>,
    /// The organisation's tenant at Microsoft Entra
    #[arg(long, value_name = "TENANT", requires = "device", hide_short_help = true)]
    pub(in crate::cli) tenant: Option<String>,
    /// Show the link without opening it
    #[arg(long, hide_short_help = true)]
    pub(in crate::cli) no_browser: bool,
    /// Show the link as a QR code too
    #[arg(long, hide_short_help = true)]
    pub(in crate::cli) qr: bool,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Credentials from another program")]
pub(in crate::cli) struct ExternalSourceArguments {
    /// Get the secret from a program such as aws, gh or pass
    ///
    /// Ensign asks this program each time. Known: aws, gcloud, az, gh, glab, op, pass, vault, command, and helper:NAME
    /// for docker-credential-NAME
    #[arg(long = "borrow", help_heading = None::<&str>, value_name = "PROGRAM", conflicts_with = "password_stdin", requires = "host")]
    pub(in crate::cli) external_program: Option<String>,
    /// aws: the profile; gcloud: the configuration; az: the subscription; op: the account
    #[arg(long, value_name = "NAME", requires = "external_program", hide_short_help = true)]
    pub(in crate::cli) profile: Option<String>,
    /// op, pass, vault: where the secret is
    #[arg(long, value_name = "ITEM", requires = "external_program", hide_short_help = true)]
    pub(in crate::cli) item: Option<String>,
    /// vault: the field of the item
    #[arg(long, value_name = "FIELD", requires = "external_program", hide_short_help = true)]
    pub(in crate::cli) field: Option<String>,
    /// Set a variable for the program, such as the folder of its config; may be repeated
    #[arg(long, value_name = "NAME=VALUE", requires = "external_program", hide_short_help = true)]
    pub(in crate::cli) env: Vec<String>,
    /// Cache secrets for at most this long, such as 10m; 12h is the limit [default: only secrets with an expiry]
    #[arg(long, value_name = "TIME", requires = "external_program", hide_short_help = true)]
    pub(in crate::cli) cache: Option<String>,
    /// The command that prints the secret, for `--borrow command`
    #[arg(last = true, hide_short_help = true, value_name = "COMMAND", requires = "external_program")]
    pub(in crate::cli) command: Vec<String>,
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
    /// Remove a secret that has no account, as `status` names it
    #[arg(long, value_name = "NAME", conflicts_with_all = ["account", "username", "all", "force"])]
    pub(in crate::cli) left_over: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    pub(in crate::cli) yes: bool,
    /// Remove the account even if its secret cannot be removed
    #[arg(long)]
    pub(in crate::cli) force: bool,
}
