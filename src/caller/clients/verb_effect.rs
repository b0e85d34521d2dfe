//! `VerbEffect`: whether a verb pulls or pushes its images, as far as the command line shows.

use crate::caller::Program;
use crate::caller::command_flags::CommandFlags;
use crate::caller::command_words::FlagKind;
use crate::caller::images::ImageSyntax;

/// The effect of a verb on its images. Every effect except `Read` includes a push to each destination in a flag.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum VerbEffect {
    /// A login, or a build whose files decide between pull and push.
    Unknown,
    Pull,
    /// Pulls, and ignores destinations in flags.
    Read,
    /// Pushes, signs or deletes images. Without destinations in flags, the images among the arguments are the
    /// destinations.
    Push,
    /// Copies the first image to the second image.
    Copy,
    /// Builds, and pushes the result if this flag or an output such as `type=registry` is set.
    BuildIf(&'static str),
    /// Builds, and pushes the result unless this flag is set.
    BuildUnless(&'static str),
    /// Pushes only if this flag is set.
    PushIf(&'static str),
    /// Pushes to the namespace in this variable (ko). With `--bare`, the variable contains the whole repository.
    PushTo(&'static str),
}

impl VerbEffect {
    /// Returns the destination of a push, if the destination is not an image among the arguments.
    pub(super) fn destination(self, program: &Program, flags: &CommandFlags<'_>) -> Option<(String, ImageSyntax)> {
        match self {
            Self::PushTo(variable) => {
                let syntax = if flags.is_on("--bare") { ImageSyntax::Short } else { ImageSyntax::Namespace };
                Some((program.variable(variable)?, syntax))
            }
            // devcontainer has a flag for the host, with a default, and a flag for the namespace.
            Self::Push => {
                let host = flags.value(FlagKind::Registry).unwrap_or("ghcr.io");
                Some((format!("{host}/{}", flags.value(FlagKind::Namespace)?), ImageSyntax::Namespace))
            }
            _ => None,
        }
    }
}
