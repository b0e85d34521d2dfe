//! The journal of the last answers: what `get` writes down, what it never does, and how `why` tells it.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{NOT_FOUND, Run, Sandbox, finish, write};

const HOST: &str = "ghcr.io";

/// A sandbox with a runtime folder, as a login makes one.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let folder = sandbox.home().join("runtime");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    sandbox.with("XDG_RUNTIME_DIR", folder.to_str().unwrap())
}

/// `bob` and `alice`, who is the default.
fn two_accounts() -> Sandbox {
    let sandbox = sandbox();
    sandbox.store(HOST, "bob", "bob-s3cret");
    sandbox.store(HOST, "alice", "alice-s3cret");
    sandbox
}

fn journal(sandbox: &Sandbox) -> PathBuf {
    sandbox.home().join("runtime/ensign-journal.jsonl")
}

fn entries(sandbox: &Sandbox) -> Vec<Value> {
    let text = fs::read_to_string(journal(sandbox)).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The only entry, without its time.
fn entry(sandbox: &Sandbox) -> Value {
    let mut entries = entries(sandbox);
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries[0].as_object_mut().unwrap().remove("at").unwrap();
    fs::remove_file(journal(sandbox)).unwrap();
    entries.remove(0)
}

/// Calls `get` from a process with exactly these arguments, of which the second is a script that does so.
fn called_by(sandbox: &Sandbox, words: &[&str], host: &str) -> Run {
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
fn every_outcome_is_written_down_with_what_decided() {
    let sandbox = two_accounts();
    sandbox.store("quay.io", "carol", "carol-s3cret");
    let check = |words: &[&str], host: &str, code: i32, expected: Value| {
        let run = called_by(&sandbox, words, host);
        assert_eq!(run.code, Some(code), "{run:?}");
        let mut whole = json!({"v": 1, "registry": host});
        whole.as_object_mut().unwrap().extend(expected.as_object().unwrap().clone());
        assert_eq!(entry(&sandbox), whole, "{words:?} {host}");
    };
    check(
        &["docker", "push", "ghcr.io/bob/app:1"],
        HOST,
        0,
        json!({"client": "docker push", "outcome": "answered", "account": "bob", "rung": "command line",
            "detail": {"image": "ghcr.io/bob/app:1", "pattern": "ghcr.io/bob/**"}}),
    );
    check(
        &["docker-buildx", "build", "-t", "ghcr.io/bob/a", "-t", "ghcr.io/alice/b", "."],
        HOST,
        0,
        json!({"client": "docker buildx build", "outcome": "answered", "account": "alice", "rung": "default account",
        "detail": {"torn": [
            {"image": "ghcr.io/bob/a", "account": "bob"},
            {"image": "ghcr.io/alice/b", "account": "alice"},
        ]}}),
    );
    check(
        &["mytool", "deploy"],
        HOST,
        0,
        json!({"outcome": "answered", "account": "alice", "rung": "default account", "detail": {}}),
    );
    // One account: nobody looks who is calling, and nobody does for the journal.
    check(
        &["docker", "push", "quay.io/carol/app"],
        "quay.io",
        0,
        json!({"outcome": "answered", "account": "carol", "rung": "default account", "detail": {}}),
    );
    check(&["docker", "pull", "x"], "no.example", 1, json!({"outcome": "no-account", "detail": {}}));

    sandbox.ok(&["account", "edit", HOST, "bob", "--folder", "~"], "");
    check(
        &["docker", "compose"],
        HOST,
        0,
        json!({"client": "docker", "outcome": "answered", "account": "bob", "rung": "folder",
            "detail": {"folder": sandbox.home()}}),
    );
    sandbox.ok(&["account", "edit", HOST, "bob", "--no-folders"], "");

    let mut config = sandbox.config();
    config["registries"][HOST]["public"] = json!(["ghcr.io/library/**"]);
    write(&sandbox.config_path(), config.to_string().as_bytes());
    check(
        &["docker", "pull", "ghcr.io/library/alpine"],
        HOST,
        1,
        json!({"client": "docker pull", "outcome": "public",
            "detail": {"image": "ghcr.io/library/alpine", "public": "ghcr.io/library/**"}}),
    );
    config["registries"][HOST].as_object_mut().unwrap().remove("active");
    write(&sandbox.config_path(), config.to_string().as_bytes());
    check(&["podman", "pull", "x"], HOST, 1, json!({"client": "podman pull", "outcome": "several", "detail": {}}));
    config["registries"][HOST]["active"] = Value::Null;
    write(&sandbox.config_path(), config.to_string().as_bytes());
    check(&["podman", "pull", "x"], HOST, 1, json!({"client": "podman pull", "outcome": "no-default", "detail": {}}));

    write(&sandbox.secrets_path("quay.io"), br#"{"version":1,"secrets":{"carol":{"secret":"x","refused":true}}}"#);
    let carol = json!({"outcome": "dead", "account": "carol", "rung": "default account", "detail": {}});
    check(&["docker", "pull", "x"], "quay.io", 1, carol);
    write(&sandbox.secrets_path("quay.io"), b"{");
    let carol = json!({"outcome": "failed", "account": "carol", "rung": "default account", "detail": {}});
    check(&["docker", "pull", "x"], "quay.io", 1, carol);
    write(&sandbox.config_path(), b"{");
    check(&["docker", "pull", "x"], "quay.io", 1, json!({"outcome": "failed", "detail": {}}));
}

#[test]
fn an_account_that_is_not_there_and_the_kubelet_are_written_down_too() {
    let sandbox = two_accounts().with("ENSIGN_ACCOUNT", "ghcr.io=nobody");
    assert_eq!(sandbox.run(&["get"], HOST).code, Some(1));
    let missing = json!({"missing": "nobody"});
    assert_eq!(
        entry(&sandbox),
        json!({"v": 1, "registry": HOST, "outcome": "no-such-account", "rung": "ENSIGN_ACCOUNT", "detail": missing})
    );
    let sandbox = two_accounts();
    let request = r#"{"kind":"CredentialProviderRequest","apiVersion":"credentialprovider.kubelet.k8s.io/v1","image":"ghcr.io/bob/x"}"#;
    sandbox.ok(&["kubelet"], request);
    let entry = entry(&sandbox);
    assert_eq!((&entry["client"], &entry["account"]), (&json!("kubelet"), &json!("bob")));
}

#[test]
fn no_word_of_a_command_line_is_written_down_but_images() {
    let sandbox = two_accounts();
    for words in [
        &["docker", "login", "-u", "bob", "-p", "hunter2", HOST][..],
        &["docker", "login", "-phunter2", "-u", "bob", HOST],
        &["docker", "build", "--build-arg", "TOKEN=hunter2", "--secret", "id=hunter2", "-t", "ghcr.io/bob/app", "."],
        &["docker", "run", "-e", "PASSWORD=hunter2", "ghcr.io/bob/app", "sh", "-c", "hunter2"],
        &["docker", "hunter2", "ghcr.io/bob/app"],
        &["skopeo", "copy", "--src-creds", "bob:hunter2", "docker://ghcr.io/bob/a", "docker://ghcr.io/alice/b"],
        &["podman", "push", "--creds=bob:hunter2", "ghcr.io/bob/app"],
        &["hunter2", "push", "ghcr.io/bob/app"],
        &["mytool", "hunter2", "--password=hunter2"],
    ] {
        called_by(&sandbox, words, HOST);
    }
    sandbox.run(&["get"], "https://bob:hunter2@ghcr.io/v2/?token=hunter2");
    sandbox.run(&["get"], "https://hunter2@ghcr.io/");
    let text = fs::read_to_string(journal(&sandbox)).unwrap();
    assert_eq!(text.lines().count(), 11, "{text}");
    assert!(!text.contains("hunter2") && !text.contains("s3cret"), "{text}");
    assert!(text.contains("docker login") && text.contains("skopeo copy"), "{text}");
}

#[test]
fn the_journal_is_private_and_nothing_else_is_ever_written_to() {
    let sandbox = sandbox();
    sandbox.store(HOST, "alice", "s3cret");
    assert_eq!(sandbox.who(HOST), "alice");
    let path = journal(&sandbox);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    fs::remove_file(&path).unwrap();

    let victim = sandbox.home().join("victim");
    write(&victim, b"mine\n");
    fs::set_permissions(&victim, fs::Permissions::from_mode(0o600)).unwrap();
    let places: [(&str, &dyn Fn()); 7] = [
        ("a link", &|| symlink(&victim, &path).unwrap()),
        ("a link to nothing", &|| symlink(sandbox.home().join("new"), &path).unwrap()),
        ("a link to a device", &|| symlink("/dev/zero", &path).unwrap()),
        ("another name of a file", &|| fs::hard_link(&victim, &path).unwrap()),
        ("a pipe", &|| assert!(Command::new("mkfifo").arg(&path).status().unwrap().success())),
        ("a folder", &|| fs::create_dir(&path).unwrap()),
        ("a file that others may read", &|| {
            write(&path, b"");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        }),
    ];
    for (what, make) in places {
        make();
        let before = fs::symlink_metadata(&path).unwrap();
        let run = sandbox.run(&["get"], HOST);
        assert!(run.code == Some(0) && run.stderr.is_empty(), "{what}: {run:?}");
        let after = fs::symlink_metadata(&path).unwrap();
        assert_eq!((before.ino(), before.len()), (after.ino(), after.len()), "{what}");
        assert_eq!(fs::read(&victim).unwrap(), b"mine\n", "{what}");
        assert!(!sandbox.home().join("new").exists());
        let why = sandbox.run(&["why"], "");
        assert!(why.stdout.is_empty() && why.code != Some(0), "{what}: {why:?}");
        if path.is_dir() { fs::remove_dir(&path).unwrap() } else { fs::remove_file(&path).unwrap() }
    }
}

#[test]
fn a_runtime_folder_that_is_not_ours_alone_gets_no_journal() {
    let sandbox = sandbox();
    sandbox.store(HOST, "alice", "s3cret");
    let folder = sandbox.home().join("runtime");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o1777)).unwrap();
    assert_eq!(sandbox.who(HOST), "alice");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        std::os::unix::fs::chown(&folder, Some(12345), None).unwrap();
        assert_eq!(sandbox.who(HOST), "alice"); // as `sudo -E docker pull` does
        // What another has there already is not ours to continue.
        write(&journal(&sandbox), b"");
        fs::set_permissions(journal(&sandbox), fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::chown(journal(&sandbox), Some(12345), None).unwrap();
        assert_eq!(sandbox.who(HOST), "alice");
        assert_eq!(fs::read(journal(&sandbox)).unwrap(), b"");
    } else {
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }
}

#[test]
fn without_a_runtime_folder_nothing_is_written_anywhere() {
    for folder in [None, Some(""), Some("runtime"), Some("/nowhere/at/all"), Some("/proc/sys")] {
        let mut sandbox = Sandbox::new();
        fs::create_dir(sandbox.home().join("runtime")).unwrap();
        if let Some(folder) = folder {
            sandbox = sandbox.with("XDG_RUNTIME_DIR", folder);
        }
        sandbox.store(HOST, "alice", "s3cret");
        let before = files_below(sandbox.home());
        assert_eq!(sandbox.who(HOST), "alice");
        assert_eq!(sandbox.run(&["get"], "no.example"), Run::not_found());
        assert_eq!(files_below(sandbox.home()), before, "{folder:?}");
        let why = sandbox.run(&["why"], "");
        assert!(why.code == Some(3) && why.stdout.is_empty() && why.stderr.starts_with("! "), "{why:?}");
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect();
    files.sort();
    files
}

#[test]
fn what_cannot_be_written_changes_no_answer() {
    let sandbox = sandbox();
    sandbox.store(HOST, "alice", "s3cret");
    let answer = sandbox.run(&["get"], HOST);
    assert_eq!(answer.code, Some(0));
    let in_shell = |script: &str| {
        let mut command = sandbox.command_of(Path::new("/bin/sh"), &["-c", script]);
        command.env("ENSIGN", Sandbox::program()).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        finish(command.spawn().unwrap(), HOST.as_bytes())
    };
    // Beyond this limit a write is a signal that kills (setrlimit(2), RLIMIT_FSIZE).
    assert_eq!(in_shell("ulimit -f 0; \"$ENSIGN\" get"), answer);
    assert_eq!(entries(&sandbox).len(), 1);
    let full = "mount -t tmpfs -o size=4k,mode=700 none \"$XDG_RUNTIME_DIR\" 2>/dev/null || exit 77
        head -c 4096 /dev/zero >\"$XDG_RUNTIME_DIR/full\"
        \"$ENSIGN\" get; code=$?
        rm \"$XDG_RUNTIME_DIR/full\"; \"$ENSIGN\" get </dev/null >/dev/null
        exit $code";
    let run = in_shell(&format!("exec unshare -m sh -c '{full}' 2>/dev/null || exit 77"));
    assert!(matches!(run.code, Some(77 | 1)) || run == answer, "{run:?}");
}

#[test]
fn a_hundred_at_once_write_whole_lines_and_the_journal_stays_small() {
    let sandbox = two_accounts();
    let long = "x".repeat(150);
    let image = format!("ghcr.io/bob/{long}");
    let filler = format!("{}\n", json!({"v": 1, "at": 1, "registry": "a.example", "outcome": "answered", "x": long}));
    let nearly = (64 << 10) / filler.len();
    write(&journal(&sandbox), filler.repeat(nearly).as_bytes());
    fs::set_permissions(journal(&sandbox), fs::Permissions::from_mode(0o600)).unwrap();
    called_by(&sandbox, &["docker", "push", &image], HOST);
    std::thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| assert_eq!(called_by(&sandbox, &["docker", "pull", &image], HOST).code, Some(0)));
        }
    });
    let [new, old] = [journal(&sandbox), journal(&sandbox).with_extension("jsonl.old")]
        .map(|path| fs::read_to_string(path).unwrap_or_default());
    assert!(new.len() <= 64 << 10 && old.len() <= 64 << 10, "{} {}", new.len(), old.len());
    let lines: Vec<Value> = old.lines().chain(new.lines()).map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().filter(|line| line["client"] == "docker pull").count(), 100);
    assert_eq!(fs::read_dir(sandbox.home().join("runtime")).unwrap().count(), 2);
    let shown = sandbox.ok(&["why", "-n", "1000", "--json"], "");
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["decisions"].as_array().unwrap().len(), lines.len());
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
    assert_eq!(
        sandbox.run(&["why", "--off"], ""),
        Run {
            stderr: "✓ Answers are no longer written down\n  Those before stay until `docker-credential-ensign why --clear`.\n"
                .into(),
            ..Run::success("")
        }
    );
    assert_eq!(sandbox.config()["journal"], json!(false));
    sandbox.who(HOST);
    assert_eq!(one()["accounts"], 1);
    sandbox.store(HOST, "bob", "x");
    assert_eq!(sandbox.config()["journal"], json!(false), "other changes leave it");
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
    assert_eq!(sandbox.who(HOST), "bob", "what it means there is no reason not to answer");
}

