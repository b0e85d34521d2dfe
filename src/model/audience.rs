//! `Audience`: who waits for a secret: a client or a person.

/// A client: it gives up soon and has no terminal for a prompt. A person: they can answer a prompt and read an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    Client,
    Person,
}
