//! Logins by browser at three kinds of registry: those that announce their login, Docker Hub, and Azure.

use serde_json::{Value, json};
use snapbox::str;

use crate::device::jwt;
use crate::device::{Provider, assert_nothing_stored, code, login, write_providers};
use crate::support::Sandbox;

#[test]
fn a_registry_cannot_send_people_elsewhere() {
    let provider = Provider::start(|_, _, _| {
        let body = r#"{"device_code": "d", "user_code": "A", "verification_uri": "https://github.com/login/device"}"#;
        (200, body.into())
    });
    let run = login(&Sandbox::new(), &provider.host, &["--provider", "atcr"]);
    assert_eq!(run.code, Some(1));
    assert!(!run.stderr.contains("Code"), "{run:?}");
    run.shows(str![[r#"
exit 1
--- stderr
error: login failed for [HOST]: [HOST] points to `github.com`, which is not its own domain, so Ensign does not follow it
hint: log in with a password or token: `docker-credential-ensign login [HOST] -u NAME`

"#]]);
}

#[test]
fn a_registry_announces_its_own_login() {
    let provider = Provider::start(|path, _, before| match (path, before) {
        ("/.well-known/registry-login", _) => {
            let fields = json!({"client_id": "announced", "device_url": "/d", "token_url": "/t", "revoke_url": "/r",
                "username": {"fixed": "alice"}});
            (200, fields.to_string())
        }
        ("/d", _) => (200, code("")),
        ("/t", _) => (200, r#"{"access_token": "good", "refresh_token": "r", "expires_in": 3600}"#.into()),
        _ => (200, String::new()),
    });
    let sandbox = Sandbox::new();
    let run = login(&sandbox, &provider.host, &[]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(provider.sent_to("/d"), ["client_id=announced"]);
    let source = &sandbox.config()["registries"][&provider.host]["accounts"]["alice"]["source"];
    assert_eq!(source["revoke_url"], format!("http://{}/r", provider.host));
    run.shows(str![[r#"
exit 0
--- stderr
Log in at [HOST] with a browser, here or on another machine:

    Link  http://localhost/device
    Code  ABCD-1234

Waiting for [HOST], 10:00 at most …
✓ Logged in to [HOST] as alice
  Used for  [HOST]/alice/**, and by default
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! Docker does not ask Ensign for [HOST] yet; to change that:  docker-credential-ensign configure-docker

"#]]);
}

#[test]
fn a_token_that_the_registry_rejects_is_given_back() {
    let provider = Provider::start(|path, _, _| match path {
        "/d" => (200, code("")),
        "/t" => (200, r#"{"access_token": "bad", "refresh_token": "r"}"#.into()),
        _ => (200, String::new()),
    });
    let sandbox = Sandbox::new();
    let url = |path: &str| format!("http://{}{path}", provider.host);
    let row = json!({"client_id": "c", "device_url": url("/d"), "token_url": url("/t"), "revoke_url": url("/r")});
    write_providers(&sandbox, &json!({"acme": row}));
    let run = login(&sandbox, &provider.host, &["--provider", "acme", "-u", "alice"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert_nothing_stored(&sandbox);
    let revoked =
        ["token=r&token_type_hint=refresh_token&client_id=c", "token=bad&token_type_hint=access_token&client_id=c"];
    assert_eq!(provider.sent_to("/r"), revoked);
}

#[test]
fn docker_hubs_login_becomes_an_access_token() {
    let access = jwt(&json!({"https://hub.docker.com": {"username": "moby"}}));
    let provider = Provider::start(move |path, _, before| match (path, before) {
        ("/oauth/device/code", _) => {
            (200, code(r#", "verification_uri_complete": "http://localhost/device?c=ABCD-1234""#))
        }
        ("/oauth/token", 0) => (403, r#"{"error": "authorization_pending"}"#.into()),
        ("/oauth/token", _) => {
            (200, json!({"access_token": access, "refresh_token": "hub-refresh", "expires_in": 60}).to_string())
        }
        ("/oauth/revoke", _) => (200, String::new()),
        ("/pat", _) => (201, r#"{"data": {"token": "dckr_pat_x"}}"#.into()),
        _ => (404, String::new()),
    });
    let sandbox = Sandbox::new();
    let url = |path: &str| format!("http://{}{path}", provider.host);
    let row = json!({"device_url": url("/oauth/device/code"), "token_url": url("/oauth/token"), "exchange_url": url("/pat"),
        "revoke_url": url("/oauth/revoke")});
    write_providers(&sandbox, &json!({"docker-hub": row}));
    let run = login(&sandbox, "docker.io", &["--no-verify"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let answer: Value = serde_json::from_str(&sandbox.run(&["get"], "https://index.docker.io/v1/").stdout).unwrap();
    assert_eq!((&answer["Username"], &answer["Secret"]), (&json!("moby"), &json!("dckr_pat_x")));
    let asked = &provider.sent_to("/oauth/device/code")[0];
    assert!(
        asked.contains("scope=openid%20offline_access") || asked.contains("scope=openid+offline_access"),
        "{asked}"
    );
    assert!(asked.contains("audience=https%3A%2F%2Fhub.docker.com"), "{asked}");
    let source = &sandbox.config()["registries"]["docker.io"]["accounts"]["moby"]["source"];
    assert_eq!(source["exchange_url"], url("/pat"), "a renewal asks at the same address");
    // Like docker/cli, `logout` revokes the refresh token but not the access token that the login created.
    let logout = sandbox.run(&["logout", "docker.io"], "");
    assert_eq!(
        provider.sent_to("/oauth/revoke"),
        ["token=hub-refresh&token_type_hint=refresh_token&client_id=L4v0dmlNBpYUjGGab0C2JtgTgXr1Qz4d"]
    );
    logout.shows(str![[r#"
exit 0
--- stderr
✓ Removed moby from docker.io
! the access token that this login created stays valid; revoke it at https://app.docker.com/settings/personal-access-tokens

"#]]);
}

#[test]
fn azure_exchanges_the_token_at_the_registry() {
    let provider = Provider::start(|path, _, before| match (path, before) {
        ("/d", _) => (200, code("")),
        ("/t", 0) => (400, r#"{"error": "authorization_pending", "error_codes": [70016]}"#.into()),
        ("/t", _) => (200, r#"{"access_token": "entra", "refresh_token": "r1", "expires_in": 4000}"#.into()),
        ("/oauth2/exchange", 0) => (200, json!({"refresh_token": "good-1", "expires_in": 1}).to_string()),
        _ => (404, String::new()),
    });
    let sandbox = Sandbox::new();
    let url = |path: &str| format!("http://{}{path}", provider.host);
    write_providers(&sandbox, &json!({"entra": {"device_url": url("/d"), "token_url": url("/t")}}));
    let words = ["--provider", "entra", "--tenant", "acme", "--client-id", "mine"];
    let run = login(&sandbox, &provider.host, &words);
    assert_eq!(run.code, Some(0), "{run:?}");
    let form = format!("grant_type=access_token&service={}&access_token=entra&tenant=acme", provider.host);
    assert_eq!(provider.sent_to("/oauth2/exchange"), [form.replace(':', "%3A")]);
    assert_eq!(sandbox.who(&provider.host), "00000000-0000-0000-0000-000000000000");
    let without = login(&sandbox, &provider.host, &["--provider", "entra"]);
    without.shows(str![[r#"
exit 1
--- stderr
error: login failed for [HOST]: no client id is known for Microsoft Entra: give it with `--client-id`
hint: log in with a password or token: `docker-credential-ensign login [HOST] -u NAME`

"#]]);
}
