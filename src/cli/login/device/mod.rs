//! Logs in by browser, if the user wants that.

mod provider;
mod screen;

use std::time::SystemTime;

use super::{CompleteLogin, external_source, give_back, renewed_account, username};
use crate::accounts;
use crate::cli::failure::Failure;
use crate::cli::{CommandContext, args};
use crate::model::choice::RegistryAccounts;
use crate::model::{Problem, Source, StoredSecret, Username};
use crate::oauth::{DeviceFlowError, LoginPlan, Provider, TokenSet};
use crate::system::env;

/// Logs in by browser, if `--device` is set or the user chooses this login from a menu. Returns `Ok(None)` if Ensign
/// should ask for a password instead. This is also the result if a login from the menu cannot begin.
pub(super) fn log_in(
    context: &CommandContext<'_>,
    arguments: &args::LoginArguments,
    known: &RegistryAccounts,
    user: Option<&Username>,
) -> Result<Option<CompleteLogin>, Failure> {
    let registry = &known.registry;
    let is_offered = !arguments.browser.device;
    if registry.is_pattern() && !is_offered {
        let what = format!("{registry} matches many registries, but a login by browser works for only one");
        return Err(Failure::usage(what, "name the registry, or borrow the secret with `--borrow`"));
    }
    let provider = if is_offered {
        let Some(provider) = offered_provider(context, arguments, known, user)? else { return Ok(None) };
        provider
    } else {
        provider::named_provider(context, arguments, known)?
    };
    let provider = provider::locate(context, arguments, registry, provider);
    let title = provider.title.clone();
    let renewed = renewed_account(arguments, known);
    let ask_name = || renewed.map_or_else(|| ask_name(context, known), |account| Ok(account.username.clone()));
    let name = match user {
        Some(name) => Some(name.clone()),
        None if provider.asks_for_username() => Some(ask_name()?),
        None => None,
    };
    let device = env::variable("HOSTNAME").or_else(|| env::variable("COMPUTERNAME")).unwrap_or_else(|| "Ensign".into());
    let begun = context.ui.while_waiting(&format!("Asking {title}"), || {
        LoginPlan::new(provider, registry).and_then(|plan| plan.begin(&device.to_string_lossy()))
    });
    let pending = match begun {
        Ok(pending) => pending,
        Err(why) if is_offered => {
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
    let alias = arguments.alias.clone();
    Ok(Some(CompleteLogin { username, stored, source, alias, did: login.did }))
}

/// Returns the provider of a login by browser, if the user chooses this login from a menu.
fn offered_provider(
    context: &CommandContext<'_>,
    arguments: &args::LoginArguments,
    known: &RegistryAccounts,
    user: Option<&Username>,
) -> Result<Option<Provider>, Failure> {
    if user.is_some() || arguments.password_stdin || known.registry.is_pattern() || !context.ui.can_ask() {
        return Ok(None);
    }
    let Some(provider) = provider::ready_provider(context, arguments, known)? else { return Ok(None) };
    let items =
        [format!("In the browser, at {}", provider.title), "With a user name and a password or token".to_owned()];
    let choice = context.ui.choose(&format!("Log in to {}", known.registry), &items, 0)?;
    Ok((choice == 0).then_some(provider))
}

fn ask_name(context: &CommandContext<'_>, known: &RegistryAccounts) -> Result<Username, Failure> {
    if context.ui.can_ask() {
        return username(&context.ui.ask(&format!("Username at {}", known.registry))?);
    }
    let what = format!("the user name at {} is not known, and there is no terminal to ask on", known.registry);
    Err(Failure::usage(what, "name the user with `-u`"))
}
