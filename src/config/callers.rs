//! Reads and writes an account's caller rule, which is the field `callers` in `config.json`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::source::compact;
use crate::model::CallerRule;

/// Reads `{"programs": ["docker"], "terminal": "required", "agents": "refused", "grant": "required"}`. A rule that
/// Ensign does not understand refuses every caller. If Ensign does not understand a rule, the rule's text is kept.
pub(super) fn read(value: Option<Value>) -> CallerRule {
    let Some(value) = value.filter(|value| !value.is_null()) else { return CallerRule::default() };
    match serde_json::from_value::<RawCallerRule>(value.clone()) {
        Ok(RawCallerRule { programs, terminal, agents, grant }) => CallerRule {
            programs,
            terminal_only: terminal.is_some(),
            refuses_agents: agents.is_some(),
            needs_grant: grant.is_some(),
            unknown: None,
        },
        Err(_) => CallerRule { unknown: Some(value.to_string()), ..CallerRule::default() },
    }
}

/// Returns the JSON of a rule, or `null` for an account without a rule.
pub(super) fn write(rule: &CallerRule) -> Value {
    if let Some(unknown) = &rule.unknown {
        return serde_json::from_str(unknown).unwrap_or_else(|_| json!({}));
    }
    if rule.is_empty() {
        return Value::Null;
    }
    compact(&RawCallerRule {
        programs: rule.programs.clone(),
        terminal: rule.terminal_only.then_some(RequiredWord::Required),
        agents: rule.refuses_agents.then_some(RefusedWord::Refused),
        grant: rule.needs_grant.then_some(RequiredWord::Required),
    })
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct RawCallerRule {
    #[serde(default)]
    programs: Vec<String>,
    terminal: Option<RequiredWord>,
    agents: Option<RefusedWord>,
    grant: Option<RequiredWord>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum RequiredWord {
    Required,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum RefusedWord {
    Refused,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_reads_back() {
        for text in [
            r#"{"programs":["docker","/opt/x"]}"#,
            r#"{"terminal":"required"}"#,
            r#"{"agents":"refused"}"#,
            r#"{"grant":"required"}"#,
            r#"{"programs":["docker"],"terminal":"required","agents":"refused","grant":"required"}"#,
        ] {
            let value: Value = serde_json::from_str(text).unwrap();
            let rule = read(Some(value.clone()));
            assert!(rule.unknown.is_none() && !rule.is_empty(), "{text}");
            assert_eq!(write(&rule), value, "{text}");
        }
        assert_eq!((read(None), read(Some(Value::Null))), (CallerRule::default(), CallerRule::default()));
        assert_eq!(write(&CallerRule::default()), Value::Null);
    }

    #[test]
    fn a_rule_that_is_not_understood_is_kept_and_is_a_rule() {
        for text in
            [r#"{"programs":"docker"}"#, r#"{"agents":"some"}"#, r#"{"terminal":true}"#, r#"{"later":1}"#, "[]", "1"]
        {
            let value: Value = serde_json::from_str(text).unwrap();
            let rule = read(Some(value.clone()));
            assert!(rule.unknown.is_some() && !rule.is_empty(), "{text}");
            assert_eq!(write(&rule), value, "{text}");
        }
    }
}
