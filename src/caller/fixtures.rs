//! Tests which images and operations Ensign finds in the recorded command lines in `tests/fixtures/callers/`.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::{Program, command_of};

/// A recorded call, with its ancestors (nearest first) and the expected facts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallerFixture {
    case: String,
    /// The place where the case was recorded, or the reason for the case.
    #[serde(default)]
    note: Option<String>,
    ancestors: Vec<RecordedProcess>,
    registry: String,
    images: Vec<String>,
    /// The operation at the registry. `None` means unknown.
    #[serde(default)]
    operation: Option<String>,
}

/// The arguments of a process. The executable is present if it was readable and differs from `argv[0]`.
#[derive(Deserialize)]
#[serde(untagged)]
enum RecordedProcess {
    Words(Vec<String>),
    Process { exe: String, argv: Vec<String> },
}

/// The files in `tests/fixtures/callers/`. A test fails if a file is missing in this list.
const FILES: [&str; 13] = [
    "buildctl.json",
    "buildx.json",
    "compose.json",
    "docker.json",
    "helm_oras.json",
    "kaniko_ko_cosign.json",
    "nerdctl.json",
    "podman_buildah.json",
    "programs.json",
    "registry_clients.json",
    "skopeo.json",
    "unknown.json",
    "words.json",
];

#[test]
fn every_recorded_caller_names_its_images_and_what_it_does() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/callers");
    let mut found: Vec<String> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    found.sort_unstable();
    assert_eq!(found, FILES, "the test lists every file");

    let mut failures = Vec::new();
    for name in FILES {
        let fixtures: Vec<CallerFixture> =
            serde_json::from_str(&fs::read_to_string(folder.join(name)).unwrap()).expect(name);
        assert!(!fixtures.is_empty(), "{name} contains no case");
        for CallerFixture { case, note, ancestors, registry, images, operation } in fixtures {
            let programs = ancestors.into_iter().map(|ancestor| match ancestor {
                RecordedProcess::Words(argv) => Program::new(None, argv),
                RecordedProcess::Process { exe, argv } => Program::new(Some(Path::new(&exe)), argv),
            });
            let command = command_of(programs, &registry.parse().unwrap());
            let named: Vec<String> = command.images.iter().map(ToString::to_string).collect();
            let done = command.operation.map(|operation| operation.to_string());
            if (&named, &done) != (&images, &operation) {
                let note = note.unwrap_or_default();
                failures.push(format!("{name}: {case} ({note}): {done:?} {named:?}, not {operation:?} {images:?}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
