//! The outputs, processes and files of a whole session contain no secret, except the secret store and requested
//! answers.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use snapbox::str;

use crate::support::registry::FakeRegistry;
use crate::support::snapshots::shows;
use crate::support::{Run, Sandbox, write};

/// The fake registry accepts the password `USER-pw`.
const ALICE: &str = "l3akalice";
const BOB: &str = "l3akbob";

/// A session whose outputs are checked for secrets.
struct Session<'s> {
    sandbox: &'s Sandbox,
    /// True if the secrets are sealed, so that no file may contain a secret in clear text.
    is_sealed: bool,
    secrets: Vec<String>,
}

impl Session<'_> {
    fn run(&self, words: &[&str], stdin: &str) -> Run {
        let run = self.sandbox.run(words, stdin);
        self.assert_clean(&format!("{words:?}: {run:?}"));
        run
    }

    fn ok(&self, words: &[&str], stdin: &str) {
        let run = self.run(words, stdin);
        assert_eq!(run.code, Some(0), "{words:?}: {run:?}");
    }

    fn assert_clean(&self, text: &str) {
        for secret in &self.secrets {
            assert!(!text.contains(secret.as_str()), "{secret} leaked: {text}");
        }
    }

    /// Checks the arguments and the environment of every process until `done`, as `ps e` shows them.
    fn watch_processes(&self, done: &AtomicBool) -> u32 {
        let mut seen = 0;
        while !done.load(Ordering::Relaxed) {
            for process in fs::read_dir("/proc").unwrap().map(Result::unwrap) {
                for file in ["cmdline", "environ"] {
                    if let Ok(bytes) = fs::read(process.path().join(file)) {
                        let text = String::from_utf8_lossy(&bytes);
                        self.assert_clean(&text);
                        seen += u32::from(text.contains("docker-credential-ensign"));
                    }
                }
            }
        }
        seen
    }

    /// Checks every file below `folder`, except the secret store's.
    fn assert_files_are_clean(&self, folder: &Path) -> u32 {
        let mut seen = 0;
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let holds_secrets = !self.is_sealed && path == self.sandbox.home().join("data/secrets");
            if holds_secrets || path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                seen += self.assert_files_are_clean(&path);
            } else {
                self.assert_clean(&format!(
                    "{}: {}",
                    path.display(),
                    String::from_utf8_lossy(&fs::read(&path).unwrap())
                ));
                seen += 1;
            }
        }
        seen
    }
}

/// Ends the watching of processes when dropped, also after a failed assertion.
struct Finish<'d>(&'d AtomicBool);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_full_session_leaks_no_secret() {
    full_session(false);
}

/// A disk image or a backup of the home would contain these files.
#[test]
fn after_a_full_session_with_sealed_secrets_no_file_holds_one() {
    full_session(true);
}

