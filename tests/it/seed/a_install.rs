//! Rows A: how the program is built, installed and updated.

use std::fs;

use snapbox::str;

use super::root;
use crate::support::{Run, Sandbox};

/// Runs `update` of the program that `install.sh` installed to this prefix.
fn update_of(sandbox: &Sandbox, prefix: &str) -> Run {
    let program = sandbox.home().join(prefix).join("bin/docker-credential-ensign");
    sandbox.command_of(&program, &["update"]).output().unwrap().into()
}

#[test]
fn update_of_a_checkout_is_its_own_affair() {
    let (sandbox, _) = installed(&[]);
    update_of(&sandbox, ".local").shows(str![[r#"
exit 1
--- stderr
error: this program was built from the checkout `[CHECKOUT]`; nothing was changed
hint: run `git -C [CHECKOUT] pull && [CHECKOUT]/install.sh`

"#]]);
    fs::write(sandbox.home().join(".local/lib/ensign/installed-from"), "/gone\u{1b}[2J\n").unwrap();
    update_of(&sandbox, ".local").shows(str![[r#"
exit 1
--- stderr
error: the checkout `/gone [2J`, which this program was built from, is gone; nothing was changed
hint: run `git clone https://forge.example/ensign/ensign && ensign/install.sh`

"#]]);
    let (sandbox, _) = installed(&["--prefix", "a b"]);
    update_of(&sandbox, "a b").shows(str![[r#"
exit 1
--- stderr
error: this program was built from the checkout `[CHECKOUT]`; nothing was changed
hint: run `git -C [CHECKOUT] pull && [CHECKOUT]/install.sh --prefix '[HOME]/a b'`

"#]]);
}

#[test]
fn update_leaves_alone_what_another_installed() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run(&["update", "--json"], "").code, Some(1));
    let ensign = sandbox.link("ensign");
    Run::from(sandbox.command_of(&ensign, &["update"]).output().unwrap()).shows(str![[r#"
exit 1
--- stderr
error: not updated: neither install.sh nor a package installed this program
hint: run `curl -fsSL https://forge.example/ensign/ensign/releases/latest/download/install.sh | sh`

"#]]);
}

#[test]
fn version_is_one_line() {
    let line = format!("docker-credential-ensign (ensign) {}\n", env!("CARGO_PKG_VERSION"));
    for word in ["version", "--version"] {
        assert_eq!(Sandbox::new().run(&[word], ""), Run::success(&line));
    }
}

/// Runs `install.sh` with a fake cargo that records its arguments. Returns the home and these arguments.
fn installed(arguments: &[&str]) -> (Sandbox, String) {
    let built = |sandbox: &Sandbox| sandbox.home().join("built");
    let cargo = r#"#!/bin/sh
case $1 in
--version) echo 'cargo 1.99.0 (0123456789 2026-01-01)' ;;
build) { echo "$*"; printf %s "$CARGO_ENCODED_RUSTFLAGS" | tr '\037' ' '; } >"$HOME/told"; echo "{\"executable\":\"$HOME/built\"}" ;;
esac
"#;
    let rustc = "#!/bin/sh\ncase $1 in\n-vV) echo 'host: x86_64-unknown-linux-gnu' ;;\n--print) echo \"$HOME/sysroot\" ;;\nesac\n";
    let sandbox = Sandbox::new()
        .with_program("cargo", cargo)
        .with_program("rustc", rustc)
        .with_program("readelf", "#!/bin/sh\necho 'Type: DYN (PIE)'\n")
        .with("MUSL", "/nonexistent");
    let copied = std::process::Command::new("cp").arg(Sandbox::program()).arg(built(&sandbox)).status().unwrap();
    assert!(copied.success());
    let libraries = sandbox.home().join("sysroot/lib/rustlib/x86_64-unknown-linux-gnu/lib");
    fs::create_dir_all(&libraries).unwrap();
    fs::write(libraries.join("libstd-0.rlib"), "").unwrap();
    let script = root().join("install.sh");
    let output =
        sandbox.command_of("/bin/sh".as_ref(), &[&[script.to_str().unwrap()], arguments].concat()).output().unwrap();
    assert!(output.status.success(), "{:?}", Run::from(output));
    let told = fs::read_to_string(sandbox.home().join("told")).unwrap();
    (sandbox, told)
}

#[test]
fn one_command_builds_and_installs() {
    let (sandbox, told) = installed(&[]);
    assert!(told.starts_with("build --release --locked --bin docker-credential-ensign"), "{told}");
    let program = sandbox.home().join(".local/bin/docker-credential-ensign");
    let output = sandbox.command_of(&program, &["version"]).output().unwrap();
    assert_eq!(
        Run::from(output),
        Run::success(&format!("docker-credential-ensign (ensign) {}\n", env!("CARGO_PKG_VERSION")))
    );
}

#[test]
fn the_program_is_linked_statically_and_keeps_address_randomisation() {
    let (_, told) = installed(&[]);
    assert!(told.contains("-Ctarget-feature=+crt-static -Crelocation-model=pie "), "{told}");
}
