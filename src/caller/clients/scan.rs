//! The tables of the image scanners syft and grype. An argument may begin with a scheme, such as `docker:`, that tells
//! where the image is. Without a scheme, or with `registry:`, the image may be in the registry. With `docker:` or
//! `podman:`, the scanner asks Docker or Podman for the image. If the image must be pulled first, the scanner reads the
//! credentials and sends them with the request.
//!
//! Sources: anchore/stereoscope `tagged_provider.go`, syft `cmd/syft/cli/commands/`, grype
//! `cmd/grype/cli/commands/root.go`.

use super::grammar::Grammar;
use super::verb::{Positionals, Verb};
use crate::caller::command_words::{FlagKind, FlagTable};
use crate::caller::images::ImageSyntax;

pub(super) const SYFT: Grammar = Grammar {
    names: &["syft"],
    globals: &[],
    verbs: &[Verb::new("", Positionals::All, ImageSyntax::Scanned, FLAGS)],
    plugins: &[],
};

pub(super) const GRYPE: Grammar = Grammar {
    names: &["grype"],
    globals: &[],
    verbs: &[Verb::new("", Positionals::All, ImageSyntax::Scanned, FLAGS)],
    plugins: &[],
};

const FLAGS: FlagTable = &[(
    "--base-path -c --config --cpe --cache-dir --distro --enrich --exclude -f --fail-on --file --from --ignore-states -k \
     --key -n --name -o --output --override-default-catalogers --parallelism --platform --profile -s --scope \
     --select-catalogers --sort-by --source-name --source-supplier --source-version -t --template --version --vex \
     --predicate-type --type",
    FlagKind::Other,
)];
