//! External sources that hang, return wrong answers, or have invalid names.
#![cfg(unix)]

use std::fmt::Write as _;

use serde_json::json;
use snapbox::str;

use crate::seed_borrow::{AWS, ECR, account, borrowed, get};
use crate::support::Sandbox;
use crate::support::snapshots::{redacted, shows};

#[test]
fn a_program_that_hangs_is_ended_and_left_alone_for_a_while() {
    let sandbox = borrowed("#!/bin/sh\necho x >>\"$HOME/calls\"; sleep 100\n");
    let run = get(&sandbox);
    run.shows(str![[r#"
exit 1
--- stdout
could not get the secret for ghcr.io: could not ask `[HOME]/bin/docker-credential-lender`: no answer in 10 seconds: run `echo ghcr.io | docker-credential-lender get` to see why

"#]]);
    let run = get(&sandbox);
    run.shows(str![[r#"
exit 1
--- stdout
the external source of `a` failed a moment ago: run `docker-credential-ensign check ghcr.io`

"#]]);
    assert_eq!(sandbox.calls().len(), 1);
}

#[test]
fn hostile_answers_are_named_and_never_passed_on() {
    let mut told = String::new();
    for script in [
        "true",
        "echo '<html>hunter2</html>'",
        "echo '{\"Username\":\"u\",\"Secret\":\"\"}'",
        "printf '\\377\\376'",
        "yes",
    ] {
        let run = get(&borrowed(&format!("#!/bin/sh\n{script}\n")));
        assert!(run.code == Some(1) && !run.stdout.contains("hunter2"), "{run:?}");
        assert_eq!((run.stdout.lines().count(), run.stderr.as_str()), (1, ""), "{run:?}");
        let why = redacted(&run.stdout).replace("`[HOME]/bin/docker-credential-lender`", "LENDER");
        let _ = write!(told, "{script}\n  {why}");
    }
    shows(
        &told,
        str![[r#"
true
  could not get a secret for ghcr.io from LENDER: the answer is empty: run `echo ghcr.io | docker-credential-lender get` to see why
echo '<html>hunter2</html>'
  could not get a secret for ghcr.io from LENDER: the answer is not the expected JSON: run `echo ghcr.io | docker-credential-lender get` to see why
echo '{"Username":"u","Secret":""}'
  could not get a secret for ghcr.io from LENDER: the secret in the answer is empty: run `echo ghcr.io | docker-credential-lender get` to see why
printf '\377\376'
  could not get a secret for ghcr.io from LENDER: the answer is not text: run `echo ghcr.io | docker-credential-lender get` to see why
yes
  could not get the secret for ghcr.io: could not ask LENDER: the answer is longer than 1024 KiB: run `echo ghcr.io | docker-credential-lender get` to see why

"#]],
    );
}

/// Only a helper prints its errors on stdout. The stdout of any other program is the secret.
#[test]
fn an_error_never_quotes_the_secret() {
    let command = json!({"borrow": "command", "command": ["lender"]});
    let vault = json!({"borrow": "vault", "item": "secret/x", "field": "token"});
    let op = json!({"borrow": "op", "item": "op://a/b/c"});
    let several = "printf 'correct horse\\nupdated yesterday\\n'";
    let mut told = String::new();
    for (program, script, source) in [
        ("lender", several, &command),
        ("lender", "echo correct horse; exit 1", &command),
        ("gh", "echo correct horse; exit 1", &json!({"borrow": "gh"})),
        ("vault", several, &vault),
        ("op", "echo correct horse; exit 1", &op),
        ("pass", "echo correct horse; exit 1", &json!({"borrow": "pass", "item": "x"})),
        ("docker-credential-lender", "echo correct horse", &json!({"borrow": "helper:lender"})),
    ] {
        let sandbox = Sandbox::new().with_program(program, &format!("#!/bin/sh\n{script}\n"));
        account(&sandbox, "ghcr.io", source);
        for words in [
            &["check", "ghcr.io"][..],
            &["token", "ghcr.io/a/b"],
            &["export", "ghcr.io", "--format", "env"],
            &["check", "ghcr.io", "--json"],
        ] {
            let run = sandbox.run(words, "");
            assert!(run.code != Some(0) && !format!("{run:?}").contains("horse"), "{program} {words:?}: {run:?}");
        }
        told += &sandbox.run(&["check", "ghcr.io"], "").stderr;
    }
    shows(
        &told,
        str![[r#"
error: could not get a secret for ghcr.io from `[HOME]/bin/lender`: the answer has several lines
hint: run `lender …` yourself to see why
error: could not get a secret for ghcr.io from `[HOME-2]/bin/lender`: the program ended with status 1
hint: run `lender …` yourself to see why
error: could not get a secret for ghcr.io from `[HOME-3]/bin/gh`: the program ended with status 1
hint: run `gh auth token --hostname github.com` to see why
error: could not get a secret for ghcr.io from `[HOME-4]/bin/vault`: the answer has several lines
hint: run `vault kv get -field=token secret/x` to see why
error: could not get a secret for ghcr.io from `[HOME-5]/bin/op`: the program ended with status 1
hint: run `op read --no-newline op://a/b/c` to see why
error: could not get a secret for ghcr.io from `[HOME-6]/bin/pass`: the program ended with status 1
hint: run `pass show -- x` to see why
error: could not get a secret for ghcr.io from `[HOME-7]/bin/docker-credential-lender`: the answer is not the expected JSON
hint: run `echo ghcr.io | docker-credential-lender get` to see why

"#]],
    );
}

#[test]
fn words_that_do_not_fit_are_told_before_anything_is_run() {
    let sandbox = Sandbox::new().with_program("aws", AWS).with_program("gh", "#!/bin/sh\n");
    let ours = Sandbox::program();
    let mut told = String::new();
    for words in [
        vec!["aws", "secret.example.com"],
        vec!["aws", "public.ecr.aws.evil.example"],
        vec!["aws", ECR, "--item", "x"],
        vec!["aws", ECR, "--env", "AWS_SECRET_ACCESS_KEY=x"],
        vec!["aws", ECR, "--cache", "10"],
        vec!["aws", ECR, "--profile=-x"],
        vec!["gh", "ghcr.io"],
        vec!["gh", "quay.io", "-u", "me"],
        vec!["pass", "ghcr.io"],
        vec!["vault", "ghcr.io", "--item", "x"],
        vec!["command", "ghcr.io"],
        vec!["command", "ghcr.io", "--", "bin/x"],
        vec!["command", "ghcr.io", "--", ours, "get"],
        vec!["helper:ensign-work", "ghcr.io"],
        vec!["pigeon", "ghcr.io"],
    ] {
        let run = sandbox.run(&[vec!["login", "--borrow"], words.clone()].concat(), "");
        assert!(run.code == Some(2) && run.stdout.is_empty(), "{words:?}: {run:?}");
        let _ = write!(told, "{}\n{}", words.join(" "), run.stderr);
    }
    shows(
        &told,
        str![[r#"
aws secret.example.com
error: `aws` has no secret for secret.example.com, which is not a host of the form 123456789012.dkr.ecr.REGION.amazonaws.com
hint: to send the secret to that registry anyway, use `--borrow command`
aws public.ecr.aws.evil.example
error: `aws` has no secret for public.ecr.aws.evil.example, which is not a host of the form 123456789012.dkr.ecr.REGION.amazonaws.com
hint: to send the secret to that registry anyway, use `--borrow command`
aws 123456789012.dkr.ecr.eu-west-1.amazonaws.com --item x
error: `--borrow aws` does not use `--item`
hint: remove it
aws 123456789012.dkr.ecr.eu-west-1.amazonaws.com --env AWS_SECRET_ACCESS_KEY=x
error: `AWS_SECRET_ACCESS_KEY` looks like a secret, and the config never stores secrets
hint: name a file or profile that contains the secret, or export the variable where the client runs
aws 123456789012.dkr.ecr.eu-west-1.amazonaws.com --cache 10
error: `10` is not a valid time for `--cache`
hint: write a time as in `10m`, 12h at most
aws 123456789012.dkr.ecr.eu-west-1.amazonaws.com --profile=-x
error: `-x` begins with `-`, so the program would read it as an option
hint: use a value without a leading `-`
gh ghcr.io
error: `gh` gives a secret without a user name
hint: name the user at ghcr.io: add `-u NAME`
gh quay.io -u me
error: `gh` has no secret for quay.io, which is not a host ghcr.io or containers.HOST
hint: to send the secret to that registry anyway, use `--borrow command`
pass ghcr.io
error: `--borrow pass` needs an item
hint: add an item, as in `--item registry/ghcr.io`
vault ghcr.io --item x
error: `--borrow vault` needs a field
hint: add a field, as in `--field token`
command ghcr.io
error: `--borrow command` needs a command
hint: add a command, as in `-- /usr/bin/print-token ghcr.io`
command ghcr.io -- bin/x
error: `bin/x` is a relative path
hint: give only the program's name, or its full path
command ghcr.io -- [BIN]/docker-credential-ensign get
error: `[BIN]/docker-credential-ensign` is Ensign itself, and Ensign cannot ask itself
hint: name another program
helper:ensign-work ghcr.io
error: `helper:ensign-work` is not a helper that Ensign can ask
hint: name another helper, as in `helper:ecr-login`
pigeon ghcr.io
error: Ensign does not know how to ask `pigeon` for a secret
hint: use aws, gcloud, az, gh, glab, op, pass, vault, helper:NAME, or `command` with `-- COMMAND`

"#]],
    );
    assert!(sandbox.calls().is_empty() && !sandbox.config_path().exists());
}

#[test]
fn an_account_whose_program_is_gone_is_in_trouble() {
    let sandbox = Sandbox::new().with("PATH", "/nowhere");
    account(&sandbox, ECR, &json!({"borrow": "aws", "profile": "p"}));
    let run = sandbox.run(&["status"], "");
    run.shows(str![[r#"
exit 3
--- stdout
123456789012.dkr.ecr.eu-west-1.amazonaws.com
  ● a  default   a/**   from aws, profile p
    ✗ there is no program `aws` on PATH: install `aws`

Docker does not ask Ensign for 123456789012.dkr.ecr.eu-west-1.amazonaws.com; to
  change that:  docker-credential-ensign configure-docker
1 account needs attention.

"#]]);
}
