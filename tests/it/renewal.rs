//! Renewal of tokens: one caller renews a due token inside `get`, and no token is lost.
#![cfg(unix)]

use std::io::{BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use snapbox::str;

use crate::support::server::HttpRequest;
use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, finish, read_json, seconds_from_now, write};

/// A fake token and revocation endpoint. Each refresh token works once: `r1` returns `t2` and `r2`.
pub(crate) struct Provider {
    pub(crate) url: String,
    pub(crate) seen: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone, Copy)]
pub(crate) enum Mood {
    /// Returns tokens that live for this many seconds.
    Well(u64),
    /// Also returns the lifetime of the next refresh token, in seconds.
    Telling(u64),
    /// Refuses every refresh token.
    Ended,
    Down,
    /// Answers after two seconds.
    Slow,
    /// Returns no new refresh token.
    NoRotation,
    /// Renews the token, but the registry fails to exchange it.
    NoExchange,
}

impl Provider {
    pub(crate) fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut reader = BufReader::new(stream);
                let Some(request) = HttpRequest::read(&mut reader) else { continue };
                let (path, body) = (request.target(), &request.body);
                let used =
                    body.split("refresh_token=r").nth(1).and_then(|rest| rest.split('&').next()?.parse::<u32>().ok());
                log.lock().unwrap().push(format!("{path} {body}"));
                let next = used.unwrap_or(0) + 1;
                let (status, answer) = match mood {
                    _ if path == "/revoke" => (200, json!({})),
                    Mood::NoExchange if path == "/oauth2/exchange" => (503, json!({})),
                    Mood::Well(seconds) => (
                        200,
                        json!({"access_token": format!("t{next}"), "refresh_token": format!("r{next}"), "expires_in": seconds}),
                    ),
                    Mood::Telling(seconds) => (
                        200,
                        json!({
                            "access_token": format!("t{next}"), "refresh_token": format!("r{next}"), "expires_in": 3600,
                            "refresh_token_expires_in": seconds,
                        }),
                    ),
                    Mood::Slow => {
                        std::thread::sleep(Duration::from_secs(2));
                        (200, json!({"access_token": "t2", "refresh_token": "r2", "expires_in": 3600}))
                    }
                    Mood::NoExchange => {
                        let token = format!("r{next}");
                        (200, json!({"access_token": "t", "refresh_token": token, "refresh_expires_in": 7200}))
                    }
                    Mood::NoRotation => (200, json!({"access_token": format!("t{next}"), "expires_in": 3600})),
                    Mood::Ended => (400, json!({"error": "invalid_grant"})),
                    Mood::Down => (503, json!({})),
                };
                // Gives other callers time to arrive.
                std::thread::sleep(Duration::from_millis(100));
                let answer = answer.to_string();
                let _ = write!(
                    reader.get_mut(),
                    "HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}",
                    answer.len()
                );
            }
        });
        Self { url, seen }
    }

    pub(crate) fn renewals(&self) -> usize {
        self.seen.lock().unwrap().iter().filter(|request| request.starts_with("/token ")).count()
    }
}

/// A home with `me` on ghcr.io, logged in at the provider. The token `t1` is due for renewal in `due` seconds, and
/// expires in `until` seconds.
pub(crate) fn logged_in(provider: &Provider, due: i64, until: i64) -> Sandbox {
    logged_in_at("ghcr.io", provider, due, until, &Value::Null)
}

fn logged_in_at(registry: &str, provider: &Provider, due: i64, until: i64, exchange: &Value) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.store(registry, "me", "x");
    let mut config = read_json(&sandbox.config_path());
    config["registries"][registry]["accounts"]["me"]["source"] = json!({
        "provider": "test", "client_id": "ensign", "token_url": format!("{}/token", provider.url),
        "revoke_url": format!("{}/revoke", provider.url), "exchange": exchange
    });
    write(&sandbox.config_path(), config.to_string().as_bytes());
    let path = sandbox.secrets_path(registry);
    let mut secrets = read_json(&path);
    secrets["secrets"]["me"] =
        json!({"secret": "t1", "refresh": "r1", "due": seconds_from_now(due), "until": seconds_from_now(until)});
    write(&path, secrets.to_string().as_bytes());
    sandbox
}

pub(crate) fn kept(sandbox: &Sandbox) -> Value {
    read_json(&sandbox.secrets_path("ghcr.io"))["secrets"]["me"].clone()
}

pub(crate) fn answers(token: &str) -> Run {
    Run::answer("ghcr.io", "me", token)
}

