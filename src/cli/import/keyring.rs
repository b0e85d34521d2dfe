//! Reads the logins that Docker's own helpers stored in the keyring, even if these helpers are not installed any more.

use std::time::Duration;

use super::search::{LoginSearch, found_in};
use crate::docker::logins::{self, EntryContent, FoundLogin, LoginOrigin};
use crate::docker::{login_source, plaintext_auths};
use crate::model::HelperName;
use crate::system::keyring::{self, DockerLogins, KeyringError};

/// The time limit for the keyring. The keyring's service may have to start first.
const DEADLINE: Duration = Duration::from_secs(5);

impl LoginSearch<'_> {
    /// Adds all logins of the keyring, except the logins for which a helper was already asked. A missing keyring is an
    /// error only if the user typed `keyring`.
    pub(super) fn whole_keyring(&mut self, is_named: bool) {
        if std::mem::replace(&mut self.is_keyring_read, true) {
            return;
        }
        let content = if is_named { EntryContent::Failed } else { EntryContent::Skipped };
        let DockerLogins { logins, is_partly_locked } = match self.open_keyring() {
            Ok(found) => found,
            Err(KeyringError::Missing(_)) if !is_named => return,
            Err(error) => return self.add(LoginOrigin::Keyring, "", content(error.to_string())),
        };
        let was_asked =
            |server: &str| self.asked.iter().any(|(helper, key)| key == server && login_source::reads_keyring(helper));
        let new: Vec<_> = logins.iter().filter(|login| !was_asked(&login.server)).map(found).collect();
        let is_partly_locked = *is_partly_locked;
        for login in new {
            match login {
                Ok(login) if logins::is_our_own(&login.key) || !self.is_wanted(&login.registry()) => {}
                Ok(login) => self.findings.push(found_in(LoginOrigin::Keyring, login)),
                Err((key, why)) if self.registries.is_empty() => {
                    self.add(LoginOrigin::Keyring, &key, EntryContent::Skipped(why));
                }
                Err(_) => {}
            }
        }
        if is_partly_locked {
            self.add(LoginOrigin::Keyring, "", content("the keyring is locked: unlock it and import again".into()));
        }
    }

    /// Adds a login from the keyring, because the login's helper is missing. Returns whether the keyring contained this
    /// login.
    pub(super) fn keyring_has(&mut self, helper: &HelperName, key: &str) -> bool {
        if !login_source::reads_keyring(helper) {
            return false;
        }
        let Ok(DockerLogins { logins, .. }) = self.open_keyring() else { return false };
        let login = logins.iter().find(|login| login.server == key).and_then(|login| found(login).ok());
        let is_there = login.is_some();
        self.findings.extend(login.map(|login| found_in(LoginOrigin::Keyring, login)));
        is_there
    }

    fn open_keyring(&self) -> Result<&DockerLogins, &KeyringError> {
        let open = || {
            let known = self.context.docker_config().map(|file| file.servers_of_helpers());
            keyring::docker_logins(&known.unwrap_or_default(), DEADLINE)
        };
        self.keyring.get_or_init(open).as_ref()
    }
}

pub(super) fn remove(login: &FoundLogin) -> Result<(), KeyringError> {
    keyring::delete_docker_login(&login.key, login.username.as_str(), DEADLINE)
}

/// Converts a login from the keyring. The error contains the login's key, and the reason why the login cannot be used.
fn found(login: &keyring::DockerLogin) -> Result<FoundLogin, (String, String)> {
    let key = login.server.clone();
    let Some(server) = logins::server_of(&key) else {
        return Err((key, plaintext_auths::UnusableReason::NoServer.to_string()));
    };
    match login.username.parse() {
        Ok(username) if !login.secret.is_empty() => {
            Ok(FoundLogin { key, server, username, token_of: None, secret: login.secret.copy(), did: None })
        }
        Ok(_) => Err((key, "the entry has no secret".into())),
        Err(error) => Err((key, format!("the user name is not valid: {error}"))),
    }
}
