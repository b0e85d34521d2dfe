//! The real program, run as its users and clients run it: stdout, stderr and exit code are compared, always all three.

mod install;
mod support;
mod vectors;
