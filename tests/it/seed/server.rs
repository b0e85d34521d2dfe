//! `Server`: a registry with its token server and a proxy, which answers as a test says and records the requests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// Runs until the tests end. As a proxy it plays every host on port 80, and refuses connections to port 443.
pub struct Server {
    pub host: String,
    seen: Arc<Mutex<Vec<String>>>,
}

/// Status, headers with line ends, and body.
pub type Answer = (u16, String, String);

impl Server {
    /// Starts a server. `answer` gets each request in the form of [`Server::seen`].
    pub fn start(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = format!("localhost:{}", listener.local_addr().unwrap().port());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream.unwrap(), &log, &*answer));
            }
        });
        Self { host, seen }
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
    let mut first = [0];
    if stream.peek(&mut first).is_err() || first[0] == 0x16 {
        return; // a TLS handshake; the client then retries in plain http
    }
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
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

fn read(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let header = |name: &str| {
        let lines = head.iter().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).next()
    };
    let mut body = vec![0; header("content-length").map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    let shown = header("authorization").map_or("-".to_owned(), |value| match value.strip_prefix("Basic ") {
        Some(pair) => format!("Basic {}", String::from_utf8(BASE64_STANDARD.decode(pair).unwrap()).unwrap()),
        None => value,
    });
    let line = head[0].rsplit_once(' ').unwrap().0;
    Some(format!("{line} {shown} {}", String::from_utf8(body).unwrap()).trim_end().to_owned())
}
