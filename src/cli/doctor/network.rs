//! Checks the clock, the proxies and the certificates, because connections to registries depend on these. With
//! `--online`, the check sends an anonymous request to each registry.

use std::time::{Duration, SystemTime};

use super::diagnosis::{Check, Diagnosis};
use super::remedy::Remedy;
use super::{Section, Survey, count};
use crate::cli::CommandContext;
use crate::cli::connection_hint::{certificates_folder, unset_proxy};
use crate::model::{Registry, timestamp};
use crate::oci::{self, BY_WAY_OF_PROXY, CertificateFault, TlsTrouble};
use crate::system::text::quote;
use crate::system::{env, files};

#[derive(Debug, Default)]
struct NetworkFacts {
    /// How far the clock is behind, and the file or program that is newer than the clock's time.
    behind: Option<(Duration, String)>,
    /// The faults of the proxy variables. Each text contains the variable's name.
    proxies: Vec<String>,
    uses_proxy: bool,
    /// The names of the proxy variables that are set.
    proxy_variables: Vec<&'static str>,
    /// The files in `certs.d` that cannot be used. The `bool` tells whether the user may rename the file.
    certificates: Vec<(CertificateFault, bool)>,
    unreached: Vec<UnreachedRegistry>,
    /// The number of registries that `doctor --online` asked.
    asked: usize,
}

/// A registry that could not be reached, with the reason.
#[derive(Debug)]
struct UnreachedRegistry {
    registry: Registry,
    why: String,
    /// The folder for the registry's certificates.
    folder: Option<String>,
}

const PROXY_VARIABLES: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// A clock that is behind by no more than this time is not a fault. The time is long, because files may come from other
/// machines and time zones.
const TOLERANCE: Duration = Duration::from_hours(24);

/// The moment 2026-01-01, in seconds since 1970. The program was built after this moment, so a clock with an earlier
/// time is wrong.
const EARLIEST: u64 = 1_767_225_600;

const A_DAY: u64 = 24 * 60 * 60;

pub(super) fn examine(context: &CommandContext<'_>, survey: &Survey, online: bool) -> Section {
    let facts = NetworkFacts::gather(context, survey, online);
    let proxy = if facts.uses_proxy { "through a proxy" } else { "no proxy" };
    let asked = match facts.asked {
        0 => "registries not asked (--online)".to_owned(),
        number => format!("{} reached", count(number, "registry")),
    };
    Section::new("network", format!("clock plausible, {proxy}, {asked}"), judge(&facts, context.program))
}

fn judge(facts: &NetworkFacts, program: &str) -> Vec<Diagnosis> {
    let mut found = Vec::new();
    if let Some((behind, what)) = &facts.behind {
        let command = match std::env::consts::OS {
            "macos" => "sudo sntp -sS time.apple.com",
            "windows" => "w32tm /resync",
            _ => "sudo timedatectl set-ntp true",
        };
        found.push(Diagnosis::broken(
            Check::Clock,
            format!("this machine's clock is {} behind {what}", count(days(*behind), "day")),
            "valid certificates may be refused, and expired tokens may look valid",
            Remedy::Command(command.into()),
        ));
    }
    for why in &facts.proxies {
        found.push(Diagnosis::broken(
            Check::Proxy,
            why,
            "`login`, `check` and the renewal of tokens fail; Docker itself may accept this proxy",
            Remedy::Command(unset_proxy(why)),
        ));
    }
    for (CertificateFault { file, why }, is_movable) in &facts.certificates {
        let aside = Remedy::SetAside(file.clone());
        let remedy = match aside.command(program) {
            Some(command) if !is_movable => Remedy::Command(format!("sudo {command}")),
            _ => aside,
        };
        found.push(Diagnosis::broken(
            Check::Certificate,
            format!("`{}` cannot be used: {why}", file.display()),
            "Docker and Ensign may fail to reach this registry, or to log in there",
            remedy,
        ));
    }
    found.extend(unreachable(facts, program));
    found
}

