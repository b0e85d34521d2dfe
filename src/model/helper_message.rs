//! `HelperMessage`: a JSON message of the credential helper protocol, parsed as Go's `encoding/json` parses it.

use std::fmt;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::{Secret, Username};

/// A server address, a user name and a secret, each of which may be missing.
///
/// Go's `encoding/json` accepts field names in any case and ignores unknown fields. If a field occurs twice, the last
/// value is used. Fields with the value `null` are ignored. Text after the object is also ignored.
#[derive(Debug, Default)]
pub(crate) struct HelperMessage {
    pub(crate) server_url: String,
    pub(crate) username: String,
    pub(crate) secret: Option<Secret>,
}

impl HelperMessage {
    /// Writes a message on one line.
    #[expect(clippy::disallowed_methods, reason = "the message contains the secret")]
    pub(crate) fn json_line(server_url: &str, username: &Username, secret: &Secret) -> Secret {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Message<'a> {
            #[serde(rename = "ServerURL")]
            server_url: &'a str,
            username: &'a str,
            secret: &'a str,
        }
        let message = Message { server_url, username: username.as_str(), secret: secret.expose() };
        Secret::json_line(&message, server_url.len() + message.username.len() + message.secret.len())
    }

    /// Reads a client's message. An error contains only a line number, because the message contains a secret.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, usize> {
        let message = Option::<Self>::deserialize(&mut serde_json::Deserializer::from_slice(bytes));
        message.map(Option::unwrap_or_default).map_err(|error| error.line())
    }

    /// Reads a helper's answer. Some helpers, such as docker-credential-acr-env, print a line of text before the JSON.
    pub(crate) fn read_answer(bytes: &[u8]) -> Option<Self> {
        let starts_line = |at: usize| bytes[..at].iter().rev().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
        let braces = || bytes.iter().enumerate().filter(|(_, byte)| **byte == b'{').map(|(at, _)| at);
        let start = braces().find(|at| matches!(starts_line(*at), None | Some(b'\n'))).or_else(|| braces().next())?;
        Self::read(&bytes[start..]).ok()
    }
}

impl<'de> Deserialize<'de> for HelperMessage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HelperMessageVisitor;
        impl<'de> Visitor<'de> for HelperMessageVisitor {
            type Value = HelperMessage;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<HelperMessage, A::Error> {
                let mut message = HelperMessage::default();
                while let Some(name) = map.next_key::<String>()? {
                    match folded(&name).as_str() {
                        "serverurl" => set(&mut message.server_url, map.next_value()?),
                        "username" => set(&mut message.username, map.next_value()?),
                        "secret" => {
                            let secret = map.next_value::<Option<String>>()?.map(Secret::new);
                            message.secret = secret.or(message.secret);
                        }
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(message)
            }
        }
        deserializer.deserialize_map(HelperMessageVisitor)
    }
}

/// Folds case as Go does. Go treats two characters outside ASCII as `s` and `k` (`encoding/json/fold.go`).
fn folded(name: &str) -> String {
    name.replace('\u{17f}', "s").replace('\u{212a}', "k").to_ascii_lowercase()
}

fn set(field: &mut String, value: Option<String>) {
    if let Some(value) = value {
        *field = value;
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests compare their own secrets")]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_go_reads_them() {
        for (text, expected) in [
            (r#"{"ServerURL": "h", "Username": "u", "Secret": "s"}"#, Some("h u s")),
            (r#"{"serverurl": "h", "USERNAME": "u", "secret": "s"}"#, Some("h u s")),
            ("{\"\u{17f}ecret\": \"s\", \"Username\": \"u\"}", Some(" u s")),
            (r#"{"Username": "a", "username": "u", "Secret": "s", "Secret": null}"#, Some(" u s")),
            (r#"{"Username": "u", "Secret": "s", "Extra": {"Secret": 1}} and more"#, Some(" u s")),
            ("using profile {x}\n {\"Username\": \"u\", \"Secret\": \"s\"}\n", Some(" u s")),
            ("note: {\"Username\": \"u\", \"Secret\": \"s\"}", Some(" u s")),
            (r#"{"Username": "u"}"#, Some(" u ")),
            ("{}", Some("  ")),
            (r#"{"Username": "u", "Secret": 1}"#, None),
            ("[]", None),
            ("", None),
        ] {
            let read = HelperMessage::read_answer(text.as_bytes());
            let read = read.map(|message| {
                let secret = message.secret.as_ref().map_or("", Secret::expose);
                format!("{} {} {secret}", message.server_url, message.username)
            });
            assert_eq!(read.as_deref(), expected, "{text}");
        }
        assert_eq!(HelperMessage::read(b"null").unwrap().username, "");
        assert_eq!(HelperMessage::read(b"{\n1").unwrap_err(), 2);
    }
}
