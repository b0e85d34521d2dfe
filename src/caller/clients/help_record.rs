//! Compares the tables of flags with the help of real clients. `tests/fixtures/flags/` has one file for each version of
//! a client.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::grammar::{CommandHead, Grammar};
use super::verb::Verb;
use super::{find, runs_unknown_plugin};
use crate::caller::Program;
use crate::caller::command_words::CommandWord;

/// The help of one version of a client.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HelpRecord {
    client: String,
    /// The name of the client in Ensign's tables.
    grammar: String,
    /// The flags of each command, by the command's path. A path may have several spellings, as in a [`Verb`]. The flags
    /// before the verb have the empty path as their key.
    commands: BTreeMap<String, RecordedFlags>,
    /// The commands that need no registry.
    local: Vec<String>,
}

/// Lists of flags that are separated by spaces.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordedFlags {
    #[serde(default)]
    value: String,
    /// The flags that accept a value only after `=`.
    #[serde(default)]
    optional: String,
    #[serde(default)]
    switch: String,
}

#[test]
fn every_flag_of_the_recorded_clients_is_read_as_they_read_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/flags");
    let mut failures = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let record: HelpRecord = serde_json::from_str(&fs::read_to_string(&path).unwrap()).expect("a record");
        let grammar = find(&record.grammar).expect("a client that we know");
        for (paths, flags) in &record.commands {
            for path in paths.split('|') {
                let wrong = differences(grammar, path, flags).into_iter();
                failures.extend(wrong.map(|flag| format!("{}: {path}: {flag}", record.client)));
            }
        }
        let known = record.local.iter().filter(|path| verb_at(grammar, path).is_some());
        let foreign =
            record.local.iter().filter(|path| runs_unknown_plugin(grammar, &Program::new(None, command(path))));
        failures.extend(foreign.map(|path| format!("{}: {path} is not a plugin", record.client)));
        failures.extend(known.map(|path| format!("{}: {path} is not local", record.client)));
    }
    failures.sort();
    assert!(failures.is_empty(), "{}\n{} differences", failures.join("\n"), failures.len());
}

/// Returns the flags that Ensign's tables and the client read differently.
fn differences(grammar: &Grammar, path: &str, flags: &RecordedFlags) -> Vec<String> {
    let is_read = |flag: &str, takes_value| match (path, grammar.names[0]) {
        ("", name) if name != "kaniko" => takes_value_before_verb(grammar, flag) == takes_value,
        _ => takes_value_behind(grammar, path, flag) == Some(takes_value),
    };
    if !path.is_empty() && takes_value_behind(grammar, path, "--help").is_none() {
        return vec!["no verb of the table".to_owned()];
    }
    let values = flags.value.split_ascii_whitespace().map(|flag| (flag, true));
    let switches = flags.switch.split_ascii_whitespace().chain(flags.optional.split_ascii_whitespace());
    let all = values.chain(switches.map(|flag| (flag, false)));
    let wrong = all.filter(|(flag, takes_value)| !is_read(flag, *takes_value));
    wrong
        .map(|(flag, takes_value)| format!("{flag} {}", if takes_value { "takes a value" } else { "takes none" }))
        .collect()
}

fn command(path: &str) -> Vec<String> {
    ["docker"].into_iter().chain(path.split_ascii_whitespace()).map(str::to_owned).collect()
}

fn verb_at(grammar: &Grammar, path: &str) -> Option<&'static str> {
    let words: Vec<String> = path.split_ascii_whitespace().map(str::to_owned).collect();
    grammar.verb(&words).map(|CommandHead { path, .. }| path)
}

/// Tells whether `flag` has a value after the verb `path`. Returns `None` if the path is not a verb.
fn takes_value_behind(grammar: &Grammar, path: &str, flag: &str) -> Option<bool> {
    let words: Vec<String> = path.split_ascii_whitespace().chain([flag, "word"]).map(str::to_owned).collect();
    let CommandHead { path: found, words, .. } = grammar.verb(&words)?;
    let is_found = |path: &str| path == found || path.split_once(' ').is_some_and(|(_plugin, verb)| verb == found);
    is_found(path).then(|| words.into_iter().all(|word| word != CommandWord::Positional("word")))
}

fn takes_value_before_verb(grammar: &Grammar, flag: &str) -> bool {
    let verb = grammar.verbs.iter().flat_map(Verb::paths).next().unwrap_or_default();
    let words: Vec<String> = [flag, "word"].into_iter().chain(verb.split(' ')).map(str::to_owned).collect();
    grammar.verb(&words).is_some()
}
