//! `VerbEffect`: whether a verb pulls or pushes its images, as far as the command line tells.

use crate::caller::Program;
use crate::caller::command_words::{FlagKind, Switch, is_on};
use crate::caller::images::{ImageCollector, ImageSyntax, is_pushing};
use crate::model::{Operation, Registry, ServerUrl, Target};

/// The effect of a verb. A destination in a flag is pushed by every verb.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum VerbEffect {
    /// A login has none. That of some builds is in their files.
    Unknown,
    Pull,
    /// Pulls. Destinations in flags are not used.
    Read,
    /// Pushes, signs or deletes. The destinations are those in flags, or else all images among the arguments.
    Push,
    /// Copies from the first word to the second.
    Copy,
    /// Pushes its result with this flag, or with an output such as `type=registry`.
    BuildIf(&'static str),
    /// Pushes its result without this flag.
    BuildUnless(&'static str),
    /// Pushes with this flag.
    PushIf(&'static str),
    /// ko: the variable with the namespace to push to. With `--bare` it has the whole repository.
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
    /// Returns the destination of a push, if it is not one of the images among the arguments.
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
            // devcontainer has a flag for the host, with a default, and a flag for the namespace.
            Self::Push => {
                let host = value(FlagKind::Registry).unwrap_or("ghcr.io");
                Some((format!("{host}/{}", value(FlagKind::Namespace)?), ImageSyntax::Namespace))
            }
            _ => None,
        }
    }

    /// Returns the operation at `registry`. It is a push if anything is pushed there, because an account that may push
    /// may usually pull too.
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

    /// Tells whether the result is not pushed, as far as the command line shows. The caller reads files first, because
    /// they may show more.
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

/// Tells whether the namespace belongs to the registry, or is only its host.
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
