//! Sends HTTP requests. The time of a request and the size of its response are limited, and redirects are not followed.
//! Only this module uses `ureq`.

mod certificates;
mod deadline;
mod download;
mod error;
mod forward;
mod proxy;
mod resolver;
mod tls;
mod transfer;
mod url;
mod validity;
mod verifier;

use std::cell::Cell;
use std::fmt;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ureq::http::HeaderValue;
use ureq::http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION, PROXY_AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE,
};
use ureq::typestate::WithBody;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, TcpConnector};
use ureq::{Agent, Body, Error, RequestBuilder, Timeout};
use zeroize::Zeroizing;

use super::text::one_line;
use super::{env, request_log};
use crate::model::{Credential, Secret, timestamp};
pub(crate) use certificates::{CertificateFault, certificate_faults};
use deadline::DeadlineConnector;
pub(crate) use download::{Download, DownloadError};
pub(crate) use error::HttpError;
pub(crate) use error::{NO_AUTHORITIES, NO_CLIENT_CERTIFICATE, NO_TLS, TLS_FAILED, UNKNOWN_ISSUER};
use error::{explain, is_broken};
use forward::ForwardConnector;
pub(crate) use proxy::{BY_WAY_OF_PROXY, proxy_faults};
use proxy::{Proxies, ProxyRoute};
use resolver::Resolver;
use tls::Tls;
pub(crate) use tls::TlsOptions;
pub(crate) use transfer::{Payload, StreamingResponse, Transfer};
pub(crate) use url::Url;

/// Sends requests, and keeps connections open so that later requests to the same server can use them.
#[derive(Clone)]
pub(crate) struct HttpClient {
    agent: Agent,
    proxies: Proxies,
    limits: Limits,
    /// The deadline of all requests together.
    end: Instant,
    /// The expiry of the sent credentials, if a server has stated the expiry.
    expiry: Cell<Option<SystemTime>>,
}

/// How long requests may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) connect: Duration,
    /// The limit of one request, from the lookup of the host to the last byte of the body.
    pub(crate) overall: Duration,
    /// The limit of all requests of one client together. A login sends up to seven requests while a person waits. The
    /// login's access probe sends up to seven more requests.
    pub(crate) total: Duration,
}

#[derive(Debug)]
pub(crate) struct HttpRequest<'a> {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// Pairs to add to the URL's query.
    pub(crate) query: Vec<(&'static str, String)>,
    /// The `Accept` header.
    pub(crate) accept: Option<&'static str>,
    pub(crate) authorization: Authorization<'a>,
    /// The form fields for the body of a POST.
    pub(crate) form: Vec<(&'static str, FormField<'a>)>,
    /// The JSON text for the body of a POST. If `json` is set, `form` is ignored.
    pub(crate) json: Option<Secret>,
}

/// The methods of HTTP that registries use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

#[derive(Debug)]
pub(crate) enum Authorization<'a> {
    None,
    Basic(&'a Credential),
    Bearer(Secret),
}

/// One value of a form.
#[derive(Debug)]
pub(crate) enum FormField<'a> {
    Plain(String),
    Secret(&'a Secret),
    Own(Secret),
}

/// A server's response. No text in a response can be trusted.
#[cfg_attr(test, derive(Default))]
#[derive(Debug)]
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    /// The `WWW-Authenticate` headers.
    pub(crate) challenges: Vec<String>,
    pub(crate) location: Option<String>,
    pub(crate) content_type: Option<String>,
    /// The value of `Retry-After`, if the value is a number of seconds (RFC 9110 section 10.2.3).
    pub(crate) retry_after: Option<u64>,
    /// The expiry of the request's token, as GitHub states it.
    pub(crate) token_expiry: Option<SystemTime>,
    /// The body, which may contain a token; `None` if the body is longer than 64 KiB or not UTF-8.
    pub(crate) body: Option<Secret>,
}

