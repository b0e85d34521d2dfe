//! The steps of a login as a state machine without I/O: which request comes next, and what the answers prove.
//!
//! Ping, then a token from the registry's token server, or else the password itself, and in the end always `GET /v2/`
//! with it: only its 200 counts, as for `docker login` (docker/cli `internal/registry/auth.go`).

use super::access::{Entrance, Pass};
use super::challenge::{self, Challenge};
use super::claims;
use super::scope::Scopes;
use super::token::TokenServer;
use super::{Verdict, Wire, odd, realm, unreachable, unverified};
use crate::model::Credential;
use crate::system::http::{Authorization, Failure, Method, Request, Response, Url};
use crate::system::text::one_line;

/// One login on its way.
#[derive(Debug)]
pub(super) struct Handshake<'a> {
    credential: &'a Credential,
    wire: Wire,
    /// The registry's `/v2/`, where it was found in the end.
    registry: Url,
    /// The `host[:port]` that the user named.
    named: String,
    redirects: u8,
    awaited: Awaited,
    /// The registry takes the password itself too, if the token server does not help.
    basic_offered: bool,
    /// The token is for nobody: its server did not look at the password.
    unseen: bool,
    /// What the attempt by token came to.
    setback: Option<Verdict>,
}

/// What follows from an answer.
#[derive(Debug)]
pub(super) enum Step<'a> {
    Send(Request<'a>),
    Done(Verdict),
}

/// The request whose answer is fed next.
#[derive(Clone, Debug)]
enum Awaited {
    Ping,
    Token(TokenServer),
    /// `GET /v2/` with a token of this server.
    TokenProof(TokenServer),
    PasswordProof,
}

const MAX_REDIRECTS: u8 = 3;

impl<'a> Handshake<'a> {
    /// Returns the first request too: the ping, which shows no credentials.
    pub(super) fn start(registry: Url, credential: &'a Credential, wire: Wire) -> (Self, Request<'a>) {
        let ping = get(registry.clone(), Authorization::None);
        let handshake = Self {
            credential,
            wire,
            named: registry.authority().to_owned(),
            registry,
            redirects: 0,
            awaited: Awaited::Ping,
            basic_offered: false,
            unseen: false,
            setback: None,
        };
        (handshake, ping)
    }

