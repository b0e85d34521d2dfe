//! `update` with a release server: which releases it installs, and which programs are updated in another way.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use snapbox::str;

use crate::docs::schemas::fits;
use crate::seed::line_on_a_terminal;
use crate::support::release::{PROGRAM, Releases, TARGET, program_of};
use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, write};

const OURS: &str = env!("CARGO_PKG_VERSION");

/// A home in which install.sh has installed a release, and that release's server.
pub struct Installed {
    pub sandbox: Sandbox,
    pub releases: Releases,
}

impl Installed {
    pub fn new() -> Self {
        let releases = Releases::new();
        let authority = releases.authority().display().to_string();
        let sandbox = Sandbox::new().with("SSL_CERT_FILE", &authority);
        let installed = Self { sandbox, releases };
        fs::create_dir_all(installed.program().parent().unwrap()).unwrap();
        copy(&program_of(OURS), &installed.program());
        std::os::unix::fs::symlink(PROGRAM, installed.at("bin/ensign")).unwrap();
        write(&installed.at("lib/ensign/installed-from"), b"release\n");
        write(&installed.sandbox.config_path(), installed.releases.config().as_bytes());
        installed
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.sandbox.home().join(".local").join(path)
    }

    fn program(&self) -> PathBuf {
        self.at("bin").join(PROGRAM)
    }

    pub fn run(&self, words: &[&str]) -> Run {
        self.sandbox.command_of(&self.at("bin/ensign"), words).output().unwrap().into()
    }

    pub fn version(&self) -> String {
        self.run(&["version"]).stdout.trim().trim_start_matches("ensign ").to_owned()
    }

    /// Returns all files of the installation and of the config, for comparison.
    fn state(&self) -> Vec<(PathBuf, u64, Vec<u8>)> {
        let mut found = Vec::new();
        let mut folders = vec![self.at(""), self.sandbox.home().join("config")];
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with("update.lock") {
                    let contents = fs::read(&path).unwrap();
                    found.push((path.clone(), fs::symlink_metadata(&path).unwrap().ino(), contents));
                }
            }
        }
        found.sort();
        found
    }

    /// Asserts that `update` fails and changes nothing. Returns the error.
    pub fn refused(&self, words: &[&str]) -> String {
        let before = self.state();
        let run = self.run(&[&["update"], words].concat());
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{words:?}: {run:?}");
        assert!(before == self.state(), "{words:?}: something was changed: {run:?}");
        let server = self.releases.address().replace("https://", "");
        run.stderr.replace(&server, "SERVER").replace(TARGET, "TARGET")
    }
}

fn copy(from: &Path, to: &Path) {
    // Another process copies the file. If this process wrote the file, a fork of another test could hold it open for
    // writing, and then it could not be run.
    assert!(Command::new("install").args(["-m", "755"]).args([from, to]).status().unwrap().success());
}

/// Writes a script in place of a program, because a script is quick to make.
pub fn script(sandbox: &Sandbox, text: &str) -> PathBuf {
    let path = sandbox.home().join("script");
    write(&path, text.as_bytes());
    path
}

pub fn saying(sandbox: &Sandbox, version: &str) -> PathBuf {
    script(sandbox, &format!("#!/bin/sh\necho {PROGRAM} {version}\n"))
}

/// Returns the printed JSON, after comparison with this schema.
fn json_of(run: &Run, schema: &str) -> Value {
    let value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"));
    assert_eq!(fits(schema, &value), Ok(()));
    value
}

