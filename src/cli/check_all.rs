//! `check` without an image: tells whether each account is still accepted. Registries are asked in parallel, so that a
//! slow registry does not delay the others.

use std::process::ExitCode;
use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::CommandContext;
use super::account_secret::AccountSecret;
use super::check::{CheckSubject, describe_login};
use super::failure::Failure;
use crate::model::{Account, Source};
use crate::oauth::{self, ProviderTable};
use crate::oci::{self, LoginVerdict, RegistryReply, TransportSecurity};
use crate::system::text::one_line;
use crate::system::threads;

/// The maximum number of parallel requests. Many more parallel requests could look like an attack.
const AT_ONCE: usize = 8;

/// The result for one account.
enum CheckResult {
    RegistryReply(AccountSecret, RegistryReply<LoginVerdict>),
    /// The account's secret could not be read, so the registry was not asked.
    Failed(Failure),
    /// The account is for a pattern of hosts, so there is no single registry to ask.
    Pattern,
}

/// The output line about one account.
struct CheckLine {
    text: String,
    json: Value,
    code: u8,
    /// The hint that helps, if the check failed and the text has no hint.
    hint: Option<String>,
}

pub(super) fn run(context: &CommandContext<'_>, plain_http: bool) -> Result<ExitCode, Failure> {
    let all = context.accounts.all()?;
    let accounts: Vec<Account> = all.into_iter().flat_map(|entry| entry.accounts).collect();
    if accounts.is_empty() {
        return Err(Failure::not_logged_in("there are no accounts", format!("run `{} login HOST`", context.program)));
    }
    let mut lines: Vec<Option<CheckLine>> = accounts.iter().map(|_| None).collect();
    ask_all(context, &accounts, plain_http, |place, finding| {
        let line = line(context, &accounts[place], finding, plain_http);
        if !context.ui.is_json() {
            context.ui.data(Value::Null, &line.text)?;
        }
        lines[place] = Some(line);
        Ok(())
    })?;
    let lines: Vec<CheckLine> = lines.into_iter().flatten().collect();
    let code = worst(lines.iter().map(|line| line.code));
    if context.ui.is_json() {
        let accounts: Vec<&Value> = lines.iter().map(|line| &line.json).collect();
        context.ui.data(json!({"status": if code == 0 { "success" } else { "failure" }, "accounts": accounts}), "")?;
    } else if let Some(hint) = hint(context, &lines) {
        context.ui.say(format_args!("hint: {hint}"));
    }
    Ok(ExitCode::from(code))
}

/// Returns a hint about the first refused account. If no account was refused, the hint is about the accounts that could
/// not be checked.
fn hint(context: &CommandContext<'_>, lines: &[CheckLine]) -> Option<String> {
    let line = [3, 1].into_iter().find_map(|code| lines.iter().find(|line| line.code == code))?;
    line.hint.as_deref().map(|hint| context.ui.as_typed(hint))
}

/// Returns the exit code of the command. If one login was refused and another login was not checked, the exit code is
/// for the refused login.
fn worst(codes: impl Iterator<Item = u8>) -> u8 {
    const WORST_FIRST: [u8; 3] = [3, 1, 5];
    let codes: Vec<u8> = codes.collect();
    WORST_FIRST.into_iter().find(|code| codes.contains(code)).unwrap_or_default()
}

