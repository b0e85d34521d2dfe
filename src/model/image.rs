//! `ImageReference`: the name of an image as people and tools write it.

use std::fmt;
use std::str::FromStr;

use super::{InvalidName, Registry};

/// An image reference `[registry/]repository[:tag][@digest]`, completed by the rules of the distribution reference
/// grammar. A reference without a registry is on Docker Hub. On Docker Hub, a repository without a namespace is in
/// `library`.
///
/// ```
/// # use ensign::model::ImageReference;
/// let image: ImageReference = "alpine:3".parse().unwrap();
/// assert_eq!(image.to_string(), "docker.io/library/alpine:3");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageReference {
    registry: Registry,
    repository: Repository,
    tag: Option<String>,
    digest: Option<String>,
}

/// The path of a repository, such as `acme/team/app`. A path has at least one segment, and no segment is empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository(String);

impl ImageReference {
    /// Creates a reference without tag and digest, for example from a server address that contains a repository.
    pub(crate) fn new(registry: Registry, repository: Repository) -> Self {
        Self { registry, repository, tag: None, digest: None }
    }

    /// Replaces the tag and the digest by those of `other`.
    pub(crate) fn with_tag_of(self, other: &Self) -> Self {
        Self { tag: other.tag.clone(), digest: other.digest.clone(), ..self }
    }

    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Returns the namespace that contains the repository; `None` if the repository has no namespace.
    pub(crate) fn namespace(&self) -> Option<Self> {
        let (namespace, _) = self.repository.as_str().rsplit_once('/')?;
        Some(Self::new(self.registry.clone(), Repository(namespace.to_owned())))
    }

    /// Returns the `<reference>` for requests to the registry: the digest, or else the tag, or else `latest`.
    pub(crate) fn reference(&self) -> &str {
        self.digest.as_deref().or(self.tag.as_deref()).unwrap_or("latest")
    }
}

impl Repository {
    /// Accepts the path of a server address without a check, because the path is only compared with patterns.
    pub(super) fn from_path(path: &str) -> Self {
        Self(path.to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn segments(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.split('/')
    }
}

impl FromStr for Repository {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let segment_ok = |segment: &str| {
            let name = segment.strip_prefix("did:").map(|did| did.replace(':', "-")); // as in `atcr.io/did:plc:…/app`
            let name = name.as_deref().unwrap_or(segment);
            name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
        };
        if text.len() <= 255 && text.split('/').all(segment_ok) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidName("a repository is made of lower-case letters, digits, `.`, `_`, `-` and `/`"))
        }
    }
}

