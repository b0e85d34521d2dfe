//! `restore`: put back the last good copy of a damaged config, and move damaged secrets aside.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;
use serde_json::json;

use super::Context;
use super::failure::Failure;
use crate::model::Problem;
use crate::system::files::{self, Access};
use crate::system::text::word;

pub(super) fn run(context: &Context<'_>) -> Result<ExitCode, Failure> {
    let mut mended = Vec::new();
    let lock = context.accounts.config.lock()?;
    mended.extend(config(context)?);
    drop(lock);
    let registries = context.accounts.all()?;
    let _lock = context.accounts.config.lock()?;
    for candidates in &registries {
        let registry = &candidates.registry;
        for aside in context.accounts.vault.set_aside_if_broken(registry)? {
            let shown = context.env.shorten_home(&aside);
            context.ui.say(format_args!("✓ Moved the damaged secrets of {registry} to `{shown}`"));
            for account in &candidates.accounts {
                context.ui.note(format_args!(
                    "log in again:  {} login {} --alias {}",
                    context.program,
                    word(registry.as_str()),
                    word(account.name.as_str())
                ));
            }
            mended.push(aside);
        }
    }
    if mended.is_empty() {
        context.ui.say("Nothing is damaged.");
    }
    if context.ui.is_json() {
        let moved_aside: Vec<_> = mended.iter().map(|path| path.display().to_string()).collect();
        context.ui.data(json!({"status": "success", "moved_aside": moved_aside}), "")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Puts the copy back if the config is broken or gone; returns where the broken one lies now. The config has its name at
/// every moment: without one ATCR's accounts would be adopted a second time, those that were logged out among them.
fn config(context: &Context<'_>) -> Result<Option<PathBuf>, Failure> {
    let file = &context.accounts.config;
    let path = file.path().ok_or_else(|| anyhow!("there is no home folder"))?;
    let shown = context.env.shorten_home(&path);
    let good = file.good_copy()?;
    let Some(bytes) = files::read(&path, u64::MAX)? else {
        let Some(good) = good else { return Ok(None) };
        files::replace(&path, &good, Access::Private)?;
        context.ui.say(format_args!("✓ Put back the last good copy of `{shown}`, which was gone"));
        return Ok(Some(path));
    };
    let Some(damage) = file.damage(&bytes)? else { return Ok(None) };
    let aside = files::sibling(&path, ".damaged");
    files::keep_copy(&path, &aside)?;
    let shown_aside = context.env.shorten_home(&aside);
    let empty = context.accounts.empty_config();
    files::replace(&path, good.as_deref().unwrap_or(empty.as_bytes()), Access::Private)?;
    if good.is_none() {
        let what = format!(
            "there is no good copy of `{shown}`; it is empty now, the damaged one is `{shown_aside}` ({damage})"
        );
        return Err(Problem::run(what, "login HOST").into());
    }
    context.ui.say(format_args!("✓ Put back the last good copy of `{shown}`; the damaged one is `{shown_aside}`"));
    Ok(Some(aside))
}
