//! Defines the request to a probe, and the probe's results about an account's access to a repository.

mod probe;

use super::LoginVerdict;
use super::scope::Scopes;
use super::token::TokenServer;
use crate::model::{ImageReference, Operation};
use crate::system::http::Url;
pub(super) use probe::{AccessProbe, ProbeStep};

/// A registry's verdict about an account and a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RepositoryAccess {
    Allowed,
    /// The registry answered that the image does not exist. A registry may also send this answer in order to hide an
    /// image.
    Unseen,
    /// The registry accepts the account, but the account has no permission.
    Denied {
        by: String,
    },
    /// The password was not checked, because the registry answers anyone. `allowed` tells whether everyone has access.
    Anyone {
        allowed: bool,
    },
    /// The registry or its token server refuses the account. `by` contains the server's name.
    Rejected {
        by: String,
    },
    /// The account's session has ended. A person must log in again at `page`, with a browser.
    SessionOver {
        page: String,
    },
    /// The registry accepts the account, but requires the password instead of a token.
    NoTokens,
    /// The registry accepts the account, but the account's access could not be checked, for the reason `why`.
    Unknown {
        why: String,
    },
    /// Neither the account nor its access could be checked, for the reason `why`.
    Unverified {
        why: String,
    },
}

impl RepositoryAccess {
    pub(super) fn unknown(why: impl Into<String>) -> Self {
        Self::Unknown { why: why.into() }
    }

    /// Turns the verdict about a login into the verdict about a repository.
    pub(crate) fn from_verdict(verdict: LoginVerdict) -> Self {
        match verdict {
            LoginVerdict::Rejected { by } => Self::Rejected { by },
            LoginVerdict::SessionOver { page } => Self::SessionOver { page },
            LoginVerdict::Unverified { why } => Self::Unverified { why },
            LoginVerdict::Open => Self::Anyone { allowed: true },
            LoginVerdict::Accepted => Self::Allowed,
        }
    }
}

/// The result of a handshake in which the registry accepted the account.
#[derive(Clone, Debug)]
pub(super) struct AuthContext {
    /// The address of the registry's `/v2/`.
    pub(super) registry: Url,
    pub(super) method: AuthMethod,
}

/// The credentials that a registry accepts.
#[derive(Clone, Debug)]
pub(super) enum AuthMethod {
    Nothing,
    Password,
    /// The registry accepts tokens of this server.
    Token(TokenServer),
}

/// The request to a probe.
#[derive(Clone, Debug)]
pub(super) enum ProbeRequest<'a> {
    /// Asks what an account may do with an image's repository.
    Repository { image: &'a ImageReference, operation: Operation, goal: ProbeGoal },
    /// Asks for an authorization, with these scopes, for the requests that the caller sends. The responses to the
    /// caller's requests show whether the account has permission.
    Authorize(Scopes),
}

