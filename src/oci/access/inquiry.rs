//! Finding out what an account may do with a repository, as a state machine without I/O, once the registry has let the
//! account in.
//!
//! A token is asked for, and what it says about itself or what the registry makes of it is the answer. To find out about
//! pulling, a manifest is looked at; about pushing, an upload is begun and given up, only if the token says nothing.

use super::{Access, Entrance, Goal, Pass, Question};
use crate::model::Credential;
use crate::oci::challenge::{self, Challenge};
use crate::oci::claims;
use crate::oci::scope::Scopes;
use crate::oci::token::{Token, TokenServer};
use crate::oci::{Action, Verdict, Wire, odd, realm, unreachable};
use crate::system::http::{Authorization, Failure, Method, Request, Response, Url};

/// One question on its way.
#[derive(Debug)]
pub(in crate::oci) struct Inquiry<'a> {
    credential: &'a Credential,
    wire: Wire,
    question: Question<'a>,
    entrance: Entrance,
    /// The registry has seen that the credentials are good.
    proven: bool,
    /// The token was asked for with these.
    asked: Scopes,
    /// The registry's own words for what it wants, once it has said so.
    required: Scopes,
    token: Option<Token>,
    awaited: Awaited,
}

/// What follows from an answer.
#[derive(Debug)]
pub(in crate::oci) enum Step<'a> {
    Send(Request<'a>),
    Done(Result<Token, Access>),
}

/// The request whose answer is fed next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Token,
    Proof,
    /// The end of an upload that was begun.
    GivingUp,
}

/// Every kind of manifest: some registries show only what is accepted.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json, */*";

impl<'a> Inquiry<'a> {
    pub(in crate::oci) fn start(
        entrance: Entrance,
        credential: &'a Credential,
        wire: Wire,
        question: Question<'a>,
    ) -> (Self, Step<'a>) {
        let mut inquiry = Self {
            credential,
            wire,
            question,
            proven: !matches!(entrance.pass, Pass::Nothing),
            asked: Scopes::none(),
            required: Scopes::none(),
            token: None,
            awaited: Awaited::Proof,
            entrance,
        };
        let wanted = inquiry.wanted();
        let first = match (&inquiry.entrance.pass, question.goal) {
            (Pass::Token(server), _) => inquiry.ask(server.clone(), wanted),
            (Pass::Password, Goal::Token) => inquiry.conclude(Access::NoTokens),
            (Pass::Password, Goal::Verdict) | (Pass::Nothing, _) => inquiry.prove(),
        };
        (inquiry, first)
    }

