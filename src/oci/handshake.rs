//! The steps of a login as a state machine without I/O: which request comes next, and what the answers prove.
//!
//! Ping, then a token from the registry's token server (distribution `docs/content/spec/auth/token.md`, `oauth.md`) or
//! the password itself, and in the end always `GET /v2/` with it: only its 200 counts, as for `docker login`.

use serde::Deserialize;

use super::challenge::{self, Challenge};
use super::{Verdict, Wire, realm, unreachable, unverified};
use crate::model::{Credential, Secret};
use crate::system::http::{Authorization, Failure, Field, Request, Response, Url};
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
    /// From the token server of this name.
    Token(String),
    /// `GET /v2/` with a token of the server of this name.
    TokenProof(String),
    PasswordProof,
}

/// What a token server answers; `token` and `access_token` mean the same.
#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
    error: Option<String>,
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
            setback: None,
        };
        (handshake, ping)
    }

    pub(super) fn feed(&mut self, answer: Result<Response, Failure>) -> Step<'a> {
        match (self.awaited.clone(), answer) {
            (Awaited::Ping, Ok(response)) => self.after_ping(&response),
            (Awaited::Token(server), Ok(response)) => self.after_token(server, &response),
            (Awaited::TokenProof(issuer), Ok(response)) => self.after_token_proof(&issuer, &response),
            (Awaited::PasswordProof, Ok(response)) => self.conclude(self.judge(response.status)),
            (Awaited::Token(server), Err(Failure(why))) => self.set_back(unreachable(&server, &why)),
            (_, Err(Failure(why))) => self.conclude(unreachable(self.registry.authority(), &why)),
        }
    }

    fn after_ping(&mut self, response: &Response) -> Step<'a> {
        let host = self.registry.authority();
        let html = response.content_type.as_deref().is_some_and(|kind| kind.trim_start().starts_with("text/html"));
        match response.status {
            200 if !html => Step::Done(Verdict::Open),
            401 if host.eq_ignore_ascii_case(&self.named) => self.choose(&challenge::parse(&response.challenges)),
            401 => {
                let why = format!("`{}` sends its visitors on to `{host}`: the login belongs there", self.named);
                Step::Done(unverified(why))
            }
            403 => {
                Step::Done(unverified(format!("`{host}` refuses visitors from here, with or without a login (403)")))
            }
            301 | 302 | 303 | 307 | 308 => self.follow(response.location.as_deref().unwrap_or_default()),
            200 | 404 | 405 => {
                Step::Done(unverified(format!("`{host}` is no registry, or its registry lies under a path")))
            }
            status => Step::Done(odd(host, status)),
        }
    }

    fn follow(&mut self, location: &str) -> Step<'a> {
        let host = self.registry.authority();
        self.redirects += 1;
        match realm::resolve(location, &self.registry) {
            Some(url) if self.redirects <= MAX_REDIRECTS && (url.is_https() || !self.registry.is_https()) => {
                self.registry = url.clone();
                Step::Send(get(url, Authorization::None))
            }
            Some(_) if self.redirects <= MAX_REDIRECTS => {
                Step::Done(unverified(format!("`{host}` redirects from https to plain http")))
            }
            Some(_) => Step::Done(unverified(format!("`{}` redirects again and again", self.named))),
            None => Step::Done(unverified(format!("`{host}` redirects to something that is no address"))),
        }
    }

    /// Bearer before Basic: it tells a wrong password from a token server that is down. An identity token is good for
    /// the token server alone.
    fn choose(&mut self, challenges: &[Challenge]) -> Step<'a> {
        let identity_token = self.credential.username.is_identity_token();
        let bearer = challenges.iter().find(|challenge| challenge.is("Bearer"));
        self.basic_offered = !identity_token && challenges.iter().any(|challenge| challenge.is("Basic"));
        match bearer {
            Some(bearer) => self.ask_for_token(bearer),
            None if self.basic_offered => self.show_password(),
            None if identity_token && challenges.iter().any(|challenge| challenge.is("Basic")) => {
                let host = self.registry.authority();
                Step::Done(unverified(format!("`{host}` has no token server, which an identity token is for")))
            }
            None => Step::Done(unverified(self.not_understood(challenges))),
        }
    }

    fn not_understood(&self, challenges: &[Challenge]) -> String {
        let host = self.registry.authority();
        if let Some(malformed) = challenges.iter().find(|challenge| challenge.is_malformed()) {
            return format!("`{host}` asks for a login with a malformed `{}` challenge", malformed.scheme());
        }
        let schemes: Vec<_> = challenges.iter().map(Challenge::scheme).collect();
        match schemes.as_slice() {
            [] => format!("`{host}` asks for a login, but does not say how"),
            _ => {
                format!("`{host}` asks for a login by `{}`, which is not supported", one_line(&schemes.join(", "), 80))
            }
        }
    }

    /// Without a scope, so nothing is created or counted, and without `offline_token`: what the user typed is stored.
    fn ask_for_token(&mut self, bearer: &Challenge) -> Step<'a> {
        let host = self.registry.authority();
        let Some(realm) = bearer.parameter("realm") else {
            let why = format!("`{host}` asks for a token, but does not say from where");
            return self.set_back(unverified(why));
        };
        let url = match realm::check(realm, &self.registry, self.wire) {
            Ok(url) => url,
            Err(why) => {
                let why = format!("the credentials were not sent where `{host}` wants them: {why}");
                return self.set_back(unverified(why));
            }
        };
        self.awaited = Awaited::Token(url.authority().to_owned());
        let service = bearer.parameter("service").map(|service| ("service", service.to_owned()));
        let client_id = ("client_id", "ensign".to_owned());
        if self.credential.username.is_identity_token() {
            let plain = [Some(("grant_type", "refresh_token".to_owned())), service, Some(client_id)];
            let mut form: Vec<_> = plain.into_iter().flatten().map(|(key, text)| (key, Field::Plain(text))).collect();
            form.push(("refresh_token", Field::Secret(&self.credential.secret)));
            return Step::Send(Request { url, query: Vec::new(), authorization: Authorization::None, form });
        }
        let account = ("account", self.credential.username.to_string());
        let query = [service, Some(account), Some(client_id)].into_iter().flatten().collect();
        Step::Send(Request { url, query, authorization: Authorization::Basic(self.credential), form: Vec::new() })
    }

    fn after_token(&mut self, server: String, response: &Response) -> Step<'a> {
        let answer = response.body.as_ref().and_then(read_token_answer);
        let refused = |answer: &TokenAnswer| answer.error.as_deref() == Some("invalid_grant"); // RFC 6749 section 5.2
        match (response.status, answer) {
            (200, Some(TokenAnswer { token, access_token, error: _ })) => {
                let token = [token, access_token].into_iter().flatten().find(|token| !token.is_empty());
                match token.map(Secret::new) {
                    Some(token) => {
                        self.awaited = Awaited::TokenProof(server);
                        Step::Send(get(self.registry.clone(), Authorization::Bearer(token)))
                    }
                    None => self.set_back(unverified(format!("the token server `{server}` answered without a token"))),
                }
            }
            (200, None) => self.set_back(unverified(format!("`{server}` answered with something that is no token"))),
            (401 | 403, _) => self.set_back(Verdict::Rejected { by: server }),
            (400, Some(answer)) if refused(&answer) => self.set_back(Verdict::Rejected { by: server }),
            (404 | 405, _) => self.set_back(unverified(format!("there is no token server at `{server}`"))),
            (status, _) => self.set_back(odd(&server, status)),
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
        if verdict == Verdict::Accepted { Step::Done(verdict) } else { self.set_back(verdict) }
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

fn get(url: Url, authorization: Authorization<'_>) -> Request<'_> {
    Request { url, query: Vec::new(), authorization, form: Vec::new() }
}

fn odd(host: &str, status: u16) -> Verdict {
    unverified(match status {
        300..=399 => format!("`{host}` redirects a request that carries credentials, which is not followed"),
        429 => format!("`{host}` asks to try again later (429)"),
        500..=599 => format!("`{host}` is out of order ({status})"),
        _ => format!("`{host}` answered {status}, which says nothing about the credentials"),
    })
}

#[expect(clippy::disallowed_methods, reason = "the answer is kept as a secret until the token is taken out of it")]
fn read_token_answer(body: &Secret) -> Option<TokenAnswer> {
    serde_json::from_str(body.expose()).ok()
}