#[test]
fn why_tells_the_last_answers_newest_first_and_the_way_out_of_torn_ones() {
    let sandbox = two_accounts();
    assert_eq!(
        sandbox.run(&["why"], ""),
        Run {
            code: Some(3),
            stdout: String::new(),
            stderr: "! nobody has asked since the journal began, at the latest when this machine was started\n".into()
        }
    );
    called_by(&sandbox, &["docker", "push", "ghcr.io/bob/app:1"], HOST);
    called_by(&sandbox, &["skopeo", "copy", "docker://ghcr.io/bob/a", "docker://ghcr.io/alice/b"], HOST);
    assert_eq!(sandbox.run(&["get"], "no.example").stdout, NOT_FOUND);
    let why = sandbox.run(&["why"], "");
    assert_eq!(
        why.stdout.replace("1 second ago", "just now    "),
        "just now        a client      no.example   no account\n    \
             `docker-credential-ensign login no.example` adds one\n\
         just now        skopeo copy   ghcr.io   → alice\n    \
             undecided: ghcr.io/bob/a is bob's, ghcr.io/alice/b is alice's\n    default account\n\
         just now        docker push   ghcr.io   → bob\n    command line: ghcr.io/bob/app:1 is in ghcr.io/bob/**\n"
    );
    let ways = |typed: &str| {
        format!(
            "! one call gets one account, and these images belong to several: nothing is guessed. The ways out:\n  \
               this command  ENSIGN_ACCOUNT=ghcr.io=bob {typed}\n  \
               one tool      docker-credential-ensign pin bob   (and name the helper `ensign-bob` in the tool's config)\n  \
               this folder   docker-credential-ensign account edit ghcr.io bob --folder .\n"
        )
    };
    assert_eq!((why.stderr, why.code), (ways("skopeo copy …"), Some(0)));
    let typed = "skopeo copy docker://ghcr.io/bob/a docker://ghcr.io/alice/b";
    assert_eq!(sandbox.run(&["which", HOST, "--as", typed], "").stderr, ways(typed));

    let build = ["which", HOST, "--as", "docker buildx build --push -t ghcr.io/bob/a -t ghcr.io/alice/b ."];
    let sync = "\n  every build   docker-credential-ensign buildx sync ghcr.io/bob/a ghcr.io/alice/b\n";
    assert!(sandbox.run(&build, "").stderr.contains(sync));

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
        assert_eq!((&json["schema"], run.stderr.as_str()), (&json!(1), ""));
    }
    let none = sandbox.run(&["why", "quay.io"], "");
    assert_eq!(none.stderr, "! none of the last 3 answers was about quay.io\n");
    assert_eq!(sandbox.run(&["why", "Not An Image"], "").code, Some(2));
    assert_eq!(sandbox.run(&["why", "--on", "--off"], "").code, Some(2));
}

