//! What a person who asked to watch is told while a command works: on stderr, one line for each act, without secrets.

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use super::text::sanitize;

static WATCHED: AtomicBool = AtomicBool::new(false);

/// From now on everything is told. Only people's commands do this: a client's stderr stays empty.
pub(crate) fn enable() {
    WATCHED.store(true, Ordering::Relaxed);
}

/// Tells an act, if somebody watches.
pub(crate) fn log(line: impl Display) {
    if WATCHED.load(Ordering::Relaxed) {
        let _ = writeln!(io::stderr(), "> {}", sanitize(&line.to_string()));
    }
}
