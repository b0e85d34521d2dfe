//! Reads Ensign's ancestor processes from `/proc` (proc(5)).

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::iter;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};
use std::process::id;

use super::{Ancestors, Process};

/// The maximum number of bytes that are read from a file in `/proc`. Linux limits a command's arguments to a few MiB, a
/// quarter of the stack's limit.
const LIMIT: u64 = 16 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lineage {
    parent: u32,
    /// The process's start time, in clock ticks after the system's start.
    started: u64,
}

/// Yields Ensign's ancestor processes, parent first. The iterator ends without an error at a process that has ended or
/// is hidden (`hidepid`, another pid namespace). The processes above the parent are read on demand, because a `get`
/// seldom needs them.
pub(crate) fn all() -> impl Iterator<Item = Process> {
    let parent = parent_id();
    let mut last = None;
    let above = iter::from_fn(move || {
        let (process, lineage) = read_above(last.or_else(|| read_parents_lineage(parent))?)?;
        last = Some(lineage);
        Some(Some(process))
    });
    iter::once_with(move || read_parent(parent)).chain(above).map_while(|process| process).fuse()
}

/// Reads at most `at_most` ancestors. The chain is whole if its last process has no parent. A process has no parent if
/// it is the system's first process, or if it was started in a container from outside.
pub(super) fn to_the_top(at_most: usize) -> Ancestors {
    let parent = parent_id();
    let (mut processes, mut has_parent) = (Vec::new(), true);
    let mut next = read_parent(parent).zip(read_parents_lineage(parent));
    while processes.len() < at_most
        && let Some((process, lineage)) = next
    {
        processes.push(process);
        has_parent = lineage.parent != 0;
        next = read_above(lineage);
    }
    Ancestors { processes, is_whole: !has_parent && is_our_proc() }
}

/// Tells whether `/proc` shows Ensign's own pid namespace. In the `/proc` of another namespace, the process numbers
/// refer to other processes.
fn is_our_proc() -> bool {
    fs::read_link("/proc/self").is_ok_and(|link| link.as_os_str() == id().to_string().as_str())
}

fn read_parent(parent: u32) -> Option<Process> {
    read_process(parent).filter(|_| is_parent(parent))
}

fn read_parents_lineage(parent: u32) -> Option<Lineage> {
    read_lineage(parent).filter(|_| is_parent(parent))
}

/// Tells whether `process` is still Ensign's parent. After the parent's end another process may get its number.
fn is_parent(process: u32) -> bool {
    parent_id() == process
}

/// Reads the parent of a process. If the process with the parent's number is younger than the child, the parent has
/// ended and its number was reused.
fn read_above(child: Lineage) -> Option<(Process, Lineage)> {
    let pid = Some(child.parent).filter(|pid| *pid != 0)?;
    let lineage = read_lineage(pid).filter(|parent| parent.started <= child.started)?;
    Some((read_process(pid)?, lineage))
}

/// Reads a process; `None` for a kernel process, because kernel processes have no command line.
fn read_process(pid: u32) -> Option<Process> {
    let words = read(format!("/proc/{pid}/cmdline").into()).filter(|words| !words.is_empty())?;
    let exe = fs::read_link(format!("/proc/{pid}/exe")).ok().map(|exe| as_it_was(&exe));
    Some(Process { id: pid, exe, words: split(&words) })
}

/// Tells whether a process has a terminal; `None` if unknown.
pub(crate) fn has_terminal(process: u32) -> Option<bool> {
    terminal(&String::from_utf8_lossy(&read(format!("/proc/{process}/stat").into())?))
}

/// Returns the working directory of a process.
pub(crate) fn folder(process: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{process}/cwd")).ok()
}

/// Returns the environment variables at a process's start, each as `NAME=VALUE`; `None` if the variables are hidden.
pub(crate) fn variables(process: u32) -> Option<Vec<OsString>> {
    let bytes = read(format!("/proc/{process}/environ").into())?;
    let variables = bytes.split(|byte| *byte == 0).filter(|variable| !variable.is_empty());
    Some(variables.map(|variable| OsString::from_vec(variable.to_vec())).collect())
}

fn read_lineage(process: u32) -> Option<Lineage> {
    lineage(&String::from_utf8_lossy(&read(format!("/proc/{process}/stat").into())?))
}

/// Reads the parent (field 4) and the start time (field 22) from `stat`. The fields are counted from the end of the
/// process's name, because the name may contain any character.
fn lineage(stat: &str) -> Option<Lineage> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let parent = fields.nth(1)?.parse().ok()?;
    Some(Lineage { parent, started: fields.nth(17)?.parse().ok()? })
}

/// Tells whether field 7 of `stat` is the number of a terminal.
fn terminal(stat: &str) -> Option<bool> {
    let number: i64 = stat.rsplit_once(')')?.1.split_whitespace().nth(4)?.parse().ok()?;
    Some(number != 0)
}

/// Removes ` (deleted)` from the path of a program. The kernel appends this text if the program's file was replaced
/// while the program ran, for example by an update.
fn as_it_was(exe: &Path) -> PathBuf {
    exe.to_str().and_then(|exe| exe.strip_suffix(" (deleted)")).map_or(exe, Path::new).to_owned()
}

/// Splits a command line into words. Bytes that are not UTF-8 become `\u{fffd}`, which no image name contains.
fn split(words: &[u8]) -> Vec<String> {
    let words = words.strip_suffix(&[0]).unwrap_or(words);
    words.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// Reads a file without asking for its size first, because files in `/proc` report no size.
fn read(path: PathBuf) -> Option<Vec<u8>> {
    let mut contents = Vec::with_capacity(4096);
    File::open(path).and_then(|file| file.take(LIMIT).read_to_end(&mut contents)).ok()?;
    Some(contents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_in_stat_may_hold_anything() {
        let stat = "42 (a b) c) S 7 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 1234 5 6";
        assert_eq!(lineage(stat), Some(Lineage { parent: 7, started: 1234 }));
        assert_eq!(lineage("42 (x) S"), None);
        assert_eq!(
            (terminal(stat), terminal("42 (x) S 7 42 42 34816 -1"), terminal("42 (x) S")),
            (Some(false), Some(true), None)
        );
    }

    #[test]
    fn empty_words_and_foreign_bytes_stay_in_their_places() {
        assert_eq!(split(b"docker\0-e\0\0x\xff\0"), ["docker", "-e", "", "x\u{fffd}"]);
    }
}
