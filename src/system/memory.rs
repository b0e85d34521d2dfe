//! Keeps our memory private: no core file, and no access by the user's other processes.

/// Must run before the first secret is read. A failure is ignored.
pub(crate) fn keep_private() {
    imp::keep_private();
}

/// Keeps the memory that this process has now out of the swap, as far as the system allows. Memory that is allocated
/// later is left out, because a small limit on locked memory would then kill the process. Only commands that wait for a
/// person call this function, because an answer to a client would spend a thirtieth of its time here.
pub(crate) fn keep_from_swap() {
    #[cfg(target_os = "linux")]
    {
        use rustix::mm::{MlockAllFlags, mlockall};
        let _ = mlockall(MlockAllFlags::CURRENT | MlockAllFlags::ONFAULT);
    }
}

/// After this call only root can read our `/proc/PID/exe` and `environ`. The setting does not affect programs that we
/// start, because the kernel resets it at `execve` (prctl(2), `PR_SET_DUMPABLE`).
#[cfg(any(target_os = "linux", target_os = "android"))]
mod imp {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};

    pub(super) fn keep_private() {
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Programs that we start inherit this limit.
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
mod imp {
    use rustix::process::{Resource, Rlimit, setrlimit};

    pub(super) fn keep_private() {
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
}

/// Does nothing: Windows writes no core files, and the administrator decides about error reports.
#[cfg(not(unix))]
mod imp {
    pub(super) fn keep_private() {}
}
