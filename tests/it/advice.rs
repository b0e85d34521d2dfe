//! The hint that says where to create a token, in the registry's own words. `login` shows the hint to a person who
//! types a password, and after a refused password.

use serde_json::json;
use snapbox::str;

use crate::device::Provider;
use crate::support::Sandbox;
use crate::support::snapshots::shows;

#[test]
fn a_refused_login_says_where_the_registry_has_its_tokens_made() {
    let provider = Provider::start(|path, _, _| match path {
        "/.well-known/registry-login" => (
            200,
            json!({"token_page": "https://localhost/tokens", "token_rights": "package: read\u{1b}[31m"}).to_string(),
        ),
        _ => (404, String::new()),
    });
    let run = Sandbox::new().run(&["login", &provider.host, "-u", "alice", "--password-stdin"], "bad");
    run.shows(str![[r#"
exit 3
--- stderr
error: login failed for [HOST]: authentication rejected by [HOST]
hint: make a token at https://localhost/tokens (the token needs: package: read [31m) and log in again; login not saved

"#]]);
    assert_eq!(provider.sent_to("/.well-known/registry-login").len(), 1);
}

/// The program `script` provides the terminal.
#[cfg(target_os = "linux")]
#[test]
fn whoever_types_a_password_is_told_where_a_token_is_made() {
    let provider = Provider::start(|path, _, _| match path {
        "/.well-known/registry-login" => {
            (200, json!({"token_page": "https://localhost/tokens", "token_rights": "package: read"}).to_string())
        }
        _ => (404, String::new()),
    });
    let sandbox = Sandbox::new().with("TERM", "xterm").with("SSH_CONNECTION", "x");
    let answers = [("browser?", "n\r"), ("Username at", "alice\r"), (" of alice", "good\r"), ("[y/N]", "n\r")];
    let words = format!("login {}", provider.host);
    let Some(shown) = crate::seed::on_a_terminal(&sandbox, &words, &answers) else { return };
    assert!(shown.contains("exit 0"), "{shown}");
    shows(
        &shown,
        str![[r#"
Make a token at
  https://localhost/tokens
It needs package: read
Open it in the browser? [y/N] n
Username at [HOST]: alice
Password or token of alice: [hidden]
✓ Logged in to [HOST] as alice
  Used for  [HOST]/alice/**, and by default
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
Docker does not ask Ensign for [HOST] yet; a line in its config changes that.
Add the line to ~/.docker/config.json? [y/N] n
! Docker does not ask Ensign for [HOST] yet; to change that:  docker-credential-ensign configure-docker
exit 0

"#]],
    );
    shows(
        &shown,
        str![[r#"
Make a token at
  https://localhost/tokens
It needs package: read
Open it in the browser? [y/N] n
Username at [HOST]: alice
Password or token of alice: [hidden]
✓ Logged in to [HOST] as alice
  Used for  [HOST]/alice/**, and by default
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
Docker does not ask Ensign for [HOST] yet; a line in its config changes that.
Add the line to ~/.docker/config.json? [y/N] n
! Docker does not ask Ensign for [HOST] yet; to change that:  docker-credential-ensign configure-docker
exit 0

"#]],
    );
    assert_eq!(provider.sent_to("/.well-known/registry-login").len(), 1);
}

#[test]
fn a_login_that_a_program_may_have_names_it() {
    let sandbox = Sandbox::new();
    let mut transcript = String::new();
    for host in ["ghcr.io", "shop.azurecr.io"] {
        transcript += &sandbox.run(&["login", host, "--device"], "").transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 1
--- stderr
error: login failed for ghcr.io: no client id is known for GitHub: give it with `--client-id`
hint: log in with a password or token: `docker-credential-ensign login ghcr.io -u NAME`; or use another program's login: `docker-credential-ensign login --borrow gh ghcr.io -u NAME`
exit 1
--- stderr
error: login failed for shop.azurecr.io: no client id is known for Microsoft Entra: give it with `--client-id`
hint: log in with a password or token: `docker-credential-ensign login shop.azurecr.io -u NAME`; or use another program's login: `docker-credential-ensign login --borrow az shop.azurecr.io`

"#]],
    );
}
