//! A login by browser: which provider, what is shown, and what a person reads if it fails.

use std::time::{Duration, SystemTime};

use anyhow::anyhow;
use serde_json::json;

use super::{Complete, qr};
use crate::accounts;
use crate::cli::failure::Failure;
use crate::cli::{Context, args};
use crate::model::choice::Candidates;
use crate::model::{Account, Kept, Problem, Source, Username};
use crate::oauth::{self, Ended, Fresh, Hitch, Plan, Prompt, Provider, Waiting, Words};
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
        let provider = named(context, given, known)?;
        return Ok(Some(Way { provider, offered: false }));
    }
    let has_words = given.username.is_some() || given.password_stdin || user.is_some();
    if has_words || !context.ui.can_ask() {
        return Ok(None);
    }
    let Some(provider) = ready(context, given, known)? else { return Ok(None) };
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
    let known_name = || renewed(given, known).map(|account| account.username.to_string());
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
    show(context, given, &title, pending.prompt())?;
    let login = wait(context, &title, pending).map_err(|ended| failed(context, known, &title, ended))?;
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

/// The provider that the words mean: by name, by issuer, by the account that is renewed, by the registry's row or by its
/// own announcement.
fn named(context: &Context<'_>, given: &args::Login, known: &Candidates) -> Result<Provider, Failure> {
    let registry = &known.registry;
    let table = context.providers()?;
    let args::DeviceLogin { provider: name, issuer, .. } = &given.browser;
    if let Some(name) = name {
        let row = table.named(name).filter(|provider| provider.has_login()).ok_or_else(|| {
            Failure::usage(format!("`{name}` is no provider"), format!("there are: {}", table.names()))
        })?;
        return Ok(row.clone().with(&words(given)));
    }
    if issuer.is_some() {
        return Ok(table.any_issuer().with(&words(given)));
    }
    if let Some(provider) = again(&table, given, known) {
        return Ok(provider.with(&words(given)));
    }
    if let Some(provider) = table.of(registry).filter(|provider| provider.has_login()) {
        return Ok(provider.clone().with(&words(given)));
    }
    let announced = context.ui.while_waiting(&format!("Asking {registry}"), || oauth::announced(registry));
    let unusable = |why: String| Problem::new(why, "log in with a password or token");
    if let Some(provider) = announced.map_err(unusable)? {
        return Ok(provider.with(&words(given)));
    }
    match oauth::own_issuer(registry).filter(|_| given.browser.client_id.is_some()) {
        Some(own) => Ok(table.any_issuer().at_its_own_issuer(own).with(&words(given))),
        None => Err(Failure::usage(
            format!("no login by browser is known for {registry}"),
            "name who offers it with `--provider NAME`, or with `--issuer URL --client-id ID`",
        )),
    }
}

/// The provider that can be offered unasked: everything it needs is known.
fn ready(context: &Context<'_>, given: &args::Login, known: &Candidates) -> Result<Option<Provider>, Failure> {
    let table = context.providers()?;
    let row = again(&table, given, known).or_else(|| table.of(&known.registry).cloned());
    let provider = row.or_else(|| {
        let asking = format!("Asking {}", known.registry);
        context.ui.while_waiting(&asking, || oauth::announced(&known.registry)).unwrap_or_else(|why| {
            context.ui.note(why);
            None
        })
    });
    Ok(provider.filter(Provider::is_ready))
}

/// The login that an account had before, so that it can be done again.
fn again(table: &oauth::Table, given: &args::Login, known: &Candidates) -> Option<Provider> {
    let Source::Granted(grant) = &renewed(given, known)?.source else { return None };
    let words = Words {
        issuer: grant.issuer.clone(),
        client_id: Some(grant.client_id.clone()).filter(|id| !id.is_empty()),
        tenant: grant.tenant.clone(),
        scope: None,
    };
    Some(table.named(&grant.provider)?.clone().with(&words))
}

fn renewed<'c>(given: &args::Login, known: &'c Candidates) -> Option<&'c Account> {
    let alias = given.alias.as_deref()?;
    known.accounts.iter().find(|account| account.name.as_str() == alias)
}

fn words(given: &args::Login) -> Words {
    let args::DeviceLogin { issuer, client_id, scope, tenant, .. } = given.browser.clone();
    Words { issuer, client_id, scope, tenant }
}

