//! Asks a registry whether it accepts a login, and what the account may do there.
//!
//! The command `login` asks the registry before it saves a login. The command `check` asks about a saved login.

mod access;
pub(crate) mod api;
mod challenge;
mod claims;
pub(crate) mod errors;
mod handshake;
mod ping;
#[cfg(any(test, fuzzing))]
pub(crate) mod properties;
mod realm;
mod requester;
mod scope;
#[cfg(test)]
mod scripted_server;
mod token;
mod transport;

use access::{AccessProbe, AuthContext, ProbeGoal, ProbeRequest, ProbeStep};
use handshake::{Handshake, HandshakeStep};
use requester::Requester;
use transport::client;

use std::time::SystemTime;

use crate::model::{Credential, ImageReference, Operation, Registry, Secret};
pub(crate) use crate::system::http::{BY_WAY_OF_PROXY, CertificateFault, proxy_faults};
use crate::system::http::{HttpClient, HttpError, Url};
use crate::system::text::one_line;
pub(crate) use access::RepositoryAccess;
pub(crate) use ping::{Realm, reach, realm_of};
pub(crate) use token::BearerToken;
pub(crate) use transport::{TlsTrouble, TransportSecurity, certificate_faults};

/// A registry's verdict about a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LoginVerdict {
    /// The registry accepts these credentials, but their permissions are unknown.
    Accepted,
    /// The registry or its token server answers anyone, so the credentials were not checked.
    Open,
    /// The registry or its token server refuses these credentials.
    Rejected { by: String },
    /// The credentials are right, but the session has ended. A person must log in again at `page`, with a browser.
    SessionOver { page: String },
    /// The login could not be checked. `why` is a part of a message, and contains the host.
    Unverified { why: String },
}

/// The result of a request, together with a new identity token if a server issued one. The new token must be saved,
/// because the server may refuse the old token.
#[derive(Debug)]
pub(crate) struct RegistryReply<T> {
    pub(crate) answer: T,
    /// Whether the registry or its token server refused the credentials.
    pub(crate) is_rejected: bool,
    pub(crate) renewed: Option<Secret>,
    /// The expiry of the credentials, if a server stated it.
    pub(crate) expiry: Option<SystemTime>,
}

impl<T> RegistryReply<T> {
    pub(crate) fn map<U>(self, map: impl FnOnce(T) -> U) -> RegistryReply<U> {
        RegistryReply {
            answer: map(self.answer),
            is_rejected: self.is_rejected,
            renewed: self.renewed,
            expiry: self.expiry,
        }
    }
}

/// All media types of manifests. Some registries hide a manifest if its media type is not in the `Accept` header.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json, */*";

/// Checks a login as `docker login` does, by requiring status 200 for `GET /v2/`. If plain http is allowed, first tries
/// https with any certificate, as Docker's daemon does for insecure registries.
pub(crate) fn check(
    registry: &Registry,
    credential: &Credential,
    security: TransportSecurity,
) -> RegistryReply<LoginVerdict> {
    let client = client(registry, security);
    let mut requester = Requester::new(credential);
    let (verdict, _) = authenticate(&client, registry, &mut requester, security);
    RegistryReply {
        is_rejected: matches!(verdict, LoginVerdict::Rejected { .. }),
        answer: verdict,
        renewed: requester.into_renewed(),
        expiry: client.credentials_expiry(),
    }
}

/// Logs in and finds out what the account may do with the image's repository.
pub(crate) fn access(
    image: &ImageReference,
    operation: Operation,
    credential: &Credential,
    security: TransportSecurity,
) -> RegistryReply<RepositoryAccess> {
    probe_repository(image, operation, ProbeGoal::Verdict, credential, security)
        .map(|answer| answer.err().unwrap_or(RepositoryAccess::Allowed))
}