/// Passes each result to `tell` as soon as the result is known. Reads the secrets one after another. Secrets from other
/// programs come last, because another program may be slow.
fn ask_all(
    context: &CommandContext<'_>,
    accounts: &[Account],
    plain_http: bool,
    mut tell: impl FnMut(usize, CheckResult) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let providers = &context.providers()?;
    let (give, queue) = mpsc::channel::<(usize, AccountSecret, TransportSecurity)>();
    let (found, findings) = mpsc::channel();
    let queue = Mutex::new(queue);
    thread::scope(|scope| {
        let give = give; // every return drops the sender, so that the threads end
        for number in 0..accounts.len().min(AT_ONCE) {
            let (found, queue) = (found.clone(), &queue);
            let started = threads::start_in(scope, move || {
                let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                while let Ok((place, secret, security)) = next() {
                    let asked = ask(&accounts[place], &secret, security, providers);
                    if found.send((place, secret, asked)).is_err() {
                        return; // nobody reads the results any more
                    }
                }
            });
            if number == 0 {
                started.context("could not start a thread")?; // one thread is enough, so the others may fail to start
            }
        }
        drop(found);
        let mut pending: Vec<(usize, &Account)> = accounts.iter().enumerate().collect();
        pending.sort_by_key(|(_, account)| matches!(account.source, Source::External(_)));
        for (place, account) in pending {
            if account.registry.is_pattern() {
                tell(place, CheckResult::Pattern)?;
                continue;
            }
            match context.secret_of(account) {
                Ok(secret) => {
                    drop(give.send((place, secret, context.security(&account.registry, plain_http))));
                }
                Err(failure) => tell(place, CheckResult::Failed(failure))?,
            }
            findings
                .try_iter()
                .try_for_each(|(place, secret, asked)| tell(place, CheckResult::RegistryReply(secret, asked)))?;
        }
        drop(give);
        findings
            .into_iter()
            .try_for_each(|(place, secret, asked)| tell(place, CheckResult::RegistryReply(secret, asked)))
    })
}

/// Asks the registry whether it accepts the secret, and asks the identity provider for the expiry of an accepted
/// secret.
fn ask(
    account: &Account,
    secret: &AccountSecret,
    security: TransportSecurity,
    providers: &ProviderTable,
) -> RegistryReply<LoginVerdict> {
    let mut asked = oci::check(&account.registry, &secret.credential, security);
    let known = asked.expiry.or(secret.expiry);
    if asked.answer == LoginVerdict::Accepted
        && account.source == Source::Static
        && let (None, Some(provider)) = (known, providers.for_registry(&account.registry))
    {
        asked.expiry = oauth::token_expiry(provider, &account.registry, &secret.credential);
    }
    asked
}

fn line(context: &CommandContext<'_>, account: &Account, finding: CheckResult, plain_http: bool) -> CheckLine {
    let (registry, name) = (&account.registry, &account.name);
    match finding {
        CheckResult::RegistryReply(secret, asked) => {
            let mut subject = CheckSubject::of_login(account.clone(), secret);
            let security = context.security(registry, plain_http);
            match subject.keep(context, asked, |credential| oci::check(registry, credential, security)) {
                Ok(verdict) => {
                    let report = describe_login(verdict, &subject);
                    subject.judge(context, &report);
                    let hint = match report.code {
                        1 => Some("run `docker-credential-ensign doctor --online`".to_owned()),
                        _ => subject.hint(context, &report, TransportSecurity::Https), // only for a refused account
                    };
                    CheckLine { text: subject.line(&report), json: subject.json(&report), code: report.code, hint }
                }
                Err(failure) => failed(context, account, &failure, ""),
            }
        }
        CheckResult::Failed(failure) => {
            failed(context, account, &failure, &format!("{registry} was not asked about {name}: "))
        }
        CheckResult::Pattern => {
            let message = format!("{registry} matches many registries: `check HOST` asks one of them about {name}");
            let json = json(account, "not-asked", 0, &message);
            CheckLine { text: format!("– {message}"), json, code: 0, hint: None }
        }
    }
}

/// Returns the line about an account that could not be checked.
fn failed(context: &CommandContext<'_>, account: &Account, failure: &Failure, introduction: &str) -> CheckLine {
    let (what, hint) = failure.parts();
    let end = hint.as_deref().map_or(String::new(), |hint| format!(": {}", context.ui.as_typed(hint)));
    let (verdict, code) = (if failure.code() == 3 { "missing" } else { "unverified" }, failure.code());
    let message = one_line(&format!("{what}{end}"), 300);
    let text = format!("✗ {introduction}{message}");
    CheckLine { text, json: json(account, verdict, code, &message), code, hint: None }
}

fn json(account: &Account, verdict: &str, code: u8, message: &str) -> Value {
    json!({
        "status": if code == 0 { "success" } else { "failure" }, "verdict": verdict, "message": message,
        "registry": account.registry.as_str(), "account": account.name.as_str(),
        "username": account.username.as_str(), "image": null, "action": null,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_decides() {
        for (codes, expected) in [(&[0, 0][..], 0), (&[], 0), (&[0, 5], 5), (&[5, 1, 0], 1), (&[1, 3, 5], 3)] {
            assert_eq!(worst(codes.iter().copied()), expected, "{codes:?}");
        }
    }
}
