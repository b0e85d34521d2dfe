//! Stores secrets in the keyring of macOS, as generic passwords in the user's default keychain. Docker's helper stores
//! internet passwords in the same keychain.

use std::time::Duration;

use security_framework::base::Error;
use security_framework::item::{ItemClass, ItemSearchOptions, Limit, SearchResult};
use security_framework::os::macos::keychain::SecKeychain;
use security_framework::os::macos::keychain_item::SecKeychainItem;
use security_framework::os::macos::passwords::{
    SecAuthenticationType, SecKeychainItemPassword, SecProtocolType, find_internet_password,
};
use security_framework::passwords::{self, PasswordOptions};
use zeroize::Zeroizing;

use super::{DOCKER_LABEL, DockerLogin, DockerLogins, KeyringEntry, KeyringError, by_deadline};
use crate::model::Secret;

const ITEM_NOT_FOUND: i32 = -25300;
/// Errors after which a person must unlock the keychain, or must allow access to another program's entry.
const NEEDS_A_PERSON: [i32; 4] = [-25308, -25315, -25293, -128];
/// Errors that mean that there is no keychain, for example for a service outside every login session.
const NO_KEYCHAIN: [i32; 3] = [-25291, -25294, -25307];

pub(crate) fn read(entry: KeyringEntry<'_>, deadline: Duration) -> Result<Option<Secret>, KeyringError> {
    let (service, account) = (entry.service.to_owned(), entry.account.to_owned());
    by_deadline(deadline, move || {
        let options = PasswordOptions::new_generic_password(&service, &account);
        match without_prompt(|| passwords::generic_password(options))? {
            Some(value) => super::text(value).map(Some),
            None => Ok(None),
        }
    })
}

#[expect(clippy::disallowed_methods, reason = "gives the secret to the keychain")]
pub(crate) fn write(
    entry: KeyringEntry<'_>,
    label: &str,
    secret: &Secret,
    deadline: Duration,
) -> Result<(), KeyringError> {
    let (service, account, label) = (entry.service.to_owned(), entry.account.to_owned(), label.to_owned());
    let value = Zeroizing::new(secret.expose().as_bytes().to_vec());
    by_deadline(deadline, move || {
        // The search has no label, because a search by label would miss an entry with another label.
        let options = PasswordOptions::new_generic_password(&service, &account);
        if without_prompt(|| passwords::generic_password(options))?.map(Zeroizing::new).is_some() {
            let options = PasswordOptions::new_generic_password(&service, &account);
            return without_prompt(|| passwords::set_generic_password_options(&value, options)).map(drop);
        }
        let mut options = PasswordOptions::new_generic_password(&service, &account);
        options.set_label(&label);
        without_prompt(|| passwords::set_generic_password_options(&value, options)).map(drop)
    })
}

pub(crate) fn delete(entry: KeyringEntry<'_>, deadline: Duration) -> Result<(), KeyringError> {
    let (service, account) = (entry.service.to_owned(), entry.account.to_owned());
    by_deadline(deadline, move || without_prompt(|| passwords::delete_generic_password(&service, &account)).map(drop))
}

