//! Combinations of features: patterns of hosts, other helpers, trusted files, public images, the journal, buildx's
//! folders.
#![cfg(unix)]

use serde_json::{Value, json};
use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, finish, write};

const HELPER: &str = "#!/bin/sh\ncat >/dev/null\necho \"{\\\"Username\\\":\\\"theirs\\\",\\\"Secret\\\":\\\"s\\\"}\"\n";

/// A home with the accounts `me` and `work` for all hosts of `*.corp.example`, of which `me` is the default.
fn pattern() -> Sandbox {
    let sandbox = Sandbox::new();
    for name in ["me", "work"] {
        sandbox.ok(&["login", "*.corp.example", "-u", name, "--password-stdin"], name);
    }
    sandbox
}

fn with_helper(registries: &Value) -> Sandbox {
    let sandbox = Sandbox::new().with_program("docker-credential-before", HELPER);
    let runtime = sandbox.home().join("run");
    std::fs::create_dir(&runtime).unwrap();
    let sandbox = sandbox.with("XDG_RUNTIME_DIR", runtime.to_str().unwrap());
    let config = json!({"version": 3, "fallback": "before", "registries": registries});
    write(&sandbox.config_path(), config.to_string().as_bytes());
    sandbox
}

#[test]
fn what_is_no_host_is_no_host_of_a_pattern() {
    let sandbox = pattern();
    sandbox.ok(&["login", "*.*.corp.example", "-u", "deep", "--password-stdin"], "deep");
    for address in [
        "_evil/x.corp.example",
        "_evil.example/x.corp.example",
        "me@_evil/x.corp.example",
        "-x.corp.example",
        "evil host/x.corp.example",
        "evil?x.corp.example",
        "evil.example#.corp.example",
        "evil.example\\x.corp.example",
    ] {
        assert_eq!(sandbox.run(&["get"], address), Run::not_found(), "{address}");
    }
    assert_eq!(sandbox.who("HTTPS://X.corp.example/v2/"), "me");
    assert_eq!(sandbox.who("x.y.corp.example"), "deep");
}

#[test]
fn a_client_logs_out_of_a_host_and_never_of_a_pattern() {
    let sandbox = pattern();
    for _ in 0..2 {
        let run = sandbox.run(&["erase"], "*.corp.example");
        assert_eq!((run.code, run.stdout.contains("logout '*.corp.example'")), (Some(1), true), "{run:?}");
    }
    assert_eq!(sandbox.who("a.corp.example"), "me");
}