/// The response header in which GitHub states when the request's token expires
/// (<https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api>).
const TOKEN_EXPIRY: &str = "github-authentication-token-expiration";

const USER_AGENT: &str = concat!("ensign/", env!("CARGO_PKG_VERSION"));

/// The pause before a request is sent again after a broken connection.
const PAUSE: Duration = Duration::from_millis(100);

/// The largest body of a response in bytes. Some tokens have tens of kilobytes, and go-containerregistry has the same
/// limit.
const BODY_LIMIT: u64 = 64 * 1024;

/// The longest URL in bytes. Servers choose parts of some URLs, and `ureq` panics if a URL is too long for `Uri`.
const ADDRESS_LIMIT: usize = 32 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), overall: Duration::from_secs(15), total: Duration::from_secs(30) }
    }
}

impl<'a> HttpRequest<'a> {
    pub(crate) fn new(method: Method, url: Url, authorization: Authorization<'a>) -> Self {
        Self { method, url, query: Vec::new(), accept: None, authorization, form: Vec::new(), json: None }
    }
}

impl HttpClient {
    /// Creates a client for servers without special TLS options. The proxies are read from the environment.
    pub(crate) fn new(limits: Limits) -> Self {
        Self::secured(limits, TlsOptions::default())
    }

    pub(crate) fn secured(limits: Limits, security: TlsOptions) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0) // the caller decides whether to follow a redirect
            .timeout_connect(Some(limits.connect))
            .user_agent(USER_AGENT)
            .proxy(None) // each request sets its own proxy
            .build();
        let proxies = Proxies::from_environment();
        let tls = Tls { security, proxies: proxies.clone() };
        let to_server = ForwardConnector.chain(ConnectProxyConnector::default()).chain(TcpConnector::default());
        let connector = to_server.chain(tls).chain(DeadlineConnector);
        let agent = Agent::with_parts(config, connector, Resolver);
        Self { agent, proxies, limits, end: Instant::now() + limits.total, expiry: Cell::default() }
    }

    /// Returns a copy of the client with a new deadline.
    pub(crate) fn with_fresh_deadline(&self) -> Self {
        Self { end: Instant::now() + self.limits.total, ..self.clone() }
    }

    /// Returns the expiry of the user's own credentials, if a server has stated the expiry.
    pub(crate) fn credentials_expiry(&self) -> Option<SystemTime> {
        self.expiry.get()
    }

    /// Sends one request and waits for the response. A response is not an error, whatever its status is.
    pub(crate) fn send(&self, request: &HttpRequest<'_>) -> Result<HttpResponse, HttpError> {
        let started = Instant::now();
        let answer = self.exchange(request);
        if let (Authorization::Basic(_), Ok(HttpResponse { token_expiry: Some(expiry), .. })) =
            (&request.authorization, &answer)
        {
            self.expiry.set(Some(*expiry));
        }
        let outcome = match &answer {
            Ok(response) => response.status.to_string(),
            Err(HttpError(why)) => why.clone(),
        };
        request_log::log(format_args!("{request}: {outcome}, after {} ms", started.elapsed().as_millis()));
        answer
    }

    /// Sends the request. A `GET` or `HEAD` is sent again after a broken connection, because these methods change
    /// nothing on the server.
    fn exchange(&self, request: &HttpRequest<'_>) -> Result<HttpResponse, HttpError> {
        let header = authorization_header(&request.authorization)?;
        if request.url.is_https() {
            refuse_foreign_authorities()?;
        }
        let longest = |text: &str| 3 * text.len() + 2; // each byte may become `%XX`
        let query: usize = request.query.iter().map(|(key, value)| longest(key) + longest(value)).sum();
        if query + request.url.0.to_string().len() > ADDRESS_LIMIT {
            return Err(HttpError("the URL is too long".to_owned()));
        }
        let route = self.proxies.route(&request.url)?;
        let mut answer = self.try_once(request, header.clone(), &route);
        if matches!(request.method, Method::Get | Method::Head) && answer.as_ref().is_err_and(is_broken) {
            thread::sleep(PAUSE);
            answer = self.try_once(request, header, &route);
        }
        match answer {
            Ok(HttpResponse { status: 407, .. }) if route.is_forwarded => {
                Err(HttpError(format!("login required (407){}", route.proxy_note())))
            }
            answer => answer.map_err(|error| HttpError(explain(&error) + &route.proxy_note())),
        }
    }

    fn try_once(
        &self,
        request: &HttpRequest<'_>,
        header: Option<HeaderValue>,
        route: &ProxyRoute,
    ) -> Result<HttpResponse, Error> {
        let HttpRequest { method, url, form, json, .. } = request;
        let left = self.end.saturating_duration_since(Instant::now()).min(self.limits.overall);
        if left.is_zero() {
            return Err(Error::Timeout(Timeout::Global));
        }
        let (agent, uri) = (&self.agent, &url.0);
        let terms = SendOptions { header, route, left };
        let answer = match method {
            Method::Get => prepare(agent.get(uri), request, terms).call(),
            Method::Head => prepare(agent.head(uri), request, terms).call(),
            Method::Delete => prepare(agent.delete(uri), request, terms).call(),
            Method::Put => prepare(agent.put(uri), request, terms).send_empty(),
            Method::Patch => prepare(agent.patch(uri), request, terms).send_empty(),
            Method::Post if let Some(json) = json => send_json(prepare(agent.post(uri), request, terms), json),
            Method::Post if form.is_empty() => prepare(agent.post(uri), request, terms).send_empty(),
            Method::Post => send_form(prepare(agent.post(uri), request, terms), form),
        };
        answer.and_then(receive)
    }
}

