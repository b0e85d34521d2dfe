//! The front for calls of programs. Implements Docker's credential helper protocol (docker/docker-credential-helpers
//! `credentials/credentials.go`).
//!
//! A call reads stdin, writes one answer to stdout, never prompts, and exits with 0 or 1. On success, stderr stays
//! empty unless stderr is a terminal. Only `accounts` uses the network, in order to renew a secret or to revoke the
//! tokens of a removed login.

pub(crate) mod kubelet;
mod message;
mod plugin;
mod record;
#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal, Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::anyhow;

use crate::accounts::{ANY_COMMAND, Accounts, Activation, Explanation, FindOutcome, NewLogin, UnreachableStore};
use crate::caller::{self, Caller};
use crate::journal::Journal;
use crate::model::choice::{AccountRequest, Decision, ExplicitAccount, HelperRoute, RegistryAccounts, Rule, Verdict};
use crate::model::{
    Account, AccountName, Credential, HubToken, ImagePattern, ImageReference, Problem, Registry, ServerUrl, Target,
    Username,
};
use crate::system::env::Env;
use crate::system::text::quote;
use crate::system::{client_env, memory};
use message::ProtocolError;
pub(crate) use message::{usage, version_line};
pub(crate) use plugin::{HOOKS, PLUGIN_METADATA, hook_answer};

/// The verbs of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Get,
    Store,
    Erase,
    List,
}

impl Action {
    pub(crate) const ALL: [Self; 4] = [Self::Get, Self::Store, Self::Erase, Self::List];

    /// Returns the verb on the command line.
    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Store => "store",
            Self::Erase => "erase",
            Self::List => "list",
        }
    }

    /// Tells whether the verb reads stdin. `list` must not wait for stdin, because some clients never write to stdin.
    pub(crate) fn reads_stdin(self) -> bool {
        self != Self::List
    }
}

/// Reads one call from stdin and answers the call on stdout.
pub(crate) fn serve(action: Action, pinned: Option<&AccountName>) -> ExitCode {
    answer_panics();
    let mut stdout = io::stdout(); // not locked, because a panic on another thread writes to stdout too
    let answered = match environment() {
        Ok(env) => {
            let call = ProtocolCall { accounts: Accounts::new(&env), env: &env, pinned };
            call.answer(action, io::stdin().lock(), &mut stdout)
        }
        Err(problem) => {
            if action.reads_stdin() {
                let _ = io::copy(&mut io::stdin().lock(), &mut io::sink()); // the client writes its request before it reads
            }
            Err(ProtocolError::Other(problem.into()))
        }
    };
    let Err(refusal) = answered else { return ExitCode::SUCCESS };
    let is_watched = io::stderr().is_terminal();
    if is_watched {
        message::name_ignored(&mut io::stderr());
    }
    refusal.write(&mut stdout, &mut io::stderr(), is_watched)
}

/// Returns the environment with which the calling client was started.
fn environment() -> Result<Env, Problem> {
    memory::keep_private();
    client_env::follow_client(caller::changed_by_client);
    Env::take()
}

/// Makes a panic print one line and exit with 1. By default a panic has another exit code and an empty stdout. Clients
/// would read the empty stdout as an answer.
pub(crate) fn answer_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(io::stdout(), "docker-credential-ensign failed at {place}: please report this bug");
        #[expect(clippy::exit, reason = "the only way to choose the exit code of a panic")]
        std::process::exit(1);
    }));
}

/// How long a login looks for a keyring, if no store has been chosen yet.
const PROBING: Duration = Duration::from_millis(500);

struct ProtocolCall<'e> {
    accounts: Accounts<'e>,
    env: &'e Env,
    pinned: Option<&'e AccountName>,
}

