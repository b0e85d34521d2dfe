//! The processes above us, by sysinfo. Its home.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

use super::Process;
use crate::model::timestamp;

pub(super) fn all() -> impl Iterator<Item = Process> {
    let mut system = System::new().ok();
    let this = sysinfo::get_current_pid().ok();
    let mut child = system.as_mut().zip(this).and_then(|(system, this)| Lineage::read(system, this, nothing()));
    std::iter::from_fn(move || {
        let (system, below) = system.as_mut().zip(child.take())?;
        let pid = below.parent?;
        let kind = nothing().with_cmd(UpdateKind::Always).with_exe(UpdateKind::Always);
        let parent = Lineage::read(system, pid, kind)?;
        if parent.started > below.started {
            return None; // the parent has gone, and its number was given to another
        }
        child = Some(parent);
        let process = system.process(pid)?;
        let words = process.cmd().iter().map(text).collect();
        Some(Process { id: pid.as_u32(), exe: process.exe().map(Path::to_owned), words })
    })
}

pub(super) fn folder(process: u32) -> Option<PathBuf> {
    let pid = Pid::from_u32(process);
    let mut system = System::new().ok()?;
    let kind = nothing().with_cwd(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, kind);
    Some(system.process(pid)?.cwd()?.to_owned())
}

pub(super) fn variables(process: u32) -> Option<Vec<OsString>> {
    let pid = Pid::from_u32(process);
    let mut system = System::new().ok()?;
    let kind = nothing().with_environ(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, kind);
    let variables = system.process(pid)?.environ();
    if variables.is_empty() { None } else { Some(variables.to_vec()) } // nothing is said of those that may not be seen
}

pub(super) fn started(process: u32) -> Option<SystemTime> {
    let pid = Pid::from_u32(process);
    let mut system = System::new().ok()?;
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, nothing());
    timestamp::since_1970(system.process(pid)?.start_time() + 1) // whole seconds are told
}

/// What leads from a process to its parent.
struct Lineage {
    started: u64,
    parent: Option<Pid>,
}

impl Lineage {
    fn read(system: &mut System, pid: Pid, kind: ProcessRefreshKind) -> Option<Self> {
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, kind);
        let process = system.process(pid)?;
        Some(Self { started: process.start_time(), parent: process.parent() })
    }
}

fn nothing() -> ProcessRefreshKind {
    ProcessRefreshKind::nothing().without_tasks()
}

/// Bytes that are no UTF-8 become `\u{fffd}`, which no image holds.
fn text(word: &OsString) -> String {
    word.to_string_lossy().into_owned()
}
