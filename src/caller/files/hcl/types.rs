//! `HclType`: the types of variables, and the values of variables from the environment.
//!
//! Sources: docker/buildx `docs/bake-reference.md` (`variable.type`), hashicorp/hcl `ext/typeexpr`.

use std::collections::BTreeSet;

use super::value::{EvalError, EvalResult, HclValue};
use super::{Expression, json};
use crate::caller::command_words::parse_bool;
use crate::caller::images::csv_fields;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HclType {
    Any,
    Text,
    Number,
    Bool,
    List(Box<Self>),
    Set(Box<Self>),
    Map(Box<Self>),
    /// Any other type, such as an object or a tuple of several types. Only JSON can set a variable of such a type.
    Other,
}

/// Reads a type such as `list(string)`. In a JSON file, the type is a text.
pub(super) fn parse(constraint: &Expression) -> HclType {
    match constraint {
        Expression::String(text) if is_shallow(text) => {
            text.parse().map_or(HclType::Other, |expression| parse(&expression))
        }
        Expression::Variable(name) => match name.as_str() {
            "any" => HclType::Any,
            "string" => HclType::Text,
            "number" => HclType::Number,
            "bool" => HclType::Bool,
            _ => HclType::Other,
        },
        Expression::FuncCall(call) => {
            let inner = || Box::new(call.args.get(0).map_or(HclType::Other, parse));
            match call.name.name.as_str() {
                "list" => HclType::List(inner()),
                "set" => HclType::Set(inner()),
                "map" => HclType::Map(inner()),
                "tuple" => match call.args.get(0).and_then(|types| types.as_array()) {
                    Some(types) => HclType::of_all(types.iter().map(parse)),
                    None => HclType::Other,
                },
                _ => HclType::Other,
            }
        }
        _ => HclType::Other,
    }
}

/// Tells whether a type has so little nesting that its parser needs no large stack.
fn is_shallow(text: &str) -> bool {
    text.len() <= 200 && text.matches(|c: char| !c.is_alphanumeric() && !" _,)]}".contains(c)).count() <= 8
}

/// Returns a variable's value from `--var` or the environment. The value has the declared type, or the default's type
/// if no type is declared. Returns `None` if neither `--var` nor the environment sets the variable.
pub(super) fn overridden(
    declared: Option<&HclType>,
    default: &HclValue,
    plain: Option<String>,
    json: Option<String>,
) -> Option<EvalResult> {
    let kind = declared.filter(|kind| **kind != HclType::Any).cloned().unwrap_or_else(|| HclType::of_value(default));
    let plain = plain.map(|text| kind.read(&text));
    let from_json = |text: String| json::value(&text).map(|value| kind.convert(value)).ok_or(EvalError::Refused);
    match (plain, json.map(from_json), &kind) {
        (None, None, _) => None,
        (Some(value), None, _) | (None, Some(value), _) | (Some(_), Some(value), HclType::Other) => Some(value),
        (Some(plain), Some(_), HclType::Text | HclType::Number | HclType::Bool | HclType::Any) => Some(plain),
        (Some(plain), Some(json), _) => Some(if plain == json { plain } else { Err(EvalError::NotKnown) }),
    }
}

impl HclType {
    fn of_value(value: &HclValue) -> Self {
        match value {
            HclValue::Unknown | HclValue::Null | HclValue::Text(_) => Self::Text,
            HclValue::Bool(_) => Self::Bool,
            HclValue::Number(_) => Self::Number,
            HclValue::List(_) => Self::of_all(value.as_list().unwrap_or_default().iter().map(Self::of_value)),
            HclValue::Map(_) => Self::Other,
        }
    }

    /// Returns the type of a list whose items have these types. A list of one simple type may be written with commas.
    fn of_all(mut types: impl Iterator<Item = Self>) -> Self {
        let first = types.next().unwrap_or(Self::Text);
        let is_simple = matches!(first, Self::Text | Self::Number | Self::Bool);
        if is_simple && types.all(|other| other == first) { Self::List(Box::new(first)) } else { Self::Other }
    }

    /// Reads a variable's value from a text that is not JSON. Commas separate the items of a list.
    fn read(&self, text: &str) -> EvalResult {
        match self {
            Self::Text | Self::Any => Ok(HclValue::text(text)),
            Self::Bool => parse_bool(text).map(HclValue::Bool).ok_or(EvalError::Refused),
            Self::Number => HclValue::text(text.trim()).as_number().map(HclValue::decimal),
            Self::List(inner) | Self::Set(inner) => {
                if !text.matches('"').count().is_multiple_of(2) {
                    return Err(EvalError::Refused); // an open quote
                }
                let parts = if text.is_empty() { Vec::new() } else { csv_fields(text) };
                let items = parts.iter().map(|part| inner.read(part)).collect::<EvalResult<_>>()?;
                Ok(self.convert(HclValue::list(items)))
            }
            Self::Map(_) | Self::Other => Err(EvalError::Refused),
        }
    }

    /// Converts a value to this type. Parts that cannot be converted are unknown.
    pub(super) fn convert(&self, value: HclValue) -> HclValue {
        match (self, &value) {
            (_, HclValue::Null | HclValue::Unknown) | (Self::Any | Self::Other, _) => value,
            (Self::Text, _) => value.as_text().map_or(HclValue::Unknown, HclValue::Text),
            (Self::Number, _) => value.as_number().map_or(HclValue::Unknown, HclValue::decimal),
            (Self::Bool, _) => value.as_bool().map_or(HclValue::Unknown, HclValue::Bool),
            (Self::List(inner), _) => inner.items(&value),
            (Self::Map(inner), _) => value.as_map().map_or(HclValue::Unknown, |entries| {
                HclValue::map(entries.iter().map(|(key, value)| (key.clone(), inner.convert(value.clone()))).collect())
            }),
            (Self::Set(inner), _) => {
                let items = inner.items(&value);
                let texts = items.as_list().unwrap_or_default().iter().map(HclValue::as_known_text);
                let sorted = texts.collect::<EvalResult<BTreeSet<_>>>().ok().filter(|_| **inner == Self::Text);
                sorted.map_or(HclValue::Unknown, HclValue::texts)
            }
        }
    }

    /// Converts the items of a list to this type.
    fn items(&self, list: &HclValue) -> HclValue {
        list.as_list().map_or(HclValue::Unknown, |items| {
            HclValue::list(items.iter().map(|item| self.convert(item.clone())).collect())
        })
    }
}
