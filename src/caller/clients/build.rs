//! The builders: buildx as plugin or by itself, buildctl, kaniko.
//!
//! docker/buildx `commands/build.go`, `bake.go`, `create.go`, `imagetools/`; moby/buildkit `cmd/buildctl/build.go`;
//! kaniko `cmd/executor/cmd/root.go`.

use super::{Deed, Grammar, Positionals, Verb, Work};
use crate::caller::images::Form;
use crate::caller::words::{Flags, Meaning};

pub(super) const BUILDX: Grammar = Grammar {
    names: &["docker-buildx", "buildx"],
    globals: &[("--builder --config -c --context -H --host -l --log-level", Meaning::Other)],
    verbs: &[
        verb("build|b|dap build", Positionals::None, BUILD).on(Work::Build).does(Deed::BuildIf("--push")),
        verb("bake|f", Positionals::None, BAKE).on(Work::Bake).does(Deed::Project),
        verb("create", Positionals::None, CREATE),
        verb("imagetools create|imagetools inspect", Positionals::All, IMAGETOOLS),
        POLICY,
    ],
    plugins: &[],
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
                "--debug-json-cache-metrics --progress --trace --oci-layout --frontend --secret --allow --ssh \
                 --metadata-file --source-policy-file --ref-file --registry-auth-tlscontext --build-arg",
                Meaning::Other,
            ),
            ("--local", Meaning::Folder),
            ("-o --output --exporter-opt", Meaning::Output),
            ("--import-cache", Meaning::Cache),
            ("--export-cache", Meaning::CacheTo),
            ("--opt --frontend-opt", Meaning::FrontendOption),
        ],
    )
    .on(Work::Buildctl)
    .does(Deed::BuildIf(""))],
    plugins: &[],
};

pub(super) const KANIKO: Grammar = Grammar {
    names: &["kaniko", "executor"],
    globals: &[],
    verbs: &[verb(
        "",
        Positionals::None,
        &[
            ("-d --destination", Meaning::Tag),
            ("--cache-repo", Meaning::Destination),
            (
                "--cache-dir --cache-ttl --compression --compression-level --context-sub-path --custom-platform \
                 --customPlatform --digest-file --git --ignore-path --image-download-retry --image-fs-extract-retry \
                 --image-name-tag-with-digest-file --image-name-with-digest-file --insecure-registry --kaniko-dir \
                 --label --log-format --oci-layout-path --push-retry --registry-certificate --registry-client-cert \
                 --registry-map --registry-mirror --skip-tls-verify-registry --snapshot-mode --snapshotMode --tar-path \
                 --tarPath -v --verbosity",
                Meaning::Other,
            ),
            ("-f --dockerfile", Meaning::File),
            ("-c --context", Meaning::Folder),
            ("--build-arg", Meaning::Variable),
            ("--target", Meaning::Stage),
        ],
    )
    .on(Work::Build)
    .does(Deed::BuildUnless("--no-push"))],
    plugins: &[],
};

/// `docker build` of any age, the classic builder's flags included; nerdctl's too.
pub(super) const BUILD: Flags = &[
    (
        "--add-host --allow --annotation --attest --builder --call --cgroup-parent --cpu-period --cpu-quota -c \
         --cpu-shares --cpuset-cpus --cpuset-mems --iidfile --isolation --label -m --memory --memory-swap \
         --metadata-file --network --no-cache-filter --platform --policy --progress --provenance --resource --sbom \
         --secret --security-opt --shm-size --ssh --ulimit --invoke --print --server-config --buildkit-host",
        Meaning::Other,
    ),
    ("-f --file", Meaning::File),
    ("--build-arg", Meaning::Variable),
    ("--target", Meaning::Stage),
    ("--platform", Meaning::Platform),
    ("-t --tag", Meaning::Tag),
    ("-o --output", Meaning::Output),
    ("--cache-from", Meaning::Cache),
    ("--cache-to", Meaning::CacheTo),
    ("--build-context", Meaning::BuildContext),
];

pub(super) const BAKE: Flags = &[
    ("--builder --allow --call --metadata-file --progress --provenance --sbom --list --policy", Meaning::Other),
    ("-f --file", Meaning::File),
    ("--var", Meaning::Variable),
    ("--set", Meaning::BakeOverride),
];

const CREATE: Flags = &[
    (
        "--builder --buildkitd-config --buildkitd-flags --config --driver --flags --name --node --platform --timeout",
        Meaning::Other,
    ),
    ("--driver-opt", Meaning::DriverOption),
];

const IMAGETOOLS: Flags = &[
    ("--annotation --builder -f --file --format --metadata-file -p --platform --progress", Meaning::Other),
    ("-t --tag", Meaning::Destination),
];

/// Asks the registry about `docker-image://IMAGE`.
const POLICY: Verb =
    Verb::new("policy eval", Positionals::All, Form::Transport, &[("-f --file --fields --platform", Meaning::Other)]);

const fn verb(paths: &'static str, positionals: Positionals, flags: Flags) -> Verb {
    Verb::new(paths, positionals, Form::Short, flags)
}
