//! `FakeRegistry`: a local registry for the commands that people use.

use std::fmt::Write as _;
use std::io::{BufReader, Write};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::server::{HttpRequest, Server};

/// A registry that accepts the password `USER-pw` for every user. Users may do everything in their own namespace and
/// pull from `public`. The only tag is `1`.
pub struct FakeRegistry {
    pub host: String,
    seen: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Open,
    Basic,
    /// The tokens are JWTs.
    Token,
    /// The tokens contain no readable data.
    OpaqueToken,
    /// The token server accepts every password, but issues tokens without access.
    Careless,
}

impl FakeRegistry {
    pub fn start() -> Self {
        Self::of(Kind::Basic)
    }

    /// Starts a registry that needs no login.
    pub fn open() -> Self {
        Self::of(Kind::Open)
    }

    pub fn with_tokens() -> Self {
        Self::of(Kind::Token)
    }

    pub fn with_opaque_tokens() -> Self {
        Self::of(Kind::OpaqueToken)
    }

    pub fn careless() -> Self {
        Self::of(Kind::Careless)
    }

    /// Returns the method and path of each request so far.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    fn of(kind: Kind) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let server = Server::without_tls(move |stream| {
            let mut reader = BufReader::new(stream);
            while let Some(request) = HttpRequest::read(&mut reader) {
                log.lock().unwrap().push(request.line.split('?').next().unwrap().to_owned());
                let _ = reader.get_mut().write_all(answer(kind, &request).as_bytes());
            }
        });
        Self { host: server.host, seen }
    }
}

fn answer(kind: Kind, request: &HttpRequest) -> String {
    let (method, target) = request.line.split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let user = match kind {
        Kind::Open => Some("anyone".to_owned()),
        Kind::Careless if path == "/token" => Some(String::new()),
        _ if kind == Kind::Basic || path == "/token" => user_of(request),
        _ => {
            let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
            token.map(|token| token.rsplit('.').next().unwrap().to_owned())
        }
    };
    let Some(user) = user else {
        let challenge =
            if kind == Kind::Basic { "Basic realm=\"test\"" } else { "Bearer realm=\"/token\",service=\"test\"" };
        return respond(401, &format!("WWW-Authenticate: {challenge}\r\n"), "");
    };
    if path == "/token" {
        return respond(
            200,
            "",
            &format!(r#"{{"token": "{}", "expires_in": 300}}"#, token(kind, &user, &decoded(query))),
        );
    }
    let mut parts = path.trim_start_matches("/v2/").split('/');
    let namespace = parts.next().unwrap();
    let own = kind == Kind::Open || namespace == user;
    match method {
        _ if namespace.is_empty() => respond(200, "", "{}"),
        "HEAD" if own || namespace == "public" => respond(if path.ends_with("/1") { 200 } else { 404 }, "", ""),
        "POST" if own => respond(202, &format!("Location: {path}0001\r\n"), ""),
        "DELETE" if own => respond(204, "", ""),
        _ => respond(403, "", ""),
    }
}

/// Returns a token that ends with the name of its user.
fn token(kind: Kind, user: &str, query: &str) -> String {
    if kind == Kind::OpaqueToken {
        return format!("opaque.{user}");
    }
    let mut access = Vec::new();
    for scope in query.split('&').filter_map(|pair| pair.strip_prefix("scope=repository:")) {
        let (name, actions) = scope.rsplit_once(':').unwrap();
        let namespace = name.split('/').next().unwrap();
        let may = |action: &&str| namespace == user || (namespace == "public" && *action == "pull");
        let actions: Vec<_> = actions.split(',').filter(may).collect();
        access.push(serde_json::json!({"type": "repository", "name": name, "actions": actions}));
    }
    let claims = serde_json::json!({"sub": user, "access": access}).to_string();
    format!("e30.{}.{user}", BASE64_URL_SAFE_NO_PAD.encode(claims))
}

fn respond(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len())
}

/// Returns the user of a Basic header with a correct password.
fn user_of(request: &HttpRequest) -> Option<String> {
    let pair = request.basic()?;
    let (user, password) = pair.split_once(':')?;
    (password == format!("{user}-pw")).then(|| user.to_owned())
}

fn decoded(query: &str) -> String {
    let mut parts = query.split('%');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = u8::from_str_radix(&part[..2], 16).unwrap();
        let _ = write!(text, "{}{}", char::from(code), &part[2..]);
    }
    text
}