    pub(super) fn feed(&mut self, answer: Result<Response, Failure>) -> Step<'a> {
        match (self.awaited.clone(), answer) {
            (Awaited::Ping, Ok(response)) => self.after_ping(&response),
            (Awaited::Token(server), Ok(response)) => self.after_token(server, &response),
            (Awaited::TokenProof(issuer), Ok(response)) => self.after_token_proof(issuer.name(), &response),
            (Awaited::PasswordProof, Ok(response)) => self.conclude(self.judge(response.status)),
            (Awaited::Token(server), Err(Failure(why))) => self.set_back(unreachable(server.name(), &why)),
            (_, Err(Failure(why))) => self.conclude(unreachable(self.registry.authority(), &why)),
        }
    }

    /// How the registry let the account in, after this verdict.
    pub(super) fn entrance(self, verdict: &Verdict) -> Option<Entrance> {
        let pass = match (verdict, self.awaited) {
            (Verdict::Open, _) if self.registry.authority() == self.named => Pass::Nothing,
            (Verdict::Accepted, Awaited::TokenProof(server)) => Pass::Token(server),
            (Verdict::Accepted, Awaited::PasswordProof) => Pass::Password,
            _ => return None,
        };
        Some(Entrance { registry: self.registry, pass })
    }

    fn after_ping(&mut self, response: &Response) -> Step<'a> {
        let host = self.registry.authority();
        let html = response.content_type.as_deref().is_some_and(|kind| kind.trim_start().starts_with("text/html"));
        match response.status {
            200 if !html => Step::Done(Verdict::Open),
            401 if host.eq_ignore_ascii_case(&self.named) => self.choose(&challenge::parse(&response.challenges)),
            401 => stop(format!("`{}` sends its visitors on to `{host}`: the login belongs there", self.named)),
            403 => stop(format!("`{host}` refuses visitors from here, with or without a login (403)")),
            301 | 302 | 303 | 307 | 308 => self.follow(response.location.as_deref().unwrap_or_default()),
            200 | 404 | 405 => stop(format!("`{host}` is no registry, or its registry lies under a path")),
            status => Step::Done(odd(host, status)),
        }
    }

    fn follow(&mut self, location: &str) -> Step<'a> {
        let host = self.registry.authority();
        let Some(url) = realm::resolve(location, &self.registry) else {
            return stop(format!("`{host}` redirects to something that is no address"));
        };
        if self.registry.is_https() && !url.is_https() {
            return stop(format!("`{host}` redirects from https to plain http"));
        }
        if self.redirects == MAX_REDIRECTS {
            return stop(format!("`{}` redirects again and again", self.named));
        }
        self.redirects += 1;
        self.registry = url.clone();
        Step::Send(get(url, Authorization::None))
    }

    /// Bearer before Basic: it tells a wrong password from a token server that is down. An identity token is good for
    /// the token server alone.
    fn choose(&mut self, challenges: &[Challenge]) -> Step<'a> {
        let host = self.registry.authority();
        let basic = challenges.iter().any(|challenge| challenge.is("Basic"));
        self.basic_offered = basic && !self.credential.username.is_identity_token();
        match challenges.iter().find(|challenge| challenge.is("Bearer")) {
            Some(bearer) => self.ask_for_token(bearer),
            None if self.basic_offered => self.show_password(),
            None if basic => stop(format!("`{host}` has no token server, which an identity token is for")),
            None => stop(not_understood(host, challenges)),
        }
    }

    fn ask_for_token(&mut self, bearer: &Challenge) -> Step<'a> {
        match TokenServer::of(bearer, &self.registry, self.wire) {
            Ok(server) => {
                let request = server.ask(self.credential, &Scopes::none());
                self.awaited = Awaited::Token(server);
                Step::Send(request)
            }
            Err(why) => self.set_back(unverified(why)),
        }
    }

    fn after_token(&mut self, server: TokenServer, response: &Response) -> Step<'a> {
        match server.read(response) {
            Ok(token) => {
                self.unseen = claims::read(&token.secret).is_some_and(|claims| claims.anonymous);
                self.awaited = Awaited::TokenProof(server);
                Step::Send(get(self.registry.clone(), Authorization::Bearer(token.secret)))
            }
            Err(verdict) => self.set_back(verdict),
        }
    }

    /// A token that is refused says nothing about the password: the two servers disagree, or the token server hands out
    /// tokens without looking at it.
    fn after_token_proof(&mut self, issuer: &str, response: &Response) -> Step<'a> {
        let host = self.registry.authority();
        let verdict = match response.status {
            401 => unverified(format!("`{host}` rejects the token that its own token server `{issuer}` gave out")),
            status => self.judge(status),
        };
        match verdict {
            Verdict::Accepted if self.unseen => Step::Done(Verdict::Open),
            Verdict::Accepted => Step::Done(verdict),
            _ => self.set_back(verdict),
        }
    }

    /// The attempt by token has failed; the password itself may still do.
    fn set_back(&mut self, verdict: Verdict) -> Step<'a> {
        if !self.basic_offered {
            return Step::Done(verdict);
        }
        self.setback = Some(verdict);
        self.show_password()
    }

    fn show_password(&mut self) -> Step<'a> {
        self.awaited = Awaited::PasswordProof;
        Step::Send(get(self.registry.clone(), Authorization::Basic(self.credential)))
    }

    /// Of two failures, the one that says most.
    fn conclude(&mut self, verdict: Verdict) -> Step<'a> {
        let says_more = matches!(verdict, Verdict::Accepted | Verdict::Rejected { .. });
        Step::Done(match self.setback.take() {
            Some(setback) if !says_more => setback,
            _ => verdict,
        })
    }

    fn judge(&self, status: u16) -> Verdict {
        let host = self.registry.authority();
        match status {
            200 => Verdict::Accepted,
            401 | 403 => Verdict::Rejected { by: host.to_owned() },
            status => odd(host, status),
        }
    }
}

fn not_understood(host: &str, challenges: &[Challenge]) -> String {
    if let Some(malformed) = challenges.iter().find(|challenge| challenge.is_malformed()) {
        return format!("`{host}` asks for a login with a malformed `{}` challenge", malformed.scheme());
    }
    let schemes: Vec<_> = challenges.iter().map(Challenge::scheme).collect();
    if schemes.is_empty() {
        return format!("`{host}` asks for a login, but does not say how");
    }
    format!("`{host}` asks for a login by `{}`, which is not supported", one_line(&schemes.join(", "), 80))
}

fn stop<'a>(why: String) -> Step<'a> {
    Step::Done(unverified(why))
}

