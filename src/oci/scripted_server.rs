//! Runs a server on this machine for tests. A function answers the requests by plain http, and the server refuses a TLS
//! handshake. The file also contains test functions that print requests and make tokens.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE;

use crate::model::{Registry, Secret};
use crate::system::http::{Authorization, FormField, HttpRequest};
use crate::system::threads;

/// A server that runs until the process ends.
pub(super) struct ScriptedServer {
    pub(super) registry: Registry,
    seen: Arc<Mutex<Vec<String>>>,
}

impl ScriptedServer {
    /// Starts a server. For each request, calls `answer` with the request line and the headers, and `answer` writes the
    /// whole response.
    pub(super) fn start(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let registry = Registry::from_key(&listener.local_addr().unwrap().to_string());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        threads::start(move || {
            for stream in listener.incoming() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                threads::start(move || serve(stream.unwrap(), &log, &*answer)).unwrap();
            }
        })
        .unwrap();
        Self { registry, seen }
    }

    /// Returns the requests so far, each with its request line and headers.
    pub(super) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// Writes a complete response, after which the server closes the connection.
pub(super) fn write_answer(stream: &mut TcpStream, status: u16, headers: &str, body: &str) {
    let length = body.len();
    let _ =
        write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}");
}

/// Prints a request on one line, without secrets.
pub(super) fn show(request: &HttpRequest<'_>) -> String {
    let method = format!("{:?}", request.method).to_uppercase();
    let authorization = match request.authorization {
        Authorization::None => "none",
        Authorization::Basic(_) => "basic",
        Authorization::Bearer(_) => "bearer",
    };
    let scheme = if request.url.is_https() { "https" } else { "http" };
    let url = format!("{scheme}://{}{}", request.url.authority(), request.url.path());
    let query = request.query.iter().map(|(key, value)| format!(" {key}={value}"));
    let form = request.form.iter().map(|(key, field)| match field {
        FormField::Plain(value) => format!(" {key}={value}"),
        FormField::Secret(_) | FormField::Own(_) => format!(" {key}=…"),
    });
    format!("{method} {url} {authorization}{}", query.chain(form).collect::<String>())
}

/// Returns the body of a token server's response.
pub(super) fn giving(token: &str) -> Secret {
    Secret::new(format!(r#"{{"token": "{token}"}}"#))
}

/// Returns a token with these claims.
pub(super) fn jwt(payload: &str) -> String {
    format!("e30.{}.c2ln", BASE64_URL_SAFE.encode(payload))
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<String>>, answer: &dyn Fn(&str, &mut TcpStream)) {
    let mut first = [0];
    if stream.peek(&mut first).is_err() || first[0] == 0x16 {
        return; // a TLS handshake
    }
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
    let length = head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let _ = reader.read_exact(&mut vec![0; length.unwrap_or(0)]);
    log.lock().unwrap().push(head.clone());
    answer(&head, &mut stream);
}