impl FromStr for ImageReference {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(InvalidName("no image was given; an image is `registry/repository[:tag]`"));
        }
        let (name, digest) = text.rsplit_once('@').map_or((text, None), |(name, digest)| (name, Some(digest)));
        let (registry, rest) = match name.split_once('/') {
            Some((host, rest)) if is_host(host) => {
                let invalid = |_| InvalidName("the part before the first `/` is not a registry");
                (Registry::from_authority(host).map_err(invalid)?, rest)
            }
            _ => (Registry::docker_hub(), name),
        };
        let (path, tag) = split_tag(rest);
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(InvalidName("a tag is made of letters, digits, `.`, `_` and `-`, 128 at most"));
        }
        if digest.is_some_and(|digest| !is_digest(digest)) {
            return Err(InvalidName("a digest is `algorithm:hex`, such as `sha256:…`"));
        }
        let repository =
            if registry.is_docker_hub() && !path.contains('/') { format!("library/{path}") } else { path.to_owned() };
        Ok(Self {
            repository: repository.parse()?,
            registry,
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A host such as `MyHost` is stored in lower case, but `myhost/app` would be parsed as an image of Docker Hub.
        // With a port, `myhost:443/app` is parsed as a host and a repository.
        let port = if is_host(self.registry.as_str()) { "" } else { ":443" };
        write!(f, "{}{port}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        self.digest.as_ref().map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Tells whether an image's first component is a host (distribution/reference `normalize.go`). A host is `localhost` or
/// contains a dot, a port or a capital letter.
fn is_host(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':', '[']) || first.contains(char::is_uppercase)
}

/// Splits the tag from the path. A colon before the last slash is part of a decentralized identifier, not the start of
/// a tag.
fn split_tag(rest: &str) -> (&str, Option<&str>) {
    let name = rest.rfind('/').unwrap_or(0);
    rest[name..].find(':').map_or((rest, None), |colon| (&rest[..name + colon], Some(&rest[name + colon + 1..])))
}

fn is_tag(tag: &str) -> bool {
    let start = |c: char| c.is_ascii_alphanumeric() || c == '_';
    tag.len() <= 128 && tag.starts_with(start) && tag.chars().all(|c| start(c) || matches!(c, '.' | '-'))
}

fn is_digest(digest: &str) -> bool {
    digest.split_once(':').is_some_and(|(algorithm, hex)| {
        algorithm.starts_with(|c: char| c.is_ascii_alphabetic())
            && algorithm.bytes().all(|b| b.is_ascii_alphanumeric() || b"+.-_".contains(&b))
            && hex.len() >= 32
            && hex.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn references_are_completed_as_docker_does() {
        for (text, full) in [
            ("alpine", "docker.io/library/alpine"),
            ("alice/app:1", "docker.io/alice/app:1"),
            ("docker.io/alpine", "docker.io/library/alpine"),
            ("index.docker.io/alice/app", "docker.io/alice/app"),
            ("ghcr.io/acme/app:v1", "ghcr.io/acme/app:v1"),
            ("GHCR.io/acme/app", "ghcr.io/acme/app"),
            ("ghcr.io:443/acme/app", "ghcr.io/acme/app"),
            ("localhost/app", "localhost/app"),
            ("MYHOST/app", "myhost:443/app"),
            ("localhost:5000/a/b/c", "localhost:5000/a/b/c"),
            ("[::1]:5000/app:1", "[::1]:5000/app:1"),
            ("ghcr.io/acme/my__app-x.y", "ghcr.io/acme/my__app-x.y"),
            ("atcr.io/did:plc:abc/app:1", "atcr.io/did:plc:abc/app:1"),
        ] {
            assert_eq!(text.parse::<ImageReference>().unwrap().to_string(), full, "{text}");
        }
        let full = format!("ghcr.io/acme/app:1@{DIGEST}");
        assert_eq!(full.parse::<ImageReference>().unwrap().to_string(), full);
    }

    #[test]
    fn the_longest_names_are_read() {
        let is_read = |repository: usize, tag: usize| {
            format!("ghcr.io/{}:{}", "a".repeat(repository), "t".repeat(tag)).parse::<ImageReference>().is_ok()
        };
        assert_eq!((is_read(255, 1), is_read(256, 1)), (true, false));
        assert_eq!((is_read(1, 128), is_read(1, 129)), (true, false));
    }

    #[test]
    fn an_image_has_a_namespace_and_a_reference() {
        let digest = "sha256:0123456789abcdef0123456789abcdef";
        for (text, namespace, reference) in [
            ("ghcr.io/acme/app", Some("ghcr.io/acme"), "latest"),
            ("ghcr.io/acme/team/app:v1", Some("ghcr.io/acme/team"), "v1"),
            ("ghcr.io/app:v1", None, "v1"),
            (&format!("ghcr.io/app:v1@{digest}"), None, digest),
        ] {
            let image: ImageReference = text.parse().unwrap();
            assert_eq!(image.namespace().map(|image| image.to_string()).as_deref(), namespace, "{text}");
            assert_eq!(image.reference(), reference, "{text}");
        }
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for (text, error) in [
            ("", "no image was given"),
            ("ghcr.io/", "a repository is"),
            ("ghcr.io/Acme/app", "a repository is"),
            ("/acme", "a repository is"),
            ("acme//app", "a repository is"),
            ("./context", "the part before"),
            ("https://ghcr.io/acme", "the part before"),
            ("ghcr.io/acme/app:", "a tag is"),
            ("ghcr.io/acme/app:a b", "a tag is"),
            ("ghcr.io/acme/app@sha256:12", "a digest is"),
            ("ghcr.io/acme/app@../x:0123456789abcdef0123456789abcdef", "a digest is"),
            ("a=b", "a repository is"),
        ] {
            let found = text.parse::<ImageReference>().unwrap_err().to_string();
            assert!(found.starts_with(error), "{text}: {found}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back_the_same(text in "([a-z]{1,8}\\.io|localhost|\\[::1\\])(:[1-9][0-9]{1,3})?(/[a-z0-9][a-z0-9._-]{0,8}){1,4}(:[a-zA-Z0-9_][a-zA-Z0-9._-]{0,8})?") {
            let image: ImageReference = text.parse().unwrap();
            prop_assert_eq!(image.to_string().parse::<ImageReference>().unwrap(), image);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC*") {
            let _ = text.parse::<ImageReference>();
        }
    }
}
