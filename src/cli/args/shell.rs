//! The words of the commands for one shell, one command or one folder: `use`, `exec`, `prompt`, `trust`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::system::env;

#[derive(Args, Debug)]
pub(in crate::cli) struct Use {
    /// `ghcr.io=work quay.io=me`, or one alias for every registry that has it
    #[arg(value_name = "HOST=ACCOUNT", required_unless_present = "none")]
    pub(in crate::cli) accounts: Vec<String>,
    /// Back to the accounts that are chosen without it
    #[arg(long, conflicts_with = "accounts")]
    pub(in crate::cli) none: bool,
    /// The shell the line is for; sh is all POSIX shells [default: the one in $SHELL]
    #[arg(long, value_name = "SHELL")]
    pub(in crate::cli) shell: Option<UseShell>,
}

/// Shells that set a variable in the same words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum UseShell {
    #[value(aliases = ["bash", "zsh", "dash", "ksh"])]
    Sh,
    Fish,
    #[value(alias = "pwsh")]
    Powershell,
}

impl UseShell {
    pub(in crate::cli) fn of_environment() -> Self {
        match env::path("SHELL").as_deref().and_then(|path| path.file_stem()?.to_str()) {
            Some("fish") => Self::Fish,
            Some("pwsh") => Self::Powershell,
            None if cfg!(windows) => Self::Powershell,
            _ => Self::Sh,
        }
    }
}

#[derive(Args, Debug)]
#[command(after_help = "Exit codes: those of the command; 126 it cannot be run; 127 it is not there")]
pub(in crate::cli) struct Exec {
    /// `ghcr.io=work`, or an alias for every registry that has it; may be repeated
    #[arg(short, long, value_name = "ACCOUNT", required = true)]
    pub(in crate::cli) account: Vec<String>,
    /// The command and its words
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(in crate::cli) command: Vec<std::ffi::OsString>,
}

#[derive(Args, Debug)]
#[command(after_help = "The file names an alias for each registry:\n  [accounts]\n  \"ghcr.io\" = \"work\"\n\n\
    It counts in its folder and below, until its path or content changes.")]
pub(in crate::cli) struct Trust {
    /// The file or its folder [default: the nearest, here or above]
    #[arg(value_name = "PATH")]
    pub(in crate::cli) path: Option<PathBuf>,
    /// Show what is trusted
    #[arg(long, conflicts_with_all = ["path", "revoke", "yes"])]
    pub(in crate::cli) list: bool,
    /// Trust it no more
    #[arg(long, conflicts_with = "yes")]
    pub(in crate::cli) revoke: bool,
    /// Do not ask
    #[arg(short, long)]
    pub(in crate::cli) yes: bool,
}
