//! `why`: shows the last answers of `get` and their reasons, from the journal.

use std::process::ExitCode;
use std::time::SystemTime;

use serde_json::json;

use super::failure::Failure;
use super::{CommandContext, args, which};
use crate::accounts::{ANY_COMMAND, Explanation, RemedyOptions};
use crate::journal::{CallOutcome, Journal, JournalEntry};
use crate::model::choice::{Decision, DecisionStep, Verdict};
use crate::model::{ImageReference, Registry, count, timestamp};
use crate::system::text::command;

pub(super) fn run(context: &CommandContext<'_>, arguments: &args::WhyArguments) -> Result<ExitCode, Failure> {
    if arguments.on || arguments.off {
        return set(context, arguments.on);
    }
    let Some(journal) = Journal::open(context.env) else { return print_nothing(context, None, NO_FOLDER) };
    if arguments.clear {
        journal.clear()?;
        context.ui.done(json!({"schema": which::SCHEMA, "status": "success"}), "Cleared the journal")?;
        return Ok(ExitCode::SUCCESS);
    }
    let asked = arguments.image.as_deref().map(which::registry_or_image).transpose()?;
    let is_shown =
        |entry: &JournalEntry| asked.as_ref().is_none_or(|(registry, image)| is_about(entry, registry, image.as_ref()));
    let all = journal.entries()?;
    let shown: Vec<&JournalEntry> = all.iter().filter(|entry| is_shown(entry)).take(arguments.number.into()).collect();
    let off = why_off(context);
    if shown.is_empty() {
        let sentence = match (&arguments.image, off) {
            (_, Some(off)) => off,
            (Some(image), None) if !all.is_empty() => {
                format!("none of the last {} answers was about {image}", all.len())
            }
            _ => "the journal is empty: no client has asked yet".to_owned(),
        };
        return print_nothing(context, Some(&journal), &sentence);
    }
    let json = json!({"schema": which::SCHEMA, "journal": journal.path().to_string_lossy(), "decisions": shown});
    context.ui.data(json, lines(context, &shown).join("\n"))?;
    if let Some(off) = off {
        context.ui.note(off);
    }
    if let Some(options) = shown.iter().find_map(|entry| options(context, entry)) {
        context.show_options(&options);
    }
    Ok(ExitCode::SUCCESS)
}

fn options(
    context: &CommandContext<'_>,
    JournalEntry { client, decision, .. }: &JournalEntry,
) -> Option<RemedyOptions> {
    let client = client.as_ref().map(|client| format!("{client} …"));
    let registry = decision.registry.parse::<Registry>().ok();
    let accounts =
        registry.and_then(|registry| context.accounts.registry_accounts(&registry).ok()).map(|entry| entry.accounts);
    let typed = client.as_deref().unwrap_or(ANY_COMMAND);
    context.accounts.explanation(decision).options(&accounts.unwrap_or_default(), typed)
}

fn set(context: &CommandContext<'_>, on: bool) -> Result<ExitCode, Failure> {
    context.accounts.set_journal(on)?;
    let deed = if on { "The journal is on" } else { "The journal is off" };
    context.ui.done(json!({"schema": which::SCHEMA, "status": "success", "journal": on}), deed)?;
    let journal = Journal::open(context.env);
    match journal {
        None if on => context.ui.note(format_args!("this session has no journal: {NO_FOLDER}")),
        Some(journal) if !on && journal.entries().is_ok_and(|entries| !entries.is_empty()) => {
            context.ui.say(format_args!("  Earlier answers stay until `{} why --clear`.", context.program));
        }
        _ => {}
    }
    Ok(ExitCode::SUCCESS)
}

const NO_FOLDER: &str = "the journal needs XDG_RUNTIME_DIR, which names no usable folder here";

/// Returns the reason why no answer is recorded here, and the command that turns the journal on.
pub(super) fn missing_journal(context: &CommandContext<'_>) -> Option<(&'static str, String)> {
    let no_folder = || (NO_FOLDER, "export XDG_RUNTIME_DIR=\"$(mktemp -d)\"".to_owned());
    off(context).or_else(|| (!Journal::can_record(context.env)).then(no_folder))
}

fn off(context: &CommandContext<'_>) -> Option<(&'static str, String)> {
    if context.env.forbids_journal() {
        return Some(("the journal is off in this shell", "unset ENSIGN_JOURNAL".to_owned()));
    }
    let on = || ("the journal is off", format!("{} why --on", context.program));
    (!context.accounts.wants_journal()).then(on)
}

fn why_off(context: &CommandContext<'_>) -> Option<String> {
    off(context).map(|(reason, command)| format!("{reason}: `{command}` turns it on"))
}