/// The kind of result that a probe returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProbeGoal {
    Verdict,
    Token,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Credential, Secret};
    use crate::oci::requester::Requester;
    use crate::oci::scripted_server::{giving, jwt, show};
    use crate::oci::{TransportSecurity, challenge};
    use crate::system::http::{HttpError, HttpResponse};
    const CHALLENGE: &str = r#"Bearer realm="https://auth.example/token",service="s""#;
    const ASK_PULL: &str =
        "GET https://auth.example/token basic client_id=ensign service=s account=alice scope=repository:a/b:pull";
    const ASK_PUSH: &str =
        "GET https://auth.example/token basic client_id=ensign service=s account=alice scope=repository:a/b:pull,push";
    const MORE: &str = r#"Bearer realm="https://auth.example/token",service="s",scope="other repository:c:push,pull""#;
    const ASK_BOTH: &str = "GET https://auth.example/token basic client_id=ensign service=s account=alice scope=other scope=repository:a/b:pull scope=repository:c:pull,push";
    const ASK_MORE: &str = "GET https://auth.example/token basic client_id=ensign service=s account=alice scope=other scope=repository:c:push,pull";
    const LOOK: &str = "HEAD https://r.example/v2/a/b/manifests/1 bearer";
    const LOOK_OPENLY: &str = "HEAD https://r.example/v2/a/b/manifests/1 none";
    const LOOK_BASIC: &str = "HEAD https://r.example/v2/a/b/manifests/1 basic";
    const UPLOAD: &str = "POST https://r.example/v2/a/b/blobs/uploads/ bearer";
    const UPLOAD_BASIC: &str = "POST https://r.example/v2/a/b/blobs/uploads/ basic";
    const GIVE_UP: &str = "DELETE https://r.example/v2/a/b/blobs/uploads/1 bearer";
    const MAY_ALL: &str = r#"{"sub":"alice","access":[{"type":"repository","name":"a/b","actions":["pull","push"]}]}"#;
    const MAY_PULL: &str = r#"{"sub":"alice","access":[{"type":"repository","name":"a/b","actions":["pull"]}]}"#;
    const MAY_NOTHING: &str = r#"{"sub":"alice","access":[]}"#;
    const NOBODY: &str = r#"{"sub":"","access":[{"type":"repository","name":"a/b","actions":["pull"]}]}"#;

    type ProbeScript = &'static [(&'static str, ServerReply)];

    #[derive(Clone, Copy)]
    enum ServerReply {
        Status(u16),
        Wants(&'static str),
        Began(&'static str),
        /// The answer is an opaque token.
        Gives,
        Jwt(&'static str),
        Nothing,
    }

    use ServerReply::{Began, Gives, Jwt, Nothing, Status, Wants};

    fn answer(answer: ServerReply) -> Result<HttpResponse, HttpError> {
        let mut response = HttpResponse { status: 200, ..HttpResponse::default() };
        match answer {
            Status(status) => response.status = status,
            Wants(challenge) => (response.status, response.challenges) = (401, vec![challenge.to_owned()]),
            Began(location) => (response.status, response.location) = (202, Some(location.to_owned())),
            Gives => response.body = Some(giving("hunter3")),
            Jwt(payload) => response.body = Some(giving(&jwt(payload))),
            Nothing => return Err(HttpError("connection refused".to_owned())),
        }
        Ok(response)
    }

    /// Gives the scripted replies in order, and compares each request with the expected one.
    fn play(context: &str, operation: Operation, goal: ProbeGoal, exchange: ProbeScript) -> String {
        let credential = Credential { username: "alice".parse().unwrap(), secret: Secret::new("hunter2".into()) };
        let image = "r.example/a/b:1".parse().unwrap();
        let registry = Url::parse("https://r.example/v2/").unwrap();
        let method = match context {
            "token" => {
                let challenges = challenge::parse(&[CHALLENGE.to_owned()]);
                AuthMethod::Token(
                    TokenServer::from_challenge(&challenges[0], &registry, TransportSecurity::Https).unwrap(),
                )
            }
            "password" => AuthMethod::Password,
            _ => AuthMethod::Nothing,
        };
        let question = ProbeRequest::Repository { image: &image, operation, goal };
        let mut requester = Requester::new(&credential);
        let context = AuthContext { registry, method };
        let (mut probe, mut step) = AccessProbe::start(context, &mut requester, TransportSecurity::Https, question);
        let mut exchange = exchange.iter();
        loop {
            assert!(!format!("{probe:?} {step:?}").contains("hunter"));
            match step {
                ProbeStep::Send(request) => {
                    let (expected, next) = exchange.next().unwrap_or_else(|| panic!("asks for {}", show(&request)));
                    assert_eq!(show(&request), *expected);
                    step = probe.on_response(answer(*next));
                }
                ProbeStep::Authorized(_) => panic!("nothing was left to the caller"),
                ProbeStep::Done(outcome) => {
                    assert_eq!(exchange.len(), 0, "{outcome:?}");
                    return outcome.map_or_else(|access| format!("{access:?}"), |_| "token".to_owned());
                }
            }
        }
    }

    fn assert_outcomes(context: &str, operation: Operation, cases: &[(ProbeScript, &str)]) {
        for (exchange, outcome) in cases {
            let found = play(context, operation, ProbeGoal::Verdict, exchange);
            assert!(found.contains(outcome), "{found}");
        }
    }

    #[test]
    fn the_registry_decides_about_a_pull() {
        assert_outcomes(
            "token",
            Operation::Pull,
            &[
                (&[(ASK_PULL, Jwt(MAY_PULL)), (LOOK, Status(200))], "Allowed"),
                (&[(ASK_PULL, Jwt(MAY_PULL)), (LOOK, Status(404))], "Allowed"),
                (&[(ASK_PULL, Jwt(MAY_NOTHING)), (LOOK, Status(200))], "Allowed"),
                (&[(ASK_PULL, Jwt(MAY_NOTHING)), (LOOK, Status(404))], r#"Denied { by: "auth.example" }"#),
                (&[(ASK_PULL, Jwt(MAY_NOTHING)), (LOOK, Status(401))], r#"Denied { by: "r.example" }"#),
                (&[(ASK_PULL, Jwt(NOBODY))], "Anyone { allowed: true }"),
                (&[(ASK_PULL, Gives), (LOOK, Status(200))], "Allowed"),
                (&[(ASK_PULL, Gives), (LOOK, Status(404))], "Unseen"),
                (&[(ASK_PULL, Gives), (LOOK, Status(403))], "Denied"),
                (&[(ASK_PULL, Gives), (LOOK, Status(429))], "Unknown { why: \"`r.example` asks to try again later"),
                (&[(ASK_PULL, Gives), (LOOK, Nothing)], "Unknown { why: \"could not reach `r.example`"),
                (&[(ASK_PULL, Status(401))], r#"Denied { by: "auth.example" }"#),
                (&[(ASK_PULL, Status(500))], "Unknown { why: \"`auth.example` has a server error"),
                (&[(ASK_PULL, Nothing)], "Unknown { why: \"could not reach `auth.example`"),
            ],
        );
    }

    #[test]
    fn what_the_registry_requires_is_asked_for_too_and_once_alone_on_401() {
        assert_outcomes(
            "token",
            Operation::Pull,
            &[
                (&[(ASK_PULL, Gives), (LOOK, Wants(MORE)), (ASK_BOTH, Gives), (LOOK, Status(200))], "Allowed"),
                (
                    &[
                        (ASK_PULL, Gives),
                        (LOOK, Wants(MORE)),
                        (ASK_BOTH, Status(401)),
                        (ASK_MORE, Gives),
                        (LOOK, Status(200)),
                    ],
                    "Allowed",
                ),
                (&[(ASK_PULL, Gives), (LOOK, Wants(MORE)), (ASK_BOTH, Status(401)), (ASK_MORE, Status(401))], "Denied"),
                (&[(ASK_PULL, Gives), (LOOK, Wants(MORE)), (ASK_BOTH, Status(403))], "Denied"),
                (&[(ASK_PULL, Gives), (LOOK, Wants(MORE)), (ASK_BOTH, Status(400))], "Unknown"),
                (&[(ASK_PULL, Gives), (LOOK, Wants(MORE)), (ASK_BOTH, Gives), (LOOK, Wants(MORE))], "Denied"),
            ],
        );
    }

    #[test]
    fn a_push_is_judged_by_the_token_and_tried_only_if_that_says_nothing() {
        assert_outcomes(
            "token",
            Operation::Push,
            &[
                (&[(ASK_PUSH, Jwt(MAY_ALL))], "Allowed"),
                (&[(ASK_PUSH, Jwt(MAY_PULL))], r#"Denied { by: "auth.example" }"#),
                (&[(ASK_PUSH, Gives), (UPLOAD, Began("/v2/a/b/blobs/uploads/1")), (GIVE_UP, Status(401))], "Allowed"),
                (&[(ASK_PUSH, Gives), (UPLOAD, Began("https://evil.example/1"))], "Allowed"),
                (&[(ASK_PUSH, Gives), (UPLOAD, Began("http://r.example/1"))], "Allowed"),
                (&[(ASK_PUSH, Gives), (UPLOAD, Status(401))], "Denied"),
                (&[(ASK_PUSH, Gives), (UPLOAD, Status(404))], "Unknown { why: \"`r.example` has no repository `a/b`"),
            ],
        );
        assert_outcomes(
            "password",
            Operation::Push,
            &[
                (&[(UPLOAD_BASIC, Status(403))], "Denied"),
                (&[(UPLOAD_BASIC, Status(401))], "Denied"),
                (&[(UPLOAD_BASIC, Status(202))], "Allowed"),
            ],
        );
    }

    #[test]
    fn a_registry_that_is_open_may_still_guard_a_repository() {
        assert_outcomes(
            "",
            Operation::Pull,
            &[
                (&[(LOOK_OPENLY, Status(200))], "Anyone { allowed: true }"),
                (&[(LOOK_OPENLY, Status(404))], "Anyone { allowed: true }"),
                (&[(LOOK_OPENLY, Status(403))], "Anyone { allowed: false }"),
                (&[(LOOK_OPENLY, Nothing)], "Unverified"),
                (&[(LOOK_OPENLY, Wants("NTLM"))], "Unverified"),
                (&[(LOOK_OPENLY, Wants("Basic")), (LOOK_BASIC, Status(200))], "Allowed"),
                (&[(LOOK_OPENLY, Wants("Basic")), (LOOK_BASIC, Status(401))], r#"Rejected { by: "r.example" }"#),
                (&[(LOOK_OPENLY, Wants(CHALLENGE)), (ASK_PULL, Gives), (LOOK, Status(200))], "Allowed"),
                (&[(LOOK_OPENLY, Wants(CHALLENGE)), (ASK_PULL, Gives), (LOOK, Wants(CHALLENGE))], "Denied"),
                (&[(LOOK_OPENLY, Wants(CHALLENGE)), (ASK_PULL, Status(401))], r#"Rejected { by: "auth.example" }"#),
                (&[(LOOK_OPENLY, Wants("Bearer realm=http://r.example/"))], "Unverified"),
            ],
        );
        assert_outcomes("password", Operation::Pull, &[(&[(LOOK_BASIC, Status(404))], "Unseen")]);
    }

    #[test]
    fn a_token_is_handed_over_unless_it_says_that_it_is_not_good_for_this() {
        for (context, operation, exchange, outcome) in [
            ("token", Operation::Pull, &[(ASK_PULL, Gives)] as ProbeScript, "token"),
            ("token", Operation::Push, &[(ASK_PUSH, Jwt(MAY_ALL))], "token"),
            ("token", Operation::Push, &[(ASK_PUSH, Jwt(MAY_PULL))], "Denied"),
            ("token", Operation::Pull, &[(ASK_PULL, Jwt(NOBODY))], "Anyone"),
            ("token", Operation::Pull, &[(ASK_PULL, Status(401))], "Denied"),
            ("password", Operation::Pull, &[], "NoTokens"),
            ("", Operation::Push, &[(LOOK_OPENLY, Status(200))], "Anyone"),
            ("", Operation::Push, &[(LOOK_OPENLY, Wants(CHALLENGE)), (ASK_PUSH, Gives)], "token"),
            ("", Operation::Push, &[(LOOK_OPENLY, Wants("Basic"))], "NoTokens"),
        ] {
            let found = play(context, operation, ProbeGoal::Token, exchange);
            assert!(found.contains(outcome), "{found}");
        }
    }
}
