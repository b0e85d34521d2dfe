//! Defers signals that would end the process, while work is in progress that must not stop halfway.

#[cfg(unix)]
use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicBool, Ordering},
};

#[cfg(unix)]
use signal_hook::{consts, flag, low_level};

/// Runs `work`. If a signal arrives meanwhile, the process ends after the work. A second signal ends the process at
/// once.
#[cfg(unix)]
pub(crate) fn deferred<T>(work: impl FnOnce() -> T) -> T {
    // A signal ends the process if this flag is set, and otherwise sets this flag and its own flag.
    static ENDS: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
    static HAVE_COME: LazyLock<[(i32, Arc<AtomicBool>); 3]> = LazyLock::new(|| {
        [consts::SIGHUP, consts::SIGINT, consts::SIGTERM].map(|signal| {
            let has_come = Arc::default();
            let _ = flag::register_conditional_default(signal, Arc::clone(&ENDS));
            let _ = flag::register(signal, Arc::clone(&ENDS));
            let _ = flag::register(signal, Arc::clone(&has_come));
            (signal, has_come)
        })
    });
    let signals = &*HAVE_COME;
    ENDS.store(false, Ordering::SeqCst);
    let result = work();
    ENDS.store(true, Ordering::SeqCst);
    for (signal, _) in signals.iter().filter(|(_, has_come)| has_come.load(Ordering::SeqCst)) {
        let _ = low_level::emulate_default_handler(*signal);
    }
    result
}

#[cfg(not(unix))]
pub(crate) fn deferred<T>(work: impl FnOnce() -> T) -> T {
    work()
}
