//! `install.sh` piped into a shell, against a server of releases: what it takes, what it refuses, and that a refusal
//! changes nothing.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::release::{PROGRAM, Releases, SigningKey, TARGET, program_of};
use crate::support::{Run, Sandbox, finish, write};

const OURS: &str = env!("CARGO_PKG_VERSION");
const SCRIPT: &str = include_str!("../../install.sh");
const FACTS: &str = include_str!("../../packaging/release.facts");

/// A home, a server of releases, and the script as that server's owner would publish it.
pub struct Home {
    pub sandbox: Sandbox,
    pub releases: Releases,
    path: String,
}

/// How signatures are verified, and files fetched.
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

    /// `… | sh -s -- WORDS`
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

    /// It fails with this text, and leaves neither a file nor a folder.
    pub fn refuses(&self, words: &[&str], text: &str) {
        let run = self.install(words);
        assert_eq!(run.code, Some(1), "{text}: {run:?}");
        let host = self.releases.address().replace("https://", "");
        assert_eq!(run.stderr.replace(&host, "SERVER"), format!("install.sh: {text}\n"), "{}", self.path);
        assert!(!self.at("").exists(), "{text}: {:?}", fs::read_dir(self.at("")).unwrap().collect::<Vec<_>>());
    }

    /// The same where what was brought is not what was signed.
    fn finds(&self, what: &str) {
        let report =
            "Try again, and report it if it happens twice: see SECURITY.md in https://forge.example/ensign/ensign";
        self.refuses(&[], &format!("{what}; nothing was changed.\n{report}"));
    }

    pub fn publish_script(&self, version: &str, text: &str) {
        let path = self.sandbox.home().join("script");
        write(&path, text.as_bytes());
        self.releases.publish(version, &path);
    }

    fn change(&self, file: &str, edit: fn(&mut Vec<u8>)) {
        let path = self.releases.folder("0.9.0").join(file);
        let mut bytes = fs::read(&path).unwrap();
        edit(&mut bytes);
        write(&path, &bytes);
        self.releases.make_newest("0.9.0");
    }
}

