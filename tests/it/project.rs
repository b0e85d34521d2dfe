//! `.ensign.toml` and `trust`: accounts that a project's file names.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use snapbox::str;

use crate::support::snapshots::{redacted, shows};
use crate::support::{Run, Sandbox, finish, write};

pub const WORK: &str = "[accounts]\n\"ghcr.io\" = \"work\"\n";

/// A home with `me`, the default, and `work` on two registries. This text is the `.ensign.toml` of the project `p`.
pub fn project(text: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    for host in ["ghcr.io", "docker.io"] {
        sandbox.store(host, "work", "work-pw");
        sandbox.store(host, "me", "me-pw");
    }
    write(&sandbox.home().join("p/sub/file"), b"");
    write(&sandbox.home().join("p/.ensign.toml"), text.as_bytes());
    sandbox
}

fn command_in(sandbox: &Sandbox, folder: &str, words: &[&str]) -> Command {
    let mut command = sandbox.command(words);
    command.current_dir(sandbox.home().join(folder));
    command
}

pub fn run_in(sandbox: &Sandbox, folder: &str, words: &[&str]) -> Run {
    finish(command_in(sandbox, folder, words).spawn().unwrap(), b"")
}

/// Returns the user name of a `get` in `folder`, or the error.
pub fn who_in(sandbox: &Sandbox, folder: &str, server: &str) -> String {
    let run = finish(command_in(sandbox, folder, &["get"]).spawn().unwrap(), server.as_bytes());
    assert_eq!(run.stderr, "");
    let name = serde_json::from_str::<Value>(&run.stdout).map(|answer| answer["Username"].as_str().unwrap().to_owned());
    name.unwrap_or_else(|_| run.stdout.trim().to_owned())
}

pub fn trust(sandbox: &Sandbox) {
    let run = run_in(sandbox, "p", &["trust", "--yes"]);
    assert_eq!(run.code, Some(0), "{run:?}");
}

/// Returns the file's path as Ensign stores it.
pub fn file(sandbox: &Sandbox) -> String {
    sandbox.home().join("p").canonicalize().unwrap().join(".ensign.toml").to_str().unwrap().to_owned()
}

#[test]
fn a_file_names_accounts_in_its_folder_once_it_is_trusted_and_until_it_changes() {
    let sandbox = project("[accounts]\n\"GHCR.io\" = \"work\"\n'index.docker.io' = 'work'\n");
    assert_eq!(who_in(&sandbox, "p/sub", "ghcr.io"), "me");
    trust(&sandbox);
    for (folder, server, who) in [
        ("p", "ghcr.io", "work"),
        ("p/sub", "ghcr.io", "work"),
        ("p/sub", "https://index.docker.io/v1/", "work"),
        ("", "ghcr.io", "me"),
    ] {
        assert_eq!(who_in(&sandbox, folder, server), who, "{folder} {server}");
    }
    write(&sandbox.home().join("p/.ensign.toml"), b"[accounts]\n'ghcr.io' = 'work' # more\n");
    assert_eq!(who_in(&sandbox, "p", "ghcr.io"), "me");
    trust(&sandbox);
    assert_eq!(who_in(&sandbox, "p", "ghcr.io"), "work");
    fs::rename(sandbox.home().join("p"), sandbox.home().join("q")).unwrap();
    assert_eq!(who_in(&sandbox, "q", "ghcr.io"), "me");
}

#[test]
fn a_nearer_file_that_nobody_trusts_hides_the_one_above() {
    let sandbox = project(WORK);
    trust(&sandbox);
    write(&sandbox.home().join("p/sub/.ensign.toml"), WORK.as_bytes());
    assert_eq!((who_in(&sandbox, "p/sub", "ghcr.io"), who_in(&sandbox, "p", "ghcr.io")), ("me".into(), "work".into()));
}

