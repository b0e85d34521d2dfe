//! The connection against buses that misbehave; real ones are in `tests/e2e/keyring`.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::address::Socket;
use super::*;
use crate::system::threads;

/// A bus that reads what comes first, says `lines` one after the other, and stays silent or goes.
fn with_bus(says: Vec<Vec<u8>>, is_patient: bool, deadline: Duration) -> Result<Vec<String>, KeyringError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bus");
    let listener = UnixListener::bind(&path).unwrap();
    threads::start(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut ignored = [0; 4096];
        let _ = stream.read(&mut ignored).unwrap();
        for part in says {
            let _ = stream.write_all(&part); // who has heard enough may be gone
        }
        while is_patient && stream.read(&mut ignored).is_ok_and(|read| read > 0) {}
    })
    .unwrap();
    let mut body = Encoder::default();
    body.string("default");
    let call = MethodCall { destination: "a.b", path: "/a", interface: "a.b", member: "Ask", signature: "s", body };
    let sockets = [Socket::Path("/there/is/none".into()), Socket::Path(path)];
    let (mut connection, first) = Connection::open_at(&sockets, &[call], Instant::now() + deadline)?;
    let reply = connection.reply(first)?;
    reply.body()?.string_array().ok_or_else(malformed)
}

/// A message as a bus would send it: its kind, what it replies to, the error's name, its arguments.
fn message(kind: u8, reply_to: u32, error: &str, body: &Encoder) -> Vec<u8> {
    let mut message = Encoder::with_capacity(256);
    for byte in [b'l', kind, 1, 1] {
        message.byte(byte);
    }
    message.u32(u32::try_from(body.as_bytes().len()).unwrap());
    message.u32(7);
    message.array(8, |fields| {
        fields.align(8);
        fields.byte(5);
        fields.signature("u");
        fields.u32(reply_to);
        if !error.is_empty() {
            fields.align(8);
            fields.byte(4);
            fields.signature("s");
            fields.string(error);
        }
        fields.align(8);
        fields.byte(7);
        fields.signature("s");
        fields.string(":1.2");
    });
    message.align(8);
    [message.as_bytes(), body.as_bytes()].concat()
}

fn strings(texts: &[&str]) -> Encoder {
    let mut body = Encoder::with_capacity(256);
    body.array(4, |body| texts.iter().for_each(|text| body.string(text)));
    body
}

#[test]
fn every_bus_has_an_answer_or_an_error_of_its_own() {
    let ok = || b"OK 0123456789abcdef\r\n".to_vec();
    let nothing = Encoder::default();
    let hello = || message(2, 1, "", &strings(&[":1.1"]));
    let failing = |name: &str| vec![ok(), hello(), message(3, 2, name, &nothing)];
    let closed = KeyringError::Failed("the session bus closed the connection".into());
    let none = |reason: &str| KeyringError::Missing(reason.into());
    let found = |texts: &[&str]| Ok(texts.iter().map(|text| (*text).to_owned()).collect());
    for (name, says, stays, expected) in [
        ("in order", vec![ok(), hello(), message(2, 2, "", &strings(&["/1", "/two"]))], true, found(&["/1", "/two"])),
        ("nothing found", vec![ok(), hello(), message(2, 2, "", &strings(&[]))], true, found(&[])),
        (
            "signals and replies to others between them",
            vec![
                ok(),
                message(2, 2, "", &strings(&["/early"])),
                hello(),
                message(4, 2, "", &nothing),
                message(2, 9, "", &strings(&["/no"])),
            ],
            true,
            found(&["/early"]),
        ),
        ("refuses", vec![b"REJECTED EXTERNAL\r\n".to_vec()], false, Err(none("the session bus is another user's"))),
        ("says nothing", vec![], true, Err(KeyringError::TimedOut)),
        ("says nothing more", vec![ok(), hello()], true, Err(KeyringError::TimedOut)),
        ("stops within a message", vec![ok(), hello()[..20].to_vec()], true, Err(KeyringError::TimedOut)),
        ("goes at once", vec![], false, Err(closed.clone())),
        ("goes after the login", vec![ok()], false, Err(closed.clone())),
        ("goes within a message", vec![ok(), hello()[..20].to_vec()], false, Err(closed)),
        (
            "speaks something else",
            vec![b"HTTP/1.1 400 Bad Request\r\n".to_vec()],
            true,
            Err(none("the session bus is another user's")),
        ),
        ("speaks without end", vec![vec![b'x'; 100_000]], true, Err(malformed())),
        ("sends no message", vec![ok(), vec![b'x'; 100]], true, Err(malformed())),
        (
            "sends too much",
            vec![ok(), message(2, 1, "", &strings(&["x".repeat(9 << 20).as_str()]))],
            true,
            Err(malformed()),
        ),
        (
            "no service",
            failing("org.freedesktop.DBus.Error.ServiceUnknown"),
            true,
            Err(none("there is no Secret Service")),
        ),
        (
            "a service that does not start",
            failing("org.freedesktop.DBus.Error.Spawn.ChildExited"),
            true,
            Err(none("the Secret Service could not be started")),
        ),
        (
            "a service that starts slowly",
            failing("org.freedesktop.DBus.Error.TimedOut"),
            true,
            Err(KeyringError::TimedOut),
        ),
        ("locked", failing("org.freedesktop.Secret.Error.IsLocked"), true, Err(KeyringError::Locked)),
        ("another error", failing("org.example.Error"), true, Err(KeyringError::Failed("org.example.Error".into()))),
    ] {
        let started = Instant::now();
        // A bus that answers gets all the time that a busy machine may need.
        let patience = if expected == Err(KeyringError::TimedOut) { 300 } else { 20_000 };
        assert_eq!(with_bus(says, stays, Duration::from_millis(patience)), expected, "{name}");
        assert!(started.elapsed() < Duration::from_secs(15), "{name}");
    }
}

