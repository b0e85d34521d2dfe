//! `store`: chooses where secrets are kept, and moves secrets to another store.

use std::process::ExitCode;

use serde_json::json;

use super::context::{CommandContext, PROBING};
use super::failure::Failure;
use super::{args, grouped, key, unique};
use crate::accounts::{Holder, helpers, is_known_store, probe_keyring, store_words};
use crate::model::choice::RegistryAccounts;
use crate::model::{Account, AccountName, Problem, Registry, StoreKind, count};
use crate::system::files;
use crate::system::text::{self, quote};

pub(super) fn run(context: &CommandContext<'_>, arguments: &args::StoreArguments) -> Result<ExitCode, Failure> {
    match (&arguments.command, &arguments.kind) {
        (Some(args::StoreCommand::Move(arguments)), _) => relocate(context, arguments),
        (Some(args::StoreCommand::Key(arguments)), _) => key::run(context, arguments),
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

/// Prepares the store before a person types a secret. For the store `sealed`, makes a data key in the keyring if there
/// is no key yet. Fails if there is neither a key nor a keyring, or if the key cannot be opened.
pub(super) fn prepare(context: &CommandContext<'_>, kind: &StoreKind) -> Result<(), Failure> {
    match kind {
        StoreKind::Sealed => {}
        StoreKind::Helper(helper) => {
            let hint = || format!("install `{}`, or use another store, such as `file`", helper.program());
            return helpers::missing(helper)
                .map_or(Ok(()), |missing| Err(Problem::new(missing.message, hint()).into()));
        }
        _ => return Ok(()),
    }
    if context.accounts.key().state()?.is_none() {
        let probe = || probe_keyring(PROBING);
        let found = context.ui.while_waiting("Looking for a keyring", probe);
        if found.is_err() {
            context.accounts.key().refuse_loss()?;
        }
        match found {
            Ok(()) => context.accounts.hold_key(&Holder::Keyring, None, None)?,
            Err(why) if context.ui.can_ask() && cfg!(target_os = "linux") => {
                context.ui.say(format_args!("A passphrase will open the key of the sealed secrets, because {why}."));
                context.accounts.hold_key(&Holder::Passphrase, Some(&key::new_passphrase(context, false)?), None)?
            }
            Err(why) => {
                let hint = format!("run `{} {}`", context.program, Holder::KEY_WITHOUT_KEYRING);
                return Err(Problem::new(format!("there is no key to seal secrets with, and {why}"), hint).into());
            }
        };
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
    let claim = if files::HAS_MODES || in_home { ", readable by you only" } else { "" };
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
    let (setting, state) = (context.accounts.store_setting()?, context.accounts.key().state()?);
    let all = context.accounts.all()?;
    let accounts: Vec<&Account> = all.iter().flat_map(|entry| &entry.accounts).collect();
    let mut lines = vec![match &setting {
        Some(kind) => format!("New secrets   {kind}{}", in_clear_text(kind)),
        None => {
            format!(
                "New secrets   sealed if there is a keyring, else in clear text\n              To choose:  {} store sealed",
                context.program
            )
        }
    }];
    if let Some(key) = &state {
        lines.push(format!("Key           {}", key::describe(key)));
    }
    for (kind, names) in grouped(accounts.iter().map(|account| (&account.store, full_name(account)))) {
        lines.push(format!("{:<13} {}", kind.to_string(), text::one_line(&names.join(", "), 300)));
    }
    let json = json!({
        "store": setting.as_ref().map(ToString::to_string), "key": state.as_ref().map(key::json),
        "accounts": accounts.iter().map(|account| json!({
            "registry": account.registry.as_str(), "account": account.name.as_str(), "store": account.store.to_string(),
        })).collect::<Vec<_>>(),
    });
    context.ui.data(json, lines.join("\n"))?;
    if let Some(kind) = context.accounts.named_store() {
        let note =
            if is_known_store(&kind) { "overrides this setting" } else { "is not a store, so no login is saved" };
        context.ui.note(format_args!("ENSIGN_STORE is set to `{kind}` in this shell and {note}"));
    }
    note_clear(context, &all);
    Ok(ExitCode::SUCCESS)
}

/// Reports the secrets in clear text, and how to seal them.
pub(super) fn note_clear(context: &CommandContext<'_>, all: &[RegistryAccounts]) {
    let accounts = all.iter().flat_map(|entry| &entry.accounts);
    let clear =
        accounts.filter(|account| account.store.is_clear() && context.accounts.has_stored_secret(account)).count();
    if clear > 0 {
        let (secrets, are) = (count(clear, "secret"), if clear == 1 { "is" } else { "are" });
        context.ui.note(format_args!(
            "{secrets} {are} in clear text; to seal all secrets:  {} store move --to sealed",
            context.program
        ));
    }
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
    let hub = moved.iter().filter(|account| account.registry.is_docker_hub() && !account.store.keeps_its_own_files());
    for account in hub.filter(|account| context.accounts.has_clear_hub_token(&account.username)) {
        let (name, place) = (&account.name, self::place(context, &StoreKind::File));
        context.ui.note(format_args!("the tokens of `docker login` for {name} stay in {place}, in clear text"));
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
            let message = format!(
                "`{}` is neither a registry with accounts nor an alias",
                text::one_line(&text::hide_userinfo(name), 100)
            );
            return Err(Failure::usage(message, hint));
        }
    }
    Ok(unique(found.into_iter()))
}

fn in_clear_text(kind: &StoreKind) -> &'static str {
    if kind.is_clear() { ", in clear text" } else { "" }
}

fn full_name(account: &Account) -> String {
    format!("{} on {}", quote(account.name.as_str()), account.registry)
}
