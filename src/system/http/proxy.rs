//! `Proxies`: chooses the proxy of a request. The variables are read in the same way as by Go's
//! `http.ProxyFromEnvironment`, which Docker uses (golang.org/x/net/http/httpproxy). `ALL_PROXY`, which Go ignores, is
//! used if the other variables are unset.

use std::net::IpAddr;

use ureq::http::HeaderValue;
use ureq::{Proxy, ProxyProtocol};

use super::{HttpError, Url, basic, sensitive};
use crate::model::Network;
use crate::system::env;

/// The proxies that the environment sets. This type does not implement `Debug`, because an address may contain a
/// password.
#[derive(Clone)]
pub(super) struct Proxies {
    https: ProxySetting,
    http: ProxySetting,
    no_proxy: Vec<NoProxyRule>,
}

/// The route of one request, which is sent to the server directly or through a proxy.
#[derive(Clone)]
pub(super) struct ProxyRoute {
    pub(super) proxy: Option<Proxy>,
    /// The header `Proxy-Authorization` for a proxy that forwards the request. For a proxy that only connects, `ureq`
    /// sends the header.
    pub(super) login: Option<HeaderValue>,
    /// Whether the proxy forwards the request, so that a response may come from the proxy itself.
    pub(super) is_forwarded: bool,
}

/// The proxy for a scheme, or the reason why the variable cannot be used. The reason does not contain the proxy's
/// address.
type ProxySetting = Result<Option<Proxy>, String>;

/// An entry of `NO_PROXY`. An entry without a port applies to all ports.
#[derive(Clone, Debug)]
enum NoProxyRule {
    Everybody,
    Network(Network),
    Address(IpAddr, Option<u16>),
    /// A domain whose `name` does not begin with a dot.
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

    pub(super) fn route(&self, url: &Url) -> Result<ProxyRoute, HttpError> {
        if url.is_loopback() || self.no_proxy.iter().any(|rule| rule.covers(url)) {
            return Ok(ProxyRoute::new(url, None));
        }
        let setting = if url.is_https() { &self.https } else { &self.http };
        Ok(ProxyRoute::new(url, setting.clone().map_err(HttpError)?))
    }

    /// Tells whether the URL is the address of a proxy.
    pub(super) fn have(&self, url: &Url) -> bool {
        self.all().any(|proxy| proxy.host().eq_ignore_ascii_case(&url.host()) && proxy.port() == url.port())
    }

    fn all(&self) -> impl Iterator<Item = &Proxy> {
        [&self.https, &self.http].into_iter().flatten().flatten()
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name: &str| variable(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let either = |name: &str| text(name).or_else(|| text(&name.to_lowercase()));
        // An unusable `ALL_PROXY` is ignored, because it may be meant only for programs that support SOCKS.
        let of_all = || Ok(either("ALL_PROXY").and_then(|address| parse("ALL_PROXY", &address).ok()));
        let setting = |name: &str| either(name).map_or_else(of_all, |address| parse(name, &address).map(Some));
        // In a CGI program, a stranger can set `HTTP_PROXY` by a header of the request (golang.org/s/cgihttpproxy).
        let is_cgi = text("REQUEST_METHOD").is_some();
        Self {
            https: setting("HTTPS_PROXY"),
            http: if is_cgi { of_all() } else { setting("HTTP_PROXY") },
            no_proxy: either("NO_PROXY").unwrap_or_default().split(',').filter_map(NoProxyRule::parse).collect(),
        }
    }
}

/// Returns what is wrong with the proxy variables, without the proxies' addresses, and whether a proxy is used.
pub(crate) fn proxy_faults() -> (Vec<String>, bool) {
    let proxies = Proxies::from_environment();
    let faults = [&proxies.https, &proxies.http].into_iter().filter_map(|setting| setting.clone().err());
    (faults.collect(), proxies.all().next().is_some())
}

/// A part of the error messages about requests through a proxy. Callers search a message for this part to choose a
/// hint.
pub(crate) const BY_WAY_OF_PROXY: &str = "through the proxy";

impl ProxyRoute {
    /// Creates the route of a request. A proxy forwards a request in plain http (`forward.rs`), but for https the proxy
    /// only connects to the server.
    fn new(url: &Url, proxy: Option<Proxy>) -> Self {
        let reader = proxy.as_ref().filter(|_| !url.is_https());
        Self { login: reader.and_then(login), is_forwarded: reader.is_some(), proxy }
    }

    /// Returns the end of an error message, such as `, through the proxy …`. The end is empty if no proxy is used.
    pub(super) fn proxy_note(&self) -> String {
        let note = |proxy: &Proxy| format!(", {BY_WAY_OF_PROXY} `{}:{}`", proxy.host(), proxy.port());
        self.proxy.as_ref().map_or_else(String::new, note)
    }
}

/// Returns the header with the proxy's own user name and password.
fn login(proxy: &Proxy) -> Option<HeaderValue> {
    let (user, password) = (proxy.username(), proxy.password());
    user.or(password)?;
    sensitive(&basic(user.unwrap_or_default(), password.unwrap_or_default()))
}

/// Parses the address of a proxy in the variable `name`.
fn parse(name: &str, address: &str) -> Result<Proxy, String> {
    let address = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    match Proxy::new(&address) {
        Ok(proxy) if matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https) => Ok(proxy),
        Ok(_) => Err(format!("`{name}` names a SOCKS proxy, which is not supported")),
        Err(_) => Err(format!("`{name}` is not an address of a proxy")),
    }
}

