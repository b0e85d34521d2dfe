//! `Proxies`: which proxy a request goes through. The variables are read as Go's `http.ProxyFromEnvironment` reads them,
//! which Docker uses (golang.org/x/net/http/httpproxy); `ALL_PROXY`, which is not Go's, comes after them.

use std::net::IpAddr;

use ureq::{Proxy, ProxyProtocol};

use super::{Failure, Url};
use crate::model::Network;
use crate::system::env;

/// What the environment says. It does not print: the address of a proxy may hold a password.
#[derive(Clone)]
pub(super) struct Proxies {
    https: Way,
    http: Way,
    exceptions: Vec<Exception>,
}

#[derive(Clone)]
enum Way {
    Direct,
    Through(Proxy),
    /// The reason, which does not repeat the address.
    Unusable(String),
}

/// An entry of `NO_PROXY`: who is asked directly. Without a port it is for all of them.
#[derive(Clone, Debug)]
enum Exception {
    Everybody,
    Network(Network),
    Address(IpAddr, Option<u16>),
    /// The name itself, without a dot before it.
    Domain {
        name: String,
        only_below: bool,
        port: Option<u16>,
    },
}

impl Proxies {
    pub(super) fn from_environment() -> Self {
        Self::read(|name| env::variable(name)?.into_string().ok())
    }

    /// `None`: the request goes to its server directly.
    pub(super) fn of(&self, url: &Url) -> Result<Option<Proxy>, Failure> {
        match if url.is_https() { &self.https } else { &self.http } {
            _ if url.is_loopback() || self.exceptions.iter().any(|exception| exception.covers(url)) => Ok(None),
            Way::Direct => Ok(None),
            Way::Through(proxy) => Ok(Some(proxy.clone())),
            Way::Unusable(why) => Err(Failure(why.clone())),
        }
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| variable(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let either = |name: &str| text(name).or_else(|| text(&name.to_lowercase()));
        let of_all = || match either("ALL_PROXY").map(|address| Way::parse("ALL_PROXY", &address)) {
            Some(Way::Through(proxy)) => Way::Through(proxy),
            _ => Way::Direct, // it may be meant for programs that speak SOCKS
        };
        let way = |name: &str| either(name).map_or_else(of_all, |address| Way::parse(name, &address));
        // To a program that serves a web page this variable is a header of a stranger's request (golang.org/s/cgihttpproxy).
        let is_cgi = text("REQUEST_METHOD").is_some();
        Self {
            https: way("HTTPS_PROXY"),
            http: if is_cgi { of_all() } else { way("HTTP_PROXY") },
            exceptions: either("NO_PROXY").unwrap_or_default().split(',').filter_map(Exception::parse).collect(),
        }
    }
}

/// For the end of a sentence about a failure.
pub(super) fn by_way_of(proxy: Option<&Proxy>) -> String {
    proxy.map_or_else(String::new, |proxy| format!(", by way of the proxy `{}:{}`", proxy.host(), proxy.port()))
}

impl Way {
    fn parse(name: &str, address: &str) -> Self {
        let address = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
        match Proxy::new(&address) {
            Ok(proxy) if matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https) => Self::Through(proxy),
            Ok(_) => Self::Unusable(format!("`{name}` names a SOCKS proxy, which is not supported")),
            Err(_) => Self::Unusable(format!("`{name}` is no address of a proxy")),
        }
    }
}

