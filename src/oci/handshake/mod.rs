//! Models the steps of a login as a state machine without I/O. The state machine chooses each request and interprets
//! each response.
//!
//! The first request is a ping without credentials. If the registry has a token server, the second request fetches a
//! token. The last request is `GET /v2/` with the token or the password. Like `docker login`, Ensign accepts a login
//! only if the status is 200 (docker/cli `internal/registry/auth.go`).

use crate::oci::access::{AuthContext, AuthMethod};
use crate::oci::challenge::{self, Challenge};
use crate::oci::claims;
use crate::oci::requester::Requester;
use crate::oci::scope::Scopes;
use crate::oci::token::TokenServer;
use crate::oci::{LoginVerdict, TransportSecurity, realm, status_verdict, unreachable_verdict, unverified_verdict};
use crate::system::http::{Authorization, HttpError, HttpRequest, HttpResponse, Method, Url};
use crate::system::text::one_line;

/// A login in progress.
#[derive(Debug)]
pub(in crate::oci) struct Handshake<'r, 'a> {
    requester: &'r mut Requester<'a>,
    security: TransportSecurity,
    /// The address of the registry's `/v2/`, after redirects.
    registry: Url,
    /// The `host[:port]` that the user named.
    named: String,
    redirects: u8,
    awaited: HandshakePhase,
    /// Whether the registry itself accepts a password, which is tried if the token server fails.
    basic_offered: bool,
    /// Whether the token is for an anonymous user. If it is, the token server did not check the password.
    unseen: bool,
    /// The verdict of a failed attempt with a token.
    previous_error: Option<LoginVerdict>,
}

#[derive(Debug)]
pub(in crate::oci) enum HandshakeStep<'a> {
    Send(HttpRequest<'a>),
    Done(LoginVerdict),
}

/// The request whose response comes next.
#[derive(Clone, Debug)]
enum HandshakePhase {
    Ping,
    Token(TokenServer),
    /// The request is `GET /v2/` with a token from this server.
    TokenProof(TokenServer),
    PasswordProof,
}

const MAX_REDIRECTS: u8 = 3;

impl<'r, 'a> Handshake<'r, 'a> {
    /// Begins a login, and returns the first request of the login. The first request is a ping without credentials.
    pub(in crate::oci) fn start(
        registry: Url,
        requester: &'r mut Requester<'a>,
        security: TransportSecurity,
    ) -> (Self, HttpRequest<'a>) {
        let ping = get(registry.clone(), Authorization::None);
        let handshake = Self {
            requester,
            security,
            named: registry.authority().to_owned(),
            registry,
            redirects: 0,
            awaited: HandshakePhase::Ping,
            basic_offered: false,
            unseen: false,
            previous_error: None,
        };
        (handshake, ping)
    }

