//! Asking a token server (distribution `docs/content/spec/auth/token.md` and `oauth.md`).

use serde::Deserialize;

use super::{Verdict, odd, unverified};
use crate::model::{Credential, Secret};
use crate::system::http::{Authorization, Field, Request, Response, Url};

/// Asks without a scope, so that nothing is created or counted, and without `offline_token`: what the user typed is what
/// is stored. Some servers (Gitea's) have no `service`. An identity token is good for the `OAuth2` form alone.
pub(super) fn request<'a>(realm: Url, service: Option<&str>, credential: &'a Credential) -> Request<'a> {
    let mut words = vec![("client_id", "ensign".to_owned())];
    words.extend(service.map(|service| ("service", service.to_owned())));
    if credential.username.is_identity_token() {
        words.push(("grant_type", "refresh_token".to_owned()));
        let plain = words.into_iter().map(|(key, text)| (key, Field::Plain(text)));
        let form = plain.chain([("refresh_token", Field::Secret(&credential.secret))]).collect();
        return Request { url: realm, query: Vec::new(), authorization: Authorization::None, form };
    }
    words.push(("account", credential.username.to_string()));
    Request { url: realm, query: words, authorization: Authorization::Basic(credential), form: Vec::new() }
}

/// Takes the token out of an answer, or says what there is instead.
pub(super) fn read(server: &str, response: &Response) -> Result<Secret, Verdict> {
    let answer = response.body.as_ref().and_then(parse);
    let error = answer.as_ref().and_then(|answer| answer.error.as_deref());
    match response.status {
        200 => {
            let tokens = answer.map(|Answer { token, access_token, error: _ }| [token, access_token]);
            let token = tokens.into_iter().flatten().flatten().find(|token| !token.is_empty());
            token
                .map(Secret::new)
                .ok_or_else(|| unverified(format!("the token server `{server}` answered without a token")))
        }
        401 | 403 => Err(Verdict::Rejected { by: server.to_owned() }),
        400 if error == Some("invalid_grant") => Err(Verdict::Rejected { by: server.to_owned() }), // RFC 6749 section 5.2
        404 | 405 => Err(unverified(format!("the token server `{server}` does not take requests of this kind"))),
        status => Err(odd(server, status)),
    }
}

/// `token` and `access_token` mean the same.
#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
    error: Option<String>,
}

#[expect(clippy::disallowed_methods, reason = "the answer is kept as a secret until the token is taken out of it")]
fn parse(body: &Secret) -> Option<Answer> {
    serde_json::from_str(body.expose()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_server_gives_refuses_or_fails() {
        for (status, body, outcome) in [
            (200, r#"{"token": "t"}"#, "token"),
            (200, r#"{"access_token": "t", "token": ""}"#, "token"),
            (200, r#"{"token": null, "access_token": "t", "expires_in": 60, "refresh_token": "r"}"#, "token"),
            (200, r#"{"token": ""}"#, "answered without a token"),
            (200, r#"{"token": 1}"#, "answered without a token"),
            (200, "{}", "answered without a token"),
            (200, "<html>", "answered without a token"),
            (401, r#"{"details": "incorrect username or password"}"#, "rejected"),
            (403, "", "rejected"),
            (400, r#"{"error": "invalid_grant"}"#, "rejected"),
            (400, r#"{"error": "invalid_request"}"#, "answered 400"),
            (404, "", "does not take"),
            (302, "", "is not followed"),
            (503, "", "out of order (503)"),
        ] {
            let body = Some(Secret::new(body.to_owned()));
            let response = Response { status, challenges: vec![], location: None, content_type: None, body };
            let told = match read("auth.example", &response) {
                Ok(_) => "token".to_owned(),
                Err(Verdict::Rejected { by }) => format!("rejected by {by}"),
                Err(verdict) => format!("{verdict:?}"),
            };
            assert!(told.contains(outcome), "{status}: {told}");
        }
    }
}
