//! Functions of sets. In this module, a set is a sorted list without duplicates.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::{Function, FunctionArguments};
use crate::caller::files::hcl::value::{EvalError, EvalResult, HclValue};

/// The largest number of combinations in a product of lists. People build fewer targets at once.
const PRODUCT_AT_MOST: usize = 4096;

pub(super) fn find(name: &str) -> Option<Function> {
    Some(match name {
        "setunion" => |a| combine(a, |left, right| left.union(right).cloned().collect()),
        "setintersection" => |a| combine(a, |left, right| left.intersection(right).cloned().collect()),
        "setsubtract" => |a| combine(a, |left, right| left.difference(right).cloned().collect()),
        "setsymmetricdifference" => |a| combine(a, |left, right| left.symmetric_difference(right).cloned().collect()),
        "sethaselement" => |a| Ok(HclValue::Bool(set(a.get(0)?)?.contains(&a.text(1)?))),
        "setproduct" => product,
        _ => return None,
    })
}

type Texts = BTreeSet<Rc<str>>;

/// Reads a list of texts as a set. Sets of other values are unknown.
fn set(value: &HclValue) -> EvalResult<Texts> {
    let text = |item: &HclValue| match item {
        HclValue::Text(_) => item.as_known_text(),
        _ => Err(EvalError::NotKnown),
    };
    value.as_list()?.iter().map(text).collect()
}

fn combine(arguments: &FunctionArguments<'_>, combine: impl Fn(&Texts, &Texts) -> Texts) -> EvalResult {
    let mut sets = arguments.values.iter().map(set);
    let first = sets.next().ok_or(EvalError::Refused)??;
    let all = sets.try_fold(first, |all, next| Ok(combine(&all, &next?)))?;
    Ok(HclValue::texts(all))
}

/// Returns every combination of the lists' items, in the order of the lists.
fn product(arguments: &FunctionArguments<'_>) -> EvalResult {
    let mut all = vec![Vec::new()];
    for list in arguments.values {
        let list = list.as_list()?;
        let size = all.len().saturating_mul(list.len());
        if size > PRODUCT_AT_MOST {
            return Err(EvalError::NotKnown);
        }
        arguments.spend(size as u64 * 16)?;
        let with = |row: &Vec<HclValue>, item: &HclValue| row.iter().chain([item]).cloned().collect::<Vec<_>>();
        all = all.iter().flat_map(|row| list.iter().map(|item| with(row, item))).collect();
    }
    Ok(HclValue::list(all.into_iter().map(HclValue::list).collect()))
}
