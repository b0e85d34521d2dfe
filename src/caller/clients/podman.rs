//! The tables of podman and buildah.
//!
//! Sources: podman `cmd/podman/`, `docs/source/markdown/`; buildah `cmd/buildah/`, `pkg/cli/common.go`.

use super::compose::COMPOSE;
use super::grammar::Grammar;
use super::verb::{Positionals, Verb};
use super::verb_effect::VerbEffect;
use super::verb_invocation::InputFiles;
use crate::caller::command_words::{FlagKind, FlagTable};
use crate::caller::images::ImageSyntax;

pub(super) const PODMAN: Grammar = Grammar {
    names: &["podman"],
    globals: &[(
        "--cdi-spec-dir --cgroup-manager --config --conmon -c --connection -H --host --events-backend --hooks-dir \
         --identity --imagestore --log-level --module --namespace --db-backend --default-mounts-file --network-backend \
         --network-cmd-path --network-config-dir --out --pull-option --root --runroot --runtime --runtime-flag --ssh \
         --storage-driver --storage-opt --tls-ca --tls-cert --tls-details --tls-key --tmpdir --url --volumepath",
        FlagKind::Other,
    )],
    verbs: &[
        verb("push|image push|manifest push", Positionals::Last, TRANSFER).does(VerbEffect::Push),
        verb("pull|image pull", Positionals::All, TRANSFER),
        verb("run|create|container run|container create", Positionals::BeforeCommand, RUN).local_if("--rootfs", ""),
        verb("container runlabel", Positionals::Second, TRANSFER),
        verb("build|image build|buildx build|builder build", Positionals::None, BUILD).on(InputFiles::Build),
        // Each machine of a farm builds for its own platform and pushes the result.
        verb("farm build", Positionals::None, BUILD).on(InputFiles::Build).does(VerbEffect::BuildUnless("")),
        verb("kube play|play kube", Positionals::None, PLAY).on(InputFiles::Manifests),
        verb("manifest inspect", Positionals::All, TRANSFER),
        verb("manifest create|manifest add", Positionals::From(1), TRANSFER),
        verb("artifact pull", Positionals::All, TRANSFER),
        verb("artifact push", Positionals::All, TRANSFER).does(VerbEffect::Push),
        verb("pod create", Positionals::None, POD),
        verb("image sign", Positionals::All, &[("-d --directory --sign-by --cert-dir --authfile", FlagKind::Other)]),
        Verb::new(
            "search|image search",
            Positionals::All,
            ImageSyntax::WithHost,
            &[("--authfile --cert-dir --creds -f --filter --format --limit", FlagKind::Other)],
        ),
        Verb::login("login", Positionals::LoginAnywhere),
    ],
    plugins: &[("compose", &COMPOSE)],
};

pub(super) const BUILDAH: Grammar = Grammar {
    names: &["buildah"],
    globals: &[(
        "--cgroup-manager --imagestore --log-level --registries-conf --registries-conf-dir --root --runroot \
         --short-name-alias-conf --storage-driver --storage-opt --userns-gid-map --userns-uid-map --cpu-profile --default-mounts-file",
        FlagKind::Other,
    )],
    verbs: &[
        verb("push|manifest push", Positionals::Last, TRANSFER).does(VerbEffect::Push),
        verb("pull", Positionals::All, TRANSFER),
        verb("from", Positionals::First, FROM),
        verb("build|bud|build-using-dockerfile", Positionals::None, BUILD).on(InputFiles::Build),
        verb("manifest inspect", Positionals::All, TRANSFER),
        verb("manifest create|manifest add", Positionals::From(1), TRANSFER),
        verb("manifest annotate", Positionals::Second, TRANSFER),
        // `inspect` requests an image if no container and no image on this machine has the name.
        verb("inspect", Positionals::First, &[("-f --format -t --type", FlagKind::Other)]),
        verb("mkcw", Positionals::First, MKCW),
        verb("add|copy", Positionals::None, ADD),
        verb("source pull", Positionals::First, TRANSFER),
        verb("source push", Positionals::From(1), TRANSFER).does(VerbEffect::Push),
        // The result of `commit` stays in local storage, unless the name of the result has a transport.
        Verb::new("commit", Positionals::From(1), ImageSyntax::Transport, COMMIT).does(VerbEffect::Push),
        Verb::login("login", Positionals::LoginAnywhere),
    ],
    plugins: &[],
};

const fn verb(paths: &'static str, positionals: Positionals, flags: FlagTable) -> Verb {
    Verb::new(paths, positionals, ImageSyntax::OptionalTransport, flags)
}

const TRANSFER: FlagTable = &[(
    "--add-compression --annotation --arch --artifact-annotation --artifact-config --artifact-config-type \
     --artifact-layer-type --artifact-subject --artifact-type --subject --authfile --cert-dir --compression-format \
     --compression-level --creds --decryption-key --digestfile --encrypt-layer --encryption-key --features -f \
     --format --iidfile --manifest -n --name --os --os-feature --os-features --os-version --platform --policy \
     --retry --retry-delay --sign-by --sign-by-sigstore --sign-by-sigstore-private-key --sign-by-sq-fingerprint \
     --sign-passphrase-file --signature-policy --timestamp --unsetenv --variant",
    FlagKind::Other,
)];

const RUN: FlagTable = &[(CONTAINER, FlagKind::Other), ("-h --hostname --pull", FlagKind::Other)];

/// The flags of `buildah from`. In `from` and `build`, `--pull` accepts a value only after `=`.
const FROM: FlagTable = &[(CONTAINER, FlagKind::Other)];

