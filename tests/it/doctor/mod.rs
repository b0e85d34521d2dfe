//! `doctor`: for each check, a test makes a fault, and then fixes it with `--fix` or with the shown command.
#![cfg(unix)]

mod accounts;
mod clients;
mod files;
mod helpers;
mod network;
mod path;
mod report;
mod stores;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use snapbox::str;

use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, finish, write};

const HOST: &str = "ghcr.io";
const STRANGER: u32 = 54321;

/// A home with two accounts, in which Docker and Podman ask Ensign.
fn healthy() -> Sandbox {
    let sandbox = installed();
    sandbox.store(HOST, "bob", "bob-s3cret");
    sandbox.store(HOST, "alice", "alice-s3cret");
    sandbox.ok(&["configure-docker"], "");
    sandbox
}

/// A home with the program on PATH, and without accounts.
fn installed() -> Sandbox {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.home().join("bin")).unwrap();
    sandbox.link("bin/docker-credential-ensign");
    fs::create_dir(sandbox.home().join("run")).unwrap();
    let path = format!("{}:/usr/bin:/bin", sandbox.home().join("bin").display());
    let session = sandbox.home().join("run").display().to_string();
    sandbox.with("PATH", &path).with("XDG_RUNTIME_DIR", &session)
}

/// Installs a script on PATH by another process, for the reason in `Sandbox::link`.
fn program(sandbox: &Sandbox, name: &str, script: &str) {
    let text = sandbox.home().join("script");
    write(&text, format!("#!/bin/sh\n{script}\n").as_bytes());
    let to = sandbox.home().join("bin").join(name);
    assert!(Command::new("install").args(["-m", "755"]).args([&text, &to]).status().unwrap().success());
    fs::remove_file(text).unwrap();
}

fn write_docker_config(sandbox: &Sandbox, config: &Value) {
    write(&sandbox.docker_config_path(), config.to_string().as_bytes());
}

fn run(sandbox: &Sandbox, words: &[&str]) -> Run {
    sandbox.run(&[&["doctor"], words].concat(), "")
}

/// Returns the name, severity and JSON of each finding. The exit status must depend on broken things only.
fn findings(sandbox: &Sandbox, words: &[&str]) -> Vec<(String, String, Value)> {
    let run = run(sandbox, &[words, &["--json"]].concat());
    let json: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"));
    assert_eq!(run.code, Some(i32::from(json["healthy"] == json!(false))), "{run:?}");
    let groups = json["groups"].as_array().unwrap().clone();
    let found = groups.into_iter().flat_map(|group| group["findings"].as_array().unwrap().clone());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    found.map(|one| (text(&one["check"]), text(&one["severity"]), one)).collect()
}

fn names(found: &[(String, String, Value)]) -> Vec<(&str, &str)> {
    found.iter().map(|(check, severity, _)| (check.as_str(), severity.as_str())).collect()
}

fn assert_found(sandbox: &Sandbox, expected: &[(&str, &str)]) -> Vec<Value> {
    let found = findings(sandbox, &[]);
    assert_eq!(names(&found), expected, "{found:#?}");
    found.into_iter().map(|(_, _, one)| one).collect()
}

fn assert_healthy(sandbox: &Sandbox) {
    assert_found(sandbox, &[]);
}

/// Asserts that `--fix` fixes the fault, and that `doctor` then finds nothing.
fn assert_fixed(sandbox: &Sandbox, check: &str) {
    let run = run(sandbox, &["--fix", check]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains(&format!("✓ {check}: fixed")), "{run:?}");
    assert_healthy(sandbox);
}

/// Asserts that `--fix` changes nothing, and shows this command for a person.
fn assert_by_hand(sandbox: &Sandbox, check: &str, command: &str) {
    let before = listing(sandbox.home());
    let broken = findings(sandbox, &[]).iter().any(|(name, severity, _)| name == check && severity == "broken");
    let run = run(sandbox, &["--fix", check]);
    assert_eq!(run.code, Some(i32::from(broken)), "{run:?}");
    let on_one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(on_one_line(&run.stdout).contains(&on_one_line(&format!("fix: {command}"))), "{run:?}");
    assert_eq!(listing(sandbox.home()), before);
}

