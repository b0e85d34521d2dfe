//! The journal of the last answers: what `get` writes, and how `why` shows it.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;

use serde_json::{Value, json};
use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{NOT_FOUND, Run, Sandbox, finish, write};

pub const HOST: &str = "ghcr.io";

/// A home with a runtime folder, as a login creates it.
pub fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let folder = sandbox.home().join("runtime");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    sandbox.with("XDG_RUNTIME_DIR", folder.to_str().unwrap())
}

/// A home with `bob` and `alice`, of which `alice` is the default.
pub fn two_accounts() -> Sandbox {
    sandbox().with_bob_and_alice(HOST)
}

pub fn journal(sandbox: &Sandbox) -> PathBuf {
    sandbox.home().join("runtime/ensign-journal.jsonl")
}

pub fn entries(sandbox: &Sandbox) -> Vec<Value> {
    let text = fs::read_to_string(journal(sandbox)).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Returns the only entry, without its time.
fn entry(sandbox: &Sandbox) -> Value {
    let mut entries = entries(sandbox);
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries[0].as_object_mut().unwrap().remove("at").unwrap();
    fs::remove_file(journal(sandbox)).unwrap();
    entries.remove(0)
}

/// Calls `get` from a process with exactly these arguments, of which the second is a script that calls `get`.
pub fn called_by(sandbox: &Sandbox, words: &[&str], host: &str) -> Run {
    let client = sandbox.home().join("client");
    if !client.exists() {
        symlink("/bin/sh", &client).unwrap();
    }
    let script = sandbox.home().join(words[1]);
    if !script.exists() {
        write(&script, b"\"$ENSIGN\" get; exit $?\n");
    }
    let mut command = sandbox.command_of(&client, &words[1..]);
    command.arg0(words[0]).env("ENSIGN", Sandbox::program());
    finish(command.spawn().unwrap(), host.as_bytes())
}

#[test]
fn what_was_not_known_is_written_down_and_told() {
    let sandbox = two_accounts();
    let file = sandbox.home().join("compose.yaml");
    write(&file, b"services: [");
    let run = called_by(&sandbox, &["docker-compose", "pull"], HOST);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    let told = sandbox.ok(&["why"], "");
    shows(
        &told,
        str![[r#"
[NOW]    docker compose pull   ghcr.io   → alice
    files undecided: compose.yaml: could not be read as YAML
    default account → alice

"#]],
    );
    let step = &entry(&sandbox)["steps"][0];
    let files = json!([{"file": file, "message": step["files"][0]["message"]}]);
    assert_eq!(step, &json!({"rule": "files", "outcome": "unknown", "files": files}));
    assert!(files[0]["message"].as_str().unwrap().contains("YAML"), "{files}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_is_told_what_was_not_known() {
    let sandbox = two_accounts();
    write(&sandbox.home().join("compose.yaml"), b"services: [");
    write(&sandbox.home().join("pull"), b"echo ghcr.io | \"$ENSIGN\" get >answer; exit $?\n");
    let line = "exec -a docker-compose bash pull";
    let mut script =
        sandbox.command_of("/usr/bin/script".as_ref(), &["-qec", &format!("bash -c '{line}'"), "/dev/null"]);
    let run = finish(script.env("ENSIGN", Sandbox::program()).spawn().unwrap(), b"");
    run.shows(str![[r#"
exit 0
      --- stdout
                ensign: ghcr.io: files undecided: compose.yaml: could not be read as YAML

"#]]);
    run.shows(str![[r#"
exit 0
      --- stdout
                ensign: ghcr.io: files undecided: compose.yaml: could not be read as YAML

"#]]);
}

#[test]
fn every_outcome_is_written_down_with_what_decided() {
    let sandbox = two_accounts();
    sandbox.store("quay.io", "carol", "carol-s3cret");
    let check = |words: &[&str], host: &str, code: i32, expected: Value| {
        let run = called_by(&sandbox, words, host);
        assert_eq!(run.code, Some(code), "{run:?}");
        let mut whole = json!({"v": 2, "registry": host});
        whole.as_object_mut().unwrap().extend(expected.as_object().unwrap().clone());
        assert_eq!(entry(&sandbox), whole, "{words:?} {host}");
    };
    let by = |rule: &str, account: &str, reason: Value| json!({"rule": rule, "decides": true, "outcome": "account", "account": account, "reason": reason});
    let by_default = |account: &str| by("default", account, json!("default"));
    let answered = |account: &str, steps: Value| json!({"outcome": "answered", "verdict": "account", "account": account, "steps": steps});
    let client = |name: &str, mut entry: Value| {
        entry["client"] = json!(name);
        entry
    };
    let image = json!({"image": {"image": "ghcr.io/bob/app:1", "pattern": "ghcr.io/bob/**"}});
    check(
        &["docker", "push", "ghcr.io/bob/app:1"],
        HOST,
        0,
        client("docker push", answered("bob", json!([by("command-line", "bob", image)]))),
    );
    let images =
        json!([{"image": "ghcr.io/bob/a", "account": "bob"}, {"image": "ghcr.io/alice/b", "account": "alice"}]);
    let undecided = json!({"rule": "command-line", "outcome": "ambiguous", "images": images});
    check(
        &["docker-buildx", "build", "-t", "ghcr.io/bob/a", "-t", "ghcr.io/alice/b", "."],
        HOST,
        0,
        client("docker buildx build", answered("alice", json!([undecided, by_default("alice")]))),
    );
    check(&["mytool", "deploy"], HOST, 0, answered("alice", json!([by_default("alice")])));
    // With one account, Ensign does not look for the caller, not even for the journal.
    let push = ["docker", "push", "quay.io/carol/app"];
    check(&push, "quay.io", 0, answered("carol", json!([by_default("carol")])));
    let none = |verdict: &str, steps: Value| json!({"outcome": "not-found", "verdict": verdict, "steps": steps});
    check(&["docker", "pull", "x"], "no.example", 1, none("no-account", json!([])));

    sandbox.ok(&["account", "edit", HOST, "bob", "--folder", "~"], "");
    let folder = by("folder", "bob", json!({"folder": sandbox.home()}));
    check(&["docker", "compose"], HOST, 0, client("docker", answered("bob", json!([folder]))));
    sandbox.ok(&["account", "edit", HOST, "bob", "--no-folders"], "");

    let mut config = sandbox.config();
    config["registries"][HOST]["public"] = json!(["ghcr.io/library/**"]);
    write(&sandbox.config_path(), config.to_string().as_bytes());
    let public = json!([{"rule": "command-line", "decides": true, "outcome": "public",
        "image": "ghcr.io/library/alpine", "pattern": "ghcr.io/library/**"}]);
    let pull = ["docker", "pull", "ghcr.io/library/alpine"];
    check(&pull, HOST, 1, client("docker pull", none("public", public)));
    config["registries"][HOST].as_object_mut().unwrap().remove("active");
    write(&sandbox.config_path(), config.to_string().as_bytes());
    let mut several = client("podman pull", none("several", json!([])));
    several["accounts"] = json!(["bob", "alice"]);
    check(&["podman", "pull", "x"], HOST, 1, several);
    config["registries"][HOST]["active"] = Value::Null;
    write(&sandbox.config_path(), config.to_string().as_bytes());
    check(&["podman", "pull", "x"], HOST, 1, client("podman pull", none("signed-out", json!([]))));

    write(&sandbox.secrets_path("quay.io"), br#"{"version":1,"secrets":{"carol":{"secret":"x","refused":true}}}"#);
    let mut carol = answered("carol", json!([by_default("carol")]));
    carol["outcome"] = json!("expired");
    check(&["docker", "pull", "x"], "quay.io", 1, carol.clone());
    write(&sandbox.secrets_path("quay.io"), b"{");
    carol["outcome"] = json!("failed");
    check(&["docker", "pull", "x"], "quay.io", 1, carol);
    write(&sandbox.config_path(), b"{");
    let failed = json!({"outcome": "failed", "verdict": "no-account", "steps": []});
    check(&["docker", "pull", "x"], "quay.io", 1, failed);
}

#[test]
fn an_account_that_is_not_there_and_the_kubelet_are_written_down_too() {
    let sandbox = two_accounts().with("ENSIGN_ACCOUNT", "ghcr.io=nobody");
    assert_eq!(sandbox.run(&["get"], HOST).code, Some(1));
    let step = json!({"rule": "environment", "decides": true, "outcome": "no-such-account", "name": "nobody"});
    assert_eq!(
        entry(&sandbox),
        json!({"v": 2, "registry": HOST, "outcome": "not-found", "verdict": "no-such-account", "steps": [step]})
    );
    let sandbox = two_accounts();
    let request = r#"{"kind":"CredentialProviderRequest","apiVersion":"credentialprovider.kubelet.k8s.io/v1","image":"ghcr.io/bob/x"}"#;
    sandbox.ok(&["kubelet"], request);
    let entry = entry(&sandbox);
    assert_eq!((&entry["client"], &entry["account"]), (&json!("kubelet"), &json!("bob")));
}

#[test]
fn it_can_be_switched_off_and_cleared() {
    let sandbox = sandbox();
    sandbox.store(HOST, "alice", "s3cret");
    let one = || json!({"registry": HOST, "accounts": entries(&sandbox).len()});
    let off = Sandbox::command(&sandbox, &["get"]).env("ENSIGN_JOURNAL", "off").spawn().unwrap();
    assert_eq!(finish(off, HOST.as_bytes()).code, Some(0));
    assert!(!journal(&sandbox).exists());
    sandbox.who(HOST);
    assert_eq!(entries(&sandbox).len(), 1);
    sandbox.run(&["why", "--off"], "").shows(str![[r#"
exit 0
--- stderr
✓ The journal is off
  Earlier answers stay until `docker-credential-ensign why --clear`.

"#]]);
    assert_eq!(sandbox.config()["journal"], json!(false));
    sandbox.who(HOST);
    assert_eq!(one()["accounts"], 1);
    sandbox.store(HOST, "bob", "x");
    assert_eq!(sandbox.config()["journal"], json!(false), "other changes keep the journal off");
    assert!(sandbox.run(&["why"], "").stderr.contains("why --on"));
    let forbidden = sandbox.command(&["why", "--clear"]).env("ENSIGN_JOURNAL", "off").spawn().unwrap();
    assert_eq!(finish(forbidden, b"").code, Some(0));
    assert!(!journal(&sandbox).exists());
    assert_eq!(sandbox.run(&["why"], "").code, Some(3));
    sandbox.ok(&["why", "--on"], "");
    assert!(sandbox.config().get("journal").is_none());
    sandbox.who(HOST);
    assert_eq!(entries(&sandbox).len(), 1);
    let mut config = sandbox.config();
    config["journal"] = json!({"of": ["a", "newer", 1]});
    write(&sandbox.config_path(), config.to_string().as_bytes());
    assert_eq!(sandbox.who(HOST), "bob", "an unknown value of the journal's setting does not prevent an answer");
}

#[test]
fn why_tells_the_last_answers_newest_first_and_the_way_out_of_torn_ones() {
    let sandbox = two_accounts();
    sandbox.run(&["why"], "").shows(str![[r#"
exit 3
--- stderr
! the journal is empty: no client has asked yet

"#]]);
    called_by(&sandbox, &["docker", "push", "ghcr.io/bob/app:1"], HOST);
    called_by(&sandbox, &["skopeo", "copy", "docker://ghcr.io/bob/a", "docker://ghcr.io/alice/b"], HOST);
    assert_eq!(sandbox.run(&["get"], "no.example").stdout, NOT_FOUND);
    let why = sandbox.run(&["why"], "");
    why.shows(str![[r#"
exit 0
--- stdout
[NOW]    a client      no.example   no account
    no.example has no account: run `docker-credential-ensign login no.example`
[NOW]    skopeo copy   ghcr.io   → alice
    command line undecided: ghcr.io/bob/a is bob's, ghcr.io/alice/b is alice's
    default account → alice
[NOW]    docker push   ghcr.io   → bob
    command line → bob   (ghcr.io/bob/app:1 is in ghcr.io/bob/**)
--- stderr
! These images need different accounts, but Docker asks for only one. Options:
  this command  ENSIGN_ACCOUNT=ghcr.io=bob skopeo copy …
  one tool      docker-credential-ensign pin bob   (and name the helper `ensign-bob` in the tool's config)
  this folder   docker-credential-ensign account edit ghcr.io bob --folder .

"#]]);
    let typed = "skopeo copy docker://ghcr.io/bob/a docker://ghcr.io/alice/b";
    let which = sandbox.run(&["which", HOST, "--as", typed], "");
    assert!(which.stderr.starts_with(&why.stderr.replace("skopeo copy …", typed)), "{which:?}");

    let build = ["which", HOST, "--as", "docker buildx build --push -t ghcr.io/bob/a -t ghcr.io/alice/b ."];
    sandbox.run(&build, "").shows(str![[r#"
exit 0
--- stdout
alice
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           undecided: ghcr.io/bob/a is bob's, ghcr.io/alice/b is alice's
   6 files                  not read: the command line names an image
   7 .ensign.toml           none
   8 folder                 no account is for this folder
●  9 default account        → alice
  10 only account           there are several
--- stderr
! These images need different accounts, but Docker asks for only one. Options:
  this command  ENSIGN_ACCOUNT=ghcr.io=bob docker buildx build --push -t ghcr.io/bob/a -t ghcr.io/alice/b .
  every build   docker-credential-ensign buildx sync ghcr.io/bob/a ghcr.io/alice/b
  one tool      docker-credential-ensign pin bob   (and name the helper `ensign-bob` in the tool's config)
  this folder   docker-credential-ensign account edit ghcr.io bob --folder .
! these clients do not ask Ensign for ghcr.io; to change that:  docker-credential-ensign configure-docker

"#]]);

    for (words, count, code) in [
        (&["why", "-n", "1"][..], 1, 0),
        (&["why", HOST], 2, 0),
        (&["why", "ghcr.io/bob/app"], 1, 0),
        (&["why", "ghcr.io/alice/b:7"], 1, 0),
        (&["why", "ghcr.io/carol/x"], 0, 3),
        (&["why", "quay.io"], 0, 3),
    ] {
        let run = sandbox.run(&[words, &["--json"]].concat(), "");
        let json: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!((json["decisions"].as_array().unwrap().len(), run.code), (count, Some(code)), "{words:?} {run:?}");
        assert_eq!((&json["schema"], run.stderr.as_str()), (&json!(2), ""));
    }
    let none = sandbox.run(&["why", "quay.io"], "");
    none.shows(str![[r#"
exit 3
--- stderr
! none of the last 3 answers was about quay.io

"#]]);
    assert_eq!(sandbox.run(&["why", "Not An Image"], "").code, Some(2));
    assert_eq!(sandbox.run(&["why", "--on", "--off"], "").code, Some(2));
}

#[test]
fn what_stands_in_the_journal_does_no_harm() {
    let sandbox = sandbox();
    sandbox.store(HOST, "alice", "s3cret");
    let evil = "\u{1b}[31m\u{9b}2Jx\r\u{202e}\nroot";
    let entry = |registry: &str, text: &str| {
        let reason = json!({"image": {"image": text, "pattern": text, "file": text}});
        let step = json!({"rule": "files", "decides": true, "outcome": "account", "account": text, "reason": reason});
        json!({"v": 2, "at": u64::MAX, "client": text, "outcome": "answered", "registry": registry,
            "verdict": "account", "account": text, "steps": [step]})
        .to_string()
    };
    let mut text = entry(evil, evil);
    text.push_str("\nbroken\n\u{0}\u{1}\n{\"v\":1,\"registry\":7}\n{\"v\":1,\"at\":-1}\n[[[[[[\n");
    text.push_str(&json!({"v": 9, "registry": "new.example", "outcome": "teleported", "to": "mars"}).to_string());
    text.push('\n');
    text.push_str(&json!({"v": 1, "registry": "old.example", "outcome": "answered", "detail": {}}).to_string());
    text.push('\n');
    text.push_str(&"[".repeat(100_000));
    text.push_str(&entry(&"x".repeat(9000), "y"));
    text.push_str("\n{\"v\":1,\"registry\":\"half.example\",\"outc");
    write(&journal(&sandbox), text.as_bytes());
    fs::set_permissions(journal(&sandbox), fs::Permissions::from_mode(0o600)).unwrap();
    let why = sandbox.run(&["why"], "");
    assert_eq!(why.code, Some(0), "{why:?}");
    assert!(!why.stdout.contains(['\u{1b}', '\u{9b}', '\r', '\u{202e}']) && why.stdout.len() < 2000, "{why:?}");
    assert_eq!(why.stdout.lines().filter(|line| !line.starts_with(' ')).count(), 2, "of other versions none: {why:?}");
    let json = sandbox.ok(&["why", "--json"], "");
    assert_eq!(json.lines().count(), 1);
    assert_eq!(sandbox.who(HOST), "alice", "a half line in front of ours");
    assert_eq!(sandbox.run(&["why", HOST], "").code, Some(0));
}
