//! `ImageSide`: the images that a command pulls or the images that it pushes, and the parts of its files in which
//! images are unknown.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::caller::command_words::FlagKind;
use crate::caller::containers::RegistriesSettings;
use crate::caller::images::{ImageCollector, ImageSyntax};
use crate::model::choice::{FileImages, ImageMention, RegistryRange, UnknownImages};
use crate::model::{ImageReference, Registry};

/// The character that replaces an unknown part of a text. No image reference contains this character.
pub(super) const UNKNOWN: char = '\u{fffd}';

/// A message shows at most this number of characters of a text.
const SHOWN_AT_MOST: usize = 100;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ImageSide {
    pub(super) found: Vec<ImageText>,
    pub(super) unknown: Vec<UnknownImages>,
}

/// A text with the names of images. The text has the form of a flag's value, and `meaning` is the kind of this flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ImageText {
    pub(super) meaning: FlagKind,
    pub(super) text: String,
    pub(super) file: PathBuf,
}

impl ImageSide {
    /// Returns the images of `registry` without duplicates, and the unknown parts that may name such an image.
    pub(super) fn of_registry(&self, registry: &Registry) -> FileImages {
        let mut images = ImageCollector::new(registry, None);
        let mut mentions: Vec<ImageMention> = Vec::new();
        for ImageText { meaning, text, file } in &self.found {
            images.add_value(*meaning, text, ImageSyntax::Short);
            let new = images.found()[mentions.len()..].iter().cloned();
            mentions.extend(new.map(|image| ImageMention { image, file: file.clone() }));
        }
        let mut seen = BTreeSet::new();
        let unknown = self.unknown.iter().filter(|part| part.reach.includes(registry) && seen.insert(*part)).cloned();
        FileImages { images: mentions, unknown: unknown.collect() }
    }

    /// Creates a side from `texts`, which have the form of a flag's values. `meaning` is the kind of this flag.
    pub(super) fn from_texts(meaning: FlagKind, texts: impl IntoIterator<Item: AsRef<str>>, file: &Path) -> Self {
        let mut side = Self::default();
        texts.into_iter().for_each(|text| side.add(meaning, text.as_ref(), file));
        side
    }

    /// Adds an artifact, and records that the artifact's content may refer to unknown images of any other registry.
    pub(super) fn add_artifact(&mut self, text: &str, file: &Path) {
        self.add_image(text, file);
        if let Ok(image) = text.parse::<ImageReference>() {
            let message = format!("the content of `{text}` is unknown");
            let reach = RegistryRange::AllBut(image.registry().clone());
            self.unknown.push(UnknownImages { file: file.to_owned(), reach, message });
        }
    }

    pub(super) fn add_image(&mut self, text: &str, file: &Path) {
        self.add(FlagKind::Image, text, file);
    }

    /// Adds a text in which [`UNKNOWN`] replaces each unknown part.
    pub(super) fn add(&mut self, meaning: FlagKind, text: &str, file: &Path) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        let mut known = String::new();
        for piece in text.split_inclusive([',', '=']) {
            let (piece, end) = piece.split_at(piece.trim_end_matches([',', '=']).len());
            match without_open_tag(piece) {
                Some(piece) => known.extend([piece, end]),
                None => return self.unknown.push(not_worked_out(piece, file)),
            }
        }
        self.found.push(ImageText { meaning, text: known, file: file.to_owned() });
    }

    /// Replaces each image with the images that a pull requests according to `settings`. If `settings` may redirect an
    /// unknown image to another registry, the image may be at any registry.
    pub(super) fn follow(&mut self, settings: &RegistriesSettings) {
        let found = std::mem::take(&mut self.found);
        for ImageText { meaning, text, file } in found {
            let asked = settings.asked_for_name(&text);
            if asked.is_empty() {
                self.found.push(ImageText { meaning, text, file });
                continue;
            }
            let text_of = |image: &ImageReference| ImageText { meaning, text: image.to_string(), file: file.clone() };
            self.found.extend(asked.iter().map(text_of));
        }
        for unknown in &mut self.unknown {
            if matches!(&unknown.reach, RegistryRange::Only(registry) if settings.may_lead_away_from(registry)) {
                unknown.reach = RegistryRange::Any;
            }
        }
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.found.extend(other.found);
        self.unknown.extend(other.unknown);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty() && self.unknown.is_empty()
    }
}

