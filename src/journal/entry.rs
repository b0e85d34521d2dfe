//! `JournalEntry`: one answer of Ensign, as a line of JSON.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::choice::Decision;
use crate::model::timestamp;
use crate::system::text;

/// The version of the journal's format. Entries of other versions are skipped. Little is lost, because the journal is
/// short.
const VERSION: u64 = 2;

/// The length limit of a line. Linux writes a line of this length in one step, so the lines of two processes never mix.
/// The texts and lists of a longer entry are shortened. If the entry is still too long, it is written without its
/// steps.
const LINE_LIMIT: usize = 4000;
const TEXT_LIMIT: usize = 200;
const LIST_LIMIT: usize = 8;

/// One answer of `get`, with its reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JournalEntry {
    v: u64,
    /// Seconds since 1970.
    pub(crate) at: u64,
    /// The client and its verb, if Ensign recognised the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client: Option<String>,
    pub(crate) outcome: CallOutcome,
    /// The reason why the account was not handed out to this caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refusal: Option<String>,
    #[serde(flatten)]
    pub(crate) decision: Decision,
    /// The names of Ensign's environment variables that were ignored, because the client was started without these
    /// variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) ignored: Vec<String>,
}

/// The result of a client's call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CallOutcome {
    Answered,
    /// No account answers, or the other helper has no login. The decision shows whether the account or the helper's
    /// login is missing.
    NotFound,
    /// The secret of the account is no longer valid, or the other helper failed.
    Expired,
    /// The caller rule of the account refuses this caller.
    Withheld,
    Failed,
}

impl JournalEntry {
    pub(crate) fn new(decision: Decision, outcome: CallOutcome) -> Self {
        let at = timestamp::seconds(SystemTime::now());
        Self { v: VERSION, at, client: None, outcome, refusal: None, decision, ignored: vec![] }
    }

    /// Returns the entry as one line of limited length, with a line end and without other control characters.
    pub(super) fn to_line(&self) -> String {
        let mut line = serde_json::to_string(self).unwrap_or_default();
        // a client waits for this line, so an entry that is short and plain is not processed further
        if line.len() > LINE_LIMIT || line.contains('\\') || !is_printable(&line) {
            let mut value = bounded(serde_json::to_value(self).unwrap_or_default());
            if value.to_string().len() > LINE_LIMIT {
                value["steps"] = Value::Array(vec![]);
            }
            line = value.to_string();
        }
        line + "\n"
    }

    /// Parses a line, or returns `None` if the line has no complete entry of this version. If another entry was not
    /// written completely, the line may begin with a fragment of that entry.
    pub(super) fn read(line: &str) -> Option<Self> {
        let start = line.rfind("{\"v\":")?;
        let entry: Self = serde_json::from_value(bounded(serde_json::from_str(&line[start..]).ok()?)).ok()?;
        (entry.v == VERSION && !entry.decision.registry.is_empty()).then_some(entry)
    }
}

fn is_printable(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Shortens the lists and texts in a value, and removes control characters.
fn bounded(value: Value) -> Value {
    match value {
        Value::String(text) if text.len() > TEXT_LIMIT || !is_printable(&text) => {
            Value::String(text::one_line(&text, TEXT_LIMIT))
        }
        Value::Array(values) => values.into_iter().take(LIST_LIMIT).map(bounded).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, bounded(value))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::choice::{DecisionStep, OwnedImage, Rule, RuleOutcome, Verdict};
    use proptest::prelude::*;

    #[test]
    fn an_entry_is_one_short_line() {
        let long = "\"\u{1b}[31mä\n".repeat(1000);
        let mut entry = JournalEntry::new(
            Decision::without_steps(&"ghcr.io".parse().unwrap(), Verdict::Several),
            CallOutcome::NotFound,
        );
        entry.at = 7;
        let line = r#"{"v":2,"at":7,"outcome":"not-found","registry":"ghcr.io","verdict":"several","steps":[]}"#;
        assert_eq!(entry.to_line(), format!("{line}\n"));
        assert_eq!(JournalEntry::read(line).unwrap(), entry);
        entry.client = Some(long.clone());
        let images = vec![OwnedImage { image: long.clone(), account: long.clone() }; 50];
        for outcome in [RuleOutcome::Ambiguous { images }, RuleOutcome::NoSuchAccount { name: Some(long) }] {
            entry.decision.steps = vec![DecisionStep { rule: Rule::Files, decides: true, outcome }];
            let line = entry.to_line();
            assert!(line.len() <= 4096 && line.lines().count() == 1 && !line.contains('\u{1b}'), "{line}");
            assert_eq!(JournalEntry::read(&line).unwrap().decision.registry, "ghcr.io");
        }
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let line = r#"{"v":2,"at":1,"outcome":"expired","registry":"a","verdict":"account","steps":[]}"#;
        for (line, is_read) in [
            (line.to_owned(), true),
            (format!("{{\"v\":2,\"at\":1,\"outc{line}"), true),
            (line.replace("\"a\"", "\"\""), false),
            (line.replace("\"a\"", "[\"a\"]"), false),
            (line.replace("expired", "teleported"), false),
            (line.replace(":2,", ":3,"), false),
            (r#"{"v":1,"at":1,"registry":"a","outcome":"answered","detail":{}}"#.to_owned(), false),
            (line.replace('}', ""), false),
            ("[]".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(JournalEntry::read(&line).is_some(), is_read, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_is_too_odd(line in "(\\{\"v\":2,\"registry\":\"x\")?\\PC{0,40}") {
            let _ = JournalEntry::read(&line);
        }
    }
}
