//! `doctor`: finds faults of this machine's logins, and prints the effect and the remedy of each fault.
//!
//! Each group of checks has its own file. In each file, `gather` collects the facts, and the pure function `judge`
//! finds the faults in these facts. Tests call `judge` with a table of cases. `doctor` writes only with `--fix`, and
//! uses the network only with `--online`.

mod accounts;
mod answers;
mod copies;
mod diagnosis;
mod display;
mod files;
mod helpers;
mod network;
mod order;
mod path;
mod remedy;
mod report;
mod stores;

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use super::failure::Failure;
use super::{CommandContext, args};
use crate::docker::{ConfigJson, containers};
use crate::model::choice::{HelperRoute, RegistryAccounts};
use crate::model::{Account, StoreKind, count};
use diagnosis::{Diagnosis, Severity};

pub(super) use diagnosis::Check;

/// The facts that several groups of checks use. Each fact is read only once.
struct Survey {
    /// The registries with accounts.
    registries: Vec<RegistryAccounts>,
    routes: Vec<HelperRoute>,
    /// The reason why Ensign's config cannot be read.
    damage: Option<anyhow::Error>,
    /// The reason why the data key is not available. The value is `None` if the key is available or no secret is
    /// sealed.
    closed_key: Option<anyhow::Error>,
    /// Docker's `config.json`, if it can be read.
    docker: Option<ConfigJson>,
    /// The files in which Docker and the container tools look for logins. Some may not exist.
    client_files: Vec<PathBuf>,
    /// Whether Podman, Buildah or Skopeo is used on this machine.
    has_containers_tools: bool,
}

/// The result of one group of checks.
struct Section {
    group: &'static str,
    /// The text that `doctor` prints for the group if the group has no faults.
    summary: String,
    diagnoses: Vec<Diagnosis>,
}

pub(super) fn run(context: &CommandContext<'_>, arguments: &args::DoctorArguments) -> Result<ExitCode, Failure> {
    if let Some(check) = Check::ALL.iter().copied().find(|check| Some(check.name()) == arguments.fix.as_deref()) {
        return fix(context, check, arguments.online);
    }
    let (survey, sections) = examine(context, arguments.online);
    if arguments.report {
        let text = report::text(context, &survey, &sections, arguments.anonymous);
        context.ui.exact_data(json!({"report": text}), text)?;
    } else {
        context.ui.data(display::json(&sections, context.program), display::text(&sections, context.program))?;
    }
    Ok(exit_code(sections.iter().flat_map(|section| &section.diagnoses)))
}

fn examine(context: &CommandContext<'_>, online: bool) -> (Survey, Vec<Section>) {
    let survey = Survey::take(context);
    let sections = vec![
        path::examine(context, &survey),
        helpers::examine(context, &survey),
        order::examine(context, &survey),
        files::examine(context, &survey),
        stores::examine(context, &survey),
        network::examine(context, &survey, online),
        accounts::examine(context, &survey),
        answers::examine(context, &survey, online),
    ];
    (survey, sections)
}

/// The maximum number of rounds of repairs. A repair may cause another fault, which the next round repairs. For
/// example, a TLS key is useless after its certificate was renamed.
const ROUNDS: usize = 3;

/// Repairs the faults of one check, as far as `--fix` can repair them, and prints the faults that remain.
fn fix(context: &CommandContext<'_>, check: Check, online: bool) -> Result<ExitCode, Failure> {
    let is_ours = |diagnosis: &&Diagnosis| diagnosis.remedy.is_ours();
    let mut found = found_by(context, check, online);
    let was_broken = !found.is_empty();
    for _ in 0..ROUNDS {
        if !found.iter().any(|diagnosis| is_ours(&diagnosis)) {
            break;
        }
        for (place, diagnosis) in found.iter().enumerate().filter(|(_, diagnosis)| is_ours(diagnosis)) {
            if !found[..place].iter().any(|earlier| earlier.remedy == diagnosis.remedy) {
                diagnosis.remedy.carry_out(context)?;
            }
        }
        let before = std::mem::replace(&mut found, found_by(context, check, online));
        if found == before {
            break;
        }
    }
    let name = check.name();
    let json = json!({
        "check": name,
        "fixed": found.is_empty() && was_broken,
        "findings": found.iter().map(|diagnosis| display::diagnosis_json(diagnosis, context.program)).collect::<Vec<_>>(),
    });
    if found.is_empty() {
        let success = if was_broken { "fixed" } else { "nothing to fix" };
        context.ui.done(json, format_args!("{name}: {success}"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let words =
        if found.iter().any(|diagnosis| is_ours(&diagnosis)) { "is still there" } else { "needs you to fix it" };
    let lines: Vec<_> = found.iter().map(|diagnosis| display::diagnosis_text(diagnosis, context.program)).collect();
    context.ui.data(json, lines.join("\n"))?;
    context.ui.note(format_args!("{name} {words}"));
    Ok(exit_code(&found))
}

fn found_by(context: &CommandContext<'_>, check: Check, online: bool) -> Vec<Diagnosis> {
    let (_, sections) = examine(context, online);
    sections.into_iter().flat_map(|section| section.diagnoses).filter(|diagnosis| diagnosis.check == check).collect()
}

/// Returns the exit code, which is 1 if any fault has the severity `Broken`.
fn exit_code<'d>(diagnoses: impl IntoIterator<Item = &'d Diagnosis>) -> ExitCode {
    let is_broken = diagnoses.into_iter().any(|diagnosis| diagnosis.severity == Severity::Broken);
    if is_broken { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

impl Survey {
    fn take(context: &CommandContext<'_>) -> Self {
        let (registries, routes, damage) = match context.accounts.survey() {
            Ok((registries, routes)) => (registries, routes, None),
            Err(error) => (vec![], vec![], Some(error)),
        };
        let is_sealed =
            registries.iter().flat_map(|entry| &entry.accounts).any(|account| account.store == StoreKind::Sealed);
        let has_containers_tools = containers::are_found(context.env);
        let mut client_files: Vec<_> = context.env.docker_config_file().into_iter().collect();
        if has_containers_tools {
            client_files.extend(containers::login_files(context.env));
        }
        client_files.dedup(); // `REGISTRY_AUTH_FILE` may be Docker's file
        Self {
            closed_key: is_sealed.then(|| context.accounts.key().check().err()).flatten(),
            registries,
            routes,
            damage,
            docker: context.docker_config(),
            client_files,
            has_containers_tools,
        }
    }

    fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.registries.iter().flat_map(|entry| &entry.accounts)
    }

    /// Returns the registries with accounts, except patterns of hosts.
    fn hosts(&self) -> impl Iterator<Item = &RegistryAccounts> {
        self.registries.iter().filter(|entry| !entry.registry.is_pattern())
    }
}

impl Section {
    fn new(group: &'static str, summary: impl Into<String>, diagnoses: Vec<Diagnosis>) -> Self {
        Self { group, summary: summary.into(), diagnoses }
    }

    fn severity(&self) -> Option<Severity> {
        self.diagnoses.iter().map(|diagnosis| diagnosis.severity).max()
    }
}
