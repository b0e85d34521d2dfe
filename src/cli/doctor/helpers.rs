//! Checks every credential helper whose name is in a file of Docker, the container tools or Ensign.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::diagnosis::{Check, Diagnosis};
use super::remedy::Remedy;
use super::{Section, Survey, count};
use crate::accounts::{HelperHealth, health_of};
use crate::cli::{CommandContext, grouped, some_of};
use crate::docker::configured_helper::ConfiguredHelper;
use crate::docker::containers::{self, RegistriesConf};
use crate::docker::{ConfigJson, HELPER};
use crate::model::{HelperName, Registry, StoreKind};
use crate::system::find_program;
use crate::system::text::{one_line, quote, quote_path};

/// A credential helper, with all entries that contain the helper's name.
#[derive(Clone, Debug)]
struct NamedHelper {
    /// The name without `docker-credential-`.
    name: String,
    /// The entries, at least one.
    by: Vec<NamedBy>,
    health: HelperHealth,
}

/// A config entry with the name of a helper. The kind of the entry decides which calls fail if the helper is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
enum NamedBy {
    /// A helper for every registry, from `credsStore` (Docker) or `credential-helpers` (Podman).
    EveryRegistry { file: PathBuf, shown: String, is_json: bool },
    /// A helper for one registry, from `credHelpers`.
    Registry { file: PathBuf, shown: String, registry: String },
    /// A route of Ensign, or the fallback if the registry is `None`.
    Route(Option<Registry>),
    /// An account whose secret is stored with the helper.
    Account { registry: String, name: String },
}

pub(super) fn examine(context: &CommandContext<'_>, survey: &Survey) -> Section {
    let helpers = gather(context, survey);
    let others: Vec<_> = helpers.iter().filter(|helper| !ConfiguredHelper::named(&helper.name).is_ensign()).collect();
    let summary = match others.len() {
        0 => "no other helper is configured".to_owned(),
        number => format!(
            "{} configured, and {}",
            count(number, "other helper"),
            if number == 1 { "it answers" } else { "all answer" }
        ),
    };
    Section::new("helpers", summary, helpers.iter().filter_map(|helper| judge(helper, context.program)).collect())
}

fn judge(helper: &NamedHelper, program: &str) -> Option<Diagnosis> {
    let places: Vec<String> = helper.by.iter().map(NamedBy::place).collect();
    let named = format!("`{}`, named by {}", helper.program(), some_of(&places, 3));
    let broken = helper.by.iter().find_map(|by| by.breaks(helper.health));
    let (check, found, remedy) = match helper.health {
        HelperHealth::Answers | HelperHealth::Ensign | HelperHealth::Unasked => return None,
        HelperHealth::Missing => {
            (Check::HelperMissing, format!("{named}, is not in any absolute folder of PATH"), helper.without(program))
        }
        HelperHealth::Silent => {
            (Check::HelperSilent, format!("{named}, did not answer `list` in 3 seconds"), helper.by_hand(program))
        }
        HelperHealth::Fails => (Check::HelperFailing, format!("{named}, failed at `list`"), helper.by_hand(program)),
        HelperHealth::Nonsense => {
            let found = format!("{named}, answered `list`, but not with a list of logins");
            (Check::HelperFailing, found, helper.by_hand(program))
        }
    };
    Some(match broken {
        Some(breaks) => Diagnosis::broken(check, found, breaks, remedy),
        None => Diagnosis::note(check, found, "registries whose login only this helper has", remedy),
    })
}

impl NamedHelper {
    fn program(&self) -> String {
        format!("docker-credential-{}", one_line(&self.name, 60))
    }

    /// Returns the remedy for a missing helper. The remedy removes the helper's name from JSON files of Docker and
    /// Podman, and from routes. If the name is in none of these, the remedy is a command that the user must run.
    fn without(&self, program: &str) -> Remedy {
        let (mut files, mut routes) = (Vec::new(), Vec::new());
        for by in &self.by {
            match by {
                NamedBy::EveryRegistry { file, is_json: true, .. } | NamedBy::Registry { file, .. } => {
                    if !files.contains(file) {
                        files.push(file.clone());
                    }
                }
                NamedBy::Route(route) => routes.push(route.clone()),
                NamedBy::Account { .. } | NamedBy::EveryRegistry { .. } => {}
            }
        }
        if files.is_empty() && routes.is_empty() {
            return Remedy::Command(self.command_without(program, None));
        }
        Remedy::DropHelper { helper: self.name.clone(), files, routes }
    }

