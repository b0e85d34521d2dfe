//! D-Bus messages as bytes: how a call is written and a reply is read (D-Bus Specification, "Message Protocol").

use zeroize::Zeroizing;

use super::KeyringError;
use crate::system::text::one_line;

/// The part of a message that tells how long the rest is.
pub(super) const FIXED_PART: usize = 16;

const METHOD_CALL: u8 = 1;
const METHOD_RETURN: u8 = 2;
const ERROR: u8 = 3;
const SIGNAL: u8 = 4;

const PATH: u8 = 1;
const INTERFACE: u8 = 2;
const MEMBER: u8 = 3;
const ERROR_NAME: u8 = 4;
const REPLY_SERIAL: u8 = 5;
const DESTINATION: u8 = 6;
const SIGNATURE: u8 = 8;

/// A method to call.
pub(in super::super) struct MethodCall<'m> {
    pub(in super::super) destination: &'m str,
    pub(in super::super) path: &'m str,
    pub(in super::super) interface: &'m str,
    pub(in super::super) member: &'m str,
    /// The types of the arguments in `body`.
    pub(in super::super) signature: &'m str,
    pub(in super::super) body: Encoder,
}

/// A message that came: a reply, an error, a signal, or what nobody asked for.
pub(in super::super) struct Received {
    pub(super) reply_to: Option<u32>,
    /// The object that sent a signal.
    pub(super) signal_of: Option<String>,
    error: Option<String>,
    is_little_endian: bool,
    body: Zeroizing<Vec<u8>>,
}

/// The first call of every connection.
pub(super) fn hello() -> MethodCall<'static> {
    let bus = "org.freedesktop.DBus";
    let body = Encoder::default();
    MethodCall { destination: bus, path: "/org/freedesktop/DBus", interface: bus, member: "Hello", signature: "", body }
}

/// How long a message is in all, by its first bytes.
pub(super) fn length(fixed: &[u8]) -> Option<usize> {
    let mut decoder = Decoder::of_message(fixed)?;
    decoder.take(3)?;
    let body = usize::try_from(decoder.u32()?).ok()?;
    decoder.u32()?;
    let fields = usize::try_from(decoder.u32()?).ok()?;
    FIXED_PART.checked_add(fields)?.checked_next_multiple_of(8)?.checked_add(body)
}

impl MethodCall<'_> {
    pub(super) fn to_bytes(&self, serial: u32) -> Zeroizing<Vec<u8>> {
        let mut message = Encoder::with_capacity(256 + self.body.as_bytes().len());
        message.0.extend_from_slice(&[b'l', METHOD_CALL, 0, 1]);
        message.u32(u32::try_from(self.body.as_bytes().len()).unwrap_or(u32::MAX));
        message.u32(serial);
        message.array(8, |message| {
            for (code, kind, value) in [
                (PATH, "o", self.path),
                (INTERFACE, "s", self.interface),
                (MEMBER, "s", self.member),
                (DESTINATION, "s", self.destination),
            ] {
                message.align(8);
                message.byte(code);
                message.signature(kind);
                message.string(value);
            }
            if !self.signature.is_empty() {
                message.align(8);
                message.byte(SIGNATURE);
                message.signature("g");
                message.signature(self.signature);
            }
        });
        message.align(8);
        message.0.extend_from_slice(self.body.as_bytes());
        message.0
    }
}

impl Received {
    /// Takes a whole message apart; `None` if it is none.
    pub(super) fn parse(message: &[u8]) -> Option<Self> {
        let mut decoder = Decoder::of_message(message)?;
        let is_little_endian = decoder.is_little_endian;
        let kind = *decoder.take(3)?.first()?;
        let body = usize::try_from(decoder.u32()?).ok()?;
        decoder.u32()?;
        let (mut reply_to, mut error, mut signal_of) = (None, None, None);
        let end = decoder.array(8)?;
        while decoder.at < end {
            decoder.align(8)?;
            let code = *decoder.take(1)?.first()?;
            match (code, decoder.signature()?) {
                (REPLY_SERIAL, "u") => reply_to = Some(decoder.u32()?),
                (PATH, "o") if kind == SIGNAL => signal_of = Some(decoder.string()?.to_owned()),
                (ERROR_NAME, "s") => error = Some(one_line(decoder.string()?, 100)),
                (_, "u") => drop(decoder.u32()?),
                (_, "s" | "o") => drop(decoder.string()?),
                (_, "g") => drop(decoder.signature()?),
                _ => return None,
            }
        }
        decoder.align(8)?;
        match kind {
            METHOD_RETURN | SIGNAL => error = None,
            ERROR => drop(error.as_ref()?),
            _ => reply_to = None,
        }
        reply_to = reply_to.filter(|_| kind != SIGNAL);
        let body = Zeroizing::new(decoder.take(body)?.to_vec());
        Some(Self { reply_to, signal_of, error, is_little_endian, body })
    }

    /// What a method returned, or a signal says.
    pub(in super::super) fn body(&self) -> Result<Decoder<'_>, KeyringError> {
        match &self.error {
            Some(name) => Err(error_named(name)),
            None => Ok(Decoder { bytes: &self.body, at: 0, is_little_endian: self.is_little_endian }),
        }
    }

    /// The name of the error that came in place of a return.
    pub(in super::super) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }
}

