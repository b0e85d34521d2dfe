//! `install.sh` if the release is hard to fetch: without curl, through a proxy, from a failing server, or on a full
//! disk.
#![cfg(target_os = "linux")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::json;
use snapbox::str;

use crate::install_release::{Home, SAYING, Tools};
use crate::support::release::{BEHIND_PROXY, PROGRAM, Releases, program_of};
use crate::support::snapshots::shows;
use crate::support::{Run, write};

const OURS: &str = env!("CARGO_PKG_VERSION");

#[test]
fn wget_does_where_there_is_no_curl() {
    if !Path::new("/usr/bin/wget").exists() {
        return;
    }
    let home = Home::new(Tools::WithoutCurl);
    home.releases.publish(OURS, &program_of(OURS));
    home.releases.behave(&json!({".tar.gz": {"cut_once": 100_000}}));
    let run = home.install(&["--prefix", "there"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(home.sandbox.home().join("there/bin").join(PROGRAM).is_file());
}

/// The messages are those of [`a_server_that_fails_is_named_by_the_script_too`], except for the words of wget.
#[test]
fn a_server_that_fails_is_named_with_wget_too() {
    if !Path::new("/usr/bin/wget").exists() {
        return;
    }
    let mut home = Home::new(Tools::WithoutCurl);
    home.publish_script("0.9.0", SAYING);
    let mut told = String::new();
    for (what, rules) in [
        ("503", json!({"SUMS": {"status": 503}})),
        ("404", json!({"SUMS": {"status": 404}})),
        ("endless", json!({"gz": {"endless": true}})),
        ("breaks off", json!({"gz": {"cut": 30}})),
    ] {
        home.releases.behave(&rules);
        let _ = write!(told, "{what}\n{}", home.refused(&[]));
    }
    home.releases.behave(&json!({}));
    home.sandbox = home.sandbox.with("https_proxy", "http://me:s3cret@local host:1");
    let _ = write!(told, "no proxy\n{}", home.refused(&[]));
    let (other, settings) = (Releases::new(), home.sandbox.home().join("wgetrc"));
    write(&settings, format!("ca_certificate = {}\n", other.authority().display()).as_bytes());
    home.sandbox = home.sandbox.with("https_proxy", "");
    let error = home.refused(&[]);
    assert!(error.contains("could not reach `SERVER`: ") && error.contains("certificate"), "{error}");
    home.releases.stop();
    let _ = write!(told, "stopped\n{}", home.refused(&[]));
    shows(
        &told,
        str![[r#"
503
install.sh: `SERVER` answered with 503 when asked for SHA256SUMS; nothing was changed. Try again later.
404
install.sh: there is no release at `https://SERVER`; nothing was changed. Check the version, if you named one.
endless
install.sh: ensign-0.9.0-TARGET.tar.gz is too large for a release; nothing was changed.
Try again; if it happens twice, report it as SECURITY.md in https://forge.example/ensign/ensign says
breaks off
install.sh: the download of ensign-0.9.0-TARGET.tar.gz was interrupted several times, the last time after 150 bytes; nothing was changed. Try again later.
no proxy
install.sh: could not reach `SERVER`: unable to resolve host address 'local host'; nothing was changed. Check the network, and the proxy if there is one.
stopped
install.sh: could not reach `SERVER`: failed: Connection refused; nothing was changed. Check the network, and the proxy if there is one.

"#]],
    );
}

#[test]
fn a_proxy_leads_to_the_server_with_curl_and_with_wget() {
    for tools in [Tools::All, Tools::WithoutCurl] {
        if matches!(tools, Tools::WithoutCurl) && !Path::new("/usr/bin/wget").exists() {
            continue;
        }
        let mut home = Home::new(tools);
        home.releases.publish(OURS, &program_of(OURS));
        let proxy = home.releases.proxy();
        home.sandbox = home.sandbox.with("https_proxy", &proxy.address);
        let script = home.script().replace(&home.releases.address(), &format!("https://{BEHIND_PROXY}"));
        let run = home.run_script(&script, &[]);
        assert_eq!((run.code, home.version().as_str()), (Some(0), OURS), "{run:?}");
        assert!(
            proxy.asked().iter().all(|line| line.starts_with(&format!("CONNECT {BEHIND_PROXY}:443 "))),
            "{tools:?}"
        );
        home.sandbox = home.sandbox.with("https_proxy", "http://me:s3cret@localhost:1");
        let run = home.run_script(&script, &[]);
        assert!(run.code == Some(1) && run.stderr.contains("proxy") && !run.stderr.contains("s3cret"), "{run:?}");
        assert_eq!(home.version(), OURS, "nothing was changed");
    }
}

/// Mounts disks of different sizes: too small for the download, for the unpacked release, or for both. Skipped if the
/// test may not mount.
#[test]
fn where_there_is_no_room_nothing_is_left() {
    let home = Home::new(Tools::All);
    home.releases.publish(OURS, &program_of(OURS));
    let size = |path: &Path| fs::metadata(path).unwrap().len() >> 10;
    let (archive, program) = (size(&home.releases.archive(OURS)), size(&program_of(OURS)));
    let bin = home.at("bin");
    write(&home.sandbox.home().join("install.sh"), home.script().as_bytes());
    let mut told = String::new();
    for kilobytes in [archive / 2, archive + program / 2, archive + program * 3 / 2] {
        let script = "mount -t tmpfs -o size=\"$1k\" tmpfs \"$2\" 2>/dev/null || exit 77; sh -s <install.sh; echo \"$? $(ls -A \"$2\")\"";
        let _ = fs::create_dir_all(&bin);
        let words = ["--mount", "sh", "-c", script, "sh", &kilobytes.to_string(), bin.to_str().unwrap()];
        let mut command = home.sandbox.command_of("unshare".as_ref(), &words);
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("CURL_CA_BUNDLE", home.releases.authority());
        let run = Run::from(command.output().unwrap());
        if run.code != Some(0) {
            return eprintln!("skipped: {run:?}");
        }
        assert!(run.stdout.ends_with("\n1 \n") || run.stdout == "1 \n", "{kilobytes}: {run:?}");
        told += &run.stderr[run.stderr.find("install.sh: ").unwrap()..];
    }
    shows(
        &told,
        str![[r#"
install.sh: there is no room in `[HOME]/.local/bin` for the download; nothing was changed. Make room, or choose another folder with `--prefix DIR`.
install.sh: there is no room in `[HOME]/.local/bin` to unpack the release; nothing was changed. Make room, then try again.
install.sh: there is no room in `[HOME]/.local/bin` to unpack the release; nothing was changed. Make room, then try again.

"#]],
    );
}

#[test]
fn a_server_that_fails_is_named_by_the_script_too() {
    let mut home = Home::new(Tools::All);
    home.publish_script("0.9.0", SAYING);
    let mut told = String::new();
    for (what, rules) in [
        ("503", json!({"SUMS": {"status": 503}})),
        ("404", json!({"SUMS": {"status": 404}})),
        ("a redirect to http", json!({"gz": {"redirect": "http://localhost:1/x"}})),
        ("endless", json!({"gz": {"endless": true}})),
        ("breaks off", json!({"gz": {"cut": 30}})),
        ("breaks off, and begins anew", json!({"gz": {"cut": 30, "no_range": true}})),
        ("a redirect to itself", json!({"gz": {"redirect": format!("{}/x.gz", home.releases.address())}})),
        ("no archive", json!({"gz": {"status": 404}})),
    ] {
        home.releases.behave(&rules);
        let _ = write!(told, "{what}\n{}", home.refused(&[]));
    }
    home.releases.behave(&json!({}));
    let _ = write!(told, "no such version\n{}", home.refused(&["--version", "0.8.0"]));
    let other = Releases::new();
    home.sandbox = home.sandbox.with("CURL_CA_BUNDLE", other.authority().to_str().unwrap());
    let error = home.refused(&[]);
    assert!(
        error.contains("certificate") && error.ends_with("Check the network, and the proxy if there is one.\n"),
        "{error}"
    );
    home.releases.stop();
    assert!(
        home.refused(&[]).starts_with("install.sh: could not reach `SERVER`: "),
        "the message ends with curl's error"
    );
    shows(
        &told,
        str![[r#"
503
install.sh: `SERVER` answered with 503 when asked for SHA256SUMS; nothing was changed. Try again later.
404
install.sh: there is no release at `https://SERVER`; nothing was changed. Check the version, if you named one.
a redirect to http
install.sh: `SERVER` redirects ensign-0.9.0-TARGET.tar.gz to an address without https; nothing was changed. Report it to the server's operator.
endless
install.sh: ensign-0.9.0-TARGET.tar.gz is too large for a release; nothing was changed.
Try again; if it happens twice, report it as SECURITY.md in https://forge.example/ensign/ensign says
breaks off
install.sh: the download of ensign-0.9.0-TARGET.tar.gz was interrupted several times, the last time after 150 bytes; nothing was changed. Try again later.
breaks off, and begins anew
install.sh: the download of ensign-0.9.0-TARGET.tar.gz was interrupted several times, the last time after 30 bytes; nothing was changed. Try again later.
a redirect to itself
install.sh: `SERVER` redirects ensign-0.9.0-TARGET.tar.gz too often; nothing was changed. Report it to the server's operator.
no archive
install.sh: release 0.9.0 has no ensign-0.9.0-TARGET.tar.gz at `https://SERVER`; nothing was changed. Try again later.
no such version
install.sh: there is no release 0.8.0 at `https://SERVER`; nothing was changed. Check the version, if you named one.

"#]],
    );
}
