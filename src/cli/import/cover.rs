//! Makes clients ask Ensign for imported logins, before the original logins are removed.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::cli::{CommandContext, configure_docker, creds_store};
use crate::docker::configured_helper::{self, ConfiguredHelper};
use crate::docker::login_source::{self, LoginSource};
use crate::docker::logins::{FoundLogin, LoginOrigin};
use crate::docker::setup::{self, WantedRegistry};
use crate::docker::{ClientFamily, ConfigJson, containers, plaintext_auths};
use crate::model::Registry;

/// Makes Ensign the helper in each file through which a client found these logins. Returns the paths of the written
/// files.
pub(super) fn cover(context: &CommandContext<'_>, removed: &[(&LoginOrigin, &FoundLogin)]) -> Result<Vec<PathBuf>> {
    let mut written = vec![];
    let names = context.accounts.other_names()?;
    for (path, reader) in client_files(context) {
        let file = ConfigJson::load(&path)?;
        let mut wanted: Vec<WantedRegistry> = vec![];
        for (_, login) in removed.iter().filter(|(from, login)| was_found(&file, &path, reader, from, login)) {
            let spelling = Registry::spelled(&login.key).and_then(|(_, spelling)| spelling);
            let registry = login.registry();
            let place = wanted.iter().position(|entry| entry.registry == registry).unwrap_or(wanted.len());
            if place == wanted.len() {
                wanted.push(configure_docker::wanted(&names, &registry, &[]));
            }
            wanted[place].names.extend(spelling);
        }
        if wanted.is_empty() {
            continue;
        }
        let plan = setup::plan(&file, reader, &wanted, true)?;
        creds_store::save(context, std::slice::from_ref(&plan))?;
        if !plan.is_empty() {
            let _lock = context.accounts.lock()?;
            plan.apply()?;
            written.push(path);
        }
    }
    Ok(written)
}

/// A login that stays in a file, but that a new `credHelpers` entry for the registry would hide.
pub(super) struct HiddenLogin {
    pub(super) registry: Registry,
    pub(super) key: String,
    pub(super) file: PathBuf,
}

/// Finds the logins that [`cover`] would hide from the container tools. Podman, Buildah and Skopeo accept logins for a
/// part of a registry. A `credHelpers` entry for a registry outranks logins for parts of the registry, in the same file
/// and in later files.
pub(super) fn find_hidden(
    context: &CommandContext<'_>,
    removed: &[(&LoginOrigin, &FoundLogin)],
) -> Result<Vec<HiddenLogin>> {
    let (mut covered, mut asked): (Vec<Registry>, Vec<Registry>) = (vec![], vec![]);
    let (mut hidden, mut earlier): (Vec<HiddenLogin>, Vec<String>) = (vec![], vec![]);
    for path in containers::lookup_files(context.env) {
        let file = ConfigJson::load(&path)?;
        asked.extend(file.helpers().filter_map(|(key, _)| Registry::spelled(key)).map(|(registry, _)| registry));
        let found_here =
            removed.iter().filter(|(from, login)| was_found(&file, &path, ClientFamily::Containers, from, login));
        covered.extend(found_here.map(|(_, login)| login.registry()));
        let (logins, _) = plaintext_auths::find(&file);
        for login in &logins {
            let registry = login.registry();
            let goes =
                removed.iter().any(|(from, other)| **from == LoginOrigin::File(path.clone()) && login.is_same(other));
            let is_hidden = covered.contains(&registry) && !asked.contains(&registry);
            if is_hidden && !goes && !earlier.contains(&login.key) {
                hidden.push(HiddenLogin { registry, key: login.key.clone(), file: path.clone() });
            }
        }
        earlier.extend(logins.into_iter().map(|login| login.key));
    }
    Ok(hidden)
}

/// Returns the files in which a client reads `credHelpers`. Files that the user typed are left out, because other
/// programs may use these files.
pub(in crate::cli) fn client_files(context: &CommandContext<'_>) -> Vec<(PathBuf, ClientFamily)> {
    let mut files: Vec<(PathBuf, ClientFamily)> = vec![];
    for (source, reader) in [
        (LoginSource::Docker, ClientFamily::Docker),
        (LoginSource::Containers, ClientFamily::Containers),
        (LoginSource::Finch, ClientFamily::Docker),
        (LoginSource::Helm, ClientFamily::Docker),
    ] {
        for path in source.files(context.env) {
            if !files.iter().any(|(known, _)| *known == path) {
                files.push((path, reader));
            }
        }
    }
    files
}

/// Tells whether the clients that read this file find the login through it, and do not ask Ensign.
fn was_found(file: &ConfigJson, path: &Path, reader: ClientFamily, from: &LoginOrigin, login: &FoundLogin) -> bool {
    let registry = login.registry();
    let (_, spelling) = Registry::spelled(&login.key).unwrap_or((registry.clone(), None));
    let key = match (spelling, reader) {
        (Some(spelling), _) => spelling,
        (None, ClientFamily::Docker) => registry.docker_key().to_owned(),
        (None, ClientFamily::Containers) => registry.to_string(),
    };
    match (from, configured_helper::asked_as(file, reader, &key)) {
        (LoginOrigin::File(lay), ConfiguredHelper::PlainFile) => lay == path,
        (LoginOrigin::Helper(helper), ConfiguredHelper::Helper(asked)) => helper.to_string() == asked,
        (LoginOrigin::Keyring, ConfiguredHelper::Helper(asked)) => {
            asked.parse().is_ok_and(|helper| login_source::reads_keyring(&helper))
        }
        _ => false,
    }
}
