//! Rows A of `tests/SEED_ROWS.md` about logins by browser.

use serde_json::json;
use snapbox::str;

use crate::device::{PENDING, Provider};
use crate::support::Sandbox;

/// Without a terminal, link and code are printed on stderr, and the login waits.
#[test]
fn login_shows_code_and_link_and_polls() {
    let provider = Provider::of_atcrs_kind(&[
        PENDING,
        (200, r#"{"device_secret": "good_atcr_device_x", "handle": "alice.example", "did": "did:plc:abc"}"#),
    ]);
    let sandbox = Sandbox::new().with("HOSTNAME", "laptop");
    let host = &provider.host;
    let run = sandbox.run(&["login", host, "--device", "--provider", "atcr"], "");
    run.shows(str![[r#"
exit 0
--- stderr
Log in at ATCR with a browser, here or on another machine:

    Link  http://localhost/device
    Code  ABCD-1234

Waiting for ATCR, 10:00 at most …
✓ Logged in to [HOST] as alice.example
  Used for  [HOST]/alice.example/**, [HOST]/did:plc:abc/**, and by default
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! Docker does not ask Ensign for [HOST] yet; to change that:  docker-credential-ensign configure-docker

"#]]);
    assert_eq!(provider.sent_to("/auth/device/code"), [json!({"device_name": "laptop"}).to_string()]);
    assert_eq!(provider.sent_to("/auth/device/token"), [r#"{"device_code":"dc-secret"}"#; 2]);
    assert_eq!(sandbox.config()["registries"][host]["accounts"]["alice.example"]["did"], json!("did:plc:abc"));
    assert_eq!(sandbox.who(host), "alice.example");
}

#[test]
fn a_device_secret_is_shown_to_the_registry_before_it_is_kept() {
    let provider = Provider::of_atcrs_kind(&[(200, r#"{"device_secret": "bad", "handle": "alice.example"}"#)]);
    let sandbox = Sandbox::new();
    let run = sandbox.run(&["login", &provider.host, "--device", "--provider", "atcr"], "");
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(!sandbox.config_path().exists());
}

/// On a terminal made by `script`, the login shows a menu, the link, the browser and a countdown.
#[cfg(target_os = "linux")]
#[test]
fn login_on_a_terminal_offers_the_browser_and_opens_it() {
    let provider = Provider::of_atcrs_kind(&[
        PENDING,
        (200, r#"{"device_secret": "good_atcr_device_x", "handle": "alice.example"}"#),
    ]);
    let sandbox = Sandbox::new().with_program("xdg-open", "#!/bin/sh\nprintf %s \"$1\" >\"$HOME/opened\"\n");
    let hosts = json!({"version": 3, "registries": {}, "providers": {"atcr": {"hosts": [provider.host]}}});
    crate::support::write(&sandbox.config_path(), hosts.to_string().as_bytes());
    let answers = [("browser", "\r"), ("[y/N]", "n\r")];
    let words = format!("login {}", provider.host);
    let Some(screen) = crate::seed::on_a_terminal(&sandbox, &words, &answers) else { return };
    for shown in ["Code  ABCD-1234", "Waiting for ATCR, 9:59 left", "✓ Logged in", "exit 0"] {
        assert!(screen.contains(shown), "{shown}: {screen}");
    }
    assert_eq!(std::fs::read_to_string(sandbox.home().join("opened")).unwrap(), "http://localhost/device");
}
