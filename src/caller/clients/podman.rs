//! podman and buildah.
//!
//! podman `cmd/podman/`, `docs/source/markdown/`; buildah `cmd/buildah/`, `pkg/cli/common.go`.

use super::compose::COMPOSE;
use super::{Deed, Grammar, Positionals, Verb, Work};
use crate::caller::images::Form;
use crate::caller::words::{Flags, Meaning};

pub(super) const PODMAN: Grammar = Grammar {
    names: &["podman"],
    globals: &[(
        "--cdi-spec-dir --cgroup-manager --config --conmon -c --connection -H --host --events-backend --hooks-dir \
         --identity --imagestore --log-level --module --namespace --db-backend --default-mounts-file --network-backend \
         --network-cmd-path --network-config-dir --out --pull-option --root --runroot --runtime --runtime-flag --ssh \
         --storage-driver --storage-opt --tls-ca --tls-cert --tls-details --tls-key --tmpdir --url --volumepath",
        Meaning::Other,
    )],
    verbs: &[
        verb("push|image push|manifest push", Positionals::Last, TRANSFER).does(Deed::Push),
        verb("pull|image pull", Positionals::All, TRANSFER),
        verb("run|create|container run|container create", Positionals::BeforeCommand, RUN),
        verb("container runlabel", Positionals::From(1), TRANSFER),
        verb("build|image build|buildx build|builder build", Positionals::None, BUILD).on(Work::Build),
        // The parts, built elsewhere, meet at the registry.
        verb("farm build", Positionals::None, BUILD).on(Work::Build).does(Deed::BuildUnless("")),
        verb("kube play|play kube", Positionals::None, PLAY).on(Work::Manifests),
        verb("manifest inspect", Positionals::All, TRANSFER),
        verb("manifest create|manifest add", Positionals::From(1), TRANSFER),
        verb("artifact pull", Positionals::All, TRANSFER),
        verb("artifact push", Positionals::All, TRANSFER).does(Deed::Push),
        verb("pod create", Positionals::None, POD),
        verb("image sign", Positionals::All, &[("-d --directory --sign-by --cert-dir --authfile", Meaning::Other)]),
        Verb::new(
            "search|image search",
            Positionals::All,
            Form::WithHost,
            &[("--authfile --cert-dir --creds -f --filter --format --limit", Meaning::Other)],
        ),
        Verb::login("login", Positionals::LoginAnywhere),
    ],
    plugins: &[("compose", &COMPOSE)],
};

pub(super) const BUILDAH: Grammar = Grammar {
    names: &["buildah"],
    globals: &[(
        "--cgroup-manager --log-level --registries-conf --registries-conf-dir --root --runroot --short-name-alias-conf \
         --storage-driver --storage-opt --userns-gid-map --userns-uid-map --cpu-profile --default-mounts-file",
        Meaning::Other,
    )],
    verbs: &[
        verb("push|manifest push", Positionals::Last, TRANSFER).does(Deed::Push),
        verb("pull", Positionals::All, TRANSFER),
        verb("from", Positionals::First, FROM),
        verb("build|bud|build-using-dockerfile", Positionals::None, BUILD).on(Work::Build),
        verb("manifest inspect", Positionals::All, TRANSFER),
        verb("manifest create|manifest add", Positionals::From(1), TRANSFER),
        verb("add|copy", Positionals::None, ADD),
        verb("source pull", Positionals::First, TRANSFER),
        verb("source push", Positionals::From(1), TRANSFER).does(Deed::Push),
        // Without a transport the result stays in the local storage.
        Verb::new("commit", Positionals::From(1), Form::Transport, TRANSFER).does(Deed::Push),
        Verb::login("login", Positionals::LoginAnywhere),
    ],
    plugins: &[],
};

const fn verb(paths: &'static str, positionals: Positionals, flags: Flags) -> Verb {
    Verb::new(paths, positionals, Form::OptionalTransport, flags)
}

const TRANSFER: Flags = &[(
    "--add-compression --annotation --arch --artifact-config --artifact-config-type --artifact-layer-type \
     --artifact-subject --artifact-type --authfile --cert-dir --compression-format --compression-level --creds \
     --decryption-key --digestfile --encrypt-layer --encryption-key --features -f --format --iidfile --manifest -n \
     --name --os --os-feature --os-features --os-version --platform --policy --retry --retry-delay --sign-by \
     --sign-by-sigstore --sign-by-sigstore-private-key --sign-by-sq-fingerprint --sign-passphrase-file \
     --signature-policy --timestamp --unsetenv --variant",
    Meaning::Other,
)];

const RUN: Flags = &[(CONTAINER, Meaning::Other), ("-h --hostname --pull", Meaning::Other)];

/// `--pull` takes its value only with `=` here and in `build`.
const FROM: Flags = &[(CONTAINER, Meaning::Other)];

/// `podman run` and `create`; what `buildah from` has beside them is in the last line.
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

const BUILD: Flags = &[
    (
        "--add-host --annotation --arch --authfile --build-arg-file --cache-ttl --cap-add --cap-drop --cert-dir \
         --cgroup-parent --cgroupns --cpp-flag --cpu-period --cpu-quota -c --cpu-shares --cpuset-cpus --cpuset-mems \
         --creds --cw --decryption-key --device --dns --dns-option --dns-search --env --farm --format --group-add \
         --hooks-dir --ignorefile --iidfile --iidfile-raw --ipc --isolation --jobs --label --layer-label --logfile \
         --manifest -m --memory --memory-swap --metadata-file --mount --network -o --output --os --os-feature \
         --os-version --pid --platform --platforms --retry --retry-delay --runtime --runtime-flag --sbom \
         --sbom-image-output --sbom-image-purl-output --sbom-merge-strategy --sbom-output --sbom-purl-output \
         --sbom-scanner-command --secret --security-opt --shm-size --sign-by --source-date-epoch --source-policy-file \
         --ssh --timestamp --ulimit --unsetannotation --unsetenv --unsetlabel --userns --userns-gid-map \
         --userns-gid-map-group --userns-uid-map --userns-uid-map-user --uts --variant -v --volume",
        Meaning::Other,
    ),
    ("-f --file", Meaning::File),
    ("--build-arg", Meaning::Variable),
    ("--target", Meaning::Stage),
    ("--platform", Meaning::Platform),
    ("--os --arch", Meaning::PlatformPart),
    ("--build-arg-file", Meaning::EnvFile),
    ("-t --tag", Meaning::Tag),
    ("--from", Meaning::Base),
    ("--sbom-scanner-image", Meaning::Image),
    ("--cache-from", Meaning::Cache),
    ("--cache-to", Meaning::Destination),
    ("--build-context", Meaning::BuildContext),
];

const PLAY: Flags = &[(
    "--annotation --authfile --cert-dir --configmap --context-dir --creds --ip --log-driver --log-opt --mac-address \
     --network --publish --seccomp-profile-root --userns",
    Meaning::Other,
)];

const POD: Flags = &[
    (CONTAINER, Meaning::Other),
    ("--exit-policy -h --hostname --infra-command --infra-conmon-pidfile --infra-name -n --share", Meaning::Other),
    ("--infra-image", Meaning::Image),
];

const ADD: Flags =
    &[("--chmod --chown --contextdir --ignorefile --retry --retry-delay", Meaning::Other), ("--from", Meaning::Image)];
