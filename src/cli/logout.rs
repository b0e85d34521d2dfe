//! `logout`: removes an account and its secret.

use std::collections::BTreeMap;
use std::process::ExitCode;

use serde_json::json;

use super::failure::{Failure, FailureKind};
use super::{CommandContext, args, buildx, login, names, pin, route};
use crate::accounts::{RevokeResult, UnreachableStore};
use crate::model::choice::RegistryAccounts;
use crate::model::{AccountName, Problem, Registry};
use crate::system::text;

pub(super) fn run(context: &CommandContext<'_>, arguments: &args::LogoutArguments) -> Result<ExitCode, Failure> {
    let registry = context.entry(&arguments.host)?;
    if let Some(name) = &arguments.left_over {
        return remove_leftover(context, &registry, name);
    }
    let candidates = context.accounts.registry_accounts(&registry)?;
    if candidates.registry != registry && !candidates.accounts.is_empty() {
        let what = format!("{registry} has no account of its own, and uses the accounts of {}", candidates.registry);
        let pattern = text::quote(candidates.registry.as_str());
        let cure = format!("run `{} logout {pattern}` to log out of all these registries", context.program);
        return Err(Failure::not_logged_in(what, cure));
    }
    let picked = pick(context, arguments, &candidates)?;
    if picked.is_empty() {
        context.refuse_alias(&registry, true)?;
        context.ui.say(format_args!("Not logged in to {registry}."));
        if let Some(route) = context.accounts.route(&registry)? {
            context.ui.note(format_args!("{}", route::sentence(&route)));
        }
    }
    let mut endings = Vec::new();
    let result = picked.iter().try_for_each(|name| remove(context, arguments, &registry, name, &mut endings));
    // An account that could not be removed does not undo the removal of the accounts before it.
    let removed: Vec<_> = endings.iter().map(|(name, _)| name.clone()).collect();
    if !removed.is_empty() {
        buildx::mend(context);
        pin::drop_orphans(context, &removed)?;
        suggest_default(context, &registry)?;
    }
    result?;
    let removed: Vec<_> = removed.iter().map(AccountName::as_str).collect();
    let endings: BTreeMap<_, _> = endings.iter().map(|(name, ending)| (name.as_str(), *ending)).collect();
    let json = json!({"status": "success", "registry": registry.as_str(), "removed": removed, "endings": endings});
    context.ui.json(json)?;
    Ok(ExitCode::SUCCESS)
}

/// Removes one account, and adds its name and the word for its ending to `endings`.
fn remove(
    context: &CommandContext<'_>,
    arguments: &args::LogoutArguments,
    registry: &Registry,
    name: &AccountName,
    endings: &mut Vec<(AccountName, &'static str)>,
) -> Result<(), Failure> {
    context.accounts.refuse_env_account(registry, name)?;
    let out_of_reach = if arguments.force { UnreachableStore::Abandon } else { UnreachableStore::Refuse };
    let forgotten = context.accounts.remove(registry, |_| Some(name.clone()), out_of_reach)?;
    let Some(forgotten) = forgotten else { return Ok(()) };
    let name = &forgotten.account.name;
    context.ui.say(format_args!("✓ Removed {name} from {registry}"));
    let ending = context.ui.while_waiting("Ending the login", || forgotten.end());
    print_ending(context, registry, &ending);
    if forgotten.is_abandoned {
        context.ui.note("the store still has the secret");
    }
    endings.push((name.clone(), word(&ending)));
    Ok(())
}

/// If the registry has accounts but no default account, prints the command that sets one.
fn suggest_default(context: &CommandContext<'_>, registry: &Registry) -> Result<(), Failure> {
    let after = context.accounts.registry_accounts(registry)?;
    if after.accounts.is_empty() || after.default_account().is_some() {
        return Ok(());
    }
    let (others, name) = match after.accounts.as_slice() {
        [only] => (String::new(), only.name.as_str()),
        _ => (format!(", but has {}", names(&after)), "NAME"),
    };
    let switch = text::command("switch", &[registry.as_str(), name], "");
    context
        .ui
        .note(format_args!("{registry} has no default account now{others}; to set one:  {} {switch}", context.program));
    Ok(())
}

/// Removes a secret that has no account. An account with the same alias or user name stays.
fn remove_leftover(context: &CommandContext<'_>, registry: &Registry, name: &str) -> Result<ExitCode, Failure> {
    if !context.accounts.remove_leftover(registry, name)? {
        let what = format!("{registry} has no left-over secret `{}`", text::one_line(name, 60));
        return Err(Failure::usage(what, format!("run `{} status` to see all left-overs", context.program)));
    }
    let json = json!({"status": "success", "registry": registry.as_str(), "removed": [], "left_over": name});
    context.ui.done(json, format_args!("Removed the left-over secret of {name} from {registry}"))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints whether the account's token was revoked, or where a person can revoke the token.
fn print_ending(context: &CommandContext<'_>, registry: &Registry, ending: &RevokeResult) {
    match ending {
        RevokeResult::Revoked => context.ui.say("  Its tokens are revoked."),
        RevokeResult::Left(what) => context.ui.note(what),
        RevokeResult::Failed(why) => context.ui.note(format_args!("the provider did not end the login: {why}")),
        RevokeResult::Elsewhere => context.ui.say("  The program that has the secret stays logged in."),
        RevokeResult::ByHand => match login::token_page(context, registry) {
            Some(page) => {
                let page = page.split("/new").next().unwrap_or(&page); // the address of the page that lists tokens
                context.ui.note(format_args!("a token stays valid until you delete it at {page}"));
            }
            None => context.ui.note("the password or token stays valid until the registry ends it"),
        },
    }
}

fn word(ending: &RevokeResult) -> &'static str {
    match ending {
        RevokeResult::Revoked => "revoked",
        RevokeResult::Failed(_) => "not-revoked",
        RevokeResult::ByHand | RevokeResult::Left(_) => "by-hand",
        RevokeResult::Elsewhere => "elsewhere",
    }
}

fn pick(
    context: &CommandContext<'_>,
    arguments: &args::LogoutArguments,
    candidates: &RegistryAccounts,
) -> Result<Vec<AccountName>, Failure> {
    match (arguments.account.as_ref().or(arguments.username.as_ref()), candidates.accounts.as_slice()) {
        (_, []) => Ok(vec![]),
        (Some(name), _) => Ok(vec![context.account(candidates, name)?.name.clone()]),
        (None, [only]) => Ok(vec![only.name.clone()]),
        (None, several) if arguments.all => {
            let question =
                format!("Remove all {} accounts of {}: {}?", several.len(), candidates.registry, names(candidates));
            if arguments.yes || !context.ui.can_ask() || context.ui.confirm(&question)? {
                return Ok(several.iter().map(|account| account.name.clone()).collect());
            }
            let hint = format!(
                "run `{} logout {} NAME` to remove one account",
                context.program,
                text::quote(candidates.registry.as_str())
            );
            Err(Failure::new(FailureKind::Cancelled, Problem::new("nothing was removed", hint)))
        }
        (None, several) if context.ui.can_ask() => {
            let items: Vec<_> = several.iter().map(|account| account.name.to_string()).collect();
            let choice = context.ui.choose(&format!("Remove an account of {}", candidates.registry), &items, 0)?;
            Ok(vec![several[choice].name.clone()])
        }
        (None, _) => {
            let what = format!("{} has several accounts: {}", candidates.registry, names(candidates));
            Err(Failure::usage(what, "name an account with `-u`, or use `--all`"))
        }
    }
}