/// Asserts that the shown command fixes the fault: after a shell has run the command, the fault is gone. `typed`
/// completes the command as a person would, for example with a password.
fn assert_mended_by_hand(sandbox: &Sandbox, check: &str, words: &[&str], typed: impl FnOnce(&str) -> String) {
    let found = findings(sandbox, words);
    let (.., one) = found.iter().find(|(name, ..)| name == check).unwrap_or_else(|| panic!("{found:?}"));
    let command = one["command"].as_str().unwrap().split("   (").next().unwrap();
    let doctor = [&["docker-credential-ensign", "doctor", "--json"], words].concat().join(" ");
    let script = format!("{{ {}\n}} >&2 && exec {doctor}", typed(command));
    let run = finish(sandbox.command_of(Path::new("/bin/sh"), &["-c", &script]).spawn().unwrap(), b"");
    assert_gone(check, &script, &run);
}

fn assert_gone(check: &str, script: &str, run: &Run) {
    let json: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{script}: {run:?}"));
    assert!(!json.to_string().contains(&format!("\"check\":\"{check}\"")), "{script}: {json:#} {}", run.stderr);
}

fn as_it_is(command: &str) -> String {
    command.to_owned()
}

/// Adds the user and the password to a login.
fn with_password(command: &str) -> String {
    format!("printf another-s3cret | {command} -u bob --password-stdin --no-verify")
}

/// Adds an editor that replaces the edited file by the file `good`.
fn with_editor(sandbox: Sandbox) -> Sandbox {
    program(&sandbox, "edit", "cp \"$HOME/good\" \"$1\"");
    sandbox.with("EDITOR", "edit")
}

/// Returns every file with its content and times. Links are not followed.
fn listing(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        let metadata = fs::symlink_metadata(&path).unwrap();
        let target = fs::read_link(&path).ok();
        let content = fs::read(&path).ok().filter(|_| metadata.is_file());
        let told = format!("{:?} {:?} {target:?} {content:?}", metadata.modified().unwrap(), metadata.permissions());
        if metadata.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        all.insert(path, told);
    }
    all
}

/// Runs the program as another user, who gets the home. Returns `None` if the test does not run as root.
fn as_stranger(sandbox: &Sandbox, words: &[&str]) -> Option<Run> {
    use std::os::unix::process::CommandExt;
    let id = STRANGER.to_string();
    let chown = Command::new("chown").args(["-hR", &format!("{id}:{id}")]).arg(sandbox.home()).status();
    if !chown.is_ok_and(|status| status.success()) {
        eprintln!("skipped: only root can be another user");
        return None;
    }
    let copy = sandbox.home().join("bin/docker-credential-ensign");
    let made = Command::new("install").args(["-m", "755", Sandbox::program()]).arg(&copy).status();
    assert!(made.unwrap().success());
    let mut command = sandbox.command_of(&copy, &[&["doctor"], words].concat());
    Some(finish(command.uid(STRANGER).gid(STRANGER).spawn().unwrap(), b""))
}

