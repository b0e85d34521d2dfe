//! A Secret Service on a bus of its own, for tests that must run where there is none. The real ones are in `tests/e2e`.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// What the keyring holds, shared with the test.
pub type Items = Arc<Mutex<Vec<Item>>>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub attributes: Vec<(String, String)>,
    pub secret: String,
    pub is_locked: bool,
}

/// How the keyring behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Open,
    Locked,
    /// It takes calls and answers none.
    Silent,
}

/// Starts one whose socket is in this folder; returns the address for `DBUS_SESSION_BUS_ADDRESS`.
pub fn start(folder: &Path, items: &Items, mood: Mood) -> String {
    let path = folder.join("bus");
    let _ = std::fs::remove_file(&path);
    let (listener, items) = (UnixListener::bind(&path).unwrap(), Arc::clone(items));
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let items = Arc::clone(&items);
            std::thread::spawn(move || serve(stream, &items, mood));
        }
    });
    format!("unix:path={}", path.display())
}

impl Item {
    /// As docker-credential-secretservice writes it.
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

fn serve(mut stream: UnixStream, items: &Items, mood: Mood) {
    let mut arrived = Vec::new();
    let mut is_greeted = false;
    let mut chunk = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut chunk) {
        arrived.extend_from_slice(&chunk[..read]);
        if !is_greeted {
            let Some(end) = find(&arrived, b"BEGIN\r\n") else { continue };
            arrived.drain(..end + 7);
            stream.write_all(b"OK 0123456789abcdef0123456789abcdef\r\n").unwrap();
            is_greeted = true;
        }
        while let Some(call) = Call::take(&mut arrived) {
            if mood == Mood::Silent && call.member != "Hello" {
                continue;
            }
            let reply = answer(&call, items, mood == Mood::Locked);
            if stream.write_all(&reply.message(call.serial)).is_err() {
                return;
            }
        }
    }
}

