//! `Server`: a registry with its token server and a proxy, which answers as a test says and records the requests.

use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use crate::support::server;
use crate::support::server::HttpRequest;

/// Runs until the tests end. As a proxy it answers for every host on port 80, and refuses connections to port 443.
pub struct Server {
    pub host: String,
    seen: Arc<Mutex<Vec<String>>>,
}

/// Status, headers with line ends, and body.
pub type Answer = (u16, String, String);

impl Server {
    /// Starts a server. `answer` gets each request in the form of [`Server::seen`].
    pub fn start(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let server = server::Server::without_tls(move |stream| serve(stream, &log, &answer));
        Self { host: server.host, seen }
    }

    /// Returns the requests so far: method, target, credentials (`-`, `Basic user:password`, `Bearer token`), and body.
    /// A CONNECT that is repeated because the proxy hung up is listed once.
    pub fn seen(&self) -> Vec<String> {
        let mut seen = self.seen.lock().unwrap().clone();
        seen.dedup_by(|again, before| again == before && again.starts_with("CONNECT "));
        seen
    }
}

pub fn says(status: u16, body: &str) -> Answer {
    (status, String::new(), body.to_owned())
}

/// Returns 401 with this challenge.
pub fn asks(challenge: &str) -> Answer {
    (401, format!("WWW-Authenticate: {challenge}\r\n"), String::new())
}

/// A challenge whose token server is at `/auth` of the registry.
pub const BEARER: &str = r#"Bearer realm="/auth",service="example.com""#;

/// The first request of a handshake, in the form of [`Server::seen`].
pub const PING: &str = "GET /v2/ -";

fn serve(stream: TcpStream, log: &Mutex<Vec<String>>, answer: &dyn Fn(&str) -> Answer) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = HttpRequest::read(&mut reader) {
        let request = shown(&request);
        log.lock().unwrap().push(request.clone());
        let (status, headers, body) = match request.split(' ').nth(1).filter(|_| request.starts_with("CONNECT ")) {
            Some(target) if target.ends_with(":443") => return,
            Some(_) => (200, String::new(), String::new()),
            None => answer(&request),
        };
        let length = if request.starts_with("HEAD ") { 0 } else { body.len() };
        let length =
            if request.starts_with("CONNECT ") { String::new() } else { format!("Content-Length: {length}\r\n") };
        let _ = write!(reader.get_mut(), "HTTP/1.1 {status} X\r\n{length}{headers}\r\n{body}");
    }
}

fn shown(request: &HttpRequest) -> String {
    let basic = request.basic().map(|pair| format!("Basic {pair}"));
    let credentials = basic.as_deref().or(request.header("authorization")).unwrap_or("-");
    format!("{} {credentials} {}", request.line, request.body).trim_end().to_owned()
}
