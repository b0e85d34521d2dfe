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

#[test]
fn no_test_depends_on_the_speed_of_the_machine() {
    let mut files = sources();
    collect(&root().join("tests"), "tests/", &mut files);
    for (file, text) in files {
        let is_timed = |line: &&str| line.contains("assert") && line.contains(".elapsed()") && line.contains('<');
        let allowed = ["tests/it/sealed_keyring.rs", "tests/it/test_rules.rs"]; // compares two waits of one run
        let timed = text.lines().find(is_timed).filter(|_| !allowed.contains(&file.as_str()));
        assert_eq!(timed, None, "{file}: `finish` ends a program that hangs, and limits its CPU time");
    }
}
