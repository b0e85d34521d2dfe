//! Checks whether Docker and Podman ask Ensign for each registry's login before any other helper or file.

use std::path::{Path, PathBuf};

use super::diagnosis::{Check, Diagnosis, Severity};
use super::remedy::Remedy;
use super::{Section, Survey};
use crate::cli::{CommandContext, grouped, precedence, some_of, status};
use crate::docker::configured_helper::{self, AuthConfig};
use crate::docker::containers::RefusedKey;
use crate::docker::first_login::{FirstLogin, LoginLookup};
use crate::docker::{ClientFamily, ConfigJson, HELPER, containers, plaintext_auths};
use crate::model::Registry;
use crate::system::find_program;
use crate::system::text::{one_line, quote_path};

#[derive(Debug, Default)]
struct OrderFacts {
    docker: Vec<NameFacts>,
    podman: Vec<NameFacts>,
    /// Whether `docker` is on PATH, or Docker's config exists.
    has_docker: bool,
    /// Whether `DOCKER_AUTH_CONFIG` is set to a value that Docker cannot read.
    is_variable_unreadable: bool,
    /// The present value of `credsStore`, if another program replaced Ensign in this field.
    replaced_store: Option<String>,
    /// The keys in Docker's config that make `podman --remote` fail.
    podman_keys: Vec<RefusedKey>,
    docker_file: PathBuf,
    /// Docker's config, if it cannot be read.
    unread: Option<String>,
    /// The files with plaintext logins, and the number of logins in each.
    plain: Vec<(PathBuf, usize)>,
}

/// A name of a registry with accounts, and the place where a client first looks for the registry's login.
#[derive(Debug)]
struct NameFacts {
    registry: Registry,
    name: String,
    first: FirstLogin,
}

/// The words for messages about one family of clients (Docker or the container tools).
struct FamilyWords {
    name: &'static str,
    asks: &'static str,
    uses: &'static str,
    does_not: &'static str,
    not_asking: Check,
}

const DOCKER: FamilyWords = FamilyWords {
    name: "Docker",
    asks: "asks",
    uses: "uses",
    does_not: "does not",
    not_asking: Check::DockerNotAsking,
};

const CONTAINERS_TOOLS: FamilyWords = FamilyWords {
    name: precedence::TOOLS,
    asks: "ask",
    uses: "use",
    does_not: "do not",
    not_asking: Check::PodmanNotAsking,
};

pub(super) fn examine(context: &CommandContext<'_>, survey: &Survey) -> Section {
    let facts = OrderFacts::gather(context, survey);
    let asked = |names: &[NameFacts]| some_of(&names.iter().map(|facts| facts.name.clone()).collect::<Vec<_>>(), 5);
    let summary = match (facts.docker.is_empty(), facts.podman.is_empty()) {
        _ if let Some(file) = &facts.unread => format!("unknown, because {file} cannot be read"),
        (true, true) => "no registry to ask for yet".to_owned(),
        (_, true) => format!("Docker asks Ensign for {}", asked(&facts.docker)),
        (_, false) => format!("Docker and Podman ask Ensign for {}", asked(&facts.docker)),
    };
    Section::new("order", summary, judge(&facts, |path| context.env.shorten_home(path)))
}

