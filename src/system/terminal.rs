//! The mode of the terminal while a question is open. Keys arrive one by one and are not shown. The earlier mode is
//! restored on every way out, also after a signal that ends the program.

use std::io;
#[cfg(unix)]
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
#[cfg(unix)]
use std::sync::{Arc, LazyLock};

#[cfg(unix)]
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
#[cfg(unix)]
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM};
#[cfg(unix)]
use signal_hook::flag;

/// The mode for questions. Dropping it restores the earlier mode. On Windows there is nothing to change, because
/// Windows shows no keys that a program reads one by one.
pub(crate) struct KeyMode {
    #[cfg(unix)]
    before: Termios,
}

#[cfg(unix)]
impl KeyMode {
    /// Changes the mode, and discards what was typed before the question.
    pub(crate) fn begin() -> io::Result<Self> {
        if let Err(error) = &*SIGNALS {
            return Err(error.kind().into());
        }
        let before = tcgetattr(io::stdin())?;
        let mut keys = before.clone();
        keys.make_raw();
        keys.output_modes = before.output_modes;
        IS_IDLE.store(false, SeqCst);
        let mode = Self { before };
        tcsetattr(io::stdin(), OptionalActions::Flush, &keys)?;
        Ok(mode)
    }

    /// Tells whether a signal asked the program to end.
    pub(crate) fn has_ended(&self) -> bool {
        HAS_ENDED.load(SeqCst)
    }

    /// Tells whether the program was stopped and went on since the last call.
    pub(crate) fn has_continued(&self) -> bool {
        HAS_CONTINUED.swap(false, SeqCst)
    }
}

#[cfg(unix)]
impl Drop for KeyMode {
    /// Also discards the rest of a paste, which the shell would run as a command.
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.before);
        IS_IDLE.store(true, SeqCst);
    }
}

/// While no question is open, the signals have their usual effect.
#[cfg(unix)]
static IS_IDLE: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(true.into()));
#[cfg(unix)]
static HAS_ENDED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
#[cfg(unix)]
static HAS_CONTINUED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
#[cfg(unix)]
static SIGNALS: LazyLock<io::Result<()>> = LazyLock::new(|| {
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        flag::register_conditional_default(signal, IS_IDLE.clone())?;
        flag::register(signal, HAS_ENDED.clone())?;
    }
    flag::register(SIGCONT, HAS_CONTINUED.clone()).map(drop)
});

#[cfg(not(unix))]
impl KeyMode {
    pub(crate) fn begin() -> io::Result<Self> {
        Ok(Self {})
    }

    pub(crate) fn has_ended(&self) -> bool {
        false
    }

    pub(crate) fn has_continued(&self) -> bool {
        false
    }
}
