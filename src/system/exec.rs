//! Runs another program on Ensign's terminal, in place of Ensign or as its child.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use super::{env, programs};

/// Runs `command` with an additional environment variable. On Unix `command` replaces this process, so the function
/// returns only after a failure.
#[expect(clippy::disallowed_methods, reason = "runs the command that the user typed")]
pub(crate) fn exec(command: &[OsString], variable: &str, value: &str) -> Result<ExitCode> {
    let [program, words @ ..] = command else { bail!("no command was given") };
    let run = locate(program).and_then(|path| {
        let mut process = Command::new(path);
        process.args(words).env(variable, value);
        run(process, program)
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

/// Starts the first command whose program can be run, and does not wait for its end. Returns whether a command was
/// started.
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
        return Ok(env::current_dir().unwrap_or_default().join(path));
    }
    let name = program.to_string_lossy();
    let name = if cfg!(windows) { name.trim_end_matches(".exe") } else { &*name };
    programs::find_file(name).ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, "there is no such program in an absolute folder of PATH")
    })
}

/// Replaces this process by `process`. The program gets the name (`argv[0]`) that the person typed, as in a shell.
#[cfg(unix)]
fn run(mut process: Command, name: &OsStr) -> io::Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(process.arg0(name).exec())
}

#[cfg(not(unix))]
fn run(mut process: Command, _: &OsStr) -> io::Result<ExitCode> {
    let code = process.status()?.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
