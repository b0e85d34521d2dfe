//! Linux's keyring: the Secret Service, which GNOME Keyring, `KWallet`, `KeePassXC` and others offer.
//!
//! Secrets cross the bus plain. The other form of its sessions encrypts them against whoever watches the bus, who is the
//! same user, and so may ask for the secret itself; the socket belongs to one user and the kernel carries it in memory.

use std::time::{Duration, Instant};

use super::dbus::{Connection, Decoder, Encoder, MethodCall, Received, malformed};
use super::{KeyringEntry, KeyringError};
use crate::model::Secret;

const SERVICE: &str = "org.freedesktop.secrets";
const ROOT: &str = "/org/freedesktop/secrets";
const DEFAULT_COLLECTION: &str = "/org/freedesktop/secrets/aliases/default";
/// What stands for no object, such as a prompt that is not needed.
const NOTHING: &str = "/";
/// The schema of entries without one of their own, which libsecret's programs look for.
const SCHEMA: &str = "org.freedesktop.Secret.Generic";

pub(super) fn read(entry: KeyringEntry<'_>, deadline: Duration) -> Result<Option<Secret>, KeyringError> {
    let (mut session, items) = Session::search(&attributes(entry), deadline)?;
    if let Some(item) = items.unlocked.first() {
        return session.secret(item);
    }
    session.confirm_absent(&items).map(|()| None)
}

#[expect(clippy::disallowed_methods, reason = "the keyring is given the secret, over a socket of our own user")]
pub(super) fn write(
    entry: KeyringEntry<'_>,
    label: &str,
    secret: &Secret,
    deadline: Duration,
) -> Result<(), KeyringError> {
    let (mut session, _) = Session::search(&attributes(entry), deadline)?;
    let value = secret.expose().as_bytes();
    let mut body = Encoder::with_capacity(512 + label.len() + entry.service.len() + entry.account.len() + value.len());
    body.array(8, |body| {
        body.align(8);
        body.string("org.freedesktop.Secret.Item.Label");
        body.signature("s");
        body.string(label);
        body.align(8);
        body.string("org.freedesktop.Secret.Item.Attributes");
        body.signature("a{ss}");
        let [service, account] = attributes(entry);
        body.strings(&[service, account, ("xdg:schema", SCHEMA)]);
    });
    body.align(8);
    body.string(&session.path);
    body.bytes(&[]);
    body.bytes(value);
    body.string("text/plain");
    body.boolean(true);
    let call = method(DEFAULT_COLLECTION, "org.freedesktop.Secret.Collection", "CreateItem", "a{sv}(oayays)b", body);
    let reply = session.connection.call(&call)?;
    if is_no_object(&reply) {
        return Err(no_collection());
    }
    let mut body = reply.body()?;
    let (item, prompt) = (body.string().ok_or_else(malformed)?, body.string().ok_or_else(malformed)?);
    if prompt == NOTHING && item != NOTHING { Ok(()) } else { Err(KeyringError::Locked) }
}

pub(super) fn delete(entry: KeyringEntry<'_>, deadline: Duration) -> Result<(), KeyringError> {
    let (mut session, items) = Session::search(&attributes(entry), deadline)?;
    for item in &items.unlocked {
        session.delete(item)?;
    }
    session.confirm_absent(&Items { unlocked: vec![], locked: items.locked })
}

/// The names that Go's, Python's and Rust's keyring libraries give these two.
fn attributes(entry: KeyringEntry<'_>) -> [(&str, &str); 2] {
    [("service", entry.service), ("username", entry.account)]
}

/// A conversation with the service.
struct Session {
    connection: Connection,
    path: String,
}

/// The items that a search has found.
struct Items {
    unlocked: Vec<String>,
    locked: Vec<String>,
}

