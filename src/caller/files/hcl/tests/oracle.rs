//! Compares Ensign's value of each expression with the value of buildx 0.29.1. `tests/e2e/bake_files.py --record`
//! writes the table.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::shown;
use crate::caller::files::budget::Budget;
use crate::caller::files::hcl::eval_context::{EvalContext, Locals};
use crate::caller::files::hcl::value::EvalError;
use crate::caller::files::hcl::{json, parse};

#[derive(Deserialize)]
struct OracleTable {
    /// The variables and functions that the expressions use.
    file: String,
    /// Each expression with its value as JSON.
    values: Vec<(String, String)>,
}

const REFUSED: &str = "(refused)";

/// Ensign may have a value for an expression that buildx refuses, because buildx then requests nothing. Ensign may also
/// not know a value that buildx knows.
#[test]
fn expressions_have_the_values_of_buildx() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bake_values.json");
    let table: OracleTable = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let (mut faults, mut not_known) = (Vec::new(), 0);
    for values in table.values.chunks(100) {
        let named = values.iter().enumerate().map(|(at, (expression, _))| format!("asked{at} = {expression}\n"));
        let documents = [table.file.clone(), named.collect()].map(|text| parse(&text, &Budget::new()).unwrap());
        for (at, (expression, expected)) in values.iter().enumerate() {
            let world = EvalContext::new(&documents, BTreeMap::new(), Box::new(|_| None), Budget::new());
            let value = world.named(&format!("asked{at}"), &Locals::default());
            match value.clone().and_then(|value| json::encode(&value)).as_deref() {
                _ if expected == REFUSED => {}
                Ok(value) if value == expected => {}
                Err(EvalError::NotKnown) => not_known += 1,
                _ => faults.push(format!("{expression}: {}, not {expected}", shown(&value))),
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    let share = not_known * 100 / table.values.len();
    assert!(share < 10, "{not_known} of {} are not known", table.values.len());
}