fn full_session(is_sealed: bool) {
    let registry = FakeRegistry::with_tokens();
    let host = registry.host.as_str();
    let (alice_image, bob_image) = (format!("{host}/{ALICE}/app:1"), format!("{host}/{BOB}/app:1"));
    // The script does not contain the secret as one text.
    let lender = "#!/bin/sh\nprintf 'warning: l3akbob-%s\\n' pw >&2\nprintf 'l3akbob-%s\\n' pw\n[ -z \"$BROKEN\" ]\n";
    let runtime = tempfile::tempdir().unwrap(); // private, like the folder that a login creates
    let sandbox =
        Sandbox::new().with_program("lender", lender).with("XDG_RUNTIME_DIR", runtime.path().to_str().unwrap());
    // Docker and Kubernetes write a login as Base64 of the user name and the secret.
    let forms = |user: &str| {
        let secret = format!("{user}-pw");
        let in_base64 = [BASE64_STANDARD.encode(&secret), BASE64_STANDARD.encode(format!("{user}:{secret}"))];
        [vec![secret], in_base64.to_vec()].concat()
    };
    let secrets = [ALICE, BOB].map(forms).concat();
    let session = Session { sandbox: &sandbox, is_sealed, secrets };
    let mounted = tempfile::tempdir().unwrap();
    if is_sealed {
        session.ok(&["store", "key", "--holder", &format!("file:{}", mounted.path().join("key").display())], "");
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| session.watch_processes(&done));
        let at_end = Finish(&done);
        session.ok(&["login", host, "-u", ALICE, "--password-stdin"], &format!("{ALICE}-pw\n"));
        session.ok(&["login", host, "-u", BOB, "--password-stdin", "--json"], &format!("{BOB}-pw\n"));
        session.run(&["login", host, "-u", "l3akcarol", "--password-stdin"], &format!("{BOB}-pw\n"));
        session.run(&["login", host, "-u", "x", "--password-stdin"], &format!("{BOB}-pw\r\nx: y\n"));
        session.run(&["login", "localhost:1", "-u", BOB, "--password-stdin"], &format!("{BOB}-pw"));
        for json in [&[][..], &["--json"]] {
            for words in [
                &["status"][..],
                &["status", host],
                &["switch", host],
                &["account", "show", host],
                &["which", &alice_image],
                &["which", &bob_image, "--as", "docker push x"],
                &["check", &alice_image, "--push"],
                &["check", &bob_image],
                &["configure-docker", "--dry-run"],
                &["configure-docker"],
                &["configure-docker", "--undo"],
                &["restore"],
            ] {
                let words: Vec<_> = words.iter().chain(json).copied().collect();
                session.run(&words, "");
            }
        }
        // Damages the file of the secrets, so that errors are about this file.
        let kept = sandbox.secrets_path(host);
        let kept = if is_sealed { sandbox.home().join("data/sealed").join(kept.file_name().unwrap()) } else { kept };
        let good = fs::read(&kept).unwrap();
        write(&kept, &good[..good.len() / 2]);
        for words in [&["get"][..], &["status"], &["check", host], &["logout", host, "-u", ALICE]] {
            session.run(words, host);
        }
        write(&kept, &good);
        session.run(&["store"], &format!("{{\"ServerURL\": \"{host}\", \"Secret\": \"{BOB}-pw"));
        session.run(&["store"], &format!("{{\"ServerURL\": \"\", \"Username\": \"{BOB}\", \"Secret\": \"{BOB}-pw\"}}"));
        session.run(&["list"], "");
        // An external source with its secret, its warning and its failure.
        session.ok(&["login", host, "-u", BOB, "--alias", "lent", "--borrow", "command", "--", "lender"], "");
        session.ok(&["account", "show", host, "lent"], "");
        session.run(&["login", host, "--borrow", "command", "-u", BOB, "--env", "BROKEN=1", "--", "lender"], "");
        for words in [
            &["--verbose", "check", &alice_image][..],
            &["--verbose", "api", host, "_catalog"],
            &["api", host, &format!("{ALICE}/app/manifests/1")],
            &["import"],
            &["import", "--json"],
            &["use", &format!("{host}={ALICE}")],
            &["kubelet"],
            &["why"],
            &["why", "--json"],
        ] {
            session.run(words, "");
        }
        for format in ["dockerconfigjson", "secret", "auth.json", "env"] {
            let run = sandbox.run(&["export", host, "--format", format], ""); // stdout contains a secret
            assert_eq!(run.code, Some(0), "{run:?}");
            session.assert_clean(&run.stderr);
        }
        for address in [host, &format!("https://{BOB}:{BOB}-pw@{host}/v2/"), &format!("{host}/{ALICE}/app")] {
            sandbox.run(&["get"], address); // this answer contains a secret
        }
        session.ok(&["why"], "");
        assert!(session.assert_files_are_clean(sandbox.home()) > 1);
        session.ok(&["logout", host, "--all"], "");
        drop(at_end);
        assert!(watcher.join().unwrap() > 0, "the watcher saw no process of ours");
    });
    assert!(session.assert_files_are_clean(sandbox.home()) > 1);
    assert_eq!(session.assert_files_are_clean(runtime.path()), 1);
    assert!(!sandbox.secrets_path(host).exists());
}