impl ProtocolCall<'_> {
    fn answer(&self, action: Action, stdin: impl Read, stdout: &mut impl Write) -> Result<(), ProtocolError> {
        match action {
            Action::Get => self.get(&message::server_url(stdin)?, stdout),
            Action::Store => self.store(message::StoreRequest::read(stdin)?),
            Action::Erase => self.erase(&message::server_url(stdin)?),
            Action::List => self.list(stdout),
        }
    }

    fn get(&self, server_url: &ServerUrl, stdout: &mut impl Write) -> Result<(), ProtocolError> {
        match server_url.target() {
            Target::HubToken(token) => {
                let credential = match self.route(&Registry::docker_hub())? {
                    Some(route) => {
                        self.accounts.ask_routed(&route, server_url.as_str()).map_err(ProtocolError::NotFound)?
                    }
                    None => self.hub_token(*token)?,
                };
                message::write_credential(stdout, server_url, &credential)
            }
            Target::Registry { registry, user, repository } => {
                let request = AccountRequest {
                    environment: ExplicitAccount::parse(self.env.account.as_deref(), registry),
                    pinned: self.pinned.cloned(),
                    user: user.clone(),
                    image: repository.clone().map(|repository| ImageReference::new(registry.clone(), repository)),
                };
                let caller = Caller::new(registry);
                let (found, record) = self.accounts.find(registry, server_url.as_str(), &request, &caller);
                let explanation = self.accounts.explanation(&record.decision);
                if io::stderr().is_terminal() {
                    explanation.unknown_files().for_each(|line| message::warn(&line, &mut io::stderr()));
                }
                let mut entry = record::prepare(self.env, || caller.client(), &found, &record);
                let found = record::write_first(found, record.guarded.as_ref(), &mut entry);
                if let Some(problem) = record.unsaved.filter(|_| io::stderr().is_terminal()) {
                    message::warn(&problem.to_string(), &mut io::stderr());
                }
                let answered = match found {
                    Ok(FindOutcome::Credential(credential)) => {
                        message::write_credential(stdout, server_url, &credential)
                    }
                    Ok(FindOutcome::NoAccount) => Err(refusal(&record.decision, explanation)),
                    Ok(FindOutcome::Expired(why) | FindOutcome::Unrenewed(why)) => {
                        Err(ProtocolError::NotFound(Some(why)))
                    }
                    Ok(FindOutcome::Withheld(withheld)) => Err(ProtocolError::NotFound(Some(withheld.into()))),
                    Err(error) => Err(error.into()),
                };
                if let Some((journal, entry)) = entry {
                    journal.add(&entry);
                }
                answered
            }
        }
    }

    /// Returns the helper that answers instead of Ensign. A pinned helper has no route, because it answers only as its
    /// own account.
    fn route(&self, registry: &Registry) -> Result<Option<HelperRoute>, ProtocolError> {
        Ok(if self.pinned.is_some() { None } else { self.accounts.route(registry)? })
    }

    fn store(&self, entry: message::StoreRequest) -> Result<(), ProtocolError> {
        let message::StoreRequest { server_url, username, secret } = entry;
        let username: Username = username.parse().map_err(|error| anyhow!("the user name is not valid: {error}"))?;
        refuse_pattern(&server_url, "save", "login").map_err(anyhow::Error::from)?;
        if let Some(route) = self.route(&server_url.target().registry())? {
            return Ok(self.accounts.store_routed(&route, server_url.as_str(), &username, &secret)?);
        }
        match server_url.target() {
            Target::HubToken(token) => self.accounts.set_hub_token(&username, *token, Some(&secret))?,
            Target::Registry { registry, repository, user: _ } => {
                // If `docker login -u` returns an identity token, Docker drops the user name.
                let is_token = username.is_identity_token();
                let user = if is_token { caller::login_user(registry) } else { None };
                let bound = repository.as_ref().map(|path| ImagePattern::under(registry, path.as_str()));
                let spelling = Registry::spelled(server_url.as_str()).and_then(|(_, spelling)| spelling);
                self.accounts.known_setting()?;
                if let Ok(choice) = self.accounts.choose_store(PROBING) {
                    let _ = self.accounts.settle_store(&choice); // `save` will report this error
                }
                self.accounts.save(&NewLogin {
                    spellings: spelling.into_iter().collect(),
                    name: self.pinned.cloned(),
                    token_of: user.and_then(|user| user.parse().ok()),
                    bound: bound.transpose().map_err(anyhow::Error::from)?,
                    activate: if repository.is_some() { Activation::IfNone } else { Activation::Yes },
                    ..NewLogin::new(registry.clone(), username, secret.into())
                })?;
            }
        }
        Ok(())
    }

    /// Removes the account of the pinned helper, of the address's user or of the address's repository. If the call
    /// contains none of these, the default account is removed, and no other account becomes the default. Therefore
    /// `docker logout` removes only one account, although it calls Ensign up to four times for one registry.
    fn erase(&self, server_url: &ServerUrl) -> Result<(), ProtocolError> {
        refuse_pattern(server_url, "remove", "logout").map_err(anyhow::Error::from)?;
        if let Some(route) = self.route(&server_url.target().registry())? {
            return Ok(self.accounts.erase_routed(&route, server_url.as_str())?);
        }
        match server_url.target() {
            Target::HubToken(token) => {
                let hub = self.accounts.registry_accounts(&Registry::docker_hub())?;
                if let Some(account) = self.side_account(&hub) {
                    self.accounts.set_hub_token(&account.username, *token, None)?;
                }
            }
            Target::Registry { registry, user, repository } => {
                let bound = repository.as_ref().and_then(|path| ImagePattern::under(registry, path.as_str()).ok());
                let pick = |candidates: &RegistryAccounts| match (self.pinned, user, repository) {
                    (Some(name), _, _) => candidates.account(name.as_str()).map(name_of),
                    (_, Some(user), _) => candidates.account_of(user).map(name_of),
                    (_, _, Some(_)) => {
                        let is_bound = |account: &&Account| {
                            bound.as_ref().is_some_and(|pattern| account.images == [pattern.clone()])
                        };
                        candidates.accounts.iter().find(is_bound).map(name_of)
                    }
                    (None, None, None) => candidates.default_account().map(name_of),
                };
                let picked = pick(&self.accounts.registry_accounts(registry)?);
                if picked.is_some_and(|name| self.accounts.refuse_env_account(registry, &name).is_ok())
                    && let Some(forgotten) = self.accounts.remove(registry, pick, UnreachableStore::Refuse)?
                {
                    forgotten.end(); // a failure is ignored, because the protocol cannot report it
                }
            }
        }
        Ok(())
    }

    /// Lists one canonical key for each registry whose credentials `get` would return. Docker's classic builder fails
    /// for all keys if one key has no answer. Podman, Buildah and Skopeo accept only hosts, and fail for all keys if
    /// one key has a scheme.
    fn list(&self, stdout: &mut impl Write) -> Result<(), ProtocolError> {
        let mut answerable = serde_json::Map::new();
        let wants_hosts = caller::is_containers_tool();
        for (server, user) in self.accounts.listed(self.pinned)? {
            let host = ServerUrl::parse(&server).filter(|_| wants_hosts).map(|url| url.target().registry().to_string());
            answerable.insert(host.unwrap_or(server), user.into());
        }
        writeln!(stdout, "{}", serde_json::Value::Object(answerable)).map_err(|_| ProtocolError::ClosedStdout)
    }

    fn hub_token(&self, token: HubToken) -> Result<Credential, ProtocolError> {
        let hub = self.accounts.registry_accounts(&Registry::docker_hub())?;
        let account = self.side_account(&hub).ok_or(ProtocolError::NotFound(None))?;
        let note = || Journal::note_hand_out(self.env, account, "a client");
        let guarded = self.accounts.hand_out(account, caller::facts, note);
        guarded.map_err(|withheld| ProtocolError::NotFound(Some(withheld.into())))?;
        let secret = self.accounts.hub_token(&account.username, token)?.ok_or(ProtocolError::NotFound(None))?;
        Ok(Credential { username: account.username.clone(), secret })
    }

    /// Returns the Docker Hub account whose access and refresh tokens `docker login` stores. `docker logout` erases
    /// these tokens before the account, so the account still exists at that time.
    fn side_account<'c>(&self, hub: &'c RegistryAccounts) -> Option<&'c Account> {
        self.pinned.map_or_else(|| hub.default_account(), |name| hub.account(name.as_str()))
    }
}

