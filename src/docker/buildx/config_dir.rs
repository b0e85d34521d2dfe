//! `ConfigDir`: what one of buildx's folders is for, which is its path.

use std::path::{Path, PathBuf};

use crate::model::{ImageReference, Registry, Repository};

/// What a folder is for; its path below the root says so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConfigDir {
    pub(crate) registry: Registry,
    /// Exactly this one; `None`: all that have no folder of their own.
    pub(crate) repository: Option<Repository>,
    pub(crate) scope: RequestScope,
}

/// Which requests a folder is for. There is no `@pull`: a push asks for both, and would be answered there too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RequestScope {
    Any,
    /// Goes before [`RequestScope::Any`] of the same repository.
    Push,
}

impl ConfigDir {
    /// The image whose account the folder should name.
    pub(crate) fn image(&self) -> Option<ImageReference> {
        Some(ImageReference::new(self.registry.clone(), self.repository.clone()?))
    }

    /// Tells whether it is the repository's of `image`.
    pub(crate) fn is_of(&self, image: &ImageReference) -> bool {
        self.registry == *image.registry() && self.repository.as_ref() == Some(image.repository())
    }

    /// Where it is, below the root: `ghcr.io/acme/app@push`. A registry stands there by the name of its API.
    pub(crate) fn path(&self) -> PathBuf {
        let repository = self.repository.as_ref().map(|repository| format!("/{repository}")).unwrap_or_default();
        let scope = self.scope.word().map(|word| format!("@{word}")).unwrap_or_default();
        PathBuf::from(format!("{}{repository}{scope}", self.registry.api_authority()))
    }

    /// Understands a path below the root; `None` for those that are never ours.
    pub(super) fn parse(path: &Path) -> Option<Self> {
        let text = path.to_str()?;
        let (name, scope) =
            text.strip_suffix("@push").map_or((text, RequestScope::Any), |name| (name, RequestScope::Push));
        let (host, repository) = name.split_once('/').map_or((name, None), |(host, path)| (host, Some(path)));
        let repository = repository.map(str::parse).transpose().ok()?;
        let place = Self { registry: Registry::from_authority(host).ok()?, repository, scope };
        (place.path() == path).then_some(place)
    }
}

impl RequestScope {
    /// How a folder's name says it.
    pub(crate) fn word(self) -> Option<&'static str> {
        match self {
            Self::Any => None,
            Self::Push => Some("push"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_its_path() {
        for (path, is_place) in [
            ("ghcr.io", true),
            ("ghcr.io@push", true),
            ("ghcr.io/acme/app", true),
            ("ghcr.io/acme/app@push", true),
            ("localhost:5000/acme", true),
            ("registry-1.docker.io/library/alpine", true),
            ("atcr.io/did:plc:abc/app", true),
            ("docker.io/library/alpine", false),
            ("ghcr.io/acme/app@pull", false),
            ("ghcr.io/acme/app@push,pull", false),
            ("ghcr.io/acme/app@", false),
            ("ghcr.io@push/acme", false),
            ("GHCR.io/acme", false),
            ("ghcr.io/Acme", false),
            ("ghcr.io:443/acme", false),
            ("a b/acme", false),
            ("", false),
        ] {
            assert_eq!(ConfigDir::parse(Path::new(path)).is_some(), is_place, "{path}");
        }
    }
}