impl NoProxyRule {
    /// Reads an entry of `NO_PROXY`; `None` if the entry has no host or its port is not valid.
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
    use std::io::Write;
    use std::net::TcpListener;
    use std::thread;
    use std::time::Duration;

    use super::super::{Authorization, HttpClient, HttpRequest, Limits, Method};
    use super::*;
    use crate::system::threads;

    /// Returns `DIRECT`, the proxy, or the error.
    fn setting(variables: &str, url: &str) -> String {
        let value = |name: &str| {
            let pairs = variables.split(' ').filter_map(|pair| pair.split_once('='));
            pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.replace('_', " ")).next()
        };
        match Proxies::read(value).route(&Url::parse(url).unwrap()) {
            Ok(ProxyRoute { proxy: None, .. }) => "DIRECT".to_owned(),
            Ok(ProxyRoute { proxy: Some(proxy), .. }) => {
                format!("{} {}:{}", proxy.protocol(), proxy.host(), proxy.port())
            }
            Err(HttpError(why)) => why,
        }
    }

    #[test]
    fn a_proxy_that_answers_byte_by_byte_ends_in_the_deadline() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        threads::start(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let answer = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(200));
            for byte in answer.bytes() {
                if stream.write_all(&[byte]).is_err() {
                    return; // the deadline has ended the connection
                }
                thread::sleep(Duration::from_millis(20));
            }
        })
        .unwrap();
        let limits = Limits { overall: Duration::from_millis(200), ..Limits::default() };
        let proxies = Proxies::read(|name| (name == "HTTPS_PROXY").then(|| address.to_string()));
        let client = HttpClient { proxies, ..HttpClient::new(limits) };
        let url = Url::parse("https://reg.example/v2/").unwrap();
        let HttpError(why) = client.send(&HttpRequest::new(Method::Get, url, Authorization::None)).unwrap_err();
        assert!(why.contains("in time"), "{why}");
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
            ("HTTPS_PROXY=ftp://me:s3cret@a:1", "`HTTPS_PROXY` is not an address of a proxy", "DIRECT"),
            ("HTTP_PROXY=http://", "DIRECT", "`HTTP_PROXY` is not an address of a proxy"),
            ("HTTPS_PROXY=socks5://a:1 NO_PROXY=ghcr.io", "DIRECT", "DIRECT"),
        ] {
            assert_eq!(
                (setting(variables, https), setting(variables, http)),
                (of_https.into(), of_http.into()),
                "{variables}"
            );
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
                let setting = setting(&format!("HTTPS_PROXY=a:1 {name}={no_proxy}"), url);
                assert_eq!(setting == "DIRECT", direct, "{no_proxy} {url}: {setting}");
            }
        }
    }

    #[test]
    fn a_failure_names_the_proxy_and_only_the_proxy_is_told_its_password() {
        for (url, proxy, by_way_of, is_forwarded, login) in [
            ("http://r.lan/", Some("http://me:p%C3%A4@a:1"), ", through the proxy `a:1`", true, Some("Basic bWU6cMOk")),
            ("http://r.lan/", Some("https://me@a"), ", through the proxy `a:443`", true, Some("Basic bWU6")),
            ("http://r.lan/", Some("http://a"), ", through the proxy `a:80`", true, None),
            ("https://r.lan/", Some("http://me:s3cret@a:1"), ", through the proxy `a:1`", false, None),
            ("http://r.lan/", None, "", false, None),
        ] {
            let proxy = proxy.map(|proxy| Proxy::new(proxy).unwrap());
            assert!(!format!("{proxy:?}").contains("s3cret"));
            let route = ProxyRoute::new(&Url::parse(url).unwrap(), proxy);
            assert_eq!((route.proxy_note().as_str(), route.is_forwarded), (by_way_of, is_forwarded));
            assert_eq!(route.login.as_ref().map(|value| value.to_str().unwrap()), login);
            assert!(route.login.is_none_or(|value| value.is_sensitive()));
        }
    }

    #[test]
    fn a_proxy_is_known_by_its_address() {
        let value = |name: &str| (name == "HTTPS_PROXY").then(|| "https://me:s3cret@P.lan:3129".to_owned());
        let proxies = Proxies::read(value);
        for (url, is_proxy) in
            [("https://p.lan:3129/", true), ("https://p.lan/", false), ("https://r.lan:3129/", false)]
        {
            assert_eq!(proxies.have(&Url::parse(url).unwrap()), is_proxy, "{url}");
        }
    }
}
