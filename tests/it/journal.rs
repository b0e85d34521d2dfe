//! The journal's file: it is private, small and complete, and never prevents an answer.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, finish, write};
use crate::why::{HOST, called_by, entries, journal, sandbox, two_accounts};

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
        assert_eq!(sandbox.who(HOST), "alice"); // `sudo -E docker pull` finds such a folder
        // Ensign does not append to another user's file.
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
    let mut transcript = String::new();
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
        transcript += &why.transcript();
    }
    shows(
        &transcript,
        str![[r#"
exit 3
--- stderr
! the journal needs XDG_RUNTIME_DIR, which names no usable folder here
exit 3
--- stderr
! the journal needs XDG_RUNTIME_DIR, which names no usable folder here
exit 3
--- stderr
! the journal needs XDG_RUNTIME_DIR, which names no usable folder here
exit 3
--- stderr
! the journal is empty: no client has asked yet
exit 3
--- stderr
! the journal is empty: no client has asked yet

"#]],
    );
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
    // A write beyond this limit raises a signal that kills the process (setrlimit(2), RLIMIT_FSIZE).
    assert_eq!(in_shell("ulimit -f 0; \"$ENSIGN\" get"), answer);
    let entry = r#"{"ServerURL": "quay.io", "Username": "a", "Secret": "b"}"#;
    in_shell(&format!("ulimit -f 0; echo '{entry}' | \"$ENSIGN\" store")).shows(str![[r#"
exit 1
--- stdout
could not write `[HOME]/data/secrets/quay.io.json`: file too large: remove the limit on the size of files: `ulimit -f unlimited`

"#]]);
    assert_eq!(entries(&sandbox).len(), 1);
    let mount = "mount -t tmpfs -o size=4k,mode=700 none \"$XDG_RUNTIME_DIR\"";
    if in_shell(&format!("unshare -m sh -c '{mount}'")).code != Some(0) {
        return eprintln!("skipped: this test may not mount");
    }
    let full = "head -c 4096 /dev/zero >\"$XDG_RUNTIME_DIR/full\"
        \"$ENSIGN\" get; code=$?
        rm \"$XDG_RUNTIME_DIR/full\"; \"$ENSIGN\" get </dev/null >/dev/null
        exit $code";
    assert_eq!(in_shell(&format!("unshare -m sh -c '{mount}; {full}' 2>/dev/null")), answer);
}

#[test]
fn a_hundred_at_once_write_whole_lines_and_the_journal_stays_small() {
    let sandbox = two_accounts();
    let long = "x".repeat(150);
    let image = format!("ghcr.io/bob/{long}");
    let entry = json!({"v": 2, "at": 1, "outcome": "answered", "registry": "a.example", "verdict": "account", "steps": [], "x": long});
    let filler = format!("{entry}\n");
    let nearly = (64 << 10) / filler.len();
    write(&journal(&sandbox), filler.repeat(nearly).as_bytes());
    fs::set_permissions(journal(&sandbox), fs::Permissions::from_mode(0o600)).unwrap();
    called_by(&sandbox, &["docker", "pull", &image], HOST); // also writes the script for the threads below
    std::thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| assert_eq!(called_by(&sandbox, &["docker", "pull", &image], HOST).code, Some(0)));
        }
    });
    let [new, old] = [journal(&sandbox), journal(&sandbox).with_extension("jsonl.old")]
        .map(|path| fs::read_to_string(path).unwrap_or_default());
    assert!(new.len() <= 64 << 10 && old.len() <= 64 << 10, "{} {}", new.len(), old.len());
    let lines: Vec<Value> = old.lines().chain(new.lines()).map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().filter(|line| line["client"] == "docker pull").count(), 101);
    assert_eq!(fs::read_dir(sandbox.home().join("runtime")).unwrap().count(), 2);
    let shown = sandbox.ok(&["why", "-n", "1000", "--json"], "");
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["decisions"].as_array().unwrap().len(), lines.len());
}
