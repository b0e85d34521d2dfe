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
use signal_hook::{consts::SIGCONT, flag};

#[cfg(unix)]
use super::signals::HeldSignals;

/// The mode for questions. Dropping it restores the earlier mode. On Windows there is nothing to change, because
/// Windows shows no keys that a program reads one by one.
pub(crate) struct KeyMode {
    #[cfg(unix)]
    before: Termios,
    #[cfg(unix)]
    signals: HeldSignals,
}

#[cfg(unix)]
impl KeyMode {
    /// Changes the mode, and discards what was typed before the question.
    pub(crate) fn begin() -> io::Result<Self> {
        HANDLER.as_ref().map_err(io::Error::kind)?;
        let before = tcgetattr(io::stdin())?;
        let mut keys = before.clone();
        keys.make_raw();
        keys.output_modes = before.output_modes;
        let mode = Self { before, signals: HeldSignals::begin()? };
        tcsetattr(io::stdin(), OptionalActions::Flush, &keys)?;
        Ok(mode)
    }

    /// Tells whether a signal asked the program to end.
    pub(crate) fn has_ended(&self) -> bool {
        self.signals.signal().is_some()
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
    }
}

#[cfg(unix)]
static HAS_CONTINUED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
#[cfg(unix)]
static HANDLER: LazyLock<io::Result<()>> = LazyLock::new(|| flag::register(SIGCONT, HAS_CONTINUED.clone()).map(drop));

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
