//! Running another program: no shell, a deadline, bounded output, and no going round in circles.

use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::env;

/// What a program left behind.
pub(crate) struct Output {
    pub(crate) success: bool,
    pub(crate) stdout: Vec<u8>,
}

/// Set for the programs we start: if one of them starts us again, we do not start it again.
const GUARD: &str = "ENSIGN_IS_ASKING";

const OUTPUT_LIMIT: u64 = 16 << 20;

/// Runs `program` with `input` on its stdin and waits until `deadline` at most; then it is killed.
///
/// Its stderr is dropped: it may hold secrets, and what we print is our own.
#[expect(clippy::disallowed_methods, reason = "this file is where programs are run")]
pub(crate) fn run(program: &str, argument: &str, input: &[u8], deadline: Duration) -> Result<Output> {
    if env::variable(GUARD).is_some() {
        bail!("`{program}` asked Ensign, which would ask `{program}` again");
    }
    let mut child = std::process::Command::new(program)
        .arg(argument)
        .env(GUARD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("could not run `{program}`"))?;
    let result = talk(&mut child, input, deadline);
    if result.is_err() {
        let _ = child.kill();
        let _ = child.wait();
    }
    result.with_context(|| format!("could not ask `{program}`"))
}

fn talk(child: &mut Child, input: &[u8], deadline: Duration) -> Result<Output> {
    let started = Instant::now();
    let (mut stdin, stdout) = (child.stdin.take().context("no stdin")?, child.stdout.take().context("no stdout")?);
    let input = zeroize::Zeroizing::new(input.to_vec());
    // A program that ends without reading breaks the pipe; its answer counts all the same.
    std::thread::spawn(move || stdin.write_all(&input));
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut output = Vec::new();
        let read = stdout.take(OUTPUT_LIMIT).read_to_end(&mut output);
        sender.send(read.map(|_| output))
    });
    let Ok(stdout) = receiver.recv_timeout(deadline) else { bail!("no answer in {} seconds", deadline.as_secs()) };
    let stdout = stdout.context("could not read its answer")?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Output { success: status.success(), stdout });
        }
        if started.elapsed() >= deadline {
            bail!("it did not end in {} seconds", deadline.as_secs());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
