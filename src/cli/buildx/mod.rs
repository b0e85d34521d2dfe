//! `buildx sync`: writes config folders for buildx, so that one build can pull with one account and push with another.
//! The command plans the changes, shows them, and then applies them.

mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::accounts::shown;
use crate::caller;
use crate::cli::failure::Failure;
use crate::cli::{CommandContext, args, which};
use crate::docker::buildx::{self, ConfigDir, ConfigDirChange, ConfigTree, Folders};
use crate::docker::configured_helper;
use crate::docker::pins::Pins;
use crate::model::choice::{FileImages, RegistryAccounts, UnknownImages};
use crate::model::{AccountName, ImagePattern, ImageReference, Problem, Registry};
use crate::system::env::Env;
use crate::system::find_program;
use report::{preview, print_changes, report, summary};

/// The planned changes or the changes that were made, and the problems that occurred.
#[derive(Default)]
struct SyncResult {
    changes: BTreeMap<ConfigDir, ConfigDirChange>,
    /// The paths of the new pinned helpers.
    pins: Vec<PathBuf>,
    problems: Vec<Problem>,
    failed: BTreeSet<ConfigDir>,
}

pub(in crate::cli) fn run(context: &CommandContext<'_>, arguments: &args::BuildxSync) -> Result<ExitCode, Failure> {
    let named = named(context, arguments)?;
    let root = ConfigTree::root(context.env)?;
    let lock = if arguments.dry_run { None } else { Some(context.accounts.lock()?) };
    let registries = hosts(context)?;
    let mut tree = ConfigTree::read(root)?;
    let needed = if arguments.remove { Folders::new() } else { needed(context, &registries, &tree, &named) };
    let changes = buildx::changes(&needed, &tree);
    if !context.ui.is_json() {
        preview(context, &tree, &changes)?;
    }
    let mut done = if arguments.dry_run {
        SyncResult { changes, ..SyncResult::default() }
    } else {
        carry_out(context.env, &tree, &needed, changes)
    };
    drop(lock);
    done.problems.append(&mut tree.problems);
    let without = if arguments.remove { vec![] } else { without_folder(context, &registries, &named, &needed) };
    if context.ui.is_json() {
        report(context, arguments, &tree, &done, &without)?;
    } else {
        print_changes(context, arguments, &done, &without);
    }
    Ok(if done.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Updates the folders for buildx after accounts changed, because a folder may use an account that was removed or
/// renamed. If the update fails, prints the reason and the command that repeats the update.
pub(in crate::cli) fn mend(context: &CommandContext<'_>) {
    let again = |what: String| {
        context.ui.note(format_args!("{what}; to update them:  {} buildx sync", context.program));
    };
    let Ok(Some(_)) = ours(context) else { return };
    let (Ok(_lock), Ok(registries), Ok(tree)) = (context.accounts.lock(), hosts(context), ours(context)) else {
        return again("buildx's folders may name an account that is gone".into());
    };
    let Some(tree) = tree else { return };
    let needed = buildx::needed(&registries, &tree.images());
    let done = carry_out(context.env, &tree, &needed, buildx::changes(&needed, &tree));
    for problem in tree.problems.iter().chain(&done.problems) {
        again(format!("could not update buildx's folders: {}", problem.message));
    }
    if let Some(summary) = summary(&done) {
        context.ui.say(format_args!("  buildx's folders: {summary}"));
    }
}

/// Counts the folders that are no longer needed, or whose pinned helper is wrong or missing.
pub(in crate::cli) fn stale(context: &CommandContext<'_>, registries: &[RegistryAccounts]) -> usize {
    let Ok(Some(tree)) = ours(context) else { return 0 };
    let changes = buildx::changes(&buildx::needed(&hosts_of(registries.to_vec()), &tree.images()), &tree);
    let is_stale = |change: &&ConfigDirChange| match change {
        ConfigDirChange::Mend(..) | ConfigDirChange::Remove(_) => true,
        ConfigDirChange::Keep(answer) => answer.account().is_some_and(|account| !is_pinned(account)),
        ConfigDirChange::Write(_) | ConfigDirChange::Leave(_) => false,
    };
    changes.values().filter(is_stale).count()
}

/// Shows the folders that [`remove_all`] would remove.
pub(in crate::cli) fn preview_removal(context: &CommandContext<'_>) -> Result<(), Failure> {
    let Some(tree) = ours(context)? else { return Ok(()) };
    preview(context, &tree, &buildx::changes(&Folders::new(), &tree))
}

/// Removes all folders that Ensign wrote, for `configure-docker --undo`. Returns the number of removed folders.
pub(in crate::cli) fn remove_all(context: &CommandContext<'_>) -> Result<usize, Failure> {
    if ours(context)?.is_none() {
        return Ok(0);
    }
    let _lock = context.accounts.lock()?;
    let Some(tree) = ours(context)? else { return Ok(0) };
    let none = Folders::new();
    let SyncResult { changes, problems, .. } = carry_out(context.env, &tree, &none, buildx::changes(&none, &tree));
    if let Some(problem) = problems.into_iter().next() {
        return Err(problem.into());
    }
    context.ui.say(format_args!("✓ Removed {} of buildx's folders", changes.len()));
    Ok(changes.len())
}

/// Reads the folders for buildx. Returns `None` if Ensign wrote none of the folders.
fn ours(context: &CommandContext<'_>) -> anyhow::Result<Option<ConfigTree>> {
    let Ok(root) = ConfigTree::root(context.env) else { return Ok(None) };
    let tree = ConfigTree::read(root)?;
    Ok(Some(tree).filter(|tree| !tree.ours.is_empty()))
}

/// Returns the registries for which buildx can use a folder. Patterns of hosts are left out, because buildx looks up
/// single hosts.
fn hosts(context: &CommandContext<'_>) -> anyhow::Result<Vec<RegistryAccounts>> {
    Ok(hosts_of(context.accounts.all()?))
}

fn hosts_of(all: Vec<RegistryAccounts>) -> Vec<RegistryAccounts> {
    let (patterns, mut hosts): (Vec<_>, Vec<_>) = all.into_iter().partition(|entry| entry.registry.is_pattern());
    for host in &mut hosts {
        let covering = patterns.iter().filter(|pattern| pattern.registry.covers(&host.registry));
        host.public.extend(covering.flat_map(|pattern| pattern.public.clone()));
    }
    hosts
}

/// Tells whether a folder for buildx uses the account's pinned helper.
pub(in crate::cli) fn names(context: &CommandContext<'_>, account: &AccountName) -> bool {
    let Ok(Some(tree)) = ours(context) else { return false };
    tree.ours.values().any(|answer| answer.account() == Some(account))
}

/// Returns the images that the user typed.
fn named(context: &CommandContext<'_>, arguments: &args::BuildxSync) -> Result<Vec<ImageReference>, Failure> {
    let named = arguments.images.iter().map(|text| {
        let (registry, image) = which::registry_or_image(text)?;
        let image = image.ok_or_else(|| {
            let cure = format!("name images, as in `{} buildx sync {registry}/acme/app`", context.program);
            Failure::usage(format!("`{text}` is a registry, but buildx has folders for repositories only"), cure)
        })?;
        context.candidates(&registry).map(|_| image)
    });
    named.collect()
}

/// Returns the folders that buildx needs for all known repositories. Repositories are known from the command, from
/// patterns without wildcards, from the project's files and from existing folders.
fn needed(
    context: &CommandContext<'_>,
    registries: &[RegistryAccounts],
    tree: &ConfigTree,
    named: &[ImageReference],
) -> Folders {
    let accounts = registries.iter().flat_map(|registry| &registry.accounts);
    let exact = accounts.flat_map(|account| &account.images).filter_map(ImagePattern::exact);
    let mut images: Vec<_> = named.iter().cloned().chain(exact).collect();
    images.extend(tree.images());
    for candidates in registries.iter().filter(|candidates| candidates.accounts.len() > 1) {
        let FileImages { images: mentions, unknown } = caller::images_in_project(&candidates.registry);
        images.extend(mentions.into_iter().map(|mention| mention.image));
        if let Some(UnknownImages { file, message, .. }) = unknown.first() {
            let shown = shown(context.env, file);
            context.ui.note(format_args!("{shown}: {message}. Name the missing images yourself"));
        }
    }
    buildx::needed(registries, &images)
}

/// Makes the missing pinned helpers, and then changes the folders, because the folders use these helpers. If another
/// program changes a folder meanwhile, that folder's change is planned again, and the result contains the new change.
fn carry_out(
    env: &Env,
    tree: &ConfigTree,
    needed: &Folders,
    changes: BTreeMap<ConfigDir, ConfigDirChange>,
) -> SyncResult {
    let mut done = SyncResult::default();
    let writes = |change: &ConfigDirChange| matches!(change, ConfigDirChange::Write(_) | ConfigDirChange::Mend(..));
    let is_used = |change: &&ConfigDirChange| writes(change) || matches!(change, ConfigDirChange::Keep(_));
    let accounts: BTreeSet<_> = changes.values().filter(is_used).filter_map(account_of).cloned().collect();
    let mut unpinned = BTreeSet::new();
    for account in accounts.into_iter().filter(|account| !is_pinned(account)) {
        match Pins::find(None, env).map_err(Into::into).and_then(|pins| pins.add(&account)) {
            Ok((path, is_new)) => done.pins.extend(is_new.then_some(path)),
            Err(error) => {
                done.problems.push(problem(&error.context(format!("could not pin {account}"))));
                unpinned.insert(account);
            }
        }
    }
    for (place, change) in changes {
        let is_unpinned = writes(&change) && account_of(&change).is_some_and(|account| unpinned.contains(account));
        // The problem of an account without a pinned helper is in the result already.
        if !is_unpinned {
            match tree.settle(needed, &place, &change) {
                Ok(settled) => {
                    done.changes.extend(settled.map(|change| (place, change)));
                    continue;
                }
                Err(error) => done.problems.push(problem(&error)),
            }
        }
        done.failed.insert(place.clone());
        done.changes.insert(place, change);
    }
    done
}

fn account_of(change: &ConfigDirChange) -> Option<&AccountName> {
    change.answer().account()
}

/// Tells whether the account's pinned helper is on PATH, where buildx looks for it.
fn is_pinned(account: &AccountName) -> bool {
    find_program(&format!("{}-{account}", configured_helper::PROGRAM)).is_some()
}

fn problem(error: &anyhow::Error) -> Problem {
    let (what, cure) = Failure::parts_of(error);
    Problem::new(what, cure.unwrap_or_else(|| "fix that and run `docker-credential-ensign buildx sync` again".into()))
}

/// Returns the typed images that get no folder, each with the reason.
fn without_folder(
    context: &CommandContext<'_>,
    registries: &[RegistryAccounts],
    named: &[ImageReference],
    needed: &Folders,
) -> Vec<(ImageReference, String)> {
    let has_folder = |image: &ImageReference| needed.keys().any(|place| place.is_of(image));
    let own = |host: &Registry| registries.iter().find(|entry| entry.registry == *host && !entry.accounts.is_empty());
    let reason = |image: &ImageReference| match own(image.registry()) {
        _ if buildx::is_in_the_way(image) => "the path would be another folder's config.json".to_owned(),
        Some(entry) if entry.accounts.len() == 1 => "the registry has only one account".to_owned(),
        Some(_) => "not exactly one account is for this image".to_owned(),
        None => match context.accounts.registry_accounts(image.registry()) {
            Ok(wide) => format!("the registry's accounts are for {}, but buildx looks up single hosts", wide.registry),
            Err(_) => "no account is for this image".to_owned(),
        },
    };
    named.iter().filter(|image| !has_folder(image)).map(|image| (image.clone(), reason(image))).collect()
}
