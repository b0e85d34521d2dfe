//! `account show` and `account edit`: the alias, images, folders, hosts, purpose and caller rule of an account.

use std::process::ExitCode;

use anyhow::anyhow;
use serde_json::json;

use super::failure::Failure;
use super::images::{self, warn_about_rivals};
use super::list_edit::ListEdit;
use super::{CommandContext, args, buildx, callers, hosts, pin};
use crate::model::choice::RegistryAccounts;
use crate::model::{Account, AccountName, Problem, Registry, Source};
use crate::system::text::{one_line, quote};
use crate::system::{env, folders};

/// Shows one account, the accounts of one registry, the accounts with one alias, or all accounts.
pub(super) fn show(context: &CommandContext<'_>, host: Option<&str>, name: Option<&str>) -> Result<ExitCode, Failure> {
    let mut all = context.accounts.all()?;
    let mut wanted = name;
    if let Some(host) = host {
        let is_registry = context.entry(host).is_ok_and(|host| all.iter().any(|entry| entry.registry == host));
        if name.is_none() && !is_registry && all.iter().any(|entry| entry.account(host).is_some()) {
            all.retain(|entry| entry.account(host).is_some());
            wanted = Some(host);
        } else {
            all = vec![context.candidates(&context.entry(host)?)?];
        }
    }
    let mut shown: Vec<(&Account, &RegistryAccounts)> = Vec::new();
    for entry in &all {
        match wanted {
            Some(name) => shown.push((context.account(entry, name)?, entry)),
            None => shown.extend(entry.accounts.iter().map(|account| (account, entry))),
        }
    }
    if shown.is_empty() {
        return Err(Failure::not_logged_in("there are no accounts", format!("run `{} login HOST`", context.program)));
    }
    let json: Vec<_> = shown.iter().map(|(account, candidates)| context.account_json(account, candidates)).collect();
    let lines: Vec<_> = shown
        .iter()
        .map(|(account, candidates)| {
            let images: Vec<_> = account.patterns().iter().map(ToString::to_string).collect();
            let folders: Vec<_> = account.folders.iter().map(|folder| context.env.shorten_home(folder)).collect();
            let default = if candidates.default_account() == Some(*account) { "yes" } else { "no" };
            let mut lines = vec![
                context.ui.bold(account.name.as_str()),
                format!("  registry   {}", account.registry),
                format!("  username   {}", account.username),
                format!("  default    {default}"),
                format!(
                    "  images     {}{}",
                    images.join(", "),
                    match (account.images.is_empty(), images.is_empty()) {
                        (true, false) => "  (its own namespace)",
                        (true, true) => "none: this user name cannot be a namespace",
                        (false, _) => "",
                    }
                ),
            ];
            lines.extend(account.purpose.map(|purpose| format!("  for        {purpose} only")));
            if !folders.is_empty() {
                lines.push(format!("  folders    {}", folders.join(", ")));
            }
            let hosts = context.hosts_of(&account.registry, &account.name).unwrap_or_default();
            if !hosts.is_empty() {
                lines.push(format!("  also for   {}", hosts::list(&hosts)));
            }
            lines.extend(context.callers(account).map(|callers| format!("  may ask    {callers}")));
            lines.extend(account.did.as_ref().map(|did| format!("  did        {did}")));
            lines.push(match &account.source {
                Source::Static => format!("  store      {}", account.store),
                source => format!("  secret     from {source}"),
            });
            lines.join("\n")
        })
        .collect();
    context.ui.data(json!({"accounts": json}), lines.join("\n\n"))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn edit(context: &CommandContext<'_>, arguments: &args::AccountEdit) -> Result<ExitCode, Failure> {
    let words = HintCommand { command: "account edit", flags: &flags(arguments) };
    let (registry, name) = named(context, &arguments.host, arguments.account.as_deref(), &words)?;
    let callers = callers::edit(&arguments.callers)?;
    let images = images::read(context, &registry, &arguments.images)?;
    let folders = ListEdit::read(&arguments.folder, |folder| Ok(folder_text(context, folder)))?;
    let alias: Option<AccountName> = arguments
        .alias
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|error| Failure::usage(format!("{error}"), "choose another alias"))?;
    let also = hosts::read(context, &registry, &arguments.also)?;
    let changes_also = arguments.no_also || !arguments.also.is_empty();
    let changes_images = arguments.no_images || !images.is_empty();
    let changes_folders = arguments.no_folders || !arguments.folder.is_empty();
    if !changes_images
        && !changes_folders
        && !changes_also
        && alias.is_none()
        && arguments.purpose.is_none()
        && callers.is_empty()
    {
        return Err(Failure::usage("no change was given", format!("run `{} account edit --help`", context.program)));
    }
    context.accounts.refuse_env_account(&registry, &name)?;
    if !callers.is_empty()
        && context
            .accounts
            .only_of(&registry)?
            .account(name.as_str())
            .is_some_and(|account| account.callers.refuses_agents)
    {
        callers::refuse_agent()?;
    }
    let changed = context.accounts.change(|edit| {
        let candidates = edit.registry_accounts(&registry);
        let found = candidates.accounts.iter().find(|account| account.name == name);
        let mut account = found.cloned().ok_or_else(|| anyhow!("{name} is gone"))?;
        if changes_images {
            account.images = if arguments.no_images { vec![] } else { images.applied_to(account.patterns()) };
        }
        if let Some(purpose) = arguments.purpose {
            account.purpose = purpose.operation();
        }
        if !callers.is_empty() {
            refuse_unknown_rule(&account)?;
            account.callers = callers.applied_to(&account.callers);
        }
        if changes_images || arguments.purpose.is_some() || !callers.is_empty() {
            edit.put(&account);
        }
        if changes_folders {
            let before = account.folders.iter().map(|folder| context.env.shorten_home(folder)).collect();
            edit.set_folders(&account, &if arguments.no_folders { vec![] } else { folders.applied_to(before) });
        }
        if changes_also {
            let before = context.hosts_of(&registry, &name)?;
            edit.set_also(&account, &if arguments.no_also { vec![] } else { also.applied_to(before) });
        }
        if let Some(alias) = alias.filter(|alias| *alias != name) {
            if candidates.accounts.iter().any(|other| other.name == alias) {
                let [host, name] = [registry.as_str(), alias.as_str()].map(quote);
                let edit = format!("{} account edit {host} {name} --alias NAME", context.program);
                let cure = format!("choose another alias, or run `{edit}` first");
                return Err(Problem::new(format!("{registry} has another account `{alias}`"), cure).into());
            }
            context.accounts.rename(edit, &account, &alias)?;
            account.name = alias;
        }
        Ok(account.name)
    })?;
    let candidates = context.accounts.registry_accounts(&registry)?;
    let account = context.account(&candidates, changed.as_str())?;
    context.ui.done(context.account_json(account, &candidates), format_args!("Changed {changed} on {registry}"))?;
    buildx::mend(context);
    if arguments.alias.is_some() {
        pin::drop_orphans(context, &[name])?;
    }
    print_uses(context, account)?;
    for missing in account.folders.iter().filter(|folder| changes_folders && !folder.is_dir()) {
        context.ui.note(format_args!("the folder {} does not exist yet", context.env.shorten_home(missing)));
    }
    warn_about_rivals(context, &candidates, account);
    Ok(ExitCode::SUCCESS)
}

