//! The arguments of `login --borrow`.

use clap::Args;

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
    /// Cache secrets that have no expiry for this long, such as 10m [default: not at all]
    #[arg(long, value_name = "TIME", requires = "external_program", hide_short_help = true)]
    pub(in crate::cli) cache: Option<String>,
    /// The command that prints the secret, for `--borrow command`
    #[arg(last = true, hide_short_help = true, value_name = "COMMAND", requires = "external_program")]
    pub(in crate::cli) command: Vec<String>,
}
