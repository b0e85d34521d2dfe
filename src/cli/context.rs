//! `CommandContext`: the values that every command receives, and the methods that several commands share.

use std::cell::OnceCell;
use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::failure::Failure;
use super::ui::Ui;
use super::{callers, names, route, some_of};
use crate::accounts::{Accounts, RemedyOptions, StoreChoice};
use crate::docker::{self, ConfigJson, configured_helper};
use crate::model::choice::{ExplicitAccount, RegistryAccounts};
use crate::model::{Account, Operation, Problem, Registry, timestamp};
use crate::oauth::{self, Provider, ProviderTable};
use crate::oci::TransportSecurity;
use crate::system::env::Env;
use crate::system::text;

/// The values that every command receives.
pub(super) struct CommandContext<'e> {
    pub(super) accounts: Accounts<'e>,
    pub(super) env: &'e Env,
    pub(super) ui: Ui,
    /// The program's name as people type it, for messages.
    pub(super) program: &'e str,
    /// The identity provider that a registry announces, kept so that the registry is asked only once.
    pub(super) announced: OnceCell<(Registry, Result<Option<Provider>, String>)>,
    /// The store for new secrets, kept so that the store is chosen only once.
    pub(super) store_choice: OnceCell<StoreChoice>,
}

/// A name in `ENSIGN_ACCOUNT` that is not the name of an account.
#[derive(Debug)]
pub(super) struct UnknownVariable {
    pub(super) name: String,
    /// The registry for which the variable names the account; `None` if the name is for all registries.
    pub(super) registry: Option<Registry>,
}

impl fmt::Display for UnknownVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ENSIGN_ACCOUNT names `{}`, ", text::one_line(&self.name, 60))?;
        match &self.registry {
            Some(registry) => write!(f, "but {registry} has no such account"),
            None => f.write_str("which no registry has"),
        }
    }
}

/// The time limit of the search for a keyring.
pub(super) const PROBING: Duration = Duration::from_secs(2);

impl<'e> CommandContext<'e> {
    pub(super) fn new(env: &'e Env, ui: Ui, program: &'e str) -> Self {
        let accounts = Accounts::new(env);
        Self { accounts, env, ui, program, announced: OnceCell::new(), store_choice: OnceCell::new() }
    }

    /// Reports that Ensign takes over the accounts of ATCR's helper. The report is repeated until the first change of
    /// the config saves these accounts.
    pub(super) fn greet_adopted(&self) {
        let Some((count, skipped)) = self.accounts.about_to_adopt() else { return };
        let accounts = if count == 1 { "account of ATCR's helper is" } else { "accounts of ATCR's helper are" };
        self.ui.note(format_args!("{count} {accounts} taken over; the helper's file is unchanged"));
        for entry in skipped {
            self.ui.note(format_args!("not taken over: {entry}"));
        }
    }

    /// If `ENSIGN_ACCOUNT` is set, warns that it overrides the default accounts in this shell, or that it names an
    /// unknown account.
    pub(super) fn note_variable(&self) {
        let Some(value) = &self.env.account else { return };
        self.ui.note(match self.unknown_variable() {
            Some(unknown) => format!("{unknown}, so clients get an error in this shell"),
            None => format!("ENSIGN_ACCOUNT is set to `{value}` in this shell and overrides the default"),
        });
    }

    /// Returns a name in `ENSIGN_ACCOUNT` that is not the name of an account.
    pub(super) fn unknown_variable(&self) -> Option<UnknownVariable> {
        let value = self.env.account.as_deref()?;
        let unknown = |registry: &Registry, candidates: &RegistryAccounts| {
            self.accounts.unknown_name(&ExplicitAccount::parse(Some(value), registry), candidates).ok().flatten()
        };
        let of_registry = ExplicitAccount::registries(value).find_map(|registry| {
            let name = unknown(&registry, &self.accounts.registry_accounts(&registry).ok()?)?;
            Some(UnknownVariable { name, registry: Some(registry) })
        });
        let nowhere = Registry::opaque("");
        let anywhere = || unknown(&nowhere, &RegistryAccounts::none(&nowhere));
        of_registry.or_else(|| anywhere().map(|name| UnknownVariable { name, registry: None }))
    }

    /// Prints a problem, and each solution on a separate line.
    pub(super) fn show_options(&self, RemedyOptions { message, ways }: &RemedyOptions) {
        self.ui.note(self.ui.as_typed(message));
        for way in ways {
            self.ui.say_unbroken(&format!(
                "  {}",
                way.replace("docker-credential-ensign ", &format!("{} ", self.program))
            ));
        }
    }

    /// Reads a registry that the user typed.
    pub(super) fn registry(&self, host: &str) -> Result<Registry, Failure> {
        host.parse().map_err(|error| {
            let message = format!("`{}` is not a registry: {error}", text::hide_userinfo(host));
            Failure::usage(message, "name the registry as in `ghcr.io`")
        })
    }

    /// Reads a registry or a pattern of hosts that the user typed.
    pub(super) fn entry(&self, host: &str) -> Result<Registry, Failure> {
        Registry::pattern(host).or_else(|_| self.registry(host))
    }

    /// Reads Docker's `config.json` for hints, and returns `None` if the file cannot be read.
    pub(super) fn docker_config(&self) -> Option<ConfigJson> {
        ConfigJson::load(&self.env.docker_config_file()?).ok()
    }

