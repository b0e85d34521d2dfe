//! `use`, `exec` and `prompt`: choose and show the account of one shell or one command. The account's name is stored in
//! an environment variable, and no file is written.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::rc::Rc;

use serde_json::json;

use super::failure::Failure;
use super::{CommandContext, args};
use crate::caller::project;
use crate::model::choice::{RegistryAccounts, Rule, RuleOutcome, used_in};
use crate::model::{Account, Registry};
use crate::system::text::{command, hide_userinfo, quote, single_quote};
use crate::system::{env, exec, folders};

const VARIABLE: &str = "ENSIGN_ACCOUNT";

/// The single quotes of PowerShell. In PowerShell, a string may begin with one kind of single quote and end with
/// another kind (`about_Quoting_Rules`, and `IsSingleQuote` in `CharTraits.cs`).
const POWERSHELL_QUOTES: [char; 5] = ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'];

/// Prints a line that the shell evaluates.
pub(super) fn use_account(context: &CommandContext<'_>, arguments: &args::UseArguments) -> Result<ExitCode, Failure> {
    let shell = arguments.shell.unwrap_or_else(args::UseShell::of_caller);
    let value =
        if arguments.none { None } else { Some(value(context, &arguments.accounts, context.env.account.as_deref())?) };
    let line = line(shell, value.as_deref());
    context.ui.exact_data(json!({"variable": VARIABLE, "value": value, "line": line}), &line)?;
    if context.ui.shows_data_to_a_person() {
        let mut words = if arguments.none {
            "--none".to_owned()
        } else {
            arguments.accounts.iter().map(|name| quote(name)).collect::<Vec<_>>().join(" ")
        };
        if args::UseShell::of_caller() != shell {
            words = format!("--shell {} {words}", args::spelled(&shell));
        }
        let how = match shell {
            args::UseShell::Sh => format!("eval \"$({} use {words})\"", context.program),
            args::UseShell::Fish => format!("{} use {words} | source", context.program),
            args::UseShell::Powershell => format!("{} use {words} | Invoke-Expression", context.program),
        };
        context.ui.note(format_args!("your shell must run this line:  {how}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a command with the named accounts, and exits with the exit code of the command.
pub(super) fn run_as(context: &CommandContext<'_>, arguments: &args::ExecArguments) -> Result<ExitCode, Failure> {
    let value = value(context, &arguments.account, context.env.account.as_deref())?;
    exec::exec(&arguments.command, VARIABLE, &value).map_err(Failure::not_run)
}

/// Prints the accounts that are set for this shell or folder. Does not fail if the accounts cannot be read, because a
/// shell's prompt runs this command.
pub(super) fn prompt(context: &CommandContext<'_>) -> Result<ExitCode, Failure> {
    if let Some(value) = &context.env.account {
        context.ui.data(json!({"accounts": value, "by": VARIABLE}), value)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (current, folder) = (env::current_dir(), folders::of_caller());
    let all = context.accounts.all().unwrap_or_default();
    let trusted = all.first().map(|entry| Rc::clone(&entry.trusted)).unwrap_or_default();
    let project = current.as_deref().and_then(|current| project::trusted_in(current, &trusted));
    let (mut accounts, mut rules) = (Vec::new(), Vec::new());
    for (registry, name) in project.iter().flat_map(|project| &project.accounts) {
        let covering = all.iter().filter(|entry| entry.registry.covers(registry)).cloned();
        if let Some(account) = RegistryAccounts::for_host(covering.collect(), registry).account(name.as_str()) {
            accounts.push(format!("{registry}={}", account.name));
            rules.push(Rule::Project);
        }
    }
    let is_named = |registry| project.as_ref().is_some_and(|project| project.account(registry).is_some());
    for candidates in all.iter().filter(|entry| !is_named(&entry.registry)) {
        if let RuleOutcome::Account { account, .. } = used_in(candidates.accounts.iter(), &folder) {
            accounts.push(format!("{}={account}", candidates.registry));
            rules.push(Rule::Folder);
        }
    }
    let by: Vec<_> = Rule::ALL.iter().filter(|rule| rules.contains(rule)).map(ToString::to_string).collect();
    let by = (!by.is_empty()).then(|| by.join(", "));
    let text = accounts.join(",");
    context.ui.data(json!({"accounts": text, "by": by}), &text)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the new value of `ENSIGN_ACCOUNT`: one alias, or a list of `host=alias`. The list keeps the entries of the
/// previous value for other registries. It also keeps the previous value's alias for all registries without an entry.
fn value(context: &CommandContext<'_>, accounts: &[String], before: Option<&str>) -> Result<String, Failure> {
    let usage = |what: String| Failure::usage(what, "name accounts as `work`, or as `ghcr.io=work quay.io=me`");
    if let [alias] = accounts
        && !alias.contains('=')
    {
        let all = context.accounts.all()?;
        if let Some(account) = all.iter().find_map(|candidates| candidates.account(alias)) {
            refuse_comma(context, account)?;
            return Ok(alias.clone());
        }
        let hint = format!("run `{} status` to see the accounts", context.program);
        return Err(Failure::usage(format!("no registry has an account `{}`", hide_userinfo(alias)), hint));
    }
    let (mut named, mut for_others) = (BTreeMap::new(), None);
    for part in before.unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty()) {
        // Of several entries for a registry, the first counts.
        match part.split_once('=') {
            Some((host, alias)) => {
                named.entry(Registry::from_key(host.trim())).or_insert_with(|| alias.trim().to_owned());
            }
            None => for_others = for_others.or(Some(part.to_owned())),
        }
    }
    for pair in accounts {
        let Some((host, alias)) = pair.split_once('=') else {
            return Err(usage(format!("`{}` names no registry", hide_userinfo(pair))));
        };
        let registry: Registry = context.registry(host)?;
        let candidates = context.candidates(&registry)?;
        let account = context.account(&candidates, alias)?;
        refuse_comma(context, account)?;
        named.insert(registry, account.name.to_string());
    }
    let pairs = named.iter().map(|(registry, alias)| format!("{registry}={alias}"));
    Ok(pairs.chain(for_others).collect::<Vec<_>>().join(","))
}

fn refuse_comma(context: &CommandContext<'_>, account: &Account) -> Result<(), Failure> {
    let name = account.name.as_str();
    if !name.contains(',') {
        return Ok(());
    }
    let edit = command("account edit", &[account.registry.as_str(), name], "--alias NAME");
    let cure = format!("run `{} {edit}`", context.program);
    Err(Failure::usage(format!("`{name}` contains a comma, which {VARIABLE} cannot contain"), cure))
}

/// Returns the line that sets or removes `ENSIGN_ACCOUNT` in a shell. The variable's value is quoted, because an alias
/// may contain any character.
fn line(shell: args::UseShell, value: Option<&str>) -> String {
    match (shell, value) {
        (args::UseShell::Sh, Some(value)) => format!("export {VARIABLE}={}", single_quote(value)),
        (args::UseShell::Sh, None) => format!("unset {VARIABLE}"),
        (args::UseShell::Fish, Some(value)) => {
            format!("set -gx {VARIABLE} '{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
        }
        (args::UseShell::Fish, None) => format!("set -e {VARIABLE}"),
        (args::UseShell::Powershell, Some(value)) => {
            let doubled = |c: char| std::iter::repeat_n(c, if POWERSHELL_QUOTES.contains(&c) { 2 } else { 1 });
            format!("$Env:{VARIABLE} = '{}'", value.chars().flat_map(doubled).collect::<String>())
        }
        (args::UseShell::Powershell, None) => format!("Remove-Item -ErrorAction Ignore Env:{VARIABLE}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_gets_its_own_line() {
        for (shell, value, expected) in [
            (args::UseShell::Sh, Some("ghcr.io=it's"), r"export ENSIGN_ACCOUNT='ghcr.io=it'\''s'"),
            (args::UseShell::Sh, Some("$(rm)`x`"), "export ENSIGN_ACCOUNT='$(rm)`x`'"),
            (args::UseShell::Sh, None, "unset ENSIGN_ACCOUNT"),
            (args::UseShell::Fish, Some(r"it's \n"), r"set -gx ENSIGN_ACCOUNT 'it\'s \\n'"),
            (args::UseShell::Fish, None, "set -e ENSIGN_ACCOUNT"),
            (args::UseShell::Powershell, Some("it's"), "$Env:ENSIGN_ACCOUNT = 'it''s'"),
            (
                args::UseShell::Powershell,
                Some("a\u{2019}; calc #"),
                "$Env:ENSIGN_ACCOUNT = 'a\u{2019}\u{2019}; calc #'",
            ),
            (args::UseShell::Powershell, None, "Remove-Item -ErrorAction Ignore Env:ENSIGN_ACCOUNT"),
        ] {
            assert_eq!(line(shell, value), expected);
        }
    }
}
