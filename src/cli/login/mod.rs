//! `login`: asks for missing values, checks the login at the registry, saves the login, and prints the result.

mod device;
mod external_source;
mod outcome;
mod questions;

use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Context as _;
use serde_json::json;

use super::check::{CheckSubject, describe_login};
use super::connection_hint::connection_hint;
use super::failure::Failure;
use super::list_edit::ListEdit;
use super::{CommandContext, args, callers, configure_docker, images, store};
use crate::accounts::{self, Activation, NewLogin, PreviousImages};
use crate::model::choice::RegistryAccounts;
use crate::model::{
    Account, AccountName, CallerEdit, Credential, Expiry, ImagePattern, InvalidName, Operation, Problem, Registry,
    Source, StoreKind, StoredSecret, Username,
};
use crate::oauth;
use crate::oci::{self, LoginVerdict, RegistryReply};
use crate::system::text;

pub(super) use questions::{read_secret, token_page};

/// A login whose values are all known.
struct CompleteLogin {
    username: Username,
    stored: StoredSecret,
    source: Source,
    alias: Option<AccountName>,
    did: Option<String>,
}

/// The options for saving a login. The options are checked before the user types a password.
struct LoginOptions {
    store: Option<StoreKind>,
    images: ListEdit<ImagePattern>,
    purpose: Option<Operation>,
    callers: CallerEdit,
}

pub(super) fn run(context: &CommandContext<'_>, mut arguments: args::LoginArguments) -> Result<ExitCode, Failure> {
    questions::refuse_password(context, &arguments)?;
    questions::take_namespace(&mut arguments);
    let arguments = &arguments;
    let (registry, user) = questions::registry(context, arguments)?;
    if arguments.configure_docker {
        // For a pattern of hosts, `--configure-docker` must fail before the user types a password.
        configure_docker::named(context, registry.as_str())?;
    }
    let user = arguments.username.clone().or(user).map(|user| username(&user)).transpose()?;
    let options = LoginOptions::read(context, &registry, arguments)?;
    let candidates = context.accounts.only_of(&registry)?;
    let complete = if let Some(word) = &arguments.external.external_program {
        Some(external_source::complete(context, arguments, &registry, word, user)?)
    } else {
        match device::log_in(context, arguments, &candidates, user.as_ref())? {
            Some(complete) => Some(complete),
            None => questions::secret(context, arguments, &candidates, user)?,
        }
    };
    match complete {
        Some(complete) => finish(context, arguments, &candidates, options, complete),
        None => recheck(context, arguments, &candidates),
    }
}

/// Parses a user name that the user typed.
fn username(text: &str) -> Result<Username, Failure> {
    text.parse().map_err(|error: InvalidName| Failure::usage(error.to_string(), "choose another name"))
}

/// Returns the account that the login renews, if `--alias` is the alias of an account.
fn renewed_account<'c>(arguments: &args::LoginArguments, known: &'c RegistryAccounts) -> Option<&'c Account> {
    known.called(arguments.alias.as_ref()?.as_str())
}

/// Checks the login, saves it and prints the result.
fn finish(
    context: &CommandContext<'_>,
    arguments: &args::LoginArguments,
    before: &RegistryAccounts,
    options: LoginOptions,
    complete: CompleteLogin,
) -> Result<ExitCode, Failure> {
    let registry = &before.registry;
    let LoginOptions { store, images, purpose, callers } = options;
    let CompleteLogin { username, stored, source, alias, did } = complete;
    let credential = Credential { username, secret: stored.secret.copy() };
    let RegistryReply { answer: verdict, renewed, expiry, .. } = check(context, arguments, registry, &credential);
    let stored = match renewed {
        Some(secret) => StoredSecret { secret, ..stored },
        None => stored,
    };
    if let LoginVerdict::SessionOver { page } = &verdict
        && let Some(account) = same_account(before, alias.as_ref(), &credential.username)
    {
        context.accounts.note_ended_session(account, page);
    }
    let open = judge(context, arguments, registry, verdict).inspect_err(|_| give_back(context, &source, &stored))?;
    let is_shown = source == Source::Static && !open && !arguments.no_verify && !registry.is_pattern();
    let expiry_there =
        || if is_shown { expiry.or_else(|| context.expiry_at_provider(registry, &credential)) } else { None };
    // The registry just accepted the login, so an expiry in the past means that this machine's clock is wrong.
    let is_ahead = |expiry: &SystemTime| *expiry > SystemTime::now();
    let stored = StoredSecret { expires_at: stored.expires_at.or_else(|| expiry_there().filter(is_ahead)), ..stored };
    let login = NewLogin {
        registry: registry.clone(),
        spellings: questions::spelling(arguments).into_iter().collect(),
        username: credential.username,
        name: alias,
        store,
        token_of: None,
        images_before: if images.replaces { PreviousImages::Replaced } else { PreviousImages::KeptWithNamespace },
        images: images.values,
        bound: None,
        purpose,
        did,
        callers,
        stored,
        source,
        activate: if arguments.activate { Activation::Yes } else { Activation::IfNone },
    };
    if login.store.is_none() {
        context.accounts.settle_store(context.store_choice()?)?;
    }
    let stored = context.accounts.save(&login).inspect_err(|_| give_back(context, &login.source, &login.stored));
    let account = stored.context("could not save the login")?;
    outcome::print_outcome(context, &account, before, arguments, open, login.expiry(SystemTime::now()))?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the account that a successful login would renew. A session belongs to a user. If the session has ended for
/// the login, it has also ended for this account.
fn same_account<'c>(
    known: &'c RegistryAccounts,
    alias: Option<&AccountName>,
    username: &Username,
) -> Option<&'c Account> {
    let mut same_user = known.accounts.iter().filter(|account| account.username == *username);
    same_user.find(|account| alias.is_none_or(|alias| account.name == *alias))
}

