//! The log of `--verbose`, which has one line on stderr for each request and contains no secrets.

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use super::text::sanitize;

static WATCHED: AtomicBool = AtomicBool::new(false);

/// Turns the log on. Only commands for people turn the log on, because stderr must stay empty if a client calls Ensign.
pub(crate) fn enable() {
    WATCHED.store(true, Ordering::Relaxed);
}

pub(crate) fn is_enabled() -> bool {
    WATCHED.load(Ordering::Relaxed)
}

/// Writes a line to the log, if the log is on.
pub(crate) fn log(line: impl Display) {
    if is_enabled() {
        let _ = writeln!(io::stderr(), "> {}", sanitize(&line.to_string()));
    }
}
