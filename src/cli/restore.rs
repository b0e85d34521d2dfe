//! `restore`: replaces a damaged config with the last good copy, and moves damaged secrets aside.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use super::failure::Failure;
use super::{CommandContext, expiry};
use crate::accounts::RestoreOutcome;
use crate::model::{Account, Problem, Source};
use crate::system::text::{command, option};

pub(super) fn run(context: &CommandContext<'_>) -> Result<ExitCode, Failure> {
    let mut mended = Vec::from_iter(config(context)?);
    let registries = context.accounts.all()?;
    for candidates in &registries {
        let registry = &candidates.registry;
        for aside in context.accounts.set_damaged_secrets_aside(registry)? {
            let shown = context.env.shorten_home(&aside);
            context.ui.say(format_args!("✓ Moved the damaged secrets of {registry} to `{shown}`"));
            let is_lost = |account: &&Account| !matches!(account.source, Source::External(_)); // a program is asked again
            for account in candidates.accounts.iter().filter(is_lost) {
                context.ui.note(format_args!("log in again:  {}", expiry::login(context.program, account)));
            }
            mended.push(aside);
        }
    }
    if mended.is_empty() {
        context.ui.say("Nothing is damaged.");
    }
    let moved_aside: Vec<_> = mended.iter().map(|path| path.to_string_lossy()).collect();
    context.ui.json(json!({"status": "success", "moved_aside": moved_aside}))?;
    Ok(ExitCode::SUCCESS)
}

/// Names the accounts that the copy lacks, because they were added after the copy was made. Their secrets are still
/// there.
fn print_lost(context: &CommandContext<'_>) -> Result<(), Failure> {
    for (_, registry, name) in context.accounts.leftovers()?.secrets {
        let login = command("login", &[registry.as_str()], &option("--alias", &name));
        let program = context.program;
        context
            .ui
            .note(format_args!("the copy has no account {name} on {registry}; to log in again:  {program} {login}"));
    }
    Ok(())
}

/// Restores a damaged or missing config. Returns the new path of the damaged file, or the config's own path if the
/// config was missing. Returns `None` if there was nothing to restore.
fn config(context: &CommandContext<'_>) -> Result<Option<PathBuf>, Failure> {
    let Some(restored) = context.accounts.restore_config()? else { return Ok(None) };
    let path = context.accounts.config_file().unwrap_or_default();
    let shown = context.env.shorten_home(&path);
    let RestoreOutcome::Damaged { aside, damage, had_copy } = restored else {
        context.ui.say(format_args!("✓ Put back the last good copy of `{shown}`, which was gone"));
        print_lost(context)?;
        return Ok(Some(path));
    };
    let shown_aside = context.env.shorten_home(&aside);
    if !had_copy {
        let what = format!(
            "there is no good copy of `{shown}`; the config is empty now, and the damaged file is `{shown_aside}` ({damage})"
        );
        return Err(Problem::run(what, "login HOST").into());
    }
    context.ui.say(format_args!("✓ Put back the last good copy of `{shown}`; the damaged one is `{shown_aside}`"));
    print_lost(context)?;
    Ok(Some(aside))
}