/// What an error means for us, by its name.
fn error_named(name: &str) -> KeyringError {
    match name.strip_prefix("org.freedesktop.DBus.Error.").unwrap_or(name) {
        "org.freedesktop.Secret.Error.IsLocked" => KeyringError::Locked,
        // The bus starts the service if it knows one, which may fail in many ways.
        "ServiceUnknown" | "NameHasNoOwner" | "UnknownInterface" | "UnknownMethod" | "UnknownObject" => {
            KeyringError::Missing("there is no Secret Service".into())
        }
        start if start.starts_with("Spawn.") => KeyringError::Missing("the Secret Service could not be started".into()),
        "AccessDenied" | "AuthFailed" => KeyringError::Missing("the session bus refuses access".into()),
        "Timeout" | "TimedOut" => KeyringError::TimedOut,
        _ => KeyringError::Failed(name.to_owned()),
    }
}

/// Writes values in D-Bus's own layout. What it holds is wiped.
#[derive(Default)]
pub(in super::super) struct Encoder(Zeroizing<Vec<u8>>);

impl Encoder {
    /// With room for all that will be written: a vector that grows leaves copies behind.
    pub(in super::super) fn with_capacity(bytes: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(bytes)))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn byte(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(in super::super) fn u32(&mut self, value: u32) {
        self.align(4);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(in super::super) fn boolean(&mut self, value: bool) {
        self.u32(value.into());
    }

    /// A string or the path of an object.
    pub(in super::super) fn string(&mut self, text: &str) {
        self.bytes(text.as_bytes());
        self.0.push(0);
    }

    /// An array of bytes.
    pub(in super::super) fn bytes(&mut self, bytes: &[u8]) {
        self.u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        self.0.extend_from_slice(bytes);
    }

    pub(in super::super) fn signature(&mut self, text: &str) {
        self.0.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(0);
    }

    /// An array whose elements are aligned to so many bytes.
    pub(in super::super) fn array(&mut self, alignment: usize, elements: impl FnOnce(&mut Self)) {
        self.u32(0);
        let place = self.0.len();
        self.align(alignment);
        let start = self.0.len();
        elements(self);
        let length = u32::try_from(self.0.len() - start).unwrap_or(u32::MAX);
        self.0[place - 4..place].copy_from_slice(&length.to_le_bytes());
    }

    /// A dictionary from strings to strings.
    pub(in super::super) fn strings(&mut self, pairs: &[(&str, &str)]) {
        self.array(8, |body| {
            for (key, value) in pairs {
                body.align(8);
                body.string(key);
                body.string(value);
            }
        });
    }

    /// To the next multiple, where a structure or the entry of a dictionary starts.
    pub(in super::super) fn align(&mut self, alignment: usize) {
        let length = self.0.len().next_multiple_of(alignment);
        self.0.resize(length, 0);
    }
}

/// Reads values in D-Bus's own layout; `None` where they are not there.
pub(in super::super) struct Decoder<'b> {
    bytes: &'b [u8],
    at: usize,
    is_little_endian: bool,
}

impl<'b> Decoder<'b> {
    /// Behind the first byte of a message, which tells the order of the others.
    fn of_message(bytes: &'b [u8]) -> Option<Self> {
        let is_little_endian = match bytes.first()? {
            b'l' => true,
            b'B' => false,
            _ => return None,
        };
        Some(Self { bytes, at: 1, is_little_endian })
    }

    pub(in super::super) fn u32(&mut self) -> Option<u32> {
        self.align(4)?;
        let bytes = self.take(4)?.try_into().ok()?;
        Some(if self.is_little_endian { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    /// A string or the path of an object.
    pub(in super::super) fn string(&mut self) -> Option<&'b str> {
        let length = usize::try_from(self.u32()?).ok()?;
        self.text(length)
    }

    pub(in super::super) fn signature(&mut self) -> Option<&'b str> {
        let length = usize::from(*self.take(1)?.first()?);
        self.text(length)
    }

    /// An array of bytes.
    pub(in super::super) fn byte_array(&mut self) -> Option<&'b [u8]> {
        let length = usize::try_from(self.u32()?).ok()?;
        self.take(length)
    }

    /// An array of strings or of the paths of objects.
    pub(in super::super) fn string_array(&mut self) -> Option<Vec<String>> {
        let end = self.array(4)?;
        let mut found = vec![];
        while self.at < end {
            found.push(self.string()?.to_owned());
        }
        Some(found)
    }

    /// A dictionary from strings to strings.
    pub(in super::super) fn string_pairs(&mut self) -> Option<Vec<(String, String)>> {
        let end = self.array(8)?;
        let mut found = vec![];
        while self.at < end {
            self.align(8)?;
            found.push((self.string()?.to_owned(), self.string()?.to_owned()));
        }
        Some(found)
    }

    /// Where the elements of an array end.
    fn array(&mut self, alignment: usize) -> Option<usize> {
        let length = usize::try_from(self.u32()?).ok()?;
        self.align(alignment)?;
        self.at.checked_add(length).filter(|end| *end <= self.bytes.len())
    }

    fn text(&mut self, length: usize) -> Option<&'b str> {
        let text = self.take(length)?;
        (*self.take(1)? == [0]).then_some(std::str::from_utf8(text).ok()?)
    }

    pub(in super::super) fn align(&mut self, alignment: usize) -> Option<()> {
        let padding = self.at.next_multiple_of(alignment) - self.at;
        self.take(padding).map(drop)
    }

    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(taken)
    }
}