/// Reports the registries that could not be reached. Registries that were not reached for the same reason
/// are reported as one fault.
fn unreachable(facts: &NetworkFacts, program: &str) -> Vec<Diagnosis> {
    let mut groups: Vec<Vec<&UnreachedRegistry>> = Vec::new();
    for unreached in &facts.unreached {
        // Each registry with a TLS fault is reported alone, because the repair is in the registry's own folder.
        let is_own = TlsTrouble::from_reason(&unreached.why).is_some();
        match groups.iter_mut().find(|group| !is_own && group[0].why == unreached.why) {
            Some(group) => group.push(unreached),
            None => groups.push(vec![unreached]),
        }
    }
    let diagnosis = |group: Vec<&UnreachedRegistry>| {
        let names: Vec<_> = group.iter().map(|unreached| unreached.registry.to_string()).collect();
        let (was, these) = if names.len() == 1 { ("was", "this registry") } else { ("were", "these registries") };
        Diagnosis::broken(
            Check::RegistryUnreachable,
            format!("{} {was} not reached: {}", names.join(", "), group[0].why),
            format!("logins at {these} cannot be checked or renewed"),
            Remedy::Command(way_there(&group, &facts.proxy_variables, program)),
        )
    };
    groups.into_iter().map(diagnosis).collect()
}

/// Returns a command that helps to reach the registries in `group`, which have the same fault.
fn way_there(group: &[&UnreachedRegistry], proxies: &[&str], program: &str) -> String {
    let UnreachedRegistry { registry, why, folder } = group[0];
    let host = quote(registry.as_str());
    let folder = folder.as_deref().unwrap_or("~/.config/docker/certs.d/HOST");
    match TlsTrouble::from_reason(why) {
        Some(TlsTrouble::UnknownAuthority) => format!(
            "mkdir -p {folder} && cp ca.crt {folder}/ca.crt   (ca.crt: the certificate of the registry's authority; \
             ask the operator)"
        ),
        Some(TlsTrouble::NoClientCertificate) => {
            format!("mkdir -p {folder} && cp client.cert client.key {folder}/   (ask the registry's operator for both)")
        }
        _ if why.contains(BY_WAY_OF_PROXY) => format!("unset {}   (if the proxy is gone)", proxies.join(" ")),
        _ if group.len() > 1 => format!("{program} check {host} --verbose"),
        _ => format!(
            "{program} check {host} --verbose   (if the registry no longer exists: `{program} logout --all {host}`)"
        ),
    }
}

fn days(time: Duration) -> usize {
    usize::try_from(time.as_secs() / A_DAY).unwrap_or(usize::MAX)
}

/// Returns how far `now` is behind the newest file or behind 2026-01-01, whichever is later. Returns `None` if `now` is
/// not behind by more than `TOLERANCE`.
fn behind(now: SystemTime, written: impl IntoIterator<Item = (SystemTime, String)>) -> Option<(Duration, String)> {
    let earliest = timestamp::since_1970(EARLIEST).map(|moment| (moment, "this program".to_owned()));
    let newest = written.into_iter().chain(earliest).max_by_key(|(moment, _)| *moment)?;
    let behind = newest.0.duration_since(now).ok()?;
    (behind > TOLERANCE).then_some((behind, newest.1))
}