fn print_nothing(context: &CommandContext<'_>, journal: Option<&Journal>, why: &str) -> Result<ExitCode, Failure> {
    let path = journal.map(|journal| journal.path().to_string_lossy());
    context.ui.data(json!({"schema": which::SCHEMA, "journal": path, "decisions": [], "why": why}), "")?;
    context.ui.note(why);
    Ok(ExitCode::from(3))
}

/// Tells whether a journal entry is about this registry and this image with any tag.
fn is_about(entry: &JournalEntry, registry: &Registry, image: Option<&ImageReference>) -> bool {
    let is_named = |wanted: &ImageReference| {
        let named = entry.decision.images().filter_map(|text| text.parse::<ImageReference>().ok());
        named.into_iter().any(|named| named.repository() == wanted.repository())
    };
    registry.is_key(&entry.decision.registry) && image.is_none_or(is_named)
}

fn lines(context: &CommandContext<'_>, entries: &[&JournalEntry]) -> Vec<String> {
    let now = timestamp::seconds(SystemTime::now());
    let client = |entry: &JournalEntry| entry.client.clone().unwrap_or_else(|| "a client".to_owned());
    let width = entries.iter().map(|entry| client(entry).chars().count()).max().unwrap_or_default();
    let mut lines = Vec::new();
    for entry in entries {
        let explanation = context.accounts.explanation(&entry.decision);
        let ago = ago(now.saturating_sub(entry.at));
        let registry = context.ui.bold(&entry.decision.registry);
        lines.push(format!("{ago:16}{:width$}   {registry}   {}", client(entry), outcome(entry, explanation)));
        let problem = hint(entry, explanation);
        let is_told = |step: &&DecisionStep| step.decides && entry.decision.verdict == Verdict::NoSuchAccount;
        let steps = entry.decision.steps.iter().filter(|step| !is_told(step));
        lines.extend(steps.map(|step| format!("    {}", explanation.line(step))));
        if !entry.ignored.is_empty() {
            let was = if entry.ignored.len() == 1 { "was" } else { "were" };
            let names = entry.ignored.join(", ");
            lines.push(format!("    {names} {was} ignored, because the client was not started with this value"));
        }
        lines.extend(problem.map(|problem| format!("    {}", context.ui.as_typed(&problem))));
    }
    lines
}

fn outcome(entry: &JournalEntry, explanation: Explanation<'_>) -> String {
    let (headline, is_helper) = (explanation.headline(), entry.decision.helper.is_some());
    match entry.outcome {
        CallOutcome::Answered => format!("→ {headline}"),
        CallOutcome::NotFound if is_helper => format!("no account here, and no login at {headline}"),
        CallOutcome::NotFound => headline,
        CallOutcome::Expired if is_helper => format!("not answered: {headline} failed"),
        CallOutcome::Expired => format!("not answered: the credentials of {headline} have expired"),
        CallOutcome::Withheld => {
            format!("not handed out: {headline}; {}", entry.refusal.as_deref().unwrap_or_default())
        }
        CallOutcome::Failed if entry.decision.account.is_none() => {
            "not answered: could not read the accounts".to_owned()
        }
        CallOutcome::Failed => format!("not answered: could not get the secret of {headline}"),
    }
}

/// Returns a hint with the command that helps, if the client got no login.
fn hint(entry: &JournalEntry, explanation: Explanation<'_>) -> Option<String> {
    let Decision { registry, account, helper, verdict, .. } = &entry.decision;
    let command = match entry.outcome {
        CallOutcome::Answered => return None,
        _ if helper.is_some() => {
            return Some("run `docker-credential-ensign route` to see which helpers answer".to_owned());
        }
        CallOutcome::NotFound => {
            let problem = explanation.problem().filter(|_| *verdict != Verdict::Public);
            return problem.map(|problem| problem.to_string());
        }
        CallOutcome::Withheld => {
            let operands: Vec<_> = std::iter::once(registry.as_str()).chain(account.as_deref()).collect();
            command("account show", &operands, "")
        }
        CallOutcome::Expired | CallOutcome::Failed => command("check", &[registry], ""),
    };
    Some(format!("run `docker-credential-ensign {command}`"))
}

fn ago(seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..=4 => return "just now".to_owned(),
        5..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{} ago", count(number, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_do() {
        for (seconds, expected) in [
            (0, "just now"),
            (5, "5 seconds ago"),
            (60, "1 minute ago"),
            (3599, "59 minutes ago"),
            (7200, "2 hours ago"),
            (200_000, "2 days ago"),
        ] {
            assert_eq!(ago(seconds), expected);
        }
    }
}
