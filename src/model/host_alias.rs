//! `HostAlias`: a host for which another registry's accounts answer. This module also finds other spellings of a
//! registry's name.

use super::registry::strip_scheme;
use super::{AccountName, Registry};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostAlias {
    pub(crate) host: Registry,
    pub(crate) registry: Registry,
    pub(crate) accounts: Vec<AccountName>,
}

/// The hosts of Docker Hardened Images and Docker Scout, which accept Docker Hub's login.
const OF_DOCKER_HUB: [&str; 2] = ["dhi.io", "registry.scout.docker.com"];

impl Registry {
    /// Returns the registry whose accounts answer for this host, even if the config has no entry for the host.
    pub(crate) fn served_by(&self) -> Option<Self> {
        OF_DOCKER_HUB.contains(&self.as_str()).then(Self::docker_hub)
    }

    /// Returns the hosts for which this registry's accounts answer, even if the config has no entry for these hosts.
    pub(crate) fn serves(&self) -> impl Iterator<Item = Self> {
        let hosts = if self.is_docker_hub() { &OF_DOCKER_HUB[..] } else { &[] };
        hosts.iter().map(|host| Self::from_key(host))
    }

    /// Returns the registry of an address. If the address spells `host[:port]` differently from the registry's
    /// canonical name, this spelling is also returned. Docker, Podman, crane, regctl and the kubelet look up exactly
    /// the text before the first `/` of an image.
    pub(crate) fn spelled(address: &str) -> Option<(Self, Option<String>)> {
        let (has_scheme, rest) = (address.contains("://"), strip_scheme(address.trim())?);
        let authority = rest.split('/').next().unwrap_or_default();
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let registry = Self::from_authority(authority).ok()?;
        // Docker Hub's address with a scheme is not reported as another spelling, because every client uses that
        // address.
        let is_ours = authority == registry.as_str() || (registry.is_docker_hub() && has_scheme);
        Some((registry, (!is_ours).then(|| authority.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spelling_is_what_stands_before_the_first_slash() {
        for (address, registry, spelling) in [
            ("ghcr.io", "ghcr.io", None),
            ("https://ghcr.io/v2/", "ghcr.io", None),
            ("ghcr.io:443", "ghcr.io", Some("ghcr.io:443")),
            ("https://bob@GHCR.io:443/v2/", "ghcr.io", Some("GHCR.io:443")),
            ("GHCR.io/acme/app:1", "ghcr.io", Some("GHCR.io")),
            ("https://index.docker.io/v1/", "docker.io", None),
            ("docker.io/alice/app", "docker.io", None),
            ("registry-1.docker.io", "docker.io", Some("registry-1.docker.io")),
        ] {
            let expected = (Registry::from_key(registry), spelling.map(str::to_owned));
            assert_eq!(Registry::spelled(address), Some(expected), "{address}");
        }
        assert_eq!(Registry::spelled("oci://x/y"), None);
        assert_eq!(Registry::from_key("dhi.io").served_by(), Some(Registry::docker_hub()));
        assert_eq!(Registry::from_key("ghcr.io").serves().count(), 0);
    }
}
