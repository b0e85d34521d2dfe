//! `VerbEffect`: whether a verb pulls or pushes its images, as far as the command line shows.

use crate::caller::Program;
use crate::caller::command_words::{FlagKind, Switch, is_on};
use crate::caller::images::{ImageCollector, ImageSyntax, is_pushing};
use crate::model::{Operation, Registry, ServerUrl, Target};

/// The effect of a verb on its images. Every effect except `Read` includes a push to each destination in a flag.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum VerbEffect {
    /// The effect of a login, or of a build whose files decide whether the build pushes.
    Unknown,
    Pull,
    /// Pulls, and ignores destinations in flags.
    Read,
    /// Pushes, signs or deletes images. The destinations are those in flags, or else all images among the arguments.
    Push,
    /// Copies the first image to the second image.
    Copy,
    /// Builds, and pushes the result with this flag or with an output such as `type=registry`.
    BuildIf(&'static str),
    /// Builds, and pushes the result unless this flag is set.
    BuildUnless(&'static str),
    /// Pushes only if this flag is set.
    PushIf(&'static str),
    /// Pushes to the namespace in this variable (ko). With `--bare`, the variable names the whole repository.
    PushTo(&'static str),
}

/// The parts of a command line after its verb.
pub(super) struct ParsedCommand<'a> {
    pub(super) form: ImageSyntax,
    pub(super) values: &'a [(FlagKind, &'a str)],
    pub(super) switches: &'a [Switch<'a>],
    /// The words that are images, with their syntax.
    pub(super) named: &'a [(&'a str, ImageSyntax)],
    /// The destination of a copy, if there is one.
    pub(super) destination: Option<(&'a str, ImageSyntax)>,
}

impl VerbEffect {
    /// Returns the destination of a push, if the destination is not an image among the arguments.
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
            // devcontainer has one flag for the host, which has a default, and another flag for the namespace.
            Self::Push => {
                let host = value(FlagKind::Registry).unwrap_or("ghcr.io");
                Some((format!("{host}/{}", value(FlagKind::Namespace)?), ImageSyntax::Namespace))
            }
            _ => None,
        }
    }

    /// Returns the operation at `registry`. The operation is a push if anything is pushed to `registry`, because an
    /// account that may push may usually pull too.
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

    /// Tells whether the result of a build stays local, as far as the command line shows. The files of a command are
    /// read first, because the files may show a push.
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

/// Tells whether a namespace is in the registry, or is only the registry's host.
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

/// Tells whether an address names the registry. Both `https://HOST/` and `HOST/NAMESPACE` name the registry `HOST`.
pub(super) fn names_registry(address: &str, registry: &Registry) -> bool {
    ServerUrl::parse(address).is_some_and(|url| match url.target() {
        Target::Registry { registry: named, user: _, repository: _ } => named == registry,
        Target::HubToken(_) => false,
    })
}
