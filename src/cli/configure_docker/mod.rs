//! `configure-docker`: makes Docker, Podman, Buildah and Skopeo ask Ensign. The command plans the changes, shows them,
//! and then applies them.

mod report;

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::anyhow;

use super::failure::Failure;
use super::import::{self, ImportMode, ImportOutcome};
use super::{CommandContext, args, buildx, creds_store};
use crate::docker::containers::{self, RegistriesConf};
use crate::docker::logins::{self, FoundLogin, ImportEntry, LoginOrigin};
use crate::docker::setup::WantedRegistry;
use crate::docker::{ClientFamily, ConfigJson, FilePlan, hooks, plaintext_auths, setup, until_unchanged};
use crate::model::{Problem, Registry};
use crate::protocol;
use crate::system::text::quote;
use report::{finish, preview, report};

pub(super) fn run(
    context: &CommandContext<'_>,
    arguments: &args::ConfigureDockerArguments,
) -> Result<ExitCode, Failure> {
    let (plans, found) = configure(context, arguments)?;
    report(context, arguments, &plans, &found)?; // the report comes last, because a change may fail
    Ok(ExitCode::SUCCESS)
}

/// Configures one registry at the end of a login. Prints no JSON, because the login has already printed JSON.
pub(super) fn for_login(context: &CommandContext<'_>, registry: &Registry, force: bool) -> Result<(), Failure> {
    let hosts = vec![registry.as_str().to_owned()];
    configure(context, &args::ConfigureDockerArguments { hosts, force, ..Default::default() }).map(drop)
}

fn configure(
    context: &CommandContext<'_>,
    arguments: &args::ConfigureDockerArguments,
) -> Result<(Vec<FilePlan>, Vec<ImportEntry>), Failure> {
    let named = arguments.hosts.iter().map(|host| named(context, host)).collect::<Result<Vec<_>, _>>()?;
    let found = if arguments.undo { vec![] } else { plain_text_logins(context, &named)? };
    let mut registries = if arguments.undo { vec![] } else { registries(context, arguments, named, &found)? };
    if arguments.import {
        registries.extend(of_logins(&found));
    }
    let plans = plans(context, arguments, &registries)?;
    if !context.ui.is_json() {
        preview(context, &plans, &found)?;
    }
    if arguments.undo && !context.ui.is_json() {
        buildx::preview_removal(context)?;
    }
    if arguments.dry_run {
        context.ui.say("Nothing written.");
    } else {
        carry_out(context, arguments, &registries, &plans, &found)?;
    }
    Ok((plans, found))
}

fn carry_out(
    context: &CommandContext<'_>,
    arguments: &args::ConfigureDockerArguments,
    registries: &[Registry],
    plans: &[FilePlan],
    found: &[ImportEntry],
) -> Result<(), Failure> {
    let imports = !found.is_empty() && wants_import(context, arguments)?;
    let (mut registries, mut renewed) = (registries.to_vec(), None);
    let mut written = vec![];
    if imports {
        written = import(context, found)?;
        registries.extend(of_logins(found));
        renewed = Some(self::plans(context, arguments, &registries)?); // the import changed the planned files
    }
    // The fallback is saved first, because Docker asks Ensign for unknown registries as soon as the files are written.
    creds_store::save(context, renewed.as_deref().unwrap_or(plans))?;
    let plans = write(context, arguments, &registries, &mut written)?;
    if arguments.undo {
        creds_store::remove(context)?;
    }
    let removed = if arguments.undo { buildx::remove_all(context)? } else { 0 };
    if removed == 0 || !written.is_empty() {
        finish(context, arguments, &plans, &written, !found.is_empty() && !imports);
    }
    Ok(())
}

