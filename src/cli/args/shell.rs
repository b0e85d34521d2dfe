//! The arguments of commands for one shell, one command or one folder: `use`, `exec`, `prompt`, `trust`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::system::{ancestors, env};

#[derive(Args, Debug)]
#[command(after_help = "bash, zsh:   eval \"$(ensign use ghcr.io=work)\"\n\
    fish:        ensign use ghcr.io=work | source\n\
    PowerShell:  ensign use ghcr.io=work | Invoke-Expression")]
pub(in crate::cli) struct UseArguments {
    /// `ghcr.io=work quay.io=me`, or one alias for every registry that has it
    #[arg(value_name = "HOST=ACCOUNT", required_unless_present = "none")]
    pub(in crate::cli) accounts: Vec<String>,
    /// Print the line that unsets `ENSIGN_ACCOUNT`
    #[arg(long, conflicts_with = "accounts")]
    pub(in crate::cli) none: bool,
    /// The shell that reads the line; sh is any POSIX shell [default: the calling shell, else $SHELL]
    #[arg(long, value_name = "SHELL")]
    pub(in crate::cli) shell: Option<UseShell>,
}

/// A group of shells with the same syntax for setting a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum UseShell {
    #[value(aliases = ["bash", "zsh", "dash", "ksh"])]
    Sh,
    Fish,
    #[value(alias = "pwsh")]
    Powershell,
}

impl UseShell {
    /// Returns the shell that started Ensign, because that shell reads the printed line. If the caller is not a known
    /// shell, returns the login shell in `$SHELL`.
    pub(in crate::cli) fn of_caller() -> Self {
        let mut programs = ancestors::all().filter_map(|process| process.exe.or(Some(process.words.first()?.into())));
        let asks = programs.find(|program| name(program) != "docker"); // docker starts our plugin
        let login = env::path("SHELL");
        let known =
            asks.as_deref().and_then(Self::from_program).or_else(|| login.as_deref().and_then(Self::from_program));
        known.unwrap_or(if login.is_none() && cfg!(windows) { Self::Powershell } else { Self::Sh })
    }

    fn from_program(program: &Path) -> Option<Self> {
        match name(program).as_str() {
            "fish" => Some(Self::Fish),
            "pwsh" | "powershell" => Some(Self::Powershell),
            "sh" | "ash" | "bash" | "busybox" | "dash" | "ksh" | "mksh" | "zsh" => Some(Self::Sh),
            _ => None,
        }
    }
}

fn name(program: &Path) -> String {
    let name = program.file_stem().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    name.trim_start_matches('-').to_owned() // a login shell's name begins with `-`
}

#[derive(Args, Debug)]
#[command(after_help = "Exit codes: the command's own; 126 the command cannot be run; 127 the command was not found")]
pub(in crate::cli) struct ExecArguments {
    /// `ghcr.io=work`, or an alias for every registry that has it; may be repeated
    #[arg(short, long, value_name = "ACCOUNT", required = true)]
    pub(in crate::cli) account: Vec<String>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(in crate::cli) command: Vec<std::ffi::OsString>,
}

#[derive(Args, Debug)]
#[command(after_help = "The file names an alias for each registry:\n  [accounts]\n  \"ghcr.io\" = \"work\"\n\n\
    The file applies in its folder and below, until its path or content changes.")]
pub(in crate::cli) struct TrustArguments {
    /// The file or its folder [default: the nearest, here or above]
    #[arg(value_name = "PATH")]
    pub(in crate::cli) path: Option<PathBuf>,
    /// List the trusted files
    #[arg(long, conflicts_with_all = ["path", "revoke", "yes"])]
    pub(in crate::cli) list: bool,
    /// Stop trusting the file
    #[arg(long, conflicts_with = "yes")]
    pub(in crate::cli) revoke: bool,
    /// Do not ask
    #[arg(short, long)]
    pub(in crate::cli) yes: bool,
}
