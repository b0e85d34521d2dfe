//! Finding out what an account may do with a repository, as a state machine without I/O, once the registry has let the
//! account in.
//!
//! A token is asked for, and what it says about itself or what the registry makes of it is the answer. To find out about
//! pulling, a manifest is looked at; about pushing, an upload is begun and given up, only if the token says nothing.

use std::time::{Duration, SystemTime};

use super::{Access, Entrance, Goal, Pass, Question};
use crate::oci::challenge::{self, Challenge};
use crate::oci::claims;
use crate::oci::scope::Scopes;
use crate::oci::token::{Token, TokenServer};
use crate::oci::visitor::Visitor;
use crate::oci::{Action, MANIFESTS, Verdict, Wire, odd, realm, unreachable};
use crate::system::http::{Authorization, Failure, Method, Request, Response, Url};

/// One question on its way.
#[derive(Debug)]
pub(in crate::oci) struct Inquiry<'a> {
    visitor: Visitor<'a>,
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

/// A token is shown no more when it has so long to live.
const SPARE: Duration = Duration::from_secs(1);

/// What follows from an answer.
#[derive(Debug)]
pub(in crate::oci) enum Step<'a> {
    Send(Request<'a>),
    /// The request that leave was asked for may be made, with this.
    Go(Authorization<'a>),
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

impl<'a> Inquiry<'a> {
    /// Begins behind a handshake; returns the first step too.
    pub(in crate::oci) fn start(
        entrance: Entrance,
        visitor: Visitor<'a>,
        wire: Wire,
        question: Question<'a>,
    ) -> (Self, Step<'a>) {
        let mut inquiry = Self {
            proven: !matches!(entrance.pass, Pass::Nothing) && !visitor.is_nobody(),
            visitor,
            wire,
            question,
            asked: Scopes::none(),
            required: Scopes::none(),
            token: None,
            awaited: Awaited::Proof,
            entrance,
        };
        let wanted = inquiry.wanted();
        let first = match &inquiry.entrance.pass {
            Pass::Token(server) => inquiry.ask(server.clone(), wanted),
            Pass::Password if inquiry.wants_token() => inquiry.conclude(Access::NoTokens),
            Pass::Password | Pass::Nothing => inquiry.prove(),
        };
        (inquiry, first)
    }

    /// Who asked, with an identity token that may be new.
    pub(in crate::oci) fn into_visitor(self) -> Visitor<'a> {
        self.visitor
    }

    /// Takes the answer to the request of the last step, and says the next.
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

    /// Goes on after leave was given: the next request of the same kind, with a token that is still good.
    pub(in crate::oci) fn go_on(&mut self, now: SystemTime) -> Step<'a> {
        match (&self.entrance.pass, &self.token) {
            (Pass::Token(server), Some(token)) if token.time_left(now) <= SPARE => {
                self.ask(server.clone(), self.asked.clone())
            }
            _ => self.prove(),
        }
    }

    /// The registry answered 401 to a request that leave was given for.
    pub(in crate::oci) fn refused(&mut self, challenges: &[String]) -> Step<'a> {
        self.after_refusal(&challenge::parse(challenges))
    }

    /// Tells whether somebody's credentials have been accepted.
    pub(in crate::oci) fn is_proven(&self) -> bool {
        self.proven
    }

    pub(in crate::oci) fn registry(&self) -> &Url {
        &self.entrance.registry
    }

    fn wanted(&self) -> Scopes {
        match &self.question {
            Question::About { image, action, .. } => {
                let actions: &[&str] = match action {
                    Action::Pull => &["pull"],
                    Action::Push => &["pull", "push"],
                };
                Scopes::repository(image.repository().as_str(), actions)
            }
            Question::Leave(scopes) => scopes.clone(),
        }
    }

    fn wants_token(&self) -> bool {
        matches!(self.question, Question::About { goal: Goal::Token, .. })
    }

    fn ask(&mut self, server: TokenServer, scopes: Scopes) -> Step<'a> {
        let request = server.ask(&self.visitor, &scopes);
        self.entrance.pass = Pass::Token(server);
        (self.asked, self.awaited) = (scopes, Awaited::Token);
        Step::Send(request)
    }

    /// Some servers refuse to give a token for more than an account may have, instead of giving less (ociauth,
    /// `TestBearerAuthRequiresExactScope`): then once more with the registry's words alone.
    fn after_token(&mut self, response: &Response) -> Step<'a> {
        let Pass::Token(server) = self.entrance.pass.clone() else { return self.prove() };
        match server.read(response, &mut self.visitor) {
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
        self.proven = !self.visitor.is_nobody();
        let allowed = claims.as_ref().map(|claims| claims.allow(&self.wanted()));
        let anonymous = claims.is_some_and(|claims| claims.anonymous);
        let by = self.server_name();
        self.token = Some(token);
        let Question::About { action, goal, .. } = self.question else { return self.prove() };
        match (goal, action, allowed) {
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
        let Question::About { image, .. } = self.question else { return Step::Go(self.authorization()) };
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
        matches!(self.question, Question::About { action: Action::Push, goal: Goal::Verdict, .. })
    }

    fn authorization(&self) -> Authorization<'a> {
        match (&self.entrance.pass, &self.token) {
            (Pass::Password, _) => self.visitor.password(),
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
                let repository = match self.question {
                    Question::About { image, .. } => image.repository().to_string(),
                    Question::Leave(_) => String::new(),
                };
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
                if challenges.iter().any(|challenge| challenge.is("Basic")) && !self.visitor.has_identity_token() =>
            {
                if self.visitor.is_nobody() {
                    return self.conclude(denied);
                }
                self.entrance.pass = Pass::Password;
                if self.wants_token() { self.conclude(Access::NoTokens) } else { self.prove() }
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
            verdict => Access::of(verdict),
        })
    }

    fn conclude(&mut self, access: Access) -> Step<'a> {
        if matches!(self.question, Question::Leave(_)) {
            return Step::Done(Err(access)); // the token may still be good for what comes next
        }
        Step::Done(match (self.wants_token(), access, self.token.take()) {
            (true, Access::Allowed, Some(token)) => Ok(token),
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
