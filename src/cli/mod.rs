//! The command line for people: reads the arguments, runs the command and returns the exit code.

mod account;
mod account_edit;
mod account_secret;
mod api;
mod args;
mod buildx;
mod callers;
mod check;
mod check_all;
mod complete;
mod configure_docker;
mod connection_hint;
mod context;
mod creds_store;
mod doctor;
mod duration;
mod expiry;
mod export;
mod failure;
mod folder_project;
mod help;
mod hosts;
mod images;
mod import;
mod key;
mod list_edit;
mod login;
mod logout;
mod menu;
mod pin;
mod precedence;
mod prompt;
mod public;
mod restore;
mod route;
mod shell;
mod status;
mod store;
mod switch;
mod token;
mod trouble;
mod trust;
mod ui;
mod update;
mod which;
mod why;
mod wrap;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::json;

use crate::docker::{configured_helper, containers};
use crate::model::Problem;
use crate::model::choice::RegistryAccounts;
use crate::protocol;
use crate::system::env::Env;
use crate::system::{memory, request_log, text};
use args::{AccountCommand, BuildxCommand, CliCommand, CommandLine};
pub(crate) use complete::complete;
use context::CommandContext;
use doctor::Check;
use failure::Failure;
pub(crate) use help::refuse_terminal;
use ui::{Ui, is_styled};

/// The words with which people call the program as Docker's plugin.
const PLUGIN: &str = "docker ensign";

/// Runs a person's command.
pub(crate) fn run(program: &str, is_helper: bool, words: &[OsString], env: Result<Env, Problem>) -> ExitCode {
    let called = if program == "docker-ensign" { PLUGIN } else { program };
    if words.is_empty() || (words.len() == 1 && (words[0] == "-h" || words[0] == "--help")) {
        let shown = help::short(called);
        // Like Docker's own helpers, Ensign exits with 1 if a client calls it without a verb.
        return if is_helper && words.is_empty() { ExitCode::FAILURE } else { shown };
    }
    let arguments = match CommandLine::parse_from_words(called, words) {
        Ok(arguments) => arguments,
        // If an unknown verb is the only word, a client may have called the helper. The error goes to stdout, because
        // clients read only stdout.
        Err(error) if is_helper && words.len() == 1 && error.is_unknown_command() => {
            let verb = text::one_line(&words[0].to_string_lossy(), 60);
            let _ = writeln!(io::stdout(), "{program}: unknown action: {verb}");
            return ExitCode::FAILURE;
        }
        Err(error) => {
            let ui = Ui::new(false, called);
            return match error.parts() {
                Some((message, hint)) => Failure::usage(message, hint).report(&ui),
                None => match error.wanted_help(is_styled()) {
                    Some(text) => help::print(&ui, &text),
                    None => error.print_help().into(),
                },
            };
        }
    };
    if let CliCommand::Help { words } = &arguments.command {
        return help::about(called, words); // needs no environment
    }
    if arguments.verbose {
        request_log::enable();
    }
    if !matches!(arguments.command, CliCommand::Exec(_)) {
        memory::keep_private(); // `exec` is left out, because its process becomes another program
    }
    let ui = Ui::new(arguments.json, called);
    let env = match env {
        Ok(env) => env,
        Err(problem) => return Failure::from(problem).report(&ui),
    };
    let context = CommandContext::new(&env, ui, called);
    context.greet_adopted();
    match context.dispatch(arguments.command) {
        Ok(code) => code,
        Err(failure) => failure.report(&context.ui),
    }
}

