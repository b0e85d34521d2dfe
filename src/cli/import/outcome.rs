//! Saves found logins and removes the original logins, for `import` and `configure-docker`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Error, Result};

use super::cover::{cover, find_hidden};
use super::keyring;
use crate::accounts::{NewLogin, SaveOutcome, helpers};
use crate::cli::failure::Failure;
use crate::cli::{CommandContext, grouped};
use crate::docker::logins::{
    EntryContent, FoundLogin, ImportEntry, ImportRole, LoginOrigin, images_of, shown, spellings_of,
};
use crate::docker::plaintext_auths;
use crate::model::{Account, AccountName, HubToken, Problem};
use crate::system::text::{one_line, quote_path};

/// The outcome for a found entry. In a preview, the outcome is only planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum ImportOutcome {
    /// Ensign keeps the login as this account. The account is `None` for a token that Docker keeps beside a Docker Hub
    /// account.
    Kept(Option<AccountName>, SaveOutcome),
    /// The entry was skipped on purpose, for this reason.
    Left(String),
    Failed(String),
}

/// Whether to preview an import or to save the logins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum ImportMode {
    Preview,
    Save,
}

/// Saves the found logins. In a preview, only returns the planned outcomes. A login that is already stored is not saved
/// again. An account's other secret may be newer, so the login replaces it only if `replaces` is set.
pub(in crate::cli) fn save_logins<'e>(
    context: &CommandContext<'_>,
    findings: &'e [ImportEntry],
    mode: ImportMode,
    replaces: bool,
) -> Vec<ImportOutcome> {
    let account = |(place, finding): (usize, &'e ImportEntry)| match &finding.what {
        EntryContent::Login(found, ImportRole::Primary) if found.hub_token().is_none() => Some((place, &**found)),
        _ => None,
    };
    let mut accounts: Vec<(usize, &FoundLogin)> = findings.iter().enumerate().filter_map(account).collect();
    // The first saved login of a registry becomes the default account, so logins for the whole registry come first.
    accounts.sort_by_key(|(_, found)| found.bound().is_some());
    let logins: Vec<_> = accounts.iter().map(|(place, found)| login(findings, *place, found)).collect();
    let saved = save_all(context, &logins, mode, replaces).unwrap_or_else(|error| vec![failed(&error); logins.len()]);
    let mut saved: BTreeMap<usize, _> = accounts.into_iter().map(|(place, _)| place).zip(saved).collect();
    let mut outcomes: Vec<ImportOutcome> = Vec::with_capacity(findings.len());
    for (place, finding) in findings.iter().enumerate() {
        let result = match &finding.what {
            EntryContent::Skipped(reason) => ImportOutcome::Left(reason.clone()),
            EntryContent::Failed(reason) => ImportOutcome::Failed(reason.clone()),
            EntryContent::Login(_, ImportRole::Shadowed(at)) => ImportOutcome::Left(format!(
                "{} comes first, and has another secret for this user",
                origin(context, &findings[*at])
            )),
            EntryContent::Login(_, ImportRole::Duplicate(at)) => outcomes[*at].clone(),
            EntryContent::Login(found, ImportRole::Primary) => {
                let result = match (found.hub_token(), saved.remove(&place)) {
                    (Some(token), _) => {
                        save_hub_token(context, found, token, mode, replaces).unwrap_or_else(|error| failed(&error))
                    }
                    (None, result) => result.expect("each primary login was saved"),
                };
                match result {
                    ImportOutcome::Kept(_, SaveOutcome::Replaces) if !replaces => ImportOutcome::Left(format!(
                        "Ensign has another secret for this user; to save this one instead:  {}",
                        import_command(context, &finding.from, found, "--replace")
                    )),
                    result => result,
                }
            }
        };
        outcomes.push(result);
    }
    outcomes
}

