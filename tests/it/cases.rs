//! Build and deploy files in `tests/fixtures/cases/`, with the account that the real client needs for each command.
//! Each expected answer comes from the real client, or from the source that `oracle` names.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::support::Sandbox;

/// Folders in which some case still fails. The test also fails if all cases of a listed folder pass.
const NOT_YET: &[&str] = &[];

/// The content of a folder's `expected.json`.
#[derive(Deserialize)]
struct Project {
    /// The name that the folder must have, if it matters.
    #[serde(default)]
    name: Option<String>,
    /// The accounts in the order of their logins, so the last is the default. Each account owns the namespace that has
    /// the account's name.
    accounts: Vec<String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    command: String,
    #[serde(default, rename = "in")]
    folder: PathBuf,
    #[serde(default)]
    env: BTreeMap<String, String>,
    registry: String,
    account: String,
    /// True if neither the command line nor the files must decide, so that the default account answers.
    #[serde(default)]
    torn: bool,
}

#[test]
fn the_account_is_the_one_that_the_real_client_needs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cases");
    let mut folders = Vec::new();
    find(&root, &mut folders);
    assert!(!folders.is_empty());
    folders.sort_unstable();
    let mut faults = Vec::new();
    let mut listed = NOT_YET.to_vec();
    for folder in folders {
        let name = folder.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        let text = fs::read_to_string(folder.join("expected.json")).unwrap();
        let project: Project = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let wrong: Vec<String> = project
            .cases
            .iter()
            .filter_map(|case| Some(format!("{name} [{}] {}", case.command, fault(&folder, &project, case)?)))
            .collect();
        match (listed.iter().position(|known| *known == name), wrong.is_empty()) {
            (None, _) => faults.extend(wrong),
            (Some(_), true) => faults.push(format!("{name} passes now: take it from the list")),
            (Some(at), false) => drop(listed.remove(at)),
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    assert!(listed.is_empty(), "no such cases: {listed:?}");
}

fn fault(folder: &Path, project: &Project, case: &Case) -> Option<String> {
    // The cases use Unix's separator `:`. Without this variable, bake would expect `;` on Windows.
    let sandbox = if cfg!(windows) { Sandbox::new().with("BUILDX_BAKE_PATH_SEPARATOR", ":") } else { Sandbox::new() };
    let sandbox = case.env.iter().fold(sandbox, |sandbox, (name, value)| sandbox.with(name, value));
    let place = sandbox.home().join(project.name.as_deref().unwrap_or("project"));
    copy(folder, &place);
    for name in &project.accounts {
        sandbox.store(&case.registry, name, "x");
    }
    let mut command = sandbox.command(&["which", "--as", &case.command, "--json", &case.registry]);
    let output = command.current_dir(place.join(&case.folder)).output().unwrap();
    let Ok(answer) = serde_json::from_slice::<Value>(&output.stdout) else {
        return Some(format!("no answer: {output:?}"));
    };
    let step = answer["steps"].as_array().and_then(|steps| steps.iter().find(|step| step["decides"] == true));
    let rule = step.map_or("none", |step| step["rule"].as_str().unwrap_or_default());
    let is_right =
        answer["account"] == case.account.as_str() && !(case.torn && matches!(rule, "command-line" | "files"));
    let undecided = if case.torn { " (undecided)" } else { "" };
    (!is_right).then(|| format!("expected {}{undecided}, got {} by {rule}", case.account, answer["account"]))
}

/// Finds the folders at and below `folder` that contain cases.
fn find(folder: &Path, found: &mut Vec<PathBuf>) {
    if folder.join("expected.json").is_file() {
        found.push(folder.to_owned());
        return;
    }
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, found);
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &place);
        } else {
            fs::copy(entry.path(), place).unwrap();
        }
    }
}
