//! `login`: ask for what is missing, check it at the registry, keep it, say what happened.

use std::io::{self, Read};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use serde_json::json;
use zeroize::Zeroizing;

use super::args;
use super::failure::Failure;
use super::{Context, account};
use crate::accounts::{Activate, Login};
use crate::docker::{ConfigJson, state};
use crate::model::choice::Candidates;
use crate::model::{Account, AccountName, Credential, Problem, Registry, Secret, StoreKind, Username};
use crate::oci::{self, Verdict, Wire};
use crate::system::{files, text};

/// Everything a login needs; from here on nobody is asked.
struct Request {
    username: Username,
    secret: Secret,
    alias: Option<AccountName>,
}

const SECRET_LIMIT: u64 = 1 << 20;

pub(super) fn run(context: &Context<'_>, given: &args::Login) -> Result<ExitCode, Failure> {
    let (registry, user) = registry(context, given)?;
    let store = given.store.as_deref().map(store_kind).transpose()?;
    let images = account::patterns(&registry, &given.images)?;
    let candidates = context.accounts.of(&registry)?;
    let Some(request) = ask(context, given, &candidates, user)? else {
        return recheck(context, given, &candidates);
    };
    let credential = Credential { username: request.username, secret: request.secret };
    let open = check(context, given, &registry, &credential)?;
    let Credential { username, secret } = credential;
    let activate = if given.activate { Activate::Yes } else { Activate::IfNone };
    let login = Login {
        registry: registry.clone(),
        username,
        name: request.alias,
        store,
        token_of: None,
        images,
        bound: None,
        secret,
        activate,
    };
    let kept = context.accounts.remember(&login).context("could not keep the login")?;
    say(context, &kept, &candidates, given, open)?;
    Ok(ExitCode::SUCCESS)
}

/// The registry, and the user if it was given as `user@host`.
fn registry(context: &Context<'_>, given: &args::Login) -> Result<(Registry, Option<String>), Failure> {
    let host = match &given.host {
        Some(host) => host.clone(),
        None if context.ui.can_ask() => context.ui.ask("Registry")?,
        None => {
            return Err(Failure::usage(
                "no registry was given",
                format!("name it, as in `{} login ghcr.io`", context.program),
            ));
        }
    };
    match host.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.rsplit_once("://").map_or(user, |(_, user)| user);
            let user = user.split(':').next().unwrap_or_default(); // a password in an address is never kept
            Ok((context.registry(host)?, Some(user.to_owned())))
        }
        None => Ok((context.registry(&host)?, None)),
    }
}

/// Fills what the words left open. `None`: nothing was given and an account is there already, so look at that.
fn ask(
    context: &Context<'_>,
    given: &args::Login,
    known: &Candidates,
    user: Option<String>,
) -> Result<Option<Request>, Failure> {
    let registry = &known.registry;
    let has_alias = |account: &&Account| given.alias.as_deref() == Some(account.name.as_str());
    // Behind `<token>` stands a user whom only the person knows.
    let by_alias = known.accounts.iter().find(has_alias).filter(|account| !account.username.is_identity_token());
    let username = match (given.username.clone().or(user), by_alias) {
        (Some(name), _) => name,
        (None, Some(account)) => account.username.to_string(),
        (None, None) if context.ui.can_ask() && !given.password_stdin => {
            introduce(context, known);
            context.ui.ask(&format!("Username at {registry}"))?
        }
        (None, None) if !given.password_stdin && known.default_account().is_some() => return Ok(None),
        (None, None) => {
            let what = format!("{registry} needs a user name and there is no terminal to ask on");
            return Err(Failure::usage(what, pipe_it(context, registry, "NAME")));
        }
    };
    let secret = if given.password_stdin {
        read_secret(io::stdin().lock())?
    } else if context.ui.can_ask() {
        context.ui.ask_secret(&format!("Password or token of {username}"))?
    } else {
        let what = format!("{registry} needs a secret and there is no terminal to ask on");
        return Err(Failure::usage(what, pipe_it(context, registry, &username)));
    };
    if secret.is_empty() {
        return Err(Failure::usage("the password is empty", pipe_it(context, registry, &username)));
    }
    let invalid = |error: &dyn std::fmt::Display| Failure::usage(error.to_string(), "choose another one");
    Ok(Some(Request {
        username: username.parse().map_err(|error| invalid(&error))?,
        secret,
        alias: given.alias.as_deref().map(str::parse).transpose().map_err(|error| invalid(&error))?,
    }))
}

