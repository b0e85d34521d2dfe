//! Where the session bus is: `DBUS_SESSION_BUS_ADDRESS`, else the socket that a login session has.

use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use crate::system::env;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Socket {
    Path(PathBuf),
    #[cfg(target_os = "linux")]
    Abstract(Vec<u8>),
}

/// The sockets in the order in which they are to be tried. A project's file may have named one, as any client reads it;
/// but only a bus of our own user is spoken to.
pub(super) fn session_bus() -> Vec<Socket> {
    if let Some(text) = env::present("DBUS_SESSION_BUS_ADDRESS") {
        return parse(text.as_bytes());
    }
    let folder = env::present("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_absolute());
    folder.map(|folder| Socket::Path(folder.join("bus"))).into_iter().collect()
}

/// `unix:path=/run/user/1000/bus,guid=…;unix:abstract=/tmp/…`. Other ways to a bus, such as TCP, are passed over.
fn parse(text: &[u8]) -> Vec<Socket> {
    text.split(|byte| *byte == b';').filter_map(socket).collect()
}

fn socket(address: &[u8]) -> Option<Socket> {
    let mut parts = address.strip_prefix(b"unix:")?.split(|byte| *byte == b',');
    parts.find_map(|part| {
        if let Some(path) = part.strip_prefix(b"path=") {
            let path = PathBuf::from(std::ffi::OsString::from_vec(unescape(path)?));
            return path.is_absolute().then_some(Socket::Path(path));
        }
        #[cfg(target_os = "linux")]
        if let Some(name) = part.strip_prefix(b"abstract=") {
            return unescape(name).map(Socket::Abstract);
        }
        None
    })
}

/// `%2c` is a comma.
fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut rest = text.iter();
    let mut bytes = Vec::with_capacity(text.len());
    while let Some(&byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [*rest.next()?, *rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_libdbus_reads_them() {
        let path = |path: &str| Socket::Path(path.into());
        for (text, sockets) in [
            ("unix:path=/run/user/1000/bus", vec![path("/run/user/1000/bus")]),
            ("unix:guid=0123,path=/a%2cb", vec![path("/a,b")]),
            ("tcp:host=localhost,port=1;unix:path=/b;", vec![path("/b")]),
            ("unix:path=/a;unix:path=/b", vec![path("/a"), path("/b")]),
            ("unix:path=bus", vec![]),
            ("unix:path=/a%2", vec![]),
            ("unix:path=/a%zz", vec![]),
            ("unix:tmpdir=/tmp", vec![]),
            ("unixexec:path=/bin/sh", vec![]),
            ("autolaunch:", vec![]),
            ("/run/user/1000/bus", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(parse(text.as_bytes()), sockets, "{text}");
        }
        #[cfg(target_os = "linux")]
        assert_eq!(parse(b"unix:abstract=/tmp/dbus-x,guid=1"), [Socket::Abstract(b"/tmp/dbus-x".to_vec())]);
    }
}
