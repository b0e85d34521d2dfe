//! Slow, failing, lying and huge servers. `login`, `check` and `token` end in time, with a hint and an error that names
//! the host.

use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use snapbox::str;

use crate::support::server::{Server, endlessly, ok, respond};
use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox};

/// A server, its behaviour in words, and the exit codes of `login`, `check` and `token`.
struct Case {
    server: Server,
    does: &'static str,
    codes: [i32; 3],
}

const UNKNOWN: [i32; 3] = [1, 1, 1];
const REJECTED: [i32; 3] = [3, 3, 3];
const FINE: [i32; 3] = [0, 0, 0];
/// The server accepts every password.
const ANYONE: [i32; 3] = [0, 5, 5];

/// The compressed form of `{"token":"t"}`.
const GZIP: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\x02\x03\xabV*\xc9\xcfN\xcdS\xb2R*Q\xaa\x05\0\xd2\xd0\xd0$\x0d\0\0\0";

#[test]
fn servers_that_are_no_registry_are_named() {
    let basic = |more: &str| Server::saying(format!("HTTP/1.1 401 X\r\nWWW-Authenticate: Basic\r\n{more}"));
    let saying = |status, headers: &str| Server::saying(respond(status, headers, ""));
    let told = hold(vec![
        case("hangs up", Server::start(drop), UNKNOWN),
        case("is of SSH", Server::start(|mut stream| drop(stream.write_all(b"SSH-2.0-x\r\n"))), UNKNOWN),
        case("400", Server::saying("HTTP/1.0 400 Bad Request\r\n\r\n"), UNKNOWN), // Go's answer to http on a TLS port
        case("HTTP/2", Server::saying(&b"\x00\x00\x12\x04\x00\x00\x00\x00\x00"[..]), UNKNOWN),
        case("99", Server::saying("HTTP/1.1 99 X\r\n\r\n"), UNKNOWN),
        case("999", saying(999, ""), UNKNOWN),
        case("a page", Server::saying(respond(200, "Content-Type: text/html\r\n", "<html>")), UNKNOWN),
        case("redirects to itself", saying(307, "Location: /v2/x/\r\n"), UNKNOWN),
        case("redirects to ::", saying(307, "Location: ::\r\n"), UNKNOWN),
        case("429", saying(429, "Retry-After: 99999999999999999999\r\n"), UNKNOWN),
        case("401", saying(401, ""), UNKNOWN),
        case("too short a body", basic("Content-Length: 100\r\n\r\nabc"), UNKNOWN),
        case("too long a body", basic("Content-Length: 1\r\n\r\nabcdef"), REJECTED),
        case("a length below zero", basic("Content-Length: -1\r\n\r\n"), UNKNOWN),
        case("a chunk of zzz", basic("Transfer-Encoding: chunked\r\n\r\nzzz\r\n"), UNKNOWN),
        case("a huge chunk", basic("Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"), UNKNOWN),
    ]);
    shows(
        &told,
        str![[r#"
hangs up: could not reach `HOST`: the server closed the connection
is of SSH: could not reach `HOST`: by https: the server does not use TLS; by http: the answer is not valid HTTP (http parse fail: invalid HTTP version)
400: could not reach `HOST`: by https: the server closed the connection; by http: the server requires https
HTTP/2: could not reach `HOST`: by https: the server closed the connection; by http: the answer is not valid HTTP (http parse fail: invalid HTTP version)
99: could not reach `HOST`: by https: the server closed the connection; by http: the answer is not valid HTTP (http parse fail: invalid response status)
999: `HOST` answered 999, which says nothing about the credentials
a page: `HOST` is not a registry, or its API is not at `/v2/`
redirects to itself: `HOST` redirects again and again
redirects to ::: `HOST` redirects to an address that is not valid
429: `HOST` asks to try again later (429)
401: `HOST` asks for a login, but does not say how
too short a body: could not reach `HOST`: the server closed the connection
too long a body: HOST rejects the login of alice
a length below zero: could not reach `HOST`: by https: the server closed the connection; by http: the answer is not valid HTTP (content-length header not a number)
a chunk of zzz: could not reach `HOST`: by https: the server closed the connection; by http: the answer is not valid HTTP (chunk length cannot be read as a number)
a huge chunk: could not reach `HOST`: by https: the server closed the connection; by http: the answer is not valid HTTP (chunk length cannot be read as a number)

"#]],
    );
}

#[test]
fn servers_that_send_without_end_are_cut_off() {
    let endless = |start: &'static str, bytes: String| {
        Server::plain(move |_, stream| endlessly(stream, start, &bytes, Duration::ZERO))
    };
    let chunked = "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n";
    let service = format!("WWW-Authenticate: Bearer realm=\"/token\",service=\"{}\"\r\n", " ".repeat(30_000));
    let big = |length| Server::with_token_server("/token", ok(&format!(r#"{{"token": "{}"}}"#, "a".repeat(length))));
    let told = hold(vec![
        case("headers", endless("HTTP/1.1 200 X\r\n", "X-Header: aaaaaaaa\r\n".repeat(500)), UNKNOWN),
        case("a header", endless("HTTP/1.1 200 X\r\nX: ", "a".repeat(10_000)), UNKNOWN),
        case("a body", endless("HTTP/1.1 200 X\r\n\r\n", "a".repeat(10_000)), ANYONE),
        case("chunks", endless(chunked, "1\r\na\r\n".repeat(1000)), ANYONE),
        case("a long service", Server::saying(respond(401, &service, "")), UNKNOWN),
        case("a long token", big(60_000), FINE),
        case("too long a token", big(70_000), UNKNOWN),
    ]);
    shows(
        &told,
        str![[r#"
headers: could not reach `HOST`: by https: the server closed the connection; by http: the answer is not valid HTTP (http parse resulted in too many headers)
a header: could not reach `HOST`: by https: the server closed the connection; by http: the headers of the response are too long
a body: HOST did not check the login of alice: anyone may pull HOST/alice/app
chunks: HOST did not check the login of alice: anyone may pull HOST/alice/app
a long service: could not reach `HOST`: the URL is too long
too long a token: the token server `HOST` answered without a token

"#]],
    );
}

#[test]
fn token_servers_that_lie_are_found_out() {
    let giving = |body: &str| Server::with_token_server("/token", ok(body));
    let gzip = respond(200, "Content-Encoding: gzip\r\n", GZIP);
    let both = "WWW-Authenticate: Bearer realm=\"/v2/\"\r\nWWW-Authenticate: Basic\r\n";
    let busy = respond(503, "Retry-After: 9999\r\n", "");
    let elsewhere = |realm| Server::with_token_server(realm, ok("{}"));
    let told = hold(vec![
        case("{}", giving("{}"), UNKNOWN),
        case("a page", giving("<html>"), UNKNOWN),
        case("a token with a line break", giving(r#"{"token": "a\r\nb: c"}"#), UNKNOWN),
        case("a life below zero", giving(r#"{"token": "t", "expires_in": -1}"#), FINE),
        case(
            "eternal life",
            giving(r#"{"token": "t", "expires_in": 1e300, "issued_at": "10000-01-01T00:00:00Z"}"#),
            FINE,
        ),
        case("gzip", Server::with_token_server("/token", gzip), UNKNOWN),
        case("503", Server::with_token_server("/token", busy), UNKNOWN),
        case("http elsewhere", elsewhere("http://169.254.169.254/latest"), UNKNOWN),
        case("https inside", elsewhere("https://169.254.169.254/latest"), UNKNOWN),
        case("nobody", elsewhere("https://localhost:1/token"), UNKNOWN),
        case("the registry itself", elsewhere("/v2/"), REJECTED),
        case("the registry itself, or Basic", Server::saying(respond(401, both, "")), REJECTED),
    ]);
    shows(
        &told,
        str![[r#"
{}: the token server `HOST` answered without a token
a page: the token server `HOST` answered without a token
a token with a line break: the token server `HOST` answered without a token
gzip: the token server `HOST` answered without a token
503: `HOST` has a server error (503)
http elsewhere: the credentials were not sent to the token server of `HOST`: `http://169.254.169.254/latest` would carry the password unencrypted to another machine
https inside: the credentials were not sent to the token server of `HOST`: `https://169.254.169.254/latest` is an address inside this network
nobody: could not reach `localhost:1`: Connection refused (os error 111)
the registry itself: HOST rejects the login of alice
the registry itself, or Basic: HOST rejects the login of alice

"#]],
    );
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
    let told = hold(vec![
        case("silent", silent, UNKNOWN),
        case("deaf", deaf, UNKNOWN),
        case("a slow header", slow("HTTP/1.1 200 X\r\nX: ", "a", second), UNKNOWN),
        case("a slow body", slow("HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n", " ", second), UNKNOWN),
        case("102 again and again", slow("", "HTTP/1.1 102 X\r\n\r\n", Duration::from_millis(10)), UNKNOWN),
    ]);
    shows(
        &told,
        str![[r#"
silent: could not reach `HOST`: the server did not answer in time
deaf: could not reach `HOST`: the server did not answer in time
a slow header: could not reach `HOST`: by https: the server closed the connection; by http: the server did not answer in time
a slow body: could not reach `HOST`: by https: the server closed the connection; by http: the server did not answer in time
102 again and again: could not reach `HOST`: by https: the server closed the connection; by http: the server did not answer in time

"#]],
    );
}

fn case(does: &'static str, server: Server, codes: [i32; 3]) -> Case {
    Case { server, does, codes }
}

/// Calls all three commands with all servers at once. Returns a line with the fault of each server.
fn hold(cases: Vec<Case>) -> String {
    let row = |Case { server, does, codes }: Case| {
        let runs = thread::scope(|scope| {
            let host = server.host.as_str();
            let ask = |(command, code)| scope.spawn(move || ask(command, host, does, code));
            ["login", "check", "token"]
                .into_iter()
                .zip(codes)
                .map(ask)
                .collect::<Vec<_>>()
                .into_iter()
                .map(|run| run.join().unwrap())
                .collect::<Vec<_>>()
        });
        let first = |text: &str| text.lines().next().unwrap_or_default().to_owned();
        let reason = first(&runs[2].stderr).replacen("error: ", "", 1);
        if codes == FINE {
            return String::new();
        }
        assert_eq!(first(&runs[1].stdout), format!("✗ {reason}"), "{does}: check says what token says");
        if codes == UNKNOWN {
            // The error starts with the failed action, and then gives the reason.
            let (_, why) = reason.split_once(": ").unwrap();
            assert_eq!(first(&runs[0].stderr), format!("error: login failed for HOST: {why}"), "{does}: login too");
            return format!("{does}: {why}\n");
        }
        format!("{does}: {reason}\n")
    };
    thread::scope(|scope| {
        let rows: Vec<_> = cases.into_iter().map(|case| scope.spawn(move || row(case))).collect();
        rows.into_iter().map(|row| row.join().unwrap()).collect()
    })
}

fn ask(command: &str, host: &str, does: &str, code: i32) -> Run {
    let sandbox = Sandbox::new();
    sandbox.store(host, "alice", "hunter2");
    let image = format!("{host}/alice/app");
    let arguments: &[&str] = match command {
        "login" => &["login", host, "-u", "bob", "--password-stdin"],
        _ => &[command, &image],
    };
    let mut run: Run = sandbox.run(arguments, "hunter2");
    let told = format!("{}{}", run.stdout, run.stderr);
    assert_eq!(run.code, Some(code), "{does}: {command} {run:?}");
    assert!(!told.contains("hunter2"), "{run:?}");
    if code != 0 {
        assert!(told.contains(host), "{does}: {command} {run:?}");
        assert_eq!(run.stderr.contains("\nhint: ") || run.stderr.starts_with("hint: "), code != 5, "{run:?}");
        assert!(!sandbox.config().to_string().contains("bob"), "the failed login was saved");
    }
    run.stdout = run.stdout.replace(host, "HOST");
    run.stderr = run.stderr.replace(host, "HOST");
    run
}