#[test]
fn update_takes_the_newest_release_and_rolls_it_back() {
    let installed = Installed::new();
    installed.sandbox.store("ghcr.io", "alice", "pw");
    let config = fs::read(installed.sandbox.config_path()).unwrap();
    installed.releases.publish("0.9.0", &program_of("0.9.0"));

    let check = installed.run(&["update", "--check"]);
    assert_eq!(check.code, Some(7), "{check:?}");
    check.shows(str![[r#"
exit 7
--- stdout
Ensign 0.9.0 is available; this is [VERSION]. To update:  ensign update

"#]]);
    let check = installed.run(&["update", "--check", "--json"]);
    let expected = json!({"schema": 1, "version": OURS, "latest": "0.9.0", "newer": true, "command": "ensign update"});
    assert_eq!((check.code, json_of(&check, "update-check")), (Some(7), expected));
    let status = installed.run(&["status"]);
    status.shows(str![[r#"
exit 0
--- stdout
ghcr.io
  ● alice  default   alice/**   in clear text

Docker does not ask Ensign for ghcr.io; to change that:  ensign configure-docker
--- stderr
! Ensign 0.9.0 is available; to update:  ensign update

"#]]);

    // The download breaks off once, and `update` resumes it.
    installed.releases.behave(&json!({".tar.gz": {"cut_once": 100_000}}));
    let run = installed.run(&["update"]);
    run.shows(str![[r#"
exit 0
--- stderr
✓ Ensign 0.9.0 is installed; [VERSION] is kept
  To go back:  ensign update --rollback

"#]]);
    assert_eq!(installed.version(), "0.9.0");
    assert_eq!(fs::metadata(installed.program()).unwrap().mode() & 0o777, 0o755);
    assert!(
        installed.at("share/man/man1/ensign-update.1").is_file()
            && installed.at("share/zsh/site-functions/_ensign").is_file()
    );
    assert_eq!(fs::read(installed.sandbox.config_path()).unwrap(), config);
    installed.run(&["status"]).shows(str![[r#"
exit 0
--- stdout
ghcr.io
  ● alice  default   alice/**   in clear text

Docker does not ask Ensign for ghcr.io; to change that:  ensign configure-docker

"#]]);

    let current = installed.run(&["update", "--json"]);
    let expected = json!({"schema": 1, "status": "current", "from": "0.9.0", "version": "0.9.0"});
    assert_eq!(json_of(&current, "update"), expected);
    installed.run(&["update", "--check"]).shows(str![[r#"
exit 0
--- stdout
Ensign 0.9.0 is the newest release

"#]]);

    let back = installed.run(&["update", "--rollback", "--json"]);
    assert_eq!(
        json_of(&back, "update"),
        json!({"schema": 1, "status": "rolled_back", "from": "0.9.0", "version": OURS})
    );
    assert_eq!(installed.version(), OURS);
    assert_eq!(
        installed.run(&["update", "--rollback"]).code,
        Some(0),
        "a second rollback returns to the newer version"
    );
    assert_eq!(installed.version(), "0.9.0");
    let mut left: Vec<_> = fs::read_dir(installed.at("bin")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, [".ensign-previous", PROGRAM, "ensign"]);
}

#[test]
fn an_older_release_is_taken_by_name_only() {
    let installed = Installed::new();
    installed.releases.publish("0.0.9", &program_of("0.0.9"));
    shows(
        &installed.refused(&[]),
        str![[r#"
error: the newest release is 0.0.9, older than this program ([VERSION]); nothing was changed
hint: run `ensign update --version 0.0.9` to go back to it

"#]],
    );
    let run = installed.run(&["update", "--version", "v0.0.9"]);
    assert_eq!((run.code, installed.version().as_str()), (Some(0), "0.0.9"), "{run:?}");
}

/// A server whose newest release is a pre-release is misconfigured, so the newest release is not known.
#[test]
fn a_pre_release_is_taken_by_name_only() {
    let installed = Installed::new();
    installed.releases.publish("0.2.0-rc.1", &saying(&installed.sandbox, "0.2.0-rc.1"));
    let refused = installed.refused(&[]);
    assert_eq!(installed.refused(&["--check"]), refused);
    shows(
        &refused,
        str![[r#"
error: the newest release, 0.2.0-rc.1, is a pre-release; nothing was changed
hint: run `ensign update --version 0.2.0-rc.1`

"#]],
    );
    let run = installed.run(&["update", "--version", "0.2.0-rc.1"]);
    assert_eq!((run.code, installed.version().as_str()), (Some(0), "docker-credential-ensign 0.2.0-rc.1"), "{run:?}");
    assert_eq!(installed.run(&["update", "--rollback"]), Run::success("docker-credential-ensign 0.2.0-rc.1\n"));
}

#[test]
fn who_installed_a_program_is_named_and_renews_it() {
    let installed = Installed::new();
    write(&installed.at("lib/ensign/installed-by"), b"sudo apt install --only-upgrade docker-credential-ensign\n");
    let refused = installed.refused(&[]);
    for words in [&["--rollback"][..], &["--version", "0.9.0"]] {
        assert_eq!(installed.refused(words), refused, "{words:?}");
    }
    shows(
        &refused,
        str![[r#"
error: a package manager installed this program and updates it; nothing was changed
hint: run `sudo apt install --only-upgrade docker-credential-ensign`

"#]],
    );
    installed.releases.publish("0.9.0", &saying(&installed.sandbox, "0.9.0"));
    let check = installed.run(&["update", "--check"]);
    check.shows(str![[r#"
exit 7
--- stdout
Ensign 0.9.0 is available; this is [VERSION]. To update:  sudo apt install --only-upgrade docker-credential-ensign

"#]]);
    write(&installed.at("lib/ensign/installed-by"), b"sudo dnf install https://x.example/ensign-VERSION.rpm\n");
    let check = installed.run(&["update", "--check"]);
    assert!(check.stdout.ends_with("  sudo dnf install https://x.example/ensign-0.9.0.rpm\n"), "{check:?}");
    fs::remove_file(installed.at("lib/ensign/installed-by")).unwrap();
    let from = installed.at("lib/ensign/installed-from");
    write(&from, b"/gone\n");
    let check = installed.run(&["update", "--check"]);
    assert!(check.stdout.contains(" && ensign/install.sh"), "{check:?}");
    assert!(installed.refused(&["--rollback"]).contains("is gone; nothing was changed"));
    fs::remove_file(from).unwrap();
    let check = installed.run(&["update", "--check"]);
    assert!(check.stdout.ends_with("/releases/latest/download/install.sh | sh\n"), "{check:?}");
}

/// Tests the update of a program that a person has built from a checkout.
#[test]
fn a_checkout_is_pulled_and_installed_after_a_yes() {
    let installed = Installed::new();
    let checkout = installed.sandbox.home().join("src");
    write(&installed.at("lib/ensign/installed-from"), format!("{}\n", checkout.display()).as_bytes());
    write(&checkout.join("install.sh"), b"");
    copy(&script(&installed.sandbox, "#!/bin/sh\necho installed with \"$@\"\n"), &checkout.join("install.sh"));
    let Installed { sandbox, releases: _releases } = installed;
    let sandbox = sandbox.with_program("git", "#!/bin/sh\necho \"git $*\"\n[ ! -e \"$HOME/offline\" ]\n");
    let line = format!("stty cols 200; {}; echo exit $?", sandbox.home().join(".local/bin/ensign update").display());
    let question = "Run `git pull` in ~/src, then its install.sh? [y/N]";
    let Some(yes) = line_on_a_terminal(&sandbox, &line, &[(question, "y\r")]) else { return };
    shows(
        &yes,
        str![[r#"
Run `git pull` in ~/src, then its install.sh? [y/N] y
git -C [HOME]/src pull --ff-only
installed with --prefix [HOME]/.local
exit 0

"#]],
    );

    let no = line_on_a_terminal(&sandbox, &line, &[(question, "n\r")]).unwrap();
    shows(
        &no,
        str![[r#"
Run `git pull` in ~/src, then its install.sh? [y/N] n
error: nothing was changed
hint: later: `git -C ~/src pull && ~/src/install.sh`
exit 130

"#]],
    );
    write(&sandbox.home().join("offline"), b"");
    let offline = line_on_a_terminal(&sandbox, &line, &[(question, "y\r")]).unwrap();
    shows(
        &offline,
        str![[r#"
Run `git pull` in ~/src, then its install.sh? [y/N] y
git -C [HOME]/src pull --ff-only
error: `git` failed; its output above says why
hint: fix the cause, then run `git -C ~/src pull && ~/src/install.sh`
exit 1

"#]],
    );
}

#[test]
fn a_checkout_has_no_release_to_go_back_to() {
    let installed = Installed::new();
    let checkout = installed.sandbox.home().join("src");
    write(&installed.at("lib/ensign/installed-from"), format!("{}\n", checkout.display()).as_bytes());
    write(&checkout.join("install.sh"), b"");
    let refused = installed.refused(&["--rollback"]);
    assert_eq!(installed.refused(&["--version", "0.9.0"]), refused);
    shows(
        &refused,
        str![[r#"
error: this program was built from the checkout `~/src`, not installed from a release; nothing was changed
hint: check out the version that you want in `~/src`, then run its install.sh

"#]],
    );
}
