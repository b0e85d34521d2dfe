//! Implements the part of JSON Schema that `docs/schema/` uses. A field that the schema does not name is an error here,
//! so that no schema forgets a field, although other readers must ignore unknown fields.

use serde_json::{Map, Value};

/// Compares a value with a schema. The error says where they differ.
pub fn check(schema: &Value, value: &Value) -> Result<(), String> {
    check_at(schema, value, "$")
}

fn check_at(schema: &Value, value: &Value, place: &str) -> Result<(), String> {
    let empty = Map::new();
    let fields = schema.as_object().ok_or_else(|| format!("{place}: a schema is an object"))?;
    for (keyword, rule) in fields {
        match keyword.as_str() {
            "type" if !has_type(rule, value) => return Err(format!("{place}: {value} is not {rule}")),
            "enum" if !rule.as_array().is_some_and(|known| known.contains(value)) => {
                return Err(format!("{place}: {value} is none of {rule}"));
            }
            "const" if rule != value => return Err(format!("{place}: {value} is not {rule}")),
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check_at(rule, item, &format!("{place}[{index}]"))?;
                }
            }
            "required" => {
                for name in rule.as_array().into_iter().flatten().filter_map(Value::as_str) {
                    if value.is_object() && value.get(name).is_none() {
                        return Err(format!("{place}.{name} is missing"));
                    }
                }
            }
            "properties" => {
                let others = fields.get("additionalProperties");
                for (name, item) in value.as_object().unwrap_or(&empty) {
                    let place = format!("{place}.{name}");
                    match rule.get(name).or(others) {
                        Some(schema) => check_at(schema, item, &place)?,
                        None => return Err(format!("{place} is not in the schema")),
                    }
                }
            }
            "additionalProperties" if !fields.contains_key("properties") => {
                for (name, item) in value.as_object().unwrap_or(&empty) {
                    check_at(rule, item, &format!("{place}.{name}"))?;
                }
            }
            "type" | "enum" | "const" | "additionalProperties" | "$schema" | "title" | "description" => {}
            other => return Err(format!("{place}: `{other}` is not known here")),
        }
    }
    Ok(())
}

fn has_type(rule: &Value, value: &Value) -> bool {
    let name = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    rule == name || rule.as_array().is_some_and(|names| names.iter().any(|one| one == name))
}
