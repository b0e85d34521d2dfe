//! Reads the claims of a registry token that is a JWT (distribution `docs/content/spec/auth/jwt.md`). Ensign cannot
//! verify the claims, because only the registry can check the token's signature.

use serde::Deserialize;
use serde_json::Value;

use super::scope::{Permission, Scopes};
use crate::model::{Secret, jwt};

/// The claims of a registry token.
#[derive(Debug)]
pub(super) struct Claims {
    /// Whether the token is for an anonymous user.
    pub(super) anonymous: bool,
    granted: Scopes,
}

/// Returns `None` if the token is not a JWT, or has no `access` claim.
pub(super) fn read(token: &Secret) -> Option<Claims> {
    let claims = jwt::claims(token)?;
    let entries = match claims.get("access")? {
        Value::Array(entries) => entries.as_slice(),
        Value::Null => &[], // Go's empty list
        _ => return None,
    };
    // `(anonymous)` is Quay's name for an anonymous user. A token without `sub` may be for any user.
    let anonymous = claims.get("sub").and_then(Value::as_str).is_some_and(|sub| matches!(sub, "" | "(anonymous)"));
    Some(Claims { anonymous, granted: entries.iter().flat_map(permissions).collect() })
}

impl Claims {
    /// Tells whether the claims grant all `wanted` permissions. The operation `*` grants every operation, as in
    /// distribution's registry (`registry/auth/token/accesscontroller.go`).
    pub(super) fn allow(&self, wanted: &Scopes) -> bool {
        wanted.iter().all(|permission| {
            self.granted.holds(permission)
                || self.granted.holds(&Permission { operation: "*".to_owned(), ..permission.clone() })
        })
    }
}

#[derive(Deserialize)]
struct AccessEntry {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    actions: Vec<String>,
}

/// Returns the permissions in an entry of the `access` claim. An entry of another form grants nothing.
fn permissions(entry: &Value) -> Vec<Permission> {
    let Ok(AccessEntry { kind, name, actions }) = AccessEntry::deserialize(entry) else { return vec![] };
    let permission = |operation| Permission { kind: kind.clone(), name: name.clone(), operation };
    actions.into_iter().map(permission).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::scripted_server::jwt;

    fn shown(payload: &str) -> Option<(bool, bool)> {
        let wanted = Scopes::repository("a/b", &["pull", "push"]);
        let read = |token: String| {
            let claims = read(&Secret::new(token))?;
            Some((claims.allow(&wanted), claims.anonymous))
        };
        assert_eq!(read(jwt(payload)), read(jwt(payload).replace('=', "")), "with and without padding");
        read(jwt(payload))
    }

    #[test]
    fn a_token_tells_what_it_grants_and_to_whom() {
        for (payload, expected) in [
            (
                r#"{"sub":"alice","access":[{"type":"repository","name":"a/b","actions":["push","pull"]}]}"#,
                Some((true, false)),
            ),
            (r#"{"sub":"alice","access":[{"type":"repository","name":"a/b","actions":["*"]}]}"#, Some((true, false))),
            (
                r#"{"sub":"alice","access":[{"type":"repository","name":"a/b","actions":["pull"]}]}"#,
                Some((false, false)),
            ),
            (
                r#"{"sub":"alice","access":[{"type":"repository","name":"a/c","actions":["pull","push"]}]}"#,
                Some((false, false)),
            ),
            (
                r#"{"sub":"","access":[{"type":"repository","name":"a/b","actions":["pull","push"]}]}"#,
                Some((true, true)),
            ),
            (r#"{"sub":"(anonymous)","access":[]}"#, Some((false, true))),
            (r#"{"access":null}"#, Some((false, false))),
            (r#"{"sub":1,"access":[1,{"type":"repository","name":"a/b"},{"actions":["pull"]}]}"#, Some((false, false))),
            (r#"{"access":"all"}"#, None),
            (r#"{"sub":"alice"}"#, None),
            ("[]", None),
            ("{", None),
        ] {
            assert_eq!(shown(payload), expected, "{payload}");
        }
    }
}
