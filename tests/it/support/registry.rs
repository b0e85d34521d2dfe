//! `FakeRegistry`: a registry on the loopback with Basic authentication, for what a person's login needs.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use base64::Engine;

/// It accepts every user whose password is the user name and `-pw`.
pub struct FakeRegistry {
    pub host: String,
}

impl FakeRegistry {
    pub fn start() -> Self {
        Self::answering(|authorization| match authorization {
            Some(value) if is_accepted(value) => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_owned(),
            _ => "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"test\"\r\nContent-Length: 0\r\n\r\n"
                .to_owned(),
        })
    }

    /// It lets anyone in.
    pub fn open() -> Self {
        Self::answering(|_| "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_owned())
    }

    fn answering(answer: fn(Option<&str>) -> String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = format!("localhost:{}", listener.local_addr().unwrap().port());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                std::thread::spawn(move || serve(stream.unwrap(), answer));
            }
        });
        Self { host }
    }
}

fn serve(stream: TcpStream, answer: fn(Option<&str>) -> String) {
    let mut reader = BufReader::new(stream);
    let mut authorization = None;
    loop {
        let mut line = String::new();
        match reader.read_line(&mut line) {
            Ok(0) | Err(_) => return, // a TLS greeting is no line of text: the client comes back in plain http
            Ok(_) if line.trim().is_empty() => {
                let _ = reader.get_mut().write_all(answer(authorization.take().as_deref()).as_bytes());
            }
            Ok(_) => {
                if let Some((name, value)) = line.split_once(':')
                    && name.eq_ignore_ascii_case("authorization")
                {
                    authorization = Some(value.trim().to_owned());
                }
            }
        }
    }
}

fn is_accepted(authorization: &str) -> bool {
    let encoded = authorization.strip_prefix("Basic ").unwrap_or_default();
    let decoded = base64::prelude::BASE64_STANDARD.decode(encoded).unwrap_or_default();
    String::from_utf8(decoded)
        .is_ok_and(|pair| pair.split_once(':').is_some_and(|(user, password)| password == format!("{user}-pw")))
}