impl NetworkFacts {
    fn gather(context: &CommandContext<'_>, survey: &Survey, online: bool) -> Self {
        let ours = context.accounts.config_file().into_iter().chain(env::program());
        let written = ours.chain(context.accounts.secret_files());
        let written = written.filter_map(|path| Some((files::modified_time(&path)?, format!("`{}`", path.display()))));
        let (proxies, uses_proxy) = oci::proxy_faults();
        let hosts: Vec<&Registry> = survey.hosts().map(|entry| &entry.registry).collect();
        let faults = hosts.iter().flat_map(|registry| oci::certificate_faults(registry));
        let asked = if online { hosts.as_slice() } else { &[] };
        let unreached = asked.iter().filter_map(|&registry| {
            let security = context.security(registry, false);
            let reach = || oci::reach(registry, security);
            let why = context.ui.while_waiting(&format!("Asking {registry}"), reach).err()?;
            Some(UnreachedRegistry { registry: registry.clone(), why, folder: certificates_folder(context, registry) })
        });
        Self {
            behind: behind(SystemTime::now(), written),
            proxies,
            uses_proxy,
            proxy_variables: PROXY_VARIABLES.into_iter().filter(|name| env::present(name).is_some()).collect(),
            unreached: unreached.collect(),
            asked: asked.len(),
            certificates: faults
                .map(|fault| {
                    let is_movable = fault.file.parent().is_some_and(files::may_write);
                    (fault, is_movable)
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_behind_what_was_written_already() {
        let at = |day: u64| timestamp::since_1970(EARLIEST + day * A_DAY).unwrap();
        let file = |day| (at(day), "`f`".to_owned());
        for (now, written, expected) in [
            (at(10), vec![], None),
            (at(10), vec![file(9), file(11)], None),
            (at(10), vec![file(12), file(20)], Some((10, "`f`"))),
            (timestamp::since_1970(0).unwrap(), vec![], Some((20454, "this program"))),
        ] {
            let behind = behind(now, written);
            assert_eq!(behind.as_ref().map(|(time, what)| (days(*time), what.as_str())), expected);
        }
    }

    #[test]
    fn what_stands_in_the_way_is_named_with_its_command() {
        let useless = |is_movable| {
            let fault = CertificateFault { file: "/c.crt".into(), why: "the certificate has expired".into() };
            vec![(fault, is_movable)]
        };
        let unreached = |why: &str| {
            let (registry, folder) = (Registry::from_key("a.io"), Some("~/c/a.io".to_owned()));
            NetworkFacts {
                unreached: vec![UnreachedRegistry { registry, why: why.into(), folder }],
                ..Default::default()
            }
        };
        for (facts, check, command) in [
            (
                NetworkFacts {
                    proxies: vec!["`HTTPS_PROXY` is not an address of a proxy".into()],
                    ..Default::default()
                },
                "proxy",
                "unset HTTPS_PROXY https_proxy",
            ),
            (
                NetworkFacts { certificates: useless(true), ..Default::default() },
                "certificate",
                "mv /c.crt /c.crt.unused",
            ),
            (
                NetworkFacts { certificates: useless(false), ..Default::default() },
                "certificate",
                "sudo mv /c.crt /c.crt.unused",
            ),
            (
                unreached("the server closed the connection"),
                "registry-unreachable",
                "e check a.io --verbose   (if the registry no longer exists: `e logout --all a.io`)",
            ),
            (
                NetworkFacts {
                    proxy_variables: vec!["http_proxy", "ALL_PROXY"],
                    ..unreached("refused, through the proxy `p:1`")
                },
                "registry-unreachable",
                "unset http_proxy ALL_PROXY   (if the proxy is gone)",
            ),
            (
                unreached("TLS failed: UnknownIssuer"),
                "registry-unreachable",
                "mkdir -p ~/c/a.io && cp ca.crt ~/c/a.io/ca.crt   (ca.crt: the certificate of the registry's authority; ask the operator)",
            ),
        ] {
            let found = judge(&facts, "e");
            let found: Vec<_> =
                found.iter().map(|diagnosis| (diagnosis.check.name(), diagnosis.command("e"))).collect();
            assert_eq!(found, [(check, command.to_owned())]);
        }
        assert!(judge(&NetworkFacts::default(), "e").is_empty());
    }

    #[test]
    fn a_reason_that_registries_share_is_reported_once() {
        let unreached = |name: &str, why: &str| UnreachedRegistry {
            registry: Registry::from_key(name),
            why: why.to_owned(),
            folder: None,
        };
        let tls = "TLS failed: UnknownIssuer";
        let facts = NetworkFacts {
            unreached: vec![
                unreached("a.io", "unknown host"),
                unreached("b.io", tls),
                unreached("c.io", "unknown host"),
                unreached("d.io", tls),
            ],
            ..Default::default()
        };
        let found: Vec<_> = judge(&facts, "e").into_iter().map(|diagnosis| diagnosis.found).collect();
        assert_eq!(
            found,
            [
                "a.io, c.io were not reached: unknown host",
                "b.io was not reached: TLS failed: UnknownIssuer",
                "d.io was not reached: TLS failed: UnknownIssuer"
            ]
        );
    }
}
