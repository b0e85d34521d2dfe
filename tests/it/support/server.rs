//! `Server`: a local server that does what a test says, even if it breaks the protocol. `HttpRequest` reads what the
//! client sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// A server that runs until the process ends.
pub struct Server {
    pub host: String,
}

impl Server {
    /// Starts a server that handles each connection in its own thread.
    pub fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = format!("localhost:{}", listener.local_addr().unwrap().port());
        let serve = Arc::new(serve);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve(stream.unwrap()));
            }
        });
        Self { host }
    }

    /// Starts a server that hangs up on TLS, so that the client retries in plain http.
    pub fn without_tls(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        Self::start(move |stream| {
            let mut first = [0];
            if stream.peek(&mut first).is_ok() && first[0] != 0x16 {
                serve(stream);
            }
        })
    }

    /// Starts a server in plain http. `answer` gets each request's head and may write anything.
    pub fn plain(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        Self::without_tls(move |mut stream| {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
            if !head.is_empty() {
                answer(&head, &mut stream);
            }
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = reader.take(1 << 20).read_to_end(&mut Vec::new()); // unread bytes would cut the answer off
        })
    }

    /// Starts a server that always gives the same answer.
    pub fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::plain(move |_, stream| drop(stream.write_all(&answer)))
    }

    /// Starts a server whose challenge names the token server `realm`, and which gives `answer` to each request for
    /// `/token`.
    pub fn with_token_server(realm: &'static str, answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::plain(move |head, stream| {
            let _ = match head {
                _ if head.starts_with("GET /token") => stream.write_all(&answer),
                _ if head.to_lowercase().contains("authorization: bearer ") => stream.write_all(&ok("{}")),
                _ => {
                    let challenge = format!("WWW-Authenticate: Bearer realm=\"{realm}\",service=\"s\"\r\n");
                    stream.write_all(&respond(401, &challenge, ""))
                }
            };
        })
    }
}

/// A request that a server has read.
pub struct HttpRequest {
    /// The method and the target, such as `GET /v2/?a=b`.
    pub line: String,
    pub body: String,
    headers: Vec<(String, String)>,
}

impl HttpRequest {
    /// Reads the next request of a connection. Returns `None` at the connection's end.
    pub fn read(reader: &mut impl BufRead) -> Option<Self> {
        let mut head = String::new();
        while reader.read_line(&mut head).ok()? > 2 {}
        let mut lines = head.lines();
        let line = lines.next()?.rsplit_once(' ')?.0.to_owned();
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        let mut request = Self { line, body: String::new(), headers };
        let mut body = vec![0; request.header("content-length").map_or(0, |length| length.parse().unwrap())];
        reader.read_exact(&mut body).ok()?;
        request.body = String::from_utf8_lossy(&body).into_owned();
        Some(request)
    }

    /// Returns the path and the query.
    pub fn target(&self) -> &str {
        self.line.split(' ').nth(1).unwrap()
    }

    /// Returns the value of the first header called `name`. `name` must be in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns `USER:PASSWORD`, if the request has a Basic header.
    pub fn basic(&self) -> Option<String> {
        let pair = self.header("authorization")?.strip_prefix("Basic ")?;
        Some(String::from_utf8(BASE64_STANDARD.decode(pair).unwrap()).unwrap())
    }
}

/// Repeats the same bytes until the other side closes the connection.
pub fn endlessly(stream: &mut TcpStream, start: &str, bytes: &str, pause: Duration) {
    let mut sent = stream.write_all(start.as_bytes());
    while sent.is_ok() {
        thread::sleep(pause);
        sent = stream.write_all(bytes.as_bytes());
    }
}

pub fn ok(body: &str) -> Vec<u8> {
    respond(200, "", body)
}

pub fn respond(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}
