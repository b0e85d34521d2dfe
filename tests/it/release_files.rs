//! `packaging/release.sh`: it makes a release in the form that RELEASE.md describes, and that `install.sh` and `update`
//! expect.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;

use crate::support::{Run, Sandbox, finish};

const MINISIGN: &str =
    "#!/bin/sh\necho \"$*\" >\"$HOME/asked\"\nwhile [ $# -gt 1 ]; do [ \"$1\" != -x ] || : >\"$2\"; shift; done\n";

/// A fake `cargo cyclonedx`, which writes its list into the given folder and names that folder in the list.
const CYCLONEDX: &str = "#!/bin/sh\n[ \"$1\" = cyclonedx ] || exit 9\nwhile [ \"$1\" != --manifest-path ]; do shift; done\n\
folder=${2%/Cargo.toml}\n[ -f \"$folder/Cargo.lock\" ] && [ -f \"$folder/src/main.rs\" ] || exit 8\n\
echo \"{\\\"path+file://$folder#ensign\\\": $SOURCE_DATE_EPOCH}\" >\"$folder/list.json\"\n";

fn release(sandbox: &Sandbox, folder: &str, environment: &[(&str, &str)], programs: &[&str]) -> Run {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/release.sh");
    let folder = sandbox.home().join(folder);
    let mut command = sandbox.command_of("/bin/sh".as_ref(), &[&[script, folder.to_str().unwrap()], programs].concat());
    let licences = concat!(env!("CARGO_MANIFEST_DIR"), "/LICENSE-MIT"); // collecting the real licences takes seconds
    command.env("SOURCE_DATE_EPOCH", "1700000000").env("LICENCES", licences).envs(environment.iter().copied());
    finish(command.spawn().unwrap(), b"")
}

