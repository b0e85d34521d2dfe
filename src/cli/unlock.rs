//! `unlock` and `lock`: open the data key for a limited time, and lock the key again.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;

use super::failure::Failure;
use super::{CommandContext, args, duration, login, store};
use crate::accounts::{Holder, KeyState};
use crate::model::{Secret, time_span};
use crate::system::memory;

/// The maximum number of attempts to type the passphrase.
const TRIES: usize = 3;

pub(super) fn unlock(context: &CommandContext<'_>, arguments: &args::UnlockArguments) -> Result<ExitCode, Failure> {
    let time = arguments.time.as_deref().map(time).transpose()?;
    let Some(key) = context.accounts.key().state()? else {
        let hint = format!("run `{} {}` to begin", context.program, Holder::FIRST_KEY);
        return Err(Failure::usage("there is no key, because nothing is sealed here", hint));
    };
    let state = match key.holder {
        Holder::Passphrase => by_passphrase(context, arguments, time)?,
        _ => context.accounts.key().unlock(None, time)?,
    };
    let json = json!({"status": "success", "key": store::key_json(&state)});
    let shown = time_span(time.unwrap_or(state.cached_for));
    context.ui.done(json, format_args!("Unlocked for {shown}, or until `{} lock`", context.program))?;
    Ok(ExitCode::SUCCESS)
}

fn by_passphrase(
    context: &CommandContext<'_>,
    arguments: &args::UnlockArguments,
    time: Option<Duration>,
) -> Result<KeyState, Failure> {
    with_passphrase(context, arguments.passphrase_stdin, "unlock", |passphrase| {
        context.ui.while_waiting("Unlocking", || context.accounts.key().unlock(Some(passphrase), time))
    })
}

/// Runs `act` with the passphrase from stdin or from the user. After a wrong passphrase, the user may try again.
/// Without a terminal, returns an error with `command` in the hint.
pub(super) fn with_passphrase<T>(
    context: &CommandContext<'_>,
    stdin: bool,
    command: &str,
    act: impl Fn(&Secret) -> anyhow::Result<T>,
) -> Result<T, Failure> {
    memory::keep_from_swap();
    if stdin {
        return Ok(act(&login::read_secret(io::stdin().lock())?)?);
    }
    if !context.ui.can_ask() {
        return Err(explain_no_terminal(context, command));
    }
    for _ in 1..TRIES {
        match act(&context.ui.ask_secret("Passphrase")?) {
            Err(error) if error.to_string().starts_with("wrong passphrase") => {
                context.ui.note("wrong passphrase");
            }
            result => return Ok(result?),
        }
    }
    Ok(act(&context.ui.ask_secret("Passphrase")?)?)
}

pub(super) fn lock(context: &CommandContext<'_>) -> Result<ExitCode, Failure> {
    let was_open = context.accounts.key().lock()?;
    let json = json!({"status": "success", "was_open": was_open});
    if was_open {
        context.ui.done(json, "Locked")?;
    } else {
        context.ui.data(json, "It was locked already.")?;
    }
    if let Some(key) = context.accounts.key().state()?
        && key.holder != Holder::Passphrase
    {
        context.ui.note(format_args!("{} gives the key to the next call that asks for it", key.holder.subject()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads a new passphrase from stdin, or asks the user twice for a new passphrase. The passphrase is for the data key.
pub(super) fn new_passphrase(context: &CommandContext<'_>, stdin: bool) -> Result<Secret, Failure> {
    memory::keep_from_swap();
    let passphrase = if stdin {
        login::read_secret(io::stdin().lock())?
    } else if context.ui.can_ask() {
        context.ui.ask_new_secret("New passphrase")?
    } else {
        return Err(explain_no_terminal(context, "store key --holder passphrase"));
    };
    if passphrase.is_empty() {
        return Err(Failure::usage("the passphrase is empty", "choose one with several words"));
    }
    Ok(passphrase)
}

fn explain_no_terminal(context: &CommandContext<'_>, command: &str) -> Failure {
    let hint = format!("pipe the passphrase: `{} {command} --passphrase-stdin < FILE`", context.program);
    Failure::usage("a passphrase is needed and there is no terminal to ask on", hint)
}

/// Reads the length of time for which the data key stays open.
pub(super) fn time(text: &str) -> Result<Duration, Failure> {
    duration::parse(text, "to keep the key open", "30d")
}
