//! Tests which images Ensign finds for commands in the projects of `tests/fixtures/projects/`.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{FileCommand, ImageSide, ProjectImages};
use crate::caller::command_line;
use crate::caller::program_role::ProgramRole;
use crate::model::choice::FileImages;
use crate::system::files;

/// A command in a project.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProjectCase {
    command: String,
    /// The folder within the project in which the command runs.
    #[serde(default, rename = "in")]
    folder: PathBuf,
    registry: String,
    /// The expected images as `file: image`, in alphabetical order.
    images: Vec<String>,
    /// The expected operation, if the project's files decide the operation.
    #[serde(default)]
    operation: Option<String>,
}

/// The folders of all projects. A test fails if a folder is missing in this list.
const PROJECTS: [&str; 14] = [
    "anchors",
    "bake_hcl",
    "bake_json",
    "broken",
    "include",
    "kubernetes",
    "mirror",
    "monorepo",
    "podman",
    "release",
    "selfhosted",
    "several_files",
    "stack",
    "web",
];

#[test]
fn every_project_has_its_images() {
    let projects = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/projects");
    let mut found: Vec<String> =
        fs::read_dir(&projects).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    found.sort_unstable();
    assert_eq!(found, PROJECTS, "the test lists every project");

    let mut failures = Vec::new();
    for name in PROJECTS {
        let project = projects.join(name);
        let text = fs::read_to_string(project.join("expected.json")).unwrap();
        let cases: Vec<ProjectCase> = serde_json::from_str(&text).expect(name);
        for ProjectCase { command, folder, registry, images, operation } in cases {
            let (found, done) = images_of(&project, &folder, &command, &registry);
            if (&found, &done) != (&images, &operation) {
                failures.push(format!(
                    "{name}: {command} ({registry}): {done:?} {found:#?}, not {operation:?} {images:#?}"
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn images_of(project: &Path, folder: &Path, command: &str, registry: &str) -> (Vec<String>, Option<String>) {
    // The projects separate paths with colons, as on Unix. Without `COMPOSE_PATH_SEPARATOR`, Ensign on Windows would
    // expect semicolons.
    let colon = if cfg!(windows) { "COMPOSE_PATH_SEPARATOR=: " } else { "" };
    let program = command_line(&format!("{colon}{command}")).unwrap();
    assert!(matches!(program.role(), ProgramRole::Client(_)), "{command} is not a client");
    let Some(mut command) = FileCommand::new(&program) else { return (Vec::new(), None) };
    command.folder = project.join(folder).components().collect();
    let registry = registry.parse().unwrap();
    let FileImages { images: mentions, unknown } = command.images(&registry);
    let operation = command.operation(&registry).map(|operation| operation.to_string());
    let shown = |file: &Path| {
        let Ok(file) = fs::canonicalize(file) else { return file.display().to_string() };
        file.strip_prefix(fs::canonicalize(project).unwrap()).unwrap().to_string_lossy().replace('\\', "/")
    };
    let mut all: Vec<_> =
        mentions.iter().map(|mention| format!("{}: {}", shown(&mention.file), mention.image)).collect();
    all.extend(unknown.iter().map(|unknown| format!("{}: not known", shown(&unknown.file))));
    all.sort_unstable();
    (all, operation)
}

/// Returns the images of a command as `PULLED | PUSHED`. A `+` before `PUSHED` means that the command pushes these
/// images, and a `?` means that some images are unknown.
pub(super) fn answer(project: &[(&str, &str)], command: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in project {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        files::replace(&path, text.as_bytes(), files::Access::Private).unwrap();
    }
    let (pulled, pushed, goes_out) = sides(folder.path(), command);
    format!("{pulled} | {}{pushed}", if goes_out { "+" } else { "" }).trim().to_owned()
}

pub(super) fn sides(folder: &Path, command: &str) -> (String, String, bool) {
    let program = command_line(command).unwrap();
    let command = FileCommand { folder: folder.to_owned(), ..FileCommand::new(&program).expect(command) };
    let ProjectImages { pulled, pushed, goes_out } = command.project_images();
    let shown = |side: &ImageSide| {
        let mut texts: Vec<String> = side.found.iter().map(|found| found.text.clone()).collect();
        texts.sort_unstable();
        texts.dedup();
        texts.extend((!side.unknown.is_empty()).then(|| "?".to_owned()));
        texts.join(" ")
    };
    (shown(&pulled), shown(&pushed), goes_out)
}