/// Tells a person what is there, and where a token is made.
fn introduce(context: &Context<'_>, known: &Candidates) {
    if !known.accounts.is_empty() {
        // Behind `<token>` the registry's user name is only in the label.
        let user = |account: &Account| {
            if account.username.is_identity_token() { account.name.to_string() } else { account.username.to_string() }
        };
        let users: Vec<_> = known.accounts.iter().map(user).collect();
        context.ui.say(format_args!(
            "{} has accounts of: {}. A new user name adds one, a known one renews its own.",
            known.registry,
            users.join(", ")
        ));
    }
    if let Some(page) = token_page(&known.registry) {
        context.ui.say(format_args!("A token is made at {page}"));
        if context.ui.confirm("Open it in the browser?").unwrap_or(false) && !context.ui.open_browser(page) {
            context.ui.note("no browser could be opened");
        }
    }
}

/// Where the registries most people use make tokens.
fn token_page(registry: &Registry) -> Option<&'static str> {
    Some(match registry.as_str() {
        "docker.io" => "https://app.docker.com/settings/personal-access-tokens",
        "ghcr.io" => "https://github.com/settings/tokens/new?scopes=read:packages,write:packages",
        "registry.gitlab.com" => "https://gitlab.com/-/user_settings/personal_access_tokens",
        "quay.io" => "https://quay.io/user/?tab=settings",
        "codeberg.org" => "https://codeberg.org/user/settings/applications",
        _ => return None,
    })
}

fn pipe_it(context: &Context<'_>, registry: &Registry, username: &str) -> String {
    format!("pipe it: `{} login {registry} -u {username} --password-stdin < FILE`", context.program)
}

/// Reads the secret and cuts exactly one line end, as docker/cli's `login --password-stdin` does.
fn read_secret(stdin: impl Read) -> Result<Secret, Failure> {
    let mut text = Zeroizing::new(String::new());
    let read =
        stdin.take(SECRET_LIMIT + 1).read_to_string(&mut text).context("could not read the password from stdin")?;
    if read as u64 > SECRET_LIMIT {
        return Err(anyhow!("the password on stdin is longer than 1 MiB").into());
    }
    let line = text.strip_suffix("\r\n").or_else(|| text.strip_suffix(['\n', '\r'])).unwrap_or(&text);
    Ok(Secret::new(line.to_owned()))
}

fn store_kind(text: &str) -> Result<StoreKind, Failure> {
    match StoreKind::parse(text) {
        StoreKind::Unknown(_) => Err(Failure::usage(
            format!("`{text}` is no store"),
            "use `file`, or `helper:NAME` for docker-credential-NAME",
        )),
        known => Ok(known),
    }
}

/// Asks the registry. `Ok(true)`: it takes anyone, so nothing was proved.
fn check(
    context: &Context<'_>,
    given: &args::Login,
    registry: &Registry,
    credential: &Credential,
) -> Result<bool, Failure> {
    if given.no_verify {
        return Ok(false);
    }
    let wire = if given.plain_http { Wire::PlainHttpAllowed } else { Wire::Https };
    let verdict = context.ui.while_waiting(&format!("Asking {registry}"), || oci::check(registry, credential, wire));
    let failed = |reason: &str| format!("login failed for {registry}: {reason}");
    match verdict {
        Verdict::Accepted => Ok(false),
        Verdict::Open => Ok(true),
        Verdict::Rejected { by } => {
            let reason = format!("authentication rejected by {}", text::one_line(&by, 100));
            let page = token_page(registry).map_or_else(
                || "look whether the token has expired or lacks a right, and log in again".to_owned(),
                |page| format!("make a token at {page} and log in again"),
            );
            Err(Failure::not_logged_in(failed(&reason), format!("{page}; nothing was stored")))
        }
        Verdict::Unverified { why } => {
            Err(Problem::new(failed(&why), "nothing was stored; `--no-verify` keeps a login unseen").into())
        }
    }
}

