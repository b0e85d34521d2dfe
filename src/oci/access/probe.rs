//! Finds out, after a login, what the account may do with a repository. The probe is a state machine without I/O.
//!
//! The probe first fetches a token. To check a pull, the probe then requests the manifest from the registry. The result
//! for a push comes from the token's claims. If the token has no claims, the probe begins an upload and cancels the
//! upload.

use std::time::{Duration, SystemTime};

use super::{AuthContext, AuthMethod, ProbeGoal, ProbeRequest, RepositoryAccess};
use crate::model::Operation;
use crate::oci::challenge::{self, Challenge};
use crate::oci::claims;
use crate::oci::requester::Requester;
use crate::oci::scope::Scopes;
use crate::oci::token::{BearerToken, TokenServer};
use crate::oci::{LoginVerdict, MANIFESTS, TransportSecurity, status_verdict, unreachable_verdict};
use crate::system::http::{Authorization, HttpError, HttpRequest, HttpResponse, Method, Url};

/// A probe in progress.
#[derive(Debug)]
pub(in crate::oci) struct AccessProbe<'r, 'a> {
    requester: &'r mut Requester<'a>,
    security: TransportSecurity,
    question: ProbeRequest<'a>,
    context: AuthContext,
    /// Whether the registry or its token server has accepted the credentials.
    proven: bool,
    /// The scopes of the last token request.
    asked: Scopes,
    /// The scopes that the registry required in its challenge.
    required: Scopes,
    token: Option<BearerToken>,
    awaited: ProbePhase,
}

/// A token that expires within this time is replaced.
const SPARE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(in crate::oci) enum ProbeStep<'a> {
    Send(HttpRequest<'a>),
    /// The caller of the probe may now send a request with this authorization.
    Authorized(Authorization<'a>),
    Done(Result<BearerToken, RepositoryAccess>),
}

/// The request whose response comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ProbePhase {
    Token,
    Proof,
    /// The upload is being cancelled.
    GivingUp,
}

impl<'r, 'a> AccessProbe<'r, 'a> {
    /// Begins a probe after a handshake, and returns the probe together with its first step.
    pub(in crate::oci) fn start(
        context: AuthContext,
        requester: &'r mut Requester<'a>,
        security: TransportSecurity,
        question: ProbeRequest<'a>,
    ) -> (Self, ProbeStep<'a>) {
        let mut probe = Self {
            proven: !matches!(context.method, AuthMethod::Nothing) && !requester.is_anonymous(),
            requester,
            security,
            question,
            asked: Scopes::none(),
            required: Scopes::none(),
            token: None,
            awaited: ProbePhase::Proof,
            context,
        };
        let wanted = probe.wanted_scopes();
        let first = match &probe.context.method {
            AuthMethod::Token(server) => probe.ask(server.clone(), wanted),
            AuthMethod::Password if probe.wants_token() => probe.conclude(RepositoryAccess::NoTokens),
            AuthMethod::Password | AuthMethod::Nothing => probe.prove(),
        };
        (probe, first)
    }

