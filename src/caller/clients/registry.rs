//! The tables of clients that need no daemon, such as crane, oras, helm, cosign, ko and devcontainer.
//!
//! Sources: go-containerregistry `cmd/crane/doc/`; oras `cmd/oras/`; helm `cmd/helm/`; cosign `doc/`; ko
//! `docs/reference/`; devcontainers/cli `src/spec-node/`.

use super::grammar::Grammar;
use super::verb::{Positionals, Verb, verb};
use super::verb_effect::VerbEffect;
use super::verb_invocation::InputFiles;
use crate::caller::command_words::{FlagKind, FlagTable};
use crate::caller::images::ImageSyntax;

pub(super) const CRANE: Grammar = Grammar {
    names: &["crane"],
    globals: &[("--platform", FlagKind::Other)],
    verbs: &[
        verb("copy|cp", Positionals::All, &[("--platform -j --jobs", FlagKind::Other)]).does(VerbEffect::Copy),
        verb("optimize", Positionals::All, CRANE_FLAGS).does(VerbEffect::Copy),
        verb("manifest|digest|ls", Positionals::All, CRANE_FLAGS),
        verb("auth token", Positionals::All, CRANE_FLAGS).does(VerbEffect::PushIf("--push")),
        verb("delete", Positionals::All, CRANE_FLAGS).does(VerbEffect::Push),
        verb("config|export|validate|blob", Positionals::First, CRANE_FLAGS),
        verb("tag|mutate|flatten|rebase|edit config|edit manifest|edit fs", Positionals::First, CRANE_FLAGS)
            .does(VerbEffect::Push),
        verb("push", Positionals::From(1), CRANE_FLAGS).does(VerbEffect::Push),
        verb("pull", Positionals::AllButLast, CRANE_FLAGS),
        verb("append", Positionals::None, CRANE_FLAGS), // pushes to `--new_tag`
        verb("index append", Positionals::First, CRANE_FLAGS), // pushes to `--tag`, and may pull a base index
        verb("index filter", Positionals::First, CRANE_FLAGS).does(VerbEffect::Push),
        verb("index list", Positionals::All, CRANE_FLAGS),
        Verb::login("auth login", Positionals::Login),
    ],
    plugins: &[],
};

/// gcrane, which is crane with Google's own logins.
pub(super) const GCRANE: Grammar = Grammar { names: &["gcrane"], ..CRANE };

pub(super) const ORAS: Grammar = Grammar {
    names: &["oras"],
    globals: &[],
    verbs: &[
        oras("push|attach|tag", Positionals::First).does(VerbEffect::Push),
        oras("cp|copy", Positionals::All).local_if("--from-oci-layout", "--to-oci-layout").does(VerbEffect::Copy),
        oras("restore", Positionals::All).dry_if("--dry-run").does(VerbEffect::Push),
        oras("pull|discover|resolve|digest|backup", Positionals::All),
        oras("repo tags|repo show-tags|repository tags|repository show-tags", Positionals::All),
        Verb::new(
            "repo ls|repo list|repository ls|repository list",
            Positionals::All,
            ImageSyntax::Namespace,
            ORAS_FLAGS,
        ),
        oras("manifest fetch|manifest get|manifest show|manifest fetch-config|manifest get-config", Positionals::First),
        oras("blob fetch|blob get", Positionals::First),
        oras("manifest push|manifest delete|manifest remove|manifest rm", Positionals::First).does(VerbEffect::Push),
        oras("blob push|blob delete|blob remove|blob rm", Positionals::First).does(VerbEffect::Push),
        oras("manifest index create|manifest index pack|manifest index update", Positionals::First)
            .does(VerbEffect::Push),
        Verb::login("login", Positionals::Login),
    ],
    plugins: &[],
};

pub(super) const HELM: Grammar = Grammar {
    names: &["helm"],
    globals: &[(
        "--burst-limit --color --colour --content-cache --kube-apiserver --kube-as-group --kube-as-user --kube-ca-file \
         --kube-context --kube-tls-server-name --kube-token --kubeconfig -n --namespace --qps --registry-config \
         --repository-cache --repository-config",
        FlagKind::Other,
    )],
    verbs: &[
        Verb::new(
            "pull|fetch|show all|show chart|show values|show readme|show crds|inspect",
            Positionals::All,
            ImageSyntax::Oci,
            HELM_FLAGS,
        ),
        // A local chart needs a registry only with `--dependency-update`.
        Verb::new("install|template", Positionals::All, ImageSyntax::Oci, HELM_FLAGS).on(InputFiles::Chart),
        Verb::new("upgrade", Positionals::All, ImageSyntax::Oci, UPGRADE_FLAGS).on(InputFiles::Chart),
        // Helm appends the chart's name to the address.
        Verb::new("push", Positionals::From(1), ImageSyntax::Namespace, HELM_FLAGS).does(VerbEffect::Push),
        Verb::new(
            "dependency update|dependency build|dep up|dep update|dep build",
            Positionals::None,
            ImageSyntax::Oci,
            HELM_FLAGS,
        )
        .on(InputFiles::Chart),
        Verb::new("package", Positionals::None, ImageSyntax::Oci, HELM_FLAGS).on(InputFiles::Chart),
        Verb::login("registry login", Positionals::Login),
    ],
    plugins: &[],
};

