//! `JsonString`: a string of a JSON document, read where it lies.

use std::borrow::Cow;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

/// A copy only where the document writes it with an escape. Serde copies every `Cow` that stands for itself.
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
