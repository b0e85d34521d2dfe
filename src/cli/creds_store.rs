//! `configure-docker --all`: makes the helper in `credsStore` the fallback. `configure-docker --undo` puts the replaced
//! helper back into `credsStore`.

use std::path::Path;

use super::CommandContext;
use crate::accounts::helpers;
use crate::docker::{ConfigJson, FilePlan, PlannedChange};
use crate::model::HelperName;

/// Saves the name of the helper that Ensign replaces in `credsStore`, and makes that helper the fallback.
pub(super) fn save(context: &CommandContext<'_>, plans: &[FilePlan]) -> anyhow::Result<()> {
    for plan in plans {
        let Some(before) = plan.changes().iter().find_map(|change| match change {
            PlannedChange::Store { before } => Some(before),
            _ => None,
        }) else {
            continue;
        };
        let written = ConfigJson::load(plan.path())?.written_store().map(str::to_owned);
        if written.is_none() && context.accounts.replaced_store(&key(plan.path()))?.is_none() {
            continue; // there is no helper to save
        }
        let other = |helper: &HelperName| !helpers::is_ensign(helper);
        let fallback = before.as_deref().and_then(|name| name.parse().ok()).filter(other);
        context.accounts.note_replaced_store(&key(plan.path()), written.as_deref(), fallback.as_ref())?;
    }
    Ok(())
}

/// Removes the saved name of the replaced helper, for `--undo`.
pub(super) fn remove(context: &CommandContext<'_>) -> anyhow::Result<()> {
    let path = context.env.docker_config_file();
    path.map_or(Ok(()), |path| context.accounts.drop_replaced_store(&key(&path)))
}

/// Returns the helper that Ensign replaced in the `credsStore` of this file.
pub(super) fn previous_helper(context: &CommandContext<'_>, path: &Path) -> anyhow::Result<Option<String>> {
    context.accounts.replaced_store(&key(path))
}

/// Prints which helper answers for registries without an account in Ensign.
pub(super) fn say(context: &CommandContext<'_>) {
    let Ok(routes) = context.accounts.routes() else { return };
    let Some(route) = routes.iter().find(|route| route.by.is_none()) else {
        return context.ui.say("  Registries without an account here get no login; `docker login` adds one.");
    };
    let program = route.helper.program();
    context.ui.say(format_args!("  {program} answers for registries without an account here."));
    if helpers::missing(&route.helper).is_some() {
        context.ui.note(format_args!("`{program}` is not installed, so those registries get no login"));
    }
}

fn key(path: &Path) -> String {
    path.display().to_string()
}
