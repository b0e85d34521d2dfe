//! `Audience`: who waits for a secret.

/// A client gives up soon and has no terminal. A person can answer a prompt, and reads what went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    Client,
    Person,
}
