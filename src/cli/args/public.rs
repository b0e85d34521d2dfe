//! The arguments of `public`.

use clap::{Args, Subcommand};

const AFTER: &str = "Images named here are pulled without an account, so an expired login cannot break them.
Pushes still use an account. Without arguments, `public` lists the public images.";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
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