#[test]
fn what_stands_in_the_journal_does_no_harm() {
    let sandbox = sandbox();
    sandbox.store(HOST, "alice", "s3cret");
    let evil = "\u{1b}[31m\u{9b}2Jx\r\u{202e}\nroot";
    let mut text = json!({"v": 1, "at": u64::MAX, "registry": evil, "client": evil, "outcome": "answered",
        "account": evil, "rung": evil, "detail": {"image": evil, "pattern": evil, "file": evil}})
    .to_string();
    text.push_str("\nbroken\n\u{0}\u{1}\n{\"v\":1,\"registry\":7}\n{\"v\":1,\"at\":-1}\n[[[[[[\n");
    text.push_str(&json!({"v": 9, "registry": "new.example", "outcome": "teleported", "to": "mars"}).to_string());
    text.push('\n');
    text.push_str(&"[".repeat(100_000));
    text.push_str(&json!({"v": 1, "registry": "x".repeat(9000), "outcome": "several"}).to_string());
    text.push_str("\n{\"v\":1,\"registry\":\"half.example\",\"outc");
    write(&journal(&sandbox), text.as_bytes());
    fs::set_permissions(journal(&sandbox), fs::Permissions::from_mode(0o600)).unwrap();
    let why = sandbox.run(&["why"], "");
    assert_eq!(why.code, Some(0), "{why:?}");
    assert!(!why.stdout.contains(['\u{1b}', '\u{9b}', '\r', '\u{202e}']) && why.stdout.len() < 2000, "{why:?}");
    assert!(why.stdout.contains("new.example   something that only a newer Ensign knows"), "{why:?}");
    assert_eq!(why.stdout.lines().filter(|line| !line.starts_with(' ')).count(), 3, "{why:?}");
    let json = sandbox.ok(&["why", "--json"], "");
    assert_eq!(json.lines().count(), 1);
    assert_eq!(sandbox.who(HOST), "alice", "a half line in front of ours");
    assert_eq!(sandbox.run(&["why", HOST], "").code, Some(0));
}
