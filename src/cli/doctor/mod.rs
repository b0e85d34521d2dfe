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

use std::process::ExitCode;

use serde_json::json;

use super::failure::Failure;
use super::{CommandContext, args};
use crate::docker::{ConfigJson, containers};
use crate::model::choice::{HelperRoute, RegistryAccounts};
use crate::model::{StoreKind, count};
use diagnosis::{CheckGroup, Diagnosis, Severity};

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
    /// Whether Podman, Buildah or Skopeo is used on this machine.
    has_containers_tools: bool,
}

/// The result of one group of checks.
struct Section {
    group: CheckGroup,
    /// The text in the report for a group of checks without faults.
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

/// The maximum number of repairs in a row. A repair may cause another fault. For example, a key becomes useless after
/// the key's certificate was renamed.
const ROUNDS: usize = 3;

/// Repairs all faults that one check finds, and runs the check again.
fn fix(context: &CommandContext<'_>, check: Check, online: bool) -> Result<ExitCode, Failure> {
    let before = found_by(context, check, online);
    if before.is_empty() {
        let json = json!({"check": check.name(), "fixed": false, "findings": []});
        context.ui.done(json, format_args!("{}: nothing to fix", check.name()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut after = before;
    for _ in 0..ROUNDS {
        for diagnosis in after.iter().filter(|diagnosis| diagnosis.remedy.is_ours()) {
            diagnosis.remedy.carry_out(context)?;
        }
        let now = found_by(context, check, online);
        let is_the_same = now == after;
        after = now;
        if after.is_empty() || is_the_same {
            break;
        }
    }
    let json = json!({
        "check": check.name(),
        "fixed": after.is_empty(),
        "findings": after.iter().map(|diagnosis| display::diagnosis_json(diagnosis, context.program)).collect::<Vec<_>>(),
    });
    if after.is_empty() {
        context.ui.done(json, format_args!("{}: fixed", check.name()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let words =
        if after.iter().any(|diagnosis| diagnosis.remedy.is_ours()) { "is still there" } else { "needs you to fix it" };
    let lines: Vec<_> = after.iter().map(|diagnosis| display::diagnosis_text(diagnosis, context.program)).collect();
    context.ui.data(json, lines.join("\n"))?;
    context.ui.note(format_args!("{} {words}", check.name()));
    Ok(exit_code(&after))
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
        Self {
            closed_key: is_sealed.then(|| context.accounts.key().check().err()).flatten(),
            registries,
            routes,
            damage,
            docker: context.docker_config(),
            has_containers_tools: containers::are_found(context.env),
        }
    }

    /// Returns the registries with accounts, except patterns of hosts.
    fn hosts(&self) -> impl Iterator<Item = &RegistryAccounts> {
        self.registries.iter().filter(|entry| !entry.registry.is_pattern())
    }
}

impl Section {
    fn new(group: CheckGroup, summary: impl Into<String>, diagnoses: Vec<Diagnosis>) -> Self {
        Self { group, summary: summary.into(), diagnoses }
    }

    fn severity(&self) -> Option<Severity> {
        self.diagnoses.iter().map(|diagnosis| diagnosis.severity).max()
    }
}

/// Returns a text with at most `most` names, followed by the number of the other names.
fn some_of(names: &[String], most: usize) -> String {
    let rest = names.len().saturating_sub(most);
    let shown = names[..names.len() - rest].join(", ");
    if rest == 0 { shown } else { format!("{shown} and {rest} more") }
}
