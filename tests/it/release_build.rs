//! `packaging/build.sh` with fake tools that record their arguments: which program it builds, and what it refuses.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Output;

use crate::support::{Sandbox, write};

const STATIC_PIE: &str = "  Type:   DYN (Position-Independent Executable file)\n  LOAD  0x000000";
const HOST: &str = "x86_64-unknown-linux-gnu";
const X86: &str = "x86_64-unknown-linux-musl";
const ARM: &str = "aarch64-unknown-linux-musl";
const WINDOWS: &str = "x86_64-pc-windows-gnu";
const PLAIN: &str = "without the list of its crates, which `cargo install cargo-auditable` would add";

/// A machine whose `rustc` has these targets, without Debian's packages for musl.
struct Machine<'a> {
    host: &'a str,
    targets: &'a [&'a str],
    headers: &'a str, // the fake output of `readelf`
    auditable: bool,
}

impl Default for Machine<'_> {
    fn default() -> Self {
        Self { host: HOST, targets: &[], headers: STATIC_PIE, auditable: false }
    }
}

impl Machine<'_> {
    /// Runs `build.sh`. Returns its output, and cargo's arguments and environment.
    fn build(&self, arguments: &[&str]) -> (Output, String) {
        let rustc = format!(
            "#!/bin/sh\ncase $1 in\n-vV) printf 'commit-hash: c0ffee\\nhost: {}\\n' ;;\n--print) echo \"$HOME/sysroot\" ;;\nesac\n",
            self.host
        );
        let cargo =
            "#!/bin/sh\n{ echo \"$*\"; env; } | tr '\\037' ' ' >\"$HOME/told\"; echo '{\"executable\":\"/made/it\"}'\n";
        let readelf = format!("#!/bin/sh\ncat <<'END'\n{}\nEND\n", self.headers);
        let mut sandbox =
            Sandbox::new().with_program("rustc", &rustc).with_program("cargo", cargo).with_program("readelf", &readelf);
        if self.auditable {
            sandbox = sandbox.with_program("cargo-auditable", "#!/bin/sh\nshift\nAUDITED=1 exec \"$CARGO\" \"$@\"\n");
        }
        for target in self.targets {
            let folder = sandbox.home().join("sysroot/lib/rustlib").join(target).join("lib");
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("libstd-0.rlib"), "").unwrap();
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/build.sh");
        let mut command = sandbox.command_of("/bin/sh".as_ref(), &[&[script], arguments].concat());
        command.env("MUSL", "/nonexistent").env("RUSTFLAGS", "-Cprefer-dynamic").env("CARGO_HOME", "/a cargo's/home");
        let output = command.output().unwrap();
        (output, std::fs::read_to_string(sandbox.home().join("told")).unwrap_or_default())
    }
}

#[test]
fn the_program_is_for_musl_where_that_can_be_had_and_for_glibc_with_a_word() {
    let slow = format!(
        "build.sh: built for the GNU libc, which makes each start slower. For musl: rustup target add {X86}\nbuild.sh: {HOST}, {PLAIN}\n"
    );
    for (host, targets, target, stderr) in [
        (HOST, &[X86][..], X86, None),
        ("aarch64-unknown-linux-gnu", &[ARM], ARM, None),
        (HOST, &[ARM, HOST], HOST, Some(slow)),
        ("x86_64-alpine-linux-musl", &["x86_64-alpine-linux-musl"], "x86_64-alpine-linux-musl", None),
    ] {
        let (output, told) = Machine { host, targets, ..Machine::default() }.build(&[]);
        let stderr = stderr.unwrap_or_else(|| format!("build.sh: {target}, {PLAIN}\n"));
        assert_eq!(String::from_utf8(output.stderr).unwrap(), stderr, "{host} {targets:?}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "/made/it\n");
        let flags = "-Ctarget-feature=+crt-static -Crelocation-model=pie ";
        assert!(told.contains(&format!("--target {target}\n")) && told.contains(flags), "{told}");
        assert!(!told.contains("prefer-dynamic"), "{told}");
    }
}

#[test]
fn a_target_that_is_named_is_built_with_its_own_linker_or_refused() {
    let build =
        |target: &str| Machine { targets: &[HOST, ARM, WINDOWS], ..Machine::default() }.build(&["--target", target]);
    let (output, told) = build(ARM);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for line in [
        "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=aarch64-linux-gnu-gcc\n",
        "CC_aarch64_unknown_linux_musl=aarch64-linux-gnu-gcc\n",
        "CFLAGS_aarch64_unknown_linux_musl=-U_FORTIFY_SOURCE\n", // musl lacks the functions of these checks
    ] {
        assert!(told.contains(line), "{line}{told}");
    }
    // By itself Rust would link this target at a fixed address.
    let musl = "/sysroot/lib/rustlib/aarch64-unknown-linux-musl/lib/self-contained/rcrt1.o -Clink-arg=";
    assert!(told.contains(musl) && told.contains("-Clink-arg=-Wl,-pie,--no-dynamic-linker,-z,text"), "{told}");
    let (output, told) = build(WINDOWS);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("-Clink-arg=-Wl,--no-insert-timestamp") && !told.contains("crt-static"), "{told}");
    for (target, why) in [
        (
            "aarch64-apple-darwin",
            "build.sh: no standard library for aarch64-apple-darwin: `rustup target add aarch64-apple-darwin`\n",
        ),
        (
            X86,
            "build.sh: no standard library for x86_64-unknown-linux-musl: `rustup target add x86_64-unknown-linux-musl`, or Debian's parts, which docs/platforms.md names\n",
        ),
    ] {
        let (output, told) = build(target);
        assert_eq!((output.status.code(), told.as_str()), (Some(1), ""));
        assert_eq!(String::from_utf8(output.stderr).unwrap(), why);
    }
    let apple = "aarch64-apple-darwin";
    let (output, told) = Machine { host: apple, targets: &[apple], ..Machine::default() }.build(&[]);
    assert!(output.status.success() && told.contains(&format!("--target {apple}\n")), "{told}");
    for wrong in [&["--target"][..], &["--target", ""], &[X86], &["--release", X86]] {
        let (output, _) = Machine::default().build(wrong);
        assert_eq!(output.status.code(), Some(1), "{wrong:?}");
        assert_eq!(
            String::from_utf8(output.stderr).unwrap(),
            "build.sh: usage: packaging/build.sh [--target TARGET]\n"
        );
    }
}