fn judge(facts: &OrderFacts, shown: impl Fn(&PathBuf) -> String) -> Vec<Diagnosis> {
    let docker_severity = if facts.has_docker { Severity::Broken } else { Severity::Note };
    let mut found = Vec::new();
    for (names, client, severity) in
        [(&facts.docker, &DOCKER, docker_severity), (&facts.podman, &CONTAINERS_TOOLS, Severity::Note)]
    {
        // If a client first looks in the same place for several names, these names are one fault.
        let by_place = grouped(names.iter().map(|facts| (&facts.first, facts)));
        let faults = by_place.into_iter().filter_map(|(first, names)| fault(first, &names, client, &shown));
        found.extend(faults.map(|fault| match fault.check {
            Check::AuthConfigVariable => fault, // the variable may be set on purpose
            _ => Diagnosis { severity, ..fault },
        }));
    }
    if facts.is_variable_unreadable {
        found.push(Diagnosis::note(
            Check::AuthConfigVariable,
            "DOCKER_AUTH_CONFIG is set, but not in the form that Docker reads",
            "Docker prints a warning with every command; other programs may use its logins",
            Remedy::Command(UNSET.into()),
        ));
    }
    if let Some(now) = &facts.replaced_store {
        let now = if now.is_empty() { "nothing".to_owned() } else { format!("`{}`", one_line(now, 60)) };
        found.push(Diagnosis::broken(
            Check::StoreReplaced,
            format!(
                "Docker's credsStore was Ensign and is now {now}: another program, such as Docker Desktop, changed it"
            ),
            "Docker does not ask Ensign for registries without an entry of their own, such as Docker Hub",
            Remedy::ConfigureAll,
        ));
    }
    // One repair removes all keys of Ensign.
    let others = facts.podman_keys.iter().filter(|refused| !refused.is_ours);
    for RefusedKey { key, is_ours } in
        facts.podman_keys.iter().find(|refused| refused.is_ours).into_iter().chain(others)
    {
        let key = one_line(key, 80);
        let remedy =
            if *is_ours { Remedy::ConfigureWithImport } else { Remedy::Command(without_key(&key, &facts.docker_file)) };
        found.push(Diagnosis::broken(
            Check::PodmanKey,
            format!("Docker's credHelpers has the key `{key}`"),
            "`podman --remote` fails on this key and sends no login at all",
            remedy,
        ));
    }
    for (file, number) in &facts.plain {
        if found.iter().any(|diagnosis| diagnosis.remedy == Remedy::Import(file.clone())) {
            continue;
        }
        let logins = super::count(*number, "login");
        found.push(Diagnosis::note(
            Check::PlainText,
            format!("{logins} in clear text in {}", shown(file)),
            "nothing; anyone who reads the file has the password",
            Remedy::Import(file.clone()),
        ));
    }
    found
}

/// Returns the command for a key that another program wrote into Docker's file.
fn without_key(key: &str, file: &Path) -> String {
    let name = Registry::from_key(key);
    let advice = if name.is_docker_hub() {
        format!("remove the key `{key}`")
    } else {
        format!("rename the key `{key}` to `{name}`")
    };
    format!("\"${{EDITOR:-vi}}\" {}   ({advice})", quote_path(file))
}

const UNSET: &str = "unset DOCKER_AUTH_CONFIG";

/// Returns the fault that all these names have, or `None` if the client first asks Ensign.
fn fault(
    first: &FirstLogin,
    names: &[&NameFacts],
    client: &FamilyWords,
    shown: impl Fn(&PathBuf) -> String,
) -> Option<Diagnosis> {
    let FamilyWords { name: who, asks, uses, does_not, not_asking } = client;
    let (patterns, hosts): (Vec<_>, Vec<_>) =
        names.iter().map(|facts| &facts.registry).partition(|registry| registry.is_pattern());
    let place = if names.len() == 1 && patterns.is_empty() { "this registry" } else { "these registries" };
    let unused = format!("your accounts at {place} are not used");
    let configure = || {
        let mut hosts: Vec<_> = hosts.iter().map(ToString::to_string).collect();
        hosts.dedup();
        if patterns.is_empty() { Remedy::Configure(hosts) } else { Remedy::ConfigureAll }
    };
    let (check, found, breaks, remedy) = match first {
        FirstLogin::Ensign => return None,
        FirstLogin::Nobody => (
            *not_asking,
            format!("{who} {does_not} ask Ensign for"),
            format!("pulls and pushes at {place} go out without a login"),
            configure(),
        ),
        FirstLogin::Helper { helper, file } => {
            let (check, reason) = check_of(helper);
            let program = format!("docker-credential-{}", one_line(helper, 60));
            let found = format!("{who} {asks} `{program}` instead of Ensign, as {} says, for", shown(file));
            (check, found, unused + reason, configure())
        }
        FirstLogin::Login { user, file } => {
            let found = format!("{who} {uses} the login of {} in {} for", one_line(user, 60), shown(file));
            (Check::PlainLogin, found, unused, Remedy::Import(file.clone()))
        }
        FirstLogin::Variable => {
            let found = format!("{who} {uses} the login in DOCKER_AUTH_CONFIG for");
            (Check::AuthConfigVariable, found, unused, Remedy::Command(UNSET.into()))
        }
    };
    let names: Vec<_> = names.iter().map(|facts| facts.name.clone()).collect();
    Some(Diagnosis::note(check, format!("{found} {}", some_of(&names, 5)), breaks, remedy))
}