/// Revokes the tokens of a login by browser, if the login could not be saved.
fn give_back(context: &CommandContext<'_>, source: &Source, stored: &StoredSecret) {
    if let Source::OAuth(grant) = source
        && grant.revoke_url.is_some()
    {
        match oauth::revoke(grant, stored) {
            Ok(None) => {}
            Ok(Some(what)) => context.ui.note(what),
            Err(why) => context.ui.note(format_args!("could not end the login at the provider: {why}")),
        }
    }
}

impl LoginOptions {
    fn read(
        context: &CommandContext<'_>,
        registry: &Registry,
        arguments: &args::LoginArguments,
    ) -> Result<Self, Failure> {
        let store = arguments.store.as_deref().map(store::kind).transpose()?;
        let images = images::read(context, registry, &arguments.images)?;
        let callers = callers::edit(&arguments.callers)?;
        if !callers.is_empty() {
            callers::refuse_agent()?;
        }
        match &store {
            Some(kind) => store::prepare(context, kind)?,
            None if context.store_choice()?.is_new => {}
            None => store::prepare(context, &context.store_choice()?.kind)?,
        }
        Ok(Self { store, images, purpose: arguments.purpose, callers })
    }
}

/// Checks the login at the registry. With `--no-verify` or for a pattern of hosts, accepts the login without a check.
fn check(
    context: &CommandContext<'_>,
    arguments: &args::LoginArguments,
    registry: &Registry,
    credential: &Credential,
) -> RegistryReply<LoginVerdict> {
    if arguments.no_verify || registry.is_pattern() {
        return RegistryReply { answer: LoginVerdict::Accepted, is_rejected: false, renewed: None, expiry: None };
    }
    let security = context.security(registry, arguments.plain_http);
    context.ui.while_waiting(&format!("Asking {registry}"), || oci::check(registry, credential, security))
}

/// Turns a failed check into an error. Returns `Ok(false)` for an accepted login, or `Ok(true)` if the registry accepts
/// every login and the check therefore proves nothing.
fn judge(
    context: &CommandContext<'_>,
    arguments: &args::LoginArguments,
    registry: &Registry,
    verdict: LoginVerdict,
) -> Result<bool, Failure> {
    let failed = |reason: &str| format!("login failed for {registry}: {reason}");
    match verdict {
        LoginVerdict::Accepted => Ok(false),
        LoginVerdict::Open => Ok(true),
        LoginVerdict::Rejected { by } => {
            let reason = format!("authentication rejected by {}", text::one_line(&by, 100));
            let advice = questions::advice(context, registry);
            Err(Failure::not_logged_in(failed(&reason), format!("{advice}; login not saved")))
        }
        LoginVerdict::SessionOver { page } => Err(Failure::not_logged_in(
            failed("the session has expired"),
            format!("log in at {page} with a browser, then try again"),
        )),
        LoginVerdict::Unverified { why } => {
            let security = context.security(registry, arguments.plain_http);
            let hint = match connection_hint(context, registry, security, &why) {
                Some(hint) => format!("{hint}; login not saved"),
                None => "login not saved; use `--no-verify` to save it without checking".to_owned(),
            };
            Err(Problem::new(failed(&why), hint).into())
        }
    }
}

/// Checks the default account again, for `login HOST` without further arguments and without a terminal.
fn recheck(
    context: &CommandContext<'_>,
    arguments: &args::LoginArguments,
    candidates: &RegistryAccounts,
) -> Result<ExitCode, Failure> {
    if candidates.registry.is_pattern() {
        let what = format!("{} matches many registries, so the login cannot be checked", candidates.registry);
        return Err(Failure::usage(what, format!("check one: `{} check HOST`", context.program)));
    }
    let Some(account) = candidates.default_account() else {
        return Err(Failure::not_logged_in(
            format!("{} has no default account", candidates.registry),
            "name the account with `-u`",
        ));
    };
    let registry = &candidates.registry;
    let mut subject = CheckSubject::of_login(account.clone(), context.secret_of(account)?);
    let verdict = subject.ask(context, |credential| check(context, arguments, registry, credential))?;
    let report = describe_login(verdict.clone(), &subject);
    if !arguments.no_verify {
        subject.learn_expiry(context, &report);
        subject.judge(context, &report);
    }
    if let LoginVerdict::SessionOver { page } = &verdict {
        return Err(Failure::not_logged_in(report.sentence, accounts::log_in_at(page)));
    }
    let is_open = judge(context, arguments, registry, verdict)?;
    let is_verified = !is_open && !arguments.no_verify;
    let name = &account.name;
    let expiry = context.accounts.stored(account).ok().flatten();
    let expiry = expiry.map_or(Expiry::Unknown, |stored| Expiry::new(&account.source, &stored));
    let mut json = outcome::json(account, candidates, is_verified, expiry);
    json["renewed"] = json!(false);
    if is_verified {
        context.ui.done(json, format_args!("{registry} still accepts the account {name}"))?;
    } else {
        context.ui.done(json, format_args!("Kept the login for {registry} as {name} (not verified)"))?;
    }
    if is_open {
        context.ui.note(format_args!("{registry} accepts every login, so the password was not checked"));
    }
    Ok(ExitCode::SUCCESS)
}
