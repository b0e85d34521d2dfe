//! `store key`, `unlock` and `lock`: choose the holder of the data key, open the key for a limited time, and lock it.

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use super::failure::Failure;
use super::{CommandContext, args, duration, login, store};
use crate::accounts::{Holder, KeyState};
use crate::model::{Secret, StoreKind, count};
use crate::system::{memory, text};

/// The maximum number of attempts to type the passphrase.
const TRIES: usize = 3;

pub(super) fn run(context: &CommandContext<'_>, arguments: &args::StoreKey) -> Result<ExitCode, Failure> {
    if arguments.rotate {
        return rotate(context, arguments.passphrase_stdin);
    }
    let Some(holder) = &arguments.holder else { return show(context) };
    let holder: Holder = holder.parse().map_err(|()| {
        let message = format!("`{}` cannot hold a key", text::one_line(holder, 100));
        Failure::usage(message, format!("use {}", Holder::WORDS))
    })?;
    let cache = arguments.cache.as_deref().map(time).transpose()?;
    if holder == Holder::Passphrase && cache.is_some_and(|time| time.is_zero()) {
        let message = "a key behind a passphrase works only while the kernel's keyring holds it";
        return Err(Failure::usage(message, "choose a longer time, such as 8h"));
    }
    let before = context.accounts.key().state()?;
    match &before {
        Some(before) => open_key(context, before, arguments.passphrase_stdin && holder != Holder::Passphrase)?,
        // Only `key.json` had the wrapped key, so no new passphrase can bring it back.
        None if holder == Holder::Passphrase => context.accounts.key().refuse_loss()?,
        None => {}
    }
    let passphrase = match holder {
        Holder::Passphrase => Some(new_passphrase(context, arguments.passphrase_stdin)?),
        _ => None,
    };
    let work = || context.accounts.hold_key(&holder, passphrase.as_ref(), cache);
    let (state, is_new) = context.ui.while_waiting("Wrapping the key", work)?;
    let json = json!({"status": "success", "key": json(&state)});
    let made = if is_new { "Made a key:" } else { "The key:" };
    context.ui.done(json, format_args!("{made} {}", describe(&state)))?;
    if let Some(Holder::File(path) | Holder::SystemdFile(path)) = before.map(|before| before.holder)
        && !is_new
        && !is_at(&state.holder, &path)
        && path.is_file()
    {
        let (shown, path) = (path.display(), text::quote_path(&path));
        context.ui.note(format_args!("`{shown}` still contains the key; to remove it:  rm {path}"));
    }
    match context.accounts.store_setting()? {
        None => {
            context.accounts.set_store(Some(&StoreKind::Sealed))?;
            context.ui.say("  New secrets are sealed from now on.");
            store::note_clear(context, &context.accounts.all()?);
        }
        Some(StoreKind::Sealed) => {}
        Some(_) => context.ui.say(format_args!("  To keep new secrets sealed:  {} store sealed", context.program)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Tells whether the holder has its key in this file. Two paths may lead to one file.
fn is_at(holder: &Holder, file: &Path) -> bool {
    match holder {
        Holder::File(path) | Holder::SystemdFile(path) => path.canonicalize().ok() == file.canonicalize().ok(),
        _ => false,
    }
}

/// Opens a locked data key, because a locked key cannot get another holder. The passphrase opens the key even if the
/// kernel's keyring cannot cache the key.
fn open_key(context: &CommandContext<'_>, key: &KeyState, passphrase_stdin: bool) -> Result<(), Failure> {
    let closed = match context.accounts.key().present_key(key) {
        Err(error) if key.holder == Holder::Passphrase => error,
        result => return Ok(result.map(drop)?),
    };
    if !passphrase_stdin && !context.ui.can_ask() {
        return Err(closed.into());
    }
    let open = |passphrase: &Secret| {
        context.ui.while_waiting("Unlocking", || context.accounts.key().open_by_passphrase(passphrase))
    };
    with_passphrase(context, passphrase_stdin, "store key", open)
}

/// Makes a new data key and seals every secret with this key. If a passphrase opens the old key, asks for the
/// passphrase, because the same passphrase encrypts the new key.
pub(super) fn rotate(context: &CommandContext<'_>, passphrase_stdin: bool) -> Result<ExitCode, Failure> {
    let before = context.accounts.key().known_state()?;
    let work = |passphrase: Option<&Secret>| {
        context.ui.while_waiting("Sealing with a new key", || context.accounts.rotate_key(passphrase))
    };
    let (key, files) = match before.holder {
        // After a killed change of the key, the new key is already encrypted and needs no passphrase.
        Holder::Passphrase if !before.is_changing => {
            with_passphrase(context, passphrase_stdin, "store key --rotate", |passphrase| work(Some(passphrase)))?
        }
        _ => work(None)?,
    };
    let json = json!({"status": "success", "key": json(&key), "before": before.id, "files": files});
    context.ui.done(json, format_args!("The new key: {}", describe(&key)))?;
    let are = if files == 1 { "is" } else { "are" };
    context.ui.say(format_args!("  {} {are} sealed with it", count(files, "file")));
    context.ui.note(
        "anyone with the old key can read old copies of these files; if the old key leaked, renew the secrets at their registries",
    );
    Ok(ExitCode::SUCCESS)
}

fn show(context: &CommandContext<'_>) -> Result<ExitCode, Failure> {
    context.accounts.key().refuse_loss()?;
    let key = context.accounts.key().state()?;
    let none = || format!("There is no key. To make one:  {} {}", context.program, Holder::FIRST_KEY);
    context.ui.data(json!({"key": key.as_ref().map(json)}), key.as_ref().map_or_else(none, describe))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn json(key: &KeyState) -> Value {
    json!({
        "id": key.id, "holder": key.holder.to_string(), "cached_for": key.cached_for.as_secs(), "cached": key.is_cached,
    })
}

/// Describes the data key in one line.
pub(super) fn describe(key: &KeyState) -> String {
    let state = match (&key.holder, key.is_cached) {
        (Holder::Passphrase, true) => ", open now",
        (Holder::Passphrase, false) => ", locked",
        (_, true) => ", and in the kernel's keyring now",
        (_, false) => "",
    };
    format!("{}, {}{state}", key.id, key.holder.place())
}

pub(super) fn unlock(context: &CommandContext<'_>, arguments: &args::UnlockArguments) -> Result<ExitCode, Failure> {
    let time = arguments.time.as_deref().map(time).transpose()?;
    if time.is_some_and(|time| time.is_zero()) {
        return Err(Failure::usage(
            "the time for which the key stays open cannot be zero",
            "choose a longer time, such as 8h",
        ));
    }
    let state = match context.accounts.key().known_state()?.holder {
        Holder::Passphrase => with_passphrase(context, arguments.passphrase_stdin, "unlock", |passphrase| {
            context.ui.while_waiting("Unlocking", || context.accounts.key().unlock(Some(passphrase), time))
        })?,
        _ => context.accounts.key().unlock(None, time)?,
    };
    let json = json!({"status": "success", "key": json(&state)});
    let shown = duration::words(time.unwrap_or(state.cached_for));
    context.ui.done(json, format_args!("Unlocked for {shown}, or until `{} lock`", context.program))?;
    Ok(ExitCode::SUCCESS)
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
