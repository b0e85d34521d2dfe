//! Searches files, helpers and the keyring for logins, in the order in which Docker searches.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::accounts::{AdoptedAccounts, HelperRefusal, helpers};
use crate::cli::CommandContext;
use crate::cli::failure::Failure;
use crate::docker::login_source::{self, LoginSource};
use crate::docker::logins::{self, EntryContent, FoundLogin, ImportEntry, ImportRole, LoginOrigin};
use crate::docker::plaintext_auths::{self, UnusableReason};
use crate::docker::{ClientFamily, ConfigJson, LIMIT};
use crate::model::choice::DefaultAccount;
use crate::model::{Account, HelperName, Problem, Registry, Secret, ServerUrl, Target};
use crate::system::keyring::{DockerLogins, KeyringError};
use crate::system::{env, files};

/// Finds the logins in these sources. If registries were typed, finds only the logins for these registries.
pub(super) fn find_logins(
    context: &CommandContext<'_>,
    places: &[LoginSource],
    registries: &[Registry],
) -> Result<Vec<ImportEntry>, Failure> {
    let mut search = LoginSearch {
        context,
        registries,
        is_everywhere: places == LoginSource::ALL,
        findings: vec![],
        read: vec![],
        asked: vec![],
        keyring: OnceCell::new(),
        is_keyring_read: false,
    };
    for place in places {
        search.look_at(place)?;
    }
    logins::dedupe(&mut search.findings);
    Ok(search.findings)
}

pub(super) struct LoginSearch<'c> {
    pub(super) context: &'c CommandContext<'c>,
    pub(super) registries: &'c [Registry],
    /// Whether all sources are searched, because the user typed no source.
    is_everywhere: bool,
    pub(super) findings: Vec<ImportEntry>,
    /// The files that were already read. Several tools may share a file, and each file is read only once.
    read: Vec<PathBuf>,
    /// The helpers that were already asked, each with the key of a login. No question is repeated, because a helper may
    /// prompt the user at every question.
    pub(super) asked: Vec<(HelperName, String)>,
    /// The logins in the keyring. The keyring is opened only when a login is needed.
    pub(super) keyring: OnceCell<Result<DockerLogins, KeyringError>>,
    /// Whether the whole keyring was already searched.
    pub(super) is_keyring_read: bool,
}

