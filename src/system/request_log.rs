//! The log of `--verbose`: one line on stderr for each request, without secrets.

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use super::text::sanitize;

static WATCHED: AtomicBool = AtomicBool::new(false);

/// Turns the log on. Only commands for people turn it on. If a client calls us, stderr must stay empty.
pub(crate) fn enable() {
    WATCHED.store(true, Ordering::Relaxed);
}

/// Logs a line, if the log is on.
pub(crate) fn log(line: impl Display) {
    if WATCHED.load(Ordering::Relaxed) {
        let _ = writeln!(io::stderr(), "> {}", sanitize(&line.to_string()));
    }
}
