//! Starts Ensign's own program as a client does, so that `doctor` can check the answer.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Result;

use super::{ProgramCall, ProgramOutput, STORE_LIMIT, Stdin, imp, run_child};

/// Runs `program` with `verb` as the child of a process that has the name and the arguments in `client`. On Windows
/// `program` is run directly. The program inherits Ensign's environment, writes no journal, and does not report a
/// recursion.
pub(crate) fn rehearse(
    client: &[&str],
    program: &Path,
    verb: &str,
    input: &[u8],
    deadline: Duration,
) -> Result<ProgramOutput> {
    let mut command = below(client, program, verb);
    imp::lead_a_group(&mut command);
    command.env("ENSIGN_JOURNAL", "off").current_dir(std::path::MAIN_SEPARATOR_STR);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let (stdin, limit) = (Stdin::Bytes(input), STORE_LIMIT);
    run_child(command, &ProgramCall { stdin, limit, ..ProgramCall::new(program, &[], deadline) })
}

/// Returns a command that runs a shell under the client's name. The shell's `-c SCRIPT` comes before the client's own
/// arguments, where Ensign parses it as Docker's option `-c CONTEXT`.
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "`system::programs` is where programs are run")]
fn below(client: &[&str], program: &Path, verb: &str) -> Command {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new("/bin/sh");
    let (name, words) = client.split_first().unwrap_or((&"sh", &[]));
    let script = format!("{} {verb}; exit $?", crate::system::text::quote_path(program));
    command.arg0(name).arg("-c").arg(script).args(words);
    command
}

/// Returns the program's command without a shell. On Windows a process always has the name of its program's file, so a
/// shell cannot have a client's name.
#[cfg(not(unix))]
#[expect(clippy::disallowed_methods, reason = "`system::programs` is where programs are run")]
fn below(_: &[&str], program: &Path, verb: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(verb);
    command
}
