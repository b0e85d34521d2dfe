//! The words of `public`.

use clap::{Args, Subcommand};

const AFTER: &str = "An image that is named here is pulled without an account: a login that ran out cannot break it.
Pushes are as before. Without arguments, `public` lists them.";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(in crate::cli) struct PublicArguments {
    #[command(subcommand)]
    pub(in crate::cli) command: Option<PublicCommand>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum PublicCommand {
    /// List them
    List,
    /// Say that images need no account
    Add {
        /// Images or patterns, such as alpine or 'ghcr.io/acme/public/**'
        #[arg(value_name = "IMAGE", required = true)]
        images: Vec<String>,
    },
    /// Take that back
    Remove {
        /// Images or patterns, as `list` shows them
        #[arg(value_name = "IMAGE", required = true)]
        images: Vec<String>,
    },
}
