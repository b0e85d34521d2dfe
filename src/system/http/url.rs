//! `Url`: the address of a request.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use ureq::http::Uri;

/// An absolute `http` or `https` URL without user information and without a fragment. `ureq`, which sends the requests,
/// also parses the URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url(pub(super) Uri);

/// The longest link to show, in bytes. A person could not copy a longer link into a browser.
const LONGEST_LINK: usize = 500;

impl Url {
    /// Parses a URL. Only ASCII is accepted, because `ureq` panics if a query contains other characters.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?; // the parser drops a fragment silently
        let plain = text.is_ascii() && !text.contains('#') && matches!(uri.scheme_str()?, "http" | "https");
        let host = uri.host()?;
        let port = uri.authority()?.as_str().strip_prefix(host)?; // `None` if there is user information before the host
        let host_ok = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(inside) => inside.parse::<Ipv6Addr>().is_ok(),
            None => host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')),
        };
        let digits = port.strip_prefix(':').filter(|port| port.bytes().all(|b| b.is_ascii_digit()));
        let port_ok = port.is_empty() || digits.and_then(|port| port.parse::<u16>().ok()).is_some_and(|port| port > 0);
        (plain && host_ok && port_ok && (1..=255).contains(&host.len())).then_some(Self(uri))
    }

    /// Returns the URL of `path` on this server. `path` must begin with exactly one `/`.
    pub(crate) fn at(&self, path: &str) -> Option<Self> {
        let scheme = if self.is_https() { "https" } else { "http" };
        (path.starts_with('/') && !path.starts_with("//"))
            .then(|| Self::parse(&format!("{scheme}://{}{path}", self.authority())))
            .flatten()
    }

    /// Resolves the value of a `Location` header. The value is a URL, or a path on the same server.
    pub(crate) fn follow(&self, location: &str) -> Option<Self> {
        if location.starts_with('/') { self.at(location) } else { Self::parse(location) }
    }

    /// Returns the same URL with one more pair in its query.
    pub(crate) fn with(&self, pair: &str) -> Option<Self> {
        let separator = if self.0.query().is_some() { '&' } else { '?' };
        Self::parse(&format!("{}{separator}{pair}", self.0))
    }

    /// Tells whether both URLs have the same scheme, host and port, so that both may get the same credentials.
    pub(crate) fn is_same_origin(&self, other: &Self) -> bool {
        (self.is_https(), self.host(), self.port()) == (other.is_https(), other.host(), other.port())
    }

    /// Returns the page where a person can log in. The server's `page` is returned if it is on the server's host or a
    /// parent domain. Otherwise the root of the server is returned.
    pub(crate) fn own_page(&self, page: Option<&str>) -> String {
        let is_near = |page: &Self| {
            let (page, host) = (page.host(), self.host());
            let is_parent = || self.ip().is_none() && page.contains('.') && host.ends_with(&format!(".{page}"));
            page == host || is_parent()
        };
        page.filter(|text| text.len() <= LONGEST_LINK && text.bytes().all(|b| b.is_ascii_graphic()))
            .and_then(Self::parse)
            .filter(|page| (page.is_https() || !self.is_https()) && is_near(page))
            .or_else(|| self.at("/"))
            .map_or_else(|| self.authority().to_owned(), |page| page.to_string())
    }

    pub(crate) fn is_https(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.port_u16().unwrap_or(if self.is_https() { 443 } else { 80 })
    }

    pub(crate) fn path(&self) -> &str {
        self.0.path()
    }

    /// Returns `host[:port]` exactly as written in the URL.
    pub(crate) fn authority(&self) -> &str {
        self.0.authority().map_or("", |authority| authority.as_str())
    }

    /// Returns the host in lower case, without the brackets of an IPv6 address.
    pub(crate) fn host(&self) -> String {
        self.0.host().unwrap_or_default().trim_matches(['[', ']']).to_lowercase()
    }

    /// Returns the host's IP address; `None` if the host is a name.
    pub(crate) fn ip(&self) -> Option<IpAddr> {
        self.host().parse().ok().map(|ip: IpAddr| ip.to_canonical())
    }

    /// Tells whether the host is a name or an IP address of this machine itself, such as `localhost`.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.host();
        host == "localhost" || host.ends_with(".localhost") || self.ip().is_some_and(|ip| ip.is_loopback())
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_for_one_origin() {
        let registry = Url::parse("https://r.example/v2/").unwrap();
        for (other, same) in [
            ("https://r.example/v2/a?b", true),
            ("https://R.example:443/", true),
            ("https://r.example:8443/", false),
            ("http://r.example/", false),
            ("http://r.example:443/", false),
            ("https://r.example.evil/", false),
        ] {
            assert_eq!(Url::parse(other).unwrap().is_same_origin(&registry), same, "{other}");
        }
        assert_eq!(registry.with("a=b").unwrap().to_string(), "https://r.example/v2/?a=b");
        assert_eq!(registry.with("a=b").unwrap().with("c=d").unwrap().to_string(), "https://r.example/v2/?a=b&c=d");
    }

    #[test]
    fn an_address_is_http_without_user_and_fragment() {
        for (text, host) in [
            ("https://ghcr.io/v2/", Some("ghcr.io")),
            ("https://GHCR.io", Some("ghcr.io")),
            ("http://[::1]:5000/v2/", Some("::1")),
            ("https://h:8443/token?a=b", Some("h")),
            ("https://bob@h/", None),
            ("https://ghcr.io:x@h/", None),
            ("https://h/#f", None),
            ("https://h:/", None),
            ("https://h:+1/", None),
            ("https://%68/", None),
            ("https://[h]/", None),
            ("https://h:0/", None),
            ("https://h:99999/", None),
            ("https://", None),
            ("https:///v2/", None),
            ("ftp://h/", None),
            ("/v2/", None),
            ("h", None),
            ("https://h/?ü", None),
            ("https://h\\@evil/", None),
            ("https://h/ x", None),
            ("https://h/\r\nx: y", None),
            ("", None),
        ] {
            assert_eq!(Url::parse(text).map(|url| url.host()).as_deref(), host, "{text}");
        }
    }

    #[test]
    fn a_path_stays_on_its_host() {
        let url = Url::parse("https://h:1/v2/").unwrap();
        for (path, resolved) in [
            ("/token?a=b", Some("https://h:1/token?a=b")),
            ("//evil/token", None),
            ("token", None),
            ("/a#b", None),
            ("", None),
        ] {
            assert_eq!(url.at(path), resolved.and_then(Url::parse), "{path}");
        }
    }

    #[test]
    fn a_page_to_log_in_at_is_the_servers_own() {
        for (registry, login_url, page) in [
            ("https://r.atcr.io/v2/", "https://r.atcr.io/login?a=b", "https://r.atcr.io/login?a=b"),
            ("https://r.atcr.io/v2/", "https://ATCR.io/login", "https://ATCR.io/login"),
            ("https://r.atcr.io/v2/", "https://www.atcr.io/login", "https://r.atcr.io/"),
            ("https://r.atcr.io/v2/", "https://xr.atcr.io/", "https://r.atcr.io/"),
            ("https://r.atcr.io/v2/", "https://io/", "https://r.atcr.io/"),
            ("https://r.atcr.io/v2/", "https://evil.example/", "https://r.atcr.io/"),
            ("https://r.atcr.io/v2/", "https://r.atcr.io@evil.example/", "https://r.atcr.io/"),
            ("https://r.atcr.io/v2/", "https://r.atcr.io.evil.example/", "https://r.atcr.io/"),
            ("https://r.atcr.io/v2/", "http://r.atcr.io/login", "https://r.atcr.io/"),
            ("https://r.atcr.io/v2/", "javascript:alert(1)", "https://r.atcr.io/"),
            ("https://r.atcr.io/v2/", "/login", "https://r.atcr.io/"),
            ("https://r.atcr.io/v2/", "https://r.atcr.io/a\u{1b}[2J", "https://r.atcr.io/"),
            ("https://r.atcr.io/v2/", "", "https://r.atcr.io/"),
            ("https://10.1.2.3:5000/v2/", "https://2.3/", "https://10.1.2.3:5000/"),
            ("http://localhost:5000/v2/", "http://localhost:8080/login", "http://localhost:8080/login"),
        ] {
            assert_eq!(Url::parse(registry).unwrap().own_page(Some(login_url)), page, "{login_url}");
        }
        let long = format!("https://r.example/{}", "a".repeat(LONGEST_LINK));
        for login_url in [None, Some(long.as_str())] {
            assert_eq!(Url::parse("https://r.example/v2/").unwrap().own_page(login_url), "https://r.example/");
        }
    }
}
