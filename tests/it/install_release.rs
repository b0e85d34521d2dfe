//! `install.sh` in a pipe, with a release server: which releases it installs, and which it refuses without a change.
#![cfg(target_os = "linux")]

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::json;
use snapbox::str;

use crate::support::release::{PROGRAM, Releases, TARGET, program_of};
use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, finish, write};

const OURS: &str = env!("CARGO_PKG_VERSION");
const SCRIPT: &str = include_str!("../../install.sh");
const FACTS: &str = include_str!("../../packaging/release.facts");

/// A home, a release server, and the script as the owner of that server publishes it.
pub struct Home {
    pub sandbox: Sandbox,
    pub releases: Releases,
    path: String,
}

/// The tools that the script finds to verify signatures and to fetch files.
#[derive(Clone, Copy, Debug)]
pub enum Tools {
    All,
    WithoutMinisign,
    WithoutCurl,
}

impl Home {
    pub fn new(tools: Tools) -> Self {
        let (sandbox, releases) = (Sandbox::new(), Releases::new());
        let mut path = "/usr/bin:/bin".to_owned();
        let without = match tools {
            Tools::All => None,
            Tools::WithoutMinisign => Some("minisign"),
            Tools::WithoutCurl => Some("curl"),
        };
        if let Some(name) = without {
            let folder = sandbox.home().join("tools");
            fs::create_dir(&folder).unwrap();
            for entry in
                fs::read_dir("/usr/bin").unwrap().map(|entry| entry.unwrap()).filter(|entry| entry.file_name() != name)
            {
                symlink(entry.path(), folder.join(entry.file_name())).unwrap();
            }
            path = folder.display().to_string();
        }
        write(
            &sandbox.home().join("wgetrc"),
            format!("ca_certificate = {}\n", releases.authority().display()).as_bytes(),
        );
        Self { sandbox, releases, path }
    }

    pub fn script(&self) -> String {
        let (address, key) = (self.releases.address(), self.releases.key.public());
        let filled = |line: &str| match line.split_once('=') {
            Some(("RELEASES", _)) => format!("RELEASES={address}\n"),
            Some(("PUBLIC_KEY", _)) => format!("PUBLIC_KEY={key}\n"),
            _ => format!("{line}\n"),
        };
        SCRIPT.lines().map(filled).collect()
    }

    /// Runs the script as `… | sh -s -- WORDS` does.
    pub fn install(&self, words: &[&str]) -> Run {
        self.run_script(&self.script(), words)
    }

    pub fn run_script(&self, script: &str, words: &[&str]) -> Run {
        let mut command = Command::new("/bin/sh");
        command.args(["-s", "--"]).args(words).env_clear().current_dir(self.sandbox.home());
        command
            .env("HOME", self.sandbox.home())
            .env("PATH", &self.path)
            .env("CURL_CA_BUNDLE", self.releases.authority());
        command.env("WGETRC", self.sandbox.home().join("wgetrc")).env("SHELL", "/bin/bash");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.envs(self.sandbox.variables());
        finish(command.spawn().unwrap(), script.as_bytes())
    }

    pub fn at(&self, path: &str) -> PathBuf {
        self.sandbox.home().join(".local").join(path)
    }

