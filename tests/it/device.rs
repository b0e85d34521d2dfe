//! Logins by browser at an unusual provider. `seed_oauth` tests the rows of `tests/SEED_ROWS.md`.

use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use snapbox::str;

use crate::support::server::{HttpRequest, Server};
use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, write};

/// Answers one request: path, body, and the number of earlier requests for this path → status and body.
type Script = dyn Fn(&str, &str, usize) -> (u16, String) + Send + Sync;

/// A provider and a registry at one address. The registry accepts every user whose password begins with `good`.
pub struct Provider {
    pub host: String,
    seen: Arc<Mutex<Vec<(String, String)>>>,
}

impl Provider {
    pub fn start(script: impl Fn(&str, &str, usize) -> (u16, String) + Send + Sync + 'static) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let server = Server::without_tls(move |stream| serve(&stream, &log, &script));
        Self { host: server.host, seen }
    }

    /// A provider like ATCR's: it issues one code, then gives `answers` to the polls in order, and repeats the last
    /// one.
    pub fn of_atcrs_kind(answers: &'static [(u16, &'static str)]) -> Self {
        Self::start(move |path, _, before| match path {
            "/auth/device/code" => (200, code("")),
            "/auth/device/token" => {
                let (status, body) = answers[before.min(answers.len() - 1)];
                (status, body.to_owned())
            }
            _ => (404, String::new()),
        })
    }

    /// Returns the bodies of the requests to `path`.
    pub fn sent_to(&self, path: &str) -> Vec<String> {
        self.seen.lock().unwrap().iter().filter(|(other, _)| other == path).map(|(_, body)| body.clone()).collect()
    }
}

fn serve(stream: &TcpStream, log: &Mutex<Vec<(String, String)>>, script: &Script) {
    let Some(request) = HttpRequest::read(&mut BufReader::new(stream)) else { return };
    let path = request.target();
    let before = {
        let mut log = log.lock().unwrap();
        log.push((path.to_owned(), request.body.clone()));
        log.iter().filter(|(other, _)| *other == path).count() - 1
    };
    let is_good = |pair: String| pair.split_once(':').unwrap().1.starts_with("good");
    let (status, body) = match path {
        "/v2/" if request.basic().is_some_and(is_good) => (200, "{}".into()),
        "/v2/" => (401, String::new()),
        _ => script(path, &request.body, before),
    };
    let length = body.len();
    let _ = write!(
        { stream },
        "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nWWW-Authenticate: Basic realm=\"x\"\r\nConnection: close\r\n\r\n{body}"
    );
}

/// Returns the provider's first answer, with `more` fields.
pub fn code(more: &str) -> String {
    format!(
        r#"{{"device_code": "dc-secret", "user_code": "ABCD-1234", "verification_uri": "http://localhost/device", "expires_in": 600, "interval": 1{more}}}"#
    )
}

pub const PENDING: (u16, &str) = (200, r#"{"error": "authorization_pending"}"#);

pub fn jwt(claims: &Value) -> String {
    format!("e30.{}.x", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()))
}

pub fn login(sandbox: &Sandbox, host: &str, more: &[&str]) -> Run {
    sandbox.run(&[&["login", host, "--device"], more].concat(), "")
}

/// Writes a config that contains only these providers.
pub fn write_providers(sandbox: &Sandbox, providers: &Value) {
    write(
        &sandbox.config_path(),
        json!({"version": 3, "registries": {}, "providers": providers}).to_string().as_bytes(),
    );
}

pub fn assert_nothing_stored(sandbox: &Sandbox) {
    assert_eq!(sandbox.config().get("registries").cloned().unwrap_or_else(|| json!({})), json!({}));
    assert!(!sandbox.home().join("data/secrets").exists());
}