fn get(url: Url, authorization: Authorization<'_>) -> Request<'_> {
    Request::new(Method::Get, url, authorization)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;
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

    type Exchange = &'static [(&'static str, Answer)];

    /// What a server does.
    #[derive(Clone, Copy)]
    enum Answer {
        Status(u16),
        Asks(&'static [&'static str]),
        To(&'static str),
        Gives,
        GivesNobody,
        Html,
        Nothing,
    }

    use Answer::{Asks, Gives, GivesNobody, Html, Nothing, Status, To};

    fn answer(answer: Answer) -> Result<Response, Failure> {
        let mut response = Response { status: 200, challenges: vec![], location: None, content_type: None, body: None };
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
            Nothing => return Err(Failure("connection refused".to_owned())),
        }
        Ok(response)
    }

    /// Plays the answers; holds each request against the one expected.
    fn play(username: &str, exchange: Exchange) -> String {
        let credential = Credential { username: username.parse().unwrap(), secret: Secret::new("hunter2".into()) };
        let registry = Url::parse("https://r.example/v2/").unwrap();
        let (mut handshake, mut request) = Handshake::start(registry, &credential, Wire::Https);
        for (index, (expected, next)) in exchange.iter().enumerate() {
            assert_eq!(show(&request), *expected);
            assert!(!format!("{request:?} {handshake:?}").contains("hunter"));
            match handshake.feed(answer(*next)) {
                Step::Send(next) => request = next,
                Step::Done(verdict) => {
                    assert_eq!(index + 1, exchange.len(), "{verdict:?}");
                    return match verdict {
                        Verdict::Accepted => "accepted".to_owned(),
                        Verdict::Open => "open".to_owned(),
                        Verdict::Rejected { by } => format!("rejected by {by}"),
                        Verdict::Unverified { why } => why,
                    };
                }
            }
        }
        panic!("asks for more: {}", show(&request));
    }

    fn assert_outcomes(username: &str, cases: &[(Exchange, &str)]) {
        for (exchange, outcome) in cases {
            let told = play(username, exchange);
            assert!(told.contains(outcome), "{told}");
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
                (&[(PING, Status(403))], "`r.example` refuses visitors"),
                (&[(PING, Status(404))], "`r.example` is no registry"),
                (&[(PING, Html)], "`r.example` is no registry"),
                (&[(PING, Status(429))], "`r.example` asks to try again later"),
                (&[(PING, To("http://r.example/v2/"))], "from https to plain http"),
                (&[(PING, To("nowhere"))], "something that is no address"),
                (
                    &[(PING, To("https://b.example/v2/")), ("GET https://b.example/v2/ none", Asks(&[HUB]))],
                    "`b.example`",
                ),
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
                (&[(PING, Asks(&["Negotiate", "NTLM"]))], "by `Negotiate, NTLM`, which is not supported"),
                (&[(PING, Asks(&["Bearer realm=\"x"]))], "malformed `Bearer` challenge"),
                (&[(PING, Asks(&["Bearer service=x"]))], "does not say from where"),
                (&[(PING, Asks(&["Bearer realm=http://r.example/t"]))], "would carry the password unencrypted"),
                (&[(PING, Asks(&["Bearer realm=https://127.0.0.1/"]))], "inside this network"),
                (&[(PING, Asks(&["Bearer realm=\"a\u{202e}b\""]))], "`a b` is no http or https address"),
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
                (&[(PING, Asks(&[HUB])), (ASK, Status(502))], "`auth.example` is out of order (502)"),
                (&[(PING, Asks(&[HUB])), (ASK, Status(200))], "`auth.example` answered without a token"),
                (&[(PING, Asks(&[HUB])), (ASK, To("https://evil.example/"))], "is not followed"),
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
                (&[(PING, Asks(&["Basic"])), (SHOW, To("/v2"))], "is not followed"),
                (&[(PING, Asks(&["Bearer realm=\"x", "NTLM, Basic"])), (SHOW, Status(200))], "accepted"),
                (&[(PING, Asks(BOTH)), (ASK_SELF, Gives), (USE, Status(200))], "accepted"),
                (&[(PING, Asks(BOTH)), (ASK_SELF, Nothing), (SHOW, Status(200))], "accepted"),
                (&[(PING, Asks(BOTH)), (ASK_SELF, Status(401)), (SHOW, Status(401))], "by r.example"),
                (&[(PING, Asks(BOTH)), (ASK_SELF, Status(401)), (SHOW, Status(500))], "by r.example"),
                (&[(PING, Asks(BOTH)), (ASK_SELF, Status(500)), (SHOW, Nothing)], "out of order (500)"),
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
                (&[(PING, Asks(&[HUB, "Basic"])), (REFRESH, Status(404))], "`auth.example` does not take"),
                (&[(PING, Asks(&["Basic realm=x"]))], "`r.example` has no token server"),
            ],
        );
    }
}