#[test]
fn a_password_in_an_address_is_not_echoed() {
    let sandbox = Sandbox::new().with_bob_and_alice("ghcr.io");
    let mut errors = BTreeSet::new();
    for words in [
        &["check", "https://u:hunter2@ghcr.io"][..],
        &["token", "u:hunter2@ghcr.io/x"],
        &["api", "u:hunter2@ghcr.io", "_catalog"],
        &["api", "ghcr.io", "https://u:hunter2@ghcr.io/v2/"],
        &["logout", "https://u:hunter2@ghcr.io"],
        &["logout", "ghcr.io", "bob", "https://u:hunter2@ghcr.io"],
        &["which", "u:hunter2@ghcr.io/x"],
        &["login", "https://u:hunter2#x@ghcr.io"],
        &["login", "https://u:hunter2@ghcr.io", "-p", "x"],
        &["login", "ghcr.io", "-u", "bob", "--images", "u:hunter2@ghcr.io/**"],
        &["switch", "u:hunter2@ghcr.io", "bob"],
        &["switch", "ghcr.io", "u:hunter2@ghcr.io"],
        &["public", "add", "u:hunter2@ghcr.io/*"],
        &["store", "move", "u:hunter2@ghcr.io", "--to", "file"],
        &["status", "u:hunter2@ghcr.io"],
        &["route", "u:hunter2@ghcr.io", "x"],
        &["use", "u:hunter2@ghcr.io"],
        &["account", "show", "u:hunter2@ghcr.io"],
        &["account", "edit", "u:hunter2@ghcr.io", "--alias", "x"],
        &["account", "edit", "ghcr.io", "bob", "--also", "u:hunter2@ghcr.io"],
        &["export", "--format", "env", "u:hunter2@ghcr.io"],
        &["configure-docker", "u:hunter2@ghcr.io"],
        &["grant", "u:hunter2@ghcr.io", "bob"],
        &["buildx", "sync", "u:hunter2@ghcr.io/x"],
    ] {
        let run = sandbox.run(words, "");
        assert!(run.code == Some(2) && !format!("{run:?}").contains("hunter2"), "{words:?}: {run:?}");
        errors.insert(run.stderr);
    }
    shows(
        &Vec::from_iter(errors).concat(),
        str![[r#"
error: `--password` would show the password to programs and the shell's history
hint: run `docker-credential-ensign login ghcr.io -u NAME --password-stdin < FILE`
error: `https://…@ghcr.io/v2/` is not a path of a registry's API: a part of the path is empty or consists of dots
hint: write the path as in `acme/app/tags/list`
error: `https://…@ghcr.io` is not a registry: a registry is `host` or `host:port`, such as `ghcr.io` or `localhost:5000`
hint: name the registry as in `ghcr.io`
error: `https://…@ghcr.io` is not a registry: programs disagree about its host
hint: name the registry as in `ghcr.io`
error: `https://…@ghcr.io` is not an image: the part before the first `/` is not a registry
hint: name the image as in `ghcr.io/acme/app:1`
error: `…@ghcr.io/**` is not a pattern: a registry is `host` or `host:port`, such as `ghcr.io` or `localhost:5000`
hint: write a pattern as in 'ghcr.io/acme/**'
error: `…@ghcr.io/*` is not a pattern: a registry is `host` or `host:port`, such as `ghcr.io` or `localhost:5000`
hint: write a pattern as in 'ghcr.io/acme/public/**'
error: `…@ghcr.io/x` is not an image: a digest is `algorithm:hex`, such as `sha256:…`
hint: name the image as in `ghcr.io/acme/app:1`
error: `…@ghcr.io` is neither a registry with accounts nor an alias
hint: run `docker-credential-ensign status` to see the accounts
error: `…@ghcr.io` is not a registry: a registry is `host` or `host:port`, such as `ghcr.io` or `localhost:5000`
hint: name the registry as in `ghcr.io`
error: `…@ghcr.io` is not an image: a digest is `algorithm:hex`, such as `sha256:…`
hint: name the image as in `ghcr.io/acme/app:1`
error: ghcr.io has no account `…@ghcr.io`
hint: use one of its accounts: bob, alice
error: no registry has an account `…@ghcr.io`
hint: run `docker-credential-ensign status` to see the accounts
error: unexpected argument `https://…@ghcr.io` found
hint: run `docker-credential-ensign help logout`

"#]],
    );
}

#[test]
fn a_logout_leaves_nothing_of_a_writer_that_was_killed() {
    let sandbox = Sandbox::new();
    sandbox.store("ghcr.io", "me", "s3cret");
    let unfinished = sandbox.secrets_path("ghcr.io").with_extension("json.new");
    std::fs::copy(sandbox.secrets_path("ghcr.io"), &unfinished).unwrap();
    sandbox.ok(&["logout", "ghcr.io"], "");
    assert!(!unfinished.exists() && !sandbox.secrets_path("ghcr.io").exists());
}
