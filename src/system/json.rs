//! `JsonString`: a string in a JSON document, which borrows from the document if possible.

use std::borrow::Cow;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

/// A string is copied only if it contains an escape. Serde would copy every string for a field of type `Cow`.
#[derive(Deserialize, Serialize)]
pub(crate) struct JsonString<'a>(#[serde(borrow)] Cow<'a, str>);

impl Deref for JsonString<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<String> for JsonString<'_> {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}
