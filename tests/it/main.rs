//! The real program, run as its users and clients run it: stdout, stderr and exit code are compared, always all three.

// A test that cannot go on may end, and it plays the outside world. Nothing here is reached from outside.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stderr, unreachable_pub)]

mod bad_input;
mod callers;
mod check;
mod dead_secrets;
mod docker;
mod files;
mod formats;
mod install;
mod layers;
mod leaks;
mod people;
mod regressions;
mod stores;
mod support;
mod vectors;