#[test]
fn which_and_why_say_of_a_trusted_file_where_it_lies_and_never_that_it_is_not_trusted() {
    let sandbox = project(WORK);
    let runtime = sandbox.home().join("run");
    std::fs::create_dir(&runtime).unwrap();
    let sandbox = sandbox.with("XDG_RUNTIME_DIR", runtime.to_str().unwrap());
    trust(&sandbox);
    sandbox.ok(&["public", "add", "alpine"], "");
    let public = run_in(&sandbox, "p", &["which", "alpine"]);
    public.shows(str![[r#"
exit 0
--- stdout
no account needed
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
●  5 command line           docker.io/library/alpine needs no account: docker.io/library/alpine is public
   6 files                  not read: the command line names an image
   7 .ensign.toml           names no account of this registry
   8 folder                 no account is for this folder
   9 default account        → me
  10 only account           there are several

"#]]);
    let which = run_in(&sandbox, "p", &["which", "ghcr.io"]);
    assert!(which.stdout.contains("\n●  7 .ensign.toml           → work   (in ~/p/.ensign.toml)\n"), "{which:?}");
    assert_eq!(who_in(&sandbox, "p", "ghcr.io"), "work");
    let why = run_in(&sandbox, "p", &["why"]); // Windows has no journal
    assert!(cfg!(windows) || why.stdout.contains("    .ensign.toml → work   (in ~/p/.ensign.toml)\n"), "{why:?}");
}

#[test]
fn which_points_out_a_file_that_is_not_trusted() {
    let sandbox = project(&format!("{WORK}[later]\npassword = 'hunter2'\n"));
    let which = |words: &[&str]| run_in(&sandbox, "p/sub", &[&["which", "ghcr.io"], words].concat());
    let run = which(&[]);
    run.shows(str![[r#"
exit 0
--- stdout
me
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           no image of this registry is named
   6 files                  no image of this registry is named
   7 .ensign.toml           ~/p/.ensign.toml is not trusted
   8 folder                 no account is for this folder
●  9 default account        → me
  10 only account           there are several
--- stderr
! ~/p/.ensign.toml names `work` for ghcr.io, but is not trusted: run `docker-credential-ensign trust`

"#]]);
    run.shows(str![[r#"
exit 0
--- stdout
me
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           no image of this registry is named
   6 files                  no image of this registry is named
   7 .ensign.toml           ~/p/.ensign.toml is not trusted
   8 folder                 no account is for this folder
●  9 default account        → me
  10 only account           there are several
--- stderr
! ~/p/.ensign.toml names `work` for ghcr.io, but is not trusted: run `docker-credential-ensign trust`

"#]]);
    trust(&sandbox);
    let run = which(&[]);
    assert!(run.stdout.starts_with("work\n"), "{run:?}");
    assert!(run.stdout.contains("\n●  7 .ensign.toml           → work   (in ~/p/.ensign.toml)\n"), "{run:?}");
    run.shows(str![[r#"
exit 0
--- stdout
work
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           no image of this registry is named
   6 files                  no image of this registry is named
●  7 .ensign.toml           → work   (in ~/p/.ensign.toml)
   8 folder                 no account is for this folder
   9 default account        → me
  10 only account           there are several
--- stderr
! ~/p/.ensign.toml has unknown fields, which Ensign ignores: later

"#]]);
    let json: Value = serde_json::from_str(&which(&["--json"]).stdout).unwrap();
    let path = file(&sandbox);
    let expected = json!({"file": path, "trusted": true, "account": "work", "unknown": ["later"], "error": null});
    assert_eq!(json["project"], expected);
    assert_eq!(json["steps"][6]["reason"], json!({"project-file": path}));
    write(&sandbox.home().join("p/.ensign.toml"), WORK.as_bytes());
    which(&[]).shows(str![[r#"
exit 0
--- stdout
me
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           no image of this registry is named
   6 files                  no image of this registry is named
   7 .ensign.toml           ~/p/.ensign.toml has changed since it was trusted
   8 folder                 no account is for this folder
●  9 default account        → me
  10 only account           there are several
--- stderr
! ~/p/.ensign.toml names `work` for ghcr.io, but has changed since it was trusted: run `docker-credential-ensign trust`

"#]]);
    assert_eq!(run_in(&sandbox, "", &["which", "ghcr.io"]).stderr, "");
}

#[test]
fn an_explicit_wish_and_images_go_before_the_file() {
    let sandbox = project(WORK);
    trust(&sandbox);
    let mut command = command_in(&sandbox, "p", &["get"]);
    command.env("ENSIGN_ACCOUNT", "ghcr.io=me");
    assert!(finish(command.spawn().unwrap(), b"ghcr.io").stdout.contains("me-pw"));
    assert_eq!(who_in(&sandbox, "p", "me@ghcr.io"), "me");
    assert_eq!(who_in(&sandbox, "p", "ghcr.io/me/app"), "me");
    for (image, who) in [("ghcr.io/me/app", "me\n"), ("ghcr.io/nobody/app", "work\n")] {
        assert!(run_in(&sandbox, "p", &["which", image]).stdout.starts_with(who), "{image}");
    }
    let folder = sandbox.home().join("p").display().to_string();
    sandbox.ok(&["account", "edit", "ghcr.io", "me", "--folder", &folder], "");
    assert_eq!(who_in(&sandbox, "p", "ghcr.io"), "work");
    assert_eq!(run_in(&sandbox, "p/sub", &["prompt"]), Run::success("ghcr.io=work\n"));
    sandbox.ok(&["account", "edit", "docker.io", "me", "--folder", &folder], "");
    let json: Value = serde_json::from_str(&run_in(&sandbox, "p/sub", &["prompt", "--json"]).stdout).unwrap();
    let by = (json["accounts"].as_str().unwrap(), json["by"].as_str().unwrap());
    assert_eq!(by, ("ghcr.io=work,docker.io=me", ".ensign.toml, folder"));
}

#[test]
fn an_account_that_is_not_there_is_never_replaced_by_another() {
    let sandbox = project("[accounts]\n'ghcr.io' = 'at work'\n");
    trust(&sandbox);
    shows(
        &who_in(&sandbox, "p", "ghcr.io"),
        str![
            ".ensign.toml names `at work`, but ghcr.io has no such account: run `docker-credential-ensign login ghcr.io --alias 'at work'`"
        ],
    );
    assert_eq!(who_in(&sandbox, "p", "docker.io"), "me");
    let which = run_in(&sandbox, "p", &["which", "ghcr.io"]);
    assert_eq!(which.code, Some(3), "{which:?}");
    which.shows(str![[r#"
exit 3
--- stdout
no account
   1 ENSIGN_ACCOUNT         not set
   2 name of the program    the program is not pinned
   3 user in the address    none
   4 image in the address   none
   5 command line           no image of this registry is named
   6 files                  no image of this registry is named
●  7 .ensign.toml           names `at work`, but ghcr.io has no such account
   8 folder                 no account is for this folder
   9 default account        → me
  10 only account           there are several
--- stderr
! .ensign.toml names `at work`, but ghcr.io has no such account: run `docker-credential-ensign login ghcr.io --alias 'at work'`

"#]]);
    let check = run_in(&sandbox, "p", &["check", "ghcr.io"]);
    check.shows(str![[r#"
exit 3
--- stderr
error: .ensign.toml names `at work`, but ghcr.io has no such account
hint: run `docker-credential-ensign login ghcr.io --alias 'at work'`

"#]]);
    assert_eq!(run_in(&sandbox, "p", &["prompt"]), Run::success(""));
}

#[test]
fn a_hostile_file_is_ignored_at_once_and_never_quoted() {
    type Make = fn(&Path);
    let kinds: [(&str, Make); 9] = [
        ("locked", |path| {
            write(path, WORK.as_bytes());
            fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
        }),
        ("pipe", |path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success())),
        ("device", |path| symlink("/dev/zero", path).unwrap()),
        ("folder", |path| fs::create_dir(path).unwrap()),
        ("dangling", |path| symlink("nowhere", path).unwrap()),
        ("large", |path| write(path, &vec![b'#'; 10 << 20])),
        ("broken", |path| write(path, b"[accounts]\nghcr.io: hunter2")),
        ("deep", |path| write(path, format!("a = {}", "[".repeat(60_000)).as_bytes())),
        ("bytes", |path| write(path, b"a = 1\n\xff\xfe")),
    ];
    let mut reasons = BTreeSet::new();
    for (kind, make) in kinds {
        let sandbox = project(WORK);
        trust(&sandbox);
        let path = sandbox.home().join("p/.ensign.toml");
        fs::remove_file(&path).unwrap();
        make(&path);
        if kind == "locked" && fs::read(&path).is_ok() {
            continue; // root can read every file
        }
        assert_eq!(who_in(&sandbox, "p/sub", "ghcr.io"), "me", "{kind}");
        for words in [&["which", "ghcr.io"][..], &["trust", "--yes"], &["trust", "--yes", "."], &["trust", "--list"]] {
            let run = run_in(&sandbox, "p", words);
            let told = format!("{}{}", run.stdout, run.stderr);
            assert!(!told.contains("hunter2"), "{kind}: {told}");
            if words == ["which", "ghcr.io"] || words == ["trust", "--yes"] {
                let line = run.stderr.lines().next().unwrap_or_else(|| panic!("{kind}: {run:?}"));
                let (_, reason) = line.split_once(".ensign.toml").unwrap_or_else(|| panic!("{kind}: {run:?}"));
                reasons.insert(redacted(&format!("{kind}:{}", reason.trim_start_matches('`'))));
            }
            assert!(words[0] != "trust" || words[1..] == ["--list"] || run.code != Some(0), "{kind}: {run:?}");
        }
    }
    // As root no file is locked, so the line about a locked file is optional.
    let (locked, open): (Vec<_>, Vec<_>) = reasons.into_iter().partition(|reason| reason.starts_with("locked: "));
    assert!(locked.iter().all(|reason| reason.contains("ermission denied")), "{locked:?}");
    shows(
        &open.join("\n"),
        str![[r#"
broken: is broken at line 2: key with no value, expected `=`
bytes: is broken at line 2: the file is not in UTF-8
dangling: cannot be read: there is no such file
deep: is broken at line 1: cannot recurse further; max recursion depth met
device: cannot be read: could not read `[HOME]/p/.ensign.toml`: it is not a file
folder: cannot be read: could not read `[HOME]/p/.ensign.toml`: it is not a file
large: cannot be read: could not read `[HOME]/p/.ensign.toml`: it is larger than 64 KiB
pipe: cannot be read: could not read `[HOME]/p/.ensign.toml`: it is not a file
"#]],
    );
}
