//! Derives a key from a passphrase with a function that costs time and memory (Argon2id, RFC 9106). Only this file uses
//! `argon2`.

use anyhow::{Result, anyhow, bail};
use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use super::seal::SealKey;
use crate::model::Secret;

/// The cost of the derivation, which is stored with the encrypted data key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Effort {
    pub(crate) memory_kib: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u32,
}

impl Effort {
    /// The second recommended parameter set of RFC 9106, section 4.
    pub(crate) const USUAL: Self = Self { memory_kib: 64 << 10, passes: 3, lanes: 4 };

    /// Refuses a cost that is out of bounds, because a stranger's file must not make Ensign use gigabytes of memory or
    /// hours of time.
    fn check(self) -> Result<()> {
        let Self { memory_kib, passes, lanes } = self;
        if (8 << 10..=256 << 10).contains(&memory_kib) && (1..=16).contains(&passes) && (1..=16).contains(&lanes) {
            return Ok(());
        }
        let memory_mib = memory_kib >> 10;
        bail!("the stored cost of the passphrase is out of bounds: {memory_mib} MiB, {passes} passes, {lanes} lanes")
    }
}

#[expect(clippy::disallowed_methods, reason = "derives a key from the passphrase")]
pub(crate) fn key(passphrase: &Secret, salt: &[u8], effort: Effort) -> Result<SealKey> {
    effort.check()?;
    let Effort { memory_kib, passes, lanes } = effort;
    let wrong = |error: argon2::Error| anyhow!("the passphrase cannot become a key: {error}");
    let parameters = Params::new(memory_kib, passes, lanes, Some(SealKey::LENGTH)).map_err(wrong)?;
    let mut bytes = Zeroizing::new([0; SealKey::LENGTH]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
        .hash_password_into(passphrase.expose().as_bytes(), salt, &mut *bytes)
        .map_err(wrong)?;
    SealKey::from_bytes(&*bytes).ok_or_else(|| anyhow!("the key from the passphrase has the wrong length"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_file_costs_no_gigabytes() {
        let usual = Effort::USUAL;
        assert!(usual.check().is_ok());
        for effort in [
            Effort { memory_kib: 4 << 20, ..usual },
            Effort { memory_kib: 8, ..usual },
            Effort { passes: 0, ..usual },
            Effort { passes: 1 << 20, ..usual },
            Effort { lanes: 0, ..usual },
            Effort { lanes: 1 << 20, ..usual },
        ] {
            assert!(key(&Secret::new("x".into()), &[0; 16], effort).is_err(), "{effort:?}");
        }
    }
}
