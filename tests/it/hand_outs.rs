//! Accounts with a rule for callers: every hand-out of their secret obeys the rule and is first written to the journal.
#![cfg(target_os = "linux")]

use std::fs;

use serde_json::{Value, json};
use snapbox::str;

use crate::callers::{called_by, who};
use crate::support::registry::FakeRegistry;
use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, can_trace, finish};
use crate::why::{HOST, entries, journal, sandbox};

fn guarded(host: &str, words: &[&str]) -> Sandbox {
    let sandbox = sandbox();
    sandbox.store(host, "alice", "alice-pw");
    sandbox.ok(&[&["account", "edit", host, "alice"], words].concat(), "");
    sandbox
}

fn ask(sandbox: &Sandbox) -> Run {
    called_by(sandbox, &["docker", "pull", "ghcr.io/alice/app"], "get", HOST)
}

#[test]
fn a_hand_out_is_written_down_before_the_answer_or_there_is_none() {
    let sandbox = guarded(HOST, &["--program", "docker"]);
    // Nobody can read the answer, but the journal already contains the entry.
    let script = "printf ghcr.io | \"$ENSIGN\" get >/dev/full; exit $?\n";
    let run = crate::callers::running(&sandbox, &["docker", "pull", "ghcr.io/alice/app"], script, "");
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    let written = entries(&sandbox).pop().unwrap();
    assert_eq!(
        [&written["outcome"], &written["account"], &written["client"]],
        [&json!("answered"), &json!("alice"), &json!("docker pull")]
    );
    assert_eq!(who(&ask(&sandbox)), "alice");

    fs::remove_file(journal(&sandbox)).unwrap();
    fs::create_dir(journal(&sandbox)).unwrap();
    assert_eq!(ask(&sandbox), Run::not_found(), "it cannot be written");
    fs::remove_dir(journal(&sandbox)).unwrap();
    assert_eq!(who(&ask(&sandbox)), "alice");
    sandbox.ok(&["why", "--off"], "");
    assert_eq!(ask(&sandbox), Run::not_found(), "it is off");
    sandbox.ok(&["why", "--on"], "");
    let sandbox = sandbox.with("ENSIGN_JOURNAL", "off");
    assert_eq!(ask(&sandbox), Run::not_found(), "the journal is off for this process");
    let sandbox = sandbox.with("ENSIGN_JOURNAL", "").with("XDG_RUNTIME_DIR", "");
    assert_eq!(ask(&sandbox), Run::not_found(), "there is none");
    sandbox.ok(&["account", "edit", HOST, "alice", "--no-programs"], "");
    assert_eq!(who(&ask(&sandbox)), "alice", "an account without a rule needs no journal");
}

#[test]
fn our_own_commands_hold_to_the_rule() {
    let registry = FakeRegistry::with_tokens();
    let host = &registry.host;
    let image = format!("{host}/alice/app");
    let sandbox = guarded(host, &["--program", "docker"]);
    let commands: [(&[&str], i32); 3] = [
        (&["token", &image], 4),
        (&["api", host, "alice/app/tags/list"], 4),
        (&["export", "--format", "auth.json", host], 4),
    ];
    let mut transcript = String::new();
    for (words, code) in commands {
        let run = sandbox.run(words, "");
        assert_eq!((run.code, run.stdout.as_str()), (Some(code), ""), "{words:?}: {run:?}");
        transcript += &run.transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 4
--- stderr
error: alice on [HOST] may not be used by this caller: the account is not for ensign
hint: run `docker-credential-ensign account edit [HOST] alice --program +ensign`
exit 4
--- stderr
error: alice on [HOST] may not be used by this caller: the account is not for ensign
hint: run `docker-credential-ensign account edit [HOST] alice --program +ensign`
exit 4
--- stderr
error: alice on [HOST] may not be used by this caller: the account is not for ensign
hint: run `docker-credential-ensign account edit [HOST] alice --program +ensign`

"#]],
    );
    let seen = registry.seen().len();
    assert_eq!(sandbox.run(&["check", &image], "").code, Some(0), "`check` hands out no secret");
    assert!(seen == 0 && registry.seen().len() > seen, "{:?}", registry.seen());
    sandbox.ok(&["account", "edit", host, "alice", "--program", "+ensign"], "");
    sandbox.ok(&["token", &image], "");
    sandbox.ok(&["export", "--format", "auth.json", host], "");
    let clients: Vec<_> = entries(&sandbox).iter().rev().take(2).map(|entry| entry["client"].clone()).collect();
    assert_eq!(clients, ["ensign export", "ensign token"]);
}

