//! `install.sh` where the release is hard to get: without curl, through a proxy, from a server that fails, without room.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::install_release::{Home, SAYING, Tools, archive};
use crate::support::release::{BEHIND_PROXY, PROGRAM, program_of};
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
    home.releases.behave(&json!({"SUMS": {"status": 404}}));
    let run = home.install(&[]);
    assert!(run.stderr.contains("did not give SHA256SUMS") && run.code == Some(1), "{run:?}");
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
        assert!(
            run.code == Some(1) && run.stderr.contains("nothing was changed. Check the network, and the proxy"),
            "{run:?}"
        );
        assert!(!run.stderr.contains("s3cret"), "{run:?}");
    }
}

/// Needs the right to mount; without it nothing is tried. The room is enough for less and less.
#[test]
fn where_there_is_no_room_nothing_is_left() {
    let home = Home::new(Tools::All);
    home.releases.publish(OURS, &program_of(OURS));
    let size = |path: &Path| fs::metadata(path).unwrap().len() >> 10;
    let (archive, program) = (size(&home.releases.archive(OURS)), size(&program_of(OURS)));
    let bin = home.at("bin");
    write(&home.sandbox.home().join("install.sh"), home.script().as_bytes());
    let curl = "there is no room in `BIN` for the download; nothing was changed. \
                Make room, or choose another folder with `--prefix DIR`.";
    let unpacking = "there is no room in `BIN` to unpack the release; nothing was changed. Make room, then try again.";
    for (kilobytes, told) in
        [(archive / 2, curl), (archive + program / 2, unpacking), (archive + program * 3 / 2, unpacking)]
    {
        let script = "mount -t tmpfs -o size=\"$1k\" tmpfs \"$2\" 2>/dev/null || exit 77; sh -s <install.sh; echo \"$? $(ls -A \"$2\")\"";
        let _ = fs::create_dir_all(&bin);
        let words = ["--mount", "sh", "-c", script, "sh", &kilobytes.to_string(), bin.to_str().unwrap()];
        let mut command = home.sandbox.command_of("unshare".as_ref(), &words);
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("CURL_CA_BUNDLE", home.releases.authority());
        let run = Run::from(command.output().unwrap());
        if run.code != Some(0) {
            return eprintln!("skipped: {run:?}");
        }
        let told = format!("install.sh: {}\n", told.replace("BIN", bin.to_str().unwrap()));
        assert!(run.stderr.ends_with(&told), "{kilobytes} of {archive} and {program}: {run:?}");
        assert!(run.stdout.ends_with("\n1 \n") || run.stdout == "1 \n", "{kilobytes}: {run:?}");
    }
}

#[test]
fn a_server_that_fails_is_named_by_the_script_too() {
    let mut home = Home::new(Tools::All);
    home.publish_script("0.9.0", SAYING);
    let name = archive();
    let report = "Try again, and report it if it happens twice: see SECURITY.md in https://forge.example/ensign/ensign";
    let broke = |bytes: u32| {
        format!(
            "the download of {name} broke off again and again, last after {bytes} bytes; nothing was changed. Try again later."
        )
    };
    for (rules, text) in [
        (
            json!({"SUMS": {"status": 503}}),
            "`SERVER` answered with 503 when asked for SHA256SUMS; nothing was changed. Try again later.".to_owned(),
        ),
        (
            json!({"SUMS": {"status": 404}}),
            "there is no release at `https://SERVER`; nothing was changed. Check the version, if you named one."
                .to_owned(),
        ),
        (
            json!({"gz": {"redirect": "http://localhost:1/x"}}),
            format!(
                "`SERVER` redirects {name} to an address without https; nothing was changed. Report it to those who run that server."
            ),
        ),
        (
            json!({"gz": {"endless": true}}),
            format!("{name} is too large to be of a release; nothing was changed.\n{report}"),
        ),
        (json!({"gz": {"cut": 30}}), broke(150)),
        (json!({"gz": {"cut": 30, "no_range": true}}), broke(30)),
    ] {
        home.releases.behave(&rules);
        home.refuses(&[], &text);
    }
    home.releases.behave(&json!({}));
    home.refuses(
        &["--version", "0.8.0"],
        "there is no release 0.8.0 at `https://SERVER`; nothing was changed. Check the version, if you named one.",
    );
    home.releases.stop();
    let run = home.install(&[]);
    assert!(run.stderr.starts_with("install.sh: could not reach `localhost:") && !home.at("").exists(), "{run:?}");
}
