//! `packaging/release.sh`: the form of a release, as RELEASE.md promises it to `install.sh` and `update`.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;

use crate::support::{Run, Sandbox, finish};

const MINISIGN: &str =
    "#!/bin/sh\necho \"$*\" >\"$HOME/asked\"\nwhile [ $# -gt 1 ]; do [ \"$1\" != -x ] || : >\"$2\"; shift; done\n";

fn release(sandbox: &Sandbox, folder: &str, environment: &[(&str, &str)], programs: &[&str]) -> Run {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/release.sh");
    let folder = sandbox.home().join(folder);
    let mut command = sandbox.command_of("/bin/sh".as_ref(), &[&[script, folder.to_str().unwrap()], programs].concat());
    command.env("SOURCE_DATE_EPOCH", "1700000000").envs(environment.iter().copied());
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
    let made = sandbox.home().join("bin/made").display().to_string();
    let programs = [format!("x86_64-unknown-linux-musl={made}"), format!("x86_64-pc-windows-gnu={made}")];
    let programs: Vec<&str> = programs.iter().map(String::as_str).collect();
    let version = env!("CARGO_PKG_VERSION");
    let (linux, windows) =
        (format!("ensign-{version}-x86_64-unknown-linux-musl"), format!("ensign-{version}-x86_64-pc-windows-gnu"));
    let listed = format!("SHA256SUMS\nSHA256SUMS.minisig\n{windows}.tar.gz\n{linux}.tar.gz\ninstall.ps1\ninstall.sh\n");
    assert_eq!(release(&sandbox, "one", &[("MINISIGN_KEY", "key")], &programs), Run::success(&listed));
    let asked = std::fs::read_to_string(sandbox.home().join("asked")).unwrap();
    assert!(asked.starts_with("-S -s key -m ") && asked.contains(&format!("-t ensign {version} ")), "{asked}");

    let folder = sandbox.home().join("one");
    let checked = tool(&folder, &["sha256sum", "--check", "SHA256SUMS"]);
    assert_eq!(checked, format!("{windows}.tar.gz: OK\n{linux}.tar.gz: OK\n"));
    let files = tool(&folder, &["tar", "-tzf", &format!("{linux}.tar.gz")]);
    let expected = ["", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "README.md", "docker-credential-ensign"];
    assert_eq!(files.lines().collect::<Vec<_>>(), expected.map(|file| format!("{linux}/{file}")));
    let files = tool(&folder, &["tar", "-tvzf", &format!("{windows}.tar.gz")]);
    assert!(files.contains("-rwxr-xr-x 0/0") && files.contains("/docker-credential-ensign.exe\n"), "{files}");

    std::thread::sleep(std::time::Duration::from_millis(1100)); // gzip and tar would write down the second
    assert_eq!(release(&sandbox, "two", &[("MINISIGN_KEY", "key")], &programs).code, Some(0));
    let sums = |folder: &str| std::fs::read(sandbox.home().join(folder).join("SHA256SUMS")).unwrap();
    assert_eq!(sums("one"), sums("two"));
}

#[test]
fn what_is_no_release_is_said() {
    let sandbox = Sandbox::new().with_program("made", "the program");
    let made = format!("t={}", sandbox.home().join("bin/made").display());
    let unsigned = release(&sandbox, "one", &[], &[&made]);
    assert_eq!(unsigned.stderr, "release.sh: not signed, since MINISIGN_KEY names no key\n");
    let error = |run: Run| (run.code, run.stderr);
    let shown = sandbox.home().join("one").display().to_string();
    let again = format!("release.sh: `{shown}` is not empty: choose another folder\n");
    assert_eq!(error(release(&sandbox, "one", &[], &[&made])), (Some(1), again));
    let missing = "release.sh: `/nowhere` is not a program: give each as TARGET=PROGRAM\n".to_owned();
    assert_eq!(error(release(&sandbox, "two", &[], &["t=/nowhere"])), (Some(1), missing));
}