fn tool(folder: &Path, words: &[&str]) -> String {
    let output = Command::new(words[0]).args(&words[1..]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_release_has_the_form_that_its_readers_know_and_the_same_bytes_again() {
    let sandbox = Sandbox::new().with_program("minisign", MINISIGN).with_program("made", "the program");
    let sandbox = sandbox.with_program("cargo-cyclonedx", "").with_program("cargo", CYCLONEDX);
    let made = sandbox.home().join("bin/made").display().to_string();
    let programs = [format!("x86_64-unknown-linux-musl={made}"), format!("x86_64-pc-windows-gnu={made}")];
    let programs: Vec<&str> = programs.iter().map(String::as_str).collect();
    let version = env!("CARGO_PKG_VERSION");
    let (linux, windows) =
        (format!("ensign-{version}-x86_64-unknown-linux-musl"), format!("ensign-{version}-x86_64-pc-windows-gnu"));
    let crates = format!("ensign-{version}.cdx.json");
    let listed = format!(
        "SHA256SUMS\nSHA256SUMS.minisig\n{windows}.tar.gz\n{linux}.tar.gz\n{crates}\ninstall.ps1\ninstall.sh\n"
    );
    assert_eq!(release(&sandbox, "one", &[("MINISIGN_KEY", "key")], &programs), Run::success(&listed));
    let asked = std::fs::read_to_string(sandbox.home().join("asked")).unwrap();
    assert!(asked.starts_with("-S -s key -m ") && asked.contains(&format!("-t ensign {version} ")), "{asked}");

    let folder = sandbox.home().join("one");
    let checked = tool(&folder, &["sha256sum", "--check", "SHA256SUMS"]);
    assert_eq!(
        checked,
        format!("{windows}.tar.gz: OK\n{linux}.tar.gz: OK\n{crates}: OK\ninstall.ps1: OK\ninstall.sh: OK\n")
    );
    let list = std::fs::read_to_string(folder.join(crates)).unwrap();
    assert_eq!(list, "{\"path+file:///ensign#ensign\": 1700000000}\n");
    let files = tool(&folder, &["tar", "-tzf", &format!("{linux}.tar.gz")]);
    let expected = [
        "",
        "CHANGELOG.md",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "LICENSE-THIRD-PARTY",
        "README.md",
        "docker-credential-ensign",
    ];
    assert_eq!(files.lines().collect::<Vec<_>>(), expected.map(|file| format!("{linux}/{file}")));
    let files = tool(&folder, &["tar", "-tvzf", &format!("{windows}.tar.gz")]);
    assert!(files.contains("-rwxr-xr-x 0/0") && files.contains("/docker-credential-ensign.exe\n"), "{files}");

    std::thread::sleep(std::time::Duration::from_millis(1100)); // gzip and tar store seconds
    assert_eq!(release(&sandbox, "two", &[("MINISIGN_KEY", "key")], &programs).code, Some(0));
    let sums = |folder: &str| std::fs::read(sandbox.home().join(folder).join("SHA256SUMS")).unwrap();
    assert_eq!(sums("one"), sums("two"));
}

#[test]
fn what_is_no_release_is_said() {
    let sandbox = Sandbox::new().with_program("made", "the program");
    let made = format!("t={}", sandbox.home().join("bin/made").display());
    let unsigned = release(&sandbox, "one", &[], &[&made]);
    let stderr = "release.sh: without a list of crates, which `cargo install cargo-cyclonedx` would add\n\
                release.sh: not signed, since MINISIGN_KEY names no key\n";
    assert_eq!(unsigned.stderr, stderr);
    let error = |run: Run| (run.code, run.stderr);
    let shown = sandbox.home().join("one").display().to_string();
    let again = format!("release.sh: `{shown}` is not empty: choose another folder\n");
    assert_eq!(error(release(&sandbox, "one", &[], &[&made])), (Some(1), again));
    let missing = "release.sh: `/nowhere` is not a program: give each as TARGET=PROGRAM\n".to_owned();
    assert_eq!(error(release(&sandbox, "two", &[], &["t=/nowhere"])), (Some(1), missing));
}

/// Signing is a separate step, so that the machine with the key builds nothing.
#[test]
fn a_release_that_was_packed_elsewhere_is_signed_if_it_is_whole_and_of_this_version() {
    let sandbox = Sandbox::new().with_program("minisign", MINISIGN).with_program("made", "the program");
    let made = format!("t={}", sandbox.home().join("bin/made").display());
    assert_eq!(release(&sandbox, "one", &[], &[&made]).code, Some(0));
    let folder = sandbox.home().join("one");
    let sign = |environment: &[(&str, &str)]| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/release.sh");
        let mut command = sandbox.command_of("/bin/sh".as_ref(), &[script, "--sign", folder.to_str().unwrap()]);
        finish(command.envs(environment.iter().copied()).spawn().unwrap(), b"")
    };
    let key = [("MINISIGN_KEY", "key")];
    let error = |run: Run| (run.code, run.stderr.lines().last().unwrap_or_default().to_owned());
    let unnamed = "release.sh: name the secret key: MINISIGN_KEY=FILE packaging/release.sh --sign FOLDER";
    assert_eq!(error(sign(&[])), (Some(1), unnamed.to_owned()));
    assert_eq!(sign(&key), Run::success(""));
    let version = env!("CARGO_PKG_VERSION");
    let asked = std::fs::read_to_string(sandbox.home().join("asked")).unwrap();
    assert!(asked.contains(&format!("-t ensign {version} ")), "{asked}");

    let sums = std::fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    std::fs::write(folder.join("ensign-0.0.0-t.tar.gz"), "").unwrap();
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    std::fs::write(folder.join("SHA256SUMS"), format!("{sums}{empty}  ensign-0.0.0-t.tar.gz\n")).unwrap();
    let old = format!("release.sh: `ensign-0.0.0-t.tar.gz` is not of version {version}");
    assert_eq!(error(sign(&key)), (Some(1), old));
    std::fs::write(folder.join("SHA256SUMS"), sums).unwrap();
    std::fs::write(folder.join(format!("ensign-{version}-t.tar.gz")), "another").unwrap();
    let damaged = format!("release.sh: `{}` is damaged: its sums do not match", folder.display());
    assert_eq!(error(sign(&key)), (Some(1), damaged));
    std::fs::remove_file(folder.join("SHA256SUMS")).unwrap();
    let none = format!("release.sh: `{}` is not a release: it has no SHA256SUMS", folder.display());
    assert_eq!(error(sign(&key)), (Some(1), none));
}

/// Collects the licences of all crates in this machine's program, from the sources in cargo's registry.
#[test]
fn the_licences_of_all_crates_are_collected() {
    let root = env!("CARGO_MANIFEST_DIR");
    let output =
        Command::new("packaging/licences.sh").current_dir(root).env("CARGO_NET_OFFLINE", "true").output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    if told.contains("--offline") || told.contains("offline mode") || told.contains("cargo fetch") {
        return eprintln!("skipped: crates of other systems are not here: {told}");
    }
    assert!(output.status.success(), "{told}");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut tree = Command::new(env!("CARGO"));
    tree.args([
        "tree",
        "--locked",
        "--offline",
        "--edges",
        "normal,no-proc-macro",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    let tree = String::from_utf8(tree.current_dir(root).output().unwrap().stdout).unwrap();
    let crates: Vec<_> =
        tree.lines().filter(|line| !line.contains("(/")).filter_map(|line| line.split_once(" v")).collect();
    assert!(crates.len() > 50, "{}", crates.len());
    for (name, version) in crates {
        let version = version.split(' ').next().unwrap();
        assert!(text.contains(&format!("\n  {name} {version} (")), "{name} {version}");
    }
    assert!(text.contains("Copyright 2005-2020 Rich Felker") && text.contains("Brian Smith"), "musl's and ring's");
    assert!(!text.contains(root) && !text.contains(".cargo/"), "no folder of this machine");
}

/// Package managers do not distinguish pre-releases, and `latest` must not lead to one.
#[test]
fn the_workflow_makes_packages_and_no_pre_release_is_the_latest() {
    let workflow = include_str!("../../.github/workflows/release.yml");
    let (pack, publish) = workflow.split_once("\n  publish:").unwrap();
    assert!(pack.contains("packaging/packages.sh packages dist\n") && !pack.contains("secrets."));
    assert!(
        publish.contains("packaging/packages.sh --sign packages\n") && publish.contains("*-*) set -- --prerelease")
    );
}

/// A tag can be moved to other code, but a commit cannot.
#[test]
fn each_action_of_a_workflow_is_pinned_by_its_commit_and_no_job_may_more_than_it_says() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/.github/workflows");
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(text.contains("\npermissions:"), "{text}");
        for action in text.lines().filter_map(|line| line.split_once("uses: ").map(|(_, action)| action)) {
            let (_, pin) = action.split_once('@').unwrap();
            let (commit, version) = pin.split_once(" # v").unwrap_or_else(|| panic!("{action}"));
            let is_commit = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(is_commit && version.starts_with(|digit: char| digit.is_ascii_digit()), "{action}");
        }
    }
}

#[test]
fn weaknesses_are_reported_to_the_address_of_the_release_facts() {
    let facts = include_str!("../../packaging/release.facts");
    let address = facts.lines().find_map(|line| line.strip_prefix("SECURITY=")).unwrap();
    assert!(include_str!("../../SECURITY.md").contains(&format!(" {address}, ")), "{address}");
}
