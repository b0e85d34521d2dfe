//! Functions of maps.

use std::collections::BTreeMap;

use super::{Function, FunctionArguments};
use crate::caller::files::hcl::value::{EvalError, EvalResult, HclValue};

pub(super) fn find(name: &str) -> Option<Function> {
    Some(match name {
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

fn lookup(arguments: &FunctionArguments<'_>) -> EvalResult {
    let (map, key) = (arguments.get(0)?.as_map()?, arguments.text(1)?);
    match (map.get(&key), arguments.values.get(2)) {
        (Some(value), _) => Ok(value.clone()),
        (None, Some(default)) => Ok(default.clone()),
        (None, None) => Err(EvalError::Refused),
    }
}
