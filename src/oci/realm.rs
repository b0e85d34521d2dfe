//! Checks the addresses that an untrusted server sends: the realm of a Bearer challenge, where a password may be sent,
//! and the target of a redirect.
//!
//! The rules for a realm include the rules of go-containerregistry (`pkg/v1/remote/transport/bearer.go`, issue 2258).

use std::net::{IpAddr, Ipv4Addr};

use super::TransportSecurity;
use crate::system::http::Url;
use crate::system::text::one_line;

/// Returns the token server's address, if credentials for the registry at `registry` may be sent there. Otherwise
/// returns the reason. The token server may be on another host than the registry, such as Docker Hub's
/// `auth.docker.io`.
pub(super) fn check(realm: &str, registry: &Url, security: TransportSecurity) -> Result<Url, String> {
    let shown = one_line(realm, 100);
    let url = registry.follow(realm).ok_or_else(|| format!("`{shown}` is not an http or https address"))?;
    let same_host = url.host() == registry.host();
    let both_here = url.is_loopback() && registry.is_loopback();
    if !url.is_https() {
        if registry.is_https() {
            return Err(format!("`{shown}` would carry the password unencrypted"));
        }
        if security == TransportSecurity::Https && !both_here {
            return Err(format!("`{shown}` would carry the password unencrypted to another machine"));
        }
    }
    if is_inside(&url) && !same_host && !both_here {
        return Err(format!("`{shown}` is an address inside this network"));
    }
    Ok(url)
}

/// Returns the target of a redirect from the server at `from`. A redirect from https to plain http is an error.
pub(super) fn redirect_target(location: &str, from: &Url) -> Result<Url, String> {
    let host = from.authority();
    match from.follow(location) {
        None => Err(format!("`{host}` redirects to an address that is not valid")),
        Some(url) if from.is_https() && !url.is_https() => Err(format!("`{host}` redirects from https to plain http")),
        Some(url) => Ok(url),
    }
}

/// Tells whether the host is `localhost`, or an IP address that is not public.
fn is_inside(url: &Url) -> bool {
    match url.ip() {
        Some(IpAddr::V4(ip)) => is_inside_v4(ip),
        Some(IpAddr::V6(ip)) => {
            ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local() || ip.is_unicast_link_local()
        }
        None => url.is_loopback() || ends_in_a_number(&url.host()),
    }
}

fn is_inside_v4(ip: Ipv4Addr) -> bool {
    let [first, second, ..] = ip.octets();
    let shared = first == 100 && second & 0xc0 == 64; // RFC 6598
    first == 0 || shared || ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_broadcast()
}

/// Resolvers also read names such as `127.1` and `0x7f000001` as addresses (WHATWG URL, «ends in a number checker»).
fn ends_in_a_number(host: &str) -> bool {
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    last.starts_with("0x") || last.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_sent_only_where_the_rules_allow() {
        use TransportSecurity::{Https, PlainHttpAllowed};
        for (registry, security, realm, allowed) in [
            ("http://127.0.0.1:5000/v2/", Https, "http://127.0.0.1:5000/openshift/token", true), // W9
            ("https://registry-1.docker.io/v2/", Https, "https://auth.docker.io/token", true),
            ("https://r.example/v2/", Https, "https://r.example:8443/token?a=b", true),
            ("https://r.example/v2/", Https, "/token2", true),
            ("https://r.example/v2/", Https, "//evil.example/token", false),
            ("https://r.example/v2/", Https, "token2", false),
            ("https://r.example/v2/", Https, "localhost:1447/token", false),
            ("https://r.example/v2/", Https, "", false),
            ("https://r.example/v2/", Https, "http://r.example/token", false),
            ("https://r.example/v2/", PlainHttpAllowed, "http://r.example/token", false),
            ("https://r.example/v2/", Https, "https://me:pw@auth.example/token", false),
            ("https://r.example/v2/", Https, "https://auth.example/token#x", false),
            ("https://r.example/v2/", Https, "file:///etc/passwd", false),
            ("https://r.example/v2/", Https, "https://localhost/token", false),
            ("https://r.example/v2/", Https, "https://127.0.0.1/token", false),
            ("https://r.example/v2/", Https, "https://127.1/token", false),
            ("https://r.example/v2/", Https, "https://2130706433/token", false),
            ("https://r.example/v2/", Https, "https://0x7f.0.0.0x1/token", false),
            ("https://r.example/v2/", Https, "https://10.1.2.3/token", false),
            ("https://r.example/v2/", Https, "https://100.64.0.1/token", false),
            ("https://r.example/v2/", Https, "https://169.254.169.254/latest", false),
            ("https://r.example/v2/", Https, "https://0.0.0.0/token", false),
            ("https://r.example/v2/", Https, "https://[::1]/token", false),
            ("https://r.example/v2/", Https, "https://[::ffff:127.0.0.1]/token", false),
            ("https://r.example/v2/", Https, "https://[fd00::1]/token", false),
            ("https://r.example/v2/", Https, "https://[fe80::1]/token", false),
            ("https://r.example/v2/", Https, "https://8.8.8.8/token", true),
            ("https://r.example/v2/", Https, "https://100.63.0.1/token", true),
            ("https://r.example/v2/", Https, "https://100.128.0.1/token", true),
            ("https://r.example/v2/", Https, "https://101.64.0.1/token", true),
            ("https://10.1.2.3:5000/v2/", Https, "https://10.1.2.3/token", true),
            ("https://10.1.2.3:5000/v2/", Https, "https://10.1.2.4/token", false),
            ("http://localhost:5000/v2/", Https, "http://localhost:5001/token", true),
            ("http://localhost:5000/v2/", Https, "http://127.0.0.1:5001/token", true),
            ("http://localhost:5000/v2/", Https, "https://auth.example/token", true),
            ("http://localhost:5000/v2/", Https, "http://auth.example/token", false),
            ("http://localhost:5000/v2/", Https, "http://10.1.2.3/token", false),
            ("http://r.example:5000/v2/", PlainHttpAllowed, "http://auth.example/token", true),
            ("http://r.example:5000/v2/", PlainHttpAllowed, "http://127.0.0.1/token", false),
        ] {
            let registry = Url::parse(registry).unwrap();
            assert_eq!(check(realm, &registry, security).is_ok(), allowed, "{} {realm}", registry.host());
        }
    }
}
