//! `HelperStore`: stores secrets in another credential helper. Each account has its own entry, under an address that
//! only Ensign uses.
//!
//! The helper is the program `docker-credential-<name>` from PATH. The helper speaks the same protocol as Ensign
//! (docker/docker-credential-helpers `client/`).

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Vault;
use super::store::{SecretChanges, Store};
use super::written_secret::WrittenSecret;
use crate::model::{Account, Credential, HelperMessage, HelperName, Problem, Registry, Secret, StoredSecret};
use crate::system::programs::{self, ProgramOutput};
use crate::system::text;

/// The time limit for the helper. Most clients wait for Ensign without a limit, but testcontainers-java waits 30 s.
const DEADLINE: Duration = Duration::from_secs(10);

pub(super) struct HelperStore<'e> {
    pub(super) helper: &'e HelperName,
    /// The vault, which records an entry before the helper saves the entry. With this record, Ensign later finds
    /// entries that a killed change has left in the helper.
    pub(super) vault: Vault<'e>,
}

impl Store for HelperStore<'_> {
    fn get(&self, account: &Account) -> Result<Option<StoredSecret>> {
        get(self.helper, account)
    }

    /// Saves the same entry again, because only the helper knows whether it can save an entry.
    fn check_writable(&self, account: &Account) -> Result<()> {
        get(self.helper, account)?.map_or(Ok(()), |stored| store(self.helper, account, &stored))
    }

    fn put(&self, _: &Registry, secrets: &[(&Account, &StoredSecret)], changes: &mut SecretChanges) -> Result<()> {
        secrets.iter().try_for_each(|(account, stored)| {
            let before = get(self.helper, account);
            if !matches!(before, Ok(Some(_))) {
                self.vault.update(|record| record.announce(account));
            }
            let result = store(self.helper, account, stored).and_then(|()| confirm(self.helper, account, stored));
            self.take_back(account, before, changes);
            result
        })
    }

    fn remove(&self, account: &Account, changes: &mut SecretChanges) -> Result<()> {
        let before = get(self.helper, account);
        erase(self.helper, account)?;
        self.take_back(account, before, changes);
        Ok(())
    }
}

impl HelperStore<'_> {
    /// Adds the step that restores the previous entry. Adds no step if the previous entry could not be read.
    fn take_back(&self, account: &Account, before: Result<Option<StoredSecret>>, changes: &mut SecretChanges) {
        let (helper, account) = (self.helper.clone(), account.clone());
        if let Ok(before) = before {
            changes.add(move || match &before {
                Some(stored) => store(&helper, &account, stored),
                None => erase(&helper, &account),
            });
        }
    }
}

fn get(helper: &HelperName, account: &Account) -> Result<Option<StoredSecret>> {
    Ok(get_text(helper, account)?.map(|text| WrittenSecret::from_text(text).0))
}

fn get_text(helper: &HelperName, account: &Account) -> Result<Option<Secret>> {
    let ProgramOutput { success, stdout, .. } = ask(helper, account, "get", server_url(account).as_bytes())?;
    if !success {
        return if is_not_found(&stdout) { Ok(None) } else { Err(failed(helper, account, "read").into()) };
    }
    let Some(message) = HelperMessage::read_answer(&stdout) else { bail!(failed(helper, account, "read")) };
    Ok(message.secret.filter(|secret| !secret.is_empty()))
}

#[expect(clippy::disallowed_methods, reason = "gives the secret to the helper that keeps it, through a pipe")]
fn store(helper: &HelperName, account: &Account, stored: &StoredSecret) -> Result<()> {
    let text = WrittenSecret(stored.copy()).to_text();
    let message = HelperMessage::json_line(&server_url(account), &account.username, &text);
    if ask(helper, account, "store", message.expose().as_bytes())?.success {
        Ok(())
    } else {
        Err(failed(helper, account, "kept").into())
    }
}

/// Checks that the helper now returns the text that it was given. The helpers of gcloud and Amazon ECR accept every
/// secret and save none.
fn confirm(helper: &HelperName, account: &Account, stored: &StoredSecret) -> Result<()> {
    if get_text(helper, account)?.as_ref() == Some(&WrittenSecret(stored.copy()).to_text()) {
        return Ok(());
    }
    let what = format!("`{}` did not save the secret of {} on {}", helper.program(), account.name, account.registry);
    Err(Problem::run(what, "store --help").into())
}

fn erase(helper: &HelperName, account: &Account) -> Result<()> {
    let ProgramOutput { success, stdout, .. } = ask(helper, account, "erase", server_url(account).as_bytes())?;
    if success || is_not_found(&stdout) { Ok(()) } else { Err(failed(helper, account, "removed").into()) }
}

fn ask(helper: &HelperName, account: &Account, verb: &str, input: &[u8]) -> Result<ProgramOutput> {
    let program = helper.program();
    // The helper must be in an absolute folder, because a relative folder in PATH may contain somebody else's program.
    let path = programs::find_file(&program);
    let path = path.with_context(|| format!("could not run `{program}`: no absolute folder of PATH has it"));
    path.and_then(|path| programs::run(&path, verb, input, DEADLINE)).map_err(|error| {
        let what = format!("the secret of {} on {} is out of reach: {error:#}", account.name, account.registry);
        Problem::run(
            what,
            format_args!("login {} --alias {} --store file", account.registry, text::quote(account.name.as_str())),
        )
        .into()
    })
}

/// The helper's output is not shown, because it may contain the secret.
fn failed(helper: &HelperName, account: &Account, deed: &str) -> Problem {
    let program = helper.program();
    let trial = match deed {
        "kept" => {
            format!(r#"echo '{{"ServerURL":"https://example.com","Username":"x","Secret":"x"}}' | {program} store"#)
        }
        _ => format!("{program} list"),
    };
    Problem::new(
        format!("the secret of {} on {} could not be {deed} by `{program}`", account.name, account.registry),
        format!("run `{trial}` to see what is wrong"),
    )
}

pub(super) fn is_not_found(stdout: &[u8]) -> bool {
    String::from_utf8_lossy(stdout).trim() == Credential::NOT_FOUND
}

/// Returns the address of an account's entry, such as `https://ghcr.io/ensign/me`. Helpers keep one entry per address,
/// so each account needs an address of its own.
fn server_url(account: &Account) -> String {
    const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');
    format!("https://{}/ensign/{}", account.registry, utf8_percent_encode(account.name.as_str(), ENCODED))
}
