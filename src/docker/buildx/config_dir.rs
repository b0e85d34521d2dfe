//! `ConfigDir`: the registry, the repository and the kind of request for which buildx uses a config folder.

use std::path::{Path, PathBuf};

use crate::model::{ImageReference, Registry, Repository};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConfigDir {
    pub(crate) registry: Registry,
    /// The repository. `None` means all repositories that have no folder of their own.
    pub(crate) repository: Option<Repository>,
    pub(crate) scope: RequestScope,
}

/// The requests for which buildx uses a folder. There is no scope only for pulls, because a push also requests pull
/// access. Therefore buildx would use such a folder for pushes too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RequestScope {
    Any,
    /// Pushes only. For a push, a folder with scope `Push` takes precedence over the repository's folder with scope
    /// [`RequestScope::Any`].
    Push,
}

impl ConfigDir {
    /// Returns the image that selects the folder's account, or `None` if the folder is for a whole registry.
    pub(crate) fn image(&self) -> Option<ImageReference> {
        Some(ImageReference::new(self.registry.clone(), self.repository.clone()?))
    }

    /// Tells whether the folder is for the repository of `image`.
    pub(crate) fn is_of(&self, image: &ImageReference) -> bool {
        self.registry == *image.registry() && self.repository.as_ref() == Some(image.repository())
    }

    /// Returns the path below the root, such as `ghcr.io/acme/app@push`. The path begins with the registry's API host.
    pub(crate) fn path(&self) -> PathBuf {
        let repository = self.repository.as_ref().map(|repository| format!("/{repository}")).unwrap_or_default();
        let scope = self.scope.word().map(|word| format!("@{word}")).unwrap_or_default();
        PathBuf::from(format!("{}{repository}{scope}", self.registry.api_authority()))
    }

    /// Parses a path below the root. Returns `None` for a path that Ensign never makes.
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
    /// Returns the suffix of the folder's name.
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
