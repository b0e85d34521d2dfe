//! The real program, run as its users and clients run it: stdout, stderr and exit code are compared, always all three.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // a test that cannot go on may end; it plays the outside world

mod bad_input;
mod formats;
mod people;
mod support;
mod vectors;
