//! What Ensign stores after a login by browser: nothing if the login fails, otherwise all that the next login needs.

use serde_json::{Value, json};

use crate::device::{Provider, assert_nothing_stored, code, login, write_providers};
use crate::support::Sandbox;

#[test]
fn a_grant_whose_exchange_fails_is_given_back() {
    for (exchange, words, status) in [("acr", "/oauth2/exchange", 403), ("docker-hub-pat", "/pat", 500)] {
        let provider = Provider::start(move |path, _, _| match path {
            "/d" => (200, code("")),
            "/t" => (200, r#"{"access_token": "a", "refresh_token": "r"}"#.into()),
            "/r" => (200, String::new()),
            _ if path == words => (status, String::new()),
            _ => (404, String::new()),
        });
        let sandbox = Sandbox::new();
        let url = |path: &str| format!("http://{}{path}", provider.host);
        let row = json!({"client_id": "c", "device_url": url("/d"), "token_url": url("/t"), "revoke_url": url("/r"),
            "exchange": exchange, "exchange_url": url(words)});
        write_providers(&sandbox, &json!({"acme": row}));
        let run = login(&sandbox, &provider.host, &["--provider", "acme", "-u", "alice"]);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert_nothing_stored(&sandbox);
        let revoked =
            ["token=r&token_type_hint=refresh_token&client_id=c", "token=a&token_type_hint=access_token&client_id=c"];
        assert_eq!(provider.sent_to("/r"), revoked);
    }
}

/// The provider returns the secret in a field other than `access_token`, and the user has set the scope. Ensign
/// remembers the field and the scope for the renewal and the next login.
#[test]
fn a_secret_of_another_field_is_renewed_and_the_scope_is_asked_for_again() {
    let provider = Provider::start(|path, _, before| match (path, before) {
        ("/d", _) => (200, code("")),
        ("/t", 0) => {
            (200, r#"{"access_token": "a", "password": "good-1", "refresh_token": "r1", "expires_in": 1}"#.into())
        }
        ("/t", _) => {
            (200, r#"{"access_token": "a", "password": "good-2", "refresh_token": "r2", "expires_in": 3600}"#.into())
        }
        _ => (404, String::new()),
    });
    let sandbox = Sandbox::new();
    let url = |path: &str| format!("http://{}{path}", provider.host);
    let row = json!({"client_id": "c", "device_url": url("/d"), "token_url": url("/t"), "secret_field": "password",
        "scope": "usual", "username": {"fixed": "alice"}});
    write_providers(&sandbox, &json!({"acme": row}));
    let run = login(&sandbox, &provider.host, &["--provider", "acme", "--scope", "mine"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    std::thread::sleep(std::time::Duration::from_secs(1));
    let answer: Value = serde_json::from_str(&sandbox.run(&["get"], &provider.host).stdout).unwrap();
    assert_eq!(answer["Secret"], "good-2");
    let run = login(&sandbox, &provider.host, &["--alias", "alice"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(provider.sent_to("/d"), ["client_id=c&scope=mine"; 2]);
}
