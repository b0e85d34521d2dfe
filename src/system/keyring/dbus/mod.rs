//! A connection to the session bus that blocks until a deadline and leaves no copy of what it carried.
//!
//! Written here because a D-Bus library costs more than its use: ARCHITECTURE.md has the figures.

mod address;
#[cfg(test)]
mod tests;
mod wire;

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use zeroize::Zeroizing;

use super::KeyringError;
pub(super) use wire::{Decoder, Encoder, MethodCall, Received};

/// A longer message is not read.
const LIMIT: usize = 8 << 20;
/// Replies to other calls that are kept until they are asked for.
const STASHED_AT_MOST: usize = 16;
const FIRST_READ: usize = 4 << 10;

pub(super) struct Connection {
    stream: UnixStream,
    ends: Instant,
    /// What has arrived and was not taken yet, from `start` on.
    arrived: Zeroizing<Vec<u8>>,
    start: usize,
    length: usize,
    last_serial: u32,
    stash: Vec<Received>,
}

impl Connection {
    /// Connects to the first bus that answers and sends `calls` along with the login, which saves two waits.
    /// Returns the serial number of the first of them; the others follow.
    pub(super) fn open(calls: &[MethodCall<'_>], ends: Instant) -> Result<(Self, u32), KeyringError> {
        Self::open_at(&address::session_bus(), calls, ends)
    }

    fn open_at(
        addresses: &[address::Socket],
        calls: &[MethodCall<'_>],
        ends: Instant,
    ) -> Result<(Self, u32), KeyringError> {
        let mut error = KeyringError::Missing("there is no session bus".into());
        let mut connected = None;
        for socket in addresses {
            match connect(socket) {
                Ok(stream) => connected = Some(stream),
                Err(refused) => error = refused,
            }
            if connected.is_some() {
                break;
            }
        }
        let stream = connected.ok_or(error)?;
        let arrived = Zeroizing::new(vec![0; FIRST_READ]);
        let mut connection = Self { stream, ends, arrived, start: 0, length: 0, last_serial: 0, stash: vec![] };
        let user = rustix::process::geteuid().as_raw().to_string();
        let user: String = user.chars().flat_map(|digit| ['3', digit]).collect(); // each digit's code, in hex
        let mut login = format!("\0AUTH EXTERNAL {user}\r\nBEGIN\r\n").into_bytes();
        let hello = wire::hello();
        let (bytes, first) = connection.encode(std::iter::once(&hello).chain(calls));
        login.extend_from_slice(&bytes);
        connection.write(&login)?;
        if !connection.line()?.starts_with(b"OK ") {
            return Err(KeyringError::Missing("the session bus is another user's".into()));
        }
        connection.reply(first)?.body()?;
        Ok((connection, first + 1))
    }

    /// Sends a call and waits for what comes back.
    pub(super) fn call(&mut self, call: &MethodCall<'_>) -> Result<Received, KeyringError> {
        let (bytes, serial) = self.encode(std::iter::once(call));
        self.write(&bytes)?;
        self.reply(serial)
    }

    /// Waits for the reply to the call with this number. Signals and other people's messages are passed over.
    pub(super) fn reply(&mut self, serial: u32) -> Result<Received, KeyringError> {
        if let Some(place) = self.stash.iter().position(|received| received.reply_to == Some(serial)) {
            return Ok(self.stash.swap_remove(place));
        }
        loop {
            let received = self.message()?;
            if received.reply_to == Some(serial) {
                return Ok(received);
            }
            if received.reply_to.is_some_and(|other| other > serial) && self.stash.len() < STASHED_AT_MOST {
                self.stash.push(received);
            }
        }
    }

    /// Waits for the next signal of this object. The bus sends those that a match rule asks for.
    pub(super) fn signal(&mut self, path: &str) -> Result<Received, KeyringError> {
        loop {
            let received = self.message()?;
            if received.signal_of.as_deref() == Some(path) {
                return Ok(received);
            }
        }
    }

    fn encode<'c>(&mut self, calls: impl Iterator<Item = &'c MethodCall<'c>>) -> (Zeroizing<Vec<u8>>, u32) {
        let first = self.last_serial + 1;
        let mut messages = vec![];
        for call in calls {
            self.last_serial += 1;
            messages.push(call.to_bytes(self.last_serial));
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(messages.iter().map(|message| message.len()).sum()));
        for message in &messages {
            bytes.extend_from_slice(message);
        }
        (bytes, first)
    }

    fn message(&mut self) -> Result<Received, KeyringError> {
        let length = wire::length(self.at_least(wire::FIXED_PART)?).filter(|length| *length <= LIMIT);
        let length = length.ok_or_else(malformed)?;
        let received = Received::parse(&self.at_least(length)?[..length]).ok_or_else(malformed)?;
        self.start += length;
        Ok(received)
    }

    /// One line of the login, without its end.
    fn line(&mut self) -> Result<Vec<u8>, KeyringError> {
        for wanted in 1..512 {
            let line = self.at_least(wanted)?;
            if let Some(end) = line.windows(2).position(|two| two == b"\r\n") {
                let line = line[..end].to_vec();
                self.start += end + 2;
                return Ok(line);
            }
        }
        Err(malformed())
    }

    /// All that has arrived, once it is so many bytes.
    fn at_least(&mut self, wanted: usize) -> Result<&[u8], KeyringError> {
        if self.start + wanted > self.arrived.len() {
            // A vector that grows would leave its first part in freed memory.
            let mut larger = Zeroizing::new(vec![0; wanted.max(FIRST_READ)]);
            larger[..self.length - self.start].copy_from_slice(&self.arrived[self.start..self.length]);
            (self.length, self.start, self.arrived) = (self.length - self.start, 0, larger);
        }
        while self.length - self.start < wanted {
            self.stream.set_read_timeout(Some(left(self.ends)?)).map_err(|error| failed(&error))?;
            match self.stream.read(&mut self.arrived[self.length..]) {
                Ok(0) => return Err(KeyringError::Failed("the session bus closed the connection".into())),
                Ok(read) => self.length += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(&error)),
            }
        }
        Ok(&self.arrived[self.start..self.length])
    }

