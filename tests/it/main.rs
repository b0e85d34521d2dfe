//! The real program, run as its users and clients run it: stdout, stderr and exit code are compared, always all three.

// A test that cannot go on may end, and it plays the outside world. Nothing here is reached from outside.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stderr, unreachable_pub)]

mod advice;
mod aliases;
mod bad_input;
mod buildx;
mod callers;
mod cases;
mod check;
mod dead_secrets;
mod device;
mod docker;
mod environment;
mod export;
mod files;
mod folders;
mod formats;
mod gitlab;
mod grants;
mod import;
mod install;
mod interplay;
mod journal;
mod kubelet;
mod layers;
mod leaks;
mod mounted;
mod names;
mod patterns;
mod people;
mod pin;
mod plugin;
mod project;
mod proxy;
mod public;
mod purpose;
mod regressions;
mod renewal;
mod router;
mod seed;
mod seed_api;
mod seed_borrow;
mod seed_helpers;
mod seed_import;
mod seed_oauth;
mod servers;
mod shell;
mod stores;
mod support;
mod switches;
mod tls;
mod vectors;
mod which_as;
mod why;
mod writing;