    /// Returns the remedy for a helper that fails. A failing helper may be locked or may not support `list`, so a
    /// person must read the helper's message and decide.
    fn by_hand(&self, program: &str) -> Remedy {
        let look = format!("`echo | {} list` shows what is wrong with the helper", self.program());
        Remedy::Command(self.command_without(program, Some(&look)))
    }

    /// Returns the command that removes the helper's name from the first entry. Advice in parentheses follows the
    /// command.
    fn command_without(&self, program: &str, note: Option<&str>) -> String {
        let take_out = format!("remove `{}`", one_line(&self.name, 60));
        let (command, deed) = match &self.by[0] {
            NamedBy::Account { registry, name } => {
                (format!("{program} login {} --alias {} --store file", quote(registry), quote(name)), None)
            }
            NamedBy::EveryRegistry { file, .. } | NamedBy::Registry { file, .. } => {
                (format!("\"${{EDITOR:-vi}}\" {}", quote_path(file)), Some(take_out.as_str()))
            }
            NamedBy::Route(Some(registry)) => (format!("{program} route {} --remove", quote(registry.as_str())), None),
            NamedBy::Route(None) => (format!("{program} route --no-fallback"), None),
        };
        let notes: Vec<&str> = deed.into_iter().chain(note).collect();
        if notes.is_empty() { command } else { format!("{command}   ({})", notes.join("; ")) }
    }
}

impl NamedBy {
    fn place(&self) -> String {
        match self {
            Self::EveryRegistry { shown, .. } => format!("{shown} for every registry"),
            Self::Registry { shown, registry, .. } => format!("{shown} for {}", one_line(registry, 60)),
            Self::Route(Some(registry)) => format!("`route` for {registry}"),
            Self::Route(None) => "`route` for all other registries".to_owned(),
            Self::Account { registry, name } => format!("the account {name} on {registry}"),
        }
    }

    /// Describes what no longer works without this helper. If the helper exists and only its `list` failed, returns
    /// `None` for every kind of entry except `EveryRegistry`, because `get` may still work.
    fn breaks(&self, health: HelperHealth) -> Option<String> {
        match (self, health) {
            (Self::EveryRegistry { .. }, _) => Some("every pull, push and build that asks for a login".to_owned()),
            (Self::Account { registry, name }, HelperHealth::Missing) => {
                Some(format!("the account {name} on {registry} has no secret"))
            }
            (Self::Registry { registry, .. }, HelperHealth::Missing) => {
                Some(format!("pulls and pushes of {}, and builds of any image", one_line(registry, 60)))
            }
            (Self::Route(Some(registry)), HelperHealth::Missing) => Some(format!("no helper answers for {registry}")),
            (Self::Route(None), HelperHealth::Missing) => {
                Some("no helper answers for registries without an account here".to_owned())
            }
            _ => None,
        }
    }
}

fn gather(context: &CommandContext<'_>, survey: &Survey) -> Vec<NamedHelper> {
    let mut named: Vec<(String, NamedBy)> = Vec::new();
    let docker = context.env.docker_config_file();
    for file in survey.client_files.iter().filter_map(|path| ConfigJson::load(path).ok()) {
        let (path, shown) = (file.path().to_owned(), context.env.shorten_home(file.path()));
        // Only Docker reads `credsStore`.
        if let Some(store) = file.store().filter(|_| docker.as_ref() == Some(&path)) {
            let by = NamedBy::EveryRegistry { file: path.clone(), shown: shown.clone(), is_json: true };
            named.push((store.to_owned(), by));
        }
        for (registry, helper) in file.helpers().filter(|(_, helper)| !helper.is_empty()) {
            let registry = crate::docker::logins::shown(registry);
            named.push((helper.to_owned(), NamedBy::Registry { file: path.clone(), shown: shown.clone(), registry }));
        }
    }
    let conf = containers::registries_conf(context.env).filter(|_| survey.has_containers_tools);
    if let Some(conf) = conf.and_then(|path| Some((RegistriesConf::load(&path).ok()?, path))) {
        let (file, shown) = (conf.1.clone(), context.env.shorten_home(&conf.1));
        let helpers = conf.0.helpers().into_iter().filter(|name| *name != containers::AUTH_FILES);
        named.extend(helpers.map(|name| {
            (name.to_owned(), NamedBy::EveryRegistry { file: file.clone(), shown: shown.clone(), is_json: false })
        }));
    }
    named.extend(survey.routes.iter().map(|route| (route.helper.to_string(), NamedBy::Route(route.by.clone()))));
    for account in survey.accounts() {
        if let StoreKind::Helper(helper) = &account.store {
            let (registry, name) = (account.registry.to_string(), account.name.to_string());
            named.push((helper.to_string(), NamedBy::Account { registry, name }));
        }
    }
    with_health(named)
}

