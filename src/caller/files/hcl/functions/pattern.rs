//! Functions that use regular expressions. In ASCII texts, a regular expression matches the same in Go and Rust.

use regex_lite::{Captures, Match, Regex, RegexBuilder};

use super::{Function, FunctionArguments};
use crate::caller::files::hcl::value::{EvalError, EvalResult, HclValue};

const PATTERN_AT_MOST: usize = 1000;
/// The maximum size of a compiled pattern in bytes. Counted repetitions such as `a{500}` make a pattern large.
const SIZE_AT_MOST: usize = 1 << 15;

pub(super) fn find(name: &str) -> Option<Function> {
    Some(match name {
        "regex" => |a| {
            let (pattern, text) = (pattern(a, 0, 1)?, a.plain_text(1)?);
            let found = pattern.captures(&text).ok_or(EvalError::Refused)?;
            groups(&pattern, &found)
        },
        "regexall" => |a| {
            let (pattern, text) = (pattern(a, 0, 1)?, a.plain_text(1)?);
            let all = pattern.captures_iter(&text).map(|found| groups(&pattern, &found));
            all.collect::<EvalResult<_>>().map(HclValue::list)
        },
        "regex_replace" => |a| {
            let (pattern, text, to) = (pattern(a, 1, 0)?, a.plain_text(0)?, a.text(2)?);
            if to.len() > 256 || text.len() > 4096 {
                return Err(EvalError::NotKnown);
            }
            Ok(HclValue::text(pattern.replace_all(&text, &*to)))
        },
        _ => return None,
    })
}

/// Compiles the pattern in the argument `at`. The cost of a search in the argument `text` is taken from the budget
/// first.
fn pattern(arguments: &FunctionArguments<'_>, at: usize, text: usize) -> EvalResult<Regex> {
    let (pattern, text) = (arguments.plain_text(at)?, arguments.plain_text(text)?);
    let cost = (text.len() as u64 + 16) * (pattern.len() as u64 + 64);
    if pattern.len() > PATTERN_AT_MOST {
        return Err(EvalError::NotKnown);
    }
    arguments.spend(cost * 4)?;
    let size = SIZE_AT_MOST.min(4096 + pattern.len() * 64);
    RegexBuilder::new(&pattern).size_limit(size).build().map_err(|_| EvalError::NotKnown) // Go may accept the pattern
}

/// Returns the groups of a match, either all by number or all by name. For a pattern without groups, returns the whole
/// match.
fn groups(pattern: &Regex, found: &Captures<'_>) -> EvalResult {
    let text = |group: Option<Match<'_>>| group.map_or(HclValue::Null, |group| HclValue::text(group.as_str()));
    let names: Vec<_> = pattern.capture_names().skip(1).collect();
    if names.is_empty() {
        return Ok(text(found.get(0)));
    }
    if names.iter().all(Option::is_none) {
        return Ok(HclValue::list((1..=names.len()).map(|at| text(found.get(at))).collect()));
    }
    if names.iter().any(Option::is_none) {
        return Err(EvalError::Refused);
    }
    let group = |name: &str| (name.into(), text(found.name(name)));
    Ok(HclValue::map(names.into_iter().flatten().map(group).collect()))
}
