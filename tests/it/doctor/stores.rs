//! The key of sealed secrets.

use std::fs;

use super::*;

/// Both secrets sealed, their key in a file.
fn sealed() -> (Sandbox, PathBuf) {
    let sandbox = healthy();
    let key = sandbox.home().join("key");
    sandbox.ok(&["store", "key", "--holder", &format!("file:{}", key.display())], "");
    sandbox.ok(&["store", "move", "--to", "sealed"], "");
    (sandbox, key)
}

#[test]
fn the_stores_are_told() {
    let sandbox = healthy();
    assert!(run(&sandbox, &[]).stdout.contains("✓ stores    2 secrets in files, in clear text\n"));
}

#[test]
fn a_key_that_cannot_be_had_is_told_once() {
    let (sandbox, key) = sealed();
    let away = key.with_extension("away");
    let run = run(&sandbox, &[]);
    assert!(run.stdout.contains("2 secrets sealed") || run.stdout.contains("kernel-keyring"), "{run:?}");
    fs::rename(&key, &away).unwrap();
    // The kernel may have it for a while; a person can take that back.
    let _ = sandbox.run(&["lock"], "");
    let found = findings(&sandbox, &[]);
    assert_eq!(names(&found).first(), Some(&("sealed-key", "broken")), "{found:?}");
    assert!(!names(&found).iter().any(|(name, _)| *name == "secret-unreadable"), "{found:?}");
    assert_by_hand(&sandbox, "sealed-key", "");
    fs::rename(&away, &key).unwrap();
    let found = findings(&sandbox, &[]);
    assert!(!names(&found).iter().any(|(_, severity)| *severity == "broken"), "{found:?}");
}

/// Refuses the calls of the kernel's keyring, as containers do, and becomes the rest of its words.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
const REFUSE: &str = r"
import ctypes, os, struct, sys
filter = b''.join(struct.pack('HBBI', *one) for one in [
    (0x20, 0, 0, 0), (0x15, 2, 0, 248), (0x15, 1, 0, 250), (0x06, 0, 0, 0x7fff0000), (0x06, 0, 0, 0x00050001)])
text = ctypes.create_string_buffer(filter)
program = ctypes.create_string_buffer(struct.pack('HP', 5, ctypes.addressof(text)))
libc = ctypes.CDLL(None)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program, 0, 0): sys.exit(99)
os.execv(sys.argv[1], sys.argv[1:])
";

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn a_kernel_that_keeps_no_key_is_a_note() {
    let (sandbox, _) = sealed();
    let words = ["-c", REFUSE, Sandbox::program(), "doctor"];
    let Ok(child) = sandbox.command_of(Path::new("/usr/bin/python3"), &words).spawn() else {
        return eprintln!("skipped: no python3");
    };
    let refused = finish(child, b"");
    if refused.code == Some(99) {
        return eprintln!("skipped: no seccomp");
    }
    assert!(refused.code == Some(0) && refused.stdout.contains("! kernel-keyring: "), "{refused:?}");
    let words = [&words[..], &["--fix", "kernel-keyring"]].concat();
    let fix = finish(sandbox.command_of(Path::new("/usr/bin/python3"), &words).spawn().unwrap(), b"");
    assert!(fix.code == Some(0) && fix.stderr.contains("is for you to mend"), "{fix:?}");
}