/// Prints the images, folders, hosts and callers for which the account is used.
fn print_uses(context: &CommandContext<'_>, account: &Account) -> Result<(), Failure> {
    let patterns: Vec<_> = account.patterns().iter().map(ToString::to_string).collect();
    context.ui.say(format_args!("  Used for  {}{}", patterns.join(", "), only(account)));
    if !account.folders.is_empty() {
        let folders: Vec<_> = account.folders.iter().map(|folder| context.env.shorten_home(folder)).collect();
        context.ui.say(format_args!("  Used in   {}", folders.join(", ")));
    }
    let hosts = context.hosts_of(&account.registry, &account.name)?;
    if !hosts.is_empty() {
        context.ui.say(format_args!("  Also for  {}", hosts::list(&hosts)));
    }
    if let Some(callers) = context.callers(account) {
        context.ui.say(format_args!("  May ask   {callers}"));
    }
    Ok(())
}

/// Returns `, to pull only` or `, to push only`, or an empty text if the account has no purpose.
pub(super) fn only(account: &Account) -> String {
    account.purpose.map(|purpose| format!(", to {purpose} only")).unwrap_or_default()
}

fn refuse_unknown_rule(account: &Account) -> Result<(), Problem> {
    if account.callers.unknown.is_none() {
        return Ok(());
    }
    let what = format!("a newer Ensign wrote the caller rules of {}", account.name);
    Err(Problem::new(what, "use that version to change them"))
}

