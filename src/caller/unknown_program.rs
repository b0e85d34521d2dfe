//! Finds the images with a host on an unknown program's command line.

use super::images::{ImageCollector, ImageSyntax};
use crate::model::{ImageReference, Registry};

/// Returns the images of `registry` in `arguments`, even inside the text of a script. Short names are ignored, because
/// every word looks like a short name.
pub(super) fn images(arguments: &[String], registry: &Registry) -> Vec<ImageReference> {
    let mut images = ImageCollector::new(registry, None);
    let has_brackets = registry.as_str().starts_with('['); // otherwise, brackets separate items
    let ends_run = |c: char| !(is_reference_character(c) || (has_brackets && matches!(c, '[' | ']')));
    for run in arguments.iter().flat_map(|word| word.split(ends_run)) {
        let reference = match run.split_once("://") {
            Some(("http" | "https", _)) => continue, // a URL of the API or of a web page
            Some((_, reference)) => reference,
            None => run,
        };
        // The image may be at the end of a sentence, before a full stop. In a script, a variable may follow the image,
        // as in `host/path/$NAME:$TAG`.
        images.add(reference.trim_end_matches(['.', ':', '/', '-', '_', '@']), ImageSyntax::WithHost);
    }
    images.into_vec()
}

fn is_reference_character(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '/' | '@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_images_written_out_in_full_count() {
        for (word, registry, expected) in [
            ("localhost:15000/alice/app:1", "localhost:15000", "localhost:15000/alice/app:1"),
            ("c.push('localhost:15000/alice/app', tag='1')", "localhost:15000", "localhost:15000/alice/app"),
            ("--image=localhost:15000/alice/app", "localhost:15000", "localhost:15000/alice/app"),
            ("oci://ghcr.io/acme/chart", "ghcr.io", "ghcr.io/acme/chart"),
            ("https://ghcr.io/v2/acme/app", "ghcr.io", ""),
            ("git@ghcr.io/acme/app", "ghcr.io", ""),
            ("my-ghcr.io/acme/app", "ghcr.io", ""),
            ("dir/ghcr.io/acme/app", "ghcr.io", ""),
            ("ghcr.io/acme/a,ghcr.io/acme/b ghcr.io/acme/a", "ghcr.io", "ghcr.io/acme/a ghcr.io/acme/b"),
            ("see ghcr.io/acme/app.", "ghcr.io", "ghcr.io/acme/app"),
            ("ghcr.io/acme/$NAME:$TAG", "ghcr.io", "ghcr.io/acme"),
            ("[ghcr.io/acme/app]", "ghcr.io", "ghcr.io/acme/app"),
            ("[::1]:5000/acme/app", "[::1]:5000", "[::1]:5000/acme/app"),
            ("GHCR.io:443/acme/app", "ghcr.io", "ghcr.io/acme/app"),
            ("ghcr.io", "ghcr.io", ""),
            ("alice/app", "docker.io", ""),
            ("docker.io/alice/app", "docker.io", "docker.io/alice/app"),
        ] {
            let found = images(&[word.to_owned()], &registry.parse().unwrap());
            assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "), expected, "{word}");
        }
    }
}