/// Returns the check that reports a helper that a client asks instead of Ensign, and the end of the message. The
/// helper's name shows which program configured the helper.
fn check_of(helper: &str) -> (Check, &'static str) {
    match helper {
        _ if is_windows_program(helper) => (Check::WindowsHelper, "; the logins stored in Windows are used instead"),
        "desktop" => (Check::DesktopHelper, "; Docker Desktop sets its own helper again at each start"),
        _ if helper.starts_with("dev-containers-") || helper.starts_with("vscode") => (
            Check::DevContainerHelper,
            "; VS Code writes this in every dev container, unless its setting \
             `dev.containers.dockerCredentialHelper` is off",
        ),
        _ => (Check::OtherHelper, ""),
    }
}

/// Tells whether the helper is a Windows program. In WSL, a Windows program returns the logins of Windows.
fn is_windows_program(helper: &str) -> bool {
    let ending = helper.rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| ending.eq_ignore_ascii_case("exe")) || (helper == "wincred" && !cfg!(windows))
}

impl OrderFacts {
    fn gather(context: &CommandContext<'_>, survey: &Survey) -> Self {
        let unread = survey.docker.is_none().then(|| context.env.docker_config_file()).flatten();
        // A client that cannot read Docker's file asks nobody. The group `files` reports this fault.
        let names = |reader| {
            if unread.is_some() { vec![] } else { names(context, survey, reader).unwrap_or_default() }
        };
        let was_ours = |file: &&ConfigJson| {
            let before = context.accounts.replaced_store(&file.path().display().to_string());
            before.is_ok_and(|before| before.is_some())
        };
        let replaced = survey.docker.as_ref().filter(|file| file.store() != Some(HELPER)).filter(was_ours);
        let read_by_podman = survey.docker.as_ref().filter(|_| survey.has_containers_tools);
        let variable = configured_helper::auth_config_variable();
        Self {
            docker: names(ClientFamily::Docker),
            podman: if survey.has_containers_tools { names(ClientFamily::Containers) } else { vec![] },
            has_docker: find_program("docker").is_some()
                || context.env.docker_config_file().is_some_and(|path| path.exists()),
            is_variable_unreadable: configured_helper::auth_config(variable.as_deref(), "") == AuthConfig::Unreadable,
            replaced_store: replaced.map(|file| file.store().unwrap_or_default().to_owned()),
            podman_keys: read_by_podman.map(containers::keys_that_podman_refuses).unwrap_or_default(),
            docker_file: context.env.docker_config_file().unwrap_or_default(),
            unread: unread.map(|path| context.env.shorten_home(&path)),
            plain: plain(survey),
        }
    }
}

/// Returns all names of the registries with accounts. For the container tools, patterns of hosts are left out, because
/// these tools do not support patterns.
fn names(context: &CommandContext<'_>, survey: &Survey, reader: ClientFamily) -> anyhow::Result<Vec<NameFacts>> {
    let lookup = LoginLookup::new(reader, context.env)?;
    let asked = survey.registries.iter().filter(|entry| reader == ClientFamily::Docker || !entry.registry.is_pattern());
    let mut others = context.accounts.other_names().unwrap_or_default();
    let file = survey.docker.as_ref().filter(|_| reader == ClientFamily::Docker);
    let names = asked.flat_map(|entry| {
        let registry = &entry.registry;
        let names = status::names_of(others.remove(registry).unwrap_or_default(), file, registry);
        names.into_iter().map(|name| NameFacts {
            first: lookup.first(registry, &name, None),
            registry: registry.clone(),
            name,
        })
    });
    Ok(names.collect())
}

