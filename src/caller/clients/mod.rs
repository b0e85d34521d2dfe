//! Tables for the command lines of container clients.
//!
//! A new client needs a new table, and a file of cases in `tests/fixtures/callers/`. Every flag with a value must be
//! listed, because otherwise its value would be read as an image. A flag without a value must not be listed, because
//! otherwise the image after the flag would be read as its value.

mod build;
mod compose;
mod docker;
mod grammar;
#[cfg(test)]
mod help_record;
mod parsed_command;
mod podman;
mod regclient;
mod registry;
mod scan;
mod skopeo;
mod verb;
mod verb_effect;
mod verb_invocation;

use super::containers::RegistriesSettings;
use super::{Program, unknown_program};
use crate::model::Registry;
use crate::model::choice::CommandImages;
pub(super) use grammar::Grammar;
pub(super) use verb_invocation::{ComposeAction, InputFiles, VerbInvocation};

const GRAMMARS: [&Grammar; 24] = [
    &docker::DOCKER,
    &compose::COMPOSE,
    &docker::NERDCTL,
    &docker::FINCH,
    &build::BUILDX,
    &build::BUILDCTL,
    &build::KANIKO,
    &podman::PODMAN,
    &compose::PODMAN_COMPOSE,
    &podman::BUILDAH,
    &skopeo::SKOPEO,
    &registry::CRANE,
    &registry::GCRANE,
    &regclient::REGCTL,
    &regclient::REGSYNC,
    &regclient::REGBOT,
    &registry::ORAS,
    &registry::HELM,
    &registry::COSIGN,
    &registry::DEVCONTAINER,
    &registry::KO,
    &scan::SYFT,
    &scan::GRYPE,
    &registry::KUBECTL,
];

/// The endings that may follow a client's name, as in `regctl-linux-amd64`.
const SUFFIXES: [&str; 10] =
    ["linux", "darwin", "windows", "amd64", "arm64", "x86_64", "remote", "static", "latest", "in-a-user-namespace"];

/// Returns the client with the canonical name `name`.
pub(super) fn find(name: &str) -> Option<&'static Grammar> {
    GRAMMARS.into_iter().find(|grammar| grammar.names[0] == name)
}

/// Returns the canonical name of the client whose program is called `name`.
pub(super) fn canonical_name(name: &str) -> Option<&'static str> {
    let is_version = |rest: &str| {
        let suffix = rest.trim_start_matches(['-', '_', '.']);
        let version = suffix.strip_prefix('v').unwrap_or(suffix);
        version.starts_with(|c: char| c.is_ascii_digit())
            || (suffix.len() < rest.len() && SUFFIXES.iter().any(|known| suffix.starts_with(known)))
    };
    let is = |known: &str| name.strip_prefix(known).is_some_and(|rest| rest.is_empty() || is_version(rest));
    GRAMMARS.into_iter().find(|grammar| grammar.names.iter().any(|known| is(known))).map(|grammar| grammar.names[0])
}

/// Returns the images of `registry` on the client's command line. The command line of an unknown docker plugin is read
/// by the rules for an unknown program. `settings` complete short names.
pub(super) fn command(
    client: &Grammar,
    program: &Program,
    registry: &Registry,
    settings: Option<&RegistriesSettings>,
) -> CommandImages {
    client.command(program, registry, settings).unwrap_or_else(|| {
        let is_plugin = runs_unknown_plugin(client, program);
        let images = if is_plugin { unknown_program::images(&program.args, registry) } else { Vec::new() };
        CommandImages { images, ..CommandImages::default() }
    })
}

fn runs_unknown_plugin(client: &Grammar, program: &Program) -> bool {
    let word = client.unlisted_word(&program.args);
    client.names == docker::DOCKER.names && word.is_some_and(|word| !docker::is_local(word))
}

#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    GRAMMARS.into_iter().flat_map(|grammar| grammar.names.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::verb::Verb;
    use super::*;

    #[test]
    fn a_verb_is_never_the_beginning_of_another() {
        for grammar in GRAMMARS {
            let paths: Vec<&str> = grammar.verbs.iter().flat_map(Verb::paths).collect();
            for path in &paths {
                let longer = paths.iter().filter(|other| other.starts_with(&format!("{path} "))).count();
                let same = paths.iter().filter(|other| other == &path).count();
                assert_eq!((longer, same), (0, 1), "{} {path}", grammar.names[0]);
            }
        }
    }

    #[test]
    fn flags_are_written_as_flags() {
        for grammar in GRAMMARS {
            for (list, _) in grammar.verbs.iter().flat_map(|verb| verb.flags).chain(grammar.globals) {
                for flag in list.split_ascii_whitespace() {
                    let short = flag.len() == 2 && flag.starts_with('-') && flag != "--";
                    assert!(short || (flag.starts_with("--") && flag.len() > 3), "{} {flag}", grammar.names[0]);
                }
            }
        }
    }
}
