//! `status --expiring TIME`: lists the accounts whose secrets expire within the given time, for people and for scripts.

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::failure::Failure;
use super::{CommandContext, duration};
use crate::accounts::login_command;
use crate::model::choice::RegistryAccounts;
use crate::model::{Account, Expiry, timestamp};
use crate::system::text::one_line;

/// The exit code if the list contains an account. The user must then log in again.
const SOME_EXPIRE: u8 = 6;

/// Lists the accounts whose secrets have expired or expire within the time. The exit code is 6 if the list contains an
/// account. The exit code is 1 if the list is empty, but some secrets could not be read.
pub(super) fn run(
    context: &CommandContext<'_>,
    registries: &[RegistryAccounts],
    within: Duration,
) -> Result<ExitCode, Failure> {
    let now = SystemTime::now();
    let (mut ending, mut unread) = (vec![], 0);
    let stored = context.accounts.stored_by_registry(registries).into_iter().flatten();
    let accounts = registries.iter().flat_map(|entry| entry.accounts.iter().map(move |account| (entry, account)));
    for ((entry, account), stored) in accounts.zip(stored) {
        match stored {
            Ok(stored) => {
                let expiry = stored.map_or(Expiry::Unknown, |stored| Expiry::new(&account.source, &stored));
                if expiry.ends_within(within, now) {
                    ending.push((entry, account, expiry));
                }
            }
            Err(error) => {
                unread += 1;
                let (registry, name) = (&account.registry, &account.name);
                context.ui.note(one_line(&format!("the expiry of {name} on {registry} is unknown: {error:#}"), 300));
            }
        }
    }
    ending.sort_by_key(|(.., expiry)| expiry.login_end().or(expiry.moment()));
    let lines: Vec<String> =
        ending.iter().map(|(_, account, expiry)| line(context.program, account, *expiry, now)).collect();
    let accounts: Vec<Value> = ending
        .iter()
        .map(|(entry, account, expiry)| {
            let mut json = context.account_json(account, entry);
            add_to_json(&mut json, *expiry);
            json
        })
        .collect();
    context.ui.data(json!({"within": within.as_secs(), "unknown": unread, "accounts": accounts}), lines.join("\n"))?;
    if ending.is_empty() && unread == 0 {
        context.ui.say(format_args!("No account is known to expire within {}.", duration::words(within)));
    }
    Ok(match (ending.is_empty(), unread) {
        (false, _) => ExitCode::from(SOME_EXPIRE),
        (true, 0) => ExitCode::SUCCESS,
        (true, _) => ExitCode::FAILURE,
    })
}

fn line(program: &str, account: &Account, expiry: Expiry, now: SystemTime) -> String {
    let name = one_line(account.name.as_str(), 60);
    let words = expiry.words(now).unwrap_or_default();
    format!("{}  {name}  {words}:  {}", account.registry, login(program, account))
}

/// Returns the command that logs an account in again.
pub(super) fn login(program: &str, account: &Account) -> String {
    format!("{program} {}", login_command(account))
}

/// Adds the expiry to the account's JSON.
pub(super) fn add_to_json(json: &mut Value, expiry: Expiry) {
    json["expires_at"] = json!(expiry.moment().map(timestamp::rfc3339));
    json["renews"] = json!(matches!(expiry, Expiry::Renews(_) | Expiry::RenewsWithin { .. }));
    json["login_expires_at"] = json!(expiry.login_end().map(timestamp::rfc3339));
    json["expiry"] = json!(expiry.words(SystemTime::now()));
}
