//! What `update` refuses: manipulated releases, programs that do not run here, and failing servers. A refused update
//! changes nothing.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use regex_lite::Regex;
use serde_json::json;
use snapbox::str;

use crate::support::release::{BEHIND_PROXY, PROGRAM, SigningKey, TARGET, program_of};
use crate::support::snapshots::shows;
use crate::support::{Run, write};
use crate::update::{Installed, saying, script};

#[test]
fn what_was_tampered_with_is_refused_in_a_sentence_of_its_own() {
    let installed = Installed::new();
    let (releases, sandbox) = (&installed.releases, &installed.sandbox);
    let publish = || releases.publish("0.9.0", &saying(sandbox, "0.9.0"));
    let (archive, folder) = (releases.archive("0.9.0"), releases.folder("0.9.0"));
    let name = archive.file_name().unwrap().to_str().unwrap().to_owned();
    let root = format!("ensign-0.9.0-{TARGET}");
    let change = |file: &str, edit: fn(&mut Vec<u8>)| {
        let mut bytes = fs::read(folder.join(file)).unwrap();
        edit(&mut bytes);
        write(&folder.join(file), &bytes);
        releases.make_newest("0.9.0");
    };
    let (mut told, mut hints) = (String::new(), BTreeSet::new());
    let mut refused = |what: &str, words: &[&str]| {
        let refused = installed.refused(words);
        let (error, hint) = refused.split_once('\n').unwrap();
        let _ = write!(told, "{what}\n  {error}\n");
        hints.insert(hint.to_owned());
    };

    publish();
    change(&name, |bytes| bytes[200] ^= 1);
    refused("a byte of the archive", &[]);
    publish();
    change(&name, |bytes| bytes.truncate(150));
    refused("half an archive", &[]);
    publish();
    change("SHA256SUMS", |bytes| bytes[0] = if bytes[0] == b'0' { b'1' } else { b'0' });
    refused("a byte of the sums", &[]);
    publish();
    change("SHA256SUMS.minisig", |bytes| bytes[70] = if bytes[70] == b'A' { b'B' } else { b'A' });
    refused("a byte of the signature", &[]);
    publish();
    change("SHA256SUMS.minisig", |bytes| bytes.truncate(60));
    refused("half a signature", &[]);
    publish();
    releases.sign("0.9.0", "ensign 0.9.0", &releases.key.forged());
    releases.make_newest("0.9.0");
    refused("a forged signature", &[]);
    releases.sign("0.9.0", "ensign 0.9.0", &SigningKey::new());
    releases.make_newest("0.9.0");
    refused("another key", &[]);
    releases.sign("0.9.0", "a cake", &releases.key);
    releases.make_newest("0.9.0");
    refused("a comment without a version", &[]);
    releases.sign("0.9.0", "ensign 0.8.0", &releases.key);
    refused("another version", &["--version", "0.9.0"]);

    // Archives that only the key's owner could have signed.
    let pack = |words: &[&str]| {
        releases.pack("0.9.0", sandbox.home(), words);
        releases.sign("0.9.0", "ensign 0.9.0", &releases.key);
        releases.make_newest("0.9.0");
    };
    fs::create_dir_all(sandbox.home().join(&root)).unwrap();
    write(&sandbox.home().join("evil"), b"#!/bin/sh\n");
    pack(&["--transform", "s,^evil,../evil,", "evil"]);
    refused("a file outside", &[]);
    pack(&["--transform", &format!("s,^evil,{root}/../../evil,"), "evil"]);
    refused("a file outside, through the folder", &[]);
    std::os::unix::fs::symlink("/bin/sh", sandbox.home().join(&root).join(PROGRAM)).unwrap();
    pack(&[&root]);
    refused("a link", &[]);
    fs::remove_file(sandbox.home().join(&root).join(PROGRAM)).unwrap();
    pack(&[&root]);
    refused("no program", &[]);
    write(&archive, b"not an archive");
    releases.sum("0.9.0");
    releases.sign("0.9.0", "ensign 0.9.0", &releases.key);
    releases.make_newest("0.9.0");
    refused("no archive", &[]);
    shows(
        &(told + &Vec::from_iter(hints).concat()),
        str![[r#"
a byte of the archive
  error: ensign-0.9.0-TARGET.tar.gz is not the signed file: its checksum differs; nothing was changed
half an archive
  error: ensign-0.9.0-TARGET.tar.gz is not the signed file: its checksum differs; nothing was changed
a byte of the sums
  error: SHA256SUMS or its signature was changed after signing; nothing was changed
a byte of the signature
  error: SHA256SUMS or its signature was changed after signing; nothing was changed
half a signature
  error: SHA256SUMS.minisig is not a signature of minisign; nothing was changed
a forged signature
  error: SHA256SUMS or its signature was changed after signing; nothing was changed
another key
  error: the release is signed with another key than the one trusted here; nothing was changed
a comment without a version
  error: the signature is for `a cake`, which is not a version; nothing was changed
another version
  error: the signature is for version 0.8.0, but 0.9.0 was requested; nothing was changed
a file outside
  error: ensign-0.9.0-TARGET.tar.gz contains `../evil`, which is outside the archive's folder; nothing was changed
a file outside, through the folder
  error: ensign-0.9.0-TARGET.tar.gz contains `ensign-0.9.0-TARGET/../../evil`, which is outside the archive's folder; nothing was changed
a link
  error: ensign-0.9.0-TARGET.tar.gz contains `ensign-0.9.0-TARGET/docker-credential-ensign`, which is a link; nothing was changed
no program
  error: ensign-0.9.0-TARGET.tar.gz contains no `docker-credential-ensign`; nothing was changed
no archive
  error: ensign-0.9.0-TARGET.tar.gz is not a gzip file, or is too large; nothing was changed
hint: try again; if it happens twice, report it as SECURITY.md says

"#]],
    );
}

#[test]
fn a_program_that_does_not_run_here_never_takes_the_place() {
    let installed = Installed::new();
    let (releases, sandbox) = (&installed.releases, &installed.sandbox);
    let mut told = String::new();
    for (what, program) in [
        ("of another machine", "\u{7f}ELF of another machine"),
        ("fails", "#!/bin/sh\nexit 1\n"),
        ("of another version", "#!/bin/sh\necho docker-credential-ensign 0.8.0\n"),
    ] {
        releases.publish("0.9.0", &script(sandbox, program));
        let _ = write!(told, "{what}\n{}", installed.refused(&[]));
    }
    write(&releases.folder("0.9.0").join("SHA256SUMS"), b"00  ensign-0.9.0-riscv64.tar.gz\n");
    releases.sign("0.9.0", "ensign 0.9.0", &releases.key);
    releases.make_newest("0.9.0");
    let _ = write!(told, "not there\n{}", installed.refused(&[]));
    shows(
        &told,
        str![[r#"
of another machine
error: the other program does not run on this machine: Exec format error (os error 8); nothing was changed
hint: report it, with the output of `uname -a`
fails
error: the other program does not run on this machine: the program printed no version; nothing was changed
hint: report it, with the output of `uname -a`
of another version
error: the new program says that it is 0.8.0, not 0.9.0; nothing was changed
hint: report it as SECURITY.md says
not there
error: release 0.9.0 has no program for TARGET
hint: run `git clone https://forge.example/ensign/ensign`, then its install.sh

"#]],
    );
}

#[test]
fn the_address_is_a_setting_with_a_key_of_its_own() {
    let installed = Installed::new();
    let key = installed.releases.key.public();
    let mut told = String::new();
    for releases in [
        json!({"address": "https://localhost"}),
        json!({"address": "https://localhost", "key": "x"}),
        json!({"address": "http://localhost", "key": key}),
    ] {
        let config = json!({"version": 3, "releases": releases, "registries": {}});
        write(&installed.sandbox.config_path(), config.to_string().as_bytes());
        told += &installed.refused(&[]);
    }
    shows(
        &told,
        str![[r#"
error: `releases` in `config.json` is wrong: `address` and `key`, the public key of the releases, are needed
hint: correct the setting; docs/install.md has an example
error: `releases` in `config.json` is wrong: `key` is not a public key of minisign
hint: correct the setting; docs/install.md has an example
error: `releases` in `config.json` is wrong: `address` does not begin with https://
hint: correct the setting; docs/install.md has an example

"#]],
    );
    write(&installed.sandbox.config_path(), b"{\"version\": 3, \"registries\": {}}");
    if include_str!("../../packaging/release.facts").contains("\nPUBLIC_KEY=\n") {
        shows(
            &installed.refused(&[]),
            str![[r#"
error: there is no signed release of Ensign yet
hint: run `git clone https://forge.example/ensign/ensign`, then its install.sh

"#]],
        );
    }
    // A change of an account keeps the setting of releases.
    write(&installed.sandbox.config_path(), installed.releases.config().as_bytes());
    installed.sandbox.store("ghcr.io", "alice", "pw");
    assert_eq!(installed.sandbox.config()["releases"]["key"], key.as_str());
}

#[test]
fn one_update_at_a_time() {
    let installed = Installed::new();
    installed.releases.publish("0.9.0", &saying(&installed.sandbox, "0.9.0"));
    let lock = fs::File::create(installed.at("lib/ensign/update.lock")).unwrap();
    lock.lock().unwrap();
    shows(
        &installed.refused(&[]),
        str![[r#"
error: another update of this program is running
hint: wait until the other update is done

"#]],
    );
}

/// Mounts a small disk. Skipped if the test may not mount.
#[test]
fn where_there_is_no_room_nothing_is_begun() {
    let installed = Installed::new();
    installed.releases.publish("0.9.0", &program_of("0.9.0"));
    let small = installed.at("bin");
    let mount = "mount -t tmpfs -o size=32m tmpfs \"$1\" 2>/dev/null || exit 77; install -m 755 \"$2\" \"$1/docker-credential-ensign\" && \
        \"$1/docker-credential-ensign\" update; echo \"left: $(ls -A \"$1\")\"";
    let mut command = installed.sandbox.command_of("unshare".as_ref(), &["--mount", "sh", "-c", mount, "sh"]);
    let output = command
        .arg(&small)
        .arg(program_of(env!("CARGO_PKG_VERSION")))
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output()
        .unwrap();
    let run = Run::from(output);
    if run.code == Some(0) {
        assert_eq!(run.stdout, format!("left: {PROGRAM}\n"));
        let megabytes = Regex::new(r"\d+ MB").unwrap();
        shows(
            &megabytes.replace_all(&run.stderr, "# MB"),
            str![[r#"
error: `[HOME]/.local/bin` has no room: # MB are free, and # MB are needed
hint: make room and try again

"#]],
        );
    }
}

#[test]
fn a_server_that_fails_is_named() {
    let mut installed = Installed::new();
    installed.releases.publish("0.9.0", &saying(&installed.sandbox, "0.9.0"));
    let mut told = String::new();
    for (what, rules) in [
        ("503", json!({"SUMS": {"status": 503}})),
        ("404", json!({"SUMS": {"status": 404}})),
        ("a redirect to http", json!({"gz": {"redirect": "http://localhost:1/x"}})),
        ("a redirect to itself", json!({"gz": {"redirect": "/download/x.tar.gz"}})),
        ("a redirect to nowhere", json!({"gz": {"redirect": "https://localhost:1/x"}})),
        ("no archive", json!({"gz": {"status": 404}})),
        ("endless", json!({"gz": {"endless": true}})),
        ("breaks off", json!({"gz": {"cut": 30}})),
        ("breaks off, and begins anew", json!({"gz": {"cut": 30, "no_range": true}})),
    ] {
        installed.releases.behave(&rules);
        let _ = write!(told, "{what}\n{}", installed.refused(&[]));
    }
    installed.releases.behave(&json!({}));
    for words in [&["--version", "0.8.0"][..], &["--rollback"]] {
        let _ = write!(told, "{}\n{}", words[0], installed.refused(words));
    }
    installed.releases.stop();
    let _ = write!(told, "nobody answers\n{}", installed.refused(&[]));
    shows(
        &told,
        str![[r#"
503
error: `SERVER` answered with 503 when asked for SHA256SUMS
hint: try again later
404
error: there is no release at `https://SERVER`
hint: check `releases` in `config.json`, if it is set there
a redirect to http
error: `SERVER` redirects ensign-0.9.0-TARGET.tar.gz to an address without https
hint: report it to the server's operator
a redirect to itself
error: `SERVER` redirects ensign-0.9.0-TARGET.tar.gz too often
hint: report it to the server's operator
a redirect to nowhere
error: could not reach `localhost:1`: Connection refused (os error 111)
hint: check the network, and the proxy if there is one
no archive
error: release 0.9.0 has no ensign-0.9.0-TARGET.tar.gz at `https://SERVER`
hint: try again later
endless
error: ensign-0.9.0-TARGET.tar.gz is too large for a release; nothing was changed
hint: try again; if it happens twice, report it as SECURITY.md says
breaks off
error: the download of ensign-0.9.0-TARGET.tar.gz was interrupted several times, the last time after 150 bytes
hint: try again later
breaks off, and begins anew
error: the download of ensign-0.9.0-TARGET.tar.gz was interrupted several times, the last time after 30 bytes
hint: try again later
--version
error: there is no release 0.8.0 at `https://SERVER`
hint: run `ensign update --check`
--rollback
error: there is no previous program to go back to
hint: name a release: `ensign update --version VERSION`
nobody answers
error: could not reach `SERVER`: Connection refused (os error 111)
hint: check the network, and the proxy if there is one

"#]],
    );
}

#[test]
fn a_proxy_leads_to_the_server_and_its_password_is_not_shown() {
    let installed = Installed::new();
    installed.releases.publish("0.9.0", &saying(&installed.sandbox, "0.9.0"));
    let behind = format!("https://{BEHIND_PROXY}");
    let config = installed.releases.config().replace(&installed.releases.address(), &behind);
    write(&installed.sandbox.config_path(), config.as_bytes());
    let proxy = installed.releases.proxy();
    let through = |variable: &str, address: &str, words: &[&str]| -> Run {
        let mut command = installed.sandbox.command_of(&installed.at("bin/ensign"), words);
        command.env(variable, address).output().unwrap().into()
    };
    let run = through("HTTPS_PROXY", "http://me:s3cret@localhost:1", &["update", "--check", "--verbose"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains(BEHIND_PROXY) && !run.stderr.contains("s3cret"), "{run:?}");
    run.shows(str![[r#"
exit 1
--- stderr
error: could not reach `releases.example`: Connection refused (os error 111), through the proxy `localhost:1`
hint: check the network, and the proxy if there is one

"#]]);
    let run = through("HTTPS_PROXY", &proxy.address, &["update", "--check"]);
    assert_eq!((run.code, proxy.asked()), (Some(7), vec![format!("CONNECT {BEHIND_PROXY}:443 HTTP/1.1")]), "{run:?}");
    let run = through("https_proxy", &proxy.address, &["update"]);
    assert_eq!((run.code, proxy.asked().len()), (Some(0), 1), "{run:?}");
    assert!(installed.version().ends_with("0.9.0"));
}