/// Removes the saved logins from the places where they were found. Returns which logins were removed.
pub(in crate::cli) fn remove(
    context: &CommandContext<'_>,
    findings: &[ImportEntry],
    outcomes: &[ImportOutcome],
) -> RemovalResult {
    let mut removed = RemovalResult { logins: vec![false; findings.len()], failures: vec![], written: vec![] };
    let mut entries: Vec<_> = findings
        .iter()
        .zip(outcomes)
        .enumerate()
        .filter(|(_, (_, result))| matches!(result, ImportOutcome::Kept(..)))
        .filter_map(|(place, (finding, _))| Some((place, &finding.from, finding.login()?)))
        .collect();
    let going: Vec<_> = entries.iter().map(|(_, from, login)| (*from, *login)).collect();
    let hidden = match find_hidden(context, &going) {
        Ok(hidden) => hidden,
        Err(error) => {
            removed.failures.push(reason(&error));
            return removed;
        }
    };
    for login in &hidden {
        let file = context.env.shorten_home(&login.file);
        removed.failures.push(format!(
            "the logins for {}: Podman, Buildah and Skopeo would no longer find the login for {} in {file}. Import them together:  {} import containers --remove",
            login.registry,
            shown(&login.key),
            context.program
        ));
    }
    entries.retain(|(_, _, login)| !hidden.iter().any(|entry| entry.registry == login.registry()));
    let going: Vec<_> = entries.iter().map(|(_, from, login)| (*from, *login)).collect();
    match cover(context, &going) {
        Ok(written) => removed.written = written,
        Err(error) => {
            removed.failures.push(reason(&error));
            return removed; // without Ensign as its helper, a client would lose the login
        }
    }
    for (place, from, login) in &entries {
        let erased = match from {
            LoginOrigin::Helper(helper) => helpers::erase(helper, &login.key).map_err(|problem| problem.to_string()),
            LoginOrigin::Keyring => keyring::remove(login).map_err(|error| error.to_string()),
            LoginOrigin::File(_) | LoginOrigin::Environment | LoginOrigin::Atcr(_) => continue,
        };
        match erased {
            Ok(()) => removed.logins[*place] = true,
            // Clients ask Ensign by now, so only a typed source finds the original login again.
            Err(why) => removed.failures.push(format!(
                "{}: {why}; to try again:  {}",
                login.registry(),
                import_command(context, from, login, "--remove")
            )),
        }
    }
    let in_files = entries.iter().filter_map(|(place, from, login)| match from {
        LoginOrigin::File(path) => Some((path, (*place, *login))),
        _ => None,
    });
    for (path, logins) in grouped(in_files) {
        let (places, logins): (Vec<usize>, Vec<&FoundLogin>) = logins.into_iter().unzip();
        let lock = context.accounts.lock();
        match lock.and_then(|_lock| plaintext_auths::remove(path, &logins)) {
            Ok(()) => places.into_iter().for_each(|place| removed.logins[place] = true),
            Err(error) => removed.failures.push(reason(&error)),
        }
    }
    removed
}

/// The result of removing logins from files, helpers and the keyring.
pub(in crate::cli) struct RemovalResult {
    /// Whether each found login was removed, in the order of the findings.
    pub(in crate::cli) logins: Vec<bool>,
    pub(in crate::cli) failures: Vec<String>,
    /// The files that were changed so that their clients ask Ensign.
    pub(in crate::cli) written: Vec<PathBuf>,
}

/// Returns the origin of a found entry, as a text for a person.
pub(in crate::cli) fn origin(context: &CommandContext<'_>, finding: &ImportEntry) -> String {
    match &finding.from {
        LoginOrigin::File(path) | LoginOrigin::Atcr(path) => context.env.shorten_home(path),
        LoginOrigin::Helper(helper) => helper.program(),
        LoginOrigin::Keyring => "the keyring".into(),
        LoginOrigin::Environment => "DOCKER_AUTH_CONFIG".into(),
    }
}

