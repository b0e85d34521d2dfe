//! Functions of lists and maps.

use std::collections::BTreeMap;

use super::{Function, FunctionArguments};
use crate::caller::files::hcl::collections::index;
use crate::caller::files::hcl::value::{EvalError, EvalResult, HclValue};

/// The largest number of items that go-cty accepts in the result of `range`.
const RANGE_AT_MOST: usize = 1024;

pub(super) fn find(name: &str) -> Option<Function> {
    Some(match name {
        "length" => length,
        "element" => element,
        "index" => |a| index(a.get(0)?, a.get(1)?),
        "hasindex" => |a| match (a.get(0)?, index(a.get(0)?, a.get(1)?)) {
            (HclValue::Map(_), _) | (_, Err(EvalError::NotKnown)) => Err(EvalError::NotKnown),
            (HclValue::List(_), found) => Ok(HclValue::Bool(found.is_ok())),
            _ => Err(EvalError::Refused),
        },
        "contains" => |a| Ok(HclValue::Bool(position(a)?.is_some())),
        "indexof" => |a| position(a)?.map(HclValue::integer).ok_or(EvalError::Refused),
        "concat" => |a| {
            let lists = a.values.iter().map(HclValue::as_list).collect::<EvalResult<Vec<_>>>()?;
            let whole = HclValue::list(lists.concat());
            a.values.iter().try_for_each(|list| list.as_type_with(&whole).map(drop))?; // lists have one type
            Ok(whole)
        },
        "compact" => |a| {
            let is_there = |value: &&HclValue| !matches!(value, HclValue::Null) && **value != HclValue::text("");
            let items = a.list(0)?.iter().filter(is_there);
            items.map(|item| item.as_text().map(HclValue::Text)).collect::<EvalResult<_>>().map(HclValue::list)
        },
        "flatten" => |a| {
            let mut flat = Vec::new();
            flatten(a.list(0)?, &mut flat);
            Ok(HclValue::list(flat))
        },
        "distinct" => distinct,
        "reverselist" => |a| Ok(HclValue::list(a.list(0)?.iter().rev().cloned().collect())),
        "sort" => |a| {
            let mut texts = a.list(0)?.iter().map(HclValue::as_known_text).collect::<EvalResult<Vec<_>>>()?;
            texts.sort_unstable();
            Ok(HclValue::texts(texts))
        },
        "slice" => |a| {
            let range = (usize::try_from(a.integer(1)?), usize::try_from(a.integer(2)?));
            let (Ok(start), Ok(end)) = range else { return Err(EvalError::Refused) };
            Ok(HclValue::list(a.list(0)?.get(start..end).ok_or(EvalError::Refused)?.to_vec()))
        },
        "chunklist" => |a| {
            let size = usize::try_from(a.integer(1)?).map_err(|_| EvalError::Refused)?;
            let size = if size == 0 { usize::MAX } else { size }; // one chunk
            Ok(HclValue::list(a.list(0)?.chunks(size).map(|chunk| HclValue::list(chunk.to_vec())).collect()))
        },
        "coalesce" => |a| {
            let found = a.values.iter().find(|value| **value != HclValue::Null).cloned().ok_or(EvalError::Refused)?;
            a.values.iter().try_fold(found, |found, other| found.as_type_with(other))
        },
        "coalescelist" => |a| {
            for list in a.values {
                if *list != HclValue::Null && !list.as_list()?.is_empty() {
                    return Ok(list.clone());
                }
            }
            Err(EvalError::Refused)
        },
        "range" => range,
        "lookup" => lookup,
        "keys" => |a| Ok(HclValue::texts(a.get(0)?.as_map()?.keys())),
        "values" => |a| Ok(HclValue::list(a.get(0)?.as_map()?.values().cloned().collect())),
        "merge" => |a| {
            let mut merged = BTreeMap::new();
            for map in a.values.iter().filter(|value| **value != HclValue::Null) {
                merged.extend(map.as_map()?.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
            Ok(HclValue::map(merged))
        },
        "zipmap" => |a| {
            let keys = a.list(0)?.iter().map(HclValue::as_known_text).collect::<EvalResult<Vec<_>>>()?;
            let values = a.list(1)?;
            if keys.len() != values.len() {
                return Err(EvalError::Refused);
            }
            Ok(HclValue::map(keys.into_iter().zip(values.iter().cloned()).collect()))
        },
        _ => return None,
    })
}

/// Returns the length of a list. The length of a map is unknown, because `length` refuses an object, and `HclValue`
/// does not distinguish objects from maps.
fn length(arguments: &FunctionArguments<'_>) -> EvalResult {
    match arguments.get(0)? {
        HclValue::Map(_) => Err(EvalError::NotKnown),
        list => Ok(HclValue::integer(list.as_list()?.len())),
    }
}

fn lookup(arguments: &FunctionArguments<'_>) -> EvalResult {
    let (map, key) = (arguments.get(0)?.as_map()?, arguments.text(1)?);
    match (map.get(&key), arguments.values.get(2)) {
        (Some(value), _) => Ok(value.clone()),
        (None, Some(default)) => Ok(default.clone()),
        (None, None) => Err(EvalError::Refused),
    }
}

/// Returns the item at an index. An index beyond the end of the list continues at the beginning.
fn element(arguments: &FunctionArguments<'_>) -> EvalResult {
    let list = arguments.list(0)?;
    let length = i64::try_from(list.len()).unwrap_or(i64::MAX);
    let at = arguments.integer(1).and_then(|at| if at < 0 { Err(EvalError::Refused) } else { Ok(at) })?;
    let at = at.checked_rem(length).ok_or(EvalError::Refused)?;
    list.get(usize::try_from(at).unwrap_or_default()).cloned().ok_or(EvalError::Refused)
}

/// Returns the position of a value. The position is unknown if an earlier item may be equal to the value.
fn position(arguments: &FunctionArguments<'_>) -> EvalResult<Option<usize>> {
    let wanted = arguments.get(1)?;
    for (at, item) in arguments.list(0)?.iter().enumerate() {
        arguments.spend(wanted.weight())?;
        if item.equals(wanted)? {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

fn flatten(items: &[HclValue], flat: &mut Vec<HclValue>) {
    for item in items {
        match item.as_list() {
            Ok(inner) => flatten(inner, flat),
            Err(_) => flat.push(item.clone()),
        }
    }
}

fn distinct(arguments: &FunctionArguments<'_>) -> EvalResult {
    let mut distinct: Vec<HclValue> = Vec::new();
    arguments.get(0)?.as_type_with(arguments.get(0)?)?; // the items of a list have one type
    for item in arguments.list(0)? {
        arguments.spend((distinct.len() as u64 + 1).saturating_mul(item.weight()))?;
        if !distinct.contains(item) {
            distinct.push(item.clone());
        }
    }
    Ok(HclValue::list(distinct))
}

/// Evaluates `range(END)`, `range(START, END)` and `range(START, END, STEP)`.
fn range(arguments: &FunctionArguments<'_>) -> EvalResult {
    let numbers = arguments.numbers()?;
    let (start, end) = match *numbers {
        [] => return Err(EvalError::Refused),
        [end] => (0.0, end),
        [start, end, ..] => (start, end),
    };
    let step = numbers.get(2).copied().unwrap_or(if end < start { -1.0 } else { 1.0 });
    let is_away = if step > 0.0 { end < start } else { end > start };
    let mut at = start;
    if start.total_cmp(&end).is_eq() {
        return Ok(HclValue::list(Vec::new()));
    }
    if step == 0.0 || is_away {
        return Err(EvalError::Refused);
    }
    let mut items = Vec::new();
    while if step > 0.0 { at < end } else { at > end } {
        if items.len() >= RANGE_AT_MOST {
            return Err(EvalError::Refused);
        }
        items.push(HclValue::number(at));
        at += step;
    }
    Ok(HclValue::list(items))
}
