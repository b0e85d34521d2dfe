//! skopeo: every image has a transport in front, but for `sync`.
//!
//! skopeo `cmd/skopeo/`.

use super::{Deed, Grammar, Positionals, Verb, Work};
use crate::caller::images::Form;
use crate::caller::words::{Flags, Meaning};

pub(super) const SKOPEO: Grammar = Grammar {
    names: &["skopeo"],
    globals: &[(
        "--command-timeout --override-arch --override-os --override-variant --policy --registries-conf --registries.d \
         --tls-details --tmpdir --user-agent-prefix",
        Meaning::Other,
    )],
    verbs: &[
        Verb::new("inspect|list-tags", Positionals::All, Form::Transport, FLAGS),
        Verb::new("copy", Positionals::All, Form::Transport, FLAGS).does(Deed::Copy),
        Verb::new("delete", Positionals::All, Form::Transport, FLAGS).does(Deed::Push),
        Verb::new("sync", Positionals::Sync, Form::Short, SYNC).on(Work::SyncList).does(Deed::Copy),
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

/// `--additional-tag` names a tag within an archive.
const FLAGS: Flags = &[(COMMON, Meaning::Other), ("--additional-tag", Meaning::Other)];

const SYNC: Flags =
    &[(COMMON, Meaning::Other), ("-s --src", Meaning::SyncSource), ("-d --dest", Meaning::SyncDestination)];
