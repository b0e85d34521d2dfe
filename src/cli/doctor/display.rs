//! Prints the result of `doctor`, for people and for programs.

use std::fmt::Write;

use serde_json::{Value, json};

use super::diagnosis::{Diagnosis, Severity};
use super::{Section, count};
use crate::cli::wrap::{WIDTH, wrap};
use crate::system::text::one_line;

/// Returns the report as text, with one line for each group of checks and three or four lines for each fault.
pub(super) fn text(sections: &[Section], program: &str) -> String {
    let mut text = String::new();
    for section in sections {
        let (mark, words) = match section.severity() {
            None => ("✓", section.summary.clone()),
            Some(severity) => (severity.mark(), tally(&section.diagnoses)),
        };
        let _ = writeln!(text, "{mark} {:10}{}", section.group.name(), one_line(&words, 300));
        for diagnosis in &section.diagnoses {
            let _ = writeln!(text, "{}", diagnosis_text(diagnosis, program));
        }
    }
    let all: Vec<_> = sections.iter().flat_map(|section| &section.diagnoses).cloned().collect();
    let verdict = if all.is_empty() { "No problems found.".to_owned() } else { format!("Found: {}.", tally(&all)) };
    let _ = writeln!(text, "\n{verdict} For a report without secrets:  {program} doctor --report");
    let _ = write!(text, "To look for a newer release:  {program} update --check");
    wrap(&text, WIDTH)
}

pub(super) fn diagnosis_text(diagnosis: &Diagnosis, program: &str) -> String {
    let Diagnosis { check, severity, found, breaks, remedy } = diagnosis;
    let by_hand = one_line(&remedy.command(*check, program), 300);
    let ours = format!("{program} doctor --fix {}", check.name());
    let fix = match remedy.is_ours() {
        true if by_hand == ours => ours,
        true => format!("{ours}\n      does:   {by_hand}"),
        false => by_hand,
    };
    let [mark, name] = [severity.mark(), check.name()];
    let [found, breaks] = [found, breaks].map(|text| one_line(text, 300));
    wrap(&format!("  {mark} {name}: {found}\n      breaks: {breaks}\n      fix:    {fix}"), WIDTH)
}

/// Returns the number of faults of each severity, such as `2 broken, 1 note`.
fn tally(diagnoses: &[Diagnosis]) -> String {
    let broken = diagnoses.iter().filter(|diagnosis| diagnosis.severity == Severity::Broken).count();
    let notes = diagnoses.len() - broken;
    let parts = [(broken, format!("{broken} broken")), (notes, count(notes, "note"))];
    let parts: Vec<_> = parts.into_iter().filter(|(number, _)| *number > 0).map(|(_, words)| words).collect();
    parts.join(", ")
}

/// Returns the report as JSON, in the format of `docs/schema/doctor.schema.json`.
pub(super) fn json(sections: &[Section], program: &str) -> Value {
    let all = || sections.iter().flat_map(|section| &section.diagnoses);
    let groups = sections.iter().map(|section| {
        json!({
            "group": section.group.name(),
            "state": section.severity().map_or("ok", Severity::name),
            "summary": section.summary,
            "findings": section.diagnoses.iter().map(|diagnosis| diagnosis_json(diagnosis, program)).collect::<Vec<_>>(),
        })
    });
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "healthy": all().all(|diagnosis| diagnosis.severity < Severity::Broken),
        "broken": all().filter(|diagnosis| diagnosis.severity == Severity::Broken).count(),
        "notes": all().filter(|diagnosis| diagnosis.severity == Severity::Note).count(),
        "groups": groups.collect::<Vec<_>>(),
    })
}

pub(super) fn diagnosis_json(diagnosis: &Diagnosis, program: &str) -> Value {
    let Diagnosis { check, severity, found, breaks, remedy } = diagnosis;
    json!({
        "check": check.name(),
        "severity": severity.name(),
        "found": found,
        "breaks": breaks,
        "command": remedy.command(*check, program),
        "fixable": remedy.is_ours(),
    })
}