/// Logs in and fetches a token for pulling from the image's repository, or for pulling and pushing.
pub(crate) fn token(
    image: &ImageReference,
    operation: Operation,
    credential: &Credential,
    security: TransportSecurity,
) -> RegistryReply<Result<BearerToken, RepositoryAccess>> {
    probe_repository(image, operation, ProbeGoal::Token, credential, security)
}

/// Logs in and runs a probe. Returns a token as `Ok` or a verdict as an error.
fn probe_repository(
    image: &ImageReference,
    operation: Operation,
    goal: ProbeGoal,
    credential: &Credential,
    security: TransportSecurity,
) -> RegistryReply<Result<BearerToken, RepositoryAccess>> {
    let client = client(image.registry(), security);
    let mut requester = Requester::new(credential);
    let answer = match authenticate(&client, image.registry(), &mut requester, security) {
        (verdict, None) => Err(RepositoryAccess::from_verdict(verdict)),
        (_, Some(context)) => {
            let question = ProbeRequest::Repository { image, operation, goal };
            let (mut probe, mut step) = AccessProbe::start(context, &mut requester, security, question);
            loop {
                match step {
                    ProbeStep::Send(request) => step = probe.on_response(client.send(&request)),
                    ProbeStep::Authorized(_) => unreachable!("only an `Authorize` probe returns an authorization"),
                    ProbeStep::Done(answer) => break answer,
                }
            }
        }
    };
    RegistryReply {
        is_rejected: matches!(answer, Err(RepositoryAccess::Rejected { .. })),
        answer,
        renewed: requester.into_renewed(),
        expiry: client.credentials_expiry(),
    }
}

/// Logs in by https or, where allowed, by http. If the registry accepts the login or answers anyone, also returns the
/// context for further requests.
fn authenticate(
    client: &HttpClient,
    registry: &Registry,
    requester: &mut Requester<'_>,
    security: TransportSecurity,
) -> (LoginVerdict, Option<AuthContext>) {
    let mut failures = Vec::new();
    for url in endpoints(registry, security) {
        match log_in(client, url, requester, security) {
            Ok(entered) => return entered,
            Err(why) => failures.push(why),
        }
    }
    let host = registry.api_authority();
    let verdict = match failures.as_slice() {
        [] => unverified_verdict(format!("`{}` is not a valid host", one_line(registry.as_str(), 100))),
        [https, http] if http != https => unreachable_verdict(host, &format!("by https: {https}; by http: {http}")),
        [why, ..] => unreachable_verdict(host, why),
    };
    (verdict, None)
}

/// Returns the addresses of the registry's API by https and, where allowed, by http. Returns no address if the
/// registry's name is not a valid host, because some programs store arbitrary text as the name of a registry.
fn endpoints(registry: &Registry, security: TransportSecurity) -> Vec<Url> {
    let authority = registry.api_authority();
    let allows_http = security.allows_http(registry);
    let schemes = if allows_http { &["https", "http"][..] } else { &["https"] };
    let urls = schemes.iter().filter_map(|scheme| Url::parse(&format!("{scheme}://{authority}/v2/")));
    urls.filter(|url| url.authority() == authority && url.path() == "/v2/").collect()
}

/// Logs in by one scheme, https or http. An error says why this scheme does not work.
fn log_in(
    client: &HttpClient,
    url: Url,
    requester: &mut Requester<'_>,
    security: TransportSecurity,
) -> Result<(LoginVerdict, Option<AuthContext>), String> {
    let plain = !url.is_https();
    let (mut handshake, ping) = Handshake::start(url, requester, security);
    let mut answer = client.send(&ping);
    match &answer {
        Err(HttpError(why)) => return Err(why.clone()),
        Ok(response) if plain && response.status == 400 => return Err("the server requires https".to_owned()), // Go's net/http
        Ok(_) => {}
    }
    loop {
        match handshake.on_response(answer) {
            HandshakeStep::Send(request) => answer = client.send(&request),
            HandshakeStep::Done(verdict) => {
                let context = handshake.context(&verdict);
                return Ok((verdict, context));
            }
        }
    }
}

