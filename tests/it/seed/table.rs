//! Reads `tests/SEED_ROWS.md`, and the names of all tests.

use std::collections::BTreeSet;
use std::fs;

use super::root;

/// A line of the table: `| row | behaviour | E | tests, or why not |`.
pub struct Row {
    pub name: String,
    pub owed: bool,
    held: String,
}

const PATH: &str = "tests/SEED_ROWS.md";

pub fn read() -> Vec<Row> {
    fs::read_to_string(root().join(PATH)).unwrap().lines().filter_map(row).collect()
}

fn row(line: &str) -> Option<Row> {
    let line = line.strip_prefix("| ")?.strip_suffix(" |")?;
    let cells: Vec<_> = line.split(" | ").collect();
    let [name, _, owed, held] = cells[..] else { panic!("a row has four cells: {line}") };
    let owed = match owed {
        "E" | "---" => return None,
        "=" | "≈" => true,
        "×" | "–" => false,
        _ => panic!("{name} is marked `{owed}`"),
    };
    Some(Row { name: name.to_owned(), owed, held: held.to_owned() })
}

impl Row {
    /// Returns the tests that the last cell names, either for the row or in the reason why the row has no test.
    pub fn tests(&self) -> Vec<String> {
        let is_test = |word: &&str| {
            let of_a_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            word.matches('_').count() > 1 && word.chars().all(of_a_name)
        };
        self.held.split('`').skip(1).step_by(2).filter(is_test).map(str::to_owned).collect()
    }
}

/// Returns the names of all tests, in `src` and in `tests`.
pub fn tests() -> BTreeSet<String> {
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