#[test]
fn a_healthy_home_is_one_screen() {
    let sandbox = healthy();
    let mut transcript = String::new();
    for _ in 0..2 {
        let run = run(&sandbox, &[]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
        assert!(run.stdout.lines().count() <= 24, "{run:?}");
        transcript += &run.transcript();
        assert!(!run.stdout.contains(['✗', '!']), "{run:?}");
    }
    shows(
        &transcript,
        str![[r#"
exit 0
--- stdout
✓ path      Ensign [VERSION] in ~/bin
✓ helpers   no other helper is configured
✓ order     Docker and Podman ask Ensign for ghcr.io
✓ files     4 files, readable by you only, nothing left over
✓ stores    2 secrets in files, in clear text
✓ network   clock plausible, no proxy, registries not asked (--online)
✓ accounts  2 accounts with their secrets
✓ answers   ghcr.io/bob/app → bob, ghcr.io/alice/app → alice

No problems found. For a report without secrets:
  docker-credential-ensign doctor --report
To look for a newer release:  docker-credential-ensign update --check
exit 0
--- stdout
✓ path      Ensign [VERSION] in ~/bin
✓ helpers   no other helper is configured
✓ order     Docker and Podman ask Ensign for ghcr.io
✓ files     4 files, readable by you only, nothing left over
✓ stores    2 secrets in files, in clear text
✓ network   clock plausible, no proxy, registries not asked (--online)
✓ accounts  2 accounts with their secrets
✓ answers   ghcr.io/bob/app → bob, ghcr.io/alice/app → alice

No problems found. For a report without secrets:
  docker-credential-ensign doctor --report
To look for a newer release:  docker-credential-ensign update --check

"#]],
    );
}

#[test]
fn nothing_is_written_without_fix() {
    let sandbox = healthy();
    write_docker_config(&sandbox, &json!({"credsStore": "gone", "auths": {"a.io": {"auth": "ZGF2ZTpwdw=="}}}));
    write(&sandbox.home().join("data/secrets/a.io.json.new"), b"{}");
    let before = listing(sandbox.home());
    for words in [&[][..], &["--json"], &["--report"]] {
        assert_eq!(run(&sandbox, words).code, Some(1), "{words:?}");
    }
    assert_eq!(listing(sandbox.home()), before);
    // `doctor` does not adopt the accounts of ATCR's helper either.
    let sandbox = installed();
    let device = json!({"handle": "me.example", "device_secret": "atcr_device_x", "appview_url": "https://atcr.io"});
    write(&sandbox.home().join(".atcr/device.json"), device.to_string().as_bytes());
    let before = listing(sandbox.home());
    let run = run(&sandbox, &[]);
    run.shows(str![[r#"
exit 1
--- stdout
✓ path      Ensign [VERSION] in ~/bin
✓ helpers   no other helper is configured
✗ order     1 broken, 1 note
  ✗ docker-not-asking: Docker does not ask Ensign for atcr.io
      breaks: pulls and pushes at this registry go out without a login
      fix:    docker-credential-ensign doctor --fix docker-not-asking
      does:   docker-credential-ensign configure-docker --force atcr.io
  ! podman-not-asking: Podman, Buildah and Skopeo do not ask Ensign for atcr.io
      breaks: pulls and pushes at this registry go out without a login
      fix:    docker-credential-ensign doctor --fix podman-not-asking
      does:   docker-credential-ensign configure-docker --force atcr.io
✓ files     0 files, readable by you only, nothing left over
✓ stores    1 secret in files, in clear text
✓ network   clock plausible, no proxy, registries not asked (--online)
✓ accounts  1 account with its secret
✓ answers   no account to try

Found: 1 broken, 1 note. For a report without secrets:
  docker-credential-ensign doctor --report
To look for a newer release:  docker-credential-ensign update --check
--- stderr
! 1 account of ATCR's helper is taken over; the helper's file is unchanged

"#]]);
    assert_eq!(listing(sandbox.home()), before);
}

#[test]
fn what_is_fine_is_not_mended() {
    let sandbox = healthy();
    let before = listing(sandbox.home());
    let run = run(&sandbox, &["--fix", "file-mode"]);
    run.shows(str![[r#"
exit 0
--- stderr
✓ file-mode: nothing to fix

"#]]);
    assert_eq!(listing(sandbox.home()), before);
    let run = self::run(&sandbox, &["--fix", "file-mod"]);
    assert!(run.code == Some(2) && run.stderr.contains("file-mode"), "{run:?}");
}

/// Compares the names of the checks in the source with the page and with the tests.
#[test]
fn each_check_has_a_line_in_the_docs_and_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    let source = read("src/cli/doctor/diagnosis.rs");
    let names = source.split("const fn name").nth(1).unwrap().split("enum Severity").next().unwrap();
    let names: Vec<_> = names.split('"').skip(1).step_by(2).collect();
    assert!(names.len() >= 40, "{names:?}");
    let docs = read("docs/troubleshooting.md");
    let tests: String = fs::read_dir(root.join("tests/it/doctor"))
        .unwrap()
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    for name in names {
        assert!(docs.contains(&format!("| `{name}` |")), "docs/troubleshooting.md lacks `{name}`");
        assert!(tests.contains(&format!("\"{name}\"")), "no test names `{name}`");
    }
}

const GROUPS: [&str; 8] = ["path", "helpers", "order", "files", "stores", "network", "accounts", "answers"];
