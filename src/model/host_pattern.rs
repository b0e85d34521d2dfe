//! Matches hosts with patterns, so that one key of the config, such as `*.azurecr.io`, covers many registries.
//!
//! A `*` matches any text within one label, as in the kubelet's `matchImages` (k8s.io/kubernetes
//! `pkg/credentialprovider/keyring.go`). So a pattern's secret is never sent to a host with more or fewer labels than
//! the pattern.

use super::pattern::glob;
use super::registry::NOT_A_HOST;
use super::{InvalidName, Registry};

impl Registry {
    /// Reads a pattern, which is a host name with `*` in some labels but not in the last label. A pattern covers only
    /// hosts with the same port.
    pub(crate) fn pattern(text: &str) -> Result<Self, InvalidName> {
        let text = text.trim().to_lowercase();
        let (host, _) = split_port(&text);
        let labels: Vec<_> = host.split('.').collect();
        let is_name = Self::from_authority(&text.replace('*', "x")).is_ok_and(|name| name.as_str().len() == text.len());
        let last_is_literal = labels.last().is_some_and(|label| !label.contains('*'));
        let fits = is_name && host.contains('*') && !labels.contains(&"") && last_is_literal;
        if fits { Ok(Self::opaque(&text)) } else { Err(NOT_A_HOST) }
    }

    pub fn is_pattern(&self) -> bool {
        self.as_str().contains('*')
    }

    /// Tells whether this registry is `host`, or a pattern that covers `host`.
    pub fn covers(&self, host: &Self) -> bool {
        self == host || (self.is_pattern() && key_covers(self.as_str(), host))
    }

    /// Returns how specific a host or a pattern is. If two patterns match a host, the more specific pattern is used. An
    /// exact host name is more specific than any pattern.
    pub(crate) fn specificity(&self, host: &Self) -> impl Ord + use<> {
        let literal_labels = self.as_str().split('.').filter(|label| !label.contains('*')).count();
        let literal_characters = self.as_str().bytes().filter(|byte| *byte != b'*').count();
        (self == host, literal_labels, literal_characters)
    }
}

/// Tells whether a key of the config is a pattern that covers `host`. A key without `*` is rejected without an
/// allocation. Docker Hub has several names, so no pattern covers Docker Hub. No pattern covers a text that is not a
/// host, such as `_x/y.azurecr.io`.
pub(crate) fn key_covers(key: &str, host: &Registry) -> bool {
    if !key.contains('*') || host.is_pattern() || host.is_docker_hub() {
        return false;
    }
    let ((pattern, port), (name, own_port)) = (split_port(key), split_port(host.as_str()));
    let last_is_literal = pattern.rsplit('.').next().is_some_and(|label| !label.contains('*'));
    last_is_literal
        && port == own_port
        && pattern.split('.').count() == name.split('.').count()
        && pattern.split('.').zip(name.split('.')).all(|(pattern, label)| label_matches(pattern, label))
        && Registry::from_authority(host.as_str()).is_ok_and(|name| name == *host)
}

fn label_matches(pattern: &str, label: &str) -> bool {
    !label.is_empty() && glob(pattern.as_bytes(), label.as_bytes(), |b| *b == b'*', u8::eq_ignore_ascii_case)
}

fn split_port(authority: &str) -> (&str, Option<&str>) {
    authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_text_within_one_label() {
        for (pattern, host, covers) in [
            ("*.azurecr.io", "shop.azurecr.io", true),
            ("*.azurecr.io", "azurecr.io", false),
            ("*.azurecr.io", "a.b.azurecr.io", false),
            ("*.azurecr.io", "shop.azurecr.io.evil.example", false),
            ("*.azurecr.io", "evilazurecr.io", false),
            ("*.azurecr.io", ".azurecr.io", false),
            ("*.azurecr.io", "shop.azurecr.io:5000", false),
            ("*.azurecr.io:5000", "shop.azurecr.io:5000", true),
            ("*.AzureCR.io", "shop.azurecr.io", true),
            ("*.dkr.ecr.*.amazonaws.com", "123456789012.dkr.ecr.eu-west-1.amazonaws.com", true),
            ("*.dkr.ecr.*.amazonaws.com", "123456789012.dkr.ecr.eu-west-1.amazonaws.com.cn", false),
            ("*.dkr.ecr.*.amazonaws.com", "123456789012.dkr.ecr.a.b.amazonaws.com", false),
            ("*-docker.pkg.dev", "europe-west1-docker.pkg.dev", true),
            ("*-docker.pkg.dev", "europe-west1.pkg.dev", false),
            ("a*b*c.example", "aXXbYYc.example", true),
            ("a*b*c.example", "abc.example", true),
            ("a*b*c.example", "acb.example", false),
            ("a*a.example", "a.example", false),
            ("a**a.example", "aa.example", true),
            ("a*bc*c*d.example", "abcd.example", false),
            ("*.io", "docker.io", false),
            ("*.io", "ghcr.io", true),
            ("bü*.example", "bücher.example", true),
            ("*ü.example", "xü.example", true),
            ("*x.example", "ü.example", false),
            ("ghcr.io", "ghcr.io", true),
            ("[::1]:5000", "[::1]:5000", true),
            ("*.azurecr.io", "_evil/x.azurecr.io", false),
            ("*.*.azurecr.io", "_evil.example/x.azurecr.io", false),
            ("*.azurecr.io", "evil?x.azurecr.io", false),
            ("*.azurecr.io", "-x.azurecr.io", false),
        ] {
            let key = Registry::from_key(pattern);
            assert_eq!(key.covers(&Registry::from_key(host)), covers, "{pattern} {host}");
        }
        let pattern = Registry::from_key("*.azurecr.io");
        assert!(pattern.covers(&pattern) && !Registry::from_key("*.*.io").covers(&pattern));
        assert!(!key_covers("ghcr.io", &Registry::from_key("ghcr.io")), "not a pattern");
    }

    #[test]
    fn what_is_no_pattern_of_hosts_is_refused() {
        for (text, fine) in [
            ("*.azurecr.io", true),
            (" *.AzureCR.io\n", true),
            ("registry-*.corp.example:5000", true),
            ("*.*.corp", true),
            ("ghcr.io", false),
            ("*", false),
            ("*.*", false),
            ("ghcr.*", false),
            ("*.", false),
            (".*.io", false),
            ("*..io", false),
            ("*.azurecr.io/team", false),
            ("https://*.azurecr.io", false),
            ("me@*.azurecr.io", false),
            ("*.azurecr.io:*", false),
            ("*.azurecr.io:443", false),
            ("*.a b.io", false),
            ("", false),
        ] {
            assert_eq!(Registry::pattern(text).is_ok(), fine, "{text}");
        }
        assert_eq!(Registry::pattern("*.AzureCR.io").unwrap(), Registry::from_key("*.AzureCR.io"));
    }

    #[test]
    fn the_closer_key_is_the_greater() {
        let host = Registry::from_key("1.dkr.ecr.eu-west-1.amazonaws.com");
        let order = [
            "*.*.*.*.*.com",
            "*.dkr.ecr.*.amazonaws.com",
            "1*.dkr.ecr.*.amazonaws.com",
            "*.dkr.ecr.eu-west-1.amazonaws.com",
            "1.dkr.ecr.eu-west-1.amazonaws.com",
        ]
        .map(Registry::from_key);
        assert!(order.iter().all(|key| key.covers(&host)));
        assert!(order.is_sorted_by(|a, b| a.specificity(&host) < b.specificity(&host)));
    }
}
