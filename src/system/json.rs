//! `JsonString`: a string of a JSON document, borrowed from it where possible.

use std::borrow::Cow;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

/// Only a string that contains an escape is copied. Serde would copy every bare `Cow`.
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
