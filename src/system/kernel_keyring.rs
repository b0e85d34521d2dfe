//! Stores an opened key in the Linux kernel's keyring for a limited time. Other systems have no kernel keyring. Only
//! this file uses `linux-keyutils`.
//!
//! All sessions of a user share the user keyring (user-keyring(7)), and other users cannot access it. Programs under
//! `su` or `sudo`, or in a container with its own users, run as other users. The kernel removes the keyring after the
//! user's last process has ended, or when the machine stops.

use std::time::Duration;

use zeroize::Zeroizing;

pub(crate) use imp::{read, remove, write};

#[cfg(target_os = "linux")]
mod imp {
    use super::{Duration, Zeroizing};
    use linux_keyutils::{KeyError, KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, Permission};

    /// Returns the bytes of an entry; `None` if the keyring has no entry `name` of this length, or the entry may not be
    /// read.
    pub(crate) fn read<const LENGTH: usize>(name: &str) -> Option<Zeroizing<[u8; LENGTH]>> {
        let key = ring().and_then(|ring| ring.search(name)).ok()?;
        let mut bytes = Zeroizing::new([0; LENGTH]);
        (key.read(&mut *bytes).ok()? == LENGTH).then_some(bytes)
    }

    /// Adds or replaces an entry, which the kernel removes after `time`. An error says why the keyring cannot be used.
    pub(crate) fn write(name: &str, bytes: &[u8], time: Duration) -> Result<(), String> {
        // The user may also read the entry from a session that does not possess the keyring, such as cron's.
        let user = Permission::VIEW | Permission::READ | Permission::SEARCH | Permission::WRITE | Permission::SETATTR;
        let permissions = KeyPermissionsBuilder::builder().posessor(Permission::ALL).user(user).build();
        let key = ring().and_then(|ring| ring.add_key(name, bytes)).map_err(unavailable)?;
        let seconds = usize::try_from(time.as_secs()).unwrap_or(usize::MAX).clamp(1, u32::MAX as usize);
        let restricted = key.set_timeout(seconds).and_then(|()| key.set_perms(permissions));
        restricted.map_err(|error| {
            let _ = key.invalidate(); // an entry without an expiry would stay
            unavailable(error)
        })
    }

    /// Removes an entry, and returns whether the entry existed.
    pub(crate) fn remove(name: &str) -> Result<bool, String> {
        let ring = ring().map_err(unavailable)?;
        match ring.search(name) {
            Ok(key) => {
                let _ = key.revoke(); // a revoked entry cannot be read
                ring.unlink_key(key).or_else(|_| key.invalidate()).map(|()| true).map_err(unavailable)
            }
            Err(KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked) => Ok(false),
            Err(error) => Err(unavailable(error)),
        }
    }

    fn ring() -> Result<KeyRing, KeyError> {
        KeyRing::from_special_id(KeyRingIdentifier::User, false)
    }

    fn unavailable(error: KeyError) -> String {
        match error {
            KeyError::PermissionDenied | KeyError::AccessDenied | KeyError::OperationNotSupported => {
                "the kernel's keyring may not be used here, as in most containers".to_owned()
            }
            KeyError::Unknown(code) => format!("the kernel's keyring failed with error {code}"),
            error => format!("the kernel's keyring failed: {error}"),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn an_entry_is_there_until_it_is_removed_or_its_time_is_over() {
            let name = format!("ensign:test-{}", std::process::id());
            let hour = Duration::from_hours(1);
            if write(&name, &[1; 32], hour).is_err() {
                return; // a container without a keyring
            }
            assert_eq!(*read::<32>(&name).unwrap(), [1; 32]);
            assert!(read::<16>(&name).is_none(), "a key of another length is not read");
            write(&name, &[2; 32], hour).unwrap();
            assert_eq!(*read::<32>(&name).unwrap(), [2; 32]);
            assert_eq!((remove(&name), remove(&name)), (Ok(true), Ok(false)));
            assert!(read::<32>(&name).is_none());
            write(&name, &[3; 32], Duration::from_secs(1)).unwrap();
            std::thread::sleep(Duration::from_millis(1200));
            assert!(read::<32>(&name).is_none());
            assert_eq!(remove(&name), Ok(false));
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use super::{Duration, Zeroizing};

    pub(crate) fn read<const LENGTH: usize>(_: &str) -> Option<Zeroizing<[u8; LENGTH]>> {
        None
    }

    pub(crate) fn write(_: &str, _: &[u8], _: Duration) -> Result<(), String> {
        Err("this system has no keyring in its kernel".to_owned())
    }

    pub(crate) fn remove(_: &str) -> Result<bool, String> {
        Ok(false)
    }
}
