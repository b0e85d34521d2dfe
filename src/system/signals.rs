//! Holds the signals that would end the process, while something is in progress that must not stop halfway.

#[cfg(unix)]
use std::io;
#[cfg(unix)]
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
#[cfg(unix)]
use std::sync::{Arc, LazyLock};

#[cfg(unix)]
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
#[cfg(unix)]
use signal_hook::{flag, low_level};

/// Runs `work`. If a signal that ends the process arrives meanwhile, the process ends after the work.
#[cfg(unix)]
pub(crate) fn deferred<T>(work: impl FnOnce() -> T) -> T {
    let held = HeldSignals::begin();
    let result = work();
    let signal = held.ok().and_then(|held| held.signal()); // also ends the hold
    if let Some(signal) = signal {
        let _ = low_level::emulate_default_handler(signal);
    }
    result
}

#[cfg(not(unix))]
pub(crate) fn deferred<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// While this value lives, a signal that would end the process is only noted. Otherwise the signals have their usual
/// effect. At most one value may live at a time.
#[cfg(unix)]
pub(crate) struct HeldSignals(());

#[cfg(unix)]
impl HeldSignals {
    pub(crate) fn begin() -> io::Result<Self> {
        HANDLERS.as_ref().map_err(io::Error::kind)?;
        LAST.store(0, SeqCst);
        IS_FREE.store(false, SeqCst);
        Ok(Self(()))
    }

    /// Returns the number of a signal that has arrived since the beginning.
    pub(crate) fn signal(&self) -> Option<i32> {
        i32::try_from(LAST.load(SeqCst)).ok().filter(|signal| *signal != 0)
    }
}

#[cfg(unix)]
impl Drop for HeldSignals {
    fn drop(&mut self) {
        IS_FREE.store(true, SeqCst);
    }
}

#[cfg(unix)]
static IS_FREE: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(true.into()));
/// The number of the last signal, or 0.
#[cfg(unix)]
static LAST: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);
#[cfg(unix)]
static HANDLERS: LazyLock<io::Result<()>> = LazyLock::new(|| {
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        flag::register_conditional_default(signal, IS_FREE.clone())?;
        flag::register_usize(signal, LAST.clone(), signal.unsigned_abs() as usize)?;
    }
    Ok(())
});