#[test]
fn no_folder_of_the_machine_is_left_to_be_written_into_the_program() {
    let (_, told) = Machine { targets: &[X86], ..Machine::default() }.build(&[]);
    let checkout = env!("CARGO_MANIFEST_DIR");
    for hidden in ["/a cargo's/home=/cargo", &format!("{checkout}=/ensign"), "/lib/rustlib/src/rust=/rustc/c0ffee"] {
        assert!(told.contains(hidden) && told.contains("--remap-path-prefix="), "{hidden}: {told}");
    }
}

/// Cargo hashes the wrapper's path into the program, so the path must not differ between machines.
#[test]
fn the_list_of_crates_is_added_by_a_wrapper_without_a_path() {
    let (output, told) = Machine { targets: &[X86], auditable: true, ..Machine::default() }.build(&[]);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("build.sh: {X86}, with the list of its crates\n"));
    assert!(told.contains("AUDITED=1\n") && told.contains("RUSTC_WORKSPACE_WRAPPER=cargo-auditable\n"), "{told}");
    assert!(!told.contains("\nCARGO="), "{told}"); // cargo would take this variable for its own path
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
        let (output, _) = Machine { headers: &headers, targets: &[X86], ..Machine::default() }.build(&[]);
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]), "{headers}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(stderr.lines().last().unwrap(), format!("build.sh: `/made/it` {why}"));
    }
}

/// The smallest program that links the C library.
const SMALL: &str = r#"
#![feature(no_core, lang_items)]
#![allow(internal_features)]
#![no_core]
#![no_main]
#[lang = "pointee_sized"] trait PointeeSized {}
#[lang = "meta_sized"] trait MetaSized: PointeeSized {}
#[lang = "sized"] trait Sized: MetaSized {}
#[link(name = "c", kind = "static", modifiers = "-bundle")]
unsafe extern "C" {}
#[unsafe(no_mangle)]
extern "C" fn main() -> i32 { 0 }
"#;

/// Replaces cargo: links the small program with the flags that cargo gets.
const LINKING: &str = r#"#!/bin/sh
IFS=$(printf '\037')
"$RUSTC" --edition 2024 -Cpanic=abort --target x86_64-unknown-linux-musl $CARGO_ENCODED_RUSTFLAGS \
    "-Clinker=$CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER" -o "$HOME/small" "$HOME/small.rs" >&2 &&
    echo "{\"executable\":\"$HOME/small\"}"
"#;

/// The linker must not choose the libc.so that Debian installs next to musl's libc.a.
#[test]
fn what_is_linked_with_the_parts_of_debian_is_static() {
    let newer = concat!(env!("CARGO_MANIFEST_DIR"), "/target/e2e-tools/musl");
    let rustc = format!("#!/bin/sh\n[ $1 != -vV ] || echo 'host: {HOST}'\n");
    for musl in ["/usr/lib/x86_64-linux-musl", newer] {
        if !Path::new(musl).join("libc.so").exists() || !Path::new("/usr/lib/rustlib/src/rust/library/vendor").exists()
        {
            eprintln!("skipped: Debian's parts for musl are not in {musl}");
            continue;
        }
        let sandbox = Sandbox::new().with_program("rustc", &rustc).with_program("cargo-auditable", LINKING);
        write(&sandbox.home().join("small.rs"), SMALL.as_bytes());
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/build.sh");
        let mut command = sandbox.command_of("/bin/sh".as_ref(), &[script, "--target", X86]);
        command.env("MUSL", musl).env("CARGO_TARGET_DIR", sandbox.home().join("target"));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{musl}: {}", String::from_utf8_lossy(&output.stderr));
        let small = sandbox.home().join("small");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{}\n", small.display()));
        assert!(sandbox.command_of(&small, &[""; 0]).status().unwrap().success(), "{musl}");
    }
}
