//! A registry that refuses the access token of a device login: the login is renewed, and only its provider can end it.
#![cfg(unix)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use serde_json::{Value, json};
use snapbox::str;

use crate::seed::server::{Answer, Server, asks, says};
use crate::support::{Run, Sandbox, read_json, write};

/// What a provider and a registry at one address do.
#[derive(Clone, Copy)]
enum Mood {
    /// The registry accepts only `t2`, with which the provider answers `r1`.
    Renews,
    /// The registry accepts no token.
    RefusesAll,
    /// The registry accepts no token, and the provider answers with the refused token.
    SameToken,
    ProviderDown,
    ProviderEnded,
}

const MOODS: [Mood; 5] = [Mood::Renews, Mood::RefusesAll, Mood::SameToken, Mood::ProviderDown, Mood::ProviderEnded];

/// A home with the account `me` at a provider and registry. The account has the access token `t1` without an expiry,
/// and the refresh token `r1`.
struct Login {
    server: Server,
    mood: Arc<AtomicU8>,
    sandbox: Sandbox,
}

impl Login {
    fn new(mood: Mood) -> Self {
        let mood = Arc::new(AtomicU8::new(mood as u8));
        let now = Arc::clone(&mood);
        let server = Server::start(move |request| answer(MOODS[usize::from(now.load(Ordering::SeqCst))], request));
        let (host, sandbox) = (&server.host, Sandbox::new());
        sandbox.store(host, "me", "x");
        let mut config = sandbox.config();
        config["registries"][host]["accounts"]["me"]["source"] =
            json!({"provider": "test", "client_id": "c", "token_url": format!("http://{host}/token")});
        write(&sandbox.config_path(), config.to_string().as_bytes());
        sandbox.put_secret(host, "me", &json!({"secret": "t1", "refresh": "r1"}));
        Self { server, mood, sandbox }
    }

    fn set(&self, mood: Mood) {
        self.mood.store(mood as u8, Ordering::SeqCst);
    }

    fn renewals(&self) -> usize {
        self.server.seen().iter().filter(|request| request.starts_with("POST /token ")).count()
    }

    fn kept(&self) -> Value {
        read_json(&self.sandbox.secrets_path(&self.server.host))["secrets"]["me"].clone()
    }

    fn get(&self) -> Run {
        self.sandbox.run(&["get"], &self.server.host)
    }

    fn check(&self) -> Run {
        self.sandbox.run(&["check", &self.server.host], "")
    }

    fn answers(&self, token: &str) -> Run {
        Run::answer(&self.server.host, "me", token)
    }
}

fn answer(mood: Mood, request: &str) -> Answer {
    let used = request.split("refresh_token=r").nth(1).and_then(|rest| rest.chars().next()?.to_digit(10));
    match (mood, used) {
        (Mood::Renews | Mood::RefusesAll, Some(used)) => {
            let next = used + 1;
            says(200, &json!({"access_token": format!("t{next}"), "refresh_token": format!("r{next}")}).to_string())
        }
        (Mood::SameToken, Some(_)) => says(200, r#"{"access_token": "t1"}"#),
        (Mood::ProviderDown, Some(_)) => says(503, ""),
        (Mood::ProviderEnded, Some(_)) => says(400, r#"{"error": "invalid_grant"}"#),
        (Mood::Renews, None) if request.contains(" Basic me:t2") => says(200, "{}"),
        (_, None) => asks("Basic realm=\"x\""),
    }
}

#[test]
fn every_command_renews_the_token_and_asks_the_registry_once_more() {
    for words in [
        &["check", "HOST"][..],
        &["check"],
        &["check", "HOST/me/app"],
        &["api", "HOST", "me/app/tags/list"],
        &["login", "HOST"],
    ] {
        let login = Login::new(Mood::Renews);
        let host = &login.server.host;
        let words: Vec<_> = words.iter().map(|word| word.replace("HOST", host)).collect();
        let run = login.sandbox.run(&words.iter().map(String::as_str).collect::<Vec<_>>(), "");
        assert_eq!(run.code, Some(0), "{words:?}: {run:?}");
        assert_eq!((login.kept(), login.renewals()), (json!({"secret": "t2", "refresh": "r2"}), 1), "{words:?}");
        assert_eq!((login.get(), login.renewals()), (login.answers("t2"), 1));
    }
}

#[test]
fn if_the_new_token_is_refused_too_get_asks_nobody_until_a_person_checks_again() {
    for mood in [Mood::RefusesAll, Mood::SameToken] {
        let login = Login::new(mood);
        for renewals in 1..3 {
            login.check().shows(str![[r#"
exit 3
--- stdout
✗ [HOST] rejects the login of me
--- stderr
hint: run `docker-credential-ensign login [HOST] --alias me --device`

"#]]);
            assert_eq!(login.renewals(), renewals);
            let asked = login.server.seen().len();
            assert_eq!((login.get(), login.get()), (Run::not_found(), Run::not_found()));
            assert_eq!(login.server.seen().len(), asked);
        }
        login.set(Mood::Renews);
        login.sandbox.put_secret(&login.server.host, "me", &json!({"secret": "t1", "refresh": "r1", "refused": true}));
        assert_eq!(login.check().code, Some(0));
        assert_eq!(login.get(), login.answers("t2"));
    }
}

#[test]
fn a_provider_that_is_down_ends_no_login() {
    let login = Login::new(Mood::ProviderDown);
    login.check().shows(str![[r#"
exit 1
--- stderr
error: could not renew the credentials of me on [HOST]: `[HOST]` answered without a token (status 503)
hint: try again in a moment

"#]]);
    assert_eq!(login.kept()["refused"], Value::Null);
    assert_eq!((login.get(), login.renewals()), (Run::not_found(), 1), "the provider was asked a moment ago");
    login.set(Mood::Renews);
    login.check().shows(str![[r#"
exit 0
--- stdout
✓ [HOST] accepts the account me

"#]]);
    assert_eq!((login.get(), login.renewals()), (login.answers("t2"), 2));
}

#[test]
fn a_login_that_its_provider_has_ended_is_asked_for_only_by_a_person() {
    let login = Login::new(Mood::ProviderEnded);
    for renewals in 1..3 {
        login.check().shows(str![[r#"
exit 3
--- stderr
error: the credentials of me on [HOST] are no longer valid: `[HOST]` has ended the login: `invalid_grant`
hint: run `docker-credential-ensign login [HOST] --alias me --device`

"#]]);
        assert_eq!((login.get(), login.get(), login.renewals()), (Run::not_found(), Run::not_found(), renewals));
    }
    login.set(Mood::Renews);
    login.check().shows(str![[r#"
exit 0
--- stdout
✓ [HOST] accepts the account me

"#]]);
    assert_eq!(login.get(), login.answers("t2"));
}
