//! Accounts for patterns of hosts: one account answers for many hosts, and no other host gets a secret.
#![cfg(unix)]

use std::path::PathBuf;

use snapbox::str;

use crate::router::entry;
use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox};

/// A fake `aws` with a different password for each profile and region, valid for an hour.
const AWS: &str = r#"#!/bin/sh
echo "$*" >>"$HOME/calls"
while [ $# -gt 0 ]; do case $1 in --region) region=$2 ;; --profile) profile=$2 ;; esac; shift; done
token=$(printf 'AWS:%s-in-%s' "$profile" "$region" | base64 -w0)
echo '{"authorizationData":[{"authorizationToken":"'$token'","expiresAt":'$(($(date +%s) + 3600))'.5}]}'
"#;

const ECR: &str = "*.dkr.ecr.*.amazonaws.com";
const EUROPE: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
const AMERICA: &str = "210987654321.dkr.ecr.us-east-2.amazonaws.com";

fn with_aws() -> Sandbox {
    let sandbox = Sandbox::new().with_program("aws", AWS);
    let run = sandbox.run(&["login", "--borrow", "aws", "--profile", "work", ECR], "");
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(sandbox.calls().len(), 0, "a pattern names no host to ask the external source for");
    sandbox
}

#[test]
fn a_borrowed_account_of_a_pattern_is_asked_about_each_host() {
    let sandbox = with_aws();
    for _ in 0..2 {
        assert_eq!(sandbox.run(&["get"], EUROPE), Run::answer(EUROPE, "AWS", "work-in-eu-west-1"));
        assert_eq!(sandbox.run(&["get"], AMERICA), Run::answer(AMERICA, "AWS", "work-in-us-east-2"));
    }
    assert_eq!(sandbox.calls().len(), 2, "each answer is kept for its host: {:?}", sandbox.calls());
    for other in ["123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example", "ecr.amazonaws.com", ECR, "quay.io"] {
        assert_eq!(sandbox.run(&["get"], other), Run::not_found(), "{other}");
    }
    assert_eq!(sandbox.run(&["list"], ""), Run::success("{}\n"));

    sandbox.ok(&["login", "--borrow", "aws", "--profile", "home", ECR], "");
    shows(
        &sandbox.ok(&["which", EUROPE], ""),
        str![[r#"
work   (secret from aws, profile work)
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           no image of this registry is named
   6 files                  no image of this registry is named
   7 .ensign.toml           none
   8 folder                 no account is for this folder
●  9 default account        → work
  10 only account           there are several

"#]],
    );
    assert!(sandbox.ok(&["status"], "").starts_with(&format!("{ECR}\n  ● work  default   work/**")));
    assert!(sandbox.ok(&["status", EUROPE], "").starts_with(&format!("{ECR}\n")));
    sandbox.ok(&["switch", EUROPE, "home"], "");
    assert_eq!(sandbox.run(&["get"], AMERICA), Run::answer(AMERICA, "AWS", "home-in-us-east-2"));
    sandbox.ok(&["account", "edit", ECR, "work", "--images", &format!("{ECR}/acme/**")], "");
    assert_eq!(sandbox.run(&["get"], &format!("{EUROPE}/acme/app")).stdout.matches("work-in-eu").count(), 1);

    let run = sandbox.run(&["logout", EUROPE], "");
    assert_eq!(run.code, Some(3), "{run:?}");
    run.shows(str![[r#"
exit 3
--- stderr
error: 123456789012.dkr.ecr.eu-west-1.amazonaws.com has no account of its own, and uses the accounts of *.dkr.ecr.*.amazonaws.com
hint: run `docker-credential-ensign logout '*.dkr.ecr.*.amazonaws.com'` to log out of all these registries

"#]]);
    sandbox.ok(&["logout", ECR, "--all"], "");
    assert_eq!(sandbox.run(&["get"], EUROPE), Run::not_found());
    let left: Vec<PathBuf> =
        std::fs::read_dir(sandbox.home().join("data/secrets")).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(left.iter().all(|path| path.extension().is_some_and(|end| end == "lock")), "{left:?}");
}

#[test]
fn what_a_client_says_of_one_host_is_not_said_of_its_pattern() {
    let sandbox = with_aws();
    assert_eq!(
        sandbox.run(&["store"], &entry(EUROPE, "AWS", "work-in-eu-west-1")),
        Run::success(""),
        "the stored login is the one that Ensign answered with"
    );
    assert_eq!(sandbox.config()["registries"].as_object().unwrap().len(), 1);
    assert_eq!(sandbox.run(&["store"], &entry(EUROPE, "AWS", "by hand")), Run::success(""));
    assert_eq!(sandbox.run(&["get"], EUROPE), Run::answer(EUROPE, "AWS", "by hand"));
    assert_eq!(sandbox.run(&["get"], AMERICA), Run::answer(AMERICA, "AWS", "work-in-us-east-2"));
    for _ in 0..3 {
        assert_eq!(sandbox.run(&["erase"], EUROPE), Run::success(""));
    }
    assert_eq!(sandbox.run(&["get"], EUROPE), Run::answer(EUROPE, "AWS", "work-in-eu-west-1"));
    sandbox.ok(&["login", EUROPE, "-u", "me", "--password-stdin", "--no-verify"], "typed");
    assert_eq!(sandbox.run(&["get"], EUROPE), Run::answer(EUROPE, "me", "typed"));
    assert_eq!(sandbox.run(&["get"], AMERICA), Run::answer(AMERICA, "AWS", "work-in-us-east-2"));
    let run = sandbox.run(&["store"], &entry(ECR, "AWS", "hunter2"));
    assert_eq!((run.code, run.stdout.contains("hunter2")), (Some(1), false));
}

#[test]
fn which_says_that_the_helper_it_names_is_not_there() {
    let sandbox = Sandbox::new();
    sandbox.ok(&["route", "*.azurecr.io", "acr-env"], "");
    let run = sandbox.run(&["which", "shop.azurecr.io/app"], "");
    run.shows(str![[r#"
exit 0
--- stdout
docker-credential-acr-env   (answers for *.azurecr.io)
--- stderr
! `docker-credential-acr-env` is not installed, so clients get no login there

"#]]);
    run.shows(str![[r#"
exit 0
--- stdout
docker-credential-acr-env   (answers for *.azurecr.io)
--- stderr
! `docker-credential-acr-env` is not installed, so clients get no login there

"#]]);
}

#[test]
fn a_given_secret_is_for_the_hosts_of_its_pattern_only() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(&["login", "*.corp.example", "-u", "me", "--password-stdin"], "ours");
    assert_eq!(run.code, Some(0), "{run:?}");
    run.shows(str![[r#"
exit 0
--- stderr
✓ Saved login for *.corp.example as me (not verified)
  Used for  *.corp.example/me/**, and by default
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
! this secret is sent to any host that matches *.corp.example
! Docker does not ask Ensign for all of *.corp.example yet; to change that:  docker-credential-ensign configure-docker --all

"#]]);

    assert!(run.stderr.contains("configure-docker --all"), "{run:?}");
    assert_eq!(sandbox.run(&["get"], "a.corp.example"), Run::answer("a.corp.example", "me", "ours"));
    for other in
        ["corp.example", "a.b.corp.example", "a.corp.example:5000", "acorp.example", "*.corp.example", "quay.io"]
    {
        assert_eq!(sandbox.run(&["get"], other), Run::not_found(), "{other}");
    }
    assert!(sandbox.home().join("data/secrets/%2a.corp.example.json").exists());
    let run = sandbox.run(&["login", "*.corp.example", "--device"], "");
    assert_eq!(run.code, Some(2), "{run:?}");
    let run = sandbox.run(&["login", "--borrow", "aws", "*.corp.example"], "");
    run.shows(str![[r#"
exit 2
--- stderr
error: `aws` has no secret for *.corp.example, which is not a host of the form 123456789012.dkr.ecr.REGION.amazonaws.com
hint: to send the secret to that registry anyway, use `--borrow command`

"#]]);
    sandbox.ok(&["logout", "*.corp.example"], "");
    assert_eq!(sandbox.run(&["get"], "a.corp.example"), Run::not_found());
    assert!(!sandbox.home().join("data/secrets/%2a.corp.example.json").exists());
}

#[test]
fn what_cannot_be_done_names_the_command_that_can() {
    let sandbox = Sandbox::new();
    for name in ["me", "other"] {
        sandbox.store("ghcr.io", name, "pw");
    }
    let run = sandbox.run(&["account", "edit", "ghcr.io", "me", "--alias", "other"], "");
    run.shows(str![[r#"
exit 1
--- stderr
error: ghcr.io has another account `other`
hint: choose another alias, or run `docker-credential-ensign account edit ghcr.io other --alias NAME` first

"#]]);
    let run = sandbox.run(&["store"], &entry("*.corp.example", "me", "pw"));
    run.shows(str![[r#"
exit 1
--- stdout
a client can save the login of one registry, not of all in *.corp.example: run `docker-credential-ensign login '*.corp.example'`

"#]]);
}

#[test]
fn commands_that_are_advised_about_a_pattern_can_be_pasted() {
    let sandbox = Sandbox::new();
    let (corp, robot) = ("*.corp.example", "robot$ci");
    let mut seen = 0;
    for (words, input) in [
        (&["login", corp][..], ""),
        (&["account", "show", corp], ""),
        (&["status", corp], ""),
        (&["login", corp, "-u", "me", "--password-stdin"], "pw"),
        (&["login", corp, "-u", robot, "--password-stdin"], "pw"),
        (&["switch", corp, robot], ""),
        (&["login", corp, "-u", "third", "--password-stdin"], "pw"),
        (&["switch", corp], ""),
        (&["login", "*.else.example", "-u", robot, "--password-stdin"], "pw"),
        (&["account", "edit", robot, "--no-images"], ""),
        (&["logout", "a.corp.example"], ""),
        (&["logout", corp, "-u", robot], ""),
        (&["check", "a.corp.example"], ""),
        (&["account", "edit", corp, "me", "--for", "push"], ""),
        (&["account", "edit", corp, "third", "--for", "push"], ""),
        (&["which", "a.corp.example/x", "--pull"], ""),
    ] {
        let run = sandbox.run(words, input);
        for advised in run.stderr.split("docker-credential-ensign ").skip(1) {
            let line = advised.split(['`', '\n', ')']).next().unwrap();
            let bare: String = line.split('\'').step_by(2).collect(); // the text outside of quotes
            assert!(!bare.contains(['*', '$']), "{words:?}: {line}");
            seen += usize::from(line.contains(corp) || line.contains(robot));
        }
    }
    assert!(seen >= 10, "{seen}");
}