    /// Reads a response, and returns the next step.
    pub(in crate::oci) fn on_response(&mut self, answer: Result<HttpResponse, HttpError>) -> ProbeStep<'a> {
        match (self.awaited, answer) {
            // A failed cancellation is ignored, because registries remove unfinished uploads anyway. Cancelling may
            // need the permission `delete` (distribution), which the account may lack.
            (ProbePhase::GivingUp, _) => self.conclude(RepositoryAccess::Allowed),
            (ProbePhase::Token, Ok(response)) => self.after_token(&response),
            (ProbePhase::Proof, Ok(response)) => self.after_proof(&response),
            (ProbePhase::Token, Err(HttpError(why))) => self.fail(unreachable_verdict(&self.server_name(), &why)),
            (ProbePhase::Proof, Err(HttpError(why))) => {
                self.fail(unreachable_verdict(self.context.registry.authority(), &why))
            }
        }
    }

    /// Authorizes a further request with the same scopes, and fetches a new token if the old one is about to expire.
    pub(in crate::oci) fn resume(&mut self, now: SystemTime) -> ProbeStep<'a> {
        match (&self.context.method, &self.token) {
            (AuthMethod::Token(server), Some(token)) if token.time_left(now) <= SPARE => {
                self.ask(server.clone(), self.asked.clone())
            }
            _ => self.prove(),
        }
    }

    /// Returns the next step after the registry answered 401 to an authorized request.
    pub(in crate::oci) fn on_refusal(&mut self, challenges: &[String]) -> ProbeStep<'a> {
        self.after_refusal(&challenge::parse(challenges))
    }

    /// Tells whether the registry or its token server has accepted the credentials.
    pub(in crate::oci) fn is_proven(&self) -> bool {
        self.proven
    }

    pub(in crate::oci) fn registry(&self) -> &Url {
        &self.context.registry
    }

    fn wanted_scopes(&self) -> Scopes {
        match &self.question {
            ProbeRequest::Repository { image, operation, .. } => {
                let actions: &[&str] = match operation {
                    Operation::Pull => &["pull"],
                    Operation::Push => &["pull", "push"],
                };
                Scopes::repository(image.repository().as_str(), actions)
            }
            ProbeRequest::Authorize(scopes) => scopes.clone(),
        }
    }

    fn wants_token(&self) -> bool {
        matches!(self.question, ProbeRequest::Repository { goal: ProbeGoal::Token, .. })
    }

    fn ask(&mut self, server: TokenServer, scopes: Scopes) -> ProbeStep<'a> {
        let request = server.ask(self.requester, &scopes);
        self.context.method = AuthMethod::Token(server);
        (self.asked, self.awaited) = (scopes, ProbePhase::Token);
        ProbeStep::Send(request)
    }

    /// Some servers refuse a request for too many scopes, instead of granting fewer scopes (ociauth,
    /// `TestBearerAuthRequiresExactScope`). After a refusal, the probe therefore requests a token for only the scopes
    /// that the registry required.
    fn after_token(&mut self, response: &HttpResponse) -> ProbeStep<'a> {
        let AuthMethod::Token(server) = self.context.method.clone() else { return self.prove() };
        match server.read(response, self.requester) {
            Ok(token) => self.judge(token),
            Err(LoginVerdict::Rejected { .. })
                if response.status == 401 && !self.required.is_empty() && !self.asks_verbatim() =>
            {
                self.ask(server, self.required.clone())
            }
            Err(LoginVerdict::Rejected { by }) => self.conclude(self.refused(by)),
            Err(verdict) => self.fail(verdict),
        }
    }

    /// Returns the verdict after a refusal. If the credentials are proven, the account only lacks a permission.
    fn refused(&self, by: String) -> RepositoryAccess {
        if self.proven { RepositoryAccess::Denied { by } } else { RepositoryAccess::Rejected { by } }
    }

    fn asks_verbatim(&self) -> bool {
        self.asked.to_string() == self.required.to_string()
    }

    /// Decides about a push by the token's claims if possible, because any other check would begin an upload.
    fn judge(&mut self, token: BearerToken) -> ProbeStep<'a> {
        let claims = claims::read(&token.secret);
        self.proven = !self.requester.is_anonymous();
        let allowed = claims.as_ref().map(|claims| claims.allow(&self.wanted_scopes()));
        let anonymous = claims.is_some_and(|claims| claims.anonymous);
        let by = self.server_name();
        self.token = Some(token);
        let ProbeRequest::Repository { operation, goal, .. } = self.question else { return self.prove() };
        match (goal, operation, allowed) {
            _ if anonymous => self.conclude(RepositoryAccess::Anyone { allowed: allowed == Some(true) }),
            (ProbeGoal::Token, _, None | Some(true)) | (ProbeGoal::Verdict, Operation::Push, Some(true)) => {
                self.conclude(RepositoryAccess::Allowed)
            }
            (ProbeGoal::Token, _, Some(false)) | (ProbeGoal::Verdict, Operation::Push, Some(false)) => {
                self.conclude(RepositoryAccess::Denied { by })
            }
            (ProbeGoal::Verdict, Operation::Pull, _) | (ProbeGoal::Verdict, Operation::Push, None) => self.prove(),
        }
    }

    /// Sends the registry a request that shows whether the account has access. Begins no upload if the caller wants
    /// only a token.
    fn prove(&mut self) -> ProbeStep<'a> {
        self.awaited = ProbePhase::Proof;
        let ProbeRequest::Repository { image, .. } = self.question else {
            return ProbeStep::Authorized(self.authorization());
        };
        let repository = image.repository();
        let (method, path) = if self.uploads() {
            (Method::Post, format!("/v2/{repository}/blobs/uploads/"))
        } else {
            (Method::Head, format!("/v2/{repository}/manifests/{}", image.reference()))
        };
        let Some(url) = self.context.registry.at(&path) else {
            let why = format!("`{repository}` cannot be part of an address");
            return self.conclude(RepositoryAccess::Unknown { why });
        };
        let accept = (method == Method::Head).then_some(MANIFESTS);
        ProbeStep::Send(HttpRequest { accept, ..HttpRequest::new(method, url, self.authorization()) })
    }

    fn uploads(&self) -> bool {
        matches!(self.question, ProbeRequest::Repository { operation: Operation::Push, goal: ProbeGoal::Verdict, .. })
    }

    fn authorization(&self) -> Authorization<'a> {
        match (&self.context.method, &self.token) {
            (AuthMethod::Password, _) => self.requester.password(),
            (AuthMethod::Token(_), Some(token)) => Authorization::Bearer(token.secret.copy()),
            (AuthMethod::Token(_) | AuthMethod::Nothing, _) => Authorization::None,
        }
    }

    fn after_proof(&mut self, response: &HttpResponse) -> ProbeStep<'a> {
        let ProbeRequest::Repository { image, .. } = self.question else { return self.prove() };
        let host = self.context.registry.authority().to_owned();
        let claimed = self.token.as_ref().and_then(|token| claims::read(&token.secret));
        match (response.status, self.uploads()) {
            (200, false) => self.conclude(RepositoryAccess::Allowed),
            (404, false) => self.conclude(match claimed.map(|claims| claims.allow(&self.wanted_scopes())) {
                Some(true) => RepositoryAccess::Allowed,
                Some(false) => RepositoryAccess::Denied { by: self.server_name() },
                None => RepositoryAccess::Unseen,
            }),
            (202, true) => self.give_up(response.location.as_deref().unwrap_or_default()),
            (404, true) => {
                let why = format!("`{host}` has no repository `{}`", image.repository());
                self.conclude(RepositoryAccess::Unknown { why })
            }
            (401, _) => self.after_refusal(&challenge::parse(&response.challenges)),
            (403, _) => self.conclude(RepositoryAccess::Denied { by: host }),
            (status, _) => self.fail(status_verdict(&host, status)),
        }
    }

    /// A registry that has required no login so far may require a login for this repository. A registry may also
    /// require other scopes.
    fn after_refusal(&mut self, challenges: &[Challenge]) -> ProbeStep<'a> {
        let by = self.context.registry.authority().to_owned();
        let denied = self.refused(by.clone());
        let bearer = challenges.iter().find(|challenge| challenge.is("Bearer"));
        let required = bearer.and_then(|bearer| bearer.parameter("scope")).map_or_else(Scopes::none, Scopes::parse);
        let first_time = self.required.is_empty();
        match (&self.context.method, bearer) {
            (AuthMethod::Token(_), Some(_)) if !first_time || self.asked.contains(&required) => self.conclude(denied),
            (AuthMethod::Token(_) | AuthMethod::Nothing, Some(bearer)) => {
                match TokenServer::from_challenge(bearer, &self.context.registry, self.security) {
                    Ok(server) => {
                        let scopes = required.union(&self.wanted_scopes());
                        self.required = required;
                        self.ask(server, scopes)
                    }
                    Err(why) => self.fail(LoginVerdict::Unverified { why }),
                }
            }
            (AuthMethod::Nothing, None)
                if challenges.iter().any(|challenge| challenge.is("Basic")) && !self.requester.has_identity_token() =>
            {
                if self.requester.is_anonymous() {
                    return self.conclude(denied);
                }
                self.context.method = AuthMethod::Password;
                if self.wants_token() { self.conclude(RepositoryAccess::NoTokens) } else { self.prove() }
            }
            (AuthMethod::Nothing, None) => {
                let why = format!("`{by}` needs a login for this repository by a method that Ensign does not support");
                self.conclude(RepositoryAccess::Unverified { why })
            }
            (AuthMethod::Password | AuthMethod::Token(_), _) => self.conclude(denied),
        }
    }

    /// Cancels the upload if the upload's address is at the registry, because credentials are never sent to another
    /// server.
    fn give_up(&mut self, location: &str) -> ProbeStep<'a> {
        let registry = &self.context.registry;
        let Some(url) = registry.follow(location).filter(|url| url.is_same_origin(registry)) else {
            return self.conclude(RepositoryAccess::Allowed);
        };
        self.awaited = ProbePhase::GivingUp;
        ProbeStep::Send(HttpRequest::new(Method::Delete, url, self.authorization()))
    }

    fn fail(&mut self, verdict: LoginVerdict) -> ProbeStep<'a> {
        self.conclude(match verdict {
            LoginVerdict::Unverified { why } if self.proven => RepositoryAccess::Unknown { why },
            verdict => RepositoryAccess::from_verdict(verdict),
        })
    }

    fn conclude(&mut self, access: RepositoryAccess) -> ProbeStep<'a> {
        if matches!(self.question, ProbeRequest::Authorize(_)) {
            return ProbeStep::Done(Err(access)); // the token may still authorize the next request
        }
        ProbeStep::Done(match (self.wants_token(), access, self.token.take()) {
            (true, RepositoryAccess::Allowed, Some(token)) => Ok(token),
            (_, RepositoryAccess::Allowed | RepositoryAccess::Unseen, _)
                if matches!(self.context.method, AuthMethod::Nothing) =>
            {
                Err(RepositoryAccess::Anyone { allowed: true })
            }
            (_, RepositoryAccess::Denied { .. }, _) if matches!(self.context.method, AuthMethod::Nothing) => {
                Err(RepositoryAccess::Anyone { allowed: false })
            }
            (_, access, _) => Err(access),
        })
    }

    fn server_name(&self) -> String {
        match &self.context.method {
            AuthMethod::Token(server) => server.name(),
            AuthMethod::Password | AuthMethod::Nothing => self.context.registry.authority(),
        }
        .to_owned()
    }
}
