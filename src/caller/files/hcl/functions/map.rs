//! Functions of maps.

use std::collections::BTreeMap;

use super::{Arguments, Function};
use crate::caller::files::hcl::value::{Outcome, Stop, Value};

pub(super) fn find(name: &str) -> Option<Function> {
    Some(match name {
        "lookup" => lookup,
        "keys" => |a| Ok(Value::texts(a.get(0)?.as_map()?.keys())),
        "values" => |a| Ok(Value::list(a.get(0)?.as_map()?.values().cloned().collect())),
        "merge" => |a| {
            let mut merged = BTreeMap::new();
            for map in a.values.iter().filter(|value| **value != Value::Null) {
                merged.extend(map.as_map()?.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
            Ok(Value::map(merged))
        },
        "zipmap" => |a| {
            let keys = a.list(0)?.iter().map(Value::as_known_text).collect::<Outcome<Vec<_>>>()?;
            let values = a.list(1)?;
            if keys.len() != values.len() {
                return Err(Stop::Refused);
            }
            Ok(Value::map(keys.into_iter().zip(values.iter().cloned()).collect()))
        },
        _ => return None,
    })
}

fn lookup(arguments: &Arguments<'_>) -> Outcome {
    let (map, key) = (arguments.get(0)?.as_map()?, arguments.text(1)?);
    match (map.get(&key), arguments.optional(2)) {
        (Some(value), _) => Ok(value.clone()),
        (None, Some(default)) => Ok(default.clone()),
        (None, None) => Err(Stop::Refused),
    }
}
