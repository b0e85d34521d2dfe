//! Asserts properties that hold for any response of a registry. Fuzzing and the replay of the fuzz corpus check these
//! properties.

use super::access::{self, AccessProbe, ProbeGoal, ProbeRequest};
use super::challenge::{self, Challenge};
use super::handshake::{Handshake, HandshakeStep};
use super::requester::Requester;
use super::scope::Scopes;
use super::{BearerToken, LoginVerdict, RepositoryAccess, TransportSecurity, claims};
use crate::model::{Credential, ImageReference, Operation, Secret, timestamp};
use crate::system::http::{Authorization, HttpError, HttpRequest, HttpResponse, Url};
use crate::system::text::sanitize;

/// The input is a list of `WWW-Authenticate` headers, one per line. Asserts that a parsed challenge has no control
/// characters, and that printing and parsing the challenge again changes nothing.
pub(crate) fn challenge(text: &str) {
    let headers: Vec<String> = text.lines().map(str::to_owned).collect();
    let challenges = challenge::parse(&headers);
    for challenge in &challenges {
        assert!((1..=32).contains(&challenge.scheme().len()) && is_token(challenge.scheme()));
        for (key, value) in challenge.parameters() {
            assert!(is_token(key) && !value.contains(char::is_control), "{key}={value:?}");
            assert!(challenge.parameter(&key.to_ascii_uppercase()).is_some());
        }
        assert!(!challenge.is_malformed() || !challenge.is(challenge.scheme()));
    }
    let faults = challenges.iter().filter(|challenge| challenge.is_malformed()).count();
    assert!(faults <= headers.len(), "parsing of a header stops at its first fault");
    let sound: Vec<Challenge> = challenges.into_iter().filter(|challenge| !challenge.is_malformed()).collect();
    let printed: Vec<String> = sound.iter().map(print).collect();
    assert_eq!(challenge::parse(&printed), sound, "printed as one challenge per header");
    assert_eq!(challenge::parse(&[printed.join(", ")]), sound, "printed as all challenges in one header");
}

/// The input is up to three scopes, one per line. Asserts that a scope's text matches its set of permissions, and that
/// a union contains both scopes.
pub(crate) fn scope(text: &str) {
    let mut lines = text.lines();
    let [a, b, c] = [(); 3].map(|()| Scopes::parse(lines.next().unwrap_or_default()));
    for scopes in [&a, &b, &c] {
        let again = Scopes::parse(&scopes.to_string());
        assert_eq!((&again, again.to_string()), (scopes, scopes.to_string()));
        assert_eq!(scopes.len(), (!scopes.is_unlimited()).then(|| scopes.iter().count()));
        assert!(scopes.iter().all(|permission| scopes.holds(permission)) && scopes.iter().is_sorted());
        if !scopes.is_unlimited() {
            let canonical: Scopes = scopes.iter().cloned().collect();
            assert_eq!(&canonical, scopes);
            assert_eq!(Scopes::parse(&canonical.to_string()), canonical);
            assert_eq!(canonical.iter().cloned().collect::<Scopes>().to_string(), canonical.to_string());
        }
        assert_eq!(scopes.union(scopes).to_string(), scopes.to_string());
        assert_eq!(scopes.union(&Scopes::none()).to_string(), scopes.to_string());
        assert_eq!(&Scopes::none().union(scopes), scopes);
    }
    let both = a.union(&b);
    assert_eq!(both, b.union(&a));
    assert_eq!(both.union(&c), a.union(&b.union(&c)));
    assert!(both.contains(&a) && both.contains(&b));
    assert_eq!(a.contains(&b), both == a);
    assert!(!a.contains(&b) || both.to_string() == a.to_string(), "a text stays the same if nothing is added");
    assert_eq!(Scopes::parse(&both.to_string()), both);
}