impl Session {
    /// Opens a session and searches, all in one write.
    fn search(attributes: &[(&str, &str)], deadline: Duration) -> Result<(Self, Items), KeyringError> {
        let ends = Instant::now() + deadline;
        let service = "org.freedesktop.Secret.Service";
        let mut plain = Encoder::default();
        plain.string("plain");
        plain.signature("s");
        plain.string("");
        let mut wanted = Encoder::default();
        wanted.strings(attributes);
        let calls =
            [method(ROOT, service, "OpenSession", "sv", plain), method(ROOT, service, "SearchItems", "a{ss}", wanted)];
        let (mut connection, first) = Connection::open(&calls, ends)?;
        let opened = connection.reply(first)?;
        let path = session_path(opened.body()?).ok_or_else(malformed)?;
        let found = connection.reply(first + 1)?;
        let mut body = found.body()?;
        let unlocked = body.string_array().ok_or_else(malformed)?;
        let locked = body.string_array().ok_or_else(malformed)?;
        Ok((Self { connection, path }, Items { unlocked, locked }))
    }

    /// The secret of an item; `None` if it was removed meanwhile.
    fn secret(&mut self, item: &str) -> Result<Option<Secret>, KeyringError> {
        let mut body = Encoder::default();
        body.string(&self.path);
        let reply = self.connection.call(&method(item, "org.freedesktop.Secret.Item", "GetSecret", "o", body))?;
        if is_no_object(&reply) {
            return Ok(None);
        }
        let value = secret_value(reply.body()?).ok_or_else(malformed)?;
        super::text(value.to_vec()).map(Some)
    }

    fn delete(&mut self, item: &str) -> Result<(), KeyringError> {
        let call = method(item, "org.freedesktop.Secret.Item", "Delete", "", Encoder::default());
        let reply = self.connection.call(&call)?;
        if is_no_object(&reply) {
            return Ok(());
        }
        match reply.body()?.string().ok_or_else(malformed)? {
            NOTHING => Ok(()),
            _ => Err(KeyringError::Locked),
        }
    }

    /// Makes sure that nothing was found because nothing is there. A locked collection may hide what it has, as that of
    /// `KeePassXC` does.
    fn confirm_absent(&mut self, items: &Items) -> Result<(), KeyringError> {
        if !items.locked.is_empty() {
            return Err(KeyringError::Locked);
        }
        let mut body = Encoder::default();
        body.string("org.freedesktop.Secret.Collection");
        body.string("Locked");
        let call = method(DEFAULT_COLLECTION, "org.freedesktop.DBus.Properties", "Get", "ss", body);
        let reply = self.connection.call(&call)?;
        if is_no_object(&reply) {
            return Err(no_collection());
        }
        let is_locked = boolean(reply.body()?).ok_or_else(malformed)?;
        if is_locked { Err(KeyringError::Locked) } else { Ok(()) }
    }
}

fn method<'m>(path: &'m str, interface: &'m str, member: &'m str, signature: &'m str, body: Encoder) -> MethodCall<'m> {
    MethodCall { destination: SERVICE, path, interface, member, signature, body }
}

/// Tells whether the object that was asked is not there. Services have several names for that.
fn is_no_object(reply: &Received) -> bool {
    matches!(
        reply.error(),
        Some(
            "org.freedesktop.Secret.Error.NoSuchObject"
                | "org.freedesktop.DBus.Error.UnknownObject"
                | "org.freedesktop.DBus.Error.UnknownMethod"
                | "org.freedesktop.DBus.Error.UnknownInterface"
        )
    )
}

fn no_collection() -> KeyringError {
    KeyringError::Missing("the Secret Service has no default collection".into())
}

/// From a variant and the path of the session.
fn session_path(mut body: Decoder<'_>) -> Option<String> {
    (body.signature()? == "s").then_some(())?;
    body.string()?;
    Some(body.string()?.to_owned())
}

/// The third of session, parameters, value and content type.
fn secret_value(mut body: Decoder<'_>) -> Option<&[u8]> {
    body.align(8)?;
    body.string()?;
    body.byte_array()?;
    body.byte_array()
}

fn boolean(mut body: Decoder<'_>) -> Option<bool> {
    (body.signature()? == "b").then_some(())?;
    body.u32().map(|value| value != 0)
}
