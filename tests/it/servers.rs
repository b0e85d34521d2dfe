//! Slow, dead, lying and huge servers: `login`, `check` and `token` end in time, with a sentence that names the host and
//! a hint.

use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::server::{Server, endlessly, ok, respond};
use crate::support::{Run, Sandbox};

/// A server, what is said of it, and the exit codes of `login`, `check` and `token`.
struct Case {
    server: Server,
    says: &'static str,
    codes: [i32; 3],
}

const UNKNOWN: [i32; 3] = [1, 1, 1];
const REJECTED: [i32; 3] = [3, 3, 3];
const FINE: [i32; 3] = [0, 0, 0];
/// Nobody looks at a password.
const ANYONE: [i32; 3] = [0, 5, 5];

/// `{"token":"t"}`, compressed.
const GZIP: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\x02\x03\xabV*\xc9\xcfN\xcdS\xb2R*Q\xaa\x05\0\xd2\xd0\xd0$\x0d\0\0\0";

#[test]
fn servers_that_are_no_registry_are_named() {
    let basic = |more: &str| format!("HTTP/1.1 401 X\r\nWWW-Authenticate: Basic\r\n{more}");
    hold(vec![
        case(Server::start(drop), "it hung up", UNKNOWN),
        case(
            Server::start(|mut stream| drop(stream.write_all(b"SSH-2.0-x\r\n"))),
            "by https: it does not speak TLS; by http: it does not speak HTTP",
            UNKNOWN,
        ),
        case(Server::saying("HTTP/1.0 400 Bad Request\r\n\r\n"), "it wants https", UNKNOWN), // Go's net/http
        case(Server::saying(&b"\x00\x00\x12\x04\x00\x00\x00\x00\x00"[..]), "does not speak HTTP", UNKNOWN),
        case(Server::saying("HTTP/1.1 99 X\r\n\r\n"), "does not speak HTTP", UNKNOWN),
        case(Server::saying(respond(999, "", "")), "answered 999", UNKNOWN),
        case(Server::saying(respond(200, "Content-Type: text/html\r\n", "<html>")), "is not a registry", UNKNOWN),
        case(Server::saying(respond(307, "Location: /v2/x/\r\n", "")), "redirects again and again", UNKNOWN),
        case(
            Server::saying(respond(307, "Location: ::\r\n", "")),
            "redirects to an address that is not valid",
            UNKNOWN,
        ),
        case(Server::saying(respond(429, "Retry-After: 99999999999999999999\r\n", "")), "try again later", UNKNOWN),
        case(Server::saying(respond(401, "", "")), "does not say how", UNKNOWN),
        case(Server::saying(basic("Content-Length: 100\r\n\r\nabc")), "it hung up", UNKNOWN),
        case(Server::saying(basic("Content-Length: 1\r\n\r\nabcdef")), "reject", REJECTED),
        case(Server::saying(basic("Content-Length: -1\r\n\r\n")), "does not speak HTTP", UNKNOWN),
        case(Server::saying(basic("Transfer-Encoding: chunked\r\n\r\nzzz\r\n")), "does not speak HTTP", UNKNOWN),
        case(
            Server::saying(basic("Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n")),
            "not speak HTTP",
            UNKNOWN,
        ),
    ]);
}

