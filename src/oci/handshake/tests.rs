//! Whole logins as tables: each request, the server's reply, and at the end the verdict.

use super::*;
use crate::model::{Credential, Secret};
use crate::oci::scripted_server::{giving, jwt, show};

const HUB: &str = r#"Bearer realm="https://auth.example/token",service="r 1""#;
const BOTH: &[&str] = &[r#"Bearer realm="https://r.example/v2/token""#, "Basic"];
const PING: &str = "GET https://r.example/v2/ none";
const ASK: &str = "GET https://auth.example/token basic client_id=ensign service=r 1 account=alice";
const ASK_SELF: &str = "GET https://r.example/v2/token basic client_id=ensign account=alice";
const USE: &str = "GET https://r.example/v2/ bearer";
const SHOW: &str = "GET https://r.example/v2/ basic";
const REFRESH: &str =
    "POST https://auth.example/token none client_id=ensign service=r 1 grant_type=refresh_token refresh_token=…";

type LoginScript = &'static [(&'static str, ScriptedReply)];

/// A scripted reply of a server.
#[derive(Clone, Copy)]
enum ScriptedReply {
    Status(u16),
    Asks(&'static [&'static str]),
    To(&'static str),
    Gives,
    GivesNobody,
    Html,
    Nothing,
}

use ScriptedReply::{Asks, Gives, GivesNobody, Html, Nothing, Status, To};

