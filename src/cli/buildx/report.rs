//! Prints the changes to the folders for buildx, as text for a person or as JSON for a program.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{SyncResult, account_of};
use crate::cli::failure::Failure;
use crate::cli::{CommandContext, args};
use crate::docker::buildx::{ConfigDir, ConfigDirChange, ConfigTree};
use crate::docker::configured_helper;
use crate::model::{AccountName, ImageReference, Problem};

pub(super) fn preview(
    context: &CommandContext<'_>,
    tree: &ConfigTree,
    changes: &BTreeMap<ConfigDir, ConfigDirChange>,
) -> Result<(), Failure> {
    let lines = changes.iter().map(|(place, change)| {
        let (sign, remark) = match change {
            ConfigDirChange::Write(_) => ("+", String::new()),
            ConfigDirChange::Mend(_, before) => ("+", format!("instead of {before}")),
            ConfigDirChange::Remove(_) => ("-", String::new()),
            ConfigDirChange::Keep(_) => (" ", "already".into()),
            ConfigDirChange::Leave(_) => ("!", "not made: another program made this folder".into()),
        };
        let path = place.path().display().to_string();
        format!("{sign}   {path:<40}  {:<12}  {remark}", change.answer().to_string()).trim_end().to_owned()
    });
    let root = context.env.shorten_home(&tree.root);
    let text: Vec<_> = std::iter::once(root).filter(|_| !changes.is_empty()).chain(lines).collect();
    Ok(context.ui.data(json!({}), text.join("\n"))?)
}

pub(super) fn print_changes(
    context: &CommandContext<'_>,
    arguments: &args::BuildxSync,
    done: &SyncResult,
    without: &[(ImageReference, String)],
) {
    let program = context.program;
    for path in &done.pins {
        context.ui.say(format_args!("✓ Made {}", context.env.shorten_home(path)));
    }
    match summary(done) {
        _ if arguments.dry_run => context.ui.say("Nothing written."),
        Some(summary) => context.ui.say(format_args!("✓ Folders: {summary}")),
        None if done.failed.is_empty() => context.ui.say("Nothing to change."),
        None => {}
    }
    for (image, reason) in without {
        context.ui.note(format_args!("{image} gets no folder: {reason}"));
    }
    if done.changes.is_empty() && without.is_empty() && !arguments.remove {
        context.ui.say(format_args!(
            "Found no repository on a registry with several accounts. To name an image:  {program} buildx sync IMAGE"
        ));
    }
    if done.changes.values().any(|change| matches!(change, ConfigDirChange::Leave(_))) {
        context.ui.note(format_args!(
            "Ensign does not change a folder with other content; remove that folder, then run `{program} buildx sync`"
        ));
    }
    for Problem { message: what, hint: cure } in &done.problems {
        context.ui.say(format_args!("error: {what}"));
        context.ui.say(format_args!("hint: {cure}"));
    }
    if !arguments.remove {
        if let Some(value) = &context.env.account {
            let which = "and overrides the folders in builds that start here";
            context.ui.note(format_args!("ENSIGN_ACCOUNT is set to `{value}` in this shell {which}"));
        }
        if configured_helper::auth_config_variable().is_some() {
            context.ui.note("DOCKER_AUTH_CONFIG is set, so buildx does not ask Ensign for the registries in it");
        }
    }
}

/// Returns a text such as `2 written, 1 removed`, or `None` if nothing changed.
pub(super) fn summary(done: &SyncResult) -> Option<String> {
    let count = |is: fn(&ConfigDirChange) -> bool| {
        done.changes.iter().filter(|(place, change)| is(change) && !done.failed.contains(*place)).count()
    };
    let parts = [
        ("written", count(|change| matches!(change, ConfigDirChange::Write(_)))),
        ("changed", count(|change| matches!(change, ConfigDirChange::Mend(..)))),
        ("removed", count(|change| matches!(change, ConfigDirChange::Remove(_)))),
    ];
    let parts = parts.iter().filter(|(_, count)| *count > 0).map(|(deed, count)| format!("{count} {deed}"));
    Some(parts.collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty())
}

pub(super) fn report(
    context: &CommandContext<'_>,
    arguments: &args::BuildxSync,
    tree: &ConfigTree,
    done: &SyncResult,
    without: &[(ImageReference, String)],
) -> Result<(), Failure> {
    let folder = |(place, change): (&ConfigDir, &ConfigDirChange)| -> Value {
        let word = match change {
            _ if done.failed.contains(place) => "failed",
            ConfigDirChange::Write(_) => "add",
            ConfigDirChange::Mend(..) => "change",
            ConfigDirChange::Remove(_) => "remove",
            ConfigDirChange::Keep(_) => "keep",
            ConfigDirChange::Leave(_) => "leave",
        };
        json!({
            "path": tree.root.join(place.path()).to_string_lossy(), "registry": place.registry.as_str(),
            "repository": place.repository.as_ref().map(ToString::to_string), "scope": place.scope.word(),
            "account": account_of(change).map(AccountName::as_str), "change": word,
        })
    };
    let json = json!({
        "status": if done.problems.is_empty() { "success" } else { "error" },
        "dry_run": arguments.dry_run, "root": tree.root.to_string_lossy(),
        "folders": done.changes.iter().map(folder).collect::<Vec<_>>(),
        "programs": done.pins.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
        "without": without.iter().map(|(image, reason)| json!({"image": image.to_string(), "reason": reason})).collect::<Vec<_>>(),
        "problems": done.problems.iter().map(|Problem { message, hint }| json!({"error": message, "hint": hint})).collect::<Vec<_>>(),
    });
    Ok(context.ui.data(json, "")?)
}
