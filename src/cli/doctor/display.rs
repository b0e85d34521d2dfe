//! Prints the result of `doctor`, for people and for programs.

use std::fmt::Write;

use serde_json::{Value, json};

use super::diagnosis::{Diagnosis, Severity};
use super::{Section, count};
use crate::cli::wrap::{WIDTH, wrap};
use crate::system::text::{one_line, sanitize};

/// The maximum length of each part of the text for a terminal.
const LONGEST: usize = 300;

/// Returns the report as text, with one line for each group of checks and three or four lines for each fault.
pub(super) fn text(sections: &[Section], program: &str) -> String {
    let text = unbroken_text(sections, program, LONGEST);
    let more = format!("For a report without secrets:  {program} doctor --report");
    wrap(&format!("{text} {more}\nTo look for a newer release:  {program} update --check"), WIDTH)
}

/// Returns the report as text, without wrapping long lines. A part with more than `longest` characters is shortened.
pub(super) fn unbroken_text(sections: &[Section], program: &str, longest: usize) -> String {
    let mut text = String::new();
    for section in sections {
        let mark = section.severity().map_or("✓", Severity::mark);
        let _ = writeln!(text, "{mark} {:10}{}", section.group, one_line(&summary(section), longest));
        for diagnosis in &section.diagnoses {
            let _ = writeln!(text, "{}", unbroken_diagnosis(diagnosis, program, longest));
        }
    }
    let verdict = match tally(sections.iter().flat_map(|section| &section.diagnoses)).as_str() {
        "" => "No problems found.".to_owned(),
        tally => format!("Found: {tally}."),
    };
    let _ = write!(text, "\n{verdict}");
    text
}

/// Returns the group's own words, which hold only if the group has no faults, or else the number of faults.
fn summary(section: &Section) -> String {
    if section.diagnoses.is_empty() { section.summary.clone() } else { tally(&section.diagnoses) }
}

pub(super) fn diagnosis_text(diagnosis: &Diagnosis, program: &str) -> String {
    wrap(&unbroken_diagnosis(diagnosis, program, LONGEST), WIDTH)
}

fn unbroken_diagnosis(diagnosis: &Diagnosis, program: &str, longest: usize) -> String {
    let by_hand = sanitize(&diagnosis.command(program)); // a shortened command would be a wrong command
    let ours = diagnosis.fix_command(program);
    let fix = if diagnosis.remedy.is_ours() && by_hand != ours {
        format!("{ours}\n      does:   {by_hand}")
    } else {
        by_hand
    };
    let [mark, name] = [diagnosis.severity.mark(), diagnosis.check.name()];
    let [found, breaks] = [&diagnosis.found, &diagnosis.breaks].map(|text| one_line(text, longest));
    format!("  {mark} {name}: {found}\n      breaks: {breaks}\n      fix:    {fix}")
}

/// Returns the number of faults of each severity, such as `2 broken, 1 note`. Without faults, the text is empty.
fn tally<'d>(diagnoses: impl IntoIterator<Item = &'d Diagnosis>) -> String {
    match numbers(diagnoses) {
        (0, 0) => String::new(),
        (broken, 0) => format!("{broken} broken"),
        (0, notes) => count(notes, "note"),
        (broken, notes) => format!("{broken} broken, {}", count(notes, "note")),
    }
}

/// Returns the number of faults with the severity `Broken`, and the number of faults with the severity `Note`.
fn numbers<'d>(diagnoses: impl IntoIterator<Item = &'d Diagnosis>) -> (usize, usize) {
    let is_broken = |diagnosis: &&Diagnosis| diagnosis.severity == Severity::Broken;
    let (broken, notes): (Vec<_>, Vec<_>) = diagnoses.into_iter().partition(is_broken);
    (broken.len(), notes.len())
}

/// Returns the report as JSON, in the format of `docs/schema/doctor.schema.json`.
pub(super) fn json(sections: &[Section], program: &str) -> Value {
    let (broken, notes) = numbers(sections.iter().flat_map(|section| &section.diagnoses));
    let groups = sections.iter().map(|section| {
        json!({
            "group": section.group,
            "state": section.severity().map_or("ok", Severity::name),
            "summary": summary(section),
            "findings": section.diagnoses.iter().map(|diagnosis| diagnosis_json(diagnosis, program)).collect::<Vec<_>>(),
        })
    });
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "healthy": broken == 0,
        "broken": broken,
        "notes": notes,
        "groups": groups.collect::<Vec<_>>(),
    })
}

pub(super) fn diagnosis_json(diagnosis: &Diagnosis, program: &str) -> Value {
    json!({
        "check": diagnosis.check.name(),
        "severity": diagnosis.severity.name(),
        "found": diagnosis.found,
        "breaks": diagnosis.breaks,
        "command": diagnosis.command(program),
        "fixable": diagnosis.remedy.is_ours(),
    })
}
