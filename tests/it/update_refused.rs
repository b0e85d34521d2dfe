//! `update` where another one runs, and where there is no room: nothing is begun.
#![cfg(target_os = "linux")]

use std::fs;

use crate::support::Run;
use crate::support::release::{PROGRAM, program_of};
use crate::update::{Installed, saying};

#[test]
fn one_update_at_a_time() {
    let installed = Installed::new();
    installed.releases.publish("0.9.0", &saying(&installed.sandbox, "0.9.0"));
    let lock = fs::File::create(installed.at("lib/ensign/update.lock")).unwrap();
    lock.lock().unwrap();
    installed.refuses(&[], "another update of this program is running", "wait until it is done");
}

/// Needs the right to mount; without it nothing is tried.
#[test]
fn where_there_is_no_room_nothing_is_begun() {
    let installed = Installed::new();
    installed.releases.publish("0.9.0", &program_of("0.9.0"));
    let small = installed.at("bin");
    let script = "mount -t tmpfs -o size=32m tmpfs \"$1\" 2>/dev/null || exit 77; install -m 755 \"$2\" \"$1/docker-credential-ensign\" && \
        \"$1/docker-credential-ensign\" update; echo \"left: $(ls -A \"$1\")\"";
    let mut command = installed.sandbox.command_of("unshare".as_ref(), &["--mount", "sh", "-c", script, "sh"]);
    let output = command
        .arg(&small)
        .arg(program_of(env!("CARGO_PKG_VERSION")))
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output()
        .unwrap();
    let run = Run::from(output);
    if run.code == Some(0) {
        assert!(run.stderr.starts_with("error: `") && run.stderr.contains("has no room: "), "{run:?}");
        assert!(run.stderr.ends_with("hint: make room and try again\n"), "{run:?}");
        assert_eq!(run.stdout, format!("left: {PROGRAM}\n"));
    }
}