pub const SAYING: &str = "#!/bin/sh\necho docker-credential-ensign 0.9.0\n";

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
    assert!(run.stdout.contains("docker push ghcr.io/acme/app   is answered by  acme"), "{run:?}");
    assert_eq!(fs::read_to_string(home.at("lib/ensign/installed-from")).unwrap(), "release\n");
    assert!(home.at("share/man/man1/ensign-update.1").is_file());

    write(&home.sandbox.config_path(), home.releases.config().as_bytes());
    home.releases.publish("0.9.0", &program_of("0.9.0"));
    let authority = home.releases.authority();
    let update = home.sandbox.command_of(&home.at("bin/ensign"), &["update"]).env("SSL_CERT_FILE", authority).output();
    assert_eq!((Run::from(update.unwrap()).code, home.version().as_str()), (Some(0), "0.9.0"));

    // An old release as the newest would bring back what was mended since.
    home.releases.make_newest(OURS);
    let older = home.install(&[]);
    let told = format!(
        "install.sh: the newest release there is {OURS}, older than 0.9.0, which is installed; nothing was changed.\n\
         To go back to it:  --version {OURS}\n"
    );
    assert_eq!((older.code, older.stderr), (Some(1), told));
    let by_name = home.install(&["--version", OURS]);
    assert_eq!((by_name.code, home.version().as_str()), (Some(0), OURS), "{by_name:?}");

    let run = home.install(&["--uninstall"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    assert!(!home.at("").exists());
}

/// A server that offers one as the newest is set up wrongly.
#[test]
fn a_pre_release_is_installed_by_name_only() {
    let home = Home::new(Tools::All);
    home.publish_script("0.2.0-rc.1", SAYING);
    let told = "the newest release there, 0.2.0-rc.1, is a pre-release; nothing was changed.\n\
                To take it:  --version 0.2.0-rc.1";
    home.refuses(&[], told);
    let run = home.install(&["--version", "0.2.0-rc.1"]);
    assert!(run.stderr.contains("says that it is 0.9.0, not 0.2.0-rc.1"), "{run:?}");
}

#[test]
fn what_was_tampered_with_is_refused_whichever_tool_verifies() {
    for tools in [Tools::All, Tools::WithoutMinisign] {
        let home = Home::new(tools);
        let releases = &home.releases;
        let changed = "SHA256SUMS or its signature was changed after signing";
        home.publish_script("0.9.0", SAYING);
        home.change(&archive(), |bytes| bytes[200] ^= 1);
        home.finds(&format!("{} is not what was signed: its checksum differs", archive()));
        home.publish_script("0.9.0", SAYING);
        home.change(&archive(), |bytes| bytes.truncate(150));
        home.finds(&format!("{} is not what was signed: its checksum differs", archive()));
        home.publish_script("0.9.0", SAYING);
        home.change("SHA256SUMS", |bytes| bytes[0] = if bytes[0] == b'0' { b'1' } else { b'0' });
        home.finds(changed);
        home.publish_script("0.9.0", SAYING);
        home.change("SHA256SUMS.minisig", |bytes| bytes[70] = if bytes[70] == b'A' { b'B' } else { b'A' });
        home.finds(changed);
        home.publish_script("0.9.0", SAYING);
        home.change("SHA256SUMS.minisig", |bytes| bytes.truncate(60));
        home.finds("SHA256SUMS.minisig is not a signature of minisign");
        home.publish_script("0.9.0", SAYING);
        for (comment, key, what) in [
            ("ensign 0.9.0", releases.key.forged(), changed),
            ("ensign 0.9.0", SigningKey::new(), "the release is signed with another key than the one trusted here"),
        ] {
            releases.sign("0.9.0", comment, &key);
            releases.make_newest("0.9.0");
            home.finds(what);
        }
        // The comment is signed too.
        home.publish_script("0.9.0", SAYING);
        let path = releases.folder("0.9.0").join("SHA256SUMS.minisig");
        let text = fs::read_to_string(&path).unwrap().replace("ensign 0.9.0", "ensign 0.9.1");
        write(&path, text.as_bytes());
        releases.make_newest("0.9.0");
        home.finds(changed);
    }
}

#[test]
fn what_the_key_signed_must_still_be_a_release() {
    let home = Home::new(Tools::All);
    let (releases, folder) = (&home.releases, home.sandbox.home());
    home.publish_script("0.9.0", SAYING);
    releases.sign("0.9.0", "a cake", &releases.key);
    releases.make_newest("0.9.0");
    home.finds("the signature is for `a cake`, which is not a version");
    releases.sign("0.9.0", "ensign 0.8.0", &releases.key);
    let report = "Try again, and report it if it happens twice: see SECURITY.md in https://forge.example/ensign/ensign";
    let other = "the signature is for version 0.8.0, and 0.9.0 was asked for; nothing was changed.\n";
    home.refuses(&["--version", "v0.9.0"], &format!("{other}{report}"));
    let pack = |words: &[&str]| {
        releases.pack("0.9.0", folder, words);
        releases.sign("0.9.0", "ensign 0.9.0", &releases.key);
        releases.make_newest("0.9.0");
    };
    let (name, root) = (archive(), format!("ensign-0.9.0-{TARGET}"));
    fs::create_dir_all(folder.join(&root)).unwrap();
    write(&folder.join("evil"), b"#!/bin/sh\n");
    pack(&["--transform", "s,^evil,../evil,", "evil"]);
    home.finds(&format!("{name} holds `../evil`, which is outside of its folder"));
    pack(&["--transform", &format!("s,^evil,{root}/../../evil,"), "evil"]);
    home.finds(&format!("{name} holds `{root}/../../evil`, which is outside of its folder"));
    symlink("/bin/sh", folder.join(&root).join(PROGRAM)).unwrap();
    pack(&[&root]);
    home.finds(&format!("{name} holds a link"));
    fs::remove_file(folder.join(&root).join(PROGRAM)).unwrap();
    pack(&[&root]);
    home.finds(&format!("{name} holds no `{PROGRAM}`"));
    write(&releases.archive("0.9.0"), b"not an archive");
    releases.sum("0.9.0");
    releases.sign("0.9.0", "ensign 0.9.0", &releases.key);
    releases.make_newest("0.9.0");
    home.finds(&format!("{name} is not a gzip file of a sensible size"));

    home.publish_script("0.9.0", "#!/bin/sh\nexit 1\n");
    home.refuses(&[], "the program of the release does not run on this machine; nothing was changed:\n  ");
    home.publish_script("0.9.0", "#!/bin/sh\necho docker-credential-ensign 0.8.0\n");
    home.refuses(&[], "the program of the release says that it is 0.8.0, not 0.9.0; nothing was changed");
    home.publish_script("0.9.0", SAYING);
    let run = home.install(&[]);
    assert!(
        run.stderr.starts_with("install.sh: this program does not keep a login, so nothing was installed")
            || run.stderr.contains("nothing was installed"),
        "{run:?}"
    );
    write(&releases.folder("0.9.0").join("SHA256SUMS"), b"00  ensign-0.9.0-riscv64.tar.gz\n");
    releases.sign("0.9.0", "ensign 0.9.0", &releases.key);
    releases.make_newest("0.9.0");
    let source = "Build it from source:\n  git clone https://forge.example/ensign/ensign && ensign/install.sh";
    home.refuses(&[], &format!("release 0.9.0 has no program for {TARGET}; nothing was changed. {source}"));
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
    let told = "install.sh: there is no signed release of Ensign yet; nothing was changed. Build it from source:\n  \
        git clone https://forge.example/ensign/ensign && ensign/install.sh\n";
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), told));
    assert!(!home.at("").exists());
}

/// A download that breaks off must not run half of the script: `rm -rf /tmp/x` could be cut behind `/tmp`.
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
    for (words, text) in [
        (&["--version"][..], "`--version` needs a value: see `sh -s -- --help`"),
        (&["--frobnicate"], "`--frobnicate` is not an option of this script: see `sh -s -- --help`"),
        (
            &["--version", "0.9.0", "--from-source"],
            "`--version` is for releases: check that version out and leave `--version` out",
        ),
        (&["--release", "--program", "/bin/sh"], "`--program` names what is installed: leave the other options out"),
        (
            &["--from-source"],
            "there is no checkout to build from here. Make one:\n  git clone https://forge.example/ensign/ensign && ensign/install.sh",
        ),
    ] {
        home.refuses(words, text);
    }
    // What a package manager keeps is its own affair.
    write(&home.at("lib/ensign/installed-by"), b"apt install --only-upgrade docker-credential-ensign\n");
    for words in [&[][..], &["--uninstall"]] {
        let run = home.install(words);
        assert!(
            run.stderr.ends_with("It renews it by:\n  apt install --only-upgrade docker-credential-ensign\n"),
            "{run:?}"
        );
    }
}
