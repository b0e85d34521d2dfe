//! `Registry`: the canonical name of a registry. Two registries are the same if their names are equal.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;
use std::sync::Arc;

use super::InvalidName;

/// A registry's canonical `host[:port]`.
///
/// The host is in lower case, port 443 is left out, and every name of Docker Hub is `docker.io`. Some callers send a
/// text that is not a host. [`Registry::opaque`] stores this text unchanged. A key of the config may be a pattern of
/// hosts. Every account contains a copy of its registry, so a copy has to be cheap.
///
/// ```
/// # use ensign::model::Registry;
/// let hub: Registry = "https://index.docker.io/v1/".parse().unwrap();
/// assert_eq!(hub.as_str(), "docker.io");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Registry(Arc<str>);

/// The error for a text that is not `host` or `host:port`.
pub(super) const NOT_A_HOST: InvalidName =
    InvalidName("a registry is `host` or `host:port`, such as `ghcr.io` or `localhost:5000`");

/// Docker Hub's names are the domain in image names, two API hosts, and the web site's host. Jib sends the web site's
/// host.
const HUB_NAMES: [&str; 4] = ["docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"];

impl Registry {
    /// The server address that docker, compose, buildx, oras and helm send for Docker Hub
    /// (docker/cli `cli/config/configfile/file.go`).
    pub const HUB_SERVER_URL: &str = "https://index.docker.io/v1/";

    pub fn docker_hub() -> Self {
        Self(HUB_NAMES[0].into())
    }

    /// Returns the registry of `authority`, which is `host[:port]` or any name of Docker Hub. Capital and small letters
    /// are equal.
    pub fn from_authority(authority: &str) -> Result<Self, InvalidName> {
        if authority.is_empty() {
            return Err(InvalidName("no registry was given; a registry is a host such as `ghcr.io`"));
        }
        // The text is converted to lower case before the check. `İ` is refused, because its lower case contains a
        // combining mark.
        let authority = authority.to_lowercase();
        let (host, port) = split_port(&authority)?;
        if port.is_none_or(|port| port == "443") {
            return Ok(if HUB_NAMES.contains(&host) { Self::docker_hub() } else { Self(host.into()) });
        }
        Ok(Self(authority.into()))
    }

    /// Stores a text that is not a host. The result equals only a registry with the same text.
    pub fn opaque(key: &str) -> Self {
        Self(key.into())
    }

    /// Reads a key of Ensign's config. A key that is not canonical is made canonical, because a person may have written
    /// the key.
    pub fn from_key(key: &str) -> Self {
        if is_plain(key) && !HUB_NAMES[1..].contains(&key) {
            return Self(key.into());
        }
        key.parse().or_else(|_| Self::pattern(key)).unwrap_or_else(|_| Self::opaque(key))
    }

    /// Tells whether `key` of Ensign's config refers to this registry. A canonical key of another registry is rejected
    /// quickly.
    pub fn is_key(&self, key: &str) -> bool {
        // Only Docker Hub has other names that look canonical.
        *self.0 == *key || ((self.is_docker_hub() || !is_plain(key)) && Self::from_key(key) == *self)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_docker_hub(&self) -> bool {
        *self.0 == *HUB_NAMES[0]
    }

    /// Returns this registry's key in Docker's config and in the answer to Docker's `list`. Docker Hub's key is a URL.
    pub fn docker_key(&self) -> &str {
        if self.is_docker_hub() { Self::HUB_SERVER_URL } else { &self.0 }
    }

    /// Returns the `host[:port]` for requests to the registry. Docker Hub's API host differs from its registry name.
    pub fn api_authority(&self) -> &str {
        if self.is_docker_hub() { "registry-1.docker.io" } else { &self.0 }
    }

    /// Returns the host without port and brackets.
    pub fn host(&self) -> &str {
        let host = split_port(&self.0).map_or(&*self.0, |(host, _)| host);
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Tells whether the registry is on this machine, where Docker allows plain http.
    pub fn is_loopback(&self) -> bool {
        let host = self.host();
        host == "localhost" || host.ends_with(".localhost") || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }
}

/// Reads a registry as a person types it, such as `ghcr.io`, `GHCR.io:443` or `https://ghcr.io/v2/`.
impl FromStr for Registry {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let address = strip_scheme(text).ok_or(NOT_A_HOST)?;
        let (authority, path) = address.split_once('/').unwrap_or((address, ""));
        if !matches!(path.trim_end_matches('/'), "" | "v1" | "v2") {
            return Err(InvalidName("a registry is only a host, without a repository"));
        }
        Self::from_authority(authority)
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Removes `http://` or `https://`; `None` for any other scheme.
pub(super) fn strip_scheme(text: &str) -> Option<&str> {
    match text.split_once("://") {
        Some((scheme, rest)) if ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) => Some(rest),
        Some(_) => None,
        None => Some(text),
    }
}

/// Splits `host[:port]`. Hosts may contain characters outside ASCII, because `docker login` sends these characters
/// unchanged.
fn split_port(authority: &str) -> Result<(&str, Option<&str>), InvalidName> {
    let (host, port, is_address) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((inside, rest)) => {
            inside.parse::<Ipv6Addr>().map_err(|_| NOT_A_HOST)?;
            let port = if rest.is_empty() { None } else { Some(rest.strip_prefix(':').ok_or(NOT_A_HOST)?) };
            (&authority[..inside.len() + 2], port, true)
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port), false),
            None => (authority, None, false),
        },
    };
    let is_name = host.len() <= 253
        && host.starts_with(char::is_alphanumeric)
        && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
    // A port such as `+443` or `0443` is refused, because otherwise one registry would have several names.
    let port_ok = port.is_none_or(|port| port.starts_with(|c| matches!(c, '1'..='9')) && port.parse::<u16>().is_ok());
    if (is_address || is_name) && port_ok { Ok((host, port)) } else { Err(NOT_A_HOST) }
}

