//! `logout`: forget an account and its secret.

use std::process::ExitCode;

use serde_json::json;

use super::failure::Failure;
use super::{Context, args, names, pin};
use crate::accounts::OutOfReach;
use crate::model::choice::Candidates;
use crate::model::{AccountName, Problem, Registry};

pub(super) fn run(context: &Context<'_>, given: &args::Logout) -> Result<ExitCode, Failure> {
    let registry = context.registry(&given.host)?;
    let candidates = context.accounts.of(&registry)?;
    let picked = pick(context, given, &candidates)?;
    if picked.is_empty() {
        context.ui.say(format_args!("Not logged in to {registry}."));
    }
    let mut removed = Vec::new();
    let out_of_reach = if given.force { OutOfReach::Abandon } else { OutOfReach::Refuse };
    for name in picked {
        let forgotten = context.accounts.forget(&registry, |_| Some(name.clone()), out_of_reach);
        let Some(account) = forgotten.map_err(|error| stays(context, &registry, &name, &error))? else { continue };
        context.ui.say(format_args!("✓ Removed {} from {registry}", account.name));
        removed.push(account.name.to_string());
    }
    if !removed.is_empty() {
        pin::drop_orphans(context)?;
        let after = context.accounts.of(&registry)?;
        context.ui.note("the token itself stays valid until the registry ends it");
        if given.force {
            context.ui.note("a secret that its store did not give up is still there");
        }
        if !after.accounts.is_empty() && after.default_account().is_none() {
            context.ui.note(format_args!(
                "{registry} has no default account now. It has {}:  {} switch {registry} NAME",
                names(&after),
                context.program
            ));
        }
    }
    if context.ui.is_json() {
        context.ui.data(json!({"status": "success", "registry": registry.as_str(), "removed": removed}), "")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The account is still there, because its secret is.
fn stays(context: &Context<'_>, registry: &Registry, name: &AccountName, error: &anyhow::Error) -> Problem {
    let error = error.downcast_ref::<Problem>().map_or_else(|| format!("{error:#}"), |problem| problem.what.clone());
    let anyway = format!("`{} logout {registry} -u {name} --force` removes the account all the same", context.program);
    Problem::new(error, anyway)
}

fn pick(context: &Context<'_>, given: &args::Logout, candidates: &Candidates) -> Result<Vec<AccountName>, Failure> {
    let all = || candidates.accounts.iter().map(|account| account.name.clone()).collect::<Vec<_>>();
    match (&given.username, candidates.accounts.as_slice()) {
        (_, []) => Ok(vec![]),
        (Some(name), _) => Ok(vec![context.account(candidates, name)?.name.clone()]),
        (None, _) if given.all => Ok(all()),
        (None, [only]) => Ok(vec![only.name.clone()]),
        (None, several) if context.ui.can_ask() => {
            let items: Vec<_> = several.iter().map(|account| account.name.to_string()).collect();
            let choice = context.ui.choose(&format!("Log out of {}", candidates.registry), &items, 0)?;
            Ok(all().into_iter().nth(choice).into_iter().collect())
        }
        (None, _) => {
            let what = format!("{} has several accounts: {}", candidates.registry, names(candidates));
            Err(Failure::usage(what, "name one with `-u`, or use `--all`"))
        }
    }
}
