//! The behaviours that Ensign has taken over from five other programs, row by row, each under its number in
//! `tests/SEED_ROWS.md`; this file holds the table and the tests together.

mod a;
mod a_choice;
mod a_config;
mod l;
mod o;
mod p;
mod r;
mod ro;
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Run, Sandbox};

/// `login HOST -u USER --password-stdin`, and more words.
fn login(sandbox: &Sandbox, host: &str, user: &str, password: &str, more: &[&str]) -> Run {
    sandbox.run(&[&["login", host, "-u", user, "--password-stdin"], more].concat(), password)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What a failure prints, and nothing else.
fn failure(code: i32, stderr: &str) -> Run {
    Run { code: Some(code), stdout: String::new(), stderr: stderr.to_owned() }
}

/// `docker-credential-kept`: it keeps files in `$HOME/kept`, chats on stderr and writes down what it is asked.
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

/// What the helper was asked so far.
fn calls(sandbox: &Sandbox) -> Vec<String> {
    let text = fs::read_to_string(sandbox.home().join("calls")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Runs the program on a terminal and types each answer once its question is shown. `None` where there is no `script`.
fn on_a_terminal(sandbox: &Sandbox, words: &str, answers: &[(&str, &str)]) -> Option<String> {
    use std::io::{Read, Write};
    let line = format!("stty cols 200; {} {words}; echo exit $?", Sandbox::program());
    let mut command = sandbox.command_of(Path::new("script"), &["-qec", &line, "/dev/null"]);
    command.env("TERM", "xterm").stderr(Stdio::null());
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
        std::thread::sleep(std::time::Duration::from_millis(200)); // until the terminal is read key by key
        stdin.write_all(answer.as_bytes()).unwrap();
    }
    stdout.read_to_string(&mut shown).unwrap();
    child.wait().unwrap();
    Some(shown)
}

/// A row of the table: who answers for it.
enum Holder {
    Tests(Vec<String>),
    /// Carried by a part that is not there yet.
    Pending(String),
    NotTaken(String),
}

#[test]
fn the_table_names_every_row_and_every_test_exists() {
    let (table, tests) = (table(), tests());
    let mut wrong = Vec::new();
    let mut pending: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (system, last) in [("R", 46), ("A", 47), ("P", 18), ("O", 73), ("L", 29)] {
        let missing = (1..=last).map(|number| format!("{system}{number}")).filter(|row| !table.contains_key(row));
        wrong.extend(missing.map(|row| format!("{row} is not in the table")));
    }
    for (row, (owed, holder)) in &table {
        match holder {
            Holder::Tests(names) => {
                let unknown = names.iter().filter(|name| !tests.contains(*name));
                wrong.extend(unknown.map(|name| format!("{row} names `{name}`, which is no test")));
                if *owed && !names.iter().any(|name| rows_of(name).contains(row)) {
                    wrong.push(format!("{row} is owed, but no test is named after it"));
                }
            }
            Holder::Pending(part) => pending.entry(part).or_default().push(row),
            Holder::NotTaken(_) if *owed => wrong.push(format!("{row} is owed, but has no test")),
            Holder::NotTaken(reason) if reason.len() < 3 => wrong.push(format!("{row} has neither test nor reason")),
            Holder::NotTaken(reason) => {
                let is_unknown_test = |name: &&str| name.matches('_').count() > 2 && !tests.contains(*name);
                let unknown = reason.split('`').skip(1).step_by(2).filter(is_unknown_test);
                wrong.extend(unknown.map(|name| format!("{row} names `{name}`, which is no test")));
            }
        }
    }
    for test in &tests {
        for row in rows_of(test) {
            match table.get(&row) {
                Some((_, Holder::Tests(names))) if names.contains(test) => {}
                Some((_, Holder::Pending(part))) => eprintln!("{row}, pending: {part}, can name `{test}` now"),
                _ => wrong.push(format!("`{test}` is not in the row of {row}")),
            }
        }
    }
    let count: usize = pending.values().map(Vec::len).sum();
    eprintln!("{} rows, {count} of them pending: {pending:?}", table.len());
    assert!(wrong.is_empty(), "tests/SEED_ROWS.md and the tests differ:\n{}", wrong.join("\n"));
}

/// Reads the lines `| row | what | E | tests or reason |`: whether the row is owed, and by whom it is held.
fn table() -> BTreeMap<String, (bool, Holder)> {
    let text = fs::read_to_string(root().join("tests/SEED_ROWS.md")).unwrap();
    let mut table = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Row ")) {
        let line = line.replace("\\|", "/");
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [row, _, owed, held] = cells[..] else { panic!("a row has four cells: {line}") };
        if row.starts_with("---") {
            continue;
        }
        let owed = match owed {
            "=" | "≈" => true,
            "×" | "–" => false,
            _ => panic!("{row} is marked `{owed}`"),
        };
        let names: Vec<_> = held.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let holder = match held.strip_prefix("pending: ") {
            Some(part) => Holder::Pending(part.to_owned()),
            None if held.starts_with('`') => Holder::Tests(names),
            None => Holder::NotTaken(held.to_owned()),
        };
        assert!(table.insert(row.to_owned(), (owed, holder)).is_none(), "{row} stands there twice");
    }
    table
}

/// The names of all tests, of the program and of its parts.
fn tests() -> BTreeSet<String> {
    let (mut names, mut folders) = (BTreeSet::new(), vec![root().join("src"), root().join("tests")]);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let mut lines = text.lines().map(str::trim_start);
                while lines.by_ref().any(|line| line == "#[test]") {
                    let function = lines.by_ref().find_map(|line| line.strip_prefix("fn ")).unwrap();
                    names.insert(function.split('(').next().unwrap().to_owned());
                }
            }
        }
    }
    names
}

/// The rows that a test is named after: `o37_o40_texts_are_kept` gives `O37` and `O40`.
fn rows_of(test: &str) -> Vec<String> {
    let is_row = |word: &&str| {
        let number = word.trim_start_matches(|letter: char| "rapol".contains(letter));
        (1..=2).contains(&(word.len() - number.len()))
            && !number.is_empty()
            && number.bytes().all(|b| b.is_ascii_digit())
    };
    test.split('_').take_while(is_row).map(str::to_uppercase).collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