/// Returns the error for a call that no account answers. If the account of a pinned helper or the user in the address
/// does not exist, the error is "not found", as for an unknown registry.
fn refusal(decision: &Decision, explanation: Explanation<'_>) -> ProtocolError {
    let rule = decision.deciding().map(|step| step.rule);
    match (decision.verdict, explanation.problem()) {
        (Verdict::NoSuchAccount, Some(problem)) if matches!(rule, Some(Rule::Environment | Rule::Project)) => {
            ProtocolError::Other(problem.into())
        }
        (Verdict::NoneForOperation, problem) => ProtocolError::NotFound(problem),
        (Verdict::Several, _) => {
            let options = explanation.options(&[], ANY_COMMAND);
            ProtocolError::Several { registry: decision.registry.clone(), options }
        }
        _ => ProtocolError::NotFound(None),
    }
}

/// Returns an error for an address that stands for several registries, such as `*.azurecr.io`.
fn refuse_pattern(server_url: &ServerUrl, deed: &str, command: &str) -> Result<(), Problem> {
    if !server_url.target().registry().is_pattern() {
        return Ok(());
    }
    let what = format!("a client can {deed} the login of one registry, not of all in {server_url}");
    Err(match Registry::pattern(server_url.as_str()) {
        Ok(pattern) => Problem::run(what, format_args!("{command} {}", quote(pattern.as_str()))),
        Err(_) => Problem::new(what, "name one registry, such as ghcr.io"),
    })
}

fn name_of(account: &Account) -> AccountName {
    account.name.clone()
}