/// Removes an unknown tag such as `:$TAG`, because the choice of an account ignores tags. Returns `None` if more than
/// the tag is unknown.
fn without_open_tag(image: &str) -> Option<&str> {
    let known = image.split(UNKNOWN).next().unwrap_or_default();
    let name = known.rfind('/').map_or(0, |slash| slash + 1);
    let tag = known[name..].find([':', '@']).map(|at| name + at);
    match tag {
        Some(tag) if known.len() < image.len() || tag + 1 == image.len() => {
            (!image[known.len()..].contains('/')).then_some(&image[..tag])
        }
        _ if known.len() < image.len() => None,
        _ => Some(image),
    }
}

fn not_worked_out(image: &str, file: &Path) -> UnknownImages {
    let known = image.split(UNKNOWN).next().unwrap_or_default();
    let any_image = known.split_once('/').and_then(|(first, _)| format!("{first}/x").parse::<ImageReference>().ok());
    let reach = any_image.map_or(RegistryRange::Any, |image| RegistryRange::Only(image.registry().clone()));
    let shown: String = image.replace(UNKNOWN, "…").chars().take(SHOWN_AT_MOST).collect();
    let message =
        if known.is_empty() { "an image is unknown".into() } else { format!("`{shown}` is only partly known") };
    UnknownImages { file: file.to_owned(), reach, message }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::system::thread_time;

    #[test]
    fn a_tag_that_is_not_known_does_not_matter() {
        for (text, known, unknown_at) in [
            ("ghcr.io/acme/app:1", Some("ghcr.io/acme/app:1"), None),
            ("ghcr.io/acme/app:", Some("ghcr.io/acme/app"), None),
            ("ghcr.io/acme/app:v\u{fffd}-x", Some("ghcr.io/acme/app"), None),
            ("ghcr.io/acme/app@\u{fffd}", Some("ghcr.io/acme/app"), None),
            ("localhost:5000/app", Some("localhost:5000/app"), None),
            ("ghcr.io/acme/\u{fffd}:1", None, Some("ghcr.io")),
            ("ghcr.io/acme/app:\u{fffd}/x", None, Some("ghcr.io")),
            ("acme/\u{fffd}", None, Some("docker.io")),
            ("localhost:5000/app\u{fffd}", None, Some("localhost:5000")),
            ("ghcr.io:\u{fffd}/acme/app", None, Some("any")),
            ("acme\u{fffd}/app", None, Some("any")),
            ("\u{fffd}", None, Some("any")),
            (" ", None, None),
        ] {
            let mut side = ImageSide::default();
            side.add_image(text, Path::new("f"));
            let found = side.found.first().map(|found| found.text.as_str());
            let registry = |unknown: &UnknownImages| match &unknown.reach {
                RegistryRange::Only(registry) => registry.to_string(),
                _ => "any".to_owned(),
            };
            let unknown = side.unknown.first().map(registry);
            assert_eq!((found, unknown.as_deref()), (known, unknown_at), "{text:?}");
        }
    }

    #[test]
    fn many_unknown_parts_end_soon() {
        let texts: Vec<String> = (0..50_000).map(|number| format!("a{number}{UNKNOWN}")).collect();
        let side = ImageSide::from_texts(FlagKind::Image, texts.iter().chain(&texts), Path::new("f"));
        let start = thread_time();
        assert_eq!(side.of_registry(&"ghcr.io".parse().unwrap()).unknown.len(), texts.len());
        assert!(thread_time() < start + Duration::from_secs(10));
    }

    #[test]
    fn a_cache_and_an_output_are_known_but_for_their_tags() {
        for (meaning, text, known) in [
            (FlagKind::Cache, "type=registry,ref=ghcr.io/acme/c:\u{fffd}", Some("type=registry,ref=ghcr.io/acme/c")),
            (FlagKind::Cache, "type=\u{fffd},ref=ghcr.io/acme/c", None),
            (
                FlagKind::Output,
                "type=image,name=ghcr.io/a/b:\u{fffd},push=true",
                Some("type=image,name=ghcr.io/a/b,push=true"),
            ),
            (FlagKind::Output, "type=image,name=ghcr.io/\u{fffd}/b", None),
        ] {
            let mut side = ImageSide::default();
            side.add(meaning, text, Path::new("f"));
            assert_eq!(side.found.first().map(|found| found.text.as_str()), known, "{text:?}");
            assert_eq!(side.unknown.len(), usize::from(known.is_none()), "{text:?}");
        }
    }
}
