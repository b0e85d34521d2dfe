//! `VerbEffect`: what a verb does with its images, pull them or push them, as far as a command line says.

use super::verb_invocation::has;
use crate::caller::Program;
use crate::caller::command_words::FlagKind;
use crate::caller::images::{ImageCollector, ImageSyntax, is_pushing};
use crate::model::{Operation, Registry, ServerUrl, Target};

/// What a verb does. What a flag names as a destination is pushed whatever the verb.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum VerbEffect {
    /// Neither: a login.
    Unknown,
    Pull,
    /// Pushes, signs or deletes: what flags name as destination, else what words name, else all.
    Push,
    /// From the first word to the second.
    Copy,
    /// Pushes what it builds with this flag, or if an output says so.
    BuildIf(&'static str),
    /// Pushes what it builds but for this flag.
    BuildUnless(&'static str),
    /// As `BuildIf("--push")`, and the files it works on say the rest.
    Project,
    /// Pushes with this flag.
    PushIf(&'static str),
    /// ko: pushes into the namespace that this variable says, or with `--bare` to the repository.
    PushTo(&'static str),
}

/// A command line without its verb.
pub(super) struct ParsedCommand<'a> {
    pub(super) program: &'a Program,
    pub(super) form: ImageSyntax,
    pub(super) values: &'a [(FlagKind, &'a str)],
    /// The words that are images.
    pub(super) named: &'a [(&'a str, ImageSyntax)],
    /// The second word.
    pub(super) destination: Option<(&'a str, ImageSyntax)>,
}

impl VerbEffect {
    /// Where it pushes to, if the words that are images do not say that.
    pub(super) fn destination(self, program: &Program, values: &[(FlagKind, &str)]) -> Option<(String, ImageSyntax)> {
        let value = |wanted| values.iter().rev().find(|(meaning, _)| *meaning == wanted).map(|(_, value)| *value);
        match self {
            Self::PushTo(variable) => {
                let form = if has(&program.args, "--bare") { ImageSyntax::Short } else { ImageSyntax::Namespace };
                Some((program.variable(variable)?, form))
            }
            // devcontainer: two flags, of which one has a default.
            Self::Push => {
                let host = value(FlagKind::Registry).unwrap_or("ghcr.io");
                Some((format!("{host}/{}", value(FlagKind::Namespace)?), ImageSyntax::Namespace))
            }
            _ => None,
        }
    }

    /// What is done at `registry`: a push if anything is pushed there, which may need more than it.
    pub(super) fn operation(self, line: &ParsedCommand<'_>, registry: &Registry) -> Option<Operation> {
        let mut pushed = ImageCollector::new(registry);
        let is_built_to_push = self.builds_to_push(line);
        for (meaning, value) in line.values {
            pushed.add_pushed(*meaning, value, line.form, is_built_to_push);
        }
        let has_destination = line.values.iter().any(|(meaning, _)| *meaning == FlagKind::Destination);
        match self {
            Self::Unknown => return None,
            Self::Push | Self::PushTo(_) if line.named.is_empty() && !has_destination => return Some(Operation::Push),
            Self::Push | Self::PushTo(_) if !has_destination => line.add_named(&mut pushed),
            Self::PushIf(flag) if has(&line.program.args, flag) => line.add_named(&mut pushed),
            Self::Copy => line.destination.iter().for_each(|(image, form)| pushed.add(image, *form)),
            _ => {}
        }
        let is_host =
            |(text, form): &(&str, ImageSyntax)| *form == ImageSyntax::Namespace && is_of_registry(text, registry);
        if matches!(self, Self::Push | Self::PushTo(_) | Self::Copy) && line.named.iter().any(is_host) {
            return Some(Operation::Push);
        }
        match (self, pushed.found().is_empty()) {
            (_, false) => Some(Operation::Push),
            (Self::Project, true) => None,
            (_, true) => Some(Operation::Pull),
        }
    }

    /// Tells whether what is built stays here, as far as the command line says. Files that say more are asked first.
    pub(super) fn keeps_result(self, line: &ParsedCommand<'_>) -> bool {
        !self.builds_to_push(line)
    }

    fn builds_to_push(self, line: &ParsedCommand<'_>) -> bool {
        match self {
            Self::BuildIf(flag) => has(&line.program.args, flag) || line.has_pushing_output(),
            Self::Project => has(&line.program.args, "--push") || line.has_pushing_output(),
            Self::BuildUnless(flag) => !has(&line.program.args, flag),
            _ => false,
        }
    }
}

/// Tells whether the namespace is one of the registry, or the registry itself.
fn is_of_registry(namespace: &str, registry: &Registry) -> bool {
    names_registry(namespace.strip_prefix("oci://").unwrap_or(namespace), registry)
}

impl ParsedCommand<'_> {
    fn add_named(&self, images: &mut ImageCollector<'_>) {
        self.named.iter().for_each(|(image, form)| images.add(image, *form));
    }

    fn has_pushing_output(&self) -> bool {
        self.values.iter().any(|(meaning, value)| is_pushing(*meaning, value))
    }
}

/// `docker login https://HOST/` and `HOST/namespace` log in to the host.
pub(super) fn names_registry(address: &str, registry: &Registry) -> bool {
    ServerUrl::parse(address).is_some_and(|url| match url.target() {
        Target::Registry { registry: named, user: _, repository: _ } => named == registry,
        Target::HubToken(_) => false,
    })
}
