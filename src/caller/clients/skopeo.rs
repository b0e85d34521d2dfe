//! The table of skopeo. In every command but `sync`, images begin with a transport such as `docker://`.
//!
//! Source: skopeo `cmd/skopeo/`.

use super::grammar::Grammar;
use super::verb::{Positionals, Verb};
use super::verb_effect::VerbEffect;
use super::verb_invocation::InputFiles;
use crate::caller::command_words::{FlagKind, FlagTable};
use crate::caller::images::ImageSyntax;

pub(super) const SKOPEO: Grammar = Grammar {
    names: &["skopeo"],
    globals: &[(
        "--command-timeout --override-arch --override-os --override-variant --policy --registries-conf --registries.d \
         --tls-details --tmpdir --user-agent-prefix",
        FlagKind::Other,
    )],
    verbs: &[
        Verb::new("inspect|list-tags", Positionals::All, ImageSyntax::Transport, FLAGS),
        Verb::new("copy", Positionals::All, ImageSyntax::Transport, FLAGS).does(VerbEffect::Copy),
        Verb::new("delete", Positionals::All, ImageSyntax::Transport, FLAGS).does(VerbEffect::Push),
        Verb::new("sync", Positionals::Sync, ImageSyntax::Short, SYNC)
            .on(InputFiles::SyncList)
            .dry_if("--dry-run")
            .does(VerbEffect::Copy),
        Verb::login("login", Positionals::LoginAnywhere),
    ],
    plugins: &[],
};

const COMMON: &str = "--authfile --cert-dir --creds --daemon-host --decryption-key --dest-authfile --dest-cert-dir \
     --dest-compress-format --dest-compress-level --dest-creds --dest-daemon-host --dest-password \
     --dest-registry-token --dest-shared-blob-dir --dest-username --digestfile --encrypt-layer --encryption-key -f \
     --format --image-parallel-copies --manifest-digest --multi-arch --password --registry-token --retry-delay \
     --retry-times --shared-blob-dir --sign-by --sign-by-sigstore --sign-by-sigstore-private-key \
     --sign-by-sq-fingerprint --sign-identity --sign-passphrase-file --src-authfile --src-cert-dir --src-creds \
     --src-daemon-host --src-password --src-registry-token --src-shared-blob-dir --src-username --username \
     --append-suffix";

/// `--additional-tag` sets a tag within an archive.
const FLAGS: FlagTable = &[(COMMON, FlagKind::Other), ("--additional-tag", FlagKind::Other)];

const SYNC: FlagTable =
    &[(COMMON, FlagKind::Other), ("-s --src", FlagKind::SourcePlace), ("-d --dest", FlagKind::DestinationPlace)];