    /// Reads a response, and returns the next step.
    pub(in crate::oci) fn on_response(&mut self, answer: Result<HttpResponse, HttpError>) -> HandshakeStep<'a> {
        match (self.awaited.clone(), answer) {
            (HandshakePhase::Ping, Ok(response)) => self.after_ping(&response),
            (HandshakePhase::Token(server), Ok(response)) => self.after_token(server, &response),
            (HandshakePhase::TokenProof(issuer), Ok(response)) => self.after_token_proof(issuer.name(), &response),
            (HandshakePhase::PasswordProof, Ok(response)) => self.conclude(self.status_verdict(response.status)),
            (HandshakePhase::Token(server), Err(HttpError(why))) => {
                self.fall_back(unreachable_verdict(server.name(), &why))
            }
            (_, Err(HttpError(why))) => self.conclude(unreachable_verdict(self.registry.authority(), &why)),
        }
    }

    /// Returns the context for further requests, if the registry accepts the login or answers anyone. Returns `None`
    /// for an open registry that redirects to another host.
    pub(in crate::oci) fn context(self, verdict: &LoginVerdict) -> Option<AuthContext> {
        let method = match (verdict, self.awaited) {
            (LoginVerdict::Open, HandshakePhase::Token(server))
            | (LoginVerdict::Accepted, HandshakePhase::TokenProof(server)) => Some(AuthMethod::Token(server)),
            (LoginVerdict::Open, _) if self.registry.authority() == self.named => Some(AuthMethod::Nothing),
            (LoginVerdict::Accepted, HandshakePhase::PasswordProof) => Some(AuthMethod::Password),
            _ => None,
        };
        method.map(|method| AuthContext { registry: self.registry, method })
    }

    fn after_ping(&mut self, response: &HttpResponse) -> HandshakeStep<'a> {
        let host = self.registry.authority();
        let html = response.content_type.as_deref().is_some_and(|kind| kind.trim_start().starts_with("text/html"));
        match response.status {
            200 if !html => HandshakeStep::Done(LoginVerdict::Open),
            401 if host.eq_ignore_ascii_case(&self.named) => self.choose(&challenge::parse(&response.challenges)),
            401 => stop(format!("`{}` redirects to `{host}`, so the login must name that host", self.named)),
            403 => stop(format!("`{host}` refuses requests from here, with or without a login (403)")),
            301 | 302 | 303 | 307 | 308 => self.follow(response.location.as_deref().unwrap_or_default()),
            200 | 404 | 405 => stop(format!("`{host}` is not a registry, or its API is not at `/v2/`")),
            status => HandshakeStep::Done(status_verdict(host, status)),
        }
    }

    fn follow(&mut self, location: &str) -> HandshakeStep<'a> {
        let url = match realm::redirect_target(location, &self.registry) {
            Ok(url) => url,
            Err(why) => return stop(why),
        };
        if self.redirects == MAX_REDIRECTS {
            return stop(format!("`{}` redirects again and again", self.named));
        }
        self.redirects += 1;
        self.registry = url.clone();
        HandshakeStep::Send(get(url, Authorization::None))
    }

    /// Prefers Bearer to Basic, because Bearer distinguishes a wrong password from a broken token server. Only a token
    /// server accepts an identity token.
    fn choose(&mut self, challenges: &[Challenge]) -> HandshakeStep<'a> {
        let host = self.registry.authority();
        let basic = challenges.iter().any(|challenge| challenge.is("Basic"));
        self.basic_offered = basic && !self.requester.is_anonymous() && !self.requester.has_identity_token();
        match challenges.iter().find(|challenge| challenge.is("Bearer")) {
            Some(bearer) => self.ask_for_token(bearer),
            None if self.basic_offered => self.show_password(),
            None if basic && self.requester.is_anonymous() => {
                HandshakeStep::Done(LoginVerdict::Rejected { by: host.to_owned() })
            }
            None if basic => {
                stop(format!("`{host}` has no token server, and only a token server accepts an identity token"))
            }
            None => stop(describe_unknown_challenge(host, challenges)),
        }
    }

    fn ask_for_token(&mut self, bearer: &Challenge) -> HandshakeStep<'a> {
        match TokenServer::from_challenge(bearer, &self.registry, self.security) {
            // Some servers issue tokens only for a repository. Therefore an anonymous user's token is requested later,
            // when the repository is known.
            Ok(server) if self.requester.is_anonymous() => {
                self.awaited = HandshakePhase::Token(server);
                HandshakeStep::Done(LoginVerdict::Open)
            }
            Ok(server) => {
                let request = server.ask(self.requester, &Scopes::none());
                self.awaited = HandshakePhase::Token(server);
                HandshakeStep::Send(request)
            }
            Err(why) => self.fall_back(unverified_verdict(why)),
        }
    }

    fn after_token(&mut self, server: TokenServer, response: &HttpResponse) -> HandshakeStep<'a> {
        match server.read(response, self.requester) {
            Ok(token) => {
                self.unseen = claims::read(&token.secret).is_some_and(|claims| claims.anonymous);
                self.awaited = HandshakePhase::TokenProof(server);
                HandshakeStep::Send(get(self.registry.clone(), Authorization::Bearer(token.secret)))
            }
            Err(verdict) => self.fall_back(verdict),
        }
    }

    /// If the registry refuses the token, the password may still be right. The registry and the token server may
    /// disagree, or the token server may ignore passwords.
    fn after_token_proof(&mut self, issuer: &str, response: &HttpResponse) -> HandshakeStep<'a> {
        let host = self.registry.authority();
        let verdict = match response.status {
            401 => {
                unverified_verdict(format!("`{host}` rejects the token that its own token server `{issuer}` issued"))
            }
            status => self.status_verdict(status),
        };
        match verdict {
            LoginVerdict::Accepted if self.unseen => HandshakeStep::Done(LoginVerdict::Open),
            LoginVerdict::Accepted => HandshakeStep::Done(verdict),
            _ => self.fall_back(verdict),
        }
    }

    /// After a failed attempt with a token, sends the password to the registry itself. If the registry accepts no
    /// password, or if a person has to log in with a browser, ends the login.
    fn fall_back(&mut self, verdict: LoginVerdict) -> HandshakeStep<'a> {
        if !self.basic_offered || matches!(verdict, LoginVerdict::SessionOver { .. }) {
            return HandshakeStep::Done(verdict);
        }
        self.previous_error = Some(verdict);
        self.show_password()
    }

    fn show_password(&mut self) -> HandshakeStep<'a> {
        self.awaited = HandshakePhase::PasswordProof;
        HandshakeStep::Send(get(self.registry.clone(), self.requester.password()))
    }

    /// Ends the login. If `verdict` neither accepts nor rejects the credentials, returns the earlier verdict about a
    /// token, if there is one.
    fn conclude(&mut self, verdict: LoginVerdict) -> HandshakeStep<'a> {
        let says_more = matches!(verdict, LoginVerdict::Accepted | LoginVerdict::Rejected { .. });
        HandshakeStep::Done(match self.previous_error.take() {
            Some(previous_error) if !says_more => previous_error,
            _ => verdict,
        })
    }

    fn status_verdict(&self, status: u16) -> LoginVerdict {
        let host = self.registry.authority();
        match status {
            200 => LoginVerdict::Accepted,
            401 | 403 => LoginVerdict::Rejected { by: host.to_owned() },
            status => status_verdict(host, status),
        }
    }
}

fn describe_unknown_challenge(host: &str, challenges: &[Challenge]) -> String {
    if let Some(malformed) = challenges.iter().find(|challenge| challenge.is_malformed()) {
        return format!("`{host}` asks for a login with a malformed `{}` challenge", malformed.scheme());
    }
    let schemes: Vec<_> = challenges.iter().map(Challenge::scheme).collect();
    if schemes.is_empty() {
        return format!("`{host}` asks for a login, but does not say how");
    }
    format!("`{host}` asks for a login with `{}`, which Ensign does not support", one_line(&schemes.join(", "), 80))
}

fn stop<'a>(why: String) -> HandshakeStep<'a> {
    HandshakeStep::Done(unverified_verdict(why))
}

fn get(url: Url, authorization: Authorization<'_>) -> HttpRequest<'_> {
    HttpRequest::new(Method::Get, url, authorization)
}

#[cfg(test)]
mod tests;
