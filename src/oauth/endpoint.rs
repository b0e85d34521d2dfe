//! Checks that a provider's addresses use `https`, or `http` on this machine. Some addresses must also be in a
//! registry's own domain.

use crate::model::Registry;
use crate::system::http::Url;
use crate::system::text::one_line;

/// Parses an address that a token may be sent to.
pub(super) fn parse(text: &str) -> Result<Url, String> {
    let shown = one_line(text, 100);
    let url = Url::parse(text).ok_or_else(|| format!("`{shown}` is not an http or https address"))?;
    if url.is_https() || url.is_loopback() {
        Ok(url)
    } else {
        Err(format!("`{shown}` would carry the login unencrypted"))
    }
}

/// Makes a complete URL from an address in the table of providers. The address may be a path at the registry, and may
/// contain `{issuer}` and `{tenant}`.
pub(super) fn resolve(
    template: &str,
    registry: &Registry,
    issuer: Option<&str>,
    tenant: Option<&str>,
) -> Result<Url, String> {
    let mut text = template.to_owned();
    for (place, value) in [("{issuer}", issuer), ("{tenant}", tenant)] {
        if text.contains(place) {
            let name = place.trim_matches(['{', '}']);
            let value = value.ok_or_else(|| format!("no {name} is known: give it with `--{name}`"))?;
            text = text.replace(place, value.trim_end_matches('/'));
        }
    }
    if text.starts_with('/') {
        return own(registry)?.at(&text).ok_or_else(|| format!("`{}` is not a path", one_line(&text, 100)));
    }
    parse(&text)
}

/// Returns the registry's own address. A registry on this machine is contacted by plain http, as by Docker.
pub(super) fn own(registry: &Registry) -> Result<Url, String> {
    let scheme = if registry.is_loopback() { "http" } else { "https" };
    let authority = registry.api_authority();
    Url::parse(&format!("{scheme}://{authority}/"))
        .filter(|url| url.authority() == authority)
        .ok_or_else(|| format!("`{}` is not a valid host", one_line(registry.as_str(), 100)))
}

/// Tells whether a registry may send people to `url`. The host of `url` may be the registry's host, a subdomain of that
/// host, or a parent domain of at least two labels. A page in another domain could make the person enter a stranger's
/// code, which would log the stranger in (RFC 8628 section 5.4).
pub(super) fn is_near(url: &Url, registry: &Registry) -> bool {
    let (host, own) = (url.host(), registry.host().to_lowercase());
    let is_below =
        |below: &str, above: &str| below.strip_suffix(above).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'));
    let is_name = url.ip().is_none() && own.parse::<std::net::IpAddr>().is_err();
    host == own || (is_name && (is_below(&host, &own) || (host.contains('.') && is_below(&own, &host))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_sent_over_https_or_to_this_machine() {
        for (text, good) in [
            ("https://p.example/token", true),
            ("http://localhost:3000/token", true),
            ("http://127.0.0.1:1/", true),
            ("http://[::1]:1/", true),
            ("http://p.example/token", false),
            ("http://localhost.p.example/", false),
            ("http://10.0.0.1/", false),
            ("https://me@p.example/", false),
            ("https://p.example/#x", false),
            ("ftp://p.example/", false),
            ("p.example", false),
            ("", false),
        ] {
            assert_eq!(parse(text).is_ok(), good, "{text}");
        }
    }

    #[test]
    fn an_address_is_completed() {
        let registry = Registry::from_key("atcr.io");
        let (issuer, tenant) = (Some("https://gitlab.example/"), Some("acme"));
        for (template, expected) in [
            ("/auth/device/code", Some("https://atcr.io/auth/device/code")),
            ("{issuer}/oauth/token", Some("https://gitlab.example/oauth/token")),
            ("https://login.example/{tenant}/token", Some("https://login.example/acme/token")),
            ("https://p.example/token", Some("https://p.example/token")),
            ("//evil.example/token", None),
            ("token", None),
        ] {
            assert_eq!(resolve(template, &registry, issuer, tenant).ok(), expected.and_then(Url::parse), "{template}");
        }
        let why = resolve("{issuer}/token", &registry, None, None).unwrap_err();
        assert_eq!(why, "no issuer is known: give it with `--issuer`");
        assert_eq!(own(&Registry::from_key("localhost:5000")).unwrap(), Url::parse("http://localhost:5000/").unwrap());
        assert!(own(&Registry::opaque("two words")).is_err());
    }

    #[test]
    fn a_registry_points_only_to_its_own_domain() {
        for (registry, url, near) in [
            ("reg.example.com", "https://reg.example.com/token", true),
            ("reg.example.com:5000", "https://reg.example.com/token", true),
            ("reg.example.com", "https://login.reg.example.com/", true),
            ("reg.example.com", "https://example.com/", true),
            ("reg.example.com", "https://EXAMPLE.com/", true),
            ("reg.example.com", "https://com/", false),
            ("reg.example.com", "https://login.example.com/", false),
            ("reg.example.com", "https://evilreg.example.com/", false),
            ("reg.example.com", "https://ample.com/", false),
            ("reg.example.com", "https://github.com/", false),
            ("reg.example.com", "https://.example.com/", false),
            ("10.0.0.1", "https://0.0.1/", false),
            ("localhost:5000", "http://localhost:3000/", true),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(is_near(&url, &Registry::from_key(registry)), near, "{registry} {url:?}");
        }
    }
}