impl Exception {
    /// `None` for an entry without a host.
    fn parse(entry: &str) -> Option<Self> {
        let entry = entry.trim().to_lowercase();
        if entry == "*" {
            return Some(Self::Everybody);
        }
        if let Ok(network) = entry.parse() {
            return Some(Self::Network(network));
        }
        let bare = |text: &str| text.trim_matches(['[', ']']).parse::<IpAddr>().ok();
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) if bare(&entry).is_none() => (host, Some(port.parse().ok()?)),
            _ => (entry.as_str(), None),
        };
        if let Some(address) = bare(host) {
            return Some(Self::Address(address.to_canonical(), port));
        }
        let below = host.strip_prefix("*.").or_else(|| host.strip_prefix('.'));
        let name = below.unwrap_or(host).to_owned();
        (!name.is_empty()).then_some(Self::Domain { name, only_below: below.is_some(), port })
    }

    fn covers(&self, url: &Url) -> bool {
        let is_port = |port: &Option<u16>| port.is_none_or(|port| port == url.port());
        match self {
            Self::Everybody => true,
            Self::Network(network) => url.ip().is_some_and(|ip| network.contains(ip)),
            Self::Address(address, port) => url.ip() == Some(*address) && is_port(port),
            Self::Domain { name, only_below, port } => {
                let host = url.host();
                let rest = host.strip_suffix(name.as_str());
                is_port(port) && rest.is_some_and(|rest| rest.ends_with('.') || (rest.is_empty() && !only_below))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `DIRECT`, the proxy, or why there is neither.
    fn way(variables: &str, url: &str) -> String {
        let value = |name: &str| {
            let pairs = variables.split(' ').filter_map(|pair| pair.split_once('='));
            pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.replace('_', " ")).next()
        };
        match Proxies::read(value).of(&Url::parse(url).unwrap()) {
            Ok(None) => "DIRECT".to_owned(),
            Ok(Some(proxy)) => format!("{} {}:{}", proxy.protocol(), proxy.host(), proxy.port()),
            Err(Failure(why)) => why,
        }
    }

    #[test]
    fn each_scheme_has_its_variable() {
        let (https, http) = ("https://ghcr.io/v2/", "http://reg.lan:5000/v2/");
        for (variables, of_https, of_http) in [
            ("", "DIRECT", "DIRECT"),
            ("HTTPS_PROXY=http://a:1", "HTTP a:1", "DIRECT"),
            ("HTTP_PROXY=http://b:2", "DIRECT", "HTTP b:2"),
            ("HTTPS_PROXY=http://a:1 HTTP_PROXY=https://b", "HTTP a:1", "HTTPS b:443"),
            ("https_proxy=a:1 http_proxy=b", "HTTP a:1", "HTTP b:80"),
            ("HTTPS_PROXY=a:1 https_proxy=b:2", "HTTP a:1", "DIRECT"),
            ("HTTPS_PROXY= https_proxy=b:2", "HTTP b:2", "DIRECT"),
            ("HTTPS_PROXY=__a:1_", "HTTP a:1", "DIRECT"),
            ("HTTPS_PROXY=me:s3cret@a:1", "HTTP a:1", "DIRECT"),
            ("ALL_PROXY=c:3", "HTTP c:3", "HTTP c:3"),
            ("ALL_PROXY=c:3 HTTPS_PROXY=a:1", "HTTP a:1", "HTTP c:3"),
            ("ALL_PROXY=socks5://c:3 HTTPS_PROXY=a:1", "HTTP a:1", "DIRECT"),
            ("HTTP_PROXY=b:2 HTTPS_PROXY=a:1 REQUEST_METHOD=GET", "HTTP a:1", "DIRECT"),
            ("http_proxy=b:2 ALL_PROXY=c:3 REQUEST_METHOD=GET", "HTTP c:3", "HTTP c:3"),
            (
                "HTTPS_PROXY=socks5://me:s3cret@a:1",
                "`HTTPS_PROXY` names a SOCKS proxy, which is not supported",
                "DIRECT",
            ),
            ("HTTPS_PROXY=ftp://me:s3cret@a:1", "`HTTPS_PROXY` is no address of a proxy", "DIRECT"),
            ("HTTP_PROXY=http://", "DIRECT", "`HTTP_PROXY` is no address of a proxy"),
            ("HTTPS_PROXY=socks5://a:1 NO_PROXY=ghcr.io", "DIRECT", "DIRECT"),
        ] {
            assert_eq!((way(variables, https), way(variables, http)), (of_https.into(), of_http.into()), "{variables}");
        }
    }

    #[test]
    fn who_is_excepted_is_asked_directly() {
        for (no_proxy, url, direct) in [
            ("*", "https://ghcr.io/", true),
            ("a.example,_*_", "https://ghcr.io/", true),
            ("example.com", "https://example.com/", true),
            ("example.com", "https://EXAMPLE.com/", true),
            ("EXAMPLE.com", "https://reg.example.com/", true),
            ("example.com", "https://badexample.com/", false),
            ("example.com", "https://example.com.evil/", false),
            ("a.example,_example.com_,b.example", "https://reg.example.com/", true),
            (".example.com", "https://reg.example.com/", true),
            (".example.com", "https://example.com/", false),
            ("*.example.com", "https://a.b.example.com/", true),
            ("*.example.com", "https://example.com/", false),
            ("example.com:443", "https://example.com/", true),
            ("example.com:5000", "https://reg.example.com:5000/", true),
            ("example.com:5000", "https://example.com/", false),
            (".example.com:5000", "https://reg.example.com:5000/", true),
            ("10.1.2.3", "https://10.1.2.3/", true),
            ("10.1.2.3", "https://10.1.2.4/", false),
            ("10.1.2.3:5000", "https://10.1.2.3:5000/", true),
            ("10.1.2.3:5000", "https://10.1.2.3/", false),
            ("10.0.0.0/8", "https://10.1.2.3:5000/", true),
            ("10.0.0.0/8", "https://11.1.2.3/", false),
            ("10.0.0.0/8", "https://ten.example/", false),
            ("fd00::/8", "https://[fd12::1]/", true),
            ("fd12::1", "https://[fd12::1]:5000/", true),
            ("[fd12::1]", "https://[fd12::1]/", true),
            ("[fd12::1]:5000", "https://[fd12::1]:5000/", true),
            ("[fd12::1]:5000", "https://[fd12::1]/", false),
            ("", "https://ghcr.io/", false),
            (",_,:443,.,*.", "https://ghcr.io/", false),
            ("ghcr.io:x", "https://ghcr.io/", false),
            ("", "https://localhost:5000/", true),
            ("", "https://127.1.2.3/", true),
            ("", "https://[::1]:5000/", true),
            ("", "https://localhost.evil.example/", false),
        ] {
            for name in ["NO_PROXY", "no_proxy"] {
                let told = way(&format!("HTTPS_PROXY=a:1 {name}={no_proxy}"), url);
                assert_eq!(told == "DIRECT", direct, "{no_proxy} {url}: {told}");
            }
        }
    }

    #[test]
    fn a_failure_names_the_proxy_without_its_password() {
        let proxy = Proxy::new("http://me:s3cret@a:1").unwrap();
        assert_eq!(by_way_of(Some(&proxy)), ", by way of the proxy `a:1`");
        assert_eq!(by_way_of(None), "");
        assert!(!format!("{proxy:?}").contains("s3cret"));
    }
}
