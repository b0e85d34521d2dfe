//! `Scripted`: a local server that answers as a test says, for answers that no real registry gives.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A server that runs until the process ends.
pub struct Scripted {
    pub host: String,
    seen: Arc<Mutex<Vec<String>>>,
}

/// A request: the line `GET /path?query`, the headers in lower case, and the body.
pub struct Asked {
    pub line: String,
    pub headers: String,
    pub body: String,
}

impl Scripted {
    pub fn start(answer: impl Fn(&Asked) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = format!("localhost:{}", listener.local_addr().unwrap().port());
        let (seen, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(answer));
        let log = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream.unwrap(), &log, &*answer));
            }
        });
        Self { host, seen }
    }

    /// Returns the requests so far, each with the scheme of its credentials: `GET /v2/ basic`.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Asked {
    /// Returns `basic`, `bearer`, or an empty text.
    pub fn scheme(&self) -> &str {
        let value = self.headers.split("\nauthorization: ").nth(1).unwrap_or_default();
        value.split(' ').next().unwrap_or_default()
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

fn serve(stream: TcpStream, log: &Mutex<Vec<String>>, answer: &dyn Fn(&Asked) -> String) {
    let mut first = [0];
    if stream.peek(&mut first).is_err() || first[0] == 0x16 {
        return; // a TLS handshake; the client then retries in plain http
    }
    let mut reader = BufReader::new(stream);
    let (mut line, mut headers) = (String::new(), String::from("\n"));
    let _ = reader.read_line(&mut line);
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).is_ok_and(|read| read <= 2) {
            break;
        }
        headers += &header.to_lowercase().replace("\r\n", "\n");
    }
    let length = headers.split("\ncontent-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    let _ = reader.read_exact(&mut body);
    let line = line.rsplit_once(' ').unwrap().0.to_owned();
    let asked = Asked { line, headers, body: String::from_utf8_lossy(&body).into_owned() };
    log.lock().unwrap().push(format!("{} {}", asked.line, asked.scheme()).trim().to_owned());
    let _ = reader.get_mut().write_all(answer(&asked).as_bytes());
}
