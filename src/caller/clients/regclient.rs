//! The command-line tables of regclient's programs regctl, regsync and regbot. The programs regsync and regbot read the
//! images from files.
//!
//! Sources: regclient `cmd/regctl/`, `cmd/regsync/`, `cmd/regbot/`.

use super::grammar::Grammar;
use super::verb::{Positionals, Verb, verb};
use super::verb_effect::VerbEffect;
use super::verb_invocation::InputFiles;
use crate::caller::command_words::{FlagKind, FlagTable};

pub(super) const REGCTL: Grammar = Grammar {
    names: &["regctl"],
    globals: &[("-v --verbosity --logopt --host --user-agent", FlagKind::Other)],
    verbs: &[
        regctl("image copy|image cp|repo copy|repo cp", Positionals::All).does(VerbEffect::Copy),
        // The word after the images is a digest.
        regctl("blob copy|blob cp|layer copy|layer cp", Positionals::FirstTwo).does(VerbEffect::Copy),
        regctl(
            "image digest|image manifest|image inspect|image config|image ratelimit|image rate-limit|image check-base",
            Positionals::All,
        ),
        regctl("image delete|image del|image rm|image remove", Positionals::All).does(VerbEffect::Push),
        regctl("tag ls|tag list|manifest diff|manifest get|manifest pull", Positionals::All),
        regctl("manifest head|manifest digest|artifact list|artifact ls|artifact tree|ref", Positionals::All),
        regctl("tag delete|tag del|tag rm|tag remove", Positionals::All).does(VerbEffect::Push),
        regctl("manifest put|manifest push|manifest delete|manifest del|manifest rm|manifest remove", Positionals::All)
            .does(VerbEffect::Push),
        regctl("artifact put|artifact create|artifact push", Positionals::All).does(VerbEffect::Push),
        regctl("index create|index init|index new|index put", Positionals::All).does(VerbEffect::Push),
        regctl("index add|index append|index insert", Positionals::All).does(VerbEffect::Push),
        regctl("index delete|index del|index rm|index remove", Positionals::All).does(VerbEffect::Push),
        regctl("image export|image get-file|image cat|artifact get|artifact pull", Positionals::First),
        regctl("image import|image mod|image create|image init|image new", Positionals::First).does(VerbEffect::Push),
        regctl("blob get|blob pull|blob head|blob digest|blob get-file|blob cat", Positionals::First),
        regctl("layer get|layer pull|layer head|layer digest|layer get-file|layer cat", Positionals::First),
        regctl("blob diff-config|blob diff-layer|layer diff-config|layer diff-layer", Positionals::EveryOther),
        regctl("blob put|blob push|blob delete|blob del|blob rm", Positionals::First).does(VerbEffect::Push),
        regctl("layer put|layer push|layer delete|layer del|layer rm", Positionals::First).does(VerbEffect::Push),
        Verb::login("registry login", Positionals::Login),
    ],
    plugins: &[],
};

pub(super) const REGSYNC: Grammar = Grammar {
    names: &["regsync"],
    globals: SERVICE,
    verbs: &[
        verb("once|server", Positionals::None, &[]).on(InputFiles::RegSync).does(VerbEffect::Unknown),
        verb("check", Positionals::None, &[]).on(InputFiles::RegSync),
    ],
    plugins: &[],
};

pub(super) const REGBOT: Grammar = Grammar {
    names: &["regbot"],
    globals: SERVICE,
    verbs: &[verb("once|server", Positionals::None, &[]).on(InputFiles::RegBot).does(VerbEffect::Unknown)],
    plugins: &[],
};

const SERVICE: FlagTable = &[("-c --config", FlagKind::File), ("-v --verbosity --logopt", FlagKind::Other)];

const fn regctl(paths: &'static str, positionals: Positionals) -> Verb {
    verb(paths, positionals, REGCTL_FLAGS)
}

const REGCTL_FLAGS: FlagTable = &[
    (
        "--annotation --annotation-base --annotations --artifact-type --author --buildarg-rm --buildarg-rm-regex \
         --concurrent --config-cmd --config-entrypoint --config-file --config-mediatype --config-platform \
         --config-time --config-type --content-type -t --context --created --data-max --desc-annotation \
         --desc-platform --digest --digest-algo --env --exclude --expose-add --expose-rm -f --file --file-media-type \
         -m --file-tar-time --filter-annotation --filter-artifact-type --format --include --label --last --layer-add \
         --layer-compress --layer-rm-created-by --layer-rm-index --layer-strip-file --layer-time --limit --media-type \
         --name -o --output -p --platform --platforms --referrers-src --referrers-tgt --sort-annotation --time --user \
         --user-agent --volume-add --volume-rm --workdir",
        FlagKind::Other,
    ),
    ("--base --base-name --subject --external --ref --rebase-ref", FlagKind::Image),
    ("--create", FlagKind::Destination),
];
