//! The command-line tables of the builders buildx, buildctl and kaniko.
//!
//! Sources: docker/buildx `commands/build.go`, `bake.go`, `create.go`, `imagetools/`; moby/buildkit
//! `cmd/buildctl/build.go`; kaniko `cmd/executor/cmd/root.go`.

use super::grammar::Grammar;
use super::verb::{Positionals, Verb, verb};
use super::verb_effect::VerbEffect;
use super::verb_invocation::InputFiles;
use crate::caller::command_words::{FlagKind, FlagTable};
use crate::caller::images::ImageSyntax;

pub(super) const BUILDX: Grammar = Grammar {
    names: &["docker-buildx", "buildx"],
    globals: &[("--builder --config -c --context -H --host -l --log-level", FlagKind::Other)],
    verbs: &[
        verb("build|b|dap build", Positionals::None, BUILD).on(InputFiles::Build).does(VerbEffect::BuildIf("--push")),
        verb("bake|f", Positionals::None, BAKE).on(InputFiles::Bake).does(VerbEffect::Unknown),
        verb("create", Positionals::None, CREATE),
        verb("imagetools create|imagetools inspect", Positionals::All, IMAGETOOLS).dry_if("--dry-run"),
        POLICY,
    ],
    plugins: &[],
};

pub(super) const BUILDCTL: Grammar = Grammar {
    names: &["buildctl"],
    globals: &[(
        "--addr --log-format --tlsservername --tlscacert --tlscert --tlskey --tlsdir --timeout --exec-name",
        FlagKind::Other,
    )],
    verbs: &[verb(
        "build|b",
        Positionals::None,
        &[
            (
                "--debug-json-cache-metrics --progress --trace --oci-layout --frontend --secret --allow --ssh \
                 --metadata-file --ref-file --registry-auth-tlscontext --build-arg",
                FlagKind::Other,
            ),
            ("--local", FlagKind::Folder),
            ("-o --output --exporter-opt", FlagKind::Output),
            ("--import-cache", FlagKind::Cache),
            ("--export-cache", FlagKind::CacheTo),
            ("--opt --frontend-opt", FlagKind::FrontendOption),
            ("--source-policy-file", FlagKind::SourcePolicy),
        ],
    )
    .on(InputFiles::Buildctl)
    .does(VerbEffect::BuildIf(""))],
    plugins: &[],
};

pub(super) const KANIKO: Grammar = Grammar {
    names: &["kaniko", "executor"],
    globals: &[],
    verbs: &[verb(
        "",
        Positionals::None,
        &[
            ("-d --destination", FlagKind::Tag),
            ("--cache-repo", FlagKind::Destination),
            (
                "--cache-dir --cache-ttl --compression --compression-level --custom-platform \
                 --customPlatform --digest-file --git --ignore-path --image-download-retry --image-fs-extract-retry \
                 --image-name-tag-with-digest-file --image-name-with-digest-file --insecure-registry --kaniko-dir \
                 --label --log-format --oci-layout-path --push-retry --registry-certificate --registry-client-cert \
                 --registry-map --registry-mirror --skip-tls-verify-registry --snapshot-mode --snapshotMode --tar-path \
                 --tarPath -v --verbosity",
                FlagKind::Other,
            ),
            ("-f --dockerfile", FlagKind::File),
            ("-c --context", FlagKind::Folder),
            ("--context-sub-path", FlagKind::SubPath),
            ("--build-arg", FlagKind::Variable),
            ("--target", FlagKind::Stage),
        ],
    )
    .on(InputFiles::Build)
    .does(VerbEffect::BuildUnless("--no-push"))],
    plugins: &[],
};

/// The flags of `docker build`, including flags that only the classic builder or nerdctl has.
pub(super) const BUILD: FlagTable = &[
    ("--call", FlagKind::Call),
    (
        "--add-host --allow --annotation --builder --cgroup-parent --cpu-period --cpu-quota -c \
         --cpu-shares --cpuset-cpus --cpuset-mems --iidfile --isolation --label -m --memory --memory-swap \
         --metadata-file --network --no-cache-filter --platform --policy --progress --provenance --resource \
         --secret --security-opt --shm-size --ssh --ulimit --invoke --print --server-config --buildkit-host",
        FlagKind::Other,
    ),
    ("-f --file", FlagKind::File),
    ("--build-arg", FlagKind::Variable),
    ("--target", FlagKind::Stage),
    ("--platform", FlagKind::Platform),
    ("-t --tag", FlagKind::Tag),
    ("-o --output", FlagKind::Output),
    ("--cache-from", FlagKind::Cache),
    ("--cache-to", FlagKind::CacheTo),
    ("--build-context", FlagKind::BuildContext),
    ("--attest --sbom", FlagKind::Attestation),
];

pub(super) const BAKE: FlagTable = &[
    ("--call", FlagKind::Call),
    ("--builder --allow --metadata-file --progress --provenance --list --policy", FlagKind::Other),
    ("-f --file", FlagKind::File),
    ("--var", FlagKind::Variable),
    ("--set", FlagKind::BakeOverride),
    ("--sbom", FlagKind::Attestation),
];

const CREATE: FlagTable = &[
    (
        "--builder --buildkitd-config --buildkitd-flags --config --driver --flags --name --node --platform --timeout",
        FlagKind::Other,
    ),
    ("--driver-opt", FlagKind::DriverOption),
];

const IMAGETOOLS: FlagTable = &[
    ("--annotation --builder -f --file --format --metadata-file -p --platform --progress", FlagKind::Other),
    ("-t --tag", FlagKind::Destination),
];

/// `buildx policy eval` requests the image in its argument `docker-image://IMAGE` from the registry.
const POLICY: Verb = Verb::new(
    "policy eval",
    Positionals::All,
    ImageSyntax::Transport,
    &[("-f --file --fields --platform", FlagKind::Other)],
);
