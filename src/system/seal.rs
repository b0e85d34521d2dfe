//! Seals texts by authenticated encryption with a key of 32 bytes, and returns random bytes. The code uses `ring`,
//! which TLS needs anyway.
//!
//! HKDF-SHA256 derives a separate key for each text from the main key and a random salt of 32 bytes. So
//! ChaCha20-Poly1305 never uses a nonce twice with the same key.

use anyhow::{Result, anyhow};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::{Zeroize, Zeroizing};

/// A key that seals and opens texts. A key cannot be printed, and its memory is wiped when the key is dropped.
pub(crate) struct SealKey(Zeroizing<[u8; SealKey::LENGTH]>);

pub(crate) struct SealedText {
    pub(crate) salt: [u8; SALT],
    pub(crate) text: Vec<u8>,
}

const SALT: usize = 32;

/// The purposes for which HKDF derives bytes: a key that seals one text, and the id of a key.
const SEALS: &[u8] = b"ensign sealed v1";
const NAMES: &[u8] = b"ensign key id v1";

impl SealKey {
    pub(crate) const LENGTH: usize = 32;

    pub(crate) fn random() -> Result<Self> {
        let mut key = Zeroizing::new([0; Self::LENGTH]);
        fill_random(&mut *key)?;
        Ok(Self(key))
    }

    /// Creates a key from its bytes; `None` if the number of bytes is wrong.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; Self::LENGTH]);
        (bytes.len() == Self::LENGTH).then(|| key.copy_from_slice(bytes))?;
        Some(Self(key))
    }

    /// Returns the key's bytes for storage.
    pub(crate) fn bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// Returns the key's id of 16 hexadecimal digits. Each key has a different id, and an id reveals nothing about its
    /// key.
    pub(crate) fn id(&self) -> String {
        let mut id = [0; 32];
        let derived = Salt::new(HKDF_SHA256, &[]).extract(&*self.0);
        derived
            .expand(&[NAMES], HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut id))
            .expect("an id is not too long for HKDF");
        super::digest::hex_digits(&id[..8])
    }

    /// Seals a text, which can be opened only with the same `about`.
    pub(crate) fn seal(&self, about: &[u8], text: &[u8]) -> Result<SealedText> {
        let mut salt = [0; SALT];
        fill_random(&mut salt)?;
        Ok(self.seal_with(salt, about, text))
    }

    fn seal_with(&self, salt: [u8; SALT], about: &[u8], text: &[u8]) -> SealedText {
        // The buffer is long enough from the start. A growing buffer could leave an unwiped copy of the text in memory.
        let mut sealed = Vec::with_capacity(text.len() + CHACHA20_POLY1305.tag_len());
        sealed.extend_from_slice(text);
        let key = self.derived(&salt);
        key.seal_in_place_append_tag(nonce(), Aad::from(about), &mut sealed).expect("a text is not too long");
        SealedText { salt, text: sealed }
    }

    /// Opens a sealed text; `None` if the key or `about` differs, or if the sealed text was changed.
    pub(crate) fn open(&self, about: &[u8], SealedText { salt, text }: SealedText) -> Option<Zeroizing<Vec<u8>>> {
        let mut text = Zeroizing::new(text);
        let length = self.derived(&salt).open_in_place(nonce(), Aad::from(about), &mut text).ok()?.len();
        text[length..].zeroize();
        text.truncate(length);
        Some(text)
    }

    fn derived(&self, salt: &[u8]) -> LessSafeKey {
        let derived = Salt::new(HKDF_SHA256, salt).extract(&*self.0);
        let key = derived.expand(&[SEALS], &CHACHA20_POLY1305).expect("a key is not too long for HKDF");
        LessSafeKey::new(UnboundKey::from(key))
    }
}

/// Fills `bytes` with random bytes from the system.
pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<()> {
    SystemRandom::new().fill(bytes).map_err(|_| anyhow!("the system has no random bytes"))
}

/// Returns the nonce, which is always the same because each derived key seals only one text.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_opens_with_its_own_key_salt_and_words_only() {
        let (key, other) = (SealKey::from_bytes(&[7; 32]).unwrap(), SealKey::random().unwrap());
        assert!(SealKey::from_bytes(&[7; 31]).is_none());
        assert!(key.id() != other.id() && key.id().len() == 16);
        let sealed = || key.seal_with([1; 32], b"ghcr.io", b"s3cret");
        assert_eq!(key.open(b"ghcr.io", sealed()).unwrap().as_slice(), b"s3cret");
        assert!(key.open(b"quay.io", sealed()).is_none());
        assert!(other.open(b"ghcr.io", sealed()).is_none());
        assert!(key.open(b"ghcr.io", SealedText { salt: [2; 32], ..sealed() }).is_none());
        for place in 0..sealed().text.len() {
            let mut text = sealed().text;
            text[place] ^= 1;
            assert!(key.open(b"ghcr.io", SealedText { text, ..sealed() }).is_none(), "{place}");
        }
        assert!(key.open(b"", SealedText { text: vec![], salt: [0; 32] }).is_none());
        assert!(key.seal(b"", b"x").unwrap().salt != key.seal(b"", b"x").unwrap().salt);
    }
}
