//! Reads the Docker daemon's setting `insecure-registries`, which lists the registries for which the user allows plain
//! http.

use std::net::IpAddr;
use std::path::PathBuf;

use serde_json::Value;

use super::LIMIT;
use crate::model::{Network, Registry};
use crate::system::env::{self, Env};
use crate::system::files;

/// The registries that Docker's daemon may contact without TLS.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct InsecureRegistries {
    hosts: Vec<Registry>,
    networks: Vec<Network>,
}

/// Reads the settings of all daemons on this machine. An unreadable file allows nothing.
pub(crate) fn insecure_registries(env: &Env) -> InsecureRegistries {
    let mut all = InsecureRegistries::default();
    for text in paths(env).iter().filter_map(|path| files::read_any(path, LIMIT).ok().flatten()) {
        all.add(&text);
    }
    all
}

/// Returns the settings files of the machine's daemon, of a rootless daemon and of Docker Desktop.
fn paths(env: &Env) -> Vec<PathBuf> {
    let machine = env::path("ProgramData").map_or_else(
        || PathBuf::from("/etc/docker/daemon.json"),
        |folder| folder.join("docker").join("config").join("daemon.json"),
    );
    let rootless = env.xdg_config_dir().map(|folder| folder.join("docker").join("daemon.json"));
    let desktop = env.home().map(|home| home.join(".docker").join("daemon.json"));
    [Some(machine), rootless, desktop].into_iter().flatten().collect()
}

impl InsecureRegistries {
    /// Adds the registries in the text of one file.
    fn add(&mut self, text: &[u8]) {
        let settings: Value = serde_json::from_slice(text).unwrap_or_default();
        let entries = settings.get("insecure-registries").and_then(Value::as_array);
        for entry in entries.into_iter().flatten().filter_map(Value::as_str) {
            self.networks.extend(entry.parse::<Network>());
            self.hosts.extend(entry.parse::<Registry>());
        }
    }

    /// Tells whether the list contains this host with its port, by the rules of the daemon (moby `registry/config.go`).
    /// A host name is not resolved to an address before the networks are compared. If host names were resolved, a name
    /// server could cause a password to be sent unencrypted.
    pub(crate) fn contain(&self, registry: &Registry) -> bool {
        let address = registry.host().parse::<IpAddr>().ok();
        self.hosts.contains(registry)
            || address.is_some_and(|address| self.networks.iter().any(|network| network.contains(address)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8]) -> InsecureRegistries {
        let mut insecure = InsecureRegistries::default();
        insecure.add(text);
        insecure
    }

    #[test]
    fn plain_http_is_for_the_hosts_and_networks_that_the_daemon_names() {
        let text = br#"{"debug": true, "insecure-registries": ["reg.lan:5000", "http://old.lan", "HTTPS://Other.Lan:443", "10.0.0.0/8",
            "192.168.1.7/32", "fd00::/8", "10.0.0.0/33", "/8", "", 5, "a b", "all/0"]}"#;
        let insecure = parse(text);
        for (registry, expected) in [
            ("reg.lan:5000", true),
            ("reg.lan", false),
            ("reg.lan:5001", false),
            ("old.lan", true),
            ("other.lan", true),
            ("10.1.2.3:5000", true),
            ("11.1.2.3", false),
            ("192.168.1.7", true),
            ("192.168.1.8", false),
            ("[fd00::1]:5000", true),
            ("[fe80::1]", false),
            ("ghcr.io", false),
            ("10.0.0.1.evil.example", false),
            ("docker.io", false),
        ] {
            assert_eq!(insecure.contain(&registry.parse().unwrap()), expected, "{registry}");
        }
        assert!(parse(br#"{"insecure-registries": ["0.0.0.0/0"]}"#).contain(&"8.8.8.8".parse().unwrap()));
    }

    #[test]
    fn broken_settings_allow_nothing() {
        for text in [
            "",
            "{",
            "[]",
            "null",
            r#"{"insecure-registries": "reg.lan"}"#,
            r#"{"insecure-registries": {"a": 1}}"#,
            "\u{0}",
        ] {
            assert_eq!(parse(text.as_bytes()), InsecureRegistries::default(), "{text}");
        }
    }
}
