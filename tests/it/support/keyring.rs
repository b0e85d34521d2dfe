//! A Secret Service on its own bus, for tests that run on machines without one. `tests/e2e` tests real keyrings.
#![allow(clippy::used_underscore_binding, reason = "zbus's generated code uses all arguments")]

use std::collections::{BTreeMap, HashMap};
use std::future::pending;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use zbus::connection::Builder;
use zbus::{Guid, ObjectPath, OwnedObjectPath, OwnedVariant, Variant, interface};

/// The items of the keyring, shared with the test.
pub type Items = Arc<Mutex<Vec<Item>>>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub attributes: Vec<(String, String)>,
    pub secret: String,
    pub is_locked: bool,
}

/// How the keyring answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Open,
    Locked,
    /// Accepts calls but answers none.
    Silent,
}

/// Starts a keyring with a socket in this folder. Returns the address for `DBUS_SESSION_BUS_ADDRESS`.
pub fn start(folder: &Path, items: &Items, mood: Mood) -> String {
    let path = folder.join("bus");
    let _ = std::fs::remove_file(&path);
    let (listener, items) = (UnixListener::bind(&path).unwrap(), Arc::clone(items));
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let items = Arc::clone(&items);
            std::thread::spawn(move || zbus::block_on(serve(stream, items, mood)));
        }
    });
    format!("unix:path={}", path.display())
}

impl Item {
    /// Returns an item as docker-credential-secretservice writes it.
    pub fn of_docker(server: &str, username: &str, secret: &str) -> Self {
        let attributes = [
            ("docker_cli", "1"),
            ("label", "Docker Credentials"),
            ("server", server),
            ("username", username),
            ("xdg:schema", "io.docker.Credentials"),
        ];
        let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Self { attributes, secret: secret.to_owned(), is_locked: false }
    }

    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// More items than any test has. An unused place has no attributes.
const MOST_ITEMS: usize = 16;

async fn serve(stream: UnixStream, items: Items, mood: Mood) -> zbus::Result<()> {
    let keyring = Keyring { items, mood };
    let mut builder = Builder::unix_stream(stream).server(Guid::generate()).p2p();
    builder = builder.serve_at("/org/freedesktop/DBus", Bus);
    builder = builder.serve_at("/org/freedesktop/secrets", Service(keyring.clone()));
    builder = builder.serve_at("/org/freedesktop/secrets/aliases/default", Collection(keyring.clone()));
    for place in 0..MOST_ITEMS {
        builder = builder.serve_at(path(place), Entry(keyring.clone(), place));
    }
    builder.build().await?.closed().await;
    Ok(())
}

#[derive(Clone)]
struct Keyring {
    items: Items,
    mood: Mood,
}

impl Keyring {
    /// Returns the items. A silent keyring never returns.
    async fn items(&self) -> MutexGuard<'_, Vec<Item>> {
        if self.mood == Mood::Silent {
            pending::<()>().await;
        }
        self.items.lock().unwrap()
    }
}

/// A secret of the Secret Service: the session's path, parameters, value, content type.
type Secret = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

fn path(place: usize) -> OwnedObjectPath {
    ObjectPath::try_from(format!("/i/{place}")).unwrap().into()
}

fn root() -> OwnedObjectPath {
    ObjectPath::try_from("/").unwrap().into()
}

struct Bus;

#[interface(name = "org.freedesktop.DBus")]
impl Bus {
    fn hello(&self) -> String {
        ":1.1".to_owned()
    }
}

struct Service(Keyring);

#[interface(name = "org.freedesktop.Secret.Service")]
impl Service {
    async fn open_session(&self, _algorithm: String, _input: OwnedVariant) -> (Variant<'static>, OwnedObjectPath) {
        drop(self.0.items().await);
        (Variant::from(""), ObjectPath::try_from("/session").unwrap().into())
    }

    async fn search_items(&self, wanted: HashMap<String, String>) -> (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) {
        let items = self.0.items().await;
        let is_found = |item: &Item| wanted.iter().all(|(name, value)| item.attribute(name) == value);
        let found = items.iter().enumerate().filter(|(_, item)| is_found(item));
        let (locked, unlocked): (Vec<_>, Vec<_>) =
            found.partition(|(_, item)| item.is_locked || self.0.mood == Mood::Locked);
        let paths = |items: Vec<(usize, &Item)>| items.into_iter().map(|(place, _)| path(place)).collect();
        (paths(unlocked), paths(locked))
    }
}

struct Collection(Keyring);

#[interface(name = "org.freedesktop.Secret.Collection")]
impl Collection {
    async fn create_item(
        &self,
        mut properties: HashMap<String, OwnedVariant>,
        secret: Secret,
        _replace: bool,
    ) -> (OwnedObjectPath, OwnedObjectPath) {
        let mut items = self.0.items().await;
        let attributes = properties.remove("org.freedesktop.Secret.Item.Attributes").unwrap();
        let attributes: HashMap<String, String> = attributes.try_into().unwrap();
        let attributes = BTreeMap::from_iter(attributes).into_iter().collect();
        items.push(Item { attributes, secret: String::from_utf8(secret.2).unwrap(), is_locked: false });
        (path(items.len() - 1), root())
    }

    #[zbus(property)]
    async fn locked(&self) -> bool {
        drop(self.0.items().await);
        self.0.mood == Mood::Locked
    }
}

struct Entry(Keyring, usize);

#[interface(name = "org.freedesktop.Secret.Item")]
impl Entry {
    async fn get_secret(&self, session: OwnedObjectPath) -> (Secret,) {
        let value = self.0.items().await[self.1].secret.clone();
        ((session, vec![], value.into_bytes(), "text/plain".to_owned()),)
    }

    async fn set_secret(&self, secret: Secret) {
        self.0.items().await[self.1].secret = String::from_utf8(secret.2).unwrap();
    }

    /// Removes the attributes only, so that the other items keep their indexes.
    async fn delete(&self) -> OwnedObjectPath {
        self.0.items().await[self.1].attributes.clear();
        root()
    }

    #[zbus(property)]
    async fn attributes(&self) -> HashMap<String, String> {
        let items = self.0.items().await;
        items.get(self.1).map(|item| item.attributes.iter().cloned().collect()).unwrap_or_default()
    }
}
