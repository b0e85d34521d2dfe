//! Reads the response of an identity provider, which is a JSON object or a form. The body is read whatever the status
//! is.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::model::{LoginLife, Secret};
use crate::system::http::HttpResponse;
use crate::system::text::one_line;

/// The fields of a response as text. Any field may contain a secret.
#[derive(Debug, Default)]
pub(super) struct ProviderResponse(BTreeMap<String, Secret>);

/// The usual names of the field with the registry's token.
const TOKEN_FIELDS: [&str; 3] = ["device_secret", "access_token", "token"];

/// Ten years in seconds. A longer lifetime is treated as unlimited.
const LONGEST_LIFE: i64 = 10 * 365 * 24 * 60 * 60;

impl ProviderResponse {
    /// Reads the fields of the body. Returns no fields if the body has another format or was too long.
    #[expect(clippy::disallowed_methods, reason = "takes the fields out of the body")]
    pub(super) fn read(response: &HttpResponse) -> Self {
        let Some(body) = &response.body else { return Self::default() };
        let body = body.expose().trim();
        Self(match serde_json::from_str::<Map<String, Value>>(body) {
            Ok(fields) => fields.into_iter().filter_map(|(name, value)| Some((name, scalar(value)?))).collect(),
            Err(_) if body.starts_with(['{', '[', '<', '"']) => BTreeMap::new(),
            // GitHub sends a form in response to a request without an `Accept` header (cli/oauth `api/form.go`).
            Err(_) => body.split('&').filter_map(|pair| pair.split_once('=')).map(decoded).collect(),
        })
    }

    /// Returns the text of a field, or `None` if the field is missing or empty.
    #[expect(clippy::disallowed_methods, reason = "callers print no field that contains a secret")]
    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.0.get(field).map(Secret::expose).filter(|text| !text.is_empty())
    }

    pub(super) fn secret(&self, field: &str) -> Option<Secret> {
        self.0.get(field).filter(|secret| secret.is_one_line()).map(Secret::copy)
    }

    /// Returns the registry's token from the configured field. Without a configured field, tries the usual names.
    pub(super) fn token(&self, field: Option<&str>) -> Option<Secret> {
        match field {
            Some(field) => self.secret(field),
            None => TOKEN_FIELDS.iter().find_map(|field| self.secret(field)),
        }
    }

    /// Returns a field as a number, even if the field is a string.
    pub(super) fn number(&self, field: &str) -> Option<i64> {
        let text = self.text(field)?.trim();
        #[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and the callers bound the number")]
        text.parse().ok().or_else(|| Some(text.parse::<f64>().ok()? as i64))
    }

    /// Returns the token's lifetime from `expires_in`, or `None` if the field has no valid lifetime.
    pub(super) fn life(&self) -> Option<Duration> {
        self.span("expires_in")
    }

    /// Returns the lifetime of the refresh token. No standard defines a field for the refresh token's lifetime, so the
    /// fields of GitHub's apps, Entra and Keycloak are read.
    pub(super) fn login_life(&self, now: SystemTime) -> Option<LoginLife> {
        let life = self.span("refresh_token_expires_in").or_else(|| self.span("refresh_expires_in"))?;
        Some(LoginLife { since: now, expires_at: now.checked_add(life)? })
    }

    /// Reads a lifetime in seconds. Returns `None` for zero, because Keycloak sends zero for an unlimited lifetime.
    fn span(&self, field: &str) -> Option<Duration> {
        let seconds = self.number(field).filter(|seconds| (1..=LONGEST_LIFE).contains(seconds))?;
        u64::try_from(seconds).ok().map(Duration::from_secs)
    }

    /// Returns the server's description of the error, followed by the error's code. Without a description, returns only
    /// the code.
    pub(super) fn reason(&self, code: &str) -> String {
        let code = one_line(code, 60);
        match self.text("error_description").or_else(|| self.text("message")) {
            Some(description) => format!("{} ({code})", one_line(description, 200).trim_end_matches('.')),
            None => format!("`{code}`"),
        }
    }
}

