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

/// Runs `work`. If a signal that ends the process arrives meanwhile, the process ends after the work. A second signal
/// ends the process at once.
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
        ENDS_NEXT.store(false, SeqCst);
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
/// Whether a signal has arrived, so that the next signal ends the process.
#[cfg(unix)]
static ENDS_NEXT: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
#[cfg(unix)]
static HANDLERS: LazyLock<io::Result<()>> = LazyLock::new(|| {
    // A signal that the caller has ignored, such as SIGHUP below nohup, stays ignored.
    for signal in [SIGHUP, SIGINT, SIGTERM].into_iter().filter(|signal| !is_ignored(*signal)) {
        flag::register_conditional_default(signal, IS_FREE.clone())?;
        flag::register_conditional_default(signal, ENDS_NEXT.clone())?;
        flag::register(signal, ENDS_NEXT.clone())?;
        flag::register_usize(signal, LAST.clone(), signal.unsigned_abs() as usize)?;
    }
    Ok(())
});

/// Tells whether the signal is in the mask of ignored signals (proc(5), `SigIgn`). Systems without `/proc` tell nothing.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let mask = || {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    };
    mask().is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
