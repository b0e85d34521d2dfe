//! The builders: buildx as plugin or by itself, buildctl, kaniko.
//!
//! docker/buildx `commands/build.go`, `bake.go`, `create.go`, `imagetools/`; moby/buildkit `cmd/buildctl/build.go`;
//! kaniko `cmd/executor/cmd/root.go`.

use super::{Grammar, Positionals, Verb};
use crate::caller::images::Form;
use crate::caller::words::{Flags, Meaning};

pub(super) const BUILDX: Grammar = Grammar {
    names: &["docker-buildx", "buildx"],
    globals: &[("--builder --config -c --context -H --host -l --log-level", Meaning::Other)],
    verbs: &[
        verb("build|b", Positionals::None, BUILD),
        verb("bake|f", Positionals::None, BAKE),
        verb("create", Positionals::None, CREATE),
        verb("imagetools create|imagetools inspect", Positionals::All, IMAGETOOLS),
    ],
};

pub(super) const BUILDCTL: Grammar = Grammar {
    names: &["buildctl"],
    globals: &[(
        "--addr --log-format --tlsservername --tlscacert --tlscert --tlskey --tlsdir --timeout --exec-name",
        Meaning::Other,
    )],
    verbs: &[verb(
        "build|b",
        Positionals::None,
        &[
            (
                "--progress --trace --local --oci-layout --frontend --secret --allow --ssh --metadata-file \
                 --source-policy-file --ref-file --registry-auth-tlscontext --build-arg",
                Meaning::Other,
            ),
            ("-o --output --exporter-opt", Meaning::Output),
            ("--export-cache --import-cache", Meaning::Cache),
            ("--opt --frontend-opt", Meaning::FrontendOption),
        ],
    )],
};

pub(super) const KANIKO: Grammar = Grammar {
    names: &["kaniko", "executor"],
    globals: &[],
    verbs: &[verb(
        "",
        Positionals::None,
        &[
            ("-d --destination --cache-repo", Meaning::Image),
            (
                "--build-arg -c --context -f --dockerfile -v --verbosity --target --registry-mirror --label --git",
                Meaning::Other,
            ),
        ],
    )],
};

/// `docker build` of any age, the classic builder's flags included; nerdctl's too.
pub(super) const BUILD: Flags = &[
    (
        "--add-host --allow --annotation --attest --build-arg --builder --call --cgroup-parent --cpu-period --cpu-quota -c \
         --cpu-shares --cpuset-cpus --cpuset-mems -f --file --iidfile --isolation --label -m --memory --memory-swap \
         --metadata-file --network --no-cache-filter --platform --policy --progress --provenance --sbom --secret \
         --security-opt --shm-size --ssh --target --ulimit --invoke --print --server-config --buildkit-host",
        Meaning::Other,
    ),
    ("-t --tag", Meaning::Image),
    ("-o --output", Meaning::Output),
    ("--cache-from --cache-to", Meaning::Cache),
    ("--build-context", Meaning::BuildContext),
];

pub(super) const BAKE: Flags = &[
    (
        "--builder -f --file --allow --call --metadata-file --progress --provenance --sbom --list --var --policy",
        Meaning::Other,
    ),
    ("--set", Meaning::BakeOverride),
];

pub(super) const CREATE: Flags = &[
    (
        "--builder --buildkitd-config --buildkitd-flags --config --driver --flags --name --node --platform --timeout",
        Meaning::Other,
    ),
    ("--driver-opt", Meaning::DriverOption),
];

pub(super) const IMAGETOOLS: Flags = &[
    ("--annotation --builder -f --file --format --metadata-file -p --platform --progress", Meaning::Other),
    ("-t --tag", Meaning::Image),
];

const fn verb(paths: &'static str, positionals: Positionals, flags: Flags) -> Verb {
    Verb::new(paths, positionals, Form::Short, flags)
}
