//! A secret that is known to be invalid is not handed out, because sending it would break pulls of public images too.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;
use snapbox::str;

use crate::support::registry::FakeRegistry;
use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, read_json, seconds_from_now};

#[test]
fn a_password_that_the_registry_refused_in_a_check_is_not_handed_out_any_more() {
    let mut transcript = String::new();
    for check in ["check", "login"] {
        let registry = FakeRegistry::start();
        let host = &registry.host;
        let sandbox = Sandbox::new();
        sandbox.store(host, "alice", "outdated");
        assert_eq!(sandbox.who(host), "alice");
        assert_eq!(sandbox.run(&[check, host], "").code, Some(3));
        assert_eq!(sandbox.run(&["get"], host), Run::not_found());
        let status = sandbox.run(&["status"], "");
        assert_eq!(status.code, Some(3));
        transcript += &status.transcript();
        sandbox.store(host, "alice", "alice-pw");
        assert_eq!(sandbox.who(host), "alice", "a new password clears the mark");
    }
    shows(
        &transcript,
        str![[r#"
exit 3
--- stdout
[HOST]
  ● alice  default   alice/**   in clear text
    ✗ the credentials of alice on [HOST] are no longer valid: the registry refused the login at the last check: run `docker-credential-ensign login [HOST] --alias alice`

Docker does not ask Ensign for [HOST]; to change that:
  docker-credential-ensign configure-docker
1 account needs attention.
exit 3
--- stdout
[HOST-2]
  ● alice  default   alice/**   in clear text
    ✗ the credentials of alice on [HOST-2] are no longer valid: the registry refused the login at the last check: run `docker-credential-ensign login [HOST-2] --alias alice`

Docker does not ask Ensign for [HOST-2]; to change that:
  docker-credential-ensign configure-docker
1 account needs attention.

"#]],
    );
}

#[test]
fn a_password_that_is_accepted_again_is_handed_out_again() {
    let registry = FakeRegistry::start();
    let host = &registry.host;
    let sandbox = Sandbox::new();
    sandbox.store(host, "alice", "alice-pw");
    sandbox.put_secret(host, "alice", &json!({"secret": "alice-pw", "refused": true}));
    assert_eq!(sandbox.run(&["get"], host), Run::not_found());
    sandbox.ok(&["check", host], "");
    assert_eq!(sandbox.who(host), "alice");
}

#[test]
fn a_verdict_that_nobody_gave_changes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.store("localhost:1", "alice", "pw");
    assert_eq!(sandbox.run(&["check", "localhost:1"], "").code, Some(1));
    assert_eq!(sandbox.who("localhost:1"), "alice");
}

#[test]
fn a_token_that_says_when_it_ends_is_believed_unless_it_should_have_ended_before_it_was_stored() {
    for (exp, seconds) in [("later", 60), ("before", -60)] {
        let sandbox = Sandbox::new();
        let claims = json!({"exp": seconds_from_now(seconds)}).to_string();
        let token = format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims));
        sandbox.store("shop.azurecr.io", "00000000-0000-0000-0000-000000000000", &token);
        let kept = &read_json(&sandbox.secrets_path("shop.azurecr.io"))["secrets"];
        assert_eq!(kept.as_object().unwrap().values().next().unwrap().is_object(), exp == "later", "{kept}");
        assert!(sandbox.ok(&["get"], "shop.azurecr.io").contains(&token));
    }
}

#[test]
fn an_expired_secret_is_not_found_and_one_that_will_expire_answers() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "me", "token");
    sandbox.put_secret("ghcr.io", "me", &json!({"secret": "token", "until": seconds_from_now(60)}));
    assert_eq!(sandbox.who("ghcr.io"), "me");
    sandbox.put_secret("ghcr.io", "me", &json!({"secret": "token", "until": seconds_from_now(-90)}));
    assert_eq!(sandbox.run(&["get"], "ghcr.io"), Run::not_found());
    sandbox.run(&["status"], "").shows(str![[r#"
exit 3
--- stdout
ghcr.io
  ● me  default   me/**   in clear text   expired 2 minutes ago
    ✗ the credentials of me on ghcr.io are no longer valid: they have expired: run `docker-credential-ensign login ghcr.io --alias me`

Docker does not ask Ensign for ghcr.io; to change that:
  docker-credential-ensign configure-docker
1 account needs attention.

"#]]);
}

#[test]
fn a_login_that_nobody_verified_proves_nothing() {
    let sandbox = Sandbox::new();
    sandbox.store("localhost:1", "alice", "pw");
    sandbox.put_secret("localhost:1", "alice", &json!({"secret": "pw", "refused": true}));
    sandbox.ok(&["login", "localhost:1", "--no-verify"], "");
    assert_eq!(sandbox.run(&["get"], "localhost:1"), Run::not_found());
}