/// Plans the changes, and writes the files. Returns the plans, and adds the written files to `written`. If a client
/// changes a file meanwhile, plans the files again. A machine with accounts from the environment may have no folder for
/// Ensign's lock. Without the lock, only a failure to write Docker's file is an error.
fn write(
    context: &CommandContext<'_>,
    arguments: &args::ConfigureDockerArguments,
    registries: &[Registry],
    written: &mut Vec<String>,
) -> Result<Vec<FilePlan>, Failure> {
    let lock = match context.accounts.lock() {
        Err(_) if !context.env.mounted()?.is_empty() => None,
        lock => Some(lock?),
    };
    let of_docker = context.env.docker_config_file();
    Ok(until_unchanged(|| {
        let plans = plans(context, arguments, registries)?;
        for plan in plans.iter().filter(|plan| !plan.is_empty()) {
            match plan.apply() {
                Err(error) if lock.is_none() && of_docker.as_deref() != Some(plan.path()) => {
                    context.ui.note(format_args!("Podman, Buildah and Skopeo do not ask Ensign: {error:#}"));
                }
                applied => {
                    applied?;
                    written.extend(Some(context.env.shorten_home(plan.path())).filter(|path| !written.contains(path)));
                }
            }
        }
        Ok(plans)
    })?)
}

pub(super) fn named(context: &CommandContext<'_>, host: &str) -> Result<Registry, Failure> {
    if Registry::pattern(host).is_ok() {
        let cure = format!("run `{} configure-docker --all`, so that Docker asks for every registry", context.program);
        return Err(Failure::usage(format!("Docker has no setting for the hosts of `{host}`"), cure));
    }
    let registry = context.registry(host)?;
    if context.accounts.registry_accounts(&registry)?.accounts.is_empty() {
        context.refuse_alias(&registry, false)?;
    }
    Ok(registry)
}

/// Returns the command that replaces another helper in the entries of these registries.
pub(super) fn force_command<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.fold("configure-docker --force".to_owned(), |command, name| format!("{command} {}", quote(name)))
}

/// Tells whether Docker's file has an entry of Ensign that `configure-docker` renames, even without an account.
fn has_own_urls(context: &CommandContext<'_>) -> bool {
    context.docker_config().is_some_and(|file| !setup::own_urls(&file).is_empty())
}

/// Returns the typed registries, or all registries with accounts if no registry was typed.
fn registries(
    context: &CommandContext<'_>,
    arguments: &args::ConfigureDockerArguments,
    named: Vec<Registry>,
    found: &[ImportEntry],
) -> Result<Vec<Registry>, Failure> {
    if !named.is_empty() {
        return Ok(named);
    }
    let with_accounts = context.accounts.all()?.into_iter().filter(|entry| !entry.accounts.is_empty());
    let all: Vec<_> = with_accounts.map(|entry| entry.registry).collect();
    if all.is_empty() && found.is_empty() && !arguments.all && !has_own_urls(context) {
        // `--import` looks only into files, and `import` also asks other helpers.
        let in_helper = arguments.import && context.docker_config().is_some_and(|file| file.store().is_some());
        let first = if in_helper { "import" } else { "login HOST" };
        let cure = format!("run `{} {first}` first, or name a registry", context.program);
        return Err(Failure::not_logged_in("there are no accounts, so there is no registry to configure", cure));
    }
    let (patterns, hosts): (Vec<_>, Vec<_>) = all.into_iter().partition(Registry::is_pattern);
    if !arguments.all {
        for pattern in &patterns {
            context.note_that_docker_must_ask(pattern);
        }
    }
    Ok(hosts)
}

fn plans(
    context: &CommandContext<'_>,
    arguments: &args::ConfigureDockerArguments,
    registries: &[Registry],
) -> anyhow::Result<Vec<FilePlan>> {
    let names = context.accounts.other_names()?;
    let registries: &Vec<_> = &registries.iter().map(|registry| wanted(&names, registry, &arguments.hosts)).collect();
    let no_home = || Problem::new("there is no home folder for Docker's config", "set HOME or DOCKER_CONFIG");
    let docker = ConfigJson::load(&context.env.docker_config_file().ok_or_else(no_home)?)?;
    let plan = |file: &ConfigJson, reader| match reader {
        _ if arguments.undo => setup::undo(file, creds_store::previous_helper(context, file.path())?.as_deref()),
        ClientFamily::Docker if arguments.all => setup::plan_all(file, registries, arguments.force),
        reader => setup::plan(file, reader, registries, arguments.force),
    };
    let of_docker = plan(&docker, ClientFamily::Docker)?;
    let mut plans = vec![match arguments {
        _ if arguments.undo => hooks::undo(&docker, of_docker)?,
        _ if arguments.hooks => hooks::plan(&docker, of_docker, protocol::HOOKS)?,
        _ => of_docker,
    }];
    if containers::are_found(context.env) {
        if let Some(path) = containers::auth_file(context.env) {
            plans.push(plan(&ConfigJson::load(&path)?, ClientFamily::Containers)?);
        }
        if let Some(path) = containers::registries_conf(context.env) {
            let conf = RegistriesConf::load(&path)?;
            plans.push(if arguments.undo { conf.undo() } else { conf.plan() });
        }
    }
    if arguments.undo {
        // `import --remove` writes these files too. A broken one must not stop the others.
        for (path, reader) in import::client_files(context) {
            if plans.iter().all(|plan| plan.path() != path)
                && let Ok(file) = ConfigJson::load(&path)
            {
                plans.push(plan(&file, reader)?);
            }
        }
    }
    plans.retain(|plan| !plan.changes().is_empty());
    Ok(plans)
}