/// Returns the internet passwords with the label of Docker's helper. A search does not return the port, so the ports of
/// the `known` addresses are tried.
pub(crate) fn docker_logins(known: &[String], deadline: Duration) -> Result<DockerLogins, KeyringError> {
    let known = known.to_vec();
    by_deadline(deadline, move || {
        let mut found = DockerLogins { logins: vec![], is_partly_locked: false };
        for InternetPassword { host, account, path, scheme } in labelled()? {
            let address = |port: Option<u16>| {
                let port = port.map(|port| format!(":{port}")).unwrap_or_default();
                format!("{scheme}://{host}{port}{path}")
            };
            let ports = known.iter().filter_map(|server| port_of(server, &host)).map(Some);
            for port in ports.chain([None]) {
                match without_prompt(|| find(&host, &account, &path, port)) {
                    Ok(Some((password, _))) => {
                        let secret = super::text(password.to_vec())?;
                        found.logins.push(DockerLogin { server: address(port), username: account.clone(), secret });
                        break;
                    }
                    Ok(None) => {}
                    Err(KeyringError::Locked) => {
                        found.is_partly_locked = true;
                        break;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(found)
    })
}

pub(crate) fn delete_docker_login(server: &str, username: &str, deadline: Duration) -> Result<(), KeyringError> {
    let (server, username) = (server.to_owned(), username.to_owned());
    by_deadline(deadline, move || {
        let is_meant =
            |login: &InternetPassword| login.account == username && has_address(&server, &login.host, &login.path);
        for login in labelled()?.into_iter().filter(is_meant) {
            let port = port_of(&server, &login.host);
            if let Some((_, item)) = without_prompt(|| find(&login.host, &login.account, &login.path, port))? {
                item.delete();
            }
        }
        Ok(())
    })
}

/// The attributes of an internet password.
struct InternetPassword {
    host: String,
    account: String,
    path: String,
    scheme: &'static str,
}

fn labelled() -> Result<Vec<InternetPassword>, KeyringError> {
    let found = without_prompt(|| {
        let mut search = ItemSearchOptions::new();
        search.class(ItemClass::internet_password()).label(DOCKER_LABEL).load_attributes(true).limit(Limit::All);
        search.search()
    })?;
    let password = |result: SearchResult| {
        let mut attributes = result.simplify_dict()?;
        let mut value = |name: &str| attributes.remove(name);
        let (host, account) = (value("srvr")?, value("acct")?);
        let scheme = if value("ptcl").as_deref() == Some("http") { "http" } else { "https" };
        Some(InternetPassword { host, account, path: value("path").unwrap_or_default(), scheme })
    };
    Ok(found.unwrap_or_default().into_iter().filter_map(password).collect())
}

/// Finds an internet password. If `port` is `None`, any port matches.
fn find(
    host: &str,
    account: &str,
    path: &str,
    port: Option<u16>,
) -> security_framework::base::Result<(SecKeychainItemPassword, SecKeychainItem)> {
    let (protocol, authentication) = (SecProtocolType::Any, SecAuthenticationType::Any);
    find_internet_password(None, host, None, account, path, port, protocol, authentication)
}

/// Returns the port of an address; `None` if the address has another host or no port.
fn port_of(server: &str, host: &str) -> Option<u16> {
    let address = server.split_once("://").map_or(server, |(_, address)| address);
    address.split('/').next()?.strip_prefix(host)?.strip_prefix(':')?.parse().ok()
}

/// Tells whether an address has this host and path.
fn has_address(server: &str, host: &str, path: &str) -> bool {
    let address = server.split_once("://").map_or(server, |(_, address)| address);
    let (authority, rest) = address.split_at(address.find('/').unwrap_or(address.len()));
    rest == path && authority.strip_prefix(host).is_some_and(|port| port.is_empty() || port.starts_with(':'))
}

/// Asks the keychain without opening a window; `None` if the keychain has no such entry.
fn without_prompt<T>(ask: impl FnOnce() -> security_framework::base::Result<T>) -> Result<Option<T>, KeyringError> {
    let _lock = SecKeychain::disable_user_interaction().map_err(|error| meaning(&error))?;
    match ask() {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.code() == ITEM_NOT_FOUND => Ok(None),
        Err(error) => Err(meaning(&error)),
    }
}

fn meaning(error: &Error) -> KeyringError {
    match error.code() {
        code if NEEDS_A_PERSON.contains(&code) => KeyringError::Locked,
        code if NO_KEYCHAIN.contains(&code) => KeyringError::Missing("this session has no keychain".into()),
        code => KeyringError::Failed(error.message().unwrap_or_else(|| format!("Keychain error {code}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_host_port_and_path() {
        for (server, host, path, port, is_meant) in [
            ("https://ghcr.io", "ghcr.io", "", None, true),
            ("https://index.docker.io/v1/", "index.docker.io", "/v1/", None, true),
            ("localhost:5000", "localhost", "", Some(5000), true),
            ("http://h.example:5000/v2", "h.example", "/v2", Some(5000), true),
            ("https://ghcr.io.example", "ghcr.io", "", None, false),
            ("https://ghcr.io/v2", "ghcr.io", "", None, false),
        ] {
            assert_eq!((port_of(server, host), has_address(server, host, path)), (port, is_meant), "{server}");
        }
    }
}
