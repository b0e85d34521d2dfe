//! `VerbEffect`: whether a verb pulls or pushes its images, as far as the command line tells.

use crate::caller::Program;
use crate::caller::command_words::{FlagKind, Switch, is_on};
use crate::caller::images::{ImageCollector, ImageSyntax, is_pushing};
use crate::model::{Operation, Registry, ServerUrl, Target};

/// The effect of a verb. A destination in a flag is pushed by every verb.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum VerbEffect {
    /// A login, or a build whose files tell it.
    Unknown,
    Pull,
    /// Pushes, signs or deletes: the destinations in flags, or else in words, or else all images.
    Push,
    /// Copies from the first word to the second.
    Copy,
    /// Pushes its result with this flag, or with an output that says so.
    BuildIf(&'static str),
    /// Pushes its result without this flag.
    BuildUnless(&'static str),
    /// Pushes with this flag.
    PushIf(&'static str),
    /// ko: pushes to the namespace in this variable, or with `--bare` to the repository in it.
    PushTo(&'static str),
}

/// A command line after its verb.
pub(super) struct ParsedCommand<'a> {
    pub(super) form: ImageSyntax,
    pub(super) values: &'a [(FlagKind, &'a str)],
    pub(super) switches: &'a [Switch<'a>],
    /// The words that are images.
    pub(super) named: &'a [(&'a str, ImageSyntax)],
    /// The second word.
    pub(super) destination: Option<(&'a str, ImageSyntax)>,
}

impl VerbEffect {
    /// The destination of a push, if no image word names it.
    pub(super) fn destination(
        self,
        program: &Program,
        values: &[(FlagKind, &str)],
        switches: &[Switch<'_>],
    ) -> Option<(String, ImageSyntax)> {
        let value = |wanted| values.iter().rev().find(|(meaning, _)| *meaning == wanted).map(|(_, value)| *value);
        match self {
            Self::PushTo(variable) => {
                let form = if is_on(switches, "--bare") { ImageSyntax::Short } else { ImageSyntax::Namespace };
                Some((program.variable(variable)?, form))
            }
            // devcontainer has two flags, of which one has a default.
            Self::Push => {
                let host = value(FlagKind::Registry).unwrap_or("ghcr.io");
                Some((format!("{host}/{}", value(FlagKind::Namespace)?), ImageSyntax::Namespace))
            }
            _ => None,
        }
    }

    /// The operation at `registry`: a push if anything is pushed there, because that usually includes pulling.
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
            Self::PushIf(flag) if is_on(line.switches, flag) => line.add_named(&mut pushed),
            Self::Copy => line.destination.iter().for_each(|(image, form)| pushed.add(image, *form)),
            _ => {}
        }
        let is_host =
            |(text, form): &(&str, ImageSyntax)| *form == ImageSyntax::Namespace && is_of_registry(text, registry);
        if matches!(self, Self::Push | Self::PushTo(_) | Self::Copy) && line.named.iter().any(is_host) {
            return Some(Operation::Push);
        }
        Some(if pushed.found().is_empty() { Operation::Pull } else { Operation::Push })
    }

    /// Tells whether the result stays here, as far as the command line tells. Files that tell more are read first.
    pub(super) fn keeps_result(self, line: &ParsedCommand<'_>) -> bool {
        !self.builds_to_push(line)
    }

    fn builds_to_push(self, line: &ParsedCommand<'_>) -> bool {
        match self {
            Self::BuildIf(flag) => is_on(line.switches, flag) || line.has_pushing_output(),
            Self::BuildUnless(flag) => !is_on(line.switches, flag),
            _ => false,
        }
    }
}

/// Tells whether the namespace is in the registry, or is the registry.
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

/// `docker login https://HOST/` and `HOST/namespace` log in to `HOST`.
pub(super) fn names_registry(address: &str, registry: &Registry) -> bool {
    ServerUrl::parse(address).is_some_and(|url| match url.target() {
        Target::Registry { registry: named, user: _, repository: _ } => named == registry,
        Target::HubToken(_) => false,
    })
}