/// Tells whether the response is JSON or a form, in which a provider states an error. A provider may omit the media
/// type.
pub(super) fn is_json_or_form(response: &HttpResponse) -> bool {
    let media_type = response.content_type.as_deref().map(|text| text.split(';').next().unwrap_or_default().trim());
    media_type.map(str::to_ascii_lowercase).is_none_or(|media_type| {
        media_type.ends_with("/json")
            || media_type.ends_with("+json")
            || media_type == "application/x-www-form-urlencoded"
    })
}

fn scalar(value: Value) -> Option<Secret> {
    match value {
        Value::String(text) => Some(Secret::new(text)),
        Value::Number(number) => Some(Secret::new(number.to_string())),
        _ => None,
    }
}

fn decoded((name, value): (&str, &str)) -> (String, Secret) {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    (decode(name), Secret::new(decode(value)))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::oauth) fn response(status: u16, body: &str) -> HttpResponse {
        let body = Some(Secret::new(body.to_owned()));
        HttpResponse { status, body, ..HttpResponse::default() }
    }

    #[test]
    fn fields_are_read_out_of_json_and_forms() {
        for (body, error, interval) in [
            (r#"{"error": "slow_down", "interval": 10}"#, Some("slow_down"), Some(10)),
            (r#"{"error": "slow_down", "interval": "10"}"#, Some("slow_down"), Some(10)),
            (r#" {"error": "", "interval": 2.9}"#, None, Some(2)),
            (r#"{"error": {"code": 1}, "interval": null}"#, None, None),
            (r#"{"interval": -3}"#, None, Some(-3)),
            (r#"{"interval": 1e300}"#, None, Some(i64::MAX)),
            ("error=slow_down&interval=10", Some("slow_down"), Some(10)),
            ("error=slow%5Fdown&x=a+b%", Some("slow_down"), None),
            ("<html><a href='?error=slow_down'>", None, None),
            ("[1]", None, None),
            ("{", None, None),
            ("", None, None),
        ] {
            let answer = ProviderResponse::read(&response(200, body));
            assert_eq!((answer.text("error"), answer.number("interval")), (error, interval), "{body}");
        }
    }

    #[test]
    fn an_error_is_told_in_the_servers_words_on_one_line() {
        for (body, reason) in [
            (r#"{"error_description": "The device was denied."}"#, "The device was denied (x)"),
            (r#"{"message": "a\nb"}"#, "a b (x)"),
            ("{}", "`x`"),
        ] {
            assert_eq!(ProviderResponse::read(&response(400, body)).reason("x"), reason, "{body}");
        }
    }

    #[test]
    fn a_life_is_bounded() {
        for (text, life) in [("7200", Some(7200)), ("0", None), ("-5", None), ("99999999999", None), ("soon", None)] {
            let answer = ProviderResponse::read(&response(200, &format!("expires_in={text}")));
            assert_eq!(answer.life(), life.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn a_logins_life_has_a_name_with_each_provider() {
        let now = SystemTime::UNIX_EPOCH;
        for (body, life) in [
            (r#"{"expires_in": 28800, "refresh_token_expires_in": 15811200}"#, Some(15_811_200)),
            ("refresh_token_expires_in=15811200", Some(15_811_200)),
            (r#"{"refresh_expires_in": 1800}"#, Some(1800)),
            (r#"{"refresh_expires_in": 0}"#, None),
            (r#"{"refresh_token_expires_in": "soon"}"#, None),
            (r#"{"expires_in": 60}"#, None),
        ] {
            let found = ProviderResponse::read(&response(200, body)).login_life(now);
            let expected = life.map(|life| LoginLife { since: now, expires_at: now + Duration::from_secs(life) });
            assert_eq!(found, expected, "{body}");
        }
    }
}
