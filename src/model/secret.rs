//! `Secret`: a text that cannot be printed or copied by accident. The memory of a secret is wiped when the secret is
//! dropped.

use std::fmt;

use serde::Serialize;
use zeroize::Zeroizing;

use super::Username;

/// A password, token or refresh token.
///
/// Only [`Secret::expose`] returns the text. Clippy forbids calls of `expose`, so every caller must state a reason.
#[derive(PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

/// A user name and the secret that a registry accepts for it.
#[derive(Debug)]
pub struct Credential {
    pub username: Username,
    pub secret: Secret,
}

/// Who waits for a secret. A client soon stops waiting and has no terminal for a prompt. A person can answer a prompt
/// and read an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    Client,
    Person,
}

impl Credential {
    /// The answer of a credential helper that has no login for the registry. Clients look for exactly this text
    /// (docker/docker-credential-helpers `credentials/error.go`).
    pub const NOT_FOUND: &str = "credentials not found in native keychain";
}

impl Secret {
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Copies the secret. `Secret` does not implement `Clone`, so that each copy is deliberate.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self(self.0.clone())
    }

    /// Converts a value with secrets to one line of JSON. `length` is the length of all texts in the value, in bytes.
    pub(crate) fn json_line(value: &impl Serialize, length: usize) -> Self {
        // An escaped byte needs up to six bytes. A buffer that grows would leave copies of the secret in memory.
        let mut json = Vec::with_capacity(256 + 6 * length);
        serde_json::to_writer(&mut json, value).expect("text can be written as JSON");
        json.push(b'\n');
        debug_assert!(json.len() <= 256 + 6 * length, "the buffer has grown");
        Self::new(String::from_utf8(json).expect("JSON is UTF-8"))
    }

    /// Tells whether the secret is one line that is not empty and contains no control characters.
    pub fn is_one_line(&self) -> bool {
        !self.is_empty() && !self.0.chars().any(char::is_control)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_could_be_typed_is_one_line() {
        for (text, is_one_line) in
            [("hunter2", true), ("pä ss", true), ("", false), ("a\r\nb", false), ("a\u{85}", false)]
        {
            assert_eq!(Secret::new(text.into()).is_one_line(), is_one_line, "{text:?}");
        }
    }

    #[test]
    fn a_secret_does_not_print() {
        let credential = Credential { username: "alice".parse().unwrap(), secret: Secret::new("hunter2".into()) };
        assert_eq!(format!("{credential:?}"), "Credential { username: Username(\"alice\"), secret: Secret(…) }");
    }
}
