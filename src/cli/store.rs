//! `store`: chooses where secrets are kept, moves secrets to another store, and chooses the holder of the data key.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::failure::Failure;
use super::{CommandContext, PROBING, args, unlock};
use crate::accounts::{Holder, KeyState, is_known_store, probe_keyring, store_words};
use crate::model::{Account, AccountName, Problem, Registry, Secret, StoreKind};
use crate::system::files;
use crate::system::text::{self, quote};

pub(super) fn run(context: &CommandContext<'_>, arguments: &args::StoreArguments) -> Result<ExitCode, Failure> {
    match (&arguments.command, &arguments.kind) {
        (Some(args::StoreCommand::Move(arguments)), _) => relocate(context, arguments),
        (Some(args::StoreCommand::Key(arguments)), _) => key(context, arguments),
        (None, Some(word)) => set(context, Some(&kind(word)?)),
        (None, None) if arguments.unset => set(context, None),
        (None, None) => show(context),
    }
}

/// Reads the name of a store.
pub(super) fn kind(text: &str) -> Result<StoreKind, Failure> {
    let kind = StoreKind::parse(text);
    if is_known_store(&kind) {
        return Ok(kind);
    }
    let hint = format!("use {} for docker-credential-NAME", store_words());
    Err(Failure::usage(format!("`{}` is not a store", text::one_line(text, 60)), hint))
}

/// Prepares the store before a person types a secret. If there is no data key yet, makes a key in the keyring. Fails if
/// there is neither a key nor a keyring.
pub(super) fn prepare(context: &CommandContext<'_>, kind: &StoreKind) -> Result<(), Failure> {
    if *kind != StoreKind::Sealed {
        return Ok(());
    }
    if context.accounts.key().state()?.is_none() {
        let probe = || probe_keyring(PROBING);
        context.ui.while_waiting("Looking for a keyring", probe).map_err(|why| {
            let hint = format!("run `{} {}`", context.program, Holder::KEY_WITHOUT_KEYRING);
            Failure::from(Problem::new(format!("there is no key to seal secrets with, and {why}"), hint))
        })?;
        context.accounts.hold_key(&Holder::Keyring, None, None)?;
    }
    Ok(context.accounts.key().check()?)
}

/// Prints where a secret is stored, and how to seal a secret that is in clear text.
pub(super) fn say_place(context: &CommandContext<'_>, kind: &StoreKind) {
    let place = place(context, kind);
    if !kind.is_clear() {
        return context.ui.say(format_args!("  Saved in  {place}"));
    }
    let folder = context.env.data_dir.as_deref();
    let in_home = folder.zip(context.env.home()).is_some_and(|(folder, home)| folder.starts_with(home));
    let claim = if files::are_private_anywhere() || in_home { ", readable by you only" } else { "" };
    context.ui.say(format_args!("  Saved in  {place} in clear text{claim}"));
    context.ui.say(format_args!("  To seal   {} store move --to sealed", context.program));
}

fn place(context: &CommandContext<'_>, kind: &StoreKind) -> String {
    let folder = |name: &str| {
        let folder = context.env.data_dir.as_ref().map(|data| data.join(name));
        folder.map(|folder| context.env.shorten_home(&folder)).unwrap_or_default()
    };
    match kind {
        StoreKind::File => folder("secrets"),
        StoreKind::Sealed => {
            let key = context.accounts.key().state().ok().flatten();
            let key = key.map(|key| format!("; the key is {}", key.holder.place())).unwrap_or_default();
            format!("{}{key}", folder("sealed"))
        }
        StoreKind::Helper(helper) => format!("`{}`", helper.program()),
        other => other.to_string(),
    }
}