fn plain(survey: &Survey) -> Vec<(PathBuf, usize)> {
    let files = survey.client_files.iter().filter_map(|path| ConfigJson::load(path).ok());
    let counted = files.map(|file| (file.path().to_owned(), plaintext_auths::find(&file).0.len()));
    counted.filter(|(_, number)| *number > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str, first: FirstLogin) -> NameFacts {
        NameFacts { registry: Registry::from_key(name), name: name.to_owned(), first }
    }

    fn helper(helper: &str) -> FirstLogin {
        FirstLogin::Helper { helper: helper.to_owned(), file: "/c.json".into() }
    }

    /// Returns the name, severity and command of each fault.
    fn judged(facts: &OrderFacts) -> Vec<(&'static str, &'static str, String)> {
        let found = judge(facts, |path| path.display().to_string());
        found
            .iter()
            .map(|diagnosis| (diagnosis.check.name(), diagnosis.severity.name(), diagnosis.command("e")))
            .collect()
    }

    #[test]
    fn whoever_goes_first_is_named_once_with_the_way_out() {
        let force = "e configure-docker --force a.io";
        let login = || FirstLogin::Login { user: "me".into(), file: "/c.json".into() };
        for (first, expected) in [
            (FirstLogin::Ensign, None),
            (FirstLogin::Nobody, Some(("docker-not-asking", "broken", force))),
            (helper("pass"), Some(("other-helper", "broken", force))),
            (helper("desktop"), Some(("desktop-helper", "broken", force))),
            (helper("desktop.exe"), Some(("windows-helper", "broken", force))),
            (helper("wincred.exe"), Some(("windows-helper", "broken", force))),
            (helper("dev-containers-3dd92ab7"), Some(("dev-container-helper", "broken", force))),
            (login(), Some(("plain-login", "broken", "e import /c.json --remove"))),
            (FirstLogin::Variable, Some(("auth-config-variable", "note", "unset DOCKER_AUTH_CONFIG"))),
        ] {
            let facts = OrderFacts { docker: vec![name("a.io", first)], has_docker: true, ..OrderFacts::default() };
            let expected: Vec<_> =
                expected.map(|(check, severity, command)| (check, severity, command.to_owned())).into_iter().collect();
            assert_eq!(judged(&facts), expected);
        }
        let two = vec![
            name("a.io", FirstLogin::Nobody),
            name("b.io", FirstLogin::Nobody),
            name("*.c.io", FirstLogin::Ensign),
        ];
        let facts = OrderFacts { podman: two, ..OrderFacts::default() };
        assert_eq!(judged(&facts), [("podman-not-asking", "note", "e configure-docker --force a.io b.io".to_owned())]);
        let pattern =
            NameFacts { registry: Registry::pattern("*.c.io").unwrap(), ..name("*.c.io", FirstLogin::Nobody) };
        let facts = OrderFacts { docker: vec![pattern], ..OrderFacts::default() };
        assert_eq!(judged(&facts), [("docker-not-asking", "note", "e configure-docker --all".to_owned())]);
    }

    #[test]
    fn what_others_wrote_into_dockers_file_is_named() {
        let facts = OrderFacts {
            is_variable_unreadable: true,
            replaced_store: Some("desktop".into()),
            podman_keys: vec![
                RefusedKey { key: "https://index.docker.io/v1/".into(), is_ours: true },
                RefusedKey { key: "https://a.io".into(), is_ours: true },
                RefusedKey { key: "https://ghcr.io".into(), is_ours: false },
            ],
            docker_file: "/c.json".into(),
            plain: vec![("/c.json".into(), 2)],
            ..OrderFacts::default()
        };
        let rename = "\"${EDITOR:-vi}\" /c.json   (rename the key `https://ghcr.io` to `ghcr.io`)";
        let expected = [
            ("auth-config-variable", "note", "unset DOCKER_AUTH_CONFIG"),
            ("store-replaced", "broken", "e configure-docker --all"),
            ("podman-key", "broken", "e configure-docker --import"),
            ("podman-key", "broken", rename),
            ("plain-text", "note", "e import /c.json --remove"),
        ];
        assert_eq!(judged(&facts), expected.map(|(check, severity, command)| (check, severity, command.to_owned())));
    }
}
