//! Keeps the memory of this process private, with no core file and no access by the user's other processes.

/// Makes this process's memory private. The function must be called before the first secret is read. A failure is
/// ignored.
///
/// On Linux only root can then read `exe` and `environ` in the `/proc` of this process. Programs that Ensign starts are
/// not affected, because the kernel resets the setting at `execve` (prctl(2), `PR_SET_DUMPABLE`). On other Unix systems
/// core files are limited to zero bytes, also for programs that Ensign starts. Windows writes no core files, and the
/// administrator decides about error reports.
pub(crate) fn keep_private() {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
    #[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
}

/// Keeps the present memory of this process out of the swap, as far as the system allows. Memory that is allocated
/// later is not locked, because locking it makes allocations fail if the limit on locked memory is small. Only commands
/// that wait for a person call this function, because the call takes a thirtieth of the time in which Ensign answers a
/// client.
pub(crate) fn keep_from_swap() {
    #[cfg(target_os = "linux")]
    {
        use rustix::mm::{MlockAllFlags, mlockall};
        let _ = mlockall(MlockAllFlags::CURRENT | MlockAllFlags::ONFAULT);
    }
}
