//! The command-line tables of docker and nerdctl. The program nerdctl has the same commands as docker.
//!
//! Sources: docker/cli `cli/command/container/opts.go`, `cli/command/service/opts.go`; nerdctl
//! `docs/command-reference.md`.

use super::build::{BAKE, BUILD, BUILDX};
use super::compose::COMPOSE;
use super::grammar::Grammar;
use super::verb::{Positionals, Verb, verb};
use super::verb_effect::VerbEffect;
use super::verb_invocation::InputFiles;
use crate::caller::command_words::{FlagKind, FlagTable};
use crate::caller::images::ImageSyntax;
use crate::caller::program::is_one_of;

pub(super) const DOCKER: Grammar = Grammar {
    names: &["docker", "com.docker.cli"],
    globals: &[(
        "-c --context --config -H --host -l --log-level --tlscacert --tlscert --tlskey --builder",
        FlagKind::Other,
    )],
    verbs: VERBS,
    plugins: &[("buildx", &BUILDX), ("builder", &BUILDX), ("compose", &COMPOSE)],
};

pub(super) const NERDCTL: Grammar = Grammar {
    names: &["nerdctl"],
    globals: &[(
        "-a --address -H --host -n --namespace --snapshotter --storage-driver --cgroup-manager --cni-path \
         --cni-netconfpath --data-root --hosts-dir --host-gateway-ip --bridge-ip --userns-remap --cdi-spec-dirs \
         --global-dns --global-dns-opts --global-dns-search",
        FlagKind::Other,
    )],
    verbs: VERBS,
    plugins: &[("compose", &COMPOSE)],
};

/// finch, which runs nerdctl in a virtual machine.
pub(super) const FINCH: Grammar = Grammar { names: &["finch"], ..NERDCTL };

const VERBS: &[Verb] = &[
    verb("push|image push", Positionals::All, PULL).does(VerbEffect::Push),
    verb("pull|image pull", Positionals::All, PULL),
    verb("run|create|container run|container create", Positionals::BeforeCommand, RUN),
    verb("build|image build|builder build", Positionals::None, BUILD)
        .on(InputFiles::Build)
        .does(VerbEffect::BuildIf("--push")),
    verb("bake", Positionals::None, BAKE).on(InputFiles::Bake).does(VerbEffect::Unknown),
    // A manifest list stays local until it is pushed. `manifest create` requests only the source images
    // (cli/command/manifest/create_list.go).
    verb("manifest create|manifest annotate", Positionals::From(1), MANIFEST),
    verb("manifest inspect", Positionals::Last, MANIFEST),
    verb("manifest push", Positionals::All, MANIFEST).does(VerbEffect::Push),
    verb("service create", Positionals::BeforeCommand, SERVICE),
    verb("service update", Positionals::None, SERVICE),
    verb("stack deploy|stack up", Positionals::None, STACK).on(InputFiles::Stack),
    verb("plugin install", Positionals::First, PLUGIN),
    verb("plugin upgrade", Positionals::Last, PLUGIN),
    verb("plugin push", Positionals::All, PLUGIN).does(VerbEffect::Push),
    verb("trust inspect", Positionals::All, TRUST),
    verb("trust sign|trust revoke", Positionals::All, TRUST).does(VerbEffect::Push),
    verb("trust signer add|trust signer remove", Positionals::From(1), TRUST).does(VerbEffect::Push),
    // A search term may begin with a registry, but a term without a registry is not an image.
    Verb::new(
        "search|image search",
        Positionals::All,
        ImageSyntax::WithHost,
        &[("-f --filter --format --limit", FlagKind::Other)],
    ),
    Verb::login("login", Positionals::Login),
];

/// Tells whether `word` is the first word of a docker command that needs no registry. Every other first word starts a
/// listed verb or is the name of a plugin.
pub(super) fn is_local(word: &str) -> bool {
    const WORDS: &str = "attach builder checkpoint commit config container context cp diff events exec export help \
        history images import info inspect kill load logout logs network node pause port ps rename restart rm rmi save \
        secret start stats stop swarm system tag top unpause update version volume wait";
    is_one_of(WORDS, word)
}

