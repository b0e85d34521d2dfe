//! Ensign: one Docker credential helper for all registries and for all accounts on each registry.
//!
//! This library contains the code of the program. Its interface consists of [`main`] and the types in [`model`], and is
//! not stable.
//!
//! ```text
//! door        invocation             chooses the front end that answers a call
//! fronts      protocol    cli        answer programs (protocol) and people (cli)
//! core        accounts               finds, saves, removes and activates accounts
//! neighbours  config      vault      Ensign's config file; the store of secrets
//!             caller      docker     the process that calls; the files of Docker
//!             oci       oauth        requests to registries; requests to identity providers
//!             external_source        asks other programs for secrets
//!             journal                the last answers, with their reasons
//!             release                Ensign's releases, and where this program is installed
//! ground      system                 files, environment, programs and http
//! words       model                  plain values without I/O
//! ```
//!
//! Each layer uses the layers below it, and neighbours do not use each other. `tests/it/layers.rs` checks the layers in
//! this table, and ARCHITECTURE.md follows a `get` through the layers.

mod accounts;
mod caller;
mod cli;
mod config;
mod docker;
mod external_source;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod invocation;
mod journal;
pub mod model;
mod oauth;
mod oci;
mod protocol;
mod release;
mod system;
mod vault;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use invocation::{FrontEnd, Invocation};
use system::env::Env;

/// Runs the front end that answers the program's call.
pub fn main() -> ExitCode {
    let invocation = Invocation::parse(std::env::args_os());
    let program = invocation.program.as_str();
    match invocation.front {
        // Without this message, a person who types a client's call would wait for ever.
        FrontEnd::Protocol(action) if action.reads_stdin() && io::stdin().is_terminal() => {
            cli::refuse_terminal(program)
        }
        FrontEnd::Kubelet if io::stdin().is_terminal() => cli::refuse_terminal(program),
        FrontEnd::Kubelet => protocol::kubelet::serve(),
        FrontEnd::Protocol(action) => protocol::serve(action, invocation.pinned.as_ref()),
        FrontEnd::ProtocolUsage => print(&protocol::usage(program), ExitCode::FAILURE),
        FrontEnd::Version => print(&protocol::version_line(program), ExitCode::SUCCESS),
        FrontEnd::PluginMetadata => print(protocol::PLUGIN_METADATA, ExitCode::SUCCESS),
        FrontEnd::PluginHook(ref asked) => match protocol::hook_answer(&asked.to_string_lossy()) {
            Some(answer) => print(&answer, ExitCode::SUCCESS),
            None => ExitCode::SUCCESS,
        },
        FrontEnd::Completion(ref words) => Env::take().map_or(ExitCode::FAILURE, |env| cli::complete(words, &env)),
        FrontEnd::User(ref words) => {
            let env = Env::take().map(|env| env.with_docker_config(invocation.docker_config.clone()));
            cli::run(program, invocation.is_helper(), words, env)
        }
    }
}

fn print(line: &str, code: ExitCode) -> ExitCode {
    writeln!(io::stdout(), "{line}").map_or(ExitCode::FAILURE, |()| code)
}
