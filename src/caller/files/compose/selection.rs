//! Selects the services that a command works on.
//!
//! Sources: compose-go `types/project.go` (`WithServicesEnabled`, `WithSelectedServices`), `loader/validate.go`.

use std::collections::{BTreeMap, BTreeSet};

use super::super::circle::has_circle;
use super::LoadError;
use super::service::ComposeService;
use crate::caller::clients::{ComposeAction, VerbInvocation};

type Services = BTreeMap<String, ComposeService>;

#[derive(Debug, Default)]
pub(super) struct ServiceSelection<'s> {
    pub(super) services: Vec<&'s ComposeService>,
    /// The services to build, including the services that other services are built from.
    pub(super) built: Vec<&'s ComposeService>,
}

pub(super) fn select<'s>(
    task: &VerbInvocation<'_>,
    action: ComposeAction,
    services: &'s Services,
    profiles: &[String],
) -> Result<ServiceSelection<'s>, LoadError> {
    let named: Vec<&str> =
        task.positionals.iter().copied().take(if action == ComposeAction::Run { 1 } else { usize::MAX }).collect();
    let is_strict = task.client != "podman-compose";
    let mut enabled = enabled(services, profiles);
    if is_strict {
        check(services, &enabled)?;
    }
    // A service that is named on the command line enables all its profiles.
    let mut profiles = profiles.to_vec();
    for name in &named {
        let Some(service) = services.get(*name) else { return Err(LoadError::Refused("a named service is missing")) };
        if !enabled.contains(name) {
            profiles.extend(service.profiles.iter().cloned());
        }
    }
    enabled = self::enabled(services, &profiles);
    let all =
        if named.is_empty() { enabled.clone() } else { with_dependencies(&named, services, &enabled, is_strict)? };
    let keeps_dependencies = match action {
        ComposeAction::Resolve => true,
        ComposeAction::Up | ComposeAction::Run => !task.flags.is_on("--no-deps"),
        ComposeAction::Pull | ComposeAction::Push => task.flags.is_on("--include-deps"),
        ComposeAction::Build => task.flags.is_on("--with-dependencies"),
    };
    let is_chosen = |name: &&str| named.is_empty() || keeps_dependencies || named.contains(name);
    let chosen: BTreeSet<&str> = all.into_iter().filter(is_chosen).collect();
    let built = if matches!(action, ComposeAction::Pull | ComposeAction::Resolve | ComposeAction::Push) {
        BTreeSet::new()
    } else {
        with_sources(&chosen, services)
    };
    let found = |names: BTreeSet<&str>| names.into_iter().filter_map(|name| services.get(name)).collect();
    Ok(ServiceSelection { services: found(chosen), built: found(built) })
}

fn enabled<'s>(services: &'s Services, profiles: &[String]) -> BTreeSet<&'s str> {
    let active = services.iter().filter(|(_, service)| service.is_active(profiles));
    active.map(|(name, _)| name.as_str()).collect()
}

/// Makes the checks that Compose makes before it starts a project.
fn check(services: &Services, enabled: &BTreeSet<&str>) -> Result<(), LoadError> {
    for service in enabled.iter().filter_map(|name| services.get(*name)) {
        if service.image.is_empty() && service.build.is_none() && !service.is_provided {
            return Err(LoadError::Refused("a service has neither an image nor a build"));
        }
        let is_missing = |(name, is_required): (&String, &bool)| {
            !enabled.contains(name.as_str()) && (*is_required || !services.contains_key(name))
        };
        if service.depends_on.iter().any(is_missing) {
            return Err(LoadError::Refused("a service depends on a missing or disabled service"));
        }
    }
    let needs = enabled.iter().filter_map(|name| {
        let others = services.get(*name)?.depends_on.keys().map(String::as_str);
        Some((*name, others.filter(|other| enabled.contains(other)).collect()))
    });
    let is_circle = has_circle(&needs.collect());
    if is_circle { Err(LoadError::Refused("services depend on each other in a circle")) } else { Ok(()) }
}

fn with_dependencies<'s>(
    named: &[&str],
    services: &'s Services,
    enabled: &BTreeSet<&'s str>,
    is_strict: bool,
) -> Result<BTreeSet<&'s str>, LoadError> {
    let mut chosen = BTreeSet::new();
    let mut waiting: Vec<(&str, bool)> = named.iter().map(|name| (*name, true)).collect();
    while let Some((name, is_required)) = waiting.pop() {
        let Some((name, service)) = services.get_key_value(name).filter(|(name, _)| enabled.contains(name.as_str()))
        else {
            if is_required && is_strict {
                return Err(LoadError::Refused("a service depends on a missing or disabled service"));
            }
            continue;
        };
        if chosen.insert(name.as_str()) {
            waiting.extend(service.depends_on.iter().map(|(name, is_required)| (name.as_str(), *is_required)));
        }
    }
    Ok(chosen)
}

/// Returns the chosen services that have a build, and the services that these builds need.
fn with_sources<'s>(chosen: &BTreeSet<&'s str>, services: &'s Services) -> BTreeSet<&'s str> {
    let mut built = BTreeSet::new();
    let mut waiting: Vec<&str> = chosen.iter().copied().collect();
    while let Some(name) = waiting.pop() {
        let Some((name, service)) = services.get_key_value(name) else { continue };
        if service.build.is_some() && built.insert(name.as_str()) {
            waiting.extend(service.build_services());
        }
    }
    built
}
