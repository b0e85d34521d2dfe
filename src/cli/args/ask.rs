//! The words of the commands that ask: `which`, `check`, `token`.

use clap::Args;

#[derive(Args, Debug)]
pub(in crate::cli) struct Which {
    /// An image, or a registry
    #[arg(value_name = "IMAGE")]
    pub(in crate::cli) image: String,
    /// As if this command asked, such as 'docker push ghcr.io/acme/app'
    #[arg(long = "as", value_name = "COMMAND")]
    pub(in crate::cli) command: Option<String>,
}

const EXIT_CODES: &str = "Exit codes: 0 it may; 1 not known; 2 wrong usage; 3 no account, or rejected; 4 it may not; \
    5 the registry did not look at the password";

#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(in crate::cli) struct Check {
    /// An image, or a registry
    #[arg(value_name = "IMAGE")]
    pub(in crate::cli) image: String,
    /// May it pull the image? Asked if nothing else is
    #[arg(long, conflicts_with = "push")]
    pub(in crate::cli) pull: bool,
    /// May it push to the image's repository? Nothing is uploaded
    #[arg(long)]
    pub(in crate::cli) push: bool,
    /// Speak plain http to the registry, also if it is not on this machine
    #[arg(long)]
    pub(in crate::cli) plain_http: bool,
}

#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(in crate::cli) struct Token {
    /// An image
    #[arg(value_name = "IMAGE")]
    pub(in crate::cli) image: String,
    /// A token to push too, not only to pull
    #[arg(long)]
    pub(in crate::cli) push: bool,
    /// Speak plain http to the registry, also if it is not on this machine
    #[arg(long)]
    pub(in crate::cli) plain_http: bool,
}
