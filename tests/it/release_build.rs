//! `packaging/build.sh` with tools that only tell what they are asked: which program it makes, and what it refuses.
#![cfg(target_os = "linux")]

use std::process::Output;

use crate::support::Sandbox;

const STATIC_PIE: &str = "  Type:   DYN (Position-Independent Executable file)\n  LOAD  0x000000";

/// Builds with a toolchain whose `rustc` has these targets, on a machine without Debian's parts. `readelf` says this of
/// what was made. Returns the output, and how cargo was called.
fn build(host: &str, targets: &[&str], headers: &str) -> (Output, String) {
    let rustc =
        format!("#!/bin/sh\ncase $1 in\n-vV) echo 'host: {host}' ;;\n--print) echo \"$HOME/sysroot\" ;;\nesac\n");
    let cargo = "#!/bin/sh\necho \"$RUSTFLAGS $*\" >\"$HOME/told\"; echo '{\"executable\":\"/made/it\"}'\n";
    let readelf = format!("#!/bin/sh\ncat <<'END'\n{headers}\nEND\n");
    let sandbox =
        Sandbox::new().with_program("rustc", &rustc).with_program("cargo", cargo).with_program("readelf", &readelf);
    for target in targets {
        let folder = sandbox.home().join("sysroot/lib/rustlib").join(target).join("lib");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("libstd-0.rlib"), "").unwrap();
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/build.sh");
    let mut command = sandbox.command_of("/bin/sh".as_ref(), &[script]);
    let output = command.env("MUSL", "/nonexistent").env("RUSTFLAGS", "-Cprefer-dynamic").output().unwrap();
    (output, std::fs::read_to_string(sandbox.home().join("told")).unwrap())
}

#[test]
fn the_program_is_for_musl_where_that_can_be_had_and_for_glibc_with_a_word() {
    let said = "build.sh: built for the GNU libc, which makes each start slower. For musl: rustup target add x86_64-unknown-linux-musl\n";
    for (host, has, target, stderr) in [
        ("x86_64-unknown-linux-gnu", &["x86_64-unknown-linux-musl"][..], "x86_64-unknown-linux-musl", ""),
        ("aarch64-unknown-linux-gnu", &["aarch64-unknown-linux-musl"], "aarch64-unknown-linux-musl", ""),
        ("x86_64-unknown-linux-gnu", &["aarch64-unknown-linux-musl"], "x86_64-unknown-linux-gnu", said),
        ("x86_64-alpine-linux-musl", &[], "x86_64-alpine-linux-musl", ""),
    ] {
        let (output, told) = build(host, has, STATIC_PIE);
        assert_eq!(String::from_utf8(output.stderr).unwrap(), stderr, "{host} {has:?}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "/made/it\n");
        let flags = "-Ctarget-feature=+crt-static','-Crelocation-model=pie";
        assert!(told.contains(&format!("--target {target} ")) && told.contains(flags), "{told}");
        assert!(!told.contains("prefer-dynamic"), "{told}");
    }
    let (output, told) = build("aarch64-apple-darwin", &[], "");
    assert!(output.status.success() && !told.contains("--target"), "{told}");
}

#[test]
fn a_program_that_is_no_static_pie_is_refused() {
    let with = |line: &str| format!("{STATIC_PIE}\n{line}");
    for (headers, why) in [
        ("  Type:   EXEC (Executable file)".to_owned(), "has a fixed address"),
        (with("  INTERP  0x0002e0"), "is not static"),
        (with(" 0x0000000000000001 (NEEDED)  Shared library: [libc.so]"), "is not static"),
        (with(" 0x0000000000000016 (TEXTREL)  0x0"), "rewrites its own code when it starts"),
        (with(" 0x000000000000001e (FLAGS)  TEXTREL"), "rewrites its own code when it starts"),
    ] {
        let (output, _) = build("x86_64-alpine-linux-musl", &[], &headers);
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]), "{headers}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("build.sh: `/made/it` {why}\n"));
    }
}