/// Writes the method, the URL, the scopes and the kind of credentials for the log. The rest of the query is left out,
/// because it may contain tokens.
impl fmt::Display for HttpRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.url.is_https() { "https" } else { "http" };
        let method = format!("{:?}", self.method).to_uppercase();
        write!(f, "{method} {scheme}://{}{}", self.url.authority(), self.url.path())?;
        let mut scopes = self.query.iter().filter(|(key, _)| *key == "scope");
        scopes.try_for_each(|(_, scope)| write!(f, " for {}", one_line(scope, 100)))?;
        f.write_str(match self.authorization {
            Authorization::None if self.form.is_empty() && self.json.is_none() => "",
            Authorization::None => " with a form",
            Authorization::Basic(_) => " with the user name and password",
            Authorization::Bearer(_) => " with a token",
        })
    }
}

struct SendOptions<'r> {
    header: Option<HeaderValue>,
    route: &'r ProxyRoute,
    left: Duration,
}

fn prepare<Any>(
    builder: RequestBuilder<Any>,
    request: &HttpRequest<'_>,
    terms: SendOptions<'_>,
) -> RequestBuilder<Any> {
    let mut builder = builder.config().timeout_global(Some(terms.left)).proxy(terms.route.proxy.clone()).build();
    if let Some(value) = &terms.route.login {
        builder = builder.header(PROXY_AUTHORIZATION, value);
    }
    if let Some(value) = terms.header {
        builder = builder.header(AUTHORIZATION, value);
    }
    if let Some(types) = request.accept {
        builder = builder.header(ACCEPT, types);
    }
    builder.query_pairs(request.query.iter().map(|(key, value)| (*key, value.as_str())))
}

#[expect(clippy::disallowed_methods, reason = "the Authorization header sends the secret to a registry")]
fn authorization_header(authorization: &Authorization<'_>) -> Result<Option<HeaderValue>, HttpError> {
    let text = match authorization {
        Authorization::None => return Ok(None),
        Authorization::Basic(Credential { username, secret }) => basic(username.as_str(), secret.expose()),
        Authorization::Bearer(token) => Zeroizing::new(format!("Bearer {}", token.expose())),
    };
    let value = sensitive(&text);
    value.map(Some).ok_or_else(|| HttpError("the credentials do not fit into an HTTP header".to_owned()))
}

