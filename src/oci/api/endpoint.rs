//! `Endpoint`: interprets a path of the registry's API, and lists the scopes that a request needs.

use crate::model::{ImageReference, Registry};
use crate::oci::MANIFESTS;
use crate::oci::scope::Scopes;
use crate::system::http::Method;

/// An endpoint of the API, read from its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) kind: EndpointKind,
    /// The path from `/v2/` on, with the query.
    pub(crate) path: String,
    pub(crate) repository: Option<String>,
    /// The tag, digest or upload id at the end of the path.
    pub(crate) reference: Option<String>,
}

/// The kinds of endpoints (distribution-spec `spec.md`, «Endpoints»).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndpointKind {
    Base,
    Catalog,
    Tags,
    Manifest,
    Blob,
    /// The endpoint that begins an upload.
    Uploads,
    /// An upload that has begun.
    Upload,
    Referrers,
    /// A path that the specification does not define.
    Other,
}

/// The longest accepted path, because some servers limit the length of the request line.
const LONGEST: usize = 8000;

impl Endpoint {
    /// Parses a path that a person typed, with or without `/v2/`. On Docker Hub, adds `library/` to a repository
    /// without a namespace.
    pub(crate) fn parse(text: &str, registry: &Registry) -> Result<Self, &'static str> {
        if text.len() > LONGEST || !text.bytes().all(|b| b.is_ascii_graphic()) || text.contains(['#', '\\']) {
            return Err("the path has characters that no address may have");
        }
        let (path, query) = text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)));
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = if path == "v2" { "" } else { path.strip_prefix("v2/").unwrap_or(path) };
        let mut segments: Vec<&str> = path.split('/').collect();
        let inner = segments.len() - 1;
        let odd = |segment: &&str| segment.is_empty() || is_dots(segment);
        if segments[..inner].iter().any(odd) || segments.last().is_some_and(|last| is_dots(last)) {
            return Err("a part of the path is empty or consists of dots");
        }
        if registry.is_docker_hub() && classify(&segments).1 == 1 {
            segments.insert(0, "library");
        }
        let (kind, length) = classify(&segments);
        let reference = segments.last().filter(|_| {
            matches!(kind, EndpointKind::Manifest | EndpointKind::Blob | EndpointKind::Upload | EndpointKind::Referrers)
        });
        Ok(Self {
            path: format!("/v2/{}{}", segments.join("/"), query.map(|query| format!("?{query}")).unwrap_or_default()),
            repository: (length > 0).then(|| segments[..length].join("/")),
            reference: reference.map(|reference| (*reference).to_owned()),
            kind,
        })
    }

    /// Returns the image for which an account is chosen.
    pub(crate) fn image(&self, registry: &Registry) -> Option<ImageReference> {
        let repository = self.repository.as_ref()?.parse().ok()?;
        Some(ImageReference::new(registry.clone(), repository))
    }

    /// Returns the digest in the path of a manifest or blob.
    pub(super) fn digest(&self) -> Option<&str> {
        let named = matches!(self.kind, EndpointKind::Manifest | EndpointKind::Blob);
        self.reference.as_deref().filter(|reference| named && reference.contains(':'))
    }

    /// Returns the smallest set of scopes that the request needs (distribution `registry/handlers/app.go`). If a
    /// registry requires further scopes, the registry's challenge lists the scopes.
    pub(super) fn scopes(&self, method: Method) -> Scopes {
        let Some(repository) = &self.repository else {
            return Scopes::parse(if self.kind == EndpointKind::Catalog { "registry:catalog:*" } else { "" });
        };
        let own = Scopes::repository(
            repository,
            match method {
                Method::Get | Method::Head => &["pull"],
                Method::Post | Method::Put | Method::Patch => &["pull", "push"],
                Method::Delete => &["delete"],
            },
        );
        match self.query("from").filter(|_| self.kind == EndpointKind::Uploads && method == Method::Post) {
            Some(other) => own.union(&Scopes::repository(other, &["pull"])), // a mount
            None => own,
        }
    }

    /// Returns the value of the `Accept` header, which is sent unless the person sets this header.
    pub(super) fn accept(&self) -> Option<&'static str> {
        match self.kind {
            EndpointKind::Manifest => Some(MANIFESTS),
            EndpointKind::Referrers => Some("application/vnd.oci.image.index.v1+json, application/json"),
            EndpointKind::Catalog | EndpointKind::Tags => Some("application/json"),
            _ => None,
        }
    }

    fn query(&self, name: &str) -> Option<&str> {
        let (_, query) = self.path.split_once('?')?;
        query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).filter(|value| !value.is_empty())
    }
}

fn is_dots(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    matches!(plain.as_str(), "." | "..")
}

