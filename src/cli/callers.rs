//! Reads the caller rule of an account from flags, describes the rule, and applies the rule to Ensign's own commands.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::failure::{Failure, FailureKind};
use super::list_edit::ListEdit;
use super::{CommandContext, account, args, duration, why};
use crate::caller;
use crate::journal::Journal;
use crate::model::{Account, CallerEdit, CallerRule, Problem, time_span, timestamp};
use crate::system::text::{command, one_line};

/// `grant`: allows Ensign to hand out an account for a limited time.
pub(super) fn grant(context: &CommandContext<'_>, arguments: &args::GrantArguments) -> Result<ExitCode, Failure> {
    let span = match duration::parse(&arguments.span, "for a grant", "12h")? {
        _ if arguments.end => Duration::ZERO,
        Duration::ZERO => {
            return Err(Failure::usage("the time of a grant cannot be zero", "use `--end` to end a grant"));
        }
        span => span,
    };
    let (host, name, flags) = (&arguments.host, arguments.account.as_deref(), format!(" --for {}", arguments.span));
    let (registry, name) = account::named(context, host, name, "grant", &flags)?;
    let candidates = context.accounts.only_of(&registry)?;
    let account = context.account(&candidates, name.as_str())?;
    if !account.callers.needs_grant {
        let edit = command("account edit", &[registry.as_str(), name.as_str()], "--grant required");
        let hint = format!("run `{} {edit}` first", context.program);
        return Err(Failure::usage(format!("{name} on {registry} needs no grant"), hint));
    }
    if !arguments.end {
        refuse_agent()?;
    }
    context.accounts.grant(account, span)?;
    let until = context.accounts.granted_until(account);
    let json = json!({
        "status": "success", "registry": registry.as_str(), "account": name.as_str(),
        "granted_until": until.map(timestamp::rfc3339),
    });
    let line = if arguments.end {
        format!("Ended the grant of {name} on {registry}")
    } else {
        format!("Granted {name} on {registry} for {}", duration::words(span))
    };
    context.ui.done(json, line)?;
    warn_without_journal(context, account);
    Ok(ExitCode::SUCCESS)
}

/// Prints which callers get the account. With a rule, no caller gets the account if no answer can be recorded.
pub(super) fn print(context: &CommandContext<'_>, account: &Account) {
    if let Some(callers) = context.callers(account) {
        context.ui.say(format_args!("  May ask   {callers}"));
    }
    warn_without_journal(context, account);
}

fn warn_without_journal(context: &CommandContext<'_>, account: &Account) {
    if !account.callers.is_empty()
        && let Some((reason, _)) = why::missing_journal(context)
    {
        context.ui.note(format_args!("here, no caller gets the secret of {}: {reason}", account.name));
    }
}

/// Reads the change of the caller rule from the typed flags.
pub(super) fn edit(arguments: &args::CallerArguments) -> Result<CallerEdit, Failure> {
    let programs = ListEdit::read(&arguments.program, program)?;
    Ok(CallerEdit {
        adds_programs: !programs.is_empty() && !programs.replaces,
        programs: (arguments.no_programs || !programs.is_empty()).then_some(programs.values),
        terminal_only: arguments.terminal.map(|need| need == args::Requirement::Required),
        refuses_agents: arguments.agents.map(|agents| agents == args::AgentRule::Refused),
        needs_grant: arguments.grant.map(|need| need == args::Requirement::Required),
    })
}

fn program(text: &str) -> Result<String, Failure> {
    let path = Path::new(text);
    if path.is_absolute() {
        return Ok(text.to_owned());
    }
    caller::client_name(text).ok_or_else(|| {
        let what = format!("`{}` is neither a known client nor an absolute path", one_line(text, 60));
        Failure::usage(what, "name the program as `why` shows it, such as `docker`, or give its path")
    })
}

/// Fails if a coding agent runs this command. An agent must neither grant an account nor remove a rule against agents.
pub(super) fn refuse_agent() -> Result<(), Failure> {
    let Some(agent) = caller::agent() else { return Ok(()) };
    let problem =
        Problem::new(format!("a person must run this, but {agent}"), "run the command in a terminal of your own");
    Err(Failure::new(FailureKind::Denied, problem))
}

impl CommandContext<'_> {
    /// Fails if the account's caller rule forbids this command. If the account has a rule, also records in the journal
    /// that the command hands out the account. Fails if the journal is off or cannot be written.
    pub(super) fn hand_out(&self, account: &Account, command: &str) -> Result<(), Failure> {
        let facts = |rule: &CallerRule| {
            let mut facts = caller::facts(rule);
            facts.programs.insert(0, "ensign".to_owned());
            facts
        };
        let note = || Journal::note_hand_out(self.env, account, &format!("ensign {command}"));
        self.accounts
            .hand_out(account, facts, note)
            .map_err(|withheld| Failure::new(FailureKind::Denied, Problem::from(withheld)))
    }

    /// Describes which callers get the account, and how long the current grant lasts. Returns `None` if every caller
    /// gets the account.
    pub(super) fn callers(&self, account: &Account) -> Option<String> {
        let words = account.callers.words()?;
        if !account.callers.needs_grant {
            return Some(words);
        }
        let left = self.accounts.granted_until(account).map(|until| until.duration_since(SystemTime::now()));
        Some(match left {
            Some(Ok(left)) => format!("{words} (granted for {} more)", time_span(left)),
            _ => format!("{words} (not granted now)"),
        })
    }
}

/// Returns a caller rule for `--json`.
pub(super) fn json(rule: &CallerRule) -> Value {
    if rule.is_empty() {
        return Value::Null;
    }
    json!({
        "programs": rule.programs, "terminal_required": rule.terminal_only, "agents_refused": rule.refuses_agents,
        "grant_required": rule.needs_grant, "unknown": rule.unknown.is_some(),
    })
}
