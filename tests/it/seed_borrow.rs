//! Accounts with an external source. The programs here are scripts; `tests/e2e/cases/borrow.sh` tests the real ones.
#![cfg(unix)]

use std::time::Duration;

use serde_json::{Value, json};
use snapbox::str;

use crate::support::registry::FakeRegistry;
use crate::support::{NOT_FOUND, Run, Sandbox, finish, write};

pub const ECR: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

/// A fake `aws` with a password for each profile, valid for an hour. The script records each call.
pub const AWS: &str = r#"#!/bin/sh
echo "$* key=${AWS_ACCESS_KEY_ID-none} ensign=${ENSIGN_CONFIG_DIR-none}" >>"$HOME/calls"
for last; do :; done
token=$(printf 'AWS:pw-of-%s' "$last" | base64)
end=$(($(date +%s) + ${LIFE:-3600}))
echo '{"authorizationData":[{"authorizationToken":"'$token'","expiresAt":'$end'.5}]}'
"#;

fn with_helper(script: &str) -> Sandbox {
    Sandbox::new().with_program("docker-credential-lender", script)
}

/// Writes a config as a person may do by hand.
pub fn account(sandbox: &Sandbox, host: &str, source: &Value) {
    let accounts = json!({"a": {"username": "a", "store": "file", "source": source}});
    let config = json!({"version": 3, "registries": {host: {"active": "a", "accounts": accounts}}});
    write(&sandbox.config_path(), config.to_string().as_bytes());
}

pub fn borrowed(script: &str) -> Sandbox {
    let sandbox = with_helper(script);
    account(&sandbox, "ghcr.io", &json!({"borrow": "helper:lender"}));
    sandbox
}

pub fn get(sandbox: &Sandbox) -> Run {
    sandbox.run(&["get"], "ghcr.io")
}

fn answer(username: &str, secret: &str) -> Run {
    Run::answer("ghcr.io", username, secret)
}

#[test]
fn the_host_is_on_the_helpers_stdin_without_a_line_end() {
    let script =
        "#!/bin/sh\ncat >\"$HOME/stdin\"; echo \"$*\" >\"$HOME/words\"; echo '{\"Username\":\"u\",\"Secret\":\"s\"}'\n";
    let sandbox = borrowed(script);
    assert_eq!(get(&sandbox), answer("u", "s"));
    let file = |name: &str| std::fs::read_to_string(sandbox.home().join(name)).unwrap();
    assert_eq!((file("stdin"), file("words")), ("ghcr.io".into(), "get\n".into()));
}

#[test]
fn user_and_secret_are_the_helpers() {
    for (user, secret) in [("someuser", "somesecret"), ("<token>", "sometoken"), ("bob", "tok")] {
        let sandbox = borrowed(&format!("#!/bin/sh\necho '{{\"Username\":\"{user}\",\"Secret\":\"{secret}\"}}'\n"));
        assert_eq!(get(&sandbox), answer(user, secret));
        assert!(!sandbox.secrets_path("ghcr.io").exists(), "an answer without an expiry is not cached");
    }
}

#[test]
fn a_helper_without_a_login_is_no_error() {
    for end in ["", "\\n", "\\n  "] {
        let line = NOT_FOUND.trim();
        assert_eq!(get(&borrowed(&format!("#!/bin/sh\nprintf '{line}{end}'; exit 1\n"))), Run::not_found());
    }
}

