//! Functions of sets, which are lists in order without doubles here.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::{Arguments, Function};
use crate::caller::files::hcl::value::{Outcome, Stop, Value};

/// More than people build at once.
const PRODUCT_AT_MOST: usize = 4096;

pub(super) fn find(name: &str) -> Option<Function> {
    Some(match name {
        "setunion" => |a| combine(a, |one, other| one.union(other).cloned().collect()),
        "setintersection" => |a| combine(a, |one, other| one.intersection(other).cloned().collect()),
        "setsubtract" => |a| combine(a, |one, other| one.difference(other).cloned().collect()),
        "setsymmetricdifference" => |a| combine(a, |one, other| one.symmetric_difference(other).cloned().collect()),
        "sethaselement" => |a| Ok(Value::Bool(set(a.get(0)?)?.contains(&a.text(1)?))),
        "setproduct" => product,
        _ => return None,
    })
}

type Texts = BTreeSet<Rc<str>>;

/// Sets of other things than texts are not known.
fn set(value: &Value) -> Outcome<Texts> {
    let text = |item: &Value| match item {
        Value::Text(_) => item.as_known_text(),
        _ => Err(Stop::NotKnown),
    };
    value.as_list()?.iter().map(text).collect()
}

fn combine(arguments: &Arguments<'_>, combine: impl Fn(&Texts, &Texts) -> Texts) -> Outcome {
    let mut sets = arguments.values.iter().map(set);
    let first = sets.next().ok_or(Stop::Refused)??;
    let all = sets.try_fold(first, |all, next| Ok(combine(&all, &next?)))?;
    Ok(Value::texts(all))
}

/// Of lists: every combination, the first of all first.
fn product(arguments: &Arguments<'_>) -> Outcome {
    let mut all = vec![Vec::new()];
    for list in arguments.values {
        let list = list.as_list()?;
        let size = all.len().saturating_mul(list.len());
        let may_be_made = size <= PRODUCT_AT_MOST && arguments.budget.spend(size as u64 * 16);
        may_be_made.then_some(()).ok_or(Stop::NotKnown)?;
        let with = |row: &Vec<Value>, item: &Value| row.iter().chain([item]).cloned().collect::<Vec<_>>();
        all = all.iter().flat_map(|row| list.iter().map(|item| with(row, item))).collect();
    }
    Ok(Value::list(all.into_iter().map(Value::list).collect()))
}
