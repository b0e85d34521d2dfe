//! `pin`: makes a credential helper that answers as one account, because some tools have a setting for a helper, but no
//! setting for an account.

use std::process::ExitCode;

use serde_json::json;

use super::failure::Failure;
use super::{CommandContext, args, buildx};
use crate::docker::pins::Pins;
use crate::docker::{ConfigJson, configured_helper};
use crate::model::{AccountName, Registry};

pub(super) fn run(context: &CommandContext<'_>, arguments: &args::PinArguments) -> Result<ExitCode, Failure> {
    let pins = Pins::find(arguments.folder.as_deref().map(|folder| context.env.expand_home(folder)), context.env)?;
    let Some(alias) = &arguments.alias else { return show(context, &pins) };
    let alias: AccountName =
        alias.parse().map_err(|error| Failure::usage(format!("{error}"), "name an alias as `status` shows it"))?;
    if arguments.remove {
        let removed = pins.remove(&alias)?;
        let json = json!({"status": "success", "alias": alias.as_str(), "removed": removed});
        if removed {
            context.ui.done(json, format_args!("Removed {}-{alias}", configured_helper::PROGRAM))?;
            note_docker_config(context, &alias);
            if buildx::names(context, &alias) {
                context.ui.note(format_args!(
                    "buildx's folders still name this program: `{0} buildx sync` makes the program again, `{0} buildx sync --remove` removes the folders",
                    context.program
                ));
            }
        } else {
            context.ui.data(json, format_args!("{alias} is not pinned."))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let registries = registries_of(context, &alias)?;
    if registries.is_empty() {
        let cure = format!("run `{} status` to see the aliases", context.program);
        return Err(Failure::usage(format!("no registry has an account with the alias `{alias}`"), cure));
    }
    let (path, is_new) = pins.add(&alias)?;
    let keys: Vec<_> = registries.iter().map(Registry::docker_key).collect();
    let json = json!({
        "status": "success", "alias": alias.as_str(), "program": path.to_string_lossy(), "helper": format!("ensign-{alias}"),
        "registries": keys, "new": is_new,
    });
    let deed = if is_new { "Made" } else { "There is already" };
    context.ui.done(json, format_args!("{deed} {}", context.env.shorten_home(&path)))?;
    let names: Vec<_> = registries.iter().map(Registry::as_str).collect();
    context.ui.say(format_args!("  It answers as {alias} on {}, whatever the default account is.", names.join(", ")));
    // `credHelpers` accepts no patterns.
    let host = keys.iter().find(|key| !key.contains('*')).map_or("HOST", |key| *key);
    context.ui.say(format_args!("  In a config.json:  \"credHelpers\": {{\"{host}\": \"ensign-{alias}\"}}"));
    Ok(ExitCode::SUCCESS)
}

fn show(context: &CommandContext<'_>, pins: &Pins) -> Result<ExitCode, Failure> {
    let pinned = pins.all();
    let lines: Vec<_> = pinned.iter().map(|alias| format!("{}-{alias}", configured_helper::PROGRAM)).collect();
    let text = if lines.is_empty() {
        format!("No account is pinned. To pin one:  {} pin ALIAS", context.program)
    } else {
        lines.join("\n")
    };
    let aliases: Vec<_> = pinned.iter().map(AccountName::as_str).collect();
    context.ui.data(json!({"pinned": aliases}), text)?;
    Ok(ExitCode::SUCCESS)
}

/// Removes the pinned helper of each alias in `former` that no account has any more. Other pinned helpers stay, because
/// these may belong to another config.
pub(super) fn drop_orphans(context: &CommandContext<'_>, former: &[AccountName]) -> Result<(), Failure> {
    let Ok(pins) = Pins::find(None, context.env) else { return Ok(()) };
    let pinned = pins.all();
    for alias in former.iter().filter(|alias| pinned.contains(alias)) {
        if registries_of(context, alias)?.is_empty() && pins.remove(alias)? {
            context.ui.note(format_args!("removed the program {}-{alias} too", configured_helper::PROGRAM));
            note_docker_config(context, alias);
        }
    }
    Ok(())
}

/// Warns if Docker's config still contains the name of a pinned helper that was removed.
fn note_docker_config(context: &CommandContext<'_>, alias: &AccountName) {
    let names_it = |file: ConfigJson| file.helpers().any(|(_, helper)| helper == format!("ensign-{alias}"));
    if context.docker_config().is_some_and(names_it) {
        context.ui.note(format_args!(
            "Docker's config.json still names this program; to correct that:  {} configure-docker --force",
            context.program
        ));
    }
}

fn registries_of(context: &CommandContext<'_>, alias: &AccountName) -> Result<Vec<Registry>, Failure> {
    let all = context.accounts.all()?;
    let with_alias = all.iter().filter(|entry| entry.accounts.iter().any(|account| account.name == *alias));
    Ok(with_alias.map(|entry| entry.registry.clone()).collect())
}
