//! Stores secrets in the keyring of Windows, as generic credentials in the Credential Manager. The credentials stay on
//! this machine.

use std::collections::HashMap;
use std::time::Duration;

use keyring_core::api::CredentialStoreApi;
use keyring_core::{Entry, Error};
use windows_native_keyring_store::Store;
use zeroize::Zeroizing;

use super::{DockerLogin, DockerLogins, KeyringEntry, KeyringError, by_deadline};
use crate::model::Secret;

pub(crate) fn read(entry: KeyringEntry<'_>, deadline: Duration) -> Result<Option<Secret>, KeyringError> {
    let target = target(entry);
    by_deadline(deadline, move || match credential(&target)?.get_secret() {
        Ok(value) => super::text(value).map(Some),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(meaning(error)),
    })
}

#[expect(clippy::disallowed_methods, reason = "gives the secret to the Credential Manager")]
pub(crate) fn write(
    entry: KeyringEntry<'_>,
    label: &str,
    secret: &Secret,
    deadline: Duration,
) -> Result<(), KeyringError> {
    let (target, username, label) = (target(entry), entry.account.to_owned(), label.to_owned());
    let value = Zeroizing::new(secret.expose().as_bytes().to_vec());
    by_deadline(deadline, move || {
        let credential = credential(&target)?;
        credential.set_secret(&value).map_err(meaning)?;
        let shown = HashMap::from([("username", username.as_str()), ("comment", label.as_str())]);
        credential.update_attributes(&shown).map_err(meaning)
    })
}

pub(crate) fn delete(entry: KeyringEntry<'_>, deadline: Duration) -> Result<(), KeyringError> {
    let target = target(entry);
    by_deadline(deadline, move || match credential(&target)?.delete_credential() {
        Ok(()) | Err(Error::NoEntry) => Ok(()),
        Err(error) => Err(meaning(error)),
    })
}

/// Returns the credentials for the `known` addresses. Docker's helper names each entry by the server's address. No
/// entry shows which program created it. According to Docker's config, the `known` servers have a login in the keyring.
pub(crate) fn docker_logins(known: &[String], deadline: Duration) -> Result<DockerLogins, KeyringError> {
    let known = known.to_vec();
    by_deadline(deadline, move || {
        let mut logins = vec![];
        for server in known {
            let credential = credential(&server)?;
            let (mut attributes, value) = match (credential.get_attributes(), credential.get_secret()) {
                (Ok(attributes), Ok(value)) => (attributes, value),
                (Err(Error::NoEntry), _) | (_, Err(Error::NoEntry)) => continue,
                (Err(error), _) | (_, Err(error)) => return Err(meaning(error)),
            };
            // Another program may have created the entry, and the secret of another program need not be text.
            if let (Ok(secret), Some(username)) = (super::text(value), attributes.remove("username")) {
                logins.push(DockerLogin { server, username, secret });
            }
        }
        Ok(DockerLogins { logins, is_partly_locked: false })
    })
}

pub(crate) fn delete_docker_login(server: &str, username: &str, deadline: Duration) -> Result<(), KeyringError> {
    let (server, username) = (server.to_owned(), username.to_owned());
    by_deadline(deadline, move || {
        let credential = credential(&server)?;
        let is_same = |attributes: HashMap<String, String>| attributes.get("username") == Some(&username);
        match credential.get_attributes().map(is_same) {
            Ok(true) => match credential.delete_credential() {
                Ok(()) | Err(Error::NoEntry) => Ok(()),
                Err(error) => Err(meaning(error)),
            },
            Ok(false) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(meaning(error)),
        }
    })
}

/// Returns the name under which Go's keyring library stores an entry.
fn target(entry: KeyringEntry<'_>) -> String {
    format!("{}:{}", entry.service, entry.account)
}

/// Opens an entry. An entry is `Local`, because domains copy `Enterprise` credentials to other machines.
fn credential(target: &str) -> Result<Entry, KeyringError> {
    let modifiers = HashMap::from([("target", target), ("persistence", "Local")]);
    let store = Store::new().map_err(meaning)?;
    store.build("", "", Some(&modifiers)).map_err(meaning)
}

#[expect(clippy::needless_pass_by_value, reason = "wipes a secret in the error")]
fn meaning(error: Error) -> KeyringError {
    match error {
        Error::NoStorageAccess(_) => KeyringError::Missing("this session has no Credential Manager".into()),
        Error::BadEncoding(bytes) | Error::BadDataFormat(bytes, _) => {
            drop(Zeroizing::new(bytes));
            KeyringError::Failed("the secret is not text".into())
        }
        other => KeyringError::Failed(other.to_string()),
    }
}