fn answer(answer: ScriptedReply) -> Result<HttpResponse, HttpError> {
    let mut response = HttpResponse { status: 200, ..HttpResponse::default() };
    match answer {
        Status(status) => response.status = status,
        Asks(headers) => {
            response.status = 401;
            response.challenges = headers.iter().map(|&header| header.to_owned()).collect();
        }
        To(location) => {
            response.status = 307;
            response.location = Some(location.to_owned());
        }
        Gives => response.body = Some(giving("hunter3")),
        GivesNobody => response.body = Some(giving(&jwt(r#"{"sub": "", "access": []}"#))),
        Html => response.content_type = Some("text/html; charset=utf-8".to_owned()),
        Nothing => return Err(HttpError("connection refused".to_owned())),
    }
    Ok(response)
}

/// Gives the scripted replies in order, and compares each request with the expected one.
fn play(username: &str, exchange: LoginScript) -> String {
    let credential = Credential { username: username.parse().unwrap(), secret: Secret::new("hunter2".into()) };
    let registry = Url::parse("https://r.example/v2/").unwrap();
    let mut requester = Requester::new(&credential);
    let (mut handshake, mut request) = Handshake::start(registry, &mut requester, TransportSecurity::Https);
    for (index, (expected, next)) in exchange.iter().enumerate() {
        assert_eq!(show(&request), *expected);
        assert!(!format!("{request:?} {handshake:?}").contains("hunter"));
        match handshake.on_response(answer(*next)) {
            HandshakeStep::Send(next) => request = next,
            HandshakeStep::Done(verdict) => {
                assert_eq!(index + 1, exchange.len(), "{verdict:?}");
                return match verdict {
                    LoginVerdict::Accepted => "accepted".to_owned(),
                    LoginVerdict::Open => "open".to_owned(),
                    LoginVerdict::Rejected { by } => format!("rejected by {by}"),
                    LoginVerdict::SessionOver { page } => page,
                    LoginVerdict::Unverified { why } => why,
                };
            }
        }
    }
    panic!("asks for more: {}", show(&request));
}

fn assert_outcomes(username: &str, cases: &[(LoginScript, &str)]) {
    for (exchange, outcome) in cases {
        let found = play(username, exchange);
        assert!(found.contains(outcome), "{found}");
    }
}

#[test]
fn a_ping_proves_nothing_about_a_password() {
    assert_outcomes(
        "alice",
        &[
            (&[(PING, Status(200))], "open"),
            (&[(PING, To("/v2")), ("GET https://r.example/v2 none", Status(200))], "open"),
            (&[(PING, Nothing)], "could not reach `r.example`: connection refused"),
            (&[(PING, Status(403))], "`r.example` refuses requests"),
            (&[(PING, Status(404))], "`r.example` is not a registry"),
            (&[(PING, Html)], "`r.example` is not a registry"),
            (&[(PING, Status(429))], "`r.example` asks to try again later"),
            (&[(PING, To("http://r.example/v2/"))], "from https to plain http"),
            (&[(PING, To("nowhere"))], "an address that is not valid"),
            (&[(PING, To("https://b.example/v2/")), ("GET https://b.example/v2/ none", Asks(&[HUB]))], "`b.example`"),
            (&[(PING, To("/v2/")), (PING, To("/v2/")), (PING, To("/v2/")), (PING, To("/v2/"))], "again and again"),
        ],
    );
}

#[test]
fn a_challenge_that_cannot_be_met_is_named() {
    assert_outcomes(
        "alice",
        &[
            (&[(PING, Asks(&[]))], "does not say how"),
            (&[(PING, Asks(&["Negotiate", "NTLM"]))], "with `Negotiate, NTLM`, which Ensign does not support"),
            (&[(PING, Asks(&["Bearer realm=\"x"]))], "malformed `Bearer` challenge"),
            (&[(PING, Asks(&["Bearer service=x"]))], "names no token server"),
            (&[(PING, Asks(&["Bearer realm=http://r.example/t"]))], "would carry the password unencrypted"),
            (&[(PING, Asks(&["Bearer realm=https://127.0.0.1/"]))], "inside this network"),
            (&[(PING, Asks(&["Bearer realm=\"a\u{202e}b\""]))], "`a b` is not an http or https address"),
        ],
    );
}

#[test]
fn a_token_proves_the_password() {
    assert_outcomes(
        "alice",
        &[
            (&[(PING, Asks(&[HUB])), (ASK, Gives), (USE, Status(200))], "accepted"),
            (&[(PING, Asks(&[HUB])), (ASK, GivesNobody), (USE, Status(200))], "open"),
            (&[(PING, Asks(&[HUB])), (ASK, Gives), (USE, Status(403))], "by r.example"),
            (&[(PING, Asks(&[HUB])), (ASK, Gives), (USE, Status(401))], "its own token server"),
            (&[(PING, Asks(&[HUB])), (ASK, Gives), (USE, Nothing)], "could not reach `r.example`"),
            (&[(PING, Asks(&[HUB])), (ASK, Status(401))], "by auth.example"),
            (&[(PING, Asks(&[HUB])), (ASK, Status(403))], "by auth.example"),
            (&[(PING, Asks(&[HUB])), (ASK, Status(502))], "`auth.example` has a server error (502)"),
            (&[(PING, Asks(&[HUB])), (ASK, Status(200))], "`auth.example` answered without a token"),
            (&[(PING, Asks(&[HUB])), (ASK, To("https://evil.example/"))], "does not follow"),
            (&[(PING, Asks(&[HUB])), (ASK, Nothing)], "could not reach `auth.example`"),
        ],
    );
}

#[test]
fn the_password_itself_comes_second() {
    assert_outcomes(
        "alice",
        &[
            (&[(PING, Asks(&["Basic realm=x"])), (SHOW, Status(200))], "accepted"),
            (&[(PING, Asks(&["Basic realm=x"])), (SHOW, Asks(&["Basic"]))], "by r.example"),
            (&[(PING, Asks(&["Basic"])), (SHOW, To("/v2"))], "does not follow"),
            (&[(PING, Asks(&["Bearer realm=\"x", "NTLM, Basic"])), (SHOW, Status(200))], "accepted"),
            (&[(PING, Asks(BOTH)), (ASK_SELF, Gives), (USE, Status(200))], "accepted"),
            (&[(PING, Asks(BOTH)), (ASK_SELF, Nothing), (SHOW, Status(200))], "accepted"),
            (&[(PING, Asks(BOTH)), (ASK_SELF, Status(401)), (SHOW, Status(401))], "by r.example"),
            (&[(PING, Asks(BOTH)), (ASK_SELF, Status(401)), (SHOW, Status(500))], "by r.example"),
            (&[(PING, Asks(BOTH)), (ASK_SELF, Status(500)), (SHOW, Nothing)], "has a server error (500)"),
        ],
    );
}

#[test]
fn an_identity_token_is_shown_to_the_token_server_alone() {
    assert_outcomes(
        "<token>",
        &[
            (&[(PING, Asks(&[HUB])), (REFRESH, Gives), (USE, Status(200))], "accepted"),
            (&[(PING, Asks(&[HUB, "Basic"])), (REFRESH, Status(401))], "by auth.example"),
            (&[(PING, Asks(&[HUB, "Basic"])), (REFRESH, Status(404))], "`auth.example` does not accept"),
            (&[(PING, Asks(&[HUB, "Basic"])), (REFRESH, Status(405))], "`auth.example` does not accept"),
            (&[(PING, Asks(&[HUB, "Basic"])), (REFRESH, Status(400))], "`auth.example` answered 400"),
            (&[(PING, Asks(&["Basic realm=x"]))], "`r.example` has no token server"),
        ],
    );
}

#[test]
fn whoever_has_no_login_is_let_in_to_ask_for_public_images() {
    let play = |headers: &[&str]| {
        let registry = Url::parse("https://r.example/v2/").unwrap();
        let mut requester = Requester::anonymous();
        let (mut handshake, _) = Handshake::start(registry, &mut requester, TransportSecurity::Https);
        let challenges = headers.iter().map(|&header| header.to_owned()).collect();
        let response =
            HttpResponse { status: if headers.is_empty() { 200 } else { 401 }, challenges, ..HttpResponse::default() };
        let HandshakeStep::Done(verdict) = handshake.on_response(Ok(response)) else {
            panic!("a requester has nothing to show")
        };
        let method = match handshake.context(&verdict).map(|context| context.method) {
            Some(AuthMethod::Nothing) => "nothing",
            Some(AuthMethod::Token(_)) => "a token",
            Some(AuthMethod::Password) => "a password",
            None => "no way in",
        };
        (verdict, method)
    };
    assert_eq!(play(&[]), (LoginVerdict::Open, "nothing"));
    assert_eq!(play(&[HUB]), (LoginVerdict::Open, "a token"));
    assert_eq!(play(BOTH), (LoginVerdict::Open, "a token"));
    assert_eq!(play(&["Basic realm=x"]), (LoginVerdict::Rejected { by: "r.example".to_owned() }, "no way in"));
}
