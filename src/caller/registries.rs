//! Finds all registries to which a command sends requests. A client asks a credential helper for only one registry at a
//! time.

use std::collections::BTreeSet;

use super::files::FileCommand;
use super::program_role::ProgramRole;
use super::{Program, command_of, containers};
use crate::model::Registry;
use crate::model::choice::{ImageRole, UnknownImages};

/// The largest number of registries of a command. Real commands have far fewer registries. Hostile files may contain
/// many registries, and each registry needs an answer.
pub(crate) const REGISTRIES_AT_MOST: usize = 50;

/// Returns the registries of the images that `program` works on, first from the command line and then from files. A
/// text that only looks like a host is left out. The registry of a build's result is left out if the build also uses
/// another image. The search in the command line and the search in files each end after one registry more than
/// [`REGISTRIES_AT_MOST`].
pub(crate) fn registries_of(program: &Program) -> Vec<Registry> {
    let place = match program.role() {
        ProgramRole::Client(client) => client.place(program),
        _ => None,
    };
    let mut in_words = among(program.args.iter().chain(&place).map(String::as_str));
    for registry in containers::registries(program) {
        if !in_words.contains(&registry) {
            in_words.push(registry);
        }
    }
    let in_words = in_words.into_iter();
    let in_words = in_words.map(|registry| (command_of([program], &registry), registry));
    let named = in_words.filter(|(command, _)| !command.images.is_empty()).take(REGISTRIES_AT_MOST + 1);
    let (results, mut asked): (Vec<_>, Vec<_>) = named.partition(|(command, _)| command.role == ImageRole::Result);
    let mut in_files = in_files(program);
    in_files.retain(|registry| !asked.iter().any(|(_, known)| known == registry));
    if asked.is_empty() && in_files.is_empty() {
        asked = results;
    }
    asked.into_iter().map(|(_, registry)| registry).chain(in_files).collect()
}

/// Returns every host that precedes a path in the texts. Docker Hub is included for short names.
pub(super) fn among<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<Registry> {
    let words = texts.flat_map(|text| text.split(|c: char| !(c.is_alphanumeric() || ".-_:/@[]".contains(c))));
    let hosts = words.filter_map(|word| word.rsplit("//").next().unwrap_or_default().split_once('/'));
    let mut seen = BTreeSet::new();
    hosts
        .filter_map(|(host, _)| Registry::from_authority(host).ok())
        .chain([Registry::docker_hub()])
        .filter(|registry| seen.insert(registry.clone()))
        .collect()
}

/// Returns the first part with unknown images in the files that `program` works on.
pub(crate) fn unknown_in_files(program: &Program) -> Option<UnknownImages> {
    FileCommand::new(program)?.first_unknown()
}

fn in_files(program: &Program) -> Vec<Registry> {
    let Some(command) = FileCommand::new(program) else { return Vec::new() };
    let mut seen = BTreeSet::new();
    let named = command.registries(|text| among(std::iter::once(text)));
    named.filter(|registry| seen.insert(registry.clone())).take(REGISTRIES_AT_MOST + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::command_line;
    use crate::system::{self, files::Access};

    #[test]
    fn a_command_asks_for_the_registries_of_its_images() {
        for (typed, expected) in [
            ("docker push ghcr.io/acme/app", "ghcr.io"),
            ("docker pull alpine", "docker.io"),
            ("docker pull index.docker.io/library/alpine", "docker.io"),
            (
                "docker build --push -t quay.io/a/b -t me/app --cache-to type=registry,ref=localhost:5000/c/d .",
                "quay.io localhost:5000 docker.io",
            ),
            ("FOO=1 sudo skopeo copy docker://ghcr.io/a/b docker://[::1]:5000/b", "ghcr.io [::1]:5000"),
            ("helm push x.tgz oci://ghcr.io/charts", "ghcr.io"),
            (
                "crane copy gcr.io/a/b@sha256:0123456789012345678901234567890123456789012345678901234567890123 c.io/d",
                "gcr.io c.io",
            ),
            ("docker run -v /srv/x:/y -e U=https://example.com/z ghcr.io/a/b quay.io/not/this", "ghcr.io"),
            ("./deploy.sh https://ghcr.io/x/y quay.io/x/y:1", "quay.io"),
            ("docker build -t quay.io/a/b https://example.com/x.git", "quay.io"),
            ("KO_DOCKER_REPO=quay.io/a ko build .", "quay.io"),
            ("devcontainer features publish -r quay.io -n a/b .", "quay.io"),
            ("docker build -t quay.io/a/b --cache-from gcr.io/a/cache missing", "gcr.io"),
            ("docker push $IMAGE", ""),
            ("ls", ""),
        ] {
            let program = command_line(typed).unwrap();
            let found: Vec<_> = registries_of(&program).iter().map(ToString::to_string).collect();
            assert_eq!(found.join(" "), expected, "{typed}");
        }
    }
    #[test]
    fn a_command_asks_for_the_registries_in_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let found = |command: &str, dockerfile: &str| {
            let file = folder.path().join("Dockerfile");
            system::files::replace(&file, dockerfile.as_bytes(), Access::Private).unwrap();
            let program = command_line(&format!("{command} '{}'", folder.path().display())).unwrap();
            (registries_of(&program), unknown_in_files(&program).is_some())
        };
        for (command, dockerfile, expected, is_unknown) in [
            ("docker build", "FROM ghcr.io/acme/base", "ghcr.io", false),
            ("docker build -t quay.io/a/b", "FROM ghcr.io/acme/base", "ghcr.io", false),
            ("docker build -t quay.io/a/b", "FROM scratch", "quay.io", false),
            (
                "docker build --cache-from ghcr.io/a/b",
                "FROM ghcr.io/a/c\nCOPY --from=c.io/d / /",
                "ghcr.io c.io",
                false,
            ),
            ("docker build", "FROM $BASE", "", true),
        ] {
            let (registries, unknown) = found(command, dockerfile);
            let registries: Vec<_> = registries.iter().map(ToString::to_string).collect();
            assert_eq!((registries.join(" ").as_str(), unknown), (expected, is_unknown), "{command} {dockerfile}");
        }
        let images: Vec<_> = (0..60).map(|at| format!("host{at}.example/a")).collect();
        let typed = format!("docker buildx imagetools inspect {}", images.join(" "));
        assert_eq!(found(&typed, "").0.len(), REGISTRIES_AT_MOST + 1);
        let stages = format!("FROM scratch\nCOPY --from={} / /", images.join(" / /\nCOPY --from="));
        assert_eq!(found("docker build", &stages).0.len(), REGISTRIES_AT_MOST + 1);
    }
}
