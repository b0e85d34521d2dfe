//! `account edit`: changes the alias, images, folders, hosts, purpose and caller rule of an account.

use std::process::ExitCode;

use anyhow::Result;

use super::account::{named, only};
use super::failure::Failure;
use super::images::{self, warn_about_rivals};
use super::list_edit::ListEdit;
use super::{CommandContext, args, buildx, callers, hosts, pin};
use crate::accounts::Transaction;
use crate::model::{Account, AccountName, CallerEdit, ImagePattern, Problem, Registry};
use crate::system::text::{command, option, quote};
use crate::system::{env, folders};

pub(super) fn run(context: &CommandContext<'_>, arguments: &args::AccountEdit) -> Result<ExitCode, Failure> {
    let (host, name) = (&arguments.host, arguments.account.as_deref());
    let (registry, name) = named(context, host, name, "account edit", &flags(arguments))?;
    let change = AccountChange::read(context, &registry, arguments)?;
    context.accounts.refuse_env_account(&registry, &name)?;
    let has_rule = |account: &Account| !account.callers.is_empty();
    if change.callers.is_some() && context.accounts.only_of(&registry)?.account(name.as_str()).is_some_and(has_rule) {
        callers::refuse_agent()?;
    }
    let changed = context.accounts.change(|edit| change.apply(context, edit, &registry, &name))?;
    let candidates = context.accounts.registry_accounts(&registry)?;
    let account = context.account(&candidates, changed.as_str())?;
    context.ui.done(context.account_json(account, &candidates), format_args!("Changed {changed} on {registry}"))?;
    buildx::mend(context);
    if change.alias.is_some() {
        pin::drop_orphans(context, &[name])?;
    }
    print_uses(context, account)?;
    for missing in account.folders.iter().filter(|folder| change.folders.is_some() && !folder.is_dir()) {
        context.ui.note(format_args!("the folder {} does not exist yet", context.env.shorten_home(missing)));
    }
    warn_about_rivals(context, &candidates, account);
    Ok(ExitCode::SUCCESS)
}

/// The changes that one command requests for an account. A property that is `None` stays unchanged.
struct AccountChange {
    alias: Option<AccountName>,
    images: Option<ListEdit<ImagePattern>>,
    folders: Option<ListEdit<String>>,
    also: Option<ListEdit<Registry>>,
    purpose: Option<args::PurposeArgument>,
    callers: Option<CallerEdit>,
}

impl AccountChange {
    fn read(context: &CommandContext<'_>, registry: &Registry, arguments: &args::AccountEdit) -> Result<Self, Failure> {
        let callers = callers::edit(&arguments.callers)?;
        let images = images::read(context, registry, &arguments.images)?;
        let folders = ListEdit::read(&arguments.folder, |folder| Ok(folder_text(context, folder)))?;
        let change = Self {
            alias: arguments.alias.clone(),
            images: images.or_cleared(arguments.no_images),
            folders: folders.or_cleared(arguments.no_folders),
            also: hosts::read(context, registry, &arguments.also)?.or_cleared(arguments.no_also),
            purpose: arguments.purpose,
            callers: Some(callers).filter(|edit| !edit.is_empty()),
        };
        match change {
            Self { alias: None, images: None, folders: None, also: None, purpose: None, callers: None } => {
                Err(Failure::usage("no change was given", format!("run `{} account edit --help`", context.program)))
            }
            _ => Ok(change),
        }
    }

    /// Changes the account `name`, and returns the account's name after the change.
    fn apply(
        &self,
        context: &CommandContext<'_>,
        edit: &mut Transaction<'_>,
        registry: &Registry,
        name: &AccountName,
    ) -> Result<AccountName> {
        let candidates = edit.registry_accounts(registry);
        let mut account = candidates.called(name.as_str()).cloned().ok_or_else(|| {
            let what = format!("another process has removed {name} from {registry} meanwhile");
            Problem::run(what, format_args!("status {}", quote(registry.as_str())))
        })?;
        if let Some(images) = &self.images {
            account.images = images.applied_to(account.patterns());
        }
        if let Some(purpose) = self.purpose {
            account.purpose = purpose.operation();
        }
        if let Some(callers) = &self.callers {
            if account.callers.unknown.is_some() {
                let what =
                    format!("a newer Ensign wrote the caller rules of {}, so this version keeps them", account.name);
                return Err(Problem::new(what, "use the newer Ensign to change the rules").into());
            }
            account.callers = callers.applied_to(&account.callers);
        }
        if self.images.is_some() || self.purpose.is_some() || self.callers.is_some() {
            edit.put(&account);
        }
        if let Some(folders) = &self.folders {
            let before = account.folders.iter().map(|folder| context.env.shorten_home(folder)).collect();
            edit.set_folders(&account, &folders.applied_to(before));
        }
        if let Some(also) = &self.also {
            edit.set_also(&account, &also.applied_to(context.hosts_of(registry, name)?));
        }
        let Some(alias) = self.alias.as_ref().filter(|alias| *alias != name) else { return Ok(account.name) };
        if candidates.called(alias.as_str()).is_some() {
            let edit = command("account edit", &[registry.as_str(), alias.as_str()], "--alias NAME");
            let cure = format!("choose another alias, or run `{} {edit}` first", context.program);
            return Err(Problem::new(format!("{registry} has another account `{alias}`"), cure).into());
        }
        context.accounts.rename(edit, &account, alias)?;
        Ok(alias.clone())
    }
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
    callers::print(context, account);
    Ok(())
}

/// Returns the typed flags as text, so that a hint can repeat the command.
fn flags(arguments: &args::AccountEdit) -> String {
    let with_value = |flag: &str, values: &[String]| {
        values.iter().map(|value| format!(" {}", option(flag, value))).collect::<Vec<_>>().concat()
    };
    let alone = |flag: &str, is_set: bool| if is_set { format!(" {flag}") } else { String::new() };
    let callers = &arguments.callers;
    [
        with_value("--alias", arguments.alias.as_ref().map(ToString::to_string).as_slice()),
        with_value("--images", &arguments.images),
        alone("--no-images", arguments.no_images),
        with_value("--folder", &arguments.folder),
        alone("--no-folders", arguments.no_folders),
        with_value("--also", &arguments.also),
        alone("--no-also", arguments.no_also),
        with_value("--for", arguments.purpose.as_ref().map(args::spelled).as_slice()),
        with_value("--program", &callers.program),
        alone("--no-programs", callers.no_programs),
        with_value("--terminal", callers.terminal.as_ref().map(args::spelled).as_slice()),
        with_value("--agents", callers.agents.as_ref().map(args::spelled).as_slice()),
        with_value("--grant", callers.grant.as_ref().map(args::spelled).as_slice()),
    ]
    .concat()
}

/// Returns the absolute path of a folder as the config stores it, with `~` for the home folder.
fn folder_text(context: &CommandContext<'_>, folder: &str) -> String {
    let expanded = context.env.expand_home(folder);
    let absolute = env::current_dir().map_or(expanded.clone(), |current| current.join(&expanded));
    context.env.shorten_home(&folders::user_canonical(&absolute))
}