/// Tests each helper only once, even if several entries name the helper.
fn with_health(named: Vec<(String, NamedBy)>) -> Vec<NamedHelper> {
    let helpers = grouped(named.into_iter());
    let asked: Vec<HelperName> = helpers.iter().filter_map(|(name, _)| name.parse().ok()).collect();
    let healths: BTreeMap<_, _> = asked.iter().map(ToString::to_string).zip(health_of(&asked)).collect();
    let is_there = |name: &str| name == HELPER || find_program(&format!("docker-credential-{name}")).is_some();
    let health = |name: &str| match healths.get(name) {
        Some(health) => *health,
        None if is_there(name) => HelperHealth::Ensign, // another check covers Ensign itself
        None => HelperHealth::Missing,
    };
    helpers.into_iter().map(|(name, by)| NamedHelper { health: health(&name), name, by }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_of_hosts_is_quoted_for_the_shell() {
        let by = vec![NamedBy::Account { registry: "*.a.io".into(), name: "me".into() }];
        let helper = NamedHelper { name: "x".into(), by, health: HelperHealth::Missing };
        let command = judge(&helper, "e").unwrap().command("e");
        assert_eq!(command, "e login '*.a.io' --alias me --store file");
    }

    #[test]
    fn what_a_helper_breaks_depends_on_who_names_it() {
        use HelperHealth::{Answers, Ensign, Fails, Missing, Nonsense, Silent, Unasked};
        let file = || PathBuf::from("/c.json");
        let every = |is_json| NamedBy::EveryRegistry { file: file(), shown: "c.json".into(), is_json };
        let registry = || NamedBy::Registry { file: file(), shown: "c.json".into(), registry: "a.io".into() };
        let account = || NamedBy::Account { registry: "a.io".into(), name: "me".into() };
        let route = || NamedBy::Route(None);
        for (by, health, expected) in [
            (every(true), Answers, None),
            (every(true), Ensign, None),
            (every(true), Unasked, None),
            (every(true), Missing, Some(("helper-missing", "broken", true))),
            (every(false), Missing, Some(("helper-missing", "broken", false))),
            (every(true), Silent, Some(("helper-silent", "broken", false))),
            (every(true), Fails, Some(("helper-failing", "broken", false))),
            (every(true), Nonsense, Some(("helper-failing", "broken", false))),
            (registry(), Missing, Some(("helper-missing", "broken", true))),
            (registry(), Fails, Some(("helper-failing", "note", false))),
            (registry(), Silent, Some(("helper-silent", "note", false))),
            (route(), Missing, Some(("helper-missing", "broken", true))),
            (route(), Nonsense, Some(("helper-failing", "note", false))),
            (account(), Missing, Some(("helper-missing", "broken", false))),
        ] {
            let helper = NamedHelper { name: "x".into(), by: vec![by], health };
            let found = judge(&helper, "ensign");
            let found = found
                .as_ref()
                .map(|diagnosis| (diagnosis.check.name(), diagnosis.severity.name(), diagnosis.remedy.is_ours()));
            assert_eq!(found, expected, "{helper:?}");
        }
    }

    #[test]
    fn a_file_with_a_blank_is_quoted_for_the_shell() {
        let by = NamedBy::EveryRegistry { file: "/a b/c.json".into(), shown: "c.json".into(), is_json: true };
        let helper = NamedHelper { name: "x".into(), by: vec![by], health: HelperHealth::Fails };
        assert_eq!(helper.command_without("ensign", None), "\"${EDITOR:-vi}\" '/a b/c.json'   (remove `x`)");
    }
}
