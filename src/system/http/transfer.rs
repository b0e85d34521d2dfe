//! Sends requests and receives responses with bodies of any size, in pieces. A transfer fails if no data arrives within
//! the time limit.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use ureq::http::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderName, PROXY_AUTHORIZATION};
use ureq::http::{self, HeaderValue};
use ureq::{Agent, Error, Proxy, SendBody, Timeout};

use super::{
    Authorization, HttpClient, HttpError, Method, PAUSE, ProxyRoute, Url, authorization_header, explain, is_broken,
};
use crate::system::text::one_line;
use crate::system::threads;

/// A request with the caller's own headers and body.
#[derive(Debug)]
pub(crate) struct Transfer<'a> {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) authorization: Authorization<'a>,
    pub(crate) payload: Payload,
}

/// The body of a request, which can be sent more than once.
#[derive(Clone, Debug)]
pub(crate) enum Payload {
    None,
    Bytes(Arc<[u8]>),
    /// A file and its length.
    File(PathBuf, u64),
}

/// A response whose body is still arriving.
pub(crate) struct StreamingResponse {
    pub(crate) status: u16,
    /// The header names in lower case with their values, in the order of the response.
    pub(crate) headers: Vec<(String, String)>,
    events: Receiver<Event>,
    idle_timeout: Duration,
}

/// The messages from the thread that sends the request and receives the response.
enum Event {
    /// A piece of the request's body was sent.
    Sent,
    Head(u16, Vec<(String, String)>),
    Piece(Vec<u8>),
    End,
    Failed(Error),
}

/// How many pieces may wait for the reader, and the size of a piece in bytes.
const PIECES: usize = 4;
const PIECE: usize = 64 * 1024;

impl HttpClient {
    /// Sends a request, and returns when the head of the response has arrived. `idle_timeout` is the longest time
    /// without data.
    pub(crate) fn transfer(
        &self,
        transfer: &Transfer<'_>,
        idle_timeout: Duration,
    ) -> Result<StreamingResponse, HttpError> {
        let (sender, events) = sync_channel(PIECES);
        let route = self.proxies.route(&transfer.url)?;
        let (request, agent) = (prepare(transfer, &route)?, self.agent.clone());
        let body = transfer.payload.open().map_err(|error| HttpError(error.to_string()))?;
        let by_way_of = route.proxy_note();
        // The thread ends when the receiver is dropped, or at the end of Ensign's process.
        let work = move || {
            if let Err(error) = run_transfer(&agent, request, body, route.proxy.as_ref(), &sender) {
                let _ = sender.send(Event::Failed(error));
            }
        };
        threads::start(work).map_err(|error| HttpError(error.to_string()))?;
        loop {
            match next(&events, idle_timeout)? {
                Event::Head(status, headers) => return Ok(StreamingResponse { status, headers, events, idle_timeout }),
                Event::Failed(error) => return Err(HttpError(explain(&error) + &by_way_of)),
                Event::Sent | Event::Piece(_) => {}
                Event::End => return Err(HttpError("the server closed the connection".to_owned())),
            }
        }
    }
}

impl StreamingResponse {
    /// Returns the next piece of the body; `None` at the body's end.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>, HttpError> {
        loop {
            match next(&self.events, self.idle_timeout)? {
                Event::Piece(piece) => return Ok(Some(piece)),
                Event::End => return Ok(None),
                Event::Failed(error) => return Err(HttpError(explain(&error))),
                Event::Sent | Event::Head(..) => {}
            }
        }
    }

    /// Returns the value of the first header called `name`. `name` must be in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn next(events: &Receiver<Event>, idle_timeout: Duration) -> Result<Event, HttpError> {
    events.recv_timeout(idle_timeout).map_err(|error| match error {
        RecvTimeoutError::Timeout => HttpError(explain(&Error::Timeout(Timeout::Global))),
        RecvTimeoutError::Disconnected => HttpError("the server closed the connection".to_owned()),
    })
}

fn prepare(transfer: &Transfer<'_>, route: &ProxyRoute) -> Result<http::Request<()>, HttpError> {
    let Transfer { method, url, headers, authorization, payload } = transfer;
    let mut builder = http::Request::builder().uri(url.0.clone()).method(match method {
        Method::Get => http::Method::GET,
        Method::Head => http::Method::HEAD,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
        Method::Patch => http::Method::PATCH,
        Method::Delete => http::Method::DELETE,
    });
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) else {
            return Err(HttpError("a header for the request is not valid in HTTP".to_owned()));
        };
        builder = builder.header(name, value);
    }
    if let Some(value) = &route.login {
        builder = builder.header(PROXY_AUTHORIZATION, value);
    }
    if let Some(value) = authorization_header(authorization)? {
        builder = builder.header(AUTHORIZATION, value);
    }
    if let Some(length) = payload.length() {
        builder = builder.header(CONTENT_LENGTH, length);
    }
    builder.body(()).map_err(|error| HttpError(one_line(&error.to_string(), 100)))
}