fn unreachable_verdict(host: &str, why: &str) -> LoginVerdict {
    unverified_verdict(format!("could not reach `{host}`: {why}"))
}

/// Returns the verdict for a status that neither accepts nor refuses the credentials.
fn status_verdict(host: &str, status: u16) -> LoginVerdict {
    unverified_verdict(match status {
        300..=399 => {
            format!("`{host}` redirects a request that carries credentials, so Ensign does not follow the redirect")
        }
        429 => format!("`{host}` asks to try again later (429)"),
        500..=599 => format!("`{host}` has a server error ({status})"),
        _ => format!("`{host}` answered {status}, which says nothing about the credentials"),
    })
}

fn unverified_verdict(why: String) -> LoginVerdict {
    LoginVerdict::Unverified { why }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;
    use std::sync::Mutex;
    use std::thread;
    use std::time::Duration;

    use super::scripted_server::{ScriptedServer, write_answer};
    use super::*;
    use crate::model::Secret;
    use crate::system::http::Limits;

    const LIMITS: Limits = Limits {
        connect: Duration::from_millis(500),
        overall: Duration::from_millis(500),
        total: Duration::from_millis(1200),
    };

    /// The header of Basic authentication for `alice:secret`, in lower case.
    const ALICE: &str = "authorization: basic ywxpy2u6c2vjcmv0\r\n";

    fn check_as_alice(registry: &Registry) -> LoginVerdict {
        let credential = Credential { username: "alice".parse().unwrap(), secret: Secret::new("secret".into()) };
        let mut requester = Requester::new(&credential);
        authenticate(&HttpClient::new(LIMITS), registry, &mut requester, TransportSecurity::Https).0
    }

    fn knows_alice(head: &str) -> bool {
        head.to_lowercase().contains(ALICE)
    }

    #[test]
    fn an_open_registry_checks_nothing() {
        let server = ScriptedServer::start(|_, stream| write_answer(stream, 200, "", "{}"));
        assert_eq!(check_as_alice(&server.registry), LoginVerdict::Open);
        let head = server.seen()[0].to_lowercase();
        assert!(head.starts_with("get /v2/ http/1.1\r\n"), "{head}");
        assert!(head.contains(concat!("user-agent: ensign/", env!("CARGO_PKG_VERSION"), "\r\n")), "{head}");
        assert!(!head.contains("authorization"), "{head}");
    }

    #[test]
    fn a_password_is_taken_or_refused() {
        for known in [true, false] {
            let server = ScriptedServer::start(move |head, stream| {
                let status = if known && knows_alice(head) { 200 } else { 401 };
                write_answer(stream, status, "WWW-Authenticate: Basic realm=\"x\"\r\n", "");
            });
            let by = server.registry.to_string();
            let expected = if known { LoginVerdict::Accepted } else { LoginVerdict::Rejected { by } };
            assert_eq!(check_as_alice(&server.registry), expected);
            assert!(knows_alice(&server.seen()[1]));
        }
    }

    #[test]
    fn a_token_is_fetched_and_shown() {
        let server = ScriptedServer::start(|head, stream| {
            if head.starts_with("GET /token?a=b&client_id=ensign&service=s%20%2B1&account=alice ") && knows_alice(head)
            {
                write_answer(stream, 200, "", r#"{"token": "t", "expires_in": 60}"#);
            } else if head.to_lowercase().contains("authorization: bearer t\r\n") {
                write_answer(stream, 200, "", "");
            } else {
                write_answer(stream, 401, "WWW-Authenticate: Bearer realm=\"/token?a=b\",service=\"s +1\"\r\n", "");
            }
        });
        assert_eq!(check_as_alice(&server.registry), LoginVerdict::Accepted, "{:?}", server.seen());
    }

    #[test]
    fn credentials_are_not_redirected() {
        let other = ScriptedServer::start(|_, stream| write_answer(stream, 200, "", ""));
        let location = format!("Location: http://{}/v2/\r\n", other.registry);
        let server = ScriptedServer::start(move |head, stream| {
            if knows_alice(head) {
                write_answer(stream, 307, &location, "");
            } else {
                write_answer(stream, 401, "WWW-Authenticate: Basic\r\n", "");
            }
        });
        let LoginVerdict::Unverified { why } = check_as_alice(&server.registry) else { panic!() };
        assert!(why.contains("does not follow"), "{why}");
        assert!(other.seen().is_empty());
    }

    #[test]
    fn nobody_there_is_no_verdict() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let registry = Registry::from_key(&listener.local_addr().unwrap().to_string());
        drop(listener);
        let LoginVerdict::Unverified { why } = check_as_alice(&registry) else { panic!() };
        assert!(why.starts_with(&format!("could not reach `{registry}`: ")), "{why}");
        for no_host in ["two words", "a/b", "me@h"] {
            let LoginVerdict::Unverified { why } = check_as_alice(&Registry::opaque(no_host)) else { panic!() };
            assert!(why.contains("is not a valid host"), "{why}");
        }
    }

    #[test]
    fn a_slow_server_ends_in_the_deadline() {
        let server = ScriptedServer::start(|_, stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
            for _ in 0..100 {
                let _ = stream.write_all(b" ");
                thread::sleep(Duration::from_millis(50));
            }
        });
        let LoginVerdict::Unverified { why } = check_as_alice(&server.registry) else { panic!() };
        assert!(why.contains("in time"), "{why}");
    }

    #[test]
    fn servers_that_are_slow_one_by_one_end_in_the_deadline_too() {
        let server = ScriptedServer::start(|head, stream| {
            thread::sleep(Duration::from_millis(400));
            let steps = head.split('/').count();
            write_answer(stream, 307, &format!("Location: /v2/{}\r\n", "x/".repeat(steps)), "");
        });
        let LoginVerdict::Unverified { why } = check_as_alice(&server.registry) else { panic!() };
        assert!(why.contains("in time"), "{why}");
    }

    #[test]
    fn a_connection_that_breaks_is_tried_once_more_if_that_can_do_no_harm() {
        for (broken, expected) in [(1, true), (2, false)] {
            let left = Mutex::new(broken);
            let server = ScriptedServer::start(move |head, stream| {
                let mut left = left.lock().unwrap();
                if *left > 0 && head.starts_with("GET /v2/") {
                    *left -= 1; // then hangs up
                } else {
                    write_answer(stream, 200, "", "");
                }
            });
            assert_eq!(check_as_alice(&server.registry) == LoginVerdict::Open, expected, "{broken}");
            assert_eq!(server.seen().len(), 2);
        }
        let server = ScriptedServer::start(|head, stream| {
            if !head.starts_with("POST /token") {
                write_answer(stream, 401, "WWW-Authenticate: Bearer realm=\"/token\"\r\n", "");
            }
        });
        let credential = Credential { username: "<token>".parse().unwrap(), secret: Secret::new("once".into()) };
        let mut requester = Requester::new(&credential);
        let (verdict, _) =
            authenticate(&HttpClient::new(LIMITS), &server.registry, &mut requester, TransportSecurity::Https);
        assert!(matches!(verdict, LoginVerdict::Unverified { .. }));
        assert_eq!(server.seen().len(), 2, "an identity token may be good once only: {:?}", server.seen());
    }

    #[test]
    fn a_huge_body_is_not_read() {
        let server = ScriptedServer::start(|head, stream| {
            if head.starts_with("GET /token") {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n{\"token\":\"");
                while stream.write_all(&[b'a'; 1024]).is_ok() {}
            } else {
                write_answer(stream, 401, "WWW-Authenticate: Bearer realm=\"/token\"\r\n", "");
            }
        });
        let LoginVerdict::Unverified { why } = check_as_alice(&server.registry) else { panic!() };
        assert!(why.contains("without a token"), "{why}");
    }
}
