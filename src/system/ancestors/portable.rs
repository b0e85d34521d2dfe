//! Reads Ensign's ancestor processes with the crate `sysinfo`. Only this file uses `sysinfo`.

use std::ffi::OsString;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

use super::{Ancestors, Process};

pub(crate) fn all() -> impl Iterator<Item = Process> {
    let mut system = System::new().ok();
    let this = sysinfo::get_current_pid().ok();
    let mut child = system.as_mut().zip(this).and_then(|(system, this)| read(system, this, nothing()).map(lineage));
    std::iter::from_fn(move || {
        let (system, below) = system.as_mut().zip(child.take())?;
        let pid = below.parent?;
        let kind = nothing().with_cmd(UpdateKind::Always).with_exe(UpdateKind::Always);
        let process = read(system, pid, kind)?;
        if process.start_time() > below.started {
            return None; // the parent has ended, and its number was reused
        }
        child = Some(lineage(process));
        let words = process.cmd().iter().map(text).collect();
        Some(Process { id: pid.as_u32(), exe: process.exe().map(Path::to_owned), words })
    })
}

/// Reads at most `at_most` ancestors. The chain is not whole if the parent of its last process is hidden. On macOS a
/// hidden first process is ignored, because macOS always hides the system's first process. On Windows any missing
/// parent is ignored, because parents may have ended long ago.
pub(super) fn to_the_top(at_most: usize) -> Ancestors {
    let processes: Vec<Process> = all().take(at_most).collect();
    let is_whole = processes.len() < at_most && processes.last().is_some_and(|last| !has_hidden_parent(last.id));
    Ancestors { processes, is_whole }
}

fn has_hidden_parent(process: u32) -> bool {
    let Ok(mut system) = System::new() else { return true };
    read(&mut system, Pid::from_u32(process), nothing())
        .is_none_or(|process| process.parent().is_some_and(|parent| parent.as_u32() > 1 && !cfg!(windows)))
}

/// Checks Ensign's own terminal, because a client and Ensign share a terminal.
pub(crate) fn has_terminal(_: u32) -> Option<bool> {
    match File::open(if cfg!(windows) { "CONIN$" } else { "/dev/tty" }) {
        Ok(_) => Some(true),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => None,
        Err(_) => Some(false),
    }
}

pub(crate) fn folder(process: u32) -> Option<PathBuf> {
    let mut system = System::new().ok()?;
    Some(read(&mut system, Pid::from_u32(process), nothing().with_cwd(UpdateKind::Always))?.cwd()?.to_owned())
}

/// Returns the environment variables at a process's start. On Windows the present values are returned.
pub(crate) fn variables(process: u32) -> Option<Vec<OsString>> {
    let mut system = System::new().ok()?;
    let kind = nothing().with_environ(UpdateKind::Always);
    let variables = read(&mut system, Pid::from_u32(process), kind)?.environ();
    if variables.is_empty() { None } else { Some(variables.to_vec()) } // a hidden process shows no variables
}

struct Lineage {
    started: u64,
    parent: Option<Pid>,
}

fn lineage(process: &sysinfo::Process) -> Lineage {
    Lineage { started: process.start_time(), parent: process.parent() }
}

fn read(system: &mut System, pid: Pid, kind: ProcessRefreshKind) -> Option<&sysinfo::Process> {
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, kind);
    system.process(pid)
}

fn nothing() -> ProcessRefreshKind {
    ProcessRefreshKind::nothing().without_tasks()
}

/// Converts a word to text. Bytes that are not UTF-8 become `\u{fffd}`, which no image name contains.
fn text(word: &OsString) -> String {
    word.to_string_lossy().into_owned()
}
