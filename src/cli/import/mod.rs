//! `import`: turns other tools' logins into accounts. The command finds, shows and saves the logins. The command
//! removes the originals only with `--remove`.

mod cover;
mod keyring;
mod outcome;
mod search;

use std::process::ExitCode;

use serde_json::{Value, json};

use super::failure::Failure;
use super::{CommandContext, args, some_of, store};
use crate::accounts::{Holder, SaveOutcome};
use crate::docker::configured_helper;
use crate::docker::login_source::LoginSource;
use crate::docker::logins::{self, EntryContent, FoundLogin, ImportEntry, ImportRole, LoginOrigin};
use crate::model::{AccountName, Registry, count};
use crate::system::text::{option, quote};
pub(super) use cover::client_files;
use outcome::import_command;
pub(super) use outcome::{ImportMode, ImportOutcome, RemovalResult, origin, remove, save_logins};
pub(super) use search::found_in;

/// The largest number of registries to list in a sentence.
const NAMED: usize = 5;

pub(super) fn run(context: &CommandContext<'_>, arguments: &args::ImportArguments) -> Result<ExitCode, Failure> {
    let registries = arguments.hosts.iter().map(|host| context.registry(host)).collect::<Result<Vec<_>, _>>()?;
    let places = places(&arguments.sources)?;
    if context.env.home().is_none() {
        context.ui.note("there is no home folder to look in");
    }
    let findings = search::find_logins(context, &places, &registries)?;
    let planned = save_logins(context, &findings, ImportMode::Preview, arguments.replace);
    if !context.ui.is_json() {
        preview(context, &findings, &planned)?;
    }
    note_weaker_place(context, &findings, &planned)?;
    let worth = planned.iter().any(is_saved) && !arguments.dry_run;
    if worth && !arguments.yes && context.ui.can_ask() && !agreed(context, arguments, &planned)? {
        context.ui.say("Nothing imported.");
        return Ok(ExitCode::from(130));
    }
    let outcomes = if worth { save_logins(context, &findings, ImportMode::Save, arguments.replace) } else { planned };
    let removed = (worth && arguments.remove).then(|| remove(context, &findings, &outcomes));
    conclude(context, arguments, &findings, &outcomes, removed.as_ref())?;
    Ok(if has_failed(&outcomes, removed.as_ref()) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn has_failed(outcomes: &[ImportOutcome], removed: Option<&RemovalResult>) -> bool {
    outcomes.iter().any(|result| matches!(result, ImportOutcome::Failed(_)))
        || removed.is_some_and(|removed| !removed.failures.is_empty())
}

/// Warns if Ensign would store secrets from a helper or from the keyring in clear text.
fn note_weaker_place(
    context: &CommandContext<'_>,
    findings: &[ImportEntry],
    planned: &[ImportOutcome],
) -> Result<(), Failure> {
    let mut number = 0_usize;
    for (finding, result) in findings.iter().zip(planned) {
        let (LoginOrigin::Helper(_) | LoginOrigin::Keyring, Some(login)) = (&finding.from, finding.login()) else {
            continue;
        };
        number += usize::from(match result {
            ImportOutcome::Kept(Some(_), SaveOutcome::New) => context.store_choice()?.kind.is_clear(),
            ImportOutcome::Kept(Some(name), SaveOutcome::Renews | SaveOutcome::Replaces) => {
                let known = context.accounts.registry_accounts(&login.registry())?;
                known.called(name.as_str()).is_some_and(|account| account.store.is_clear())
            }
            _ => false,
        });
    }
    if number > 0 {
        let secrets = count(number, "secret");
        context.ui.note(format_args!(
            "{secrets} from another store would be saved in clear text; to seal them, run this first:  {} {}",
            context.program,
            Holder::KEY_WITHOUT_KEYRING
        ));
    }
    Ok(())
}

fn places(words: &[String]) -> Result<Vec<LoginSource>, Failure> {
    if words.is_empty() {
        return Ok(LoginSource::ALL.to_vec());
    }
    let parse = |word: &String| {
        word.parse().map_err(|error: String| {
            Failure::usage(error, "name the helper as in `helper:pass`, for docker-credential-pass")
        })
    };
    words.iter().map(parse).collect()
}

fn agreed(
    context: &CommandContext<'_>,
    arguments: &args::ImportArguments,
    planned: &[ImportOutcome],
) -> Result<bool, Failure> {
    if planned.iter().filter(|result| is_saved(result)).all(is_there) && !arguments.remove {
        return Ok(true); // nothing changes, so there is nothing to ask
    }
    let question =
        if arguments.remove { "Import these, and remove the originals?" } else { "Import these into Ensign?" };
    Ok(context.ui.confirm(question)?)
}

/// Prints one line for each entry that was found.
fn preview(context: &CommandContext<'_>, findings: &[ImportEntry], planned: &[ImportOutcome]) -> Result<(), Failure> {
    let row = |(finding, result): (&ImportEntry, &ImportOutcome)| {
        let mark = if matches!(result, ImportOutcome::Failed(_)) { "!" } else { " " };
        let user = finding.login().map(|login| login.user().to_string()).unwrap_or_default();
        (mark, [target(finding), user, origin(context, finding)], future(finding, result))
    };
    let rows: Vec<_> = findings.iter().zip(planned).map(row).collect();
    let width = |column: usize| rows.iter().map(|(_, row, _)| row[column].chars().count()).max().unwrap_or_default();
    let (first, second, third) = (width(0), width(1), width(2));
    let lines = rows.iter().map(|(mark, [target, user, from], future)| {
        format!("{mark} {target:first$}  {user:second$}  {from:third$}  {future}")
    });
    let lines: Vec<_> = lines.collect();
    context.ui.data(json!({}), lines.join("\n"))?;
    Ok(())
}

/// Returns the registry of an entry, or a pattern if the login is for a part of the registry. Returns the entry's key
/// if the entry has no login.
fn target(finding: &ImportEntry) -> String {
    match finding.login() {
        Some(login) => match (login.hub_token(), login.bound()) {
            (Some(token), _) => format!("{} ({})", login.registry(), token.name()),
            (None, Some(pattern)) => pattern.to_string(),
            (None, None) => login.registry().to_string(),
        },
        None => finding.key.clone(),
    }
}

fn future(finding: &ImportEntry, result: &ImportOutcome) -> String {
    let (name, effect) = match result {
        ImportOutcome::Kept(name, effect) => (name, effect),
        ImportOutcome::Left(reason) => return format!("skipped: {reason}"),
        ImportOutcome::Failed(reason) => return reason.clone(),
    };
    if let EntryContent::Login(_, ImportRole::Duplicate(_)) = finding.what {
        return "the same login as above".into();
    }
    let short = finding.login().is_some_and(|login| logins::is_short_lived_user(&login.username));
    let remark = if short { "; such a secret expires within hours" } else { "" };
    let word = match effect {
        SaveOutcome::New => "new".to_owned(),
        SaveOutcome::Renews => format!("renews {}", name.as_ref().map_or("it", AccountName::as_str)),
        SaveOutcome::Replaces => "replaces the other secret".to_owned(),
        SaveOutcome::Same | SaveOutcome::Supplied => "already there".to_owned(),
    };
    word + remark
}

/// Reports the result as sentences for a person or as JSON for a program.
fn conclude(
    context: &CommandContext<'_>,
    arguments: &args::ImportArguments,
    findings: &[ImportEntry],
    outcomes: &[ImportOutcome],
    removed: Option<&RemovalResult>,
) -> Result<(), Failure> {
    if context.ui.is_json() {
        return print_json(context, arguments, findings, outcomes, removed);
    }
    if findings.is_empty() {
        context.ui.say(format_args!("No logins found. To add an account:  {} login HOST", context.program));
        return Ok(());
    }
    if arguments.dry_run {
        context.ui.say("Nothing imported: this was a dry run.");
        return Ok(());
    }
    print_imported(context, findings, outcomes)?;
    match removed {
        Some(removed) => print_removed(context, findings, removed),
        None if findings
            .iter()
            .zip(outcomes)
            .any(|(finding, result)| is_saved(result) && may_remove(&finding.from)) =>
        {
            let sources = arguments.sources.iter().map(|source| format!(" {}", quote(source)));
            let hosts = arguments.hosts.iter().map(|host| format!(" {}", option("--host", host)));
            let again: String = sources.chain(hosts).collect();
            context.ui.note(format_args!(
                "the imported logins are still in their old places: `{} import{again} --remove` removes them there",
                context.program
            ));
        }
        None => {}
    }
    advise(context, findings, outcomes);
    Ok(())
}

fn print_json(
    context: &CommandContext<'_>,
    arguments: &args::ImportArguments,
    findings: &[ImportEntry],
    outcomes: &[ImportOutcome],
    removed: Option<&RemovalResult>,
) -> Result<(), Failure> {
    let logins = findings.iter().zip(outcomes).enumerate().map(|(place, (finding, result))| {
        let is_removed = removed.is_some_and(|removed| removed.logins[place]);
        entry(finding, result, arguments.dry_run, is_removed)
    });
    let json = json!({
        "status": if has_failed(outcomes, removed) { "error" } else { "success" },
        "dry_run": arguments.dry_run,
        "logins": logins.collect::<Vec<_>>(),
        "not_removed": removed.map(|removed| removed.failures.as_slice()).unwrap_or_default(),
        "store": context.store_choice()?.kind.to_string(),
    });
    context.ui.data(json, "")?;
    Ok(())
}

fn print_imported(
    context: &CommandContext<'_>,
    findings: &[ImportEntry],
    outcomes: &[ImportOutcome],
) -> Result<(), Failure> {
    let mut stores = vec![];
    for (finding, result) in findings.iter().zip(outcomes) {
        if let (EntryContent::Login(login, ImportRole::Primary), ImportOutcome::Kept(Some(name), _)) =
            (&finding.what, result)
            && !is_there(result)
        {
            context.ui.say(format_args!("✓ Imported {name} on {}", login.registry()));
            let known = context.accounts.registry_accounts(&login.registry())?;
            let store = known.called(name.as_str()).map(|account| account.store.clone());
            stores.extend(store.filter(|store| !stores.contains(store)));
        }
    }
    for store in &stores {
        store::say_place(context, store);
    }
    for (finding, result) in findings.iter().zip(outcomes) {
        if let (EntryContent::Login(login, ImportRole::Primary), ImportOutcome::Failed(reason)) =
            (&finding.what, result)
        {
            context.ui.note(format_args!("not imported: {} on {}: {reason}", login.user(), login.registry()));
        }
    }
    if stores.is_empty() && outcomes.iter().any(is_saved) {
        context.ui.say("Everything is imported already.");
    }
    Ok(())
}

fn print_removed(context: &CommandContext<'_>, findings: &[ImportEntry], removed: &RemovalResult) {
    let number = removed.logins.iter().filter(|gone| **gone).count();
    if number > 0 {
        let places = if number == 1 { "its old place" } else { "their old places" };
        context.ui.say(format_args!("✓ Removed {} from {places}", count(number, "login")));
    }
    for path in &removed.written {
        context.ui.say(format_args!("  Programs that read {} now ask Ensign for them", context.env.shorten_home(path)));
    }
    for finding in findings {
        if let EntryContent::Login(login, ImportRole::Shadowed(_)) = &finding.what {
            context.ui.note(format_args!(
                "{} on {} stays in {}, because its secret differs from the imported one; to save it instead:  {}",
                login.user(),
                login.registry(),
                origin(context, finding),
                import_command(context, &finding.from, login, "--replace")
            ));
        }
    }
    for failure in &removed.failures {
        context.ui.note(format_args!("not removed: {failure}"));
    }
    let is_in = |from: fn(&LoginOrigin) -> bool| {
        findings.iter().any(|finding| finding.login().is_some() && from(&finding.from))
    };
    if is_in(|from| *from == LoginOrigin::Environment) {
        context.ui.note("DOCKER_AUTH_CONFIG is still set: unset the variable, or Docker keeps using it");
    }
    if is_in(|from| matches!(from, LoginOrigin::Atcr(_))) {
        context.ui.note("the file of ATCR's helper is unchanged, because that helper still reads it");
    }
}

/// Prints a note if Docker does not yet ask Ensign for the imported registries.
fn advise(context: &CommandContext<'_>, findings: &[ImportEntry], outcomes: &[ImportOutcome]) {
    let Some(docker) = context.docker_config() else { return };
    let saved =
        findings.iter().zip(outcomes).filter(|(_, result)| is_saved(result)).filter_map(|(finding, _)| finding.login());
    let mut registries: Vec<Registry> = saved.map(FoundLogin::registry).collect();
    registries.retain(|registry| !configured_helper::asks_us(&docker, registry));
    registries.sort_unstable();
    registries.dedup();
    if !registries.is_empty() {
        let names: Vec<_> = registries.iter().map(ToString::to_string).collect();
        context.ui.note(format_args!(
            "Docker does not ask Ensign for {} yet; to change that:  {} configure-docker",
            some_of(&names, NAMED),
            context.program
        ));
    }
}

/// Tells whether `import --remove` can remove logins from this place.
fn may_remove(from: &LoginOrigin) -> bool {
    !matches!(from, LoginOrigin::Environment | LoginOrigin::Atcr(_))
}

fn is_saved(result: &ImportOutcome) -> bool {
    matches!(result, ImportOutcome::Kept(..))
}

fn is_there(result: &ImportOutcome) -> bool {
    matches!(result, ImportOutcome::Kept(_, SaveOutcome::Same))
}

fn entry(finding: &ImportEntry, result: &ImportOutcome, dry_run: bool, removed: bool) -> Value {
    let (kind, place) = match &finding.from {
        LoginOrigin::File(path) => ("file", path.display().to_string()),
        LoginOrigin::Atcr(path) => ("atcr", path.display().to_string()),
        LoginOrigin::Helper(helper) => ("helper", helper.to_string()),
        LoginOrigin::Keyring => ("keyring", "keyring".into()),
        LoginOrigin::Environment => ("env", "DOCKER_AUTH_CONFIG".into()),
    };
    let (effect, account, reason) = match result {
        ImportOutcome::Kept(name, effect) => {
            let effect = match effect {
                SaveOutcome::New => "new",
                SaveOutcome::Renews | SaveOutcome::Replaces => "renews",
                SaveOutcome::Same | SaveOutcome::Supplied => "same",
            };
            (effect, name.as_ref().map(AccountName::as_str), None)
        }
        ImportOutcome::Left(reason) => ("skipped", None, Some(reason)),
        ImportOutcome::Failed(reason) => ("failed", None, Some(reason)),
    };
    let login = finding.login();
    json!({
        "registry": login.map(|login| login.registry().to_string()),
        "images": login.and_then(FoundLogin::bound).map(|pattern| pattern.to_string()),
        "username": login.map(|login| login.user().as_str()),
        "server": finding.key,
        "from": {"kind": kind, "place": place},
        "effect": effect,
        "reason": reason,
        "account": account,
        "imported": is_saved(result) && !dry_run,
        "removed": removed,
    })
}
