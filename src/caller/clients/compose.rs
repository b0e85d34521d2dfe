//! The command-line tables of Docker Compose and podman-compose. Compose files contain the names of the images.
//!
//! Sources: docker/compose `cmd/compose/`; podman-compose `podman_compose.py`.

use super::grammar::Grammar;
use super::verb::{Positionals, Verb};
use super::verb_effect::VerbEffect;
use super::verb_invocation::{ComposeAction, InputFiles};
use crate::caller::command_words::{FlagKind, FlagTable};
use crate::caller::images::ImageSyntax;

/// Docker Compose, both version 2 (also a plugin of docker) and version 1 (written in Python).
pub(super) const COMPOSE: Grammar =
    Grammar { names: &["docker-compose"], globals: GLOBALS, verbs: VERBS, plugins: &[] };

/// podman-compose reads the Compose files itself, and runs podman with the images in these files.
pub(super) const PODMAN_COMPOSE: Grammar =
    Grammar { names: &["podman-compose"], globals: GLOBALS, verbs: VERBS, plugins: &[] };

/// The flags before the verb. The flags from `-c` to `--log-level` are from Docker Compose 1. The flags from
/// `--podman-path` to `--podman-run-args` are from podman-compose.
const GLOBALS: FlagTable = &[
    (
        "--ansi --parallel --progress -c --context -H --host --tlscacert --tlscert --tlskey \
         --log-level --podman-path --podman-args --in-pod --pod-args --podman-pull-args --podman-push-args \
         --podman-build-args --podman-run-args",
        FlagKind::Other,
    ),
    ("-p --project-name", FlagKind::ProjectName),
    ("-f --file", FlagKind::File),
    ("--env-file", FlagKind::EnvFile),
    ("--project-directory --workdir", FlagKind::Folder),
    ("--profile", FlagKind::Profile),
];

const VERBS: &[Verb] = &[
    verb("pull", ComposeAction::Pull, &[("--policy", FlagKind::PullPolicy)]),
    verb("config|convert", ComposeAction::Resolve, &[("--format --hash -o --output", FlagKind::Other)]),
    verb("push", ComposeAction::Push, &[]).does(VerbEffect::Push),
    verb(
        "build",
        ComposeAction::Build,
        &[
            ("--builder -m --memory --progress --provenance --ssh", FlagKind::Other),
            ("--build-arg", FlagKind::Variable),
            ("--sbom", FlagKind::Attestation),
        ],
    )
    .does(VerbEffect::Unknown),
    verb(
        "up|create|watch|scale",
        ComposeAction::Up,
        &[
            (
                "--attach --exit-code-from --no-attach --scale -t --timeout --wait-timeout --podman-args",
                FlagKind::Other,
            ),
            ("--pull", FlagKind::PullPolicy),
        ],
    ),
    verb(
        "run",
        ComposeAction::Run,
        &[
            (
                "--cap-add --cap-drop --entrypoint -e --env --env-from-file -l --label --name -p --publish -u --user -v \
                 --volume -w --workdir",
                FlagKind::Other,
            ),
            ("--pull", FlagKind::PullPolicy),
        ],
    ),
    // `publish` pushes the services' images, and then the project itself.
    Verb::new("publish|alpha publish", Positionals::First, ImageSyntax::Short, &[("--oci-version", FlagKind::Other)])
        .on(InputFiles::Compose(ComposeAction::Push))
        .does(VerbEffect::Push),
    Verb::new("bridge convert|bridge transformations create", Positionals::None, ImageSyntax::Short, BRIDGE),
];

const BRIDGE: FlagTable =
    &[("-o --output --templates", FlagKind::Other), ("-t --transformation -f --from", FlagKind::Image)];

const fn verb(paths: &'static str, project: ComposeAction, flags: FlagTable) -> Verb {
    Verb::new(paths, Positionals::None, ImageSyntax::Short, flags).on(InputFiles::Compose(project))
}