pub(super) const COSIGN: Grammar = Grammar {
    names: &["cosign"],
    globals: &[("--azure-container-registry-config --output-file -t --timeout", FlagKind::Other)],
    verbs: &[
        beside("verify|verify-attestation").local_if("--local-image", "--local-image"),
        beside("triangulate|tree|save|generate"),
        beside("download signature|download sbom|download attestation"),
        verb("copy", Positionals::All, COSIGN_FLAGS).does(VerbEffect::Copy),
        // Cosign pushes a signature to the repository of its image.
        beside("sign").dry_if("--upload=false").does(VerbEffect::Push),
        beside("attest").dry_if("--no-upload").does(VerbEffect::Push),
        beside("clean").does(VerbEffect::Push),
        beside("attach signature|attach sbom|attach attestation").does(VerbEffect::Push),
        verb("load", Positionals::All, COSIGN_FLAGS).does(VerbEffect::Push),
        verb("bundle create-from-container", Positionals::All, COSIGN_FLAGS).does(VerbEffect::Push),
        verb("upload blob|upload wasm", Positionals::All, UPLOAD_FLAGS).does(VerbEffect::Push),
        verb("manifest verify", Positionals::None, COSIGN_FLAGS).on(InputFiles::Manifests),
        verb("dockerfile verify", Positionals::None, COSIGN_FLAGS).on(InputFiles::Dockerfile),
        Verb::login("login", Positionals::Login),
    ],
    plugins: &[],
};

/// devcontainer, which runs development containers, and publishes their features and templates.
pub(super) const DEVCONTAINER: Grammar = Grammar {
    names: &["devcontainer", "devcontainer.js"],
    globals: &[("--allow-cross-origin-auth-host", FlagKind::Other)],
    verbs: &[
        verb("up|build", Positionals::None, DEVCONTAINER_RUN).on(InputFiles::DevContainer),
        verb("read-configuration|outdated|upgrade|features resolve-dependencies", Positionals::None, DEVCONTAINER_RUN)
            .on(InputFiles::DevContainerFeatures),
        verb("features info", Positionals::From(1), DEVCONTAINER_FLAGS),
        verb("templates apply", Positionals::None, DEVCONTAINER_FLAGS),
        verb("templates metadata", Positionals::All, DEVCONTAINER_FLAGS),
        verb("features publish|templates publish", Positionals::None, PUBLISH).does(VerbEffect::Push),
    ],
    plugins: &[],
};

const DEVCONTAINER_FLAGS: FlagTable = &[
    (
        "--allow-cross-origin-auth-host -a --template-args -f --features --log-level --omit-paths --output-format \
         --tmp-dir -w --workspace-folder",
        FlagKind::Other,
    ),
    ("-t --template-id", FlagKind::Image),
];

/// The flags of verbs that work on devcontainer.json (devcontainers/cli `src/spec-node/devContainersSpecCLI.ts`).
const DEVCONTAINER_RUN: FlagTable = &[
    (
        "--additional-features --buildkit --container-data-folder --container-id --container-session-data-folder \
         --container-system-data-folder --default-user-env-probe --docker-compose-path --docker-path \
         --dotfiles-install-command --dotfiles-repository --dotfiles-target-path --gpu-availability --id-label \
         --image-name --label --log-format --log-level --mount --output-format --override-config --platform --remote-env \
         --secrets-file --terminal-columns --terminal-rows --update-remote-user-uid-default --user-data-folder \
         --workspace-mount-consistency -f --feature -v --target-version",
        FlagKind::Other,
    ),
    ("--cache-from", FlagKind::Cache),
    ("--cache-to", FlagKind::CacheTo),
    ("--workspace-folder", FlagKind::Folder),
    ("--config", FlagKind::File),
];

const PUBLISH: FlagTable = &[
    ("--allow-cross-origin-auth-host --log-level", FlagKind::Other),
    ("-r --registry", FlagKind::Registry),
    ("-n --namespace", FlagKind::Namespace),
];

/// ko, which pushes to the repository in the variable `KO_DOCKER_REPO`.
pub(super) const KO: Grammar = Grammar {
    names: &["ko"],
    globals: &[],
    verbs: &[
        verb("deps", Positionals::All, &[("--sbom", FlagKind::Other)]),
        verb("build|publish|resolve|apply|create|run", Positionals::None, &[])
            .dry_if("--push=false --local")
            .does(VerbEffect::PushTo("KO_DOCKER_REPO")),
        Verb::login("login", Positionals::Login),
    ],
    plugins: &[],
};