/// The flags of `podman run` and `podman create`. The flags on the last line are only for `buildah from`.
const CONTAINER: &str = "--add-host --annotation --arch -a --attach --authfile --blkio-weight --blkio-weight-device \
     --cap-add --cap-drop --cert-dir --cgroup-conf --cgroup-parent --cgroupns --cgroups --chrootdirs --cidfile \
     --conmon-pidfile --cpu-period --cpu-quota --cpu-rt-period --cpu-rt-runtime -c --cpu-shares --cpus --cpuset-cpus \
     --cpuset-mems --creds --decryption-key --detach-keys --device --device-cgroup-rule --device-read-bps \
     --device-read-iops --device-write-bps --device-write-iops --dns --dns-opt --dns-option --dns-search --entrypoint \
     -e --env --env-file --env-merge --expose --gidmap --gpus --group-add --group-entry --health-cmd --health-interval \
     --health-log-destination --health-max-log-count --health-max-log-size --health-on-failure --health-retries \
     --health-start-period --health-startup-cmd --health-startup-interval --health-startup-retries \
     --health-startup-success --health-startup-timeout --health-timeout --healthcheck-command --hosts-file --hostuser \
     --image-volume --init-ctr --init-path --ip --ip6 --ipc -l --label --label-file --log-driver --log-opt \
     --mac-address -m --memory --memory-reservation --memory-swap --memory-swappiness --mount --name --net --network \
     --network-alias --oom-score-adj --os --passwd-entry --personality --pid --pidfile --pids-limit --platform --pod \
     --pod-id-file --preserve-fd --preserve-fds -p --publish --rdt-class --requires --restart --retry --retry-delay \
     --runtime --sdnotify --seccomp-policy --secret --security-opt --shm-size --shm-size-systemd --stop-signal \
     --stop-timeout --storage-opt --subgidname --subuidname --sysctl --systemd --timeout --tmpfs --tz --uidmap \
     --ulimit --umask --unsetenv -u --user --userns --uts --variant -v --volume --volumes-from -w --workdir -f \
     --format --isolation --userns-gid-map --userns-gid-map-group --userns-uid-map --userns-uid-map-user";

const BUILD: FlagTable = &[
    (
        "--add-host --annotation --arch --authfile --build-arg-file --cache-ttl --cap-add --cap-drop --cert-dir \
         --cgroup-parent --cgroupns --cpp-flag --cpu-period --cpu-quota -c --cpu-shares --cpuset-cpus --cpuset-mems \
         --creds --cw --decryption-key --device --dns --dns-option --dns-search --env --farm --format --group-add \
         --hooks-dir --ignorefile --iidfile --iidfile-raw --ipc --isolation --jobs --label --layer-label --logfile \
         --manifest -m --memory --memory-swap --metadata-file --mount --network -o --output --os --os-feature \
         --os-version --pid --platform --platforms --retry --retry-delay --runtime --runtime-flag --sbom \
         --sbom-image-output --sbom-image-purl-output --sbom-merge-strategy --sbom-output --sbom-purl-output \
         --sbom-scanner-command --secret --security-opt --shm-size --sign-by --source-date-epoch \
         --ssh --timestamp --ulimit --unsetannotation --unsetenv --unsetlabel --userns --userns-gid-map \
         --userns-gid-map-group --userns-uid-map --userns-uid-map-user --uts --variant -v --volume",
        FlagKind::Other,
    ),
    ("-f --file", FlagKind::File),
    ("--build-arg", FlagKind::Variable),
    ("--target", FlagKind::Stage),
    ("--platform", FlagKind::Platform),
    ("--os --arch", FlagKind::PlatformPart),
    ("--build-arg-file", FlagKind::EnvFile),
    ("-t --tag", FlagKind::Tag),
    ("--from", FlagKind::Base),
    ("--sbom-scanner-image", FlagKind::ScannerImage),
    ("--source-policy-file", FlagKind::SourcePolicy),
    ("--cache-from", FlagKind::Cache),
    ("--cache-to", FlagKind::Destination),
    ("--build-context", FlagKind::BuildContext),
];

const PLAY: FlagTable = &[
    (
        "--annotation --authfile --cert-dir --configmap --creds --ip --log-driver --log-opt --mac-address --network \
         --publish --seccomp-profile-root --userns",
        FlagKind::Other,
    ),
    ("--context-dir", FlagKind::Folder),
];

const POD: FlagTable = &[
    (CONTAINER, FlagKind::Other),
    ("--exit-policy -h --hostname --infra-command --infra-conmon-pidfile --infra-name -n --share", FlagKind::Other),
    ("--infra-image", FlagKind::Image),
];

const COMMIT: FlagTable = &[
    TRANSFER[0],
    (
        "--add-file -c --change --config --cw --sbom --sbom-image-output --sbom-image-purl-output --sbom-merge-strategy \
         --sbom-output --sbom-purl-output --sbom-scanner-command --source-date-epoch --unsetannotation",
        FlagKind::Other,
    ),
    ("--sbom-scanner-image", FlagKind::Image),
];

/// The flags of `buildah mkcw`. The result of `mkcw` stays in local storage.
const MKCW: FlagTable = &[
    (
        "--add-file -u --attestation-url -c --cpus -f --firmware-library -m --memory -p --passphrase -s --slop -t --type \
         -w --workload-id",
        FlagKind::Other,
    ),
    ("-b --base-image", FlagKind::Image),
];

const ADD: FlagTable = &[
    (
        "--cert-dir --checksum --chmod --chown --contextdir --exclude --ignorefile --retry --retry-delay --timestamp",
        FlagKind::Other,
    ),
    ("--from", FlagKind::Image),
];
