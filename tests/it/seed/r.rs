//! Rows R: `login`, `logout` and `status`, as in the login commands of a registry tool.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use snapbox::str;

use super::server::{BEARER, PING, Server, asks, says};
use super::{json, login, with_helper};
use crate::support::registry::FakeRegistry;
use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, read_json, write};

#[test]
fn there_is_a_command_to_log_in() {
    let help = Sandbox::new().ok(&["login", "--help"], "");
    assert!(help.contains("login [OPTIONS] [HOST]") && help.contains("--password-stdin"), "{help}");
}

#[test]
fn a_missing_registry_is_wrong_usage() {
    let run = Sandbox::new().run(&["logout"], "");
    run.shows(str![[r#"
exit 2
--- stderr
error: the following required arguments were not provided: <HOST>
hint: run `docker-credential-ensign help logout`

"#]]);
    let run = Sandbox::new().run(&["login", "-u", "alice", "--password-stdin"], "pw");
    run.shows(str![[r#"
exit 2
--- stderr
error: no registry was given
hint: name a registry, as in `docker-credential-ensign login ghcr.io`

"#]]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_user_name_is_taken_from_the_words_or_asked_for() {
    let registry = FakeRegistry::start();
    let host = &registry.host;
    let sandbox = Sandbox::new();
    assert_eq!(login(&sandbox, &format!("bob@{host}"), "alice", "alice-pw", &[]).code, Some(0));
    assert_eq!(sandbox.who(host), "alice", "the option `-u` overrides the user in the address");
    let sandbox = Sandbox::new();
    let (name, secret) = (format!("Username at {host}"), "Password or token of alice".to_owned());
    let answers = [(name.as_str(), "alice\r"), (secret.as_str(), "alice-pw\r"), ("Add the line", "n\r")];
    let Some(shown) = super::on_a_terminal(&sandbox, &format!("login {host}"), &answers) else { return };
    shows(
        &shown,
        str![[r#"
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
    assert!(!shown.contains("alice-pw"), "a secret is typed unseen: {shown}");
}

#[test]
fn a_password_is_read_from_stdin_when_asked_to() {
    let registry = FakeRegistry::start();
    let words = ["login", &registry.host, "-u", "alice"];
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run(&words, "alice-pw\n").code, Some(2), "stdin is not read unasked");
    assert_eq!(sandbox.run(&[&words[..], &["--password-stdin"]].concat(), "alice-pw\n").code, Some(0));
}

#[test]
fn a_password_among_the_words_is_refused_and_not_repeated() {
    let mut transcripts = BTreeSet::new();
    for words in [&["-p", "hunter2"][..], &["-phunter2"], &["--password", "hunter2", "--password-stdin"]] {
        let run = Sandbox::new().run(&[&["login", "ghcr.io", "-u", "alice"], words].concat(), "pw");
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{run:?}");
        assert!(!run.stderr.contains("hunter2"), "{run:?}");
        transcripts.insert(run.transcript());
    }
    shows(
        &Vec::from_iter(transcripts).concat(),
        str![[r#"
exit 2
--- stderr
error: `--password` would show the password to programs and the shell's history
hint: run `docker-credential-ensign login ghcr.io -u alice --password-stdin < FILE`

"#]],
    );
}

#[test]
fn another_docker_config_is_named_by_its_variable() {
    let sandbox = Sandbox::new().with("DOCKER_CONFIG", "elsewhere");
    sandbox.store("ghcr.io", "alice", "pw");
    sandbox.ok(&["configure-docker"], "");
    let file = read_json(&sandbox.home().join("elsewhere/config.json"));
    assert_eq!(file["credHelpers"], json!({"ghcr.io": "ensign"}));
    assert_eq!(json(&sandbox.ok(&["status", "--json"], ""))["docker"][0]["asks"], "ensign");
    assert!(!sandbox.home().join(".docker").exists());
}

#[test]
fn verbose_tells_what_is_asked_and_how_long_it_took_without_secrets() {
    let server = Server::start(|request| match request {
        PING => asks(BEARER),
        request if request.starts_with("GET /auth?") => says(200, r#"{"token": "t0psecret"}"#),
        _ => says(200, "{}"),
    });
    let sandbox = Sandbox::new();
    sandbox.store(&server.host, "alice", "hunter2");
    let image = format!("{}/foo/bar:1", server.host);
    let run = sandbox.run(&["check", &image, "--verbose"], "");
    let (secure, plain) = run.stderr.split_once('\n').unwrap();
    assert!(secure.starts_with(&format!("> GET https://{}/v2/: ", server.host)), "{secure}");
    let without_times = plain.lines().map(|line| format!("{}\n", line.rsplit_once(", after ").unwrap().0));
    shows(
        &without_times.collect::<String>(),
        str![[r#"
> GET http://[HOST]/v2/: 401
> GET http://[HOST]/auth with the user name and password: 200
> GET http://[HOST]/v2/ with a token: 200
> GET http://[HOST]/auth for repository:foo/bar:pull with the user name and password: 200
> HEAD http://[HOST]/v2/foo/bar/manifests/1 with a token: 200

"#]],
    );
    assert!(run.stderr.lines().all(|line| line.ends_with(" ms")), "{run:?}");
    assert!(!run.stderr.contains("t0psecret") && !run.stderr.contains("hunter2"), "{run:?}");
    assert_eq!(sandbox.run(&["check", &image], "").stderr, "", "without --verbose no request is shown");
}

#[test]
fn json_is_one_object_on_stdout_and_nothing_beside_it() {
    let registry = FakeRegistry::start();
    let host = registry.host.as_str();
    let image = format!("{host}/alice/app:1");
    let sandbox = Sandbox::new();
    sandbox.store(host, "bob", "bob-pw");
    for words in [
        &["login", host, "-u", "alice", "--password-stdin"][..],
        &["status"],
        &["switch", host],
        &["account", "show", host],
        &["which", &image],
        &["check", &image],
        &["configure-docker"],
        &["logout", host, "--all"],
        &["version"],
        &["logout"],
    ] {
        let run = sandbox.run(&[words, &["--json"]].concat(), "alice-pw");
        if words == ["logout"] {
            assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
            continue;
        }
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{words:?}: {run:?}");
        assert_eq!(json(&run.stdout)["schema"], if words[0] == "which" { 2 } else { 1 }, "{words:?}");
        assert_eq!(run.stdout.lines().count(), 1);
    }
}

#[test]
fn words_go_before_what_is_stored_and_that_before_a_prompt() {
    let server = Server::start(|request| if request == PING { asks("Basic") } else { says(200, "") });
    let sandbox = Sandbox::new();
    sandbox.store(&server.host, "alice", "old");
    login(&sandbox, &server.host, "bob", "new", &[]);
    sandbox.ok(&["login", &server.host], "");
    assert_eq!(server.seen(), [PING, "GET /v2/ Basic bob:new", PING, "GET /v2/ Basic alice:old"]);
    let nothing = Sandbox::new().run(&["login", &server.host], "");
    assert_eq!(nothing.code, Some(2), "without a terminal there is nobody to ask");
}

#[test]
fn a_login_goes_through_the_whole_challenge() {
    let server = Server::start(|request| match request {
        PING => asks(BEARER),
        "GET /v2/ Bearer t1" => says(200, "{}"),
        _ => says(200, r#"{"token": "t1"}"#),
    });
    assert_eq!(login(&Sandbox::new(), &server.host, "alice", "pw", &[]).code, Some(0));
    let ask = "GET /auth?client_id=ensign&service=example.com&account=alice Basic alice:pw";
    assert_eq!(server.seen(), [PING, ask, "GET /v2/ Bearer t1"]);
}

/// Logs in at a registry that sends a Basic challenge, and then answers with this status.
fn login_with_last_answer(status: u16) -> Run {
    let server = Server::start(move |request| if request == PING { asks("Basic") } else { says(status, "") });
    let run = login(&Sandbox::new(), &server.host, "alice", "pw", &[]);
    Run { stderr: run.stderr.replace(&server.host, "HOST"), ..run }
}

#[test]
fn a_final_200_is_a_login() {
    assert_eq!(login_with_last_answer(200).code, Some(0));
}

#[test]
fn any_other_final_answer_is_none() {
    let mut errors = Vec::new();
    for (status, code) in [(401, 3), (403, 3), (404, 1), (500, 1), (201, 1)] {
        let run = login_with_last_answer(status);
        assert_eq!((run.code, run.stdout.as_str()), (Some(code), ""), "{status}: {run:?}");
        errors.push(run.stderr.lines().next().unwrap().to_owned());
    }
    shows(
        &errors.join("\n"),
        str![[r#"
error: login failed for HOST: authentication rejected by HOST
error: login failed for HOST: authentication rejected by HOST
error: login failed for HOST: `HOST` answered 404, which says nothing about the credentials
error: login failed for HOST: `HOST` has a server error (500)
error: login failed for HOST: `HOST` answered 201, which says nothing about the credentials
"#]],
    );
}

#[test]
fn a_connection_that_fails_is_said() {
    let run = login(&Sandbox::new(), "localhost:1", "alice", "pw", &[]);
    assert!(run.code == Some(1) && run.stderr.contains("`localhost:1`: Connection refused"), "{run:?}");
}

#[test]
fn a_login_is_said_in_one_line() {
    let run = login_with_last_answer(200);
    run.shows(str![[r#"
exit 0
--- stderr
✓ Logged in to HOST as alice
  Used for  HOST/alice/**, and by default
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! Docker does not ask Ensign for HOST yet; to change that:  docker-credential-ensign configure-docker

"#]]);
}

#[test]
fn json_of_a_login_has_status_and_registry() {
    let registry = FakeRegistry::start();
    let run = login(&Sandbox::new(), &registry.host, "alice", "alice-pw", &["--json"]);
    let json = json(&run.stdout);
    assert_eq!((&json["status"], &json["registry"]), (&json!("success"), &json!(registry.host)));
}

#[test]
fn a_failed_login_names_registry_and_reason_on_stderr() {
    let run = login_with_last_answer(503);
    assert!(run.code == Some(1) && run.stdout.is_empty(), "{run:?}");
    assert!(run.stderr.starts_with("error: login failed for HOST: ") && run.stderr.contains("(503)"), "{run:?}");
}

#[test]
fn wrong_credentials_are_called_rejected() {
    let run = login_with_last_answer(401);
    run.shows(str![[r#"
exit 3
--- stderr
error: login failed for HOST: authentication rejected by HOST
hint: check that the token has not expired and has every needed right, and log in again; login not saved

"#]]);
}

#[test]
fn a_registry_out_of_reach_is_told_with_the_cause() {
    let run = login(&Sandbox::new(), "localhost:1", "alice", "pw", &[]);
    run.shows(str![[r#"
exit 1
--- stderr
error: login failed for localhost:1: could not reach `localhost:1`: Connection refused (os error 111)
hint: login not saved; use `--no-verify` to save it without checking

"#]]);
}

#[test]
fn a_store_that_fails_is_told_with_the_cause() {
    let sandbox = with_helper();
    write(&sandbox.home().join("broken-store"), b"");
    let run = login(&sandbox, "ghcr.io", "alice", "pw", &["--no-verify", "--store", "helper:kept"]);
    run.shows(str![[r#"
exit 1
--- stderr
error: could not save the login: the secret of alice on ghcr.io could not be kept by `docker-credential-kept`
hint: run `echo '{"ServerURL":"https://example.com","Username":"x","Secret":"x"}' | docker-credential-kept store` to see what is wrong

"#]]);
}

#[test]
fn a_login_is_checked_before_anything_is_kept() {
    let server = Server::start(|request| asks(if request == PING { "Basic" } else { "Basic realm=x" }));
    let sandbox = with_helper();
    assert_eq!(login(&sandbox, &server.host, "alice", "wrong", &["--store", "helper:kept"]).code, Some(3));
    assert!(sandbox.calls().is_empty() && !sandbox.config_path().exists());
}

#[test]
fn a_helper_that_keeps_the_secret_is_given_dockers_three_fields() {
    let sandbox = with_helper();
    login(&sandbox, "ghcr.io", "alice", "s3cret", &["--no-verify", "--store", "helper:kept"]);
    let entry = r#"{"ServerURL":"https://ghcr.io/ensign/alice","Username":"alice","Secret":"s3cret"}"#;
    assert!(sandbox.calls().contains(&format!("store {entry}")), "{:?}", sandbox.calls());
}

#[test]
fn files_are_created_for_their_owner_alone() {
    let sandbox = Sandbox::new();
    login(&sandbox, "ghcr.io", "alice", "pw", &["--no-verify"]);
    sandbox.ok(&["configure-docker"], "");
    for file in [sandbox.docker_config_path(), sandbox.secrets_path("ghcr.io")] {
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
}

#[test]
fn a_token_can_be_piped_in() {
    let server = Server::start(|request| if request == PING { asks("Basic") } else { says(200, "") });
    let sandbox = Sandbox::new();
    let script = format!("echo \"$TOKEN\" | {} login {} -u alice --password-stdin", Sandbox::program(), server.host);
    let mut command = sandbox.command_of("/bin/sh".as_ref(), &["-c", &script]);
    let run = Run::from(command.env("TOKEN", "t0ken").output().unwrap());
    assert_eq!((run.code, server.seen().last().unwrap().as_str()), (Some(0), "GET /v2/ Basic alice:t0ken"), "{run:?}");
}

#[test]
fn a_login_with_nothing_given_looks_at_the_one_that_is_there() {
    let registry = FakeRegistry::start();
    let sandbox = Sandbox::new();
    sandbox.store(&registry.host, "alice", "alice-pw");
    sandbox.run(&["login", &registry.host], "").shows(str![[r#"
exit 0
--- stderr
✓ [HOST] still accepts the account alice

"#]]);
}

#[test]
fn a_login_leaves_dockers_file_and_the_rest_of_it_stays() {
    let sandbox = Sandbox::new();
    let path = sandbox.docker_config_path();
    write(
        &path,
        br#"{"psFormat": "x", "auths": {"ghcr.io": {"auth": "YWxpY2U6cHc="}, "quay.io": {"auth": "Ym9iOnB3"}}}"#,
    );
    sandbox.ok(&["configure-docker", "ghcr.io", "--import"], "");
    let expected = json!({"psFormat": "x", "auths": {"ghcr.io": {}, "quay.io": {"auth": "Ym9iOnB3"}}, "credHelpers": {"ghcr.io": "ensign"}});
    assert_eq!(read_json(&path), expected);
}

#[test]
fn a_user_and_a_secret_that_are_given_are_used() {
    let server = Server::start(|request| if request == PING { asks("Basic") } else { says(200, "") });
    let sandbox = Sandbox::new();
    sandbox.store(&server.host, "alice", "stored");
    login(&sandbox, &server.host, "alice", "secret", &[]);
    assert_eq!(server.seen(), [PING, "GET /v2/ Basic alice:secret"]);
}

#[test]
fn a_login_asks_for_no_scope_and_check_does() {
    let registry = FakeRegistry::with_opaque_tokens();
    let sandbox = Sandbox::new();
    login(&sandbox, &registry.host, "alice", "alice-pw", &[]);
    assert_eq!(registry.seen(), ["GET /v2/", "GET /token", "GET /v2/"]);
    let image = format!("{}/alice/app:1", registry.host);
    for (option, last) in
        [("--pull", "HEAD /v2/alice/app/manifests/1"), ("--push", "DELETE /v2/alice/app/blobs/uploads/0001")]
    {
        assert_eq!(sandbox.run(&["check", &image, option], "").code, Some(0));
        assert_eq!(registry.seen().last().unwrap(), last);
    }
}

#[test]
fn status_shows_who_is_asked_and_which_says_why() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "alice", "pw");
    sandbox.store("ghcr.io", "bob", "pw");
    let status = json(&sandbox.ok(&["status", "ghcr.io", "--json"], ""));
    assert_eq!((&status["accounts"][0]["account"], &status["docker"][0]["asks"]), (&json!("alice"), &json!("nobody")));
    let which = json(&sandbox.ok(&["which", "ghcr.io/alice/app", "--json"], ""));
    let why: Vec<_> = which["steps"].as_array().unwrap().iter().filter(|step| step["decides"] == true).collect();
    assert_eq!((why.len(), &why[0]["rule"], &why[0]["account"]), (1, &json!("command-line"), &json!("alice")));
}
