//! Keeps our memory private: no core file, and no access by the user's other processes.

/// Runs before the first secret is read. It is best effort: a failure does not stop the answer.
pub(crate) fn keep_private() {
    imp::keep_private();
}

/// Keeps our present memory out of the swap, as far as the system allows. Later memory is left out, because a small
/// limit would kill us. It is for commands that wait for a person: for an answer to a client it would take a thirtieth
/// of the time.
pub(crate) fn keep_from_swap() {
    #[cfg(target_os = "linux")]
    {
        use rustix::mm::{MlockAllFlags, mlockall};
        let _ = mlockall(MlockAllFlags::CURRENT | MlockAllFlags::ONFAULT);
    }
}

/// Programs that we start are unaffected: the kernel resets this at `execve` (prctl(2), `PR_SET_DUMPABLE`). From here
/// on only root sees our `/proc/PID/exe` and `environ`.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod imp {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};

    pub(super) fn keep_private() {
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Programs that we start inherit the limit.
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
mod imp {
    use rustix::process::{Resource, Rlimit, setrlimit};

    pub(super) fn keep_private() {
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
}

/// Windows writes no core files, and its error reports are set by the administrator.
#[cfg(not(unix))]
mod imp {
    pub(super) fn keep_private() {}
}
