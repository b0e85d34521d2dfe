//! `ImageCollector`: collects the images of one registry from words and flag values.

use std::collections::BTreeSet;

use super::command_words::{FlagKind, is_true};
use super::containers::RegistriesSettings;
use super::program::is_one_of;
use crate::model::choice::ImageRole;
use crate::model::{ImageReference, Registry};

/// The form in which a client writes an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ImageSyntax {
    /// `[host/]path`. An image without a host is on Docker Hub.
    Short,
    /// `host/path`, which may have several tags, as in `host/path:1,2` (oras).
    WithHost,
    /// `docker://[host/]path`, or `docker-image://[host/]path` for buildx. An image with another transport is in no
    /// registry (skopeo).
    Transport,
    /// The forms of `Transport`, and `[host/]path` without a transport (podman, buildah).
    OptionalTransport,
    /// `registry:[host/]path`, or an image without a scheme (syft, grype).
    Scanned,
    /// `oci://host/path` (helm).
    Oci,
    /// `[host/]path` or `oci://host/path`. The client appends the image's name.
    Namespace,
}

/// The images that were found so far, in order and without duplicates.
pub(super) struct ImageCollector<'a> {
    registry: &'a Registry,
    /// The settings that complete short names.
    settings: Option<&'a RegistriesSettings>,
    seen: BTreeSet<ImageReference>,
    found: Vec<ImageReference>,
}

impl<'a> ImageCollector<'a> {
    pub(super) fn new(registry: &'a Registry, settings: Option<&'a RegistriesSettings>) -> Self {
        Self { registry, settings, seen: BTreeSet::new(), found: Vec::new() }
    }

    /// Adds `text` if it is an image of the registry.
    pub(super) fn add(&mut self, text: &str, form: ImageSyntax) {
        match (parse(text, form), self.settings) {
            (Some(image), Some(settings)) if matches!(form, ImageSyntax::Short | ImageSyntax::OptionalTransport) => {
                self.add_all(settings.named(text, image));
            }
            (image, _) => self.add_all(image),
        }
    }

    /// Adds the images that are in the registry.
    pub(super) fn add_all(&mut self, images: impl IntoIterator<Item = ImageReference>) {
        let Self { registry, seen, found, .. } = self;
        found.extend(images.into_iter().filter(|image| image.registry() == *registry && seen.insert(image.clone())));
    }

    /// Adds the images in a flag's value.
    pub(super) fn add_value(&mut self, meaning: FlagKind, value: &str, form: ImageSyntax) {
        match meaning {
            FlagKind::Image => value.split(',').for_each(|image| self.add(image, form)),
            FlagKind::Base | FlagKind::ScannerImage | FlagKind::Tag | FlagKind::Destination => self.add(value, form),
            FlagKind::Output => self.add_output(value),
            FlagKind::Cache | FlagKind::CacheTo => self.add_cache(value),
            // A build argument may be any text. Only the Dockerfile shows whether the argument is an image.
            FlagKind::FrontendOption | FlagKind::Attestation => {
                self.add(&image_beside_files(meaning, value).unwrap_or_default(), ImageSyntax::Short);
            }
            FlagKind::DriverOption => {
                self.add(field(&csv_fields(value), "image").unwrap_or_default(), ImageSyntax::Short);
            }
            FlagKind::File => self.add(value, ImageSyntax::Oci), // Compose can load a project from a registry
            // The Dockerfile decides whether a build context is used. The bake files decide what an override changes.
            FlagKind::BuildContext
            | FlagKind::BakeOverride
            // The value of any other flag is not an image by itself.
            | FlagKind::Other
            | FlagKind::SourcePlace
            | FlagKind::DestinationPlace
            | FlagKind::ResultFile
            | FlagKind::Registry
            | FlagKind::Namespace
            | FlagKind::Username
            | FlagKind::EnvFile
            | FlagKind::Folder
            | FlagKind::SubPath
            | FlagKind::Profile
            | FlagKind::ProjectName
            | FlagKind::PullPolicy
            | FlagKind::Variable
            | FlagKind::Stage
            | FlagKind::Platform
            | FlagKind::PlatformPart
            | FlagKind::SourcePolicy
            | FlagKind::Call
            | FlagKind::Script => {}
        }
    }