/// A typed command and its flags, which a hint repeats with the account's name.
pub(super) struct HintCommand<'w> {
    pub(super) command: &'w str,
    pub(super) flags: &'w str,
}

/// Finds the account that a person named. A person may name a registry and an account, a registry with one account, or
/// an account whose name is unique.
pub(super) fn named(
    context: &CommandContext<'_>,
    host: &str,
    account: Option<&str>,
    words: &HintCommand<'_>,
) -> Result<(Registry, AccountName), Failure> {
    if let Some(name) = account {
        let candidates = context.candidates(&context.entry(host)?)?;
        return Ok((candidates.registry.clone(), context.account(&candidates, name)?.name.clone()));
    }
    let all = context.accounts.all()?;
    let name = host;
    let found = all.iter().filter_map(|entry| Some((entry.registry.clone(), entry.account(name)?.name.clone())));
    let mut found: Vec<_> = found.collect();
    let edit = |host: &str, name: &str| {
        let HintCommand { command, flags } = words;
        format!("name one: `{} {command} {} {}{flags}`", context.program, quote(host), quote(name))
    };
    let is_registry = context.entry(name).is_ok_and(|host| all.iter().any(|entry| entry.registry == host));
    if (is_registry || found.is_empty())
        && let Ok(candidates) = context.entry(name).and_then(|entry| context.candidates(&entry))
    {
        return match candidates.accounts.as_slice() {
            [account] => Ok((candidates.registry.clone(), account.name.clone())),
            accounts => {
                let what = format!("{} has several accounts", candidates.registry);
                Err(Failure::usage(what, edit(name, accounts[0].name.as_str())))
            }
        };
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(Failure::usage(
            format!("no registry has an account `{}`", one_line(name, 60)),
            format!("run `{} status` to see the accounts", context.program),
        )),
        _ => {
            let hosts: Vec<_> = found.iter().map(|(registry, _)| registry.to_string()).collect();
            let what = format!("{} have an account `{}`", hosts.join(" and "), one_line(name, 60));
            Err(Failure::usage(what, edit(&hosts[0], name)))
        }
    }
}

/// Returns the typed flags as text, so that a hint can repeat the command.
fn flags(arguments: &args::AccountEdit) -> String {
    let with_value = |flag: &'static str, values: &[String]| -> String {
        values.iter().map(|value| format!(" {flag} {}", quote(value))).collect::<Vec<_>>().concat()
    };
    let alone = |flag: &str, is_set: bool| if is_set { format!(" {flag}") } else { String::new() };
    let purpose = arguments.purpose.map_or(String::new(), |purpose| format!(" --for {}", purpose.name()));
    [
        with_value("--alias", arguments.alias.as_slice()),
        with_value("--images", &arguments.images),
        alone("--no-images", arguments.no_images),
        with_value("--folder", &arguments.folder),
        alone("--no-folders", arguments.no_folders),
        with_value("--also", &arguments.also),
        alone("--no-also", arguments.no_also),
        purpose,
        with_value("--program", &arguments.callers.program),
        alone("--no-programs", arguments.callers.no_programs),
        arguments.callers.choices().map(|(flag, value)| [" ", flag, " ", value].concat()).collect::<Vec<_>>().concat(),
    ]
    .concat()
}

/// Returns a folder as the config stores it: its absolute path, with `~` for the home folder.
fn folder_text(context: &CommandContext<'_>, folder: &str) -> String {
    let expanded = context.env.expand_home(folder);
    let absolute = env::current_dir().map_or(expanded.clone(), |current| current.join(&expanded));
    context.env.shorten_home(&folders::user_canonical(&absolute))
}
