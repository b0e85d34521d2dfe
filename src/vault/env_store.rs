//! `EnvStore`: the secrets of environment accounts. Ensign reads these secrets, and never writes them.

use std::path::Path;

use anyhow::{Context as _, Result};
use zeroize::Zeroizing;

use super::store::{SecretChanges, Store};
use crate::model::env_account::EnvSecret;
use crate::model::{Account, Problem, Registry, Secret, StoredSecret};
use crate::system::env::Env;
use crate::system::files;

pub(super) struct EnvStore<'e>(pub(super) &'e Env);

const LIMIT: u64 = 1 << 20;

impl Store for EnvStore<'_> {
    fn get(&self, account: &Account) -> Result<Option<StoredSecret>> {
        get(self.0, account)
    }

    fn put(&self, _: &Registry, secrets: &[(&Account, &StoredSecret)], _: &mut SecretChanges) -> Result<()> {
        secrets.first().map_or(Ok(()), |(account, _)| Err(env_account_problem(account).into()))
    }

    fn remove(&self, account: &Account, _: &mut SecretChanges) -> Result<()> {
        Err(env_account_problem(account).into())
    }
}

fn get(env: &Env, account: &Account) -> Result<Option<StoredSecret>> {
    let mounted = env.mounted()?.iter().find(|mounted| mounted.account == *account);
    let Some(mounted) = mounted else { return Ok(None) };
    let path = match &mounted.secret {
        EnvSecret::Inline(secret) => return Ok(Some(secret.copy().into())),
        EnvSecret::File(path) => path,
    };
    let Some(bytes) = files::read_any(path, LIMIT)?.map(Zeroizing::new) else {
        return Err(lacks(account, path, "not there"));
    };
    let text = std::str::from_utf8(&bytes).with_context(|| format!("`{}` is not a text file", path.display()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text); // PowerShell begins a file with a byte order mark
    let line = text.strip_suffix("\r\n").or_else(|| text.strip_suffix('\n')).unwrap_or(text);
    if line.is_empty() {
        return Err(lacks(account, path, "empty"));
    }
    Ok(Some(Secret::new(line.to_owned()).into()))
}

/// Returns the error for a missing or empty secret file. The hint suggests no login, because an environment account
/// takes precedence over a saved account.
fn lacks(account: &Account, path: &Path, what: &str) -> anyhow::Error {
    let file = format!("`{}`, the secret file of {} on {}", path.display(), account.name, account.registry);
    Problem::new(format!("{file}, is {what}"), "mount the file, or change `secret_file` in ENSIGN_ACCOUNTS_FILE").into()
}

/// Returns the error for an attempt to change an environment account. The hint names the variables that define
/// environment accounts.
pub(crate) fn env_account_problem(account: &Account) -> Problem {
    Problem::new(
        format!("{} on {} comes from the environment and cannot be changed here", account.name, account.registry),
        "change ENSIGN_ACCOUNTS_FILE or the ENSIGN_LOGIN_ variable that defines the account",
    )
}