#[test]
fn a_helper_that_fails_is_named_and_no_other_account_steps_in() {
    let sandbox = borrowed("#!/bin/sh\necho 'some error'; echo hunter2-on-stderr >&2; exit 1\n");
    let mut config = sandbox.config();
    config["registries"]["ghcr.io"]["accounts"]["b"] = json!({"username": "b", "store": "file"});
    write(&sandbox.config_path(), config.to_string().as_bytes());
    write(&sandbox.secrets_path("ghcr.io"), br#"{"version":1,"secrets":{"b":"b-secret"}}"#);
    get(&sandbox).shows(str![[r#"
exit 1
--- stdout
could not get a secret for ghcr.io from `[HOME]/bin/docker-credential-lender`: the program ended with status 1: run `echo ghcr.io | docker-credential-lender get` to see why

"#]]);
    let run = sandbox.run(&["check", "ghcr.io"], "");
    run.shows(str![[r#"
exit 1
--- stderr
error: could not get a secret for ghcr.io from `[HOME]/bin/docker-credential-lender`: the program ended with status 1: «hunter2-on-stderr»
hint: run `echo ghcr.io | docker-credential-lender get` to see why

"#]]);
}

#[test]
fn a_program_that_is_missing_or_cannot_start_is_an_error() {
    let sandbox = Sandbox::new().with_program("docker-credential-other", "#!/bin/sh\n");
    account(&sandbox, "ghcr.io", &json!({"borrow": "helper:lender"}));
    let run = get(&sandbox);
    run.shows(str![[r#"
exit 1
--- stdout
there is no program `docker-credential-lender` on PATH: install `docker-credential-lender`

"#]]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""));
    let run = get(&borrowed("#!/no/such/interpreter\n"));
    run.shows(str![[r#"
exit 1
--- stdout
could not get the secret for ghcr.io: could not run `[HOME]/bin/docker-credential-lender`: No such file or directory (os error 2): run `echo ghcr.io | docker-credential-lender get` to see why

"#]]);
}

#[test]
fn variables_of_the_account_are_added_and_ours_are_taken_away() {
    let script = "#!/bin/sh\necho \"{\\\"Username\\\":\\\"u\\\",\\\"Secret\\\":\\\"$TEST_PROFILE ${KEPT-no} ${ENSIGN_DATA_DIR-no} ${ENSIGN_LOGIN_X-no} ${GPG_TTY-no}\\\"}\"\n";
    let sandbox = with_helper(script)
        .with("KEPT", "kept")
        .with("GPG_TTY", "/dev/tty")
        .with("TEST_PROFILE", "exported")
        .with("ENSIGN_LOGIN_X", "quay.io me hunter2");
    account(&sandbox, "ghcr.io", &json!({"borrow": "helper:lender", "env": {"TEST_PROFILE": "account"}}));
    assert_eq!(get(&sandbox), answer("u", "account kept no no no"));
}

#[test]
fn a_helper_as_store_is_given_the_login_and_told_to_forget_it() {
    let script = "#!/bin/sh\ncat >\"$HOME/$1\"\n[ \"$1\" = get ] && cat \"$HOME/store\"\nexit 0\n";
    let sandbox = with_helper(script);
    let login = ["login", "ghcr.io", "-u", "me", "--password-stdin", "--no-verify", "--store", "helper:lender"];
    assert_eq!(sandbox.run(&login, "pw").code, Some(0));
    let file = |name: &str| std::fs::read_to_string(sandbox.home().join(name)).unwrap();
    let stored = r#"{"ServerURL":"https://ghcr.io/ensign/me","Username":"me","Secret":"pw"}"#;
    assert_eq!(file("store"), format!("{stored}\n")); // as docker/docker-credential-helpers `client/client.go` sends it
    sandbox.ok(&["logout", "ghcr.io"], "");
    assert_eq!(file("erase"), "https://ghcr.io/ensign/me");
}

#[test]
fn two_profiles_on_one_ecr_host_have_their_own_passwords_and_each_is_asked_once() {
    let sandbox = Sandbox::new().with_program("aws", AWS).with("AWS_ACCESS_KEY_ID", "AKIAEXPORTED");
    for profile in ["work", "private"] {
        sandbox.ok(&["login", "--borrow", "aws", "--profile", profile, ECR, "--no-verify"], "");
    }
    for profile in ["work", "private", "work"] {
        let mut command = sandbox.command(&["get"]);
        let run = finish(command.env("ENSIGN_ACCOUNT", profile).spawn().unwrap(), ECR.as_bytes());
        let line = format!("{{\"ServerURL\":\"{ECR}\",\"Username\":\"AWS\",\"Secret\":\"pw-of-{profile}\"}}\n");
        assert_eq!(run, Run::success(&line));
    }
    let call = |profile| {
        format!("ecr get-authorization-token --output json --region eu-west-1 --profile {profile} key=none ensign=none")
    };
    assert_eq!(sandbox.calls(), [call("work"), call("private")]);
    assert!(!std::fs::read_to_string(sandbox.config_path()).unwrap().contains("pw-of"));

    let expected = "profile work";
    assert!(sandbox.ok(&["status"], "").contains(expected));
    assert!(sandbox.ok(&["account", "show", ECR, "work"], "").contains(expected));
    assert!(sandbox.ok(&["which", ECR], "").contains(expected));
    let status: Value = serde_json::from_str(&sandbox.ok(&["status", "--json"], "")).unwrap();
    assert_eq!(status["accounts"][0]["source"], "aws, profile work");
}

#[test]
fn an_answer_is_kept_until_shortly_before_its_end_and_for_the_same_question_alone() {
    let sandbox = Sandbox::new().with_program("aws", AWS).with("LIFE", "890");
    sandbox.ok(&["login", "--borrow", "aws", "--profile", "p", ECR, "--no-verify"], "");
    assert!(!sandbox.secrets_path(ECR).exists(), "an answer is cached until fifteen minutes before its expiry");
    sandbox.run(&["get"], ECR);
    assert_eq!(sandbox.calls().len(), 2);

    let sandbox = Sandbox::new().with_program("aws", AWS).with("LIFE", "905");
    sandbox.ok(&["login", "--borrow", "aws", "--profile", "p", ECR, "--no-verify"], "");
    std::thread::sleep(Duration::from_secs(6));
    sandbox.run(&["get"], ECR);
    assert_eq!(sandbox.calls().len(), 2, "it was kept for five seconds");
    let mut config = sandbox.config();
    config["registries"][ECR]["accounts"]["p"]["source"]["profile"] = json!("q");
    write(&sandbox.config_path(), config.to_string().as_bytes());
    let run = sandbox.run(&["get"], ECR);
    assert!(run.stdout.contains("pw-of-q"), "{run:?}");
}

#[test]
fn a_kept_answer_is_not_lost_by_a_lender_that_is_gone() {
    let sandbox = Sandbox::new().with_program("aws", AWS);
    sandbox.ok(&["login", "--borrow", "aws", "--profile", "p", ECR, "--no-verify"], "");
    std::fs::remove_file(sandbox.home().join("bin/aws")).unwrap();
    assert!(sandbox.run(&["get"], ECR).stdout.contains("pw-of-p"));
}

#[test]
fn of_many_at_once_one_asks() {
    let slow = AWS.replace("for last", "sleep 1; for last");
    let sandbox = Sandbox::new().with_program("aws", &slow);
    account(&sandbox, ECR, &json!({"borrow": "aws", "profile": "p"}));
    let children: Vec<_> = (0..10).map(|_| sandbox.command(&["get"]).spawn().unwrap()).collect();
    for child in children {
        let run = finish(child, ECR.as_bytes());
        assert!(run.code == Some(0) && run.stdout.contains("pw-of-p"), "{run:?}");
    }
    assert_eq!(sandbox.calls().len(), 1);
}

#[test]
fn a_failed_lender_does_not_break_an_anonymous_pull_from_the_public_ecr() {
    let sandbox = Sandbox::new().with_program("aws", "#!/bin/sh\necho 'sso session has expired' >&2; exit 255\n");
    account(&sandbox, "public.ecr.aws", &json!({"borrow": "aws", "profile": "p"}));
    assert_eq!(sandbox.run(&["get"], "public.ecr.aws"), Run::not_found());
    account(&sandbox, ECR, &json!({"borrow": "aws", "profile": "p"}));
    let run = sandbox.run(&["get"], ECR);
    run.shows(str![[r#"
exit 1
--- stdout
could not get a secret for 123456789012.dkr.ecr.eu-west-1.amazonaws.com from `[HOME]/bin/aws`: the program ended with status 255: run `aws sso login --profile p`

"#]]);
}

#[test]
fn the_ecr_helper_says_not_found_whatever_is_wrong() {
    let script = format!("#!/bin/sh\necho {}; exit 1\n", NOT_FOUND.trim());
    let sandbox = Sandbox::new().with_program("docker-credential-ecr-login", &script);
    account(&sandbox, ECR, &json!({"borrow": "helper:ecr-login", "env": {"AWS_PROFILE": "p"}}));
    let run = sandbox.run(&["get"], ECR);
    run.shows(str![[r#"
exit 1
--- stdout
`[HOME]/bin/docker-credential-ecr-login` has no login for 123456789012.dkr.ecr.eu-west-1.amazonaws.com, or the AWS login has expired: see `~/.ecr/log`, and log in to AWS

"#]]);
    account(&sandbox, "public.ecr.aws", &json!({"borrow": "helper:ecr-login"}));
    assert_eq!(sandbox.run(&["get"], "public.ecr.aws"), Run::not_found());
}

#[test]
fn a_command_gives_its_line_and_is_run_without_a_shell() {
    let registry = FakeRegistry::start();
    let sandbox = Sandbox::new().with_program("print-password", "#!/bin/sh\nprintf '%s\\n' \"$1\"\n");
    let host = registry.host.as_str();
    let login = ["login", "--borrow", "command", "-u", "alice", host, "--", "print-password", "alice-pw"];
    let run = sandbox.run(&login, "");
    assert_eq!(run.code, Some(0), "{run:?}");
    run.shows(str![[r#"
exit 0
--- stderr
Asking `[HOME]/bin/print-password` (command print-password)
✓ Logged in to [HOST] as alice
  Used for  [HOST]/alice/**, and by default
  Secret    from command print-password, which is asked each time
! Docker does not ask Ensign for [HOST] yet; to change that:  docker-credential-ensign configure-docker

"#]]);
    assert!(sandbox.run(&["get"], host).stdout.contains("alice-pw"));
    let run = sandbox.run(&["login", "--borrow", "command", "-u", "alice", host, "--", "print-password", "$(id)"], "");
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(!sandbox.secrets_path(host).exists());
}

#[test]
fn a_lender_that_asks_us_again_does_not_go_round_in_circles() {
    let script = format!("#!/bin/sh\nexport ENSIGN_CONFIG_DIR=\"$HOME/config\"\ncat | {} get\n", Sandbox::program());
    let run = get(&borrowed(&script));
    run.shows(str![[r#"
exit 1
--- stdout
could not get a secret for ghcr.io from `[HOME]/bin/docker-credential-lender`: the program ended with status 1: run `echo ghcr.io | docker-credential-lender get` to see why

"#]]);
}
