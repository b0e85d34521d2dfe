//! Rehearsals: starts our own program as a client does, to see its answer.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Result;

use super::{ProgramCall, ProgramOutput, STORE_LIMIT, Stdin, imp, run_child};

/// Runs `program` with `verb` below a process with the command line `client`, except on Windows. The program gets our
/// environment and writes no journal. It does not treat its start by us as a recursion.
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
    let (env, stdin) = (BTreeMap::new(), Stdin::Bytes(input));
    run_child(
        command,
        &ProgramCall { program, arguments: &[], env: &env, env_remove: &[], stdin, limit: STORE_LIMIT, deadline },
    )
}

/// A shell with the client's name. Docker takes the shell's `-c SCRIPT` for an option of its own, before the client's
/// own arguments.
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "programs are run in this folder")]
fn below(client: &[&str], program: &Path, verb: &str) -> Command {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new("/bin/sh");
    let (name, words) = client.split_first().unwrap_or((&"sh", &[]));
    let script = format!("{} {verb}; exit $?", crate::system::text::quote(&program.to_string_lossy()));
    command.arg0(name).arg("-c").arg(script).args(words);
    command
}

/// On Windows a process has the name of its program's file, so a shell cannot take a client's name. The program is
/// called without a shell.
#[cfg(not(unix))]
#[expect(clippy::disallowed_methods, reason = "programs are run in this folder")]
fn below(_: &[&str], program: &Path, verb: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(verb);
    command
}