/// Returns the command that imports this login with another option.
pub(super) fn import_command(
    context: &CommandContext<'_>,
    from: &LoginOrigin,
    login: &FoundLogin,
    option: &str,
) -> String {
    let source = match from {
        LoginOrigin::File(path) | LoginOrigin::Atcr(path) => quote_path(path),
        LoginOrigin::Helper(helper) => format!("helper:{helper}"),
        LoginOrigin::Keyring => "keyring".into(),
        LoginOrigin::Environment => "env".into(),
    };
    format!("{} import {source} --host {} {option}", context.program, login.registry())
}

fn login(findings: &[ImportEntry], place: usize, found: &FoundLogin) -> NewLogin {
    let mut images = images_of(findings, place);
    let bound = found.bound().and_then(|_| images.pop());
    NewLogin {
        spellings: spellings_of(findings, place),
        token_of: found.token_of.clone(),
        images,
        bound,
        did: found.did.clone(),
        ..NewLogin::new(found.registry(), found.username.clone(), found.secret.copy().into())
    }
}

/// Saves all logins at once, so that each file is read and written only once.
fn save_all(
    context: &CommandContext<'_>,
    logins: &[NewLogin],
    mode: ImportMode,
    replaces: bool,
) -> Result<Vec<ImportOutcome>> {
    let foreseen = context.accounts.preview_all(logins)?;
    let is_due = |effect: SaveOutcome| mode == ImportMode::Save && is_written(effect, replaces);
    let due =
        logins.iter().zip(&foreseen).filter(|(_, preview)| preview.as_ref().is_ok_and(|preview| is_due(preview.1)));
    let due: Vec<_> = due.map(|(login, _)| login).collect();
    if !due.is_empty() {
        context.accounts.settle_store(context.store_choice().map_err(Failure::into_error)?)?;
    }
    let why = |error: Error| reason(&error.context("could not be saved"));
    let saved: Vec<Result<Account, String>> = match context.accounts.save_all(&due) {
        Ok(saved) => saved.into_iter().map(|account| account.map_err(why)).collect(),
        Err(error) => vec![Err(why(error)); due.len()],
    };
    let mut saved = saved.into_iter();
    let result = |preview: Result<(AccountName, SaveOutcome), Problem>| match preview {
        Err(problem) => failed(&problem.into()),
        Ok((name, SaveOutcome::Supplied)) => {
            ImportOutcome::Left(format!("{name} gets its secrets from another program"))
        }
        Ok((_, effect)) if is_due(effect) => match saved.next().expect("each due login has a result") {
            Ok(account) => ImportOutcome::Kept(Some(account.name), effect),
            Err(why) => ImportOutcome::Failed(why),
        },
        Ok((name, effect)) => ImportOutcome::Kept(Some(name), effect),
    };
    Ok(foreseen.into_iter().map(result).collect())
}

fn save_hub_token(
    context: &CommandContext<'_>,
    found: &FoundLogin,
    token: HubToken,
    mode: ImportMode,
    replaces: bool,
) -> Result<ImportOutcome> {
    let effect = match context.accounts.hub_token(&found.username, token)? {
        Some(known) if known == found.secret => SaveOutcome::Same,
        Some(_) => SaveOutcome::Replaces,
        None => SaveOutcome::New,
    };
    if mode == ImportMode::Save && is_written(effect, replaces) {
        context.accounts.set_hub_token(&found.username, token, Some(&found.secret))?;
    }
    Ok(ImportOutcome::Kept(None, effect))
}

fn is_written(effect: SaveOutcome, replaces: bool) -> bool {
    matches!(effect, SaveOutcome::New | SaveOutcome::Renews) || replaces && effect == SaveOutcome::Replaces
}

fn failed(error: &Error) -> ImportOutcome {
    ImportOutcome::Failed(reason(error))
}

fn reason(error: &Error) -> String {
    one_line(&format!("{error:#}"), 300)
}