fn ask_name(context: &Context<'_>, known: &Candidates) -> Result<String, Failure> {
    if context.ui.can_ask() {
        return Ok(context.ui.ask(&format!("Username at {}", known.registry))?);
    }
    let what = format!("the user name at {} is not known, and there is no terminal to ask on", known.registry);
    Err(Failure::usage(what, "name it with `-u`"))
}

/// Link and code first: whatever becomes of the browser, they stand there.
fn show(context: &Context<'_>, given: &args::Login, title: &str, prompt: &Prompt) -> Result<(), Failure> {
    let Prompt { user_code, link, complete, lasts } = prompt;
    let ui = &context.ui;
    ui.event(json!({
        "event": "code", "verification_uri": link, "verification_uri_complete": complete, "user_code": user_code,
        "expires_in": lasts.as_secs(),
    }))?;
    ui.say(format_args!("Log in at {title} with a browser, here or on another machine:"));
    ui.say("");
    ui.say(format_args!("    Link  {link}"));
    ui.say(format_args!("    Code  {user_code}"));
    ui.say("");
    let best = complete.as_deref().unwrap_or(link);
    if given.browser.qr {
        match qr::lines(best) {
            Some(lines) => lines.iter().for_each(|line| ui.say(line)),
            None => ui.note("the link is too long for a QR code"),
        }
    }
    // Over ssh the browser would open where nobody sits, or take the terminal.
    let is_remote = env::variable("SSH_CONNECTION").is_some() || env::variable("SSH_TTY").is_some();
    if given.browser.no_browser || !ui.can_ask() || is_remote {
        return Ok(());
    }
    if !oauth::is_fit_for_browser(best) {
        ui.note("the link is not https, so it is not opened");
    } else if ui.open_browser(best) {
        ui.say("The browser opens. Agree only if it shows the same code.");
    } else {
        ui.note("no browser could be opened here");
    }
    Ok(())
}

fn wait(context: &Context<'_>, title: &str, pending: oauth::Pending) -> Result<oauth::Login, Ended> {
    let line = context.ui.live_line(format_args!("Waiting for {title}"));
    if !line.is_seen() {
        context.ui.say(format_args!("Waiting for {title}, {} at most …", left(pending.prompt().lasts)));
    }
    let mut trouble = "";
    pending.wait(|waiting| match waiting {
        Waiting::Left(time) => line.set(format_args!("Waiting for {title}, {} left{trouble}", left(time))),
        Waiting::Hitch(hitch) => {
            let (reason, words, why) = match hitch {
                Hitch::SlowedDown => ("slow_down", " (it wants to be asked less often)", None),
                Hitch::OutOfReach(why) => ("out_of_reach", " (out of reach, trying again)", Some(why)),
            };
            if trouble != words {
                let _ = context.ui.event(json!({"event": "waiting", "reason": reason, "detail": why}));
                if !line.is_seen() {
                    context.ui.note(format_args!("{title}{words}"));
                }
            }
            trouble = words;
        }
    })
}

fn left(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}

fn failed(context: &Context<'_>, known: &Candidates, title: &str, ended: Ended) -> Failure {
    let what = |why: &str| format!("login failed for {}: {why}", known.registry);
    let again = format!("nothing was stored; begin again: `{} login {} --device`", context.program, known.registry);
    match ended {
        Ended::Refused => Failure::not_logged_in(what(&format!("it was refused at {title}")), again),
        Ended::Expired { drifts: false } => {
            Failure::not_logged_in(what("the code has expired before anybody agreed"), again)
        }
        Ended::Expired { drifts: true } => {
            let why = "the code has expired, and the provider found itself asked too fast all the time";
            Failure::not_logged_in(what(why), "look whether this machine's clock runs right; nothing was stored")
        }
        Ended::OutOfReach(why) => Problem::new(what(&format!("{title} is out of reach: {why}")), again).into(),
        Ended::Failed(why) => Problem::new(what(&format!("{title}: {why}")), again).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_told_as_on_a_clock() {
        for (seconds, shown) in [(0, "0:00"), (59, "0:59"), (600, "10:00"), (3599, "59:59")] {
            assert_eq!(left(Duration::from_secs(seconds)), shown);
        }
    }
}