    pub(super) fn found(&self) -> &[ImageReference] {
        &self.found
    }

    pub(super) fn into_vec(self) -> Vec<ImageReference> {
        self.found
    }

    /// Adds the images in the value of `--output`. The name of an export of type `docker`, `oci`, `tar` or `local` is
    /// ignored, because such an export needs no registry.
    fn add_output(&mut self, value: &str) {
        let fields = csv_fields(value);
        if matches!(field(&fields, "type"), None | Some("image" | "registry")) {
            for name in field(&fields, "name").unwrap_or_default().split(',') {
                self.add(name.trim(), ImageSyntax::Short);
            }
        }
    }

    /// Adds the images in the value of a cache flag. A value without `=` is a list of images (buildx
    /// `util/buildflags/cache.go`).
    fn add_cache(&mut self, value: &str) {
        let fields = csv_fields(value);
        if fields.iter().all(|field| !field.contains('=')) {
            for image in &fields {
                self.add(image, ImageSyntax::Short);
            }
        } else if matches!(field(&fields, "type"), None | Some("registry")) {
            self.add(field(&fields, "ref").unwrap_or_default(), ImageSyntax::Short);
        }
    }
}

/// Tells how a build that pushes nothing uses the images in a flag's value.
pub(super) fn role(meaning: FlagKind) -> ImageRole {
    match meaning {
        FlagKind::Tag | FlagKind::Output => ImageRole::Result,
        FlagKind::Cache => ImageRole::Cache,
        _ => ImageRole::Needed,
    }
}

/// Returns the image in a flag's value that a build pulls beside the images in its files.
pub(super) fn image_beside_files(meaning: FlagKind, value: &str) -> Option<String> {
    // The value of the flag `--sbom` has no type (buildx `util/buildflags/attests.go`).
    let generator = |attestation: &str| {
        let fields = csv_fields(attestation);
        let is_sbom = matches!(field(&fields, "type"), None | Some("sbom"));
        field(&fields, "generator").filter(|_| is_sbom).map(str::to_owned)
    };
    match meaning {
        FlagKind::Base | FlagKind::ScannerImage => Some(value.to_owned()),
        FlagKind::Attestation => generator(value),
        FlagKind::FrontendOption => match value.split_once('=')? {
            ("source", image) => Some(image.to_owned()),
            ("attest:sbom", attestation) => generator(attestation),
            _ => None,
        },
        _ => None,
    }
}

/// Tells whether a flag's value makes the client push its result.
pub(super) fn is_pushing(meaning: FlagKind, value: &str) -> bool {
    if meaning != FlagKind::Output {
        return false;
    }
    let fields = csv_fields(value);
    match field(&fields, "type") {
        Some("registry") => true,
        None | Some("image") => field(&fields, "push").is_some_and(is_push),
        Some(_) => false,
    }
}

/// Tells whether the value of `push` is true. An empty value is also true (moby/buildkit
/// `exporter/containerimage/export.go`).
pub(super) fn is_push(value: &str) -> bool {
    value.is_empty() || is_true(value)
}

fn parse(text: &str, form: ImageSyntax) -> Option<ImageReference> {
    /// The transports of local images (containers/image `transports`).
    const LOCAL: [&str; 9] = [
        "docker-archive:",
        "docker-daemon:",
        "oci:",
        "oci-archive:",
        "containers-storage:",
        "dir:",
        "sif:",
        "ostree:",
        "tarball:",
    ];
    match form {
        ImageSyntax::Short if is_digest(text) => None,
        ImageSyntax::Short => text.parse().ok(),
        ImageSyntax::WithHost => {
            text.split(',').next().unwrap_or_default().parse().ok().filter(|image| has_host(text, image))
        }
        ImageSyntax::Transport => {
            parse(text.strip_prefix("docker://").or_else(|| text.strip_prefix("docker-image://"))?, ImageSyntax::Short)
        }
        ImageSyntax::OptionalTransport if LOCAL.iter().any(|transport| text.starts_with(transport)) => None,
        ImageSyntax::OptionalTransport => parse(text.strip_prefix("docker://").unwrap_or(text), ImageSyntax::Short),
        ImageSyntax::Namespace => {
            let place = text.strip_prefix("oci://").unwrap_or(text).trim_end_matches('/');
            format!("{place}/name").parse::<ImageReference>().ok()?.namespace()
        }
        ImageSyntax::Scanned => parse(scanned(text)?, ImageSyntax::Short),
        ImageSyntax::Oci => parse(text.strip_prefix("oci://")?, ImageSyntax::WithHost),
    }
}

