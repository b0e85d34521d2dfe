//! `Scripted`: a local server that answers as a test says, for answers that no real registry gives.

use std::fmt::Write as _;
use std::io::{BufReader, Write};
use std::sync::{Arc, Mutex};

use super::server::{HttpRequest, Server};

/// A server that runs until the process ends.
pub struct Scripted {
    pub host: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    pub fn start(answer: impl Fn(&HttpRequest) -> String + Send + Sync + 'static) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let server = Server::without_tls(move |stream| {
            let mut reader = BufReader::new(stream);
            let Some(request) = HttpRequest::read(&mut reader) else { return };
            log.lock().unwrap().push(format!("{} {}", request.line, scheme(&request)).trim().to_owned());
            let _ = reader.get_mut().write_all(answer(&request).as_bytes());
        });
        Self { host: server.host, seen }
    }

    /// Returns the requests so far, each with the scheme of its credentials: `GET /v2/ basic`.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// Returns the kind of a request's credentials: `basic`, `bearer`, or an empty text.
pub fn scheme(request: &HttpRequest) -> &'static str {
    match request.header("authorization") {
        Some(value) if value.starts_with("Basic ") => "basic",
        Some(value) if value.starts_with("Bearer ") => "bearer",
        _ => "",
    }
}

/// Returns a whole HTTP answer.
pub fn respond(status: u16, headers: &[&str], body: &str) -> String {
    let mut answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
    for header in headers {
        let _ = write!(answer, "{header}\r\n");
    }
    answer + "\r\n" + body
}
