//! Runs another program on Ensign's terminal, in place of Ensign or as its child.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use super::{env, programs};

/// Runs `command` with an additional environment variable. On Unix `command` replaces this process, so the function
/// returns only after a failure.
#[expect(clippy::disallowed_methods, reason = "runs a program that the user named, as a shell does")]
pub(crate) fn exec(command: &[OsString], variable: &str, value: &str) -> Result<ExitCode> {
    let [program, words @ ..] = command else { bail!("no command was given") };
    let run = locate(program).and_then(|path| {
        let mut process = Command::new(path);
        process.args(words).env(variable, value);
        imp::set_name(&mut process, program);
        imp::run(process)
    });
    run.with_context(|| format!("could not run `{}`", program.to_string_lossy()))
}

/// Runs a command on this terminal, waits for its end and returns its exit code.
#[expect(clippy::disallowed_methods, reason = "the user saw the command and agreed")]
pub(crate) fn run_here(command: &[&OsStr]) -> Result<Option<i32>> {
    let [program, words @ ..] = command else { bail!("no command was given") };
    let run = locate(program).and_then(|path| Command::new(path).args(words).status());
    Ok(run.with_context(|| format!("could not run `{}`", program.to_string_lossy()))?.code())
}

/// Starts the first command whose program is installed, and does not wait for the command's end.
#[expect(clippy::disallowed_methods, reason = "programs are looked up as everywhere, and get no data of Ensign")]
pub(crate) fn start_first(commands: impl IntoIterator<Item = Command>) -> bool {
    commands.into_iter().any(|command| {
        locate(command.get_program()).is_ok_and(|path| {
            let mut process = Command::new(path);
            process.args(command.get_args()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            process.spawn().is_ok()
        })
    })
}

/// Returns the program's file. A bare name is looked up in the absolute folders of `PATH`. A name with a separator is a
/// path and is not looked up.
fn locate(program: &OsStr) -> io::Result<PathBuf> {
    let path = Path::new(program);
    if path.components().count() > 1 || path.has_root() {
        return Ok(if path.is_absolute() {
            path.to_owned()
        } else {
            env::current_dir().unwrap_or_default().join(path)
        });
    }
    let name = program.to_string_lossy();
    let name = if cfg!(windows) { name.trim_end_matches(".exe") } else { &*name };
    let found = programs::find(name).or_else(|| programs::find_file(name));
    found.ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, "there is no such program in an absolute folder of PATH")
    })
}

#[cfg(unix)]
mod imp {
    use std::os::unix::process::CommandExt;

    /// Sets the program's name (`argv[0]`) to the name that the person typed, as a shell does.
    pub(super) fn set_name(process: &mut std::process::Command, name: &std::ffi::OsStr) {
        process.arg0(name);
    }

    pub(super) fn run(mut process: std::process::Command) -> std::io::Result<std::process::ExitCode> {
        Err(process.exec())
    }
}

#[cfg(not(unix))]
mod imp {
    use std::process::ExitCode;

    pub(super) fn set_name(_: &mut std::process::Command, _: &std::ffi::OsStr) {}

    pub(super) fn run(mut process: std::process::Command) -> std::io::Result<ExitCode> {
        let code = process.status()?.code().and_then(|code| u8::try_from(code).ok());
        Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
    }
}