/// Tells whether `text` is only a digest. Such a text names a local image, or an image in the repository that another
/// argument names.
fn is_digest(text: &str) -> bool {
    let hash = text.strip_prefix("sha256:").unwrap_or_default();
    hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns the image in an argument of syft or grype (anchore/stereoscope `tagged_provider.go`).
fn scanned(text: &str) -> Option<&str> {
    const ELSEWHERE: &str = "containerd docker-archive oci-archive oci-dir oci singularity dir file sbom \
                             pkg purl cpe cpes snap local-file local-directory";
    match text.split_once(':') {
        Some(("registry" | "oci-registry" | "docker" | "podman", image)) => Some(image), // a daemon may pull the image
        Some((scheme, _)) if is_one_of(ELSEWHERE, scheme) => None,
        _ => Some(text).filter(|text| text.contains(['/', ':'])), // a single word is a command or folder
    }
}

/// Tells whether `text` begins with a host. Only images on Docker Hub may have no host.
fn has_host(text: &str, image: &ImageReference) -> bool {
    let first = text.split_once('/').map_or("", |(first, _)| first);
    !image.registry().is_docker_hub() || Registry::from_authority(first).is_ok_and(|host| host.is_docker_hub())
}

/// Returns the value of a field `NAME=VALUE`. Case does not matter in the name (buildx `util/buildflags/`).
pub(super) fn field<'f>(fields: &'f [String], name: &str) -> Option<&'f str> {
    let pairs = fields.iter().filter_map(|field| field.split_once('='));
    pairs
        .map(|(key, value)| (key.trim(), value))
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