/// kubectl needs no account, but may start a program that needs an account.
pub(super) const KUBECTL: Grammar = Grammar {
    names: &["kubectl"],
    globals: &[(
        "--as --as-group --as-uid --cache-dir --certificate-authority --client-certificate --client-key --cluster \
         --context --kubeconfig -n --namespace --request-timeout -s --server --tls-server-name --token --user -v",
        FlagKind::Other,
    )],
    verbs: &[
        verb("apply|create|replace", Positionals::None, &[("-f --filename", FlagKind::File)]).on(InputFiles::Manifests)
    ],
    plugins: &[],
};

/// Returns a verb of cosign. Cosign stores signatures in the image's repository, unless a variable sets another
/// repository (sigstore/cosign `pkg/cosign/env`).
const fn beside(paths: &'static str) -> Verb {
    verb(paths, Positionals::All, COSIGN_FLAGS).repository_in("COSIGN_REPOSITORY")
}

/// Returns a verb of oras. The program oras accepts no short names.
const fn oras(paths: &'static str, positionals: Positionals) -> Verb {
    Verb::new(paths, positionals, ImageSyntax::WithHost, ORAS_FLAGS).local_if("--oci-layout", "--oci-layout")
}

const CRANE_FLAGS: FlagTable = &[
    (
        "--platform -f --new_layer --format -a --annotation -l --label -e --env --entrypoint --cmd -u --user -w \
         --workdir --exposed-ports --set-platform --image-refs --tarball --append --filename --cache_path -c \
         --media-type",
        FlagKind::Other,
    ),
    ("-b --base --base_image -m --manifest --mount --old_base --new_base --remote --original", FlagKind::Image),
    ("-o --output", FlagKind::ResultFile),
    ("-t --tag --new_tag --rebased --repo", FlagKind::Destination),
];

const ORAS_FLAGS: FlagTable = &[
    ("--from-oci-layout-path --oci-layout-path", FlagKind::SourcePlace),
    ("--to-oci-layout-path", FlagKind::DestinationPlace),
    ("-o --output", FlagKind::ResultFile),
    (
        "--add -a --annotation --annotation-file --artifact-platform --artifact-type --ca-file --cert-file \
         --concurrency --config --depth --distribution-spec --export-manifest --format --from-ca-file \
         --from-cert-file --from-distribution-spec --from-header --from-identity-token --from-key-file \
         --from-password --from-registry-config --from-resolve --from-username -H --header --identity-token \
         --image-spec --input --key-file --last --media-type --merge -p --password --platform --registry-config \
         --remove --resolve --size --subject --tag --template --to-ca-file --to-cert-file --to-distribution-spec \
         --to-header --to-identity-token --to-key-file --to-password --to-registry-config --to-resolve --to-username \
         -u --username",
        FlagKind::Other,
    ),
];

const HELM_FLAGS: FlagTable = &[(HELM_VALUES, FlagKind::Other)];

/// The flags of `helm upgrade`. For `helm install`, the flag `--server-side` has no value.
const UPGRADE_FLAGS: FlagTable = &[(HELM_VALUES, FlagKind::Other), ("--server-side", FlagKind::Other)];

const HELM_VALUES: &str = "--app-version --ca-file --cert-file --key --key-file --keyring --passphrase-file --password \
     --repo --username --version -d --destination --untardir --description --name-template -o --output --output-dir \
     --post-renderer --post-renderer-args --set --set-file --set-json --set-literal --set-string --timeout -f --values \
     -a --api-versions --kube-version -s --show-only --history-max -l --labels --jsonpath";

const COSIGN_FLAGS: FlagTable = &[(COSIGN_VALUES, FlagKind::Other)];

const UPLOAD_FLAGS: FlagTable = &[(COSIGN_VALUES, FlagKind::Other), ("-f", FlagKind::Other)];

const COSIGN_VALUES: &str = "-a --annotation --annotations --attachment --attachment-tag-prefix --bundle \
     --ca-intermediates --ca-roots --certificate --certificate-chain --certificate-identity \
     --certificate-identity-regexp --certificate-oidc-issuer --certificate-oidc-issuer-regexp \
     --certificate-github-workflow-name --certificate-github-workflow-ref --certificate-github-workflow-repository \
     --certificate-github-workflow-sha --certificate-github-workflow-trigger --ct --files --fulcio-auth-flow \
     --fulcio-url --identity-token --input-format --key --max-workers --only --oidc-client-id \
     --oidc-client-secret-file --oidc-issuer --oidc-provider --oidc-redirect-url -o --output --output-certificate \
     --output-signature --payload --platform --policy --predicate --predicate-type --rekor-entry-type --rekor-url \
     --rfc3161-timestamp --sbom --sct --signature --signature-digest-algorithm --signing-config --sk-slot --slot \
     --timeStampedSignatureResponse --timestamp-certificate-chain --timestamp-client-cacert --timestamp-client-cert \
     --timestamp-client-key --timestamp-server-name --timestamp-server-url --trusted-root --type --attestation --dir \
     --registry-cacert --registry-client-cert --registry-client-key --registry-password --registry-referrers-mode \
     --registry-server-name --registry-token --registry-username";
