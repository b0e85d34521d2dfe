//! Image scanners: syft and grype. The text before a colon is the place of the image. `registry:` means the registry,
//! which is also used without a scheme if no daemon has the image.
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
