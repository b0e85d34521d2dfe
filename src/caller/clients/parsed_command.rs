//! `ParsedCommand`: the images on a command line, and whether they are pulled or pushed.

use super::verb_effect::VerbEffect;
use crate::caller::command_flags::CommandFlags;
use crate::caller::command_words::FlagKind;
use crate::caller::containers::RegistriesSettings;
use crate::caller::images::{ImageCollector, ImageSyntax, image_beside_files, is_pushing, role};
use crate::model::choice::ImageRole;
use crate::model::{ImageReference, Operation, Registry, ServerUrl, Target};

/// The parts of a command line after its verb.
pub(super) struct ParsedCommand<'a> {
    pub(super) effect: VerbEffect,
    pub(super) syntax: ImageSyntax,
    /// The settings that complete short names.
    pub(super) settings: Option<&'a RegistriesSettings>,
    pub(super) flags: &'a CommandFlags<'a>,
    /// The words that are images, with their syntax.
    pub(super) named: &'a [(&'a str, ImageSyntax)],
    /// The destination of a copy, if there is one.
    pub(super) destination: Option<(&'a str, ImageSyntax)>,
}

impl ParsedCommand<'_> {
    /// Returns the images of `registry` that have the highest role. Needed images rank above caches, and caches rank
    /// above results. Images that a build pulls beside the images in its files do not decide alone.
    pub(super) fn images(&self, registry: &Registry) -> (Vec<ImageReference>, ImageRole) {
        let builds_to_push = self.builds_to_push();
        // If the build pushes its result, the result is a needed image.
        let role_of = |kind| match role(kind) {
            ImageRole::Result if builds_to_push => ImageRole::Needed,
            role => role,
        };
        let found = [ImageRole::Needed, ImageRole::Cache, ImageRole::Result].into_iter().map(|role| {
            let mut images = ImageCollector::new(registry, self.settings);
            let values = self.flags.values.iter().filter(|(kind, _)| role_of(*kind) == role);
            let (beside, own): (Vec<_>, Vec<_>) =
                values.partition(|(kind, value)| image_beside_files(*kind, value).is_some());
            for (kind, value) in own {
                images.add_value(kind, value, self.syntax);
            }
            if role == ImageRole::Needed {
                self.add_named(&mut images);
            }
            if !images.found().is_empty() {
                // The scanner of a pushed image counts as little as the image in its Dockerfile's FROM.
                let is_scanner = |kind, value: &str| kind == FlagKind::Attestation || value.starts_with("attest:");
                for (kind, value) in beside.into_iter().filter(|(kind, value)| !is_scanner(*kind, value)) {
                    images.add_value(kind, value, self.syntax);
                }
            }
            (images.into_vec(), role)
        });
        found.into_iter().find(|(images, _)| !images.is_empty()).unwrap_or_default()
    }

    /// Returns the operation at `registry`. The operation is a push if anything is pushed to `registry`, because an
    /// account with push access usually has pull access too.
    pub(super) fn operation(&self, registry: &Registry) -> Option<Operation> {
        let mut pushed = ImageCollector::new(registry, self.settings);
        let builds_to_push = self.builds_to_push();
        for (kind, value) in &self.flags.values {
            let is_pushed = match kind {
                FlagKind::Destination | FlagKind::CacheTo => true,
                FlagKind::Tag | FlagKind::Output => builds_to_push,
                _ => false,
            };
            if is_pushed {
                pushed.add_value(*kind, value, self.syntax);
            }
        }
        let has_destination = self.flags.has(FlagKind::Destination);
        let pushes_named = matches!(self.effect, VerbEffect::Push | VerbEffect::PushTo(_)) && !has_destination;
        match self.effect {
            VerbEffect::Unknown => return None,
            _ if pushes_named && self.named.is_empty() => return Some(Operation::Push),
            VerbEffect::PushIf(flag) if self.flags.is_on(flag) => self.add_named(&mut pushed),
            VerbEffect::Copy => self.destination.iter().for_each(|(image, syntax)| pushed.add(image, *syntax)),
            _ if pushes_named => self.add_named(&mut pushed),
            _ => {}
        }
        let is_push = !pushed.found().is_empty() || self.pushes_to_namespace_of(registry);
        Some(if is_push { Operation::Push } else { Operation::Pull })
    }

    fn pushes_to_namespace_of(&self, registry: &Registry) -> bool {
        let is_of_registry = |(text, syntax): &(&str, ImageSyntax)| {
            *syntax == ImageSyntax::Namespace && names_registry(text.strip_prefix("oci://").unwrap_or(text), registry)
        };
        matches!(self.effect, VerbEffect::Push | VerbEffect::PushTo(_) | VerbEffect::Copy)
            && self.named.iter().any(is_of_registry)
    }

    /// Tells whether the command line shows that the result of a build is pushed. If it shows no push, the images in
    /// files have precedence over the result.
    fn builds_to_push(&self) -> bool {
        let has_pushing_output = || self.flags.values.iter().any(|(kind, value)| is_pushing(*kind, value));
        match self.effect {
            VerbEffect::BuildIf(flag) => self.flags.is_on(flag) || has_pushing_output(),
            VerbEffect::BuildUnless(flag) => !self.flags.is_on(flag),
            _ => false,
        }
    }

    fn add_named(&self, images: &mut ImageCollector<'_>) {
        self.named.iter().for_each(|(image, syntax)| images.add(image, *syntax));
    }
}

/// Tells whether an address names the registry. Both `https://HOST/` and `HOST/NAMESPACE` name the registry `HOST`.
pub(super) fn names_registry(address: &str, registry: &Registry) -> bool {
    ServerUrl::parse(address).is_some_and(|url| match url.target() {
        Target::Registry { registry: named, user: _, repository: _ } => named == registry,
        Target::HubToken(_) => false,
    })
}
