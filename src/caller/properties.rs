//! Checks properties that hold for every command line, for fuzzing and for the replay of the fuzzing corpus.

use std::collections::BTreeSet;
use std::path::Path;

use super::files::FileCommand;
use super::program_role::ProgramRole;
use super::{Program, command_line, command_of, login_username, project};
use crate::model::{ImageReference, Registry};
use crate::system::text;

/// Checks that every found image is in `text`. The first line of `text` is the registry. Each further line is one
/// program, nearest first. A program's line contains the executable and the arguments, separated by tabs. The
/// executable may be empty.
pub(crate) fn argv(text: &str) {
    let mut lines = text.split('\n');
    let registry = Registry::from_key(lines.next().unwrap_or_default());
    let words: Vec<Vec<String>> = lines.take(8).map(|line| line.split('\t').map(str::to_owned).collect()).collect();
    let programs: Vec<Program> = words.iter().map(|words| program(words)).collect();

    let images = command_of(&programs, &registry).images;
    assert_eq!(images.iter().collect::<BTreeSet<_>>().len(), images.len(), "each once");
    for image in &images {
        assert_eq!(image.registry(), &registry);
        let path = image.repository().as_str();
        // A namespace of Docker Hub has one segment, which would be parsed as an image of `library`.
        let is_namespace = registry.is_docker_hub() && !path.contains('/');
        assert!(is_namespace || image.to_string().parse().as_ref() == Ok(image), "{image}");
        let stands = |path: &str| words.iter().flatten().any(|word| word.replace('"', "").contains(path));
        assert!(stands(path) || path.strip_prefix("library/").is_some_and(stands), "{image} is invented");
    }
    if let Some(user) = login_username(&programs, &registry) {
        assert!(words.iter().flatten().any(|word| word.ends_with(&user)), "{user:?} is invented");
    }
    let nearest = command_of(programs.first(), &registry).images;
    assert!(nearest.is_empty() || nearest == images, "the nearest process decides");

    for (program, words) in programs.iter().zip(&words) {
        assert!(words.ends_with(&program.args), "only leading arguments are removed");
        assert!(!program.name.contains('/'));
        if let ProgramRole::Client(client) = program.role() {
            let _ = client.task(&program.args);
        }
    }
    if let Some(nearest) = programs.first() {
        is_read_as_typed(&nearest.args);
        keeps_arguments_to_itself(&nearest.args, &registry);
    }
}

/// Checks that every image found in files is of the registry and is found once. `text` begins with a typed command.
/// Each file of the folder follows after a line `== NAME`. The whole text is also read as a `.ensign.toml`.
pub(crate) fn files(text: &str) {
    project::hold(text);
    let mut files = text.split("\n== ");
    let Some(Ok(program)) = files.next().map(command_line) else { return };
    let Some(mut command) = FileCommand::new(&program) else { return };
    let folder = std::env::temp_dir().join(format!("ensign-files-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("there is a place for files");
    let mut written = Vec::new();
    for (name, contents) in files.take(4).filter_map(|file| file.split_once('\n')) {
        let plain = name.len() <= 32 && name.starts_with(char::is_alphanumeric);
        if plain && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) {
            let path = folder.join(name);
            #[expect(clippy::disallowed_methods, reason = "a file of anybody's, and quickly")]
            std::fs::write(&path, contents).expect("a plain file");
            written.push(path);
        }
    }
    let registry = Registry::from_key("ghcr.io");
    command.folder = folder;
    let mentions = command.images(&registry).images;
    for (at, mention) in mentions.iter().enumerate() {
        assert_eq!(mention.image.registry(), &registry);
        assert_eq!(mention.image.to_string().parse().as_ref(), Ok(&mention.image));
        assert!(mentions[..at].iter().all(|other| other.image != mention.image), "each once");
    }
    for path in written {
        let _ = std::fs::remove_file(path);
    }
}

fn program(words: &[String]) -> Program {
    let (exe, argv) = words.split_first().map_or(("", &[][..]), |(exe, argv)| (exe.as_str(), argv));
    Program::new((!exe.is_empty()).then(|| Path::new(exe)), argv.to_vec())
}

/// Checks that words quoted for a shell are read as the same words.
fn is_read_as_typed(words: &[String]) {
    if words.first().is_some_and(|word| word == "ensign") {
        return; // Ensign's own plugin may run another command
    }
    let quoted: Vec<String> = words.iter().map(|word| text::single_quote(word)).collect();
    let Ok(typed) = command_line(&format!("docker {}", quoted.join(" "))) else {
        panic!("quoted words are one command")
    };
    assert_eq!((typed.name.as_str(), typed.args.as_slice()), ("docker", words));
    let _ = command_line(&words.join(" "));
}

/// Checks that a build argument, a variable and a label are never read as images.
fn keeps_arguments_to_itself(words: &[String], registry: &Registry) {
    let planted = format!("A={registry}/planted/image");
    let starts = [
        ("docker build", "--build-arg", planted.as_str()),
        ("docker buildx build", "--label", &planted),
        ("docker run", "-e", &planted),
        ("podman build", "--build-arg", &planted),
        ("podman run", "--env", &planted),
        ("buildctl build", "--opt", &format!("build-arg:{planted}")),
        ("/kaniko/executor", "--build-arg", &planted),
    ];
    let (start, flag, value) = starts[words.len() % starts.len()]; // tests only one start of a command, for speed
    let images = |more: &[&str]| -> Vec<ImageReference> {
        let start = start.split(' ').chain(more.iter().copied()).map(str::to_owned);
        command_of([Program::new(None, start.chain(words.iter().cloned()).collect())], registry).images
    };
    assert_eq!(images(&[flag, value]), images(&[]), "{start} {flag} {value}");
}