    fn write(&mut self, mut bytes: &[u8]) -> Result<(), KeyringError> {
        while !bytes.is_empty() {
            self.stream.set_write_timeout(Some(left(self.ends)?)).map_err(|error| failed(&error))?;
            match self.stream.write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(&error)),
            }
        }
        Ok(())
    }
}

/// Connects without waiting: a bus that takes nobody on is too slow for us. A bus of another user is refused, since it
/// would be given our secrets.
fn connect(socket: &address::Socket) -> Result<UnixStream, KeyringError> {
    let missing = |errno: Errno| match errno {
        Errno::AGAIN => KeyringError::TimedOut,
        _ => KeyringError::Missing("there is no session bus".into()),
    };
    let address = match socket {
        address::Socket::Path(path) => SocketAddrUnix::new(path.as_path()),
        #[cfg(target_os = "linux")]
        address::Socket::Abstract(name) => SocketAddrUnix::new_abstract_name(name),
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let handle = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).map_err(missing)?;
    net::connect(&handle, &address.map_err(missing)?).map_err(missing)?;
    #[cfg(target_os = "linux")]
    if net::sockopt::socket_peercred(&handle).map_err(missing)?.uid != rustix::process::geteuid() {
        return Err(KeyringError::Missing("the session bus is another user's".into()));
    }
    let stream = UnixStream::from(handle);
    stream.set_nonblocking(false).map_err(|error| failed(&error))?;
    Ok(stream)
}

fn left(ends: Instant) -> Result<Duration, KeyringError> {
    ends.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()).ok_or(KeyringError::TimedOut)
}

fn failed(error: &io::Error) -> KeyringError {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => KeyringError::TimedOut,
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => {
            KeyringError::Failed("the session bus closed the connection".into())
        }
        _ => KeyringError::Failed(error.to_string()),
    }
}

pub(super) fn malformed() -> KeyringError {
    KeyringError::Failed("its answer is not understood".into())
}
