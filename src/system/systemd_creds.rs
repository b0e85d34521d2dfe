//! Seals a small secret with `systemd-creds`. The secret can be opened only on the same machine, with the machine's TPM
//! if there is one.
//!
//! A secret of root is sealed for the system. A secret of another user is sealed for this user, which needs systemd
//! 256.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use zeroize::Zeroizing;

use super::programs::{self, ProgramCall, ProgramOutput, Stdin};
use super::text::one_line;
use crate::model::Problem;

/// The paths of `systemd-creds` on most systems. `PATH` is not searched, because the program gets the secret.
const PROGRAMS: [&str; 3] =
    ["/usr/bin/systemd-creds", "/bin/systemd-creds", "/run/current-system/sw/bin/systemd-creds"];

/// Seals a secret, which can be opened only with the same `name`.
pub(crate) fn encrypt(name: &str, secret: &[u8], deadline: Duration) -> Result<Vec<u8>> {
    let sealed = run(&program()?, "encrypt", name, secret, deadline)?;
    Ok(sealed.to_vec())
}

/// Opens a secret that this user sealed with `name` on this machine.
pub(crate) fn decrypt(name: &str, sealed: &[u8], deadline: Duration) -> Result<Zeroizing<Vec<u8>>> {
    run(&program()?, "decrypt", name, sealed, deadline)
}

fn program() -> Result<PathBuf, Problem> {
    let found = PROGRAMS.iter().map(PathBuf::from).find(|path| programs::is_program(path));
    found.ok_or_else(|| Problem::new("`systemd-creds` is not installed", "use another holder of the key"))
}

fn run(program: &Path, verb: &str, name: &str, input: &[u8], deadline: Duration) -> Result<Zeroizing<Vec<u8>>> {
    let name = format!("--name={name}");
    let words = ["--user", verb, &name, "-", "-"];
    let arguments = if programs::is_root() { &words[1..] } else { &words };
    let env_remove: Vec<_> = super::env::ours().collect();
    let usual = ProgramCall::new(program, arguments, deadline);
    let call = ProgramCall { env_remove: &env_remove, stdin: Stdin::Bytes(input), ..usual };
    let ProgramOutput { success, stdout, stderr, .. } = programs::call(&call)?;
    if success { Ok(stdout) } else { Err(failed(verb, &String::from_utf8_lossy(&stderr)).into()) }
}

/// Explains a failure of `systemd-creds`. The messages of `systemd-creds` mention only files, keys and errors, but no
/// secrets.
fn failed(verb: &str, stderr: &str) -> Problem {
    if stderr.contains("unrecognized option") {
        let message = "before systemd 256 only root can use `systemd-creds`";
        return Problem::new(message, "use another holder of the key");
    }
    let last = stderr.trim().trim_end_matches('.').lines().last().unwrap_or("no reason is given");
    let message = format!("`systemd-creds {verb}` failed: {}", one_line(last, 200));
    Problem::new(message, "run `systemd-creds has-tpm2` to see what this machine has")
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::system::files::{self, Access};

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn the_secret_goes_through_a_pipe_and_a_failure_is_explained() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("systemd-creds");
        let ask = |script: &str, deadline| {
            files::replace(&program, format!("#!/bin/sh\n{script}\n").as_bytes(), Access::Private).unwrap();
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
            match run(&program, "decrypt", "ensign.key", b"s3cret", deadline) {
                Ok(answer) => String::from_utf8_lossy(&answer).into_owned(),
                Err(error) => format!("{error:#}"),
            }
        };
        let user = if programs::is_root() { "" } else { "--user " };
        assert_eq!(ask("echo \"$@\"; cat", LONG), format!("{user}decrypt --name=ensign.key - -\ns3cret"));
        let old = ask("echo \"systemd-creds: unrecognized option '--user'\" >&2; exit 1", LONG);
        assert!(old.starts_with("before systemd 256 only root can use `systemd-creds`: "), "{old}");
        let other = ask("echo note >&2; echo 'Failed to decrypt: Bad message' >&2; exit 1", LONG);
        assert!(other.starts_with("`systemd-creds decrypt` failed: Failed to decrypt: Bad message: "), "{other}");
        let slow = ask("sleep 30", Duration::from_secs(1));
        assert!(slow.ends_with("no answer in 1 second"), "{slow}");
    }
}
