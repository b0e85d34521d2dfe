//! The expiry of secrets: how Ensign learns the expiry, and where Ensign warns in time.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use snapbox::str;

use crate::support::registry::FakeRegistry;
use crate::support::scripted::{Scripted, respond, scheme};
use crate::support::snapshots::shows;
use crate::support::{Sandbox, finish, read_json, seconds_from_now, write};

const DAY: i64 = 86_400;

/// A home with four accounts: `old` expired two days ago, `soon` expires in six days, `later` in thirty, and the expiry
/// of `plain` is unknown.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    for (name, days) in [("plain", None), ("later", Some(30)), ("soon", Some(6)), ("old", Some(-2))] {
        sandbox.store("ghcr.io", name, "s3cret");
        if let Some(days) = days {
            let kept = json!({"secret": "s3cret", "until": seconds_from_now(days * DAY)});
            sandbox.put_secret("ghcr.io", name, &kept);
        }
    }
    sandbox
}

fn status(sandbox: &Sandbox, words: &[&str]) -> (Option<i32>, Value) {
    let run = sandbox.run(&[&["status", "--json"], words].concat(), "");
    (run.code, serde_json::from_str(&run.stdout).unwrap())
}

#[test]
fn status_tells_in_words_when_each_secret_expires() {
    let sandbox = sandbox();
    let run = sandbox.run(&["status"], "");
    run.shows(str![[r#"
exit 3
--- stdout
ghcr.io
  ○ plain            plain/**   in clear text
  ○ later            later/**   in clear text   expires in 30 days
  ○ soon             soon/**    in clear text   expires in 6 days
    ! log in again before then:  docker-credential-ensign login ghcr.io --alias soon
  ● old    default   old/**     in clear text   expired 2 days ago
    ✗ the credentials of old on ghcr.io are no longer valid: they have expired: run `docker-credential-ensign login ghcr.io --alias old`

Docker does not ask Ensign for ghcr.io; to change that:
  docker-credential-ensign configure-docker
1 account needs attention.

"#]]);

    let (code, json) = status(&sandbox, &[]);
    let account = |name: &str| json["accounts"].as_array().unwrap().iter().find(|one| one["account"] == name).unwrap();
    assert_eq!((code, &account("soon")["expiry"]), (Some(3), &json!("expires in 6 days")));
    let moment = account("soon")["expires_at"].as_str().unwrap();
    assert!(moment.len() == 20 && moment.ends_with('Z'), "{moment}");
    assert_eq!((&account("soon")["renews"], &account("soon")["ok"]), (&json!(false), &json!(true)));
    assert_eq!((&account("plain")["expires_at"], &account("plain")["expiry"]), (&Value::Null, &Value::Null));
}

#[test]
fn status_expiring_has_an_exit_code_for_scripts() {
    let sandbox = sandbox();
    for (within, names, code) in
        [("7d", &["old", "soon"][..], 6), ("1h", &["old"], 6), ("5w", &["old", "soon", "later"], 6)]
    {
        let run = sandbox.run(&["status", "--expiring", within], "");
        let shown: Vec<_> = run.stdout.lines().map(|line| line.split_whitespace().nth(1).unwrap()).collect();
        assert_eq!((shown.as_slice(), run.code), (names, Some(code)), "{within}: {run:?}");
        let (code, json) = status(&sandbox, &["--expiring", within]);
        let told: Vec<_> = json["accounts"].as_array().unwrap().iter().map(|one| one["account"].clone()).collect();
        assert_eq!((told, code), (names.iter().map(|name| json!(name)).collect(), run.code), "{within}");
    }
    let first = sandbox.run(&["status", "--expiring", "7d"], "").stdout;
    let login = "docker-credential-ensign login ghcr.io --alias old";
    assert_eq!(first.lines().next(), Some(format!("ghcr.io  old  expired 2 days ago:  {login}").as_str()));

    sandbox.ok(&["logout", "ghcr.io", "old"], "");
    let run = sandbox.run(&["status", "--expiring", "1d"], "");
    run.shows(str![[r#"
exit 0
--- stderr
No account is known to expire within 1 day.

"#]]);
    for wrong in ["soon", "7", "-1d", "99999w"] {
        assert_eq!(sandbox.run(&["status", &format!("--expiring={wrong}")], "").code, Some(2), "{wrong}");
    }
    // An unreadable secret may expire at any time, so the command fails.
    write(&sandbox.secrets_path("ghcr.io"), b"{ broken");
    assert_eq!(sandbox.run(&["status", "--expiring", "1d"], "").code, Some(1));
    assert_eq!(Sandbox::new().run(&["status", "--expiring", "1d"], "").code, Some(0));
}

#[test]
fn a_password_of_ecr_says_itself_when_it_ends() {
    let sandbox = Sandbox::new();
    let host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
    let end = seconds_from_now(12 * 3600);
    let payload = json!({"payload": "p", "datakey": "d", "version": "2", "type": "DATA_KEY", "expiration": end});
    sandbox.store(host, "AWS", &BASE64_STANDARD.encode(payload.to_string()));
    sandbox.run(&["status"], "").shows(str![[r#"
exit 0
--- stdout
123456789012.dkr.ecr.eu-west-1.amazonaws.com
  ● AWS  default      in clear text   expires in 12 hours
    ! log in again before then:  docker-credential-ensign login 123456789012.dkr.ecr.eu-west-1.amazonaws.com --alias AWS

Docker does not ask Ensign for 123456789012.dkr.ecr.eu-west-1.amazonaws.com; to
  change that:  docker-credential-ensign configure-docker

"#]]);
    assert_eq!(sandbox.who(host), "AWS");
}

#[test]
fn a_login_that_renews_itself_is_not_said_to_expire() {
    let sandbox = Sandbox::new();
    sandbox.store("registry.gitlab.com", "me", "s3cret");
    let kept = json!({"secret": "s3cret", "until": seconds_from_now(3600), "refresh": "r"});
    sandbox.put_secret("registry.gitlab.com", "me", &kept);
    let mut config = sandbox.config();
    let grant = json!({"provider": "gitlab", "client_id": "c", "token_url": "https://gitlab.com/oauth/token"});
    config["registries"]["registry.gitlab.com"]["accounts"]["me"]["source"] = grant;
    write(&sandbox.config_path(), config.to_string().as_bytes());
    shows(
        &sandbox.ok(&["status"], ""),
        str![[r#"
registry.gitlab.com
  ● me  default   me/**   in clear text   from login at gitlab   renewed automatically, within 1 hour

Docker does not ask Ensign for registry.gitlab.com; to change that:
  docker-credential-ensign configure-docker

"#]],
    );
    assert_eq!(status(&sandbox, &[]).1["accounts"][0]["renews"], true);
    assert_eq!(sandbox.run(&["status", "--expiring", "7d"], "").code, Some(0));
    // The copy in an export is not renewed, also if the export names another host of the account.
    sandbox.ok(&["account", "edit", "registry.gitlab.com", "me", "--also", "mirror.example"], "");
    for host in ["registry.gitlab.com", "mirror.example"] {
        let run = sandbox.run(&["export", host, "--format", "env"], "");
        assert!(run.stderr.contains(&format!("{host} expires in 59 minutes")), "{run:?}");
    }
}

/// A home with a login of 180 days, of which `days` are left.
fn with_refresh_token(days: i64) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "me", "s3cret");
    let kept = json!({
        "secret": "s3cret", "until": seconds_from_now(3600), "refresh": "r",
        "login_since": seconds_from_now((days - 180) * DAY), "login_until": seconds_from_now(days * DAY),
    });
    sandbox.put_secret("ghcr.io", "me", &kept);
    let mut config = sandbox.config();
    let grant = json!({"provider": "github", "client_id": "c", "token_url": "https://github.com/token"});
    config["registries"]["ghcr.io"]["accounts"]["me"]["source"] = grant;
    write(&sandbox.config_path(), config.to_string().as_bytes());
    sandbox
}

#[test]
fn a_login_whose_refresh_token_ends_is_warned_about_days_before() {
    let sandbox = with_refresh_token(60);
    let run = sandbox.run(&["status"], "");
    run.shows(str![[r#"
exit 0
--- stdout
ghcr.io
  ● me  default   me/**   in clear text   from login at github   expires in 60 days, unless used before

Docker does not ask Ensign for ghcr.io; to change that:
  docker-credential-ensign configure-docker

"#]]);
    assert!(!run.stdout.contains('!'), "{run:?}");
    let (_, json) = status(&sandbox, &[]);
    let account = &json["accounts"][0];
    assert_eq!(account["renews"], true);
    assert!(account["login_expires_at"].as_str() > account["expires_at"].as_str(), "{account}");
    assert_eq!(sandbox.run(&["status", "--expiring", "7d"], "").code, Some(0));
    assert_eq!(sandbox.run(&["status", "--expiring", "10w"], "").code, Some(6));

    let sandbox = with_refresh_token(3);
    let run = sandbox.run(&["status"], "");
    run.shows(str![[r#"
exit 0
--- stdout
ghcr.io
  ● me  default   me/**   in clear text   from login at github   expires in 3 days, unless used before
    ! log in again before then:  docker-credential-ensign login ghcr.io --alias me --device

Docker does not ask Ensign for ghcr.io; to change that:
  docker-credential-ensign configure-docker

"#]]);
    let run = sandbox.run(&["status", "--expiring", "7d"], "");
    run.shows(str![[r#"
exit 6
--- stdout
ghcr.io  me  expires in 3 days, unless used before:  docker-credential-ensign login ghcr.io --alias me --device

"#]]);
    let asked = json!({"RootCmd": "pull", "Flags": {}, "CommandError": ""}).to_string();
    let plugin = sandbox.link("docker-ensign");
    let words = ["ensign", "docker-cli-plugin-hooks", &asked];
    let run = finish(sandbox.command_of(&plugin, &words).spawn().unwrap(), b"");
    run.shows(str![[r#"
exit 0
--- stdout
{"Type":0,"Template":"The account me on ghcr.io expires in 3 days, unless used before → docker ensign login ghcr.io --alias me --device"}

"#]]);
    let run = sandbox.run(&["doctor"], "");
    run.shows(str![[r#"
exit 1
--- stdout
✗ path      1 broken
  ✗ program-path: `docker-credential-ensign` is not in any absolute folder of
    PATH
      breaks: Docker and Podman cannot start Ensign, so every pull and push goes
        out without a login
      fix:    export PATH="$PATH:[BIN]"
✓ helpers   no other helper is configured
! order     1 note
  ! docker-not-asking: Docker does not ask Ensign for ghcr.io
      breaks: pulls and pushes at this registry go out without a login
      fix:    docker-credential-ensign doctor --fix docker-not-asking
      does:   docker-credential-ensign configure-docker --force ghcr.io
✓ files     2 files, readable by you only, nothing left over
✓ stores    1 secret in files, in clear text
✓ network   clock plausible, no proxy, registries not asked (--online)
! accounts  1 note
  ! account-expiring: the secret of me on ghcr.io expires in 3 days, unless used
    before
      breaks: nothing yet; once the secret has expired, pulls and pushes with
        this account fail
      fix:    docker-credential-ensign login ghcr.io --alias me --device
✓ answers   not tried: the program is not on PATH

Found: 1 broken, 2 notes. For a report without secrets:
  docker-credential-ensign doctor --report
To look for a newer release:  docker-credential-ensign update --check

"#]]);
    // An entry of an older Ensign does not contain the end of the login.
    sandbox.put_secret("ghcr.io", "me", &json!({"secret": "s3cret", "until": seconds_from_now(3600), "refresh": "r"}));
    shows(
        &sandbox.ok(&["status"], ""),
        str![[r#"
ghcr.io
  ● me  default   me/**   in clear text   from login at github   renewed automatically, within 1 hour

Docker does not ask Ensign for ghcr.io; to change that:
  docker-credential-ensign configure-docker

"#]],
    );
}

/// A registry that accepts `pw` from everyone, and sends GitHub's header about the token's expiry.
fn github(header: String) -> Scripted {
    Scripted::start(move |asked| match scheme(asked) {
        "basic" => respond(200, &[&format!("GitHub-Authentication-Token-Expiration: {header}")], "{}"),
        _ => respond(401, &["WWW-Authenticate: Basic realm=\"x\""], ""),
    })
}

#[test]
fn githubs_header_is_kept_at_login_and_check() {
    for (header, words) in [
        ("2199-05-01 12:34:56 UTC", Some("2199-05-01T12:34:56Z")),
        ("2199-05-01 12:34:56 -0700", Some("2199-05-01T19:34:56Z")),
        ("2019-05-01 12:34:56 UTC", None), // the registry accepted the token just now, so the clock is wrong
        ("soon", None),
    ] {
        let registry = github(header.to_owned());
        let host = &registry.host;
        let sandbox = Sandbox::new();
        let login = sandbox.run(&["login", host, "-u", "me", "--password-stdin"], "pw");
        assert_eq!(login.code, Some(0), "{login:?}");
        assert_eq!(login.stderr.contains("  Secret    expires in "), words.is_some(), "{login:?}");
        assert_eq!(status(&sandbox, &[]).1["accounts"][0]["expires_at"], json!(words), "{header}");

        let sandbox = Sandbox::new();
        sandbox.store(host, "me", "pw");
        let check = sandbox.run(&["check", host], "");
        assert_eq!((check.code, check.stdout.contains(" (expires in ")), (Some(0), words.is_some()), "{check:?}");
        assert_eq!(status(&sandbox, &[]).1["accounts"][0]["expires_at"], json!(words), "{header}");
        assert_eq!(sandbox.who(host), "me");
    }
}

#[test]
fn a_provider_that_knows_the_end_is_shown_a_token_which_its_registry_accepts() {
    let api = github("2199-05-01 12:34:56 UTC".to_owned());
    let registry = FakeRegistry::start();
    let host = &registry.host;
    let provider = json!({"hosts": [host], "expiry_url": format!("http://{}/", api.host)});
    let config = |sandbox: &Sandbox| {
        let text = json!({"version": 3, "registries": {}, "providers": {"mine": provider}}).to_string();
        write(&sandbox.config_path(), text.as_bytes());
    };
    let refused = Sandbox::new();
    config(&refused);
    assert_eq!(refused.run(&["login", host, "-u", "alice", "--password-stdin"], "wrong").code, Some(3));
    refused.ok(&["login", host, "-u", "alice", "--password-stdin", "--no-verify"], "alice-pw");
    assert!(api.seen().is_empty(), "{:?}", api.seen());

    let sandbox = Sandbox::new();
    config(&sandbox);
    sandbox.ok(&["login", host, "-u", "alice", "--password-stdin"], "alice-pw");
    assert_eq!(api.seen(), ["HEAD / basic"]);
    assert_eq!(status(&sandbox, &[]).1["accounts"][0]["expires_at"], "2199-05-01T12:34:56Z");
    sandbox.ok(&["check", host], "");
    assert_eq!(api.seen().len(), 1, "a known expiry is not asked for again");
    refused.ok(&["check"], "");
    assert_eq!(status(&refused, &[]).1["accounts"][0]["expires_at"], "2199-05-01T12:34:56Z");
}

#[test]
fn dockers_hook_warns_of_what_expires_soon() {
    let sandbox = sandbox();
    let hook = |command: &str, error: &str| {
        let asked = json!({"RootCmd": command, "Flags": {}, "CommandError": error}).to_string();
        let words = ["ensign", "docker-cli-plugin-hooks", &asked];
        let run = finish(sandbox.command_of(&sandbox.link("docker-ensign"), &words).spawn().unwrap(), b"");
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
        let answer: Option<Value> = serde_json::from_str(&run.stdout).ok();
        answer.map_or(String::new(), |answer| answer["Template"].as_str().unwrap().to_owned())
    };
    let soon = hook("push", "");
    assert_eq!(hook("image pull", ""), soon);
    let refused = hook("push", "denied: requested access to the resource is denied");
    shows(
        &format!("{soon}\n\n{refused}\n"),
        str![[r#"
The account soon on ghcr.io expires in 6 days → docker ensign login ghcr.io --alias soon

The account old on ghcr.io expired 2 days ago → docker ensign login ghcr.io --alias old
The account soon on ghcr.io expires in 6 days → docker ensign login ghcr.io --alias soon
See which account pushed, and why → docker ensign which --push {{arg . 0}}
Ask the registry what the account may do   → docker ensign check --push {{arg . 0}}

"#]],
    );
    assert_eq!(hook("ps", ""), "");
    sandbox.ok(&["logout", "ghcr.io", "soon"], "");
    assert_eq!(hook("push", ""), "", "the hook repeats no warning");
}

#[test]
fn a_token_with_an_end_in_it_is_shown_with_it() {
    let sandbox = Sandbox::new();
    let claims = json!({"exp": seconds_from_now(3 * 3600)}).to_string();
    let token = format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims));
    sandbox.ok(&["login", "shop.azurecr.io", "-u", "me", "--password-stdin", "--no-verify"], &token);
    let kept = &read_json(&sandbox.secrets_path("shop.azurecr.io"))["secrets"]["me"];
    assert!(kept["until"].is_u64(), "{kept}");
    sandbox.run(&["status"], "").shows(str![[r#"
exit 0
--- stdout
shop.azurecr.io
  ● me  default   me/**   in clear text   expires in 3 hours
    ! log in again before then:  docker-credential-ensign login shop.azurecr.io --alias me

Docker does not ask Ensign for shop.azurecr.io; to change that:
  docker-credential-ensign configure-docker

"#]]);
}
