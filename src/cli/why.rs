//! `why`: what the last calls of `get` were answered, and why, from the journal.

use std::process::ExitCode;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::failure::Failure;
use super::{Context, args, reason, which};
use crate::journal::{Entry, Journal, Outcome};
use crate::model::choice::Grounds;
use crate::model::{ImageReference, Registry, timestamp};
use crate::system::text::word;

pub(super) fn run(context: &Context<'_>, given: &args::Why) -> Result<ExitCode, Failure> {
    if given.on || given.off {
        return set(context, given.on);
    }
    let Some(journal) = Journal::of(context.env) else { return nothing(context, None, NO_FOLDER) };
    if given.clear {
        journal.clear()?;
        context.ui.done(json!({"status": "success"}), "Forgot the last answers")?;
        return Ok(ExitCode::SUCCESS);
    }
    let asked = given.image.as_deref().map(which::registry_or_image).transpose()?;
    let of = |entry: &Entry| asked.as_ref().is_none_or(|(registry, image)| is_about(entry, registry, image.as_ref()));
    let all = journal.entries()?;
    let shown: Vec<&Entry> = all.iter().filter(|entry| of(entry)).take(given.number.into()).collect();
    let off = why_off(context);
    if shown.is_empty() {
        let sentence = match (&given.image, off) {
            (_, Some(off)) => off,
            (Some(image), None) if !all.is_empty() => {
                format!("none of the last {} answers was about {image}", all.len())
            }
            _ => "nobody has asked since the journal began, at the latest when this machine was started".to_owned(),
        };
        return nothing(context, Some(&journal), &sentence);
    }
    let json = json!({"journal": journal.path(), "decisions": shown.iter().map(|entry| entry_json(entry)).collect::<Vec<_>>()});
    context.ui.data(json, lines(context, &shown).join("\n"))?;
    if let Some(off) = off {
        context.ui.note(off);
    }
    if let Some(entry) = shown.iter().find(|entry| !entry.detail.torn.is_empty()) {
        let client = entry.client.as_ref().map(|client| format!("{client} …"));
        let typed = client.as_deref().unwrap_or(reason::ANY_COMMAND);
        let torn = &entry.detail.torn;
        let of = entry.registry.parse::<Registry>().ok().and_then(|registry| context.accounts.of(&registry).ok());
        let accounts = of.map(|candidates| candidates.accounts).unwrap_or_default();
        let ways = reason::ways_out(context, &entry.registry, torn, &accounts, entry.account.as_deref(), typed);
        if let Some(ways) = ways {
            ways.show(&context.ui);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn set(context: &Context<'_>, on: bool) -> Result<ExitCode, Failure> {
    context.accounts.set_journal(on)?;
    let deed = if on { "Answers are written down from now on" } else { "Answers are no longer written down" };
    context.ui.done(json!({"status": "success", "journal": on}), deed)?;
    let journal = Journal::of(context.env);
    match journal {
        None if on => context.ui.note(format_args!("but not here: {NO_FOLDER}")),
        Some(journal) if !on && journal.entries().is_ok_and(|entries| !entries.is_empty()) => {
            context.ui.say(format_args!("  Those before stay until `{} why --clear`.", context.program));
        }
        _ => {}
    }
    Ok(ExitCode::SUCCESS)
}

const NO_FOLDER: &str = "answers are kept in memory only, and XDG_RUNTIME_DIR names no folder for that; a system sets it \
    for those who log in to it";

fn why_off(context: &Context<'_>) -> Option<String> {
    if context.env.forbids_journal() {
        return Some(
            "ENSIGN_JOURNAL is `off` here, so the answers of this shell are not written down: `unset ENSIGN_JOURNAL` changes that".into(),
        );
    }
    let on = || format!("answers are not written down: `{} why --on` changes that", context.program);
    (!context.accounts.wants_journal()).then(on)
}

fn nothing(context: &Context<'_>, journal: Option<&Journal>, why: &str) -> Result<ExitCode, Failure> {
    context.ui.data(json!({"journal": journal.map(Journal::path), "decisions": [], "why": why}), "")?;
    context.ui.note(why);
    Ok(ExitCode::from(3))
}

/// An image is meant with all its tags.
fn is_about(entry: &Entry, registry: &Registry, image: Option<&ImageReference>) -> bool {
    let is_named = |wanted: &ImageReference| {
        let Grounds { image, torn, .. } = &entry.detail;
        let named = image.iter().chain(torn.iter().map(|owned| &owned.image));
        named
            .filter_map(|text| text.parse::<ImageReference>().ok())
            .any(|named| named.repository() == wanted.repository())
    };
    registry.is_key(&entry.registry) && image.is_none_or(is_named)
}

fn entry_json(entry: &Entry) -> Value {
    json!({
        "at": entry.at,
        "registry": entry.registry,
        "client": entry.client,
        "outcome": entry.outcome,
        "account": entry.account,
        "helper": entry.helper,
        "rung": entry.rung,
        "refusal": entry.refusal,
        "detail": entry.detail,
        "ignored": entry.ignored,
    })
}

fn lines(context: &Context<'_>, entries: &[&Entry]) -> Vec<String> {
    let now = timestamp::seconds(SystemTime::now());
    let client = |entry: &Entry| entry.client.clone().unwrap_or_else(|| "a client".to_owned());
    let width = entries.iter().map(|entry| client(entry).chars().count()).max().unwrap_or_default();
    let mut lines = Vec::new();
    for entry in entries {
        let ago = ago(now.saturating_sub(entry.at));
        let registry = context.ui.bold(&entry.registry);
        lines.push(format!("{ago:16}{:width$}   {registry}   {}", client(entry), outcome(entry)));
        if !entry.detail.torn.is_empty() {
            lines.push(format!("    {}", reason::torn_told(&entry.detail.torn)));
        }
        if !entry.detail.unknown.is_empty() {
            lines.push(format!("    {}", reason::unknown_told(context, &entry.detail.unknown)));
        }
        let grounds = reason::told(context, &Grounds { torn: vec![], unknown: vec![], ..entry.detail.clone() });
        lines.extend(match (&entry.rung, grounds.as_str()) {
            (None, "") => advice(entry, context.program).map(|advice| format!("    {advice}")),
            (None, grounds) => Some(format!("    {grounds}")),
            (Some(rung), "") => Some(format!("    {rung}")),
            (Some(rung), grounds) => Some(format!("    {rung}: {grounds}")),
        });
        if !entry.ignored.is_empty() {
            let was = if entry.ignored.len() == 1 { "was" } else { "were" };
            let names = entry.ignored.join(", ");
            lines.push(format!("    {names} {was} ignored: the client was not started with this value"));
        }
        if entry.rung.is_some() && entry.outcome != Outcome::Answered {
            lines.extend(advice(entry, context.program).map(|advice| format!("    {advice}")));
        }
    }
    lines
}

fn outcome(entry: &Entry) -> String {
    let account = entry.account.as_deref().unwrap_or("?");
    if let Some(helper) = &entry.helper {
        return match entry.outcome {
            Outcome::Answered => format!("→ {helper}"),
            Outcome::Dead => format!("not answered: {helper} failed"),
            _ => format!("no account here, and no login at {helper}"),
        };
    }
    match entry.outcome {
        Outcome::Answered => format!("→ {account}"),
        Outcome::NoAccount => "no account".to_owned(),
        Outcome::NoDefault => "no account that answers unasked".to_owned(),
        Outcome::Public => "no account needed".to_owned(),
        Outcome::NoneToPull => "no account to pull".to_owned(),
        Outcome::NoneToPush => "no account to push".to_owned(),
        Outcome::Several => "several accounts, and nothing said which".to_owned(),
        Outcome::NoSuchAccount => "no such account".to_owned(),
        Outcome::Dead => format!("not answered: the secret of {account} is good no longer"),
        Outcome::Withheld => {
            let refusal = entry.refusal.as_deref().unwrap_or("it is not for this caller");
            format!("not handed out: {account}; {refusal}")
        }
        Outcome::Failed => match &entry.account {
            Some(account) => format!("not answered: the secret of {account} could not be had"),
            None => "not answered: the accounts could not be read".to_owned(),
        },
        Outcome::Other => "something that only a newer Ensign knows".to_owned(),
    }
}

fn advice(entry: &Entry, program: &str) -> Option<String> {
    if entry.helper.is_some() {
        return Some(format!("`{program} route` shows which helpers answer"));
    }
    let registry = word(&entry.registry);
    let (command, effect) = match entry.outcome {
        Outcome::NoAccount => ("login", "adds one"),
        Outcome::NoDefault | Outcome::Several => ("switch", "makes one the default"),
        Outcome::NoSuchAccount | Outcome::NoneToPull | Outcome::NoneToPush => ("status", "shows those that are there"),
        Outcome::Withheld => ("account show", "shows who may ask"),
        Outcome::Dead | Outcome::Failed => ("check", "says what is wrong"),
        Outcome::Answered | Outcome::Public | Outcome::Other => return None,
    };
    Some(format!("`{program} {command} {registry}` {effect}"))
}

fn ago(seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..=4 => return "just now".to_owned(),
        5..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{number} {unit}{} ago", if number == 1 { "" } else { "s" })
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
