//! `Variables`: what a caller's files may ask for by name: given on its command line, inherited, or from a `.env`.

use std::collections::BTreeMap;

use super::interpolate::interpolate;
use crate::caller::Program;
use crate::model::map;
use crate::system::env;

const LINES_AT_MOST: usize = 10_000;

/// The variables of one project. We inherit our caller's, so those are its own.
#[derive(Clone, Debug, Default)]
pub(in crate::caller) struct Variables {
    given: BTreeMap<String, String>,
    /// Files of variables, the first that knows a name wins.
    files: Vec<BTreeMap<String, String>>,
    inherited: bool,
}

impl Variables {
    /// Those that `program` was started with.
    pub(in crate::caller) fn of(program: &Program) -> Self {
        Self { given: map(program.variables.iter().cloned()), files: Vec::new(), inherited: true }
    }

    #[cfg(test)]
    pub(super) fn of_test(given: &[(&str, &str)]) -> Self {
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { given, files: Vec::new(), inherited: false }
    }

    pub(super) fn get(&self, name: &str) -> Option<String> {
        let inherited = || if self.inherited { env::text(name) } else { None };
        let in_file = || self.files.iter().find_map(|file| file.get(name)).cloned();
        self.given.get(name).cloned().or_else(inherited).or_else(in_file)
    }

    /// Puts a value before all that is known of a name.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.given.insert(name.to_owned(), value.to_owned());
    }

    /// The parts of a variable that is a list.
    pub(super) fn list(&self, name: &str, separator: char) -> Vec<String> {
        let value = self.get(name).unwrap_or_default();
        value.split(separator).map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    /// Takes a `.env` behind what is known already.
    pub(super) fn add_file(&mut self, text: &str) {
        let mut file = BTreeMap::new();
        for (name, value, expands) in text.lines().take(LINES_AT_MOST).filter_map(assignment) {
            let look_up = |name: &str| self.get(name).or_else(|| file.get(name).cloned());
            let value = if expands { interpolate(&value, &look_up) } else { Some(value) };
            file.extend(value.map(|value| (name, value)));
        }
        self.files.push(file);
    }
}

/// A line of a `.env`, and whether its value may name others (compose-go `dotenv/parser.go`).
fn assignment(line: &str) -> Option<(String, String, bool)> {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once(['=', ':']).filter(|_| !line.starts_with('#'))?;
    let (name, value) = (name.trim(), value.trim());
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    (!name.is_empty() && name.chars().all(is_name)).then_some(())?;
    let quoted = |quote: char| value.strip_prefix(quote).map(|rest| rest.split(quote).next().unwrap_or_default());
    let (value, expands) = match (quoted('\''), quoted('"')) {
        (Some(literal), _) => (literal, false),
        (_, Some(text)) => (text, true),
        _ => (value.split(" #").next().unwrap_or_default().trim_end(), true),
    };
    Some((name.to_owned(), value.to_owned(), expands))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_file_are_read_as_compose_does() {
        for (line, value) in [
            ("A=b", Some("b")),
            ("export A = b c # note", Some("b c")),
            ("A='b $C'", Some("b $C")),
            ("A=\"b ${C}\" # note", Some("b see")),
            ("A=b#c", Some("b#c")),
            ("A=$C/${D:-d}", Some("see/d")),
            ("A=", Some("")),
            ("A: b", Some("b")),
            ("A=b:c", Some("b:c")),
            ("# A=b", None),
            ("A", None),
            ("A b=c", None),
            ("A=${B:?missing}", None),
        ] {
            let mut variables = Variables::of_test(&[("C", "see")]);
            variables.add_file(line);
            assert_eq!(variables.get("A").as_deref(), value, "{line}");
        }
    }

    #[test]
    fn who_knows_a_name_first_wins() {
        let mut variables = Variables::of_test(&[("A", "given")]);
        variables.add_file("A=file\nB=first\nC=$B");
        variables.add_file("B=second\nD=second");
        let found: Vec<_> = ["A", "B", "C", "D", "E"].map(|name| variables.get(name).unwrap_or_default()).into();
        assert_eq!(found.join(" "), "given first first second ");
    }
}