/// Returns a registry with all names under which clients may look for the registry's login. The names come from the
/// config and from the command.
pub(super) fn wanted(known: &BTreeMap<Registry, Vec<String>>, registry: &Registry, typed: &[String]) -> WantedRegistry {
    let mut names = known.get(registry).cloned().unwrap_or_default();
    let spelled = typed.iter().filter_map(|host| Registry::spelled(host)).filter(|(named, _)| named == registry);
    names.extend(spelled.filter_map(|(_, spelling)| spelling));
    WantedRegistry { registry: registry.clone(), names }
}

/// Returns the registries whose logins become accounts. Docker must ask Ensign for these registries, because the logins
/// are removed from Docker's file.
fn of_logins(found: &[ImportEntry]) -> impl Iterator<Item = Registry> {
    found.iter().filter_map(ImportEntry::login).map(FoundLogin::registry)
}

/// Returns the plain-text logins in the files of Docker and the container tools. If registries were typed, returns only
/// the logins for these registries.
fn plain_text_logins(context: &CommandContext<'_>, named: &[Registry]) -> Result<Vec<ImportEntry>, Failure> {
    let docker = context.env.docker_config_file();
    let containers = if containers::are_found(context.env) { containers::login_files(context.env) } else { vec![] };
    let mut found = Vec::new();
    for path in docker.into_iter().chain(containers) {
        let (mut logins, unusable) = plaintext_auths::find(&ConfigJson::load(&path)?);
        for entry in unusable {
            context.ui.note(format_args!("{}: {entry}", context.env.shorten_home(&path)));
        }
        logins.retain(|login| named.is_empty() || named.contains(&login.registry()));
        found.extend(logins.into_iter().map(|login| import::found_in(LoginOrigin::File(path.clone()), login)));
    }
    logins::dedupe(&mut found);
    Ok(found)
}

/// Tells whether the user agrees to move secrets. The user agrees by typing the option `--import` or by answering the
/// question with yes.
fn wants_import(context: &CommandContext<'_>, arguments: &args::ConfigureDockerArguments) -> Result<bool, Failure> {
    Ok(arguments.import || (context.ui.can_ask() && context.ui.confirm("Move these plain-text logins to Ensign?")?))
}

/// Saves the logins, then removes the logins from the files. A skipped login stays in its file. If one login cannot be
/// saved, all logins stay in the files. Returns the files whose clients now ask Ensign.
fn import(context: &CommandContext<'_>, found: &[ImportEntry]) -> Result<Vec<String>, Failure> {
    let outcomes = import::save_logins(context, found, ImportMode::Save, false);
    for (finding, result) in found.iter().zip(&outcomes) {
        match (finding.login(), result) {
            (Some(login), ImportOutcome::Kept(Some(name), _)) => {
                context.ui.say(format_args!("✓ Imported {name} on {}", login.registry()));
            }
            (_, ImportOutcome::Left(reason)) => context.ui.note(format_args!("{} stays: {reason}", finding.key)),
            (_, ImportOutcome::Failed(reason)) => {
                return Err(anyhow!("could not import {}: {reason}", finding.key).into());
            }
            (_, ImportOutcome::Kept(..)) => {}
        }
    }
    let removed = import::remove(context, found, &outcomes);
    match removed.failures.first() {
        Some(failure) => Err(anyhow!("{failure}").into()),
        None => Ok(removed.written.iter().map(|path| context.env.shorten_home(path)).collect()),
    }
}
