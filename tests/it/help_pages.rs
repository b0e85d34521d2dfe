//! Compares every page of help with a file in `tests/it/snapshots/help/`. A command without a file fails, and so does a
//! file without a command.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use crate::support::snapshots::shows_file;
use crate::support::{Run, Sandbox, finish};

const FOLDER: &str = "tests/it/snapshots/help";

fn ensign(sandbox: &Sandbox, words: &[&str]) -> Run {
    finish(sandbox.command_of(&sandbox.link("ensign"), words).spawn().unwrap(), b"")
}

#[test]
fn every_page_of_help_is_a_snapshot() {
    let sandbox = Sandbox::new();
    let manual = ensign(&sandbox, &["man"]).stdout; // lists the pages of all commands and topics
    let mut files = BTreeSet::from(["manual.txt".to_owned()]);
    shows_file(&manual, &format!("{FOLDER}/manual.txt"));
    for page in manual.lines() {
        let name = page.rsplit_once('.').unwrap().0.trim_start_matches("ensign").trim_start_matches('-');
        // A hyphen in a page's name may separate words, as in `account edit`, or be part of one, as in
        // `configure-docker`.
        let whole = [name].into_iter().filter(|name| !name.is_empty()).collect::<Vec<_>>();
        let words = [whole, name.splitn(2, '-').collect()];
        let help = |words: &[&str]| ensign(&sandbox, &[&["help"], words].concat());
        let words = words.into_iter().find(|words| help(words).code == Some(0));
        let words = words.unwrap_or_else(|| panic!("no help of {page}"));
        let mut text = format!("$ ensign help {}\n{}", words.join(" "), help(&words).transcript());
        if page.ends_with(".1") {
            let short = ensign(&sandbox, &[&words[..], &["--help"]].concat());
            let _ = write!(text, "\n$ ensign {} --help\n{}", words.join(" "), short.transcript());
        }
        let file = format!("{}.txt", page.rsplit_once('.').unwrap().0);
        shows_file(&text, &format!("{FOLDER}/{file}"));
        files.insert(file);
    }
    let there = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER)).unwrap();
    let there: BTreeSet<_> = there.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(there, files, "each file belongs to a page");
}