#[test]
fn a_token_is_renewed_when_it_is_due_and_the_next_refresh_token_is_kept() {
    for (due, until) in [(-1, 600), (-60, -10)] {
        let provider = Provider::start(Mood::Well(3600));
        let sandbox = logged_in(&provider, due, until);
        assert_eq!(sandbox.run(&["get"], "ghcr.io"), answers("t2"));
        let kept = kept(&sandbox);
        assert_eq!((kept["secret"].as_str(), kept["refresh"].as_str()), (Some("t2"), Some("r2")));
        assert!(kept["due"].as_i64() > Some(seconds_from_now(3200)), "{kept}");
        assert_eq!(sandbox.run(&["get"], "ghcr.io"), answers("t2"));
        assert_eq!(provider.renewals(), 1);
    }
}

#[test]
fn the_life_of_the_next_refresh_token_is_kept_as_long_as_it_is_true() {
    let provider = Provider::start(Mood::Telling(15_811_200));
    let sandbox = logged_in(&provider, -1, 600);
    assert_eq!(sandbox.run(&["get"], "ghcr.io"), answers("t2"));
    let until = |sandbox: &Sandbox| kept(sandbox)["login_until"].as_i64();
    let end = until(&sandbox).unwrap();
    assert!((seconds_from_now(15_811_100)..=seconds_from_now(15_811_200)).contains(&end), "{end}");
    let status = sandbox.ok(&["status"], "");
    shows(
        &status,
        str![[r#"
ghcr.io
  ● me  default   me/**   in clear text   from login at test   expires in 183 days, unless used before

Docker does not ask Ensign for ghcr.io; to change that:
  docker-credential-ensign configure-docker

"#]],
    );
    // An unchanged refresh token keeps its expiry. A new refresh token without a lifetime in the answer has an unknown
    // expiry.
    for (mood, is_known) in [(Mood::NoRotation, true), (Mood::Well(3600), false)] {
        let provider = Provider::start(mood);
        let sandbox = logged_in(&provider, -1, 600);
        let mut before = kept(&sandbox);
        before["login_since"] = json!(seconds_from_now(-10));
        before["login_until"] = json!(seconds_from_now(86_400));
        sandbox.put_secret("ghcr.io", "me", &before);
        assert_eq!(sandbox.run(&["get"], "ghcr.io").code, Some(0));
        assert_eq!(until(&sandbox).is_some(), is_known);
    }
}

#[test]
fn a_token_that_is_not_due_is_handed_out_without_a_word_to_anybody() {
    let provider = Provider::start(Mood::Down);
    let sandbox = logged_in(&provider, 300, 600);
    assert_eq!(sandbox.run(&["get"], "ghcr.io"), answers("t1"));
    assert!(provider.seen.lock().unwrap().is_empty());
}

#[test]
fn of_many_callers_one_renews_and_the_others_wait_or_go_on() {
    for (due, until, may) in [(-60, -10, ["t2"].as_slice()), (-1, 600, &["t1", "t2"])] {
        let provider = Provider::start(Mood::Well(3600));
        let sandbox = logged_in(&provider, due, until);
        let children: Vec<_> = (0..30).map(|_| sandbox.command(&["get"]).spawn().unwrap()).collect();
        for child in children {
            let run = finish(child, b"ghcr.io");
            assert!(may.iter().any(|token| run == answers(token)), "{run:?}");
        }
        assert_eq!(provider.renewals(), 1);
    }
}

#[test]
fn a_refresh_token_that_stays_good_is_kept() {
    let sandbox = logged_in(&Provider::start(Mood::NoRotation), -60, -10);
    assert_eq!(sandbox.run(&["get"], "ghcr.io"), answers("t2"));
    assert_eq!(kept(&sandbox)["refresh"], "r1");
}

#[test]
fn the_next_refresh_token_is_kept_even_if_the_registry_then_refuses_the_exchange() {
    for (due, until) in [(-1, 600), (-60, -10)] {
        let provider = Provider::start(Mood::NoExchange);
        let registry = provider.url.strip_prefix("http://").unwrap().to_owned();
        let sandbox = logged_in_at(&registry, &provider, due, until, &json!("acr"));
        let kept = || read_json(&sandbox.secrets_path(&registry))["secrets"]["me"].clone();
        let run = sandbox.run(&["get"], &registry);
        assert_eq!(run.code, Some(i32::from(until < 0)), "{run:?}");
        assert_eq!((kept()["secret"].as_str(), kept()["refresh"].as_str()), (Some("t1"), Some("r2")));
        assert!(kept()["login_until"].is_number(), "and how long it lives: {}", kept());
        sandbox.run(&["check", &registry], "");
        let seen = provider.seen.lock().unwrap();
        let shown: Vec<_> = seen.iter().filter(|request| request.starts_with("/token ")).collect();
        assert!(shown[0].contains("refresh_token=r1") && shown[1].contains("refresh_token=r2"), "{shown:?}");
    }
}

#[test]
fn a_renewed_token_is_exchanged_at_the_address_of_the_login() {
    let provider = Provider::start(Mood::Well(3600));
    let sandbox = logged_in_at("ghcr.io", &provider, -60, -10, &json!("acr"));
    let source = |edit: &dyn Fn(&mut Value)| {
        let mut config = sandbox.config();
        edit(&mut config["registries"]["ghcr.io"]["accounts"]["me"]["source"]);
        write(&sandbox.config_path(), config.to_string().as_bytes());
    };
    source(&|source| source["exchange_url"] = json!(format!("{}/own", provider.url)));
    assert_eq!(sandbox.run(&["get"], "ghcr.io"), answers("r1"));
    assert!(provider.seen.lock().unwrap()[1].starts_with("/own grant_type=access_token"));
    // A token of Docker Hub does not expire, and its exchange has no usual address.
    source(&|source| {
        source["exchange"] = json!("docker-hub-pat");
        source.as_object_mut().unwrap().remove("exchange_url");
    });
    let mut secrets = read_json(&sandbox.secrets_path("ghcr.io"));
    secrets["secrets"]["me"]["until"] = json!(seconds_from_now(-10));
    secrets["secrets"]["me"]["due"] = json!(seconds_from_now(-60));
    write(&sandbox.secrets_path("ghcr.io"), secrets.to_string().as_bytes());
    sandbox.run(&["status"], "").shows(str![[r#"
exit 0
--- stdout
ghcr.io
  ● me  default   me/**   in clear text   from login at test   renewed automatically at the next use

Docker does not ask Ensign for ghcr.io; to change that:
  docker-credential-ensign configure-docker

"#]]);
    sandbox.run(&["token", "ghcr.io/me/app"], "").shows(str![[r#"
exit 3
--- stderr
error: the credentials of me on ghcr.io are no longer valid: an earlier Ensign saved this login without the address of its token
hint: run `docker-credential-ensign login ghcr.io --alias me --device`

"#]]);
    assert_eq!(provider.seen.lock().unwrap().len(), 2, "the refresh token is not spent");
}

#[test]
fn while_the_provider_is_down_a_good_token_serves_and_a_dead_one_is_not_found() {
    let provider = Provider::start(Mood::Down);
    let sandbox = logged_in(&provider, -1, 600);
    assert_eq!(sandbox.run(&["get"], "ghcr.io"), answers("t1"));
    assert_eq!(sandbox.run(&["get"], "ghcr.io"), answers("t1"));
    assert_eq!(provider.renewals(), 1, "after a failure the provider is not asked again for a while");
    let sandbox = logged_in(&Provider::start(Mood::Down), -60, -10);
    assert_eq!(sandbox.run(&["get"], "ghcr.io"), Run::not_found());
    assert_eq!(kept(&sandbox)["refresh"], "r1", "nothing is lost");
    let run = sandbox.run(&["check", "ghcr.io"], "");
    assert_eq!(run.code, Some(1), "nobody has refused the login: {run:?}");
    shows(
        &run.stderr,
        str![[r#"
error: could not renew the credentials of me on ghcr.io: `[HOST]` answered without a token (status 503)
hint: try again in a moment

"#]],
    );
    assert_eq!(sandbox.run(&["token", "ghcr.io/me/app"], "").stderr, run.stderr);
}

#[test]
fn a_login_that_the_provider_has_ended_is_dead_until_the_next_login() {
    let provider = Provider::start(Mood::Ended);
    let sandbox = logged_in(&provider, -60, -10);
    assert_eq!(sandbox.run(&["get"], "ghcr.io"), Run::not_found());
    assert_eq!(sandbox.run(&["get"], "ghcr.io"), Run::not_found());
    assert_eq!(provider.renewals(), 1, "it is not asked again");
    let status = sandbox.run(&["status"], "");
    status.shows(str![[r#"
exit 3
--- stdout
ghcr.io
  ● me  default   me/**   in clear text   from login at test   renewed automatically at the next use
    ✗ the credentials of me on ghcr.io are no longer valid: the login has ended: run `docker-credential-ensign login ghcr.io --alias me --device`

Docker does not ask Ensign for ghcr.io; to change that:
  docker-credential-ensign configure-docker
1 account needs attention.

"#]]);
    sandbox.store("ghcr.io", "me", "typed");
    assert_eq!(sandbox.run(&["get"], "ghcr.io"), answers("typed"));
    assert!(read_json(&sandbox.config_path())["registries"]["ghcr.io"]["accounts"]["me"].get("source").is_none());
}

/// Runs `get` after mounts, since root ignores file modes. In `mounts`, `$0` is the home folder and `$1` is the
/// program.
fn get_in_mounts(sandbox: &Sandbox, mounts: &str) -> Option<Run> {
    let script = format!("{mounts} && exec \"$1\" get");
    let get = std::process::Command::new("unshare")
        .args(["--mount", "--map-root-user", "sh", "-c", &script])
        .args([sandbox.home().as_os_str(), Sandbox::program().as_ref()])
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", sandbox.home())
        .env("ENSIGN_CONFIG_DIR", sandbox.home().join("config"))
        .env("ENSIGN_DATA_DIR", sandbox.home().join("data"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let run = finish(get, b"ghcr.io");
    (!run.stderr.contains("unshare")).then_some(run) // this user may not create namespaces
}

#[test]
fn where_nothing_can_be_written_nothing_is_renewed() {
    for mounts in [
        "cd \"$0\" && mount --bind data/secrets data/secrets && mount -o remount,bind,ro data/secrets",
        "cd \"$0\" && mount --bind config config && mount -o remount,bind,ro config",
        "cd \"$0\" && mkdir kept && mv data/secrets/* kept && mount -t tmpfs -o size=32k tmpfs data/secrets \
            && cp kept/* data/secrets && { head -c 64k /dev/zero > data/secrets/filler; test -s data/secrets/filler; } 2>/dev/null",
    ] {
        for (until, expected) in [(600, answers("t1")), (-10, Run::not_found())] {
            let provider = Provider::start(Mood::Well(3600));
            let sandbox = logged_in(&provider, -60, until);
            let Some(run) = get_in_mounts(&sandbox, mounts) else { return };
            assert_eq!(run, expected, "{mounts}");
            assert_eq!(provider.renewals(), 0, "the next refresh token would be lost: {mounts}");
        }
    }
}

#[test]
fn docker_storing_what_it_was_answered_does_not_end_the_renewal() {
    let provider = Provider::start(Mood::Well(3600));
    let sandbox = logged_in(&provider, 300, 600);
    sandbox.store("ghcr.io", "me", "t1");
    assert_eq!(kept(&sandbox)["refresh"], "r1");
    sandbox.store("ghcr.io", "me", "another");
    assert_eq!(kept(&sandbox), "another");
}

#[test]
fn a_logout_ends_the_login_at_its_provider_or_says_that_it_did_not() {
    let mut transcript = String::new();
    for erase in [false, true] {
        let provider = Provider::start(Mood::Well(3600));
        let sandbox = logged_in(&provider, 300, 600);
        if erase {
            assert_eq!(sandbox.run(&["erase"], "ghcr.io"), Run::success(""));
        } else {
            let stderr = sandbox.run(&["logout", "ghcr.io"], "").stderr;
            transcript += &stderr;
        }
        let seen = provider.seen.lock().unwrap();
        assert!(seen[0].starts_with("/revoke ") && seen[0].contains("token=r1"), "{seen:?}");
        assert!(!sandbox.secrets_path("ghcr.io").exists());
    }
    shows(
        &transcript,
        str![[r#"
✓ Removed me from ghcr.io
  Its tokens are revoked.

"#]],
    );
    let gone = Provider { url: "http://127.0.0.1:1".into(), seen: Arc::default() };
    let logout = logged_in(&gone, 300, 600).run(&["logout", "ghcr.io"], "");
    assert_eq!(logout.code, Some(0));
    logout.shows(str![[r#"
exit 0
--- stderr
✓ Removed me from ghcr.io
! the provider did not end the login: could not reach `127.0.0.1:1`: Connection refused (os error 111)

"#]]);
}

#[test]
fn a_sealed_token_is_renewed_and_the_config_is_not_written() {
    let provider = Provider::start(Mood::Well(3600));
    let sandbox = logged_in(&provider, -10, 100);
    sandbox.ok(&["store", "key", "--holder", &format!("file:{}", sandbox.home().join("key").display())], "");
    sandbox.ok(&["store", "move", "--to", "sealed"], "");
    let config = std::fs::read(sandbox.config_path()).unwrap();
    for _ in 0..2 {
        assert!(sandbox.run(&["get"], "ghcr.io").stdout.contains("\"t2\""));
    }
    assert_eq!((provider.renewals(), std::fs::read(sandbox.config_path()).unwrap()), (1, config));
    assert_eq!(read_json(&sandbox.home().join("data/sealed/ghcr.io.json"))["generation"], 2);
    assert!(!sandbox.secrets_path("ghcr.io").exists());
}
