//! Linux's keyring: the Secret Service, which GNOME Keyring, `KWallet`, `KeePassXC` and others offer.
//!
//! Secrets cross the bus plain. The other form of its sessions encrypts them against whoever watches the bus, who is the
//! same user, and so may ask for the secret itself; the socket belongs to one user and the kernel carries it in memory.

use std::time::{Duration, Instant};

use super::dbus::{Connection, Decoder, Encoder, MethodCall, Received, malformed};
use super::{DOCKER_LABEL, DockerLogin, DockerLogins, KeyringEntry, KeyringError};
use crate::model::Secret;

const SERVICE: &str = "org.freedesktop.secrets";
const ROOT: &str = "/org/freedesktop/secrets";
const DEFAULT_COLLECTION: &str = "/org/freedesktop/secrets/aliases/default";
/// What stands for no object, such as a prompt that is not needed.
const NOTHING: &str = "/";
/// The schema of entries without one of their own, which libsecret's programs look for.
const SCHEMA: &str = "org.freedesktop.Secret.Generic";

/// What Docker's helper writes into each of its items, beside the server and the user.
const DOCKER_MARKS: [(&str, &str); 2] = [("label", DOCKER_LABEL), ("docker_cli", "1")];

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
    let (mut session, items) = Session::search(&attributes(entry), deadline)?;
    let value = secret.expose().as_bytes();
    let room = 512 + label.len() + entry.service.len() + entry.account.len() + value.len();
    let mut body = Encoder::with_capacity(room);
    // To replace an item is one act in the protocol, but for `KeePassXC` it is one that a person must confirm.
    if let Some(item) = items.unlocked.first() {
        session.encode_secret(&mut body, value);
        let call = method(item, "org.freedesktop.Secret.Item", "SetSecret", "(oayays)", body);
        return session.connection.call(&call)?.body().map(drop);
    }
    if !items.locked.is_empty() {
        return Err(KeyringError::Locked);
    }
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
    session.encode_secret(&mut body, value);
    body.boolean(true);
    let call = method(DEFAULT_COLLECTION, "org.freedesktop.Secret.Collection", "CreateItem", "a{sv}(oayays)b", body);
    let reply = session.connection.call(&call)?;
    if is_no_object(&reply) {
        return Err(no_collection());
    }
    let mut body = reply.body()?;
    let (item, prompt) = (body.string().ok_or_else(malformed)?, body.string().ok_or_else(malformed)?);
    match (item, prompt) {
        (NOTHING, NOTHING) => Err(malformed()),
        (_, NOTHING) => Ok(()),
        (_, prompt) => session.complete(prompt),
    }
}

pub(super) fn delete(entry: KeyringEntry<'_>, deadline: Duration) -> Result<(), KeyringError> {
    let (mut session, items) = Session::search(&attributes(entry), deadline)?;
    session.delete_all(items)
}

/// The items with the marks of Docker's helper. `known` is of no use, since each item has its whole address.
pub(super) fn docker_logins(_known: &[String], deadline: Duration) -> Result<DockerLogins, KeyringError> {
    let (mut session, items) = Session::search(&DOCKER_MARKS, deadline)?;
    let mut logins = vec![];
    for item in &items.unlocked {
        let attributes = session.attributes(item)?;
        let value = |name: &str| attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        if let (Some(server), Some(username)) = (value("server"), value("username"))
            && let Some(secret) = session.secret(item)?
        {
            logins.push(DockerLogin { server, username, secret });
        }
    }
    logins.sort_by(|one, other| (&one.server, &one.username).cmp(&(&other.server, &other.username)));
    let hidden = if logins.is_empty() { session.confirm_absent(&items) } else { Ok(()) };
    match hidden {
        Err(KeyringError::Locked) => Ok(DockerLogins { logins, is_partly_locked: true }),
        Err(error) => Err(error),
        Ok(()) => Ok(DockerLogins { logins, is_partly_locked: !items.locked.is_empty() }),
    }
}

pub(super) fn delete_docker_login(server: &str, username: &str, deadline: Duration) -> Result<(), KeyringError> {
    let [label, mark] = DOCKER_MARKS;
    let (mut session, items) = Session::search(&[label, mark, ("server", server), ("username", username)], deadline)?;
    session.delete_all(items)
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

    /// A secret as it is sent: session, parameters, value and content type.
    fn encode_secret(&self, body: &mut Encoder, value: &[u8]) {
        body.align(8);
        body.string(&self.path);
        body.bytes(&[]);
        body.bytes(value);
        body.string("text/plain");
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

    fn attributes(&mut self, item: &str) -> Result<Vec<(String, String)>, KeyringError> {
        let reply = self.connection.call(&property(item, "org.freedesktop.Secret.Item", "Attributes"))?;
        if is_no_object(&reply) {
            return Ok(vec![]);
        }
        let mut body = reply.body()?;
        (body.signature() == Some("a{ss}")).then(|| body.string_pairs()).flatten().ok_or_else(malformed)
    }

    fn delete_all(&mut self, items: Items) -> Result<(), KeyringError> {
        for item in &items.unlocked {
            self.delete(item)?;
        }
        self.confirm_absent(&Items { unlocked: vec![], locked: items.locked })
    }

    fn delete(&mut self, item: &str) -> Result<(), KeyringError> {
        let call = method(item, "org.freedesktop.Secret.Item", "Delete", "", Encoder::default());
        let reply = self.connection.call(&call)?;
        if is_no_object(&reply) {
            return Ok(());
        }
        match reply.body()?.string().ok_or_else(malformed)? {
            NOTHING => Ok(()),
            prompt => self.complete(prompt),
        }
    }

    /// Completes a change for which the service has made a prompt. `KeePassXC` does so for every change, and shows nothing
    /// unless its settings ask for a confirmation. Where the keyring is locked a prompt would be a window, so none is made.
    fn complete(&mut self, prompt: &str) -> Result<(), KeyringError> {
        self.confirm_unlocked()?;
        let interface = "org.freedesktop.Secret.Prompt";
        let mut rule = Encoder::default();
        rule.string(&format!("type='signal',interface='{interface}',member='Completed',path='{prompt}'"));
        let (bus, path) = ("org.freedesktop.DBus", "/org/freedesktop/DBus");
        let add = MethodCall { destination: bus, path, interface: bus, member: "AddMatch", signature: "s", body: rule };
        self.connection.call(&add)?.body()?;
        let mut window = Encoder::default();
        window.string("");
        self.connection.call(&method(prompt, interface, "Prompt", "s", window))?.body()?;
        let is_dismissed = self.connection.signal(prompt)?.body()?.u32().ok_or_else(malformed)? != 0;
        if is_dismissed { Err(KeyringError::Locked) } else { Ok(()) }
    }

    /// Makes sure that nothing was found because nothing is there. A locked collection may hide what it has, as that of
    /// `KeePassXC` does.
    fn confirm_absent(&mut self, items: &Items) -> Result<(), KeyringError> {
        if !items.locked.is_empty() {
            return Err(KeyringError::Locked);
        }
        self.confirm_unlocked()
    }

    fn confirm_unlocked(&mut self) -> Result<(), KeyringError> {
        let call = property(DEFAULT_COLLECTION, "org.freedesktop.Secret.Collection", "Locked");
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

fn property<'m>(path: &'m str, interface: &str, name: &str) -> MethodCall<'m> {
    let mut body = Encoder::default();
    body.string(interface);
    body.string(name);
    method(path, "org.freedesktop.DBus.Properties", "Get", "ss", body)
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
