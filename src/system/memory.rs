//! Keeps the memory of this process private, with no core file and no access by the user's other processes.

/// Makes this process's memory private. The function must be called before the first secret is read. A failure is
/// ignored.
pub(crate) fn keep_private() {
    imp::keep_private();
}

/// Keeps the present memory of this process out of the swap, as far as the system allows. Memory that is allocated
/// later is not locked, because allocations would fail at a small limit on locked memory. Only commands that wait for a
/// person call this function, because the call takes a thirtieth of the time of an answer to a client.
pub(crate) fn keep_from_swap() {
    #[cfg(target_os = "linux")]
    {
        use rustix::mm::{MlockAllFlags, mlockall};
        let _ = mlockall(MlockAllFlags::CURRENT | MlockAllFlags::ONFAULT);
    }
}

/// After this call only root can read `exe` and `environ` in the `/proc` of this process. Programs that Ensign starts
/// are not affected, because the kernel resets the setting at `execve` (prctl(2), `PR_SET_DUMPABLE`).
#[cfg(any(target_os = "linux", target_os = "android"))]
mod imp {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};

    pub(super) fn keep_private() {
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Limits core files to zero bytes. Programs that Ensign starts inherit this limit.
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
mod imp {
    use rustix::process::{Resource, Rlimit, setrlimit};

    pub(super) fn keep_private() {
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
}

/// Does nothing on Windows, because Windows writes no core files. The administrator decides about error reports.
#[cfg(not(unix))]
mod imp {
    pub(super) fn keep_private() {}
}
