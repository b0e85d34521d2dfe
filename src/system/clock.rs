//! Measures the CPU time of a thread, which does not grow while other threads run.

use std::time::Duration;

/// Returns the CPU time that the current thread has used so far. Each call costs a system call.
#[cfg(unix)]
pub(crate) fn thread_time() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}

/// Returns zero on Windows, where only unsafe code can read a thread's CPU time. On Windows, work is limited by a
/// number of steps and by the wall clock.
#[cfg(not(unix))]
pub(crate) fn thread_time() -> Duration {
    Duration::ZERO
}
