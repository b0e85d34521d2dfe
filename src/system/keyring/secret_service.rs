//! Stores secrets in the keyring of Linux, the Secret Service, which GNOME Keyring, `KWallet`, `KeePassXC` and others
//! provide.
//!
//! Secrets are sent over the session bus unencrypted. Only the bus's own user can watch the bus, and this user could
//! ask for the secret anyway. The specification is <https://specifications.freedesktop.org/secret-service-spec/0.2/>.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use futures_core::Stream;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zbus::connection::Builder;
use zbus::fdo::Error as BusError;
use zbus::{Connection, DynamicType, MatchRule, MessageStream, OwnedObjectPath, OwnedVariant, Type, Variant};
use zeroize::Zeroizing;

use super::{DOCKER_LABEL, DockerLogin, DockerLogins, KeyringEntry, KeyringError, by_deadline};
use crate::model::Secret;
use crate::system::env;

const SERVICE: &str = "org.freedesktop.secrets";
const ROOT: &str = "/org/freedesktop/secrets";
const DEFAULT_COLLECTION: &str = "/org/freedesktop/secrets/aliases/default";
const ITEM: &str = "org.freedesktop.Secret.Item";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const PROMPT: &str = "org.freedesktop.Secret.Prompt";
/// The path that means "no object". For example, the service returns this path if no prompt is needed.
const NOTHING: &str = "/";
/// The schema for entries without a schema of their own. Programs that use libsecret search for this schema.
const SCHEMA: &str = "org.freedesktop.Secret.Generic";

/// The attributes that Docker's helper adds to each item, in addition to the server and the user.
const DOCKER_MARKS: [(&str, &str); 2] = [("label", DOCKER_LABEL), ("docker_cli", "1")];

/// The names and values of the attributes that identify an item in a search.
type ItemAttributes = HashMap<String, String>;

pub(crate) fn read(entry: KeyringEntry<'_>, deadline: Duration) -> Result<Option<Secret>, KeyringError> {
    let wanted = attributes(entry);
    ask(deadline, async move || {
        let (session, items) = ServiceSession::search(&wanted).await?;
        match items.unlocked.first() {
            Some(item) => session.secret(item).await,
            None => session.confirm_absent(&items).await.map(|()| None),
        }
    })
}

#[expect(clippy::disallowed_methods, reason = "gives the secret to the keyring, over a socket of the same user")]
pub(crate) fn write(
    entry: KeyringEntry<'_>,
    label: &str,
    secret: &Secret,
    deadline: Duration,
) -> Result<(), KeyringError> {
    let (label, value) = (label.to_owned(), Zeroizing::new(secret.expose().as_bytes().to_vec()));
    let wanted = attributes(entry);
    ask(deadline, async move || {
        let (session, items) = ServiceSession::search(&wanted).await?;
        let secret = (&session.path, &[] as &[u8], value.as_slice(), "text/plain");
        // `CreateItem` could replace an item, but `KeePassXC` would ask a person to confirm the replacement.
        if let Some(item) = items.unlocked.first() {
            let replaced: Option<()> = session.call(item, ITEM, "SetSecret", &(secret,)).await?;
            return replaced.ok_or_else(malformed);
        }
        if !items.locked.is_empty() {
            return Err(KeyringError::Locked);
        }
        let mut attributes = wanted;
        attributes.insert("xdg:schema".into(), SCHEMA.into());
        let properties: HashMap<&str, Variant<'_>> = HashMap::from([
            ("org.freedesktop.Secret.Item.Label", Variant::from(label)),
            ("org.freedesktop.Secret.Item.Attributes", Variant::from(attributes)),
        ]);
        let made: Option<(OwnedObjectPath, OwnedObjectPath)> =
            session.call(DEFAULT_COLLECTION, COLLECTION, "CreateItem", &(properties, secret, true)).await?;
        match made.ok_or_else(no_collection)? {
            (item, prompt) if is_none(&item) && is_none(&prompt) => Err(malformed()),
            (_, prompt) => session.complete(&prompt).await,
        }
    })
}

pub(crate) fn delete(entry: KeyringEntry<'_>, deadline: Duration) -> Result<(), KeyringError> {
    delete_all(attributes(entry), deadline)
}

/// Returns the logins in the items of Docker's helper. `known` is not needed, because each item contains the whole
/// address.
pub(crate) fn docker_logins(_known: &[String], deadline: Duration) -> Result<DockerLogins, KeyringError> {
    ask(deadline, async || {
        let (session, items) = ServiceSession::search(&owned(&DOCKER_MARKS)).await?;
        let mut logins = vec![];
        for item in &items.unlocked {
            let mut attributes = session.attributes(item).await?;
            if let (Some(server), Some(username)) = (attributes.remove("server"), attributes.remove("username"))
                && let Some(secret) = session.secret(item).await?
            {
                logins.push(DockerLogin { server, username, secret });
            }
        }
        logins.sort_by(|first, other| (&first.server, &first.username).cmp(&(&other.server, &other.username)));
        let hidden = if logins.is_empty() { session.confirm_absent(&items).await } else { Ok(()) };
        match hidden {
            Err(KeyringError::Locked) => Ok(DockerLogins { logins, is_partly_locked: true }),
            Err(error) => Err(error),
            Ok(()) => Ok(DockerLogins { logins, is_partly_locked: !items.locked.is_empty() }),
        }
    })
}

