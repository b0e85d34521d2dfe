//! Runs another program without a shell. The program's time and output are limited, and a recursion of Ensign is
//! prevented.

mod listing;
mod lookup;
mod rehearsal;
#[cfg(unix)]
mod unix;
#[cfg(not(unix))]
mod windows;

pub(crate) use listing::named;
pub(crate) use lookup::{find, find_file, find_on, is_program};

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use zeroize::Zeroizing;

use super::ancestors::{self, Process};
use super::{client_env, env, threads};
use crate::model::{HelperName, count};
pub(crate) use imp::is_root;
pub(crate) use rehearsal::rehearse;
#[cfg(unix)]
use unix as imp;
#[cfg(not(unix))]
use windows as imp;

/// A program to run, with its input and limits.
pub(crate) struct ProgramCall<'c> {
    pub(crate) program: &'c Path,
    pub(crate) arguments: &'c [&'c str],
    /// Variables to set for the program. The program also inherits Ensign's environment without the variables in
    /// `env_remove`.
    pub(crate) env: &'c BTreeMap<String, String>,
    pub(crate) env_remove: &'c [String],
    pub(crate) stdin: Stdin<'c>,
    /// The maximum size of the program's stdout in bytes. Longer output is an error.
    pub(crate) limit: usize,
    pub(crate) deadline: Duration,
}