fn show(context: &CommandContext<'_>) -> Result<ExitCode, Failure> {
    let (setting, key) = (context.accounts.store_setting()?, context.accounts.key().state()?);
    let all = context.accounts.all()?;
    let accounts: Vec<&Account> = all.iter().flat_map(|entry| &entry.accounts).collect();
    let clear: Vec<_> = accounts.iter().filter(|account| account.store.is_clear()).collect();
    let mut lines = vec![match &setting {
        Some(kind) => format!("New secrets   {kind}{}", in_clear_text(kind)),
        None => {
            format!(
                "New secrets   sealed if there is a keyring, else in clear text\n              To choose:  {} store sealed",
                context.program
            )
        }
    }];
    if let Some(key) = &key {
        lines.push(format!("Key           {}", describe(key)));
    }
    let mut kinds: Vec<&StoreKind> = vec![];
    for account in &accounts {
        if !kinds.contains(&&account.store) {
            kinds.push(&account.store);
        }
    }
    for kind in kinds {
        let names: Vec<_> =
            accounts.iter().filter(|account| account.store == *kind).map(|account| full_name(account)).collect();
        lines.push(format!("{:<13} {}", kind.to_string(), text::one_line(&names.join(", "), 300)));
    }
    let json = json!({
        "store": setting.as_ref().map(ToString::to_string), "key": key.as_ref().map(key_json),
        "accounts": accounts.iter().map(|account| json!({
            "registry": account.registry.as_str(), "account": account.name.as_str(), "store": account.store.to_string(),
        })).collect::<Vec<_>>(),
    });
    context.ui.data(json, lines.join("\n"))?;
    if let Some(kind) = context.accounts.named_store() {
        context.ui.note(format_args!("ENSIGN_STORE is set to `{kind}` in this shell and overrides this setting"));
    }
    if !clear.is_empty() {
        let secrets = if clear.len() == 1 { "1 secret is".to_owned() } else { format!("{} secrets are", clear.len()) };
        context.ui.note(format_args!(
            "{secrets} in clear text; to seal all secrets:  {} store move --to sealed",
            context.program
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn set(context: &CommandContext<'_>, kind: Option<&StoreKind>) -> Result<ExitCode, Failure> {
    if let Some(kind) = kind {
        prepare(context, kind)?;
    }
    context.accounts.set_store(kind)?;
    let json = json!({"status": "success", "store": kind.map(ToString::to_string)});
    match kind {
        Some(kind) => {
            let place = place(context, kind);
            context.ui.done(json, format_args!("New secrets are kept in {place}{}", in_clear_text(kind)))?;
            note_others(context, kind)?;
        }
        None => context.ui.done(json, "The next login chooses where new secrets are kept")?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Reports the accounts whose secrets stay in other stores, because the setting applies only to new secrets.
fn note_others(context: &CommandContext<'_>, kind: &StoreKind) -> Result<(), Failure> {
    let all = context.accounts.all()?;
    let others = all
        .iter()
        .flat_map(|entry| &entry.accounts)
        .filter(|account| account.store != *kind && !account.store.is_from_environment());
    let count = others.count();
    if count > 0 {
        let others = if count == 1 { "1 account has its secret" } else { "other accounts have their secrets" };
        context
            .ui
            .note(format_args!("{others} elsewhere; to move all secrets:  {} store move --to {kind}", context.program));
    }
    Ok(())
}

fn relocate(context: &CommandContext<'_>, arguments: &args::StoreMove) -> Result<ExitCode, Failure> {
    let to = kind(&arguments.to)?;
    let which = selected(context, &arguments.accounts)?;
    for account in which.iter().filter(|account| account.store.is_from_environment()) {
        context.accounts.refuse_env_account(&account.registry, &account.name)?;
    }
    if which.iter().any(|account| account.store != to) {
        prepare(context, &to)?;
    }
    let names: Vec<(Registry, AccountName)> =
        which.iter().map(|account| (account.registry.clone(), account.name.clone())).collect();
    let moved = context.accounts.relocate(&names, &to)?;
    let json = json!({
        "status": "success", "store": to.to_string(),
        "moved": moved.iter().map(|account| json!({"registry": account.registry.as_str(), "account": account.name.as_str()}))
            .collect::<Vec<_>>(),
    });
    let place = place(context, &to);
    match moved.as_slice() {
        [] => context.ui.data(json, format_args!("All secrets are in `{to}` already."))?,
        [account] => context.ui.done(json, format_args!("Moved the secret of {} to {place}", full_name(account)))?,
        many => context.ui.done(json, format_args!("Moved {} secrets to {place}", many.len()))?,
    }
    if to.is_clear() && !moved.is_empty() {
        context.ui.note("the secrets are in clear text there: anyone who reads the disk can use them");
    }
    Ok(ExitCode::SUCCESS)
}

/// Finds accounts by words of the form `HOST`, `ALIAS` or `HOST=ALIAS`. Without words, returns all accounts except the
/// accounts from the environment.
fn selected(context: &CommandContext<'_>, words: &[String]) -> Result<Vec<Account>, Failure> {
    let all = context.accounts.all()?;
    let mut found: Vec<Account> = vec![];
    if words.is_empty() {
        found.extend(
            all.iter()
                .flat_map(|entry| &entry.accounts)
                .filter(|account| !account.store.is_from_environment())
                .cloned(),
        );
    }
    for name in words {
        let before = found.len();
        if let Some((host, alias)) = name.split_once('=') {
            let candidates = context.accounts.only_of(&context.entry(host)?)?;
            found.push(context.account(&candidates, alias)?.clone());
            continue;
        }
        let host = context.entry(name).ok();
        for entry in &all {
            if host.as_ref() == Some(&entry.registry) {
                found.extend(entry.accounts.iter().cloned());
            } else {
                found.extend(entry.account(name).cloned());
            }
        }
        if found.len() == before {
            let hint = format!("run `{} status` to see the accounts", context.program);
            let message = format!("`{}` is neither a registry with accounts nor an alias", text::one_line(name, 100));
            return Err(Failure::usage(message, hint));
        }
    }
    Ok(found)
}

fn key(context: &CommandContext<'_>, arguments: &args::StoreKey) -> Result<ExitCode, Failure> {
    if arguments.rotate {
        return rotate(context, arguments.passphrase_stdin);
    }
    let Some(holder) = &arguments.holder else { return show_key(context) };
    let holder: Holder = holder.parse().map_err(|()| {
        let message = format!("`{}` cannot hold a key", text::one_line(holder, 100));
        Failure::usage(message, format!("use {}", Holder::WORDS))
    })?;
    let cache = arguments.cache.as_deref().map(unlock::time).transpose()?;
    if holder == Holder::Passphrase && cache.is_some_and(|time| time.is_zero()) {
        let message = "a key behind a passphrase works only while the kernel's keyring holds it";
        return Err(Failure::usage(message, "choose a longer time, such as 8h"));
    }
    let before = context.accounts.key().state()?;
    if let Some(before) = &before {
        open_key(context, before, arguments.passphrase_stdin && holder != Holder::Passphrase)?;
    }
    let passphrase = match holder {
        Holder::Passphrase => Some(unlock::new_passphrase(context, arguments.passphrase_stdin)?),
        _ => None,
    };
    let work = || context.accounts.hold_key(&holder, passphrase.as_ref(), cache);
    let state = context.ui.while_waiting("Wrapping the key", work)?;
    let json = json!({"status": "success", "key": key_json(&state)});
    let made = if before.is_none() { "Made a key:" } else { "The key:" };
    context.ui.done(json, format_args!("{made} {}", describe(&state)))?;
    match context.accounts.store_setting()? {
        None => {
            context.accounts.set_store(Some(&StoreKind::Sealed))?;
            context.ui.say("  New secrets are sealed from now on.");
        }
        Some(StoreKind::Sealed) => {}
        Some(_) => context.ui.say(format_args!("  To keep new secrets sealed:  {} store sealed", context.program)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Opens a locked data key, because a locked key cannot get another holder. The passphrase opens the key even if the
/// kernel's keyring cannot cache the key.
fn open_key(context: &CommandContext<'_>, key: &KeyState, passphrase_stdin: bool) -> Result<(), Failure> {
    let closed = match context.accounts.key().check() {
        Err(error) if key.holder == Holder::Passphrase => error,
        result => return Ok(result?),
    };
    if !passphrase_stdin && !context.ui.can_ask() {
        return Err(closed.into());
    }
    let open = |passphrase: &Secret| {
        context.ui.while_waiting("Unlocking", || context.accounts.key().open_by_passphrase(passphrase))
    };
    unlock::with_passphrase(context, passphrase_stdin, "store key", open)
}

/// Makes a new data key and seals every secret with this key. If a passphrase opens the old key, asks for the
/// passphrase, because the same passphrase encrypts the new key.
pub(super) fn rotate(context: &CommandContext<'_>, passphrase_stdin: bool) -> Result<ExitCode, Failure> {
    let Some(before) = context.accounts.key().state()? else {
        let hint = format!("run `{} {}` to begin", context.program, Holder::FIRST_KEY);
        return Err(Failure::usage("there is no key, because nothing is sealed here", hint));
    };
    let work = |passphrase: Option<&Secret>| {
        context.ui.while_waiting("Sealing with a new key", || context.accounts.rotate_key(passphrase))
    };
    let (key, files) = match before.holder {
        // After a killed change of the key, the new key is already encrypted and needs no passphrase.
        Holder::Passphrase if !before.is_changing => {
            unlock::with_passphrase(context, passphrase_stdin, "store key --rotate", |passphrase| {
                work(Some(passphrase))
            })?
        }
        _ => work(None)?,
    };
    let json = json!({"status": "success", "key": key_json(&key), "before": before.id, "files": files});
    context.ui.done(json, format_args!("The new key: {}", describe(&key)))?;
    let files = if files == 1 { "1 file is".to_owned() } else { format!("{files} files are") };
    context.ui.say(format_args!("  {files} sealed with it"));
    context.ui.note(
        "anyone with the old key can read old copies of these files; if the old key leaked, renew the secrets at their registries",
    );
    Ok(ExitCode::SUCCESS)
}

fn show_key(context: &CommandContext<'_>) -> Result<ExitCode, Failure> {
    let key = context.accounts.key().state()?;
    let none = || format!("There is no key. To make one:  {} {}", context.program, Holder::FIRST_KEY);
    context.ui.data(json!({"key": key.as_ref().map(key_json)}), key.as_ref().map_or_else(none, describe))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn key_json(key: &KeyState) -> Value {
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

fn in_clear_text(kind: &StoreKind) -> &'static str {
    if kind.is_clear() { ", in clear text" } else { "" }
}

fn full_name(account: &Account) -> String {
    format!("{} on {}", quote(account.name.as_str()), account.registry)
}
