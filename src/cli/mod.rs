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
mod public;
mod restore;
mod route;
mod shell;
mod status;
mod store;
mod switch;
mod tls_hint;
mod token;
mod trouble;
mod trust;
mod ui;
mod update;
mod which;
mod why;
mod wrap;

use std::cell::OnceCell;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use crate::accounts::{Accounts, RemedyOptions, StoreChoice};
use crate::docker::{self, ConfigJson, configured_helper, containers};
use crate::model::choice::{ExplicitAccount, RegistryAccounts};
use crate::model::{Account, Operation, Problem, Registry, timestamp};
use crate::oauth::{self, Provider, ProviderTable};
use crate::oci::TransportSecurity;
use crate::protocol;
use crate::system::env::Env;
use crate::system::{memory, request_log, text};
use args::{AccountCommand, BuildxCommand, CliCommand, CommandLine};
pub(crate) use complete::complete;
use failure::Failure;
pub(crate) use help::refuse_terminal;
use ui::Ui;

/// The values that every command receives.
struct CommandContext<'e> {
    accounts: Accounts<'e>,
    env: &'e Env,
    ui: Ui,
    /// The program's name as people type it, for messages.
    program: &'e str,
    /// The identity provider that a registry announces, kept so that the registry is asked only once.
    announced: OnceCell<(Registry, Result<Option<Provider>, String>)>,
    /// The store for new secrets, kept so that the store is chosen only once.
    store_choice: OnceCell<StoreChoice>,
}

/// The time limit of the search for a keyring.
const PROBING: Duration = Duration::from_secs(2);

/// The words with which people call the program as Docker's plugin.
const PLUGIN: &str = "docker ensign";