/// Splits one record of comma-separated values. Quotes protect commas, and a quote within quotes is doubled (RFC 4180).
pub(super) fn csv_fields(record: &str) -> Vec<String> {
    let (mut fields, mut field, mut is_quoted) = (Vec::new(), String::new(), false);
    let mut letters = record.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if is_quoted && letters.peek() == Some(&'"') => field.extend(letters.next()),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(std::mem::take(&mut field)),
            letter => field.push(letter),
        }
    }
    fields.push(field);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(registry: &str, add: impl Fn(&mut ImageCollector)) -> String {
        let registry = registry.parse().unwrap();
        let mut images = ImageCollector::new(&registry, None);
        add(&mut images);
        images.into_vec().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn images_stand_in_many_kinds_of_values() {
        for (meaning, value, expected) in [
            (FlagKind::Image, "ghcr.io/a/b", "ghcr.io/a/b"),
            (FlagKind::Image, "a/b", ""),
            (FlagKind::Output, "type=image,\"name=ghcr.io/a/b,ghcr.io/a/c\",push=true", "ghcr.io/a/b ghcr.io/a/c"),
            (FlagKind::Output, "type=registry,name=ghcr.io/a/b", "ghcr.io/a/b"),
            (FlagKind::Output, "type=docker,name=ghcr.io/a/b", ""),
            (FlagKind::Output, "Type=docker,name=ghcr.io/a/b", ""),
            (FlagKind::Output, "out", ""),
            (FlagKind::Cache, "ghcr.io/a/b", "ghcr.io/a/b"),
            (FlagKind::Cache, "type=registry,ref=ghcr.io/a/b:c,mode=max", "ghcr.io/a/b:c"),
            (FlagKind::Cache, "TYPE=registry,Ref=ghcr.io/a/b", "ghcr.io/a/b"),
            (FlagKind::Cache, "type=s3,name=ghcr.io/a/b", ""),
            (FlagKind::BuildContext, "x=docker-image://ghcr.io/a/b", ""),
            (FlagKind::BuildContext, "x=ghcr.io/a/b", ""),
            (FlagKind::BakeOverride, "*.tags=ghcr.io/a/b", ""),
            (FlagKind::FrontendOption, "build-arg:BASE=ghcr.io/a/b", ""),
            (FlagKind::FrontendOption, "context:x=docker-image://ghcr.io/a/b", ""),
            (FlagKind::FrontendOption, "label:x=ghcr.io/a/b", ""),
            (FlagKind::FrontendOption, "source=ghcr.io/a/b", "ghcr.io/a/b"),
            (FlagKind::FrontendOption, "attest:sbom=generator=ghcr.io/a/b", "ghcr.io/a/b"),
            (FlagKind::FrontendOption, "attest:provenance=generator=ghcr.io/a/b", ""),
            (FlagKind::Attestation, "generator=ghcr.io/a/b", "ghcr.io/a/b"),
            (FlagKind::Attestation, "type=sbom,generator=ghcr.io/a/b", "ghcr.io/a/b"),
            (FlagKind::Attestation, "type=provenance,generator=ghcr.io/a/b", ""),
            (FlagKind::Attestation, "true", ""),
            (FlagKind::DriverOption, "network=host,image=ghcr.io/a/b", "ghcr.io/a/b"),
            (FlagKind::Other, "ghcr.io/a/b", ""),
        ] {
            assert_eq!(
                found("ghcr.io", |images| images.add_value(meaning, value, ImageSyntax::Short)),
                expected,
                "{value}"
            );
        }
    }

    #[test]
    fn docker_hub_is_meant_only_where_a_client_means_it() {
        const DIGEST: &str = "sha256:fcbdbe38cd4d4f1443687899c961a7294afa3376d3d93828e1f27e5e7a7d08b0";
        for (form, text, expected) in [
            (ImageSyntax::Short, "alpine", "docker.io/library/alpine"),
            (ImageSyntax::Short, DIGEST, ""),
            (ImageSyntax::OptionalTransport, DIGEST, ""),
            (ImageSyntax::Short, "sha256:1", "docker.io/library/sha256:1"),
            (ImageSyntax::WithHost, "alice/app", ""),
            (ImageSyntax::WithHost, "ghcr.io", ""),
            (ImageSyntax::WithHost, "index.docker.io/alice/app", "docker.io/alice/app"),
            (ImageSyntax::Transport, "alpine", ""),
            (ImageSyntax::Transport, "docker://alpine", "docker.io/library/alpine"),
            (ImageSyntax::OptionalTransport, "alpine", "docker.io/library/alpine"),
            (ImageSyntax::OptionalTransport, "docker-archive:base.tar", ""),
            (ImageSyntax::OptionalTransport, "oci:layout", ""),
            (ImageSyntax::Scanned, "registry:alice/app", "docker.io/alice/app"),
            (ImageSyntax::Scanned, "oci-registry:alpine", "docker.io/library/alpine"),
            (ImageSyntax::Scanned, "docker:alpine", "docker.io/library/alpine"),
            (ImageSyntax::Scanned, "podman:alice/app", "docker.io/alice/app"),
            (ImageSyntax::Scanned, "docker-archive:alpine.tar", ""),
            (ImageSyntax::Scanned, "alpine:3", "docker.io/library/alpine:3"),
            (ImageSyntax::Scanned, "alice/app", "docker.io/alice/app"),
            (ImageSyntax::Scanned, "version", ""),
            (ImageSyntax::Oci, "alice/app", ""),
            (ImageSyntax::Oci, "oci://registry-1.docker.io/alice/app", "docker.io/alice/app"),
            (ImageSyntax::WithHost, "docker.io/alice/app:1,2", "docker.io/alice/app:1"),
            (ImageSyntax::Namespace, "oci://registry-1.docker.io/alice", "docker.io/alice"),
            (ImageSyntax::Namespace, "docker.io/alice/charts/", "docker.io/alice/charts"),
            (ImageSyntax::Namespace, "alice", "docker.io/alice"),
            (ImageSyntax::Namespace, "ghcr.io", ""),
            (ImageSyntax::Namespace, "localhost:5000", ""),
        ] {
            assert_eq!(found("docker.io", |images| images.add(text, form)), expected, "{text}");
        }
    }

    #[test]
    fn quotes_keep_commas() {
        assert_eq!(csv_fields("a,\"b,\"\"c\"\"\",d"), ["a", "b,\"c\"", "d"]);
        assert_eq!(csv_fields(""), [""]);
    }
}
