//! Reads the claims of a JSON web token (RFC 7519). The claims are not verified, because checking the token's signature
//! is the server's task.

use std::time::SystemTime;

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::{Secret, timestamp};

const PADDED_OR_NOT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Returns the claims of a token; `None` if the token is not a JWT.
#[expect(clippy::disallowed_methods, reason = "reads the claims in the token")]
pub(crate) fn claims(token: &Secret) -> Option<Value> {
    let parts: Vec<_> = token.expose().split('.').collect();
    let [_, payload, _] = parts[..] else { return None };
    serde_json::from_slice(&PADDED_OR_NOT.decode(payload).ok()?).ok()
}

/// Returns the expiry that a JWT or a password of Amazon ECR contains; `None` for any other secret.
pub(crate) fn end_of(secret: &Secret) -> Option<SystemTime> {
    claims(secret).and_then(|claims| expiry(&claims)).or_else(|| ecr_end_of(secret))
}

/// Returns the expiry of an ECR password. The password is the Base64 of
/// `{"payload":…,"datakey":…,"version":"2","type":"DATA_KEY","expiration":1700000000}`.
#[expect(clippy::disallowed_methods, reason = "reads the expiry in the password")]
fn ecr_end_of(secret: &Secret) -> Option<SystemTime> {
    let text = secret.expose();
    if !text.starts_with("ey") {
        return None; // the Base64 of `{"` begins with `ey`
    }
    let fields: Value = serde_json::from_slice(&BASE64_STANDARD.decode(text).ok()?).ok()?;
    fields.get("datakey")?;
    timestamp::from_number(fields.get("expiration")?)
}

/// Returns the token's expiry (`exp`, RFC 7519 section 4.1.4), in whole seconds.
pub(crate) fn expiry(claims: &Value) -> Option<SystemTime> {
    timestamp::from_number(claims.get("exp")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    fn token(payload: &str) -> Secret {
        Secret::new(format!("e30.{}.x", BASE64_URL_SAFE_NO_PAD.encode(payload)))
    }

    #[test]
    fn a_token_tells_when_it_ends() {
        for (payload, seconds) in [
            (r#"{"exp": 1700000000}"#, Some(1_700_000_000)),
            (r#"{"exp": 1700000000.9}"#, Some(1_700_000_000)),
            (r#"{"exp": -1}"#, None),
            (r#"{"exp": 1e300}"#, None),
            (r#"{"exp": "soon"}"#, None),
            ("{}", None),
        ] {
            let exp = expiry(&claims(&token(payload)).unwrap());
            let expected = seconds.map(|seconds| SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds));
            assert_eq!(exp, expected, "{payload}");
        }
    }

    #[test]
    fn a_password_of_ecr_tells_when_it_ends() {
        for (text, seconds) in [
            (
                r#"{"payload":"p","datakey":"d","version":"2","type":"DATA_KEY","expiration":1700000000}"#,
                Some(1_700_000_000),
            ),
            (r#"{"payload":"p","datakey":"d","version":"2","type":"DATA_KEY"}"#, None),
            (r#"{"expiration":1700000000}"#, None),
            ("opaque", None),
        ] {
            let end = end_of(&Secret::new(BASE64_STANDARD.encode(text)));
            let expected = seconds.map(|seconds| SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds));
            assert_eq!(end, expected, "{text}");
        }
        assert!(end_of(&token(r#"{"exp": 1700000000}"#)).is_some());
    }

    #[test]
    fn other_tokens_are_opaque() {
        for token in ["", "opaque", "a.b", "a.b.c.d", "e30.%%%.x", "..", "v2.local.x"] {
            assert!(claims(&Secret::new(token.to_owned())).is_none(), "{token}");
        }
    }
}