/// The input is a conversation, which has a line of options and then the responses, separated by lines of `--`. Each
/// response is a status, headers and, after a blank line, a body. Asserts that few requests are sent, and that the
/// password is never sent to a forbidden place.
pub(crate) fn answers(text: &str) {
    let (options, answers) = text.split_once('\n').unwrap_or((text, ""));
    let has = |option: &str| options.split(' ').any(|word| word == option);
    let mut answers = answers.split("\n--\n").map(answer);
    let mut next = || answers.next().unwrap_or_else(|| Err(HttpError("nobody is there".to_owned())));

    let username = if has("identity") { "<token>" } else { "alice" };
    let username = username.parse().expect("a plain name");
    let credential = Credential { username, secret: Secret::new("hunter2".to_owned()) };
    let security = if has("plain") { TransportSecurity::PlainHttpAllowed } else { TransportSecurity::Https };
    let address = if has("plain") { "http://r.example/v2/" } else { "https://r.example/v2/" };
    let registry = Url::parse(address).expect("a plain address");

    let mut requester = Requester::new(&credential);
    let (mut handshake, mut request) = Handshake::start(registry.clone(), &mut requester, security);
    let mut sent = 1;
    let verdict = loop {
        may_be_sent(&request, &registry);
        match handshake.on_response(next()) {
            HandshakeStep::Send(another) => request = another,
            HandshakeStep::Done(verdict) => break verdict,
        }
        sent += 1;
        assert!(sent <= 7, "a login takes seven requests at most");
    };
    if let LoginVerdict::Unverified { why }
    | LoginVerdict::Rejected { by: why }
    | LoginVerdict::SessionOver { page: why } = &verdict
    {
        is_a_sentence(why);
    }
    let Some(context) = handshake.context(&verdict) else { return };
    let registry = context.registry.clone();
    let image: ImageReference = "r.example/a/b:1".parse().expect("a plain image");
    let operation = if has("push") { Operation::Push } else { Operation::Pull };
    let goal = if has("token") { ProbeGoal::Token } else { ProbeGoal::Verdict };
    let question = if has("authorize") {
        ProbeRequest::Authorize(Scopes::repository("a/b", &["pull"]))
    } else {
        ProbeRequest::Repository { image: &image, operation, goal }
    };
    let (mut probe, mut step) = AccessProbe::start(context, &mut requester, security, question);
    let mut sent = 0;
    let outcome = loop {
        match step {
            access::ProbeStep::Send(request) => {
                may_be_sent(&request, &registry);
                step = probe.on_response(next());
            }
            access::ProbeStep::Authorized(_) => match next() {
                Ok(HttpResponse { status: 401, challenges, .. }) => step = probe.on_refusal(&challenges),
                _ => return,
            },
            access::ProbeStep::Done(outcome) => break outcome,
        }
        sent += 1;
        assert!(sent <= 7, "a probe takes seven requests at most");
    };
    match outcome {
        Ok(token) => is_a_token(&token),
        Err(
            RepositoryAccess::Denied { by: why }
            | RepositoryAccess::Rejected { by: why }
            | RepositoryAccess::SessionOver { page: why }
            | RepositoryAccess::Unknown { why }
            | RepositoryAccess::Unverified { why },
        ) => is_a_sentence(&why),
        Err(
            RepositoryAccess::Allowed
            | RepositoryAccess::Unseen
            | RepositoryAccess::Anyone { .. }
            | RepositoryAccess::NoTokens,
        ) => {}
    }
}

fn is_token(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(&b))
}

/// Prints a challenge in the strict form, with all values quoted.
fn print(challenge: &Challenge) -> String {
    let quoted = |value: &str| value.replace('\\', r"\\").replace('"', r#"\""#);
    let parameters: Vec<_> =
        challenge.parameters().map(|(key, value)| format!("{key}=\"{}\"", quoted(value))).collect();
    format!("{} {}", challenge.scheme(), parameters.join(",")).trim_end().to_owned()
}

fn answer(text: &str) -> Result<HttpResponse, HttpError> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.parse().ok())
        .ok_or_else(|| HttpError("the server closed the connection".to_owned()))?;
    let headers: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(": ")).collect();
    let all =
        |name: &str| headers.iter().filter(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()).collect();
    let first = |name: &str| Vec::<String>::into_iter(all(name)).next();
    timestamp::parse(body);
    claims::read(&Secret::new(body.to_owned()));
    Ok(HttpResponse {
        status,
        challenges: all("www-authenticate"),
        location: first("location"),
        content_type: first("content-type"),
        retry_after: first("retry-after").and_then(|text| text.parse().ok()),
        token_expiry: None,
        body: Some(Secret::new(body.to_owned())),
    })
}

/// Checks that no secret is sent unencrypted if the registry uses https. A secret for a registry on another machine
/// must not be sent to this machine.
fn may_be_sent(request: &HttpRequest<'_>, registry: &Url) {
    assert!(!format!("{request:?}").contains("hunter2"));
    let url = &request.url;
    let shows_something = !matches!(request.authorization, Authorization::None) || !request.form.is_empty();
    if shows_something && url.host() != registry.host() {
        assert!(!url.is_loopback() && url.ip().is_none_or(|ip| !ip.is_loopback() && !ip.is_unspecified()), "{url:?}");
        assert!(!matches!(request.authorization, Authorization::Bearer(_)), "{url:?}");
    }
    assert!(!shows_something || url.is_https() || !registry.is_https(), "{url:?}");
    assert!(url.path().starts_with('/'));
}

fn is_a_sentence(why: &str) {
    assert_eq!(why, sanitize(why));
    assert!(why.chars().count() < 1000, "{why}");
}

#[expect(clippy::disallowed_methods, reason = "checks a token, and does not print it")]
fn is_a_token(token: &BearerToken) {
    assert!(!token.secret.expose().is_empty() && token.secret.expose().bytes().all(|b| b.is_ascii_graphic()));
    let now = timestamp::parse("2026-11-21T12:00:00Z").expect("a moment");
    let _ = token.time_left(now);
}
