//! Shows what `configure-docker` plans and what it has done.

use serde_json::json;

use super::force_command;
use crate::cli::failure::Failure;
use crate::cli::{CommandContext, args, creds_store, grouped, import, note_podman, note_snap, precedence, unique};
use crate::docker::logins::{ImportEntry, LoginOrigin};
use crate::docker::{FilePlan, PlannedChange, configured_helper, hooks, plaintext_auths};

pub(super) fn preview(context: &CommandContext<'_>, plans: &[FilePlan], found: &[ImportEntry]) -> Result<(), Failure> {
    let mut blocks = Vec::new();
    for plan in plans {
        let link = plan.link_target().map(|target| format!("   (link to {})", target.display()));
        blocks.push(format!("{}{}\n{plan}", context.env.shorten_home(plan.path()), link.unwrap_or_default()));
    }
    let logins = found.iter().filter_map(|entry| Some((import::origin(context, entry), entry.login()?)));
    for (file, logins) in grouped(logins) {
        let lines: Vec<_> = logins.into_iter().map(|login| format!("  {}", plaintext_auths::line(login))).collect();
        blocks.push(format!("{file}\n{}", lines.join("\n")));
    }
    context.ui.data(json!({}), blocks.iter().map(|block| block.trim_end()).collect::<Vec<_>>().join("\n"))?;
    Ok(())
}

pub(super) fn report(
    context: &CommandContext<'_>,
    arguments: &args::ConfigureDockerArguments,
    plans: &[FilePlan],
    found: &[ImportEntry],
) -> Result<(), Failure> {
    let files: Vec<_> = plans
        .iter()
        .map(|plan| {
            let changes = |writes: bool| -> Vec<String> {
                plan.changes()
                    .iter()
                    .filter(|change| change.writes() == writes)
                    .map(|change| change.to_string().trim().to_owned())
                    .collect()
            };
            json!({"path": plan.path().to_string_lossy(), "changes": changes(true), "kept": changes(false)})
        })
        .collect();
    let plain: Vec<_> = found
        .iter()
        .filter_map(|finding| match (&finding.from, finding.login()) {
            (LoginOrigin::File(path), Some(login)) => Some(
                json!({"path": path.to_string_lossy(), "server": finding.key, "username": login.username.as_str()}),
            ),
            _ => None,
        })
        .collect();
    let json = json!({"dry_run": arguments.dry_run, "undo": arguments.undo, "files": files, "plain_text": plain});
    Ok(context.ui.json(json)?)
}

pub(super) fn finish(
    context: &CommandContext<'_>,
    arguments: &args::ConfigureDockerArguments,
    plans: &[FilePlan],
    written: &[String],
    left: bool,
) {
    let program = match context.env.docker_config_option() {
        Some(folder) => &format!("docker --config {} ensign", context.env.quote_path(folder)),
        None => context.program,
    };
    if written.is_empty() {
        context.ui.say("Nothing to change.");
    } else if arguments.undo {
        context.ui.say(format_args!("✓ Removed Ensign from {}", written.join(", ")));
    } else {
        context.ui.say(format_args!("✓ Wrote {}", written.join(", ")));
        context.ui.say(format_args!("  To undo   {program} configure-docker --undo"));
    }
    let conflicts = plans.iter().flat_map(FilePlan::changes).filter_map(|change| match change {
        PlannedChange::Conflict { key, .. } => Some(key.as_str()),
        _ => None,
    });
    let conflicts = unique(conflicts);
    if !conflicts.is_empty() {
        let command = force_command(conflicts.into_iter());
        context.ui.note(format_args!(
            "another helper answers for some of these registries; to take them over:  {program} {command}"
        ));
    }
    let is_store = |change: &PlannedChange| matches!(change, PlannedChange::Store { .. } | PlannedChange::StoreOurs);
    let asks_for_all = arguments.all || plans.iter().flat_map(FilePlan::changes).any(is_store);
    if asks_for_all {
        creds_store::say(context);
    }
    note_podman(context);
    note_snap(context);
    if !arguments.undo && !arguments.dry_run {
        let all = context.accounts.all().unwrap_or_default();
        let with_accounts: Vec<_> = all.iter().filter(|entry| !entry.accounts.is_empty()).collect();
        precedence::containers_tools(context, &with_accounts).print(context);
    }
    if left && arguments.all {
        context.ui.note(format_args!(
            "Docker no longer sees plain-text logins; to keep them:  {program} configure-docker --import"
        ));
    } else if left {
        context.ui.note(format_args!(
            "plain-text logins are left, and some tools use them first; to import them:  {program} configure-docker --import"
        ));
    }
    if !arguments.undo && !configured_helper::docker_finds_us() {
        context.ui.note(format_args!("`{}` is not on PATH, so Docker will not find it", configured_helper::PROGRAM));
    }
    if arguments.hooks
        && let Some(folder) = context.env.docker_config_dir().filter(|folder| !hooks::docker_finds_plugin(folder))
    {
        let (folder, name) = (context.env.quote_path(&folder.join("cli-plugins")), configured_helper::PROGRAM);
        let command = if cfg!(windows) {
            format!("mkdir -Force {folder}; Copy-Item (Get-Command {name}).Source {folder}/docker-ensign.exe")
        } else {
            format!("mkdir -p {folder} && ln -s \"$(command -v {name})\" {folder}/docker-ensign")
        };
        context.ui.note(format_args!("Docker does not find the plugin yet; to link it:  {command}"));
    }
    if configured_helper::auth_config_variable().is_some() {
        context.ui.note("DOCKER_AUTH_CONFIG is set, so Docker does not ask Ensign for the registries in it");
    }
}
