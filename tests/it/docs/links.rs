//! Checks that each link leads to an existing file, and that the file has the heading after `#`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{pages, root};

#[test]
fn links_lead_somewhere() {
    let mut faults = Vec::new();
    for page in pages().into_iter().chain(more_pages()) {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in links(&text) {
            if let Err(why) = follow(&page, &link) {
                faults.push(format!("{}: {link}: {why}", page.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The test needs mdBook, which `tests/e2e/install.sh` installs.
#[test]
fn the_book_builds() {
    let installed = root().join("target/e2e-tools/book/bin/mdbook");
    let program = if installed.exists() { installed } else { PathBuf::from("mdbook") };
    let folder = tempfile::tempdir().unwrap();
    let built =
        std::process::Command::new(program).arg("build").arg(root().join("docs")).arg("-d").arg(folder.path()).output();
    let Ok(built) = built else {
        eprintln!("skipped: no mdbook here");
        return;
    };
    let stderr = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success() && !stderr.contains("WARN") && !stderr.contains("ERROR"), "{stderr}");
    for page in pages().iter().filter(|page| page.parent() != Some(root())) {
        let name = page.file_stem().unwrap().to_string_lossy();
        let html =
            folder.path().join(if name == "README" { "index".into() } else { name }.as_ref()).with_extension("html");
        assert!(html.exists() || page.ends_with("SUMMARY.md"), "{} is not in SUMMARY.md", page.display());
    }
}

/// Returns the pages outside docs/, except README.md.
fn more_pages() -> Vec<PathBuf> {
    ["ARCHITECTURE.md", "CONTRIBUTING.md", "RELEASE.md", "SECURITY.md", "benches/README.md", "packaging/ci/README.md"]
        .iter()
        .map(|name| root().join(name))
        .collect()
}

/// Returns the targets of links: the text behind each `](` outside of code.
fn links(text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        if !fenced {
            let ends = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
            found.extend(ends.map(|(link, _)| link.to_owned()));
        }
    }
    found
}

fn follow(page: &Path, link: &str) -> Result<(), String> {
    if link.starts_with("https://") {
        return Ok(()); // links to websites are not checked
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if file.is_empty() { page.to_owned() } else { page.parent().unwrap().join(file) };
    if !target.exists() {
        return Err("there is no such file".into());
    }
    let docs = root().join("docs");
    if page.starts_with(&docs) && !target.canonicalize().unwrap().starts_with(docs.canonicalize().unwrap()) {
        return Err("it leads out of the book".into());
    }
    if anchor.is_empty() || anchors(&std::fs::read_to_string(&target).unwrap()).contains(anchor) {
        return Ok(());
    }
    Err("there is no such heading".into())
}

/// Returns the anchors that mdBook and the forges make from the headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| -> String {
        let text = line.trim_start_matches('#').trim().to_lowercase();
        let kept = text.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
        kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
    };
    headings.map(anchor).collect()
}
