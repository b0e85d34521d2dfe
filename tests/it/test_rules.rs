//! Tests of the tests: each file is run, and no test depends on the speed of the machine.

use std::fs;

use crate::layers::{collect, root, sources};

#[test]
fn every_test_file_is_part_of_the_tests() {
    let mut folders = vec![(root().join("tests/it"), "main")];
    while let Some((folder, head)) = folders.pop() {
        let text = fs::read_to_string(folder.join(head).with_extension("rs")).unwrap();
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.file_stem().unwrap().to_str().unwrap();
            if name == "snapshots" && path.is_dir() {
                continue; // the program's output, not tests
            }
            assert!(
                name == head || text.contains(&format!("mod {name};\n")),
                "{} is forgotten in {head}.rs",
                path.display()
            );
            folders.extend(path.is_dir().then_some((path, "mod")));
        }
    }
}

/// The test files that may use the clock. They compare two waits of one run, use up a given time, or allow far more time
/// than a busy machine needs.
const WITH_CLOCK: [&str; 5] = [
    "tests/it/check_all.rs",
    "tests/it/hardening.rs",
    "tests/it/sealed_keyring.rs",
    "tests/it/vectors.rs",
    "tests/stress/main.rs",
];

#[test]
fn no_test_depends_on_the_speed_of_the_machine() {
    let mut tests = Vec::new();
    collect(&root().join("tests"), "tests/", &mut tests);
    tests.retain(|(_, text)| text.contains(concat!("Instant::", "now()")));
    let mut with_clock: Vec<_> = tests.into_iter().map(|(file, _)| file).collect();
    with_clock.sort_unstable();
    assert_eq!(with_clock, WITH_CLOCK, "`finish` ends a program that hangs, and limits its CPU time");
    for (file, text) in sources() {
        let is_timed = |assertion: &str| assertion.split(";\n").next().unwrap().contains(".elapsed()");
        assert!(!text.split("assert").skip(1).any(is_timed), "{file} asserts how long something took");
    }
}
