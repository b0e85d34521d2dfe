//! Reads the error texts in a registry's response (distribution `docs/content/spec/api.md`, «Errors»). The texts are
//! only shown to people. Decisions depend only on the status of the response.

use std::fmt;

use serde_json::Value;

use crate::system::text::one_line;

/// An error from the body of a response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ApiError {
    /// The error code, such as `DENIED` or `MANIFEST_UNKNOWN`.
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) detail: Option<String>,
}

/// The largest number of errors that are shown to a person.
const MOST: usize = 20;

/// Reads the errors in a body. Returns an empty list if the body has no readable text.
pub(crate) fn parse(body: &[u8]) -> Vec<ApiError> {
    let Ok(whole) = serde_json::from_slice::<Value>(body) else { return plain(body).into_iter().collect() };
    match whole.get("errors") {
        Some(Value::Array(errors)) => errors.iter().take(MOST).filter_map(error).collect(),
        other => error(other.unwrap_or(&whole)).into_iter().collect(),
    }
}

/// Token servers put the message in `details` or `error_description`, and registries in `message`.
fn error(value: &Value) -> Option<ApiError> {
    let Value::Object(fields) = value else {
        return text(value).map(ApiError::from_message);
    };
    let field = |names: &[&str]| names.iter().find_map(|name| text(fields.get(*name)?));
    let code = field(&["code", "error"]);
    let message = field(&["message", "error_description", "details"]);
    let detail = field(&["detail"]).filter(|detail| Some(detail) != message.as_ref());
    (code.is_some() || message.is_some() || detail.is_some()).then_some(ApiError { code, message, detail })
}

/// Returns the text of a string, or the JSON of any other value, on one line.
fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let line = one_line(&text, 300);
    (!line.is_empty() && line != "{}" && line != "[]").then_some(line)
}

/// Reads a body in plain text, but ignores a web page.
fn plain(body: &[u8]) -> Option<ApiError> {
    let words = std::str::from_utf8(body).ok()?.trim();
    let message = one_line(words, 200).trim().to_owned();
    (!message.is_empty() && !words.starts_with('<')).then(|| ApiError::from_message(message))
}

impl ApiError {
    fn from_message(message: String) -> Self {
        Self { message: Some(message), ..Self::default() }
    }
}

/// Prints, for example, `DENIED: requested access to the resource is denied (detail)`.
impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<&str> = [&self.code, &self.message].into_iter().flatten().map(String::as_str).collect();
        f.write_str(&parts.join(": "))?;
        match &self.detail {
            Some(detail) if parts.is_empty() => f.write_str(detail),
            Some(detail) => write!(f, " ({detail})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_printed_as_code_message_and_detail() {
        for (body, expected) in [
            (
                r#"{"errors":[{"code":"DENIED","message":"requested access to the resource is denied","detail":null}]}"#,
                "DENIED: requested access to the resource is denied",
            ),
            (
                r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{"Tag":"1"}}]}"#,
                r#"MANIFEST_UNKNOWN: manifest unknown ({"Tag":"1"})"#,
            ),
            (
                r#"{"errors":[{"code":"UNAUTHORIZED","message":"m","detail":[{"Type":"repository"}]},{"code":"X","detail":"d"}]}"#,
                r#"UNAUTHORIZED: m ([{"Type":"repository"}])|X (d)"#,
            ),
            (r#"{"errors":[{"detail":"only this"}]}"#, "only this"),
            (r#"{"errors":[{"code":"A","message":"","detail":{}}]}"#, "A"),
        ] {
            assert_eq!(shown(body.as_bytes()), expected);
        }
    }

    #[test]
    fn what_is_not_of_that_form_is_not_lost() {
        for (body, expected) in [
            (r#"{"errors":[{"code":"OUR_OWN_CODE","message":"m"}]}"#, "OUR_OWN_CODE: m"),
            (r#"{"errors":[{"code":7,"message":{"a":1},"detail":5}]}"#, r#"7: {"a":1} (5)"#),
            (r#"{"errors":["quota exceeded"]}"#, "quota exceeded"),
            (r#"{"errors":"quota exceeded"}"#, "quota exceeded"),
            (r#"{"error":"invalid_request","error_description":"no scope"}"#, "invalid_request: no scope"),
            (r#"{"details":"incorrect username or password"}"#, "incorrect username or password"),
            (r#"{"message":"slow down"}"#, "slow down"),
            ("404 page not found\n", "404 page not found"),
            ("\"just a text\"", "just a text"),
            ("<html><body>Bad Gateway</body></html>", ""),
            (r#"{"errors":[]}"#, ""),
            (r#"{"errors":[null, {}]}"#, ""),
            ("{}", ""),
            ("", ""),
            ("\u{1b}[31mred\nline", "[31mred line"),
        ] {
            assert_eq!(shown(body.as_bytes()), expected, "{body}");
        }
        assert_eq!(shown(&[0xff, 0xfe]), "");
        assert_eq!(parse(format!("[{}1]", "1,".repeat(5)).as_bytes()).len(), 1);
    }

    fn shown(body: &[u8]) -> String {
        parse(body).iter().map(ToString::to_string).collect::<Vec<_>>().join("|")
    }
}
