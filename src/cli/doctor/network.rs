//! What stands between this machine and the registries: the clock, proxies, certificates. `--online` asks each as nobody.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::diagnosis::{Check, Diagnosis, Group};
use super::remedy::Remedy;
use super::{Section, Survey, count};
use crate::cli::Context;
use crate::cli::tls_hint::tls_hint;
use crate::model::{Registry, timestamp};
use crate::oci;
use crate::system::text::word;
use crate::system::{env, files};

#[derive(Debug, Default)]
struct NetworkFacts {
    /// How far the clock is behind, and behind what.
    behind: Option<(Duration, String)>,
    /// What is wrong with the variables, each with its name.
    proxies: Vec<String>,
    uses_proxy: bool,
    /// File, and why it is of no use.
    certificates: Vec<(PathBuf, String)>,
    /// Registries that were not reached: why, and what helps if that is known.
    unreached: Vec<(Registry, String, Option<String>)>,
    /// How many were asked.
    asked: usize,
}

/// Files come from other machines and time zones; a clock that is wrong by less does no harm.
const TOLERANCE: Duration = Duration::from_hours(24);

/// 2026-01-01: this program is not older.
const EARLIEST: u64 = 1_767_225_600;

const A_DAY: u64 = 24 * 60 * 60;

pub(super) fn examine(context: &Context<'_>, survey: &Survey, online: bool) -> Section {
    let facts = NetworkFacts::gather(context, survey, online);
    let proxy = if facts.uses_proxy { "through a proxy" } else { "no proxy" };
    let asked = match facts.asked {
        0 => "nobody was asked (--online)".to_owned(),
        number => format!("{} reached", count(number, "registry").replace("registrys", "registries")),
    };
    Section::new(Group::Network, format!("clock plausible, {proxy}, {asked}"), judge(&facts, context.program))
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
            "certificates seem not yet valid, and tokens good that have ended",
            Remedy::Command(command.into()),
        ));
    }
    for why in &facts.proxies {
        let name = why.split('`').nth(1).unwrap_or("HTTPS_PROXY");
        found.push(Diagnosis::broken(
            Check::Proxy,
            why,
            "`login`, `check` and the renewal of tokens fail; Docker itself may use it",
            Remedy::Command(format!("unset {name} {}", name.to_lowercase())),
        ));
    }
    for (file, why) in &facts.certificates {
        found.push(Diagnosis::broken(
            Check::Certificate,
            format!("`{}` is of no use: {why}", file.display()),
            "Docker and Ensign may not reach this registry, or not be let in",
            Remedy::Command(format!("openssl x509 -noout -subject -dates -in {}", word(&file.to_string_lossy()))),
        ));
    }
    for (registry, why, hint) in &facts.unreached {
        let check = format!("{program} check {} --verbose", word(registry.as_str()));
        found.push(Diagnosis::broken(
            Check::RegistryUnreachable,
            format!("{registry} was not reached: {why}"),
            "logins there cannot be checked or renewed",
            Remedy::Command(hint.clone().unwrap_or(check)),
        ));
    }
    found
}

fn days(time: Duration) -> usize {
    usize::try_from(time.as_secs() / A_DAY).unwrap_or(usize::MAX)
}

/// How far `now` is before a moment that is over for certain.
fn behind(now: SystemTime, written: impl IntoIterator<Item = (SystemTime, String)>) -> Option<(Duration, String)> {
    let earliest = timestamp::since_1970(EARLIEST).map(|moment| (moment, "this program".to_owned()));
    let newest = written.into_iter().chain(earliest).max_by_key(|(moment, _)| *moment)?;
    let behind = newest.0.duration_since(now).ok()?;
    (behind > TOLERANCE).then_some((behind, newest.1))
}

impl NetworkFacts {
    fn gather(context: &Context<'_>, survey: &Survey, online: bool) -> Self {
        let ours = context.accounts.config_file().into_iter().chain(env::program());
        let written = ours.chain(context.accounts.secret_files());
        let written = written.filter_map(|path| Some((files::modified(&path)?, format!("`{}`", path.display()))));
        let (proxies, uses_proxy) = oci::proxy_faults();
        let hosts: Vec<&Registry> = survey.hosts().map(|one| &one.registry).collect();
        let faults = hosts.iter().flat_map(|registry| oci::certificate_faults(registry));
        let asked = if online { hosts.as_slice() } else { &[] };
        let unreached = asked.iter().filter_map(|&registry| {
            let security = context.security(registry, false);
            let reach = || oci::reach(registry, security);
            let why = context.ui.while_waiting(&format!("Asking {registry}"), reach).err()?;
            let hint = tls_hint(context, registry, &why);
            Some((registry.clone(), why, hint))
        });
        Self {
            behind: behind(SystemTime::now(), written),
            proxies,
            uses_proxy,
            unreached: unreached.collect(),
            asked: asked.len(),
            certificates: faults.map(|fault| (fault.file, fault.why)).collect(),
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
        let registry = || Registry::from_key("a.io");
        for (facts, check, command) in [
            (
                NetworkFacts { proxies: vec!["`HTTPS_PROXY` is no address of a proxy".into()], ..Default::default() },
                "proxy",
                "unset HTTPS_PROXY https_proxy",
            ),
            (
                NetworkFacts { certificates: vec![("/c.crt".into(), "it has expired".into())], ..Default::default() },
                "certificate",
                "openssl x509 -noout -subject -dates -in /c.crt",
            ),
            (
                NetworkFacts { unreached: vec![(registry(), "it hung up".into(), None)], ..Default::default() },
                "registry-unreachable",
                "e check a.io --verbose",
            ),
        ] {
            let found = judge(&facts, "e");
            let found: Vec<_> =
                found.iter().map(|one| (one.check.name(), one.remedy.command(one.check, "e"))).collect();
            assert_eq!(found, [(check, command.to_owned())]);
        }
        assert!(judge(&NetworkFacts::default(), "e").is_empty());
    }
}
