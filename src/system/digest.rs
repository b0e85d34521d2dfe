//! Computes the digests of sent, received and trusted content with `ring`, which TLS needs anyway.

use std::fmt::Write as _;

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA512};

/// Computes the SHA-256 digest of a body piece by piece. The SHA-512 digest is computed only if an expected digest uses
/// SHA-512.
pub(crate) struct Hasher {
    sha256: Context,
    sha512: Option<Context>,
    size: u64,
}

/// The digests of a body, and its length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digests {
    pub(crate) sha256: String,
    pub(crate) sha512: Option<String>,
    pub(crate) size: u64,
}

/// A computed digest that differs from the expected digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) computed: String,
    pub(crate) named: String,
}

impl Hasher {
    /// Creates a hasher for a body whose expected digests are `named`.
    pub(crate) fn new(named: &[String]) -> Self {
        let sha512 = named.iter().any(|digest| digest.starts_with("sha512:")).then(|| Context::new(&SHA512));
        Self { sha256: Context::new(&SHA256), sha512, size: 0 }
    }

    /// Adds the next piece of the body.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(sha512) = &mut self.sha512 {
            sha512.update(bytes);
        }
        self.size += bytes.len() as u64;
    }

    /// Returns the digests of all pieces together.
    pub(crate) fn finish(self) -> Digests {
        Digests {
            sha256: format!("sha256:{}", hex_digits(self.sha256.finish().as_ref())),
            sha512: self.sha512.map(|sha512| format!("sha512:{}", hex_digits(sha512.finish().as_ref()))),
            size: self.size,
        }
    }
}

impl Digests {
    /// Compares the computed digest with the expected digest `named`. An expected digest of an unknown algorithm is
    /// accepted.
    pub(crate) fn check(&self, named: &str) -> Result<(), Mismatch> {
        let computed = match named.split_once(':') {
            Some(("sha256", _)) => &self.sha256,
            Some(("sha512", _)) => self.sha512.as_ref().unwrap_or(&self.sha256),
            _ => return Ok(()),
        };
        if computed.eq_ignore_ascii_case(named) {
            return Ok(());
        }
        Err(Mismatch { computed: computed.clone(), named: named.to_owned() })
    }
}

/// The hash functions that expressions in bake files can call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Algorithm {
    Sha1,
    Sha256,
    Sha512,
}

/// Returns the digest of `bytes` as hexadecimal digits.
pub(crate) fn hex(algorithm: Algorithm, bytes: &[u8]) -> String {
    let algorithm = match algorithm {
        Algorithm::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
        Algorithm::Sha256 => &SHA256,
        Algorithm::Sha512 => &SHA512,
    };
    hex_digits(ring::digest::digest(algorithm, bytes).as_ref())
}

/// Returns `bytes` as hexadecimal digits.
pub(crate) fn hex_digits(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

/// Returns the SHA-256 digest of `bytes` in the form `sha256:…`.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(Algorithm::Sha256, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const ABC512: &str = "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";

    fn digests_of(bytes: &[u8], named: &[String]) -> Digests {
        let mut hasher = Hasher::new(named);
        hasher.update(bytes);
        hasher.finish()
    }

    #[test]
    fn a_body_is_held_against_every_digest_that_names_it() {
        let (short, long) = (digests_of(b"abc", &[]), digests_of(b"abc", &[ABC512.to_owned()]));
        assert_eq!(sha256(b"abc"), ABC);
        assert_eq!((short.sha256.as_str(), short.sha512.as_ref(), short.size), (ABC, None, 3));
        assert_eq!(long.sha512.as_deref(), Some(ABC512));
        for (named, fits) in [
            (ABC, true),
            (&ABC.to_uppercase().replace("SHA256", "sha256"), true),
            (ABC512, true),
            (&ABC.replace("ba78", "0000"), false),
            (&ABC512.replace("ddaf", "0000"), false),
            ("sha256:", false),
            ("md5:900150983cd24fb0d6963f7d28e17f72", true),
            ("1.0", true),
        ] {
            assert_eq!(long.check(named).is_ok(), fits, "{named}");
        }
        let mut pieces = Hasher::new(&[]);
        for piece in [b"a", b"b", b"c"] {
            pieces.update(piece);
        }
        assert_eq!(pieces.finish(), short);
    }
}