/// Sends one request, and sends the response in pieces to `sender`.
fn run_transfer(
    agent: &Agent,
    request: http::Request<()>,
    body: Option<impl Read + Send + 'static>,
    proxy: Option<&Proxy>,
    sender: &SyncSender<Event>,
) -> Result<(), Error> {
    let body = body.map(|reader| SendBody::from_owned_reader(MeteredBody { reader, sender: sender.clone() }));
    let run = |request: http::Request<()>, body: SendBody<'static>| {
        let request = agent.configure_request(request.map(|()| body)).proxy(proxy.cloned());
        agent.run(request.build())
    };
    let answer = match body {
        Some(body) => run(request, body),
        None => match run(request.clone(), SendBody::none()) {
            Err(error) if is_broken(&error) && matches!(*request.method(), http::Method::GET | http::Method::HEAD) => {
                thread::sleep(PAUSE);
                run(request, SendBody::none())
            }
            answer => answer,
        },
    };
    let (head, body) = answer?.into_parts();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    let mut gone = sender.send(Event::Head(head.status.as_u16(), headers)).is_err();
    let mut reader = body.into_reader();
    while !gone {
        let mut piece = vec![0; PIECE];
        let read = reader.read(&mut piece)?;
        if read == 0 {
            let _ = sender.send(Event::End);
            break;
        }
        piece.truncate(read);
        gone = sender.send(Event::Piece(piece)).is_err();
    }
    Ok(())
}

impl Payload {
    /// Returns the number of bytes; `None` if the request has no body.
    pub(crate) fn length(&self) -> Option<u64> {
        match self {
            Self::None => None,
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::File(_, length) => Some(*length),
        }
    }

    /// Returns a reader of the body, from its beginning.
    pub(crate) fn open(&self) -> io::Result<Option<Box<dyn Read + Send>>> {
        Ok(match self {
            Self::None => None,
            Self::Bytes(bytes) => Some(Box::new(Cursor::new(Arc::clone(bytes)))),
            Self::File(path, length) => Some(Box::new(File::open(path)?.take(*length))),
        })
    }
}

/// A body that reports each piece that is sent.
struct MeteredBody<R> {
    reader: R,
    sender: SyncSender<Event>,
}

impl<R: Read> Read for MeteredBody<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let _ = self.sender.try_send(Event::Sent); // if the queue is full, an earlier event ends the wait
        self.reader.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;

    use super::*;
    use crate::system::http::Limits;

    /// Serves one answer in pieces, with a pause between them.
    fn serve(pieces: &'static [&'static [u8]], pause: Duration) -> Transfer<'static> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        threads::start(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            for piece in pieces {
                let _ = stream.write_all(piece);
                thread::sleep(pause);
            }
        })
        .unwrap();
        Transfer {
            method: Method::Get,
            url,
            headers: vec![],
            authorization: Authorization::None,
            payload: Payload::None,
        }
    }

    fn read(response: &mut StreamingResponse) -> Result<Vec<u8>, HttpError> {
        let mut body = Vec::new();
        while let Some(piece) = response.next()? {
            body.extend(piece);
        }
        Ok(body)
    }

    const IDLE_TIMEOUT: Duration = Duration::from_millis(300);

    #[test]
    fn a_body_may_take_long_as_long_as_something_comes() {
        let pieces: &[&[u8]] = &[b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nX-A: b\r\n\r\n", b"ab", b"cd", b"ef", b"gh"];
        let client = HttpClient::new(Limits::default());
        let mut response = client.transfer(&serve(pieces, IDLE_TIMEOUT / 2), IDLE_TIMEOUT).unwrap();
        assert_eq!((response.status, response.header("x-a")), (200, Some("b")));
        assert_eq!(read(&mut response).unwrap(), b"abcdefgh");
    }

    #[test]
    fn idling_ends_a_transfer() {
        let client = HttpClient::new(Limits::default());
        for pieces in
            [&[b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nab" as &[u8], b"cd"] as &[&[u8]], &[b"HTTP/1.1 200", b""]]
        {
            let result = client
                .transfer(&serve(pieces, IDLE_TIMEOUT * 10), IDLE_TIMEOUT)
                .and_then(|mut response| read(&mut response));
            assert!(result.is_err_and(|HttpError(why)| why.contains("in time")));
        }
    }

    #[test]
    fn a_body_that_breaks_off_is_an_error() {
        let pieces: &[&[u8]] = &[b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nab"];
        let client = HttpClient::new(Limits::default());
        let mut response = client.transfer(&serve(pieces, Duration::ZERO), IDLE_TIMEOUT).unwrap();
        assert!(read(&mut response).is_err());
    }
}