impl<'c> ProgramCall<'c> {
    /// Creates a call with Ensign's own environment, no input, and at most 1 MiB of output.
    pub(crate) fn new(program: &'c Path, arguments: &'c [&'c str], deadline: Duration) -> Self {
        static NO_VARIABLES: BTreeMap<String, String> = BTreeMap::new();
        let (env, limit) = (&NO_VARIABLES, 1 << 20);
        Self { program, arguments, env, env_remove: &[], stdin: Stdin::Closed, limit, deadline }
    }
}

/// The program's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stdin<'c> {
    Closed,
    Bytes(&'c [u8]),
    /// Ensign's terminal, on which the program may ask a person.
    Terminal,
}

/// The result of a program that has ended.
pub(crate) struct ProgramOutput {
    pub(crate) success: bool,
    /// The exit code; `None` if a signal ended the program.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Zeroizing<Vec<u8>>,
    /// The end of the program's stderr, which may contain secrets.
    pub(crate) stderr: Zeroizing<Vec<u8>>,
}

/// The variable that Ensign sets for every program that it starts. An Ensign that is started with this variable starts
/// no other program.
const GUARD: &str = "ENSIGN_IS_ASKING";

/// How many ancestor processes are searched for a recursion.
const CHAIN_AT_MOST: usize = 16;

const STORE_LIMIT: usize = 16 << 20;

/// How many bytes of a program's stderr are kept.
const LAST_WORDS: usize = 2 << 10;

/// The longest wait for the end of stdout after the program has ended. Another process may hold the pipe open for
/// longer.
const GRACE: Duration = Duration::from_millis(300);

/// The longest wait for the end of stderr after a program has failed.
const LAST_WORDS_GRACE: Duration = Duration::from_secs(1);

/// Runs `program` with one argument, and with `input` on its stdin. Ensign's own variables are not passed to the
/// program.
pub(crate) fn run(program: &Path, argument: &str, input: &[u8], deadline: Duration) -> Result<ProgramOutput> {
    let env_remove: Vec<_> = env::ours().collect();
    let (stdin, limit) = (Stdin::Bytes(input), STORE_LIMIT);
    call(&ProgramCall { env_remove: &env_remove, stdin, limit, ..ProgramCall::new(program, &[argument], deadline) })
}

/// Runs a program with the argument `version` and returns its output; `None` if the program fails. A program prints its
/// version at once or never.
pub(crate) fn version_text(program: &Path) -> Option<String> {
    let answer = call(&ProgramCall::new(program, &["version"], Duration::from_secs(2)));
    let output = answer.ok().filter(|output| output.success)?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program and returns its output. A program that runs beyond the deadline is killed with its children.
#[expect(clippy::disallowed_methods, reason = "`system::programs` is where programs are run")]
pub(crate) fn call(call: &ProgramCall<'_>) -> Result<ProgramOutput> {
    let name = call.program.display();
    if would_recurse() {
        bail!("`{name}` asked Ensign, which would ask `{name}` again");
    }
    let mut command = Command::new(call.program);
    // A client may have read variables such as `LD_PRELOAD` or `AWS_CONFIG_FILE` from a project's file. A program that
    // Ensign starts gets the values from the client's start instead.
    for change in client_env::changes() {
        match &change.at_start {
            Some(value) => command.env(&change.name, value),
            None => command.env_remove(&change.name),
        };
    }
    for variable in call.env_remove {
        command.env_remove(variable);
    }
    command.args(call.arguments).envs(call.env).env(GUARD, "1").stdout(Stdio::piped()).stderr(Stdio::piped());
    command.stdin(match call.stdin {
        Stdin::Closed => Stdio::null(),
        Stdin::Bytes(_) => Stdio::piped(),
        Stdin::Terminal => Stdio::inherit(),
    });
    if call.stdin != Stdin::Terminal {
        imp::lead_a_group(&mut command); // only Ensign's own process group can read the terminal
    }
    run_child(command, call)
}

/// Starts a program and waits for its end. A program that runs beyond the deadline is killed with its children.
fn run_child(mut command: Command, call: &ProgramCall<'_>) -> Result<ProgramOutput> {
    let name = call.program.display();
    let mut child = command.spawn().with_context(|| format!("could not run `{name}`"))?;
    let result = communicate(&mut child, call);
    if result.is_err() {
        if call.stdin != Stdin::Terminal {
            imp::kill_group(&child);
        }
        let _ = child.kill();
        let _ = child.wait();
    }
    result.with_context(|| format!("could not ask `{name}`"))
}

/// Tells whether `path` is Ensign's own program file, or a link to this file.
pub(crate) fn is_this_program(path: &Path) -> bool {
    std::env::current_exe().is_ok_and(|ours| is_same_program(path, &ours))
}

/// Tells whether both paths lead to the same file.
pub(crate) fn is_same_program(path: &Path, other: &Path) -> bool {
    let Ok(other) = other.canonicalize() else { return false };
    path.canonicalize().is_ok_and(|path| path == other)
        || matches!((path.metadata(), other.metadata()), (Ok(path), Ok(other)) if imp::is_same_file(&path, &other))
}

/// Tells whether this Ensign was called by a program that another Ensign had started. The ancestor processes are also
/// searched, because the program may not have passed on its environment.
pub(crate) fn would_recurse() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    // An ancestor `ensign exec` or `ensign doctor` is not a recursion. On Windows `ensign exec` waits for its command,
    // but asks no helper itself. `ensign doctor` starts Ensign as a client does.
    let is_bystander = |process: &Process| process.words.iter().any(|word| word == "exec" || word == "doctor");
    let is_asking = |process: Process| is_ours(&process) && !is_bystander(&process);
    *ANSWER.get_or_init(|| env::present(GUARD).is_some() || ancestors::all().take(CHAIN_AT_MOST).any(is_asking))
}

/// Tells whether a process is Ensign. If a process keeps its memory private, only root can read the path of its program
/// file. Other users can read only the name of the process.
fn is_ours(process: &Process) -> bool {
    match &process.exe {
        Some(exe) => is_this_program(exe),
        None => {
            process.words.first().is_some_and(|name| is_our_name(Path::new(name)) || is_this_program(Path::new(name)))
        }
    }
}

/// Tells whether a program's file has one of Ensign's names.
pub(crate) fn is_our_name(program: &Path) -> bool {
    let name = program.file_stem().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    matches!(name.as_str(), "ensign" | "docker-ensign")
        || name.strip_prefix("docker-credential-").is_some_and(HelperName::is_reserved)
}

fn communicate(child: &mut Child, call: &ProgramCall<'_>) -> Result<ProgramOutput> {
    let ends = Instant::now() + call.deadline;
    if let (Stdin::Bytes(input), Some(mut stdin)) = (call.stdin, child.stdin.take()) {
        let input = Zeroizing::new(input.to_vec());
        // A program may end without reading its input. An error of the write is ignored, because the program's answer
        // is still valid.
        threads::start(move || stdin.write_all(&input))?;
    }
    let stdout = Collector::start(child.stdout.take().context("no stdout")?, StreamPart::First(call.limit))?;
    let stderr = Collector::start(child.stderr.take().context("no stderr")?, StreamPart::Last(LAST_WORDS))?;
    let mut is_over = false;
    let status = loop {
        is_over = is_over || stdout.is_over(Duration::from_millis(5)); // after closing its output, a program ends soon
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() >= ends {
            bail!("no answer in {}", count(call.deadline.as_secs(), "second"));
        }
        if is_over {
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    if !is_over {
        stdout.is_over(GRACE);
    }
    // After a success the wait is short, because a child process of the program may hold the pipe open. After a failure
    // the wait is longer, because the reason may be printed late.
    let grace = if status.success() { Duration::from_millis(50) } else { LAST_WORDS_GRACE };
    stderr.is_over(grace.min(ends.saturating_duration_since(Instant::now())));
    let output =
        ProgramOutput { success: status.success(), code: status.code(), stdout: stdout.take(), stderr: stderr.take() };
    if output.stdout.len() > call.limit {
        bail!("the answer is longer than {} KiB", call.limit >> 10);
    }
    Ok(output)
}

/// Which part of a stream is kept.
#[derive(Clone, Copy)]
enum StreamPart {
    /// The first bytes are kept, up to this limit. Any byte beyond the limit shows that the output is too long.
    First(usize),
    Last(usize),
}

/// Reads a stream on a separate thread.
struct Collector {
    bytes: Arc<Mutex<Zeroizing<Vec<u8>>>>,
    end: Receiver<()>,
}

impl Collector {
    fn start(mut stream: impl Read + Send + 'static, part: StreamPart) -> io::Result<Self> {
        let bytes = Arc::new(Mutex::new(Zeroizing::new(Vec::with_capacity(8 << 10))));
        let (sender, end) = mpsc::channel();
        let collected = Arc::clone(&bytes);
        threads::start(move || {
            let mut chunk = Zeroizing::new([0_u8; 8 << 10]);
            loop {
                let read = match stream.read(&mut *chunk) {
                    Ok(0) => break,
                    Ok(read) => read,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(_) => break, // the stream ends at an error
                };
                let mut collected = collected.lock().unwrap_or_else(PoisonError::into_inner);
                collected.extend_from_slice(&chunk[..read]);
                match part {
                    StreamPart::First(limit) if collected.len() > limit => break, // closes the pipe
                    StreamPart::Last(limit) if collected.len() > limit => {
                        let surplus = collected.len() - limit;
                        collected.drain(..surplus);
                    }
                    StreamPart::First(_) | StreamPart::Last(_) => {}
                }
            }
            let _ = sender.send(());
        })?;
        Ok(Self { bytes, end })
    }

    /// Waits at most `patience` for the stream's end, and tells whether the stream has ended.
    fn is_over(&self, patience: Duration) -> bool {
        !matches!(self.end.recv_timeout(patience), Err(RecvTimeoutError::Timeout))
    }

    fn take(&self) -> Zeroizing<Vec<u8>> {
        std::mem::take(&mut self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sh(script: &str, stdin: Stdin<'_>, deadline: Duration) -> Result<ProgramOutput> {
        let env = BTreeMap::from([("ADDED".to_owned(), "yes".to_owned())]);
        let env_remove = ["REMOVED".to_owned(), "HOME".to_owned()];
        let (program, arguments) = (Path::new("/bin/sh"), ["-c", script]);
        let usual = ProgramCall::new(program, &arguments, deadline);
        call(&ProgramCall { env: &env, env_remove: &env_remove, stdin, limit: 1 << 10, ..usual })
    }

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn the_answer_is_kept_apart_from_what_the_program_says() {
        for (script, stdin, code, stdout, stderr) in [
            ("echo err >&2; sleep 0.1; echo out", Stdin::Closed, Some(0), "out\n", "err\n"),
            ("echo out; echo err >&2; exit 1", Stdin::Closed, Some(1), "out\n", "err\n"),
            ("(sleep 0.2; echo late >&2) >&- & exit 1", Stdin::Closed, Some(1), "", "late\n"),
            ("cat", Stdin::Bytes(b"ghcr.io"), Some(0), "ghcr.io", ""),
            ("cat", Stdin::Closed, Some(0), "", ""),
            ("exit 3", Stdin::Bytes(b"never read"), Some(3), "", ""),
            ("kill -9 $$", Stdin::Closed, None, "", ""),
            ("echo $ADDED ${HOME-none} ${ENSIGN_IS_ASKING}", Stdin::Closed, Some(0), "yes none 1\n", ""),
            ("echo out; sleep 30 &", Stdin::Closed, Some(0), "out\n", ""),
        ] {
            let output = sh(script, stdin, LONG).unwrap();
            let streams = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            assert_eq!((output.code, streams), (code, [stdout.to_owned(), stderr.to_owned()]), "{script}");
        }
    }

    #[test]
    fn output_without_end_is_bounded() {
        let error = sh("yes", Stdin::Closed, LONG).map(|_| ()).unwrap_err();
        assert_eq!(format!("{error:#}"), "could not ask `/bin/sh`: the answer is longer than 1 KiB");
        let output = sh("yes 0123456 | head -c 100000 >&2; echo end >&2", Stdin::Closed, LONG).unwrap();
        assert_eq!(output.stderr.len(), LAST_WORDS);
        assert!(output.stderr.ends_with(b"0123456\nend\n"));
    }

    #[test]
    fn what_takes_too_long_is_killed_with_what_it_started() {
        let mark = format!("{}.5", 300 + std::process::id());
        let error =
            sh(&format!("sleep {mark}; echo late"), Stdin::Closed, Duration::from_secs(1)).map(|_| ()).unwrap_err();
        assert_eq!(format!("{error:#}"), "could not ask `/bin/sh`: no answer in 1 second");
        let left = || sh(&format!("ps -eo args | grep -c '^sleep {mark}'"), Stdin::Closed, LONG).unwrap();
        assert_eq!(String::from_utf8_lossy(&left().stdout), "0\n");
    }

    #[test]
    fn links_to_this_program_are_this_program() {
        let ours = std::env::current_exe().unwrap();
        let folder = tempfile::tempdir_in(ours.parent().unwrap()).unwrap();
        let (soft, hard) = (folder.path().join("soft"), folder.path().join("hard"));
        std::os::unix::fs::symlink(&ours, &soft).unwrap();
        std::fs::hard_link(&ours, &hard).unwrap();
        assert!(
            [&ours, &soft, &hard].iter().all(|path| is_this_program(path)) && !is_this_program(Path::new("/bin/sh"))
        );
    }
}
