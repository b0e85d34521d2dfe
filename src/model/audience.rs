//! `Audience`: whether a client or a person waits for a secret.

/// A client stops waiting soon and has no terminal for a prompt. A person can answer a prompt and read an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    Client,
    Person,
}
