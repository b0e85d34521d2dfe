//! The words of the commands that read and write the files of Docker and its family.

use clap::Args;

#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that people type")]
pub(in crate::cli) struct ConfigureDocker {
    /// The registries [default: those with accounts]
    #[arg(value_name = "HOST")]
    pub(in crate::cli) hosts: Vec<String>,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Take Ensign out again
    #[arg(long, conflicts_with = "hosts")]
    pub(in crate::cli) undo: bool,
    /// Take over registries that another helper serves
    #[arg(long, conflicts_with = "undo")]
    pub(in crate::cli) force: bool,
    /// Take over plain-text logins: they become accounts and leave Docker's file
    #[arg(long, conflicts_with = "undo")]
    pub(in crate::cli) import: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct Pin {
    /// The account's alias [left out: shows what is pinned]
    #[arg(value_name = "ALIAS")]
    pub(in crate::cli) alias: Option<String>,
    /// Remove the program again
    #[arg(long, requires = "alias")]
    pub(in crate::cli) remove: bool,
    /// The folder of the program [default: where docker-credential-ensign is on PATH]
    #[arg(long, value_name = "FOLDER")]
    pub(in crate::cli) folder: Option<String>,
}
