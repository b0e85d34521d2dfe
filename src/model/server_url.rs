//! `ServerUrl`: parses the server address that a client writes to a helper's stdin. The address identifies a registry
//! or one of Docker Hub's tokens.

use std::borrow::Cow;
use std::fmt;

use super::registry::strip_scheme;
use super::{Registry, Repository};

/// The trimmed server address that a client sent, and what the client requests with the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrl {
    text: String,
    target: Target,
}

/// What a client requests with a server address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An account of a registry. `user` is read from an address `user@host`. `repository` is read from an address
    /// `host/repository`. The tools of go-containerregistry (crane, ko, cosign) first send an address with a
    /// repository, and then the host only.
    Registry { registry: Registry, user: Option<String>, repository: Option<Repository> },
    /// One of the two tokens that `docker login` stores for a Docker Hub account.
    HubToken(HubToken),
}

/// The tokens that `docker login` stores in addition to the password of Docker Hub. The address of each token is Docker
/// Hub's address with a suffix (docker/cli `internal/oauth/manager/manager.go`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HubToken {
    Access,
    Refresh,
}

impl HubToken {
    pub const ALL: [Self; 2] = [Self::Access, Self::Refresh];

    /// Returns the suffix of the token's address. The suffix is also the token's name in Ensign's file of secrets.
    pub fn name(self) -> &'static str {
        match self {
            Self::Access => "access-token",
            Self::Refresh => "refresh-token",
        }
    }
}

impl ServerUrl {
    /// Reads the text on stdin; `None` if the text is blank. A text that is not an address becomes an opaque registry.
    ///
    /// Line ends (`\n` and `\r\n`) are removed, as `credentials.go` of docker-credential-helpers does. A carriage
    /// return without a line feed stays.
    pub fn parse(stdin: &str) -> Option<Self> {
        let text = stdin.trim().replace("\r\n", "").replace('\n', "");
        let target = Target::parse(&text);
        (!text.is_empty()).then_some(Self { text, target })
    }

    /// Tells whether two programs may read different hosts from the address. For example, a browser reads the host
    /// `evil.example` from `https://evil.example\@ghcr.io`. An ambiguous address is refused.
    pub fn is_ambiguous(&self) -> bool {
        is_ambiguous(self.text.split_once("://").map_or(&*self.text, |(_, address)| address))
    }

    /// Returns the address as the client sent it. Clients expect the address back unchanged.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn target(&self) -> &Target {
        &self.target
    }
}

impl Target {
    /// Returns the address's registry. The registry of a token's address is Docker Hub.
    pub fn registry(&self) -> Cow<'_, Registry> {
        match self {
            Self::Registry { registry, .. } => Cow::Borrowed(registry),
            Self::HubToken(_) => Cow::Owned(Registry::docker_hub()),
        }
    }

    fn parse(text: &str) -> Self {
        if let Some(rest) = text.strip_prefix(Registry::HUB_SERVER_URL)
            && let Some(token) = HubToken::ALL.into_iter().find(|token| token.name() == rest)
        {
            return Self::HubToken(token);
        }
        Self::address(text).unwrap_or_else(|| Self::Registry {
            registry: Registry::opaque(text),
            user: None,
            repository: None,
        })
    }

    fn address(text: &str) -> Option<Self> {
        let address = strip_scheme(text).filter(|address| !is_ambiguous(address))?;
        let (authority, path) = address.split_once('/').unwrap_or((address, ""));
        let (user, host) = match authority.rsplit_once('@') {
            // `docker login https://user:pw@host` sends only the host. Another client may send a password, which must
            // not be stored.
            Some((user, host)) => (Some(user.split(':').next().unwrap_or_default().to_owned()), host),
            None => (None, authority),
        };
        let registry = Registry::from_authority(host).ok()?;
        let path = path.trim_matches('/');
        if registry.is_docker_hub() && path.starts_with("v1/") {
            // An unknown address below `v1/` may be the address of another Docker Hub token, so no account answers for
            // it.
            return None;
        }
        let repository = if matches!(path, "" | "v1" | "v2") { None } else { Some(Repository::from_path(path)) };
        Some(Self::Registry { registry, user, repository })
    }
}

/// Tells whether two programs may read different hosts from the address. Some programs end the host at `?`, `#` or `\`,
/// or drop control characters. Other programs read these characters as part of the user name.
pub(crate) fn is_ambiguous(address: &str) -> bool {
    let authority = address.split('/').next().unwrap_or_default();
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    address.contains('\r') || user.contains(|c: char| matches!(c, '?' | '#' | '\\' | ' ') || c.is_control())
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> (String, Option<String>, Option<String>) {
        match ServerUrl::parse(text).unwrap().target {
            Target::Registry { registry, user, repository } => {
                (registry.to_string(), user, repository.map(|r| r.to_string()))
            }
            Target::HubToken(token) => (token.name().to_owned(), None, None),
        }
    }

    #[test]
    fn addresses_mean_registries_users_and_repositories() {
        for (text, registry, user, repository) in [
            ("ghcr.io", "ghcr.io", None, None),
            ("https://ghcr.io/v2/", "ghcr.io", None, None),
            ("ghcr.io/acme/app", "ghcr.io", None, Some("acme/app")),
            ("index.docker.io/library/alpine", "docker.io", None, Some("library/alpine")),
            ("bob@ghcr.io", "ghcr.io", Some("bob"), None),
            ("https://bob:pw@ghcr.io", "ghcr.io", Some("bob"), None),
            ("https://index.docker.io/v1/access-token", "access-token", None, None),
            ("https://index.docker.io/v1/other", "https://index.docker.io/v1/other", None, None),
            ("oci://ghcr.io", "oci://ghcr.io", None, None),
            ("not a host", "not a host", None, None),
            ("nope\n.example", "nope.example", None, None),
            ("nope\r\n.example", "nope.example", None, None),
            ("a?b@ghcr.io/c", "a?b@ghcr.io/c", None, None),
        ] {
            assert_eq!(
                target(text),
                (registry.to_owned(), user.map(str::to_owned), repository.map(str::to_owned)),
                "{text}"
            );
        }
    }

    #[test]
    fn an_address_whose_host_is_in_doubt_is_nobodys() {
        for (text, is_ambiguous) in [
            ("https://evil.example\\@ghcr.io", true),
            ("https://evil.example?@ghcr.io/", true),
            ("evil.example#@ghcr.io", true),
            ("evil.example#a@b@ghcr.io", true),
            ("HTTPS://bob\\x:pw@ghcr.io", true),
            ("evil.example @ghcr.io", true),
            ("evil.example\t@ghcr.io", true),
            ("\0\u{fffd}", false),
            ("ghcr.io\r.evil.example", true),
            ("ghcr.io\rHost: x", true),
            ("oci://evil.example?@ghcr.io", true),
            ("https://bob@ghcr.io", false),
            ("a@b@ghcr.io", false),
            ("https://ghcr.io/a?b@c", false),
            ("ghcr.io\r\n", false),
            ("ghcr.io\r", false),
        ] {
            let url = ServerUrl::parse(text).unwrap();
            assert_eq!(url.is_ambiguous(), is_ambiguous, "{text}");
            assert!(!is_ambiguous || url.target().registry().as_str() == text, "{text}");
        }
    }

    #[test]
    fn the_echo_is_the_trimmed_text() {
        assert_eq!(ServerUrl::parse(" \tGHCR.io/\r\n").unwrap().as_str(), "GHCR.io/");
        assert_eq!(ServerUrl::parse(" \r\n"), None);
    }
}
