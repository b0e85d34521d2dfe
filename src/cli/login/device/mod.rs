//! Decides whether to log in by browser, and turns a login by browser into a complete login.

mod provider;
mod screen;

use std::str::FromStr;
use std::time::SystemTime;

use super::{CompleteLogin, external_source, give_back};
use crate::accounts;
use crate::cli::failure::Failure;
use crate::cli::{CommandContext, args};
use crate::model::choice::RegistryAccounts;
use crate::model::{InvalidName, Problem, Source, StoredSecret, Username};
use crate::oauth::{DeviceFlowError, LoginPlan, Provider, TokenSet};
use crate::system::env;

/// A login by browser.
pub(super) struct BrowserLogin {
    provider: Provider,
    /// Whether the user chose this login from a menu. If a login from the menu cannot begin, Ensign asks for a
    /// password.
    offered: bool,
}

/// Decides whether to log in by browser. Without `--device`, the user chooses from a menu.
pub(super) fn choose_browser_login(
    context: &CommandContext<'_>,
    arguments: &args::LoginArguments,
    known: &RegistryAccounts,
    user: Option<&str>,
) -> Result<Option<BrowserLogin>, Failure> {
    if arguments.browser.device {
        let provider = provider::named_provider(context, arguments, known)?;
        return Ok(Some(BrowserLogin { provider, offered: false }));
    }
    let has_words = arguments.username.is_some() || arguments.password_stdin || user.is_some();
    if has_words || !context.ui.can_ask() {
        return Ok(None);
    }
    let Some(provider) = provider::ready_provider(context, arguments, known)? else { return Ok(None) };
    let items =
        [format!("In the browser, at {}", provider.title), "With a user name and a password or token".to_owned()];
    let choice = context.ui.choose(&format!("Log in to {}", known.registry), &items, 0)?;
    Ok((choice == 0).then_some(BrowserLogin { provider, offered: true }))
}

/// Logs in by browser. Returns `Ok(None)` if the login could not begin and Ensign should ask for a password instead.
pub(super) fn log_in(
    context: &CommandContext<'_>,
    arguments: &args::LoginArguments,
    known: &RegistryAccounts,
    user: Option<String>,
    way: BrowserLogin,
) -> Result<Option<CompleteLogin>, Failure> {
    let registry = &known.registry;
    let BrowserLogin { provider, offered } = way;
    let provider = provider::locate(context, arguments, registry, provider);
    let title = provider.title.clone();
    let alias = arguments.alias.as_deref().map(parse).transpose()?;
    let renewed = provider::renewed_account(arguments, known);
    let ask_name = || renewed.map_or_else(|| ask_name(context, known), |account| Ok(account.username.clone()));
    let name = match arguments.username.clone().or(user) {
        Some(name) => Some(parse(&name)?),
        None if provider.asks_for_username() => Some(ask_name()?),
        None => None,
    };
    let device = env::variable("HOSTNAME").or_else(|| env::variable("COMPUTERNAME")).unwrap_or_else(|| "Ensign".into());
    let begun = context.ui.while_waiting(&format!("Asking {title}"), || {
        LoginPlan::new(provider, registry).and_then(|plan| plan.begin(&device.to_string_lossy()))
    });
    let pending = match begun {
        Ok(pending) => pending,
        Err(why) if offered => {
            context.ui.note(format_args!("no login by browser is possible: {why}"));
            return Ok(None);
        }
        Err(why) => {
            let mut cure = format!("log in with a password or token: `{} login {registry} -u NAME`", context.program);
            if let Some(command) = external_source::suggest(context, registry) {
                cure = format!("{cure}; or use another program's login: `{command}`");
            }
            return Err(Problem::new(format!("login failed for {registry}: {why}"), cure).into());
        }
    };
    screen::show(context, arguments, &title, pending.prompt())?;
    let login = screen::wait(context, &title, pending).map_err(|ended| {
        if let (DeviceFlowError::SessionOver(Some(page)), Some(account)) = (&ended, renewed) {
            context.accounts.note_ended_session(account, page);
        }
        screen::describe_failure(known, &title, ended)
    })?;
    if let Some(scope) = &login.missing_scope {
        context.ui.note(format_args!("{title} did not grant `{scope}`: this login can pull, but not push"));
    }
    let TokenSet { secret, refresh, login_life, expires_at: until, username } = login.tokens;
    let due = until.map(|until| accounts::due(until, SystemTime::now()));
    let stored = StoredSecret { expires_at: until, refresh_at: due, refresh, login_life, ..secret.into() };
    let source = login.grant.map_or(Source::Static, |grant| Source::OAuth(Box::new(grant)));
    let username = match name.or(username) {
        Some(username) => username,
        None => ask_name().inspect_err(|_| give_back(context, &source, &stored))?,
    };
    Ok(Some(CompleteLogin { username, stored, source, alias, did: login.did }))
}

fn ask_name(context: &CommandContext<'_>, known: &RegistryAccounts) -> Result<Username, Failure> {
    if context.ui.can_ask() {
        return parse(&context.ui.ask(&format!("Username at {}", known.registry))?);
    }
    let what = format!("the user name at {} is not known, and there is no terminal to ask on", known.registry);
    Err(Failure::usage(what, "name the user with `-u`"))
}

/// Parses a typed user name or alias.
fn parse<T: FromStr<Err = InvalidName>>(text: &str) -> Result<T, Failure> {
    text.parse().map_err(|error: InvalidName| Failure::usage(error.to_string(), "choose another name"))
}