#[test]
fn a_trusted_file_and_the_environment_name_an_account_of_a_pattern_for_one_host() {
    let sandbox = pattern();
    write(&sandbox.home().join(".ensign.toml"), b"[accounts]\n'a.corp.example' = 'work'\n'b.corp.example' = 'gone'\n");
    let run = sandbox.run(&["trust", "--yes"], "");
    assert!(run.stderr.contains("  a.corp.example  work\n"), "{run:?}");
    run.shows(str![[r#"
exit 0
--- stderr
~/.ensign.toml names these accounts for commands in ~ and below:
  a.corp.example  work
  b.corp.example  gone   (missing: docker-credential-ensign login b.corp.example --alias gone)
✓ Trusted ~/.ensign.toml, as it is now

"#]]);
    assert_eq!((sandbox.who("a.corp.example"), sandbox.who("c.corp.example")), ("work".into(), "me".into()));
    assert!(sandbox.who("b.corp.example").contains("`gone`"));
    let which = sandbox.ok(&["which", "a.corp.example"], "");
    assert!(which.starts_with("work\n"), "{which}");
    let which = sandbox.run(&["which", "c.corp.example"], "");
    which.shows(str![[r#"
exit 0
--- stdout
me
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           no image of this registry is named
   6 files                  no image of this registry is named
   7 .ensign.toml           names no account of this registry
   8 folder                 no account is for this folder
●  9 default account        → me
  10 only account           there are several

"#]]);

    assert_eq!(sandbox.ok(&["prompt"], ""), "a.corp.example=work\n");
    sandbox.ok(&["public", "add", "*.corp.example/open/**"], "");
    let run = sandbox.run(&["export", "--format", "auth.json", "c.corp.example/open/x"], "");
    run.shows(str![[r#"
exit 3
--- stderr
error: c.corp.example/open/x needs no account: *.corp.example/open/** is public
hint: set ENSIGN_ACCOUNT=c.corp.example=NAME to use an account anyway

"#]]);

    let sandbox = sandbox.with("ENSIGN_ACCOUNT", "a.corp.example=me,c.corp.example=work");
    let exported = |format: &str, host: &str| {
        let text = sandbox.ok(&["export", "--format", format, &format!("{host}.corp.example/x")], "");
        serde_json::from_str::<Value>(&text).unwrap()["auths"].take()
    };
    assert_eq!(["a", "c"].map(|host| sandbox.who(&format!("{host}.corp.example"))), ["me", "work"]);
    for format in ["dockerconfigjson", "auth.json"] {
        // The export contains only the requested host, so the file's reader learns no other host of the pattern.
        assert_eq!(exported(format, "a"), json!({"a.corp.example": {"auth": "bWU6bWU="}}));
        assert_eq!(exported(format, "c"), json!({"c.corp.example": {"auth": "d29yazp3b3Jr"}}));
    }
    sandbox.ok(&["account", "edit", "*.corp.example", "work", "--images", "*.corp.example/team/**"], "");
    let auths = exported("auth.json", "c");
    assert_eq!(auths.as_object().unwrap().keys().collect::<Vec<_>>(), ["c.corp.example", "c.corp.example/team"]);
}

#[test]
fn what_is_public_on_the_hosts_of_a_pattern_is_so_whoever_answers_for_the_host() {
    let public = json!(["*.corp.example/open/**"]);
    let sandbox = with_helper(&json!({
        "*.corp.example": {"public": public},
        "own.corp.example": {"public": ["own.corp.example/more"], "accounts": {"me": {"for": "push"}}},
        "their.corp.example": {"helper": "before"},
    }));
    for image in
        ["a.corp.example/open/x", "own.corp.example/open/x", "own.corp.example/more", "their.corp.example/open/x"]
    {
        assert_eq!(sandbox.run(&["get"], image), Run::not_found(), "{image}");
    }
    let which = sandbox.run(&["which", "own.corp.example/open/x"], "");
    assert_eq!((which.code, which.stderr.as_str()), (Some(0), ""), "nothing is missing");
    let mut transcript = String::new();
    for host in ["a", "their"] {
        assert_eq!(sandbox.who(&format!("{host}.corp.example/closed/x")), "theirs");
        let which = sandbox.run(&["which", &format!("{host}.corp.example/open/x")], "");
        transcript += &which.transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 0
--- stdout
no account needed
●  5 command line           a.corp.example/open/x needs no account: *.corp.example/open/** is public
exit 0
--- stdout
no account needed
●  5 command line           their.corp.example/open/x needs no account: *.corp.example/open/** is public

"#]],
    );
    let journal: Value = serde_json::from_str(&sandbox.ok(&["why", "--json"], "")).unwrap();
    let verdicts: Vec<_> = journal["decisions"].as_array().unwrap().iter().map(|one| &one["verdict"]).collect();
    assert_eq!(verdicts, ["helper", "helper", "public", "public", "public", "public"]);
}

#[test]
fn a_journal_that_is_no_file_of_ours_is_named_with_the_way_out() {
    let sandbox = with_helper(&json!({}));
    let path = sandbox.home().join("run/ensign-journal.jsonl");
    std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
    let run = sandbox.run(&["why"], "");
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("run/ensign-journal.jsonl` ") && run.stderr.contains("why --clear`"), "{run:?}");
    sandbox.ok(&["why", "--clear"], "");
    assert!(!path.is_symlink());
}

#[test]
fn buildx_has_no_folder_for_an_image_with_the_name_of_a_config_nor_for_the_hosts_of_a_pattern() {
    let sandbox = pattern();
    for name in ["a", "b"] {
        sandbox.store("ghcr.io", name, name);
    }
    sandbox.ok(&["account", "edit", "ghcr.io", "a", "--images", "ghcr.io/acme/**"], "");
    let bin = sandbox.home().join("bin");
    std::fs::create_dir(&bin).unwrap();
    for name in ["docker-credential-ensign", "docker-credential-ensign-a"] {
        std::os::unix::fs::symlink(Sandbox::program(), bin.join(name)).unwrap();
    }
    let sandbox = sandbox.with("PATH", bin.to_str().unwrap());
    let images = ["ghcr.io/acme", "ghcr.io/acme/config.json/x", "ghcr.io/acme/config.json", "a.corp.example/team/x"];
    let pin = sandbox.run(&["pin", "work"], "");
    pin.shows(str![[r#"
exit 0
--- stderr
✓ Made ~/bin/docker-credential-ensign-work
  It answers as work on *.corp.example, whatever the default account is.
  In a config.json:  "credHelpers": {"HOST": "ensign-work"}

"#]]);
    sandbox.ok(&["public", "add", "a.corp.example/open"], "");
    sandbox.ok(&["account", "edit", "*.corp.example", "me", "--for", "pull"], "");
    sandbox.ok(&["account", "edit", "*.corp.example", "work", "--for", "push"], "");
    let run = sandbox.run(&[&["buildx", "sync"], images.as_slice()].concat(), "");
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stdout.contains("ghcr.io/acme ") && !run.stdout.contains("config.json"), "{run:?}");
    run.shows(str![[r#"
exit 0
--- stdout
~/.docker/buildx/config
+   ghcr.io/acme                              a
--- stderr
✓ Folders: 1 written
! ghcr.io/acme/config.json/x gets no folder: the path would be another folder's config.json
! ghcr.io/acme/config.json gets no folder: the path would be another folder's config.json
! a.corp.example/team/x gets no folder: the registry's accounts are for *.corp.example, but buildx looks up single hosts

"#]]);

    sandbox.ok(&["account", "edit", "ghcr.io", "b", "--images", "ghcr.io/b/**"], "");
    let folders = std::fs::read_dir(sandbox.home().join(".docker/buildx/config")).unwrap();
    assert_eq!(folders.map(|folder| folder.unwrap().file_name()).collect::<Vec<_>>(), ["ghcr.io"]);
}

#[test]
fn docker_completes_the_accounts_of_a_pattern_and_of_its_hosts() {
    let sandbox = pattern();
    sandbox.store("ghcr.io", "other", "x");
    let plugin = sandbox.link("docker-ensign");
    for registry in ["*.corp.example", "a.corp.example"] {
        let words = ["__completeNoDesc", "ensign", "switch", registry, ""];
        let run = finish(sandbox.command_of(&plugin, &words).spawn().unwrap(), b"");
        let names: Vec<_> = run.stdout.lines().map(|line| line.split('\t').next().unwrap()).collect();
        assert_eq!(names, ["me", "work", ":4"], "{registry}");
    }
}

#[test]
fn a_borrowed_account_of_a_pattern_leaves_the_secret_of_a_hosts_own_account_alone() {
    let sandbox = Sandbox::new().with_program("docker-credential-lend", HELPER);
    let own = || sandbox.run(&["get"], "a.corp.example");
    sandbox.store("a.corp.example", "work", "own");
    let before = own();
    let borrow = ["login", "*.corp.example", "--borrow", "helper:lend", "-u", "theirs", "--alias", "work"];
    sandbox.ok(&borrow, "");
    assert_eq!((own(), sandbox.who("b.corp.example")), (before, "theirs".into()));
    let before = own();
    sandbox.ok(&["account", "edit", "*.corp.example", "work", "--alias", "other"], "");
    sandbox.ok(&["account", "edit", "*.corp.example", "other", "--alias", "work"], "");
    sandbox.ok(&["logout", "*.corp.example", "--all"], "");
    assert_eq!((own(), sandbox.run(&["get"], "b.corp.example")), (before, Run::not_found()));
}

#[test]
fn what_a_helper_says_behind_its_answer_is_not_read_as_docker_does_not() {
    let script = HELPER.replace("s\\\"}", "s\\\"} and more {");
    assert_ne!(script, HELPER);
    let sandbox = Sandbox::new().with_program("docker-credential-before", &script);
    write(&sandbox.config_path(), b"{\"version\": 3, \"fallback\": \"before\", \"registries\": {}}");
    assert_eq!(sandbox.who("quay.io"), "theirs");
}