fn answer(call: &Call, items: &Items, is_locked: bool) -> Bytes {
    let mut items = items.lock().unwrap();
    let place = call.path.strip_prefix("/i/").and_then(|place| place.parse::<usize>().ok());
    let mut body = Reader { bytes: &call.body, at: 0 };
    let mut reply = Bytes::default();
    match call.member.as_str() {
        "Hello" => reply.string(":1.1"),
        "OpenSession" => {
            reply.signature("s");
            reply.string("");
            reply.string("/session");
        }
        "SearchItems" => {
            let wanted = body.pairs();
            let is_found = |item: &Item| wanted.iter().all(|pair| item.attributes.contains(pair));
            for locked in [false, true] {
                let found = items.iter().enumerate().filter(|(_, item)| is_found(item));
                let found = found.filter(|(_, item)| (is_locked || item.is_locked) == locked);
                let paths: Vec<_> = found.map(|(place, _)| format!("/i/{place}")).collect();
                reply.array(4, |reply| paths.iter().for_each(|path| reply.string(path)));
            }
        }
        "Get" => {
            body.string();
            if body.string() == "Locked" {
                reply.signature("b");
                reply.u32(is_locked.into());
            } else {
                reply.signature("a{ss}");
                reply.pairs(&items[place.unwrap()].attributes);
            }
        }
        "GetSecret" => {
            reply.string("/session");
            reply.u32(0);
            let secret = &items[place.unwrap()].secret;
            reply.u32(secret.len().try_into().unwrap());
            reply.0.extend_from_slice(secret.as_bytes());
            reply.string("text/plain");
        }
        "SetSecret" => items[place.unwrap()].secret = body.secret(),
        "Delete" => {
            // The places of the others stay.
            items[place.unwrap()].attributes.clear();
            reply.string("/");
        }
        "CreateItem" => {
            let end = body.array(8);
            let mut attributes = vec![];
            while body.at < end {
                body.align(8);
                match (body.string(), body.signature()) {
                    (_, signature) if signature == "s" => drop(body.string()),
                    _ => attributes = body.pairs(),
                }
            }
            attributes.sort();
            items.push(Item { attributes, secret: body.secret(), is_locked: false });
            reply.string(&format!("/i/{}", items.len() - 1));
            reply.string("/");
        }
        other => panic!("the keyring is asked for {other}"),
    }
    reply
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

struct Call {
    serial: u32,
    path: String,
    member: String,
    body: Vec<u8>,
}

impl Call {
    fn take(arrived: &mut Vec<u8>) -> Option<Self> {
        if arrived.len() < 16 {
            return None;
        }
        let mut header = Reader { bytes: arrived, at: 4 };
        let (length, serial) = (header.u32() as usize, header.u32());
        let fields = header.u32() as usize;
        let start = (16 + fields).next_multiple_of(8);
        if arrived.len() < start + length {
            return None;
        }
        let (mut path, mut member) = (String::new(), String::new());
        while header.at < 16 + fields {
            header.align(8);
            let code = header.bytes[header.at];
            header.at += 1;
            let kind = header.signature();
            let value = if kind == "g" { header.signature() } else { header.string() };
            match code {
                1 => path = value,
                3 => member = value,
                _ => {}
            }
        }
        let body = arrived[start..start + length].to_vec();
        arrived.drain(..start + length);
        Some(Self { serial, path, member, body })
    }
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Reader<'_> {
    fn align(&mut self, to: usize) {
        self.at = self.at.next_multiple_of(to);
    }

    fn u32(&mut self) -> u32 {
        self.align(4);
        self.at += 4;
        u32::from_le_bytes(self.bytes[self.at - 4..self.at].try_into().unwrap())
    }

    fn text(&mut self, length: usize) -> String {
        let text = String::from_utf8(self.bytes[self.at..self.at + length].to_vec()).unwrap();
        self.at += length;
        text
    }

    fn string(&mut self) -> String {
        let length = self.u32() as usize;
        let text = self.text(length);
        self.at += 1;
        text
    }

    fn signature(&mut self) -> String {
        self.at += 1;
        let text = self.text(self.bytes[self.at - 1].into());
        self.at += 1;
        text
    }

    fn array(&mut self, alignment: usize) -> usize {
        let length = self.u32() as usize;
        self.align(alignment);
        self.at + length
    }

    fn pairs(&mut self) -> Vec<(String, String)> {
        let end = self.array(8);
        let mut pairs = vec![];
        while self.at < end {
            self.align(8);
            pairs.push((self.string(), self.string()));
        }
        pairs
    }

    /// The value in session, parameters, value and content type.
    fn secret(&mut self) -> String {
        self.align(8);
        self.string();
        let parameters = self.u32() as usize;
        self.at += parameters;
        let length = self.u32() as usize;
        let secret = self.text(length);
        self.string();
        secret
    }
}

#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn align(&mut self, to: usize) {
        self.0.resize(self.0.len().next_multiple_of(to), 0);
    }

    fn u32(&mut self, value: u32) {
        self.align(4);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn string(&mut self, text: &str) {
        self.u32(text.len().try_into().unwrap());
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(0);
    }

    fn signature(&mut self, text: &str) {
        self.0.push(text.len().try_into().unwrap());
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(0);
    }

    fn array(&mut self, alignment: usize, elements: impl FnOnce(&mut Self)) {
        self.u32(0);
        let place = self.0.len();
        self.align(alignment);
        let start = self.0.len();
        elements(self);
        let length = u32::try_from(self.0.len() - start).unwrap();
        self.0[place - 4..place].copy_from_slice(&length.to_le_bytes());
    }

    fn pairs(&mut self, pairs: &[(String, String)]) {
        self.array(8, |reply| {
            for (key, value) in pairs {
                reply.align(8);
                reply.string(key);
                reply.string(value);
            }
        });
    }

    /// The reply to a call, with these arguments.
    fn message(&self, reply_to: u32) -> Vec<u8> {
        let mut message = Self(vec![b'l', 2, 1, 1]);
        message.u32(self.0.len().try_into().unwrap());
        message.u32(1);
        message.array(8, |fields| {
            fields.align(8);
            fields.0.push(5);
            fields.signature("u");
            fields.u32(reply_to);
        });
        message.align(8);
        message.0.extend_from_slice(&self.0);
        message.0
    }
}