impl CommandContext<'_> {
    fn dispatch(&self, command: CliCommand) -> Result<ExitCode, Failure> {
        match command {
            CliCommand::Login(login) | CliCommand::Account(AccountCommand::Add(login)) => login::run(self, *login),
            CliCommand::Logout(logout) => logout::run(self, &logout),
            CliCommand::Status(status) => status::run(self, &status),
            CliCommand::Doctor(doctor) => doctor::run(self, &doctor),
            CliCommand::Switch(switch) => switch::run(self, &switch),
            CliCommand::Account(AccountCommand::Show { host, account }) => {
                account::show(self, host.as_deref(), account.as_deref())
            }
            CliCommand::Account(AccountCommand::Edit(edit)) => account_edit::run(self, &edit),
            CliCommand::Grant(grant) => callers::grant(self, &grant),
            CliCommand::Which(which) => which::run(self, &which),
            CliCommand::Why(why) => why::run(self, &why),
            CliCommand::Public(public) => public::run(self, &public),
            CliCommand::Check(check) => check::run(self, &check),
            CliCommand::Token(token) => token::run(self, &token),
            CliCommand::Api(call) => api::run(self, &call),
            CliCommand::ConfigureDocker(configure) => configure_docker::run(self, &configure),
            CliCommand::Use(words) => shell::use_account(self, &words),
            CliCommand::Exec(exec) => shell::run_as(self, &exec),
            CliCommand::Prompt => shell::prompt(self),
            CliCommand::Trust(trust) => trust::run(self, &trust),
            CliCommand::Pin(pin) => pin::run(self, &pin),
            CliCommand::Buildx(BuildxCommand::Sync(sync)) => buildx::run(self, &sync),
            CliCommand::Import(import) => import::run(self, &import),
            CliCommand::Export(export) => export::run(self, &export),
            CliCommand::Route(route) => route::run(self, &route),
            CliCommand::Store(store) => store::run(self, &store),
            CliCommand::Unlock(unlock) => key::unlock(self, &unlock),
            CliCommand::Lock => key::lock(self),
            CliCommand::Restore => restore::run(self),
            CliCommand::Man { page } => help::manual(self, page.as_deref()),
            CliCommand::Help { .. } => unreachable!("`help` is handled before"),
            CliCommand::Update(update) => update::run(self, &update),
            CliCommand::InstallTexts => update::install_texts(),
            CliCommand::Completions { shell } => {
                let script = shell.completions();
                self.ui.json(json!({"script": script}))?;
                if !self.ui.is_json() {
                    self.ui.print(script)?;
                }
                Ok(ExitCode::SUCCESS)
            }
            CliCommand::Version => {
                let line = protocol::version_line(self.program);
                self.ui.data(json!({"version": env!("CARGO_PKG_VERSION"), "program": self.program}), line)?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

/// If `docker` is a snap, warns that it cannot ask Ensign.
fn note_snap(context: &CommandContext<'_>) {
    if configured_helper::docker_is_a_snap() {
        context.ui.note(format_args!(
            "`docker` is a snap and can start no credential helper; install Docker's own packages, or write Docker's file with  {}",
            configured_helper::snap_command(context.program)
        ));
    }
}

/// If an entry in Docker's config makes `podman --remote` fail, prints a warning with the repair command. Only a person
/// can repair the entry of another program.
fn note_podman(context: &CommandContext<'_>) {
    let Some(file) = context.docker_config().filter(|_| containers::are_found(context.env)) else { return };
    let Some(refused) = containers::keys_that_podman_refuses(&file).into_iter().next() else { return };
    let (key, path, program) = (&refused.key, context.env.shorten_home(file.path()), context.program);
    let repair = if refused.is_ours {
        "configure-docker --import".to_owned()
    } else {
        format!("doctor --fix {}", Check::PodmanKey.name())
    };
    context.ui.note(format_args!(
        "`podman --remote` fails on `{key}` in credHelpers of {path}; to repair it:  {program} {repair}"
    ));
}

/// Groups values by their keys. The keys stay in the order in which they first appear.
fn grouped<K: PartialEq, V>(pairs: impl Iterator<Item = (K, V)>) -> Vec<(K, Vec<V>)> {
    let mut groups: Vec<(K, Vec<V>)> = vec![];
    for (key, value) in pairs {
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, values)) => values.push(value),
            None => groups.push((key, vec![value])),
        }
    }
    groups
}

/// Returns each value once, in the order in which the values first appear.
fn unique<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    grouped(values.map(|value| (value, ()))).into_iter().map(|(value, _)| value).collect()
}

/// Returns the names of a registry's accounts as a text for messages.
fn names(candidates: &RegistryAccounts) -> String {
    candidates.accounts.iter().map(|account| account.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Returns a text with at most `most` names, followed by the number of the other names.
fn some_of(names: &[String], most: usize) -> String {
    let rest = names.len().saturating_sub(most);
    let shown = names[..names.len() - rest].join(", ");
    if rest == 0 { shown } else { format!("{shown} and {rest} more") }
}
