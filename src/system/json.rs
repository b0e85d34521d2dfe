//! Reads parts of a JSON document: a string, which borrows from the document if possible, the version, and the text
//! without its byte order mark.

use std::borrow::Cow;
use std::ops::Deref;

use serde::Deserialize;

/// A string that is copied only if it contains an escape. For a field of type `Cow`, Serde copies every string.
#[derive(Deserialize)]
pub(crate) struct JsonString<'a>(#[serde(borrow)] Cow<'a, str>);

impl Deref for JsonString<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Reads only the field `version` of a document, because this Ensign may be unable to read the other fields of a newer
/// version. Returns `None` if the document is broken or has no version.
pub(crate) fn version(bytes: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct FormatVersion {
        version: u64,
    }
    serde_json::from_slice(without_mark(bytes)).ok().map(|FormatVersion { version }| version)
}

/// Removes the byte order mark that PowerShell and some editors write at the start of a file.
pub(crate) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)
}
