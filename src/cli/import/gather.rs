//! Looking for logins: files are read and helpers asked, in the order in which Docker would, entry by entry.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::accounts::{Adopted, Refusal, Waiter, helpers};
use crate::cli::Context;
use crate::cli::failure::Failure;
use crate::docker::logins::{self, Finding, FoundLogin, Part, What, Where};
use crate::docker::sources::{self, Place};
use crate::docker::{ConfigJson, LIMIT, Reader, leftovers};
use crate::model::choice::Active;
use crate::model::{Account, HelperName, Registry, Secret, ServerUrl};
use crate::system::env;
use crate::system::files;
use crate::system::keyring::{DockerLogins, KeyringError};

/// All that lies in these places for these registries, or for any if none is named.
pub(super) fn gather(
    context: &Context<'_>,
    places: &[Place],
    registries: &[Registry],
) -> Result<Vec<Finding>, Failure> {
    let (findings, read, asked, keyring) = (vec![], vec![], vec![], OnceCell::new());
    let is_everywhere = places == Place::ALL;
    let mut gatherer =
        Gatherer { context, registries, is_everywhere, findings, read, asked, keyring, is_keyring_read: false };
    for place in places {
        gatherer.look_at(place)?;
    }
    logins::sort_out(&mut gatherer.findings);
    Ok(gatherer.findings)
}

pub(super) struct Gatherer<'c> {
    pub(super) context: &'c Context<'c>,
    pub(super) registries: &'c [Registry],
    /// No place was named.
    is_everywhere: bool,
    pub(super) findings: Vec<Finding>,
    /// Files that were read: several tools may share one.
    read: Vec<PathBuf>,
    /// What helpers were asked for: each question may wake a keychain.
    pub(super) asked: Vec<(HelperName, String)>,
    /// Opened once, when it is asked for.
    pub(super) keyring: OnceCell<Result<DockerLogins, KeyringError>>,
    /// All that the keyring has was taken.
    pub(super) is_keyring_read: bool,
}

/// Which of a file's own logins stand behind a helper that failed: Docker would not use them.
#[derive(Default)]
struct Barred {
    all: Option<String>,
    registries: Vec<(Registry, String)>,
}

