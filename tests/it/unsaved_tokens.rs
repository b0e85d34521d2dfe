//! A renewal whose tokens cannot be saved: Ensign tries again, and hands out the new token in any case.
#![cfg(unix)]

use serde_json::json;
use snapbox::str;

use crate::seed::server::{Server, asks, says};
use crate::support::{Run, Sandbox, read_json, seconds_from_now, write};

/// Starts a provider and registry at one address. Calls `renewing` before the provider answers.
fn start(renewing: impl Fn() + Send + Sync + 'static) -> Server {
    Server::start(move |request| match request {
        _ if request.starts_with("POST /token ") => {
            renewing();
            says(200, r#"{"access_token": "t2", "refresh_token": "r2", "expires_in": 3600}"#)
        }
        _ if request.contains(" Basic me:t2") => says(200, "{}"),
        _ => asks("Basic realm=\"x\""),
    })
}

/// Saves the account `me` with the expired token `t1` and the refresh token `r1`.
fn log_in(sandbox: &Sandbox, host: &str) {
    sandbox.store(host, "me", "x");
    let mut config = sandbox.config();
    config["registries"][host]["accounts"]["me"]["source"] =
        json!({"provider": "test", "client_id": "c", "token_url": format!("http://{host}/token")});
    write(&sandbox.config_path(), config.to_string().as_bytes());
    sandbox.put_secret(host, "me", &json!({"secret": "t1", "refresh": "r1", "until": seconds_from_now(-60)}));
}

fn renewals(server: &Server) -> usize {
    server.seen().iter().filter(|request| request.starts_with("POST /token ")).count()
}

#[test]
fn a_new_token_that_cannot_be_saved_is_handed_out_with_a_warning() {
    for verb in ["get", "check"] {
        let sandbox = Sandbox::new();
        let path = sandbox.config_path();
        let server = start(move || std::fs::write(&path, "{").unwrap());
        let host = &server.host;
        log_in(&sandbox, host);
        if verb == "get" {
            assert_eq!(sandbox.run(&["get"], host), Run::answer(host, "me", "t2"));
        } else {
            sandbox.run(&["check", host], "").shows(str![[r#"
exit 0
--- stdout
✓ [HOST] accepts the account me
--- stderr
! could not save the next refresh token of me on [HOST], so the login will end: `~/config/config.json` is broken: EOF while parsing an object at line 1 column 1
hint: run `docker-credential-ensign login [HOST] --alias me --device`

"#]]);
        }
        assert_eq!(renewals(&server), 1);
    }
}

/// A helper that counts the calls of `store`. A call that `$HOME/fails` lists fails.
const HELPER: &str = r#"#!/bin/sh
if [ "$1" = store ]; then
    echo >> "$HOME/calls"
    grep -qx "$(wc -l < "$HOME/calls")" "$HOME/fails" && exit 1
    cat > "$HOME/entry"
elif [ "$1" = get ]; then
    cat > /dev/null
    cat "$HOME/entry" 2> /dev/null || { echo "credentials not found in native keychain"; exit 1; }
fi
"#;

#[test]
fn a_helper_that_saves_nothing_is_noticed_before_the_refresh_token_is_used() {
    // The second call checks that the helper can save an entry. The third call saves the new tokens.
    for (fails, answers, expected_renewals, entry) in
        [("2", false, 0, "r1"), ("3", true, 1, "r2"), ("3\n4\n5", true, 1, "r1")]
    {
        let sandbox = Sandbox::new().with_program("docker-credential-kept", HELPER);
        let server = start(|| {});
        let host = &server.host;
        log_in(&sandbox, host);
        write(&sandbox.home().join("fails"), b"");
        sandbox.ok(&["store", "move", "--to", "helper:kept"], "");
        write(&sandbox.home().join("fails"), fails.as_bytes());
        let expected = if answers { Run::answer(host, "me", "t2") } else { Run::not_found() };
        assert_eq!(sandbox.run(&["get"], host), expected, "{fails}");
        assert_eq!(renewals(&server), expected_renewals, "{fails}");
        let kept = read_json(&sandbox.home().join("entry"))["Secret"].to_string();
        assert!(kept.contains(entry), "{fails}: {kept}");
        let calls = std::fs::read_to_string(sandbox.home().join("calls")).unwrap().len();
        assert!(calls <= 5, "the used refresh token is not put back: {calls}");
    }
}
