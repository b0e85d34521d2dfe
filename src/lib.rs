//! Ensign: one Docker credential helper for all registries and for all accounts on each registry.
//!
//! This library contains the code of the program. The library's interface is [`main`] and the types in [`model`]. The
//! interface is not stable.
//!
//! The library has these layers, from top to bottom:
//!
//! - Door: `invocation` chooses the front end that answers a call.
//! - Fronts: `protocol` answers programs, and `cli` answers people.
//! - Core: `accounts` finds, saves, removes and activates accounts.
//! - Neighbours:
//!   - `config` reads and writes Ensign's config file.
//!   - `vault` stores secrets.
//!   - `caller` finds the program that calls Ensign, and the images that this program works on.
//!   - `docker` reads and writes Docker's files.
//!   - `oci` sends requests to registries.
//!   - `oauth` sends requests to identity providers.
//!   - `external_source` asks other programs for secrets.
//!   - `journal` records the last answers with their reasons.
//!   - `release` finds Ensign's releases and the place where this program is installed.
//! - Ground: `system` gives access to files, the environment, programs and HTTP.
//! - Words: `model` defines plain values without I/O.
//!
//! Each layer uses the layers below it. The modules in the layer of neighbours do not use each other.
//! `tests/it/layers.rs` checks which other modules each module uses. ARCHITECTURE.md describes how a `get` passes
//! through the layers.

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
        // A client's call waits for input. A person who types such a call gets a message instead.
        FrontEnd::Protocol(action) if action.reads_stdin() && io::stdin().is_terminal() => {
            cli::refuse_terminal(program)
        }
        FrontEnd::Kubelet if io::stdin().is_terminal() => cli::refuse_terminal(program),
        FrontEnd::Kubelet => protocol::kubelet::serve(),
        FrontEnd::KubeletUsage => protocol::kubelet::refuse_arguments(program),
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
    match writeln!(io::stdout(), "{line}") {
        Ok(()) => code,
        Err(error) => {
            if error.kind() != io::ErrorKind::BrokenPipe {
                let _ = writeln!(io::stderr(), "error: could not write to stdout: {error}");
            }
            ExitCode::FAILURE
        }
    }
}
