//! Runs another program on Ensign's terminal, in place of Ensign or as its child.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

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

/// Starts the first command that does not fail at once, and does not wait for its end. Returns whether there is one.
#[expect(clippy::disallowed_methods, reason = "programs are looked up as everywhere, and get no data of Ensign")]
pub(crate) fn start_first(commands: impl IntoIterator<Item = Command>) -> bool {
    commands.into_iter().any(|command| {
        locate(command.get_program()).is_ok_and(|path| {
            let mut process = Command::new(path);
            process.args(command.get_args()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            for (name, value) in command.get_envs() {
                value.map(|value| process.env(name, value));
            }
            process.spawn().is_ok_and(|child| !fails_at_once(child))
        })
    })
}

/// Waits a moment for a program's failure. A launcher without a program to launch fails at once.
fn fails_at_once(mut child: Child) -> bool {
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(250) {
        match child.try_wait() {
            Ok(Some(status)) => return !status.success(),
            Ok(None) => std::thread::sleep(Duration::from_millis(5)),
            Err(_) => return false,
        }
    }
    false
}

/// Returns the program's file. A bare name is looked up in the absolute folders of `PATH`. A name with a separator is a
/// path and is not looked up.
fn locate(program: &OsStr) -> io::Result<PathBuf> {
    let path = Path::new(program);
    if path.components().count() > 1 || path.has_root() {
        return Ok(env::current_dir().unwrap_or_default().join(path));
    }
    programs::find_file(&program.to_string_lossy()).ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, "there is no such program in an absolute folder of PATH")
    })
}

/// Replaces this process by `process`. The program gets the name (`argv[0]`) that the person typed, as in a shell.
#[cfg(unix)]
fn run(mut process: Command, name: &OsStr) -> io::Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(process.arg0(name).exec())
}

/// Waits for the end of `process` and ends with its exit code, which has 32 bits on Windows.
#[cfg(not(unix))]
#[expect(clippy::exit, reason = "an `ExitCode` has 8 bits only")]
fn run(mut process: Command, _: &OsStr) -> io::Result<ExitCode> {
    match process.status()?.code() {
        Some(code) => std::process::exit(code),
        None => Ok(ExitCode::FAILURE),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "`start_first` runs these commands")]
    fn the_first_launcher_that_does_not_fail_gets_its_variables() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("opened");
        let launcher = |script: &str| {
            let mut command = Command::new("sh");
            command.arg("-c").arg(script).arg(&file).env("TARGET", "https://a.example");
            command
        };
        let write = "printf %s \"$TARGET\" >\"$0\"";
        assert!(start_first([Command::new("no-such-program"), launcher("exit 3"), launcher(write), launcher("rm $0")]));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "https://a.example");
        assert!(!start_first([launcher("exit 3")]));
        assert!(start_first([launcher("sleep 1")]));
    }
}