#[test]
fn a_grant_of_a_pattern_is_one_of_all_its_hosts() {
    let sandbox = sandbox().with_program("give", "#!/bin/sh\necho s3cret\n");
    let pattern = "*.reg.example";
    sandbox.ok(&["login", pattern, "-u", "me", "--borrow", "command", "--grant", "required", "--", "give"], "");
    assert_eq!(sandbox.run(&["get"], "a.reg.example"), Run::not_found());
    sandbox.ok(&["grant", pattern, "me", "--for", "1m"], "");
    assert_eq!([sandbox.who("a.reg.example"), sandbox.who("b.reg.example")], ["me", "me"]);
    sandbox.ok(&["export", "--format", "auth.json", "a.reg.example"], "");
    sandbox.ok(&["grant", "me", "--end"], "");
    assert_eq!(sandbox.run(&["get"], "b.reg.example"), Run::not_found());
    assert_eq!(sandbox.run(&["export", "--format", "auth.json", "a.reg.example"], "").code, Some(4));
}

#[test]
fn dockers_side_tokens_and_the_kubelet_hold_to_the_rule() {
    let hub = "https://index.docker.io/v1/";
    let sandbox = guarded(hub, &["--program", "podman"]);
    sandbox.store("https://index.docker.io/v1/access-token", "alice", "side-s3cret");
    let server = "https://index.docker.io/v1/access-token";
    let by = |client: &str| called_by(&sandbox, &[client, "pull", "alpine"], "get", server);
    assert_eq!(by("docker"), Run::not_found());
    assert!(by("podman").stdout.contains("side-s3cret"));

    let request = json!({
        "kind": "CredentialProviderRequest", "apiVersion": "credentialprovider.kubelet.k8s.io/v1", "image": "docker.io/alice/app",
    });
    let kubelet = |client: &str| called_by(&sandbox, &[client, "x"], "kubelet", &request.to_string());
    let run = kubelet("kubelet");
    assert_eq!(serde_json::from_str::<Value>(&run.stdout).unwrap()["auth"], Value::Null);
    run.shows(str![[r#"
exit 0
--- stdout
{"kind":"CredentialProviderResponse","apiVersion":"credentialprovider.kubelet.k8s.io/v1","cacheKeyType":"Registry","cacheDuration":"0s","auth":null}
--- stderr
ensign: alice on docker.io may not be used by this caller: the account is not for kubelet: run `docker-credential-ensign account edit docker.io alice --program +kubelet`

"#]]);
    sandbox.ok(&["account", "edit", hub, "alice", "--program", "kubelet"], "");
    assert!(kubelet("kubelet").stdout.contains("alice-pw"));
}

#[test]
fn the_rule_is_shown_wherever_the_account_is() {
    let sandbox = sandbox();
    let words =
        ["login", HOST, "-u", "alice", "--password-stdin", "--no-verify", "--program", "docker", "--agents", "refused"];
    let run = sandbox.run(&words, "pw");
    run.shows(str![[r#"
exit 0
--- stderr
✓ Saved login for ghcr.io as alice (not verified)
  Used for  ghcr.io/alice/**, and by default
  Saved in  ~/data/secrets in clear text, readable by you only
  To seal   docker-credential-ensign store move --to sealed
  May ask   docker only; no coding agents
! Docker does not ask Ensign for ghcr.io yet; to change that:  docker-credential-ensign configure-docker

"#]]);
    shows(
        &sandbox.ok(&["status"], ""),
        str![[r#"
ghcr.io
  ● alice  default   alice/**   in clear text
           may ask: docker only; no coding agents

Docker does not ask Ensign for ghcr.io; to change that:
  docker-credential-ensign configure-docker

"#]],
    );
    shows(
        &sandbox.ok(&["account", "show"], ""),
        str![[r#"
alice
  registry   ghcr.io
  username   alice
  default    yes
  images     ghcr.io/alice/**  (its own namespace)
  may ask    docker only; no coding agents
  store      file

"#]],
    );
    shows(
        &sandbox.ok(&["which", "ghcr.io/alice/app"], ""),
        str![[r#"
alice
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           not checked: there is only one account
   6 files                  not checked: there is only one account
   7 .ensign.toml           not checked: there is only one account
   8 folder                 not checked: there is only one account
●  9 default account        → alice
  10 only account           → alice
  May ask: docker only; no coding agents

"#]],
    );
    let rule = json!({
        "programs": ["docker"], "terminal_required": false, "agents_refused": true, "grant_required": false, "unknown": false,
    });
    for (words, place) in [
        (&["status", "--json"][..], "/accounts/0/callers"),
        (&["account", "show", "--json"], "/accounts/0/callers"),
        (&["which", "ghcr.io/alice/app", "--json"], "/callers"),
    ] {
        let json: Value = serde_json::from_str(&sandbox.ok(words, "")).unwrap();
        assert_eq!(json.pointer(place), Some(&rule), "{words:?}");
    }
    let in_config = json!({"programs": ["docker"], "agents": "refused"});
    assert_eq!(sandbox.config()["registries"][HOST]["accounts"]["alice"]["callers"], in_config);
    // A new password and a new alias do not change the rule.
    sandbox.store(HOST, "alice", "other");
    sandbox.ok(&["account", "edit", HOST, "alice", "--alias", "me"], "");
    assert_eq!(sandbox.config()["registries"][HOST]["accounts"]["me"]["callers"], in_config);
    sandbox.ok(&["account", "edit", "me", "--no-programs", "--agents", "allowed"], "");
    assert_eq!(sandbox.config()["registries"][HOST]["accounts"]["me"]["callers"], Value::Null);
    let json: Value = serde_json::from_str(&sandbox.ok(&["status", "--json"], "")).unwrap();
    assert_eq!(json["accounts"][0]["callers"], Value::Null);
}

#[test]
fn nobody_looks_at_the_caller_of_an_account_without_a_rule() {
    if !can_trace() {
        return;
    }
    let sandbox = sandbox();
    sandbox.store(HOST, "alice", "pw");
    let trace = sandbox.home().join("trace");
    for (link, folder) in [(".config", "config"), (".local/share", "data")] {
        fs::create_dir_all(sandbox.home().join(link)).unwrap();
        std::os::unix::fs::symlink(sandbox.home().join(folder), sandbox.home().join(link).join("ensign")).unwrap();
    }
    // The script removes Ensign's variables, because Ensign looks at the caller if one of them is set.
    let script = format!(
        "unset ENSIGN_CONFIG_DIR ENSIGN_DATA_DIR; exec strace -f -e trace=openat,readlink -o {} {} get\n",
        trace.display(),
        Sandbox::program()
    );
    let ask = |sandbox: &Sandbox| {
        let mut command = sandbox.command_of("sh".as_ref(), &["-c", &script]);
        finish(command.env("PATH", "/usr/bin:/bin").spawn().unwrap(), HOST.as_bytes())
    };
    assert_eq!(who(&ask(&sandbox)), "alice");
    let looks = |trace: &str| trace.contains("/proc/") && trace.contains("/cmdline\"");
    assert!(!looks(&fs::read_to_string(&trace).unwrap()));
    sandbox.ok(&["account", "edit", HOST, "alice", "--agents", "refused"], "");
    ask(&sandbox);
    assert!(looks(&fs::read_to_string(&trace).unwrap()));
}
