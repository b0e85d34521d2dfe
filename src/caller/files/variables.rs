//! `ProjectVariables`: the variables of a project, from the command line, the environment or a `.env`.

use std::collections::BTreeMap;

use super::dotenv;
use crate::caller::Program;
use crate::system::env;

/// The variables of one project. Ensign inherits the caller's environment, so Ensign's own variables are the caller's
/// variables.
#[derive(Clone, Debug, Default)]
pub(in crate::caller) struct ProjectVariables {
    overrides: BTreeMap<String, String>,
    /// Maps of variables from files. If several maps have the same variable, the first map wins.
    files: Vec<BTreeMap<String, String>>,
    inherited: bool,
}

impl ProjectVariables {
    /// Returns the variables with which `program` was started.
    pub(in crate::caller) fn new(program: &Program) -> Self {
        Self { overrides: program.variables.iter().cloned().collect(), files: Vec::new(), inherited: true }
    }

    #[cfg(test)]
    pub(super) fn of_test(variables: &[(&str, &str)]) -> Self {
        let overrides = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { overrides, files: Vec::new(), inherited: false }
    }

    pub(super) fn get(&self, name: &str) -> Option<String> {
        let inherited = || if self.inherited { env::text(name) } else { None };
        let in_file = || self.files.iter().find_map(|file| file.get(name)).cloned();
        self.overrides.get(name).cloned().or_else(inherited).or_else(in_file)
    }

    /// Sets a value that overrides all others.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.overrides.insert(name.to_owned(), value.to_owned());
    }

    /// Returns the value of a build argument. An argument without a value gets the value of the variable `name`.
    pub(super) fn argument(&self, name: &str, value: Option<&str>) -> Option<String> {
        value.map(str::to_owned).or_else(|| self.get(name))
    }

    /// Sets a build argument. An argument without a value gets the value of the variable `name`. If this variable is
    /// not set, an earlier value of the argument is removed.
    pub(super) fn set_argument(&self, arguments: &mut BTreeMap<String, String>, name: &str, value: Option<&str>) {
        match self.argument(name, value) {
            Some(value) => drop(arguments.insert(name.to_owned(), value)),
            None => drop(arguments.remove(name)),
        }
    }

    /// Splits a variable's value at `separator`.
    pub(super) fn list(&self, name: &str, separator: &str) -> Vec<String> {
        let value = self.get(name).unwrap_or_default();
        value.split(separator).map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    /// Keeps a file's variable only if `fits` accepts the variable's name.
    pub(super) fn retain_in_files(&mut self, fits: impl Fn(&str) -> bool) {
        self.files.iter_mut().for_each(|file| file.retain(|name, _| fits(name)));
    }

    /// Adds the variables from `texts`, the contents of `.env` files. Variables that are already set stay unchanged. If
    /// several files set a variable, the last file wins. Returns false if Compose refuses a file.
    pub(super) fn add_files(&mut self, texts: &[String]) -> bool {
        let known = |name: &str| self.get(name);
        let found = texts.iter().try_fold(BTreeMap::new(), |found, text| dotenv::parse(text, found, &known));
        let is_taken = found.is_some();
        self.files.extend(found);
        is_taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_knows_a_name_first_wins() {
        let mut variables = ProjectVariables::of_test(&[("A", "given")]);
        assert!(variables.add_files(&["A=file\nB=first\nC=$B".into()]));
        assert!(variables.add_files(&["B=second\nD=then".into(), "D=second\nE=$D".into()]));
        assert!(!variables.add_files(&["D='".into()]));
        let found: Vec<_> = ["A", "B", "C", "D", "E"].map(|name| variables.get(name).unwrap_or_default()).into();
        assert_eq!(found.join(" "), "given first first second second");
    }
}