#[test]
fn servers_that_send_without_end_are_cut_off() {
    let endless = |start: &'static str, bytes: String| {
        Server::plain(move |_, stream| endlessly(stream, start, &bytes, Duration::ZERO))
    };
    let chunked = "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n";
    let service = format!("WWW-Authenticate: Bearer realm=\"/token\",service=\"{}\"\r\n", " ".repeat(30_000));
    let big = |length| ok(&format!(r#"{{"token": "{}"}}"#, "a".repeat(length)));
    hold(vec![
        case(endless("HTTP/1.1 200 X\r\n", "X-Header: aaaaaaaa\r\n".repeat(500)), "too many headers", UNKNOWN),
        case(endless("HTTP/1.1 200 X\r\nX: ", "a".repeat(10_000)), "head of its answer is too long", UNKNOWN),
        case(endless("HTTP/1.1 200 X\r\n\r\n", "a".repeat(10_000)), "anyone", ANYONE),
        case(endless(chunked, "1\r\na\r\n".repeat(1000)), "anyone", ANYONE),
        case(Server::saying(respond(401, &service, "")), "the token server URL is too long", UNKNOWN),
        case(Server::with_token_server("/token", big(60_000)), "", FINE),
        case(Server::with_token_server("/token", big(70_000)), "answered without a token", UNKNOWN),
    ]);
}

#[test]
fn token_servers_that_lie_are_found_out() {
    let giving = |body: &str| Server::with_token_server("/token", ok(body));
    let gzip = respond(200, "Content-Encoding: gzip\r\n", GZIP);
    let both = "WWW-Authenticate: Bearer realm=\"/v2/\"\r\nWWW-Authenticate: Basic\r\n";
    hold(vec![
        case(giving("{}"), "answered without a token", UNKNOWN),
        case(giving("<html>"), "answered without a token", UNKNOWN),
        case(giving(r#"{"token": "a\r\nb: c"}"#), "answered without a token", UNKNOWN),
        case(giving(r#"{"token": "t", "expires_in": -1}"#), "", FINE),
        case(giving(r#"{"token": "t", "expires_in": 1e300, "issued_at": "10000-01-01T00:00:00Z"}"#), "", FINE),
        case(Server::with_token_server("/token", gzip), "answered without a token", UNKNOWN),
        case(Server::with_token_server("/token", respond(503, "Retry-After: 9999\r\n", "")), "server error", UNKNOWN),
        case(Server::with_token_server("http://169.254.169.254/latest", ok("{}")), "to another machine", UNKNOWN),
        case(Server::with_token_server("https://169.254.169.254/latest", ok("{}")), "inside this network", UNKNOWN),
        case(
            Server::with_token_server("https://localhost:1/token", ok("{}")),
            "could not reach `localhost:1`",
            UNKNOWN,
        ),
        case(Server::with_token_server("/v2/", ok("{}")), "reject", REJECTED),
        case(Server::saying(respond(401, both, "")), "reject", REJECTED),
    ]);
}

#[test]
fn servers_that_make_one_wait_are_waited_for_at_most_the_deadline() {
    let silent = Server::start(|mut stream| drop(stream.read_to_end(&mut Vec::new())));
    let deaf = Server::start(|stream| {
        thread::sleep(Duration::from_mins(1));
        drop(stream);
    });
    let slow = |start, bytes, pause| Server::plain(move |_, stream| endlessly(stream, start, bytes, pause));
    let second = Duration::from_secs(1);
    let body = "HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n";
    let too_late = "it did not answer in time";
    hold(vec![
        case(silent, too_late, UNKNOWN),
        case(deaf, too_late, UNKNOWN),
        case(slow("HTTP/1.1 200 X\r\nX: ", "a", second), too_late, UNKNOWN),
        case(slow(body, " ", second), too_late, UNKNOWN),
        case(slow("", "HTTP/1.1 102 X\r\n\r\n", Duration::from_millis(10)), too_late, UNKNOWN),
    ]);
}

fn case(server: Server, says: &'static str, codes: [i32; 3]) -> Case {
    Case { server, says, codes }
}

/// Asks all servers with all three commands at once.
fn hold(cases: Vec<Case>) {
    thread::scope(|scope| {
        for Case { server, says, codes } in cases {
            for (command, code) in ["login", "check", "token"].into_iter().zip(codes) {
                let host = server.host.clone();
                scope.spawn(move || ask(command, &host, says, code));
            }
        }
    });
}

fn ask(command: &str, host: &str, says: &str, code: i32) {
    let sandbox = Sandbox::new();
    sandbox.store(host, "alice", "hunter2");
    let image = format!("{host}/alice/app");
    let arguments: &[&str] = match command {
        "login" => &["login", host, "-u", "bob", "--password-stdin"],
        _ => &[command, &image],
    };
    let start = Instant::now();
    let run: Run = sandbox.run(arguments, "hunter2");
    let took = start.elapsed();
    let told = format!("{}{}", run.stdout, run.stderr);
    assert_eq!(run.code, Some(code), "{says}: {command} {run:?}");
    assert!(took < Duration::from_secs(33), "{command} took {took:?}: {run:?}");
    assert!(!told.contains("hunter2"), "{run:?}");
    if code != 0 {
        assert!(told.contains(says) && told.contains(host), "{says}: {command} {run:?}");
        assert_eq!(run.stderr.contains("\nhint: ") || run.stderr.starts_with("hint: "), code != 5, "{run:?}");
        assert!(!sandbox.config().to_string().contains("bob"), "a login that failed was kept");
    }
}