impl Gatherer<'_> {
    fn look_at(&mut self, place: &Place) -> Result<(), Failure> {
        match place {
            Place::Environment => {
                let Some(text) = env::variable("DOCKER_AUTH_CONFIG") else { return Ok(()) };
                let text = text.into_encoded_bytes();
                match ConfigJson::parse(Path::new("DOCKER_AUTH_CONFIG"), Some(text)) {
                    Ok(config) => self.config(&config, &Where::Environment, Reader::Docker),
                    Err(broken) => self.add(Where::Environment, "", What::Failed(broken.to_string())),
                }
            }
            Place::Keyring => self.whole_keyring(!self.is_everywhere),
            Place::Helper(helper) => drop(self.whole_helper(helper, true)),
            Place::File(path) if !path.exists() => {
                let what = format!("there is no file `{}`", path.display());
                let words = "env, docker, containers, finch, helm, atcr, keyring or helper:NAME";
                return Err(Failure::usage(what, format!("name a file, or one of {words}")));
            }
            _ => {
                let reader = if *place == Place::Containers { Reader::Containers } else { Reader::Docker };
                for path in place.files(self.context.env) {
                    self.file(&path, reader);
                }
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, reader: Reader) {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if self.read.contains(&real) {
            return;
        }
        self.read.push(real);
        let result = files::read(path, LIMIT).and_then(|contents| {
            let json = contents.as_deref().and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok());
            if let Some(adopted) = json.as_ref().and_then(Adopted::from_json) {
                self.atcr(path, adopted);
                return Ok(());
            }
            let config = ConfigJson::parse(path, contents)?;
            self.config(&config, &Where::File(path.to_owned()), reader);
            Ok(())
        });
        if let Err(error) = result {
            self.add(Where::File(path.to_owned()), "", What::Failed(format!("{error:#}")));
        }
    }

    /// Docker's order: the helper of a registry, the helper of all others, what stands in the file itself.
    fn config(&mut self, config: &ConfigJson, from: &Where, reader: Reader) {
        let mut barred = Barred::default();
        for (key, name) in config.helpers() {
            let Some(registry) = self.wanted(key).filter(|_| !name.is_empty() && !is_ours(name)) else { continue };
            let Ok(helper) = name.parse::<HelperName>() else {
                self.add(from.clone(), key, What::Failed("its helper's name is no program's".into()));
                continue;
            };
            if self.ask(&helper, key, &registry).is_err() {
                barred.registries.push((registry, helper.program()));
            }
        }
        let store = config.store().filter(|name| reader == Reader::Docker && !is_ours(name));
        if let Some(helper) = store.and_then(|name| name.parse::<HelperName>().ok()) {
            let own: Vec<_> = config.helpers().map(|(key, _)| key.to_owned()).collect();
            barred.all = self.helper(&helper, &own, false).err().map(|()| helper.program());
        }
        let (found, unusable) = leftovers::find(config);
        // A registry's own key goes before an address that only leads to it, as for docker/cli `getAuthConfig`.
        let leads_there = |login: &FoundLogin| login.key.contains("://") && login.key != login.registry().docker_key();
        let (after, first): (Vec<_>, Vec<_>) = found.into_iter().partition(leads_there);
        for login in first.into_iter().chain(after) {
            let registry = login.registry();
            if !self.is_wanted(&registry) {
                continue;
            }
            let by_name = barred.registries.iter().find(|(other, _)| *other == registry).map(|(_, program)| program);
            if let Some(program) = by_name.or(barred.all.as_ref()) {
                let reason = format!("`{program}`, which comes first, failed");
                self.add(from.clone(), &login.key, What::Skipped(reason));
            } else {
                self.findings.push(found_in(from.clone(), login));
            }
        }
        for entry in unusable {
            if self.registries.is_empty() || self.wanted(&entry.key).is_some() {
                let reason = entry.reason.to_string();
                let skipped = entry.reason == leftovers::Reason::RegistryToken;
                self.add(from.clone(), &entry.key, if skipped { What::Skipped(reason) } else { What::Failed(reason) });
            }
        }
    }

    fn whole_helper(&mut self, helper: &HelperName, named: bool) -> Result<(), ()> {
        self.helper(helper, &[], named)
    }

    /// Asks a helper for all it has. A helper that is not there is only told, unless a person `named` it: Docker goes on
    /// with the file then (docker/cli `cli/config/credentials`), and leaves the file alone if it fails otherwise.
    fn helper(&mut self, helper: &HelperName, except: &[String], named: bool) -> Result<(), ()> {
        let from = Where::Helper(helper.clone());
        if logins::is_short_lived(helper) {
            self.add(from, "", What::Skipped(borrow_instead(self.context, helper, "HOST")));
            return Ok(());
        }
        let keys = match helpers::list(helper, Waiter::Person) {
            Ok(listed) => listed.into_iter().map(|(key, _)| key).collect::<Vec<_>>(),
            Err(Refusal::NotFound) => return Ok(()),
            Err(Refusal::NotInstalled(_)) if sources::reads_keyring(helper) => {
                self.whole_keyring(named);
                return Ok(());
            }
            Err(Refusal::NotInstalled(problem)) if !named => {
                self.add(from, "", What::Skipped(problem.what));
                return Ok(());
            }
            Err(Refusal::NotInstalled(problem) | Refusal::Failed(problem)) => {
                self.add(from, "", What::Failed(problem.what));
                return Err(());
            }
        };
        for key in keys.iter().filter(|key| !except.contains(key) && !logins::is_our_own(key)) {
            if let Some(registry) = self.wanted(key) {
                let _ = self.ask(helper, key, &registry); // its failure is told with the entry
            } else if self.registries.is_empty() {
                self.add(from.clone(), key, What::Skipped(leftovers::Reason::NoServer.to_string()));
            }
        }
        Ok(())
    }

    fn ask(&mut self, helper: &HelperName, key: &str, registry: &Registry) -> Result<(), ()> {
        let question = (helper.clone(), key.to_owned());
        if self.asked.contains(&question) {
            return Ok(());
        }
        self.asked.push(question);
        let from = Where::Helper(helper.clone());
        if logins::is_short_lived(helper) {
            self.add(from, key, What::Skipped(borrow_instead(self.context, helper, registry.as_str())));
            return Ok(());
        }
        match helpers::login(helper, key, Waiter::Person) {
            Ok(credential) => {
                let Some(server) = logins::server_of(key) else { return Ok(()) };
                let (username, secret) = (credential.username, credential.secret);
                let login = FoundLogin { key: key.to_owned(), server, username, token_of: None, secret, did: None };
                self.findings.push(found_in(from, login));
                Ok(())
            }
            Err(Refusal::NotFound) => Ok(()),
            Err(Refusal::NotInstalled(_)) if self.keyring_has(helper, key) => Ok(()),
            Err(Refusal::NotInstalled(problem) | Refusal::Failed(problem)) => {
                self.add(from, key, What::Failed(problem.what));
                Err(())
            }
        }
    }

    /// The accounts of ATCR's helper, those that are active first.
    fn atcr(&mut self, path: &Path, adopted: Adopted) {
        let from = Where::Atcr(path.to_owned());
        let Adopted { registries, secrets, skipped } = adopted;
        let is_active = |(account, _): &(Account, Secret)| {
            let active = Active::Account(account.name.clone());
            registries.iter().any(|one| one.registry == account.registry && one.active == active)
        };
        let (first, after): (Vec<_>, Vec<_>) = secrets.into_iter().partition(is_active);
        for (account, secret) in first.into_iter().chain(after) {
            let Some(server) = ServerUrl::parse(account.registry.as_str()) else { continue };
            if self.is_wanted(&account.registry) {
                let (key, username) = (account.registry.to_string(), account.username);
                let login = FoundLogin { key, server, username, token_of: None, secret, did: account.did };
                self.findings.push(found_in(from.clone(), login));
            }
        }
        for entry in skipped {
            self.add(from.clone(), "", What::Failed(entry));
        }
    }

    /// The registry of a key, if it is one of those that were asked for.
    fn wanted(&self, key: &str) -> Option<Registry> {
        use crate::model::Target;
        let registry = match logins::server_of(key)?.target() {
            Target::Registry { registry, .. } => registry.clone(),
            Target::HubToken(_) => Registry::docker_hub(),
        };
        Some(registry).filter(|registry| self.is_wanted(registry))
    }

    pub(super) fn is_wanted(&self, registry: &Registry) -> bool {
        self.registries.is_empty() || self.registries.contains(registry)
    }

    pub(super) fn add(&mut self, from: Where, key: &str, what: What) {
        self.findings.push(Finding { from, key: logins::shown(key), what });
    }
}

/// A login as it was found, which leads until it is sorted among the others.
pub(in crate::cli) fn found_in(from: Where, login: FoundLogin) -> Finding {
    Finding { from, key: logins::shown(&login.key), what: What::Login(Box::new(login), Part::Leads) }
}

/// Ensign under one of its names: what it has is here already.
fn is_ours(helper: &str) -> bool {
    helper == "atcr" || helper.starts_with("ensign")
}

fn borrow_instead(context: &Context<'_>, helper: &HelperName, host: &str) -> String {
    format!("its secrets end within hours:  {} login {host} --borrow helper:{helper}", context.program)
}