/// Runs a person's command.
pub(crate) fn run(program: &str, is_helper: bool, words: &[OsString], env: Result<Env, Problem>) -> ExitCode {
    let called = if program == "docker-ensign" { PLUGIN } else { program };
    if words.is_empty() || (words.len() == 1 && (words[0] == "-h" || words[0] == "--help")) {
        let shown = help::short(called);
        // Like Docker's own helpers, Ensign exits with 1 if a client calls without a verb.
        return if is_helper && words.is_empty() { ExitCode::FAILURE } else { shown };
    }
    let arguments = match CommandLine::parse_from_words(called, words) {
        Ok(arguments) => arguments,
        // A client may call the helper with an unknown verb as the only word, and clients read only stdout.
        Err(error) if is_helper && words.len() == 1 && error.is_unknown_command() => {
            let verb = text::one_line(&words[0].to_string_lossy(), 60);
            let _ = writeln!(io::stdout(), "{program}: unknown action: {verb}");
            return ExitCode::FAILURE;
        }
        Err(error) => {
            let Some((message, hint)) = error.parts() else { return error.print_help().into() };
            return Failure::usage(message, hint).report(&Ui::new(false, called));
        }
    };
    if let CliCommand::Help { words } = &arguments.command {
        return help::about(called, words); // needs no environment
    }
    if arguments.verbose {
        request_log::enable();
    }
    if !matches!(arguments.command, CliCommand::Exec(_)) {
        memory::keep_private(); // the process of `exec` becomes another program
    }
    let ui = Ui::new(arguments.json, called);
    let env = match env {
        Ok(env) => env,
        Err(problem) => return Failure::from(problem).report(&ui),
    };
    let context = CommandContext {
        accounts: Accounts::new(&env),
        env: &env,
        ui,
        program: called,
        announced: OnceCell::new(),
        store_choice: OnceCell::new(),
    };
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

    /// Reports that Ensign takes over the accounts of ATCR's helper. The report is repeated until the first change of
    /// the config saves these accounts.
    fn greet_adopted(&self) {
        let Some((count, skipped)) = self.accounts.about_to_adopt() else { return };
        let accounts = if count == 1 { "account of ATCR's helper is" } else { "accounts of ATCR's helper are" };
        self.ui.note(format_args!("{count} {accounts} taken over; the helper's file is unchanged"));
        for entry in skipped {
            self.ui.note(format_args!("not taken over: {entry}"));
        }
    }

    /// Warns that `ENSIGN_ACCOUNT` overrides the defaults in this shell.
    fn note_variable(&self) {
        let Some(value) = &self.env.account else { return };
        self.ui.note(match self.unknown_variable() {
            Some(name) => {
                format!("ENSIGN_ACCOUNT names `{name}`, which no registry has, so clients get an error in this shell")
            }
            None => format!("ENSIGN_ACCOUNT is set to `{value}` in this shell and overrides the default"),
        });
    }

    /// Returns the name in `ENSIGN_ACCOUNT`, if no registry has an account with this name.
    fn unknown_variable(&self) -> Option<String> {
        let nowhere = Registry::opaque("");
        let named = ExplicitAccount::parse(self.env.account.as_ref()?, &nowhere);
        self.accounts.unknown_name(&named, &RegistryAccounts::none(&nowhere)).ok().flatten()
    }

    /// Prints a problem, and each solution on a separate line.
    fn show_options(&self, RemedyOptions { message, ways }: &RemedyOptions) {
        self.ui.note(self.ui.as_typed(message));
        for way in ways {
            self.ui.say(format_args!("  {}", way.replace("docker-credential-ensign ", &format!("{} ", self.program))));
        }
    }

    /// Reads a registry that the user typed.
    fn registry(&self, host: &str) -> Result<Registry, Failure> {
        host.parse().map_err(|error| {
            Failure::usage(format!("`{host}` is not a registry: {error}"), "name the registry as in `ghcr.io`")
        })
    }

    /// Reads a registry or a pattern of hosts that the user typed.
    fn entry(&self, host: &str) -> Result<Registry, Failure> {
        Registry::pattern(host).or_else(|_| self.registry(host))
    }

    /// Reads Docker's `config.json` for hints, and returns `None` if the file cannot be read.
    fn docker_config(&self) -> Option<ConfigJson> {
        ConfigJson::load(&self.env.docker_config_file()?).ok()
    }

    /// Prints a note if Docker does not ask Ensign for the hosts of a pattern. Docker must ask Ensign for every
    /// registry, because `credHelpers` accepts no pattern.
    fn note_that_docker_must_ask(&self, pattern: &Registry) {
        if !self.docker_config().is_some_and(|file| configured_helper::asks_us(&file, pattern)) {
            let program = self.program;
            self.ui.note(format_args!(
                "Docker does not ask Ensign for all of {pattern} yet; to change that:  {program} configure-docker --all"
            ));
        }
    }

    /// Returns the table of identity providers, with the user's changes.
    fn providers(&self) -> Result<ProviderTable, Failure> {
        let file = || self.accounts.config_file().map(|path| self.env.shorten_home(&path)).unwrap_or_default();
        ProviderTable::read(self.accounts.providers()?.as_ref()).map_err(|why| {
            let cure = "fix the provider there; docs/providers.md explains each field";
            Problem::new(format!("invalid provider in `{}`: {why}", file()), cure).into()
        })
    }

    /// Returns the store for new secrets. Without a setting, looks for the keyring.
    fn store_choice(&self) -> Result<&StoreChoice, Failure> {
        if let Some(choice) = self.store_choice.get() {
            return Ok(choice);
        }
        let choice = self.ui.while_waiting("Looking for a keyring", || self.accounts.choose_store(PROBING))?;
        Ok(self.store_choice.get_or_init(|| choice))
    }

    /// Asks the registry for the identity provider that the registry announces. The error is a sentence about an
    /// invalid announcement.
    fn announced(&self, registry: &Registry) -> Result<Option<Provider>, String> {
        let ask = || self.ui.while_waiting(&format!("Asking {registry}"), || oauth::announced_provider(registry));
        let (cached, announced) = self.announced.get_or_init(|| (registry.clone(), ask()));
        if cached == registry { announced.clone() } else { ask() }
    }

    /// Returns whether plain http is allowed for the registry, with an option or in Docker's settings.
    fn security(&self, registry: &Registry, plain_http: bool) -> TransportSecurity {
        let allowed = plain_http || docker::insecure_registries(self.env).contain(registry);
        if allowed { TransportSecurity::PlainHttpAllowed } else { TransportSecurity::Https }
    }

    /// Returns the accounts of a registry. Fails if the registry has no accounts.
    fn candidates(&self, registry: &Registry) -> Result<RegistryAccounts, Failure> {
        let candidates = self.accounts.registry_accounts(registry)?;
        if candidates.accounts.is_empty() {
            let login = format!("run `{} login {}`", self.program, text::quote(registry.as_str()));
            if let Some(route) = self.accounts.route(registry)? {
                let what = format!("{registry} has no account here: {}", route::sentence(&route));
                return Err(Failure::not_logged_in(what, format!("{login} to add one here")));
            }
            self.refuse_alias(registry)?;
            return Err(Failure::not_logged_in(format!("{registry} has no account"), login));
        }
        Ok(candidates)
    }

    /// Fails if a person typed the alias of an account instead of a registry.
    fn refuse_alias(&self, registry: &Registry) -> Result<(), Failure> {
        // The names of registries are lower case.
        let is_meant = |name: &str| name.eq_ignore_ascii_case(registry.as_str());
        let all = self.accounts.all()?;
        let meant = all.iter().filter_map(|entry| {
            let by_alias = entry.accounts.iter().find(|account| is_meant(account.name.as_str()));
            by_alias.or_else(|| entry.accounts.iter().find(|account| is_meant(account.username.as_str())))
        });
        let meant: Vec<_> = meant.collect();
        let Some(first) = meant.first() else { return Ok(()) };
        let hosts: Vec<_> = meant.iter().map(|account| account.registry.as_str()).collect();
        let what = format!("`{registry}` is not a registry but an account of {}", hosts.join(" and "));
        let [host, name] = [first.registry.as_str(), first.name.as_str()].map(text::quote);
        Err(Failure::usage(what, format!("name the registry too: `{host} {name}`")))
    }

    /// Returns the account with this name.
    fn account<'c>(&self, candidates: &'c RegistryAccounts, name: &str) -> Result<&'c Account, Failure> {
        candidates.account(name).ok_or_else(|| {
            let what = format!("{} has no account `{name}`", candidates.registry);
            Failure::usage(what, format!("use one of its accounts: {}", names(candidates)))
        })
    }

    /// Returns an account for `--json`.
    fn account_json(&self, account: &Account, candidates: &RegistryAccounts) -> Value {
        let mut json = json!({
            "registry": account.registry.as_str(),
            "account": account.name.as_str(),
            "username": account.username.as_str(),
            "active": candidates.default_account() == Some(account),
            "store": account.store.to_string(),
            "source": account.source.to_string(),
            "images": account.patterns().iter().map(ToString::to_string).collect::<Vec<_>>(),
            "folders": account.folders,
            "for": account.purpose.map(Operation::as_str),
            "did": account.did,
            "callers": callers::json(&account.callers),
        });
        if account.callers.needs_grant {
            json["granted_until"] = json!(self.accounts.granted_until(account).map(timestamp::rfc3339));
        }
        json
    }
}

/// Warns that Docker from a snap cannot ask Ensign.
fn note_snap(context: &CommandContext<'_>) {
    if configured_helper::docker_is_a_snap() {
        context.ui.note(format_args!(
            "`docker` is a snap and can start no credential helper; install Docker's own packages, or write Docker's file with  {}",
            configured_helper::snap_command(context.program)
        ));
    }
}

/// Warns that an entry in Docker's file makes `podman --remote` fail, and prints the repair command.
fn note_podman(context: &CommandContext<'_>) {
    let Some(file) = context.docker_config().filter(|_| containers::are_found(context.env)) else { return };
    let Some(key) = containers::key_that_podman_refuses(&file) else { return };
    let path = context.env.shorten_home(file.path());
    context.ui.note(format_args!(
        "`podman --remote` fails on `{key}` in credHelpers of {path}; to repair it:  {} configure-docker --import",
        context.program
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