pub(crate) fn delete_docker_login(server: &str, username: &str, deadline: Duration) -> Result<(), KeyringError> {
    let [label, mark] = DOCKER_MARKS;
    delete_all(owned(&[label, mark, ("server", server), ("username", username)]), deadline)
}

fn delete_all(wanted: ItemAttributes, deadline: Duration) -> Result<(), KeyringError> {
    ask(deadline, async move || {
        let (session, items) = ServiceSession::search(&wanted).await?;
        for item in &items.unlocked {
            session.delete(item).await?;
        }
        session.confirm_absent(&FoundItems { unlocked: vec![], locked: items.locked }).await
    })
}

/// Asks the service on a separate thread, because a bus may accept a connection and then never answer.
fn ask<T: Send + 'static, F: Future<Output = Result<T, KeyringError>>>(
    deadline: Duration,
    questions: impl FnOnce() -> F + Send + 'static,
) -> Result<T, KeyringError> {
    by_deadline(deadline, move || zbus::block_on(questions()))
}

/// Returns the attributes of an entry. Go's, Python's and Rust's keyring libraries use the same attribute names.
fn attributes(entry: KeyringEntry<'_>) -> ItemAttributes {
    owned(&[("service", entry.service), ("username", entry.account)])
}

fn owned(pairs: &[(&str, &str)]) -> ItemAttributes {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// An open session with the Secret Service.
struct ServiceSession {
    connection: Connection,
    path: OwnedObjectPath,
}

struct FoundItems {
    unlocked: Vec<OwnedObjectPath>,
    locked: Vec<OwnedObjectPath>,
}

impl ServiceSession {
    async fn open() -> Result<Self, KeyringError> {
        let connection = connect().await?;
        let root = OwnedObjectPath::try_from(NOTHING).map_err(|error| failed(&error))?;
        let mut session = Self { connection, path: root };
        let opened: Option<(OwnedVariant, OwnedObjectPath)> =
            session.call(ROOT, "org.freedesktop.Secret.Service", "OpenSession", &("plain", Variant::from(""))).await?;
        session.path = opened.ok_or_else(no_service)?.1;
        Ok(session)
    }

    async fn search(attributes: &ItemAttributes) -> Result<(Self, FoundItems), KeyringError> {
        let session = Self::open().await?;
        let found = session.call(ROOT, "org.freedesktop.Secret.Service", "SearchItems", &(attributes,)).await?;
        let (unlocked, locked) = found.ok_or_else(no_service)?;
        Ok((session, FoundItems { unlocked, locked }))
    }

    /// Returns the secret of an item; `None` if the item was removed after the search.
    async fn secret(&self, item: &OwnedObjectPath) -> Result<Option<Secret>, KeyringError> {
        type SecretReply = ((OwnedObjectPath, Vec<u8>, Vec<u8>, String),);
        let answer: Option<SecretReply> = self.call(item, ITEM, "GetSecret", &(&self.path,)).await?;
        answer.map(|((_, _, value, _),)| super::text(value)).transpose()
    }

    async fn attributes(&self, item: &OwnedObjectPath) -> Result<ItemAttributes, KeyringError> {
        let value = self.property(item, ITEM, "Attributes").await?;
        value.map_or_else(|| Ok(ItemAttributes::new()), |value| value.try_into().map_err(|error| failed(&error)))
    }

    async fn delete(&self, item: &OwnedObjectPath) -> Result<(), KeyringError> {
        let prompt: Option<(OwnedObjectPath,)> = self.call(item, ITEM, "Delete", &()).await?;
        match prompt {
            Some((prompt,)) => self.complete(&prompt).await,
            None => Ok(()),
        }
    }

    /// Completes a change for which the service returned a prompt. `KeePassXC` returns a prompt for every change, and
    /// shows the prompt only if its settings require confirmation. A locked keyring is an error, because its prompt
    /// would open a window.
    async fn complete(&self, prompt: &OwnedObjectPath) -> Result<(), KeyringError> {
        if is_none(prompt) {
            return Ok(());
        }
        self.confirm_unlocked().await?;
        let rule = MatchRule::builder().msg_type(zbus::message::Type::Signal).interface(PROMPT).member("Completed");
        let rule = rule.path(prompt).build().map_err(|error| meaning(&error))?;
        let stream = MessageStream::for_match_rule(rule, &self.connection, Some(std::num::NonZeroUsize::MIN)).await;
        let mut stream = pin!(stream.map_err(|error| meaning(&error))?);
        let asked: Option<()> = self.call(prompt, PROMPT, "Prompt", &("",)).await?;
        asked.ok_or_else(malformed)?;
        let completed = poll_fn(|context| stream.as_mut().poll_next(context)).await;
        let completed = completed.ok_or_else(malformed)?.map_err(|error| meaning(&error))?;
        let (is_dismissed, _): (bool, OwnedVariant) = completed.body().deserialize().map_err(|_| malformed())?;
        if is_dismissed { Err(KeyringError::Locked) } else { Ok(()) }
    }

    /// Fails if a locked collection may hide the entry, as a locked collection of `KeePassXC` does.
    async fn confirm_absent(&self, items: &FoundItems) -> Result<(), KeyringError> {
        if items.locked.is_empty() { self.confirm_unlocked().await } else { Err(KeyringError::Locked) }
    }

    async fn confirm_unlocked(&self) -> Result<(), KeyringError> {
        let is_locked = self.property(DEFAULT_COLLECTION, COLLECTION, "Locked").await?.ok_or_else(no_collection)?;
        match bool::try_from(is_locked) {
            Ok(false) => Ok(()),
            Ok(true) => Err(KeyringError::Locked),
            Err(error) => Err(failed(&error)),
        }
    }

    async fn property<'p, P>(&self, path: P, interface: &str, name: &str) -> Result<Option<OwnedVariant>, KeyringError>
    where
        P: TryInto<zbus::ObjectPath<'p>, Error: Into<zbus::Error>>,
    {
        let value = self.call(path, "org.freedesktop.DBus.Properties", "Get", &(interface, name)).await?;
        Ok(value.map(|(value,)| value))
    }

    /// Calls a method; `None` if the object does not exist.
    async fn call<'p, P, A>(
        &self,
        path: P,
        interface: &str,
        method: &str,
        body: &(impl Serialize + DynamicType),
    ) -> Result<Option<A>, KeyringError>
    where
        P: TryInto<zbus::ObjectPath<'p>, Error: Into<zbus::Error>>,
        A: DeserializeOwned + Type,
    {
        match self.connection.call_method(Some(SERVICE), path, Some(interface), method, body).await {
            Ok(reply) => reply.body().deserialize().map(Some).map_err(|_| malformed()),
            Err(error) if is_no_object(&error) => Ok(None),
            Err(error) => Err(meaning(&error)),
        }
    }
}