/// The flags from `--unpack` to the end are flags of nerdctl.
const PULL: FlagTable = &[(
    "--platform --unpack --verify --cosign-key --cosign-certificate-identity --cosign-certificate-oidc-issuer \
     --cosign-certificate-identity-regexp --cosign-certificate-oidc-issuer-regexp --sign --notation-key-name \
     --soci-index-digest --soci-span-size --soci-min-layer-size --ipfs-address --estargz-compression-level",
    FlagKind::Other,
)];

/// The flags from `--pidfile` to the end are flags of nerdctl.
const RUN: FlagTable = &[(
    "--add-host --annotation -a --attach --blkio-weight --blkio-weight-device --cap-add --cap-drop --cgroup-parent \
     --cgroupns --cidfile --cpu-count --cpu-percent --cpu-period --cpu-quota --cpu-rt-period --cpu-rt-runtime -c \
     --cpu-shares --cpus --cpuset-cpus --cpuset-mems --detach-keys --device --device-cgroup-rule --device-read-bps \
     --device-read-iops --device-write-bps --device-write-iops --dns --dns-opt --dns-option --dns-search --domainname \
     --entrypoint -e --env --env-file --expose --gpus --group-add --health-cmd --health-interval --health-retries \
     --health-start-interval --health-start-period --health-timeout -h --hostname --io-maxbandwidth --io-maxiops --ip \
     --ip6 --ipc --isolation --kernel-memory -l --label --label-file --link --link-local-ip --log-driver --log-opt \
     --mac-address -m --memory --memory-reservation --memory-swap --memory-swappiness --mount --name --net --net-alias \
     --network --network-alias --oom-score-adj --pid --pids-limit --platform -p --publish --pull --restart --runtime \
     --security-opt --shm-size --stop-signal --stop-timeout --storage-opt --sysctl --tmpfs --ulimit -u --user --userns \
     --uts -v --volume --volume-driver --volumes-from -w --workdir --pidfile --snapshotter --umask --verify \
     --cosign-key --cosign-certificate-identity --cosign-certificate-identity-regexp --cosign-certificate-oidc-issuer \
     --cosign-certificate-oidc-issuer-regexp --init-binary --systemd --ipfs-address --rdt-class --cgroup-conf \
     --bypass4netns-ignore-subnets",
    FlagKind::Other,
)];

const SERVICE: FlagTable = &[
    (
        "--args --cap-add --cap-drop --config --config-add --config-rm --constraint --constraint-add --constraint-rm \
         --container-label --container-label-add --container-label-rm --credential-spec --dns --dns-add --dns-rm \
         --dns-option --dns-option-add --dns-option-rm --dns-search --dns-search-add --dns-search-rm --endpoint-mode \
         --entrypoint -e --env --env-add --env-rm --env-file --generic-resource --generic-resource-add \
         --generic-resource-rm --group --group-add --group-rm --health-cmd --health-interval --health-retries \
         --health-start-interval --health-start-period --health-timeout --host --host-add --host-rm --hostname \
         --isolation -l --label --label-add --label-rm --limit-cpu --limit-memory --limit-pids --log-driver --log-opt \
         --max-concurrent --memory-swap --memory-swappiness --mode --mount --mount-add --mount-rm --name --network \
         --network-add --network-rm --oom-score-adj --placement-pref --placement-pref-add --placement-pref-rm -p \
         --publish --publish-add --publish-rm --replicas --replicas-max-per-node --reserve-cpu --reserve-memory \
         --restart-condition --restart-delay --restart-max-attempts --restart-window --rollback-delay \
         --rollback-failure-action --rollback-max-failure-ratio --rollback-monitor --rollback-order \
         --rollback-parallelism --secret --secret-add --secret-rm --stop-grace-period --stop-signal --sysctl \
         --sysctl-add --sysctl-rm --ulimit --ulimit-add --ulimit-rm --update-delay --update-failure-action \
         --update-max-failure-ratio --update-monitor --update-order --update-parallelism -u --user -w --workdir",
        FlagKind::Other,
    ),
    ("--image", FlagKind::Image),
];

const STACK: FlagTable = &[
    ("--resolve-image --orchestrator --namespace --kubeconfig --bundle-file", FlagKind::Other),
    ("-c --compose-file", FlagKind::File),
];

const MANIFEST: FlagTable = &[("--arch --os --os-features --os-version --variant", FlagKind::Other)];
const PLUGIN: FlagTable = &[("--alias", FlagKind::Other)];
const TRUST: FlagTable = &[("--key", FlagKind::Other)];