    /// Prints a note if Docker does not ask Ensign for the hosts of a pattern. Docker must ask Ensign for every
    /// registry, because `credHelpers` accepts no pattern.
    pub(super) fn note_that_docker_must_ask(&self, pattern: &Registry) {
        if !self.docker_config().is_some_and(|file| configured_helper::asks_us(&file, pattern)) {
            let program = self.program;
            self.ui.note(format_args!(
                "Docker does not ask Ensign for all of {pattern} yet; to change that:  {program} configure-docker --all"
            ));
        }
    }

    /// Returns the table of identity providers, with the user's changes.
    pub(super) fn providers(&self) -> Result<ProviderTable, Failure> {
        let file = || self.accounts.config_file().map(|path| self.env.shorten_home(&path)).unwrap_or_default();
        ProviderTable::read(self.accounts.providers()?.as_ref()).map_err(|why| {
            let cure = "fix the provider there; docs/providers.md explains each field";
            Problem::new(format!("invalid provider in `{}`: {why}", file()), cure).into()
        })
    }

    /// Returns the store for new secrets. Without a setting, looks for the keyring.
    pub(super) fn store_choice(&self) -> Result<&StoreChoice, Failure> {
        if let Some(choice) = self.store_choice.get() {
            return Ok(choice);
        }
        let choice = self.ui.while_waiting("Looking for a keyring", || self.accounts.choose_store(PROBING))?;
        Ok(self.store_choice.get_or_init(|| choice))
    }

    /// Returns the identity provider that the registry announces, or `None` if it announces none. The error is a
    /// sentence about an invalid announcement.
    pub(super) fn announced(&self, registry: &Registry) -> Result<Option<Provider>, String> {
        let ask = || self.ui.while_waiting(&format!("Asking {registry}"), || oauth::announced_provider(registry));
        let (cached, announced) = self.announced.get_or_init(|| (registry.clone(), ask()));
        if cached == registry { announced.clone() } else { ask() }
    }

    /// Allows plain http to the registry if the user typed `--plain-http`, or if Docker's settings list the registry as
    /// insecure.
    pub(super) fn security(&self, registry: &Registry, plain_http: bool) -> TransportSecurity {
        let allowed = plain_http || docker::insecure_registries(self.env).contain(registry);
        if allowed { TransportSecurity::PlainHttpAllowed } else { TransportSecurity::Https }
    }

    /// Returns the accounts of a registry. Fails if the registry has no accounts.
    pub(super) fn candidates(&self, registry: &Registry) -> Result<RegistryAccounts, Failure> {
        let candidates = self.accounts.registry_accounts(registry)?;
        if candidates.accounts.is_empty() {
            let login = format!("run `{} login {}`", self.program, text::quote(registry.as_str()));
            if let Some(route) = self.accounts.route(registry)? {
                let what = format!("{registry} has no account here: {}", route::sentence(&route));
                return Err(Failure::not_logged_in(what, format!("{login} to add one here")));
            }
            self.refuse_alias(registry, false)?;
            return Err(Failure::not_logged_in(format!("{registry} has no account"), login));
        }
        Ok(candidates)
    }

    /// Fails if a person typed the alias of an account instead of a registry. `takes_account` tells whether an account may
    /// follow the registry in the typed command.
    pub(super) fn refuse_alias(&self, registry: &Registry, takes_account: bool) -> Result<(), Failure> {
        // `registry` is in lower case, but the user may have typed an alias with capital letters.
        let is_meant = |name: &str| name.eq_ignore_ascii_case(registry.as_str());
        let all = self.accounts.all()?;
        let meant = all.iter().filter_map(|entry| {
            let by_alias = entry.accounts.iter().find(|account| is_meant(account.name.as_str()));
            by_alias.or_else(|| entry.accounts.iter().find(|account| is_meant(account.username.as_str())))
        });
        let meant: Vec<_> = meant.collect();
        let Some(first) = meant.first() else { return Ok(()) };
        let hosts: Vec<_> = meant.iter().map(|account| account.registry.to_string()).collect();
        let what = format!("`{registry}` is not a registry but an account of {}", some_of(&hosts, 5));
        let [host, name] = [first.registry.as_str(), first.name.as_str()].map(text::quote);
        let hint = if takes_account {
            format!("name the registry too: `{host} {name}`")
        } else {
            format!("name the registry: `{host}`")
        };
        Err(Failure::usage(what, hint))
    }

    /// Returns the account with this name.
    pub(super) fn account<'c>(&self, candidates: &'c RegistryAccounts, name: &str) -> Result<&'c Account, Failure> {
        candidates.account(name).ok_or_else(|| {
            let what = format!("{} has no account `{}`", candidates.registry, text::hide_userinfo(name));
            Failure::usage(what, format!("use one of its accounts: {}", names(candidates)))
        })
    }

    /// Returns an account for `--json`.
    pub(super) fn account_json(&self, account: &Account, candidates: &RegistryAccounts) -> Value {
        let mut json = json!({
            "registry": account.registry.as_str(),
            "account": account.name.as_str(),
            "username": account.username.as_str(),
            "active": candidates.default_account() == Some(account),
            "store": account.store.to_string(),
            "source": account.source.to_string(),
            "images": account.patterns().iter().map(ToString::to_string).collect::<Vec<_>>(),
            "folders": account.folders.iter().map(|folder| folder.to_string_lossy()).collect::<Vec<_>>(),
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
