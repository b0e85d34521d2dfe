//! macOS's keyring: generic passwords in the user's default keychain.

use std::time::Duration;

use security_framework::base::Error;
use security_framework::os::macos::keychain::SecKeychain;
use security_framework::passwords::{self, PasswordOptions};
use zeroize::Zeroizing;

use super::{KeyringEntry, KeyringError, by_deadline};
use crate::model::Secret;

const ITEM_NOT_FOUND: i32 = -25300;
/// What would need a person: to unlock the keychain, or to let this program use an entry that another has made.
const NEEDS_A_PERSON: [i32; 4] = [-25308, -25315, -25293, -128];
/// No keychain is there, such as for a service that runs outside every login session.
const NO_KEYCHAIN: [i32; 3] = [-25291, -25294, -25307];

pub(super) fn read(entry: KeyringEntry<'_>, deadline: Duration) -> Result<Option<Secret>, KeyringError> {
    let (service, account) = (entry.service.to_owned(), entry.account.to_owned());
    by_deadline(deadline, move || {
        let options = PasswordOptions::new_generic_password(&service, &account);
        match without_prompt(|| passwords::generic_password(options))? {
            Some(value) => super::text(value).map(Some),
            None => Ok(None),
        }
    })
}

#[expect(clippy::disallowed_methods, reason = "the keychain is given the secret")]
pub(super) fn write(
    entry: KeyringEntry<'_>,
    label: &str,
    secret: &Secret,
    deadline: Duration,
) -> Result<(), KeyringError> {
    let (service, account, label) = (entry.service.to_owned(), entry.account.to_owned(), label.to_owned());
    let value = Zeroizing::new(secret.expose().as_bytes().to_vec());
    by_deadline(deadline, move || {
        // A label among the words of a search would miss an entry of another label.
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

pub(super) fn delete(entry: KeyringEntry<'_>, deadline: Duration) -> Result<(), KeyringError> {
    let (service, account) = (entry.service.to_owned(), entry.account.to_owned());
    by_deadline(deadline, move || without_prompt(|| passwords::delete_generic_password(&service, &account)).map(drop))
}

/// Asks the keychain while its windows are forbidden; `None` if it has no such entry.
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