    pub fn version(&self) -> String {
        let output = self.sandbox.command_of(&self.at("bin/ensign"), &["version"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().trim_start_matches("ensign ").to_owned()
    }

    /// Asserts that the installation fails and leaves no file and no folder. Returns the error.
    pub fn refused(&self, words: &[&str]) -> String {
        let run = self.install(words);
        assert_eq!(run.code, Some(1), "{words:?}: {run:?}");
        assert!(!self.at("").exists(), "{run:?}: {:?}", fs::read_dir(self.at("")).unwrap().collect::<Vec<_>>());
        let host = self.releases.address().replace("https://", "");
        run.stderr.replace(&host, "SERVER").replace(TARGET, "TARGET")
    }

    pub fn publish_script(&self, version: &str, text: &str) {
        let path = self.sandbox.home().join("script");
        write(&path, text.as_bytes());
        self.releases.publish(version, &path);
    }

    pub fn change(&self, file: &str, edit: Edit) {
        let path = self.releases.folder("0.9.0").join(file);
        let mut bytes = fs::read(&path).unwrap();
        edit(&mut bytes);
        write(&path, &bytes);
        self.releases.make_newest("0.9.0");
    }
}

pub const SAYING: &str = "#!/bin/sh\necho docker-credential-ensign 0.9.0\n";

pub type Edit = fn(&mut Vec<u8>);

pub fn archive() -> String {
    format!("ensign-0.9.0-{TARGET}.tar.gz")
}

#[test]
fn a_release_is_installed_from_a_pipe_updated_and_removed_without_a_trace() {
    let home = Home::new(Tools::WithoutMinisign);
    home.releases.publish(OURS, &program_of(OURS));
    home.releases.behave(&json!({".tar.gz": {"cut_once": 100_000}}));
    let run = home.install(&[]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    let start = format!(
        "Fetching Ensign {OURS} for {TARGET} ...\nIts signature and checksum are right.\nInstalled ~/.local/bin/{PROGRAM}\n"
    );
    assert!(run.stdout.starts_with(&start), "{run:?}");
    assert!(run.stdout.contains("docker push ghcr.io/acme/app "), "the account is shown to work: {run:?}");
    assert_eq!(fs::read_to_string(home.at("lib/ensign/installed-from")).unwrap(), "release\n");
    assert!(home.at("share/man/man1/ensign-update.1").is_file());

    write(&home.sandbox.config_path(), home.releases.config().as_bytes());
    home.releases.publish("0.9.0", &program_of("0.9.0"));
    let authority = home.releases.authority();
    let update = home.sandbox.command_of(&home.at("bin/ensign"), &["update"]).env("SSL_CERT_FILE", authority).output();
    assert_eq!((Run::from(update.unwrap()).code, home.version().as_str()), (Some(0), "0.9.0"));

    // `install.sh` refuses an older release as the latest one, because it would bring back faults that are already
    // fixed.
    home.releases.make_newest(OURS);
    let older = home.install(&[]);
    assert_eq!(home.version(), "0.9.0");
    older.shows(str![[r#"
exit 1
--- stderr
install.sh: the newest release is [VERSION], which is older than the installed 0.9.0; nothing was changed.
To install the older release:  --version [VERSION]

"#]]);
    let by_name = home.install(&["--version", OURS]);
    assert_eq!((by_name.code, home.version().as_str()), (Some(0), OURS), "{by_name:?}");

    let run = home.install(&["--uninstall"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    assert!(!home.at("").exists());
}

/// A server whose latest release is a pre-release is misconfigured.
#[test]
fn a_pre_release_is_installed_by_name_only() {
    let home = Home::new(Tools::All);
    home.publish_script("0.2.0-rc.1", SAYING);
    shows(
        &home.refused(&[]),
        str![[r#"
install.sh: the newest release, 0.2.0-rc.1, is a pre-release; nothing was changed.
To take it:  --version 0.2.0-rc.1

"#]],
    );
    let run = home.install(&["--version", "0.2.0-rc.1"]);
    assert_eq!(run.code, Some(1), "it is of another version: {run:?}");
    run.shows(str![[r#"
exit 1
--- stdout
Fetching Ensign 0.2.0-rc.1 for x86_64-unknown-linux-musl ...
--- stderr
install.sh: the program of the release says that it is 0.9.0, not 0.2.0-rc.1; nothing was changed

"#]]);
}

#[test]
fn the_script_says_what_the_release_facts_say() {
    for name in ["RELEASES", "PUBLIC_KEY", "REPOSITORY"] {
        let of =
            |text: &str| text.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix('=')?.to_owned()));
        assert_eq!(of(SCRIPT), of(FACTS), "{name}");
        let of_windows = format!("\n${name} = '{}'\n", of(FACTS).unwrap());
        assert!(include_str!("../../install.ps1").contains(&of_windows), "{name}");
    }
    let home = Home::new(Tools::All);
    let run = home.run_script(&home.script().replace(&home.releases.key.public(), ""), &[]);
    assert!(!home.at("").exists());
    run.shows(str![[r#"
exit 1
--- stderr
install.sh: there is no signed release of Ensign yet; nothing was changed. Build it from source:
  git clone https://forge.example/ensign/ensign && ensign/install.sh

"#]]);
}

/// If the download of the script breaks off, no part of the script must run: `rm -rf /tmp/x` could be cut after `/tmp`.
#[test]
fn half_a_script_does_nothing() {
    let home = Home::new(Tools::All);
    home.releases.publish(OURS, &program_of(OURS));
    let whole = home.script();
    let end = whole.trim_end().len();
    let lines =
        whole.char_indices().filter(|(_, c)| *c == '\n').map(|(at, _)| at + 1).filter(|at| *at < end).step_by(3);
    for cut in lines.chain(end - 30..end) {
        let run = home.run_script(&whole[..cut], &["--uninstall"]);
        let before_the_brace = !whole[..cut].contains("\n{");
        assert!(before_the_brace || run.code != Some(0), "cut at {cut}: {run:?}");
        assert_eq!(run.stdout, "", "cut at {cut}: {run:?}");
    }
    assert!(!home.at("").exists());
}

#[test]
fn options_that_do_not_fit_are_refused() {
    let home = Home::new(Tools::All);
    let mut told = String::new();
    for words in [
        &["--version"][..],
        &["--frobnicate"],
        &["--version", "0.9.0", "--from-source"],
        &["--release", "--program", "/bin/sh"],
        &["--from-source"],
    ] {
        let _ = write!(told, "{}\n{}", words.join(" "), home.refused(words));
    }
    shows(
        &told,
        str![[r#"
--version
install.sh: `--version` needs a value: see `sh -s -- --help`
--frobnicate
install.sh: `--frobnicate` is not an option of this script: see `sh -s -- --help`
--version 0.9.0 --from-source
install.sh: `--version` is for releases: check that version out and leave `--version` out
--release --program /bin/sh
install.sh: `--program` cannot be combined with `--release`, `--from-source` or `--version`
--from-source
install.sh: there is no checkout to build from here. Make one:
  git clone https://forge.example/ensign/ensign && ensign/install.sh

"#]],
    );
    // `install.sh` does not touch a program that a package manager installed.
    write(&home.at("lib/ensign/installed-by"), b"apt install --only-upgrade docker-credential-ensign\n");
    let run = home.install(&[]);
    assert_eq!(home.install(&["--uninstall"]), run);
    run.shows(str![[r#"
exit 1
--- stderr
install.sh: a package manager installed the program in `[HOME]/.local/bin`; nothing was changed. To update it, run:
  apt install --only-upgrade docker-credential-ensign

"#]]);
}
