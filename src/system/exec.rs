//! Handing over to another program: it runs in our place, with our terminal and under our exit code.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

/// Runs `command` with one more variable. Where the platform can, this process becomes it and nothing is returned.
#[expect(clippy::disallowed_methods, reason = "a person named the program: it is run as a shell would")]
pub(crate) fn hand_over(command: &[OsString], variable: &str, value: &str) -> Result<ExitCode> {
    let [program, words @ ..] = command else { bail!("no command was given") };
    let mut process = std::process::Command::new(program);
    process.args(words).env(variable, value);
    imp::run(process).with_context(|| format!("could not run `{}`", program.to_string_lossy()))
}

#[cfg(unix)]
mod imp {
    use std::os::unix::process::CommandExt;

    pub(super) fn run(mut process: std::process::Command) -> std::io::Result<std::process::ExitCode> {
        Err(process.exec())
    }
}

#[cfg(not(unix))]
mod imp {
    use std::process::ExitCode;

    pub(super) fn run(mut process: std::process::Command) -> std::io::Result<ExitCode> {
        let code = process.status()?.code().and_then(|code| u8::try_from(code).ok());
        Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
    }
}