#[test]
fn a_bus_that_takes_nobody_on_is_slow_and_none_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bus");
    let ends = Instant::now() + Duration::from_secs(20);
    let sockets = [Socket::Path(path.clone())];
    let missing = KeyringError::Missing("there is no session bus".into());
    assert_eq!(Connection::open_at(&[], &[], ends).map(drop), Err(missing.clone()));
    assert_eq!(Connection::open_at(&sockets, &[], ends).map(drop), Err(missing.clone()), "no file");
    let listener = UnixListener::bind(&path).unwrap();
    let mut waiting = vec![];
    let full = loop {
        match connect(&sockets[0]) {
            Ok(stream) => waiting.push(stream),
            Err(error) => break error,
        }
        assert!(waiting.len() < 10_000);
    };
    assert_eq!(full, KeyringError::TimedOut, "its queue is full");
    drop((listener, waiting));
    assert_eq!(Connection::open_at(&sockets, &[], ends).map(drop), Err(missing), "nobody listens");
}

proptest! {
    #[test]
    fn no_message_is_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), start in any::<bool>()) {
        let mut bytes = bytes;
        if start && bytes.len() > 16 {
            bytes[..4].copy_from_slice(b"l\x02\x00\x01");
            bytes[13..16].fill(0);
        }
        let received = wire::length(&bytes).and_then(|_| Received::parse(&bytes));
        if let Some(Ok(mut body)) = received.as_ref().map(Received::body) {
            let _ = (body.string_array(), body.string_pairs(), body.byte_array(), body.signature(), body.u32());
        }
    }

    #[test]
    fn what_is_written_is_read(texts in proptest::collection::vec("[^\0]{0,20}", 0..8), bytes in any::<Vec<u8>>()) {
        let pairs: Vec<_> = texts.iter().map(|text| (text.as_str(), "value")).collect();
        let mut body = Encoder::default();
        body.strings(&pairs);
        body.bytes(&bytes);
        body.array(4, |body| texts.iter().for_each(|text| body.string(text)));
        let received = Received::parse(&message(2, 1, "", &body)).unwrap();
        let mut read = received.body().unwrap();
        let expected: Vec<_> = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        prop_assert_eq!(read.string_pairs().unwrap(), expected);
        prop_assert_eq!(read.byte_array().unwrap(), &bytes[..]);
        prop_assert_eq!(read.string_array().unwrap(), texts);
    }
}