impl LoginSearch<'_> {
    fn look_at(&mut self, place: &LoginSource) -> Result<(), Failure> {
        match place {
            LoginSource::Environment => {
                let Some(text) = env::variable("DOCKER_AUTH_CONFIG") else { return Ok(()) };
                let text = text.into_encoded_bytes();
                match ConfigJson::parse(Path::new("DOCKER_AUTH_CONFIG"), Some(text)) {
                    Ok(config) => self.config(&config, &LoginOrigin::Environment, ClientFamily::Docker),
                    Err(broken) => self.add(LoginOrigin::Environment, "", EntryContent::Failed(broken.to_string())),
                }
            }
            LoginSource::Keyring => self.whole_keyring(!self.is_everywhere),
            LoginSource::Helper(helper) => drop(self.helper(helper, &[], true)),
            LoginSource::File(path) if !path.exists() => {
                let what = format!("there is no file `{}`", path.display());
                let words = "env, docker, containers, finch, helm, atcr, keyring or helper:NAME";
                return Err(Failure::usage(what, format!("name a file, or one of {words}")));
            }
            _ => {
                let reader =
                    if *place == LoginSource::Containers { ClientFamily::Containers } else { ClientFamily::Docker };
                for path in place.files(self.context.env) {
                    self.file(&path, reader);
                }
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, reader: ClientFamily) {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if self.read.contains(&real) {
            return;
        }
        self.read.push(real);
        let result = files::read(path, LIMIT).and_then(|contents| {
            let json = contents.as_deref().and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok());
            if let Some(adopted) = json.as_ref().and_then(AdoptedAccounts::from_json) {
                self.atcr(path, adopted);
                return Ok(());
            }
            let config = ConfigJson::parse(path, contents).map_err(Problem::from)?;
            self.config(&config, &LoginOrigin::File(path.to_owned()), reader);
            Ok(())
        });
        if let Err(error) = result {
            self.add(LoginOrigin::File(path.to_owned()), "", EntryContent::Failed(format!("{error:#}")));
        }
    }

    /// Searches in Docker's order. The helpers of single registries come first, then the helper of all other
    /// registries, then the file itself. If a helper fails, Docker ignores the file's own logins.
    fn config(&mut self, config: &ConfigJson, from: &LoginOrigin, reader: ClientFamily) {
        let mut failed: Vec<(Registry, String)> = vec![];
        for (key, name) in config.helpers() {
            let Some(registry) = self.wanted(key).filter(|_| !name.is_empty() && !HelperName::is_reserved(name)) else {
                continue;
            };
            let Ok(helper) = name.parse::<HelperName>() else {
                let reason = "the helper's name cannot be part of a program's name";
                self.add(from.clone(), key, EntryContent::Failed(reason.into()));
                continue;
            };
            if self.ask(&helper, key, &registry).is_err() {
                failed.push((registry, helper.program()));
            }
        }
        let store = config.store().filter(|name| reader == ClientFamily::Docker && !HelperName::is_reserved(name));
        let failed_store = store.and_then(|name| name.parse::<HelperName>().ok()).and_then(|helper| {
            let own: Vec<_> = config.helpers().map(|(key, _)| key.to_owned()).collect();
            self.helper(&helper, &own, false).err().map(|()| helper.program())
        });
        let (found, unusable) = plaintext_auths::find(config);
        // A login under the registry's name outranks a login under a URL of the same registry, as in docker/cli
        // `getAuthConfig`.
        let leads_there = |login: &FoundLogin| login.key.contains("://") && login.key != login.registry().docker_key();
        let (after, first): (Vec<_>, Vec<_>) = found.into_iter().partition(leads_there);
        for login in first.into_iter().chain(after) {
            let registry = login.registry();
            if !self.is_wanted(&registry) {
                continue;
            }
            let by_name = failed.iter().find(|(other, _)| *other == registry).map(|(_, program)| program);
            if let Some(program) = by_name.or(failed_store.as_ref()) {
                let reason = format!("`{program}`, which comes first, failed");
                self.add(from.clone(), &login.key, EntryContent::Skipped(reason));
            } else {
                self.findings.push(found_in(from.clone(), login));
            }
        }
        for entry in unusable {
            if self.registries.is_empty() || self.wanted(&entry.key).is_some() {
                let content = match entry.reason {
                    UnusableReason::RegistryToken => EntryContent::Skipped,
                    _ => EntryContent::Failed,
                };
                self.add(from.clone(), &entry.key, content(entry.reason.to_string()));
            }
        }
    }

    /// Asks a helper for all logins. A missing helper is an error only if the user typed the helper's name (`named`).
    /// If a helper is missing, Docker uses the file (docker/cli `cli/config/credentials`). If a helper fails in another
    /// way, Docker ignores the file.
    fn helper(&mut self, helper: &HelperName, except: &[String], named: bool) -> Result<(), ()> {
        let from = LoginOrigin::Helper(helper.clone());
        if logins::is_short_lived(helper) {
            self.add(from, "", EntryContent::Skipped(borrow_instead(self.context, helper, "HOST")));
            return Ok(());
        }
        let keys = match helpers::list(helper, helpers::PERSON_TIMEOUT) {
            Ok(listed) => listed.into_iter().map(|(key, _)| key).collect::<Vec<_>>(),
            Err(HelperRefusal::NotFound) => return Ok(()),
            Err(HelperRefusal::NotInstalled(_)) if login_source::reads_keyring(helper) => {
                self.whole_keyring(named);
                return Ok(());
            }
            Err(HelperRefusal::NotInstalled(problem)) if !named => {
                self.add(from, "", EntryContent::Skipped(problem.message));
                return Ok(());
            }
            Err(HelperRefusal::NotInstalled(problem) | HelperRefusal::Failed(problem)) => {
                self.add(from, "", EntryContent::Failed(problem.message));
                return Err(());
            }
        };
        for key in keys.iter().filter(|key| !except.contains(key) && !logins::is_our_own(key)) {
            if let Some(registry) = self.wanted(key) {
                let _ = self.ask(helper, key, &registry); // `ask` itself adds the failure to the findings
            } else if self.registries.is_empty() {
                self.add(from.clone(), key, EntryContent::Skipped(UnusableReason::NoServer.to_string()));
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
        let from = LoginOrigin::Helper(helper.clone());
        if logins::is_short_lived(helper) {
            self.add(from, key, EntryContent::Skipped(borrow_instead(self.context, helper, registry.as_str())));
            return Ok(());
        }
        match helpers::login(helper, key, helpers::PERSON_TIMEOUT) {
            Ok(credential) => {
                let Some(server) = logins::server_of(key) else { return Ok(()) };
                let (username, secret) = (credential.username, credential.secret);
                let login = FoundLogin { key: key.to_owned(), server, username, token_of: None, secret, did: None };
                self.findings.push(found_in(from, login));
                Ok(())
            }
            Err(HelperRefusal::NotFound) => Ok(()),
            Err(HelperRefusal::NotInstalled(_)) if self.keyring_has(helper, key) => Ok(()),
            Err(HelperRefusal::NotInstalled(problem) | HelperRefusal::Failed(problem)) => {
                self.add(from, key, EntryContent::Failed(problem.message));
                Err(())
            }
        }
    }

    /// Adds the accounts of ATCR's helper, beginning with the active accounts.
    fn atcr(&mut self, path: &Path, adopted: AdoptedAccounts) {
        let from = LoginOrigin::Atcr(path.to_owned());
        let AdoptedAccounts { registries, secrets, skipped } = adopted;
        let is_active = |(account, _): &(Account, Secret)| {
            let active = DefaultAccount::Account(account.name.clone());
            registries.iter().any(|entry| entry.registry == account.registry && entry.active == active)
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
            self.add(from.clone(), "", EntryContent::Failed(entry));
        }
    }

    /// Returns the registry of a key, if the search includes this registry.
    fn wanted(&self, key: &str) -> Option<Registry> {
        let registry = match logins::server_of(key)?.target() {
            Target::Registry { registry, .. } => registry.clone(),
            Target::HubToken(_) => Registry::docker_hub(),
        };
        Some(registry).filter(|registry| self.is_wanted(registry))
    }

    pub(super) fn is_wanted(&self, registry: &Registry) -> bool {
        self.registries.is_empty() || self.registries.contains(registry)
    }

    pub(super) fn add(&mut self, from: LoginOrigin, key: &str, what: EntryContent) {
        self.findings.push(ImportEntry { from, key: logins::shown(key), what });
    }
}

/// Returns the entry for a found login. The entry is primary until [`logins::dedupe`] sets another role.
pub(in crate::cli) fn found_in(from: LoginOrigin, login: FoundLogin) -> ImportEntry {
    ImportEntry {
        from,
        key: logins::shown(&login.key),
        what: EntryContent::Login(Box::new(login), ImportRole::Primary),
    }
}

fn borrow_instead(context: &CommandContext<'_>, helper: &HelperName, host: &str) -> String {
    format!(
        "the secrets of this helper expire within hours; to borrow them instead:  {} login {host} --borrow helper:{helper}",
        context.program
    )
}
