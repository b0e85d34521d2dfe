//! Docker Compose and podman-compose, whose images stand in files.
//!
//! docker/compose `cmd/compose/`; podman-compose `podman_compose.py`.

use super::{Deed, Grammar, Positionals, Project, Verb, Work};
use crate::caller::images::Form;
use crate::caller::words::{Flags, Meaning};

/// Version 2 as plugin or by itself, and version 1 in Python.
pub(super) const COMPOSE: Grammar =
    Grammar { names: &["docker-compose"], globals: GLOBALS, verbs: VERBS, plugins: &[] };

/// Runs podman with images from its files.
pub(super) const PODMAN_COMPOSE: Grammar =
    Grammar { names: &["podman-compose"], globals: GLOBALS, verbs: VERBS, plugins: &[] };

/// Version 1's are `-c` to `--log-level`, podman-compose's are `--podman-path` and after.
const GLOBALS: Flags = &[
    (
        "--ansi --parallel --progress -c --context -H --host --tlscacert --tlscert --tlskey \
         --log-level --podman-path --podman-args --in-pod --pod-args --podman-pull-args --podman-push-args \
         --podman-build-args --podman-run-args",
        Meaning::Other,
    ),
    ("-p --project-name", Meaning::ProjectName),
    ("-f --file", Meaning::File),
    ("--env-file", Meaning::EnvFile),
    ("--project-directory --workdir", Meaning::Folder),
    ("--profile", Meaning::Profile),
];

const VERBS: &[Verb] = &[
    verb("pull", Project::Pull, &[("--policy", Meaning::PullPolicy)]),
    verb("config|convert", Project::Pull, &[("--format --hash -o --output", Meaning::Other)]),
    verb("push", Project::Push, &[]).does(Deed::Push),
    verb(
        "build",
        Project::Build,
        &[
            ("--builder -m --memory --progress --provenance --sbom --ssh", Meaning::Other),
            ("--build-arg", Meaning::Variable),
        ],
    )
    .does(Deed::Project),
    verb(
        "up|create|watch|scale",
        Project::Up,
        &[
            ("--attach --exit-code-from --no-attach --scale -t --timeout --wait-timeout --podman-args", Meaning::Other),
            ("--pull", Meaning::PullPolicy),
        ],
    ),
    verb(
        "run",
        Project::Run,
        &[
            (
                "--cap-add --cap-drop --entrypoint -e --env --env-from-file -l --label --name -p --publish -u --user -v \
                 --volume -w --workdir",
                Meaning::Other,
            ),
            ("--pull", Meaning::PullPolicy),
        ],
    ),
    // Pushes the services' images, then sends the project itself to a registry.
    Verb::new("publish|alpha publish", Positionals::First, Form::Short, &[("--oci-version", Meaning::Other)])
        .on(Work::Compose(Project::Push))
        .does(Deed::Push),
    Verb::new("bridge convert|bridge transformations create", Positionals::None, Form::Short, BRIDGE),
];

const BRIDGE: Flags = &[("-o --output --templates", Meaning::Other), ("-t --transformation -f --from", Meaning::Image)];

const fn verb(paths: &'static str, project: Project, flags: Flags) -> Verb {
    Verb::new(paths, Positionals::None, Form::Short, flags).on(Work::Compose(project))
}
