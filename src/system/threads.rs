//! Starts threads. If the system cannot start a thread, the result is an error instead of a panic.

use std::io;
use std::thread::{Builder, Scope, ScopedJoinHandle};

/// Starts a thread whose result is not needed.
pub(crate) fn start<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<()> {
    Builder::new().spawn(work).map(drop)
}

/// Starts a thread in `scope`, and returns a handle to wait for the thread's result.
pub(crate) fn start_in<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> io::Result<ScopedJoinHandle<'scope, T>> {
    Builder::new().spawn_scoped(scope, work)
}

/// Runs deeply recursive work on a thread with a large stack, and waits for the result.
pub(crate) fn with_stack<T: Send>(bytes: usize, work: impl FnOnce() -> T + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = Builder::new().stack_size(bytes).spawn_scoped(scope, work)?;
        thread.join().map_err(|_| io::Error::other("a thread panicked"))
    })
}
