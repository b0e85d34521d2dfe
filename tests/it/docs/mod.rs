//! Tests of README.md and docs/: the shown commands work, the links lead somewhere, and the lists are complete.
#![cfg(target_os = "linux")]

mod links;
mod page;
mod reference;
mod schema;
pub mod schemas;
mod world;

use std::path::{Path, PathBuf};

use page::{Block, Mark};
use world::World;

use crate::support::Run;

/// Returns README.md and the pages in docs/.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md")];
    pages.extend(std::fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path()));
    pages.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.sort();
    pages
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// With `DOCS=page`, the test runs only pages whose name contains `page`.
#[test]
fn every_command_that_a_page_shows_runs() {
    let only = std::env::var("DOCS").unwrap_or_default();
    let chosen = pages().into_iter().filter(|page| page.to_string_lossy().contains(&only));
    let running: Vec<_> = chosen.map(|page| std::thread::spawn(move || play(&page))).collect();
    let faults =
        running.into_iter().flat_map(|page| page.join().unwrap_or_else(|_| vec!["panicked, as told above".into()]));
    let faults: Vec<_> = faults.collect();
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

/// Runs a page's blocks in order in one home. Returns all differences from the page.
fn play(path: &Path) -> Vec<String> {
    let mut world = World::new();
    let mut faults = Vec::new();
    for block in page::read(path) {
        if block.marks.contains(&Mark::NewHome) {
            world = World::new();
        }
        if let Err(fault) = run(&world, &block) {
            faults.push(format!("{}:{}: {fault}", path.display(), block.line));
        }
    }
    faults
}

fn run(world: &World, block: &Block) -> Result<(), String> {
    let (mut expected, mut answers, mut outside) = (0, None, false);
    for mark in &block.marks {
        match mark {
            Mark::Before(script) => succeeded(&world.run(script), 0)?,
            Mark::File(name) => world.write(name, &block.text),
            Mark::Exit(code) => expected = *code,
            Mark::Answers(typed) => answers = Some(typed),
            Mark::Outside => outside = true,
            Mark::After(_) | Mark::NewHome => {}
        }
    }
    if block.text.contains("| jq ") && !Path::new("/usr/bin/jq").exists() {
        eprintln!("skipped: no jq here");
        return Ok(());
    }
    match block.language.as_str() {
        "console" | "sh" | "powershell" if outside => words_are_known(world, &block.text)?,
        "sh" => match answers {
            Some(answers) => {
                world.run_with_answers(&block.text, answers).map_or(Ok(()), |run| succeeded(&run, expected))?;
            }
            None => succeeded(&world.run(&block.text), expected)?,
        },
        "console" => {
            let steps = page::session(&block.text);
            for (place, (command, output)) in steps.iter().enumerate() {
                let run = world.show(command);
                succeeded(&run, if place + 1 == steps.len() { expected } else { 0 })?;
                let assert = snapbox::Assert::new();
                assert.try_eq(Some(&command), run.stdout.into(), output.into()).map_err(|error| error.to_string())?;
            }
        }
        "json" => {
            let _: serde_json::Value =
                serde_json::from_str(&block.text).map_err(|error| format!("no JSON: {error}"))?;
        }
        "toml" | "yaml" | "dockerfile" | "text" => {}
        other => return Err(format!("a block of `{other}`, which nobody tests")),
    }
    for mark in &block.marks {
        if let Mark::After(script) = mark {
            succeeded(&world.run(script), 0)?;
        }
    }
    Ok(())
}

fn succeeded(run: &Run, code: i32) -> Result<(), String> {
    if run.code == Some(code) { Ok(()) } else { Err(format!("{code} was expected: {run:?}")) }
}

/// Checks that Ensign accepts the words of a script's commands. clap refuses an unknown word before it handles
/// `--help`.
fn words_are_known(world: &World, script: &str) -> Result<(), String> {
    for words in page::own_commands(script) {
        if matches!(words.first().map(String::as_str), Some("get" | "store" | "erase" | "list" | "kubelet"))
            && words.len() == 1
        {
            continue; // verbs of the protocol, which have no help
        }
        let run = world.program(&words);
        if run.code != Some(0) {
            return Err(format!("ensign {}: {run:?}", words.join(" ")));
        }
    }
    Ok(())
}
