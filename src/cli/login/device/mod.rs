//! A login by browser, from the question whether it is one to what is kept.

mod provider;
mod screen;

use std::time::SystemTime;

use anyhow::anyhow;

use super::Complete;
use crate::accounts;
use crate::cli::failure::Failure;
use crate::cli::{Context, args};
use crate::model::choice::Candidates;
use crate::model::{Account, Kept, Problem, Source, Username};
use crate::oauth::{Fresh, Plan, Provider};
use crate::system::env;

/// A login that is to go by browser.
pub(super) struct Way {
    provider: Provider,
    /// It was chosen from a menu: if it cannot begin there is still the password.
    offered: bool,
}

/// A finished login, and what only some providers tell.
pub(super) struct Done {
    pub(super) complete: Complete,
    pub(super) did: Option<String>,
}

/// Tells whether the login goes by browser: because the words say so, or because a person chooses it.
pub(super) fn way(
    context: &Context<'_>,
    given: &args::Login,
    known: &Candidates,
    user: Option<&str>,
) -> Result<Option<Way>, Failure> {
    if given.browser.device {
        let provider = provider::named(context, given, known)?;
        return Ok(Some(Way { provider, offered: false }));
    }
    let has_words = given.username.is_some() || given.password_stdin || user.is_some();
    if has_words || !context.ui.can_ask() {
        return Ok(None);
    }
    let Some(provider) = provider::ready(context, given, known)? else { return Ok(None) };
    let items =
        [format!("In the browser, at {}", provider.title), "With a user name and a password or token".to_owned()];
    let choice = context.ui.choose(&format!("Log in to {}", known.registry), &items, 0)?;
    Ok((choice == 0).then_some(Way { provider, offered: true }))
}

/// Logs in. `Ok(None)`: it could not begin, and a password may be asked for instead.
pub(super) fn log_in(
    context: &Context<'_>,
    given: &args::Login,
    known: &Candidates,
    user: Option<String>,
    way: Way,
) -> Result<Option<Done>, Failure> {
    let registry = &known.registry;
    let Way { provider, offered } = way;
    let title = provider.title.clone();
    let known_name = || provider::renewed(given, known).map(|account| account.username.to_string());
    let mut name = given.username.clone().or(user);
    if name.is_none() && provider.asks_for_username() {
        name = Some(known_name().map_or_else(|| ask_name(context, known), Ok)?);
    }
    let device = env::variable("HOSTNAME").or_else(|| env::variable("COMPUTERNAME")).unwrap_or_else(|| "Ensign".into());
    let begun = context.ui.while_waiting(&format!("Asking {title}"), || {
        Plan::of(provider, registry).and_then(|plan| plan.begin(&device.to_string_lossy()))
    });
    let pending = match begun {
        Ok(pending) => pending,
        Err(why) if offered => {
            context.ui.note(format_args!("no login by browser: {why}"));
            return Ok(None);
        }
        Err(why) => {
            let password = format!("log in with a password or token: `{} login {registry} -u NAME`", context.program);
            return Err(Problem::new(format!("login failed for {registry}: {why}"), password).into());
        }
    };
    screen::show(context, given, &title, pending.prompt())?;
    let login = screen::wait(context, &title, pending).map_err(|ended| screen::failed(known, &title, ended))?;
    if let Some(scope) = &login.lacks {
        context.ui.note(format_args!("{title} did not grant `{scope}`: this login can pull, but not push"));
    }
    let Fresh { secret, refresh, until, username } = login.fresh;
    let username: Username = match (name, username) {
        (Some(name), _) => name.parse().map_err(|error| Failure::usage(format!("{error}"), "choose another one"))?,
        (None, Some(username)) => username,
        (None, None) => known_name()
            .map_or_else(|| ask_name(context, known), Ok)?
            .parse()
            .map_err(|error| Failure::usage(format!("{error}"), "choose another one"))?,
    };
    let alias = given.alias.as_deref().map(str::parse).transpose();
    let complete = Complete {
        username,
        kept: Kept { due: until.map(|until| accounts::due(until, SystemTime::now())), until, refresh, ..secret.into() },
        source: login.grant.map_or(Source::Given, Source::Granted),
        alias: alias.map_err(|error| Failure::usage(format!("{error}"), "choose another alias"))?,
    };
    Ok(Some(Done { complete, did: login.did }))
}

/// Notes the identifier by which images may name the account too.
pub(super) fn note_did(context: &Context<'_>, known: &Candidates, user: &Username, did: &str) -> Result<(), Failure> {
    context.accounts.change(|edit| {
        let candidates = edit.of(&known.registry);
        let account = candidates.accounts.iter().find(|account| account.username == *user);
        let account = account.ok_or_else(|| anyhow!("{user} is gone"))?.clone();
        edit.document.put(&Account { did: Some(did.to_owned()), ..account });
        Ok(())
    })?;
    Ok(())
}

fn ask_name(context: &Context<'_>, known: &Candidates) -> Result<String, Failure> {
    if context.ui.can_ask() {
        return Ok(context.ui.ask(&format!("Username at {}", known.registry))?);
    }
    let what = format!("the user name at {} is not known, and there is no terminal to ask on", known.registry);
    Err(Failure::usage(what, "name it with `-u`"))
}
