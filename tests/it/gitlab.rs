//! A self-hosted GitLab, whose address Ensign finds in the challenge of its registry.

use serde_json::json;
use snapbox::str;

use crate::support::scripted::{Scripted, respond, scheme};
use crate::support::server::HttpRequest;
use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, write};

/// A GitLab with its own address, and a registry whose challenge names that address.
struct Pair {
    gitlab: Scripted,
    registry: Scripted,
}

impl Pair {
    fn start(service: &'static str) -> Self {
        let gitlab = Scripted::start(gitlab);
        let realm = format!("http://{}/jwt/auth", gitlab.host);
        let registry = Scripted::start(move |asked: &HttpRequest| match (asked.line.as_str(), scheme(asked)) {
            ("GET /v2/", "bearer") => respond(200, &[], "{}"),
            ("GET /v2/", _) => {
                let challenge = format!("WWW-Authenticate: Bearer realm=\"{realm}\",service=\"{service}\"");
                respond(401, &[&challenge], "")
            }
            _ => respond(404, &[], ""),
        });
        Self { gitlab, registry }
    }

    fn login(&self, sandbox: &Sandbox, more: &[&str]) -> Run {
        sandbox.run(&[&["login", &self.registry.host, "--device"], more].concat(), "")
    }
}

fn gitlab(asked: &HttpRequest) -> String {
    let path = asked.line.split([' ', '?']).nth(1).unwrap();
    match path {
        "/oauth/authorize_device" => {
            let code = json!({"device_code": "d", "user_code": "AB", "verification_uri": "http://localhost/oauth/device",
                "interval": 1});
            respond(200, &[], &code.to_string())
        }
        "/oauth/token" => {
            let token = json!({"access_token": "t", "refresh_token": "r", "expires_in": 7200});
            respond(200, &[], &token.to_string())
        }
        "/jwt/auth" if scheme(asked) == "basic" => respond(200, &[], r#"{"token": "j"}"#),
        _ => respond(404, &[], ""),
    }
}

#[test]
fn a_gitlab_is_found_from_the_challenge_of_its_registry() {
    let mut transcript = String::new();
    for words in [&["--provider", "gitlab", "--client-id", "c"][..], &["--client-id", "c"]] {
        let (pair, sandbox) = (Pair::start("container_registry"), Sandbox::new());
        let run = pair.login(&sandbox, words);
        assert_eq!(run.code, Some(0), "{run:?}");
        transcript += &run.transcript();
        let account = &sandbox.config()["registries"][&pair.registry.host]["accounts"]["oauth2"];
        let source = json!({
            "provider": "gitlab", "issuer": format!("http://{}", pair.gitlab.host), "client_id": "c",
            "token_url": format!("http://{}/oauth/token", pair.gitlab.host),
            "revoke_url": format!("http://{}/oauth/revoke", pair.gitlab.host),
        });
        assert_eq!(account["source"], source);
        // The next login finds the provider in the account, so the login only asks the registry to verify the secret.
        let before = pair.registry.seen().len();
        let run = pair.login(&sandbox, &["--alias", "oauth2"]);
        assert_eq!((run.code, pair.registry.seen().len() - before), (Some(0), 2), "{run:?}");
    }
    shows(
        &transcript,
        str![[r#"
exit 0
--- stderr
Log in at GitLab ([HOST]) with a browser, here or on another machine:

    Link  http://localhost/oauth/device
    Code  AB

Waiting for GitLab ([HOST]), 10:00 at most …
✓ Logged in to [HOST-2] as oauth2
  Used for  [HOST-2]/oauth2/**, and by default
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! Docker does not ask Ensign for [HOST-2] yet; to change that:  docker-credential-ensign configure-docker
exit 0
--- stderr
Log in at GitLab ([HOST-3]) with a browser, here or on another machine:

    Link  http://localhost/oauth/device
    Code  AB

Waiting for GitLab ([HOST-3]), 10:00 at most …
✓ Logged in to [HOST-4] as oauth2
  Used for  [HOST-4]/oauth2/**, and by default
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! Docker does not ask Ensign for [HOST-4] yet; to change that:  docker-credential-ensign configure-docker

"#]],
    );
}

#[test]
fn a_token_server_that_only_looks_like_gitlabs_is_nobodys() {
    let pair = Pair::start("something else");
    let run = pair.login(&Sandbox::new(), &[]);
    run.shows(str![[r#"
exit 2
--- stderr
error: Ensign knows no device login for [HOST]
hint: name the provider with `--provider NAME`, or with `--issuer URL --client-id ID`

"#]]);
    assert!(pair.gitlab.seen().is_empty());
}

/// The config has a client id for this GitLab. A hostile registry could name this GitLab to receive this GitLab's
/// tokens, so the user must name the provider.
#[test]
fn a_registry_is_not_taken_for_one_of_a_gitlab_that_is_known_already() {
    let (pair, sandbox) = (Pair::start("container_registry"), Sandbox::new());
    let row = json!({"issuer": format!("http://{}", pair.gitlab.host), "client_id": "c"});
    let config = json!({"version": 3, "registries": {}, "providers": {"gitlab": row}});
    write(&sandbox.config_path(), config.to_string().as_bytes());
    assert_eq!(pair.login(&sandbox, &[]).code, Some(2));
    assert!(pair.gitlab.seen().is_empty());
    assert_eq!(pair.login(&sandbox, &["--provider", "gitlab"]).code, Some(0));
}