/// Tells whether a key of Ensign's config is already canonical, without an allocation.
fn is_plain(key: &str) -> bool {
    let is_plain = |b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b':' | b'_');
    key.bytes().all(is_plain) && !key.ends_with(":443")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_registry_are_equal() {
        for (text, canonical) in [
            ("ghcr.io", "ghcr.io"),
            (" GHCR.io\n", "ghcr.io"),
            ("https://ghcr.io/v2/", "ghcr.io"),
            ("HTTPS://ghcr.io:443", "ghcr.io"),
            ("http://ghcr.io:80", "ghcr.io:80"),
            ("localhost:5000", "localhost:5000"),
            ("[::1]:5000", "[::1]:5000"),
            ("[2001:DB8::1]", "[2001:db8::1]"),
            ("docker.io", "docker.io"),
            ("https://index.docker.io/v1/", "docker.io"),
            ("https://index.docker.io/v1", "docker.io"),
            ("registry-1.docker.io:443", "docker.io"),
            ("registry.hub.docker.com", "docker.io"),
            ("registry-1.docker.io:5000", "registry-1.docker.io:5000"),
            ("bücher.example", "bücher.example"),
        ] {
            assert_eq!(text.parse::<Registry>().unwrap().as_str(), canonical, "{text}");
            assert!(Registry::from_key(canonical).is_key(canonical));
        }
    }

    #[test]
    fn the_longest_host_is_read() {
        let is_read = |length: usize| "a".repeat(length).parse::<Registry>().is_ok();
        assert_eq!((is_read(253), is_read(254)), (true, false));
    }

    #[test]
    fn what_is_no_registry_is_refused() {
        for (text, error) in [
            ("", "no registry was given"),
            ("https://", "no registry was given"),
            ("not a host", "`host:port`"),
            ("oci://ghcr.io", "`host:port`"),
            ("ghcr.io:http", "`host:port`"),
            ("ghcr.io:0", "`host:port`"),
            ("ghcr.io:+443", "`host:port`"),
            ("ghcr.io:0443", "`host:port`"),
            ("İ.example", "`host:port`"),
            ("ghcr.io:99999", "`host:port`"),
            ("::1", "`host:port`"),
            ("[::1", "`host:port`"),
            ("[a b", "`host:port`"),
            ("bob@ghcr.io", "`host:port`"),
            ("ghcr.io/acme", "without a repository"),
        ] {
            let found = text.parse::<Registry>().unwrap_err().to_string();
            assert!(found.contains(error), "{text}: {found}");
        }
    }

    #[test]
    fn a_key_written_by_hand_still_means_its_registry() {
        let ghcr = Registry::from_key("ghcr.io");
        assert!(ghcr.is_key("https://GHCR.io/"));
        assert!(!ghcr.is_key("ghcr.io:5000"));
        assert!(!ghcr.is_key("QUAY.io"));
        assert!(Registry::docker_hub().is_key("index.docker.io"));
    }

    #[test]
    fn docker_hub_has_other_names_for_its_key_and_its_api() {
        let (hub, ghcr) = (Registry::docker_hub(), Registry::from_key("ghcr.io"));
        assert_eq!((hub.docker_key(), hub.api_authority()), ("https://index.docker.io/v1/", "registry-1.docker.io"));
        assert_eq!((ghcr.docker_key(), ghcr.api_authority()), ("ghcr.io", "ghcr.io"));
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (text, loopback) in [
            ("localhost:5000", true),
            ("127.0.0.1", true),
            ("[::1]:5000", true),
            ("ghcr.io", false),
            ("128.0.0.1", false),
        ] {
            assert_eq!(text.parse::<Registry>().unwrap().is_loopback(), loopback, "{text}");
        }
    }
}
