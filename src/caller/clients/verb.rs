//! `Verb`: a command of a client, with the positions of the images on its command line.

use super::verb_effect::VerbEffect;
use super::verb_invocation::InputFiles;
use crate::caller::Program;
use crate::caller::command_flags::CommandFlags;
use crate::caller::command_words::{FlagKind, FlagTable};
use crate::caller::images::ImageSyntax;

/// A verb that logs in, or that works on a registry's images. Verbs that need no registry are not listed.
pub(super) struct Verb {
    /// The verb's words in all their spellings, as in `push|image push`.
    pub(super) paths: &'static str,
    pub(super) positionals: Positionals,
    /// The form in which the verb's images are written.
    pub(super) syntax: ImageSyntax,
    pub(super) flags: FlagTable,
    /// The files that the verb works on.
    pub(super) files: InputFiles,
    pub(super) effect: VerbEffect,
    /// The variable with the repository to which signatures are pushed.
    pub(super) repository_in: Option<&'static str>,
    /// The switch that makes the first image local, and the switch that makes the other images local.
    pub(super) local_if: [&'static str; 2],
    /// The switches that prevent a push, such as `--dry-run` or `--upload=false`.
    pub(super) dry_if: &'static str,
}

/// The positional words that are images.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Positionals {
    None,
    /// The first word, before tags or files.
    First,
    /// The first word, before another program's command line, as in `docker run IMAGE COMMAND`.
    BeforeCommand,
    All,
    /// The second word, before arguments, as in `podman container runlabel LABEL IMAGE ARGUMENT`.
    Second,
    /// All words from this index on, counted from 0.
    From(usize),
    FirstTwo,
    /// Every second word, beginning with the first, as in `IMAGE DIGEST IMAGE DIGEST`.
    EveryOther,
    /// The last word of `SOURCE [DESTINATION]`. If there is a destination, the source is local.
    Last,
    /// All words but the last, as in `IMAGE… PATH`.
    AllButLast,
    /// The words of `skopeo sync --src KIND --dest KIND SOURCE NAMESPACE`, without transports.
    Sync,
    /// The registry of `login [REGISTRY]`. The default is Docker Hub.
    Login,
    /// The registry of `login [REGISTRY]`. The default is in the client's own files.
    LoginAnywhere,
}

/// Returns a verb whose images may have short names.
pub(super) const fn verb(paths: &'static str, positionals: Positionals, flags: FlagTable) -> Verb {
    Verb::new(paths, positionals, ImageSyntax::Short, flags)
}

impl Verb {
    pub(super) const fn new(
        paths: &'static str,
        positionals: Positionals,
        syntax: ImageSyntax,
        flags: FlagTable,
    ) -> Self {
        Self {
            paths,
            positionals,
            syntax,
            flags,
            files: InputFiles::None,
            effect: VerbEffect::Pull,
            repository_in: None,
            local_if: ["", ""],
            dry_if: "",
        }
    }

    pub(super) const fn on(self, files: InputFiles) -> Self {
        Self { files, ..self }
    }

    pub(super) const fn does(self, effect: VerbEffect) -> Self {
        Self { effect, ..self }
    }

    pub(super) const fn repository_in(self, variable: &'static str) -> Self {
        Self { repository_in: Some(variable), ..self }
    }

    pub(super) const fn local_if(self, source: &'static str, destination: &'static str) -> Self {
        Self { local_if: [source, destination], ..self }
    }

    pub(super) const fn dry_if(self, switches: &'static str) -> Self {
        Self { dry_if: switches, ..self }
    }

    pub(super) const fn login(paths: &'static str, positionals: Positionals) -> Self {
        const FLAGS: FlagTable = &[
            (
                "-p --pass --password --authfile --compat-auth-file --cert-dir --registry-config --ca-file --cert-file \
                 --key-file -H --header --identity-token --resolve --secret",
                FlagKind::Other,
            ),
            ("-u --username --user", FlagKind::Username),
        ];
        Self::new(paths, positionals, ImageSyntax::WithHost, FLAGS).does(VerbEffect::Unknown)
    }

    /// Returns the verb's effect with these flags. If the flags prevent a push, the verb only reads.
    pub(super) fn effect(&self, flags: &CommandFlags<'_>) -> VerbEffect {
        let is_typed = |switch: &str| match switch.strip_suffix("=false") {
            Some(switch) => flags.is_off(switch),
            None => flags.is_on(switch),
        };
        let is_dry = flags.has(FlagKind::ResultFile) || self.dry_if.split_ascii_whitespace().any(is_typed);
        if is_dry { VerbEffect::Read } else { self.effect }
    }

    /// Tells whether the first image is in a registry, and whether the other images are in a registry.
    pub(super) fn are_remote(&self, flags: &CommandFlags<'_>) -> [bool; 2] {
        let is_remote = |kind, switch| flags.value(kind).is_none_or(|place| place == "docker") && !flags.is_on(switch);
        let copies_nothing = self.effect == VerbEffect::Copy && self.effect(flags) == VerbEffect::Read;
        [
            is_remote(FlagKind::SourcePlace, self.local_if[0]),
            is_remote(FlagKind::DestinationPlace, self.local_if[1]) && !copies_nothing,
        ]
    }

    pub(super) fn repository_beside(&self, program: &Program) -> Option<String> {
        program.variable(self.repository_in?).filter(|text| !text.is_empty())
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.paths.split('|')
    }
}

impl Positionals {
    /// Returns each image with its syntax. `are_remote` is the result of [`Verb::are_remote`].
    pub(super) fn images<'a>(
        self,
        words: &[&'a str],
        are_remote: [bool; 2],
        syntax: ImageSyntax,
    ) -> Vec<(&'a str, ImageSyntax)> {
        let images = match self {
            Self::None | Self::Login | Self::LoginAnywhere => Vec::new(),
            Self::First | Self::BeforeCommand => words.iter().take(1).copied().collect(),
            Self::All => words.to_vec(),
            Self::FirstTwo => words.iter().take(2).copied().collect(),
            Self::EveryOther => words.iter().step_by(2).copied().collect(),
            Self::Second => words.iter().skip(1).take(1).copied().collect(),
            Self::From(first) => words.iter().skip(first).copied().collect(),
            Self::Last => words.last().copied().into_iter().collect(),
            Self::AllButLast => words[..words.len().saturating_sub(1)].to_vec(),
            Self::Sync => {
                let of_kinds = words.iter().copied().zip([syntax, ImageSyntax::Namespace]).zip(are_remote);
                return of_kinds.filter(|(_, is_registry)| *is_registry).map(|(word, _)| word).collect();
            }
        };
        let is_remote = |at: usize| are_remote[at.min(1)];
        let images = images.into_iter().enumerate().filter(|(at, _)| is_remote(*at));
        images.map(|(_, image)| (image, syntax)).collect()
    }
}
