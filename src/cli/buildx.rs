//! `buildx sync`: the folders that let one build pull with one account and push with another. Plan, show, apply.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::failure::Failure;
use super::{Context, args, which};
use crate::caller;
use crate::docker::buildx::{self, Change, Folders, Place, Tree};
use crate::docker::pins::Pins;
use crate::docker::state;
use crate::model::choice::Candidates;
use crate::model::{AccountName, ImagePattern, ImageReference, Problem, Registry};
use crate::system::find_program;

/// What was done, and what could not be.
#[derive(Default)]
struct Done {
    /// New programs.
    pins: Vec<PathBuf>,
    problems: Vec<Problem>,
    failed: BTreeSet<Place>,
}

pub(super) fn run(context: &Context<'_>, given: &args::BuildxSync) -> Result<ExitCode, Failure> {
    let named = named(context, given)?;
    let root = Tree::root(context.env)?;
    let lock = if given.dry_run { None } else { Some(context.accounts.config.lock()?) };
    let registries = hosts(context)?;
    let mut tree = Tree::read(root)?;
    let needed = if given.remove { Folders::new() } else { needed(context, &registries, &tree, &named) };
    let changes = buildx::changes(&needed, &tree);
    if !context.ui.is_json() {
        preview(context, &tree, &changes)?;
    }
    let mut done = if given.dry_run { Done::default() } else { carry_out(&tree, &changes) };
    drop(lock);
    done.problems.append(&mut tree.problems);
    let without = if given.remove { vec![] } else { without_folder(context, &registries, &named, &needed) };
    if context.ui.is_json() {
        report(context, given, &tree, &changes, &done, &without)?;
    } else {
        tell(context, given, &changes, &done, &without);
    }
    Ok(if done.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// After accounts have changed: mends the folders written before, for each may name an account that is gone, or be
/// another's now. What goes wrong is told, with the command to do it again.
pub(super) fn mend(context: &Context<'_>) {
    let again = |what: String| {
        context.ui.note(format_args!("{what}:  {} buildx sync", context.program));
    };
    let Ok(Some(mut tree)) = Tree::root(context.env).map(|root| Tree::read(root).ok()) else { return };
    if tree.ours().is_empty() {
        return;
    }
    let lock = context.accounts.config.lock();
    let (Ok(_lock), Ok(registries), Ok(fresh)) = (lock, hosts(context), Tree::read(tree.path().to_owned())) else {
        return again("buildx's folders may name an account that is gone".into());
    };
    tree = fresh;
    let images: Vec<_> = tree.ours().keys().filter_map(Place::image).collect();
    let changes = buildx::changes(&buildx::needed(&registries, &images), &tree);
    let done = carry_out(&tree, &changes);
    for problem in tree.problems.iter().chain(&done.problems) {
        again(format!("buildx's folders are not mended: {}", problem.what));
    }
    if let Some(summary) = summary(&changes, &done) {
        context.ui.say(format_args!("  buildx's folders: {summary}"));
    }
}

/// The registries that can have folders: buildx looks for single hosts.
fn hosts(context: &Context<'_>) -> anyhow::Result<Vec<Candidates>> {
    let (patterns, mut hosts): (Vec<_>, Vec<_>) =
        context.accounts.all()?.into_iter().partition(|one| one.registry.is_pattern());
    for host in &mut hosts {
        let covering = patterns.iter().filter(|pattern| pattern.registry.covers(&host.registry));
        host.public.extend(covering.flat_map(|pattern| pattern.public.clone()));
    }
    Ok(hosts)
}

/// Tells whether a folder that was written asks the account's program.
pub(super) fn names(context: &Context<'_>, account: &AccountName) -> bool {
    let tree = Tree::root(context.env).map(Tree::read);
    tree.is_ok_and(|tree| tree.is_ok_and(|tree| tree.ours().values().any(|answer| answer.account() == Some(account))))
}

/// The images that a person named.
fn named(context: &Context<'_>, given: &args::BuildxSync) -> Result<Vec<ImageReference>, Failure> {
    let named = given.images.iter().map(|text| {
        let (registry, image) = which::registry_or_image(text)?;
        let image = image.ok_or_else(|| {
            let cure = format!("name images, as in `{} buildx sync {registry}/acme/app`", context.program);
            Failure::usage(format!("`{text}` is a registry, and buildx has folders for repositories"), cure)
        })?;
        context.candidates(&registry).map(|_| image)
    });
    named.collect()
}

/// The folders for all repositories that are known: those a person named, those of patterns without wildcards, those in
/// the project's files, and those that have a folder already.
fn needed(context: &Context<'_>, registries: &[Candidates], tree: &Tree, named: &[ImageReference]) -> Folders {
    let accounts = registries.iter().flat_map(|registry| &registry.accounts);
    let exact = accounts.flat_map(|account| &account.images).filter_map(ImagePattern::exact);
    let mut images: Vec<_> = named.iter().cloned().chain(exact).collect();
    images.extend(tree.ours().keys().filter_map(Place::image));
    for candidates in registries.iter().filter(|candidates| candidates.accounts.len() > 1) {
        let Some(mentions) = caller::images_in_project(&candidates.registry) else {
            context.ui.note("the files here are too large to be read whole: name the images of your builds");
            break;
        };
        images.extend(mentions.into_iter().map(|mention| mention.image));
    }
    buildx::needed(registries, &images)
}

/// Makes the programs that are missing, then the folders that name them.
fn carry_out(tree: &Tree, changes: &BTreeMap<Place, Change>) -> Done {
    let mut done = Done::default();
    let asked = |change: &&Change| matches!(change, Change::Write(_) | Change::Mend(..) | Change::Keep(_));
    let mut accounts: BTreeSet<&AccountName> = BTreeSet::new();
    accounts.extend(changes.values().filter(asked).filter_map(account_of));
    let missing = accounts.into_iter().filter(|account| !is_pinned(account));
    let mut unpinned = BTreeSet::new();
    for account in missing {
        match Pins::find(None).map_err(Into::into).and_then(|pins| pins.add(account)) {
            Ok((path, is_new)) => done.pins.extend(is_new.then_some(path)),
            Err(error) => {
                unpinned.insert(account);
                done.problems.push(problem(&error.context(format!("{account} has no program of its own"))));
            }
        }
    }
    for (place, change) in changes {
        let is_unpinned = account_of(change).is_some_and(|account| unpinned.contains(account));
        if is_unpinned && matches!(change, Change::Write(_) | Change::Mend(..)) {
            done.failed.insert(place.clone());
        } else if let Err(error) = tree.apply(place, change) {
            done.problems.push(problem(&error));
            done.failed.insert(place.clone());
        }
    }
    done
}

fn account_of(change: &Change) -> Option<&AccountName> {
    change.answer().account()
}

/// Where buildx would find the account's program.
fn is_pinned(account: &AccountName) -> bool {
    find_program(&format!("{}-{account}", state::PROGRAM)).is_some()
}

fn problem(error: &anyhow::Error) -> Problem {
    let (what, cure) = Failure::parts_of(error);
    Problem::new(what, cure.unwrap_or_else(|| "mend it and run `docker-credential-ensign buildx sync` again".into()))
}

/// The images that a person named and that get no folder, with the reason.
fn without_folder(
    context: &Context<'_>,
    registries: &[Candidates],
    named: &[ImageReference],
    needed: &Folders,
) -> Vec<(ImageReference, String)> {
    let has_folder = |image: &ImageReference| needed.keys().any(|place| place.is_of(image));
    let own = |host: &Registry| registries.iter().find(|one| one.registry == *host && !one.accounts.is_empty());
    let reason = |image: &ImageReference| match own(image.registry()) {
        _ if buildx::is_in_the_way(image) => "it would lie where another folder has its config.json".to_owned(),
        Some(one) if one.accounts.len() == 1 => "its registry has one account".to_owned(),
        Some(_) => "no one account is for it".to_owned(),
        None => match context.accounts.of(image.registry()) {
            Ok(of) => format!("its accounts are of {}, and buildx looks for single hosts", of.registry),
            Err(_) => "no account is for it".to_owned(),
        },
    };
    named.iter().filter(|image| !has_folder(image)).map(|image| (image.clone(), reason(image))).collect()
}

fn preview(context: &Context<'_>, tree: &Tree, changes: &BTreeMap<Place, Change>) -> Result<(), Failure> {
    let lines = changes.iter().map(|(place, change)| {
        let (sign, remark) = match change {
            Change::Write(_) => ("+", String::new()),
            Change::Mend(_, before) => ("+", format!("instead of {before}")),
            Change::Remove(_) => ("-", String::new()),
            Change::Keep(_) => (" ", "already".into()),
            Change::Leave(_) => ("!", "not made: there is another folder".into()),
        };
        let path = place.path().display().to_string();
        format!("{sign}   {path:<40}  {:<12}  {remark}", change.answer().to_string()).trim_end().to_owned()
    });
    let root = context.env.shorten_home(tree.path());
    let text: Vec<_> = std::iter::once(root).filter(|_| !changes.is_empty()).chain(lines).collect();
    Ok(context.ui.data(json!({}), text.join("\n"))?)
}

fn tell(
    context: &Context<'_>,
    given: &args::BuildxSync,
    changes: &BTreeMap<Place, Change>,
    done: &Done,
    without: &[(ImageReference, String)],
) {
    let program = context.program;
    for path in &done.pins {
        context.ui.say(format_args!("✓ Made {}", context.env.shorten_home(path)));
    }
    match summary(changes, done) {
        _ if given.dry_run => context.ui.say("Nothing written."),
        Some(summary) => context.ui.say(format_args!("✓ Folders: {summary}")),
        None if done.failed.is_empty() => context.ui.say("Nothing to change."),
        None => {}
    }
    for (image, reason) in without {
        context.ui.note(format_args!("{image} gets no folder: {reason}"));
    }
    if changes.is_empty() && without.is_empty() && !given.remove {
        context.ui.say(format_args!(
            "No repository of a registry with several accounts is known. To name one:  {program} buildx sync IMAGE"
        ));
    }
    let leaves = changes.values().any(|change| matches!(change, Change::Leave(_)));
    if leaves {
        context.ui.note(format_args!(
            "folders that hold anything else are not ours to write; remove one, and run `{program} buildx sync` again"
        ));
    }
    for Problem { what, cure } in &done.problems {
        context.ui.say(format_args!("error: {what}"));
        context.ui.say(format_args!("hint: {cure}"));
    }
    if !given.remove {
        if let Some(value) = &context.env.account {
            let which = "and goes before every folder, in builds that are run here";
            context.ui.note(format_args!("ENSIGN_ACCOUNT is set to `{value}` in this shell {which}"));
        }
        if state::auth_config_variable().is_some() {
            context.ui.note("DOCKER_AUTH_CONFIG is set: for the registries in it buildx asks nobody");
        }
    }
}

/// `2 written, 1 removed`; `None` if nothing was.
fn summary(changes: &BTreeMap<Place, Change>, done: &Done) -> Option<String> {
    let count = |is: fn(&Change) -> bool| {
        changes.iter().filter(|(place, change)| is(change) && !done.failed.contains(*place)).count()
    };
    let parts = [
        ("written", count(|change| matches!(change, Change::Write(_)))),
        ("changed", count(|change| matches!(change, Change::Mend(..)))),
        ("removed", count(|change| matches!(change, Change::Remove(_)))),
    ];
    let parts = parts.iter().filter(|(_, count)| *count > 0).map(|(deed, count)| format!("{count} {deed}"));
    Some(parts.collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty())
}

fn report(
    context: &Context<'_>,
    given: &args::BuildxSync,
    tree: &Tree,
    changes: &BTreeMap<Place, Change>,
    done: &Done,
    without: &[(ImageReference, String)],
) -> Result<(), Failure> {
    let folder = |(place, change): (&Place, &Change)| -> Value {
        let word = match change {
            _ if done.failed.contains(place) => "failed",
            Change::Write(_) => "add",
            Change::Mend(..) => "change",
            Change::Remove(_) => "remove",
            Change::Keep(_) => "keep",
            Change::Leave(_) => "leave",
        };
        json!({
            "path": tree.path().join(place.path()), "registry": place.registry.as_str(),
            "repository": place.repository.as_ref().map(ToString::to_string), "scope": place.scope.word(),
            "account": account_of(change).map(AccountName::as_str), "change": word,
        })
    };
    let json = json!({
        "status": if done.problems.is_empty() { "success" } else { "error" },
        "dry_run": given.dry_run, "root": tree.path(),
        "folders": changes.iter().map(folder).collect::<Vec<_>>(),
        "programs": done.pins,
        "without": without.iter().map(|(image, reason)| json!({"image": image.to_string(), "reason": reason})).collect::<Vec<_>>(),
        "problems": done.problems.iter().map(|Problem { what, cure }| json!({"error": what, "hint": cure})).collect::<Vec<_>>(),
    });
    Ok(context.ui.data(json, "")?)
}