/// Returns the credentials of Basic authentication in UTF-8 (RFC 7617).
fn basic(user: &str, password: &str) -> Zeroizing<String> {
    let pair = Zeroizing::new(format!("{user}:{password}"));
    Zeroizing::new(format!("Basic {}", *Zeroizing::new(BASE64_STANDARD.encode(pair.as_bytes()))))
}

/// Returns a header's value that is not printed; `None` if a header cannot contain the text.
fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[expect(clippy::disallowed_methods, reason = "the form sends an identity token to a token server")]
fn send_form(
    request: RequestBuilder<WithBody>,
    form: &[(&'static str, FormField<'_>)],
) -> Result<ureq::http::Response<Body>, Error> {
    request.send_form(form.iter().map(|(key, field)| match field {
        FormField::Plain(text) => (*key, text.as_str()),
        FormField::Secret(secret) => (*key, secret.expose()),
        FormField::Own(secret) => (*key, secret.expose()),
    }))
}

/// Fails if the calling client has changed the variables for authorities, because the library that loads the system's
/// certificates reads the changed values.
fn refuse_foreign_authorities() -> Result<(), HttpError> {
    let changed = ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().find(|name| env::present(name) != env::variable(name));
    changed.map_or(Ok(()), |name| Err(HttpError(format!("the calling client changed {name} after its start"))))
}

#[expect(clippy::disallowed_methods, reason = "the body sends a provider its own code back")]
fn send_json(request: RequestBuilder<WithBody>, json: &Secret) -> Result<ureq::http::Response<Body>, Error> {
    request.header(CONTENT_TYPE, "application/json").send(json.expose())
}

fn receive(answer: ureq::http::Response<Body>) -> Result<HttpResponse, Error> {
    let (head, mut body) = answer.into_parts();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let body = match body.with_config().limit(BODY_LIMIT).read_to_vec() {
        Ok(bytes) => String::from_utf8(bytes).ok().map(Secret::new),
        Err(Error::BodyExceedsLimit(_)) => None,
        Err(error) => return Err(error),
    };
    Ok(HttpResponse {
        status: head.status.as_u16(),
        challenges: head.headers.get_all(WWW_AUTHENTICATE).iter().map(text).collect(),
        location: head.headers.get(LOCATION).map(text),
        content_type: head.headers.get(CONTENT_TYPE).map(text),
        retry_after: head.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok()),
        token_expiry: head.headers.get(TOKEN_EXPIRY).and_then(|value| timestamp::parse_github(value.to_str().ok()?)),
        body,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_become_a_header_that_does_not_print() {
        let credential = Credential { username: "älice".parse().unwrap(), secret: Secret::new("pä:ss".into()) };
        let basic = authorization_header(&Authorization::Basic(&credential)).unwrap().unwrap();
        assert_eq!(basic, "Basic w6RsaWNlOnDDpDpzcw=="); // in UTF-8 (RFC 7617, section 2.1)
        assert_eq!(format!("{basic:?}"), "Sensitive");
        assert!(authorization_header(&Authorization::Bearer(Secret::new("a\r\nb: c".into()))).is_err());
        assert!(authorization_header(&Authorization::None).unwrap().is_none());
    }

    #[test]
    fn an_address_that_a_server_made_too_long_is_not_asked() {
        let url = Url::parse("http://127.0.0.1:1/token").unwrap();
        let query = vec![("service", " ".repeat(30_000))];
        let request = HttpRequest { query, ..HttpRequest::new(Method::Get, url, Authorization::None) };
        let HttpError(why) = HttpClient::new(Limits::default()).send(&request).unwrap_err();
        assert!(why.contains("too long"), "{why}");
    }
}