#[test]
fn scripts_are_told_each_step_on_a_line_of_its_own() {
    let provider =
        Provider::of_atcrs_kind(&[(503, "<html>"), (200, r#"{"device_secret": "good", "handle": "alice.example"}"#)]);
    let run = login(&Sandbox::new(), &provider.host, &["--provider", "atcr", "--json"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    let lines: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        lines[..2],
        [
            json!({"schema": 1, "event": "code", "verification_uri": "http://localhost/device", "verification_uri_complete": null,
                "user_code": "ABCD-1234", "expires_in": 600}),
            json!({"schema": 1, "event": "waiting", "reason": "out_of_reach", "detail": "status 503"}),
        ]
    );
    assert_eq!((&lines[2]["status"], &lines[2]["username"]), (&json!("success"), &json!("alice.example")));
    assert_eq!(lines.len(), 3);
}

#[test]
fn a_refused_login_stores_nothing() {
    let provider = Provider::of_atcrs_kind(&[(403, r#"{"error": "access_denied"}"#)]);
    let sandbox = Sandbox::new();
    let run = login(&sandbox, &provider.host, &["--provider", "atcr"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(3), ""), "{run:?}");
    run.shows(str![[r#"
exit 3
--- stderr
Log in at ATCR with a browser, here or on another machine:

    Link  http://localhost/device
    Code  ABCD-1234

Waiting for ATCR, 10:00 at most …
error: login failed for [HOST]: the login was refused at ATCR
hint: login not saved; run the same command again

"#]]);
    assert_nothing_stored(&sandbox);
}

#[test]
fn odd_answers_end_in_a_sentence() {
    let huge: &'static str = Box::leak(format!("{{\"access_token\": \"{}\"}}", "a".repeat(70_000)).into_boxed_str());
    let mut transcript = String::new();
    for answer in [(200, "<html>"), (302, ""), (200, huge), (400, r#"{"error": "odd\u001b[31m"}"#)] {
        let provider = Provider::of_atcrs_kind(Box::leak(Box::new([answer])));
        let run = login(&Sandbox::new(), &provider.host, &["--provider", "atcr"]);
        transcript += &run.transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stderr
Log in at ATCR with a browser, here or on another machine:

    Link  http://localhost/device
    Code  ABCD-1234

Waiting for ATCR, 10:00 at most …
error: login failed for [HOST]: ATCR: the answer has neither a token nor an error (status 200)
hint: login not saved; run the same command again
exit 1
--- stderr
Log in at ATCR with a browser, here or on another machine:

    Link  http://localhost/device
    Code  ABCD-1234

Waiting for ATCR, 10:00 at most …
error: login failed for [HOST-2]: ATCR: the answer has neither a token nor an error (status 302)
hint: login not saved; run the same command again
exit 1
--- stderr
Log in at ATCR with a browser, here or on another machine:

    Link  http://localhost/device
    Code  ABCD-1234

Waiting for ATCR, 10:00 at most …
error: login failed for [HOST-3]: ATCR: the answer has neither a token nor an error (status 200)
hint: login not saved; run the same command again
exit 1
--- stderr
Log in at ATCR with a browser, here or on another machine:

    Link  http://localhost/device
    Code  ABCD-1234

Waiting for ATCR, 10:00 at most …
error: login failed for [HOST-4]: ATCR: the provider refused: `odd [31m`
hint: login not saved; run the same command again

"#]],
    );
}

#[test]
fn a_registry_without_device_login_names_the_other_way() {
    let provider = Provider::start(|_, _, _| (404, "<html>".into()));
    let host = &provider.host;
    let run = login(&Sandbox::new(), host, &["--provider", "atcr"]);
    run.shows(str![[r#"
exit 1
--- stderr
error: login failed for [HOST]: `[HOST]` gave no login code at `/auth/device/code`: the server does not offer a device login (status 404)
hint: log in with a password or token: `docker-credential-ensign login [HOST] -u NAME`

"#]]);
    let run = login(&Sandbox::new(), host, &[]);
    run.shows(str![[r#"
exit 2
--- stderr
error: Ensign knows no device login for [HOST]
hint: name the provider with `--provider NAME`, or with `--issuer URL --client-id ID`

"#]]);
}

#[test]
fn a_provider_written_wrongly_is_named() {
    let sandbox = Sandbox::new();
    write_providers(&sandbox, &json!({"acme": {"colour": "red"}}));
    let run = login(&sandbox, "ghcr.io", &[]);
    assert_eq!(run.code, Some(1));
    run.shows(str![[r#"
exit 1
--- stderr
error: invalid provider in `~/config/config.json`: `providers.acme`: unknown field `colour`, expected one of `title`, `hosts`, `opt_in`, `client_id`, `issuer`, `issuer_from_realm`, `realm_service`, `tenant`, `device_url`, `token_url`, `revoke_url`, `userinfo_url`, `scope`, `audience`, `push_scope`, `body`, `secret_field`, `error_field`, `username`, `exchange`, `exchange_url`, `expiry_url`, `page`, `token_page`, `token_rights`
hint: fix the provider there; docs/providers.md explains each field

"#]]);
    let run = login(&Sandbox::new(), "ghcr.io", &["--provider", "pigeon"]);
    run.shows(str![[r#"
exit 2
--- stderr
error: `pigeon` is not a provider
hint: use one of: atcr, docker-hub, entra, github, gitlab, oidc

"#]]);
}

#[test]
fn a_missing_right_to_push_is_said_at_once() {
    let provider = Provider::start(|path, _, _| match path {
        "/login/device/code" => {
            (200, "device_code=d&user_code=A&verification_uri=http%3A%2F%2Flocalhost%2Fd&interval=1".into())
        }
        "/login/oauth/access_token" => (200, "access_token=good&scope=read%3Apackages&token_type=bearer".into()),
        _ => (404, String::new()),
    });
    let issuer = format!("http://{}", provider.host);
    let words = ["--provider", "github", "--issuer", &issuer, "--client-id", "mine", "-u", "octocat"];
    let run = login(&Sandbox::new(), &provider.host, &words);
    assert_eq!(run.code, Some(0), "{run:?}");
    run.shows(str![[r#"
exit 0
--- stderr
Log in at GitHub with a browser, here or on another machine:

    Link  http://localhost/d
    Code  A

Waiting for GitHub, 10:00 at most …
! GitHub did not grant `write:packages`: this login can pull, but not push
✓ Logged in to [HOST] as octocat
  Used for  [HOST]/octocat/**, and by default
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! Docker does not ask Ensign for [HOST] yet; to change that:  docker-credential-ensign configure-docker

"#]]);
}

#[cfg(unix)]
#[test]
fn an_interrupted_login_leaves_nothing_behind() {
    use std::os::unix::process::ExitStatusExt;
    let provider = Provider::of_atcrs_kind(&[PENDING]);
    let sandbox = Sandbox::new();
    // Sets SIGINT to its default. A shell ignores SIGINT in background processes, and children inherit an ignored
    // signal but no handler.
    signal_hook::flag::register_conditional_default(2, Arc::new(true.into())).unwrap();
    let mut child = sandbox.command(&["login", &provider.host, "--device", "--provider", "atcr"]).spawn().unwrap();
    while provider.sent_to("/auth/device/token").is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().signal(), Some(2)); // a shell reports this as 130
    assert!(std::fs::read_dir(sandbox.home()).unwrap().next().is_none());
}
