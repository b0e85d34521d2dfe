//! Verifies minisign's hashed signatures. The first Ed25519 signature covers a text's BLAKE2b-512. The second signature
//! covers the first signature and the comment. Only this file uses `blake2`. minisign's own crate is not used, because
//! it has its own code for hashes and signatures. Ensign needs `blake2` and `ring` anyway, for `argon2` and `rustls`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use blake2::{Blake2b512, Digest};
use ring::signature::{ED25519, UnparsedPublicKey};

/// A public key, and the id by which signatures refer to the key.
pub(super) struct PublicKey {
    number: [u8; 8],
    key: [u8; 32],
}

/// The reason why a signature is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignatureFault {
    NoSignature,
    OtherKey,
    Changed,
}

impl PublicKey {
    /// Parses a public key, which minisign prints as a line of base64.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 42] = BASE64_STANDARD.decode(text).ok()?.try_into().ok()?;
        let [b'E', b'd', rest @ ..] = bytes else { return None };
        Some(Self { number: *rest.first_chunk()?, key: *rest.last_chunk()? })
    }

    /// Verifies a signature, and returns the comment that is signed with it.
    pub(super) fn verify<'s>(&self, signature: &'s str, text: &[u8]) -> Result<&'s str, SignatureFault> {
        let SignatureFile { number, signature, comment, of_comment } =
            parse(signature).ok_or(SignatureFault::NoSignature)?;
        if number != self.number {
            return Err(SignatureFault::OtherKey);
        }
        let key = UnparsedPublicKey::new(&ED25519, self.key);
        key.verify(&Blake2b512::digest(text), &signature)
            .and_then(|()| key.verify(&[&signature[..], comment.as_bytes()].concat(), &of_comment))
            .map_err(|_| SignatureFault::Changed)?;
        Ok(comment)
    }
}

/// The parsed content of a signature file.
struct SignatureFile<'s> {
    /// The id of the key.
    number: [u8; 8],
    signature: [u8; 64],
    comment: &'s str,
    /// The signature that covers `signature` and `comment`.
    of_comment: [u8; 64],
}

fn parse(text: &str) -> Option<SignatureFile<'_>> {
    let mut lines = text.lines().skip(1); // an unsigned comment
    let bytes: [u8; 74] = BASE64_STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
    let [b'E', b'D', rest @ ..] = bytes else { return None }; // the format that hashes the text
    let comment = lines.next()?.strip_prefix("trusted comment: ")?;
    let of_comment = BASE64_STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
    Some(SignatureFile { number: *rest.first_chunk()?, signature: *rest.last_chunk()?, comment, of_comment })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by minisign 0.11.
    const KEY: &str = "RWSurV/K5r+nz3GlzIjCg5kol1qXM18EAWKqS7YF9Gbu/aQR6s6uD860";
    const TEXT: &[u8] = b"a release\n";
    const SIGNATURE: &str = "untrusted comment: signature from minisign secret key\n\
        RUSurV/K5r+nz3LDd8tJmAQUmX4zH5UjLOlDmZfHGc6EU4JMf4XSYLl/zmSk4eKfE4lfz8QEu9oENIOIvLyIMZ02qZjZn6QMOwY=\n\
        trusted comment: ensign 0.2.0\n\
        PDlK0GRP/R8pj0hUGcSOE2wQ1IqrsYYtQ1xh1oeqnESv31pqgKTcYeskGLgrrQQ0YmipVjghxdasLnLTvVm+Aw==";

    #[test]
    fn what_minisign_signs_is_verified_and_nothing_else() {
        let key = PublicKey::parse(KEY).unwrap();
        assert_eq!(key.verify(SIGNATURE, TEXT), Ok("ensign 0.2.0"));
        let head = SIGNATURE.lines().nth(1).unwrap();
        let swapped = |from: &str, to: &str| SIGNATURE.replace(from, to);
        for (signature, text, fault) in [
            (SIGNATURE.to_owned(), &b"a release"[..], SignatureFault::Changed),
            (swapped("ensign 0.2.0", "ensign 0.3.0"), TEXT, SignatureFault::Changed),
            (
                swapped(
                    &head[40..],
                    &format!("{}{}", if head[40..].starts_with('A') { 'B' } else { 'A' }, &head[41..]),
                ),
                TEXT,
                SignatureFault::Changed,
            ),
            (swapped("RU", "RW"), TEXT, SignatureFault::NoSignature),
            (swapped("trusted comment: ensign", "trusted: ensign"), TEXT, SignatureFault::NoSignature),
            (swapped(head, &head[4..]), TEXT, SignatureFault::NoSignature),
            (String::new(), TEXT, SignatureFault::NoSignature),
        ] {
            assert_eq!(key.verify(&signature, text), Err(fault), "{signature}");
        }
        let other = PublicKey { number: [0; 8], key: key.key };
        assert_eq!(other.verify(SIGNATURE, TEXT), Err(SignatureFault::OtherKey));
        for text in ["", "x", &KEY[..52], &KEY.replacen("RW", "RU", 1)] {
            assert!(PublicKey::parse(text).is_none(), "{text}");
        }
    }
}