/// Returns the kind of endpoint, and the number of path segments in the repository's name. The path is read from its
/// end, because a repository may itself be called `manifests`.
fn classify(segments: &[&str]) -> (EndpointKind, usize) {
    let count = segments.len();
    let ends = |words: &[&str]| {
        count > words.len()
            && segments[count - words.len()..].iter().zip(words).all(|(segment, word)| *word == "*" || segment == word)
    };
    match segments {
        [""] => (EndpointKind::Base, 0),
        ["_catalog"] => (EndpointKind::Catalog, 0),
        [.., _] if ends(&["tags", "list"]) => (EndpointKind::Tags, count - 2),
        [.., last] if ends(&["manifests", "*"]) && !last.is_empty() => (EndpointKind::Manifest, count - 2),
        [.., last] if ends(&["referrers", "*"]) && !last.is_empty() => (EndpointKind::Referrers, count - 2),
        [..] if ends(&["blobs", "uploads", ""]) => (EndpointKind::Uploads, count - 3),
        [..] if ends(&["blobs", "uploads", "*"]) => (EndpointKind::Upload, count - 3),
        [..] if ends(&["blobs", "uploads"]) || ends(&["blobs", ""]) => (EndpointKind::Uploads, count - 2),
        [..] if ends(&["blobs", "*"]) => (EndpointKind::Blob, count - 2),
        _ => (EndpointKind::Other, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn read(path: &str, host: &str) -> String {
        match Endpoint::parse(path, &host.parse().unwrap()) {
            Ok(Endpoint { kind, path, repository, reference }) => {
                let short = |text: Option<String>| text.unwrap_or_default().replace(DIGEST, "D");
                format!("{kind:?} {} [{}] [{}]", path.replace(DIGEST, "D"), short(repository), short(reference))
            }
            Err(why) => why.to_owned(),
        }
    }

    #[test]
    fn a_path_is_completed_and_understood() {
        for (path, expected) in [
            ("/v2/", "Base /v2/ [] []"),
            ("", "Base /v2/ [] []"),
            ("v2", "Base /v2/ [] []"),
            ("_catalog", "Catalog /v2/_catalog [] []"),
            ("/v2/_catalog?n=2&last=a", "Catalog /v2/_catalog?n=2&last=a [] []"),
            ("acme/app/tags/list", "Tags /v2/acme/app/tags/list [acme/app] []"),
            ("acme/app/manifests/1.0", "Manifest /v2/acme/app/manifests/1.0 [acme/app] [1.0]"),
            (&format!("acme/app/manifests/{DIGEST}"), "Manifest /v2/acme/app/manifests/D [acme/app] [D]"),
            (
                "/v2/manifests/manifests/manifests/1",
                "Manifest /v2/manifests/manifests/manifests/1 [manifests/manifests] [1]",
            ),
            ("tags/list/tags/list", "Tags /v2/tags/list/tags/list [tags/list] []"),
            (&format!("a/blobs/{DIGEST}"), "Blob /v2/a/blobs/D [a] [D]"),
            ("acme/app/blobs/", "Uploads /v2/acme/app/blobs/ [acme/app] []"),
            ("acme/app/blobs/uploads/", "Uploads /v2/acme/app/blobs/uploads/ [acme/app] []"),
            ("acme/app/blobs/uploads", "Uploads /v2/acme/app/blobs/uploads [acme/app] []"),
            ("acme/app/blobs/uploads/1-2", "Upload /v2/acme/app/blobs/uploads/1-2 [acme/app] [1-2]"),
            (&format!("a/referrers/{DIGEST}"), "Referrers /v2/a/referrers/D [a] [D]"),
            ("acme/app", "Other /v2/acme/app [] []"),
            ("manifests/1", "Other /v2/manifests/1 [] []"),
            ("a//manifests/1", "a part of the path is empty or consists of dots"),
            ("a/../manifests/1", "a part of the path is empty or consists of dots"),
            ("a/%2E./manifests/1", "a part of the path is empty or consists of dots"),
            ("..", "a part of the path is empty or consists of dots"),
            ("//evil.example/v2/", "a part of the path is empty or consists of dots"),
            ("a b", "the path has characters that no address may have"),
            ("a\r\nb", "the path has characters that no address may have"),
            ("a#b", "the path has characters that no address may have"),
            ("ä", "the path has characters that no address may have"),
        ] {
            assert_eq!(read(path, "h:5000"), expected, "{path}");
        }
    }

    #[test]
    fn on_docker_hub_a_repository_of_one_word_lies_in_library() {
        for (path, expected) in [
            ("alpine/tags/list", "Tags /v2/library/alpine/tags/list [library/alpine] []"),
            ("/v2/alpine/manifests/3", "Manifest /v2/library/alpine/manifests/3 [library/alpine] [3]"),
            ("alice/app/tags/list", "Tags /v2/alice/app/tags/list [alice/app] []"),
            ("_catalog", "Catalog /v2/_catalog [] []"),
        ] {
            assert_eq!(read(path, "docker.io"), expected);
        }
    }

    #[test]
    fn a_request_asks_for_no_more_than_it_needs() {
        use Method::{Delete, Get, Head, Patch, Post, Put};
        for (method, path, expected) in [
            (Get, "/v2/", ""),
            (Get, "_catalog", "registry:catalog:*"),
            (Get, "a/b/tags/list", "repository:a/b:pull"),
            (Head, "a/b/manifests/1", "repository:a/b:pull"),
            (Put, "a/b/manifests/1", "repository:a/b:pull,push"),
            (Delete, "a/b/manifests/1", "repository:a/b:delete"),
            (Post, "a/b/blobs/uploads/", "repository:a/b:pull,push"),
            (Patch, "a/b/blobs/uploads/1", "repository:a/b:pull,push"),
            (Delete, "a/b/blobs/sha256:1", "repository:a/b:delete"),
            (Post, "a/b/blobs/uploads/?mount=sha256:1&from=c/d", "repository:a/b:pull,push repository:c/d:pull"),
            (Get, "a/b/manifests/1?from=c/d", "repository:a/b:pull"),
            (Get, "a/b", ""),
        ] {
            let endpoint = Endpoint::parse(path, &"localhost:5000".parse().unwrap()).unwrap();
            assert_eq!(endpoint.scopes(method).to_string(), expected, "{method:?} {path}");
        }
    }

    #[test]
    fn the_usual_types_are_accepted() {
        for (path, expected) in [
            ("a/manifests/1", "docker.distribution.manifest.list.v2+json"),
            ("_catalog", "application/json"),
            ("a/referrers/sha256:1", "index"),
        ] {
            let endpoint = Endpoint::parse(path, &"h:1".parse().unwrap()).unwrap();
            assert!(endpoint.accept().unwrap().contains(expected));
        }
    }
}
