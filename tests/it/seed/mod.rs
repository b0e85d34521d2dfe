//! Behaviours that Ensign has adopted from five other programs, one test or more for each row of `tests/SEED_ROWS.md`.
//! This file compares the table with the tests.
#![cfg(unix)]

mod a;
mod a_choice;
mod a_config;
mod a_install;
mod l;
mod o;
mod p;
mod r;
mod r_logout;
mod ro;
pub mod server;
mod table;

use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Run, Sandbox};
pub use table::tests;

fn login(sandbox: &Sandbox, host: &str, user: &str, password: &str, more: &[&str]) -> Run {
    sandbox.run(&[&["login", host, "-u", user, "--password-stdin"], more].concat(), password)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The helper `docker-credential-kept`, which stores files in `$HOME/kept-…`, prints a warning on stderr, and records
/// its calls.
const HELPER: &str = r#"#!/bin/sh
input=$(cat)
echo "$1 $input" >>"$HOME/calls"
echo "a warning {" >&2
place() { printf %s "$HOME/kept-$(printf %s "$1" | tr '/:' '__')"; }
[ ! -e "$HOME/broken-$1" ] || { echo "it is locked"; exit 1; }
case $1 in
get) cat "$(place "$input")" 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
store) printf %s "$input" >"$(place "$(printf %s "$input" | sed 's/.*"ServerURL":"\([^"]*\)".*/\1/')")" ;;
erase) rm "$(place "$input")" 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
esac
"#;

fn with_helper() -> Sandbox {
    Sandbox::new().with_program("docker-credential-kept", HELPER)
}

/// Runs the program on a terminal and types each answer once its question is shown. Returns `None` if there is no
/// `script`.
#[cfg(target_os = "linux")]
pub fn on_a_terminal(sandbox: &Sandbox, words: &str, answers: &[(&str, &str)]) -> Option<String> {
    line_on_a_terminal(sandbox, &format!("stty cols 200; {} {words}; echo exit $?", Sandbox::program()), answers)
}

/// Runs any command line on a terminal and types each answer once its question is shown.
#[cfg(target_os = "linux")]
pub fn line_on_a_terminal(sandbox: &Sandbox, line: &str, answers: &[(&str, &str)]) -> Option<String> {
    let mut command = sandbox.command_of("script".as_ref(), &["-qec", line, "/dev/null"]);
    command.env("TERM", "xterm").stderr(std::process::Stdio::null());
    typing(command, answers).map(|(shown, _)| shown)
}

/// Types each answer once a command on a terminal shows its question. Returns the output and the exit code.
#[cfg(target_os = "linux")]
pub fn typing(mut command: std::process::Command, answers: &[(&str, &str)]) -> Option<(String, Option<i32>)> {
    use std::io::{Read, Write};
    let Ok(mut child) = command.spawn() else {
        eprintln!("skipped: no `script` here");
        return None;
    };
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut shown, mut seen) = (String::new(), 0);
    for (question, answer) in answers {
        while !shown[seen..].contains(question) {
            let mut bytes = [0; 1024];
            let read = stdout.read(&mut bytes).unwrap();
            assert!(read > 0, "{question} is not asked in {shown}");
            shown += &String::from_utf8_lossy(&bytes[..read]);
        }
        seen = shown.len();
        std::thread::sleep(std::time::Duration::from_millis(500)); // until the program reads single keys
        stdin.write_all(answer.as_bytes()).unwrap();
    }
    stdout.read_to_string(&mut shown).unwrap();
    Some((shown, child.wait().unwrap().code()))
}

#[test]
fn the_table_names_every_row_and_every_test_exists() {
    let tests = table::tests();
    let rows = table::read();
    let find = |name: &str| rows.iter().filter(|row| row.name == name).collect::<Vec<_>>();
    let mut wrong = Vec::new();
    for (system, last) in [("R", 46), ("A", 47), ("P", 18), ("O", 73), ("L", 29)] {
        let missing = (1..=last).map(|number| format!("{system}{number}")).filter(|name| find(name).is_empty());
        wrong.extend(missing.map(|name| format!("{name} is not in the table")));
    }
    for row in &rows {
        let (name, named) = (&row.name, row.tests());
        wrong
            .extend(named.iter().filter(|test| !tests.contains(*test)).map(|test| format!("{name}: no test `{test}`")));
        if row.owed && named.is_empty() {
            wrong.push(format!("{name} is owed, but no test is named for it"));
        }
        if find(name).len() > 1 {
            wrong.push(format!("{name} stands there twice"));
        }
    }
    assert!(wrong.is_empty(), "tests/SEED_ROWS.md and the tests differ:\n{}", wrong.join("\n"));
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