/// `login HOST` with nothing else and nobody to ask: is the account that is there still good?
fn recheck(context: &Context<'_>, given: &args::Login, candidates: &Candidates) -> Result<ExitCode, Failure> {
    let Some(account) = candidates.default_account() else {
        return Err(Failure::not_logged_in(
            format!("{} has no active account", candidates.registry),
            "name it with `-u`",
        ));
    };
    let secret = context.accounts.secret(account)?.ok_or_else(|| anyhow!("the secret of {} is gone", account.name))?;
    let credential = Credential { username: account.username.clone(), secret };
    check(context, given, &candidates.registry, &credential)?;
    let json = json!({"status": "success", "registry": account.registry.as_str(), "account": account.name.as_str(), "renewed": false});
    context.ui.done(json, format_args!("{} still accepts {}", account.registry, account.name))?;
    Ok(ExitCode::SUCCESS)
}

fn say(
    context: &Context<'_>,
    kept: &Account,
    before: &Candidates,
    given: &args::Login,
    open: bool,
) -> Result<(), Failure> {
    let registry = &kept.registry;
    let after = context.accounts.of(registry)?;
    let verified = !given.no_verify && !open;
    let json = json!({
        "status": "success", "registry": registry.as_str(), "account": kept.name.as_str(), "username": kept.username.as_str(),
        "verified": verified, "active": after.default_account() == Some(kept), "store": kept.store.to_string(),
    });
    let how = if verified { "Logged in to" } else { "Kept a login, unverified, for" };
    context.ui.done(json, format_args!("{how} {registry} as {}", kept.username))?;
    let images: Vec<_> = kept.patterns().iter().map(ToString::to_string).collect();
    let by_default = if after.default_account() == Some(kept) { ", and by default" } else { "" };
    let used_for = if images.is_empty() { "no images of its own".to_owned() } else { images.join(", ") };
    context.ui.say(format_args!("  Used for  {used_for}{by_default}"));
    context.ui.say(format_args!("  Kept in   {}", place(context, kept)));
    if open {
        context.ui.note(format_args!("{registry} lets anyone in: the password was not checked"));
    }
    if let Some(default) =
        after.default_account().filter(|default| *default != kept && after.accounts.len() > before.accounts.len())
    {
        context.ui.say(format_args!(
            "  {registry} now has {} accounts. The default stays {}.",
            after.accounts.len(),
            default.name
        ));
        if kept.images.is_empty() {
            context.ui.say(format_args!(
                "  For an organisation's images too:  {} account edit {registry} {} --images '{}/**' --images 'ORGANISATION/**'",
                context.program, kept.name, kept.username
            ));
        }
    }
    let docker = context.env.docker_config_dir().map(|folder| ConfigJson::load(&folder.join("config.json")));
    if let Some(Ok(file)) = docker
        && !state::asks_us(&file, registry)
    {
        context
            .ui
            .note(format_args!("Docker does not ask Ensign for {registry} yet:  {} configure-docker", context.program));
    }
    Ok(())
}

fn place(context: &Context<'_>, account: &Account) -> String {
    match (&account.store, &context.env.data_dir) {
        (StoreKind::File, Some(folder)) => {
            let folder = folder.join("secrets");
            let is_private =
                files::are_private_anywhere() || context.env.home().is_some_and(|home| folder.starts_with(home));
            let claim = if is_private { " (readable by you only)" } else { "" };
            format!("{}{claim}", context.env.shorten_home(&folder))
        }
        (StoreKind::Helper(helper), _) => format!("`{}`", helper.program()),
        (other, _) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "compared in a test")]
    fn exactly_one_line_end_is_cut() {
        for (stdin, secret) in
            [("pw", "pw"), ("pw\n", "pw"), ("pw\r\n", "pw"), ("pw\n\n", "pw\n"), (" pw \n", " pw "), ("\n", "")]
        {
            assert_eq!(read_secret(stdin.as_bytes()).unwrap().expose(), secret, "{stdin:?}");
        }
    }
}
