//! The lowest layer, which is the only code that calls the operating system.
//!
//! This layer depends only on `model`, so it can be understood and tested without the other layers.

#[cfg(target_env = "musl")]
mod allocator;
pub(crate) mod ancestors;
pub(crate) mod client_env;
mod clock;
pub(crate) mod digest;
pub(crate) mod env;
pub(crate) mod exec;
pub(crate) mod files;
pub(crate) mod folders;
pub(crate) mod http;
pub(crate) mod json;
pub(crate) mod kernel_keyring;
pub(crate) mod keyring;
pub(crate) mod memory;
pub(crate) mod passphrase;
pub(crate) mod programs;
pub(crate) mod request_log;
pub(crate) mod seal;
pub(crate) mod session;
pub(crate) mod signals;
pub(crate) mod systemd_creds;
pub(crate) mod terminal;
pub(crate) mod text;
pub(crate) mod threads;

pub(crate) use clock::thread_time;
// Every layer may look up a program. The tests of the layers list the layers that may run a program.
pub(crate) use programs::{
    find as find_program, find_on as find_program_on, is_same_program, is_this_program, named as list_programs,
    rehearse, version_text,
};
