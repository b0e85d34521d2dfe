//! `switch`: changes the default account of a registry, but no secret.

use std::process::ExitCode;

use serde_json::json;

use super::failure::Failure;
use super::{CommandContext, args, names};
use crate::model::choice::{DefaultAccount, RegistryAccounts};
use crate::model::{Account, Problem};
use crate::system::text::quote;

pub(super) fn run(context: &CommandContext<'_>, arguments: &args::SwitchArguments) -> Result<ExitCode, Failure> {
    // If `-` is the only argument, it means the previous account, because no registry has the name `-`.
    let (host, name) = match (arguments.host.as_deref(), arguments.account.as_deref()) {
        (Some("-"), None) => (None, Some("-")),
        words => words,
    };
    let (candidates, name) = match host.filter(|_| name.is_none()).map(|alias| sole(context, alias)).transpose()? {
        Some(Some(candidates)) => (candidates, host),
        _ => (candidates(context, host)?, name),
    };
    let registry = &candidates.registry;
    let account = pick(context, &candidates, name)?;
    let before = candidates.default_account().map(|account| account.name.as_str());
    let json =
        json!({"status": "success", "registry": registry.as_str(), "active": account.name.as_str(), "before": before});
    if candidates.active == DefaultAccount::Account(account.name.clone()) {
        context.ui.done(json, format_args!("The default of {registry} is already {}", account.name))?;
        return Ok(ExitCode::SUCCESS);
    }
    context.accounts.activate(registry, &account.name)?;
    let undo = before
        .map_or(String::new(), |_| format!("   (undo: {} switch {} -)", context.program, quote(registry.as_str())));
    let before = before.unwrap_or("none");
    context.ui.done(json, format_args!("Default of {registry}: {before} → {}{undo}", account.name))?;
    context.note_variable();
    Ok(ExitCode::SUCCESS)
}

/// Returns the accounts of the only registry with an account called `alias`. Returns `None` if there is not exactly one
/// such registry, or if `alias` is itself a registry with accounts.
fn sole(context: &CommandContext<'_>, alias: &str) -> Result<Option<RegistryAccounts>, Failure> {
    let is_registry = context
        .entry(alias)
        .is_ok_and(|entry| context.accounts.registry_accounts(&entry).is_ok_and(|entry| !entry.accounts.is_empty()));
    let mut all = context.accounts.all()?;
    all.retain(|entry| entry.account(alias).is_some());
    Ok(if all.len() == 1 && !is_registry { all.pop() } else { None })
}

/// Returns the accounts of the typed registry. If no host was typed, chooses a registry with several accounts. If
/// several registries have several accounts, asks the user.
fn candidates(context: &CommandContext<'_>, host: Option<&str>) -> Result<RegistryAccounts, Failure> {
    if let Some(host) = host {
        let registry = context.entry(host)?;
        if context.accounts.registry_accounts(&registry)?.accounts.is_empty() {
            context.refuse_alias(&registry, true)?;
        }
        return context.candidates(&registry);
    }
    let mut switchable: Vec<_> = context.accounts.all()?.into_iter().filter(|entry| entry.accounts.len() > 1).collect();
    let hosts: Vec<_> = switchable.iter().map(|entry| entry.registry.to_string()).collect();
    match switchable.len() {
        0 => Err(Failure::not_logged_in(
            "no registry has two accounts",
            format!("add an account with `{} login HOST`", context.program),
        )),
        1 => Ok(switchable.remove(0)),
        _ if context.ui.can_ask() => Ok(switchable.remove(context.ui.choose("Registry", &hosts, 0)?)),
        _ => {
            Err(Failure::usage("several registries have several accounts", format!("name one of {}", hosts.join(", "))))
        }
    }
}

/// Chooses the new default account. If no name was typed and the registry has two accounts, chooses the account that is
/// not the default. If no name was typed and the registry has more accounts, the user chooses from a menu.
fn pick<'c>(
    context: &CommandContext<'_>,
    candidates: &'c RegistryAccounts,
    name: Option<&str>,
) -> Result<&'c Account, Failure> {
    let active = candidates.default_account();
    match (name, candidates.accounts.as_slice(), active) {
        (Some("-"), ..) => candidates.previous_account().ok_or_else(|| {
            let what = format!("{} has no earlier default account", candidates.registry);
            Problem::new(what, format!("name an account: {}", names(candidates))).into()
        }),
        (Some(name), ..) => context.account(candidates, name),
        (None, [only], _) => Ok(only),
        (None, [first, second], Some(active)) => Ok(if active == first { second } else { first }),
        (None, all, active) if context.ui.can_ask() => {
            let place = all.iter().position(|account| Some(account) == active).unwrap_or(0);
            let items: Vec<_> = all.iter().map(|account| line(account, active)).collect();
            Ok(&all[context.ui.choose(&format!("Default account of {}", candidates.registry), &items, place)?])
        }
        (None, ..) => {
            let what = format!("{} has several accounts: {}", candidates.registry, names(candidates));
            let host = quote(candidates.registry.as_str());
            Err(Failure::usage(what, format!("name the account: `{} switch {host} NAME`", context.program)))
        }
    }
}

fn line(account: &Account, active: Option<&Account>) -> String {
    let images: Vec<_> = account.patterns().iter().map(ToString::to_string).collect();
    let mark = if Some(account) == active { "  (default now)" } else { "" };
    let images = if images.is_empty() { String::new() } else { format!("  for {}", images.join(", ")) };
    format!("{}{images}{mark}", account.name)
}
