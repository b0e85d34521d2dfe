//! `account show`: shows accounts. Other commands use this file to find the account that the user typed.

use std::process::ExitCode;

use serde_json::json;

use super::failure::Failure;
use super::{CommandContext, hosts};
use crate::model::choice::RegistryAccounts;
use crate::model::{Account, AccountName, Registry, Source};
use crate::system::text::{hide_userinfo, one_line, quote};

/// Shows one account, the accounts of one registry, the accounts with one alias, or all accounts.
pub(super) fn show(context: &CommandContext<'_>, host: Option<&str>, name: Option<&str>) -> Result<ExitCode, Failure> {
    let mut all = context.accounts.all()?;
    let mut wanted = name;
    if let Some(host) = host {
        let is_registry = context.entry(host).is_ok_and(|host| all.iter().any(|entry| entry.registry == host));
        if name.is_none() && !is_registry && all.iter().any(|entry| entry.account(host).is_some()) {
            all.retain(|entry| entry.account(host).is_some());
            wanted = Some(host);
        } else {
            all = vec![context.candidates(&context.entry(host)?)?];
        }
    }
    let mut shown: Vec<(&Account, &RegistryAccounts)> = Vec::new();
    for entry in &all {
        match wanted {
            Some(name) => shown.push((context.account(entry, name)?, entry)),
            None => shown.extend(entry.accounts.iter().map(|account| (account, entry))),
        }
    }
    if shown.is_empty() {
        return Err(Failure::not_logged_in("there are no accounts", format!("run `{} login HOST`", context.program)));
    }
    let json: Vec<_> = shown.iter().map(|(account, candidates)| context.account_json(account, candidates)).collect();
    let lines: Vec<_> = shown
        .iter()
        .map(|(account, candidates)| {
            let images: Vec<_> = account.patterns().iter().map(ToString::to_string).collect();
            let folders: Vec<_> = account.folders.iter().map(|folder| context.env.shorten_home(folder)).collect();
            let default = if candidates.default_account() == Some(*account) { "yes" } else { "no" };
            let mut lines = vec![
                context.ui.bold(account.name.as_str()),
                format!("  registry   {}", account.registry),
                format!("  username   {}", account.username),
                format!("  default    {default}"),
                format!(
                    "  images     {}{}",
                    images.join(", "),
                    match (account.images.is_empty(), images.is_empty()) {
                        (true, false) => "  (its own namespace)",
                        (true, true) => "none: this user name cannot be a namespace",
                        (false, _) => "",
                    }
                ),
            ];
            lines.extend(account.purpose.map(|purpose| format!("  for        {purpose} only")));
            if !folders.is_empty() {
                lines.push(format!("  folders    {}", folders.join(", ")));
            }
            let hosts = context.hosts_of(&account.registry, &account.name).unwrap_or_default();
            if !hosts.is_empty() {
                lines.push(format!("  also for   {}", hosts::list(&hosts)));
            }
            lines.extend(context.callers(account).map(|callers| format!("  may ask    {callers}")));
            lines.extend(account.did.as_ref().map(|did| format!("  did        {did}")));
            lines.push(match &account.source {
                Source::Static => format!("  store      {}", account.store),
                source => format!("  secret     from {source}"),
            });
            lines.join("\n")
        })
        .collect();
    context.ui.data(json!({"accounts": json}), lines.join("\n\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// Returns a text such as `, to pull only`, or an empty text if the account has no purpose.
pub(super) fn only(account: &Account) -> String {
    account.purpose.map(|purpose| format!(", to {purpose} only")).unwrap_or_default()
}

/// Finds the account that the user typed. The user may type a registry and an account. A registry is enough if it has
/// only one account, and an account is enough if only one registry has an account with this name. If the account is
/// unclear, the hint repeats the typed `command` with its `flags`, and adds the account's name.
pub(super) fn named(
    context: &CommandContext<'_>,
    host: &str,
    account: Option<&str>,
    command: &str,
    flags: &str,
) -> Result<(Registry, AccountName), Failure> {
    if let Some(name) = account {
        let candidates = context.candidates(&context.entry(host)?)?;
        return Ok((candidates.registry.clone(), context.account(&candidates, name)?.name.clone()));
    }
    let all = context.accounts.all()?;
    let name = host;
    let found = all.iter().filter_map(|entry| Some((entry.registry.clone(), entry.account(name)?.name.clone())));
    let found: Vec<_> = found.collect();
    let edit = |host: &str, name: &str| {
        format!("name the account, as in `{} {command} {} {}{flags}`", context.program, quote(host), quote(name))
    };
    let is_registry = context.entry(name).is_ok_and(|host| all.iter().any(|entry| entry.registry == host));
    if (is_registry || found.is_empty())
        && let Ok(candidates) = context.entry(name).and_then(|entry| context.candidates(&entry))
    {
        return match candidates.accounts.as_slice() {
            [account] => Ok((candidates.registry.clone(), account.name.clone())),
            accounts => {
                let what = format!("{} has several accounts", candidates.registry);
                Err(Failure::usage(what, edit(name, accounts[0].name.as_str())))
            }
        };
    }
    match found.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(Failure::usage(
            format!("no registry has an account `{}`", one_line(&hide_userinfo(name), 60)),
            format!("run `{} status` to see the accounts", context.program),
        )),
        several => {
            let hosts: Vec<_> = several.iter().map(|(registry, _)| registry.to_string()).collect();
            let what = format!("{} have an account `{}`", hosts.join(" and "), one_line(name, 60));
            Err(Failure::usage(what, edit(&hosts[0], name)))
        }
    }
}
