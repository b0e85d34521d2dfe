//! Checks that the reference pages list everything, in the words of `ensign help`.

use std::collections::BTreeSet;
use std::path::Path;

use super::root;

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

#[test]
fn exit_codes_are_those_of_help() {
    let page = text("docs/exit-codes.md");
    let topic = text("src/cli/args/topics/exit-codes.txt");
    let codes =
        topic.lines().filter(|line| line.starts_with("  ") && line.trim().starts_with(|c: char| c.is_ascii_digit()));
    for line in codes {
        let (code, meaning) = line.trim().split_once(' ').unwrap();
        let row = format!("| {code} | {} |", meaning.trim());
        assert!(page.contains(&row), "docs/exit-codes.md lacks `{row}`");
    }
}

#[test]
fn every_variable_of_help_and_of_the_code_is_on_the_page() {
    let page = text("docs/environment.md");
    let mut names: BTreeSet<String> = BTreeSet::new();
    names.extend(variables(&text("src/cli/args/topics/environment.txt")));
    let code = text("src/system/env.rs");
    let rows = code.lines().filter(|line| line.starts_with("//! |"));
    names.extend(rows.flat_map(|row| variables(&row.replace('…', "NAME")).collect::<Vec<_>>()));
    sources(&root().join("src"), &mut |source| {
        for call in ["env::variable(\"", "env::path(\"", "env::present(\"", "variable(\"", "get(\""] {
            let names_in = source.split(call).skip(1).filter_map(|rest| rest.split('"').next());
            names.extend(names_in.filter(|name| is_variable(name)).map(str::to_owned));
        }
    });
    for name in names.iter().filter(|name| !name.starts_with("ENSIGN_TEST") && *name != "ENSIGN_IS_ASKING") {
        assert!(page.contains(&format!("`{name}")), "docs/environment.md lacks {name}");
    }
}

fn variables(text: &str) -> impl Iterator<Item = String> {
    text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'))
        .filter(|word| is_variable(word))
        .map(str::to_owned)
}

fn is_variable(word: &str) -> bool {
    let upper = |letter: char| letter.is_ascii_uppercase() || letter == '_' || letter.is_ascii_digit();
    (word.contains('_') || word == "HOME" || word == "APPDATA") && word.len() > 3 && word.chars().all(upper)
}

fn sources(folder: &Path, look: &mut impl FnMut(&str)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, look);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            look(text.split("#[cfg(test)]").next().unwrap());
        }
    }
}