/// Connects to the session bus, if its socket belongs to Ensign's user. Another user's bus would get the secrets, and
/// the address of such a bus may come from a project's file.
async fn connect() -> Result<Connection, KeyringError> {
    let addresses = env::present("DBUS_SESSION_BUS_ADDRESS").and_then(|text| text.into_string().ok());
    let address = match addresses {
        Some(addresses) => addresses.split(';').find(|address| address.starts_with("unix:")).map(str::to_owned),
        None => env::present("XDG_RUNTIME_DIR")
            .map(std::path::PathBuf::from)
            .filter(|folder| folder.is_absolute())
            .map(|folder| format!("unix:path={}/bus", folder.display())),
    };
    let missing = || KeyringError::Missing("there is no session bus".into());
    let address = address.ok_or_else(missing)?;
    let connection = Builder::address(address.as_str()).build().await.map_err(|_| missing())?;
    let owner = connection.peer_creds().await.ok().and_then(|creds| creds.unix_user_id());
    if owner != Some(rustix::process::geteuid().as_raw()) {
        return Err(KeyringError::Missing("the session bus belongs to another user".into()));
    }
    Ok(connection)
}

fn is_none(object: &OwnedObjectPath) -> bool {
    object.as_str() == NOTHING
}

/// Tells whether the error means that the object does not exist. Services use several error names for this case.
fn is_no_object(error: &zbus::Error) -> bool {
    match error {
        zbus::Error::FDO(error) => {
            matches!(**error, BusError::UnknownObject(_) | BusError::UnknownMethod(_) | BusError::UnknownInterface(_))
        }
        zbus::Error::MethodError(name, ..) => name.as_str() == "org.freedesktop.Secret.Error.NoSuchObject",
        _ => false,
    }
}

fn meaning(error: &zbus::Error) -> KeyringError {
    match error {
        zbus::Error::FDO(error) => match &**error {
            BusError::ServiceUnknown(_) | BusError::NameHasNoOwner(_) => no_service(),
            BusError::NoReply(_) | BusError::Timeout(_) | BusError::TimedOut(_) => KeyringError::TimedOut,
            _ => failed(error),
        },
        zbus::Error::MethodError(name, ..) if name.as_str() == "org.freedesktop.Secret.Error.IsLocked" => {
            KeyringError::Locked
        }
        zbus::Error::InputOutput(_) => KeyringError::Failed("the session bus closed the connection".into()),
        _ => failed(error),
    }
}

fn failed(error: &dyn std::error::Error) -> KeyringError {
    KeyringError::Failed(error.to_string())
}

fn malformed() -> KeyringError {
    KeyringError::Failed("the answer is not valid".into())
}

fn no_service() -> KeyringError {
    KeyringError::Missing("no program offers the Secret Service".into())
}

fn no_collection() -> KeyringError {
    KeyringError::Missing("the Secret Service has no default collection".into())
}
