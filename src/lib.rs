#![doc = "placeholder"]
#![allow(dead_code)]
use std::process::ExitCode;
mod accounts;
mod caller;
mod config;
mod docker;
mod invocation;
pub mod model;
mod oci;
mod protocol;
mod system;
mod vault;

pub fn main() -> ExitCode {
    let invocation = invocation::Invocation::parse(std::env::args_os());
    let env = system::env::Env::take();
    match invocation.front {
        invocation::Front::Protocol(action) => protocol::serve(action, invocation.pinned.as_ref(), &env),
        _ => ExitCode::FAILURE,
    }
}