    pub(in crate::oci) fn feed(&mut self, answer: Result<Response, Failure>) -> Step<'a> {
        match (self.awaited, answer) {
            // The registry may want a right of its own for this (distribution: `delete`); uploads left behind are purged.
            (Awaited::GivingUp, _) => self.conclude(Access::Allowed),
            (Awaited::Token, Ok(response)) => self.after_token(&response),
            (Awaited::Proof, Ok(response)) => self.after_proof(&response),
            (Awaited::Token, Err(Failure(why))) => self.failed(unreachable(&self.server_name(), &why)),
            (Awaited::Proof, Err(Failure(why))) => self.failed(unreachable(self.entrance.registry.authority(), &why)),
        }
    }

    fn wanted(&self) -> Scopes {
        let actions: &[&str] = match self.question.action {
            Action::Pull => &["pull"],
            Action::Push => &["pull", "push"],
        };
        Scopes::repository(self.question.image.repository().as_str(), actions)
    }

    fn ask(&mut self, server: TokenServer, scopes: Scopes) -> Step<'a> {
        let request = server.ask(self.credential, &scopes);
        self.entrance.pass = Pass::Token(server);
        (self.asked, self.awaited) = (scopes, Awaited::Token);
        Step::Send(request)
    }

    /// Some servers refuse to give a token for more than an account may have, instead of giving less (ociauth,
    /// `TestBearerAuthRequiresExactScope`): then once more with the registry's words alone.
    fn after_token(&mut self, response: &Response) -> Step<'a> {
        let Pass::Token(server) = self.entrance.pass.clone() else { return self.prove() };
        match server.read(response) {
            Ok(token) => self.judge(token),
            Err(Verdict::Rejected { .. })
                if response.status == 401 && !self.required.is_empty() && !self.asks_verbatim() =>
            {
                self.ask(server, self.required.clone())
            }
            Err(Verdict::Rejected { by }) if self.proven => self.conclude(Access::Denied { by }),
            Err(Verdict::Rejected { by }) => self.conclude(Access::Rejected { by }),
            Err(verdict) => self.failed(verdict),
        }
    }

    fn asks_verbatim(&self) -> bool {
        self.asked.to_string() == self.required.to_string()
    }

    /// For a push the token's own words do: anything else would begin an upload.
    fn judge(&mut self, token: Token) -> Step<'a> {
        let claims = claims::read(&token.secret);
        self.proven = true;
        let allowed = claims.as_ref().map(|claims| claims.allow(&self.wanted()));
        let anonymous = claims.is_some_and(|claims| claims.anonymous);
        let by = self.server_name();
        self.token = Some(token);
        match (self.question.goal, self.question.action, allowed) {
            _ if anonymous => self.conclude(Access::Anyone { allowed: allowed == Some(true) }),
            (Goal::Token, _, None | Some(true)) | (Goal::Verdict, Action::Push, Some(true)) => {
                self.conclude(Access::Allowed)
            }
            (Goal::Token, _, Some(false)) | (Goal::Verdict, Action::Push, Some(false)) => {
                self.conclude(Access::Denied { by })
            }
            (Goal::Verdict, Action::Pull, _) | (Goal::Verdict, Action::Push, None) => self.prove(),
        }
    }

    /// Asks the registry itself. Whoever only wants a token begins no upload.
    fn prove(&mut self) -> Step<'a> {
        self.awaited = Awaited::Proof;
        let image = self.question.image;
        let repository = image.repository();
        let (method, path) = if self.uploads() {
            (Method::Post, format!("/v2/{repository}/blobs/uploads/"))
        } else {
            (Method::Head, format!("/v2/{repository}/manifests/{}", image.reference()))
        };
        let Some(url) = self.entrance.registry.at(&path) else {
            return self.conclude(Access::Unknown { why: format!("`{repository}` does not fit into an address") });
        };
        let accept = (method == Method::Head).then_some(MANIFESTS);
        Step::Send(Request { accept, ..Request::new(method, url, self.authorization()) })
    }

    fn uploads(&self) -> bool {
        self.question.action == Action::Push && self.question.goal == Goal::Verdict
    }

    fn authorization(&self) -> Authorization<'a> {
        match (&self.entrance.pass, &self.token) {
            (Pass::Password, _) => Authorization::Basic(self.credential),
            (Pass::Token(_), Some(token)) => Authorization::Bearer(token.secret.copy()),
            (Pass::Token(_) | Pass::Nothing, _) => Authorization::None,
        }
    }

    fn after_proof(&mut self, response: &Response) -> Step<'a> {
        let host = self.entrance.registry.authority().to_owned();
        let claimed = self.token.as_ref().and_then(|token| claims::read(&token.secret));
        match (response.status, self.uploads()) {
            (200, false) => self.conclude(Access::Allowed),
            (404, false) => self.conclude(match claimed.map(|claims| claims.allow(&self.wanted())) {
                Some(true) => Access::Allowed,
                Some(false) => Access::Denied { by: self.server_name() },
                None => Access::Unseen,
            }),
            (202, true) => self.give_up(response.location.as_deref().unwrap_or_default()),
            (404, true) => {
                let repository = self.question.image.repository();
                self.conclude(Access::Unknown { why: format!("`{host}` has no repository `{repository}`") })
            }
            (401, _) => self.after_refusal(&challenge::parse(&response.challenges)),
            (403, _) => self.conclude(Access::Denied { by: host }),
            (status, _) => self.failed(odd(&host, status)),
        }
    }

    /// A registry that lets anyone look around may still guard this repository, or want another scope than we thought.
    fn after_refusal(&mut self, challenges: &[Challenge]) -> Step<'a> {
        let by = self.entrance.registry.authority().to_owned();
        let denied = if self.proven { Access::Denied { by: by.clone() } } else { Access::Rejected { by: by.clone() } };
        let bearer = challenges.iter().find(|challenge| challenge.is("Bearer"));
        let required = bearer.and_then(|bearer| bearer.parameter("scope")).map_or_else(Scopes::none, Scopes::parse);
        let first_time = self.required.is_empty();
        match (&self.entrance.pass, bearer) {
            (Pass::Token(_), Some(_)) if !first_time || self.asked.contains(&required) => self.conclude(denied),
            (Pass::Token(_) | Pass::Nothing, Some(bearer)) => {
                match TokenServer::of(bearer, &self.entrance.registry, self.wire) {
                    Ok(server) => {
                        let scopes = required.union(&self.wanted());
                        self.required = required;
                        self.ask(server, scopes)
                    }
                    Err(why) => self.failed(Verdict::Unverified { why }),
                }
            }
            (Pass::Nothing, None)
                if challenges.iter().any(|challenge| challenge.is("Basic"))
                    && !self.credential.username.is_identity_token() =>
            {
                self.entrance.pass = Pass::Password;
                if self.question.goal == Goal::Token { self.conclude(Access::NoTokens) } else { self.prove() }
            }
            (Pass::Nothing, None) => {
                let why = format!("`{by}` asks for a login to this repository in a way that is not supported");
                self.conclude(Access::Unverified { why })
            }
            (Pass::Password | Pass::Token(_), _) => self.conclude(denied),
        }
    }

    /// Nothing is uploaded. What is shown goes to the registry alone, wherever the upload is said to be.
    fn give_up(&mut self, location: &str) -> Step<'a> {
        let registry = &self.entrance.registry;
        let here = |url: &Url| url.authority() == registry.authority() && url.is_https() == registry.is_https();
        let Some(url) = realm::resolve(location, registry).filter(here) else {
            return self.conclude(Access::Allowed);
        };
        self.awaited = Awaited::GivingUp;
        Step::Send(Request::new(Method::Delete, url, self.authorization()))
    }

    fn failed(&mut self, verdict: Verdict) -> Step<'a> {
        let known = self.proven;
        self.conclude(match verdict {
            Verdict::Unverified { why } if known => Access::Unknown { why },
            Verdict::Unverified { why } => Access::Unverified { why },
            Verdict::Rejected { by } => Access::Rejected { by },
            Verdict::Open => Access::Anyone { allowed: true },
            Verdict::Accepted => Access::Allowed,
        })
    }

    fn conclude(&mut self, access: Access) -> Step<'a> {
        Step::Done(match (self.question.goal, access, self.token.take()) {
            (Goal::Token, Access::Allowed, Some(token)) => Ok(token),
            (_, Access::Allowed | Access::Unseen, _) if matches!(self.entrance.pass, Pass::Nothing) => {
                Err(Access::Anyone { allowed: true })
            }
            (_, Access::Denied { .. }, _) if matches!(self.entrance.pass, Pass::Nothing) => {
                Err(Access::Anyone { allowed: false })
            }
            (_, access, _) => Err(access),
        })
    }

    fn server_name(&self) -> String {
        match &self.entrance.pass {
            Pass::Token(server) => server.name(),
            Pass::Password | Pass::Nothing => self.entrance.registry.authority(),
        }
        .to_owned()
    }
}
